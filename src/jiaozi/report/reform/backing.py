"""Backing: what each of two laws asks of a coin's reserve at the end of every month, and whether that was there.

What must always hold is asked of the plain interpreter, with the coins, the frozen ones and the
reserve of that moment. How much a law asks for at least is found by asking it of one reserve
after the other, halving the stretch: the law may be written any way, as long as more is never worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from jiaozi.clock import Instant, day_start
from jiaozi.lab.replay.facts import facts_of_row
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import Month
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import TOUCHING, Asker
from jiaozi.rulebook.model import Always, Book, Cite


@dataclass(frozen=True, slots=True)
class Asks:
    """What a law asks at a month's end: the least reserve in fen, None where none would do; and if it was there."""

    least: int | None
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must always hold, and of which of the two laws it is a part."""

    id: str
    title: dict[str, str]
    cite: Cite
    is_draft: bool
    is_before: bool
    is_after: bool


@dataclass(frozen=True, slots=True)
class Backing:
    """What is asked of one coin, by month, before and after; a month in which nothing is asked is left out."""

    coin: str
    before: dict[str, Asks]
    after: dict[str, Asks]
    rules: tuple[Rule, ...]

    @property
    def is_same(self) -> bool:
        """Whether both laws ask the same by the same rules."""
        return self.before == self.after and all(rule.is_before and rule.is_after for rule in self.rules)


def backing(
    recorded: Recorded,
    months: tuple[Sequence[Month], Sequence[Month]],
    books: tuple[Sequence[Book], Sequence[Book]],
) -> tuple[Backing, ...]:
    """Return what is asked of each coin; *months* and *books* are before and after, a book for each enacted law.

    A coin of which neither law asks anything is left out.
    """
    found = []
    for number, (coin, _, peg) in enumerate(recorded.head.coins):
        sides, rules = [], []
        for past, laws in zip(months, books, strict=True):
            told: dict[str, Asks] = {}
            of_side: dict[str, Always] = {}
            for month in past:
                instant, law = _end(recorded, month)
                asked = _facts(recorded, laws[law], number) | {"coin.peg": peg}
                reached = list(_reached(recorded, laws[law], number, instant))
                if reached and coin in month.coins:
                    asked |= _amounts(month, coin)
                    told[month.month] = _asks(laws[law], reached, asked, instant)
                    of_side |= {rule.id: rule for rule in reached}
            sides.append(told)
            rules.append(of_side)
        if rules[0] or rules[1]:
            found.append(Backing(coin, sides[0], sides[1], tuple(_rules(*rules))))
    return tuple(found)


def _rules(before: dict[str, Always], after: dict[str, Always]) -> Iterator[Rule]:
    for name, rule in (before | after).items():
        yield Rule(name, dict(rule.title), rule.cite, not rule.status.is_law, name in before, name in after)


def _end(recorded: Recorded, month: Month) -> tuple[Instant, int]:
    """Return the last instant of *month* that the history has, and which of its laws was in force."""
    year, number = (int(part) for part in month.month.split("-"))
    after = date(year + number // 12, number % 12 + 1, 1)
    instant = Instant(min(day_start(after) - 1, recorded.head.last_instant))
    last = int(np.searchsorted(recorded.frames["instant"], instant, side="right")) - 1
    return instant, max(int(recorded.frames["law"][max(last, 0)]), 0)


def _amounts(month: Month, coin: str) -> dict[str, int | None]:
    return {
        "issuer.coins_outstanding": month.coins[coin],
        "issuer.coins_frozen": month.frozen.get(coin, 0),
        "issuer.reserve_value": month.reserve.get(coin),
    }


def _reached(recorded: Recorded, book: Book, coin: int, instant: Instant) -> Iterator[Always]:
    """Yield what must hold of *coin* at *instant*: by the law of its issuer, and of wherever it was used."""
    words, facts = book.vocabulary, recorded.head.facts
    own = recorded.kinds[recorded.kinds[:, facts.index("coin")] == coin]
    codes = {int(code) for name in TOUCHING for code in np.unique(own[:, facts.index(name)])}
    touched = {
        words.jurisdiction_of(words.place_names[code]) for code in codes if 0 < code < len(words.place_names)
    }
    for found in book.always:
        if words.jurisdiction_of(found.place) in touched and found.span.covers(instant):
            yield found


def _facts(recorded: Recorded, book: Book, coin: int) -> dict[str, Any]:
    """Return what the last question about *coin* knew of it and of its issuer."""
    own = np.flatnonzero(recorded.kinds[:, recorded.head.facts.index("coin")] == coin)
    if not len(own):
        return {}
    known = facts_of_row(book, recorded.facts(book)[own[-1]])
    return {name: value for name, value in known.items() if name.startswith(("issuer.", "coin."))}


def _asks(book: Book, rules: Sequence[Always], facts: dict[str, Any], instant: Instant) -> Asks:
    def holds(reserve_fen: int | None) -> bool:
        ask = Asker(book, {**facts, "issuer.reserve_value": reserve_fen}, instant)
        return all(ask.value(rule.hold, rule.place) is True for rule in rules)

    return Asks(_least(holds), holds(facts["issuer.reserve_value"]))


def _least(holds: Callable[[int], bool]) -> int | None:
    """Return the smallest amount that *holds*; None where not even the largest there is does."""
    if holds(0):
        return 0
    low, high = 0, int(MAX_FEN)
    if not holds(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
