"""Reading the journal: every frame checked, a torn tail told from damage.

Reading needs no lock and works while another process writes. A reader may then
see frames that are written but not durable yet; the writer's own
`Journal.frames` gives durable ones only.

A process that dies leaves its last write unfinished: a *torn tail*. Nobody was
told that those frames are safe, so they may go. Anything else that does not
check is *damage*, and nothing may be built on it. What fails is a torn tail when
it lies in the last segment and

- nobody ever noted that it was durable (`durable_mark.py`), and
- no whole frame behind it was written after the flush that this one was part of.

Frames that share a flush reach the disk in any order, so a whole frame may well stand
behind a torn one. A header says which frames were durable when it was written; where
one behind says that of the broken frame, it is damage. So is a whole frame that does not
follow the one before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import JournalError
from jiaozi.ledger.journal.durable_mark import read_mark
from jiaozi.ledger.journal.frames import (
    HEADER_BYTES,
    MAGIC,
    MAX_PAYLOAD_BYTES,
    NOTHING,
    VERSION,
    Frame,
    FrameKind,
    Header,
    Receipt,
    read_header,
)
from jiaozi.ledger.journal.segments import Segment, list_segments

_SCAN_BYTES = 1 << 20
_KINDS = frozenset(int(kind) for kind in FrameKind)


@dataclass(frozen=True, slots=True)
class TornTail:
    """An unfinished write at the end of the journal: where it starts and how long it is."""

    segment: str
    offset: int
    bytes_cut: int
    after_sequence: int


def read_frames(folder: Path, start: int = 1) -> Iterator[Frame]:
    """Give the frames from *start* on, one after the other, each checked.

    Ends at the last whole frame; a torn tail ends it quietly, for a live writer may
    be in the middle of one. Asking for the frame after the last gives nothing.
    Raises `JournalError` with segment, frame and offset when the journal is damaged,
    or when it ends before the frame that *start* would follow.
    """
    return iter(JournalReader(folder, start))


class JournalReader:
    """Walks a journal once; when the walk is over it knows how the journal ends.

    The walk begins in the segment that holds the frame before *start*, so that the
    first frame given is already checked against the hash it follows. Frames before
    *start* are walked by their headers alone.
    """

    def __init__(self, folder: Path, start: int = 1) -> None:
        """Prepare to give the frames from *start* (1 or more) on."""
        if start < 1:
            raise ValueError(f"frames are numbered from 1; {start} is none")
        self.head: Receipt = NOTHING
        """The last whole frame."""
        self.torn_tail: TornTail | None = None
        self.last_segment: Segment | None = None
        self.end_offset = 0
        """Where the last whole frame ends in the last segment."""
        self._folder = folder
        self._start = start
        self._expected = 1
        self._follows: Receipt | None = NOTHING  # None: the walk began in the middle
        self._later: Segment | None = None

    def __iter__(self) -> Iterator[Frame]:
        segment = self._first_segment()
        while segment is not None:
            self.last_segment, self.end_offset = segment, 0
            yield from self._walk(segment)
            segment = self._later
            if segment is not None and segment.first != self._expected:
                raise self._gap(self._expected, segment)
        if self._start > self._expected:
            raise JournalError(
                f"{self._folder}: the journal ends at frame {self._expected - 1}, but frame {self._start} "
                "was asked for; if it was once there, restore the newer copy"
            )

    def _first_segment(self) -> Segment | None:
        segments = list_segments(self._folder)
        if not segments:
            return None
        wanted = max(self._start - 1, 1)
        held = [segment for segment in segments if segment.first <= wanted]
        if not held:
            raise self._gap(wanted, segments[0])
        if held[-1].first > 1:
            self._expected, self._follows = held[-1].first, None
        return held[-1]

    def _walk(self, segment: Segment) -> Iterator[Frame]:
        """Give the frames of *segment*; return at its end or at a torn tail."""
        with segment.path.open("rb", buffering=0) as file:
            self._later, durable, name = None, 0, segment.name
            while True:
                found = self._look(file.fileno(), segment)
                if isinstance(found, _Fault):
                    # A live writer may have gone on, and into a new segment, since we looked.
                    # Once a later segment is seen this one is final: look once more, then judge.
                    if self._later is None and self._find_later(segment):
                        continue
                    # So may he have finished the flush that we saw half of.
                    if durable < self._expected <= (durable := read_mark(self._folder)):
                        continue
                    self._judge(found, file.fileno(), segment, durable)
                    return
                header, payload = found
                offset = self.end_offset
                self.end_offset += HEADER_BYTES + header.length
                self.head = self._follows = Receipt(header.sequence, header.hash, header.instant)
                self._expected += 1
                if payload is not None:
                    yield Frame(
                        sequence=header.sequence,
                        kind=FrameKind(header.kind),
                        instant=header.instant,
                        law_digest=header.law_digest,
                        previous_hash=header.previous_hash,
                        hash=header.hash,
                        payload=payload,
                        segment=name,
                        offset=offset,
                    )

    def _look(self, file: int, segment: Segment) -> tuple[Header, bytes | None] | _Fault:
        """Return the frame at the present offset (no payload before *start*), or what is wrong there."""
        left = os.fstat(file).st_size - self.end_offset
        if left < HEADER_BYTES:
            return _Fault(max(left, 0), f"ends inside its header, after {left} bytes", self.end_offset + 1)
        raw = os.pread(file, HEADER_BYTES, self.end_offset)
        header = read_header(raw)
        if header is None:
            return _Fault(left, "has a header whose checksum does not hold", self.end_offset + 1)
        self._must_follow(header, segment)
        whole = HEADER_BYTES + header.length
        if left < whole:
            return _Fault(left, f"ends {whole - left} bytes short of its payload", self.end_offset + whole)
        if header.sequence < self._start:
            return header, None
        payload = os.pread(file, header.length, self.end_offset + HEADER_BYTES)
        if not header.covers(payload, raw):
            what = "has a payload whose checksum or hash does not hold"
            return _Fault(left, what, self.end_offset + whole)
        return header, payload

    def _must_follow(self, header: Header, segment: Segment) -> None:
        """Raise `JournalError` unless a whole *header* is one we know and follows the frame before."""
        what = None
        if header.version != VERSION or header.kind not in _KINDS:
            what = (
                f"has version {header.version} and kind {header.kind}, unknown here; "
                "a newer Jiaozi wrote it, use that one"
            )
        elif header.length > MAX_PAYLOAD_BYTES:
            what = f"claims a payload of {header.length} bytes, more than a frame may have"
        elif header.sequence != self._expected:
            what = f"is numbered {header.sequence}; frames were removed, moved or repeated"
        elif self._follows is not None and header.previous_hash != self._follows.hash:
            what = "does not carry the hash of the frame before it; one of the two was replaced"
        elif self._follows is not None and self._expected > 1 and header.instant < self._follows.instant:
            what = "is earlier than the frame before it"
        if what is not None:
            raise self._damage(what, segment)

    def _judge(self, fault: _Fault, file: int, segment: Segment, durable: int) -> None:
        """Take *fault* for the end of the segment or a torn tail, or raise `JournalError`.

        Frames up to *durable* were noted as flushed.
        """
        if fault.left == 0:
            return
        if self._later is not None:
            raise self._damage(f"{fault.what}, and a later segment exists", segment)
        if self._expected <= durable:
            raise self._damage(f"{fault.what}, although it was flushed", segment)
        for header in _whole_frames(file, fault.behind):
            if self._expected <= header.flushed < header.sequence:
                what = f"{fault.what}, and frame {header.sequence} behind it is whole and was written later"
                raise self._damage(what, segment)
        self.torn_tail = TornTail(
            segment=segment.name,
            offset=self.end_offset,
            bytes_cut=fault.left,
            after_sequence=self._expected - 1,
        )

    def _find_later(self, segment: Segment) -> bool:
        later = [each for each in list_segments(self._folder) if each.first > segment.first]
        self._later = later[0] if later else None
        return bool(later)

    def _damage(self, what: str, segment: Segment) -> JournalError:
        return JournalError(
            f"{segment.path}: frame {self._expected} at offset {self.end_offset} {what}; "
            "restore the segment from a copy"
        )

    def _gap(self, expected: int, found: Segment) -> JournalError:
        return JournalError(
            f"{found.path}: begins with frame {found.first} by its name where frame {expected} was "
            "expected, at offset 0; a segment is missing, or was renamed or copied in; restore it"
        )


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why there is no frame at an offset: *left* bytes remain from there, another may start at *behind*."""

    left: int
    what: str
    behind: int


def _whole_frames(file: int, offset: int) -> Iterator[Header]:
    """Search from *offset* on for frames that are whole in themselves."""
    size = os.fstat(file).st_size
    while offset + HEADER_BYTES <= size:
        chunk = os.pread(file, _SCAN_BYTES, offset)
        found = chunk.find(MAGIC)
        end = 0
        while found >= 0 and not end:
            raw = os.pread(file, HEADER_BYTES, offset + found)
            header = read_header(raw)
            if header is not None and header.length <= size - offset - found - HEADER_BYTES:
                payload = os.pread(file, header.length, offset + found + HEADER_BYTES)
                if header.covers(payload, raw):
                    yield header
                    end = found + HEADER_BYTES + header.length
            found = chunk.find(MAGIC, found + 1)
        # A magic may lie across two chunks.
        offset += end or max(len(chunk) - len(MAGIC) + 1, 1)
