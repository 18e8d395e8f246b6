"""Frames are counted behind the writer's back, in their order and one at a time.

Counting a frame takes longer than posting a few transfers. So a thread of its
own does it, and small frames that came within a twentieth of a second are
counted as one. Who needs the counts of every frame, such as a cut, calls `finish`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.buffers import Loan
from jiaozi.ledger.payload import MAX_BATCH, Booked
from jiaozi.ledger.records import one_call

GATHERED_SECONDS = 0.05
MOST_BEHIND = 64 * MAX_BATCH
"""With more transfers than this uncounted, the writer counts them itself."""

_MINUTE = 60 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class _Uncounted:
    booked: Booked
    instant: Instant
    loan: Loan


class Counting:
    """Counts what it is given by calling *count*; an error goes to *failed* and ends it."""

    def __init__(
        self, count: Callable[[Booked, Instant], None], failed: Callable[[BaseException], None]
    ) -> None:
        self._count = count
        self._failed = failed
        self._counting = threading.Lock()  # held while frames are counted: one at a time, in order
        self._changed = threading.Condition()  # guards what follows
        self._frames: list[_Uncounted] = []
        self._transfers = 0
        self._is_asleep = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="jiaozi-counts", daemon=True)
        self._thread.start()

    def add(self, booked: Booked, instant: Instant, loan: Loan) -> None:
        """Count *booked* soon, then leave *loan*. Called by one thread, in the order of frames."""
        with self._changed:
            self._frames.append(_Uncounted(booked, instant, loan))
            self._transfers += len(booked.batch)
            behind = self._transfers
            if self._is_asleep or behind >= MAX_BATCH:
                self._changed.notify()
        if behind > MOST_BEHIND:
            self.finish()

    def finish(self) -> None:
        """Count all that was added, in this thread; on return the counts are those of every frame."""
        with self._counting:
            with self._changed:
                frames, self._frames, self._transfers = self._frames, [], 0
            try:
                for booked, instant, loans in _gathered(frames):
                    self._count(booked, instant)
                    for loan in loans:
                        loan.leave()
            except BaseException as error:
                self._failed(error)  # nobody knows any more what the counts hold
                raise

    def close(self) -> None:
        """Count what is left and stop."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with suppress(BaseException):  # whom it concerns was told; counting ends here
            while self._wait():
                self.finish()

    def _wait(self) -> bool:
        """Wait a moment for frames to gather, or for the first if there are none; return False when it is over.

        While frames keep coming nobody has to wake this thread, which would cost as much as a small frame.
        """
        with self._changed:
            if self._transfers < MAX_BATCH and not self._is_closed:
                self._changed.wait(GATHERED_SECONDS)
            while not self._frames and not self._is_closed:
                self._is_asleep = True
                self._changed.wait()
                self._is_asleep = False
            return bool(self._frames)


def _gathered(frames: list[_Uncounted]) -> Iterator[tuple[Booked, Instant, list[Loan]]]:
    """Yield *frames*, with neighbours of one minute as one while they are small."""
    some: list[_Uncounted] = []
    count = 0
    for frame in frames:
        if some and (
            count + len(frame.booked.batch) > MAX_BATCH
            or some[0].instant // _MINUTE != frame.instant // _MINUTE
        ):
            yield _as_one(some)
            some, count = [], 0
        some.append(frame)
        count += len(frame.booked.batch)
    if some:
        yield _as_one(some)


def _as_one(frames: list[_Uncounted]) -> tuple[Booked, Instant, list[Loan]]:
    loans = [frame.loan for frame in frames]
    if len(frames) == 1:
        return frames[0].booked, frames[0].instant, loans
    every = [frame.booked for frame in frames]
    batch = _joined([booked.batch for booked in every])
    whole = Booked(
        batch,
        one_call(len(batch)),
        np.concatenate([booked.results for booked in every]),
        np.concatenate([booked.bits for booked in every]),
        _joined([booked.moved for booked in every]),
        _joined([booked.released for booked in every]),
    )
    return whole, frames[0].instant, loans


def _joined(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    """Return records one after the other, joined as bytes: NumPy would compare their types field by field."""
    filled = [part for part in parts if len(part)] or parts[:1]
    if len(filled) == 1:
        return filled[0]
    return np.concatenate([np.ascontiguousarray(part).view(np.uint8) for part in filled]).view(
        filled[0].dtype
    )
