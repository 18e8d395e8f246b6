"""The tail: frames of the journal that are not sealed yet, and which of them an account is in.

A page of an account would read all of the tail, up to a segment. So what was read once is
remembered: which accounts each frame names, and where it lies, 16 bytes a transfer. A frame is
checked again whenever it is read. Only durable frames are remembered, for those stay; and never
more than `MAX_REMEMBERED` transfers, so that memory does not grow where nobody seals.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.journal.durable_mark import read_mark
from jiaozi.ledger.journal.frames import HEADER_BYTES, Frame, FrameKind, Receipt, read_header
from jiaozi.ledger.journal.reading import JournalReader, read_frames
from jiaozi.ledger.journal.segments import Segment
from jiaozi.ledger.payload import unpack

MAX_REMEMBERED = 1 << 22
"""Transfers behind the sealed units that are remembered: 64 MiB."""


@dataclass(frozen=True, slots=True)
class _Known:
    """Where a frame lies and what it follows."""

    previous: Receipt
    segment: Segment
    offset: int


class Tail:
    """The frames of one journal behind its sealed units. For one thread at a time."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._follows: bytes | None = None
        self._forget(1)

    def frames_of(
        self, account: int, first: int, durable: int | None, follows: bytes | None
    ) -> Iterator[Frame]:
        """Give the frames from *first* on that name *account*, up to the frame *durable* if one is given.

        *follows* is the hash that frame *first* must follow, if it is known. Frames that are not remembered
        are all given. Raises `JournalError` where the journal is damaged or does not follow.
        """
        if first != self._first or not self._is_still_there():
            self._forget(first)
        self._follows = follows
        self._remember(
            min(durable, read_mark(self._journal)) if durable is not None else read_mark(self._journal)
        )
        for number in self._numbers_of(account):
            if durable is None or self._first + number <= durable:
                yield self._again(number)
        for frame in self._beyond():
            if durable is not None and frame.sequence > durable:
                return
            yield frame

    def _forget(self, first: int) -> None:
        self._first = first
        self._known: list[_Known] = []
        self._accounts: list[NDArray[np.uint32]] = []
        self._numbers: list[NDArray[np.uint32]] = []
        self._transfers = 0
        self._next: _Known | None = None  # what follows the last one remembered

    def _is_still_there(self) -> bool:
        """Return whether the last frame remembered is where it was; the hash in it vouches for those before."""
        if self._next is None:
            return True
        last = self._known[-1]
        try:
            with last.segment.path.open("rb", buffering=0) as file:
                header = read_header(os.pread(file.fileno(), HEADER_BYTES, last.offset))
        except FileNotFoundError:
            return False
        return header is not None and header.hash == self._next.previous.hash

    def _remember(self, durable: int) -> None:
        """Take note of the frames up to *durable* that are not noted yet."""
        if self._first + len(self._known) > durable or self._transfers >= MAX_REMEMBERED:
            return
        for frame in self._beyond():
            if frame.sequence > durable or self._transfers >= MAX_REMEMBERED:
                return
            previous = Receipt(frame.sequence - 1, frame.previous_hash, Instant(-(2**63)))
            segment = Segment(int(frame.segment[:20]), self._journal / frame.segment)
            accounts = _accounts_in(frame)
            self._accounts.append(accounts)
            self._numbers.append(np.full(len(accounts), len(self._known), dtype=np.uint32))
            self._known.append(_Known(previous, segment, frame.offset))
            self._transfers += len(accounts) // 2
            receipt = Receipt(frame.sequence, frame.hash, frame.instant)
            self._next = _Known(receipt, segment, frame.offset + HEADER_BYTES + len(frame.payload))

    def _numbers_of(self, account: int) -> list[int]:
        if len(self._accounts) > 1:
            self._accounts = [np.concatenate(self._accounts)]
            self._numbers = [np.concatenate(self._numbers)]
        if not self._accounts:
            return []
        found: list[int] = np.unique(self._numbers[0][self._accounts[0] == account]).tolist()
        return found

    def _again(self, number: int) -> Frame:
        known = self._known[number]
        frame = next(iter(ResumedReader(self._journal, known.previous, known.segment, known.offset)), None)
        if frame is None:
            raise JournalError(
                f"{known.segment.path}: frame {self._first + number} at offset {known.offset} was durable and is "
                "gone; stop and restore"
            )
        return frame

    def _beyond(self) -> Iterator[Frame]:
        """Give the frames behind those remembered."""
        if self._next is not None:
            at = self._next
            yield from ResumedReader(self._journal, at.previous, at.segment, at.offset)
            return
        for frame in read_frames(self._journal, self._first):
            must_follow(frame, self._first, self._follows)
            yield frame


def must_follow(frame: Frame, first: int, follows: bytes | None) -> None:
    """Raise `JournalError` when *frame* is the *first* behind the sealed units and does not follow the last."""
    if frame.sequence == first and follows is not None and frame.previous_hash != follows:
        raise JournalError(
            f"{frame.segment}: frame {first} does not follow what was sealed; the sealed history is of another "
            "journal, restore what belongs together or move it away and seal again"
        )


class ResumedReader(JournalReader):
    """A walk that begins behind a frame that was read before, without the headers in front of it."""

    def __init__(self, folder: Path, follows: Receipt, segment: Segment, offset: int) -> None:
        super().__init__(folder, follows.sequence + 1)
        self._expected, self._follows = follows.sequence + 1, follows
        self._begins = segment, offset

    def _first_segment(self) -> Segment | None:
        return self._begins[0]

    def _walk(self, segment: Segment) -> Iterator[Frame]:
        if segment == self._begins[0]:
            self.end_offset = self._begins[1]
        return super()._walk(segment)


def _accounts_in(frame: Frame) -> NDArray[np.uint32]:
    """Return the accounts that *frame* names, some more than once."""
    if frame.kind is not FrameKind.TRANSFERS:
        return np.zeros(0, dtype=np.uint32)
    try:
        booked = unpack(frame.payload)
    except JournalError as error:
        raise JournalError(
            f"{frame.segment}: frame {frame.sequence} is whole and cannot be told: {error}"
        ) from error
    parts = [
        part[side] for part in (booked.batch, booked.moved, booked.released) for side in ("debit", "credit")
    ]
    return np.concatenate(parts)
