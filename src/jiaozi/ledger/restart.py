"""Restart: the newest good snapshot and the frames behind it, folded in one walk over the journal.

`fold` takes in one frame and compares what was decided then with what is decided
now. Opening a ledger walks so while it holds the writer's lock; `write_from_journal`
walks the journal of a running ledger as a reader, and leaves a newer snapshot behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jiaozi.errors import JiaoziError, JournalError
from jiaozi.ledger import snapshot
from jiaozi.ledger.facts import decode
from jiaozi.ledger.frames import HEADER_BYTES, NO_HASH, NOTHING, Frame, FrameKind
from jiaozi.ledger.journal_read import JournalReader
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.records import OPENING
from jiaozi.ledger.segments import list_segments, sync_file
from jiaozi.ledger.snapshot_files import PassedOver
from jiaozi.ledger.snapshot_parts import Picture
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, State, compare

Progress = Callable[[int, int], None]
"""Called after each frame folded with the bytes folded and the bytes there are to fold."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """A state at the end of its journal: *reader* knows that end, *snapshot* is what it began with, if any."""

    state: State
    reader: JournalReader
    snapshot: Path | None
    passed_over: list[PassedOver]


def restart(folder: Path, progress: Progress | None = None, *, anew: bool = False) -> Restarted:
    """Fold the journal in *folder* from the newest good snapshot to its end; with *anew* from frame 1.

    Raises `JournalError` when it is damaged or replays to other results than were stored.
    """
    found = snapshot.Found(State(), NOTHING, None, []) if anew else snapshot.newest(folder)
    reader = JournalReader(folder, found.receipt.sequence + 1)
    known: dict[str, int] = {}  # by segment: how many bytes come before it
    bytes_in_all = 0
    for segment in list_segments(folder) if progress else ():
        known[segment.name] = bytes_in_all
        bytes_in_all += segment.path.stat().st_size
    begun: int | None = None
    for frame in reader:
        fold(frame, found.state)
        if progress:
            at = known.get(frame.segment, bytes_in_all) + frame.offset
            begun = at if begun is None else begun
            done = at + HEADER_BYTES + len(frame.payload) - begun
            progress(done, max(bytes_in_all - begun, done))
    return Restarted(found.state, reader, found.path, found.passed_over)


def write_from_journal(
    folder: Path, progress: Progress | None = None, *, anew: bool = False
) -> snapshot.Written:
    """Bring the snapshots of the journal in *folder* up to its end, without stopping whoever writes it.

    Folds a state of its own from the newest good snapshot, so it verifies every frame since once more;
    with *anew* it begins at frame 1 and believes no snapshot. It needs the memory of a ledger, best in
    a process of its own. When there is nothing new, the snapshot there is stays.

    Raises `JournalError` when the journal is damaged, `NotReady` when it is empty, `JournalBusy` while
    another snapshot is being written, `OSError` when the disk fails or is full.
    """
    restarted = restart(folder, progress, anew=anew)
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


def fold(frame: Frame, state: State) -> None:
    """Fold one frame into *state*, and compare what was decided with what is decided now.

    Raises `JournalError` naming the frame, whatever bytes are in it.
    """
    try:
        _fold(frame, state)
    except (JiaoziError, ArithmeticError, LookupError, RecursionError, ValueError) as error:
        raise JournalError(f"frame {frame.sequence} cannot be folded: {error}") from error


def _fold(frame: Frame, state: State) -> None:
    if not FIRST_INSTANT <= frame.instant < LAST_INSTANT:
        raise JournalError(f"its instant is {frame.instant} ns, which cannot be")
    if frame.kind is FrameKind.FACTS:
        state.record(decode(frame.payload))
    elif frame.kind is FrameKind.ACCOUNTS:
        opened = np.frombuffer(frame.payload, dtype=OPENING)
        state.check_openings(opened)
        state.open_accounts(opened)
    else:
        stored = unpack(frame.payload)
        compare(state.post(stored.batch, stored.ends, frame.instant), stored)
    digest = state.book.digest if state.book else NO_HASH
    if digest != frame.law_digest:
        raise JournalError("it was decided under another law than the journal enacted")
