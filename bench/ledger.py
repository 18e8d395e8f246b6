"""The ledger: transfers a second, law on, beside the machine's own limits and PostgreSQL, in the same run.

A batch is what one call may carry, 8,190 transfers. `durable` means that the
answer came after `fdatasync`. Each rate is the median of several rounds, a day
of the ledger's clock apart, after one round that is not counted. "No flush" is
the same ledger while `os.fdatasync` does nothing in this process.

    python -m bench.ledger [--json] [--holders N] [--quick]

The default takes about six minutes. `--holders 100000000` needs 20 GB of memory and 10 GB
of disk and fills the wallets in memory, so nothing is replayed from frame 1 then.

    limits     what the machine allows       restarts   snapshot, restart, replay, sealed bytes
    load       books and payments            callers    one transfer each
    flights    batches, timed                postgres   the peer
    watch      which step takes how long
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench import callers, postgres
from bench.flights import (
    Flight,
    fly,
    in_memory,
    no_flush,
    paced,
    rate_of,
    rounds,
    rounds_in_memory,
    told,
    told_latency,
    told_processor,
)
from bench.limits import GIB, MIB, disk_rate, limits, resident_bytes, short, warm
from bench.load import LOADED_ONE_BY_ONE, World, found
from bench.restarts import journal_bytes, restarted, sealed, snapshot_and_close
from bench.rows import Row, parser_of, show
from bench.watch import watched

FEW_HOLDERS, MANY_HOLDERS = 10_000, 1_000_000
SINGLE = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    """How long to measure."""

    few_holders: int = FEW_HOLDERS
    holders: int = MANY_HOLDERS
    rounds: int = 5
    batches: int = 64  # a round
    caller_rounds: int = 3
    caller_seconds: float = 2.0  # a round
    paced_seconds: float = 10.0
    restarts: int = 3
    postgres_seconds: int = 8  # none: PostgreSQL is left out
    postgres_batches: int = 60
    disk_bytes: int = 768 * MIB
    flushes: int = 3_000
    warm_bytes: int = 3 * GIB  # besides two copies of the holders

    @property
    def is_huge(self) -> bool:
        return self.holders > LOADED_ONE_BY_ONE


QUICK = Size(
    holders=100_000,
    rounds=1,
    batches=16,
    caller_rounds=1,
    caller_seconds=0.3,
    paced_seconds=0.5,
    restarts=1,
    postgres_seconds=1,
    postgres_batches=10,
    disk_bytes=64 * MIB,
    flushes=300,
    warm_bytes=GIB // 4,
)


def main() -> None:
    parser = parser_of("The ledger")
    parser.add_argument("--holders", type=int, help="how many holders the large book has")
    parser.add_argument("--quick", action="store_true", help="short rounds, to see that all of it runs")
    given = parser.parse_args()
    size = QUICK if given.quick else Size()
    if given.holders:
        size = replace(size, holders=given.holders)
    if size.is_huge:
        size = replace(size, restarts=1)
    show("The ledger", lambda: measure(size), as_json=given.json)


def measure(size: Size) -> list[Row]:
    """Measure all rows; everything on disk is in one temporary folder."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to reach its own folder below
        rows = warm(size.warm_bytes + 2 * 64 * size.holders)
        rows += limits(
            folder,
            holders=(size.few_holders, size.holders),
            disk_bytes=size.disk_bytes,
            flushes=size.flushes,
        )
        rows += _small_book(folder, size)
        durable, more = _large_book(folder, size)
        rows += more
        rows += callers.measure(
            folder,
            holders=min(size.holders, callers.HOLDERS),
            rounds=size.caller_rounds,
            seconds=size.caller_seconds,
        )
        rows += _peers(folder, size, durable)
    return [
        *rows,
        Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower"),
        Row("measured in", time.perf_counter() - start, "s", None, "lower"),
    ]


# -- the books --------------------------------------------------------------


def _small_book(folder: Path, size: Size) -> list[Row]:
    world = found(folder / "few", holders=size.few_holders)
    with world.ledger:
        flights = rounds(world, size.rounds, lambda: world.batches(size.batches))
    name = f"{short(size.few_holders)} holders"
    return [
        *told(f"{name}, durable", flights),
        *told_processor(flights),
        *told_latency(flights),
        *_kernel(world, size, name),
    ]


def _large_book(folder: Path, size: Size) -> tuple[float, list[Row]]:
    """Return the durable rate, uniform, and all rows of the large book, up to its sealed journal."""
    name, place = f"{short(size.holders)} holders", folder / "many"
    resident, start = resident_bytes(), time.perf_counter()
    world = found(place, holders=size.holders)
    rows = [Row(f"{name}, opened and loaded", time.perf_counter() - start, "s", None, "lower")]
    if size.is_huge:
        taken = (resident_bytes() - resident) / size.holders
        rows.append(Row("  memory a holder", taken, "bytes", 72, "lower"))
    with world.ledger:
        flights, more = _durable(folder, world, size, name)
        rows += more + _where_time_goes(world, size)
        rows += _other_loads(world, size, name)
        stopped, more = snapshot_and_close(world, place, size.batches)
        rows += more
    rows += _kernel(world, size, name)
    # The state goes: the one that is opened next may need as much memory again.
    del world
    rows += restarted(stopped, times=size.restarts, tail=size.batches)
    return rate_of(flights), rows + sealed(stopped)


def _durable(folder: Path, world: World, size: Size, name: str) -> tuple[list[Flight], list[Row]]:
    """Post uniform payments, and append the same bytes in as many pieces to a file of our own."""
    before = journal_bytes(folder / "many"), world.ledger.sequence
    flights = rounds(world, size.rounds, lambda: world.batches(size.batches))
    written, frames = journal_bytes(folder / "many") - before[0], world.ledger.sequence - before[1]
    # The round that is not counted wrote as much as each of the others.
    each = written / (sum(flight.transfers for flight in flights) * (size.rounds + 1) / size.rounds)
    limit = disk_rate(folder, bytes_each=written // frames, bytes_in_all=size.disk_bytes) / each
    share = 100 * rate_of(flights) / limit
    target = 1e6 if size.is_huge else 2e6
    return flights, [
        *told(f"{name}, durable, uniform", flights, target),
        Row("  of what append + fdatasync of the same bytes allow", share, "%", 60, "higher"),
        Row("  append + fdatasync of the same bytes", limit, "transfers/s", None, "higher"),
        *told_processor(flights, None if size.is_huge else 0.6),
        *told_latency(flights),
        Row("  bytes a transfer in the journal", each, "bytes", None, "lower"),
    ]


def _other_loads(world: World, size: Size, name: str) -> list[Row]:
    """Post the same in other shapes: Zipf, without flush, in pairs, and at a steady beat."""
    zipf = rounds(world, size.rounds, lambda: world.batches(size.batches, "zipf"))
    with no_flush():
        unflushed = rounds(world, size.rounds, lambda: world.batches(size.batches))
    linked = rounds(world, size.rounds, lambda: world.batches(size.batches, linked=True))
    reserved = rounds(world, size.rounds, lambda: world.reservations(max(1, size.batches // 2)))
    return [
        *told(f"{name}, durable, Zipf", zipf),
        *told(f"{name}, journal, no flush, uniform", unflushed),
        *told_processor(unflushed),
        *told(f"{name}, durable, linked pairs", linked),
        *told_processor(linked),
        *told(f"{name}, durable, reserved and posted (both count)", reserved),
        *told_processor(reserved),
        *paced(world, size.paced_seconds),
    ]


def _kernel(world: World, size: Size, name: str) -> list[Row]:
    """Post to the state alone, after the ledger was closed."""
    uniform = rounds_in_memory(world, size.rounds, lambda: world.batches(size.batches))
    zipf = rounds_in_memory(world, size.rounds, lambda: world.batches(size.batches, "zipf"))
    reserved = rounds_in_memory(world, size.rounds, lambda: world.reservations(max(1, size.batches // 2)))
    one = in_memory(world.ledger.state, world.clock(), world.single(SINGLE)).seconds / SINGLE * 1e6
    return [
        *told(f"{name}, in memory, uniform", uniform),
        *told_latency(uniform, "frame"),
        *told(f"{name}, in memory, Zipf", zipf),
        *told(f"{name}, in memory, reserved and posted (both count)", reserved),
        Row(f"{name}, in memory, a frame of one transfer", one, "us", None, "lower"),
    ]


def _where_time_goes(world: World, size: Size) -> list[Row]:
    """Return what each step of a durable transfer takes, in a run of its own with a timer around each."""
    batches = world.batches(2 * size.batches)
    with watched() as seconds:
        flight = fly(world.ledger, batches)
    world.next_day()
    whole = flight.seconds / flight.transfers * 1e9
    return [
        Row("where the time goes: wall clock", whole, "ns/transfer", None, "lower"),
        *(
            Row(f"    {step}", value / flight.transfers * 1e9, "ns/transfer", None, "lower")
            for step, value in seconds.items()
        ),
    ]


# -- the peer ---------------------------------------------------------------


def _peers(folder: Path, size: Size, durable: float) -> list[Row]:
    """Measure PostgreSQL, or say on stderr why its rows are left out."""
    if not size.postgres_seconds:
        return []
    why = postgres.why_not()
    if why:
        print(f"rows of PostgreSQL are left out: {why}", file=sys.stderr)
        return []
    holders = min(size.holders, MANY_HOLDERS)
    rates = postgres.measure(
        folder, holders=holders, seconds=size.postgres_seconds, batches=size.postgres_batches
    )
    where = f"{short(holders)} accounts, no law"
    return [
        Row(f"PostgreSQL, a call each, 16 clients, {where}", rates.one_by_one, "transfers/s", None, "higher"),
        Row(f"PostgreSQL, COPY + set, {where}", rates.in_sets, "transfers/s", None, "higher"),
        Row("durable, beside PostgreSQL in sets", durable / rates.in_sets, "times", 60, "higher"),
    ]


if __name__ == "__main__":
    main()
