"""Which days are worked, which are free, which are festive, and when wages are paid.

Days come from the notices under `law/calendars`. A population may live in a year whose notice
is not out yet; then the festivals are taken where the almanac and the law on holidays put
them, and no weekend is worked. Deadlines of the law are never counted so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from jiaozi.clock import BusinessCalendar
from jiaozi.lab.population.parameters import PAYDAYS
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder

Expected = Mapping[int, tuple[tuple[tuple[int, int], int], ...]]
"""First day and length of the holidays of years without their notice."""

NEW_YEARS: Final = {
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
}
"""The first day of the Spring Festival."""

EXPECTED: Final[Expected] = {
    2027: (
        ((1, 1), 1), ((2, 5), 8), ((4, 5), 1), ((5, 1), 5), ((6, 9), 1), ((9, 15), 1), ((10, 1), 7),
    ),
    2028: (
        ((1, 1), 1), ((1, 25), 8), ((4, 4), 1), ((5, 1), 5), ((5, 28), 1), ((10, 1), 8),
    ),
}  # fmt: skip
"""In the mainland."""

EXPECTED_IN_HONG_KONG: Final[Expected] = {
    2025: (
        ((1, 1), 1), ((1, 29), 3), ((4, 4), 1), ((4, 18), 2), ((4, 21), 1), ((5, 1), 1), ((5, 5), 1),
        ((5, 31), 1), ((7, 1), 1), ((10, 1), 1), ((10, 7), 1), ((10, 29), 1), ((12, 25), 2),
    ),
    2027: (
        ((1, 1), 1), ((2, 6), 1), ((2, 8), 2), ((3, 26), 2), ((3, 29), 1), ((4, 5), 1), ((5, 1), 1),
        ((5, 13), 1), ((6, 9), 1), ((7, 1), 1), ((9, 16), 1), ((10, 1), 1), ((10, 8), 1),
        ((12, 25), 1), ((12, 27), 1),
    ),
    2028: (
        ((1, 1), 1), ((1, 26), 3), ((4, 4), 1), ((4, 14), 2), ((4, 17), 1), ((5, 1), 2), ((5, 29), 1),
        ((7, 1), 1), ((10, 2), 1), ((10, 4), 1), ((10, 26), 1), ((12, 25), 2),
    ),
}  # fmt: skip
"""In Hong Kong; a test holds them to an independent calendar."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The days of a place, whose notices are in `law/calendars/NAME.toml`."""

    name: str
    expected: Expected

    @property
    def calendar(self) -> BusinessCalendar:
        """The working days as far as notices are on file."""
        return _calendar(self.name)

    def covers(self, day: date) -> bool:
        """Return whether it is known, or expected, which days of the year of *day* are free."""
        return day.year in self.calendar.years or day.year in self.expected

    def is_worked(self, day: date) -> bool:
        """Return whether *day* is a working day, by its notice or, without one, as expected."""
        if day.year in self.calendar.years:
            return self.calendar.is_business_day(day)
        return day.weekday() < 5 and not self._is_expected_off(day)

    def is_holiday(self, day: date) -> bool:
        """Return whether *day* is free because of a holiday, weekend or not."""
        if day.year in self.calendar.years:
            return day in self.calendar.days_off
        return self._is_expected_off(day)

    def paydays_on(self, day: date) -> int:
        """Return which of PAYDAYS are paid on *day*, as bits: one on a free day is paid the working day before."""
        if not self.is_worked(day):
            return 0
        due, found = day, 0
        while True:
            if due.day in PAYDAYS:
                found |= 1 << PAYDAYS.index(due.day)
            due += timedelta(days=1)
            if self.is_worked(due):
                return found

    def _is_expected_off(self, day: date) -> bool:
        for (month, first), length in self.expected.get(day.year, ()):
            start = date(day.year, month, first)
            if start <= day < start + timedelta(days=length):
                return True
        return False


MAINLAND: Final = Dates("cn", EXPECTED)
HONG_KONG: Final = Dates("hk", EXPECTED_IN_HONG_KONG)


def is_festive(day: date) -> bool:
    """Return whether red envelopes are sent: the eve of the Spring Festival and the two days after it."""
    new_year = NEW_YEARS.get(day.year)
    return new_year is not None and -1 <= (day - new_year).days <= 1


@cache
def _calendar(name: str) -> BusinessCalendar:
    return read_calendar(law_folder() / "calendars" / f"{name}.toml")
