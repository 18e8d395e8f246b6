"""A book asked over columns of facts with NumPy, for reports and replays of a reform.

It evaluates the conditions of the book itself, not the compiled program, so that
a mistake in one cannot hide in the other. A condition gives two columns, where it
is true and where it may be; they are one and the same while nothing is unknown.
Rows are taken interval by interval and action by action, a few thousand at a time
so that all columns of a condition stay in the cache; the law of a place that none of
these rows touches is not asked. bench/law.py prints how many decisions a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.rulebook.decide import TOUCHING
from jiaozi.rulebook.language import AmountTerm, Both, Compare, Expr, FactTerm, Holds, IsWord, Not, Term
from jiaozi.rulebook.machine.layout import MISSING, Int64s
from jiaozi.rulebook.machine.program import coins_shift, words_of
from jiaozi.rulebook.model import (
    ACTION_CODES,
    MISSING_FACT,
    UNKNOWN_PLACE,
    Action,
    Book,
    Rule,
    no_permit,
)
from jiaozi.rulebook.timeline import cuts
from jiaozi.rulebook.vocabulary import FactType

Columns = Mapping[str, Int64s]
"""Facts by name, (n,) int64 each: fen, codes of words and places, sets of places as bits. MISSING is unknown."""

Bools = NDArray[np.bool_]
Bits = NDArray[np.uint64]

CHUNK = 32_768
"""Rows taken at a time: a column is a quarter of the second cache. 8,192 were a third slower."""

_NOWHERE = np.int64(1) << 62
_COMPARISONS = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def columns_of(book: Book, rows: Int64s) -> dict[str, Int64s]:
    """Return rows for the kernel, (n, facts), as columns; each is copied so that it lies in one piece."""
    return {fact: np.ascontiguousarray(rows[:, slot]) for fact, slot in book.vocabulary.slots.items()}


def rows_of(book: Book, columns: Columns, count: int) -> Int64s:
    """Return *columns* of *count* rows as rows for the kernel, (count, facts); absent columns are MISSING."""
    slots = book.vocabulary.slots
    rows = np.full((count, len(slots)), MISSING, dtype=np.int64)
    for fact, column in columns.items():
        rows[:, slots[fact]] = column
    return rows


def decide_columns_numpy(book: Book, actions: Int64s, columns: Columns, instants: Int64s) -> Bits:
    """Return the bits, (n, words) uint64, for *actions* (n,) codes, *columns*, and *instants* (n,) ns.

    A column that is not given is unknown in every row.
    """
    bits = np.zeros((len(actions), words_of(book)), dtype=np.uint64)
    moments = cuts(book)
    intervals = np.searchsorted(np.array(moments, dtype=np.int64), instants, side="right")
    codes = {code: action for action, code in ACTION_CODES.items()}
    keys = intervals * (len(codes) + 1) + actions
    for key, rows in _groups(keys):
        interval, action = divmod(key, len(codes) + 1)
        instant = moments[interval - 1] if interval else None
        law = _Law.of(book, codes[action], instant)
        if isinstance(rows, slice):
            for first in range(0, len(actions), CHUNK):
                part = slice(first, first + CHUNK)
                views = {fact: column[part] for fact, column in columns.items()}
                _Chunk(law, views, None, bits[part]).decide()
        else:
            for first in range(0, len(rows), CHUNK):
                where = rows[first : first + CHUNK]
                found = np.zeros((len(where), bits.shape[1]), dtype=np.uint64)
                _Chunk(law, columns, where, found).decide()
                bits[where] = found
    return bits


def _groups(keys: Int64s) -> Iterator[tuple[int, Int64s | slice]]:
    """Yield each key and where it stands: numbers of rows, or a slice when all keys are one."""
    if len(keys) == 0:
        return
    if (keys == keys[0]).all():
        yield int(keys[0]), slice(None)
        return
    order = np.argsort(keys.astype(np.int32), kind="stable")
    ordered = keys[order]
    for rows in np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1):
        yield int(keys[rows[0]]), rows


@dataclass(frozen=True, slots=True)
class _Law:
    """What one interval has to say about one action."""

    book: Book
    action: Action
    instant: Instant | None
    permits: Mapping[int, Sequence[Rule]]
    bans: Sequence[Rule]
    in_force: frozenset[str]
    homes: Int64s

    @classmethod
    def of(cls, book: Book, action: Action, instant: Instant | None) -> _Law:
        words = book.vocabulary
        numbers = {place: number for number, place in enumerate(words.jurisdictions)}
        rules = [
            rule
            for rule in book.rules
            if instant is not None and action in rule.actions and rule.span.covers(instant)
        ]
        permits: dict[int, list[Rule]] = {}
        for rule in rules:
            if rule.is_permit:
                permits.setdefault(numbers[words.jurisdiction_of(rule.place)], []).append(rule)
        homes = [1 << numbers[words.jurisdiction_of(place)] for place in words.places]
        return cls(
            book=book,
            action=action,
            instant=instant,
            permits=permits,
            bans=[rule for rule in rules if not rule.is_permit],
            in_force=frozenset(rule.id for rule in rules),
            homes=np.array([_NOWHERE, *homes, _NOWHERE], dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class _Truth:
    """Where a condition is true, and where it is true or unknown; one column when nothing is unknown."""

    sure: Bools
    possible: Bools

    def opposite(self) -> _Truth:
        sure = ~self.possible
        return _Truth(sure, sure if self.possible is self.sure else ~self.sure)


class _Chunk:
    """Some rows asked about one action in one interval; what was found out of a fact is kept."""

    def __init__(self, law: _Law, columns: Columns, where: Int64s | None, bits: Bits) -> None:
        self.law = law
        self.book = law.book
        self.words = law.book.vocabulary
        self.columns = columns
        self.where = where
        self.bits = bits
        self.shift = 0
        self._facts: dict[str, tuple[Int64s, Bools | None]] = {}
        self._scopes: dict[str, Bools] = {}

    def decide(self) -> None:
        """Set the bits of all that stands in the way."""
        touched = self._touched()
        nowhere = (touched & _NOWHERE) != 0
        some, all_ = int(np.bitwise_or.reduce(touched)), int(np.bitwise_and.reduce(touched))
        self._reached: dict[int, Bools | None] = {}
        for home in range(len(self.words.jurisdictions)):
            if some >> home & 1:
                self._reached[home] = None if all_ >> home & 1 else (touched >> home & 1) != 0
        for home, reached in self._reached.items():
            self._permits(home, reached)
        for ban in self.law.bans:
            self._ban(ban)
        for found in self.book.always:
            home = self._home(found.place)
            instant = self.law.instant
            if home in self._reached and instant is not None and found.span.covers(instant):
                self._always(found.id, found.hold, found.place, self._reached[home])
        if nowhere.any():
            self.bits[nowhere] = 0
            self._set(UNKNOWN_PLACE, nowhere)

    # -- provisions -------------------------------------------------------------------------

    def _permits(self, home: int, reached: Bools | None) -> None:
        own = self.law.permits.get(home, ())
        scoped, met = self._nothing(), self._nothing()
        unmet: list[tuple[str, Bools, _Truth]] = []
        for rule in own:
            scope = self._in_scope(rule)
            if not scope.any():
                continue
            scoped |= scope
            all_met = scope.copy()
            for need in rule.needs:
                answer = self._truth(need.condition, rule.place)
                all_met &= answer.sure
                unmet.append((f"{rule.id}/{need.name}", scope, answer))
            met |= all_met
        self._set(no_permit(self.words.jurisdictions[home]), _within(~scoped, reached))
        refused = _within(scoped & ~met, reached)
        if refused.any():
            for name, scope, answer in unmet:
                self._set(name, refused & scope & ~answer.sure)
                if answer.possible is not answer.sure:
                    self._set(MISSING_FACT, refused & scope & ~answer.sure & answer.possible)

    def _in_scope(self, rule: Rule) -> Bools:
        """Return where all of `when` hold for a permit, wherever its own place is touched or not."""
        if rule.id not in self._scopes:
            self._scopes[rule.id] = self._all(rule.when, rule.place).sure
        return self._scopes[rule.id]

    def _ban(self, rule: Rule) -> None:
        home = self._home(rule.place)
        if not rule.anywhere and home not in self._reached:
            return
        when = self._all(rule.when, rule.place)
        applies = when.possible if rule.anywhere else _within(when.possible, self._reached[home])
        for each in rule.yields:
            if not applies.any():
                return
            permit = self.book.rule_by_id[each.permit]
            assert self.law.instant is not None
            is_due = each.since is None or each.since <= self.law.instant
            if not is_due or permit.id not in self.law.in_force:
                continue
            reach = self._home(permit.place)
            if permit.anywhere or reach in self._reached:
                scope = self._in_scope(permit)
                applies = applies & ~(scope if permit.anywhere else _within(scope, self._reached[reach]))
        if rule.unless and applies.any():
            applies = applies & ~self._all(rule.unless, rule.place).sure
        self._set(rule.id, applies)
        if when.possible is not when.sure:
            self._set(MISSING_FACT, applies & ~when.sure)

    def _always(self, name: str, hold: Expr, place: str, reached: Bools | None) -> None:
        self.shift = coins_shift(self.law.action)
        broken = ~self._truth(hold, place).sure
        self.shift = 0
        if self.law.action is not Action.ISSUE and broken.any():
            broken &= self._truth(hold, place).sure
        self._set(name, _within(broken, reached))

    # -- rows -------------------------------------------------------------------------------

    def _touched(self) -> Int64s:
        """Return the jurisdictions that each row touches, as bits; _NOWHERE where a place is not known."""
        touched = np.zeros(len(self.bits), dtype=np.int64)
        for name in TOUCHING:
            touched |= self.law.homes.take(self._column(name)[0], mode="clip")
        return touched

    def _home(self, place: str) -> int:
        return self.words.jurisdictions.index(self.words.jurisdiction_of(place))

    def _nothing(self) -> Bools:
        return np.zeros(len(self.bits), dtype=np.bool_)

    def _set(self, reason: str, rows: Bools) -> None:
        if rows.any():
            bit = self.book.reason_bit[reason]
            self.bits[rows, bit // 64] |= np.uint64(1) << np.uint64(bit % 64)

    def _column(self, fact: str) -> tuple[Int64s, Bools | None]:
        """Return a fact and where it is unknown, or None when it is known everywhere."""
        if fact not in self._facts:
            if fact not in self.columns:
                column = np.full(len(self.bits), MISSING, dtype=np.int64)
            elif self.where is None:
                column = self.columns[fact]
            else:
                column = self.columns[fact].take(self.where)
            declared = self.words.facts[fact]
            if declared.type in (FactType.TEXT, FactType.PLACE):
                known = self.words.places if declared.type is FactType.PLACE else declared.words
                unknown = (column < 1) | (column > len(known))
            else:
                unknown = column == MISSING
            self._facts[fact] = column, unknown if unknown.any() else None
        return self._facts[fact]

    # -- conditions -------------------------------------------------------------------------

    def _all(self, conditions: Sequence[Expr], place: str) -> _Truth:
        if not conditions:
            everywhere = np.ones(len(self.bits), dtype=np.bool_)
            return _Truth(everywhere, everywhere)
        return self._join([self._truth(condition, place) for condition in conditions], np.logical_and)

    @staticmethod
    def _join(parts: Sequence[_Truth], join: Any) -> _Truth:
        sure, possible = parts[0].sure, parts[0].possible
        for part in parts[1:]:
            is_known = possible is sure and part.possible is part.sure
            sure, before = join(sure, part.sure), possible
            possible = sure if is_known else join(before, part.possible)
        return _Truth(sure, possible)

    def _truth(self, expr: Expr, place: str) -> _Truth:
        match expr:
            case Compare(op=op, left=left, right=right, unit=unit):
                first, first_unknown = self._sum(left, place, unit)
                second, second_unknown = self._sum(right, place, unit)
                return _answer(_COMPARISONS[op](first, second), _either(first_unknown, second_unknown))
            case IsWord(fact=fact, words=words, is_negated=is_negated):
                column, unknown = self._column(fact)
                codes = [self.words.code(fact, word) for word in words]
                found = column == codes[0]
                for code in codes[1:]:
                    found |= column == code
                return _answer(~found if is_negated else found, unknown)
            case Holds(fact=fact, place=wanted, is_negated=is_negated):
                column, unknown = self._column(fact)
                mask = np.int64(1 << self.words.place_codes[wanted])
                held = (column & mask) == 0 if is_negated else (column & mask) != 0
                return _answer(held, unknown)
            case Both(is_and=is_and, parts=parts):
                join = np.logical_and if is_and else np.logical_or
                return self._join([self._truth(part, place) for part in parts], join)
            case Not(part=part):
                return self._truth(part, place).opposite()

    def _sum(self, terms: Sequence[Term], place: str, unit: str) -> tuple[Any, Bools | None]:
        """Return a sum, as a column or one number, and where it is unknown."""
        total, unknown = self._term(terms[0], place, unit)
        total = total if terms[0].sign > 0 else -total
        for term in terms[1:]:
            amount, missing = self._term(term, place, unit)
            total = total + amount if term.sign > 0 else total - amount
            unknown = _either(unknown, missing)
        return total, unknown

    def _term(self, term: Term, place: str, unit: str) -> tuple[Any, Bools | None]:
        match term:
            case AmountTerm(fen=fen):
                return np.int64(fen), None
            case FactTerm(fact=fact):
                column, unknown = self._column(fact)
                if not self.shift or fact != "issuer.coins_outstanding":
                    return column, unknown
                amount, missing = self._column("payment.amount")
                change = amount if missing is None else np.where(missing, 0, amount)
                return column + self.shift * change, _either(unknown, missing)
            case _:
                return self._value(place, term.series, term.key_fact, unit)

    def _value(self, place: str, series_id: str, key_fact: str, unit: str) -> tuple[Any, Bools | None]:
        """Return a value of the law in each row, by the currency of the coin and the word that picks it."""
        series, instant = self.book.lookup(place, series_id), self.law.instant
        keys = self.words.keys_of(series_id) if key_fact else ("",)
        currencies = self.words.currencies if unit == "coin" else (unit,)
        set_ = [
            series.at(instant, currency, key) if series and instant is not None else None
            for currency in currencies
            for key in keys
        ]
        amounts = np.array([found[0] if found else 0 for found in set_], dtype=np.int64)
        at, unknown = np.zeros(len(self.bits), dtype=np.int64), None
        if unit == "coin":
            peg, unknown = self._column("coin.peg")
            at = (peg - 1) * len(keys)
        if key_fact:
            key, missing = self._column(key_fact)
            at, unknown = at + (key - 1), _either(unknown, missing)
        if unknown is not None:
            at = np.where(unknown, 0, at)
        if any(found is None for found in set_):
            absent = np.array([found is None for found in set_]).take(at)
            unknown = _either(unknown, absent if absent.any() else None)
        return amounts.take(at), unknown


def _answer(found: Bools, unknown: Bools | None) -> _Truth:
    """Return the truth of an answer that means nothing where it is *unknown*."""
    if unknown is None:
        return _Truth(found, found)
    return _Truth(found & ~unknown, found | unknown)


def _either(one: Bools | None, other: Bools | None) -> Bools | None:
    if one is None or other is None:
        return other if one is None else one
    return one | other


def _within(rows: Bools, reached: Bools | None) -> Bools:
    return rows if reached is None else rows & reached
