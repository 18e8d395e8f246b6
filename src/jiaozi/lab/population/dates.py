"""Which days are worked, which are free, which are festive, and when wages are paid.

Days come from the notices in `law/calendars/cn.toml`. A population may live in a year whose notice
is not out yet; then the festivals are taken where the almanac and the regulation on holidays put
them, and no weekend is worked. Deadlines of the law are never counted so.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

from jiaozi.clock import BusinessCalendar
from jiaozi.lab.population.parameters import PAYDAYS
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder

NEW_YEARS = {
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
}
"""The first day of the Spring Festival."""

EXPECTED = {
    2027: (
        ((1, 1), 1), ((2, 5), 8), ((4, 5), 1), ((5, 1), 5), ((6, 9), 1), ((9, 15), 1), ((10, 1), 7),
    ),
    2028: (
        ((1, 1), 1), ((1, 25), 8), ((4, 4), 1), ((5, 1), 5), ((5, 28), 1), ((10, 1), 8),
    ),
}  # fmt: skip
"""First day and length of the holidays of years without their notice."""


@cache
def calendar() -> BusinessCalendar:
    """Return the working days of mainland China as far as notices are on file."""
    return read_calendar(law_folder() / "calendars" / "cn.toml")


def is_worked(day: date) -> bool:
    """Return whether *day* is a working day, by its notice or, without one, as expected."""
    if day.year in calendar().years:
        return calendar().is_business_day(day)
    return day.weekday() < 5 and not _is_expected_off(day)


def is_holiday(day: date) -> bool:
    """Return whether *day* is free because of a holiday, weekend or not."""
    if day.year in calendar().years:
        return day in calendar().days_off
    return _is_expected_off(day)


def is_festive(day: date) -> bool:
    """Return whether red envelopes are sent: the eve of the Spring Festival and the two days after it."""
    new_year = NEW_YEARS.get(day.year)
    return new_year is not None and -1 <= (day - new_year).days <= 1


def paydays_on(day: date) -> int:
    """Return which of PAYDAYS are paid on *day*, as bits: one on a free day is paid the working day before."""
    if not is_worked(day):
        return 0
    due, found = day, 0
    while True:
        if due.day in PAYDAYS:
            found |= 1 << PAYDAYS.index(due.day)
        due += timedelta(days=1)
        if is_worked(due):
            return found


def _is_expected_off(day: date) -> bool:
    for (month, first), length in EXPECTED.get(day.year, ()):
        start = date(day.year, month, first)
        if start <= day < start + timedelta(days=length):
            return True
    return False
