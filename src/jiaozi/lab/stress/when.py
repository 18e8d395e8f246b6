"""The hours of a stress: where it begins, when the banks are open, and calendars of years not on file.

A deadline of the law is never guessed: elsewhere a year without its notice is an error. A simulation may
assume, if it says so: in such a year Monday to Friday are worked here, and a holiday is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jiaozi.clock import NS_PER_SECOND, BusinessCalendar, Instant, day_of, day_start, moment_of
from jiaozi.lab.stress.plan import Plan

HOUR_NS = 3_600 * NS_PER_SECOND

HOLIDAY_DAYS = 7
"""A holiday week has at least so many days in a row on which nobody works."""

INVENTED_DAYS = 8

_FRIDAY, _SATURDAY = 4, 5


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours watched: *start* of the first, and for each whether the banks are open, (hours,).

    `opening[t]` is the first hour of a banking day; `calendars` are those used, with what had to be assumed.
    """

    start: Instant
    clock: str
    is_open: tuple[bool, ...]
    is_opening: tuple[bool, ...]
    calendars: Mapping[str, BusinessCalendar]
    assumed_years: tuple[int, ...]
    invented_holiday: tuple[date, date] | None
    holiday: tuple[date, date] | None

    def __len__(self) -> int:
        return len(self.is_open)

    def instant(self, hour: int) -> Instant:
        """Return the start of *hour*; `len(self)` is the end of all."""
        return Instant(self.start + hour * HOUR_NS)

    def opening_after(self, hour: int, days: int) -> int | None:
        """Return the hour in which the banks open *days* banking days later; None beyond what is watched."""
        if days == 0:
            return hour + 1 if hour + 1 < len(self) else None
        openings = [number for number in range(hour + 1, len(self)) if self.is_opening[number]]
        return openings[days - 1] if len(openings) >= days else None


def hours_of(
    plan: Plan, calendars: Mapping[str, BusinessCalendar], name: str, clock: str, after: Instant
) -> Hours:
    """Return the hours of *plan* in a place with calendar *name* (or none) and *clock*; *after* ends the store."""
    first = plan.day or day_of(after, clock)
    calendar = calendars.get(name) or BusinessCalendar(name, {}, {}, frozenset(), frozenset())
    last = first + timedelta(days=400)
    assumed = tuple(year for year in range(first.year, last.year + 1) if year not in calendar.years)
    years = dict(calendar.years) | dict.fromkeys(assumed, "assumed for a simulation")
    calendar = replace(calendar, years=years)
    invented = holiday = None
    if plan.scenario == "holiday-week":
        holiday = _holiday(calendar, first, last, assumed)
        if holiday is None:
            begin = _next(first + timedelta(days=2), _SATURDAY)
            invented = holiday = (begin, begin + timedelta(days=INVENTED_DAYS - 1))
            off = frozenset(begin + timedelta(days=n) for n in range(INVENTED_DAYS))
            calendar = replace(calendar, days_off=calendar.days_off | off, days_on=calendar.days_on - off)
    day, hour = _begin(plan.scenario, calendar, first, holiday)
    start = Instant(day_start(day, clock) + hour * HOUR_NS)
    if start < after and plan.day is None:
        # The store goes on into that day: the next one that fits.
        return hours_of(replace(plan, day=first + timedelta(days=1)), calendars, name, clock, after)
    is_open, is_opening = [], []
    for number in range(24 * plan.days):
        moment = moment_of(Instant(start + number * HOUR_NS), clock)
        is_open.append(
            calendar.is_business_day(moment.date())
            and plan.reserve.opens <= moment.hour < plan.reserve.closes
        )
        is_opening.append(is_open[-1] and moment.hour == plan.reserve.opens)
    used = {year for year in assumed if day.year <= year <= (day + timedelta(days=plan.days)).year}
    return Hours(
        start,
        clock,
        tuple(is_open),
        tuple(is_opening),
        {**calendars, name: calendar} if name else calendars,
        tuple(sorted(used)),
        invented,
        holiday,
    )


def _begin(
    scenario: str, calendar: BusinessCalendar, first: date, holiday: tuple[date, date] | None
) -> tuple[date, int]:
    """Return day and hour at which *scenario* begins, from the day *first* on."""
    day = first
    if scenario == "holiday-week":
        assert holiday is not None
        day = holiday[0] - timedelta(days=1)
        while not calendar.is_business_day(day):
            day -= timedelta(days=1)
        return day, 11
    if scenario == "issuer-suspended":
        while not calendar.is_business_day(day):
            day += timedelta(days=1)
        return day, 11
    while day.weekday() != _FRIDAY or not calendar.is_business_day(day):
        day += timedelta(days=1)
    return day, 18 if scenario == "bank-failure" else 11


def _holiday(
    calendar: BusinessCalendar, first: date, last: date, assumed: tuple[int, ...]
) -> tuple[date, date] | None:
    """Return the first holiday of a week or more after *first* in the years on file, as first and last day."""
    day = first + timedelta(days=1)
    run: list[date] = []
    while day <= last and day.year not in assumed:
        if calendar.is_business_day(day):
            if len(run) >= HOLIDAY_DAYS:
                return run[0], run[-1]
            run = []
        else:
            run.append(day)
        day += timedelta(days=1)
    return None


def _next(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)
