"""Every id ever taken: a hash table that the kernel asks before it books.

Open addressing over three columns: the id's two halves, and a stamp that holds
56 bits of a digest of the transfer's other fields and, in its lowest 8 bits,
what became of it. So a repeated id with the same body is recognised, and with
another body refused. Zero is no id, which marks an empty place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.machine.compiled import entry, inner

Table = NDArray[np.uint64]
"""(capacity, 3) uint64: id_lo, id_hi, stamp. The capacity is a power of two."""

_EMPTY = np.zeros((0, 3), dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX2 = np.uint64(0xBF58476D1CE4E5B9)


def new_table(capacity: int = 1 << 16) -> Table:
    """Return an empty table for *capacity* / 2 ids before it grows."""
    assert capacity & (capacity - 1) == 0
    # Compiled now: the first growth in the middle of a day would make payments wait for seconds.
    _refill(_EMPTY, _EMPTY)
    return np.zeros((capacity, 3), dtype=np.uint64)


def grown(table: Table, taken: int, coming: int) -> Table:
    """Return *table* with room for *coming* more ids, at most half full."""
    capacity = len(table)
    while 2 * (taken + coming) > capacity:
        capacity *= 2
    if capacity == len(table):
        return table
    larger = new_table(capacity)
    _refill(table, larger)
    return larger


@inner
def mix(value: np.uint64) -> np.uint64:
    """Spread the bits of *value* (the finisher of splitmix64)."""
    value ^= value >> np.uint64(30)
    value *= _MIX2
    value ^= value >> np.uint64(27)
    value *= _MIX
    return value ^ (value >> np.uint64(31))


@inner
def place_of(table: Table, lo: np.uint64, hi: np.uint64) -> int:
    """Return where the id stands, or the empty place where it would."""
    mask = np.uint64(len(table) - 1)
    at = mix(lo ^ mix(hi)) & mask
    while (table[at, 0] != lo or table[at, 1] != hi) and (table[at, 0] != 0 or table[at, 1] != 0):
        at = (at + np.uint64(1)) & mask
    return np.int64(at)  # type: ignore[return-value]


@entry
def _refill(table: Table, larger: Table) -> None:
    for row in range(len(table)):
        if table[row, 0] != 0 or table[row, 1] != 0:
            at = place_of(larger, table[row, 0], table[row, 1])
            larger[at] = table[row]


@entry
def stamp_of(table: Table, lo: np.uint64, hi: np.uint64) -> np.uint64:
    """Return the stamp of an id; 0 when it was never taken, which no stamp of a taken id is."""
    at = place_of(table, lo, hi)
    if table[at, 0] == 0 and table[at, 1] == 0:
        return np.uint64(0)
    return table[at, 2] | np.uint64(1) << np.uint64(63)  # type: ignore[no-any-return]


@entry
def content_of(table: Table) -> NDArray[np.uint64]:
    """Return two numbers that change with any id or stamp; where the ids stand plays no part.

    The same ids lie in another order when they came in other batches and the table grew at
    another time. So each row is mixed by itself, and the rows are summed.
    """
    sums = np.zeros(2, dtype=np.uint64)
    for row in range(len(table)):
        if table[row, 0] != 0 or table[row, 1] != 0:
            mixed = mix(mix(mix(table[row, 0]) ^ table[row, 1]) ^ table[row, 2])
            sums[0] += mixed
            sums[1] += mix(mixed ^ _MIX)
    return sums
