"""What a transfer changes once it is judged: book it, reserve it, release what was reserved, undo a chain.

Sums and counts of a person stand on the record of his first account, with the last day on which he paid.
Nothing runs at midnight: the first payment of a new day finds yesterday's, and starts again from zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jiaozi.compiled import inner, load
from jiaozi.ledger.posting.judge import (
    FROZEN_BELOW,
    FROZEN_OUT,
    INTERNAL,
    SUM_MAX,
    Accounts,
    Counts,
    Transfers,
)
from jiaozi.ledger.posting.setting import (
    COUNTED,
    COUNTED_THIS_MONTH,
    COUNTED_THIS_YEAR,
    COUNTED_TODAY,
    L_KEEP,
    MONTH_START,
    NUMBERED,
    NUMBERED_THIS_MONTH,
    NUMBERED_THIS_YEAR,
    NUMBERED_TODAY,
    TODAY,
    YEAR_START,
    day,
    limit_of,
)
from jiaozi.ledger.posting.supplied import C_FROZEN, C_ISSUED, C_ISSUING, C_REDEEMED
from jiaozi.ledger.records import ISSUE, REDEEM
from jiaozi.rulebook.machine.program import Int64s

Pending = Any

U16_MAX = 2**16 - 1
U32_MAX = 2**32 - 1

# What `keep` writes beside the copy of a record.
(U_ROW, U_COIN, U_ISSUED, U_REDEEMED, U_ISSUING, U_FROZEN, U_COUNTS, UNDO_WIDTH) = range(8)

ROWS_PER_LEG = 3


# The windows of a person's sums and counts, as bits.
BY_DAY, BY_MONTH, BY_YEAR, NUMBER_BY_DAY, NUMBER_BY_MONTH, NUMBER_BY_YEAR = 1, 2, 4, 8, 16, 32
ANY_NUMBER = NUMBER_BY_DAY | NUMBER_BY_MONTH | NUMBER_BY_YEAR


@inner
def windows_of(setting: Int64s, action: int) -> int:
    """Return the windows in which the law counts *action*, as bits."""
    if not (load(setting, COUNTED) >> action) & 1:
        return 0
    return (
        ((load(setting, COUNTED_TODAY) >> action) & 1)
        | ((load(setting, COUNTED_THIS_MONTH) >> action) & 1) << 1
        | ((load(setting, COUNTED_THIS_YEAR) >> action) & 1) << 2
        | ((load(setting, NUMBERED_TODAY) >> action) & 1) << 3
        | ((load(setting, NUMBERED_THIS_MONTH) >> action) & 1) << 4
        | ((load(setting, NUMBERED_THIS_YEAR) >> action) & 1) << 5
    )


@inner
def book(
    batch: Transfers, n: int, accounts: Accounts, counts: Counts, coins: Int64s, setting: Int64s
) -> None:
    """Move the money of row *n*, and count it where the law counts."""
    transfer = batch[n]
    amount, action = transfer.amount, transfer.action
    debit, credit = transfer.debit, transfer.credit
    coin = accounts[debit].coin
    is_frozen = (accounts[debit].flags | accounts[credit].flags) & (FROZEN_OUT | FROZEN_BELOW)
    if is_frozen:
        coins[coin, C_FROZEN] -= frozen_in(accounts, debit, setting) + frozen_in(accounts, credit, setting)
    accounts[debit].balance -= amount
    accounts[credit].balance += amount
    if is_frozen:
        coins[coin, C_FROZEN] += frozen_in(accounts, debit, setting) + frozen_in(accounts, credit, setting)
    if action == ISSUE:
        coins[coin, C_ISSUED] += amount
    elif action == REDEEM:
        coins[coin, C_REDEEMED] += amount
    windows = windows_of(setting, action)
    if windows:
        _count(accounts, counts, setting, accounts[debit].person, windows, amount)


@inner
def frozen_in(accounts: Accounts, row: int, setting: Int64s) -> int:
    """Return what the holder of account *row* has and may not pay, by order."""
    flags, balance = accounts[row].flags, accounts[row].balance
    if flags & INTERNAL or not flags & (FROZEN_OUT | FROZEN_BELOW):
        return np.int64(0)  # type: ignore[return-value]
    if flags & FROZEN_OUT:
        return balance  # type: ignore[no-any-return]
    return min(balance, np.int64(load(setting, limit_of(setting, row) + L_KEEP)))  # type: ignore[no-any-return]


@inner
def hold(pending: Pending, accounts: Accounts, counts: Counts, coins: Int64s, setting: Int64s) -> None:
    """Reserve the money of *pending* and its allowance; write down on which day, and in which windows."""
    windows = windows_of(setting, pending.action)
    person = accounts[pending.debit].person
    pending.day = day(setting, accounts[person].zone, TODAY)
    pending.windows = windows
    _reserve(pending, pending.amount, accounts, coins)
    if windows:
        _count(accounts, counts, setting, person, windows, pending.amount)


@inner
def release(pending: Pending, accounts: Accounts, counts: Counts, coins: Int64s, setting: Int64s) -> None:
    """Give back what *pending* reserved, and its allowance in every window that is still open."""
    _reserve(pending, -pending.amount, accounts, coins)
    _uncount(pending, 1, accounts, counts, setting)


@inner
def hold_again(pending: Pending, accounts: Accounts, counts: Counts, coins: Int64s, setting: Int64s) -> None:
    """Undo `release`, in the same frame."""
    _reserve(pending, pending.amount, accounts, coins)
    _uncount(pending, -1, accounts, counts, setting)


@inner
def _reserve(pending: Pending, amount: int, accounts: Accounts, coins: Int64s) -> None:
    accounts[pending.debit].pending_out += amount
    accounts[pending.credit].pending_in += amount
    if pending.action == ISSUE:
        coins[accounts[pending.debit].coin, C_ISSUING] += amount


@inner
def _count(
    accounts: Accounts, counts: Counts, setting: Int64s, person: int, windows: int, amount: int
) -> None:
    """Add *amount* to the sums of *windows*, and one to their counts. At its largest a number stays."""
    # One person, one clock: wallets in other zones must not start the day anew.
    zone = accounts[person].zone
    today, last = day(setting, zone, TODAY), np.int64(accounts[person].last_paid_day)
    is_new_day = last != today
    is_new_month, is_new_year = last < day(setting, zone, MONTH_START), last < day(setting, zone, YEAR_START)
    if is_new_day:
        accounts[person].paid_today = 0
    if is_new_month:
        accounts[person].paid_this_month = 0
    if is_new_year:
        accounts[person].paid_this_year = 0
    accounts[person].last_paid_day = today
    if windows & BY_DAY:
        accounts[person].paid_today = min(accounts[person].paid_today + amount, SUM_MAX)
    if windows & BY_MONTH:
        accounts[person].paid_this_month = min(accounts[person].paid_this_month + amount, SUM_MAX)
    if windows & BY_YEAR:
        accounts[person].paid_this_year = min(accounts[person].paid_this_year + amount, SUM_MAX)
    if load(setting, NUMBERED):
        if is_new_day:
            counts[person].today = 0
        if is_new_month:
            counts[person].this_month = 0
        if is_new_year:
            counts[person].this_year = 0
        if windows & NUMBER_BY_DAY and counts[person].today < U16_MAX:
            counts[person].today += 1
        if windows & NUMBER_BY_MONTH and counts[person].this_month < U16_MAX:
            counts[person].this_month += 1
        if windows & NUMBER_BY_YEAR and counts[person].this_year < U32_MAX:
            counts[person].this_year += 1


@inner
def _uncount(pending: Pending, sign: int, accounts: Accounts, counts: Counts, setting: Int64s) -> None:
    """Take *pending* out of the windows that it was counted in; with *sign* -1 put it back.

    A window that ended meanwhile is left as it is: nobody reads it any more. A number at its largest stays.
    """
    windows, since = pending.windows, np.int64(pending.day)
    if not windows:
        return
    person = accounts[pending.debit].person
    zone, amount = accounts[person].zone, sign * pending.amount
    if since == day(setting, zone, TODAY):
        if windows & BY_DAY and accounts[person].paid_today < SUM_MAX:
            accounts[person].paid_today -= amount
        if windows & NUMBER_BY_DAY and counts[person].today < U16_MAX:
            counts[person].today -= sign
    if since >= day(setting, zone, MONTH_START):
        if windows & BY_MONTH and accounts[person].paid_this_month < SUM_MAX:
            accounts[person].paid_this_month -= amount
        if windows & NUMBER_BY_MONTH and counts[person].this_month < U16_MAX:
            counts[person].this_month -= sign
    if since >= day(setting, zone, YEAR_START):
        if windows & BY_YEAR and accounts[person].paid_this_year < SUM_MAX:
            accounts[person].paid_this_year -= amount
        if windows & NUMBER_BY_YEAR and counts[person].this_year < U32_MAX:
            counts[person].this_year -= sign


@inner
def keep(
    batch: Transfers,
    n: int,
    accounts: Accounts,
    counts: Counts,
    coins: Int64s,
    undo: Accounts,
    undo_rows: Int64s,
    first: int,
) -> None:
    """Copy what row *n* is about to change to *undo*, from row *first*."""
    debit = batch[n].debit
    coin = np.int64(accounts[debit].coin)
    person = accounts[debit].person
    for row in (np.int64(debit), np.int64(batch[n].credit), np.int64(person)):
        undo[first] = accounts[row]
        undo_rows[first, U_ROW] = row
        undo_rows[first, U_COIN] = coin
        undo_rows[first, U_ISSUED] = coins[coin, C_ISSUED]
        undo_rows[first, U_REDEEMED] = coins[coin, C_REDEEMED]
        undo_rows[first, U_ISSUING] = coins[coin, C_ISSUING]
        undo_rows[first, U_FROZEN] = coins[coin, C_FROZEN]
        numbers = np.int64(counts[row].today) | np.int64(counts[row].this_month) << 16
        undo_rows[first, U_COUNTS] = numbers | np.int64(counts[row].this_year) << 32
        first += 1


@inner
def put_back(
    accounts: Accounts, counts: Counts, coins: Int64s, undo: Accounts, undo_rows: Int64s, first: int
) -> None:
    """Put back what `keep` copied for one leg."""
    for at in range(first + ROWS_PER_LEG - 1, first - 1, -1):
        row = undo_rows[at, U_ROW]
        accounts[row] = undo[at]
        coin = undo_rows[at, U_COIN]
        coins[coin, C_ISSUED] = undo_rows[at, U_ISSUED]
        coins[coin, C_REDEEMED] = undo_rows[at, U_REDEEMED]
        coins[coin, C_ISSUING] = undo_rows[at, U_ISSUING]
        coins[coin, C_FROZEN] = undo_rows[at, U_FROZEN]
        numbers = undo_rows[at, U_COUNTS]
        counts[row].today, counts[row].this_month = numbers & U16_MAX, (numbers >> 16) & U16_MAX
        counts[row].this_year = (numbers >> 32) & U32_MAX
