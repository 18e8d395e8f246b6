"""Whether one transfer may be booked: its accounts, the orders upon them, the law, and the balance last.

Nothing is changed in here. What is judged is a row of TRANSFER with accounts and amount filled in,
so that a payment, a reservation and the posting of one are judged by the same lines. What all
this means is written to be read in `plain.py`; this file is its fast twin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner, load
from jiaozi.ledger.posting.beside import MaybeBeside, ask_beside
from jiaozi.ledger.posting.setting import (
    ACCOUNT_COUNT,
    INTERVAL,
    L_CAP,
    L_FLOOR,
    L_KEEP,
    MONTH_START,
    NUMBERED,
    SLOTS,
    TODAY,
    TRAVEL_WORDS,
    YEAR_START,
    day,
    limit_of,
)
from jiaozi.ledger.posting.supplied import (
    AMOUNT_CURRENCIES,
    C_AMOUNT_FACT,
    C_FROZEN,
    C_ISSUED,
    C_ISSUER_CONTROLLER,
    C_ISSUER_ZONE,
    C_ISSUING,
    C_LICENCES,
    C_PEG,
    C_REDEEMED,
    C_RESERVE_ACCOUNT,
    K_AMOUNT,
    K_AMOUNT_IN,
    K_COINS,
    K_CONSENTS,
    K_FROZEN,
    K_ISSUER_CONTROLLER,
    K_ISSUER_ZONE,
    K_LICENCES,
    K_PAID_THIS_MONTH,
    K_PAID_THIS_YEAR,
    K_PAID_TODAY,
    K_PAYEE_BALANCE,
    K_PAYEE_KIND,
    K_PAYEE_TIER,
    K_PAYEE_ZONE,
    K_PAYER_BALANCE,
    K_PAYER_KIND,
    K_PAYER_TIER,
    K_PAYER_ZONE,
    K_PAYMENTS_THIS_MONTH,
    K_PAYMENTS_THIS_YEAR,
    K_PAYMENTS_TODAY,
    K_PEG,
    K_PLACE,
    K_RESERVE,
    K_SUPPLY_CAP,
    K_TRAVEL_DATA,
)
from jiaozi.ledger.records import BOOK, ISSUE, REDEEM, AccountFlag
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.kernel import decide_row
from jiaozi.rulebook.machine.program import H_AMOUNT, MISSING, Int64s, Program
from jiaozi.rulebook.model import UNLIMITED

SUM_MAX = 2**62
"""Where sums over many transfers stop: paid in a day or a year, issued in all. No limit is larger."""

assert SUM_MAX >= UNLIMITED

# Arrays of records, see `records.py`. numba reads a field as an attribute, which numpy's stubs do not know.
Accounts = Any
Transfers = Any
Counts = Any
Record = Any

INTERNAL = int(AccountFlag.INTERNAL)
CLOSED = int(AccountFlag.CLOSED)
FROZEN_OUT = int(AccountFlag.FROZEN_OUT)
FROZEN_IN = int(AccountFlag.FROZEN_IN)
FROZEN_BELOW = int(AccountFlag.FROZEN_BELOW)
LIMITED = int(AccountFlag.LIMITED)
NO_OVERDRAFT = int(AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS)
NO_OVERCREDIT = int(AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS)
MOST_FEN = int(MAX_FEN)

CREATED = int(Result.CREATED)
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
EXCEEDS_CREDITS = int(Result.EXCEEDS_CREDITS)
EXCEEDS_DEBITS = int(Result.EXCEEDS_DEBITS)
_FALLS_BELOW_FLOOR = int(Result.FALLS_BELOW_FLOOR)
_RISES_ABOVE_CAP = int(Result.RISES_ABOVE_CAP)
_OVERFLOWS_BALANCE = int(Result.OVERFLOWS_BALANCE)


@inner
def parties(batch: Transfers, n: int, accounts: Accounts, setting: Int64s) -> int:
    """Return what stands in the way before any sum is looked at: action, amount, accounts, orders."""
    transfer = batch[n]
    action = transfer.action
    if action > REDEEM:
        return _UNKNOWN_ACTION
    if transfer.amount <= 0 or transfer.amount > MOST_FEN:
        return _AMOUNT_OUT_OF_BOUNDS
    if transfer.debit >= load(setting, ACCOUNT_COUNT):
        return _DEBIT_ACCOUNT_NOT_FOUND
    if transfer.credit >= load(setting, ACCOUNT_COUNT):
        return _CREDIT_ACCOUNT_NOT_FOUND
    if transfer.debit == transfer.credit:
        return _ACCOUNTS_MUST_BE_DIFFERENT
    payer, payee = accounts[transfer.debit], accounts[transfer.credit]
    if payer.coin != payee.coin:
        return _ACCOUNTS_MUST_HAVE_THE_SAME_COIN
    payer_is_internal = (payer.flags & INTERNAL) != 0
    payee_is_internal = (payee.flags & INTERNAL) != 0
    from_sheet, to_sheet = action in (BOOK, ISSUE), action in (BOOK, REDEEM)
    if payer_is_internal != from_sheet or payee_is_internal != to_sheet:
        return _ACTION_DOES_NOT_FIT_ACCOUNTS
    if payer.flags & CLOSED:
        return _DEBIT_ACCOUNT_CLOSED
    if payee.flags & CLOSED:
        return _CREDIT_ACCOUNT_CLOSED
    if payer.flags & FROZEN_OUT:
        return _DEBIT_ACCOUNT_FROZEN
    if payee.flags & FROZEN_IN:
        return _CREDIT_ACCOUNT_FROZEN
    return CREATED


@inner
def judge(
    batch: Transfers,
    n: int,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    consents: Int64s,
    program: Program,
    setting: Int64s,
    facts: Int64s,
    bits: NDArray[np.uint64],
    beside: MaybeBeside,
) -> int:
    """Return what would become of row *n* alone, in the documented order of precedence; *bits* get the reasons."""
    found = parties(batch, n, accounts, setting)
    if found != CREATED:
        return found
    transfer = batch[n]
    action, amount = transfer.action, transfer.amount
    payer, payee = accounts[transfer.debit], accounts[transfer.credit]
    left = payer.balance - payer.pending_out - amount
    if payer.flags & FROZEN_BELOW and left < load(setting, limit_of(setting, transfer.debit) + L_KEEP):
        return _EXCEEDS_UNFROZEN_BALANCE
    if action != BOOK:
        _facts(transfer, payer, payee, accounts, coins, consents, setting, program, facts)
        if load(setting, NUMBERED):
            _numbers(payer, accounts, counts, setting, facts)
        is_allowed = decide_row(program, load(setting, INTERVAL), action, facts, bits)
        if beside is not None:
            otherwise = _sums(batch, n, accounts, coins, setting)
            ask_beside(beside, transfer.debit, transfer.credit, action, facts, otherwise)
        if not is_allowed:
            return _REFUSED_BY_LAW
    return _sums(batch, n, accounts, coins, setting)


@inner
def _sums(batch: Transfers, n: int, accounts: Accounts, coins: Int64s, setting: Int64s) -> int:
    """Return what stands in the way once the law has allowed it: a balance, a limit, the largest numbers."""
    transfer = batch[n]
    amount = transfer.amount
    payer, payee = accounts[transfer.debit], accounts[transfer.credit]
    left = payer.balance - payer.pending_out - amount
    comes_to = payee.balance + payee.pending_in + amount
    if payer.flags & NO_OVERDRAFT and left < 0:
        return EXCEEDS_CREDITS
    if payee.flags & NO_OVERCREDIT and comes_to > 0:
        return EXCEEDS_DEBITS
    if payer.flags & LIMITED and left < load(setting, limit_of(setting, transfer.debit) + L_FLOOR):
        return _FALLS_BELOW_FLOOR
    if payee.flags & LIMITED and comes_to > load(setting, limit_of(setting, transfer.credit) + L_CAP):
        return _RISES_ABOVE_CAP
    if comes_to > MOST_FEN or left < -MOST_FEN:
        return _OVERFLOWS_BALANCE
    if (
        transfer.action == ISSUE
        and coins[payer.coin, C_ISSUED] + coins[payer.coin, C_ISSUING] + amount > SUM_MAX
    ):
        return _OVERFLOWS_BALANCE
    return CREATED


@inner
def _facts(
    transfer: Record,
    payer: Record,
    payee: Record,
    accounts: Accounts,
    coins: Int64s,
    consents: Int64s,
    setting: Int64s,
    program: Program,
    facts: Int64s,
) -> None:
    """Fill the row of facts that the law may ask of this transfer.

    What is pending is counted: into the payee's balance, the coins outstanding and the sums paid, and
    out of the reserve. Else two reservations would pass one cap.
    """
    coin = np.int64(payer.coin)
    place = np.int64(transfer.place)
    known_place = place if place < consents.shape[2] else 0
    facts[load(setting, SLOTS + K_AMOUNT)] = transfer.amount
    facts[load(setting, SLOTS + K_PLACE)] = place
    # A word that the law does not know is no word: it must not pass for "not one of these".
    is_said = 0 < transfer.travel_data <= load(setting, TRAVEL_WORDS)
    facts[load(setting, SLOTS + K_TRAVEL_DATA)] = transfer.travel_data if is_said else MISSING
    for currency in range(len(AMOUNT_CURRENCIES)):
        is_own = coins[coin, C_AMOUNT_FACT] == currency
        facts[load(setting, SLOTS + K_AMOUNT_IN + currency)] = transfer.amount if is_own else MISSING
    facts[load(setting, SLOTS + K_PAYER_ZONE)] = payer.zone
    facts[load(setting, SLOTS + K_PAYER_KIND)] = payer.kind
    facts[load(setting, SLOTS + K_PAYER_TIER)] = MISSING if payer.tier == 0 else payer.tier
    facts[load(setting, SLOTS + K_PAYER_BALANCE)] = payer.balance
    sums = accounts[payer.person]
    last = np.int64(sums.last_paid_day)
    is_this_month = last >= day(setting, sums.zone, MONTH_START)
    is_this_year = last >= day(setting, sums.zone, YEAR_START)
    facts[load(setting, SLOTS + K_PAID_TODAY)] = (
        sums.paid_today if last == day(setting, sums.zone, TODAY) else 0
    )
    facts[load(setting, SLOTS + K_PAID_THIS_MONTH)] = sums.paid_this_month if is_this_month else 0
    facts[load(setting, SLOTS + K_PAID_THIS_YEAR)] = sums.paid_this_year if is_this_year else 0
    facts[load(setting, SLOTS + K_PAYEE_ZONE)] = payee.zone
    facts[load(setting, SLOTS + K_PAYEE_KIND)] = payee.kind
    facts[load(setting, SLOTS + K_PAYEE_TIER)] = MISSING if payee.tier == 0 else payee.tier
    facts[load(setting, SLOTS + K_PAYEE_BALANCE)] = payee.balance + payee.pending_in
    facts[load(setting, SLOTS + K_PEG)] = coins[coin, C_PEG]
    facts[load(setting, SLOTS + K_ISSUER_ZONE)] = coins[coin, C_ISSUER_ZONE]
    facts[load(setting, SLOTS + K_ISSUER_CONTROLLER)] = coins[coin, C_ISSUER_CONTROLLER]
    facts[load(setting, SLOTS + K_LICENCES)] = coins[coin, C_LICENCES]
    facts[load(setting, SLOTS + K_CONSENTS)] = consents[coin, transfer.action, known_place, 0]
    facts[load(setting, SLOTS + K_SUPPLY_CAP)] = consents[coin, transfer.action, known_place, 1]
    outstanding = coins[coin, C_ISSUED] - coins[coin, C_REDEEMED] + coins[coin, C_ISSUING]
    facts[load(setting, SLOTS + K_COINS)] = outstanding
    facts[load(setting, SLOTS + K_FROZEN)] = coins[coin, C_FROZEN]
    reserve = coins[coin, C_RESERVE_ACCOUNT]
    facts[load(setting, SLOTS + K_RESERVE)] = (
        -(accounts[reserve].balance + accounts[reserve].pending_in) if reserve >= 0 else MISSING
    )
    # A book that asks none of these still needs its own amount.
    facts[load(program, H_AMOUNT)] = transfer.amount


@inner
def _numbers(payer: Record, accounts: Accounts, counts: Counts, setting: Int64s, facts: Int64s) -> None:
    """Fill in how many payments the payer made; only books that count payments ask."""
    sums, numbers = accounts[payer.person], counts[payer.person]
    last = np.int64(sums.last_paid_day)
    facts[load(setting, SLOTS + K_PAYMENTS_TODAY)] = (
        numbers.today if last == day(setting, sums.zone, TODAY) else 0
    )
    facts[load(setting, SLOTS + K_PAYMENTS_THIS_MONTH)] = (
        numbers.this_month if last >= day(setting, sums.zone, MONTH_START) else 0
    )
    facts[load(setting, SLOTS + K_PAYMENTS_THIS_YEAR)] = (
        numbers.this_year if last >= day(setting, sums.zone, YEAR_START) else 0
    )
