"""Decisions a second: the plain interpreter and the kernel, on the same questions in the same run.

python -m bench.law [--json]
"""

from __future__ import annotations

from datetime import date

import numpy as np

from bench.rows import Row, median_seconds, show
from jiaozi.clock import day_start
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.machine.kernel import decide_batch
from jiaozi.rulebook.machine.program import compile_book, fact_row
from jiaozi.rulebook.model import ACTION_CODES, Action
from jiaozi.rulebook.reading.read import read_folder

MANY, FEW = 1_000_000, 1_000

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


def main() -> None:
    show("The law", measure)


def measure() -> list[Row]:
    """Ask the same payment under the draft, again and again."""
    book = read_folder(drafts=["cn-sh"])
    program, instant = compile_book(book), day_start(date(2026, 12, 15))
    facts = np.repeat(fact_row(book, PAYMENT)[None], MANY, axis=0)
    actions = np.full(MANY, ACTION_CODES[Action.PAY], dtype=np.int64)
    instants = np.full(MANY, instant, dtype=np.int64)
    kernel = MANY / median_seconds(lambda: decide_batch(book, program, actions, facts, instants))
    plain = FEW / median_seconds(lambda: [decide(book, Action.PAY, PAYMENT, instant) for _ in range(FEW)])
    reading = median_seconds(lambda: read_folder(drafts=["cn-sh"]))
    compiling = median_seconds(lambda: compile_book(book))
    return [
        Row(
            "kernel, one core, facts ready",
            kernel,
            "decisions/s",
            None,
            "higher",
            "plain interpreter",
            kernel / plain,
        ),
        Row("plain interpreter", plain, "decisions/s", None, "higher"),
        Row("read the law files", reading, "s", None, "lower"),
        Row("compile a book to its program", compiling, "s", None, "lower"),
    ]


if __name__ == "__main__":
    main()
