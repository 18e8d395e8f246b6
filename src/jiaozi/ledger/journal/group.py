"""A group: the frames that go to the disk together and share one sync."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jiaozi.clock import Instant
from jiaozi.ledger.journal.durable_mark import Mark
from jiaozi.ledger.journal.frames import (
    DIGEST_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    Bytes,
    Digest,
    FrameKind,
    Receipt,
    pack_header,
)
from jiaozi.ledger.journal.segments import TailFile

SMALL_BYTES = 1 << 15
"""A payload up to this size goes to the disk in one piece."""

Part = bytes | memoryview | npt.NDArray[Any]
"""A piece of a payload. It must not change until the frame is durable."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame on its way to the disk and the promise of its receipt. *size* counts the header."""

    kind: FrameKind
    instant: Instant
    law_digest: Digest
    parts: Sequence[Bytes]
    size: int
    receipt: Future[Receipt] = field(default_factory=Future)

    @classmethod
    def of(cls, kind: FrameKind, instant: Instant, law_digest: bytes, parts: Sequence[Part]) -> Waiting:
        """Return a frame with *parts* as its payload. Raises `ValueError` when it cannot be one."""
        if len(law_digest) != DIGEST_BYTES:
            raise ValueError(f"a law digest has {DIGEST_BYTES} bytes, not {len(law_digest)}")
        pieces = _pieces(parts)
        length = sum(piece.nbytes for piece in pieces)
        if length > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {length}; split it")
        if not -(2**63) <= instant < 2**63:
            raise ValueError(f"{instant} ns does not fit the 64 bits of an instant")
        waiting = cls(FrameKind(kind), instant, bytes(law_digest), pieces, length + HEADER_BYTES)
        waiting.receipt.set_running_or_notify_cancel()  # from here on it cannot be cancelled
        return waiting


class GroupWriter:
    """Writes groups at the end of a journal, into new segments as they fill.

    Used by one thread at a time. After an error it must not be used again.
    """

    def __init__(self, folder: Path, segment_bytes: int, head: Receipt, tail: TailFile | None) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._head = head
        self._tail = tail
        self._mark = Mark(folder, head.sequence)

    def write(self, group: Sequence[Waiting]) -> list[Receipt]:
        """Write *group* and return the receipts of its frames, which are durable now.

        Raises `OSError` when the disk fails; then none of them is.
        """
        previous = self._head
        receipts: list[Receipt] = []
        buffers: list[bytes | memoryview] = []
        unwritten = 0
        for sequence, waiting in enumerate(group, start=previous.sequence + 1):
            if self._tail is None or self._tail.size + unwritten > self._segment_bytes:
                self._roll(buffers, first=sequence)
                buffers, unwritten = [], 0
            header, own_hash = pack_header(
                kind=waiting.kind,
                sequence=sequence,
                instant=waiting.instant,
                law_digest=waiting.law_digest,
                previous_hash=previous.hash,
                flushed=self._head.sequence,
                parts=waiting.parts,
            )
            buffers += [header, *(part.data for part in waiting.parts)]
            unwritten += waiting.size
            previous = Receipt(sequence=sequence, hash=own_hash, instant=waiting.instant)
            receipts.append(previous)
        if self._tail is not None:
            self._tail.append(buffers)
            self._tail.sync()
        self._head = previous
        self._mark.set(previous.sequence)
        return receipts

    def give_up(self) -> None:
        """After an error: drop from the last segment what never became durable."""
        if self._tail is not None:
            self._tail.give_up()

    def close(self) -> None:
        self._mark.close()
        self._close_tail()

    def _roll(self, buffers: Sequence[bytes | memoryview], *, first: int) -> None:
        """Finish the last segment with *buffers* and begin the one for frame *first*.

        The old one is durable before the new one exists: a segment with a successor is whole.
        """
        if self._tail is not None:
            self._tail.append(buffers)
            self._tail.sync()
        self._close_tail()
        self._tail = TailFile.create(self._folder, first)

    def _close_tail(self) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None


def _pieces(parts: Sequence[Part]) -> list[Bytes]:
    """Return *parts* as bytes: large ones as they lie, small ones copied into one piece.

    A small frame is many tiny parts, and each would cost more on its way than a copy of all.
    """
    if sum(part.nbytes if isinstance(part, np.ndarray) else len(part) for part in parts) > SMALL_BYTES:
        return [_as_bytes(part) for part in parts]
    whole = b"".join(part.tobytes() if isinstance(part, np.ndarray) else part for part in parts)
    return [_as_bytes(whole)]


def _as_bytes(part: Part) -> Bytes:
    """Return *part* as bytes, without a copy when it lies in one piece."""
    if not isinstance(part, np.ndarray):
        # NumPy views no empty buffer.
        return np.frombuffer(part, np.uint8) if len(part) else np.empty(0, np.uint8)
    return np.ascontiguousarray(part).reshape(-1).view(np.uint8)
