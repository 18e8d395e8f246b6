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
    for found in book.provisions:
        yield from found.span.cuts()
    for rule in book.rules:
        yield from (each.since for each in rule.yields if each.since is not None)
    for series in book.series.values():
        for value in series.dated:
            yield from value.span.cuts()
