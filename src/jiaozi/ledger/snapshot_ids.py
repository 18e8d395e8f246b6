"""The id table in a snapshot: the rows that are taken, in the order in which they lie.

A table is at most half full, and a quarter just after it grew, so its empty rows
are left out. The order is kept, because it is nearly the order of a row's own
place: put back one after the other, the rows fill a new table from its beginning
to its end, and the processor never waits for memory.
"""

from __future__ import annotations

import numpy as np

from jiaozi.ledger.idindex import Table, place_of
from jiaozi.rulebook.machine.compiled import entry

ROW_BYTES = 24


@entry
def pack(table: Table, at: int, rows: Table) -> tuple[int, int]:
    """Copy taken rows of *table* from row *at* on until *rows* is full.

    Return where to go on, and how many rows were copied.
    """
    filled = 0
    while at < len(table) and filled < len(rows):
        if table[at, 0] != 0 or table[at, 1] != 0:
            rows[filled, 0] = table[at, 0]
            rows[filled, 1] = table[at, 1]
            rows[filled, 2] = table[at, 2]
            filled += 1
        at += 1
    return at, filled


@entry
def unpack(rows: Table, table: Table) -> int:
    """Put *rows* into *table*, which has room; return the first row that is no id or came before, or -1."""
    for row in range(len(rows)):
        at = place_of(table, rows[row, 0], rows[row, 1])
        if rows[row, 0] == 0 and rows[row, 1] == 0:
            return row
        if table[at, 0] != 0 or table[at, 1] != 0:
            return row
        table[at, 0] = rows[row, 0]
        table[at, 1] = rows[row, 1]
        table[at, 2] = rows[row, 2]
    return -1


def make_ready() -> None:
    """Compile `pack`, lest payments wait for that at a cut."""
    none = np.zeros((0, 3), dtype=np.uint64)
    pack(none, 0, none)
