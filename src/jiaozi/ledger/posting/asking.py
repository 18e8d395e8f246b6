"""What asking a book needs, made once when it is enacted; and the days of an instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from jiaozi.clock import Instant, day_of, day_start
from jiaozi.ledger.posting.setting import setting_of
from jiaozi.ledger.register import Register
from jiaozi.rulebook.machine.program import H_CUT_COUNT, H_CUTS, MISSING, Int64s, Program, compile_book
from jiaozi.rulebook.model import Book

EPOCH_DAY = date(2000, 1, 1)
"""Day 0 of an account's `last_paid_day`."""

Days = tuple[int, int, int]
"""Today, the first of its month and the first of its year, in days since 2000."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What asking one book needs, made once: its program, and where it wants the facts."""

    program: Program
    cuts: Int64s
    setting: Int64s
    facts: Int64s

    @classmethod
    def of(cls, book: Book, register: Register, has_counts: bool) -> Asking:
        program = compile_book(book)
        return cls(
            program=program,
            cuts=program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]],
            setting=setting_of(book.vocabulary, register.limited(), has_counts=has_counts),
            facts=np.full(len(book.vocabulary.slots) + 1, MISSING, dtype=np.int64),
        )


def days_at(instant: Instant, clock: str) -> Days:
    """Return the days of *instant* on *clock*."""
    today = day_of(instant, clock)
    starts = (today, today.replace(day=1), date(today.year, 1, 1))
    first, month, year = ((day - EPOCH_DAY).days for day in starts)
    return first, month, year


class DayClocks:
    """Looks at many clocks, and only at those on which another day has begun since it looked before."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Days, Instant]] = {}

    def days(self, instant: Instant, clock: str) -> Days:
        """Return the days of *instant*, which never falls, on *clock*."""
        if clock not in self._known or instant >= self._known[clock][1]:
            self._known[clock] = days_at(instant, clock), day_end(instant, clock)
        return self._known[clock][0]

    def next_day(self, clocks: Iterable[str]) -> Instant:
        """Return the instant at which a day ends first, of *clocks*, which were looked at."""
        return min(self._known[clock][1] for clock in clocks)


def day_end(instant: Instant, clock: str) -> Instant:
    """Return the instant at which the day of *instant* ends on *clock*."""
    return day_start(day_of(instant, clock) + timedelta(days=1), clock)
