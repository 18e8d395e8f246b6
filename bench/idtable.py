"""The table of ids and its memory: an id looked for and put in, room made for a frame, bytes an id, first touch.

Ids come in frames of 8,190, as the kernel takes them: room is made for all, then each 512 are read ahead,
looked for and put in. "Looked for again" are ids that stand there. Memory is touched beforehand, since a virtual
machine gets it from its host at the first touch ever; what that costs here is a row of its own.

    python -m bench.idtable [--json] [--quick]

Takes about a minute and 4 GB of memory.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.limits import GIB, short, warm
from bench.rows import Row, median_seconds, parser_of, show
from jiaozi.ledger.payload import MAX_BATCH
from jiaozi.ledger.posting import idindex
from jiaozi.ledger.posting.arena import populate, reserve
from jiaozi.ledger.posting.idindex import (
    IDS_PER_PIECE,
    PIECE_ROWS,
    Table,
    count_of,
    home_of,
    in_use,
    make_room,
    new_table,
    place_of,
    put,
)
from jiaozi.ledger.posting.kernel import AHEAD
from jiaozi.rulebook.machine.compiled import entry

SIZES = (1_000_000, 10_000_000, 40_000_000)
LOADS = (0.5, 0.6)
"""Besides the one in use, measured at the middle one of SIZES."""

FRAMES_AT_ONCE = 64
TIMES = 3


@dataclass(slots=True)
class Filling:
    """What filling a table took: seconds of each piece of work of the last million ids, and the worst frame."""

    put_seconds: list[float] = field(default_factory=list)  # a frame
    room_seconds: list[float] = field(default_factory=list)  # a frame
    last: NDArray[np.uint64] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.uint64))


def main() -> None:
    parser = parser_of("The table of ids")
    parser.add_argument("--quick", action="store_true", help="small tables, to see that all of it runs")
    given = parser.parse_args()
    sizes = (100_000, 300_000, 1_000_000) if given.quick else SIZES
    memory = GIB // 16 if given.quick else GIB
    show("The table of ids", lambda: measure(sizes, memory), as_json=given.json)


def measure(sizes: tuple[int, int, int], touched_bytes: int) -> list[Row]:
    """Fill tables to *sizes*, then touch *touched_bytes* of memory in small and in large pages."""
    rows = warm(64 * sizes[-1] + touched_bytes)
    rows += _filled(sizes)
    for load in LOADS:
        with _loaded(load):
            rows += _filled(sizes[1:2], f", load {load}")
    return rows + _first_touch(touched_bytes)


def _filled(sizes: tuple[int, ...], which: str = "") -> list[Row]:
    """Fill one table, and stop at each of *sizes* to tell how it went so far."""
    random = np.random.default_rng(5)
    table, worst, rows = new_table(), 0.0, []
    _put_all(table, np.zeros((0, 2), dtype=np.uint64))  # compiled before it is timed
    _find_all(table, np.zeros((0, 2), dtype=np.uint64))
    for size in sizes:
        filling = Filling()
        while count_of(table) < size:
            table = _fill(table, random, filling)
            worst = max(worst, max(filling.room_seconds))
        rows += _told(f"{short(size)} ids{which}", table, filling, worst)
    return rows


def _fill(table: Table, random: np.random.Generator, filling: Filling) -> Table:
    """Put FRAMES_AT_ONCE frames of fresh ids into *table*; return it, or the one it grew into."""
    ids = random.integers(1, 2**64, (FRAMES_AT_ONCE * MAX_BATCH, 2), dtype=np.uint64)
    filling.put_seconds.clear()
    filling.room_seconds.clear()
    for start in range(0, len(ids), MAX_BATCH):
        begun = time.perf_counter()
        table = make_room(table, MAX_BATCH)
        ready = time.perf_counter()
        repeated = _put_all(table, ids[start : start + MAX_BATCH])
        filling.put_seconds.append(time.perf_counter() - ready)
        filling.room_seconds.append(ready - begun)
        assert repeated == 0
    filling.last = ids
    return table


def _told(name: str, table: Table, filling: Filling, worst: float) -> list[Row]:
    each = 1e9 / MAX_BATCH
    again = filling.last[np.random.default_rng(6).permutation(len(filling.last))]
    found = median_seconds(lambda: _find_all(table, again), times=TIMES) / len(again) * 1e9
    bytes_used = sum(last - first for first, last in in_use.py_func(table)) * 24  # type: ignore[attr-defined]
    return [
        Row(
            f"{name}: looked for and put in",
            float(np.median(filling.put_seconds)) * each,
            "ns/id",
            None,
            "lower",
        ),
        Row("  looked for again", found, "ns/id", None, "lower"),
        Row("  room made", float(np.mean(filling.room_seconds)) * each, "ns/id", None, "lower"),
        Row("  room made, worst frame so far", worst * 1e3, "ms", None, "lower"),
        Row("  memory", bytes_used / count_of(table), "bytes/id", None, "lower"),
    ]


@contextmanager
def _loaded(load: float) -> Iterator[None]:
    """Let tables be filled to *load* of their rows; only Python reads the number, so nothing is compiled."""
    idindex.IDS_PER_PIECE = int(load * PIECE_ROWS)
    try:
        yield
    finally:
        idindex.IDS_PER_PIECE = IDS_PER_PIECE


@entry
def _put_all(table: Table, ids: NDArray[np.uint64]) -> int:
    """Put *ids* (n, 2) into *table* as the kernel does; return how many stood there."""
    repeated, touched = 0, np.uint64(0)
    for first in range(0, len(ids), AHEAD):
        last = min(first + AHEAD, len(ids))
        for n in range(first, last):
            touched ^= table[home_of(table, ids[n, 0], ids[n, 1]), 0]
        for n in range(first, last):
            at = place_of(table, ids[n, 0], ids[n, 1])
            if table[at, 0] != 0 or table[at, 1] != 0:
                repeated += 1
            else:
                put(table, at, ids[n, 0], ids[n, 1], np.uint64(256))
    # No id is zero in both halves, so this is never added; but the reads above are not left out.
    return repeated + (touched == np.uint64(1) and len(ids) == 0)


@entry
def _find_all(table: Table, ids: NDArray[np.uint64]) -> int:
    """Return how many of *ids* (n, 2) stand in *table*, read ahead as the kernel does."""
    found, touched = 0, np.uint64(0)
    for first in range(0, len(ids), AHEAD):
        last = min(first + AHEAD, len(ids))
        for n in range(first, last):
            touched ^= table[home_of(table, ids[n, 0], ids[n, 1]), 0]
        for n in range(first, last):
            at = place_of(table, ids[n, 0], ids[n, 1])
            found += table[at, 0] == ids[n, 0] and table[at, 1] == ids[n, 1]
    return found + (touched == np.uint64(1) and len(ids) == 0)


def _first_touch(size: int) -> list[Row]:
    """Write each page of *size* bytes for the first time, in small pages, in large ones, and by `populate`."""
    per_gib = GIB / size

    def small() -> None:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        np.frombuffer(memory, dtype=np.uint8)[:: mmap.PAGESIZE] = 1

    def large() -> None:
        reserve(np.uint8, size, least=size)[:: mmap.PAGESIZE] = 1

    def populated() -> None:
        array = reserve(np.uint8, size, least=size)
        populate(array, 0, len(array))

    return [
        Row(f"first touch, {name}", median_seconds(run, times=TIMES) * per_gib, "s/GiB", None, "lower")
        for name, run in (
            ("small pages", small),
            ("large pages", large),
            ("populate, large pages", populated),
        )
    ]


if __name__ == "__main__":
    main()
