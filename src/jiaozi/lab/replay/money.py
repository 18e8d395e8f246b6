"""The third way of a replay: the ledger itself, run again under the law that is tried.

Frames come from the journal in their order and are posted anew, so money that is refused stays
where it was and a payment later in the year may want for it. Ids, chains, reservations and
timeouts are the ledger's own. Facts of the history are taken over; one that no longer fits,
such as the closing of an account that is not empty now, is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import FactError, NotReady
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.months import Months
from jiaozi.lab.replay.recording import Progress, Stop
from jiaozi.ledger.facts import Fact, LawEnacted
from jiaozi.ledger.journal.ahead import ahead
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.payload import MAX_BATCH, Booked
from jiaozi.ledger.posting.beside import Beside
from jiaozi.ledger.restart import prepare
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.model import Book


@dataclass(frozen=True, slots=True)
class Posted:
    """A frame run again: where it stood, what it was, what it is now, and the facts of its questions."""

    sequence: int
    instant: Instant
    before: Booked
    after: Booked
    enacted: Book
    book: Book
    seen: NDArray[np.int64]
    """(>= n, facts), good until the next frame: what the law was asked, of those transfers that it was asked of."""


class SeenRoom:
    """Room for the facts of one frame, used again for the next: new memory would cost more than the writing."""

    def __init__(self) -> None:
        self._room = _room_of(0, 0)

    def of(self, count: int, width: int) -> Beside:
        """Return room for *count* transfers or more, of *width* facts each, to be asked of no other law."""
        rows, columns = self._room.seen.shape
        if rows < count or columns != width:
            self._room = _room_of(max(count, MAX_BATCH), width)
        return self._room


def _room_of(rows: int, width: int) -> Beside:
    return Beside(
        program=np.zeros(0, dtype=np.int64),
        interval=np.zeros(1, dtype=np.int64),
        bits=np.zeros((0, 1), dtype=np.uint64),
        otherwise=np.zeros(rows, dtype=np.uint8),
        seen=np.zeros((rows, width), dtype=np.int64),
        meant=np.zeros((0, 3), dtype=np.int64),
        row=np.zeros(1, dtype=np.int64),
    )


class MoneyReplay:
    """The ledger run again. `state` is where it has come to; `left_out` are facts that did not fit any more."""

    def __init__(self, journal: Path, tried: Tried, last: int | None = None) -> None:
        """Run *journal* again under *tried*, up to frame *last*; a journal may grow meanwhile."""
        self.journal = journal
        self.last = last
        self.tried = tried
        self.state = State()
        self.left_out = 0
        self.months = Months(self.state)
        self._enacted: Book
        self._room = SeenRoom()

    def run(self, *, progress: Progress | None = None, stop: Stop | None = None) -> Iterator[Posted]:
        """Yield each frame of transfers, run again. Raises `JournalError`, and `NotReady` when *stop* asks to."""
        reader = JournalReader(self.journal)
        with closing(ahead(map(prepare, reader), lambda ready: len(ready.frame.payload))) as frames:
            for ready in frames:
                if stop is not None and stop():
                    raise NotReady("the replay was stopped")
                content, frame = ready.content, ready.frame
                if self.last is not None and frame.sequence > self.last:
                    return
                self.months.turn(frame.instant)
                if isinstance(content, Booked):
                    law = self.state.law
                    beside = self._room.of(len(content.batch), len(law.vocabulary.slots) + 1)
                    after = self.state.post(
                        content.batch, content.calls, frame.instant, content.notes, beside
                    )
                    if progress is not None:
                        progress(len(content.batch))
                    yield Posted(
                        frame.sequence,
                        frame.instant,
                        content,
                        after,
                        self._enacted,
                        law,
                        beside.seen,
                    )
                elif isinstance(content, np.ndarray):
                    self.state.check_openings(content)
                    self.state.open_accounts(content)
                else:
                    self._record(content)

    def _record(self, facts: Sequence[Fact]) -> None:
        tried = self.state.book
        try:
            self.state.record(facts)
        except FactError:
            for fact in facts:
                try:
                    self.state.record([fact])
                except FactError:
                    self.left_out += 1
        enacted = self.state.book
        if (
            any(isinstance(fact, LawEnacted) for fact in facts)
            and enacted is not None
            and enacted is not tried
        ):
            self._enacted = enacted
            # Whoever asked has seen that the newest law can be reformed.
            self.state.try_law(self.tried.of_earlier(self._enacted))


def reasons_of(posted: Posted, row: int) -> tuple[str, ...]:
    """Return why transfer *row* was refused when it was run again: reasons of the law, or the ledger's own word."""
    return _reasons(posted.book, posted.after, row)


def reasons_before(posted: Posted, row: int) -> tuple[str, ...]:
    """Return why transfer *row* had been refused."""
    return _reasons(posted.enacted, posted.before, row)


def _reasons(book: Book, booked: Booked, row: int) -> tuple[str, ...]:
    result = Result(int(booked.results[row]))
    if result is Result.REFUSED_BY_LAW:
        return names_of(book, booked.bits[row])
    return (ledger_reason(result),)


def ledger_reason(result: Result) -> str:
    """Return the ledger's own word for why it refused, beside the names of the law's reasons."""
    return f"ledger.{result.name.lower()}"
