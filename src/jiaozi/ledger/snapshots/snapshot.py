"""Snapshots: the state after one frame, on disk, so that opening need not fold the journal from its beginning.

A snapshot is never the truth; the journal is. It is believed when every part is
what its head says, when the journal has that very frame, by number and hash, when
the texts of the law give the book that the frame names, and when the state that
comes out has the digest that went in. Otherwise it is passed over, with the reason,
and the one before is tried. The two newest that can be used are kept.

What is in it: `snapshot_parts.py`. How the file lies on disk: `snapshot_files.py`.
Who folds the frames behind it: `restart.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jiaozi.errors import JiaoziError, JournalBusy, JournalError, NotReady
from jiaozi.ledger.journal.frames import NOTHING, Receipt
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.journal.segments import make_folder
from jiaozi.ledger.journal.writer_lock import take_lock
from jiaozi.ledger.posting.holders import Holders
from jiaozi.ledger.snapshots.files import (
    FORMAT,
    Head,
    Part,
    PassedOver,
    SnapshotReader,
    SnapshotWriter,
    Unfit,
    list_files,
    remove_leftovers,
)
from jiaozi.ledger.snapshots.parts import PARTS, Picture, read_state, write_parts
from jiaozi.ledger.state import MAX_ACCOUNTS, State

FOLDER = "snapshots"
"""Where snapshots lie, beside the segments of the journal."""

KEPT = 2


@dataclass(frozen=True, slots=True)
class Written:
    """A snapshot that is durable: where it lies, after which frame, how many bytes."""

    path: Path
    sequence: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """The state to begin with: after the frame *receipt* names, from the snapshot at *path*.

    Without a snapshot that can be used: an empty state, frame 0 and no path.
    """

    state: State
    receipt: Receipt
    path: Path | None
    passed_over: list[PassedOver]


def newest(journal: Path, holders_folder: Path | None = None, *, until: int | None = None) -> Found:
    """Return the newest state that a snapshot of *journal* gives, and which files were passed over and why.

    With *until*, the newest that does not stand behind that frame.

    Of the journal it reads the headers of one segment, up to the frame the snapshot names, and that frame
    whole: so that frame is there and hangs together with its neighbours. That the segments before lead to
    it is for `jiaozi journal verify` to say. With *holders_folder* the accounts lie in a scratch file there.

    Raises `NotReady` when that disk will not do.
    """
    files, passed_over = list_files(journal / FOLDER)
    for path in files:
        if until is not None and int(path.stem) > until:
            continue
        try:
            state, receipt = load(path, journal, holders_folder)
        except Unfit as why:
            passed_over.append(PassedOver(path, str(why)))
        else:
            return Found(state, receipt, path, passed_over)
    return Found(beginning(holders_folder), NOTHING, None, passed_over)


def beginning(holders_folder: Path | None) -> State:
    """Return an empty state, see `newest`. Raises `NotReady`."""
    return State(Holders.reserve(holders_folder, MAX_ACCOUNTS, least=1024))


def load(path: Path, journal: Path, holders_folder: Path | None = None) -> tuple[State, Receipt]:
    """Return the state in the snapshot at *path*, and the frame of *journal* after which it stands.

    Raises `Unfit` when anything about it is in doubt, `NotReady` see `newest`.
    """
    with SnapshotReader(path, PARTS) as file:
        receipt = _frame_of(file.head, journal)
        try:
            return read_state(file, holders_folder), receipt
        except NotReady:
            raise
        except (JiaoziError, msgspec.MsgspecError, ArithmeticError, LookupError, ValueError) as error:
            raise Unfit(f"its content cannot be: {error}") from error
        except (RecursionError, TypeError, MemoryError) as error:
            raise Unfit(f"its content cannot be read: {error}") from error


def write(
    journal: Path, picture: Picture, receipt: Receipt, passed_over: Iterable[PassedOver] = ()
) -> Written:
    """Write *picture*, the state after the frame of *receipt*, as a snapshot of *journal*; durable on return.

    Keeps the newest `KEPT`, of which those in *passed_over* are none, and removes older ones.
    Raises `JournalBusy` while another one is being written, and `OSError` when the disk fails or is full;
    then all is as it was before.
    """
    if receipt.sequence == 0:
        raise NotReady("a journal without frames has nothing to take a snapshot of; record something first")
    folder = journal / FOLDER
    make_folder(folder)
    lock = _lock(folder)
    try:
        remove_leftovers(folder)
        with SnapshotWriter(folder, receipt.sequence) as file:
            state, ids = write_parts(file, picture)

            def head(parts: list[Part]) -> Head:
                return Head(
                    format=FORMAT,
                    sequence=receipt.sequence,
                    hash=receipt.hash.hex(),
                    instant=receipt.instant,
                    law=picture.law_digest.hex(),
                    accounts=len(picture.accounts),
                    coins=len(picture.coins),
                    ids=ids,
                    state=state,
                    parts=parts,
                )

            size = file.finish(head)
        _prune(folder, file.path, {each.path for each in passed_over})
        return Written(file.path, receipt.sequence, size)
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    try:
        return take_lock(folder)
    except JournalBusy:
        raise JournalBusy(f"another snapshot is being written into {folder}; wait until it is done") from None


def _prune(folder: Path, written: Path, passed_over: set[Path]) -> None:
    """Remove what is older than the snapshots kept. One that cannot be used saves nobody, so it does not count.

    The one just written counts, though a file for a later frame, which the journal lost, may be newer by name.
    """
    files, _ = list_files(folder)
    usable = [path for path in files if path == written or path not in passed_over]
    kept = [path for path in usable if path.name <= written.name][:KEPT]
    if len(kept) == KEPT:
        for path in files:
            if path.name < kept[-1].name:
                with suppress(OSError):  # it is in nobody's way, and the next one tries again
                    path.unlink()


def _frame_of(head: Head, journal: Path) -> Receipt:
    """Return the frame that *head* names, read from *journal*. Raises `Unfit` when it is not that very one."""
    if head.sequence < 1:
        raise Unfit(f"it is of frame {head.sequence}, which is none")
    try:
        frame = next(read_frames(journal, head.sequence), None)
    except JournalError as error:
        raise Unfit(f"its frame {head.sequence} cannot be read: {error}") from error
    if frame is None:
        raise Unfit(f"the journal ends before its frame {head.sequence}")
    if (frame.hash.hex(), frame.instant, frame.law_digest.hex()) != (head.hash, head.instant, head.law):
        raise Unfit(f"frame {head.sequence} of this journal is another than the one it was taken at")
    return Receipt(frame.sequence, frame.hash, frame.instant)
