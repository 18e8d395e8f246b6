"""The one pass that asks the law and moves the money.

Arrays in, arrays out, no objects. For each transfer in order: find its id, its
two accounts (one cache line each), the orders upon them, ask the law, look at
the balance, then book both sides. A linked chain is booked leg by leg; if a leg
fails, the copies kept in *undo* are put back, so that both sides moved or none.
What all this means is written to be read in `plain.py`; this file is its fast twin.

Everything that is the same for a whole frame (the interval of the law, the day,
licences and consents) is handed in by `state.py`; nothing here knows a clock.
One more argument to `_check` and `_facts` made the whole pass a third slower, so
numbers that belong together travel in one array.
Measured by bench/pilot.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.idindex import Table, mix, place_of
from jiaozi.ledger.records import BOOK, ISSUE, REDEEM, AccountFlag, TransferFlag
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.compiled import entry, inner
from jiaozi.rulebook.machine.kernel import Bits, decide_row
from jiaozi.rulebook.machine.program import H_AMOUNT, MISSING, Int64s, Program
from jiaozi.rulebook.model import UNLIMITED

# Columns of the table of coins: one row of int64 a coin.
(
    C_ISSUED,
    C_REDEEMED,
    C_RESERVE_ACCOUNT,  # -1 while none is named
    C_PEG,
    C_ISSUER_ZONE,
    C_ISSUER_CONTROLLER,
    C_LICENCES,  # places as bits
    C_AMOUNT_FACT,  # position of the coin's currency in AMOUNT_CURRENCIES, or -1
    COIN_WIDTH,
) = range(9)

AMOUNT_CURRENCIES = ("HKD", "USD", "EUR", "SGD")
"""Currencies in which some law asks an amount. The ledger knows it of a coin of that currency only."""

# Facts that the ledger supplies: position in the table of slots.
(
    K_AMOUNT,
    K_PLACE,
    K_TRAVEL_DATA,
    K_AMOUNT_IN,  # in HKD; the other AMOUNT_CURRENCIES follow
    _K_AMOUNT_USD,
    _K_AMOUNT_EUR,
    _K_AMOUNT_SGD,
    K_PAYER_ZONE,
    K_PAYER_KIND,
    K_PAYER_TIER,
    K_PAYER_BALANCE,
    K_PAID_TODAY,
    K_PAID_THIS_YEAR,
    K_PAYEE_ZONE,
    K_PAYEE_KIND,
    K_PAYEE_TIER,
    K_PAYEE_BALANCE,
    K_PEG,
    K_ISSUER_ZONE,
    K_ISSUER_CONTROLLER,
    K_LICENCES,
    K_CONSENTS,
    K_SUPPLY_CAP,
    K_COINS,
    K_RESERVE,
    KNOWN_FACTS,
) = range(26)

FACTS_SUPPLIED = (
    "payment.amount",
    "payment.place",
    "payment.travel_data",
    "payment.amount_hkd",
    "payment.amount_usd",
    "payment.amount_eur",
    "payment.amount_sgd",
    "payer.zone",
    "payer.kind",
    "payer.tier",
    "payer.balance",
    "payer.paid_today",
    "payer.paid_this_year",
    "payee.zone",
    "payee.kind",
    "payee.tier",
    "payee.balance",
    "coin.peg",
    "issuer.zone",
    "issuer.controller",
    "issuer.licences",
    "issuer.consents",
    "issuer.supply_cap",
    "issuer.coins_outstanding",
    "issuer.reserve_value",
)
"""What the ledger knows of a transfer, as the law names it, in the order of the K_ numbers."""

assert len(FACTS_SUPPLIED) == KNOWN_FACTS

SUM_MAX = 2**62
"""Where sums over many transfers stop: paid in a day or a year, issued in all. No limit is larger."""

assert SUM_MAX >= UNLIMITED

UNDO_PER_LEG = 3

AHEAD = 512
"""Transfers whose records are read before their turn: 100 KB, which the second cache keeps until then."""

# Arrays of records, see `records.py`. numba reads a field as an attribute, which numpy's stubs do not know.
Accounts = Any
Transfers = Any
Record = Any

_LINKED = int(TransferFlag.LINKED)
_INTERNAL = int(AccountFlag.INTERNAL)
_CLOSED = int(AccountFlag.CLOSED)
_FROZEN_OUT = int(AccountFlag.FROZEN_OUT)
_FROZEN_IN = int(AccountFlag.FROZEN_IN)
_FROZEN_BELOW = int(AccountFlag.FROZEN_BELOW)
_NO_OVERDRAFT = int(AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS)
_NO_OVERCREDIT = int(AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS)
_MAX_FEN = int(MAX_FEN)

_CREATED = int(Result.CREATED)
_LINKED_EVENT_FAILED = int(Result.LINKED_EVENT_FAILED)
_LINKED_EVENT_CHAIN_OPEN = int(Result.LINKED_EVENT_CHAIN_OPEN)
_RESERVED_FLAG = int(Result.RESERVED_FLAG)
_ID_MUST_NOT_BE_ZERO = int(Result.ID_MUST_NOT_BE_ZERO)
_EXISTS_WITH_DIFFERENT_FIELDS = int(Result.EXISTS_WITH_DIFFERENT_FIELDS)
_ID_ALREADY_FAILED = int(Result.ID_ALREADY_FAILED)
_EXISTS = int(Result.EXISTS)
_UNKNOWN_ACTION = int(Result.UNKNOWN_ACTION)
_AMOUNT_OUT_OF_BOUNDS = int(Result.AMOUNT_OUT_OF_BOUNDS)
_DEBIT_ACCOUNT_NOT_FOUND = int(Result.DEBIT_ACCOUNT_NOT_FOUND)
_CREDIT_ACCOUNT_NOT_FOUND = int(Result.CREDIT_ACCOUNT_NOT_FOUND)
_ACCOUNTS_MUST_BE_DIFFERENT = int(Result.ACCOUNTS_MUST_BE_DIFFERENT)
_ACCOUNTS_MUST_HAVE_THE_SAME_COIN = int(Result.ACCOUNTS_MUST_HAVE_THE_SAME_COIN)
_ACTION_DOES_NOT_FIT_ACCOUNTS = int(Result.ACTION_DOES_NOT_FIT_ACCOUNTS)
_DEBIT_ACCOUNT_CLOSED = int(Result.DEBIT_ACCOUNT_CLOSED)
_CREDIT_ACCOUNT_CLOSED = int(Result.CREDIT_ACCOUNT_CLOSED)
_DEBIT_ACCOUNT_FROZEN = int(Result.DEBIT_ACCOUNT_FROZEN)
_CREDIT_ACCOUNT_FROZEN = int(Result.CREDIT_ACCOUNT_FROZEN)
_EXCEEDS_UNFROZEN_BALANCE = int(Result.EXCEEDS_UNFROZEN_BALANCE)
_REFUSED_BY_LAW = int(Result.REFUSED_BY_LAW)
_EXCEEDS_CREDITS = int(Result.EXCEEDS_CREDITS)
_EXCEEDS_DEBITS = int(Result.EXCEEDS_DEBITS)
_OVERFLOWS_BALANCE = int(Result.OVERFLOWS_BALANCE)

_STAMP_RESULT = np.uint64(0xFF)


@entry
def post(
    batch: Transfers,
    ends: NDArray[np.uint32],
    accounts: Accounts,
    account_count: int,
    coins: Int64s,
    consents: Int64s,
    ids: Table,
    program: Program,
    interval: int,
    slots: Int64s,
    days: Int64s,
    counted: Int64s,
    facts: Int64s,
    undo: Accounts,
    undo_rows: Int64s,
    results: NDArray[np.uint8],
    bits: Bits,
) -> int:
    """Book *batch* (n,) TRANSFER in order; fill *results* (n,) and *bits* (n, words). Returns new ids taken.

    ends       (m,)       where each caller's own transfers end, so that no chain runs into the next
    accounts   (≥ count,) ACCOUNT
    coins      (c, COIN_WIDTH)
    consents   (c, actions, places + 1, 2)  consenting places as bits, and the cap on supply
    ids        at most half full after this batch, see `idindex.grown`
    slots      (KNOWN_FACTS + 1,) where the book wants each fact, one past the end for those it never asks;
               last, how many words it has for travel data: other codes are not known
    days       (places + 1, 2)  today, and the first day of this year, in days since 2000
    counted    (2,)       actions, as bits, that count toward the day and the year
    undo       (UNDO_PER_LEG * n,) ACCOUNT, with undo_rows (…, 4) beside it: scratch
    """
    taken = 0
    chain_start = -1
    chain_failed = False
    chain_is_repeat = False
    undo_count = 0
    end = 0
    for n in range(len(batch)):
        if n % AHEAD == 0:
            # The sum goes where facts are put that no law asks, so that the reads are not left out.
            facts[len(facts) - 1] = _read_ahead(batch, n, accounts, account_count, ids)
        is_last = n + 1 == ends[end]
        linked = batch[n].flags & _LINKED
        if chain_start < 0 and linked:
            chain_start, chain_failed, chain_is_repeat, undo_count = n, False, False, 0
        in_chain = chain_start >= 0

        if linked and is_last:
            result = _LINKED_EVENT_CHAIN_OPEN
        elif in_chain and chain_failed:
            result = _LINKED_EVENT_FAILED
        else:
            result = _check(
                batch, n, accounts, account_count, coins, consents, ids, program, interval,
                slots, days, facts, bits,
            )  # fmt: skip

        if in_chain and not chain_failed:
            if n == chain_start:
                chain_is_repeat = result == _EXISTS
            # A chain that had been booked before is told so leg by leg, and nothing is undone.
            if chain_is_repeat and result == _CREATED:
                result = _LINKED_EVENT_FAILED
            chain_failed = result != (_EXISTS if chain_is_repeat else _CREATED)
            if chain_failed and not chain_is_repeat:
                _put_back(accounts, coins, undo, undo_rows, undo_count)
                for leg in range(chain_start, n):
                    results[leg] = _LINKED_EVENT_FAILED
                    _set_result(ids, batch, leg, _LINKED_EVENT_FAILED)
                # An id that stood earlier in this very chain was booked a moment ago, and is not any more.
                if result == _EXISTS and not _was_created(ids, batch, n):
                    result = _ID_ALREADY_FAILED

        if result == _CREATED:
            if in_chain:
                undo_count = _keep(batch, n, accounts, coins, undo, undo_rows, undo_count)
            _book(batch, n, accounts, coins, days, counted)
        results[n] = result
        taken += _remember(ids, batch, n, result)

        if is_last:
            end += 1
        if in_chain and (not linked or is_last):
            chain_start = -1
    return taken


@inner
def _read_ahead(batch: Transfers, first: int, accounts: Accounts, account_count: int, ids: Table) -> int:
    """Read what the next AHEAD transfers will need, each at both its ends; return a sum of it.

    One transfer is too long for the processor to look past it, so each of its reads would be
    waited for by itself. This loop does nothing but read, and waits for many at once.
    """
    mask, sums = np.uint64(len(ids) - 1), np.int64(0)
    for n in range(first, min(first + AHEAD, len(batch))):
        row = mix(batch[n].id_lo ^ mix(batch[n].id_hi)) & mask
        sums += np.int64(ids[row, 0] ^ ids[row, 2])
        debit, credit = batch[n].debit, batch[n].credit
        if debit < account_count:
            sums += accounts[debit].balance + accounts[debit].tier
        if credit < account_count:
            sums += accounts[credit].balance + accounts[credit].tier
    return sums  # type: ignore[return-value]


@inner
def _keep(
    batch: Transfers,
    n: int,
    accounts: Accounts,
    coins: Int64s,
    undo: Accounts,
    undo_rows: Int64s,
    undo_count: int,
) -> int:
    """Copy what transfer *n* is about to change; return the new length of the undo list."""
    debit = batch[n].debit
    coin = np.int64(accounts[debit].coin)
    for row in (np.int64(debit), np.int64(batch[n].credit), np.int64(accounts[debit].person)):
        undo[undo_count] = accounts[row]
        undo_rows[undo_count, 0] = row
        undo_rows[undo_count, 1] = coin
        undo_rows[undo_count, 2] = coins[coin, C_ISSUED]
        undo_rows[undo_count, 3] = coins[coin, C_REDEEMED]
        undo_count += 1
    return undo_count


@inner
def _put_back(accounts: Accounts, coins: Int64s, undo: Accounts, undo_rows: Int64s, undo_count: int) -> None:
    """Undo the booked legs of a chain, last first."""
    for last in range(undo_count - 1, -1, -1):
        accounts[undo_rows[last, 0]] = undo[last]
        coin = undo_rows[last, 1]
        coins[coin, C_ISSUED] = undo_rows[last, 2]
        coins[coin, C_REDEEMED] = undo_rows[last, 3]


@inner
def _check(
    batch: Transfers,
    n: int,
    accounts: Accounts,
    account_count: int,
    coins: Int64s,
    consents: Int64s,
    ids: Table,
    program: Program,
    interval: int,
    slots: Int64s,
    days: Int64s,
    facts: Int64s,
    bits: Bits,
) -> int:
    """Return what would become of transfer *n*, in the documented order of precedence."""
    transfer = batch[n]
    if transfer.flags & ~_LINKED:
        return _RESERVED_FLAG
    if transfer.id_lo == 0 and transfer.id_hi == 0:
        return _ID_MUST_NOT_BE_ZERO
    at = place_of(ids, transfer.id_lo, transfer.id_hi)
    if ids[at, 0] != 0 or ids[at, 1] != 0:
        if (ids[at, 2] ^ _body(batch, n)) & ~_STAMP_RESULT:
            return _EXISTS_WITH_DIFFERENT_FIELDS
        return _EXISTS if (ids[at, 2] & _STAMP_RESULT) == _CREATED else _ID_ALREADY_FAILED
    action = transfer.action
    if action > REDEEM:
        return _UNKNOWN_ACTION
    amount = transfer.amount
    if amount <= 0 or amount > _MAX_FEN:
        return _AMOUNT_OUT_OF_BOUNDS
    if transfer.debit >= account_count:
        return _DEBIT_ACCOUNT_NOT_FOUND
    if transfer.credit >= account_count:
        return _CREDIT_ACCOUNT_NOT_FOUND
    if transfer.debit == transfer.credit:
        return _ACCOUNTS_MUST_BE_DIFFERENT
    payer, payee = accounts[transfer.debit], accounts[transfer.credit]
    if payer.coin != payee.coin:
        return _ACCOUNTS_MUST_HAVE_THE_SAME_COIN
    payer_is_internal = (payer.flags & _INTERNAL) != 0
    payee_is_internal = (payee.flags & _INTERNAL) != 0
    from_sheet, to_sheet = action in (BOOK, ISSUE), action in (BOOK, REDEEM)
    if payer_is_internal != from_sheet or payee_is_internal != to_sheet:
        return _ACTION_DOES_NOT_FIT_ACCOUNTS
    if payer.flags & _CLOSED:
        return _DEBIT_ACCOUNT_CLOSED
    if payee.flags & _CLOSED:
        return _CREDIT_ACCOUNT_CLOSED
    if payer.flags & _FROZEN_OUT:
        return _DEBIT_ACCOUNT_FROZEN
    if payee.flags & _FROZEN_IN:
        return _CREDIT_ACCOUNT_FROZEN
    if payer.flags & _FROZEN_BELOW and payer.balance - amount < payer.floor:
        return _EXCEEDS_UNFROZEN_BALANCE
    if action != BOOK:
        _facts(transfer, payer, payee, accounts, coins, consents, slots, days, program, facts)
        if not decide_row(program, interval, action, facts, bits[n]):
            return _REFUSED_BY_LAW
    if payer.flags & _NO_OVERDRAFT and payer.balance - payer.pending_out - amount < 0:
        return _EXCEEDS_CREDITS
    if payee.flags & _NO_OVERCREDIT and payee.balance + amount > 0:
        return _EXCEEDS_DEBITS
    if payee.balance + amount > _MAX_FEN or payer.balance - amount < -_MAX_FEN:
        return _OVERFLOWS_BALANCE
    if action == ISSUE and coins[payer.coin, C_ISSUED] + amount > SUM_MAX:
        return _OVERFLOWS_BALANCE
    return _CREATED


@inner
def _facts(
    transfer: Record,
    payer: Record,
    payee: Record,
    accounts: Accounts,
    coins: Int64s,
    consents: Int64s,
    slots: Int64s,
    days: Int64s,
    program: Program,
    facts: Int64s,
) -> None:
    """Fill the row of facts that the law may ask of this transfer."""
    coin = np.int64(payer.coin)
    place = np.int64(transfer.place)
    known_place = place if place < consents.shape[2] else 0
    facts[slots[K_AMOUNT]] = transfer.amount
    facts[slots[K_PLACE]] = place
    # A word that the law does not know is no word: it must not pass for "not one of these".
    is_said = 0 < transfer.travel_data <= slots[KNOWN_FACTS]
    facts[slots[K_TRAVEL_DATA]] = transfer.travel_data if is_said else MISSING
    for currency in range(len(AMOUNT_CURRENCIES)):
        is_own = coins[coin, C_AMOUNT_FACT] == currency
        facts[slots[K_AMOUNT_IN + currency]] = transfer.amount if is_own else MISSING
    facts[slots[K_PAYER_ZONE]] = payer.zone
    facts[slots[K_PAYER_KIND]] = payer.kind
    facts[slots[K_PAYER_TIER]] = MISSING if payer.tier == 0 else payer.tier
    facts[slots[K_PAYER_BALANCE]] = payer.balance
    sums = accounts[payer.person]
    today, year_start = days[sums.zone, 0], days[sums.zone, 1]
    facts[slots[K_PAID_TODAY]] = sums.paid_today if sums.last_paid_day == today else 0
    facts[slots[K_PAID_THIS_YEAR]] = sums.paid_this_year if sums.last_paid_day >= year_start else 0
    facts[slots[K_PAYEE_ZONE]] = payee.zone
    facts[slots[K_PAYEE_KIND]] = payee.kind
    facts[slots[K_PAYEE_TIER]] = MISSING if payee.tier == 0 else payee.tier
    facts[slots[K_PAYEE_BALANCE]] = payee.balance
    facts[slots[K_PEG]] = coins[coin, C_PEG]
    facts[slots[K_ISSUER_ZONE]] = coins[coin, C_ISSUER_ZONE]
    facts[slots[K_ISSUER_CONTROLLER]] = coins[coin, C_ISSUER_CONTROLLER]
    facts[slots[K_LICENCES]] = coins[coin, C_LICENCES]
    facts[slots[K_CONSENTS]] = consents[coin, transfer.action, known_place, 0]
    facts[slots[K_SUPPLY_CAP]] = consents[coin, transfer.action, known_place, 1]
    facts[slots[K_COINS]] = coins[coin, C_ISSUED] - coins[coin, C_REDEEMED]
    reserve = coins[coin, C_RESERVE_ACCOUNT]
    facts[slots[K_RESERVE]] = -accounts[reserve].balance if reserve >= 0 else MISSING
    # A book that asks none of these still needs its own amount.
    facts[program[H_AMOUNT]] = transfer.amount


@inner
def _book(batch: Transfers, n: int, accounts: Accounts, coins: Int64s, days: Int64s, counted: Int64s) -> None:
    transfer = batch[n]
    amount, action = transfer.amount, transfer.action
    debit, credit = transfer.debit, transfer.credit
    accounts[debit].balance -= amount
    accounts[credit].balance += amount
    if action == ISSUE:
        coins[accounts[debit].coin, C_ISSUED] += amount
    elif action == REDEEM:
        coins[accounts[debit].coin, C_REDEEMED] += amount
    if ((counted[0] | counted[1]) >> action) & 1:
        # One person, one clock: wallets in other zones must not start the day anew.
        person = accounts[debit].person
        zone = accounts[person].zone
        today, year_start = days[zone, 0], days[zone, 1]
        if accounts[person].last_paid_day != today:
            accounts[person].paid_today = 0
        if accounts[person].last_paid_day < year_start:
            accounts[person].paid_this_year = 0
        accounts[person].last_paid_day = today
        if (counted[0] >> action) & 1:
            accounts[person].paid_today = min(accounts[person].paid_today + amount, SUM_MAX)
        if (counted[1] >> action) & 1:
            accounts[person].paid_this_year = min(accounts[person].paid_this_year + amount, SUM_MAX)


@inner
def _body(batch: Transfers, n: int) -> np.uint64:
    """Return 56 bits of a digest of all fields but the id; the lowest 8 bits are zero."""
    transfer = batch[n]
    digest = mix(np.uint64(transfer.debit) << np.uint64(32) | np.uint64(transfer.credit))
    digest = mix(digest ^ np.uint64(transfer.amount))
    digest = mix(digest ^ transfer.pending)
    digest = mix(digest ^ transfer.memo_lo)
    digest = mix(digest ^ transfer.memo_hi)
    small = np.uint64(transfer.action) | np.uint64(transfer.place) << np.uint64(8)
    small |= np.uint64(transfer.travel_data) << np.uint64(16) | np.uint64(transfer.purpose) << np.uint64(24)
    small |= np.uint64(transfer.code) << np.uint64(32) | np.uint64(transfer.flags) << np.uint64(48)
    return mix(digest ^ small) & ~_STAMP_RESULT


@inner
def _remember(ids: Table, batch: Transfers, n: int, result: int) -> int:
    """Take the id of transfer *n* with its result, unless it was taken before. Returns 1 for a new id."""
    lo, hi = batch[n].id_lo, batch[n].id_hi
    if lo == 0 and hi == 0:
        return 0
    at = place_of(ids, lo, hi)
    if ids[at, 0] != 0 or ids[at, 1] != 0:
        return 0
    ids[at, 0], ids[at, 1] = lo, hi
    ids[at, 2] = _body(batch, n) | np.uint64(result)
    return 1


@inner
def _set_result(ids: Table, batch: Transfers, n: int, result: int) -> None:
    at = place_of(ids, batch[n].id_lo, batch[n].id_hi)
    ids[at, 2] = (ids[at, 2] & ~_STAMP_RESULT) | np.uint64(result)


@inner
def _was_created(ids: Table, batch: Transfers, n: int) -> bool:
    at = place_of(ids, batch[n].id_lo, batch[n].id_hi)
    return (ids[at, 2] & _STAMP_RESULT) == _CREATED  # type: ignore[no-any-return]
