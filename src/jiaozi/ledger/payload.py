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

import struct
from dataclasses import dataclass, field
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

# Numbers, for an enum is asked a dozen questions whenever NumPy meets it.
_MOVED_FLAGS = np.uint16(int(MOVED_FLAGS))
_CREATED, _REFUSED = int(Result.CREATED), int(Result.REFUSED_BY_LAW)
_LAST_RESULT, _LAST_CHOICE = max(int(each) for each in Result), max(int(each) for each in Choice)

_HEAD = struct.Struct("<8I")
_ONE_CALL = struct.Struct("<IB3s")

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
    return np.flatnonzero(((batch["flags"] & _MOVED_FLAGS) != 0) & (results == _CREATED))


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
    if len(payload) < HEAD_BYTES:
        raise JournalError("a frame of transfers is shorter than its head")
    head = _HEAD.unpack_from(payload)
    count, callers, words, refused_count, moved_count, released_count, notes_count, notes_bytes = head
    _check_head(*head)
    # A copy: numba would compile the kernel a second time for columns that must not be written. And one
    # for all columns, as bytes: field by field the transfers alone took ten times as long.
    data = np.frombuffer(payload, dtype=np.uint8).copy()
    results_at = HEAD_BYTES + CALL.itemsize * callers
    batch_at = results_at + _round_up(count)
    refused_at = batch_at + TRANSFER.itemsize * count
    bits_at = refused_at + _round_up(4 * refused_count)
    moved_at = bits_at + 8 * words * refused_count
    released_at = moved_at + TRANSFER.itemsize * moved_count
    notes_at = released_at + PENDING.itemsize * released_count
    end = notes_at + 2 * _round_up(4 * notes_count) + _round_up(notes_bytes)
    if end != len(data):
        raise JournalError(f"a frame of transfers says {end} bytes and has {len(data)}")
    booked = Booked(
        data[batch_at:refused_at].view(TRANSFER),
        data[HEAD_BYTES:results_at].view(CALL),
        data[results_at : results_at + count],
        np.zeros((count, words), dtype=np.uint64),
        data[moved_at:released_at].view(TRANSFER) if moved_count else _NONE_MOVED,
        data[released_at:notes_at].view(PENDING) if released_count else _NONE_RELEASED,
        _notes(data[notes_at:end], notes_count, notes_bytes, count) if notes_count else NO_NOTES,
    )
    if callers != 1 or not _is_one_call(payload, count):
        _check_calls(booked.calls, count)
    refused = data[refused_at : refused_at + 4 * refused_count].view(np.uint32)
    _check_lists(booked, refused, moved_count)
    if refused_count:
        bits = data[bits_at:moved_at].view(np.uint64)
        booked.bits[refused] = bits.reshape(refused_count, words)
    return booked


def _check_lists(booked: Booked, refused: NDArray[np.uint32], moved_count: int) -> None:
    """Raise `JournalError` unless *refused* and as many as *moved_count* are what the results say."""
    results = booked.results
    # Bytes are searched many times as fast as arrays are compared, and most frames refuse and move nothing.
    raw = results.tobytes()
    if len(raw) and results.max() > _LAST_RESULT:
        raise JournalError("a frame of transfers has a result that is none")
    if (len(refused) or _REFUSED in raw) and not np.array_equal(refused, np.flatnonzero(results == _REFUSED)):
        raise JournalError("a frame of transfers lists others as refused than its results do")
    if (moved_count or booked.batch["flags"].any()) and moved_count != len(moves(booked.batch, results)):
        raise JournalError("a frame of transfers lists others as moved than its results do")


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


def _is_one_call(payload: bytes | memoryview, count: int) -> bool:
    """Return whether the first caller is a good one with all *count* transfers, as in most frames."""
    end, choice, unused = _ONE_CALL.unpack_from(payload, HEAD_BYTES)
    return bool(end == count and choice <= _LAST_CHOICE and unused == bytes(len(unused)))


def _check_calls(calls: NDArray[np.void], count: int) -> None:
    ends = calls["end"].astype(np.int64)
    if count and (ends[-1] != count or (np.diff(ends, prepend=0) <= 0).any()):
        raise JournalError("the callers of a frame of transfers do not end one after the other")
    if (calls["choice"] > _LAST_CHOICE).any() or calls["unused"].any():
        raise JournalError("a caller of a frame of transfers made a choice that is none")


def _notes(part: Part, notes_count: int, notes_bytes: int, count: int) -> Notes:
    size, column = 4 * notes_count, _round_up(4 * notes_count)
    rows, lengths = part[:size].view(np.uint32), part[column : column + size].view(np.uint32)
    notes = Notes(rows, lengths, part[2 * column : 2 * column + notes_bytes].tobytes())
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
