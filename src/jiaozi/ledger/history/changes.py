"""The change stream: what happened, in order, from a mark that can be stored; nothing lost, nothing twice.

A follower sees a frame only when it is durable. The writer's own process asks the journal. Another
process believes what the files themselves say:

- the mark of the journal, which the writer moves after each flush (`durable_mark.py`);
- a later frame whose header says that everything up to this one was flushed when it was written;
- a later segment, since a segment is flushed before its successor exists;
- or that nobody writes, where a writer was killed: then the follower keeps writers out with a shared
  lock for the moment it takes to read the end once more and to sync it. A writer that opens keeps
  whole frames.

Whole frames that are not durable yet are read again each time, since a writer whose disk failed
takes them back.

A mark names the hash of its frame. A journal that went on differently, after an older copy was
restored, is noticed and refused.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.history.rows import (
    RELEASED_ROW,
    ROW,
    FactLine,
    Numbering,
    fact_lines,
    rows_of,
    texts_of,
)
from jiaozi.ledger.history.tail import ResumedReader
from jiaozi.ledger.journal.durable_mark import read_mark
from jiaozi.ledger.journal.frames import HEADER_BYTES, NOTHING, Frame, FrameKind, Receipt, read_header
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.journal.segments import Segment, list_segments, sync_file, sync_folder
from jiaozi.ledger.opening import accounts_in, read_openings
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.results import Result

POLL_SECONDS = 0.02
"""How often a follower that has seen everything looks again."""

_HASH_DIGITS = 16
Kind = Literal["transfer", "released", "fact", "accounts"]


class Mark(NamedTuple):
    """A place in the stream: behind this row of this frame. `hash` is the beginning of the frame's hash."""

    frame: int
    row: int
    hash: str

    def __str__(self) -> str:
        return f"{self.frame}.{self.row}.{self.hash}"

    @classmethod
    def of(cls, text: str) -> Mark:
        """Return the mark written as `420.17.0f3a…`; `0` is the beginning. Raises `ValueError`."""
        if text == "0":
            return BEGINNING
        match = re.fullmatch(rf"(\d{{1,18}})\.(-?\d{{1,9}})\.([0-9a-f]{{{_HASH_DIGITS}}})", text, re.ASCII)
        if match is None:
            raise ValueError(
                f"{text[:60]!r} is no mark of a change stream; write it as it was given, or 0 for the beginning"
            )
        return cls(int(match[1]), int(match[2]), match[3])


BEGINNING = Mark(0, 0, "0" * _HASH_DIGITS)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, and the mark to go on behind it.

    kind      what it is
    row       (ROW) the transfer that was answered or the pending one that was released, else None
    result    of a transfer
    bits      reasons of a refusal by law, under the law of `law_digest`
    note      JSON of the transfer's note, or empty
    fact      a recorded fact
    accounts  how many accounts were opened
    """

    mark: Mark
    kind: Kind
    instant: Instant
    law_digest: bytes
    row: np.void | None = None
    result: Result | None = None
    bits: tuple[int, ...] = ()
    note: str = ""
    fact: FactLine | None = None
    accounts: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One durable frame: for those who take a frame at a time and many rows at once.

    rows   (n,) ROW of a frame of transfers, what was released first
    notes  JSON of the notes by position in `rows`
    """

    receipt: Receipt
    kind: FrameKind
    law_digest: bytes
    rows: NDArray[np.void]
    notes: dict[int, str]
    facts: tuple[FactLine, ...]
    accounts: int
    numbering: Numbering

    def mark(self, row: int) -> Mark:
        """Return the mark behind *row* of this frame."""
        return Mark(self.receipt.sequence, row, self.receipt.hash.hex()[:_HASH_DIGITS])

    @property
    def end(self) -> Mark:
        """The mark behind all of it."""
        if self.kind is FrameKind.TRANSFERS:
            return self.mark(int(self.rows["row"][-1]) if len(self.rows) else 0)
        return self.mark(max(len(self.facts) - 1, 0))

    def events(self, *, after: Mark = BEGINNING) -> Iterator[Event]:
        """Give what happened in it, one by one, as far as it stands behind *after*."""
        behind = after.row if after.frame == self.receipt.sequence else -(2**31)
        instant, law = self.receipt.instant, self.law_digest
        for fact in self.facts:
            if fact.row > behind:
                yield Event(self.mark(fact.row), "fact", instant, law, fact=fact)
        if self.accounts and behind < 0:
            yield Event(self.mark(0), "accounts", instant, law, accounts=self.accounts)
        for place in np.flatnonzero(self.rows["row"] > behind).tolist():
            row = self.rows[place]
            mark, note = self.mark(int(row["row"])), self.notes.get(place, "")
            if row["kind"] == RELEASED_ROW:
                yield Event(mark, "released", instant, law, row)
            else:
                bits = self.numbering.bits(int(row["reasons"]))
                yield Event(mark, "transfer", instant, law, row, Result(int(row["result"])), bits, note)


def follow(
    journal: Path,
    *,
    after: Mark = BEGINNING,
    wait: bool = True,
    durable: Callable[[], int] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    poll_seconds: float = POLL_SECONDS,
) -> Iterator[Event]:
    """Give every event behind *after*, in order, once each; store the mark of the last one you finished.

    With *wait* it goes on for ever, until *should_stop* says so; without it ends with what is durable
    now. *durable* tells the last durable frame, for the writer's own process. Raises `JournalError` when
    the journal is damaged, or is not the one that *after* was given by.
    """
    for change in follow_frames(
        journal,
        after=after,
        wait=wait,
        durable=durable,
        should_stop=should_stop,
        poll_seconds=poll_seconds,
    ):
        yield from change.events(after=after)


def follow_frames(
    journal: Path,
    *,
    after: Mark = BEGINNING,
    wait: bool = True,
    durable: Callable[[], int] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    poll_seconds: float = POLL_SECONDS,
) -> Iterator[Change]:
    """Like `follow`, a frame at a time: the first may hold rows that *after* stands behind already."""
    at = _Place.after(journal, after)
    seen: object = None
    while not should_stop():
        # What was there before the pass: whatever comes during it makes the next one look again.
        now = _looks(journal, durable)
        if now != seen:
            for frame in at.durable_frames(durable):
                if frame.sequence >= after.frame:
                    yield _change(frame)
                if should_stop():
                    return
            # While something is held back, nothing but the end of its writer may be what it waits for.
            seen = None if at.holds_back else now
        if not wait:
            return
        time.sleep(poll_seconds)


class _Place:
    """How far a follower has come: the last frame it was given and where the next one begins."""

    def __init__(self, journal: Path, receipt: Receipt, segment: Segment | None, offset: int) -> None:
        self._journal = journal
        self._receipt = receipt
        self._segment = segment
        self._offset = offset
        self.holds_back = False

    @classmethod
    def after(cls, journal: Path, mark: Mark) -> _Place:
        """Return the place before the frame of *mark*, whose other rows may still be wanted."""
        if mark.frame == 0:
            return cls(journal, NOTHING, None, 0)
        frame = next(iter(JournalReader(journal, mark.frame)), None)
        if frame is None:
            raise JournalError(
                f"{journal}: the journal ends before frame {mark.frame}, which this follower has seen; "
                "restore the newer copy"
            )
        if frame.hash.hex()[:_HASH_DIGITS] != mark.hash:
            raise JournalError(
                f"{frame.segment}: frame {mark.frame} is another than the one this follower has seen; the "
                "journal was replaced by one that went on differently. Compare both, then begin again from 0"
            )
        before = Receipt(frame.sequence - 1, frame.previous_hash, Instant(-(2**63)))
        return cls(journal, before, Segment(int(frame.segment[:20]), journal / frame.segment), frame.offset)

    def durable_frames(self, durable: Callable[[], int] | None) -> Iterator[Frame]:
        """Give the frames behind this place that are durable, and move on behind each."""
        if durable is not None:
            known = durable()
            for frame in self._reader():
                if frame.sequence > known:
                    return
                yield self._passed(frame)
            return
        held: list[Frame] = []
        known = read_mark(self._journal)
        for frame in self._reader():
            held.append(frame)
            known = max(known, _flushed(self._journal, frame))
            while held and (held[0].sequence <= known or held[0].segment != frame.segment):
                yield self._passed(held.pop(0))
        self.holds_back = bool(held)
        if held:
            yield from self._at_rest()

    def _at_rest(self) -> Iterator[Frame]:
        """Give what is left when nobody writes, after it was made durable here."""
        lock = _keep_writers_out(self._journal)
        if lock is None:
            return
        try:
            frames = list(self._reader())
            for name in dict.fromkeys(frame.segment for frame in frames):
                file = os.open(self._journal / name, os.O_RDONLY)
                try:
                    sync_file(file)
                finally:
                    os.close(file)
            sync_folder(self._journal)
        finally:
            os.close(lock)
        self.holds_back = False
        for frame in frames:
            yield self._passed(frame)

    def _reader(self) -> JournalReader:
        if self._segment is None:
            return JournalReader(self._journal)
        return ResumedReader(self._journal, self._receipt, self._segment, self._offset)

    def _passed(self, frame: Frame) -> Frame:
        self._receipt = Receipt(frame.sequence, frame.hash, frame.instant)
        self._segment = Segment(int(frame.segment[:20]), self._journal / frame.segment)
        self._offset = frame.offset + HEADER_BYTES + len(frame.payload)
        return frame


def _change(frame: Frame) -> Change:
    rows: NDArray[np.void] = np.zeros(0, dtype=ROW)
    notes: dict[int, str] = {}
    facts: tuple[FactLine, ...] = ()
    numbering = Numbering()
    accounts = 0
    try:
        if frame.kind is FrameKind.TRANSFERS:
            booked = unpack(frame.payload)
            rows = rows_of(frame, booked, 0, numbering)
            if len(booked.notes):
                first = len(booked.released)
                notes = {first + row: text for row, text in texts_of(booked.notes).items()}
        elif frame.kind is FrameKind.FACTS:
            facts = tuple(fact_lines(frame))
        else:
            accounts = accounts_in(read_openings(frame.payload))
    except (JournalError, FactError, msgspec.MsgspecError) as error:
        raise JournalError(
            f"{frame.segment}: frame {frame.sequence} is whole and cannot be told: {error}"
        ) from error
    receipt = Receipt(frame.sequence, frame.hash, frame.instant)
    return Change(receipt, frame.kind, frame.law_digest, rows, notes, facts, accounts, numbering)


def _flushed(journal: Path, frame: Frame) -> int:
    """Return up to which frame everything was durable when *frame* was written."""
    with (journal / frame.segment).open("rb", buffering=0) as file:
        header = read_header(os.pread(file.fileno(), HEADER_BYTES, frame.offset))
    # The writer may have taken it back since it was read; then it says nothing.
    return header.flushed if header is not None and header.hash == frame.hash else 0


def _keep_writers_out(journal: Path) -> int | None:
    """Return an open file whose shared lock keeps writers out, or None while one is at work.

    It is the lock of `writer_lock.py`, taken for reading.
    """
    file = os.open(journal, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _looks(journal: Path, durable: Callable[[], int] | None) -> object:
    """Return something that differs once there is more to show."""
    if durable is not None:
        return durable()
    segments = list_segments(journal)
    if not segments:
        return None
    return segments[-1].name, segments[-1].path.stat().st_size, read_mark(journal)


__all__ = ["BEGINNING", "Change", "Event", "Mark", "follow", "follow_frames"]
