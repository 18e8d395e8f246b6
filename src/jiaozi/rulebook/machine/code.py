"""Conditions as instructions: each asks one whole question and jumps on its answer.

A comparison such as `payer.paid_today + payment.amount <= limit.day[payer.tier]` is
one instruction, and so is "this word is one of these". `and`, `or` and `not` leave
no instruction behind: they are where the jumps go. `not` moves inward to the
questions themselves, so that more truth never makes a condition less true. That is
why two values are enough for three-valued logic: run with every unknown answer
taken as no, the code tells whether the condition is true; with every unknown
taken as yes, whether it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jiaozi.rulebook.language import (
    AmountTerm,
    Both,
    Compare,
    Expr,
    FactTerm,
    Holds,
    IsWord,
    Not,
    Term,
    ValueTerm,
)
from jiaozi.rulebook.machine.layout import (
    BEYOND_VALUE,
    COMPARE,
    EQ,
    EXIT,
    FACT,
    GE,
    GT,
    HAS,
    I_OP,
    I_TARGET,
    INSTRUCTION_WIDTH,
    LE,
    LT,
    NE,
    NUMBER,
    SHIFTED,
    TERM_WIDTH,
    VALUE,
    WITHIN_FACT,
    WITHIN_VALUE,
    WORD,
)
from jiaozi.rulebook.vocabulary import FactType, Vocabulary

COINS = "issuer.coins_outstanding"

_COMPARISONS = {"==": EQ, "!=": NE, "<": LT, "<=": LE, ">": GT, ">=": GE}
_NEGATED = {EQ: NE, NE: EQ, LT: GE, GE: LT, GT: LE, LE: GT}
_WORD_BITS = 64

ValueOperands = tuple[int, int, int, int]
"""Row of a value, slot of its key or -1, how many keys, how many currencies or 0."""


class Code:
    """The instructions of one condition, or of the conditions of one permit, in order.

    `put` writes numbers into the program and returns their address; `value` tells
    how a value of the law is asked. *shift* is 1, 0 or -1: whether the coins
    outstanding are asked as they will stand after issuing, as they are, or after
    redeeming.
    """

    def __init__(
        self,
        words: Vocabulary,
        put: Callable[[Sequence[int]], int],
        value: Callable[[ValueTerm, str], ValueOperands],
        *,
        shift: int = 0,
    ) -> None:
        self._words = words
        self._put = put
        self._value = value
        self._shift = shift
        self._rows: list[list[int]] = []
        self._labels: dict[int, int] = {}

    def unless(self, condition: Expr, exit_code: int) -> None:
        """Leave with *exit_code* unless *condition* is true."""
        self._jump(condition, negated=False, on=False, target=~exit_code)

    def leave(self, exit_code: int) -> None:
        """Leave with *exit_code*."""
        self._emit(EXIT, 0, exit_code)

    def written(self) -> int:
        """Write the code into the program; return its address."""
        # Jumps inside the code are labels until now: positive numbers, each placed at a row.
        start = self._put(())
        for row in self._rows:
            if row[I_OP] != EXIT and row[I_TARGET] >= 0:
                row[I_TARGET] = start + INSTRUCTION_WIDTH * self._labels[row[I_TARGET]]
        return self._put([number for row in self._rows for number in row])

    def _emit(self, op: int, on: int, target: int, *operands: int) -> None:
        row = [op, on, target, *operands]
        self._rows.append(row + [0] * (INSTRUCTION_WIDTH - len(row)))

    def _jump(self, expr: Expr, *, negated: bool, on: bool, target: int) -> None:
        """Jump to *target* when *expr*, or its opposite, is *on*; else go on with what follows."""
        match expr:
            case Not(part=part):
                self._jump(part, negated=not negated, on=on, target=target)
            case Both(is_and=is_and, parts=parts):
                if on == (is_and == negated):  # any one part decides
                    for part in parts:
                        self._jump(part, negated=negated, on=on, target=target)
                    return
                label = len(self._labels)
                self._labels[label] = -1
                for part in parts[:-1]:
                    self._jump(part, negated=negated, on=not on, target=label)
                self._jump(parts[-1], negated=negated, on=on, target=target)
                self._labels[label] = len(self._rows)
            case IsWord(fact=fact, words=words, is_negated=is_negated):
                self._word(fact, words, negated=is_negated != negated, on=on, target=target)
            case Holds(fact=fact, place=place, is_negated=is_negated):
                slot, code = self._words.slots[fact], self._words.place_codes[place]
                self._emit(HAS, on, target, slot, code, is_negated != negated)
            case Compare():
                self._compare(expr, negated=negated, on=on, target=target)

    def _word(self, fact: str, words: Sequence[str], *, negated: bool, on: bool, target: int) -> None:
        is_place = self._words.facts[fact].type is FactType.PLACE
        count = len(self._words.places if is_place else self._words.facts[fact].words)
        chosen = {self._words.code(fact, word) for word in words}
        if negated:
            chosen = set(range(1, count + 1)) - chosen
        masks = [0] * (count // _WORD_BITS + 1)
        for code in chosen:
            masks[code // _WORD_BITS] |= 1 << code % _WORD_BITS
        signed = [mask - 2**64 if mask >= 2**63 else mask for mask in masks]
        self._emit(WORD, on, target, self._words.slots[fact], self._put(signed), count)

    # -- sums -------------------------------------------------------------------------------

    def _compare(self, expr: Compare, *, negated: bool, on: bool, target: int) -> None:
        op = _COMPARISONS[expr.op]
        if negated:
            op = _NEGATED[op]
        if not self._is_short(expr, op, on=on, target=target):
            terms = [number for term in (*expr.left, *expr.right) for number in self._term(term, expr.unit)]
            self._emit(COMPARE, on, target, self._put(terms), len(expr.left), len(expr.right), op)

    def _is_short(self, expr: Compare, op: int, *, on: bool, target: int) -> bool:
        """Write a comparison of one of the usual forms as one short instruction; return whether it was.

        Both sides are brought into the form `left + number <= right`, with no sign but plus.
        """
        left, right, number = expr.left, expr.right, 0
        if op in (GT, GE):
            left, right = right, left
        if op in (LT, GT):
            number = 1
        facts: tuple[list[int], list[int]] = [], []
        values: tuple[list[ValueTerm], list[ValueTerm]] = [], []
        for side, terms in enumerate((left, right)):
            for term in terms:
                where = side if term.sign > 0 else 1 - side
                match term:
                    case AmountTerm(fen=fen):
                        number += fen if where == 0 else -fen
                    case FactTerm(fact=fact) if fact == COINS and self._shift:
                        return False
                    case FactTerm(fact=fact):
                        facts[where].append(self._words.slots[fact])
                    case ValueTerm():
                        values[where].append(term)
        if op in (EQ, NE):
            return False
        shape = len(facts[0]), len(values[0]), len(facts[1]), len(values[1])
        first, *second = (*facts[0], *facts[1], -1)
        if shape in ((1, 0, 0, 1), (2, 0, 0, 1)):
            asked = self._value(values[1][0], expr.unit)
            self._emit(WITHIN_VALUE, on, target, first, second[0], number, *asked)
        elif shape in ((0, 1, 1, 0), (0, 1, 2, 0)):
            asked = self._value(values[0][0], expr.unit)
            self._emit(BEYOND_VALUE, on, target, first, second[0], number, *asked)
        elif shape in ((1, 0, 1, 0), (2, 0, 1, 0)):
            others = facts[0][1] if len(facts[0]) == 2 else -1
            self._emit(WITHIN_FACT, on, target, first, others, number, facts[1][0])
        else:
            return False
        return True

    def _term(self, term: Term, unit: str) -> list[int]:
        match term:
            case AmountTerm(fen=fen, sign=sign):
                row = [NUMBER, sign, fen]
            case FactTerm(fact=fact, sign=sign) if fact == COINS and self._shift:
                row = [SHIFTED, sign, self._words.slots[fact], self._shift]
            case FactTerm(fact=fact, sign=sign):
                row = [FACT, sign, self._words.slots[fact]]
            case ValueTerm(sign=sign):
                row = [VALUE, sign, *self._value(term, unit)]
        return row + [0] * (TERM_WIDTH - len(row))
