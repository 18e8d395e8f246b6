"""What a rulebook is made of: rules, needs, duties, values, articles. Everything here is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jiaozi.clock import Instant
from jiaozi.rulebook.language import Expr

Wording = Mapping[str, str]
"""The same words in `en` and `zh`."""

UNLIMITED = 2**62
"""What the word "unlimited" becomes: larger than any sum of sixteen amounts."""


class Action(StrEnum):
    """What the law is asked about. The order is part of the journal's format: append only."""

    ISSUE = "issue"
    PAY = "pay"
    REDEEM = "redeem"


ACTION_CODES: Mapping[Action, int] = {action: code for code, action in enumerate(Action, start=1)}
"""Action numbers in transfers; 0 is a booking among the issuer's own accounts, which asks no law."""


class Status(StrEnum):
    """How far a text has come."""

    IN_FORCE = "in force"
    DRAFT = "draft"


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


@dataclass(frozen=True, slots=True)
class Span:
    """When something applies: *from* included, *until* excluded; both at 00:00 on the place's clock."""

    start: Instant
    end: Instant | None
    start_day: date
    end_day: date | None

    def covers(self, instant: Instant) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True)
class Need:
    """One named condition of a permit, with its own article. One need is one bit."""

    name: str
    condition: Expr
    cite: Cite
    title: Wording


@dataclass(frozen=True, slots=True)
class Rule:
    """A permit or a ban."""

    id: str
    place: str
    is_permit: bool
    title: Wording
    actions: frozenset[Action]
    anywhere: bool
    span: Span
    cite: Cite
    when: tuple[Expr, ...] = ()
    unless: tuple[Expr, ...] = ()
    needs: tuple[Need, ...] = ()
    lifts: str = ""
    yields_to: tuple[str, ...] = ()
    yields_cite: Cite | None = None
    yields_from: Instant | None = None
    supersedes: str = ""
    status: Status = Status.IN_FORCE


@dataclass(frozen=True, slots=True)
class Always:
    """Something that must be true of the state after an action."""

    id: str
    place: str
    title: Wording
    span: Span
    hold: Expr
    cite: Cite
    status: Status = Status.IN_FORCE


@dataclass(frozen=True, slots=True)
class Duty:
    """By when someone must act. A late duty denies nothing; it is listed as a breach."""

    id: str
    place: str
    title: Wording
    span: Span
    upon: str
    who: str
    do: str
    within_business_days: int
    cite: Cite
    status: Status = Status.IN_FORCE


@dataclass(frozen=True, slots=True)
class DatedValue:
    """Numbers the law sets from a day on: currency, then tier (or `""`), to whole fen."""

    start: Instant
    start_day: date
    cite: Cite
    amounts: Mapping[str, Mapping[str, int]]
    status: Status = Status.IN_FORCE


@dataclass(frozen=True, slots=True)
class Series:
    """One value of one place through time, in order of its dates."""

    place: str
    id: str
    dated: tuple[DatedValue, ...]

    def at(self, instant: Instant, currency: str, key: str) -> tuple[int, DatedValue] | None:
        """Return the amount in force and the block that set it. Missing tiers keep their earlier value."""
        for value in reversed(self.dated):
            if value.start <= instant and key in value.amounts.get(currency, {}):
                return value.amounts[currency][key], value
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the law."""

    place: str
    status: Status
    title: Wording
