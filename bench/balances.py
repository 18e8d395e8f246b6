"""Balances of many invented holders in a file, what reading it costs, and a tree built over it by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench.limits import MIB

PART = 1 << 24
"""Balances made at a time."""

SHARE_PERCENT = 10
MASTER = bytes(range(32))
BLOCK = 16 * MIB


def balances_file(folder: Path, accounts: int) -> tuple[Path, float]:
    """Return a file of *accounts* balances, made if it is not there, and the seconds that making it took.

    Half of the accounts have less than 100 yuan, a few have millions: exp of a normal variable, from a seed.
    """
    path = folder / f"balances-{accounts}.npy"
    start = time.perf_counter()
    if path.exists() and path.stat().st_size >= accounts * 8:
        return path, 0.0
    part = path.with_suffix(".part")
    rows = open_memmap(part, "w+", np.int64, (accounts,))
    random = np.random.default_rng(2026)
    for first in range(0, accounts, PART):
        last = min(first + PART, accounts)
        spread = random.standard_normal(last - first, dtype=np.float32)
        np.exp(spread * np.float32(1.8) + np.float32(9.2), out=spread)
        rows[first:last] = spread
    rows.flush()
    del rows
    part.rename(path)
    return path, time.perf_counter() - start


def read_seconds(path: Path, *, is_cold: bool) -> float:
    """Return the seconds of reading *path* once in order; cold asks the system to forget it first."""
    with path.open("rb", buffering=0) as file:
        if is_cold:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        block = bytearray(BLOCK)
        start = time.perf_counter()
        while file.readinto(block):
            pass
        return time.perf_counter() - start


def build_apart(path: Path) -> dict[str, Any]:
    """Deal and build over *path* in a new process; return its figures: CPU seconds, seconds, most memory in bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.balances", str(path)], stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout))


def _build(path: Path) -> dict[str, Any]:
    from jiaozi.proof import wholesale
    from jiaozi.proof.hashing import executor
    from jiaozi.proof.tree import build

    executor.prepare()
    balances = np.load(path, mmap_mode="r")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    from rich.console import Console

    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        cpu, start = time.process_time(), time.perf_counter()
        dealt = wholesale.find(balances, SHARE_PERCENT)
        dealt_cpu, dealt_seconds = time.process_time() - cpu, time.perf_counter() - start
        bar = bars.add_task(f"{len(balances):,} accounts", total=len(balances))
        cpu, start = time.process_time(), time.perf_counter()
        tree = build(
            balances,
            master=MASTER,
            epoch=7,
            wholesale=dealt.accounts,
            progress=lambda done: bars.advance(bar, done),
        )
        built_cpu, built_seconds = time.process_time() - cpu, time.perf_counter() - start
    memory = most_memory_bytes()
    proofs = []
    for account in np.linspace(0, len(balances) - 1, 101).astype(np.int64).tolist():
        start = time.perf_counter()
        tree.prove(balances, account)
        proofs.append(time.perf_counter() - start)
    return {
        "dealt_cpu": dealt_cpu,
        "dealt_seconds": dealt_seconds,
        "wholesale": len(dealt.accounts),
        "unmet": len(dealt.unmet),
        "built_cpu": built_cpu,
        "built_seconds": built_seconds,
        "proof_seconds": sorted(proofs)[len(proofs) // 2],
        "memory": memory,
        "root": tree.root.hex(),
        "total_fen": int(tree.total_fen),
        "depth": tree.depth,
    }


def most_memory_bytes() -> int:
    """Return the most memory this process ever had, pages of mapped files included.

    Proofs are made after it is asked: each touches 4,096 places all over the file, whose pages the system then
    counts for this process until it wants them back.
    """
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(_build(Path(sys.argv[1]))))
