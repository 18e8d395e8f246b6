"""Flights: batches on their way through a ledger, timed, and told as rows.

A batch is what one call may carry, 8,190 transfers. Batches are made before the
clock starts. A round is a number of batches; rounds are a day of the ledger's
clock apart, so that no daily cap fills up, and the first is not counted.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from bench.load import Batches, World
from bench.rows import Row
from jiaozi.clock import Instant
from jiaozi.ledger.ledger import MAX_BATCH, Ledger, Outcome
from jiaozi.ledger.records import Transfers, one_call
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State

IN_FLIGHT = 8
OFFERED = 500_000


@dataclass(slots=True)
class Flight:
    """What a round of batches took. Latencies are from handing a batch over to having its answers.

    In memory, a latency is what one frame took. `writer_seconds` is the processor time of the writer's thread.
    """

    transfers: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    writer_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return self.transfers / self.seconds


Make = Callable[[], Batches]


def rounds(world: World, count: int, make: Make) -> list[Flight]:
    """Post *count* rounds of what *make* gives through the ledger, after one that is not counted."""
    return _rounds(world, count, make, lambda batches: fly(world.ledger, batches))


def rounds_in_memory(world: World, count: int, make: Make) -> list[Flight]:
    """Post to the state alone, once the ledger was closed: no journal, no thread, nothing counted by minute."""
    return _rounds(world, count, make, lambda batches: in_memory(world.ledger.state, world.clock(), batches))


def _rounds(world: World, count: int, make: Make, run: Callable[[Batches], Flight]) -> list[Flight]:
    flights = []
    for _ in range(count + 1):
        flights.append(run(make()))
        world.next_day()
    return flights[1:]


def fly(ledger: Ledger, batches: Batches) -> Flight:
    """Post *batches* with IN_FLIGHT of them on their way at once."""
    flight, waiting = Flight(), deque[Future[Outcome]]()
    own = time.pthread_getcpuclockid(ledger._writer.thread.ident or 0)
    writer, start, cpu = time.clock_gettime(own), time.perf_counter(), time.process_time()
    for batch in batches:
        if len(waiting) == IN_FLIGHT:
            _land(flight, waiting.popleft())
        waiting.append(_send(flight, ledger, batch, time.perf_counter()))
    while waiting:
        _land(flight, waiting.popleft())
    flight.seconds, flight.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    flight.writer_seconds = time.clock_gettime(own) - writer
    return flight


def _send(flight: Flight, ledger: Ledger, batch: Transfers, sent: float) -> Future[Outcome]:
    future = ledger.submit(batch)
    future.add_done_callback(lambda _: flight.latencies.append(time.perf_counter() - sent))
    return future


def _land(flight: Flight, future: Future[Outcome]) -> None:
    outcome = future.result()
    flight.transfers += len(outcome.results)
    flight.refused += len(outcome.results) - outcome.created


def in_memory(state: State, instant: Instant, batches: Batches) -> Flight:
    """Post *batches* to *state* at *instant*, one frame each."""
    flight = Flight()
    start, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        begun = time.perf_counter()
        booked = state.post(batch, one_call(len(batch)), instant)
        flight.latencies.append(time.perf_counter() - begun)
        flight.refused += int(np.count_nonzero(booked.results != Result.CREATED))
    flight.seconds, flight.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    flight.transfers = sum(map(len, batches))
    return flight


@contextmanager
def no_flush() -> Iterator[None]:
    """Let `os.fdatasync` do nothing: what is measured then is not durable."""
    real = os.fdatasync

    def nothing(fd: object) -> None:
        """Stand in for the flush."""

    os.fdatasync = nothing
    try:
        yield
    finally:
        os.fdatasync = real


# -- told as rows -------------------------------------------------------------


def told(name: str, flights: list[Flight], target: float | None = None) -> list[Row]:
    """Return the rate, the slowest round, and how many transfers were not booked."""
    transfers = sum(flight.transfers for flight in flights)
    return [
        Row(name, rate_of(flights), "transfers/s", target, "higher"),
        Row("  slowest round", min(flight.rate for flight in flights), "transfers/s", None, "higher"),
        Row("  not booked", sum(f.refused for f in flights) / transfers, "of all", None, "lower"),
    ]


def told_processor(flights: list[Flight], target: float | None = None) -> list[Row]:
    """Return the processor time of a transfer, of all threads and of the writer's."""
    every = statistics.median(flight.cpu_seconds / flight.transfers for flight in flights) * 1e6
    writer = statistics.median(flight.writer_seconds / flight.transfers for flight in flights) * 1e6
    return [
        Row("  processor, all threads", every, "us/transfer", target, "lower"),
        Row("  processor, the writer's thread", writer, "us/transfer", None, "lower"),
    ]


def told_latency(flights: list[Flight], what: str = "batch", target_ms: float | None = None) -> list[Row]:
    """Return p50, p99 and the longest of all rounds together."""
    latencies = np.concatenate([flight.latencies for flight in flights]) * 1e3
    return [
        Row(f"  {what}, p50", float(np.percentile(latencies, 50)), "ms", None, "lower"),
        Row(f"  {what}, p99", float(np.percentile(latencies, 99)), "ms", target_ms, "lower"),
        Row(f"  {what}, longest", float(latencies.max()), "ms", None, "lower"),
    ]


def rate_of(flights: list[Flight]) -> float:
    """Return the median of their rates."""
    return statistics.median(flight.rate for flight in flights)


def paced(world: World, seconds: float) -> list[Row]:
    """Offer a batch at each beat, whether the last was answered or not; latency counts from the beat."""
    _pace(world, seconds / 10)
    flight = _pace(world, seconds)
    name = f"offered {OFFERED:,}/s, answered"
    return [
        Row(name, flight.rate, "transfers/s", None, "higher"),
        *told_latency([flight], target_ms=15),
    ]


def _pace(world: World, seconds: float) -> Flight:
    beat = MAX_BATCH / OFFERED
    batches = world.batches(max(1, int(seconds / beat)))
    flight, waiting = Flight(), []
    start = time.perf_counter()
    for number, batch in enumerate(batches):
        due = start + number * beat
        time.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(_send(flight, world.ledger, batch, due))
    for future in waiting:
        _land(flight, future)
    flight.seconds = time.perf_counter() - start
    world.next_day()
    return flight
