"""The intervals of a book: between two cuts nothing in the law changes."""

from __future__ import annotations

from bisect import bisect_right

from jiaozi.clock import Instant
from jiaozi.rulebook.model import Book


def cuts(book: Book) -> tuple[Instant, ...]:
    """Return every instant at which a rule or value begins or ends, in order."""
    return book.cuts


def interval_of(cuts: tuple[Instant, ...], instant: Instant) -> int:
    """Return the number of the interval of *instant*: 0 lies before the first cut."""
    return bisect_right(cuts, instant)
