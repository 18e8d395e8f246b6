"""Notes: what a client writes beside a transfer, in the same frame.

A note holds text, a reason, and fields of ISO 20022 under their own names and lengths. It is
part of what the id stands for: the same id with another note is refused. Names of people have
no place in it, since a journal forgets nothing; write a reference to your own records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError

MAX_NOTE_BYTES = 4_096
"""The longest note, as JSON: with all its fields full it has about half of that in Latin letters."""

Max35Text = Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
Max140Text = Annotated[str, msgspec.Meta(min_length=1, max_length=140)]


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stands beside one transfer. Fields below `reason` have the meaning and length of ISO 20022.

    text            for whoever reads the account later
    reason          why it was done: a reference to a decision, an order, a complaint
    end_to_end_id   `EndToEndId`, given by who pays, unchanged up to who is paid
    instruction_id  `InstrId`, between two parties of the chain
    uetr            `UETR`, a UUID as lower case text
    purpose         `Purp/Cd`, four letters of the external code list, such as `SALA`
    remittance      `RmtInf/Ustrd`, what is paid for
    reference       `RmtInf/Strd/CdtrRefInf/Ref`, the creditor's own, such as ISO 11649 `RF18…`
    """

    text: Annotated[str, msgspec.Meta(max_length=280)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=140)] = ""
    end_to_end_id: Max35Text | None = None
    instruction_id: Max35Text | None = None
    uetr: (
        Annotated[
            str,
            msgspec.Meta(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\Z"),
        ]
        | None
    ) = None
    purpose: Annotated[str, msgspec.Meta(pattern="^[A-Z]{4}\\Z")] | None = None
    remittance: Max140Text | None = None
    reference: Max35Text | None = None


_decoder = msgspec.json.Decoder(Note)
_encoder = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a batch: *rows* (k,) u32 rising, *lengths* (k,) u32, and the JSON of all, joined."""

    rows: NDArray[np.uint32]
    lengths: NDArray[np.uint32]
    data: bytes

    @classmethod
    def of(cls, notes: Mapping[int, Note]) -> Notes:
        """Return the notes of the transfers that *notes* numbers. Raises `ValueError` naming the transfer."""
        rows = sorted(notes)
        written = [_write(row, notes[row]) for row in rows]
        lengths = np.array([len(one) for one in written], dtype=np.uint32)
        return cls(np.array(rows, dtype=np.uint32), lengths, b"".join(written))

    def __len__(self) -> int:
        return len(self.rows)

    def check(self, count: int) -> None:
        """Raise `ValueError` unless these are the notes of *count* transfers, as a frame can keep them."""
        if self.rows.dtype != np.uint32 or self.lengths.dtype != np.uint32:
            raise ValueError("rows and lengths of notes are arrays of uint32; make them with Notes.of")
        if self.rows.shape != self.lengths.shape or self.rows.ndim != 1:
            raise ValueError(f"{len(self.rows)} notes have {len(self.lengths)} lengths")
        if (np.diff(self.rows.astype(np.int64), prepend=-1) <= 0).any() or self.rows[-1] >= count:
            raise ValueError(f"notes number the transfers of their batch, from 0 to {count - 1}, in order")
        if (self.lengths > MAX_NOTE_BYTES).any() or int(self.lengths.sum(dtype=np.int64)) != len(self.data):
            raise ValueError(f"notes are as long as they say, and {MAX_NOTE_BYTES:,} bytes at most")

    def read(self) -> dict[int, Note]:
        """Return the notes by the number of their transfer. Raises `JournalError`."""
        found = {}
        for row, raw in zip(self.rows.tolist(), self._each(), strict=True):
            try:
                found[row] = _decoder.decode(raw)
            except (msgspec.MsgspecError, RecursionError, ValueError) as error:
                raise JournalError(f"the note of transfer {row} cannot be read: {error}") from None
        return found

    def digests(self, count: int) -> NDArray[np.uint64]:
        """Return a number for each of *count* transfers, (count,) u64: 64 bits of its note's SHA-256, or 0."""
        found = np.zeros(count, dtype=np.uint64)
        if not len(self):
            return found
        for row, raw in zip(self.rows.tolist(), self._each(), strict=True):
            found[row] = int.from_bytes(hashlib.sha256(raw).digest()[:8], "little") | 1
        return found

    def only(self, which: NDArray[np.bool_]) -> Notes:
        """Return the notes of the transfers that *which* (n,) marks, numbered as they stand among those."""
        kept = which[self.rows]
        data = b"".join(raw for raw, is_kept in zip(self._each(), kept.tolist(), strict=True) if is_kept)
        numbers = np.cumsum(which, dtype=np.uint32) - np.uint32(1)
        return Notes(numbers[self.rows[kept]], self.lengths[kept], data)

    def _each(self) -> list[bytes]:
        ends = np.cumsum(self.lengths, dtype=np.int64).tolist()
        return [self.data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


NO_NOTES = Notes(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.uint32), b"")


def joined(parts: list[tuple[int, Notes]]) -> Notes:
    """Return the notes of several batches as those of one; each comes with where its batch begins."""
    some = [(first, notes) for first, notes in parts if len(notes)]
    if not some:
        return NO_NOTES
    rows = np.concatenate([notes.rows + np.uint32(first) for first, notes in some])
    return Notes(
        rows, np.concatenate([notes.lengths for _, notes in some]), b"".join(n.data for _, n in some)
    )


def _write(row: int, note: Note) -> bytes:
    try:
        raw = _encoder.encode(note)
        _decoder.decode(raw)  # a struct does not check what it is made of, and a frame keeps it for ever
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise ValueError(f"the note of transfer {row}: {error}") from None
    if len(raw) > MAX_NOTE_BYTES:
        raise ValueError(f"the note of transfer {row} has {len(raw):,} bytes, {MAX_NOTE_BYTES:,} fit")
    return raw
