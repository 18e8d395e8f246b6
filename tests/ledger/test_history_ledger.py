"""The history of a running ledger: what it tells is what the ledger's own arrays hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jiaozi.clock import Instant
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.sql import sql
from jiaozi.ledger.history.sql_words import standing_of
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import AS_PENDING, WHOLE, TransferFlag
from jiaozi.ledger.totals import supply, trial_balance
from tests.ledger.ledger_world import clock, found, payments

HOLDERS = 12


def busy(folder: Path) -> Ledger:
    """Return a ledger in which payments were booked, refused, held, posted, voided and timed out."""
    ledger = found(folder, holders=HOLDERS)
    random = np.random.default_rng(3)
    next_id, held = 100, np.zeros(0, dtype=np.uint64)
    for _ in range(30):
        payer = random.integers(0, HOLDERS, 20)
        payee = (payer + random.integers(1, HOLDERS, 20)) % HOLDERS
        batch = payments(next_id, list(zip(payer.tolist(), payee.tolist(), strict=True)))
        next_id += len(batch)
        batch["amount"] = random.integers(1, 300_00, len(batch))
        ends = min(len(held), 4)
        pending = batch[ends : ends + 6]
        pending["flags"], pending["timeout"] = TransferFlag.PENDING, random.integers(0, 4, len(pending))
        batch["memo_lo"][:ends], batch["memo_hi"][:ends] = held[:ends], 7
        batch["debit"][:ends] = batch["credit"][:ends] = AS_PENDING
        batch["amount"][:ends], batch["action"][:ends], batch["place"][:ends] = WHOLE, 0, 0
        batch["flags"][:ends] = TransferFlag.POST_PENDING_TRANSFER
        batch["flags"][: ends // 2] = TransferFlag.VOID_PENDING_TRANSFER
        ledger.post(batch)
        held = pending["id_lo"].copy()
        ledger._clock.advance(1)  # type: ignore[attr-defined]
    return ledger


def test_balances_of_the_history_are_those_of_the_ledger(tmp_path: Path) -> None:
    with busy(tmp_path / "ledger") as ledger:
        accounts = ledger.at_cut(lambda state, _: state.accounts.copy())
        assert accounts["pending_out"].any()
        with History(tmp_path / "ledger", durable=lambda: ledger.sequence) as history:
            every = history.balances_at(Instant(2**62))
            for name in ("balance", "pending_out", "pending_in"):
                told = np.zeros(len(accounts), dtype=np.int64)
                told[every["account"]] = every[name]
                assert np.array_equal(told, accounts[name])
            for account in range(len(accounts)):
                one = history.balance_at(account, Instant(2**62))
                assert one.balance == accounts["balance"][account]


def test_totals_of_a_running_ledger_balance(tmp_path: Path) -> None:
    with busy(tmp_path / "ledger") as ledger:
        lines = ledger.at_cut(lambda state, _: trial_balance(state.accounts))
        (coin,) = ledger.at_cut(lambda state, _: supply(state))
    assert sum(line.balance for line in lines) == 0
    assert coin.outstanding == coin.issued - coin.redeemed == HOLDERS * 1_000_00
    assert coin.is_covered_by_the_books


def test_sql_beside_a_running_ledger_sees_its_accounts(tmp_path: Path) -> None:
    with busy(tmp_path / "ledger") as ledger:
        asked = "SELECT sum(balance_fen), count(*) FROM balances JOIN accounts USING (account)"
        live = sql(tmp_path / "ledger", asked, cut=lambda: ledger.at_cut(lambda state, _: standing_of(state)))
        named = sql(
            tmp_path / "ledger", "SELECT DISTINCT reasons FROM decisions WHERE len(reasons) > 0"
        ).rows()
    assert sql(tmp_path / "ledger", asked).rows() == live.rows() == [(0, 4 + HOLDERS)]
    assert all("/" in name for (names,) in named for name in names)
    kinds = sql(tmp_path / "ledger", "SELECT zone, kind, tier FROM accounts WHERE account = 5").rows()
    assert kinds[0][0] == "cn-sh"


def test_sealing_beside_a_running_ledger_changes_nothing(tmp_path: Path) -> None:
    with busy(tmp_path / "ledger") as ledger:
        assert seal(tmp_path / "ledger").units == ()  # one segment, and it is still written to
        assert ledger.sequence > 30
    with Ledger.open(tmp_path / "ledger", clock=clock()) as again:
        assert again.state.account_count == 4 + HOLDERS
