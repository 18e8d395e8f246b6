"""What the kernel would gain if the records of the next payments were read before their turn.

A payment needs its row in the table of ids and its two accounts, each somewhere in
memory. One payment is too long for the processor to look past it, so each of these
reads is waited for. A loop that only reads them, 512 payments ahead, waits for many
at once. The table of ids stands in huge pages in all rows but the first.

    python -m bench.reading_ahead [--json]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from bench.load import World, found
from bench.rows import Row, show
from jiaozi.ledger import kernel, state
from jiaozi.ledger.idindex import Table, _refill, mix, new_table
from jiaozi.ledger.ledger import MAX_BATCH

HOLDERS, IDS_ROWS = 1_000_000, 1 << 25
AHEAD, BATCHES, ROUNDS = 512, 24, 5

Post = Callable[..., int]


def main() -> None:
    show("Reading ahead", measure)


def measure() -> list[Row]:
    """Measure the kernel as it is, with its ids in huge pages, and with reading ahead."""
    with tempfile.TemporaryDirectory() as name:
        world = found(Path(name) / "ledger", holders=HOLDERS)
        world.ledger.close()
        folded = world.ledger.state
        folded._ids = _moved(folded._ids, new_table(IDS_ROWS))
        today = _nanoseconds(world, kernel.post)
        huge = np.empty((IDS_ROWS, 3), dtype=np.uint64)
        huge.fill(0)
        folded._ids = _moved(folded._ids, huge)
        in_huge_pages = _nanoseconds(world, kernel.post)
        ahead = _nanoseconds(world, _reading_ahead(kernel.post))
    peer = "kernel today"
    return [
        Row("kernel, 1 M holders, 33 M rows of ids", today, "ns/transfer", None, "lower"),
        Row("ids in huge pages", in_huge_pages, "ns/transfer", None, "lower", peer, in_huge_pages / today),
        Row("and records read ahead", ahead, "ns/transfer", None, "lower", peer, ahead / today),
    ]


def _nanoseconds(world: World, post: Post) -> float:
    """Return what *post* takes for a transfer when the state calls it: the best of some rounds."""
    spent = 0

    def timed(*arguments: Any) -> int:
        nonlocal spent
        start = time.perf_counter_ns()
        taken = post(*arguments)
        spent += time.perf_counter_ns() - start
        return taken

    folded, ends, found_ns = world.ledger.state, np.array([MAX_BATCH], dtype=np.uint32), []
    setattr(state, "post", timed)  # noqa: B010  (mypy knows it as a function of the kernel)
    try:
        for _ in range(ROUNDS):
            spent = 0
            for batch in world.batches(BATCHES):
                folded.post(batch, ends, world.clock())
            found_ns.append(spent / BATCHES / MAX_BATCH)
            world.next_day()
    finally:
        setattr(state, "post", kernel.post)  # noqa: B010
    return min(found_ns)


def _reading_ahead(post: Post) -> Post:
    """Return *post* with a loop before each piece of a batch that reads what the piece will need."""

    def ahead(batch: Any, ends: Any, accounts: Any, *rest: Any) -> int:
        ids, (*middle, results, bits), taken = rest[3], rest, 0
        for first in range(0, len(batch), AHEAD):
            piece = slice(first, min(first + AHEAD, len(batch)))
            _read(batch[piece], accounts, ids)
            ends = np.array([piece.stop - first], dtype=np.uint32)
            taken += post(batch[piece], ends, accounts, *middle, results[piece], bits[piece])
        return taken

    return ahead


@numba.njit(nogil=True)
def _read(batch: Any, accounts: Any, ids: Table) -> int:
    """Read both ends of each record, which may lie on two cache lines; the sum keeps the reads in."""
    mask, stamps, balances = np.uint64(len(ids) - 1), np.uint64(0), np.int64(0)
    for n in range(len(batch)):
        row = mix(batch[n].id_lo ^ mix(batch[n].id_hi)) & mask
        stamps += ids[row, 0] + ids[row, 2]
        debit, credit = batch[n].debit, batch[n].credit
        balances += accounts[debit].balance + accounts[debit].tier
        balances += accounts[credit].balance + accounts[credit].tier
    return balances + np.int64(stamps)  # type: ignore[return-value]


def _moved(table: Table, larger: Table) -> Table:
    _refill(table, larger)
    return larger


if __name__ == "__main__":
    main()
