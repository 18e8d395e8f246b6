"""Rows about a book that is opened again: snapshot, restart, replay from the first frame, sealed bytes.

The digest of what comes out is compared with that of the ledger that was closed. Wallets of a very large
book were filled in memory (`load.LOADED_ONE_BY_ONE`), so its journal is not replayed from frame 1 and not sealed.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.flights import fly
from bench.limits import MIB, short
from bench.load import LOADED_ONE_BY_ONE, World
from bench.rows import Row
from jiaozi.clock import Clock
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.ledger import MAX_BATCH, Ledger
from jiaozi.ledger.restart import restart

SEALING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stopped:
    """A book that was closed: where it lies, its size, and the digest of its state."""

    folder: Path
    clock: Clock
    holders: int
    digest: str
    transfers: int
    """In its journal; in one that is not replayed, those behind its snapshot."""

    @property
    def can_be_replayed(self) -> bool:
        return self.holders <= LOADED_ONE_BY_ONE


def snapshot_and_close(world: World, folder: Path, batches: int) -> tuple[Stopped, list[Row]]:
    """Write a snapshot, post a tail of *batches* behind it, close; the state may be used up afterwards."""
    ledger = world.ledger
    start = time.perf_counter()
    written = ledger.snapshot()
    seconds = time.perf_counter() - start
    tail = fly(ledger, world.batches(batches))
    world.next_day()
    ledger.close()
    can_be_replayed = world.holders <= LOADED_ONE_BY_ONE
    transfers = sum(ledger.state.activity.results.values()) if can_be_replayed else tail.transfers
    stopped = Stopped(folder, world.clock, world.holders, ledger.state.digest(), transfers)
    return stopped, [
        Row(f"snapshot of {short(world.holders)} accounts, written", seconds, "s", None, "lower"),
        Row("  its size", written.bytes / MIB, "MiB", None, "lower"),
    ]


def restarted(book: Stopped, *, times: int, tail: int) -> list[Row]:
    """Open *book* from its snapshot and a tail of *tail* batches, *times*; then from the first frame."""
    gc.collect()  # the state that was closed goes before another one comes
    warm = _median(times, lambda: _open(book))
    cold = _median(times, lambda: _open(book), before=lambda: _forget_cached(book.folder))
    behind = f"{short(tail * MAX_BATCH)} transfers behind the snapshot"
    rows = [
        Row(f"restart, {short(book.holders)} accounts, {behind}", cold, "s", 20, "lower"),
        Row("  the same, files in memory", warm, "s", None, "lower"),
    ]
    if book.can_be_replayed:
        seconds = _median(times, lambda: _replay(book))
        name = f"replay from the journal, {short(book.transfers)} transfers"
        rows.append(Row(name, book.transfers / seconds, "transfers/s", 4e6, "higher"))
    return rows


def sealed(book: Stopped) -> list[Row]:
    """Seal the journal of *book*, for a minute at most; tell the bytes of a transfer, and how fast."""
    if not book.can_be_replayed:
        return []
    start = time.perf_counter()
    done = seal(book.folder, should_stop=lambda: time.perf_counter() > start + SEALING_SECONDS)
    seconds = time.perf_counter() - start
    if not done.transfers:  # a short run fills no whole segment
        return []
    return [
        Row("bytes a transfer, sealed", done.bytes / done.transfers, "bytes", 40, "lower"),
        Row("  sealing", done.transfers / seconds, "transfers/s", None, "higher"),
    ]


def journal_bytes(folder: Path) -> int:
    """Return the bytes of the journal in *folder*."""
    return sum(path.stat().st_size for path in folder.rglob("*.jzj"))


def _median(times: int, run: Callable[[], float], *, before: Callable[[], None] | None = None) -> float:
    found = []
    for _ in range(times):
        if before is not None:
            before()
        found.append(run())
        gc.collect()
    return statistics.median(found)


def _open(book: Stopped) -> float:
    """Return the seconds that opening *book* took."""
    start = time.perf_counter()
    with Ledger.open(book.folder, clock=book.clock) as again:
        seconds = time.perf_counter() - start
        assert again.opened_from is not None, again.passed_over
        assert again.state.digest() == book.digest
    return seconds


def _replay(book: Stopped) -> float:
    """Return the seconds that folding the journal of *book* from its first frame took."""
    start = time.perf_counter()
    again = restart(book.folder, anew=True)
    seconds = time.perf_counter() - start
    assert again.state.digest() == book.digest
    return seconds


def _forget_cached(folder: Path) -> None:
    """Ask the system to keep no file of *folder* in memory, as after a power cut. A favour: it may keep some."""
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)
