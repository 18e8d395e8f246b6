"""What stands in a frame of transfers.

    head      8 × u32: transfers, callers, words of reasons, refused by law, moved, released, notes, bytes of notes
    calls     8 bytes a caller, see `records.CALL`
    results   u8 a transfer, padded to 8 bytes
    transfers 64 bytes each as they were sent, see `records.TRANSFER`
    refused   u32 each: the transfers refused by law, padded to 8 bytes
    bits      for each of them the reasons, u64 words
    moved     64 bytes each: those that moved other accounts or another amount than they say, as they moved them
    released  48 bytes each: pending transfers that timed out before the first of these, see `records.PENDING`
    notes     u32 each the transfer, padded; u32 each the length, padded; then their JSON, padded

Everything little-endian. Results stand beside the transfers although a replay
gives them again: so a reader needs no kernel, and a replay has what to compare.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError
from jiaozi.ledger.notes import MAX_NOTE_BYTES, NO_NOTES, Notes
from jiaozi.ledger.records import CALL, PENDING, TRANSFER, Choice, TransferFlag, Transfers, one_call
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.kernel import Bits

Part = NDArray[Any]

MAX_BATCH = 8_190
"""Transfers in one call, the size of TigerBeetle's largest message."""

MAX_FRAME = 8 * MAX_BATCH
"""Transfers of several callers that share one frame."""

MAX_RELEASED = 1 << 20
"""Pending transfers that one frame may release; the next frame goes on."""

MAX_WORDS = 64
"""Words of 64 reasons each: a book with more than 4,096 reasons is none that anyone has read."""

HEAD_BYTES = 32

MOVED_FLAGS = (
    TransferFlag.POST_PENDING_TRANSFER
    | TransferFlag.VOID_PENDING_TRANSFER
    | TransferFlag.BALANCING_DEBIT
    | TransferFlag.BALANCING_CREDIT
)
"""Transfers with one of these say less than they move: the ledger knows the accounts or the amount."""

_NONE_MOVED: Transfers = np.zeros(0, dtype=TRANSFER)
_NONE_RELEASED: NDArray[np.void] = np.zeros(0, dtype=PENDING)


@dataclass(frozen=True, slots=True)
class Booked:
    """Transfers and their answers.

    batch     (n,) TRANSFER as they were sent
    calls     (c,) CALL
    results   (n,) u8 of `Result`
    bits      (n, words) u64
    moved     (k,) TRANSFER: see `moves`
    released  (r,) PENDING: what timed out before the first of them
    """

    batch: Transfers
    calls: NDArray[np.void]
    results: NDArray[np.uint8]
    bits: Bits
    moved: Transfers = field(default_factory=lambda: _NONE_MOVED)
    released: NDArray[np.void] = field(default_factory=lambda: _NONE_RELEASED)
    notes: Notes = NO_NOTES

    @property
    def moves(self) -> NDArray[np.intp]:
        """The transfers that stand in `moved` as they were booked, (k,)."""
        if not len(self.moved):
            return np.zeros(0, dtype=np.intp)
        return moves(self.batch, self.results)

    def as_booked(self) -> Transfers:
        """Return the transfers with the accounts, amount and action they moved, (n,) TRANSFER.

        To post or to void takes accounts and action from the pending transfer; a balancing
        transfer moves what there was. Others are as they were sent.
        """
        if not len(self.moved):
            return self.batch
        whole = self.batch.copy()
        whole[self.moves] = self.moved
        return whole

    def only(self, which: NDArray[np.bool_]) -> Booked:
        """Return the transfers that *which* (n,) marks, as if one caller had sent them."""
        batch = self.batch[which]
        return Booked(
            batch,
            one_call(len(batch)),
            self.results[which],
            self.bits[which],
            self.moved[which[self.moves]] if len(self.moved) else self.moved,
            notes=self.notes.only(which) if len(self.notes) else NO_NOTES,
        )


def moves(batch: Transfers, results: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return which transfers were booked with other accounts or amounts than they say, (k,)."""
    return np.flatnonzero(((batch["flags"] & np.uint16(MOVED_FLAGS)) != 0) & (results == Result.CREATED))


def pack(booked: Booked) -> list[Part]:
    """Return the parts of a payload, ready to be written one after the other."""
    count, words = booked.bits.shape
    refused = np.flatnonzero(booked.results == Result.REFUSED_BY_LAW).astype(np.uint32)
    notes, data = booked.notes, np.frombuffer(booked.notes.data, dtype=np.uint8)
    sizes = [count, len(booked.calls), words, len(refused), len(booked.moved), len(booked.released)]
    parts: list[Part] = [
        np.array([*sizes, len(notes), len(data)], dtype=np.uint32),
        booked.calls,
        _padded(booked.results),
        booked.batch,
        _padded(refused),
        booked.bits[refused],
    ]
    # Most frames have none of these, and an empty part would cost as much as a full one.
    parts += [part for part in (booked.moved, booked.released) if len(part)]
    if len(notes):
        parts += [_padded(notes.rows), _padded(notes.lengths), _padded(data)]
    return parts


def unpack(payload: bytes | memoryview) -> Booked:
    """Return what `pack` wrote, as columns of one copy of *payload*. Raises `JournalError` for anything else.

    Whatever the bytes are, what is returned can be given to the kernel: it trusts *calls*.
    """
    # A copy: numba would compile the kernel a second time for columns that must not be written. And one
    # for all columns, as bytes: field by field the transfers alone took ten times as long.
    data = np.frombuffer(payload, dtype=np.uint8).copy()
    if len(data) < HEAD_BYTES:
        raise JournalError("a frame of transfers is shorter than its head")
    head = data[:HEAD_BYTES].view(np.uint32).tolist()
    count, callers, words, refused_count, moved_count, released_count, notes_count, notes_bytes = head
    _check_head(*head)
    sizes = [
        CALL.itemsize * callers,
        count,
        TRANSFER.itemsize * count,
        4 * refused_count,
        8 * words * refused_count,
        TRANSFER.itemsize * moved_count,
        PENDING.itemsize * released_count,
        4 * notes_count,
        4 * notes_count,
        notes_bytes,
    ]
    stops = list(accumulate((_round_up(size) for size in sizes), initial=HEAD_BYTES))
    if stops[-1] != len(data):
        raise JournalError(f"a frame of transfers says {stops[-1]} bytes and has {len(data)}")
    calls, results, batch, refused, bits, moved, released, rows, lengths, texts = (
        data[start : start + size] for start, size in zip(stops[:-1], sizes, strict=True)
    )
    booked = Booked(
        batch.view(TRANSFER),
        calls.view(CALL),
        results,
        np.zeros((count, words), dtype=np.uint64),
        moved.view(TRANSFER) if moved_count else _NONE_MOVED,
        released.view(PENDING) if released_count else _NONE_RELEASED,
        _notes(rows, lengths, texts, count) if notes_count else NO_NOTES,
    )
    _check_calls(booked.calls, count)
    if (booked.results >= len(Result)).any():
        raise JournalError("a frame of transfers has a result that is none")
    if not np.array_equal(refused.view(np.uint32), np.flatnonzero(booked.results == Result.REFUSED_BY_LAW)):
        raise JournalError("a frame of transfers lists others as refused than its results do")
    if moved_count != len(moves(booked.batch, booked.results)):
        raise JournalError("a frame of transfers lists others as moved than its results do")
    booked.bits[refused.view(np.uint32)] = bits.view(np.uint64).reshape(refused_count, words)
    return booked


def compare(booked: Booked, stored: Booked) -> None:
    """Raise `JournalError` unless a replay gave the results that were stored."""
    if booked.bits.shape != stored.bits.shape:
        raise JournalError("its reasons are those of another law; restore a backup")
    if not (np.array_equal(booked.results, stored.results) and np.array_equal(booked.bits, stored.bits)):
        wrong = (booked.results != stored.results) | (booked.bits != stored.bits).any(axis=1)
        differs = int(np.flatnonzero(wrong)[0])
        raise JournalError(f"transfer {differs} is decided otherwise on replay; restore a backup")
    if not _same_bytes(booked.moved, stored.moved):
        raise JournalError("a transfer moved another amount or other accounts on replay; restore a backup")
    if not _same_bytes(booked.released, stored.released):
        raise JournalError("other pending transfers time out on replay; restore a backup")


def _same_bytes(one: NDArray[np.void], other: NDArray[np.void]) -> bool:
    """Return whether two arrays of records are the same; NumPy would compare them field by field."""
    if not len(one) and not len(other):
        return True  # as nearly always: to find that out below takes 10 us, a sixth of a small frame
    raw, other_raw = (np.ascontiguousarray(each).view(np.uint8) for each in (one, other))
    return np.array_equal(raw, other_raw)


def _check_head(
    count: int,
    callers: int,
    words: int,
    refused: int,
    moved: int,
    released: int,
    notes: int,
    notes_bytes: int,
) -> None:
    if not (
        callers <= count <= MAX_FRAME
        and (callers > 0) == (count > 0)
        and 0 < words <= MAX_WORDS
        and max(refused, moved, notes) <= count
        and released <= MAX_RELEASED
        and notes_bytes <= MAX_NOTE_BYTES * notes
    ):
        raise JournalError(
            f"a frame cannot hold {count} transfers of {callers} callers, {refused} of them refused with "
            f"{words} words of reasons, {moved} moved, {released} released, {notes} notes of {notes_bytes} bytes"
        )


def _check_calls(calls: NDArray[np.void], count: int) -> None:
    ends = calls["end"].astype(np.int64)
    if count and (ends[-1] != count or (np.diff(ends, prepend=0) <= 0).any()):
        raise JournalError("the callers of a frame of transfers do not end one after the other")
    if (calls["choice"] > max(Choice)).any() or calls["unused"].any():
        raise JournalError("a caller of a frame of transfers made a choice that is none")


def _notes(rows: Part, lengths: Part, texts: Part, count: int) -> Notes:
    notes = Notes(rows.view(np.uint32), lengths.view(np.uint32), texts.tobytes())
    try:
        notes.check(count)
    except ValueError as error:
        raise JournalError(f"a frame of transfers has notes that are none: {error}") from None
    return notes


def _round_up(size: int) -> int:
    return (size + 7) // 8 * 8


def _padded(column: Part) -> NDArray[np.uint8]:
    size = column.nbytes
    whole = np.zeros(_round_up(size), dtype=np.uint8)
    whole[:size] = column.view(np.uint8)
    return whole
