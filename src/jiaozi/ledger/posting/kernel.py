"""The one pass that asks the law and moves the money.

Arrays in, arrays out, no objects. For each transfer in order: its form, its id, then `judge`
looks at its two accounts (one cache line each), the orders upon them, the law and the balance;
then `moving` books both sides. A linked chain is booked leg by leg; if a leg fails, the copies
kept in *undo* are put back, so that both sides moved or none. What is reserved, posted, voided or
balanced goes through `two_phase`: the transfer is written down once more behind the batch, with the
accounts and the amount it means, and that row is judged and booked like any other.
What all this means is written to be read in `plain.py`; this file is its fast twin.

Everything that is the same for a whole frame stands in `setting.py`; nothing here knows a clock.
numba hands on seven numbers for each array at each call, so arrays are few.
Measured by bench/ledger.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inlined, inner, load
from jiaozi.ledger.posting import stamps
from jiaozi.ledger.posting.beside import MaybeBeside, begin
from jiaozi.ledger.posting.idindex import Table, home_of, is_expired, mix, place_of, put
from jiaozi.ledger.posting.judge import CREATED, Accounts, Counts, Transfers, judge
from jiaozi.ledger.posting.moving import ROWS_PER_LEG, Pending, book, keep, put_back
from jiaozi.ledger.posting.pendings import place_of as pending_place
from jiaozi.ledger.posting.pendings import put_again, take_out
from jiaozi.ledger.posting.setting import ACCOUNT_COUNT, HORIZON_MS
from jiaozi.ledger.posting.stamps import STATUS_BITS, is_created, set_status
from jiaozi.ledger.posting.two_phase import (
    BALANCING,
    MOVED,
    PENDING,
    POST,
    SPECIAL,
    VOID,
    reserve,
    resolve,
    special,
)
from jiaozi.ledger.records import Choice, TransferFlag
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.kernel import Bits
from jiaozi.rulebook.machine.program import Int64s, Program

AHEAD = 512
"""Transfers whose records are read before their turn: 100 KB, which the second cache keeps until then."""

LINKED = int(TransferFlag.LINKED)
KNOWN_FLAGS = LINKED | SPECIAL
STOP = int(Choice.STOP)

_LINKED_EVENT_FAILED = int(Result.LINKED_EVENT_FAILED)
_LINKED_EVENT_CHAIN_OPEN = int(Result.LINKED_EVENT_CHAIN_OPEN)
_RESERVED_FLAG = int(Result.RESERVED_FLAG)
_FLAGS_ARE_MUTUALLY_EXCLUSIVE = int(Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE)
_ID_MUST_NOT_BE_ZERO = int(Result.ID_MUST_NOT_BE_ZERO)
_ID_EXPIRED = int(Result.ID_EXPIRED)
_EXISTS_WITH_DIFFERENT_FIELDS = int(Result.EXISTS_WITH_DIFFERENT_FIELDS)
_ID_ALREADY_FAILED = int(Result.ID_ALREADY_FAILED)
_EXISTS = int(Result.EXISTS)
_TIMEOUT_RESERVED = int(Result.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER)
_NOT_TRIED = int(Result.NOT_TRIED)

_K1, _K2, _K3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03), np.uint64(0x8CB92BA72F3D8DD7)
_K4, _K5, _K6 = np.uint64(0xAAAAAAAA55555555), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)

Calls = Any
Chain = Int64s
"""Where a chain began (-1: not in one), whether it failed, whether it is one sent again; transfers that were
written behind the batch; ids taken; the row of the table where a new id belongs (-1: not known)."""

(START, FAILED, IS_REPEAT, BEHIND, TAKEN, AT, CHAIN_WIDTH) = range(7)


@inner
def post(
    batch: Transfers,
    calls: Calls,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    consents: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    program: Program,
    setting: Int64s,
    facts: Int64s,
    bodies: NDArray[np.uint64],
    undo: Accounts,
    undo_rows: Int64s,
    undo_pendings: Pending,
    chain: Chain,
    results: NDArray[np.uint8],
    bits: Bits,
    beside: MaybeBeside,
) -> int:
    """Book a batch in order; fill *results* (n,) and *bits* (n, words). Returns new ids taken.

    batch          (n + k,) TRANSFER: the transfers, and behind them room for those that move other
                   accounts or amounts than they say, filled in the order of the batch
    calls          (m,) CALL: where each caller's own transfers end, so that no chain runs into the next
    accounts       (≥ count,) ACCOUNT, and counts, as many COUNTS
    coins          (c, COIN_WIDTH)
    consents       (c, actions, places + 1, 2)  consenting places as bits, and the cap on supply
    ids            with room for n more, see `idindex`
    pendings       PENDING with room for as many as are to be reserved, and heap, see `pendings`
    setting        see `setting`
    bodies         (n,) a number for each note, 0 for none; scratch from then on
    undo           (ROWS_PER_LEG * legs,) ACCOUNT with undo_rows (…, UNDO_WIDTH) beside it, and
                   undo_pendings (legs,) PENDING: scratch for the longest chain there can be
    beside         another law to be asked of the same, or None; see `beside`
    """
    chain[START], chain[BEHIND], chain[TAKEN] = -1, len(results), 0
    call, has_failed = 0, False
    for n in range(len(results)):
        if n % AHEAD == 0:
            # The sum goes where facts are put that no law asks, so that the reads are not left out.
            facts[len(facts) - 1] = _read_ahead(batch, n, accounts, setting, ids, pendings, bodies)
        is_last = n + 1 == calls[call].end
        linked = batch[n].flags & LINKED
        if has_failed and chain[START] < 0 and calls[call].choice == STOP:
            results[n] = _NOT_TRIED
        else:
            if chain[START] < 0 and linked:
                chain[START], chain[FAILED], chain[IS_REPEAT] = n, 0, 0
            results[n] = _one(
                batch, n, is_last, chain, accounts, counts, coins, consents, ids, pendings, heap, program,
                setting, facts, bodies, undo, undo_rows, undo_pendings, results, bits, beside,
            )  # fmt: skip
            has_failed |= results[n] != CREATED and results[n] != _EXISTS
            if not linked or is_last:
                chain[START] = -1
        if is_last:
            call, has_failed = call + 1, False
    return chain[TAKEN]  # type: ignore[no-any-return]


@inlined
def _one(
    batch: Transfers,
    n: int,
    is_last: bool,
    chain: Chain,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    consents: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    program: Program,
    setting: Int64s,
    facts: Int64s,
    bodies: NDArray[np.uint64],
    undo: Accounts,
    undo_rows: Int64s,
    undo_pendings: Pending,
    results: NDArray[np.uint8],
    bits: Bits,
    beside: MaybeBeside,
) -> int:
    """Judge transfer *n*, book it or undo its chain, remember its id; return its result."""
    start, flags = chain[START], batch[n].flags
    at = n
    chain[AT] = -1
    if flags & LINKED and is_last:
        result = _LINKED_EVENT_CHAIN_OPEN
    elif start >= 0 and chain[FAILED]:
        result = _LINKED_EVENT_FAILED
    else:
        result = _form(batch, n, ids, setting, bodies, chain)
        begin(beside, n)
        if result == CREATED and not flags & SPECIAL:
            result = judge(
                batch, n, accounts, counts, coins, consents, program, setting, facts, bits[n], beside
            )  # fmt: skip
        elif result == CREATED:
            if flags & MOVED:
                at = chain[BEHIND]
            result = special(
                batch, n, at, accounts, counts, coins, consents, ids, pendings, program, setting, facts,
                bits[n], beside,
            )  # fmt: skip

    if start >= 0 and not chain[FAILED]:
        result = _in_chain(
            batch, n, result, chain, accounts, counts, coins, ids, pendings, heap, undo, undo_rows,
            undo_pendings, results,
        )  # fmt: skip

    status = result
    if result == CREATED:
        if start >= 0:
            keep(batch, at, accounts, counts, coins, undo, undo_rows, ROWS_PER_LEG * (n - start))
        if not flags & (PENDING | POST | VOID):
            book(batch, at, accounts, counts, coins, setting)
        elif flags & PENDING:
            status = stamps.OPEN
            reserve(batch, n, at, accounts, counts, coins, pendings, heap, setting, undo_pendings)
        else:
            resolve(
                batch, at, n - start, accounts, counts, coins, ids, pendings, heap, setting, undo_pendings
            )
        chain[BEHIND] += at != n
    if chain[AT] >= 0:
        put(ids, chain[AT], batch[n].id_lo, batch[n].id_hi, bodies[n] | np.uint64(status))
        chain[TAKEN] += 1
    elif not is_expired(batch[n].id_lo, batch[n].id_hi, np.uint64(load(setting, HORIZON_MS))):
        # One that fails with its chain may have expired: whether it was swept yet must not be seen.
        chain[TAKEN] += _remember(ids, batch[n].id_lo, batch[n].id_hi, bodies[n], status)
    return result


@inner
def _read_ahead(
    batch: Transfers,
    first: int,
    accounts: Accounts,
    setting: Int64s,
    ids: Table,
    pendings: Pending,
    bodies: NDArray[np.uint64],
) -> int:
    """Read what the next AHEAD transfers will need, each at both its ends; return a sum of it.

    One transfer is too long for the processor to look past it, so each of its reads would be
    waited for by itself. These loops do little but read, and wait for many at once; in one loop
    they are too long again, and take twice the time.
    It also turns *bodies* from notes into digests of whole transfers.
    """
    sums, count = np.int64(0), load(setting, ACCOUNT_COUNT)
    last = min(first + AHEAD, len(bodies))
    flags = np.int64(0)
    for n in range(first, last):
        row = home_of(ids, batch[n].id_lo, batch[n].id_hi)
        sums += np.int64(ids[row, 0] ^ ids[row, 2])
        flags |= batch[n].flags
    for n in range(first, last):
        debit, credit = batch[n].debit, batch[n].credit
        if debit < count:
            sums += accounts[debit].balance + accounts[debit].tier
        if credit < count:
            sums += accounts[credit].balance + accounts[credit].tier
    if flags & (POST | VOID):
        for n in range(first, last):
            sums += _read_pending(batch, n, accounts, ids, pendings)
    for n in range(first, last):
        bodies[n] = _body(batch, n, bodies[n])
    return sums  # type: ignore[return-value]


@inner
def _read_pending(batch: Transfers, n: int, accounts: Accounts, ids: Table, pendings: Pending) -> int:
    """Read what posting or voiding will need: the pending transfer named, its id, its accounts."""
    lo, hi = batch[n].memo_lo, batch[n].memo_hi
    row, held = home_of(ids, lo, hi), pendings[pending_place(pendings, lo, hi)]
    return np.int64(ids[row, 2]) + accounts[held.debit].balance + accounts[held.credit].balance  # type: ignore[no-any-return]


@inner
def _body(batch: Transfers, n: int, note: np.uint64) -> np.uint64:
    """Return 56 bits of a digest of all fields but the id, and of the note; the lowest 8 bits are zero."""
    transfer = batch[n]
    small = np.uint64(transfer.action) | np.uint64(transfer.place) << np.uint64(8)
    small |= np.uint64(transfer.travel_data) << np.uint64(16) | np.uint64(transfer.purpose) << np.uint64(24)
    small |= np.uint64(transfer.code) << np.uint64(32) | np.uint64(transfer.flags) << np.uint64(48)
    dates = np.uint64(transfer.timeout) | np.uint64(transfer.value_day) << np.uint64(32)
    dates |= np.uint64(transfer.unused) << np.uint64(48)
    # Each field by itself, so that the processor can mix them side by side.
    digest = mix((np.uint64(transfer.debit) << np.uint64(32) | np.uint64(transfer.credit)) ^ _K1)
    digest += (
        mix(np.uint64(transfer.amount) ^ _K2) + mix(transfer.memo_lo ^ _K3) + mix(transfer.memo_hi ^ _K4)
    )
    digest += mix(small ^ _K5) + mix(dates ^ _K6)
    return mix(digest ^ note) & ~STATUS_BITS


@inner
def _form(
    batch: Transfers, n: int, ids: Table, setting: Int64s, bodies: NDArray[np.uint64], chain: Chain
) -> int:
    """Return what is wrong with transfer *n* itself: its flags, its id, and whether that was taken before."""
    transfer = batch[n]
    flags, lo, hi = transfer.flags, transfer.id_lo, transfer.id_hi
    if flags & ~KNOWN_FLAGS or transfer.unused:
        return _RESERVED_FLAG
    resolves = flags & (POST | VOID)
    if resolves and (flags & (PENDING | BALANCING) or resolves == POST | VOID):
        return _FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if lo == 0 and hi == 0:
        return _ID_MUST_NOT_BE_ZERO
    if is_expired(lo, hi, np.uint64(load(setting, HORIZON_MS))):
        return _ID_EXPIRED
    at = place_of(ids, lo, hi)
    if ids[at, 0] != 0 or ids[at, 1] != 0:
        if (ids[at, 2] ^ bodies[n]) & ~STATUS_BITS:
            return _EXISTS_WITH_DIFFERENT_FIELDS
        return _EXISTS if is_created(ids[at, 2]) else _ID_ALREADY_FAILED
    if transfer.timeout and not flags & PENDING:
        return _TIMEOUT_RESERVED
    chain[AT] = at
    return CREATED


@inner
def _in_chain(
    batch: Transfers,
    n: int,
    result: int,
    chain: Chain,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    undo: Accounts,
    undo_rows: Int64s,
    undo_pendings: Pending,
    results: NDArray[np.uint8],
) -> int:
    """Return what becomes of transfer *n* as a leg of its chain; when it fails the chain, undo the legs before."""
    start = chain[START]
    if n == start:
        chain[IS_REPEAT] = result == _EXISTS
    # A chain that had been booked before is told so leg by leg, and nothing is undone.
    if chain[IS_REPEAT] and result == CREATED:
        result = _LINKED_EVENT_FAILED
    chain[FAILED] = result != (_EXISTS if chain[IS_REPEAT] else CREATED)
    if chain[FAILED] and not chain[IS_REPEAT]:
        for leg in range(n - 1, start - 1, -1):
            _take_back(
                batch, leg, leg - start, chain, accounts, counts, coins, ids, pendings, heap, undo,
                undo_rows, undo_pendings,
            )  # fmt: skip
            results[leg] = _LINKED_EVENT_FAILED
        # An id that stood earlier in this very chain was booked a moment ago, and is not any more.
        if result == _EXISTS and not is_created(ids[place_of(ids, batch[n].id_lo, batch[n].id_hi), 2]):
            result = _ID_ALREADY_FAILED
    return result


@inner
def _take_back(
    batch: Transfers,
    n: int,
    leg: int,
    chain: Chain,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    ids: Table,
    pendings: Pending,
    heap: Int64s,
    undo: Accounts,
    undo_rows: Int64s,
    undo_pendings: Pending,
) -> None:
    """Undo transfer *n*, the *leg* of a chain that failed."""
    put_back(accounts, counts, coins, undo, undo_rows, ROWS_PER_LEG * leg)
    flags = batch[n].flags
    if flags & PENDING:
        take_out(pendings, heap, pending_place(pendings, batch[n].id_lo, batch[n].id_hi))
    elif flags & (POST | VOID):
        put_again(pendings, heap, undo_pendings, leg)
        set_status(ids, batch[n].memo_lo, batch[n].memo_hi, stamps.OPEN)
    if flags & MOVED:
        chain[BEHIND] -= 1
    set_status(ids, batch[n].id_lo, batch[n].id_hi, _LINKED_EVENT_FAILED)


@inner
def _remember(ids: Table, lo: np.uint64, hi: np.uint64, body: np.uint64, status: int) -> int:
    """Take an id with its result, unless it was taken before. Returns 1 for a new id."""
    if lo == 0 and hi == 0:
        return 0
    at = place_of(ids, lo, hi)
    if ids[at, 0] != 0 or ids[at, 1] != 0:
        return 0
    put(ids, at, lo, hi, body | np.uint64(status))
    return 1
