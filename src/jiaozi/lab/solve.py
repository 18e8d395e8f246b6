"""Solve: which value of a number of the law meets a condition? Found by bisection over replays.

The range is a grid of whole steps. Both ends and a few values between them are replayed
first; where the condition changes between two of them, the stretch is halved until two
neighbours are left, of which one meets the condition and the other does not. That is an
answer only if the condition changes once, so every replay is also a check: if the figure
ever turns back, the answer says so and shows all that was tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise

from jiaozi.errors import LabError
from jiaozi.lab.replay.summary import Summary
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.model import Book

PROBES = 3
"""Values inside the range that are replayed before the bisection, evenly spread: a figure that turns is noticed."""

MOST_STEPS = 1_000_000

_CONDITION = re.compile(
    r"\s*(refused|admitted)\s+(holders|payments|value)\s*(<=|>=)\s*([0-9][0-9,]*)(\.[0-9]{1,6})?\s*(%?)\s*"
)
_VARIED = re.compile(r"([a-z_]+\.[a-z_]+)(?:\[([a-z0-9 _-]+)\])?")


@dataclass(frozen=True, slots=True)
class Condition:
    """`refused holders <= 0.5%`: what is counted, and its bound; of all where it is a share."""

    direction: str
    what: str
    is_at_most: bool
    bound: Fraction
    is_share: bool
    text: str

    def measured(self, summary: Summary) -> tuple[int, int]:
        """Return what is counted and all there are: holders, transfers, or fen."""
        part = summary.changed
        is_refused = self.direction == "refused"
        if self.what == "holders":
            return (summary.holders_refused if is_refused else summary.holders_admitted), summary.holders
        if self.what == "payments":
            return (part.refused if is_refused else part.admitted), summary.transfers
        return (part.refused_amount if is_refused else part.admitted_amount), summary.amount

    def holds(self, count: int, whole: int) -> bool:
        """Return whether *count* of *whole* meets the condition, exactly. A share of nothing is 0."""
        figure = Fraction(count)
        if self.is_share:
            figure = Fraction(100 * count, whole) if whole else Fraction(0)
        elif self.what == "value":
            figure = Fraction(count, 100)
        return figure <= self.bound if self.is_at_most else figure >= self.bound


@dataclass(frozen=True, slots=True)
class Varied:
    """The number that is varied: of which place and from which day, and how it is written."""

    place: str
    series: str
    key: str
    unit: str
    day: date

    def reform(self, value: int) -> str:
        """Return the TOML of a reform that sets the number to *value*, marked as the exercise that it is."""
        number = f"{{ {_key(self.key)} = {value} }}" if self.key else str(value)
        english = f"Exercise: {self.name} of {self.place} at {value:,} {self.unit}"
        chinese = f"习作：{self.place} 的 {self.name} 设为 {value:,} {self.unit}"
        return f"""\
# AN EXERCISE, written by a search. Nobody has proposed this.

[reform]
title = {{ en = "{english}", zh = "{chinese}" }}

[source.solve-exercise]
authority = {{ en = "Nobody: an exercise", zh = "无：仅为习作" }}
title     = {{ en = "A value tried by a search", zh = "搜索所试的数值" }}
number    = "exercise"
issued    = {self.day}
known     = {self.day}
read      = "invented"
checked   = {self.day}

[[change]]
set   = "{self.series}"
place = "{self.place}"
from  = {self.day}
cite  = "solve-exercise art 1"
{self.unit} = {number}
"""  # fmt: skip

    @property
    def name(self) -> str:
        """What it is called: `limit.day[t4]`."""
        return f"{self.series}[{self.key}]" if self.key else self.series

    def later(self, book: Book) -> tuple[date, ...]:
        """Return the days after the first on which *book* sets the number once more, and from which that counts."""
        series = book.series.get((self.place, self.series))
        dated = series.dated if series else ()
        return tuple(
            value.start_day
            for value in dated
            if value.start_day > self.day and self.key in value.amounts.get(self.unit, {})
        )


@dataclass(frozen=True, slots=True)
class Point:
    """A value that was replayed: what was counted, of how many, and whether the condition holds."""

    value: int
    count: int
    whole: int
    holds: bool


@dataclass(frozen=True, slots=True)
class Solved:
    """The answer. *holds_at* and *fails_at* are neighbours; None where no value, or every one, met the condition.

    *is_monotone* tells whether the figure never turned over all *points*, which are by value.
    """

    holds_at: Point | None
    fails_at: Point | None
    points: tuple[Point, ...]
    is_monotone: bool
    turns: int
    """How often the condition changed from one point to the next; 1 for a clear answer."""

    @property
    def is_found(self) -> bool:
        return self.holds_at is not None and self.fails_at is not None

    @property
    def is_always(self) -> bool:
        """Whether every value that was replayed meets the condition."""
        return all(point.holds for point in self.points)


Measure = Callable[[int], tuple[int, int]]
"""Replays with a value; returns what is counted, and all there are."""


def condition_of(text: str) -> Condition:
    """Return the condition written in *text*. Raises `LabError` with the way to write one."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise LabError(
            f"--keep {text!r:.60} is no condition; write for example 'refused holders <= 0.5%': refused or "
            "admitted, then holders, payments or value, then <= or >=, then a number, with % a share of all"
        )
    direction, what, sign, units, decimals, percent = found.groups()
    bound = Fraction(units.replace(",", "") + (decimals or ""))
    if percent and bound > 100:
        raise LabError(f"--keep {text!r:.60} asks for more than 100 %")
    return Condition(direction, what, sign == "<=", bound, bool(percent), " ".join(text.split()))


def varied_of(text: str, book: Book, place: str, day: date) -> Varied:
    """Return the number that *text* (`limit.day[t4]`) names in *place*. Raises `LabError`."""
    words = book.vocabulary
    if place not in words.places:
        raise LabError(f"no place {place!r:.40}; {_near(place, words.places)}")
    found = _VARIED.fullmatch(text.strip())
    if found is None or found[1] not in words.values:
        name = found[1] if found else text.strip()
        raise LabError(f"--vary {text!r:.60} is no value of the law; {_near(name, words.values)}")
    series, key = found[1], found[2] or ""
    keys = words.keys_of(series)
    if keys and key not in keys:
        raise LabError(f"--vary {series} is set by {', '.join(keys)}; write for example {series}[{keys[-1]}]")
    if key and not keys:
        raise LabError(f"--vary {series} is one number; leave out [{key}]")
    unit = words.values[series].unit
    if not unit:
        known = book.series.get((place, series))
        units = sorted({unit for value in (known.dated if known else ()) for unit in value.amounts})
        if len(units) != 1:
            said = f"in {', '.join(units)}" if units else "in no currency"
            raise LabError(f"{place} sets {series} {said} in this store's law; solve needs exactly one")
        unit = units[0]
    return Varied(place, series, key, unit, day)


def grid_of(low: int, high: int, step: int) -> range:
    """Return the values that may be the answer, ends included. Raises `LabError`."""
    if step < 1 or low < 0 or high <= low:
        raise LabError(
            f"--between {low} {high} with --step {step} is no range; write the smaller number first"
        )
    if (high - low) % step:
        raise LabError(f"from {low} to {high} is no whole number of steps of {step}; move an end or the step")
    if (high - low) // step > MOST_STEPS:
        raise LabError(f"more than {MOST_STEPS:,} steps; take a larger --step, then a narrower range")
    return range(low, high + 1, step)


def solve(measure: Measure, condition: Condition, grid: range, *, probes: int = PROBES) -> Solved:
    """Return where on *grid* the condition begins or ceases to hold."""
    assert len(grid) >= 2
    tried: dict[int, Point] = {}

    def at(place: int) -> Point:
        if place not in tried:
            count, whole = measure(grid[place])
            tried[place] = Point(grid[place], count, whole, condition.holds(count, whole))
        return tried[place]

    last = len(grid) - 1
    ends = sorted({last * part // (probes + 1) for part in range(probes + 2)})
    changes = [(a, b) for a, b in pairwise(ends) if at(a).holds != at(b).holds]
    pair: tuple[Point, Point] | None = None
    if changes:
        low, high = changes[0]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if at(middle).holds == at(low).holds else (low, middle)
        pair = (at(low), at(high)) if at(low).holds else (at(high), at(low))
    points = tuple(tried[place] for place in sorted(tried))
    shares = [Fraction(point.count, point.whole or 1) for point in points]
    steps = [b - a for a, b in pairwise(shares)]
    return Solved(
        holds_at=pair[0] if pair else None,
        fails_at=pair[1] if pair else None,
        points=points,
        is_monotone=all(step >= 0 for step in steps) or all(step <= 0 for step in steps),
        turns=sum(a.holds != b.holds for a, b in pairwise(points)),
    )


def _near(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = closest(name, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names)}"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
