"""The summary of a replay: who is refused or admitted otherwise, how many, how much, why and when.

Amounts are in fen. Whatever is counted here is counted of changes alone; the tallies of the
history stand beside, so that a share can be told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, moment_of
from jiaozi.lab.replay.records import Changes, Month, Tally
from jiaozi.ledger.totals import groups_of, sums_by_group

SIZE_CLASSES = (1_00, 10_00, 100_00, 1_000_00, 10_000_00, 100_000_00)
"""Upper ends, in fen, of the classes by size; the last class has none."""

MOST_KINDS = 10
ADMITTED, REFUSED = "admitted", "refused"


class Part(msgspec.Struct, frozen=True):
    """One line of a table: transfers newly refused and newly admitted, and their sums in fen."""

    refused: int
    refused_amount: int
    admitted: int
    admitted_amount: int


class Example(msgspec.Struct, frozen=True):
    """One changed decision in words, without a name: the facts, and why, in English and Chinese."""

    instant: int
    action: str
    amount: int
    is_admitted: bool
    reasons: list[str]
    lines: dict[str, list[str]]
    facts: dict[str, str]


class HolderKind(msgspec.Struct, frozen=True):
    """Holders alike: where, what, which tier; how they are affected, and one example."""

    zone: str
    kind: str
    tier: str
    holders: int
    part: Part
    example: Example | None


class Trapped(msgspec.Struct, frozen=True):
    """Coins of holders alike who, at the end, may neither pay nor redeem under the law that is tried."""

    coin: str
    zone: str
    kind: str
    tier: str
    holders: int
    amount: int
    may_pay: bool
    may_redeem: bool


class Summary(msgspec.Struct, frozen=True):
    """A replay in figures. Tables are by name of the row; months are `2027-03` on Shanghai's clock."""

    transfers: int
    """Payments that were tried in the time asked about. What was reserved counts then, and not when it is posted."""
    amount: int
    """Their sum."""
    changed: Part
    holders_refused: int
    holders_admitted: int
    holders: int
    by_reason: dict[str, Part]
    by_month: dict[str, Part]
    by_tier: dict[str, Part]
    by_zone: dict[str, Part]
    by_issuer: dict[str, Part]
    by_size: dict[str, Part]
    by_action: dict[str, Part]
    kinds: list[HolderKind]
    history: list[Tally]
    """The whole history, whatever time was asked about."""
    months_before: list[Month]
    months_after: list[Month]
    trapped: list[Trapped]
    left_out: int
    """Facts of the history that no longer fitted; 0 but where money follows."""


@dataclass
class _Sums:
    """Counts and sums in the order of `Part`."""

    numbers: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def add(self, is_admitted: int, count: int, amount: int) -> None:
        self.numbers[2 * is_admitted] += count
        self.numbers[2 * is_admitted + 1] += amount

    def join(self, numbers: Sequence[int]) -> None:
        for place, number in enumerate(numbers):
            self.numbers[place] += number

    def part(self) -> Part:
        return Part(*self.numbers)


def kinds_of(changes: Changes) -> NDArray[np.int64]:
    """Return one number for the kind of holder and the direction of each of *changes*, (n,)."""
    kinds = changes["payer_zone"].astype(np.int64) << 16 | changes["payer_kind"].astype(np.int64) << 8
    kinds |= changes["payer_tier"]
    numbers: NDArray[np.int64] = kinds * 2 + changes["is_admitted"]
    return numbers


class Counter:
    """Adds changes up as they come."""

    def __init__(self, accounts: int) -> None:
        self.total = _Sums()
        self.persons = np.zeros((2, accounts), dtype=np.bool_)
        self.tables: dict[str, dict[object, _Sums]] = defaultdict(lambda: defaultdict(_Sums))
        self.kinds: dict[tuple[int, int, int], _Sums] = defaultdict(_Sums)
        self._first: dict[int, tuple[int, int]] = {}

    def add(self, changes: Changes) -> NDArray[np.intp]:
        """Add *changes* (n,) CHANGE; return the rows that are the first of their kind and direction so far.

        Earlier ones may be added later: the first of all is whichever was returned last.
        """
        admitted = changes["is_admitted"].astype(np.int64)
        amounts = changes["amount"]
        for flag in (0, 1):
            chosen = admitted == flag
            self.total.add(flag, int(chosen.sum()), int(amounts[chosen].sum()))
            self.persons[flag, changes["person"][chosen]] = True
        self._table("month", (changes["instant"] + _OFFSET_NS) // _DAY_NS, admitted, amounts)
        for name, column in (
            ("tier", "payer_tier"),
            ("zone", "payer_zone"),
            ("coin", "coin"),
            ("action", "action"),
        ):
            self._table(name, changes[column], admitted, amounts)
        self._table("reasons", changes["reasons"], admitted, amounts)
        self._table("size", np.searchsorted(SIZE_CLASSES, amounts, side="left"), admitted, amounts)
        return self._kinds(changes, amounts)

    def first_of(self, kind: tuple[int, int, int], *, is_admitted: bool) -> tuple[int, int]:
        """Return frame and row of the first change of *kind* in this direction; there is one."""
        zone, holder, tier = kind
        return self._first[(zone << 16 | holder << 8 | tier) * 2 + is_admitted]

    def _table(
        self, name: str, keys: NDArray[Any], admitted: NDArray[np.int64], amounts: NDArray[np.int64]
    ) -> None:
        found, where = groups_of(keys.astype(np.int64) * 2 + admitted)
        counts = np.bincount(where, minlength=len(found)).tolist()
        sums = sums_by_group(amounts, where, len(found))
        for key, count, amount in zip(found.tolist(), counts, sums, strict=True):
            self.tables[name][key >> 1].add(key & 1, count, amount)

    def _kinds(self, changes: Changes, amounts: NDArray[np.int64]) -> NDArray[np.intp]:
        found, where = groups_of(kinds_of(changes))
        first = np.empty(len(found), dtype=np.intp)
        first[where[::-1]] = np.arange(len(where) - 1, -1, -1)  # the last that is written stays
        counts = np.bincount(where, minlength=len(found)).tolist()
        sums = sums_by_group(amounts, where, len(found))
        new = []
        for number, key in enumerate(found.tolist()):
            kind = (key >> 17, key >> 9 & 0xFF, key >> 1 & 0xFF)
            row = int(first[number])
            place = int(changes["frame"][row]), int(changes["row"][row])
            if key not in self._first or place < self._first[key]:
                self._first[key] = place
                new.append(row)
            self.kinds[kind].add(key & 1, counts[number], sums[number])
        return np.array(new, dtype=np.intp)


_DAY_NS = 24 * 3600 * 1_000_000_000
_OFFSET_NS = 8 * 3600 * 1_000_000_000
"""Shanghai's clock, which has no summer time."""


def month_name(day: int) -> str:
    """Return the month of *day*, counted from 1970 on Shanghai's clock."""
    return f"{moment_of(Instant(day * _DAY_NS)):%Y-%m}"


def size_name(number: int) -> str:
    """Return a class by size in words: `up to 100.00`, `above 100,000.00`."""
    if number < len(SIZE_CLASSES):
        return f"up to {SIZE_CLASSES[number] // 100:,}.00"
    return f"above {SIZE_CLASSES[-1] // 100:,}.00"


def table_of(sums: Mapping[object, _Sums], name: dict[object, str]) -> dict[str, Part]:
    """Return *sums* under their names, the larger first."""
    by_name: dict[str, _Sums] = defaultdict(_Sums)
    for key, value in sums.items():
        for place in range(4):
            by_name[name[key]].numbers[place] += value.numbers[place]
    ranked = sorted(by_name.items(), key=lambda item: (-item[1].numbers[0] - item[1].numbers[2], item[0]))
    return {key: value.part() for key, value in ranked}
