"""Wholesale accounts: no account above its share, compared with a reading of twenty lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import ProofError
from jiaozi.proof import rows, wholesale
from jiaozi.proof.rows import Rows
from jiaozi.proof.wholesale import find


def reference(balances: list[int], percent: int) -> tuple[list[int], list[int]]:
    """Return wholesale accounts and those above the rule, one account at a time and with whole numbers."""
    ordinary = -(-len(balances) // 4096)
    chosen: set[int] = set()

    def leave() -> None:
        while True:
            left = [sum(balances[a] for a in range(b, len(balances), ordinary) if a not in chosen)
                    for b in range(ordinary)]  # fmt: skip
            joins = {a for a, fen in enumerate(balances)
                     if a not in chosen and fen * 100 > percent * left[a % ordinary]}  # fmt: skip
            if not joins:
                return
            chosen.update(joins)

    def above() -> tuple[list[int], float]:
        ranked, shares, unmet = sorted(chosen), [0.0], []
        seconds = -(-len(ranked) // 4096)
        for w, account in enumerate(ranked):
            together = sum(balances[a] for a in ranked[w % seconds :: seconds])
            shares.append(balances[account] / together if together else 0.0)
            unmet += [account] if balances[account] * 100 > percent * together else []
        return unmet, max(shares)

    if ordinary <= 1:
        return [], []
    leave()
    best = (*above(), sorted(chosen))
    most = min(len(balances) // 2, -(-len(chosen) // 4096) * 4096)
    while best[0] and len(chosen) < most:
        others = sorted((a for a in range(len(balances)) if a not in chosen), key=lambda a: -balances[a])
        chosen.update(others[: min(len(chosen), most - len(chosen))])
        leave()
        unmet, share = above()
        if (len(unmet), share) < (len(best[0]), best[1]):
            best = (unmet, share, sorted(chosen))
    return best[2], best[0]


def answer(balances: Any, percent: int) -> tuple[list[int], list[int]]:
    dealt = find(np.asarray(balances), percent)
    return dealt.accounts.tolist(), dealt.unmet.tolist()


def heavy_tailed(accounts: int, seed: int, tail: float = 1.1) -> Any:
    return (np.random.default_rng(seed).pareto(tail, accounts) * 10_000).astype(np.int64)


@pytest.mark.parametrize("percent", [1, 5, 10, 50, 99, 100])
@pytest.mark.parametrize("seed", range(3))
def test_heavy_tails_give_what_the_plain_reading_gives(percent: int, seed: int) -> None:
    balances = heavy_tailed(9_000 + seed, seed, tail=(0.6, 1.1, 2.0)[seed])
    assert answer(balances, percent) == reference(balances.tolist(), percent)


@settings(deadline=None, max_examples=25)
@given(
    few=st.dictionaries(st.integers(0, 8_999), st.integers(0, 2**58), max_size=14),
    everyone=st.sampled_from([0, 1, 1_000]),
    percent=st.integers(1, 100),
)
def test_any_balances_give_what_the_plain_reading_gives(
    few: dict[int, int], everyone: int, percent: int
) -> None:
    balances = np.full(9_000, everyone, dtype=np.int64)
    for account, fen in few.items():
        balances[account] = fen
    assert answer(balances, percent) == reference(balances.tolist(), percent)


def test_no_account_is_above_its_share_of_any_bucket() -> None:
    balances = heavy_tailed(100_000, 5, tail=1.6)
    dealt = find(balances, 10)
    width = -(-len(balances) // 4096)
    ordinary = balances.copy()
    ordinary[dealt.accounts] = 0
    for bucket in range(width):
        assert ordinary[bucket::width].max() * 100 <= 10 * ordinary[bucket::width].sum()
    seconds = -(-len(dealt.accounts) // 4096)
    for w in range(seconds):
        inside = balances[dealt.accounts[w::seconds]]
        assert not len(dealt.unmet)
        assert inside.max() * 100 <= 10 * inside.sum()


def test_one_fen_above_the_share_makes_an_account_wholesale() -> None:
    balances = np.zeros(8_192, dtype=np.int64)
    balances[2::2] = 10
    balances[1::2] = 10
    others = 4_095 * 10
    # b * 100 > 50 * (b + others) as soon as b > others.
    balances[0] = others
    assert answer(balances, 50) == ([], [])
    balances[0] = others + 1
    assert 0 in answer(balances, 50)[0]


def test_one_bucket_needs_no_rule_because_its_sum_is_the_total() -> None:
    balances = np.zeros(4_096, dtype=np.int64)
    balances[7] = 10**12
    assert answer(balances, 1) == ([], [])
    assert answer(np.zeros(0, dtype=np.int64), 10) == ([], [])


def test_with_a_hundred_percent_nobody_is_wholesale() -> None:
    assert answer(heavy_tailed(9_000, 1, 0.4), 100) == ([], [])


def test_one_holder_with_most_of_the_coins_is_named_and_hidden_as_well_as_can_be() -> None:
    balances = np.full(20_000, 1_000, dtype=np.int64)
    balances[77] = 30_000_000
    dealt = find(balances, 10)
    assert dealt.unmet.tolist() == [77]
    assert 77 in dealt.accounts.tolist()
    # He is not left alone in a bucket whose sum would be his balance.
    assert 2_048 <= len(dealt.accounts) <= 4_096


def test_few_accounts_above_the_rule_take_others_along() -> None:
    balances = np.full(40_000, 1_000, dtype=np.int64)
    balances[100:2_100] = 3_000
    balances[5] = 1_600_000
    accounts, unmet = answer(balances, 25)
    # He has more than a quarter of a bucket, and less than one of a bucket with all of the 2,000.
    assert unmet == []
    assert len(accounts) == 2_048
    assert 5 in accounts


def test_growing_stops_at_half_of_all_accounts() -> None:
    balances = np.full(5_000, 1_000, dtype=np.int64)
    balances[0] = 10**12
    dealt = find(balances, 1)
    assert len(dealt.accounts) <= 2_500
    assert dealt.unmet.tolist() == [0]


def test_signed_unsigned_and_mapped_balances_give_the_same(tmp_path: Path) -> None:
    balances = heavy_tailed(50_000, 9)
    np.save(tmp_path / "balances.npy", balances)
    mapped = np.load(tmp_path / "balances.npy", mmap_mode="r")
    assert answer(mapped, 10) == answer(balances, 10) == answer(balances.astype(np.uint64), 10)


def test_pages_that_were_dropped_come_back_and_private_changes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "AT_ONCE", 64)
    monkeypatch.setattr(rows, "DROPPED_AFTER", 64)
    balances = heavy_tailed(9_000, 3)
    np.save(tmp_path / "balances.npy", balances)
    assert answer(np.load(tmp_path / "balances.npy", mmap_mode="r"), 10) == answer(balances, 10)
    private = np.load(tmp_path / "balances.npy", mmap_mode="c")
    private[123] = balances[123] = 10**12
    assert answer(private, 10) == answer(balances, 10)
    assert private[123] == 10**12


def test_many_and_few_buckets_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    balances = heavy_tailed(60_000, 4)
    expected = answer(balances, 7)
    for few in (0, 1, 1_000):
        monkeypatch.setattr(wholesale, "FEW", few)
        assert answer(balances, 7) == expected


def test_a_negative_balance_is_refused_with_its_index() -> None:
    balances = np.full(9_000, 5, dtype=np.int64)
    balances[8_191] = -1
    with pytest.raises(ProofError, match="index 8191 is negative"):
        find(balances, 10)
    with pytest.raises(ProofError, match="index 8191 is negative"):
        find(balances.view(np.uint64), 10)


@pytest.mark.parametrize(
    "largest", [[2**62, 2**62], [2**63 - 1, 1], [2**51] * 4_096, [2**63 - 1] * 5_000], ids=len
)
def test_sums_of_2_63_are_refused_also_when_they_wrap(largest: list[int]) -> None:
    balances = np.zeros(9_000, dtype=np.int64)
    balances[: 2 * len(largest) : 2][: len(largest)] = largest[: len(balances[: 2 * len(largest) : 2])]
    with pytest.raises(ProofError, match=r"2\^63 fen or more"):
        find(balances, 10)
    most = np.zeros(9_000, dtype=np.int64)
    most[0] = 2**63 - 1
    assert find(most, 10).unmet.tolist() == [0]


def test_a_share_is_whole_percent_from_1_to_100() -> None:
    for wrong in (0, 101, -5):
        with pytest.raises(ProofError, match="write whole percent"):
            find(np.zeros(9_000, dtype=np.int64), wrong)


def test_it_can_be_stopped_and_tells_how_far_it_is() -> None:
    balances = heavy_tailed(9_000, 2)
    told: list[int] = []
    find(balances, 10, progress=told.append)
    assert sum(told) % 9_000 == 0
    assert sum(told) > 0
    with pytest.raises(ProofError, match="was stopped"):
        find(balances, 10, stop=lambda: True)


@pytest.mark.parametrize("count", [1, 5, 1_000, 5_000, 9_999])
def test_the_largest_accounts_are_found_with_equals_by_number(count: int) -> None:
    balances = np.random.default_rng(1).integers(0, 50, 10_000)
    accounts, fen = Rows(balances, 3).largest(count)
    order = sorted(range(10_000), key=lambda account: (-balances[account], account))
    assert accounts.tolist() == order[:count]
    assert fen.tolist() == balances[order[:count]].tolist()
