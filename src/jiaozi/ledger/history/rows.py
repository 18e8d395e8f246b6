"""Rows and entries: what the history keeps of the journal, the same for sealed files and for what is not sealed yet.

A **row** is a transfer with its answer, or a pending transfer that timed out. Rows are ordered
by (frame, row); what a frame released stands before its transfers and is numbered from below
zero. A row has the accounts and the amount as they were booked; what was sent otherwise is kept
as the bits that differ (`sent_…`, 0 nearly always), so that both are there for the price of one.

An **entry** is what a row did to one account: `change` of its balance and `reserved`, the change
of what is pending, in fen. Sums of entries are balances, at any row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.facts import decode
from jiaozi.ledger.journal.frames import Frame, FrameKind
from jiaozi.ledger.notes import Notes
from jiaozi.ledger.opening import read_openings
from jiaozi.ledger.payload import Booked, unpack
from jiaozi.ledger.records import AS_PENDING, TransferFlag
from jiaozi.ledger.results import Result

ROW: Final = np.dtype(
    [
        ("frame", "<i8"),
        ("row", "<i4"),
        ("kind", "u1"),  # 0 a transfer, 1 a pending transfer that was released
        ("instant", "<i8"),  # of the frame
        ("id_hi", "<u8"),
        ("id_lo", "<u8"),
        ("debit", "<u4"),
        ("credit", "<u4"),
        ("amount", "<i8"),
        ("action", "u1"),
        ("place", "u1"),
        ("travel_data", "u1"),
        ("purpose", "u1"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("timeout", "<u4"),
        ("value_day", "<u2"),
        ("unused", "<u2"),
        ("memo_hi", "<u8"),
        ("memo_lo", "<u8"),
        ("result", "u1"),
        ("reasons", "<u4"),  # which set of reasons, counted from 1; 0 none
        ("law", "<u2"),  # which law was in force, counted from 0
        ("sent_debit", "<u4"),  # bits that differ from `debit`
        ("sent_credit", "<u4"),
        ("sent_amount", "<i8"),
        ("sent_action", "u1"),
        ("sent_place", "u1"),
        ("sent_travel_data", "u1"),
    ]
)

ENTRY: Final = np.dtype(
    [
        ("account", "<u4"),
        ("position", "<u4"),  # of its row among the rows it was made with
        ("side", "u1"),  # OUT or IN
        ("change", "<i8"),
        ("reserved", "<i8"),
    ]
)

TRANSFER_ROW: Final = 0
RELEASED_ROW: Final = 1
OUT: Final = 0
IN: Final = 1

MAX_LAWS: Final = 1 << 16
_BYTES: Final = np.dtype(f"V{ROW.itemsize}")
_OPENS: Final = int(TransferFlag.PENDING)
_ENDS: Final = int(TransferFlag.POST_PENDING_TRANSFER | TransferFlag.VOID_PENDING_TRANSFER)
_MOVED = ("debit", "credit", "amount", "action", "place", "travel_data")
_SENT = tuple(
    name
    for name in ROW.names or ()
    if name not in ("frame", "row", "kind", "instant", "result", "reasons", "law")
    and not name.startswith("sent_")
)
_RELEASED = ("id_lo", "id_hi", "debit", "credit", "amount", "action", "place", "travel_data")

Pendings = dict[tuple[int, int], tuple[int, int, int]]
"""Open pending transfers by id (hi, lo): debit, credit, amount."""


@dataclass(frozen=True, slots=True)
class FactLine:
    """One fact: where it stands, and its canonical JSON. `kind` is its tag, such as `tier set`."""

    frame: int
    row: int
    instant: Instant
    kind: str
    fact: str


@dataclass
class Numbering:
    """Laws and sets of reasons by their number, which goes on from one sealed file to the next."""

    laws: list[bytes] = field(default_factory=list)
    reasons: list[tuple[int, ...]] = field(default_factory=list)  # words of bits; number 1 is the first

    def __post_init__(self) -> None:
        self._laws = {digest: number for number, digest in enumerate(self.laws)}
        self._reasons = {words: number for number, words in enumerate(self.reasons, start=1)}

    def law(self, digest: bytes) -> int:
        """Return the number of the law with this digest."""
        if digest not in self._laws:
            if len(self.laws) == MAX_LAWS:
                raise JournalError(f"more than {MAX_LAWS:,} laws do not fit one history")
            self._laws[digest] = len(self.laws)
            self.laws.append(digest)
        return self._laws[digest]

    def sets(self, bits: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """Return the numbers of sets of reasons, (n,) for *bits* (n, words); trailing words of zero do not count."""
        distinct, where = np.unique(bits, axis=0, return_inverse=True)
        numbers = np.zeros(len(distinct), dtype=np.uint32)
        for row, words in enumerate(distinct.tolist()):
            while words and not words[-1]:
                words.pop()
            numbers[row] = self._set(tuple(words)) if words else 0
        return numbers[where.reshape(-1)]

    def _set(self, words: tuple[int, ...]) -> int:
        if words not in self._reasons:
            self.reasons.append(words)
            self._reasons[words] = len(self.reasons)
        return self._reasons[words]

    def bits(self, number: int) -> tuple[int, ...]:
        """Return the words of the set *number*; nothing for 0."""
        return self.reasons[number - 1] if number else ()


@dataclass
class Gathering:
    """Frames taken in one after the other: their rows, notes, facts, and the pendings that stay open.

    With *account* only the rows of that account are taken; *pendings* are those open before the
    first frame. It holds what it took, so it is for as many frames as fit into memory.
    """

    numbering: Numbering = field(default_factory=Numbering)
    pendings: Pendings = field(default_factory=dict)
    account: int | None = None
    notes: dict[int, str] = field(default_factory=dict)
    facts: list[FactLine] = field(default_factory=list)
    count: int = 0
    _rows: list[NDArray[np.void]] = field(default_factory=list)
    _reserved: list[tuple[int, int]] = field(default_factory=list)

    def take(self, frame: Frame) -> NDArray[np.void]:
        """Take in *frame*; return the rows it gave. Raises `JournalError` naming it."""
        try:
            return self._take(frame)
        except (JournalError, FactError, msgspec.MsgspecError) as error:
            raise JournalError(
                f"{frame.segment}: frame {frame.sequence} is whole and cannot be told: {error}"
            ) from error

    def rows(self) -> NDArray[np.void]:
        """Return the rows taken in, (n,) ROW."""
        if len(self._rows) != 1:
            # As bytes: records are joined field by field otherwise, and that is ten times as slow.
            whole = np.concatenate([np.zeros(0, dtype=_BYTES), *(part.view(_BYTES) for part in self._rows)])
            self._rows = [whole.view(ROW)]
        return self._rows[0]

    def entries(self) -> NDArray[np.void]:
        """Return the entries of the rows taken in, (m,) ENTRY, by account and then by row."""
        pending_before = np.zeros(self.count, dtype=np.int64)
        for position, amount in self._reserved:
            pending_before[position] = amount
        return entries_of(self.rows(), pending_before)

    def _take(self, frame: Frame) -> NDArray[np.void]:
        law = self.numbering.law(frame.law_digest)
        if frame.kind is FrameKind.FACTS:
            self.facts += fact_lines(frame)
        elif frame.kind is FrameKind.ACCOUNTS:
            read_openings(frame.payload)
        else:
            return self._take_transfers(frame, law)
        return np.zeros(0, dtype=ROW)

    def _take_transfers(self, frame: Frame, law: int) -> NDArray[np.void]:
        booked = unpack(frame.payload)
        chosen = None if self.account is None else _rows_with(booked, self.account)
        if chosen is not None and not len(chosen):
            return np.zeros(0, dtype=ROW)
        rows = rows_of(frame, booked, law, self.numbering, chosen)
        if len(booked.notes):
            released = len(booked.released)
            place = {int(row): at for at, row in enumerate(rows["row"])} if chosen is not None else None
            for number, text in texts_of(booked.notes).items():
                at = released + number if place is None else place.get(number)
                if at is not None:
                    self.notes[self.count + at] = text
        self._follow(rows)
        self._rows.append(rows)
        self.count += len(rows)
        return rows

    def _follow(self, rows: NDArray[np.void]) -> None:
        """Keep account of the pendings that *rows* open and end; most rows do neither."""
        changes = (rows["flags"] & np.uint16(_OPENS | _ENDS)) != 0
        changes &= (rows["result"] == Result.CREATED) & (rows["kind"] == TRANSFER_ROW)
        changes |= rows["kind"] == RELEASED_ROW
        places = np.flatnonzero(changes)
        if not len(places):
            return
        names = ("kind", "flags", "row", "id_hi", "id_lo", "memo_hi", "memo_lo", "debit", "credit", "amount")
        columns = [rows[name][places].tolist() for name in names]
        for place, kind, flags, row, hi, lo, named_hi, named_lo, *held in zip(
            places.tolist(), *columns, strict=True
        ):
            if kind == RELEASED_ROW:
                self.pendings.pop((hi, lo), None)
            elif flags & _ENDS:
                found = self.pendings.pop((named_hi, named_lo), None)
                if found is None:
                    raise JournalError(
                        f"transfer {row} ends a pending transfer that the history does not know"
                    )
                self._reserved.append((self.count + place, found[2]))
            else:
                self.pendings[hi, lo] = held[0], held[1], held[2]


_json = msgspec.json.Encoder(order="sorted")


def fact_lines(frame: Frame) -> list[FactLine]:
    """Return the facts of a frame of them. Raises `FactError`."""
    return [
        FactLine(
            frame.sequence, row, frame.instant, str(fact.__struct_config__.tag), _json.encode(fact).decode()
        )
        for row, fact in enumerate(decode(frame.payload))
    ]


def texts_of(notes: Notes) -> dict[int, str]:
    """Return the notes by the number of their transfer, as the JSON they are."""
    ends = np.cumsum(notes.lengths, dtype=np.int64).tolist()
    starts = [0, *ends[:-1]]
    pieces = [notes.data[start:end] for start, end in zip(starts, ends, strict=True)]
    try:
        return {row: piece.decode() for row, piece in zip(notes.rows.tolist(), pieces, strict=True)}
    except UnicodeDecodeError as error:
        raise JournalError(f"a note in it is no UTF-8: {error}") from None


def _rows_with(booked: Booked, account: int) -> NDArray[np.intp]:
    """Return which rows of the frame are of *account*, (k,), those that were released first."""
    released, batch = booked.released, booked.batch
    own = (batch["debit"] == account) | (batch["credit"] == account)
    if len(booked.moved):
        own[booked.moves] = (booked.moved["debit"] == account) | (booked.moved["credit"] == account)
    gone = np.flatnonzero((released["debit"] == account) | (released["credit"] == account))
    return np.concatenate([gone, len(released) + np.flatnonzero(own)])


def rows_of(
    frame: Frame, booked: Booked, law: int, numbering: Numbering, chosen: NDArray[np.intp] | None = None
) -> NDArray[np.void]:
    """Return the rows of *frame*, (n,) ROW: all, or the *chosen* (k,), which rise."""
    released, batch, whole = booked.released, booked.batch, booked.as_booked()
    results, bits, numbers = booked.results, booked.bits, np.arange(-len(released), len(batch))
    if chosen is not None:
        numbers = numbers[chosen]
        gone_here, sent_here = chosen[numbers < 0], numbers[numbers >= 0]
        is_same = whole is batch
        released, batch = released[gone_here], batch[sent_here]
        whole = batch if is_same else whole[sent_here]
        results, bits = results[sent_here], bits[sent_here]
    rows = np.zeros(len(released) + len(batch), dtype=ROW)
    rows["frame"], rows["instant"], rows["law"] = frame.sequence, frame.instant, law
    rows["row"] = numbers
    gone, sent = rows[: len(released)], rows[len(released) :]
    gone["kind"] = RELEASED_ROW
    for name in _RELEASED if len(released) else ():
        gone[name] = released[name]
    for name in _SENT:
        sent[name] = batch[name]
    if whole is not batch:
        for name in _MOVED:
            sent[name] = whole[name]
            sent[f"sent_{name}"] = whole[name] ^ batch[name]
    sent["result"] = results
    refused = results == Result.REFUSED_BY_LAW
    if refused.any():
        sent["reasons"][refused] = numbering.sets(bits[refused])
    return rows


def entries_of(rows: NDArray[np.void], pending_before: NDArray[np.int64]) -> NDArray[np.void]:
    """Return the entries of *rows* (n,) ROW, (m,) ENTRY by account and then by row.

    *pending_before* (n,): for a row that ends a pending transfer, all that this one had reserved.
    A row without an account of its own, such as a post that named no pending transfer, has no entry.
    """
    count = len(rows)
    change, reserved = changes_of(rows, pending_before)
    accounts = np.empty(2 * count, dtype=np.uint64)
    accounts[OUT::2], accounts[IN::2] = rows["debit"], rows["credit"]
    has_entry = accounts != AS_PENDING
    has_entry[IN::2] &= rows["debit"] != rows["credit"]
    # One sort of 64-bit keys, account above slot, is five times as fast as sorting the records.
    keys = (accounts << np.uint64(32)) | np.arange(2 * count, dtype=np.uint64)
    keys = np.sort(keys[has_entry])
    slots = (keys & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    entries = np.zeros(len(keys), dtype=ENTRY)
    entries["account"] = keys >> np.uint64(32)
    entries["position"], entries["side"] = slots >> 1, slots & 1
    sign = np.where(entries["side"] == OUT, -1, 1)
    entries["change"] = sign * change[slots >> 1]
    entries["reserved"] = reserved[slots >> 1]
    return entries


def changes_of(
    rows: NDArray[np.void], pending_before: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what each row moved and by how much it changed what is pending, both (n,) fen."""
    flags, amount = rows["flags"], rows["amount"]
    is_booked = (rows["result"] == Result.CREATED) & (rows["kind"] == TRANSFER_ROW)
    opens = is_booked & ((flags & np.uint16(TransferFlag.PENDING)) != 0)
    posts = is_booked & ((flags & np.uint16(TransferFlag.POST_PENDING_TRANSFER)) != 0)
    voids = is_booked & ((flags & np.uint16(TransferFlag.VOID_PENDING_TRANSFER)) != 0)
    moved = np.where(is_booked & ~opens & ~voids, amount, 0)
    reserved = np.where(opens, amount, 0) - np.where(posts | voids, pending_before, 0)
    reserved -= np.where(rows["kind"] == RELEASED_ROW, amount, 0)
    return moved, reserved


def columns_of(records: NDArray[np.void], names: Sequence[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Return *records* column by column, each in one piece of memory."""
    return {name: np.ascontiguousarray(records[name]) for name in names or records.dtype.names or ()}
