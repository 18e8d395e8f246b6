"""A shadow: a reformed law asked beside the law in force, with the live facts. It decides nothing.

The writer asks it in the same pass (`posting/beside`). What comes out otherwise is
written down by a thread of its own once the frame is durable, so nobody waits for it: a
full disk, or a thread that cannot keep up, stops the shadow and says so, never the
ledger. In memory, where posting is all there is, asking twice took a quarter of the
throughput (bench/shadow.py prints today's figure).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import FactError
from jiaozi.ledger.buffers import KEPT, LARGE, Loan
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.payload import MAX_BATCH, Booked
from jiaozi.ledger.posting.beside import NOT_ASKED, Beside
from jiaozi.ledger.records import WHOLE, TransferFlag, one_call, transfers
from jiaozi.ledger.results import Result
from jiaozi.ledger.shadow_rows import (
    COUNTS,
    FORMAT,
    NEWLY_ADMITTED,
    NEWLY_REFUSED,
    Difference,
    Head,
    parts_in,
    row_type,
)
from jiaozi.ledger.state import FIRST_INSTANT, State
from jiaozi.rulebook.machine.program import compile_book, words_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.timeline import cuts

GATHERED_SECONDS = 0.05
MOST_BEHIND = 256 * MAX_BATCH
"""With more transfers than this unwritten the shadow gives up: two million, which take 190 MB."""

_CREATED, _REFUSED, _UNDONE = (
    np.uint8(result) for result in (Result.CREATED, Result.REFUSED_BY_LAW, Result.LINKED_EVENT_FAILED)
)


@dataclass(frozen=True, slots=True)
class _Answered:
    sequence: int
    instant: Instant
    booked: Booked
    beside: Beside
    loan: Loan


class Shadow:
    """*reformed* asked beside *law* by one ledger; begin, and stop, by `Ledger.shadow`.

    *since* is the instant from which it was asked in this file, *before* what earlier files had of the same
    two laws. *stopped* is empty while it runs, else the sentence that says why it does not; *other_law_frame* is
    the frame that enacted another law, if it was that.
    """

    def __init__(self, law: Book, reformed: Book, folder: Path, *, name: str) -> None:
        """Make ready to ask: compile the law, and the machine code of asking twice.

        Raises `FactError` when *reformed* has other words than *law*.
        """
        if reformed.vocabulary != law.vocabulary:
            raise FactError(
                f"{name} uses other words, facts or counters than the law in force, and the ledger keeps only those; "
                "a shadow uses the words of the law in force"
            )
        self.law, self.reformed, self.name = law, reformed, name
        self.stopped = ""
        self.other_law_frame = 0
        self.first_sequence = 0
        self.since = Instant(0)
        self.before = Difference()
        self._folder = folder
        self._program = compile_book(reformed)
        self._cuts = np.array(cuts(reformed), dtype=np.int64)
        self._words = words_of(reformed)
        self._rooms: deque[Beside] = deque()
        self._difference = Difference()
        self._last: tuple[int, int] = (0, 0)
        self._rows = 0
        self._file = -1
        self._rows_at = 0
        self._changed = threading.Condition()  # guards what follows
        self._frames: list[_Answered] = []
        self._transfers = 0
        self._is_closed = False
        self._is_broken = False
        self._counting = threading.Lock()  # guards the difference, its file and the reason why it stopped
        self._thread = threading.Thread(target=self._run, name="jiaozi-shadow", daemon=True)
        self._warm()

    def recall(self) -> None:
        """Read what earlier files have, once nobody writes to them. Raises `JournalError` for one that is none."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in parts_in(self._folder):
            about = part.head.reform_digest, part.head.law_digest
            if about == (self.reformed.digest.hex(), self.law.digest.hex()):
                self.before.join(part.difference)
                self.since = self.since or Instant(part.head.since)

    @property
    def is_running(self) -> bool:
        return not self.stopped and not self._is_closed

    def difference(self) -> Difference:
        """Return how the answers differ so far, with what earlier files had."""
        with self._counting:
            found = self.before.copy()
            found.join(self._difference)
        return found

    @property
    def last(self) -> tuple[int, Instant]:
        """The last frame that was compared, and its instant; 0 before the first."""
        return self._last[0], Instant(self._last[1])

    @property
    def row_type(self) -> np.dtype[np.void]:
        """The type of its rows in the file."""
        return row_type(self.head.words)

    @property
    def handle(self) -> int:
        """The handle of its file; -1 when it is closed."""
        return self._file

    # -- by the writer's thread -----------------------------------------------

    def begin(self, law: Book, sequence: int, instant: Instant) -> None:
        """Open the file; the first frame that is asked will be *sequence*.

        Raises `FactError` when *law*, which is in force now, is not the one this was made for; `OSError`.
        """
        if law.digest != self.law.digest:
            raise FactError(
                f"another law was enacted since {self.name} was read; read it again with that one"
            )
        self.first_sequence = sequence
        self.since = self.since or instant
        self.head = Head(
            FORMAT,
            self.name,
            self.reformed.digest.hex(),
            self.law.digest.hex(),
            sequence,
            instant,
            list(self.reformed.reasons),
            list(self.law.reasons),
        )
        self.path = self._folder / f"shadow-{self.head.reform_digest[:16]}-{sequence}.rows"
        packed = self.head.packed()
        # A file of this name has nothing: the frame it was to begin with was never durable.
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.pwrite(self._file, packed + bytes(COUNTS.itemsize), 0)
        self._rows_at = len(packed) + COUNTS.itemsize
        self._thread.start()

    def room(self, count: int, instant: Instant) -> Beside | None:
        """Return what *count* transfers of one frame are asked beside the law, with room for the answers.

        None when it does not run, or when there is no memory for it, which stops it.
        """
        if not self.is_running or not count:
            return None
        try:
            room = self._rooms.pop() if LARGE <= count <= MAX_BATCH and self._rooms else None
            room = room or self._room(MAX_BATCH if LARGE <= count <= MAX_BATCH else count)
        except MemoryError:
            self._break("there is no memory for it")
            return None
        bits, otherwise = room.bits[:count], room.otherwise[:count]
        bits.fill(0)
        otherwise.fill(NOT_ASKED)
        room.interval[0] = np.searchsorted(self._cuts, instant, side="right")
        return room._replace(bits=bits, otherwise=otherwise, meant=room.meant[:count])

    def _room(self, count: int) -> Beside:
        return Beside(
            program=self._program,
            interval=np.zeros(1, dtype=np.int64),
            bits=np.empty((count, self._words), dtype=np.uint64),
            otherwise=np.empty(count, dtype=np.uint8),
            seen=np.empty((0, len(self.law.vocabulary.slots) + 1), dtype=np.int64),
            meant=np.empty((count, 3), dtype=np.int64),
            row=np.zeros(1, dtype=np.int64),
        )

    def give_back(self, beside: Beside) -> None:
        """Take back a room once nobody looks at it: memory touched for the first time costs more than the asking."""
        if LARGE <= len(beside.otherwise) <= MAX_BATCH and len(self._rooms) < KEPT:
            # The whole arrays, of which `room` gave the beginning.
            bits, otherwise, meant = (
                cast(Any, rows.base) for rows in (beside.bits, beside.otherwise, beside.meant)
            )
            self._rooms.append(beside._replace(bits=bits, otherwise=otherwise, meant=meant))

    def stop(self, why: str) -> None:
        """Ask nothing more, and say *why*. What was asked is still compared, and what was compared stays."""
        self.stopped = self.stopped or why

    def end(self, sequence: int) -> None:
        """Stop because frame *sequence* enacts another law: this was a reform of the one before."""
        self.other_law_frame = sequence
        self.stop(f"another law was enacted in frame {sequence:,}")

    def _break(self, why: str) -> None:
        self._is_broken = True
        self.stop(why)

    # -- by whoever learns that a frame is durable ------------------------------

    def add(self, done: Future[Receipt], booked: Booked, beside: Beside, loan: Loan) -> None:
        """Compare the frame soon, then leave *loan*; a frame that did not become durable is none."""
        if done.exception() is None and not self._is_broken:
            receipt = done.result()
            with self._changed:
                if self._transfers + len(booked.batch) <= MOST_BEHIND and not self._is_closed:
                    answered = _Answered(receipt.sequence, receipt.instant, booked, beside, loan)
                    self._frames.append(answered)
                    self._transfers += len(booked.batch)
                    return
            self.stop(
                f"its files could not be written as fast as payments came, at frame {receipt.sequence:,}"
            )
        loan.leave()

    # -- its own thread ---------------------------------------------------------

    def close(self) -> None:
        """Write what is left, and stop; closing twice is no mistake."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        with self._counting:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _run(self) -> None:
        is_closed = False
        while not is_closed:
            with self._changed:
                # While frames come nobody wakes this thread, which would cost as much as a small frame.
                if not self._is_closed:
                    self._changed.wait(GATHERED_SECONDS)
                is_closed = self._is_closed
            self.catch_up()

    def catch_up(self) -> None:
        """Compare all frames that were added, in this thread."""
        with self._counting:
            with self._changed:
                frames, self._frames, self._transfers = self._frames, [], 0
            try:
                if frames and not self._is_broken:
                    self._compare(frames)
            except Exception as error:  # whatever it is, it must not become the ledger's trouble
                self._break(f"its file could not be written: {error}")
            finally:
                for frame in frames:
                    self.give_back(frame.beside)
                    frame.loan.leave()

    def _compare(self, frames: list[_Answered]) -> None:
        asked, kept = 0, []
        for some in _gathered(frames):
            count, rows = self._differing(some)
            asked += count
            kept.append(rows)
        rows = kept[0] if len(kept) == 1 else np.concatenate(kept)
        self._write(rows)
        self._difference.add(self.head, rows)
        self._difference.asked += asked
        self._last = frames[-1].sequence, frames[-1].instant
        counts = np.array([(self._difference.asked, self._rows, *self._last)], dtype=COUNTS)
        os.pwrite(self._file, counts.tobytes(), self._rows_at - COUNTS.itemsize)

    def _differing(self, frames: list[_Answered]) -> tuple[int, NDArray[np.void]]:
        """Return how many transfers of *frames* both laws were asked about, and rows for those that differ."""
        results = _joined([frame.booked.results for frame in frames])
        bits = _joined([frame.beside.bits for frame in frames])
        otherwise = _joined([frame.beside.otherwise for frame in frames])
        # A leg undone with its chain failed for another's sake, which no law of its own would change.
        asked = (otherwise != NOT_ASKED) & (results != _UNDONE)
        # Word by word: `any` over rows of three words took ten times as long.
        is_against = np.bitwise_or.reduce([bits[:, word] for word in range(bits.shape[1])]) != 0
        refused = asked & (results == _CREATED) & is_against
        admitted = asked & (results == _REFUSED) & ~is_against & (otherwise == _CREATED)
        found = np.flatnonzero(refused | admitted)
        rows = np.zeros(len(found), dtype=row_type(self.head.words))
        if len(found):
            self._fill(rows, found, frames, bits, refused[found])
        return int(np.count_nonzero(asked)), rows

    def _fill(
        self,
        rows: NDArray[np.void],
        found: NDArray[np.intp],
        frames: list[_Answered],
        bits: NDArray[np.uint64],
        is_refused: NDArray[np.bool_],
    ) -> None:
        ends = np.cumsum([len(frame.booked.batch) for frame in frames])
        where = np.searchsorted(ends, found, side="right")
        rows["frame"] = np.array([frame.sequence for frame in frames])[where]
        rows["row"] = found - np.concatenate([[0], ends[:-1]])[where]
        rows["direction"] = np.where(is_refused, NEWLY_REFUSED, NEWLY_ADMITTED)
        live = _joined([frame.booked.bits for frame in frames])
        rows["bits"][is_refused, : bits.shape[1]] = bits[found[is_refused]]
        rows["bits"][~is_refused, : live.shape[1]] = live[found[~is_refused]]
        rows["action"] = _joined([frame.beside.meant for frame in frames])[found, 2]
        for number in np.unique(where).tolist():
            mine = where == number
            moved = frames[number].booked.as_booked()[rows["row"][mine]]
            # To post a whole reservation names no amount; refused, nobody has put it in.
            is_unsaid = (moved["amount"] == WHOLE) & (
                moved["flags"] & TransferFlag.POST_PENDING_TRANSFER != 0
            )
            rows["amount"][mine] = np.where(is_unsaid, 0, moved["amount"])

    def _write(self, rows: NDArray[np.void]) -> None:
        data = memoryview(rows.tobytes())
        at = self._rows_at + self._rows * rows.dtype.itemsize
        while data:
            written = os.pwrite(self._file, data, at)
            data, at = data[written:], at + written
        self._rows += len(rows)

    def _warm(self) -> None:
        """Have the machine code of asking twice before the writer needs it: making it takes half a minute."""
        state = State()
        state.record([LawEnacted.of(self.law)])
        nothing = transfers(1)  # no id, so it is refused at once, and no law is asked
        room = self.room(1, FIRST_INSTANT)
        assert room is not None
        state.post(nothing, one_call(1), FIRST_INSTANT, beside=room)


def _gathered(frames: list[_Answered]) -> list[list[_Answered]]:
    """Return *frames* in groups of no more than a batch or so, so that small frames are compared as one."""
    groups: list[list[_Answered]] = []
    count = MAX_BATCH
    for frame in frames:
        if count + len(frame.booked.batch) > MAX_BATCH:
            groups.append([])
            count = 0
        groups[-1].append(frame)
        count += len(frame.booked.batch)
    return groups


A = TypeVar("A", bound=NDArray[Any])


def _joined(parts: list[A]) -> A:
    return parts[0] if len(parts) == 1 else cast(A, np.concatenate(parts))
