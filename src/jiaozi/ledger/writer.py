"""The writer: the one thread that changes the state, frame after frame.

It takes whatever waits, joins the transfers of callers that came together into
one frame, lets the state post it and hands it to the journal; while that is
flushed the next frame fills. Counting and answering are done by others.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Clock, Instant
from jiaozi.errors import FactError, JournalError, NotReady
from jiaozi.ledger.buffers import Buffers, Loan
from jiaozi.ledger.callers import Ones, Work, frame_of, outcome_of
from jiaozi.ledger.counting import Counting
from jiaozi.ledger.facts import decode, encode
from jiaozi.ledger.journal.frames import MAX_PAYLOAD_BYTES, NO_HASH, FrameKind, Receipt
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.memory import Ahead
from jiaozi.ledger.notes import NO_NOTES, Notes
from jiaozi.ledger.payload import MAX_BATCH, Booked, pack
from jiaozi.ledger.records import Transfers, one_call, transfers
from jiaozi.ledger.shadow import Shadow
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, State
from jiaozi.rulebook.model import Book

IDLE_SECONDS = 1.0
"""While transfers are pending and nobody posts, the writer looks so often whether one has timed out."""

NO_LAW = NO_HASH

TICK: Final = object()
"""In the place of a look: let time pass."""


class Writer:
    """The thread that writes, and the queue in front of it."""

    def __init__(self, journal: Journal, state: State, clock: Clock, buffers: Buffers) -> None:
        self._journal = journal
        self._state = state
        self._clock = clock
        self._buffers = buffers
        self._last = journal.head.instant
        self._waiting: queue.SimpleQueue[Work | Ones | None] = queue.SimpleQueue()
        self._held: Work | Ones | None = None
        self._failure: JournalError | None = None
        self._closing = threading.Lock()  # nothing may start to wait once the writer was told to stop
        self._is_closed = False
        self._counting = Counting(state.count, self._fail)
        self._ahead = Ahead()
        self.shadow: Shadow | None = None
        """The law that is asked beside the one in force. Change it between two frames: in a look."""
        self.thread = threading.Thread(target=self._write, name="jiaozi-ledger", daemon=True)
        self.thread.start()

    def put(self, work: Work | Ones) -> None:
        """Let *work* wait for its turn. Raises `NotReady` when the ledger was closed."""
        with self._closing:
            if self._is_closed:
                raise NotReady("this ledger was closed; open it again")
            self._waiting.put(work)

    def ask(self, kind: FrameKind | None, content: Any) -> Any:
        """Let the writer do something that is no transfer, and return what it gave."""
        work = Work(kind, content, Future())
        self.put(work)
        return work.future.result()

    def close(self) -> None:
        """Finish what waits, then stop.

        Raises `JournalError` when the disk failed, after letting go of everything.
        """
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._waiting.put(None)
        self.thread.join()
        try:
            self._journal.close()
        finally:
            self._counting.close()
            self._ahead.close()
            if self.shadow is not None:
                self.shadow.close()

    # -- its own thread -----------------------------------------------------

    def _write(self) -> None:
        while works := self._next():
            self._guard(works)

    def _next(self) -> list[Work | Ones]:
        """Wait for work; return one piece, or the transfers that wait, up to a full batch.

        Full batches get a frame each: joining them would copy them, and they share a flush anyway.
        """
        first = self._held or self._wait()
        self._held = None
        if first is None:
            return []
        works, size = [first], len(first) if _is_transfers(first) else MAX_BATCH
        while size < MAX_BATCH and not self._waiting.empty():
            more = self._waiting.get()
            if more is None or not _join(first, more) or size + len(more) > MAX_BATCH:
                self._held = more
                if more is None:
                    self._waiting.put(None)
                break
            works.append(more)
            size += len(more)
        return works

    def _wait(self) -> Work | Ones | None:
        while self._state.next_deadline is not None and self._failure is None:
            try:
                return self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._look_at_the_clock()
        return self._waiting.get()

    def _look_at_the_clock(self) -> None:
        """Release what is due. A clock that cannot be right is told to the next caller."""
        try:
            self._release()
        except NotReady:
            return
        except BaseException as error:
            self._fail(error)

    def _guard(self, works: Sequence[Work | Ones]) -> None:
        first = works[0]
        try:
            if self._failure is not None:
                raise JournalError(str(self._failure)) from self._failure.__cause__
            if not isinstance(first, Work) or first.kind is FrameKind.TRANSFERS:
                self._post(works)
            elif first.kind is None:
                self._look(first)
            else:
                self._other(first)
        except BaseException as error:  # the caller gets it; the writer goes on
            # A fact or a clock that will not do was refused before anything changed, and what
            # a look raises is its caller's. After anything else the arrays may be half changed.
            is_look = isinstance(first, Work) and first.kind is None and first.content is not TICK
            if not is_look and not isinstance(error, FactError | NotReady):
                self._fail(error)
            for work in works:
                work.fail(error)

    def _post(self, works: Sequence[Work | Ones]) -> None:
        batch, calls, notes = frame_of(works, self._buffers.take)
        instant = self._now(works[0].at if isinstance(works[0], Work) else None)
        law = self._state.law
        booked, durable, loan = self._book(batch, calls, instant, notes)
        if len(works) > 1:
            for work in works:
                if isinstance(work, Work):
                    self._buffers.give_back(work.content)

        def answer(done: Future[Receipt]) -> None:
            _answer(works, done, booked, law)
            loan.leave()

        durable.add_done_callback(answer)
        # From here on the works belong to *answer*: what goes wrong beside them is no answer of theirs.
        try:
            self._counting.add(booked, instant, loan)
            self._ahead.look(self._state.ids)
        except BaseException as error:
            self._fail(error)

    def _book(
        self, batch: Transfers, calls: NDArray[np.void], instant: Instant, notes: Notes
    ) -> tuple[Booked, Future[Receipt], Loan]:
        """Post a frame and hand it to the journal; who calls this adds it to the counts afterwards."""
        shadow = self.shadow
        beside = shadow.room(len(batch), instant) if shadow is not None else None
        booked = self._state.post(batch, calls, instant, notes, beside)
        durable = self._append(FrameKind.TRANSFERS, instant, pack(booked))
        # Who counts, who answers once it is written, and with a shadow who compares.
        loan = Loan(self._buffers, batch, users=2 if beside is None else 3)
        if shadow is not None and beside is not None:
            durable.add_done_callback(lambda done: shadow.add(done, booked, beside, loan))
        return booked, durable, loan

    def _release(self) -> Future[Receipt] | None:
        """Append frames of no transfers as long as a pending transfer is due; return the last one's promise."""
        last = None
        while (due := self._state.next_deadline) is not None and due <= max(self._last, self._clock()):
            instant = self._now()
            booked, last, loan = self._book(transfers(0), one_call(0), instant, NO_NOTES)
            self._counting.add(booked, instant, loan)
        return last

    def _look(self, work: Work) -> None:
        if work.content is TICK:
            released = self._release()
            if released is None:
                work.future.set_result(None)
            else:
                released.add_done_callback(lambda done: _settle(work.future, done, lambda receipt: receipt))
            return
        self._journal.wait()
        self._counting.finish()
        work.future.set_result(work.content(self._state, self._head()))

    def _other(self, work: Work) -> None:
        # What is still uncounted is counted under the law and with the accounts it was booked with.
        self._counting.finish()
        if work.kind is FrameKind.FACTS:
            self._release()  # facts let nothing time out, so what is due goes first
        instant = self._now(work.at)
        if work.kind is FrameKind.FACTS:
            # The facts are taken as a replay will read them, so that live and replay cannot differ.
            payload = encode(work.content)
            if len(payload) > MAX_PAYLOAD_BYTES:
                raise FactError(f"facts of {len(payload):,} bytes do not fit a frame; record them in parts")
            self._state.record(decode(payload))
            self._check_shadow()
            durable = self._append(work.kind, instant, [payload])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda receipt: receipt))
        else:
            self._state.check_openings(work.content)
            first = self._state.open_accounts(work.content)
            durable = self._append(FrameKind.ACCOUNTS, instant, [work.content])
            durable.add_done_callback(lambda done: _settle(work.future, done, lambda _: first))

    def _check_shadow(self) -> None:
        """Stop the shadow once another law is in force: it is a reform of the one before."""
        shadow, book = self.shadow, self._state.book
        if shadow is not None and book is not None and book.digest != shadow.law.digest:
            shadow.end(self._journal.sequence + 1)

    def _now(self, at: Instant | None = None) -> Instant:
        """Return the instant of the next frame: *at* or the clock's, and never before the last frame's."""
        instant = max(self._last, self._clock() if at is None else at)
        if not FIRST_INSTANT <= instant < LAST_INSTANT:
            raise NotReady(f"the clock says {instant} ns since 1970, which cannot be; set it and try again")
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


def _answer(works: Sequence[Work | Ones], done: Future[Receipt], booked: Booked, law: Book) -> None:
    """Tell each of *works* what became of its transfers, once their frame is durable or never will be."""
    error = done.exception()
    if error is not None:
        for work in works:
            work.fail(error)
        return
    frame = outcome_of(booked, done.result(), law)
    first = 0
    for work in works:
        work.settle(frame, first)
        first += len(work)


def _is_transfers(work: Work | Ones) -> bool:
    return not isinstance(work, Work) or work.kind is FrameKind.TRANSFERS


def _join(one: Work | Ones, other: Work | Ones) -> bool:
    """Whether both may stand in one frame."""
    if not _is_transfers(one) or not _is_transfers(other):
        return False
    return (one.at if isinstance(one, Work) else None) == (other.at if isinstance(other, Work) else None)
