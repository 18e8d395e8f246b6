"""The ledger: transfers a second, law on, beside the machine's own limits and PostgreSQL, in the same run.

A batch is what one call may carry, 8,190 transfers. `durable` means that the
answer came after `fdatasync`. Each rate is the median of several rounds, a day
of the ledger's clock apart, after one round that is not counted. "No flush" is
the same ledger while `os.fdatasync` does nothing in this process.

    python -m bench.ledger [--json] [--holders N] [--quick]

The default takes about two minutes. `--holders 100000000` needs 16 GB of memory
and fills the wallets in memory, so nothing is replayed then.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from bench import postgres
from bench.load import LOADED_ONE_BY_ONE, Batches, World, found
from bench.rows import Row, median_seconds, show
from bench.watch import watched
from jiaozi.ledger.idindex import grown
from jiaozi.ledger.ledger import MAX_BATCH, Ledger, Outcome
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State

FEW_HOLDERS, MANY_HOLDERS = 10_000, 1_000_000
IN_FLIGHT = 8
CALLERS = 64
OFFERED = 500_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Size:
    """How long to measure."""

    holders: int = MANY_HOLDERS
    rounds: int = 5
    batches: int = 64  # a round
    seconds: float = 2.0  # of callers, and of paced batches
    postgres_seconds: int = 8
    postgres_batches: int = 60
    disk_bytes: int = 768 * MIB

    @property
    def is_short(self) -> bool:
        return self.rounds == 1


@dataclass(slots=True)
class Flight:
    """What a round of batches took. Latencies are from handing a batch over to having its answers."""

    transfers: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return self.transfers / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="The ledger")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--holders", type=int, default=MANY_HOLDERS, help="how many holders the large book has"
    )
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that all of it runs")
    given = parser.parse_args()
    size = Size(holders=given.holders)
    if given.quick:
        holders = 100_000 if given.holders == MANY_HOLDERS else given.holders
        size = Size(holders, 1, 16, 0.5, 1, 10, 64 * MIB)
    sys.argv[1:] = ["--json"] if given.json else []
    show("The ledger", lambda: measure(size))


def measure(size: Size) -> list[Row]:
    """Measure all rows; everything on disk is in one temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to reach its own folder below
        rows = [*_limits(folder, size), *_small_book(folder, size)]
        durable, more = _large_book(folder, size)
        rows += more + _peers(folder, size, durable)
    return [*rows, Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower")]


# -- the machine ------------------------------------------------------------


def _limits(folder: Path, size: Size) -> list[Row]:
    flush = _flush_seconds(folder, bytes_each=4096, times=500 if size.is_short else 3000)
    disk = _disk_rate(folder, bytes_each=8 * MIB, bytes_in_all=size.disk_bytes) / MIB
    return [
        Row("machine: append 4 KiB + fdatasync", 1 / flush, "flushes/s", None, "higher"),
        Row("machine: append 8 MiB + fdatasync", disk, "MiB/s", None, "higher"),
        Row("machine: two records read at random", _touches(FEW_HOLDERS), "transfers/s", None, "higher"),
        Row(
            f"the same, {_short(size.holders)} records", _touches(size.holders), "transfers/s", None, "higher"
        ),
    ]


def _flush_seconds(folder: Path, *, bytes_each: int, times: int) -> float:
    """Return the median seconds of one append and its sync."""
    block = os.urandom(bytes_each)
    with (folder / "raw").open("wb", buffering=0) as file:

        def append() -> None:
            file.write(block)
            os.fdatasync(file.fileno())

        found = median_seconds(append, times=times, warm_up=5)
    (folder / "raw").unlink()
    return found


def _disk_rate(folder: Path, *, bytes_each: int, bytes_in_all: int) -> float:
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


@numba.njit(nogil=True)
def _touch(records: NDArray[np.int64], rows: NDArray[np.int64]) -> int:
    total = 0
    for row in rows:
        total += records[row, 0]
    return total


def _touches(holders: int) -> float:
    """Return how many pairs of 64-byte records one core reads in a second, at random."""
    records = np.ones((holders, 8), dtype=np.int64)
    rows = np.random.default_rng(1).integers(0, holders, 2_000_000)
    return len(rows) / 2 / median_seconds(lambda: _touch(records, rows))


# -- the books --------------------------------------------------------------


def _small_book(folder: Path, size: Size) -> list[Row]:
    world = found(folder / "few", holders=FEW_HOLDERS)
    with world.ledger:
        flights = _rounds(world, size, _fly)
    return [*_told("10 k holders, durable", flights, None), *_kernel_rows(world, size, FEW_HOLDERS)]


def _large_book(folder: Path, size: Size) -> tuple[float, list[Row]]:
    holders = size.holders
    name = f"{_short(holders)} holders"
    start = time.perf_counter()
    world = found(folder / "many", holders=holders)
    founding = time.perf_counter() - start
    target = 1e6 if holders > 10 * MANY_HOLDERS else 2e6
    with world.ledger:
        before = _bytes(folder / "many"), world.ledger.sequence
        flights = _rounds(world, size, _fly)
        frames = world.ledger.sequence - before[1]
        written = _bytes(folder / "many") - before[0]
        counted = (size.rounds + 1) * size.batches * MAX_BATCH
        disk = _disk_rate(folder, bytes_each=written // frames, bytes_in_all=size.disk_bytes)
        limit = disk * counted / written
        rows = [Row(f"{name}, opened and loaded", founding, "s", None, "lower")]
        rows += _told(f"{name}, durable", flights, target, peer="append + fdatasync", limit=limit)
        rows += [
            Row("the same bytes, append + fdatasync", limit, "transfers/s", None, "higher"),
            Row("bytes a transfer in the journal", written / counted, "bytes", None, "lower"),
            *_where_time_goes(world, size),
        ]
        with _no_flush():
            rows += _told(f"{name}, journal, no flush", _rounds(world, size, _fly), None, latency=False)
        linked = _rounds(world, size, _fly, linked=True)
        rows += _told(f"{name}, durable, linked pairs", linked, None, latency=False)
        rows += [
            *_callers(world, size, folder),
            *_paced(world, size),
        ]
    if holders <= LOADED_ONE_BY_ONE:
        rows += _restart(folder / "many", world)
    rows += _kernel_rows(world, size, holders)
    return statistics.median(flight.rate for flight in flights), rows


def _rounds(
    world: World, size: Size, run: Callable[[Ledger, Batches], Flight], *, linked: bool = False
) -> list[Flight]:
    """Run as many rounds as asked, after one that is not counted. The batches are ready before each starts."""
    flights = []
    for _ in range(size.rounds + 1):
        batches = world.batches(size.batches, linked=linked)
        flights.append(run(world.ledger, batches))
        world.next_day()
    return flights[1:]


def _fly(ledger: Ledger, batches: Batches) -> Flight:
    """Post *batches* with IN_FLIGHT of them on their way at once."""
    flight, waiting = Flight(), deque[Future[Outcome]]()
    start, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        if len(waiting) == IN_FLIGHT:
            _land(flight, waiting.popleft())
        waiting.append(_send(flight, ledger, batch, time.perf_counter()))
    while waiting:
        _land(flight, waiting.popleft())
    flight.seconds, flight.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return flight


def _send(flight: Flight, ledger: Ledger, batch: NDArray[np.void], sent: float) -> Future[Outcome]:
    future = ledger.submit(batch)
    future.add_done_callback(lambda _: flight.latencies.append(time.perf_counter() - sent))
    return future


def _land(flight: Flight, future: Future[Outcome]) -> None:
    outcome = future.result()
    flight.transfers += len(outcome.results)
    flight.refused += len(outcome.results) - outcome.created


def _told(
    name: str,
    flights: list[Flight],
    target: float | None,
    *,
    latency: bool = True,
    peer: str = "",
    limit: float | None = None,
) -> list[Row]:
    """Return the rows of some rounds: rate, processor time, latencies, and how many were refused."""
    transfers = sum(flight.transfers for flight in flights)
    rate = statistics.median(flight.rate for flight in flights)
    cpu = statistics.median(flight.cpu_seconds / flight.transfers for flight in flights) * 1e6
    rows = [
        Row(name, rate, "transfers/s", target, "higher", peer, rate / limit if limit else None),
        Row("  processor, all threads", cpu, "us/transfer", 0.6 if target else None, "lower"),
    ]
    if latency:
        slowest = min(flight.rate for flight in flights)
        latencies = np.concatenate([flight.latencies for flight in flights]) * 1e3
        rows += [
            Row("  slowest round", slowest, "transfers/s", None, "higher"),
            Row("  batch, p50", float(np.percentile(latencies, 50)), "ms", None, "lower"),
            Row("  batch, p99", float(np.percentile(latencies, 99)), "ms", None, "lower"),
            Row("  not booked", sum(f.refused for f in flights) / transfers, "of all", None, "lower"),
        ]
    return rows


def _kernel_rows(world: World, size: Size, holders: int) -> list[Row]:
    """Post to the state alone, after the ledger was closed: no journal, no thread."""
    rows = []
    state = world.ledger.state
    for spread in ("uniform", "zipf"):
        flights = []
        for _ in range(size.rounds + 1):
            flights.append(_in_memory(state, world, world.batches(size.batches, spread)))
            world.next_day()
        rows += _told(f"{_short(holders)} holders, {spread}, in memory", flights[1:], None, latency=False)
    one = _in_memory(state, world, world.single(2_000)).seconds / 2_000 * 1e6
    return [*rows, Row("  a frame of one transfer, in memory", one, "us", None, "lower"), *_growth(state)]


def _in_memory(state: State, world: World, batches: Batches) -> Flight:
    flight, ends = Flight(), np.array([len(batches[0])], dtype=np.uint32)
    instant = world.clock()
    start, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        booked = state.post(batch, ends, instant)
        flight.refused += int(np.count_nonzero(booked.results != Result.CREATED))
    flight.seconds, flight.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    flight.transfers = sum(map(len, batches))
    return flight


def _growth(state: State) -> list[Row]:
    """Return how long the ledger stands still when its table of ids doubles: in fresh memory, and again.

    The second time the memory was touched before, so what is left is the moving of rows.
    """
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        grown(state._ids, state.ids_taken, len(state._ids) // 2)
        seconds.append(time.perf_counter() - start)
    fresh, again = seconds
    return [
        Row(f"  id table of {_short(state.ids_taken)} ids grows", fresh, "s", None, "lower"),
        Row("  the same in memory touched before", again, "s", None, "lower", "fresh memory", again / fresh),
    ]


def _where_time_goes(world: World, size: Size) -> list[Row]:
    """Return what each step of a durable transfer takes, in a run of its own with a timer around each."""
    batches = world.batches(2 * size.batches)
    with watched() as seconds:
        flight = _fly(world.ledger, batches)
    world.next_day()
    rows = [
        Row(f"    {step}", value / flight.transfers * 1e9, "ns/transfer", None, "lower")
        for step, value in seconds.items()
    ]
    whole = flight.seconds / flight.transfers * 1e9
    return [Row("where the time goes: wall clock", whole, "ns/transfer", None, "lower"), *rows]


@contextmanager
def _no_flush() -> Iterator[None]:
    """Let `os.fdatasync` do nothing: what is measured then is not durable."""
    real = os.fdatasync

    def nothing(fd: object) -> None:
        """Stand in for the flush."""

    os.fdatasync = nothing
    try:
        yield
    finally:
        os.fdatasync = real


# -- callers ----------------------------------------------------------------


def _callers(world: World, size: Size, folder: Path) -> list[Row]:
    """Let callers post one transfer each and wait for it; many at once, then one alone."""
    transfers, latencies, seconds = _call(world, CALLERS, size.seconds)
    many = np.array(latencies) * 1e3
    # A disk's mood changes within seconds: the flush is measured right before and right after.
    before = _flush_seconds(folder, bytes_each=512, times=300)
    _, alone, _ = _call(world, 1, size.seconds / 2)
    flush = (before + _flush_seconds(folder, bytes_each=512, times=300)) / 2
    above = (statistics.median(alone) - flush) * 1e3
    name = f"{CALLERS} callers, one transfer each"
    return [
        Row(name, transfers / seconds, "transfers/s", 100_000, "higher"),
        Row("  p50", float(np.percentile(many, 50)), "ms", None, "lower"),
        Row("  p99", float(np.percentile(many, 99)), "ms", 10, "lower"),
        Row(f"one caller, {CALLERS} on their way", _gathered(world, size), "transfers/s", None, "higher"),
        Row("a lone caller, above one flush", above, "ms", 1, "lower", "one flush", above / flush / 1e3),
        Row("  p99, flush included", float(np.percentile(alone, 99)) * 1e3, "ms", None, "lower"),
    ]


def _gathered(world: World, size: Size) -> float:
    """Return the rate of one thread that posts CALLERS transfers one by one, then waits for all: no thread wakes."""
    count = int(size.seconds * 10_000)
    batches = world.single(count)
    start = time.perf_counter()
    for first in range(0, count, CALLERS):
        for future in [world.ledger.submit(batch) for batch in batches[first : first + CALLERS]]:
            future.result()
    world.next_day()
    return count / (time.perf_counter() - start)


def _call(world: World, callers: int, seconds: float) -> tuple[int, list[float], float]:
    """Return transfers booked, each one's latency, and the seconds it took."""
    share = int(seconds * 100_000 / callers)
    batches = world.single(share * callers)
    latencies: list[list[float]] = [[] for _ in range(callers)]
    start = time.perf_counter()
    end = start + seconds

    def post(caller: int) -> None:
        for batch in batches[caller * share : (caller + 1) * share]:
            sent = time.perf_counter()
            if sent > end:
                return
            world.ledger.post(batch)
            latencies[caller].append(time.perf_counter() - sent)

    threads = [threading.Thread(target=post, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    world.next_day()
    return sum(map(len, latencies)), [each for own in latencies for each in own], took


def _paced(world: World, size: Size) -> list[Row]:
    """Offer a batch at each beat, whether the last was answered or not; latency counts from the beat."""
    beat = MAX_BATCH / OFFERED
    batches = world.batches(int(size.seconds / beat))
    flight, waiting = Flight(), []
    start = time.perf_counter()
    for number, batch in enumerate(batches):
        due = start + number * beat
        time.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(_send(flight, world.ledger, batch, due))
    for future in waiting:
        _land(flight, future)
    world.next_day()
    latencies = np.array(flight.latencies) * 1e3
    return [
        Row(f"offered {OFFERED:,}/s, batch p50", float(np.percentile(latencies, 50)), "ms", None, "lower"),
        Row("  p99", float(np.percentile(latencies, 99)), "ms", 15, "lower"),
        Row("  slowest", float(latencies.max()), "ms", None, "lower"),
    ]


# -- start, and peers -------------------------------------------------------


def _restart(folder: Path, world: World) -> list[Row]:
    """Open the ledger again: today all of the journal is checked and replayed."""
    start = time.perf_counter()
    with Ledger.open(folder, clock=world.clock) as again:
        seconds = time.perf_counter() - start
        transfers = sum(again.state.activity.results.values())
        assert again.state.digest() == world.ledger.state.digest()
    name = f"restart, {_short(world.holders)} accounts, {_short(transfers)} transfers"
    return [
        Row("replay from the journal", transfers / seconds, "transfers/s", 4e6, "higher"),
        Row(name, seconds, "s", 20, "lower"),
    ]


def _peers(folder: Path, size: Size, durable: float) -> list[Row]:
    """Measure PostgreSQL, or say on stderr why its rows are left out."""
    why = postgres.why_not()
    if why:
        print(f"rows of PostgreSQL are left out: {why}", file=sys.stderr)
        return []
    holders = min(size.holders, MANY_HOLDERS)
    rates = postgres.measure(
        folder, holders=holders, seconds=size.postgres_seconds, batches=size.postgres_batches
    )
    one = Row("PostgreSQL, a call each, 16 clients", rates.one_by_one, "transfers/s", None, "higher")
    sets = Row("PostgreSQL, COPY + set, no law", rates.in_sets, "transfers/s", None, "higher")
    ratio = durable / rates.in_sets
    against = Row(
        "durable, beside PostgreSQL in sets", durable, "transfers/s", None, "higher", "PostgreSQL", ratio
    )
    return [one, sets, against]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.jzj"))


def _short(count: int) -> str:
    """Return 10 k, 1 M, 4.2 M."""
    return f"{count / 1e6:.3g} M" if count >= 1e6 else f"{count / 1e3:.3g} k"


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    if "--json" not in sys.argv:
        print(f"  measured in {time.perf_counter() - started:.0f} s")
