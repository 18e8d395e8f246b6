"""What a rulebook is made of: rules, needs, duties, values, articles. Everything here is frozen."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from jiaozi.clock import BusinessCalendar, Instant
from jiaozi.errors import CalendarError
from jiaozi.rulebook.language import Expr

Wording = Mapping[str, str]
"""The same words in `en` and `zh`."""

UNLIMITED = 2**62
"""What the word "unlimited" becomes: larger than any sum of sixteen amounts."""


class Action(StrEnum):
    """What the law is asked about. The order is part of the journal's format: append only.

    The ledger moves coins by the first three; the others are asked by people.
    """

    ISSUE = "issue"
    PAY = "pay"
    REDEEM = "redeem"
    HOLD = "hold"
    OFFER = "offer"
    INTEREST = "interest"
    INVEST = "invest"
    SERVE = "serve"
    TOKENISE = "tokenise"
    LICENSE = "license"


ACTION_CODES: Mapping[Action, int] = {action: code for code, action in enumerate(Action, start=1)}
"""Action numbers in transfers; 0 is a booking among the issuer's own accounts, which asks no law."""


class Status(StrEnum):
    """How far a text has come. Only what is enacted is law; the others take part when named."""

    ENACTED = "enacted"
    PROPOSAL = "proposal"
    IDEA = "idea"
    DRAFT = "draft"

    @property
    def is_law(self) -> bool:
        return self is Status.ENACTED


class Standing(StrEnum):
    """How a provision stands on a day."""

    IDEA = "idea"
    PROPOSAL = "proposal"
    DRAFT = "draft"
    ENACTED = "enacted"
    """Enacted and not commenced."""
    IN_FORCE = "in force"
    SUSPENDED = "suspended"
    REPEALED = "repealed"


class Confidence(StrEnum):
    """Whether two sources agree on what is written here, or the legal text itself was seen."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class Topic(StrEnum):
    """What a provision is about: a row of the comparison of places."""

    SCOPE = "scope"
    ISSUER = "issuer"
    CAPITAL = "capital"
    RESERVE = "reserve"
    REDEMPTION = "redemption"
    INTEREST = "interest"
    DISCLOSURE = "disclosure"
    TRAVEL = "travel"
    IDENTIFICATION = "identification"
    CAPS = "caps"
    OFFERING = "offering"
    OPERATIONS = "operations"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that is cited."""

    id: str
    authority: Wording
    title: Wording
    number: str
    issued: date
    known: date
    link: str
    read: str
    checked: date


@dataclass(frozen=True, slots=True)
class Cite:
    """A place in a text: source id and article."""

    source: str
    place: str

    def __str__(self) -> str:
        return f"{self.source} {self.place}".strip()


NEVER = Instant(2**63 - 1)
"""The start of what waits for an event that has no day yet."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a text names only by what happens; `day` is None while it is pending."""

    id: str
    title: Wording
    day: date | None
    known: date | None
    cite: Cite | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a place on its way: who moved when. `day` is the first day of the month where `is_month`."""

    day: date
    is_month: bool
    place: str
    kind: str
    title: Wording
    source: str
    confidence: Confidence


STEP_KINDS = (
    "ban",
    "tighten",
    "statement",
    "idea",
    "consult",
    "proposal",
    "law",
    "in force",
    "licence",
    "ease",
    "deadline",
)
"""The kinds of steps on the timeline of places."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which something is suspended."""

    start: Instant
    end: Instant | None
    start_day: date
    end_day: date | None
    cite: Cite


@dataclass(frozen=True, slots=True)
class Awaited:
    """An event that a start waits for: it is *days* after the event, and *by* at the latest if that is set."""

    event: str
    days: int
    by: date | None


@dataclass(frozen=True, slots=True)
class Span:
    """When something applies: *from* included, *until* excluded; both at 00:00 on the place's clock.

    A start that waits for an event without a day is `NEVER`, with `date.max` as its
    day. `end_cite` is the text that set the end, where that is another than the
    text itself, and `end_status` how far that one has come: a reform tries an end.
    """

    start: Instant
    end: Instant | None
    start_day: date
    end_day: date | None
    awaited: Awaited | None = None
    end_cite: Cite | None = None
    end_status: Status = Status.ENACTED
    gaps: tuple[Gap, ...] = ()

    def covers(self, instant: Instant) -> bool:
        """Return whether it applies at *instant*."""
        is_within = self.start <= instant and (self.end is None or instant < self.end)
        return is_within and not self.is_suspended(instant)

    def is_suspended(self, instant: Instant) -> bool:
        return any(gap.start <= instant and (gap.end is None or instant < gap.end) for gap in self.gaps)

    @property
    def is_pending(self) -> bool:
        return self.start == NEVER

    def cuts(self) -> Iterator[Instant]:
        """Yield every instant at which it begins, ends, is suspended or resumed."""
        ends = [self.end, *(moment for gap in self.gaps for moment in (gap.start, gap.end))]
        yield from (moment for moment in (self.start, *ends) if moment is not None and moment != NEVER)


def standing(status: Status, span: Span, instant: Instant) -> Standing:
    """Return how a provision of *status* with *span* stands at *instant*; a draft is never in force."""
    if not status.is_law:
        return Standing(status.value)
    if instant < span.start:
        return Standing.ENACTED
    if span.end is not None and span.end <= instant:
        return Standing.REPEALED
    return Standing.SUSPENDED if span.is_suspended(instant) else Standing.IN_FORCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What every rule, duty, and thing that must always hold has.

    `part` is the file it stands in, without `.toml`; `known` the day its text became
    known; `brief` a few words for a table, or empty; they may hold `{value}` or
    `{value[key]}`, which stand for the number in force.
    """

    id: str
    place: str
    title: Wording
    span: Span
    cite: Cite
    part: str
    known: date
    status: Status = Status.ENACTED
    confidence: Confidence = Confidence.CONFIRMED
    topic: Topic = Topic.SCOPE
    brief: Wording


_IN_BRIEF = re.compile(r"\{([a-z][a-z0-9_.]*)(?:\[([A-Za-z0-9_-]+)\])?\}")


def values_in(brief: str) -> list[tuple[str, str]]:
    """Return the values, each with its key or `""`, for which a brief leaves room: `{limit.day[t4]}`."""
    return [(found[1], found[2] or "") for found in _IN_BRIEF.finditer(brief)]


def filled(brief: str, number: Callable[[str, str], str]) -> str:
    """Return *brief* with `number(value, key)` in each room it leaves."""
    return _IN_BRIEF.sub(lambda found: number(found[1], found[2] or ""), brief)


@dataclass(frozen=True, slots=True)
class Need:
    """One named condition of a permit, with its own article. One need is one bit."""

    name: str
    condition: Expr
    cite: Cite
    title: Wording
    topic: Topic
    brief: Wording


@dataclass(frozen=True, slots=True)
class Yield:
    """A ban yields to a permit: from the ban's own first day, or since an amendment with its own article."""

    permit: str
    since: Instant | None = None
    since_day: date | None = None
    cite: Cite | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Provision):
    """A permit or a ban."""

    is_permit: bool
    actions: frozenset[Action]
    anywhere: bool
    when: tuple[Expr, ...] = ()
    unless: tuple[Expr, ...] = ()
    needs: tuple[Need, ...] = ()
    lifts: str = ""
    yields: tuple[Yield, ...] = ()
    supersedes: str = ""

    @property
    def yields_to(self) -> tuple[str, ...]:
        """The permits that this ban yields to."""
        return tuple(found.permit for found in self.yields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Always(Provision):
    """Something that must be true of the state after an action."""

    hold: Expr


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time: `unit` is one of `TERM_UNITS`; zero of them is "at once"."""

    count: int
    unit: str

    def after(self, day: date, calendar: BusinessCalendar | None) -> date:
        """Return the last day of a term that begins on *day*; a month later is the same day, or the last.

        Raises `CalendarError` for business days without a calendar, or of a year not on file.
        """
        if self.count == 0:
            return day
        if self.unit == "business day":
            if calendar is None:
                raise CalendarError("the place has no business calendar; add one under law/calendars/")
            return calendar.add_business_days(day, self.count)
        if self.unit in ("day", "week"):
            return day + timedelta(days=self.count * (7 if self.unit == "week" else 1))
        months = day.month - 1 + self.count * (12 if self.unit == "year" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))


TERM_UNITS = ("business day", "day", "week", "month", "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Provision):
    """By when someone must act. A late duty denies nothing; it is listed as a breach.

    It arises `upon` something, or once in `every` so often; the other is empty or
    None. It is done `within` a time, or for a time (`lasting`), such as keeping
    records. `calendar` counts the business days.
    """

    upon: str
    every: Term | None
    who: str
    do: str
    within: Term | None
    lasting: Term | None
    calendar: str


@dataclass(frozen=True, slots=True)
class DatedValue:
    """Numbers the law sets from a day on: currency or unit, then key (or `""`), to whole fen or units."""

    span: Span
    cite: Cite
    amounts: Mapping[str, Mapping[str, int]]
    part: str
    known: date
    status: Status = Status.ENACTED
    confidence: Confidence = Confidence.CONFIRMED

    @property
    def start(self) -> Instant:
        return self.span.start

    @property
    def start_day(self) -> date:
        return self.span.start_day


@dataclass(frozen=True, slots=True)
class Series:
    """One value of one place through time, in order of its dates."""

    place: str
    id: str
    dated: tuple[DatedValue, ...]

    def at(self, instant: Instant, unit: str, key: str) -> tuple[int, DatedValue] | None:
        """Return the number in force and the block that set it. Missing keys keep their earlier value."""
        for value in reversed(self.dated):
            if value.start <= instant and key in value.amounts.get(unit, {}):
                return value.amounts[unit][key], value
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the law: `name` without `.toml`. A reform has no place of its own."""

    name: str
    place: str
    status: Status
    title: Wording
