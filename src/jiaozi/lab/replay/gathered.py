"""Frames gathered: what was booked in many frames, until it is worth asking NumPy about all of it at once.

A store whose payments came one by one has a frame for every thirty of them. Each call of NumPy costs
as much for thirty rows as for a thousand, and there are a hundred calls: frame by frame they took 0.3 ms,
as long as all else (measured over the year of 10,000 holders, 33,700 frames).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.payload import Booked
from jiaozi.ledger.posting.beside import NOT_ASKED, Beside
from jiaozi.ledger.records import TRANSFER

ROWS = 1 << 14
"""Transfers gathered at most, unless one frame has more. Half or twice as many take as long."""

FRAMES = 1 << 12

_NO_PROGRAM = np.zeros(0, dtype=np.int64)
_NO_INTERVAL = np.zeros(1, dtype=np.int64)
_NO_BITS = np.zeros((1, 1), dtype=np.uint64)


class Gathered:
    """Frames of transfers under one law, with room beside them for what the law was asked.

    seen, meant, otherwise   as in `Beside`, of all transfers
    """

    def __init__(self) -> None:
        self.frames: list[Booked] = []
        self.instants: list[int] = []
        self.sequences: list[int] = []
        self.count = 0
        self._row = np.zeros(1, dtype=np.int64)
        self._make_room(0, 0)

    def has_room(self, count: int, width: int) -> bool:
        """Return whether a frame of *count* transfers of *width* facts may be added to those here."""
        return (
            self.count + count <= len(self._otherwise)
            and width == self._seen.shape[1]
            and len(self.frames) < FRAMES
        )

    def beside(self, count: int, width: int) -> Beside:
        """Return room for the *count* transfers of the next frame; when there is none, nothing may be in here."""
        if not self.has_room(count, width):
            assert not self.frames
            self._make_room(max(count, ROWS), width)
        start, end = self.count, self.count + count
        return Beside(
            _NO_PROGRAM,
            _NO_INTERVAL,
            _NO_BITS,
            self._otherwise[start:end],
            self._seen[start:end],
            self._meant[start:end],
            self._row,
        )

    def add(self, booked: Booked, sequence: int, instant: int) -> None:
        """Take in the frame for which `beside` gave room."""
        self.frames.append(booked)
        self.sequences.append(sequence)
        self.instants.append(instant)
        self.count += len(booked.batch)

    def clear(self) -> None:
        """Begin again with nothing."""
        self._otherwise[: self.count] = NOT_ASKED
        self.frames, self.sequences, self.instants, self.count = [], [], [], 0

    @property
    def otherwise(self) -> NDArray[np.uint8]:
        return self._otherwise[: self.count]

    @property
    def seen(self) -> NDArray[np.int64]:
        return self._seen[: self.count]

    @property
    def meant(self) -> NDArray[np.int64]:
        return self._meant[: self.count]

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Transfers in each frame, (f,)."""
        return np.array([len(each.batch) for each in self.frames], dtype=np.intp)

    @property
    def results(self) -> NDArray[np.uint8]:
        return np.concatenate([each.results for each in self.frames])

    @property
    def bits(self) -> NDArray[np.uint64]:
        return np.concatenate([each.bits for each in self.frames])

    @property
    def flags(self) -> NDArray[np.uint16]:
        return np.concatenate([each.batch["flags"] for each in self.frames])

    @property
    def moved(self) -> NDArray[np.void]:
        """The transfers as they were booked, (n,) TRANSFER."""
        # As words: field by field takes ten times as long.
        words = [_words(each.as_booked()) for each in self.frames]
        return np.concatenate(words).reshape(-1).view(TRANSFER)

    def _make_room(self, rows: int, width: int) -> None:
        self._seen = np.empty((rows, width), dtype=np.int64)
        self._meant = np.empty((rows, 3), dtype=np.int64)
        self._otherwise = np.full(rows, NOT_ASKED, dtype=np.uint8)


def _words(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(rows).view(np.uint64)
