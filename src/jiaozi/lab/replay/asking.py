"""Recorded questions asked again: the kernel of the first two ways of a replay.

A row of facts is put together from the table of kinds and the row itself, and the program
of the law answers it: the same `decide_row` that the ledger calls. When sums follow, each
person has what the law has changed in his sums so far, for the day, month and year it
belongs to; rows come in the order of the journal, so a window never runs backwards. A reservation
that is refused now was held then: it is remembered, so that what it gave back is not given back twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner
from jiaozi.lab.replay.records import GIVES_BACK, POSTS, RESERVES
from jiaozi.rulebook.machine.kernel import decide_row
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.machine.program import Int64s, Program

CREATED = 0
"""`Result.CREATED`, which a test holds to it."""

(S_DAY, S_MONTH, S_YEAR, S_TODAY, S_THIS_MONTH, S_THIS_YEAR, SUM_WIDTH) = range(7)
"""What the law has changed for one person: the windows it belongs to, and by how much his sums are off."""

(BY_DAY, BY_MONTH, BY_YEAR) = 1, 2, 4

(R_DAY, R_MONTH, R_YEAR, R_WINDOWS, R_AMOUNT, R_HELD_THEN, R_HELD_NOW, R_WIDTH) = range(8)
"""A reservation: when it was made and where it counts, whether it was held, and is under the law that is tried."""

(W_BALANCE, W_TODAY, W_MONTH, W_YEAR, W_PAYEE, W_COINS, W_RESERVE, W_FROZEN, WIDE_FACTS) = range(9)
"""Places in the table of slots; the amounts follow."""

Rows = Any


@inner
def ask_rows(
    rows: Rows,
    program: Program,
    intervals: Int64s,
    kinds: Int64s,
    slots: Int64s,
    clocks: Int64s,
    days: NDArray[np.int32],
    windows: Int64s,
    sums: Int64s,
    held: Int64s,
    person_shift: int,
    facts: Int64s,
    admitted: NDArray[np.uint8],
    bits: NDArray[np.uint64],
) -> None:
    """Ask about *rows* (n,) QUESTION; fill *admitted* (n,) and *bits* (n, words), zeros on entry.

    intervals   (frames,) the interval of the law's time line in which each frame is
    kinds       (kinds, facts) whole rows of facts; what the row itself has is 0 there, or MISSING
    slots       where the wide facts stand, then where the amounts do
    clocks      (kinds,) which clock counts the person's sums
    days        (frames, clocks, 3): today, first of the month, first of the year
    windows     (actions,) which sums an action counts toward, as BY_ bits; all zeros when sums do not follow
    sums        (persons, SUM_WIDTH), kept from one call to the next; person p is at p >> person_shift
    held        (reservations + 1, R_WIDTH), likewise; (0, R_WIDTH) when sums do not follow
    facts       (facts,) scratch
    """
    amounts = len(slots) - WIDE_FACTS
    for n in range(len(rows)):
        row = rows[n]
        kind, role = np.int64(row.kind), row.role
        was_admitted = row.result == CREATED
        person = np.int64(row.person) >> person_shift
        pending = np.int64(row.pending) if len(held) else np.int64(0)
        if len(held):
            _turn(sums, person, days, np.int64(row.frame), clocks[kind])
        if pending and role in (POSTS, GIVES_BACK):
            # To post is judged with what the reservation holds itself set aside.
            _hold(sums, person, held, pending, -1)
        if role == GIVES_BACK:
            admitted[n] = was_admitted
            continue
        for fact in range(len(facts)):
            facts[fact] = kinds[kind, fact]
        facts[slots[W_BALANCE]] = row.payer_balance
        facts[slots[W_PAYEE]] = row.payee_balance
        facts[slots[W_COINS]] = row.coins
        facts[slots[W_RESERVE]] = row.reserve
        facts[slots[W_FROZEN]] = row.frozen
        for which in range(amounts):
            if facts[slots[WIDE_FACTS + which]] != MISSING:
                facts[slots[WIDE_FACTS + which]] = row.amount
        today, month, year = row.paid_today, row.paid_this_month, row.paid_this_year
        counted = windows[row.action]
        if len(held):
            today += sums[person, S_TODAY]
            month += sums[person, S_THIS_MONTH]
            year += sums[person, S_THIS_YEAR]
            # Whoever explains this decision later finds in the row what was compared.
            row.paid_today, row.paid_this_month, row.paid_this_year = today, month, year
        facts[slots[W_TODAY]], facts[slots[W_MONTH]], facts[slots[W_YEAR]] = today, month, year
        is_allowed = decide_row(program, intervals[row.frame], row.action, facts, bits[n])
        is_admitted = is_allowed and row.otherwise == CREATED
        if pending and role == POSTS and not held[pending, R_HELD_NOW]:
            is_admitted = False  # what was refused to be reserved cannot be posted
        admitted[n] = is_admitted
        if pending and role == RESERVES:
            for which in range(3):
                held[pending, R_DAY + which] = days[np.int64(row.frame), clocks[kind], which]
            held[pending, R_WINDOWS], held[pending, R_AMOUNT] = counted, row.amount
            held[pending, R_HELD_THEN], held[pending, R_HELD_NOW] = was_admitted, is_admitted
            _hold(sums, person, held, pending, 1)
        elif counted and is_admitted != was_admitted:
            change = row.amount if is_admitted else -row.amount
            if counted & BY_DAY:
                sums[person, S_TODAY] += change
            if counted & BY_MONTH:
                sums[person, S_THIS_MONTH] += change
            if counted & BY_YEAR:
                sums[person, S_THIS_YEAR] += change

        if pending and role == POSTS:
            if was_admitted:
                held[pending, R_HELD_THEN] = 0
            if is_admitted:
                held[pending, R_HELD_NOW] = 0
            _hold(sums, person, held, pending, 1)


@inner
def _hold(sums: Int64s, person: np.int64, held: Int64s, pending: np.int64, sign: int) -> None:
    """Count by how much a reservation puts the sums of *person* off, in the windows that are still open."""
    change = sign * held[pending, R_AMOUNT] * (held[pending, R_HELD_NOW] - held[pending, R_HELD_THEN])
    if not change:
        return
    windows = held[pending, R_WINDOWS]
    if windows & BY_DAY and sums[person, S_DAY] == held[pending, R_DAY]:
        sums[person, S_TODAY] += change
    if windows & BY_MONTH and sums[person, S_MONTH] == held[pending, R_MONTH]:
        sums[person, S_THIS_MONTH] += change
    if windows & BY_YEAR and sums[person, S_YEAR] == held[pending, R_YEAR]:
        sums[person, S_THIS_YEAR] += change


@inner
def _turn(sums: Int64s, person: np.int64, days: NDArray[np.int32], frame: np.int64, clock: np.int64) -> None:
    """Begin another day, month or year for *person* when the frame is in one."""
    if sums[person, S_DAY] != days[frame, clock, 0]:
        sums[person, S_DAY], sums[person, S_TODAY] = days[frame, clock, 0], 0
    if sums[person, S_MONTH] != days[frame, clock, 1]:
        sums[person, S_MONTH], sums[person, S_THIS_MONTH] = days[frame, clock, 1], 0
    if sums[person, S_YEAR] != days[frame, clock, 2]:
        sums[person, S_YEAR], sums[person, S_THIS_YEAR] = days[frame, clock, 2], 0
