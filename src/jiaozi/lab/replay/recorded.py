"""What was written down, opened: questions by part, frames, kinds of questions, and whose law was in force."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_of, day_start
from jiaozi.errors import JournalError
from jiaozi.lab.replay.folder import FRAMES, KINDS, held_name, part_name, read_head
from jiaozi.lab.replay.kinds import COLUMNS
from jiaozi.lab.replay.records import AMOUNTS, FRAME, HELD, QUESTION, WIDE, Head, Questions
from jiaozi.ledger.posting.asking import days_at
from jiaozi.ledger.totals import exact_sum
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read


@dataclass(frozen=True)
class Recorded:
    """A folder of recorded questions. *frames* (f,) FRAME; *kinds* (k, facts) int64; *held* (accounts,) HELD.

    It holds its files open and reads what the head counts: whoever goes on recording takes nothing from it.
    """

    folder: Path
    head: Head
    frames: NDArray[np.void]
    kinds: Int64s
    held: NDArray[np.void]
    _parts: _Files = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> Recorded:
        """Open *folder*. Raises `JournalError` when its files do not belong together."""
        for _ in range(TRIES):
            head = read_head(folder)
            try:
                held = _rows(folder / held_name(head.journal_sequence), HELD, head.accounts)
                return cls._of(folder, head, held)
            except (OSError, ValueError) as error:
                problem = JournalError(f"{folder} cannot be read ({error}); remove it, and it is made again")
        # Whoever records puts another head in its place while we look for the files of this one; seldom twice.
        raise problem

    @classmethod
    def of_questions(cls, folder: Path, head: Head) -> Recorded:
        """Open what *head* counts in *folder*, however much was recorded since; what accounts had is left out.

        Raises `JournalError` when the folder holds the questions of another journal, or cannot be read.
        """
        try:
            found = cls._of(folder, head, np.zeros(0, dtype=HELD))
        except (OSError, ValueError) as error:
            raise JournalError(
                f"{folder} cannot be read ({error}); share the folder that was asked"
            ) from None
        ends = found.frames["instant"][[0, -1]].tolist() if head.frames else [0, 0]
        if ends != [head.first_instant, head.last_instant]:
            raise JournalError(
                f"{folder} holds the questions of another journal; share the folder that was asked"
            )
        return found

    @classmethod
    def _of(cls, folder: Path, head: Head, held: NDArray[np.void]) -> Recorded:
        frames = _rows(folder / FRAMES, FRAME, head.frames)
        kinds = _rows(folder / KINDS, np.dtype(np.int64), head.kinds * len(COLUMNS))
        files = _Files(folder, head.parts)
        return cls(folder, head, frames, np.array(kinds).reshape(-1, len(COLUMNS)), held, files)

    @property
    def count(self) -> int:
        """How many questions there are."""
        return sum(self.head.parts)

    def payments(self, first: int, last: int) -> tuple[int, int]:
        """Return how many payments were tried in frames *first* to before *last*, and their sum in fen."""
        frames = self.frames[first:last]
        high, low = exact_sum(frames["amount_high"]), exact_sum(frames["amount_low"])
        return int(frames["payments"].sum()), (high << 32) + low

    @cached_property
    def books(self) -> tuple[Book, ...]:
        """The laws that were in force, in their order."""
        return tuple(read(law.texts, drafts=law.drafts) for law in self.head.laws)

    @cached_property
    def zone_clocks(self) -> tuple[str, ...]:
        """The clocks there are."""
        return tuple(
            sorted({place.clock for book in self.books for place in book.vocabulary.places.values()})
        )

    @cached_property
    def clocks(self) -> Int64s:
        """Which of the clocks counts the sums of each kind's person, (k,)."""
        by_code: dict[int, int] = {0: 0}
        for book in self.books:  # a later law may add places behind those there are
            for code, place in enumerate(book.vocabulary.places.values(), start=1):
                by_code[code] = self.zone_clocks.index(place.clock)
        return np.array([by_code[code] for code in range(len(by_code))], dtype=np.int64)[self.kinds[:, -2]]

    @cached_property
    def days(self) -> NDArray[np.int32]:
        """Today, first of the month and of the year of each frame on each clock, (f, clocks, 3)."""
        found = np.zeros((len(self.frames), len(self.zone_clocks), 3), dtype=np.int32)
        if not len(self.frames):
            return found
        instants = np.asarray(self.frames["instant"])
        for number, clock in enumerate(self.zone_clocks):
            day, last = (day_of(Instant(int(each)), clock) for each in (instants.min(), instants.max()))
            starts = []
            while day <= last:
                starts.append(day_start(day, clock))
                day += timedelta(days=1)
            rows = np.array([days_at(start, clock) for start in starts], dtype=np.int32)
            found[:, number] = rows[np.searchsorted(starts, instants, side="right") - 1]
        return found

    def facts(self, book: Book) -> Int64s:
        """Return whole rows of facts for *book*, (k, slots + 1): what a question itself has is 0, or MISSING."""
        slots = book.vocabulary.slots
        rows = np.full((len(self.kinds), len(slots) + 1), MISSING, dtype=np.int64)
        for column, name in enumerate(self.head.facts[:-2]):
            if name in slots:
                rows[:, slots[name]] = self.kinds[:, column]
        return rows

    def read(self, part: int, start: int, stop: int) -> Questions:
        """Return the questions from *start* to before *stop* of *part*, read anew. Raises `JournalError`."""
        return self._parts.read(part, start, stop)


class _Files:
    """The files of the parts, held open as long as somebody has this."""

    def __init__(self, folder: Path, counts: Sequence[int]) -> None:
        """Open the parts in *folder* that have rows. Raises `OSError`, and `ValueError` when one is too short."""
        self._folder = folder
        self._files: dict[int, int] = {}
        weakref.finalize(self, _close_all, self._files)
        for number, count in enumerate(counts):
            if count:
                path = folder / part_name(number)
                self._files[number] = os.open(path, os.O_RDONLY)
                _check_length(path, os.fstat(self._files[number]).st_size, count * QUESTION.itemsize)

    def read(self, part: int, start: int, stop: int) -> Questions:
        rows: Questions = np.empty(stop - start, dtype=QUESTION)
        raw, at = rows.view(np.uint8).data, start * QUESTION.itemsize
        while len(raw):
            count = os.preadv(self._files[part], [raw], at)
            if not count:
                raise JournalError(
                    f"{self._folder / part_name(part)} was cut; remove its folder, and it is made again"
                )
            raw, at = raw[count:], at + count
        return rows


def _close_all(files: dict[int, int]) -> None:
    for file in files.values():
        os.close(file)


def _rows(path: Path, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """Return the first *count* rows of the file at *path*, mapped. Raises `OSError`, `ValueError`."""
    _check_length(path, path.stat().st_size, count * kind.itemsize)
    return np.memmap(path, dtype=kind, mode="r", shape=(count,)) if count else np.zeros(0, dtype=kind)


def _check_length(path: Path, there: int, wanted: int) -> None:
    if there < wanted:
        raise ValueError(f"{path.name} is not whole")


TRIES = 3
"""Times that a folder is opened anew before it is told to be damaged."""


def slots_of(book: Book) -> Int64s:
    """Return where *book* wants the wide facts, then the amounts; one past the end for what it never asks."""
    slots = book.vocabulary.slots
    return np.array([slots.get(name, len(slots)) for name in (*WIDE, *AMOUNTS)], dtype=np.int64)
