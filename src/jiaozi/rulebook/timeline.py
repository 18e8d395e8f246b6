"""The intervals of a book: between two cuts nothing in the law changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from jiaozi.clock import Instant
from jiaozi.rulebook.model import Book


def cuts(book: Book) -> tuple[Instant, ...]:
    """Return every instant at which a rule or value begins or ends, in order."""
    return tuple(sorted(set(_cuts(book))))


def interval_of(cuts: tuple[Instant, ...], instant: Instant) -> int:
    """Return the number of the interval of *instant*: 0 lies before the first cut."""
    return bisect_right(cuts, instant)


def _cuts(book: Book) -> Iterator[Instant]:
    spans = [*(r.span for r in book.rules), *(a.span for a in book.always), *(d.span for d in book.duties)]
    for span in spans:
        yield span.start
        if span.end is not None:
            yield span.end
    for rule in book.rules:
        if rule.yields_from is not None:
            yield rule.yields_from
    for series in book.series.values():
        yield from (value.start for value in series.dated)
