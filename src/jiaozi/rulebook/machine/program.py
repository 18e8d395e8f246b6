"""A book compiled to one flat array of numbers, so that one kernel runs every book.

A condition becomes a run of instructions for a tiny stack machine; a value of
the law becomes a row of numbers, one for each interval. A new law therefore
needs no new machine code: it is ready in a millisecond, and a reform can be
tried beside the law in force in the same pass.

It is one array on purpose: numba counts a reference for each array at each call,
and a tuple of twelve arrays decided 0.14 million payments a second where one
array decided 1.1 million. `compiled.py` has the rest of that story; bench/law.py
prints today's figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.decide import TOUCHING
from jiaozi.rulebook.language import AmountTerm, Both, Compare, Expr, FactTerm, Holds, IsWord, Not, Term
from jiaozi.rulebook.model import ACTION_CODES, Action, Book, Rule, no_permit
from jiaozi.rulebook.timeline import cuts
from jiaozi.rulebook.vocabulary import FactType

Int64s = NDArray[np.int64]

MISSING = -(2**63)
"""A fact that was not given, in a row of facts or on the stack."""

STACK_DEPTH = 64

# Instructions: one row of four numbers each (op, a, b, c).
END, FACT, CONST, VALUE, ADD, SUB, EQ, NE, LT, LE, GT, GE, IN, HAS, AND, OR, NOT, FALSE = range(18)
_COMPARE = {"==": EQ, "!=": NE, "<": LT, "<=": LE, ">": GT, ">=": GE}

# Columns of the table of rules.
R_PERMIT, R_HOME, R_ANYWHERE, R_WHEN, R_UNLESS, R_BIT, R_NEEDS, R_NEED_COUNT = range(8)
R_YIELDS, R_YIELD_COUNT, RULE_WIDTH = range(8, 11)

# Columns of the table of what must always hold.
A_HOME, A_CONDITION, A_BIT, ALWAYS_WIDTH = range(4)

# The head of a program: where each table begins, and how long it is.
(
    H_CUTS,  # starts of intervals 1..k
    H_CUT_COUNT,
    H_CODE,  # instructions, 4 numbers each
    H_POOL,  # constants, members of `in` lists, rules that a ban yields to and since when
    H_VALUES,  # values of the law: a row a value, a column an interval
    H_VALUE_WIDTH,
    H_RULES,  # RULE_WIDTH numbers a rule, permits first
    H_RULE_COUNT,
    H_ACTIVE,  # for each interval and action: a count, then rules in force
    H_ACTIVE_WIDTH,
    H_NEEDS,  # condition and bit
    H_ALWAYS,
    H_ALWAYS_COUNT,
    H_ALWAYS_ACTIVE,  # for each interval: whether each must hold then
    H_HOMES,  # jurisdiction of each place code; -1 for code 0
    H_HOME_COUNT,
    H_SILENT,  # bit of "nothing permits this" of each jurisdiction
    H_SILENT_COUNT,
    H_TOUCHING,  # slots of the four facts whose places decide which law is reached
    H_AMOUNT,  # slot of payment.amount
    H_COINS,  # slot of issuer.coins_outstanding
    H_PEG,  # slot of coin.peg
    H_WORDS,  # 64-bit words of reasons
    HEAD_SIZE,
) = range(24)

ACTION_ROWS = len(Action) + 1
"""Rows of the table of rules in force for each interval: action 0, which asks no law, then each action."""

Program = Int64s
"""A compiled book: int64, a head and its tables. Instants are nanoseconds, amounts fen."""


def words_of(book: Book) -> int:
    """Return how many 64-bit words the reasons of *book* need."""
    return (len(book.reasons) + 63) // 64


def compile_book(book: Book) -> Program:
    """Return *book* as tables."""
    return _Compiler(book).program()


class _Compiler:
    def __init__(self, book: Book) -> None:
        self.book = book
        self.words = book.vocabulary
        self.cuts = cuts(book)
        self.code: list[tuple[int, int, int, int]] = []
        self.pool: list[int] = []
        self.value_rows: list[list[int]] = []
        self.value_start: dict[tuple[str, str, str], int] = {}

    def program(self) -> Program:
        rules = sorted(self.book.rules, key=lambda rule: not rule.is_permit)
        number = {rule.id: index for index, rule in enumerate(rules)}
        needs: list[int] = []
        rows = [self._rule(rule, number, needs) for rule in rules]
        always = [
            (
                self._home(always.place),
                self._condition([always.hold], always.place),
                self.book.reason_bit[always.id],
            )
            for always in self.book.always
        ]
        slots, width = self.words.slots, len(rules) + 1
        image = _Image()
        image.table(H_CUTS, self.cuts, count=H_CUT_COUNT)
        image.table(H_CODE, chain.from_iterable(self.code))
        image.table(H_POOL, self.pool)
        image.table(H_VALUES, chain.from_iterable(self.value_rows))
        image.table(H_RULES, chain.from_iterable(rows))
        image.table(H_ACTIVE, self._active(rules, width))
        image.table(H_NEEDS, needs)
        image.table(H_ALWAYS, chain.from_iterable(always))
        image.table(
            H_ALWAYS_ACTIVE,
            (
                int(start is not None and found.span.covers(start))
                for start in (None, *self.cuts)
                for found in self.book.always
            ),
        )
        image.table(H_HOMES, [-1, *(self._home(place) for place in self.words.places)], count=H_HOME_COUNT)
        silent = [self.book.reason_bit[no_permit(place)] for place in self.words.jurisdictions]
        image.table(H_SILENT, silent, count=H_SILENT_COUNT)
        image.table(H_TOUCHING, [slots[name] for name in TOUCHING])
        image.head |= {
            H_VALUE_WIDTH: len(self.cuts) + 1,
            H_RULE_COUNT: len(rules),
            H_ACTIVE_WIDTH: width,
            H_ALWAYS_COUNT: len(always),
            H_AMOUNT: slots["payment.amount"],
            H_COINS: slots["issuer.coins_outstanding"],
            H_PEG: slots["coin.peg"],
            H_WORDS: words_of(self.book),
        }
        return image.array()

    def _rule(self, rule: Rule, number: dict[str, int], needs: list[int]) -> tuple[int, ...]:
        first_need = len(needs) // 2
        for need in rule.needs:
            bit = self.book.reason_bit[f"{rule.id}/{need.name}"]
            needs += (self._condition([need.condition], rule.place), bit)
        yields = len(self.pool)
        for each in rule.yields:
            self.pool += (number[each.permit], each.since if each.since is not None else MISSING)
        return (
            int(rule.is_permit),
            self._home(rule.place),
            int(rule.anywhere),
            self._condition(rule.when, rule.place) if rule.when else -1,
            self._condition(rule.unless, rule.place) if rule.unless else -1,
            -1 if rule.is_permit else self.book.reason_bit[rule.id],
            first_need,
            len(rule.needs),
            yields,
            len(rule.yields),
        )

    def _active(self, rules: Sequence[Rule], width: int) -> Iterator[int]:
        """Yield, for each interval and action, how many rules are in force, then their numbers."""
        codes = {code: action for action, code in ACTION_CODES.items()}
        for start in (None, *self.cuts):
            for code in range(ACTION_ROWS):
                in_force = [
                    n
                    for n, rule in enumerate(rules)
                    if start is not None and rule.span.covers(start) and codes.get(code) in rule.actions
                ]
                yield from (len(in_force), *in_force, *[0] * (width - 1 - len(in_force)))

    def _condition(self, conditions: Sequence[Expr], place: str) -> int:
        """Write the instructions for "all of *conditions*"; return where they begin."""
        start = len(self.code)
        for index, condition in enumerate(conditions):
            self._expr(condition, place)
            if index:
                self._emit(AND)
        self._emit(END)
        return start

    def _emit(self, op: int, a: int = 0, b: int = 0, c: int = 0) -> None:
        self.code.append((op, a, b, c))

    def _expr(self, expr: Expr, place: str) -> None:
        match expr:
            case Compare(op=op, left=left, right=right, unit=unit):
                self._sum(left, place, unit)
                self._sum(right, place, unit)
                self._emit(_COMPARE[op])
            case IsWord(fact=fact, words=words, is_negated=is_negated):
                self._emit(FACT, self.words.slots[fact])
                self._emit(IN, len(self.pool), len(words))
                self.pool.extend(self.words.code(fact, word) for word in words)
                if is_negated:
                    self._emit(NOT)
            case Holds(fact=fact, place=wanted, is_negated=is_negated):
                self._emit(FACT, self.words.slots[fact])
                self._emit(HAS, self.words.place_codes[wanted])
                if is_negated:
                    self._emit(NOT)
            case Both(is_and=is_and, parts=parts):
                for index, part in enumerate(parts):
                    self._expr(part, place)
                    if index:
                        self._emit(AND if is_and else OR)
            case Not(part=part):
                self._expr(part, place)
                self._emit(NOT)

    def _sum(self, terms: Sequence[Term], place: str, unit: str) -> None:
        for index, term in enumerate(terms):
            self._term(term, place, unit)
            if index:
                self._emit(ADD if term.sign > 0 else SUB)

    def _term(self, term: Term, place: str, unit: str) -> None:
        match term:
            case AmountTerm(fen=fen):
                self._emit(CONST, len(self.pool))
                self.pool.append(fen)
            case FactTerm(fact=fact):
                self._emit(FACT, self.words.slots[fact])
            case _:
                key = self.words.slots[term.key_fact] if term.key_fact else -1
                keys = max(len(self.words.keys_of(term.series)), 1)
                self._emit(VALUE, self._rows(place, term.series, unit), key, 2 * keys + (unit == "coin"))

    def _rows(self, place: str, series_id: str, unit: str) -> int:
        """Return the first row of a series: a row a key, for the coin's currency a block a currency."""
        found = self.value_start.get((place, series_id, unit))
        if found is not None:
            return found
        start = self.value_start[place, series_id, unit] = len(self.value_rows)
        keys = self.words.keys_of(series_id) or ("",)
        series = self.book.lookup(place, series_id)
        for currency in self.words.currencies if unit == "coin" else (unit,):
            for key in keys:
                at = [series.at(cut, currency, key) if series else None for cut in self.cuts]
                self.value_rows.append([MISSING, *(found[0] if found else MISSING for found in at)])
        return start

    def _home(self, place: str) -> int:
        return self.words.jurisdictions.index(self.words.jurisdiction_of(place))


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


class _Image:
    """Collects the tables of a program behind its head."""

    def __init__(self) -> None:
        self.head: dict[int, int] = {}
        self.numbers: list[int] = []

    def table(self, at: int, numbers: Iterable[int], *, count: int | None = None) -> None:
        self.head[at] = HEAD_SIZE + len(self.numbers)
        before = len(self.numbers)
        self.numbers.extend(numbers)
        if count is not None:
            self.head[count] = len(self.numbers) - before

    def array(self) -> Program:
        return np.array([*(self.head[at] for at in range(HEAD_SIZE)), *self.numbers], dtype=np.int64)
