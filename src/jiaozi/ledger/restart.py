"""Restart: the newest good snapshot and the frames behind it, folded in one walk over the journal.

`fold` takes in one frame and compares what was decided then with what is decided
now. Opening a ledger walks so while it holds the writer's lock; `write_from_journal`
walks the journal of a running ledger as a reader, and leaves a newer snapshot behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JiaoziError, JournalError, NotReady
from jiaozi.ledger.buffers import Buffers, Loan
from jiaozi.ledger.counting import Counting
from jiaozi.ledger.facts import Fact, decode
from jiaozi.ledger.journal.ahead import ahead
from jiaozi.ledger.journal.frames import (
    HEADER_BYTES,
    NO_HASH,
    NOTHING,
    Frame,
    FrameKind,
    Receipt,
    read_header,
)
from jiaozi.ledger.journal.reading import JournalReader, read_frames
from jiaozi.ledger.journal.segments import list_segments, sync_file
from jiaozi.ledger.opening import read_openings
from jiaozi.ledger.payload import HEAD_BYTES, Booked, compare, unpack
from jiaozi.ledger.posting.arena import populate
from jiaozi.ledger.records import TRANSFER, transfers
from jiaozi.ledger.snapshots import snapshot
from jiaozi.ledger.snapshots.files import PassedOver
from jiaozi.ledger.snapshots.parts import Picture
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, State

Progress = Callable[[int, int], None]
"""Called after each frame folded with the bytes folded and the bytes there are to fold."""

LEAST_BYTES = TRANSFER.itemsize + 1
"""What a transfer takes in the journal at least: itself and its result."""

SAMPLED = 256
"""Segments that are looked into, to tell how many transfers there are."""

UNSAMPLED = 1 << 20
"""Transfers expected at most where no segment begins with any: 60 MB of the id table."""

_NO_TRANSFERS = transfers(0)


@dataclass(frozen=True, slots=True)
class Restarted:
    """A state at the end of its journal: *reader* knows that end, *snapshot* is what it began with, if any."""

    state: State
    reader: JournalReader
    snapshot: Path | None
    passed_over: list[PassedOver]


def restart(
    folder: Path,
    progress: Progress | None = None,
    *,
    anew: bool = False,
    holders: Path | None = None,
    until: int | None = None,
) -> Restarted:
    """Fold the journal in *folder* from the newest good snapshot to its end; with *anew* from frame 1.

    With *until* the walk ends after that frame, also when the journal goes on.

    One thread reads, checks and takes apart, one folds, one counts: each of them takes long enough to be
    worth a processor, and each goes through the frames in their order.

    With *holders*, a folder, the records of holders lie in a scratch file there instead of in memory.

    Raises `JournalError` when it is damaged or replays to other results than were stored, `NotReady`
    when the disk of *holders* has no room.
    """
    if anew:
        found = snapshot.Found(snapshot.beginning(holders), NOTHING, None, [])
    else:
        found = snapshot.newest(folder, holders, until=until)
    reader = JournalReader(folder, found.receipt.sequence + 1)
    walked = _Walked.of(folder, progress)
    folding = _Folding(found.state, ids_coming(folder, found.receipt.sequence + 1))
    read = reader if until is None else takewhile(lambda frame: frame.sequence <= until, reader)
    frames = ahead(map(prepare, read), lambda ready: len(ready.frame.payload))
    try:
        for ready in frames:
            folding.fold(ready)
            walked.tell(ready.frame)
        folding.finish()
    finally:
        frames.close()
        folding.close()
    return Restarted(found.state, reader, found.path, found.passed_over)


def state_at(
    folder: Path,
    sequence: int,
    frame_hash: bytes,
    progress: Progress | None = None,
    *,
    anew: bool = False,
    holders: Path | None = None,
) -> tuple[State, Receipt]:
    """Return the state after frame *sequence*, folded beside whoever writes the journal in *folder*, and that frame.

    A ledger that may not wait takes its cuts so, and whoever does not believe a cut takes it again: with
    *anew* from frame 1, believing no snapshot. Needs the memory of a ledger; *holders* as in `restart`.

    Raises `JournalError` when the journal is damaged, ends before that frame, or has one with another hash there.
    """
    restarted = restart(folder, progress, anew=anew, holders=holders, until=sequence)
    frame = next(read_frames(folder, sequence), None)
    if frame is None or frame.hash != frame_hash:
        raise JournalError(f"frame {sequence} of this journal is not the one that was asked for")
    return restarted.state, Receipt(frame.sequence, frame.hash, frame.instant)


class _Walked:
    """Tells *progress* how far the walk has come."""

    def __init__(self, progress: Progress | None, before: dict[str, int], bytes_in_all: int) -> None:
        self._progress = progress
        self._before = before  # by segment: how many bytes come before it
        self._bytes_in_all = bytes_in_all
        self._begun: int | None = None

    @classmethod
    def of(cls, folder: Path, progress: Progress | None) -> _Walked:
        before: dict[str, int] = {}
        bytes_in_all = 0
        for segment in list_segments(folder) if progress else ():
            before[segment.name] = bytes_in_all
            bytes_in_all += segment.path.stat().st_size
        return cls(progress, before, bytes_in_all)

    def tell(self, frame: Frame) -> None:
        if self._progress is None:
            return
        at = self._before.get(frame.segment, self._bytes_in_all) + frame.offset
        begun = self._begun = at if self._begun is None else self._begun
        done = at + HEADER_BYTES + len(frame.payload) - begun
        self._progress(done, max(self._bytes_in_all - begun, done))


class _Folding:
    """Folds frames into a state, and has them counted behind its back."""

    def __init__(self, state: State, ids: int) -> None:
        self._state = state
        self._ids = ids
        self._is_ready = False
        self._populating: threading.Thread | None = None
        self._buffers = Buffers()
        self._failures: list[BaseException] = []
        self._counting = Counting(state.count, self._failures.append)

    def fold(self, ready: Ready) -> None:
        if ready.frame.kind is FrameKind.TRANSFERS:
            if not self._is_ready:
                self._make_ready()
            booked = fold_ready(ready, self._state)
            assert booked is not None
            self._counting.add(booked, ready.frame.instant, Loan(self._buffers, _NO_TRANSFERS, 1))
        else:
            # What is still uncounted is counted under the law and with the accounts it was booked with.
            self._counting.finish()
            fold_ready(ready, self._state)

    def finish(self) -> None:
        """Return when all is counted. Raises `JournalError` when it could not be."""
        self._counting.finish()
        if self._failures:
            raise JournalError(
                f"the journal cannot be counted: {self._failures[0]}; restore a backup"
            ) from self._failures[0]

    def close(self) -> None:
        self._counting.close()
        if self._populating is not None:
            self._populating.join()

    def _make_ready(self) -> None:
        """Make the id table as large as it will be: grown as it fills, it moves each id about twice."""
        self._is_ready = True
        rows = self._state.expect_ids(self._ids)
        if rows:
            self._populating = threading.Thread(
                target=populate, args=(self._state.ids, 0, rows), name="jiaozi-memory", daemon=True
            )
            self._populating.start()


def ids_coming(folder: Path, start: int) -> int:
    """Return about how many transfers stand in the journal in *folder* from frame *start* on, never far too many.

    From the length of the segments and the first frame of each: nothing is checked here, nothing may rest on it.
    """
    segments = list_segments(folder)
    held = [number for number, segment in enumerate(segments) if segment.first <= start]
    behind = segments[held[-1] :] if held else segments
    whole = sum(segment.path.stat().st_size for segment in behind)
    transfers, length = 0, 0
    for segment in behind[:: len(behind) // SAMPLED + 1]:
        with segment.path.open("rb", buffering=0) as file:
            raw = file.read(HEADER_BYTES + HEAD_BYTES)
        header = read_header(raw[:HEADER_BYTES])
        if (
            header is not None
            and header.kind == FrameKind.TRANSFERS
            and len(raw) == HEADER_BYTES + HEAD_BYTES
        ):
            transfers += int.from_bytes(raw[HEADER_BYTES : HEADER_BYTES + 4], "little")
            length += HEADER_BYTES + header.length
    most = whole // LEAST_BYTES
    return min(most, whole * transfers // length) if length else min(most, UNSAMPLED)


def write_from_journal(
    folder: Path, progress: Progress | None = None, *, anew: bool = False, holders: Path | None = None
) -> snapshot.Written:
    """Bring the snapshots of the journal in *folder* up to its end, without stopping whoever writes it.

    Folds a state of its own from the newest good snapshot, so it verifies every frame since once more;
    with *anew* it begins at frame 1 and believes no snapshot. It needs the memory of a ledger, best in
    a process of its own; *holders* as in `restart`. When there is nothing new, the snapshot there is stays.

    Raises `JournalError` when the journal is damaged, `NotReady` when it is empty, `JournalBusy` while
    another snapshot is being written, `OSError` when the disk fails or is full.
    """
    restarted = restart(folder, progress, anew=anew, holders=holders)
    head = restarted.reader.head
    path = restarted.snapshot
    if path is not None and path.stem == f"{head.sequence:020}":
        return snapshot.Written(path, head.sequence, path.stat().st_size)
    if restarted.reader.last_segment is not None:
        # A snapshot never stands on frames that a power cut could still take.
        file = os.open(restarted.reader.last_segment.path, os.O_RDONLY)
        try:
            sync_file(file)
        finally:
            os.close(file)
    return snapshot.write(folder, Picture.of(restarted.state), head, restarted.passed_over)


@dataclass(frozen=True, slots=True)
class Ready:
    """A frame and what is in it: facts, openings (n,) OPENING, or transfers with the answers they got."""

    frame: Frame
    content: Sequence[Fact] | NDArray[np.void] | Booked


def prepare(frame: Frame) -> Ready:
    """Take *frame* apart. Raises `JournalError` naming the frame, whatever bytes are in it."""
    with _named(frame):
        if not FIRST_INSTANT <= frame.instant < LAST_INSTANT:
            raise JournalError(f"its instant is {frame.instant} ns, which cannot be")
        if frame.kind is FrameKind.FACTS:
            return Ready(frame, decode(frame.payload))
        if frame.kind is FrameKind.ACCOUNTS:
            return Ready(frame, read_openings(frame.payload).copy())
        return Ready(frame, unpack(frame.payload))


def fold_ready(ready: Ready, state: State) -> Booked | None:
    """Fold what `prepare` gave into *state*; return transfers as they were booked now, which nobody counted yet.

    Raises `JournalError` naming the frame when it was decided otherwise then.
    """
    frame, booked = ready.frame, None
    with _named(frame):
        if isinstance(ready.content, Booked):
            stored = ready.content
            booked = state.post(stored.batch, stored.calls, frame.instant, stored.notes)
            compare(booked, stored)
        elif isinstance(ready.content, np.ndarray):
            state.check_openings(ready.content)
            state.open_accounts(ready.content)
        else:
            state.record(ready.content)
        digest = state.book.digest if state.book else NO_HASH
        if digest != frame.law_digest:
            raise JournalError("it was decided under another law than the journal enacted")
    return booked


def fold(frame: Frame, state: State) -> None:
    """Fold one frame into *state* and count it; compare what was decided with what is decided now.

    Raises `JournalError` naming the frame, whatever bytes are in it.
    """
    booked = fold_ready(prepare(frame), state)
    if booked is not None:
        state.count(booked, frame.instant)


@contextmanager
def _named(frame: Frame) -> Iterator[None]:
    try:
        yield
    except NotReady:
        raise  # the machine has no room for the frame, and nothing is wrong with it
    except (JiaoziError, ArithmeticError, LookupError, RecursionError, ValueError) as error:
        raise JournalError(f"frame {frame.sequence} cannot be folded: {error}") from error
