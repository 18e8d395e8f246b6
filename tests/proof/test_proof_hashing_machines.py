"""Machines without AVX-512 make the same bytes: the kernel compiled for them, in a process of its own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from jiaozi.proof import plain
from tests.proof.test_proof_hashing import MASTER, row, some_balances

ACCOUNTS = 4_500
WHOLESALE = [1, 4_100]

PROGRAM = f"""
import sys
from hashlib import sha256
from jiaozi.proof.hashing import executor
from tests.proof.test_proof_hashing import MASTER, row, some_balances

buckets = executor.buckets_of(some_balances({ACCOUNTS}), master=MASTER, epoch=7, wholesale=row({WHOLESALE}))
levels = executor.levels_above(buckets)
print(levels[0].hashes[:3].tobytes().hex(), levels[-1].hashes.tobytes().hex(), int(levels[-1].sums[0]))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86 processors")
@pytest.mark.parametrize("processor", ["x86-64-v3", "x86-64"])
def test_a_machine_without_avx_512_makes_the_same_bytes(processor: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    balances = some_balances(ACCOUNTS)
    buckets = plain.buckets_of(balances, master=MASTER, epoch=7, wholesale=row(WHOLESALE))
    root = plain.levels_above(buckets)[-1]
    expected = f"{buckets.hashes.tobytes().hex()} {root.hashes.tobytes().hex()} {sum(balances.tolist())}"
    assert done.stdout.strip() == expected
