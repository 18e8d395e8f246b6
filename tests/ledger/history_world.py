"""Journals made by hand for tests of the history: frames of every kind, and beside them what they should come to.

No kernel decides here. The world chooses what is booked, refused, held, posted, voided and released,
writes it as frames, and keeps books in plain Python that the history is compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.facts import TierSet, encode
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal, Part
from jiaozi.ledger.notes import NO_NOTES, Note, Notes
from jiaozi.ledger.payload import Booked, moves, pack
from jiaozi.ledger.records import (
    AS_PENDING,
    PAY,
    PENDING,
    TRANSFER,
    WHOLE,
    TransferFlag,
    one_call,
    openings,
    transfers,
)
from jiaozi.ledger.results import Result
from tests.ledger.small_world import at

ACCOUNTS = 9
LAWS = (bytes([1]) * 32, bytes([2]) * 32)
START = at("2026-12-15 10:00")


@dataclass(frozen=True)
class Happened:
    """One row as the books have it. `change` and `reserved` are those of the debit side, without sign."""

    frame: int
    row: int
    instant: int
    id: tuple[int, int]
    debit: int
    credit: int
    amount: int
    result: Result | None  # None: released
    moved: int = 0
    reserved: int = 0
    note: str = ""
    bits: tuple[int, ...] = ()
    law: bytes = LAWS[0]


@dataclass
class HistoryWorld:
    """A journal in a folder, the rows in it, and the pendings that are open."""

    folder: Path
    journal: Journal
    random: np.random.Generator
    happened: list[Happened] = field(default_factory=list)
    facts: int = 0
    open: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    next_id: int = 1
    now: int = START

    @classmethod
    def found(cls, folder: Path, seed: int = 1, *, segment_bytes: int = 6_000) -> HistoryWorld:
        """Begin a journal in *folder* with the accounts opened; small segments, so that many are sealed."""
        journal = Journal.open(folder, segment_bytes=segment_bytes)
        world = cls(folder, journal, np.random.default_rng(seed))
        world._append(FrameKind.ACCOUNTS, [openings(ACCOUNTS)])
        return world

    def fill(self, frames: int) -> None:
        """Append *frames* frames of transfers, facts among them now and then."""
        for _ in range(frames):
            self.now += int(self.random.integers(0, 3)) * NS_PER_SECOND
            if self.random.random() < 0.2:
                self._append(FrameKind.FACTS, [encode([TierSet(5, "t2"), TierSet(6, "t3")])])
                self.facts += 2
            else:
                self.transfers(int(self.random.integers(1, 12)))

    def transfers(self, count: int) -> None:
        """Append one frame of *count* transfers of all kinds."""
        released = self._released()
        batch, moved = transfers(count), np.zeros(count, dtype=TRANSFER)
        results, bits = np.zeros(count, dtype=np.uint8), np.zeros((count, 2), dtype=np.uint64)
        frame, law = self.journal.sequence + 1, LAWS[int(self.random.integers(0, 2))]
        found, notes = [], {}
        for number, key in enumerate(released):
            debit, credit, amount = self.open.pop(key)
            row = number - len(released)
            found.append(
                Happened(frame, row, self.now, key, debit, credit, amount, None, 0, -amount, law=law)
            )
        rows_released = self._released_rows(found)
        for row in range(count):
            sent, booked = batch[row : row + 1], moved[row : row + 1]
            happened = self._one(frame, row, sent, booked, law)
            results[row] = Result.CREATED if happened.result is None else happened.result
            bits[row] = happened.bits or (0, 0)
            if happened.note:
                notes[row] = Note(text=happened.note)
            found.append(happened)
        which = moves(batch, results)
        booked_frame = Booked(
            batch, one_call(count), results, bits, moved[which], rows_released,
            Notes.of(notes) if notes else NO_NOTES,
        )  # fmt: skip
        self._append(FrameKind.TRANSFERS, pack(booked_frame), law)
        self.happened += found

    def _one(
        self,
        frame: int,
        row: int,
        sent: np.ndarray[tuple[int], np.dtype[np.void]],
        booked: np.ndarray[tuple[int], np.dtype[np.void]],
        law: bytes,
    ) -> Happened:
        draw = self.random.random()
        debit, credit = self.random.choice(ACCOUNTS, 2, replace=False).tolist()
        amount = int(self.random.integers(1, 10_000))
        identity = self.next_id, int(self.random.integers(0, 3))
        self.next_id += 1
        sent["id_lo"], sent["id_hi"], sent["action"] = *identity, PAY
        sent["debit"], sent["credit"], sent["amount"] = debit, credit, amount
        note = f"No. {row}" if self.random.random() < 0.1 else ""
        whole = frame, row, self.now, identity
        if draw < 0.5:
            return Happened(*whole, debit, credit, amount, Result.CREATED, amount, 0, note, law=law)
        if draw < 0.6:
            sent["flags"] = TransferFlag.PENDING
            self.open[identity] = debit, credit, amount
            return Happened(*whole, debit, credit, amount, Result.CREATED, 0, amount, note, law=law)
        if draw < 0.75 and self.open:
            keys = sorted(self.open)
            key = keys[int(self.random.integers(0, len(keys)))]
            return self._end(whole, key, sent, booked, draw < 0.7, note, law)
        if draw < 0.8:
            sent["flags"], sent["amount"] = TransferFlag.BALANCING_DEBIT, WHOLE
            booked[:] = sent
            booked["amount"] = amount
            return Happened(*whole, debit, credit, amount, Result.CREATED, amount, 0, note, law=law)
        if draw < 0.85:
            sent["flags"] = TransferFlag.POST_PENDING_TRANSFER
            sent["debit"] = sent["credit"] = AS_PENDING
            none = Result.PENDING_TRANSFER_NOT_FOUND
            return Happened(*whole, AS_PENDING, AS_PENDING, amount, none, note=note, law=law)
        if draw < 0.95:
            bits = int(self.random.integers(1, 4)), int(self.random.integers(0, 2)) << 63
            return Happened(
                *whole, debit, credit, amount, Result.REFUSED_BY_LAW, note=note, bits=bits, law=law
            )
        sent["credit"] = debit
        different = Result.ACCOUNTS_MUST_BE_DIFFERENT
        return Happened(*whole, debit, debit, amount, different, note=note, law=law)

    def _end(
        self,
        whole: tuple[int, int, int, tuple[int, int]],
        key: tuple[int, int],
        sent: np.ndarray[tuple[int], np.dtype[np.void]],
        booked: np.ndarray[tuple[int], np.dtype[np.void]],
        is_post: bool,
        note: str,
        law: bytes,
    ) -> Happened:
        """Post a part of the pending transfer *key*, or void it."""
        debit, credit, held = self.open.pop(key)
        amount = int(self.random.integers(1, held + 1)) if is_post else held
        sent["flags"] = TransferFlag.POST_PENDING_TRANSFER if is_post else TransferFlag.VOID_PENDING_TRANSFER
        sent["debit"] = sent["credit"] = AS_PENDING
        sent["amount"] = amount if is_post else WHOLE
        sent["memo_lo"], sent["memo_hi"] = key
        booked[:] = sent
        booked["debit"], booked["credit"], booked["amount"] = debit, credit, amount
        moved = amount if is_post else 0
        return Happened(*whole, debit, credit, amount, Result.CREATED, moved, -held, note, law=law)

    def _released(self) -> list[tuple[int, int]]:
        keys = sorted(self.open)
        return [key for key in keys if self.random.random() < 0.1]

    def _released_rows(self, rows: list[Happened]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        released = np.zeros(len(rows), dtype=PENDING)
        for place, happened in enumerate(rows):
            released[place]["id_lo"], released[place]["id_hi"] = happened.id
            released[place]["debit"], released[place]["credit"] = happened.debit, happened.credit
            released[place]["amount"] = happened.amount
        return released

    def _append(self, kind: FrameKind, parts: Sequence[Part], law: bytes = LAWS[0]) -> None:
        self.journal.append(kind, Instant(self.now), law, parts, follows=self.journal.sequence).result()

    # -- what the history should say ----------------------------------------

    def of(self, account: int) -> list[Happened]:
        """Return the rows of *account*, in order."""
        return [row for row in self.happened if account in (row.debit, row.credit)]

    def balance(self, account: int, *, until: int | None = None) -> tuple[int, int, int]:
        """Return balance, pending out and pending in of *account* after the frames before *until*."""
        return self.balances(until=until)[account]

    def balances(self, *, until: int | None = None) -> dict[int, tuple[int, int, int]]:
        """Return the same of all accounts."""
        books: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self.happened:
            if until is None or row.instant < until:
                books[row.debit][0] -= row.moved
                books[row.credit][0] += row.moved
                books[row.debit][1] += row.reserved
                books[row.credit][2] += row.reserved
        return defaultdict(lambda: (0, 0, 0), {key: (a, b, c) for key, (a, b, c) in books.items()})
