"""Transfers that mean more than they say: reserved, posted, voided, balanced.

Such a transfer is written down once more behind the batch, with the accounts and the amount it
means, and that row is judged and booked like any other. A pending transfer reserves money and
allowance; to post it is judged as the payment it then is, at that moment and under the law of that
moment, with what it holds itself set aside. What times out gives everything back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner, load
from jiaozi.ledger.posting import stamps
from jiaozi.ledger.posting.beside import MaybeBeside
from jiaozi.ledger.posting.idindex import Table, is_expired, place_of
from jiaozi.ledger.posting.judge import (
    CREATED,
    EXCEEDS_CREDITS,
    EXCEEDS_DEBITS,
    FROZEN_BELOW,
    LIMITED,
    MOST_FEN,
    Accounts,
    Counts,
    Transfers,
    judge,
    parties,
)
from jiaozi.ledger.posting.moving import Pending, book, hold, hold_again, release
from jiaozi.ledger.posting.pendings import IN_HEAP, is_open, pop, put, take_out
from jiaozi.ledger.posting.pendings import place_of as pending_place
from jiaozi.ledger.posting.setting import HORIZON_MS, INSTANT, L_CAP, L_FLOOR, L_KEEP, NO_CAP, limit_of
from jiaozi.ledger.posting.stamps import set_status, status_of
from jiaozi.ledger.records import AS_PENDING, NO_DEADLINE, WHOLE, TransferFlag
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.program import Int64s, Program

NS_PER_SECOND = 1_000_000_000

PENDING = int(TransferFlag.PENDING)
POST = int(TransferFlag.POST_PENDING_TRANSFER)
VOID = int(TransferFlag.VOID_PENDING_TRANSFER)
BALANCING_DEBIT = int(TransferFlag.BALANCING_DEBIT)
BALANCING_CREDIT = int(TransferFlag.BALANCING_CREDIT)
BALANCING = BALANCING_DEBIT | BALANCING_CREDIT
MOVED = POST | VOID | BALANCING
"""Transfers that are written down once more."""

SPECIAL = PENDING | MOVED

_PENDING_ID_MUST_NOT_BE_ZERO = int(Result.PENDING_ID_MUST_NOT_BE_ZERO)
_PENDING_ID_MUST_BE_DIFFERENT = int(Result.PENDING_ID_MUST_BE_DIFFERENT)
_PENDING_NOT_FOUND = int(Result.PENDING_TRANSFER_NOT_FOUND)
_PENDING_NOT_PENDING = int(Result.PENDING_TRANSFER_NOT_PENDING)
_PENDING_POSTED = int(Result.PENDING_TRANSFER_ALREADY_POSTED)
_PENDING_VOIDED = int(Result.PENDING_TRANSFER_ALREADY_VOIDED)
_PENDING_EXPIRED = int(Result.PENDING_TRANSFER_EXPIRED)
_OTHER_DEBIT = int(Result.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT)
_OTHER_CREDIT = int(Result.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT)
_OTHER_AMOUNT = int(Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT)
_EXCEEDS_PENDING_AMOUNT = int(Result.EXCEEDS_PENDING_TRANSFER_AMOUNT)
_AMOUNT_OUT_OF_BOUNDS = int(Result.AMOUNT_OUT_OF_BOUNDS)


@inner
def special(
    batch: Transfers,
    n: int,
    at: int,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    consents: Int64s,
    ids: Table,
    pendings: Pending,
    program: Program,
    setting: Int64s,
    facts: Int64s,
    bits: NDArray[np.uint64],
    beside: MaybeBeside,
) -> int:
    """Judge a transfer that reserves, posts, voids or balances; row *at* becomes what it means."""
    flags = batch[n].flags
    if flags & (POST | VOID):
        batch[at] = batch[n]
        found = _pending_of(batch, at, ids, pendings, setting)
        if found != CREATED or flags & VOID:
            return found
        # It is judged as the payment it is: what it holds itself is set aside first.
        held = pendings[pending_place(pendings, batch[n].memo_lo, batch[n].memo_hi)]
        release(held, accounts, counts, coins, setting)
        found = judge(batch, at, accounts, counts, coins, consents, program, setting, facts, bits, beside)
        hold_again(held, accounts, counts, coins, setting)
        return found
    if flags & BALANCING:
        batch[at] = batch[n]
        found = _balance(batch, at, accounts, setting)
        if found != CREATED:
            return found
    return judge(batch, at, accounts, counts, coins, consents, program, setting, facts, bits, beside)


@inner
def _pending_of(batch: Transfers, at: int, ids: Table, pendings: Pending, setting: Int64s) -> int:
    """Fill row *at* from the pending transfer it names, or return why that will not do."""
    transfer = batch[at]
    lo, hi = transfer.memo_lo, transfer.memo_hi
    if lo == 0 and hi == 0:
        return _PENDING_ID_MUST_NOT_BE_ZERO
    if lo == transfer.id_lo and hi == transfer.id_hi:
        return _PENDING_ID_MUST_BE_DIFFERENT
    row = pending_place(pendings, lo, hi)
    if not is_open(pendings, row):
        return _resolved(ids, lo, hi, np.uint64(load(setting, HORIZON_MS)))
    held = pendings[row]
    if held.deadline <= load(setting, INSTANT):  # one frame releases so many; the rest is due as well
        return _PENDING_EXPIRED
    if transfer.debit != AS_PENDING and transfer.debit != held.debit:
        return _OTHER_DEBIT
    if transfer.credit != AS_PENDING and transfer.credit != held.credit:
        return _OTHER_CREDIT
    amount = transfer.amount
    if transfer.flags & VOID:
        if amount != held.amount and amount != 0 and amount != WHOLE:
            return _OTHER_AMOUNT
        amount = held.amount
    elif amount == WHOLE:
        amount = held.amount
    elif amount <= 0:
        return _AMOUNT_OUT_OF_BOUNDS
    elif amount > held.amount:
        return _EXCEEDS_PENDING_AMOUNT
    batch[at].debit, batch[at].credit, batch[at].amount = held.debit, held.credit, amount
    batch[at].action, batch[at].place, batch[at].travel_data = held.action, held.place, held.travel_data
    return CREATED


@inner
def _resolved(ids: Table, lo: np.uint64, hi: np.uint64, horizon_ms: np.uint64) -> int:
    """Return what became of a transfer that is not pending any more, or never was."""
    at = place_of(ids, lo, hi)
    # What may be forgotten already is not found, whether or not it was forgotten.
    if is_expired(lo, hi, horizon_ms) or (ids[at, 0] == 0 and ids[at, 1] == 0):
        return _PENDING_NOT_FOUND
    status = status_of(ids[at, 2])
    if status == stamps.POSTED:
        return _PENDING_POSTED
    if status == stamps.VOIDED:
        return _PENDING_VOIDED
    if status == stamps.EXPIRED:
        return _PENDING_EXPIRED
    return _PENDING_NOT_PENDING if status == CREATED else _PENDING_NOT_FOUND


@inner
def _balance(batch: Transfers, at: int, accounts: Accounts, setting: Int64s) -> int:
    """Lower the amount of row *at* to what the payer has free, or what the payee has room for."""
    amount = min(batch[at].amount, MOST_FEN)
    batch[at].amount = amount
    found = parties(batch, at, accounts, setting)
    if found != CREATED:
        return found
    payer, payee = accounts[batch[at].debit], accounts[batch[at].credit]
    if batch[at].flags & BALANCING_DEBIT:
        free = payer.balance - payer.pending_out
        stays = np.int64(0)
        if payer.flags & (LIMITED | FROZEN_BELOW):
            limits = limit_of(setting, batch[at].debit)
            if payer.flags & LIMITED:
                stays = max(stays, np.int64(load(setting, limits + L_FLOOR)))
            if payer.flags & FROZEN_BELOW:
                stays = max(stays, np.int64(load(setting, limits + L_KEEP)))
        amount = min(amount, free - stays)
        if amount <= 0:
            return EXCEEDS_CREDITS
    if batch[at].flags & BALANCING_CREDIT:
        room = -payee.balance - payee.pending_in
        if payee.flags & LIMITED:
            cap = load(setting, limit_of(setting, batch[at].credit) + L_CAP)
            room += np.int64(0) if cap == NO_CAP else cap
        amount = min(amount, room)
        if amount <= 0:
            return EXCEEDS_DEBITS
    batch[at].amount = amount
    return CREATED


@inner
def reserve(
    batch: Transfers,
    n: int,
    at: int,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    pendings: Pending,
    heap: Int64s,
    setting: Int64s,
    scratch: Pending,
) -> None:
    """Reserve what row *at* says, and keep it open under the id of transfer *n*."""
    instant, timeout = load(setting, INSTANT), np.int64(batch[n].timeout)
    deadline = np.int64(NO_DEADLINE)
    if timeout and timeout < (NO_DEADLINE - instant) // NS_PER_SECOND:
        deadline = instant + timeout * NS_PER_SECOND
    last = len(scratch) - 1
    scratch[last].id_lo, scratch[last].id_hi = batch[n].id_lo, batch[n].id_hi
    scratch[last].debit, scratch[last].credit = batch[at].debit, batch[at].credit
    scratch[last].amount, scratch[last].deadline = batch[at].amount, deadline
    scratch[last].action, scratch[last].place = batch[at].action, batch[at].place
    scratch[last].travel_data = batch[at].travel_data
    hold(scratch[last], accounts, counts, coins, setting)
    put(pendings, heap, scratch, last)


@inner
def resolve(
    batch: Transfers,
    at: int,
    leg: int,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    setting: Int64s,
    undo_pendings: Pending,
) -> None:
    """Post or void what row *at* names; keep a copy of the pending transfer for the *leg* of a chain."""
    lo, hi = batch[at].memo_lo, batch[at].memo_hi
    row = pending_place(pendings, lo, hi)
    if leg < len(undo_pendings) - 1:
        undo_pendings[leg] = pendings[row]
    release(pendings[row], accounts, counts, coins, setting)
    take_out(pendings, heap, row)
    if batch[at].flags & POST:
        book(batch, at, accounts, counts, coins, setting)
        set_status(ids, lo, hi, stamps.POSTED)
    else:
        set_status(ids, lo, hi, stamps.VOIDED)


@entry
def expire(
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    setting: Int64s,
    released: Pending,
) -> int:
    """Release what has timed out by now, into *released* (k,) PENDING; return how many. The rest waits."""
    count = 0
    while heap[0, IN_HEAP] and heap[1, 0] <= load(setting, INSTANT):
        lo, hi = np.uint64(heap[1, 1]), np.uint64(heap[1, 2])
        row = pending_place(pendings, lo, hi)
        if is_open(pendings, row):
            if count == len(released):
                break
            release(pendings[row], accounts, counts, coins, setting)
            released[count] = pendings[row]
            count += 1
            take_out(pendings, heap, row)
            set_status(ids, lo, hi, stamps.EXPIRED)
        pop(heap)
    return count
