"""The first two ways of a replay: recorded questions asked again, part by part, on two threads.

Each part has all questions of some persons, in the order of the journal, so parts
need nothing of each other: another machine could take some of them. A thread
reads a block, asks the kernel, and hands on the rows whose outcome changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import NotReady
from jiaozi.lab.replay.asking import BY_DAY, BY_MONTH, BY_YEAR, R_WIDTH, SUM_WIDTH, ask_rows
from jiaozi.lab.replay.recorded import Recorded, slots_of
from jiaozi.lab.replay.recording import Progress, Stop
from jiaozi.lab.replay.records import PARTS, Questions
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.layout import ACTION_ROWS, H_CUT_COUNT, H_CUTS
from jiaozi.rulebook.machine.program import Int64s, Program, compile_book, words_of
from jiaozi.rulebook.model import ACTION_CODES, Action, Book

BLOCK = 1 << 17
"""Questions in a block: 14 MB."""

THREADS = 2
PERSON_SHIFT = PARTS.bit_length() - 1
WAITING = 8
"""Blocks of changes that may wait to be gathered."""


@dataclass(frozen=True, slots=True)
class Law:
    """One law of the history as it is tried: the book, its program, and where it wants the facts."""

    book: Book
    program: Program
    kinds: Int64s
    slots: Int64s
    intervals: Int64s
    windows: Int64s

    @classmethod
    def of(cls, recorded: Recorded, book: Book, *, sums_follow: bool) -> Law:
        program = compile_book(book)
        cuts = program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]]
        intervals = np.searchsorted(cuts, recorded.frames["instant"], side="right").astype(np.int64)
        windows = windows_of(book) if sums_follow else np.zeros(ACTION_ROWS, dtype=np.int64)
        return cls(book, program, recorded.facts(book), slots_of(book), intervals, windows)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one law whose outcome changed: *rows* (n,), whether each is *admitted* now, and the *bits* why not.

    *old_bits* say why not under the base, where there is one.
    """

    law: int
    rows: Questions
    admitted: NDArray[np.bool_]
    bits: NDArray[np.uint64]
    old_bits: NDArray[np.uint64] | None = None


def windows_of(book: Book) -> Int64s:
    """Return which sums each action counts toward under *book*, as BY_ bits, (actions,)."""
    windows = np.zeros(ACTION_ROWS, dtype=np.int64)
    bits = {"payer.paid_today": BY_DAY, "payer.paid_this_month": BY_MONTH, "payer.paid_this_year": BY_YEAR}
    for name, counter in book.vocabulary.counters.items():
        for action in counter.actions:
            windows[ACTION_CODES[Action(action)]] |= bits.get(name, 0)
    return windows


def ask_again(
    recorded: Recorded,
    tried: list[Book],
    base: list[Book] | None,
    *,
    sums_follow: bool,
    first_frame: int,
    last_frame: int,
    threads: int = THREADS,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Iterator[Block]:
    """Yield the changes that *tried*, a book for each law of the history, makes to frames first to before last.

    Without *base* they are changes of what happened; with it, of what *base* would have decided.
    Raises `NotReady` when *stop* asks to.
    """
    laws = [Law.of(recorded, book, sums_follow=sums_follow) for book in tried]
    bases = [Law.of(recorded, book, sums_follow=sums_follow) for book in base] if base else None
    work = _Work(recorded, laws, bases, first_frame, last_frame)
    recorded.days, recorded.clocks  # noqa: B018  made once, before threads want them at the same time
    with ThreadPoolExecutor(threads, thread_name_prefix="jiaozi-replay") as pool:
        labourers = [pool.submit(work.labour) for _ in range(threads)]
        try:
            while True:
                if stop is not None and stop():
                    raise NotReady("the replay was stopped")
                try:
                    done, block = work.found.get(timeout=0.05)
                except Empty:
                    if all(each.done() for each in labourers) and work.found.empty():
                        break
                    continue
                if progress is not None:
                    progress(done)
                if block is not None:
                    yield block
            for each in labourers:
                each.result()
        finally:
            work.stopped.set()


class _Work:
    def __init__(
        self, recorded: Recorded, laws: list[Law], bases: list[Law] | None, first_frame: int, last_frame: int
    ) -> None:
        self.recorded = recorded
        self.laws = laws
        self.bases = bases
        self.frames = first_frame, last_frame
        self.parts = deque(number for number in range(PARTS) if recorded.head.parts[number])
        self.found: Queue[tuple[int, Block | None]] = Queue(WAITING)
        self.stopped = Event()

    def labour(self) -> None:
        """Take parts until there are none."""
        while not self.stopped.is_set():
            try:
                part = self.parts.popleft()
            except IndexError:
                return
            for found in blocks_of(self.recorded, part, self.laws, self.bases, self.frames):
                self._give(found)
                if self.stopped.is_set():
                    return

    def _give(self, found: tuple[int, Block | None]) -> None:
        while not self.stopped.is_set():
            try:
                self.found.put(found, timeout=0.05)
                return
            except Full:
                continue


def blocks_of(
    recorded: Recorded, part: int, laws: list[Law], bases: list[Law] | None, frames: tuple[int, int]
) -> Iterator[tuple[int, Block | None]]:
    """Ask *part* again; yield how many questions were done, and those of them that changed, if any.

    *frames* are the first that counts and the one after the last; those before are asked for their sums.
    """
    tried, base = _Running.of(recorded, part, laws), _Running.of(recorded, part, bases or laws)
    count = recorded.head.parts[part]
    for start in range(0, count, BLOCK):
        rows = recorded.read(part, start, min(start + BLOCK, count))
        law_of = recorded.frames["law"][rows["frame"]]
        ends = [*(np.flatnonzero(np.diff(law_of)) + 1).tolist(), len(rows)]
        first = 0
        for end in ends:
            law = int(law_of[first])
            piece = rows[first:end]
            before, before_bits = piece["result"] == Result.CREATED, None
            if bases is not None:
                before, before_bits = base.ask(bases[law], piece.copy())
            admitted, bits = tried.ask(laws[law], piece)
            is_inside = (piece["frame"] >= frames[0]) & (piece["frame"] < frames[1])
            where = np.flatnonzero((admitted != before) & is_inside)
            old = None if before_bits is None else before_bits[where]
            block = Block(law, piece[where], admitted[where], bits[where], old) if len(where) else None
            yield end - first, block
            first = end


@dataclass(frozen=True, slots=True)
class _Running:
    """What one law has changed in the sums of the persons of one part so far."""

    recorded: Recorded
    sums: Int64s
    held: Int64s

    @classmethod
    def of(cls, recorded: Recorded, part: int, laws: list[Law]) -> _Running:
        follows = any(law.windows.any() for law in laws)
        persons = (recorded.head.accounts >> PERSON_SHIFT) + 1 if follows else 1
        reservations = recorded.head.reservations[part] + 1 if follows else 0
        return cls(
            recorded,
            np.full((persons, SUM_WIDTH), 0, dtype=np.int64),
            np.full((reservations, R_WIDTH), 0, dtype=np.int64),
        )

    def ask(self, law: Law, rows: Questions) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        admitted = np.zeros(len(rows), dtype=np.uint8)
        bits = np.zeros((len(rows), words_of(law.book)), dtype=np.uint64)
        ask_rows(
            rows,
            law.program,
            law.intervals,
            law.kinds,
            law.slots,
            self.recorded.clocks,
            self.recorded.days,
            law.windows,
            self.sums,
            self.held,
            PERSON_SHIFT,
            np.full(law.kinds.shape[1], 0, dtype=np.int64),
            admitted,
            bits,
        )
        return admitted.view(np.bool_), bits
