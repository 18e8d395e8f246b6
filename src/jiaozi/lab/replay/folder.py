"""The folder of a recording: its files, written to by one process at a time and read by any of its owner.

    head.json             what there is, and of which journal: put in its place last, and whole
    questions-000.rows    QUESTION each, dealt over 64 files by person; they only grow
    frames.rows           FRAME each; it only grows
    kinds.rows            rows of the table of kinds; it only grows
    held-N.rows           HELD each: the accounts after frame N of the journal
    open-N.rows           OPEN each: reservations that are open after frame N
    snapshots/N.jzs       the ledger's state after frame N, from which a recording goes on

A recorder that dies leaves rows behind those that the head counts. Nobody reads them, and the next
recorder cuts them off. Who reads keeps the files open, so that a folder that is made anew takes
nothing from him.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError, NotReady
from jiaozi.lab.replay.kinds import COLUMNS
from jiaozi.lab.replay.records import FORMAT, FRAME, PARTS, QUESTION, Head, Questions
from jiaozi.ledger.journal.segments import sync_file
from jiaozi.ledger.snapshots.snapshot import FOLDER as SNAPSHOTS
from jiaozi.proof.whole import write_whole

HEAD = "head.json"
FRAMES = "frames.rows"
KINDS = "kinds.rows"

SYNCING = 8
"""Files that are made durable at the same time."""

WAIT_SECONDS = 0.05


def part_name(number: int) -> str:
    """Return the file of a part."""
    return f"questions-{number:03d}.rows"


def held_name(sequence: int) -> str:
    """Return the file of the accounts after frame *sequence*."""
    return f"held-{sequence:020}.rows"


def open_name(sequence: int) -> str:
    """Return the file of the reservations that are open after frame *sequence*."""
    return f"open-{sequence:020}.rows"


class _Form(msgspec.Struct):
    format: str = ""


def is_recorded(folder: Path) -> bool:
    """Return whether *folder* has a recording that this Jiaozi wrote. Raises `JournalError` for a damaged head."""
    try:
        return msgspec.json.decode((folder / HEAD).read_bytes(), type=_Form).format == FORMAT
    except FileNotFoundError:
        return False
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(folder, error) from None


def read_head(folder: Path) -> Head:
    """Return the head of *folder*. Raises `JournalError` when it is none."""
    try:
        head = msgspec.json.decode((folder / HEAD).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError) as error:
        raise _unreadable(folder, error) from None
    if head.format != FORMAT or len(head.parts) != PARTS or head.facts != COLUMNS:
        raise JournalError(f"{folder} is not whole; remove it, and it is made again")
    return head


def _unreadable(folder: Path, error: Exception) -> JournalError:
    return JournalError(f"{folder} cannot be read ({error}); remove it, and it is made again")


@contextmanager
def alone(work: Path, stop: Callable[[], bool] | None) -> Iterator[None]:
    """Wait until no other process or thread records into *work*, an existing folder, and keep them out.

    The lock is on the folder itself and ends with the process. Raises `NotReady` when *stop* asks to.
    """
    file = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    never = threading.Event()
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop is not None and stop():
                    raise NotReady("the replay was stopped") from None
                never.wait(WAIT_SECONDS)
        yield
    finally:
        os.close(file)


class Writing:
    """The growing files of *folder*, cut to *parts*, *frames* and *kinds* rows and open for more."""

    def __init__(self, folder: Path, parts: Sequence[int], frames: int, kinds: int) -> None:
        self.folder = folder
        self.parts = list(parts)
        """Rows of each part."""
        self._touched: set[str] = set()
        self._waiting: list[Questions] = []
        self._waiting_count = 0
        for number, count in enumerate(self.parts):
            _cut(folder / part_name(number), count * QUESTION.itemsize)
        for name, size in ((FRAMES, frames * FRAME.itemsize), (KINDS, kinds * len(COLUMNS) * 8)):
            _cut(folder / name, size)
            self.append(name, np.zeros(0))
        # Last: whoever is told that the files are not whole has nothing to close.
        self._dealer = ThreadPoolExecutor(1, thread_name_prefix="jiaozi-deal")
        self._dealt: Future[None] = self._dealer.submit(lambda: None)

    def append(self, name: str, rows: NDArray[Any]) -> None:
        """Write *rows* at the end of the file *name*, which is made if it is not there."""
        self._touched.add(name)
        with (self.folder / name).open("ab") as file:
            rows.tofile(file)

    def questions(self, rows: Questions) -> None:
        """Take in *rows*; a thread of its own deals them over the files while the next are recorded."""
        self._waiting.append(rows)
        self._waiting_count += len(rows)
        if self._waiting_count >= FLUSHED_AFTER:
            self._flush()

    def finish(self, whole: Mapping[str, NDArray[Any]]) -> None:
        """Write the files *whole* by name, and make durable all that was written."""
        self._flush()
        self._dealt.result()
        for name, rows in whole.items():
            (self.folder / name).unlink(missing_ok=True)  # of a recorder that died
            self.append(name, rows)
        with ThreadPoolExecutor(SYNCING, thread_name_prefix="jiaozi-sync") as pool:
            list(pool.map(self._sync, sorted(self._touched)))

    def close(self) -> None:
        self._dealer.shutdown()

    def place(self, head: Head) -> None:
        """Put *head* in its place: from now on there is what it says."""
        write_whole(self.folder / HEAD, msgspec.json.encode(head))
        tidy(self.folder, head.journal_sequence)

    def _sync(self, name: str) -> None:
        file = os.open(self.folder / name, os.O_RDONLY)
        try:
            sync_file(file)
        finally:
            os.close(file)

    def _flush(self) -> None:
        if self._waiting:
            waiting, self._waiting, self._waiting_count = self._waiting, [], 0
            self._dealt.result()
            self._dealt = self._dealer.submit(self._deal, waiting)

    def _deal(self, waiting: list[Questions]) -> None:
        rows = np.concatenate([each.view(np.uint64) for each in waiting]).view(QUESTION)
        part = (rows["person"] % PARTS).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=PARTS))
        # As words: a row at a time of a record takes five times as long.
        words = rows.view(np.uint64).reshape(len(rows), -1)[order]
        start = 0
        for number, end in enumerate(ends.tolist()):
            if end > start:
                self.append(part_name(number), words[start:end])
            self.parts[number] += end - start
            start = end


FLUSHED_AFTER = 1 << 18
"""Questions kept in memory before they are dealt over the files: 27 MB, and up to four times that while they are."""


def tidy(folder: Path, sequence: int) -> None:
    """Remove the files that stand at another frame than *sequence*, of a head before or of a recorder that died."""
    for pattern in ("held-*.rows", "open-*.rows", f"{SNAPSHOTS}/*.jzs"):
        for path in folder.glob(pattern):
            if not path.stem.endswith(f"{sequence:020}"):
                path.unlink()
    for path in folder.glob(f".{HEAD}.*.part"):
        path.unlink()


def _cut(path: Path, size: int) -> None:
    """Leave *size* bytes of the file at *path*. Raises `JournalError` when there are fewer."""
    there = path.stat().st_size if path.exists() else 0
    if there < size:
        raise JournalError(f"{path} is not whole; remove {path.parent}, and it is made again")
    if there > size:
        os.truncate(path, size)


@contextmanager
def anew(folder: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of *folder* when all went well; nothing is left of it otherwise."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    # Who paid whom stands in it, as in the journal: nobody else reads it. What is above it may be anybody's.
    part.mkdir(mode=0o700, parents=True)
    try:
        yield part
        (folder / HEAD).unlink(
            missing_ok=True
        )  # first: without a head the rest is nothing, if we are killed now
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
