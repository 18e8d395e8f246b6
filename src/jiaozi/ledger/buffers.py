"""Room for batches that is used again: memory touched for the first time costs forty times the copy.

The system gives a large array page by page, as it is first written: a copy of
8,190 transfers took 213 us into fresh memory and 5 us into memory used before.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import numpy as np

from jiaozi.ledger.records import TRANSFER, Transfers

LARGE: Final = 1_024
"""From so many transfers on a batch lies in room that is used again. Smaller ones fit what Python keeps itself."""

KEPT: Final = 32
"""Unused rooms that are kept of each size: 16 MiB of the largest."""


class Buffers:
    """Rooms by size, each a power of two. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._free: dict[int, deque[Transfers]] = {}

    def take(self, count: int) -> Transfers:
        """Return room for *count* transfers, (count,) TRANSFER, with anything in it."""
        if count < LARGE:
            return np.empty(count, dtype=TRANSFER)
        size = 1 << (count - 1).bit_length()
        try:
            room = self._free.setdefault(size, deque(maxlen=KEPT)).pop()
        except IndexError:
            room = np.empty(size, dtype=TRANSFER)
        return room[:count]

    def copy_of(self, batch: Transfers) -> Transfers:
        """Return *batch* (n,) TRANSFER, copied into a room."""
        room = self.take(len(batch))
        # As bytes: NumPy copies records field by field, which took 50 times as long.
        room.view(np.uint8)[:] = np.ascontiguousarray(batch).view(np.uint8)
        return room

    def give_back(self, rows: Transfers) -> None:
        """Take back what `take` gave; nobody may look at *rows* from now on."""
        if len(rows) >= LARGE and isinstance(rows.base, np.ndarray):
            self._free[len(rows.base)].append(rows.base)


class Loan:
    """Room that several need, each for his own time; the last one to leave gives it back."""

    def __init__(self, buffers: Buffers, rows: Transfers, users: int) -> None:
        self._buffers = buffers
        self._rows = rows
        self._users = users
        self._lock = threading.Lock()

    def leave(self) -> None:
        """Say that one of the users is done."""
        with self._lock:
            self._users -= 1
            is_free = self._users == 0
        if is_free:
            self._buffers.give_back(self._rows)
