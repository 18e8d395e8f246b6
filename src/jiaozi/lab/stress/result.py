"""The figures of a stress: by hour, in sum, and what the law said at which point. All money in whole fen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_of
from jiaozi.lab.stress.plan import Plan
from jiaozi.lab.stress.when import Hours
from jiaozi.rulebook.model import Wording

Int64s = NDArray[np.int64]

COLUMNS = (
    "asked_fen",
    "asked_holders",
    "refused_fen",
    "refused_holders",
    "paid_fen",
    "paid_holders",
    "queue_fen",
    "queue_holders",
    "cash_fen",
    "repo_fen",
    "bills_fen",
    "bills_worth_fen",
    "settling_fen",
    "locked_fen",
    "lost_fen",
    "coins_fen",
    "trapped_fen",
    "worth_fen",
    "due_missed_fen",
    "due_missed_holders",
)
"""The columns of the table by hour, each (hours,) int64.

asked       redemption that the law allows: coins burned, money owed
refused     asked for, and refused by the law
queue       owed at the end of the hour, with what was owed before the first
coins       outstanding at the end of the hour; trapped: those of them that nobody may redeem then
worth       the reserve with bills at what a sale brings and locked cash at what it is valued at
due_missed  unpaid at the end of the hour though the deadline has passed
"""


@dataclass(frozen=True, slots=True)
class ClassSeen:
    """One class of holders: what it is in words, and whether it may redeem, and pay, in each regime."""

    title: Wording
    holders: int
    held_fen: int
    stuck_fen: int
    may_redeem: tuple[bool, ...]
    may_pay: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What the law says from *hour* on, in words, with its article; `cite` may be empty."""

    hour: int
    instant: Instant
    words: Wording
    cite: str
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How the requests met their deadlines. A request that is open and not yet due is in `open`."""

    met_holders: int
    met_fen: int
    missed_holders: int
    missed_fen: int
    open_holders: int
    open_fen: int
    without_holders: int
    without_fen: int
    worst_hours: int
    worst_is_unpaid: bool


@dataclass(frozen=True, slots=True)
class StressResult:
    """All of it. `by_hour` has `COLUMNS`; `shown` is the number of hours until nothing happens any more.

    `frame`, `store` and `law` name exactly what was simulated: with `plan` they repeat the result.
    """

    plan: Plan
    coin: str
    peg: str
    zone: str
    frame: int
    store: str
    law: str
    is_draft: bool
    hours: Hours
    coins_fen: int
    reserve_fen: int
    owed_before_fen: int
    wanted_fen: int
    holders: int
    by_hour: dict[str, Int64s]
    regimes: tuple[int, ...]
    classes: tuple[ClassSeen, ...]
    points: tuple[Point, ...]
    deadlines: Deadlines
    shown: int

    def coverage(self, hour: int) -> int | None:
        """Return the worth of the reserve per coin and debt at the end of *hour*, in hundredths of a percent."""
        by = self.by_hour
        owed = int(by["coins_fen"][hour]) + int(by["queue_fen"][hour])
        return int(by["worth_fen"][hour]) * 100_00 // owed if owed else None

    def day(self, hour: int) -> date:
        """Return the day of *hour* on the place's clock."""
        return day_of(self.hours.instant(hour), self.hours.clock)
