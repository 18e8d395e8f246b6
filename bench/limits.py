"""What the machine allows: flushes, bytes written in a row, records read at random, digests; and memory made ready.

These rows stand beside those of the ledger, in the same run, so that a figure can be read as a share of a limit.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numba
import numpy as np
from numpy.typing import NDArray

from bench.rows import Row, median_seconds
from jiaozi.ledger.posting.arena import populate, reserve

MIB, GIB = 1 << 20, 1 << 30
FRAME_BYTES = 8_190 * 64
READS = 2_000_000
SHARE_OF_FREE = 0.8


def limits(folder: Path, *, holders: tuple[int, ...], disk_bytes: int, flushes: int) -> list[Row]:
    """Measure flush, sequential write, random reads of *holders* records, SHA-256 and CRC-32C."""
    flush = flush_seconds(folder, bytes_each=4096, times=flushes)
    disk = disk_rate(folder, bytes_each=8 * MIB, bytes_in_all=disk_bytes)
    rows = [
        Row("machine: append 4 KiB + fdatasync", 1 / flush, "flushes/s", None, "higher"),
        Row("machine: append 8 MiB + fdatasync", disk / MIB, "MiB/s", None, "higher"),
    ]
    for count in holders:
        name = f"machine: two records of {short(count)} read at random"
        rows.append(Row(name, _touches(count), "transfers/s", None, "higher"))
    sha = _digest_rate(lambda block: hashlib.sha256(block).digest())
    crc = _digest_rate(lambda block: google_crc32c.value(block))
    return [
        *rows,
        Row("machine: SHA-256 of a frame, one core", sha / 1e9, "GB/s", None, "higher"),
        Row("machine: CRC-32C of a frame, one core", crc / 1e9, "GB/s", None, "higher"),
    ]


def flush_seconds(folder: Path, *, bytes_each: int, times: int) -> float:
    """Return the median seconds of one append of *bytes_each* and its sync."""
    block = os.urandom(bytes_each)
    with (folder / "raw").open("wb", buffering=0) as file:

        def append() -> None:
            file.write(block)
            os.fdatasync(file.fileno())

        found = median_seconds(append, times=times, warm_up=5)
    (folder / "raw").unlink()
    return found


def disk_rate(folder: Path, *, bytes_each: int, bytes_in_all: int) -> float:
    """Return bytes a second, appended and synced piece by piece.

    All of them, and not the median of a few: such a disk is three times as fast for its first 100 MiB.
    """
    block, times = os.urandom(bytes_each), max(1, bytes_in_all // bytes_each)
    with (folder / "raw").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(times):
            file.write(block)
            os.fdatasync(file.fileno())
        seconds = time.perf_counter() - start
    (folder / "raw").unlink()
    return times * bytes_each / seconds


def warm(needed_bytes: int) -> list[Row]:
    """Touch as much memory as will be needed, or most of what is free, and give it back.

    A virtual machine gets memory from its host at the first touch ever, see `arena`: the first row to
    use it would pay for all later ones. A second call that takes as long says that the host takes it back.
    """
    size = min(needed_bytes, int(SHARE_OF_FREE * _free_bytes()))
    start = time.perf_counter()
    room = reserve(np.uint8, size)
    populate(room, 0, len(room))
    seconds = time.perf_counter() - start
    return [Row("machine: memory touched beforehand", seconds / (len(room) / GIB), "s/GiB", None, "lower")]


def resident_bytes() -> int:
    """Return how much memory this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def short(count: int) -> str:
    """Return 10 k, 1 M, 4.2 M."""
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e3:.3g} k"


def _free_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _digest_rate(digest: Callable[[bytes], object]) -> float:
    """Return bytes a second of *digest* over blocks of a full frame."""
    block = os.urandom(FRAME_BYTES)
    return len(block) / median_seconds(lambda: digest(block), times=100, warm_up=10)


@numba.njit(nogil=True)
def _touch(records: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    total = 0
    for row in rows:
        total += records[row, 0]
    return total


def _touches(holders: int) -> float:
    """Return how many pairs of 64-byte records one core reads in a second, at random, in large pages."""
    records = reserve(np.int64, 8 * holders, least=8 * holders).reshape(-1, 8)
    records[:, 0] = 1
    rows = np.random.default_rng(1).integers(0, holders, READS)
    return len(rows) / 2 / median_seconds(lambda: _touch(records, rows))
