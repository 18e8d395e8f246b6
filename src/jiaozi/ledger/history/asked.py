"""What is asked of the history and what comes back: places, pages, balances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.ledger.history.rows import OUT, TRANSFER_ROW, Numbering
from jiaozi.ledger.history.units import Unit
from jiaozi.ledger.results import Result
from jiaozi.ledger.totals import exact_sum

MAX_PAGE = 8_189
"""Transfers in one answer, TigerBeetle's number."""

MAX_ACCOUNT = 2**32 - 2

Only = Literal["in", "out"] | None


class Cursor(NamedTuple):
    """A place in the history: after this row of this frame. Rows below zero were released by the frame."""

    frame: int
    row: int

    def __str__(self) -> str:
        return f"{self.frame}.{self.row}"

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Return the cursor written as `420.17`. Raises `ValueError`."""
        match = re.fullmatch(r"(\d{1,18})\.(-?\d{1,9})", text, re.ASCII)
        if match is None:
            raise ValueError(f"{text[:40]!r} is no place in the history; write FRAME.ROW as it was given")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one account in the order asked for, and where to go on.

    rows      (n,) ROW
    is_out    (n,) bool, whether the account paid
    change    (n,) i8, of its balance, fen
    reserved  (n,) i8, of what is pending on that side, fen
    notes     JSON of the notes by row of the page
    next      the cursor to give as *after*; None at the end
    """

    rows: NDArray[np.void]
    is_out: NDArray[np.bool_]
    change: NDArray[np.int64]
    reserved: NDArray[np.int64]
    notes: dict[int, str]
    next: Cursor | None
    numbering: Numbering

    def __len__(self) -> int:
        return len(self.rows)

    def cursor(self, index: int) -> Cursor:
        """Return the place of row *index* of the page."""
        return Cursor(int(self.rows[index]["frame"]), int(self.rows[index]["row"]))

    def bits(self, index: int) -> tuple[int, ...]:
        """Return the reasons why row *index* was refused by law, as words of bits."""
        return self.numbering.bits(int(self.rows[index]["reasons"]))

    def law_digest(self, index: int) -> bytes:
        """Return the law under which row *index* was decided."""
        return self.numbering.laws[int(self.rows[index]["law"])]


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account had at one time, in fen."""

    balance: int
    pending_out: int
    pending_in: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of an account are asked for. *since* included, *until* excluded, both of the frame."""

    account: int
    after: Cursor | None
    since: Instant | None
    until: Instant | None
    only: Only
    results: frozenset[Result] | None
    with_released: bool
    newest_first: bool

    def keeps(self, rows: NDArray[np.void], is_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of *rows*, all of the account, are asked for, (n,) bool."""
        kept = np.ones(len(rows), dtype=bool)
        if not self.with_released:
            kept &= rows["kind"] == TRANSFER_ROW
        if self.results is not None:
            # A release answers nobody, so it has no result.
            kept &= (rows["kind"] == TRANSFER_ROW) & np.isin(rows["result"], sorted(self.results))
        if self.only is not None:
            kept &= is_out == (self.only == "out")
        if self.since is not None:
            kept &= rows["instant"] >= self.since
        if self.until is not None:
            kept &= rows["instant"] < self.until
        if self.after is not None:
            frame, row = rows["frame"], rows["row"]
            if self.newest_first:
                kept &= (frame < self.after.frame) | ((frame == self.after.frame) & (row < self.after.row))
            else:
                kept &= (frame > self.after.frame) | ((frame == self.after.frame) & (row > self.after.row))
        return kept

    def touches(self, unit: Unit) -> bool:
        """Return whether *unit* can hold any of them."""
        head = unit.head
        if self.after is not None:
            if self.newest_first and head.first > self.after.frame:
                return False
            if not self.newest_first and head.last < self.after.frame:
                return False
        if self.since is not None and head.last_instant < self.since:
            return False
        return self.until is None or head.first_instant < self.until


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of the account, in journal order, with what they did to it."""

    rows: NDArray[np.void]
    entries: NDArray[np.void]
    notes: dict[int, str]

    @property
    def is_out(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.entries["side"] == OUT
        return found

    def only(self, which: NDArray[np.intp]) -> Piece:
        """Return the rows that *which* (k,) numbers, in that order."""
        notes = {new: self.notes[old] for new, old in enumerate(which.tolist()) if old in self.notes}
        return Piece(self.rows[which], self.entries[which], notes)


def own(entries: NDArray[np.void], account: int) -> NDArray[np.void]:
    """Return the entries of *account* among those of rows that are all its own, by row."""
    own: NDArray[np.void] = entries[entries["account"] == account]
    return own


def sum_entries(entries: NDArray[np.void]) -> Balance:
    """Return what *entries* (m,) ENTRY of one account come to."""
    out = entries["side"] == OUT
    return Balance(
        exact_sum(entries["change"]),
        exact_sum(entries["reserved"][out]),
        exact_sum(entries["reserved"][~out]),
    )


def added(one: Balance, other: Balance) -> Balance:
    """Return the sum of both."""
    return Balance(
        one.balance + other.balance,
        one.pending_out + other.pending_out,
        one.pending_in + other.pending_in,
    )


def check_account(account: int) -> None:
    """Raise `ValueError` for what can be no account."""
    if not 0 <= account <= MAX_ACCOUNT:
        raise ValueError(f"{account} is no account number; they go from 0 to {MAX_ACCOUNT:,}")
