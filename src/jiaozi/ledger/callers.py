"""Callers and what they wait for: batches, single transfers of threads, single transfers of an event loop.

A caller with one transfer hands in its 64 bytes and is answered by a place in
its frame: no array, no `Future` and no lock of ours is made for it. What the
callers of one event loop hand in within one turn of the loop goes to the writer
as one piece, and one wake-up of the loop answers all of them: 64 coroutines in
one loop so get twenty times the payments of 64 threads (bench/callers.py).
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.ledger.buffers import LARGE
from jiaozi.ledger.journal.frames import FrameKind, Receipt
from jiaozi.ledger.notes import NO_NOTES, Notes, joined
from jiaozi.ledger.payload import MAX_BATCH, Booked
from jiaozi.ledger.records import CALL, TRANSFER, Choice, Transfers
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.kernel import Bits, names_of
from jiaozi.rulebook.model import Book

ROW: Final = struct.Struct("<QQIIqIHHQQBBBBHH")
"""One `records.TRANSFER` as bytes, its fields in their order."""

assert ROW.size == TRANSFER.itemsize


@dataclass(frozen=True, slots=True)
class Outcome:
    """Answers to one call.

    results      (n,) u8 of `Result`
    bits         (n, words) u64 of reasons, under the law *law*
    receipt      of the frame that is durable now
    amounts_fen  (n,) i64: what each moved, zero where nothing was booked by this call
    """

    results: NDArray[np.uint8]
    bits: Bits
    receipt: Receipt
    amounts_fen: NDArray[np.int64]
    law: Book

    @property
    def created(self) -> int:
        """How many transfers were booked."""
        return int(np.count_nonzero(self.results == Result.CREATED))

    def reasons(self, index: int) -> tuple[str, ...]:
        """Return the names of what stood in the way of transfer *index*."""
        return names_of(self.law, self.bits[index])

    def part(self, start: int, end: int) -> Outcome:
        """Return the answers from *start* until *end*."""
        if start == 0 and end == len(self.results):
            return self
        part = slice(start, end)
        return Outcome(self.results[part], self.bits[part], self.receipt, self.amounts_fen[part], self.law)


def outcome_of(booked: Booked, receipt: Receipt, law: Book) -> Outcome:
    """Return the answers to all of a frame."""
    moved = booked.as_booked()["amount"] * (booked.results == Result.CREATED)
    return Outcome(booked.results, booked.bits, receipt, moved, law)


class Waiting(Protocol):
    """Who waits for transfers in a frame."""

    def __len__(self) -> int: ...
    def settle(self, frame: Outcome, first: int) -> None:
        """Answer: the transfers stand in *frame* from *first* on, and are durable."""

    def fail(self, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Something for the writer to do, and who waits for it. A batch of transfers is one of them."""

    kind: FrameKind | None  # None: a function to run between two frames
    content: Any
    future: Future[Any]
    at: Instant | None = None
    choice: Choice = Choice.CONTINUE
    notes: Notes = NO_NOTES

    def __len__(self) -> int:
        return len(self.content)

    def __bool__(self) -> bool:
        return True

    def settle(self, frame: Outcome, first: int) -> None:
        if not self.future.done():
            self.future.set_result(frame.part(first, first + len(self.content)))

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


Place = tuple[Outcome, int, int, int]
"""The answer to a single transfer: its frame, where it stands in it, its result and what it moved, in fen."""


class OneOfThread:
    """A single transfer of a thread that waits for it."""

    __slots__ = ("_done", "_error", "_place", "rows")

    def __init__(self, row: bytes) -> None:
        self.rows: Sequence[bytes] = (row,)
        # A bare lock: a `Future` makes three objects more, and costs as much as the payment.
        self._done = threading.Lock()
        self._done.acquire()
        self._place: Place | None = None
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return 1

    def settle(self, frame: Outcome, first: int) -> None:
        if self._is_open():
            self._place = frame, first, int(frame.results[first]), int(frame.amounts_fen[first])
            self._done.release()

    def fail(self, error: BaseException) -> None:
        if self._is_open():
            self._error = error
            self._done.release()

    def _is_open(self) -> bool:
        """Whether it was not answered yet: the first answer stands."""
        return self._place is None and self._error is None

    def wait(self) -> Place:
        """Return the answer once it is durable. Raises what the ledger raised."""
        self._done.acquire()
        if self._place is None:
            assert self._error is not None
            raise self._error
        return self._place


class LoopPort:
    """Where the callers of one event loop hand in. Used in its thread only, but for what it is told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[OnesOfLoop], None]) -> None:
        self.loop = loop
        self._send = send
        self._rows: list[bytes] = []
        self._promises: list[asyncio.Future[Place]] = []
        self._told: deque[tuple[OnesOfLoop, Outcome | BaseException, int]] = deque()
        self._is_woken = False

    def hand_in(self, row: bytes) -> asyncio.Future[Place]:
        """Return the promise of an answer; *row* goes to the writer when this turn of the loop ends."""
        if not self._rows:
            self.loop.call_soon(self.send)
        promise: asyncio.Future[Place] = asyncio.Future(loop=self.loop)
        self._rows.append(row)
        self._promises.append(promise)
        return promise

    def send(self) -> None:
        """Hand what was collected to the writer."""
        rows, promises = self._rows, self._promises
        self._rows, self._promises = [], []
        for start in range(0, len(rows), MAX_BATCH):
            part = slice(start, start + MAX_BATCH)
            ones = OnesOfLoop(self, rows[part], promises[part])
            try:
                self._send(ones)
            except Exception as error:
                _answer(ones, error, 0)

    def tell(self, ones: OnesOfLoop, frame: Outcome | BaseException, first: int) -> None:
        """Take an answer, in any thread, and wake the loop unless it was woken and did not look yet."""
        self._told.append((ones, frame, first))
        # The answer is there before the flag is read, and `_deliver` lowers the flag before it reads
        # the answers: whoever finds the flag up is seen by the delivery that has yet to lower it.
        if not self._is_woken:
            self._is_woken = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                """The loop was closed: nobody waits any more, and what was booked stays booked."""

    def _deliver(self) -> None:
        self._is_woken = False
        while self._told:
            _answer(*self._told.popleft())


class OnesOfLoop:
    """Single transfers that callers of one event loop handed in within one turn of it."""

    __slots__ = ("_port", "promises", "rows")

    def __init__(
        self, port: LoopPort, rows: Sequence[bytes], promises: Sequence[asyncio.Future[Place]]
    ) -> None:
        self.rows = rows
        self.promises = promises
        self._port = port

    def __len__(self) -> int:
        return len(self.rows)

    def settle(self, frame: Outcome, first: int) -> None:
        self._port.tell(self, frame, first)

    def fail(self, error: BaseException) -> None:
        self._port.tell(self, error, 0)


Ones = OneOfThread | OnesOfLoop


def _answer(ones: OnesOfLoop, frame: Outcome | BaseException, first: int) -> None:
    """Keep the promises of *ones*, in the thread of their loop. Who was cancelled is passed over."""
    if isinstance(frame, BaseException):
        for promise in ones.promises:
            if not promise.done():
                promise.set_exception(frame)
        return
    places = range(first, first + len(ones))
    part = slice(first, first + len(ones))
    told = zip(
        repeat(frame), places, frame.results[part].tolist(), frame.amounts_fen[part].tolist(), strict=False
    )
    for promise, place in zip(ones.promises, told, strict=True):
        if not promise.done():
            promise.set_result(place)


def frame_of(
    works: Sequence[Work | Ones], take: Callable[[int], Transfers]
) -> tuple[Transfers, NDArray[np.void], Notes]:
    """Return the transfers, calls and notes of *works* as those of one frame.

    A batch that stands alone is not copied. Single transfers become one array; batches that are
    joined go into the room that *take* gives for so many transfers.
    """
    batch = _rows_of(works, take)
    if all(not isinstance(work, Work) for work in works):
        calls = np.zeros(len(batch), dtype=CALL)
        calls["end"] = np.arange(1, len(batch) + 1)
        return batch, calls, NO_NOTES
    ends, choices, notes, first = [], [], [], 0
    for work in works:
        if isinstance(work, Work):
            ends.append(first + len(work))
            choices.append(work.choice)
            notes.append((first, work.notes))
        else:
            ends += range(first + 1, first + len(work) + 1)
            choices += [Choice.CONTINUE] * len(work)
        first += len(work)
    calls = np.zeros(len(ends), dtype=CALL)
    calls["end"], calls["choice"] = ends, choices
    return batch, calls, joined(notes)


def _rows_of(works: Sequence[Work | Ones], take: Callable[[int], Transfers]) -> Transfers:
    if len(works) == 1 and isinstance(works[0], Work):
        return cast(Transfers, works[0].content)
    parts: list[Any] = []
    for work in works:
        if isinstance(work, Work):
            parts.append(work.content.view(np.uint8))
        else:
            parts += work.rows
    count = sum(map(len, works))
    if count < LARGE:
        # A bytearray, since numba compiles the kernel again for memory that must not be written.
        return np.frombuffer(bytearray().join(parts), dtype=TRANSFER)
    batch = take(count)
    np.concatenate([np.frombuffer(part, dtype=np.uint8) for part in parts], out=batch.view(np.uint8))
    return batch
