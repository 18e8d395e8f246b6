"""Callers of one transfer each: coroutines of one loop, threads, a lone one.

Each caller pays and waits for his answer, which came after `fdatasync`. Latency is
from the call to the answer. Each figure is of several rounds, after one that is not counted.

    python -m bench.callers [--json]

Takes about half a minute; `bench/ledger.py` prints the same rows. Coroutines share a thread, so this is what
Python's lock allows; 64 threads wait for that lock and for each other, whatever the ledger does.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import jiaozi
from bench.limits import flush_seconds
from bench.load import ZONE, World, found
from bench.rows import Row, show
from jiaozi.embedded import OpenLedger

HOLDERS = 100_000
CALLERS = 64
FLUSHES = 500
FLUSHED_BYTES = 512
"""What a frame of one transfer takes on disk, about."""

Told = tuple[float, list[float]]
"""Transfers a second, and the latencies in seconds."""

Run = Callable[[OpenLedger, World, int, float], Told]


def main() -> None:
    show("Callers of one transfer each", _alone)


def _alone() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name))
    return [*rows, Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower")]


def measure(folder: Path, *, holders: int = HOLDERS, rounds: int = 3, seconds: float = 2.0) -> list[Row]:
    """Measure all rows in one book in *folder*, *rounds* of *seconds* each.

    A disk's mood changes within seconds: its flush is measured right before and right after the lone callers.
    """
    world = found(folder / "callers", holders=holders)
    world.ledger.close()
    with jiaozi.open(folder / "callers", clock=world.clock) as ledger:

        def many(run: Run, callers: int) -> list[Told]:
            return _rounds(world, rounds, lambda: run(ledger, world, callers, seconds))

        def flush() -> float:
            return flush_seconds(folder, bytes_each=FLUSHED_BYTES, times=FLUSHES)

        rows = _told(f"{CALLERS} coroutines, one transfer each", many(_coroutines, CALLERS), 100_000)
        rows += _told(f"{CALLERS} threads, one transfer each", many(_threads, CALLERS), None)
        flushes = [flush()]
        lone = many(_threads, 1)
        flushes.append(flush())
        lone_coroutine = many(_coroutines, 1)
        flushes.append(flush())
    rows += _above("a lone caller", lone, statistics.mean(flushes[:2]))
    return rows + _above("a lone coroutine", lone_coroutine, statistics.mean(flushes[1:]))


def _rounds(world: World, count: int, run: Callable[[], Told]) -> list[Told]:
    """Run *count* rounds, a day of the ledger's clock apart, after one that is not counted."""
    told = []
    for _ in range(count + 1):
        told.append(run())
        world.next_day()
    return told[1:]


def _pairs(world: World, callers: int) -> list[list[tuple[int, int]]]:
    """Return for each caller whom he lets pay whom, in turn."""
    pairs = world.random.integers(0, world.holders, (callers, 512, 2))
    pairs[:, :, 1] = np.where(
        pairs[:, :, 0] == pairs[:, :, 1], (pairs[:, :, 0] + 1) % world.holders, pairs[:, :, 1]
    )
    return [[(world.first + int(a), world.first + int(b)) for a, b in own] for own in pairs]


def _coroutines(ledger: OpenLedger, world: World, callers: int, seconds: float) -> Told:
    latencies: list[float] = []
    pairs = _pairs(world, callers)

    async def call(own: list[tuple[int, int]], end: float) -> None:
        clock, count = time.perf_counter, 0
        while (sent := clock()) < end:
            payer, payee = own[count % len(own)]
            await ledger.pay_async(debit=payer, credit=payee, amount_fen=1 + count % 500, place=ZONE)
            latencies.append(clock() - sent)
            count += 1

    async def crowd() -> None:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(call(own, end) for own in pairs))

    start = time.perf_counter()
    asyncio.run(crowd())
    return len(latencies) / (time.perf_counter() - start), latencies


def _threads(ledger: OpenLedger, world: World, callers: int, seconds: float) -> Told:
    latencies: list[list[float]] = [[] for _ in range(callers)]
    pairs = _pairs(world, callers)
    start = time.perf_counter()
    end = start + seconds

    def call(caller: int) -> None:
        own, mine, clock, count = pairs[caller], latencies[caller], time.perf_counter, 0
        while (sent := clock()) < end:
            payer, payee = own[count % len(own)]
            ledger.pay(debit=payer, credit=payee, amount_fen=1 + count % 500, place=ZONE)
            mine.append(clock() - sent)
            count += 1

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everyone = [each for mine in latencies for each in mine]
    return len(everyone) / (time.perf_counter() - start), everyone


def _told(name: str, rounds: list[Told], target: float | None) -> list[Row]:
    """Return rate and latencies. The target is for callers in process; 64 threads are told beside it."""
    rates = [rate for rate, _ in rounds]
    latencies = np.concatenate([latencies for _, latencies in rounds]) * 1e3
    return [
        Row(name, statistics.median(rates), "transfers/s", target, "higher"),
        Row("  slowest round", min(rates), "transfers/s", None, "higher"),
        Row("  p50", float(np.percentile(latencies, 50)), "ms", None, "lower"),
        Row("  p99", float(np.percentile(latencies, 99)), "ms", 10, "lower"),
    ]


def _above(name: str, rounds: list[Told], flush: float) -> list[Row]:
    latencies = np.concatenate([latencies for _, latencies in rounds])
    above = (float(np.median(latencies)) - flush) * 1e3
    return [
        Row(f"{name}, p50 above one flush", above, "ms", 1, "lower", "one flush", above / flush / 1e3),
        Row("  p99, flush included", float(np.percentile(latencies, 99)) * 1e3, "ms", None, "lower"),
    ]


if __name__ == "__main__":
    main()
