"""Totals are exact, however many accounts and however large the sums."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.ledger.records import ACCOUNT, AccountFlag
from jiaozi.ledger.register import Coin
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import exact_sum, groups_of, supply, trial_balance

fen = st.integers(-(2**63) + 1, 2**63 - 1)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), fen, fen.map(abs), fen.map(abs)), max_size=60)
)
def test_the_trial_balance_is_the_sum_by_coin_and_code(rows: list[tuple[int, int, int, int, int]]) -> None:
    accounts = np.zeros(len(rows), dtype=ACCOUNT)
    for name, column in zip(
        ("coin", "code", "balance", "pending_out", "pending_in"), zip(*rows, strict=True), strict=False
    ):
        accounts[name] = column
    expected: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * 5)
    for coin, code, balance, out, came in rows:
        line = expected[coin, code]
        for at, number in enumerate((1, max(-balance, 0), max(balance, 0), out, came)):
            line[at] += number
    found = {
        (line.coin, line.code): [line.accounts, line.debits, line.credits, line.pending_out, line.pending_in]
        for line in trial_balance(accounts)
    }
    assert found == expected
    assert [(line.coin, line.code) for line in trial_balance(accounts)] == sorted(expected)


@given(st.lists(fen, max_size=100))
def test_a_sum_is_exact_beyond_sixty_three_bits(amounts: list[int]) -> None:
    assert exact_sum(np.array(amounts, dtype=np.int64)) == sum(amounts)


def test_a_large_book_is_added_up_in_parts() -> None:
    accounts = np.zeros(2_500_000, dtype=ACCOUNT)
    accounts["balance"] = 2**62
    accounts["balance"][::2] = -(2**62)
    (line,) = trial_balance(accounts)
    assert (line.accounts, line.debits, line.credits) == (2_500_000, 1_250_000 * 2**62, 1_250_000 * 2**62)
    assert line.balance == 0


def test_the_supply_is_what_holders_have() -> None:
    state = State()
    state.register.coins["a"], state.register.coins["b"] = Coin(0, "a", "x", "CNY"), Coin(1, "b", "x", "CNY")
    state.coins = np.zeros((2, 64), dtype=np.int64)
    assert [(each.coin, each.outstanding, each.pending) for each in supply(state)] == [
        ("a", 0, 0),
        ("b", 0, 0),
    ]
    accounts = np.zeros(5, dtype=ACCOUNT)
    accounts["coin"] = [0, 0, 0, 1, 1]
    accounts["balance"] = [-700, 400, 300, 2**62, 2**62]
    accounts["pending_out"][1] = 50
    accounts["flags"][0] = AccountFlag.INTERNAL
    state._accounts, state.account_count = accounts, 5
    found = {each.coin: each for each in supply(state)}
    assert (found["a"].outstanding, found["a"].pending) == (700, 50)
    assert found["b"].outstanding == 2**63
    assert not found["b"].is_covered_by_the_books


@pytest.mark.parametrize("spread", [1, 5, 1_000, 10**12])
@pytest.mark.parametrize("count", [0, 1, 7, 3_000])
def test_groups_are_those_that_sorting_finds(count: int, spread: int) -> None:
    keys = np.random.default_rng(count + spread).integers(-spread, spread, count)
    found, where = groups_of(keys)
    expected, places = np.unique(keys, return_inverse=True)
    assert found.tolist() == expected.tolist()
    assert where.tolist() == places.reshape(-1).tolist()
