"""A compiled book run at machine speed, alone over columns or inline in the ledger.

`decide_row` answers one action: plain arrays in, bits out, nothing allocated.
It is the same function that the ledger calls between finding two accounts and
moving the money. Only the law of the jurisdictions touched is looked at, and a
permit whose needs are all met is one run of instructions; which needs failed is
asked in a second run, for refusals alone. Unknown answers count as no, and where
it matters whether something was unknown the question is put again with unknown
counting as yes (`code.py` says why that is enough).
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner, load
from jiaozi.rulebook.machine.layout import (
    A_AFTER,
    A_BEFORE,
    A_BIT,
    ACTION_ROWS,
    B_BIT,
    B_LIFTED_COUNT,
    B_UNLESS,
    B_WHEN,
    BAN_HEAD,
    BEYOND_VALUE,
    EQ,
    EXIT,
    FACT,
    G_ALWAYS,
    G_BANS,
    G_PERMITS,
    G_SILENT,
    GE,
    GROUP_HEAD,
    GT,
    H_AMOUNT,
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
    HAS,
    I_A,
    I_B,
    I_C,
    I_D,
    I_E,
    I_IF,
    I_OP,
    I_TARGET,
    INSTRUCTION_WIDTH,
    LE,
    LT,
    MET,
    MISSING,
    NE,
    NUMBER,
    OUT_OF_SCOPE,
    P_CODE,
    P_NEED_COUNT,
    P_REACH,
    PERMIT_HEAD,
    SHIFTED,
    T_A,
    T_B,
    T_KIND,
    T_SIGN,
    TERM_WIDTH,
    WITHIN_FACT,
    WITHIN_VALUE,
    WORD,
    Int64s,
    Program,
)
from jiaozi.rulebook.machine.program import words_of
from jiaozi.rulebook.model import MISSING_FACT, UNKNOWN_PLACE, Book


def _fixed(number: int) -> int:
    """Return *number* in numpy's type: numba compiles a function anew for each Python number it is given."""
    return cast(int, np.int64(number))


ZERO, NO, YES, UNKNOWN = _fixed(0), _fixed(0), _fixed(1), _fixed(2)
BIT_MISSING_FACT, BIT_UNKNOWN_PLACE = _fixed(0), _fixed(1)

Bits = NDArray[np.uint64]


@inner
def set_bit(bits: Bits, bit: int) -> None:
    bits[np.uint64(bit >> 6)] |= np.uint64(1) << np.uint64(bit & 63)


@inner
def ask(program: Program, at: int, values: int, facts: Int64s, unknown: int) -> int:
    """Run the code at *at* to its exit; an unknown answer counts as *unknown*: NO or YES.

    *values* is the address of the values of the interval.
    """
    while True:
        op = load(program, at + I_OP)
        if op == WITHIN_VALUE:
            answer = _within(
                _fact_sum(program, at, facts),
                _value(program, load(program, at + I_D), at + I_E, values, facts),
                load(program, at + I_C),
            )
        elif op == WORD:
            word = load(facts, load(program, at + I_A))
            if word < 1 or word > load(program, at + I_C):  # MISSING, or a word that the law does not know
                answer = UNKNOWN
            else:
                answer = (load(program, load(program, at + I_B) + (word >> 6)) >> (word & 63)) & 1
        elif op == WITHIN_FACT:
            answer = _within(
                _fact_sum(program, at, facts), load(facts, load(program, at + I_D)), load(program, at + I_C)
            )
        elif op == HAS:
            held = load(facts, load(program, at + I_A))
            answer = (
                UNKNOWN
                if held == MISSING
                else ((held >> load(program, at + I_B)) & 1) ^ load(program, at + I_C)
            )
        elif op == EXIT:
            return load(program, at + I_TARGET)
        elif op == BEYOND_VALUE:
            answer = _within(
                _value(program, load(program, at + I_D), at + I_E, values, facts),
                _fact_sum(program, at, facts),
                load(program, at + I_C),
            )
        else:
            answer = _compare(program, at, values, facts)
        if answer == UNKNOWN:
            answer = unknown
        if answer == load(program, at + I_IF):
            target = load(program, at + I_TARGET)
            if target < 0:
                return ~target
            at = target
        else:
            at += INSTRUCTION_WIDTH


@inner
def _within(left: int, right: int, number: int) -> int:
    if left == MISSING or right == MISSING:
        return UNKNOWN
    return int(left + number <= right)


@inner
def _fact_sum(program: Program, at: int, facts: Int64s) -> int:
    """Return the sum of the one or two facts of the instruction at *at*."""
    first, second = load(facts, load(program, at + I_A)), load(program, at + I_B)
    if second < 0 or first == MISSING:
        return first
    other = load(facts, second)
    return MISSING if other == MISSING else first + other


@inner
def _value(program: Program, row: int, operands: int, values: int, facts: Int64s) -> int:
    """Return a value of the law: its *row*, and its other operands at *operands*."""
    keys, currencies = load(program, operands + 1), load(program, operands + 2)
    if currencies:  # a block of rows for each currency a coin may have
        peg = load(facts, load(program, H_PEG))
        if peg < 1 or peg > currencies:
            return MISSING
        row += (peg - 1) * keys
    slot = load(program, operands)
    if slot >= 0:
        key = load(facts, slot)
        if key < 1 or key > keys:
            return MISSING
        row += key - 1
    return load(program, values + row)


@inner
def _compare(program: Program, at: int, values: int, facts: Int64s) -> int:
    terms, count = load(program, at + I_A), load(program, at + I_B)
    left = _sum(program, terms, count, values, facts)
    right = _sum(program, terms + count * TERM_WIDTH, load(program, at + I_C), values, facts)
    if left == MISSING or right == MISSING:
        return UNKNOWN
    op = load(program, at + I_D)
    if op == LE:
        return int(left <= right)
    if op == LT:
        return int(left < right)
    if op == GE:
        return int(left >= right)
    if op == GT:
        return int(left > right)
    if op == EQ:
        return int(left == right)
    assert op == NE
    return int(left != right)


@inner
def _sum(program: Program, start: int, count: int, values: int, facts: Int64s) -> int:
    total = ZERO
    for at in range(start, start + count * TERM_WIDTH, TERM_WIDTH):
        kind = load(program, at + T_KIND)
        if kind == NUMBER:
            amount = load(program, at + T_A)
        elif kind == FACT:
            amount = load(facts, load(program, at + T_A))
        elif kind == SHIFTED:
            amount, change = load(facts, load(program, at + T_A)), load(facts, load(program, H_AMOUNT))
            if amount != MISSING:
                amount = MISSING if change == MISSING else amount + load(program, at + T_B) * change
        else:
            amount = _value(program, load(program, at + T_A), at + T_B, values, facts)
        if amount == MISSING:
            return MISSING
        total += load(program, at + T_SIGN) * amount
    return total


@inner
def decide_row(program: Program, interval: int, action: int, facts: Int64s, bits: Bits) -> bool:
    """Answer one action; set the bits of all that stands in the way.

    *facts* is one row of int64 (see `program.fact_row`), *bits* (words,) must be
    zero on entry. Returns whether the action is allowed, that is, whether no bit
    was set.
    """
    touched = ZERO
    for which in range(4):
        place = load(facts, load(program, load(program, H_TOUCHING) + which))
        if place < 1 or place >= load(program, H_HOME_COUNT):
            set_bit(bits, BIT_UNKNOWN_PLACE)
            return False
        touched |= 1 << load(program, load(program, H_HOMES) + place)

    values = load(program, H_VALUES) + interval * load(program, H_VALUE_COUNT)
    index = load(program, H_INDEX) + (interval * ACTION_ROWS + action) * load(program, H_INDEX_WIDTH)
    allowed, permit = True, ZERO
    rest, at = touched, index + 1
    while rest:
        if rest & 1:
            group = load(program, at)
            permit = _permits(program, group, values, facts, bits)
            allowed &= permit > 0
            allowed &= _bans(program, group, values, facts, touched, abs(permit), bits)
            allowed &= _always(program, group, values, facts, bits)
        rest >>= 1
        at += 1
    return _bans(program, load(program, index), values, facts, touched, abs(permit), bits) and allowed


@inner
def _permits(program: Program, group: int, values: int, facts: Int64s, bits: Bits) -> int:
    """Return a permit whose needs are all met; else, below zero, the last one in scope; else 0.

    The bits are set of what stands in the way.
    """
    first = group + GROUP_HEAD
    end = first + load(program, group + G_PERMITS)
    in_scope = ZERO
    for at in range(first, end):
        permit = load(program, at)
        found = ask(program, load(program, permit + P_CODE), values, facts, NO)
        if found == MET:
            return permit
        if found != OUT_OF_SCOPE:
            in_scope = permit
    if not in_scope:
        set_bit(bits, load(program, group + G_SILENT))
        return ZERO
    for at in range(first, end):
        permit = load(program, at)
        # Of one permit in scope is known that its needs are not met; of several it has to be asked again.
        if (
            permit == in_scope
            or ask(program, load(program, permit + P_CODE), values, facts, NO) != OUT_OF_SCOPE
        ):
            _needs(program, permit, values, facts, bits)
    return -in_scope


@inner
def _needs(program: Program, permit: int, values: int, facts: Int64s, bits: Bits) -> None:
    """Set the bit of each need of *permit* that is not met."""
    first = permit + PERMIT_HEAD
    for need in range(first, first + 2 * load(program, permit + P_NEED_COUNT), 2):
        if ask(program, load(program, need), values, facts, NO) == NO:
            set_bit(bits, load(program, need + 1))
            if ask(program, load(program, need), values, facts, YES) == YES:
                set_bit(bits, BIT_MISSING_FACT)


@inner
def _bans(
    program: Program, group: int, values: int, facts: Int64s, touched: int, in_scope: int, bits: Bits
) -> bool:
    """Set the bits of the bans of a group that apply; return whether none does.

    *in_scope* is a permit known to be in scope, or 0.
    """
    none = True
    first = group + GROUP_HEAD + load(program, group + G_PERMITS)
    for at in range(first, first + load(program, group + G_BANS)):
        ban = load(program, at)
        when, unless = load(program, ban + B_WHEN), load(program, ban + B_UNLESS)
        if when >= 0 and ask(program, when, values, facts, YES) == NO:
            continue
        if _is_lifted(program, ban, values, facts, touched, in_scope):
            continue
        if unless >= 0 and ask(program, unless, values, facts, NO) == YES:
            continue
        set_bit(bits, load(program, ban + B_BIT))
        none = False
        if when >= 0 and ask(program, when, values, facts, NO) == NO:
            set_bit(bits, BIT_MISSING_FACT)
    return none


@inner
def _is_lifted(program: Program, ban: int, values: int, facts: Int64s, touched: int, in_scope: int) -> bool:
    first = ban + BAN_HEAD
    for at in range(first, first + load(program, ban + B_LIFTED_COUNT)):
        permit = load(program, at)
        if permit == in_scope:
            return True
        reach = load(program, permit + P_REACH)
        is_reached = reach < 0 or (touched >> reach) & 1
        if is_reached and ask(program, load(program, permit + P_CODE), values, facts, NO) != OUT_OF_SCOPE:
            return True
    return False


@inner
def _always(program: Program, group: int, values: int, facts: Int64s, bits: Bits) -> bool:
    """Set the bits of what must always hold and would not; return whether all of it holds."""
    holds = True
    first = group + GROUP_HEAD + load(program, group + G_PERMITS) + load(program, group + G_BANS)
    for at in range(first, first + load(program, group + G_ALWAYS)):
        always = load(program, at)
        if ask(program, load(program, always + A_AFTER), values, facts, NO) == YES:
            continue
        # An action that leaves a broken state as it was, such as a payment, is not to blame for it.
        before = load(program, always + A_BEFORE)
        if before < 0 or ask(program, before, values, facts, NO) == YES:
            set_bit(bits, load(program, always + A_BIT))
            holds = False
    return holds


@inner
def _interval_of(program: Program, instant: int, interval: int) -> int:
    """Return the interval of *instant*, walking from *interval*, which is where the row before lay."""
    cuts = load(program, H_CUTS)
    while interval < load(program, H_CUT_COUNT) and load(program, cuts + interval) <= instant:
        interval += 1
    while interval > 0 and instant < load(program, cuts + interval - 1):
        interval -= 1
    return interval


@inner
def decide_columns(program: Program, instants: Int64s, actions: Int64s, facts: Int64s, bits: Bits) -> None:
    """Answer many actions: *facts* is (n, facts) int64, *bits* is (n, words) uint64 and zero on entry."""
    interval = ZERO
    for n in range(len(actions)):
        interval = _interval_of(program, instants[n], interval)
        decide_row(program, interval, actions[n], facts[n], bits[n])


def decide_batch(
    book: Book, program: Program, actions: Int64s, facts: Int64s, instants: Int64s
) -> NDArray[np.uint64]:
    """Return the bits, (n, words) uint64, for *actions* (n,), *facts* (n, facts) and *instants* (n,) ns."""
    assert book.reasons[BIT_MISSING_FACT] == MISSING_FACT
    assert book.reasons[BIT_UNKNOWN_PLACE] == UNKNOWN_PLACE
    bits = np.zeros((len(actions), words_of(book)), dtype=np.uint64)
    decide_columns(program, instants, actions, facts, bits)
    return bits


def names_of(book: Book, bits: NDArray[np.uint64]) -> tuple[str, ...]:
    """Return the reasons that *bits*, (words,) uint64, stand for."""
    number = sum(int(word) << (64 * index) for index, word in enumerate(bits))
    return tuple(name for bit, name in enumerate(book.reasons) if number >> bit & 1)
