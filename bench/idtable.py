"""The table of ids: looking for an id and putting it in, how long payments wait while it grows, and its memory.

    python -m bench.idtable [--json] [--quick]

The figures that `posting/idindex.py` and `posting/arena.py` quote. Ids are random; they come in frames of 8,190,
each after `make_room`, and the memory is found before, as `memory.py` does for the ledger. Takes about two
minutes and 4 GB of memory. The first row tells what memory costs that this machine may never have used;
the rows of pages below it touch memory that it used.
"""

from __future__ import annotations

import mmap
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bench.limits import GIB, MIB, short, warm
from bench.rows import Row, parser_of, show
from jiaozi.ledger.payload import MAX_BATCH
from jiaozi.ledger.posting import idindex
from jiaozi.ledger.posting.arena import reserve
from jiaozi.ledger.posting.idindex import (
    PIECE_ROWS,
    Table,
    count_of,
    in_use,
    make_room,
    new_table,
    populate_ahead,
    put_rows,
)

SIZES = 1_000_000, 10_000_000, 40_000_000
LOADS = 0.5, 0.6
"""Shares of a piece that might have been chosen instead, at LOADS_IDS ids."""

LOADS_IDS = 10_000_000
MEASURED = 0.1
"""The share of the ids, the last ones, whose time counts: a table of this size, and not on its way there."""

SHARE_OF_TABLE = 1.2
TOUCHED_BYTES = 1 << 30
TOUCHES = 3


def main() -> None:
    parser = parser_of("The table of ids")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of it, to see that all of it runs")
    given = parser.parse_args()
    show("The table of ids", lambda: measure(50 if given.quick else 1), as_json=given.json)


def measure(divisor: int = 1) -> list[Row]:
    """Return all rows; sizes are divided by *divisor*."""
    sizes = [size // divisor for size in SIZES]
    largest = int(SHARE_OF_TABLE * sizes[-1] * 24 * PIECE_ROWS / idindex.IDS_PER_PIECE)
    rows = [*warm(max(largest, GIB // divisor)), *_first_touch(TOUCHED_BYTES // divisor)]
    for size in sizes:
        rows += _filled(size, f"{short(size)} ids")
    for share in LOADS:
        with _load_of(share):
            size = LOADS_IDS // divisor
            rows += _filled(size, f"{short(size)} ids, pieces {share:g} full on average")
    return [*rows, Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower")]


def _filled(ids: int, name: str) -> list[Row]:
    """Fill a table with *ids* ids, frame by frame."""
    random = np.random.default_rng(2026)
    table = new_table()
    populate_ahead(table, ids)
    puts, rooms, known = [], [], []
    while (count := count_of(table)) < ids:
        rows = random.integers(1, 2**63, (MAX_BATCH, 3), dtype=np.uint64)
        start = time.perf_counter()
        table = make_room(table, len(rows))
        has_room = time.perf_counter()
        refused = put_rows(table, rows)
        is_put = time.perf_counter()
        assert refused == -1, "random numbers of 126 bits do not meet"
        rooms.append(has_room - start)
        if count + len(rows) > (1 - MEASURED) * ids:
            puts.append((is_put - has_room) / len(rows))
            known.append((is_put - start) / len(rows))
    return [
        Row(f"{name}, looked for and put in", statistics.median(puts) * 1e9, "ns", None, "lower"),
        Row("  with the room made", statistics.fmean(known) * 1e9, "ns", None, "lower"),
        Row("  longest make_room of a frame", max(rooms) * 1e3, "ms", None, "lower"),
        Row("  bytes an id", _bytes_of(table) / count_of(table), "bytes", None, "lower"),
    ]


def _bytes_of(table: Table) -> int:
    """Return the bytes of the pieces in use."""
    return sum(last - first for first, last in in_use(table)) * 24


@contextmanager
def _load_of(share: float) -> Iterator[None]:
    """Let tables be as full as *share*, which is read when one is made and when room is made."""
    chosen = idindex.IDS_PER_PIECE
    idindex.IDS_PER_PIECE = int(share * PIECE_ROWS)
    try:
        yield
    finally:
        idindex.IDS_PER_PIECE = chosen


def _first_touch(size: int) -> list[Row]:
    """Write one byte of each small page of fresh memory: in small pages, and in the large ones of `reserve`."""
    small = statistics.median(_touch(_in_small_pages(size)) for _ in range(TOUCHES))
    large = statistics.median(_touch(reserve(np.uint8, size)) for _ in range(TOUCHES))
    gib = size / GIB
    return [
        Row(f"first touch, {size / MIB:,.0f} MiB in small pages", small / gib, "s/GiB", None, "lower"),
        Row("  in large pages", large / gib, "s/GiB", None, "lower", "small pages", large / small),
    ]


def _in_small_pages(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype=np.uint8)


def _touch(array: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> float:
    start = time.perf_counter()
    array[:: mmap.PAGESIZE] = 1
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
