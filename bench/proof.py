"""The proof: SHA-256 over lanes, the tree of many accounts over a file, one proof, and its three verifiers.

    python -m bench.proof [--json] [--quick] [--whole] [--folder DIR]

CPU time of a process, so that neighbours count for little. The tree is built in a process of its own, over a mapped
file of balances: 100 million (0.8 GB), and with `--whole` 1.4 billion (11.2 GB) as well. The files are made once if
`--folder` is given. Takes about three minutes; `--whole` about five more.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.balances import MASTER, balances_file, build_apart, read_seconds
from bench.limits import MIB, short
from bench.rows import Row, median_seconds, parser_of, show
from jiaozi.compiled import entry
from jiaozi.money import Fen
from jiaozi.proof import plain, verify_jiaozi
from jiaozi.proof.checkpoint import Checkpoint, sign
from jiaozi.proof.files import proof_text
from jiaozi.proof.hashing import executor
from jiaozi.proof.hashing.lanes import LANES, START, Words, compress
from jiaozi.proof.keys import Signer
from jiaozi.proof.tree import Tree, build

SIZE, COUNTRY = 100_000_000, 1_400_000_000
CPU_SECONDS = {SIZE: 10.0, COUNTRY: 120.0}
PLAIN = 100_000
TIMES = 5
CALLS = 100_000
HASHED_BYTES = 64 * MIB
CHROMIUM = Path("/usr/bin/chromium")

COLD = """
import time
from jiaozi.proof.hashing import executor
executor.prepare()
print(time.process_time())
"""


def main() -> None:
    parser = parser_of("The proof")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of it, to see that all of it runs")
    parser.add_argument("--whole", action="store_true", help="1.4 billion accounts as well")
    parser.add_argument("--folder", type=Path, help="where the balances are kept for the next time")
    given = parser.parse_args()
    sizes = [SIZE, COUNTRY] if given.whole else [SIZE]
    show(
        "The proof",
        lambda: measure(sizes, given.folder, divisor=50 if given.quick else 1),
        as_json=given.json,
    )


def measure(sizes: list[int], folder: Path | None = None, *, divisor: int = 1) -> list[Row]:
    """Return all rows; sizes are divided by *divisor*, and the files kept in *folder* if there is one."""
    cold = _cold_seconds()
    executor.prepare()
    plain_ns, fast_ns = _small(PLAIN // divisor)
    rows = [
        _compressions(CALLS // divisor, HASHED_BYTES // divisor),
        Row("machine code made anew", cold, "CPU s", 40, "lower"),
        Row(f"plain executor, {short(PLAIN // divisor)} accounts", plain_ns, "ns", None, "lower"),
        Row("  the fast one on the same", fast_ns, "ns", None, "lower", "the plain one", fast_ns / plain_ns),
    ]
    with tempfile.TemporaryDirectory() as temporary:
        kept = folder or Path(temporary)
        kept.mkdir(parents=True, exist_ok=True)
        for size in sizes:
            rows += _tree(kept, size, divisor)
    return [
        *rows,
        *_verifiers(),
        Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower"),
    ]


def _compressions(calls: int, size: int) -> Row:
    """Compress blocks over lanes, beside `hashlib` over one long message: both are rates of one core."""
    state = np.repeat(np.array(START, dtype=np.uint32), LANES)
    words = np.arange(16 * LANES, dtype=np.uint32)
    _compress(state, words, 1)

    message = bytes(size)
    lanes_rate = calls * LANES / _cpu_seconds(lambda: _compress(state, words, calls))
    hashlib_rate = size / 64 / _cpu_seconds(lambda: hashlib.sha256(message).digest())
    name = "compressions a second, one core"
    ratio = lanes_rate / hashlib_rate
    return Row(name, lanes_rate / 1e6, "million", None, "higher", "hashlib, one long message", ratio)


@entry
def _compress(state: Words, words: Words, calls: int) -> None:
    """Compress without a call from Python each time, which would take as long as the 32 compressions."""
    for _ in range(calls):
        compress(state, words)


def _small(accounts: int) -> tuple[float, float]:
    """Return the CPU nanoseconds an account of the plain executor, and of the fast one."""
    balances = np.arange(accounts, dtype=np.int64)
    roots = set()

    def built(made: object, times: int) -> float:
        run = lambda: roots.add(build(balances, master=MASTER, epoch=7, executor=made).root)  # type: ignore[arg-type]  # noqa: E731
        return _cpu_seconds(run, times=times) / accounts * 1e9

    found = built(plain, 1), built(executor, TIMES)
    assert len(roots) == 1, "the executors disagree"
    return found


def _tree(folder: Path, size: int, divisor: int) -> list[Row]:
    """Build the tree of *size* accounts over a mapped file."""
    accounts = size // divisor
    path, made_seconds = balances_file(folder, accounts)
    cold, cached = read_seconds(path, is_cold=True), read_seconds(path, is_cold=False)
    found = build_apart(path)
    name, gigabytes = f"{short(accounts)} accounts", accounts * 8 / 1e9
    cpu = found["built_cpu"]
    return [
        Row(f"{name}: the file made", made_seconds, "s", None, "lower"),
        Row("  read in order, not in the cache", gigabytes / cold, "GB/s", None, "higher"),
        Row("  read in order, from the cache", gigabytes / cached, "GB/s", None, "higher"),
        Row("  tree built", cpu, "CPU s", CPU_SECONDS[size], "lower"),
        Row("  an account", cpu / accounts * 1e9, "ns of CPU", None, "lower"),
        Row(f"  on the clock, {executor.THREADS} threads", found["built_seconds"], "s", None, "lower"),
        Row("  memory of the process at most", found["memory"] / MIB, "MiB", 500, "lower"),
        Row("  the share rule before it", found["dealt_cpu"], "CPU s", None, "lower"),
        Row("  wholesale accounts", found["wholesale"], "", None, "lower"),
        Row("  one proof", found["proof_seconds"] * 1e3, "ms", 5, "lower"),
    ]


def _verifiers() -> list[Row]:
    """Check one proof in Python and in a browser; both check two signatures."""
    proof, keys = _proof()
    assert verify_jiaozi.check(proof, keys).status == verify_jiaozi.HOLDS
    seconds = median_seconds(lambda: verify_jiaozi.check(proof, keys), times=51)
    rows = [Row("one proof checked in Python, two signatures", seconds * 1e3, "ms", 10, "lower")]
    page_ms = _page_ms(proof, keys)
    if page_ms is None:
        print("No row for the page: Chromium is not installed.", file=sys.stderr)
        return rows
    return [*rows, Row("the same by the page in Chromium", page_ms, "ms", 50, "lower")]


def _page_ms(proof: str, keys: list[str]) -> float | None:
    if not CHROMIUM.exists():
        return None
    from playwright.sync_api import sync_playwright

    page_file = Path(verify_jiaozi.__file__).with_name("verify.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(page_file.as_uri())
        ask = """async ([proof, keys]) => {
            const times = [];
            for (let i = 0; i < 51; i++) {
                const start = performance.now();
                const answer = await window.jiaozi.check(proof, keys);
                if (answer.status !== 0) throw new Error(answer.sentence);
                times.push(performance.now() - start);
            }
            return times.slice(1).sort((a, b) => a - b)[25];
        }"""
        found = float(page.evaluate(ask, [proof, keys]))
        browser.close()
    return found


def _proof() -> tuple[str, list[str]]:
    """Return a proof and the keys of its two signers."""
    balances = np.arange(300_000, dtype=np.int64)
    tree = build(balances, master=MASTER, epoch=7)
    signers = [
        Signer(name, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))
        for name in ("issuer.example/eyuan", "supervisor.example")
    ]
    note = _checkpoint(tree).text()
    for signer in signers:
        note = sign(note, signer.name, signer.private_key)
    return proof_text(tree.prove(balances, 12_345), note=note), [signer.verifier_key for signer in signers]


def _checkpoint(tree: Tree) -> Checkpoint:
    return Checkpoint(
        origin="issuer.example/eyuan",
        epoch=7,
        instant=datetime.fromisoformat("2027-02-01T20:00:00+08:00"),
        coin="eyuan",
        unit="CNY",
        law_digest=bytes(32),
        law_is_draft=True,
        journal_sequence=1,
        journal_hash=bytes(32),
        accounts=tree.accounts,
        wholesale=0,
        share_percent=10,
        total_fen=tree.total_fen,
        reserve_fen=Fen(int(tree.total_fen)),
        reserve_source="a bench",
        depth=tree.depth,
        root=tree.root,
        previous=None,
    )


def _cpu_seconds(run: Callable[[], object], *, times: int = TIMES) -> float:
    """Return the CPU time of the best of *times* runs."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def _cold_seconds() -> float:
    """Return the CPU time of a process that finds no machine code."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        done = subprocess.run(
            [sys.executable, "-c", COLD], env=environment, capture_output=True, text=True, check=True
        )
    return float(done.stdout)


if __name__ == "__main__":
    main()
