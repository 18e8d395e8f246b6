"""Instants, days and business calendars.

An instant is a whole number of nanoseconds since 1970 in UTC; a datetime that
enters must carry its offset. A day in the law means 00:00 on the zone's own
clock. Only the command line and the office look at a wall clock; below them the
clock is an argument, so that every decision can be replayed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NewType
from zoneinfo import ZoneInfo

from jiaozi.errors import CalendarError

Instant = NewType("Instant", int)
"""Nanoseconds since 1970-01-01T00:00Z."""

Clock = Callable[[], Instant]
"""Anything that tells the instant when called."""

NS_PER_SECOND = 1_000_000_000
SHANGHAI = "Asia/Shanghai"


@cache
def _zone(name: str) -> ZoneInfo:
    """Return the zone *name*. Of itself `ZoneInfo` keeps eight of them, and reads the file of a ninth each time."""
    return ZoneInfo(name)


def instant_of(moment: datetime) -> Instant:
    """Return the instant of *moment*, which must carry its offset."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no offset; say in which zone the clock stands")
    whole = moment.replace(microsecond=0)
    return Instant(int(whole.timestamp()) * NS_PER_SECOND + moment.microsecond * 1_000)


def day_start(day: date, zone: str = SHANGHAI) -> Instant:
    """Return the instant at which *day* begins on the clock of *zone*."""
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=_zone(zone)))


def moment_of(instant: Instant, zone: str = SHANGHAI) -> datetime:
    """Return *instant* as a datetime with the offset of *zone*, to the microsecond."""
    seconds, rest = divmod(instant, NS_PER_SECOND)
    return datetime.fromtimestamp(seconds, _zone(zone)) + timedelta(microseconds=rest // 1_000)


def day_of(instant: Instant, zone: str = SHANGHAI) -> date:
    """Return the calendar day of *instant* on the clock of *zone*."""
    return moment_of(instant, zone).date()


def system_clock() -> Instant:
    """Return the wall clock. Called by the command line and the office only."""
    return Instant(time.time_ns())


def clock_from(start: Instant) -> Clock:
    """Return a clock that shows *start* now and runs on at the pace of time."""
    began = time.monotonic_ns()
    return lambda: Instant(start + time.monotonic_ns() - began)


class ManualClock:
    """A clock that stands still until it is set. It never runs backwards."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def __call__(self) -> Instant:
        return self._now

    def set(self, instant: Instant) -> None:
        """Move to *instant*, which must not lie in the past."""
        if instant < self._now:
            raise ValueError("a clock does not run backwards")
        self._now = instant

    def advance(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.set(Instant(self._now + int(seconds * NS_PER_SECOND)))


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Working days of one place, year by year as its government announced them.

    `years` holds the years whose notice is on file; a day in any other year
    raises `CalendarError` rather than a guess. `days_off` are weekdays that are
    free, `days_on` are weekend days that are worked (China's make-up days).
    """

    name: str
    title: Mapping[str, str]
    years: Mapping[int, str]
    days_off: frozenset[date]
    days_on: frozenset[date]

    def is_business_day(self, day: date) -> bool:
        """Return whether *day* is worked. Raises `CalendarError` for a year not on file."""
        if day.year not in self.years:
            known = ", ".join(str(year) for year in sorted(self.years))
            raise CalendarError(
                f"calendar {self.name} has no notice for {day.year} (on file: {known}); "
                f"add the official notice to law/calendars/{self.name}.toml"
            )
        if day in self.days_on:
            return True
        return day.weekday() < 5 and day not in self.days_off

    def add_business_days(self, day: date, count: int) -> date:
        """Return the day *count* working days after *day* (count >= 1)."""
        if count < 1:
            raise ValueError("count at least one business day")
        current = day
        while count:
            current += timedelta(days=1)
            count -= self.is_business_day(current)
        return current
