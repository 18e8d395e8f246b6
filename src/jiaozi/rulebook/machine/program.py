"""A book compiled to one flat array of numbers, so that one kernel runs every book.

Conditions become instructions (`code`), values of the law a row of numbers for
each interval. For each interval, action and jurisdiction stands what has to be
asked there and nothing else: the law of another place, or of another year, costs
a decision nothing. A new law needs no new machine code: it is ready in
milliseconds, and a reform can be tried beside the law in force in the same pass.

It is one array on purpose: numba hands on seven numbers for each array at each
call, and a tuple of twelve arrays decided 0.14 million payments a second where one
array decided 1.1 million. `compiled.py` has the rest of that story; bench/law.py
prints today's figure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from jiaozi.rulebook.decide import TOUCHING
from jiaozi.rulebook.language import Expr, ValueTerm
from jiaozi.rulebook.machine.code import COINS, Code
from jiaozi.rulebook.machine.layout import (
    ACTION_ROWS,
    H_AMOUNT,
    H_COINS,
    H_CUT_COUNT,
    H_CUTS,
    H_HOME_COUNT,
    H_HOMES,
    H_INDEX,
    H_INDEX_WIDTH,
    H_PEG,
    H_TOUCHING,
    H_VALUE_COUNT,
    H_VALUES,
    HEAD_SIZE,
    MET,
    MISSING,
    OUT_OF_SCOPE,
    UNMET,
    Int64s,
    Program,
)
from jiaozi.rulebook.model import ACTION_CODES, Action, Always, Book, Rule, Span, no_permit
from jiaozi.rulebook.timeline import cuts
from jiaozi.rulebook.vocabulary import FactType

__all__ = [
    "ACTION_ROWS",
    "H_AMOUNT",
    "H_CUTS",
    "H_CUT_COUNT",
    "MISSING",
    "Int64s",
    "Program",
    "coins_shift",
    "compile_book",
    "fact_row",
    "words_of",
]

_ANYWHERE = -1
"""Stands in the index for the group of bans that reach anywhere."""


def words_of(book: Book) -> int:
    """Return how many 64-bit words the reasons of *book* need."""
    return (len(book.reasons) + 63) // 64


def coins_shift(action: Action) -> int:
    """Return how *action* changes the coins outstanding: by plus, by minus, or not at all by its amount."""
    return {Action.ISSUE: 1, Action.REDEEM: -1}.get(action, 0)


def compile_book(book: Book) -> Program:
    """Return *book* as one array."""
    return _Compiler(book).program()


class _Compiler:
    def __init__(self, book: Book) -> None:
        self.book = book
        self.words = book.vocabulary
        self.cuts = cuts(book)
        self.homes = {place: number for number, place in enumerate(self.words.jurisdictions)}
        self.numbers = [0] * HEAD_SIZE
        self.value_rows: list[Int64s] = []
        self.value_start: dict[tuple[str, str, str], int] = {}
        self.written: dict[tuple[object, ...], int] = {}

    def program(self) -> Program:
        slots, places = self.words.slots, self.words.places
        index = self._index()
        head = {
            H_CUTS: self._put(self.cuts),
            H_CUT_COUNT: len(self.cuts),
            H_HOMES: self._put([-1, *(self._home(place) for place in places)]),
            H_HOME_COUNT: len(places) + 1,
            H_TOUCHING: self._put([slots[name] for name in TOUCHING]),
            H_AMOUNT: slots["payment.amount"],
            H_COINS: slots[COINS],
            H_PEG: slots["coin.peg"],
            H_INDEX: len(self.numbers),
            H_INDEX_WIDTH: len(self.homes) + 1,
            H_VALUES: len(self.numbers) + index.size,
            H_VALUE_COUNT: len(self.value_rows),
        }
        for at, number in head.items():
            self.numbers[at] = number
        values = np.stack(self.value_rows, axis=1) if self.value_rows else np.empty(0, dtype=np.int64)
        return np.concatenate([np.array(self.numbers, dtype=np.int64), index.ravel(), values.ravel()])

    def _put(self, numbers: Sequence[int]) -> int:
        """Write *numbers* at the end of the program; return their address."""
        self.numbers.extend(numbers)
        return len(self.numbers) - len(numbers)

    def _home(self, place: str) -> int:
        return self.homes[self.words.jurisdiction_of(place)]

    # -- time -------------------------------------------------------------------------------

    def _since(self, instant: int) -> int:
        """Return the first interval that does not begin before *instant*; one past the last if none does."""
        return bisect_left(self.cuts, instant) + 1

    def _intervals(self, span: Span) -> list[bool]:
        """Return for each interval whether *span* covers it."""
        covered = [False] * (len(self.cuts) + 1)
        end = len(covered) if span.end is None else self._since(span.end)
        start = self._since(span.start)
        covered[start:end] = [True] * max(end - start, 0)
        for gap in span.gaps:
            begin, resumed = self._since(gap.start), len(covered) if gap.end is None else self._since(gap.end)
            covered[begin:resumed] = [False] * (resumed - begin)
        return covered

    # -- the index --------------------------------------------------------------------------

    def _index(self) -> Int64s:
        """Write every group; return where each is: (intervals, actions, anywhere and jurisdictions)."""
        book, count = self.book, len(self.cuts) + 1
        self.in_force = {found.id: self._intervals(found.span) for found in (*book.rules, *book.always)}
        index = np.empty((count, ACTION_ROWS, len(self.homes) + 1), dtype=np.int64)
        codes: Mapping[int, Action] = {code: action for action, code in ACTION_CODES.items()}
        for code in range(ACTION_ROWS):
            action = codes.get(code)
            rules = [rule for rule in book.rules if action in rule.actions]
            for home, place in [(_ANYWHERE, ""), *((n, place) for place, n in self.homes.items())]:
                permits = [rule for rule in rules if rule.is_permit and self._home(rule.place) == home]
                bans = [rule for rule in rules if not rule.is_permit and self._reach(rule) == home]
                always = [found for found in book.always if action and self._home(found.place) == home]
                silent = -1 if home == _ANYWHERE else book.reason_bit[no_permit(place)]
                for first, last in self._stretches([*permits, *bans, *always]):
                    group = self._group(action, silent, permits, bans, always, first)
                    index[first:last, code, home + 1] = group
        return index

    def _reach(self, rule: Rule) -> int:
        return _ANYWHERE if rule.anywhere else self._home(rule.place)

    def _stretches(self, found: Sequence[Rule | Always]) -> Iterator[tuple[int, int]]:
        """Yield stretches of intervals, first and one past the last, in which nothing of *found* changes."""
        moments = {moment for each in found for moment in each.span.cuts()}
        for each in found:
            if isinstance(each, Rule):
                moments |= {other.since for other in each.yields if other.since is not None}
                # A ban is lifted only while the permit itself is in force.
                permits = (self.book.rule_by_id[other.permit] for other in each.yields)
                moments |= {moment for permit in permits for moment in permit.span.cuts()}
        firsts = [0, *sorted({self._since(moment) for moment in moments} - {len(self.cuts) + 1})]
        yield from zip(firsts, [*firsts[1:], len(self.cuts) + 1], strict=True)

    def _group(
        self,
        action: Action | None,
        silent: int,
        permits: Sequence[Rule],
        bans: Sequence[Rule],
        always: Sequence[Always],
        interval: int,
    ) -> int:
        rows = (
            [self._permit(rule) for rule in permits if self.in_force[rule.id][interval]],
            [self._ban(rule, action, interval) for rule in bans if self.in_force[rule.id][interval]],
            [self._always(found, action) for found in always if self.in_force[found.id][interval]],
        )
        group = [silent, *map(len, rows), *(row for part in rows for row in part)]
        return self._once(("group", *group), group)

    def _once(self, key: tuple[object, ...], numbers: Sequence[int]) -> int:
        """Write *numbers* unless they were written under this key before; return their address."""
        if key not in self.written:
            self.written[key] = self._put(numbers)
        return self.written[key]

    # -- provisions -------------------------------------------------------------------------

    def _permit(self, rule: Rule) -> int:
        if ("permit", rule.id) in self.written:
            return self.written["permit", rule.id]
        code, needs = self._code(rule.place), []
        for condition in rule.when:
            code.unless(condition, OUT_OF_SCOPE)
        for need in rule.needs:
            code.unless(need.condition, UNMET)
            asked = self._all_of((need.condition,), rule.place)
            needs += [asked, self.book.reason_bit[f"{rule.id}/{need.name}"]]
        code.leave(MET)
        reach = _ANYWHERE if rule.anywhere else self._home(rule.place)
        return self._once(("permit", rule.id), [code.written(), reach, len(rule.needs), *needs])

    def _ban(self, rule: Rule, action: Action | None, interval: int) -> int:
        start = self.cuts[interval - 1]
        lifting = []
        for each in rule.yields:
            permit = self.book.rule_by_id[each.permit]
            is_due = each.since is None or each.since <= start
            if is_due and action in permit.actions and self.in_force[permit.id][interval]:
                lifting.append(self._permit(permit))
        key = ("ban", rule.id, *lifting)
        if key in self.written:
            return self.written[key]
        when = self._all_of(rule.when, rule.place) if rule.when else -1
        unless = self._all_of(rule.unless, rule.place) if rule.unless else -1
        return self._once(key, [when, unless, self.book.reason_bit[rule.id], len(lifting), *lifting])

    def _always(self, found: Always, action: Action | None) -> int:
        assert action is not None
        shift = coins_shift(action)
        if ("always", found.id, shift) in self.written:
            return self.written["always", found.id, shift]
        after, before = (
            self._all_of((found.hold,), found.place, shift=shift),
            self._all_of((found.hold,), found.place),
        )
        # Issuing is to blame for a broken state even if it was broken before.
        if action is Action.ISSUE:
            before = -1
        return self._once(("always", found.id, shift), [after, before, self.book.reason_bit[found.id]])

    def _all_of(self, conditions: Sequence[Expr], place: str, *, shift: int = 0) -> int:
        """Write code that leaves with 1 when all *conditions* are true, else with 0."""
        code = self._code(place, shift=shift)
        for condition in conditions:
            code.unless(condition, 0)
        code.leave(1)
        return code.written()

    def _code(self, place: str, *, shift: int = 0) -> Code:
        def value(term: ValueTerm, unit: str) -> tuple[int, int, int, int]:
            key = self.words.slots[term.key_fact] if term.key_fact else -1
            keys = max(len(self.words.keys_of(term.series)), 1)
            currencies = len(self.words.currencies) if unit == "coin" else 0
            return self._rows(place, term.series, unit), key, keys, currencies

        return Code(self.words, self._put, value, shift=shift)

    def _rows(self, place: str, series_id: str, unit: str) -> int:
        """Return the first row of a value: a row a key, for the coin's currency a block a currency."""
        found = self.value_start.get((place, series_id, unit))
        if found is not None:
            return found
        start = self.value_start[place, series_id, unit] = len(self.value_rows)
        series = self.book.lookup(place, series_id)
        for currency in self.words.currencies if unit == "coin" else (unit,):
            for key in self.words.keys_of(series_id) or ("",):
                row = np.full(len(self.cuts) + 1, MISSING, dtype=np.int64)
                for value in series.dated if series else ():
                    if key in value.amounts.get(currency, {}):
                        row[self._since(value.start) :] = value.amounts[currency][key]
                self.value_rows.append(row)
        return start


def fact_row(book: Book, facts: Mapping[str, object]) -> Int64s:
    """Return *facts* (as `decide` takes them) as one row for the kernel, MISSING where not given."""
    words = book.vocabulary
    row = np.full(len(words.slots), MISSING, dtype=np.int64)
    for name, value in facts.items():
        if value is None or name not in words.slots:
            continue
        kind = words.facts[name].type
        if kind in (FactType.MONEY, FactType.NUMBER):
            assert isinstance(value, int)
            row[words.slots[name]] = value
        elif kind is FactType.PLACES:
            assert isinstance(value, frozenset)
            row[words.slots[name]] = words.mask(value & words.places.keys())
        elif value in (words.places if kind is FactType.PLACE else words.facts[name].words):
            row[words.slots[name]] = words.code(name, str(value))
        else:
            row[words.slots[name]] = 0
    return row
