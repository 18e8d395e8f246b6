"""The two records of the ledger, 64 bytes each: one cache line of a processor.

Amounts are fen in int64. Account numbers are dense, from 0: the number is the
row in the array and the leaf in the proof tree. Codes of zones, kinds and tiers
are positions in the vocabulary of the law, from 1.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.model import ACTION_CODES, Action

ACCOUNT: Final = np.dtype(
    [
        ("balance", "<i8"),  # credits less debits; an asset of the issuer is therefore negative
        ("pending_out", "<i8"),  # reserved by pending payments out (not yet used)
        ("pending_in", "<i8"),  # reserved by pending payments in (not yet used)
        ("paid_today", "<i8"),  # sum of `last_paid_day`, kept on the person's first account
        ("paid_this_year", "<i8"),  # sum of the year of `last_paid_day`, likewise
        ("floor", "<i8"),  # what an order keeps in place while FROZEN_BELOW is set
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
    ]
)
"""What is said of an account when it is opened: 16 bytes. `person` OWN_PERSON means the account itself."""

TRANSFER: Final = np.dtype(
    [
        ("id_lo", "<u8"),  # 128-bit id, given by the client, time-ordered (UUIDv7)
        ("id_hi", "<u8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("amount", "<i8"),  # fen
        ("pending", "<u8"),  # the pending transfer meant, or its timeout in seconds (not yet used)
        ("memo_lo", "<u8"),  # 128 bits for the client, such as the order it belongs to
        ("memo_hi", "<u8"),
        ("action", "u1"),  # 0 books between the issuer's own accounts, else rulebook.ACTION_CODES
        ("place", "u1"),  # place code of the payment
        ("travel_data", "u1"),  # code of the word; 0 not given
        ("purpose", "u1"),  # the client's own
        ("code", "<u2"),  # the client's own
        ("flags", "<u2"),
    ]
)

assert ACCOUNT.itemsize == TRANSFER.itemsize == 64
assert OPENING.itemsize == 16

OWN_PERSON: Final = 2**32 - 1
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
    FROZEN_BELOW = 1 << 11  # by order: keeps at least `floor`


class TransferFlag(IntFlag):
    """Flags of a transfer, with TigerBeetle's names and numbers. Only LINKED is taken so far."""

    LINKED = 1 << 0
    PENDING = 1 << 1
    POST_PENDING_TRANSFER = 1 << 2
    VOID_PENDING_TRANSFER = 1 << 3
    BALANCING_DEBIT = 1 << 4
    BALANCING_CREDIT = 1 << 5


def transfers(count: int) -> Transfers:
    """Return *count* empty transfers to be filled by column: `batch["amount"] = …`."""
    return np.zeros(count, dtype=TRANSFER)


def openings(count: int) -> NDArray[np.void]:
    """Return *count* account openings: each its own person, and never overdrawn."""
    opened = np.zeros(count, dtype=OPENING)
    opened["person"] = OWN_PERSON
    opened["flags"] = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
    return opened
