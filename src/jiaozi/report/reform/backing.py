"""Backing: what each of two laws asks of a coin's reserve at the end of every month, and whether that was there.

What must always hold is asked of the plain interpreter, with the coins, the frozen ones and the
reserve of that moment. How much a law asks for at least is found by asking it of one reserve
after the other, halving the stretch: the law may be written any way, as long as more is never worse.

Nothing else is known of a month's end: consents and the cap on supply are those of an action at a
place. A rule that asks for more is not answered from what some payment knew; it is named as left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from jiaozi.clock import Instant, day_start
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import Month
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import TOUCHING, Asker, Facts
from jiaozi.rulebook.language import facts_of
from jiaozi.rulebook.model import Always, Book, Cite

COINS, FROZEN, RESERVE = "issuer.coins_outstanding", "issuer.coins_frozen", "issuer.reserve_value"
PEG = "coin.peg"
KNOWN: Final = frozenset({COINS, FROZEN, RESERVE, PEG})
"""The facts of a coin that are known at a month's end."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What a law asks at a month's end: the least reserve in fen, None where none would do; and if it was there.

    *is_kept* is None where the reserve is not known, and the answer turns on it.
    """

    least: int | None
    is_kept: bool | None


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
    """What is asked of one coin, by month, before and after; a month in which nothing is asked is left out.

    *rules* are what was asked; *left_out* are those that ask for more than is known at a month's end.
    """

    coin: str
    before: dict[str, Asks]
    after: dict[str, Asks]
    rules: tuple[Rule, ...]
    left_out: tuple[Rule, ...] = ()

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

    A coin of which neither law asks anything is left out; a history without a transfer has nothing to tell.
    """
    if not len(recorded.frames):
        return ()
    found = []
    for number, (coin, _, peg) in enumerate(recorded.head.coins):
        before, after = (_side(recorded, *side, number, peg) for side in zip(months, books, strict=True))
        if before.reached or after.reached:
            rules = tuple(_rules(before.reached, after.reached))
            found.append(
                Backing(
                    coin,
                    before.told,
                    after.told,
                    tuple(rule for rule, is_asked in rules if is_asked),
                    tuple(rule for rule, is_asked in rules if not is_asked),
                )
            )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Side:
    """What one law asks by month, and every rule of it that reached the coin in any of them."""

    told: dict[str, Asks]
    reached: dict[str, Always]


def _side(recorded: Recorded, months: Sequence[Month], books: Sequence[Book], number: int, peg: str) -> _Side:
    coin, side = recorded.head.coins[number][0], _Side({}, {})
    for month in months:
        instant, law = _end(recorded, month)
        reached = list(_reached(recorded, books[law], number, instant)) if coin in month.coins else []
        side.reached.update((rule.id, rule) for rule in reached)
        asked = [rule for rule in reached if can_ask(rule)]
        if asked:
            side.told[month.month] = _asks(books[law], asked, _facts(month, coin, peg), instant)
    return side


def can_ask(rule: Always) -> bool:
    """Return whether *rule* asks for nothing but what is known of a coin at a month's end."""
    return KNOWN.issuperset(facts_of(rule.hold))


def _rules(before: dict[str, Always], after: dict[str, Always]) -> Iterator[tuple[Rule, bool]]:
    """Yield every rule, and whether it can be asked."""
    for name, rule in (before | after).items():
        told = Rule(name, dict(rule.title), rule.cite, not rule.status.is_law, name in before, name in after)
        yield told, can_ask(rule)


def _end(recorded: Recorded, month: Month) -> tuple[Instant, int]:
    """Return the last instant of *month* that the history has, and which of its laws was in force."""
    year, number = (int(part) for part in month.month.split("-"))
    after = date(year + number // 12, number % 12 + 1, 1)
    instant = Instant(min(day_start(after) - 1, recorded.head.last_instant))
    last = int(np.searchsorted(recorded.frames["instant"], instant, side="right")) - 1
    return instant, max(int(recorded.frames["law"][max(last, 0)]), 0)


def _facts(month: Month, coin: str, peg: str) -> dict[str, int | str | None]:
    return {
        COINS: month.coins[coin],
        FROZEN: month.frozen.get(coin, 0),
        RESERVE: month.reserve.get(coin),
        PEG: peg,
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


def _asks(book: Book, rules: Sequence[Always], facts: Facts, instant: Instant) -> Asks:
    def answers(reserve_fen: int | None) -> list[bool | None]:
        ask = Asker(book, {**facts, RESERVE: reserve_fen}, instant)
        return [ask.value(rule.hold, rule.place) for rule in rules]

    reserve = facts[RESERVE]
    assert reserve is None or isinstance(reserve, int)
    found = answers(reserve)
    is_unknown = reserve is None and None in found and False not in found
    return Asks(
        _least(lambda reserve_fen: all(answer is True for answer in answers(reserve_fen))),
        None if is_unknown else all(answer is True for answer in found),
    )


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
