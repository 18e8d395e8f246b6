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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Clock, Instant
from jiaozi.errors import JournalError, NotReady
from jiaozi.ledger.facts import Fact, decode, encode
from jiaozi.ledger.frames import Frame, FrameKind, Receipt
from jiaozi.ledger.journal import Journal
from jiaozi.ledger.journal_read import TornTail
from jiaozi.ledger.payload import pack, unpack
from jiaozi.ledger.records import OPENING, TRANSFER, Transfers
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State, compare
from jiaozi.rulebook.kernel import Bits, names_of

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do, both in bytes of the journal."""

MAX_BATCH = 8_190
"""Transfers in one call, the size of TigerBeetle's largest message."""

MAX_FRAME = 8 * MAX_BATCH
"""Transfers of several callers that share one frame."""

NO_LAW = bytes(32)


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


class Ledger:
    """A book of accounts in a folder. Its methods may be called from any thread."""

    def __init__(self, journal: Journal, state: State, clock: Clock, last: Instant) -> None:
        self._journal = journal
        self._state = state
        self._clock = clock
        self._last = last
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._held: _Work | None = None
        self._failure: JournalError | None = None
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._write, name="jiaozi-ledger", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, folder: Path, *, clock: Clock, progress: Progress | None = None) -> Ledger:
        """Open the ledger in *folder*, or begin one; replay its journal.

        Raises `JournalBusy` when another process writes it, `JournalError` when it is damaged or
        replays to other results than were stored.
        """
        journal = Journal.open(folder)
        try:
            state = State()
            last = replay(journal, state, progress)
        except BaseException:
            journal.close()
            raise
        return cls(journal, state, clock, last)

    @property
    def state(self) -> State:
        """The fold of the journal. Read it; only the writer changes it."""
        return self._state

    @property
    def torn_tail(self) -> TornTail | None:
        """What opening cut off: a frame whose writing was interrupted, and that nobody was told of."""
        return self._journal.torn_tail

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
        first: int = self._ask(FrameKind.ACCOUNTS, opened.copy()).result()
        return first

    def post(self, batch: Transfers) -> Outcome:
        """Book *batch*, (n,) TRANSFER with n <= MAX_BATCH, and return one answer for each, durable."""
        return self.submit(batch).result()

    def submit(self, batch: Transfers) -> Future[Outcome]:
        """Like `post`, without waiting: several batches may be on their way at once."""
        if batch.dtype != TRANSFER:
            raise TypeError("transfers are posted as an array of records.TRANSFER")
        if not 0 < len(batch) <= MAX_BATCH:
            raise ValueError(f"a call holds 1 to {MAX_BATCH} transfers, this one {len(batch)}")
        return self._ask(FrameKind.TRANSFERS, batch.copy())

    def at_cut(self, look: Callable[[State, Receipt], T]) -> T:
        """Run *look* between two frames, once all before it is durable; nothing moves meanwhile."""
        found: T = self._ask(None, look).result()
        return found

    def reasons(self, outcome: Outcome, index: int) -> tuple[str, ...]:
        """Return the names of what stood in the way of transfer *index* of *outcome*."""
        return names_of(self._state.law, outcome.bits[index])

    def close(self) -> None:
        """Finish what waits, then stop. Closing twice is no mistake."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._waiting.put(None)
            self._writer.join()
            self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the writer's side --------------------------------------------------

    def _ask(self, kind: FrameKind | None, content: Any) -> Future[Any]:
        if self._stopped.is_set():
            raise NotReady("this ledger was closed; open it again")
        future: Future[Any] = Future()
        self._waiting.put(_Work(kind, content, future))
        return future

    def _write(self) -> None:
        while works := self._next():
            self._guard(works)
        while not self._waiting.empty():
            work = self._waiting.get()
            if work is not None:
                work.future.set_exception(NotReady("this ledger was closed; open it again"))

    def _next(self) -> list[_Work]:
        """Wait for work; return one piece, or all transfers that wait up to a full frame."""
        first = self._held or self._waiting.get()
        self._held = None
        if first is None:
            return []
        works, size = [first], len(first.content) if first.kind is FrameKind.TRANSFERS else MAX_FRAME
        while size < MAX_FRAME and not self._waiting.empty():
            more = self._waiting.get()
            if more is None or more.kind is not FrameKind.TRANSFERS or size + len(more.content) > MAX_FRAME:
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
                raise self._failure
            if works[0].kind is FrameKind.TRANSFERS:
                self._post(works)
            else:
                self._other(works[0])
        except BaseException as error:  # the caller gets it; the writer goes on
            for work in works:
                if not work.future.done():
                    work.future.set_exception(error)

    def _post(self, works: Sequence[_Work]) -> None:
        batch = works[0].content if len(works) == 1 else np.concatenate([work.content for work in works])
        ends = np.cumsum([len(work.content) for work in works]).astype(np.uint32)
        instant = self._now()
        booked = self._state.post(batch, ends, instant)
        durable = self._append(FrameKind.TRANSFERS, instant, pack(booked))

        def answer(done: Future[Receipt]) -> None:
            for work, start, end in zip(works, [0, *ends], ends, strict=False):
                outcome = partial(Outcome, booked.results[start:end], booked.bits[start:end])
                _settle(work.future, done, outcome)

        durable.add_done_callback(answer)

    def _other(self, work: _Work) -> None:
        if work.kind is None:
            self._journal.wait()
            work.future.set_result(work.content(self._state, self._head()))
            return
        instant = self._now()
        if work.kind is FrameKind.FACTS:
            self._state.record(work.content)
            durable = self._append(work.kind, instant, [encode(work.content)])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda receipt: receipt))
        else:
            self._state.check_openings(work.content)
            first = self._state.open_accounts(work.content)
            durable = self._append(work.kind, instant, [work.content])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda _: first))

    def _now(self) -> Instant:
        """Return the instant of the next frame: the clock's, and never before the last frame's."""
        self._last = max(self._last, self._clock())
        return self._last

    def _append(self, kind: FrameKind, instant: Instant, parts: Sequence[Any]) -> Future[Receipt]:
        book = self._state.book
        digest = book.digest if book else NO_LAW
        try:
            return self._journal.append(kind, instant, digest, parts, follows=self._journal.sequence)
        except JournalError as error:
            # The arrays are now ahead of the disk. Nothing more is decided on them.
            self._failure = error
            raise

    def _head(self) -> Receipt:
        head = self._journal.head
        return Receipt(head.sequence, head.hash, head.instant)


def replay(journal: Journal, state: State, progress: Progress | None = None) -> Instant:
    """Fold every frame of *journal* into *state*; return the last instant. Raises `JournalError`."""
    last = Instant(0)
    for frame in journal.frames():
        fold(frame, state)
        last = frame.instant
        if progress:
            progress(frame.sequence, journal.sequence)
    return last


def fold(frame: Frame, state: State) -> None:
    """Fold one frame into *state*, and compare what was decided with what is decided now."""
    if frame.kind is FrameKind.FACTS:
        state.record(decode(frame.payload))
    elif frame.kind is FrameKind.ACCOUNTS:
        opened = np.frombuffer(frame.payload, dtype=OPENING)
        state.check_openings(opened)
        state.open_accounts(opened)
    else:
        stored = unpack(frame.payload)
        compare(state.post(stored.batch, stored.ends, frame.instant), stored, frame.sequence)
    digest = state.book.digest if state.book else NO_LAW
    if digest != frame.law_digest:
        raise JournalError(f"frame {frame.sequence} was decided under another law than the journal enacted")


def _settle(future: Future[Any], done: Future[Receipt], make: Callable[[Receipt], Any]) -> None:
    error = done.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(make(done.result()))
