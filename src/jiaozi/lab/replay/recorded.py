"""What was written down, opened: questions by part, frames, kinds of questions, and whose law was in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_of, day_start
from jiaozi.errors import JournalError
from jiaozi.lab.replay.recording import HELD, part_name
from jiaozi.lab.replay.records import AMOUNTS, FORMAT, FRAME, PARTS, QUESTION, WIDE, Head, Questions
from jiaozi.ledger.posting.asking import days_at
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read


@dataclass(frozen=True)
class Recorded:
    """A folder of recorded questions. *frames* (f,) FRAME; *kinds* (k, facts) int64; *held* (accounts,) HELD."""

    folder: Path
    head: Head
    frames: NDArray[np.void]
    kinds: Int64s
    held: NDArray[np.void]

    @classmethod
    def open(cls, folder: Path) -> Recorded:
        """Open *folder*. Raises `JournalError` when its files do not belong together."""
        try:
            head = msgspec.json.decode((folder / "head.json").read_bytes(), type=Head)
            frames, kinds, held = (
                open_memmap(folder / f"{name}.npy", mode="r") for name in ("frames", "kinds", "held")
            )
            sizes = [
                (folder / part_name(number)).stat().st_size for number in range(PARTS) if head.parts[number]
            ]
        except (OSError, ValueError, EOFError, IndexError, msgspec.MsgspecError) as error:
            raise JournalError(
                f"{folder} cannot be read ({error}); remove it, and it is made again"
            ) from None
        rows = [count for count in head.parts if count]
        if (frames.dtype, kinds.shape[1:], held.dtype) != (FRAME, (len(head.facts),), HELD):
            raise JournalError(f"{folder} holds other columns than it says; remove it, and it is made again")
        if head.format != FORMAT or sizes != [count * QUESTION.itemsize for count in rows]:
            raise JournalError(f"{folder} is not whole; remove it, and it is made again")
        return cls(folder, head, frames, np.ascontiguousarray(kinds), held)

    @property
    def count(self) -> int:
        """How many questions there are."""
        return sum(self.head.parts)

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
        places = list(self.books[0].vocabulary.places.values()) if self.books else []
        by_code = [0, *(self.zone_clocks.index(place.clock) for place in places)]
        return np.array(by_code, dtype=np.int64)[self.kinds[:, -2]]

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
        """Return the questions from *start* to before *stop* of *part*, read anew."""
        rows: Questions = np.fromfile(
            self.folder / part_name(part),
            dtype=QUESTION,
            count=stop - start,
            offset=start * QUESTION.itemsize,
        )
        return rows


def slots_of(book: Book) -> Int64s:
    """Return where *book* wants the wide facts, then the amounts; one past the end for what it never asks."""
    slots = book.vocabulary.slots
    return np.array([slots.get(name, len(slots)) for name in (*WIDE, *AMOUNTS)], dtype=np.int64)
