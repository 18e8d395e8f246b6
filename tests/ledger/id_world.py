"""Ids for the tests of the id table: timed, timeless, and made to meet in one row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.posting.idindex import (
    PIECE_ROWS,
    Table,
    _empty_table,
    count_of,
    make_room,
    mix,
    new_table,
    place_of,
)
from jiaozi.ledger.snapshots.ids import pack, unpack

Ids = NDArray[np.uint64]
"""(n, 3) uint64: id_lo, id_hi, stamp."""


def small_table(key: int = 0, *, linked: int = 0) -> Table:
    """Return a table whose reservation ends at once, or *linked* pieces later, so that it must be copied."""
    new_table(1)
    return _empty_table(1, key, 0, linked=linked)


def timeless(count: int, seed: int) -> Ids:
    """Return ids as the hash of a bank's reference gives them; none looks like a UUIDv7."""
    rows = np.random.default_rng(seed).integers(1, 2**64, size=(count, 3), dtype=np.uint64)
    rows[:, 0] &= np.uint64(2**62 - 1)
    return rows


def timed(count: int, seed: int, milliseconds: int) -> Ids:
    """Return UUIDv7 ids of one millisecond."""
    rows = np.random.default_rng(seed).integers(1, 2**64, size=(count, 3), dtype=np.uint64)
    rows[:, 0] = rows[:, 0] >> np.uint64(2) | np.uint64(0b10 << 62)
    rows[:, 1] = np.uint64(milliseconds << 16 | 7 << 12) | rows[:, 1] & np.uint64(0xFFF)
    return rows


def meeting(count: int, seed: int, key: int = 0) -> Ids:
    """Return ids that all begin at the same row under *key*, as an enemy who knew it would make them."""
    rows = timeless(count, seed)
    rows[:, 1] = np.unique(rows[:, 1])
    return _met(rows, key)


def timed_meeting(milliseconds: int, key: int = 0) -> Ids:
    """Return about a thousand UUIDv7 ids of one millisecond that meet at the same row as those of `meeting`."""
    rows = timed(4096, 1, milliseconds)
    rows[:, 1] = np.uint64(milliseconds << 16 | 7 << 12) | np.arange(4096, dtype=np.uint64)
    rows = _met(rows, key)
    return np.ascontiguousarray(rows[rows[:, 0] >> np.uint64(62) == 0b10])


def _met(rows: Ids, key: int) -> Ids:
    mixed = [mix(half ^ np.uint64(key)) for half in rows[:, 1]]
    rows[:, 0] = np.uint64(0x1234567) ^ np.array(mixed, dtype=np.uint64)
    return rows


def pieces_of(table: Table) -> int:
    """Return how many pieces the table has, without those that are linked."""
    return int(table[0, 0])


def linked_of(table: Table) -> int:
    """Return how many pieces were ever linked to full ones."""
    return len(table) // PIECE_ROWS - int(table[1, 1])


def check_places(table: Table) -> None:
    """Check that each id stands where it is looked for, once, and that the count is right."""
    rows = rows_of(table)
    assert len(rows) == count_of(table)
    assert len(np.unique(rows[:, :2], axis=0)) == len(rows)
    for lo, hi, stamp in rows[:: max(1, len(rows) // 2000)]:
        assert table[place_of(table, lo, hi), 2] == stamp


CHUNK_ROWS = 1 << 16


def rows_of(table: Table) -> Table:
    """Return all ids and their stamps, (count, 3), in the order in which they lie."""
    rows = np.empty((count_of(table), 3), dtype=np.uint64)
    _, filled = pack(table, 0, rows)
    assert filled == len(rows)
    return rows


def table_from(rows: Table, *, key: int = 0) -> Table:
    """Return a table of *rows* (n, 3), which may be a file's: they are read once, from first to last.

    Raises ValueError when one is no id, or stands there twice.
    """
    table = new_table(len(rows), key=key)
    for first in range(0, len(rows), CHUNK_ROWS):
        chunk = np.ascontiguousarray(rows[first : first + CHUNK_ROWS], dtype=np.uint64)
        table = make_room(table, len(chunk))
        wrong = unpack(chunk, table)
        if wrong >= 0:
            what = "stands there twice" if chunk[wrong, :2].any() else "is zero, which is no id"
            raise ValueError(f"the id in row {first + wrong} {what}; use another snapshot")
    return table
