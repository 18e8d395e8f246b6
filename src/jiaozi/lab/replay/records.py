"""Rows that are kept: what the law was asked of each transfer, and what came out otherwise."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.posting.supplied import FACTS_SUPPLIED

WIDE: Final = (
    "payer.balance",
    "payer.paid_today",
    "payer.paid_this_month",
    "payer.paid_this_year",
    "payee.balance",
    "issuer.coins_outstanding",
    "issuer.reserve_value",
    "issuer.coins_frozen",
)
"""Facts that are different nearly every time. All others repeat, and stand once in a table of *kinds*."""

AMOUNTS: Final = tuple(name for name in FACTS_SUPPLIED if name.startswith("payment.amount"))
"""Facts that are the amount, or unknown where the coin is of another currency."""

NUMBERS: Final = ("payer.payments_today", "payer.payments_this_month", "payer.payments_this_year")
"""Facts that are asked only where a law counts payments."""

QUESTION: Final = np.dtype(
    [
        ("frame", "<u4"),  # which of the frames, from 0
        ("row", "<u2"),
        ("action", "u1"),
        ("result", "u1"),  # what became of it
        ("otherwise", "u1"),  # what would have become of it if no law had been asked
        ("role", "u1"),  # PAYS, RESERVES, POSTS or GIVES_BACK
        ("reasons", "<u2"),  # which set of reasons, from 1; 0 none
        ("kind", "<u4"),  # which row of the table of kinds
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("person", "<u4"),  # whose sums count
        ("pending", "<u4"),  # which of the part's reservations it makes, posts or gives back, from 1; 0 none
        ("amount", "<i8"),
        ("payer_balance", "<i8"),
        ("paid_today", "<i8"),
        ("paid_this_month", "<i8"),
        ("paid_this_year", "<i8"),
        ("payee_balance", "<i8"),
        ("coins", "<i8"),
        ("reserve", "<i8"),
        ("frozen", "<i8"),
    ]
)
"""One transfer of which the law was asked: 104 bytes. What a reservation gives back is a row too, and no question."""

assert QUESTION.itemsize == 104

(PAYS, RESERVES, POSTS, GIVES_BACK) = range(4)
"""What a row is about: a transfer that is done at once, one that reserves, one that posts what was
reserved, and the end of a reservation that was voided or ran out."""

WIDE_COLUMNS: Final = (
    "payer_balance",
    "paid_today",
    "paid_this_month",
    "paid_this_year",
    "payee_balance",
    "coins",
    "reserve",
    "frozen",
)
"""The columns of QUESTION that hold the facts of WIDE; MISSING where the law has no such fact."""

FRAME: Final = np.dtype(
    [
        ("sequence", "<i8"),
        ("instant", "<i8"),
        ("law", "<i8"),
        ("payments", "<i8"),
        ("amount_high", "<i8"),
        ("amount_low", "<i8"),
    ]
)
"""A frame with transfers: its number in the journal, when it was, and which of the laws was in force.

Then how many payments were tried in it, and their sum in fen in two halves: amounts over 2^32, and what is
left of each. To post or to void what was reserved is no second payment.
"""

OPEN: Final = np.dtype([("id_lo", "<u8"), ("id_hi", "<u8"), ("row", QUESTION)])
"""A reservation that is open at the end: the id by which it will be posted or voided, and the row that made it."""

HELD: Final = np.dtype(
    [("balance", "<i8"), ("coin", "<u2"), ("flags", "<u2"), ("zone", "u1"), ("kind", "u1"), ("tier", "u1")]
)
"""An account at the end of the history."""

CHANGE: Final = np.dtype(
    [
        ("frame", "<i8"),
        ("row", "<i4"),
        ("instant", "<i8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("person", "<u4"),
        ("amount", "<i8"),
        ("action", "u1"),
        ("place", "u1"),
        ("coin", "<u2"),
        ("payer_zone", "u1"),
        ("payer_kind", "u1"),
        ("payer_tier", "u1"),  # 0 none
        ("is_admitted", "u1"),  # 1 newly admitted, 0 newly refused
        ("before", "u1"),  # the result it had
        ("after", "u1"),  # the result it has
        ("reasons", "<u2"),  # why it was refused, or why it had been: a set of reasons, from 1; 0 none
    ]
)
"""A transfer whose outcome changed."""

Questions = NDArray[np.void]
Changes = NDArray[np.void]

FORMAT: Final = "jiaozi questions 3"
PARTS: Final = 64
"""Files that questions are dealt over by person, so that each holder's are in one of them, in their order."""


class Month(msgspec.Struct, frozen=True):
    """What the ledger had at the end of a month on the first coin's clock: by coin, in fen."""

    month: str
    coins: dict[str, int]
    reserve: dict[str, int | None]
    frozen: dict[str, int]
    """What holders cannot move because of orders upon their accounts; 0 where there are none."""


class Tally(msgspec.Struct, frozen=True):
    """How many transfers of one month, action and result there were, and their sum in fen.

    To post or to void what was reserved is none of them: what was reserved counts when it was.
    """

    month: str
    action: int
    result: int
    count: int
    amount: int


class Law(msgspec.Struct, frozen=True):
    """A law that was in force: its digest, its texts, its drafts, and from which frame on."""

    digest: str
    drafts: list[str]
    texts: dict[str, str]
    sequence: int


class Head(msgspec.Struct, frozen=True):
    """What a folder of recorded questions says of itself."""

    format: str
    journal_sequence: int
    journal_hash: str
    segment: str
    """The file of the journal in which its last frame stands, and the byte behind that frame."""
    offset: int
    first_instant: int
    last_instant: int
    accounts: int
    frames: int
    kinds: int
    open: int
    """Reservations that are open at the end."""
    transfers: int
    """All there are in the journal, whatever they are."""
    parts: list[int]
    """Rows of each part."""
    reservations: list[int]
    """Reservations of each part."""
    has_counts: bool
    """Whether some law of the history counts payments: their counts are not kept."""
    facts: list[str]
    """The facts of a row of the table of kinds; last the place whose clock counts the person's sums, and the coin."""
    reasons: list[list[str]]
    laws: list[Law]
    tallies: list[Tally]
    months: list[Month]
    coins: list[list[str]]
    """Id, issuer and currency of each coin, by number."""
