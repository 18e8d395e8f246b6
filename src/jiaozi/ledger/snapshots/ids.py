"""The id table in a snapshot: the rows that are taken, in the order in which they lie.

Every second row of a table is empty, or nearly so; these are left out, and so are ids that have
expired. The order is kept, because it is nearly the order of a row's own place: put back one after
the other, the rows fill a new table from its beginning to its end, and the processor
never waits for memory.
"""

from __future__ import annotations

import numpy as np

from jiaozi.compiled import entry
from jiaozi.ledger.posting.idindex import Table, in_use, is_expired, new_table, put_rows

ROW_BYTES = 24


def pack(table: Table, at: int, rows: Table, horizon_ms: int = 0) -> tuple[int, int]:
    """Copy ids of *table* that have not expired, from row *at* on, until *rows* (n, 3) is full.

    Return where to go on, len(table) at the end, and how many rows were copied.
    """
    return _pack(table, at, rows, np.uint64(horizon_ms))


@entry
def _pack(table: Table, at: int, rows: Table, horizon_ms: np.uint64) -> tuple[int, int]:
    filled = 0
    for first, last in in_use(table):
        for row in range(max(at, first), last):
            lo, hi = table[row, 0], table[row, 1]
            if (lo == 0 and hi == 0) or is_expired(lo, hi, horizon_ms):
                continue
            if filled == len(rows):
                return row, filled
            rows[filled, 0] = lo
            rows[filled, 1] = hi
            rows[filled, 2] = table[row, 2]
            filled += 1
    return len(table), filled


def unpack(rows: Table, table: Table) -> int:
    """Put *rows* (n, 3) into *table*, where room was made; return the first that is no id or came before, or -1."""
    return put_rows(table, rows)


def make_ready() -> None:
    """Compile `pack`, lest payments wait for that at a cut."""
    pack(new_table(1), 0, np.empty((0, 3), dtype=np.uint64))
