"""Decisions a second: the plain interpreter, the kernel and the columns, on the same questions in the same run.

The questions are drawn from a small book whose payments have nine needs and one ban
that they lift. One in twelve is refused. The compile times are those of a fresh
process: numba and Jiaozi are imported, the book is read, and then the first
call of the kernel is timed, once with an empty folder for machine code and once
with the folder that this left behind.

    python -m bench.law [--json]
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from datetime import date

import numpy as np

from bench.rows import Row, median_seconds, show
from jiaozi.clock import Instant, day_start
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.machine.columns import columns_of, decide_columns_numpy
from jiaozi.rulebook.machine.kernel import decide_batch
from jiaozi.rulebook.machine.layout import Int64s
from jiaozi.rulebook.machine.program import compile_book, fact_row
from jiaozi.rulebook.model import ACTION_CODES, Action, Book
from jiaozi.rulebook.reading.read import ALL, law_folder, read, read_folder, texts_of

MANY, FEW = 1_000_000, 1_000
SEED = 2026

_T = 'title = { en = "a", zh = "甲" }'
_TEXT = "cn-42 art 1"
_NEEDS = {
    "licensed": "'cn-sh' in issuer.licences",
    "consent": "'cn' in issuer.consents",
    "yuan": "coin.peg == 'CNY'",
    "payer": "payer.kind in ('resident', 'registered firm')",
    "payee": "payee.kind in ('resident', 'registered firm')",
    "single": "payment.amount <= limit.single[payer.tier]",
    "balance": "payee.balance + payment.amount <= limit.balance[payee.tier]",
    "day": "payer.paid_today + payment.amount <= limit.day[payer.tier]",
    "year": "payer.paid_this_year + payment.amount <= limit.year[payer.tier]",
}
_CAPS = {
    "single": "t1 = 'unlimited', t2 = 50_000, t3 = 5_000, t4 = 2_000",
    "balance": "t1 = 'unlimited', t2 = 500_000, t3 = 20_000, t4 = 10_000",
    "day": "t1 = 'unlimited', t2 = 100_000, t3 = 10_000, t4 = 5_000",
    "year": "t1 = 'unlimited', t2 = 'unlimited', t3 = 200_000, t4 = 50_000",
}
NINE_NEEDS = f"""
[book]
place = "cn"
status = "enacted"
{_T}

[[rule]]
id = "cn.ban"
forbid = ["pay"]
from = 2026-01-01
cite = "{_TEXT}"
yields_to = ["cn.pay"]
{_T}

[[rule]]
id = "cn.pay"
permit = ["pay"]
lifts = "cn.ban"
from = 2026-01-01
cite = "{_TEXT}"
when = ["payer.zone in 'cn'", "payee.zone in 'cn'"]
{_T}
[rule.need]
{"".join(f'{name} = {{ if = "{need}", cite = "{_TEXT}", {_T} }}' + chr(10) for name, need in _NEEDS.items())}
[[always]]
id = "cn.backing"
hold = "issuer.reserve_value >= issuer.coins_outstanding"
from = 2026-01-01
cite = "{_TEXT}"
{_T}
""" + "".join(
    f'[[limit.{name}]]\nfrom = 2026-01-01\ncite = "{_TEXT}"\nCNY = {{ {caps} }}\n'
    for name, caps in _CAPS.items()
)
"""A book of one place. Its words are those of the shipped law."""

PAYMENT: Facts = {
    "payment.amount": 1_500_00,
    "payment.place": "cn-sh",
    "payer.zone": "cn-sh",
    "payer.kind": "resident",
    "payer.tier": "t4",
    "payer.balance": 9_000_00,
    "payer.paid_today": 0,
    "payer.paid_this_year": 0,
    "payee.zone": "cn-sh",
    "payee.kind": "registered firm",
    "payee.tier": "t1",
    "payee.balance": 0,
    "coin.peg": "CNY",
    "issuer.zone": "cn-sh",
    "issuer.licences": frozenset({"cn-sh"}),
    "issuer.consents": frozenset({"cn"}),
    "issuer.supply_cap": 10**12,
    "issuer.coins_outstanding": 10**9,
    "issuer.reserve_value": 10**9,
}

_FIRST_CALL = """
import sys, time
import numpy as np
from bench.law import nine_needs, payments
from jiaozi.rulebook.machine.kernel import decide_batch
from jiaozi.rulebook.machine.program import compile_book
book = nine_needs()
program, asked = compile_book(book), payments(book, 8)
start = time.perf_counter()
decide_batch(book, program, *asked)
print(time.perf_counter() - start)
"""


def main() -> None:
    show("The law", measure)


def nine_needs() -> Book:
    """Return the book of nine needs."""
    folder = law_folder()
    words = texts_of(folder / name for name in ("places.toml", "facts.toml", "sources.toml"))
    return read({**words, "cn.toml": NINE_NEEDS})


def payments(book: Book, count: int) -> tuple[Int64s, Int64s, Int64s]:
    """Return *count* random payments: actions, rows of facts, instants of one year. One in twelve is refused."""
    rng = np.random.default_rng(SEED)
    rows = np.repeat(fact_row(book, PAYMENT)[None], count, axis=0)

    def draw(fact: str, numbers: Int64s) -> None:
        rows[:, book.vocabulary.slots[fact]] = numbers

    for who in ("payer", "payee"):
        draw(f"{who}.tier", rng.integers(1, 5, count))
        draw(f"{who}.kind", rng.choice(np.array([1, 2, 3]), count, p=[0.9, 0.09, 0.01]))
    # Most payments are small; the caps of the lower tiers refuse the others.
    draw("payment.amount", (rng.lognormal(10.7, 1, count)).astype(np.int64) + 1)
    draw("payee.balance", rng.integers(0, 10_000_00, count))
    draw("payer.paid_today", rng.integers(0, 5_000_00, count))
    draw("payer.paid_this_year", rng.integers(0, 50_000_00, count))
    start = day_start(date(2026, 1, 1))
    instants = np.sort(rng.integers(start, start + 365 * 86_400 * 10**9, count))
    return np.full(count, ACTION_CODES[Action.PAY], dtype=np.int64), rows, instants


def measure() -> list[Row]:
    """Ask a million random payments, then the same payment under the shipped law again and again."""
    book, shipped = nine_needs(), read_folder(drafts=[ALL])
    program = compile_book(book)
    actions, rows, instants = payments(book, MANY)
    columns = columns_of(book, rows)
    kernel = MANY / median_seconds(lambda: decide_batch(book, program, actions, rows, instants))
    numpy = MANY / median_seconds(lambda: decide_columns_numpy(book, actions, columns, instants))
    refused = float((decide_batch(book, program, actions, rows, instants) != 0).any(axis=1).mean())
    at = Instant(int(instants[0]))
    plain = FEW / median_seconds(lambda: [decide(book, Action.PAY, PAYMENT, at) for _ in range(FEW)])
    first, again = _first_call()
    peer = "plain interpreter"
    return [
        Row("nine needs: kernel, rows ready", kernel, "decisions/s", 10e6, "higher", peer, kernel / plain),
        Row("nine needs: columns, NumPy", numpy, "decisions/s", 4e6, "higher", peer, numpy / plain),
        Row("nine needs: plain interpreter", plain, "decisions/s", 50e3, "higher"),
        Row("nine needs: refused", refused, "of all", None, "lower"),
        Row("shipped law, all drafts: kernel", _shipped(shipped), "decisions/s", None, "higher"),
        Row("read the law files, all drafts", _reading(), "s", None, "lower"),
        Row(
            "compile that book to its program",
            median_seconds(lambda: compile_book(shipped)),
            "s",
            None,
            "lower",
        ),
        Row("first call, no machine code kept", first, "s", 3, "lower"),
        Row("first call, machine code kept", again, "s", 0.3, "lower", "first call ever", again / first),
        Row("jiaozi law ask, whole process", _process(*ASK), "s", 0.5, "lower"),
        Row("jiaozi law compare, all places, whole process", _process(*COMPARE), "s", 1, "lower"),
    ]


ASK = ("ask", "issue", "--place", "hk", "--on", "2026-09-01", "coin.peg=CNY", "issuer.licences=hk")
COMPARE = ("compare", "--on", "2026-11-22")


def _process(*words: str) -> float:
    """Return the seconds of a whole `jiaozi law` process, from the shell's side."""
    command = [sys.executable, "-m", "jiaozi.cli", "law", *words]
    return median_seconds(lambda: subprocess.run(command, capture_output=True, check=False))


def _reading() -> float:
    """Return the seconds of reading the law. Equal texts are read once, so each run changes a comment."""
    texts, runs = dict(texts_of(sorted(law_folder().glob("*.toml")))), itertools.count()
    return median_seconds(
        lambda: read({**texts, "cn.toml": f"{texts['cn.toml']}# {next(runs)}\n"}, drafts=[ALL])
    )


def _shipped(book: Book) -> float:
    """Ask one payment that the draft pilot allows, again and again."""
    actions = np.full(MANY, ACTION_CODES[Action.PAY], dtype=np.int64)
    rows = np.repeat(fact_row(book, PAYMENT)[None], MANY, axis=0)
    instants = np.full(MANY, day_start(date(2026, 12, 15)), dtype=np.int64)
    program = compile_book(book)
    return MANY / median_seconds(lambda: decide_batch(book, program, actions, rows, instants))


def _first_call() -> tuple[float, float]:
    """Return the seconds of the kernel's first call in a fresh process: compiled, and loaded again."""
    with tempfile.TemporaryDirectory() as folder:
        # Python's own bytecode is kept in both runs, as on any machine that has run Jiaozi before:
        # it is written by a run whose machine code is then thrown away.
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        kept |= {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        seconds = []
        for machine_code in ("thrown away", "kept", "kept"):
            environment = {**kept, "NUMBA_CACHE_DIR": f"{folder}/{machine_code}"}
            done = subprocess.run(
                [sys.executable, "-c", _FIRST_CALL],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            seconds.append(float(done.stdout))
    return seconds[1], seconds[2]


if __name__ == "__main__":
    main()
