"""The journal: frames in a row, durable before anyone is told.

One process writes. Each append names the frame it follows, so two writers can
never both succeed. The caller gets its sequence at once and a promise of a
receipt; a single thread hashes what is waiting, writes it in as few calls as it
can and syncs once. While one group is on its way to the disk the next one fills,
so many small payments share the price of one sync.

When a write or a sync fails, nobody can say what the disk holds. The journal
then refuses everything until it is opened again: what was acknowledged is
there, what was not may or may not be.

Format of a frame: `frames.py`. Files: `segments.py`. Writing a group: `group.py`.
Reading: `reading.py`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from jiaozi.clock import Instant
from jiaozi.errors import JournalError, NotReady
from jiaozi.ledger.journal.durable_mark import NAME as MARK
from jiaozi.ledger.journal.durable_mark import read_mark
from jiaozi.ledger.journal.frames import Frame, FrameKind, Receipt
from jiaozi.ledger.journal.group import GroupWriter, Part, Waiting
from jiaozi.ledger.journal.reading import JournalReader, TornTail, read_frames
from jiaozi.ledger.journal.segments import TailFile, make_folder
from jiaozi.ledger.journal.verify import VerifyReport, verify
from jiaozi.ledger.journal.writer_lock import take_lock

__all__ = [
    "Frame",
    "FrameKind",
    "Journal",
    "Part",
    "Receipt",
    "TornTail",
    "VerifyReport",
    "read_frames",
    "verify",
]

MAX_WAITING_BYTES = 64 << 20
"""How much may wait for the disk before `append` makes its caller wait too."""


class Journal:
    """The one writer of a journal. Its methods may be called from any thread."""

    torn_tail: TornTail | None
    """What opening cut off, if the process before us died in the middle of a write."""

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        segment_bytes: int = 64 << 20,
        check_from: int = 1,
        walk: Callable[[Path], JournalReader] | None = None,
    ) -> Journal:
        """Open the journal in *folder* for writing; make the folder when there is none.

        Checks the frames from *check_from* on: one, or the frame after a snapshot that
        vouches for those before. Cuts a torn tail back to the last whole frame. A new
        segment begins once the last one is larger than *segment_bytes*.

        *walk* does the checking instead, once no other process can write: it reads to the
        end and returns its reader. So a ledger that folds every frame reads them once.

        Raises `JournalBusy` when another process writes this journal, and `JournalError`
        with segment, frame and offset when it is damaged; nothing is changed then.
        """
        make_folder(folder)
        lock = take_lock(folder)
        try:
            if walk is not None:
                reader = walk(folder)
            else:
                reader = JournalReader(folder, check_from)
                for _ in reader:
                    pass
            noted = read_mark(folder)
            if noted > reader.head.sequence:
                raise JournalError(
                    f"{folder}: frames {reader.head.sequence + 1} to {noted} were noted as flushed and are gone; "
                    f"restore them from a copy, or remove {folder / MARK} if an older copy was put back on purpose"
                )
            tail = None
            if reader.last_segment is not None:
                tail = TailFile.reopen(reader.last_segment, reader.end_offset)
            writer = GroupWriter(folder, segment_bytes, reader.head, tail)
            return cls(folder, lock, writer, reader.head, reader.torn_tail)
        except BaseException:
            os.close(lock)
            raise

    def __init__(
        self, folder: Path, lock: int, writer: GroupWriter, head: Receipt, torn_tail: TornTail | None
    ) -> None:
        """Use `Journal.open`."""
        self.torn_tail = torn_tail
        self._folder = folder
        self._lock = lock
        self._writer = writer

        # Guarded by `_changed`, which is told of every change to them.
        self._changed = threading.Condition()
        self._sequence = head.sequence
        self._instant = head.instant
        self._last: Future[Receipt] | None = None
        self._waiting: list[Waiting] = []
        self._waiting_bytes = 0  # with the group that is on its way to the disk
        self._head = head
        self._failure: BaseException | None = None
        self._is_closed = False

        # A daemon: what was never acknowledged need not keep a dying process alive.
        self._flusher = threading.Thread(target=self._flush, name=f"journal {folder}", daemon=True)
        self._flusher.start()

    @property
    def sequence(self) -> int:
        """The last frame appended, durable or not; 0 if there is none."""
        return self._sequence

    @property
    def head(self) -> Receipt:
        """The last durable frame; sequence 0 and a hash of zeros if there is none."""
        return self._head

    def append(
        self,
        kind: FrameKind,
        instant: Instant,
        law_digest: bytes,
        parts: Sequence[Part],
        *,
        follows: int,
    ) -> Future[Receipt]:
        """Append one frame with *parts*, one after the other, as its payload.

        The frame has its sequence, `follows + 1`, on return; the future gives its receipt
        once it is durable. The future cannot be cancelled, and what is called when it is
        done runs in the flushing thread: be brief there and never append.
        Waits while more than `MAX_WAITING_BYTES` are on their way to the disk.

        Raises `JournalError` when the journal is not at *follows* any more, when *instant*
        is before the last one, or when the disk failed; `NotReady` when it is closed.
        """
        waiting = Waiting.of(kind, instant, law_digest, parts)
        with self._changed:
            while self._is_full(waiting.size):
                self._changed.wait()
            if self._is_closed:
                raise NotReady(f"the journal in {self._folder} is closed")
            if self._failure is not None:
                raise self._failed()
            if follows != self._sequence:
                raise JournalError(
                    f"frame {follows + 1} cannot follow frame {follows}: the journal in {self._folder} is "
                    f"at frame {self._sequence}; decide again on what is there"
                )
            if self._sequence and instant < self._instant:
                raise JournalError(
                    f"frame {follows + 1} at {instant} ns would be earlier than frame {follows} at "
                    f"{self._instant} ns; the clock ran backwards"
                )
            self._sequence += 1
            self._instant = instant
            self._last = waiting.receipt
            self._waiting.append(waiting)
            self._waiting_bytes += waiting.size
            self._changed.notify_all()
        return waiting.receipt

    def wait(self) -> None:
        """Return once everything appended so far is durable. Raises `JournalError` if the disk failed."""
        last = self._last
        if last is not None:
            last.result()

    def frames(self, start: int = 1) -> Iterator[Frame]:
        """Give the frames from *start* to the last durable one, each checked as by `read_frames`."""
        end = self._head.sequence
        for frame in read_frames(self._folder, start):
            if frame.sequence > end:
                return
            yield frame
            start = frame.sequence + 1
        if start <= end:
            raise JournalError(f"{self._folder}: frame {start} was durable and is gone; stop and restore")

    def close(self) -> None:
        """Flush what is waiting, stop the thread and let go of the lock. Closing twice is fine.

        Raises `JournalError` when the disk failed, after letting go of everything.
        """
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
        self._flusher.join()
        self._writer.close()
        os.close(self._lock)
        if self._failure is not None:
            raise self._failed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(JournalError):  # the error on its way out says more
                self.close()

    def _is_full(self, size: int) -> bool:
        if self._failure is not None or self._is_closed:
            return False
        # A frame larger than the limit goes alone.
        return self._waiting_bytes > 0 and self._waiting_bytes + size > MAX_WAITING_BYTES

    def _failed(self) -> JournalError:
        error = JournalError(
            f"the journal in {self._folder} could not be written ({self._failure}); frames up to "
            f"{self._head.sequence} are safe; see to the disk, then open the journal again"
        )
        error.__cause__ = self._failure
        return error

    def _flush(self) -> None:
        """Write group after group until closed, or until the disk fails."""
        while group := self._next_group():
            try:
                receipts = self._writer.write(group)
            except BaseException as failure:
                self._poison(failure, group)
                return
            with self._changed:
                self._head = receipts[-1]
                self._waiting_bytes -= sum(waiting.size for waiting in group)
                self._changed.notify_all()
            for waiting, receipt in zip(group, receipts, strict=True):
                waiting.receipt.set_result(receipt)

    def _next_group(self) -> list[Waiting]:
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            group, self._waiting = self._waiting, []
        return group

    def _poison(self, failure: BaseException, group: list[Waiting]) -> None:
        self._writer.give_up()
        with self._changed:
            self._failure = failure
            group += self._waiting
            self._waiting = []
            self._changed.notify_all()
        for waiting in group:
            waiting.receipt.set_exception(self._failed())
