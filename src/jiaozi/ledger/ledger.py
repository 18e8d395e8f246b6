"""The ledger: one writer, many callers, nothing answered before it is on disk.

Every change goes through one thread. It takes whatever waits, joins the
transfers of all callers into one frame, runs the kernel, and hands the frame to
the journal; while that is flushed the next frame fills. A caller's answer comes
when the flush is done. Reads look at the arrays as they stand; `at_cut` runs a
function between two frames, where everything belongs to one instant.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Clock, Instant, moment_of
from jiaozi.errors import FactError, JournalError, NotReady
from jiaozi.ledger.facts import Fact, decode, encode
from jiaozi.ledger.frames import MAX_PAYLOAD_BYTES, NO_HASH, FrameKind, Receipt
from jiaozi.ledger.journal import Journal
from jiaozi.ledger.journal_read import JournalReader, TornTail
from jiaozi.ledger.payload import MAX_BATCH as MAX_BATCH
from jiaozi.ledger.payload import MAX_FRAME, pack
from jiaozi.ledger.records import OPENING, TRANSFER, Transfers
from jiaozi.ledger.restart import Progress as Progress
from jiaozi.ledger.restart import Restarted, restart
from jiaozi.ledger.restart import fold as fold
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshot import Written, write
from jiaozi.ledger.snapshot_files import PassedOver
from jiaozi.ledger.snapshot_parts import Picture, Room
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, State
from jiaozi.rulebook.machine.kernel import Bits, names_of

T = TypeVar("T")
MAX_OPENINGS = 1 << 22
"""Accounts opened in one call: 64 MiB of the journal."""

NO_LAW = NO_HASH


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers to one call: `results` (n,) u8 of `Result`, `bits` (n, words) u64 of reasons."""

    results: NDArray[np.uint8]
    bits: Bits
    receipt: Receipt

    @property
    def created(self) -> int:
        """How many transfers were booked."""
        return int(np.count_nonzero(self.results == Result.CREATED))


@dataclass(frozen=True, slots=True)
class _Work:
    """Something for the writer to do, and who waits for it."""

    kind: FrameKind | None  # None: a function to run between two frames
    content: Any
    future: Future[Any]
    at: Instant | None = None

    def joins(self, other: _Work) -> bool:
        """Whether both may stand in one frame."""
        return self.kind is other.kind is FrameKind.TRANSFERS and self.at == other.at


class Ledger:
    """A book of accounts in a folder. Its methods may be called from any thread."""

    def __init__(self, journal: Journal, folder: Path, restarted: Restarted, clock: Clock) -> None:
        """Use `Ledger.open`."""
        self._journal = journal
        self._folder = folder
        self._state = restarted.state
        self._clock = clock
        self._last = restarted.reader.head.instant
        self._snapshot = restarted.snapshot
        self._passed_over = tuple(restarted.passed_over)
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._held: _Work | None = None
        self._failure: JournalError | None = None
        self._closing = threading.Lock()  # nothing may start to wait once the writer was told to stop
        self._is_closed = False
        self._writer = threading.Thread(target=self._write, name="jiaozi-ledger", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, folder: Path, *, clock: Clock, progress: Progress | None = None) -> Ledger:
        """Open the ledger in *folder*, or begin one; fold its journal behind the newest good snapshot.

        Raises `JournalBusy` when another process writes it, `JournalError` when it is damaged or
        replays to other results than were stored.
        """
        found: list[Restarted] = []

        def walk(folder: Path) -> JournalReader:
            found.append(restart(folder, progress))
            return found[0].reader

        journal = Journal.open(folder, walk=walk)
        return cls(journal, folder, found[0], clock)

    @property
    def state(self) -> State:
        """The fold of the journal. Read it; only the writer changes it."""
        return self._state

    @property
    def torn_tail(self) -> TornTail | None:
        """What opening cut off: a frame whose writing was interrupted, and that nobody was told of."""
        return self._journal.torn_tail

    @property
    def opened_from(self) -> Path | None:
        """The snapshot that opening began with; None when it folded the whole journal."""
        return self._snapshot

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Snapshots that opening did not use, newest first, and why."""
        return self._passed_over

    @property
    def sequence(self) -> int:
        """The number of the last frame, durable or about to be."""
        return self._journal.sequence

    def record(self, *facts: Fact) -> Receipt:
        """Put *facts* into the journal as one frame, all or none. Raises `FactError`."""
        receipt: Receipt = self._ask(FrameKind.FACTS, facts).result()
        return receipt

    def open_accounts(self, opened: NDArray[np.void]) -> int:
        """Open accounts, (n,) OPENING; return the number of the first. Raises `FactError`."""
        if opened.dtype != OPENING:
            raise TypeError("accounts are opened from an array of records.OPENING")
        if opened.ndim != 1 or not 0 < len(opened) <= MAX_OPENINGS:
            raise ValueError(f"a call opens a row of 1 to {MAX_OPENINGS:,} accounts, this one {opened.shape}")
        first: int = self._ask(FrameKind.ACCOUNTS, opened.copy()).result()
        return first

    def post(self, batch: Transfers) -> Outcome:
        """Book *batch*, (n,) TRANSFER with n <= MAX_BATCH, and return one answer for each, durable."""
        return self.submit(batch).result()

    def submit(self, batch: Transfers, *, at: Instant | None = None) -> Future[Outcome]:
        """Like `post`, without waiting: several batches may be on their way at once.

        *at* is the instant at which the batch came in, for simulations; by default the clock is asked.
        """
        if batch.dtype != TRANSFER:
            raise TypeError("transfers are posted as an array of records.TRANSFER")
        if batch.ndim != 1 or not 0 < len(batch) <= MAX_BATCH:
            raise ValueError(f"a call holds a row of 1 to {MAX_BATCH:,} transfers, this one {batch.shape}")
        return self._ask(FrameKind.TRANSFERS, batch.copy(), at)

    def at_cut(self, look: Callable[[State, Receipt], T]) -> T:
        """Run *look* between two frames, once all before it is durable; nothing moves meanwhile."""
        found: T = self._ask(None, look).result()
        return found

    def snapshot(self) -> Written:
        """Write a snapshot of the state as it stands now; durable on return.

        Payments wait while the arrays are copied, not while the copy is written. The copy takes as much
        memory as the accounts and ids do; `restart.write_from_journal` in another process spares this one both.

        Raises `NotReady` before the first frame, `JournalBusy` while another snapshot is being written,
        `OSError` when the disk fails or is full; the ledger goes on, and older snapshots stand.
        """
        room = Room.beside(self._state)
        picture, receipt = self.at_cut(lambda state, receipt: (Picture.of(state).copied(room), receipt))
        return write(self._folder, picture, receipt, self._passed_over)

    def reasons(self, outcome: Outcome, index: int) -> tuple[str, ...]:
        """Return the names of what stood in the way of transfer *index* of *outcome*."""
        return names_of(self._state.law, outcome.bits[index])

    def close(self) -> None:
        """Finish what waits, then stop. Closing twice is no mistake.

        Raises `JournalError` when the disk failed, after letting go of everything.
        """
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._waiting.put(None)
        self._writer.join()
        self._journal.close()

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

    # -- the writer's side --------------------------------------------------

    def _ask(self, kind: FrameKind | None, content: Any, at: Instant | None = None) -> Future[Any]:
        future: Future[Any] = Future()
        # It cannot be cancelled: once it waits it may be booked, and others may share its frame.
        future.set_running_or_notify_cancel()
        with self._closing:
            if self._is_closed:
                raise NotReady("this ledger was closed; open it again")
            self._waiting.put(_Work(kind, content, future, at))
        return future

    def _write(self) -> None:
        while works := self._next():
            self._guard(works)

    def _next(self) -> list[_Work]:
        """Wait for work; return one piece, or all transfers that wait up to a full frame."""
        first = self._held or self._waiting.get()
        self._held = None
        if first is None:
            return []
        works, size = [first], len(first.content) if first.kind is FrameKind.TRANSFERS else MAX_FRAME
        while size < MAX_FRAME and not self._waiting.empty():
            more = self._waiting.get()
            if more is None or not more.joins(first) or size + len(more.content) > MAX_FRAME:
                self._held = more
                if more is None:
                    self._waiting.put(None)
                break
            works.append(more)
            size += len(more.content)
        return works

    def _guard(self, works: Sequence[_Work]) -> None:
        try:
            if self._failure is not None:
                raise JournalError(str(self._failure)) from self._failure.__cause__
            if works[0].kind is FrameKind.TRANSFERS:
                self._post(works)
            elif works[0].kind is None:
                self._look(works[0])
            else:
                self._other(works[0])
        except BaseException as error:  # the caller gets it; the writer goes on
            # A fact or a clock that will not do was refused before anything changed, and what
            # a look raises is its caller's. After anything else the arrays may be half changed.
            if works[0].kind is not None and not isinstance(error, FactError | NotReady):
                self._fail(error)
            for work in works:
                if not work.future.done():
                    work.future.set_exception(error)

    def _post(self, works: Sequence[_Work]) -> None:
        batch = works[0].content if len(works) == 1 else np.concatenate([work.content for work in works])
        ends = np.cumsum([len(work.content) for work in works]).astype(np.uint32)
        instant = self._now(works[0].at)
        booked = self._state.post(batch, ends, instant)
        durable = self._append(FrameKind.TRANSFERS, instant, pack(booked))

        def answer(done: Future[Receipt]) -> None:
            for work, start, end in zip(works, [0, *ends], ends, strict=False):
                outcome = partial(Outcome, booked.results[start:end], booked.bits[start:end])
                _settle(work.future, done, outcome)

        durable.add_done_callback(answer)

    def _look(self, work: _Work) -> None:
        self._journal.wait()
        work.future.set_result(work.content(self._state, self._head()))

    def _other(self, work: _Work) -> None:
        instant = self._now(work.at)
        if work.kind is FrameKind.FACTS:
            # The facts are taken as a replay will read them, so that live and replay cannot differ.
            payload = encode(work.content)
            if len(payload) > MAX_PAYLOAD_BYTES:
                raise FactError(f"facts of {len(payload):,} bytes do not fit a frame; record them in parts")
            self._state.record(decode(payload))
            durable = self._append(work.kind, instant, [payload])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda receipt: receipt))
        else:
            self._state.check_openings(work.content)
            first = self._state.open_accounts(work.content)
            durable = self._append(FrameKind.ACCOUNTS, instant, [work.content])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda _: first))

    def _now(self, at: Instant | None = None) -> Instant:
        """Return the instant of the next frame: *at* or the clock's, and never before the last frame's."""
        instant = max(self._last, self._clock() if at is None else at)
        if not FIRST_INSTANT <= instant < LAST_INSTANT:
            raise NotReady(f"the clock says {moment_of(instant)}, which cannot be; set it and try again")
        self._last = instant
        return instant

    def _append(self, kind: FrameKind, instant: Instant, parts: Sequence[Any]) -> Future[Receipt]:
        book = self._state.book
        digest = book.digest if book else NO_LAW
        durable = self._journal.append(kind, instant, digest, parts, follows=self._journal.sequence)
        durable.add_done_callback(self._note)
        return durable

    def _note(self, durable: Future[Receipt]) -> None:
        error = durable.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Decide nothing more: the arrays are ahead of the disk, or nobody knows what they hold."""
        if self._failure is None:
            failure = JournalError(f"the ledger stopped ({error}); nothing more is booked; open it again")
            failure.__cause__ = error
            self._failure = failure

    def _head(self) -> Receipt:
        head = self._journal.head
        return Receipt(head.sequence, head.hash, head.instant)


def _settle(future: Future[Any], done: Future[Receipt], make: Callable[[Receipt], Any]) -> None:
    error = done.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(make(done.result()))
