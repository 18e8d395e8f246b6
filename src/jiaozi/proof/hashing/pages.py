"""Pages of a file of balances: asked for before they are read, and given back behind.

A tree over a whole country reads 11 GB of balances in short pieces. The system has what was read
count as this process's memory until it is given back, so the work would look like 11 GB of it.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

BALANCE_BYTES = 8


class Pages:
    """The pages under a row of numbers of 8 bytes, if it is a file's: for other memory both calls do nothing.

    Only a mapping that is shared with its file is touched. Giving back pages of any other would lose
    what was written to them.
    """

    def __init__(self, numbers: NDArray[Any]) -> None:
        self._mapping = _shared_mapping(numbers)
        self._start = 0
        if self._mapping is not None:
            whole = np.frombuffer(self._mapping, dtype=np.uint8)
            self._start = numbers.ctypes.data - whole.ctypes.data

    def expect(self, first: int, last: int) -> None:
        """Say that numbers from *first* to before *last* will be read soon."""
        self._advise("MADV_WILLNEED", first, last)

    def give_back(self, first: int, last: int) -> None:
        """Say that numbers from *first* to before *last* were read."""
        self._advise("MADV_DONTNEED", first, last)

    def _advise(self, advice: str, first: int, last: int) -> None:
        if self._mapping is None or last <= first or not hasattr(mmap, advice):
            return
        start = (self._start + first * BALANCE_BYTES) // mmap.PAGESIZE * mmap.PAGESIZE
        self._mapping.madvise(getattr(mmap, advice), start, self._start + last * BALANCE_BYTES - start)


def _shared_mapping(numbers: NDArray[Any]) -> mmap.mmap | None:
    """Return the mapping in which *numbers* lie, if they are those of an `np.memmap` that is not copied on write."""
    below: Any = numbers
    while isinstance(below, np.ndarray):
        mapping = getattr(below, "_mmap", None)
        if isinstance(below, np.memmap) and isinstance(mapping, mmap.mmap):
            return None if below.mode == "c" else mapping
        below = below.base
    return None
