"""The process that `test_kill.py` kills: it posts batches, several in flight, and tells of each after the answer.

    python -m tests.ledger.killed FOLDER FIRST_BATCH

A line a batch: its number, the sequence of its frame, and its results as digits.
Batch 7 is always the same batch, whoever posts it: payments, then linked pairs.
"""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.ledger.records import Transfers
from tests.ledger.ledger_world import clock, payments

HOLDERS = 20
SINGLES, PAIRS = 40, 30
IN_FLIGHT = 6


def batch_of(number: int) -> Transfers:
    """Return batch *number*: single payments, then pairs there and back, of which some cannot be paid."""
    random = np.random.default_rng(number)
    payer = random.integers(0, HOLDERS, SINGLES + 2 * PAIRS)
    payee = (payer + random.integers(1, HOLDERS, len(payer))) % HOLDERS
    batch = payments(1_000 * (number + 1), list(zip(payer.tolist(), payee.tolist(), strict=True)))
    batch["amount"] = random.integers(1, 500_00, len(batch))
    batch["flags"][SINGLES::2] = 1
    return batch


def main(folder: Path, first: int) -> None:
    with Ledger.open(folder, clock=clock()) as ledger:
        print("ready", flush=True)
        waiting: deque[tuple[int, Future[Outcome]]] = deque()
        number = first
        while True:
            waiting.append((number, ledger.submit(batch_of(number))))
            number += 1
            if len(waiting) >= IN_FLIGHT:
                told, future = waiting.popleft()
                outcome = future.result()
                results = ",".join(str(result) for result in outcome.results.tolist())
                print(told, outcome.receipt.sequence, results, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
