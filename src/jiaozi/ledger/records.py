"""The records of the ledger: account and transfer have 64 bytes each, one cache line of a processor.

Amounts are fen in int64. Account numbers are dense, from 0: the number is the
row in the array and the leaf in the proof tree. Codes of zones, kinds and tiers
are positions in the vocabulary of the law, from 1.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.model import ACTION_CODES, Action

ACCOUNT: Final = np.dtype(
    [
        ("balance", "<i8"),  # credits less debits; an asset of the issuer is therefore negative
        ("pending_out", "<i8"),  # reserved by pending transfers out; still in the balance
        ("pending_in", "<i8"),  # reserved by pending transfers in; not yet in the balance
        ("paid_today", "<i8"),  # sum of `last_paid_day`, kept on the person's first account
        ("paid_this_month", "<i8"),  # sum of the month of `last_paid_day`, likewise
        ("paid_this_year", "<i8"),  # sum of the year of `last_paid_day`, likewise
        ("person", "<u4"),  # account whose record carries the sums: caps are a person's, not a wallet's
        ("last_paid_day", "<u2"),  # days since 2000-01-01 on the zone's clock; 0 never
        ("coin", "<u2"),
        ("flags", "<u2"),
        ("code", "<u2"),  # the issuer's own chart of accounts
        ("zone", "u1"),
        ("kind", "u1"),
        ("tier", "u1"),
        ("unused", "u1"),
    ]
)

COUNTS: Final = np.dtype([("today", "<u2"), ("this_month", "<u2"), ("this_year", "<u4")])
"""How many payments a person made in the windows of his record: 8 bytes beside it, touched when a law counts."""

OPENING: Final = np.dtype(
    [
        ("coin", "<u2"),
        ("flags", "<u2"),
        ("code", "<u2"),
        ("zone", "u1"),
        ("kind", "u1"),
        ("tier", "u1"),
        ("unused", "u1", (3,)),
        ("person", "<u4"),
        ("count", "<u4"),
    ]
)
"""What is said of accounts when they are opened: 20 bytes for *count* of them that are alike.

`person` OWN_PERSON means the account itself, and is what several at once must have.
"""

TRANSFER: Final = np.dtype(
    [
        ("id_lo", "<u8"),  # 128-bit id, given by the client, time-ordered (UUIDv7)
        ("id_hi", "<u8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("amount", "<i8"),  # fen
        ("timeout", "<u4"),  # seconds after which a pending transfer is released; 0 never
        (
            "value_day",
            "<u2",
        ),  # the day the client counts it from, in days since 2000-01-01; 0 the day of booking
        ("unused", "<u2"),
        ("memo_lo", "<u8"),  # 128 bits for the client; to post or to void: the id of the pending transfer
        ("memo_hi", "<u8"),
        ("action", "u1"),  # 0 books between the issuer's own accounts, else rulebook.ACTION_CODES
        ("place", "u1"),  # place code of the payment
        ("travel_data", "u1"),  # code of the word; 0 not given
        ("purpose", "u1"),  # the client's own
        ("code", "<u2"),  # the client's own
        ("flags", "<u2"),
    ]
)

PENDING: Final = np.dtype(
    [
        ("id_lo", "<u8"),
        ("id_hi", "<u8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("amount", "<i8"),
        ("deadline", "<i8"),  # instant from which it is released; NO_DEADLINE never
        ("day", "<u2"),  # the payer's day on which it took its allowance
        ("action", "u1"),
        ("place", "u1"),
        ("travel_data", "u1"),
        ("windows", "u1"),  # in which of the payer's sums and counts it was counted, see `moving.py`
        ("unused", "u1", (2,)),
    ]
)
"""An open pending transfer, 48 bytes: money reserved until it is posted, voided or released."""

CALL: Final = np.dtype([("end", "<u4"), ("choice", "u1"), ("unused", "u1", (3,))])
"""One caller's part of a frame: where it ends, and what becomes of the rest when a transfer fails."""

assert ACCOUNT.itemsize == TRANSFER.itemsize == 64
assert OPENING.itemsize == 20
assert COUNTS.itemsize == CALL.itemsize == 8
assert PENDING.itemsize == 48

OWN_PERSON: Final = 2**32 - 1
AS_PENDING: Final = 2**32 - 1
"""As debit or credit of a transfer that posts or voids: the account of the pending transfer."""

WHOLE: Final = 2**63 - 1
"""As an amount: all of the pending transfer, or for a balancing transfer whatever there is."""

NO_DEADLINE: Final = 2**63 - 1
BOOK: Final = 0
ISSUE: Final = ACTION_CODES[Action.ISSUE]
PAY: Final = ACTION_CODES[Action.PAY]
REDEEM: Final = ACTION_CODES[Action.REDEEM]

MOVES: Final = {ISSUE: Action.ISSUE, PAY: Action.PAY, REDEEM: Action.REDEEM}
"""The actions that move coins. The law knows others, which no transfer is."""

ACTION_NAMES: Final = {BOOK: "book"} | {code: str(action) for code, action in MOVES.items()}
"""What an action number of a transfer is called."""

Accounts = NDArray[np.void]
Transfers = NDArray[np.void]


class AccountFlag(IntFlag):
    """What an account may not do. The first three carry TigerBeetle's names and meaning."""

    DEBITS_MUST_NOT_EXCEED_CREDITS = 1 << 1
    CREDITS_MUST_NOT_EXCEED_DEBITS = 1 << 2
    CLOSED = 1 << 5
    INTERNAL = 1 << 8  # on the issuer's own sheet: no holder, not in the count of coins
    FROZEN_OUT = 1 << 9  # by order: pays nothing
    FROZEN_IN = 1 << 10  # by order: receives nothing
    FROZEN_BELOW = 1 << 11  # by order: keeps an amount, which stands in the table of limits
    LIMITED = 1 << 12  # has a floor or a cap, which stand there too


class TransferFlag(IntFlag):
    """Flags of a transfer, with TigerBeetle's names and numbers."""

    LINKED = 1 << 0
    PENDING = 1 << 1
    POST_PENDING_TRANSFER = 1 << 2
    VOID_PENDING_TRANSFER = 1 << 3
    BALANCING_DEBIT = 1 << 4
    BALANCING_CREDIT = 1 << 5


class Choice(IntEnum):
    """What becomes of a caller's other transfers when one of them fails."""

    CONTINUE = 0  # each is answered for itself
    STOP = 1  # those behind it are not tried, and their ids stay free


def transfers(count: int) -> Transfers:
    """Return *count* empty transfers to be filled by column: `batch["amount"] = …`."""
    return np.zeros(count, dtype=TRANSFER)


def openings(count: int) -> NDArray[np.void]:
    """Return *count* account openings, each of one account, its own person, and never overdrawn."""
    opened = np.zeros(count, dtype=OPENING)
    opened["person"], opened["count"] = OWN_PERSON, 1
    opened["flags"] = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
    return opened


def one_call(count: int, choice: Choice = Choice.CONTINUE) -> NDArray[np.void]:
    """Return (1,) CALL: *count* transfers of one caller; none for no transfers."""
    calls = np.zeros(1 if count else 0, dtype=CALL)
    calls["end"], calls["choice"] = count, choice
    return calls
