"""A compiled book run at machine speed, alone over columns or inline in the ledger.

`decide_row` answers one action: plain arrays in, bits out, nothing allocated.
It is the same function that the ledger calls between finding two accounts and
moving the money. Unknown is a third truth value (2), as in the plain
interpreter. The scratch arrays are handed in, because allocating them for each
payment cost more than the law itself (bench/law.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.machine.compiled import entry, inner
from jiaozi.rulebook.machine.program import (
    A_BIT,
    A_CONDITION,
    A_HOME,
    ACTION_ROWS,
    ADD,
    ALWAYS_WIDTH,
    AND,
    CONST,
    END,
    EQ,
    FACT,
    GE,
    GT,
    H_ACTIVE,
    H_ACTIVE_WIDTH,
    H_ALWAYS,
    H_ALWAYS_ACTIVE,
    H_ALWAYS_COUNT,
    H_AMOUNT,
    H_CODE,
    H_COINS,
    H_CUT_COUNT,
    H_CUTS,
    H_HOME_COUNT,
    H_HOMES,
    H_NEEDS,
    H_PEG,
    H_POOL,
    H_RULE_COUNT,
    H_RULES,
    H_SILENT,
    H_SILENT_COUNT,
    H_TOUCHING,
    H_VALUE_WIDTH,
    H_VALUES,
    HAS,
    IN,
    LE,
    LT,
    MISSING,
    NE,
    NOT,
    OR,
    R_ANYWHERE,
    R_BIT,
    R_HOME,
    R_NEED_COUNT,
    R_NEEDS,
    R_PERMIT,
    R_UNLESS,
    R_WHEN,
    R_YIELD_COUNT,
    R_YIELDS,
    RULE_WIDTH,
    STACK_DEPTH,
    SUB,
    VALUE,
    Int64s,
    Program,
    words_of,
)
from jiaozi.rulebook.model import ACTION_CODES, MISSING_FACT, UNKNOWN_PLACE, Action, Book

ISSUE, PAY = ACTION_CODES[Action.ISSUE], ACTION_CODES[Action.PAY]
UNKNOWN = 2
BIT_MISSING_FACT, BIT_UNKNOWN_PLACE = 0, 1

Bits = NDArray[np.uint64]


def scratch_for(program: Program) -> Int64s:
    """Return room to work in: a stack, a flag a rule, two a jurisdiction. One thread, one scratch."""
    return np.zeros(
        STACK_DEPTH + int(program[H_RULE_COUNT]) + 2 * int(program[H_SILENT_COUNT]), dtype=np.int64
    )


@inner
def set_bit(bits: Bits, bit: int) -> None:
    bits[bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@inner
def ask(program: Program, start: int, interval: int, facts: Int64s, stack: Int64s) -> int:
    """Run the condition at *start*: 0 false, 1 true, 2 unknown. The stack is the head of the scratch."""
    top = -1
    at = program[H_CODE] + 4 * start
    pool = program[H_POOL]
    while True:
        op = program[at]
        if op == END:
            return stack[top]  # type: ignore[no-any-return]
        if op == FACT:
            top += 1
            stack[top] = facts[program[at + 1]]
        elif op == CONST:
            top += 1
            stack[top] = program[pool + program[at + 1]]
        elif op == VALUE:
            top += 1
            stack[top] = _value(program, program[at + 1], program[at + 2], program[at + 3], interval, facts)
        elif op == IN:
            stack[top] = _is_in(program, pool + program[at + 1], program[at + 2], stack[top])
        elif op == HAS:
            held = stack[top]
            stack[top] = UNKNOWN if held == MISSING else (held >> program[at + 1]) & 1
        elif op == NOT:
            if stack[top] != UNKNOWN:
                stack[top] = 1 - stack[top]
        else:
            second = stack[top]
            top -= 1
            stack[top] = _join(op, stack[top], second)
        at += 4


@inner
def _join(op: int, first: int, second: int) -> int:
    if op == AND:
        if first == 0 or second == 0:
            return 0
        return UNKNOWN if first == UNKNOWN or second == UNKNOWN else 1
    if op == OR:
        if first == 1 or second == 1:
            return 1
        return UNKNOWN if first == UNKNOWN or second == UNKNOWN else 0
    if first == MISSING or second == MISSING:
        return MISSING if op in (ADD, SUB) else UNKNOWN
    if op == ADD:
        return first + second
    if op == SUB:
        return first - second
    if op == LE:
        return int(first <= second)
    if op == LT:
        return int(first < second)
    if op == GE:
        return int(first >= second)
    if op == GT:
        return int(first > second)
    if op == EQ:
        return int(first == second)
    assert op == NE
    return int(first != second)


@inner
def _value(program: Program, row: int, key_slot: int, shape: int, interval: int, facts: Int64s) -> int:
    keys = shape >> 1
    if shape & 1:  # a block of rows for each currency a coin may have
        peg = facts[program[H_PEG]]
        if peg < 1:
            return MISSING
        row += (peg - 1) * keys
    if key_slot >= 0:
        key = facts[key_slot]
        if key < 1 or key > keys:
            return MISSING
        row += key - 1
    return program[program[H_VALUES] + row * program[H_VALUE_WIDTH] + interval]  # type: ignore[no-any-return]


@inner
def _is_in(program: Program, start: int, count: int, value: int) -> int:
    if value < 1:  # MISSING, or a word that the law does not know
        return UNKNOWN
    for member in range(start, start + count):
        if program[member] == value:
            return 1
    return 0


@inner
def decide_row(
    program: Program, interval: int, action: int, facts: Int64s, scratch: Int64s, bits: Bits
) -> bool:
    """Answer one action; set the bits of all that stands in the way.

    *facts* is one row of int64 (see `program.fact_row`), *scratch* comes from
    `scratch_for`, *bits* (words,) must be zero on entry. Returns whether the
    action is allowed, that is, whether no bit was set.
    """
    homes = program[H_SILENT_COUNT]
    scope = STACK_DEPTH
    touched = scope + program[H_RULE_COUNT]
    met = touched + homes
    for n in range(scope, met + homes):
        scratch[n] = 0
    for which in range(4):
        place = facts[program[program[H_TOUCHING] + which]]
        if place < 1 or place >= program[H_HOME_COUNT]:
            set_bit(bits, BIT_UNKNOWN_PLACE)
            return False
        scratch[touched + program[program[H_HOMES] + place]] = 1

    _permits(program, interval, action, facts, scratch)
    allowed = True
    active = program[H_ACTIVE] + (interval * ACTION_ROWS + action) * program[H_ACTIVE_WIDTH]
    for n in range(active + 1, active + 1 + program[active]):
        rule = program[n]
        at = program[H_RULES] + rule * RULE_WIDTH
        home = program[at + R_HOME]
        if program[at + R_PERMIT]:
            if scratch[scope + rule] and scratch[touched + home] and scratch[met + home] != 1:
                _needs(program, interval, at, facts, scratch, bits)
                allowed = False
        elif program[at + R_ANYWHERE] or scratch[touched + home]:
            applies = _forbids(program, interval, at, facts, scratch)
            if applies:
                set_bit(bits, program[at + R_BIT])
                allowed = False
            if applies == UNKNOWN:
                set_bit(bits, BIT_MISSING_FACT)
    for home in range(homes):
        if scratch[touched + home] and scratch[met + home] == 0:
            set_bit(bits, program[program[H_SILENT] + home])
            allowed = False
    return _always(program, interval, action, facts, scratch, bits) and allowed


@inner
def _permits(program: Program, interval: int, action: int, facts: Int64s, scratch: Int64s) -> None:
    """Mark the permits in scope; `met` of a jurisdiction: 0 none in scope, 2 some, 1 all needs of one met."""
    scope = STACK_DEPTH
    touched = scope + program[H_RULE_COUNT]
    met = touched + program[H_SILENT_COUNT]
    active = program[H_ACTIVE] + (interval * ACTION_ROWS + action) * program[H_ACTIVE_WIDTH]
    for n in range(active + 1, active + 1 + program[active]):
        rule = program[n]
        at = program[H_RULES] + rule * RULE_WIDTH
        if not program[at + R_PERMIT]:
            break  # permits come first
        home = program[at + R_HOME]
        if not scratch[touched + home] and not program[at + R_ANYWHERE]:
            continue
        when = program[at + R_WHEN]
        if when >= 0 and ask(program, when, interval, facts, scratch) != 1:
            continue
        scratch[scope + rule] = 1
        if scratch[met + home] == 1:
            continue
        scratch[met + home] = 1
        first = program[H_NEEDS] + 2 * program[at + R_NEEDS]
        for need in range(first, first + 2 * program[at + R_NEED_COUNT], 2):
            if ask(program, program[need], interval, facts, scratch) != 1:
                scratch[met + home] = 2
                break


@inner
def _needs(program: Program, interval: int, at: int, facts: Int64s, scratch: Int64s, bits: Bits) -> None:
    first = program[H_NEEDS] + 2 * program[at + R_NEEDS]
    for need in range(first, first + 2 * program[at + R_NEED_COUNT], 2):
        answer = ask(program, program[need], interval, facts, scratch)
        if answer != 1:
            set_bit(bits, program[need + 1])
        if answer == UNKNOWN:
            set_bit(bits, BIT_MISSING_FACT)


@inner
def _forbids(program: Program, interval: int, at: int, facts: Int64s, scratch: Int64s) -> int:
    """Return 0 if the ban at *at* does not apply, 1 if it does, 2 if it does because a fact is missing."""
    when, unless = program[at + R_WHEN], program[at + R_UNLESS]
    applies = ask(program, when, interval, facts, scratch) if when >= 0 else 1
    if applies == 0:
        return 0
    now = program[program[H_CUTS] + interval - 1]
    first = program[H_POOL] + program[at + R_YIELDS]
    for n in range(first, first + 2 * program[at + R_YIELD_COUNT], 2):
        if scratch[STACK_DEPTH + program[n]] and program[n + 1] <= now:
            return 0
    if unless >= 0 and ask(program, unless, interval, facts, scratch) == 1:
        return 0
    return applies


@inner
def _always(program: Program, interval: int, action: int, facts: Int64s, scratch: Int64s, bits: Bits) -> bool:
    if interval == 0:
        return True
    active = program[H_ALWAYS_ACTIVE] + interval * program[H_ALWAYS_COUNT]
    touched = STACK_DEPTH + program[H_RULE_COUNT]
    coins_slot, amount = program[H_COINS], facts[program[H_AMOUNT]]
    coins = facts[coins_slot]
    holds = True
    for n in range(program[H_ALWAYS_COUNT]):
        at = program[H_ALWAYS] + n * ALWAYS_WIDTH
        if not program[active + n] or not scratch[touched + program[at + A_HOME]]:
            continue
        if coins != MISSING and amount != MISSING and action != PAY:
            facts[coins_slot] = coins + (amount if action == ISSUE else -amount)
        after = ask(program, program[at + A_CONDITION], interval, facts, scratch)
        facts[coins_slot] = coins
        if after == 1:
            continue
        if action == ISSUE or ask(program, program[at + A_CONDITION], interval, facts, scratch) == 1:
            set_bit(bits, program[at + A_BIT])
            holds = False
    return holds


@entry
def decide_columns(
    program: Program, intervals: Int64s, actions: Int64s, facts: Int64s, scratch: Int64s, bits: Bits
) -> None:
    """Answer many actions: *facts* is (n, facts) int64, *bits* is (n, words) uint64 and zero on entry."""
    for n in range(len(actions)):
        decide_row(program, intervals[n], actions[n], facts[n], scratch, bits[n])


def decide_batch(
    book: Book, program: Program, actions: Int64s, facts: Int64s, instants: Int64s
) -> NDArray[np.uint64]:
    """Return the bits, (n, words) uint64, for *actions* (n,), *facts* (n, facts) and *instants* (n,) ns."""
    assert book.reasons[BIT_MISSING_FACT] == MISSING_FACT
    assert book.reasons[BIT_UNKNOWN_PLACE] == UNKNOWN_PLACE
    bits = np.zeros((len(actions), words_of(book)), dtype=np.uint64)
    cuts = program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]]
    intervals = np.searchsorted(cuts, instants, side="right").astype(np.int64)
    decide_columns(program, intervals, actions, facts.copy(), scratch_for(program), bits)
    return bits


def names_of(book: Book, bits: NDArray[np.uint64]) -> tuple[str, ...]:
    """Return the reasons that *bits*, (words,) uint64, stand for."""
    number = sum(int(word) << (64 * index) for index, word in enumerate(bits))
    return tuple(name for bit, name in enumerate(book.reasons) if number >> bit & 1)
