"""What is asked of a stress: the scenario, the share of the coins, the seed, and the hourly shape of a run.

The shape we ship is an assumption of ours and of the simplest kind: whoever has not asked yet asks with the same
likelihood in each hour, so that what is asked for halves every twelve hours. No run looked like that; give the
shape of one you know with `--shape`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jiaozi.errors import LabError
from jiaozi.lab.stress.reserve import MOST_BYTES, WHOLE, Reserve, text_of

SCENARIOS = ("run", "bank-failure", "holiday-week", "issuer-suspended")

SUSPENDED_AFTER_HOURS = 24
"""The licence goes this many hours after the run began: what was asked for before is owed."""

MOST_HOURS = 240
MOST_WEIGHT = 1_000_000
MOST_DAYS = 60


RUN_HOURS, HALVED_AFTER_HOURS = 72, 12

RUN_SHAPE = tuple(round(10_000 * 0.5 ** (hour / HALVED_AFTER_HOURS)) for hour in range(RUN_HOURS))
"""Weights by hour from the beginning of the run, (72,)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One stress. *share* is in hundredths of a percent of what the holders can dispose of.

    *coin* is empty for the one with the most coins outstanding; *day* is the earliest day on which it may
    begin, None for the day of the store's last frame; *days* is how long it is watched.
    """

    scenario: str
    share: int
    seed: int
    reserve: Reserve
    shape: tuple[int, ...] = RUN_SHAPE
    coin: str = ""
    day: date | None = None
    days: int = 14

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise LabError(f"no scenario {self.scenario!r:.60}; there are {', '.join(SCENARIOS)}")
        if not 0 < self.share <= WHOLE:
            raise LabError(
                f"a share of {self.share / WHOLE} cannot be asked for; give more than 0, at most 1"
            )
        if not 0 <= self.seed < 2**63:
            raise LabError(f"{self.seed} is no seed; give a whole number from 0 to {2**63 - 1}")
        if not 1 <= len(self.shape) <= MOST_HOURS or not 0 < sum(self.shape) < 2**31 or min(self.shape) < 0:
            raise LabError(f"a shape has 1 to {MOST_HOURS} weights, none below 0 and one above it")
        if not len(self.shape) <= 24 * self.days <= 24 * MOST_DAYS:
            raise LabError(
                f"{self.days} days cannot be watched; give at least the {len(self.shape)} hours of the shape, "
                f"at most {MOST_DAYS} days"
            )


def read_shape(path: Path) -> tuple[int, ...]:
    """Return the weights in the file *path*: a whole number a line, an hour each; `#` begins a comment.

    Raises `LabError` naming the line.
    """
    text = text_of(path, MOST_BYTES, "a whole number a line")
    weights = []
    for number, written in enumerate(text.splitlines(), start=1):
        word = written.partition("#")[0].strip()
        if not word:
            continue
        if not (word.isascii() and word.isdecimal() and len(word) < 8 and int(word) <= MOST_WEIGHT):
            raise LabError(
                f"{path}:{number}  {word:.20} is no weight; write 0 to {MOST_WEIGHT}, an hour a line"
            )
        weights.append(int(word))
        if len(weights) > MOST_HOURS:
            raise LabError(f"{path}:{number}  more than {MOST_HOURS} hours; a run that long is another one")
    if not weights or not sum(weights):
        raise LabError(f"{path}  file  has no weight above 0; write a whole number a line, an hour each")
    return tuple(weights)
