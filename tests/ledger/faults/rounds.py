"""How often a fault is tried: a little in the ordinary run, long by `make torture`, with a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from random import Random

TORTURE = int(os.environ.get("JIAOZI_TORTURE", "0"))
"""Tries in a long run, 100,000 by `make torture`; 0 in the ordinary run. Costly faults take a share of them."""


def rounds(what: str, small: int, *, share: float = 1.0) -> Iterator[tuple[int, Random]]:
    """Give *small* rounds, or *share* of `JIAOZI_TORTURE`, each with its number and its own random numbers.

    The seed of the run is printed, so that a round that failed can be run again: `JIAOZI_SEED`.
    Every thousand rounds, and at the end, a line goes to stderr.
    """
    seed = int(os.environ.get("JIAOZI_SEED") or time.time_ns() % 10**9)
    count = max(small, int(TORTURE * share)) if TORTURE else small
    print(f"{what}: {count:,} rounds, JIAOZI_SEED={seed}")
    began = time.monotonic()
    for number in range(count):
        yield number, Random(f"{seed} {what} {number}")
        if TORTURE and ((number + 1) % 1_000 == 0 or number + 1 == count):
            log(f"{what}: {number + 1:,} of {count:,} rounds, {time.monotonic() - began:,.0f} s, seed {seed}")


def log(line: str) -> None:
    """Write a line of the log of a long run, past what pytest captures."""
    print(line, file=sys.__stderr__, flush=True)
