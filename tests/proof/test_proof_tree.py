"""The tree, read a second time: from the root down, with digits of the account number."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import ProofError
from jiaozi.proof.places import Places
from jiaozi.proof.plain import EMPTY_HASH, account_key
from jiaozi.proof.tree import build
from tests.proof.proof_vectors import MASTER, balances_of, tree_of


def reference_root(balances: list[int], epoch: int, wholesale: Sequence[int] = ()) -> tuple[int, bytes]:
    """Return total and root as the format page says it, one node at a time and nothing shared with `tree`.

    A node stands for all numbers that end in the same base-four digits: the
    root for all, its child k for those that end in k, and so on downwards.
    """

    def word(number: int, size: int = 8) -> bytes:
        return number.to_bytes(size, "big")

    def leaf(account: int, balance: int) -> bytes:
        key = sha256(b"JZK1" + MASTER + word(account)).digest()
        nonce = sha256(b"JZN1" + key + word(epoch, 4)).digest()[:24]
        return sha256(b"JZL1" + word(epoch, 4) + word(account) + word(balance) + nonce).digest()

    buckets = -(-len(balances) // 4096)
    hands: list[list[tuple[int, int]]] = [[] for _ in range(buckets)]
    for account, balance in enumerate(balances):
        hands[account % buckets].append((account, 0 if account in wholesale else balance))
    seconds = -(-len(wholesale) // 4096)
    hands += [[] for _ in range(seconds)]
    for rank, account in enumerate(wholesale):
        hands[buckets + rank % seconds].append((account, balances[account]))

    def inside(hand: list[tuple[int, int]], ending: int, digits: int) -> bytes:
        if digits == 6:
            return leaf(*hand[ending]) if ending < len(hand) else sha256(b"JZE1").digest()
        children = [inside(hand, ending + k * 4**digits, digits + 1) for k in range(4)]
        return sha256(b"JZH1" + b"".join(children)).digest()

    def above(ending: int, digits: int) -> tuple[int, bytes]:
        if digits == depth:
            if ending >= len(hands):
                return 0, sha256(b"JZE1").digest()
            return sum(balance for _, balance in hands[ending]), inside(hands[ending], 0, 0)
        children = [above(ending + k * 4**digits, digits + 1) for k in range(4)]
        sums = b"".join(word(fen) for fen, _ in children)
        hashes = b"".join(hashed for _, hashed in children)
        return sum(fen for fen, _ in children), sha256(b"JZS1" + sums + hashes).digest()

    depth = 0
    while 4**depth < len(hands):
        depth += 1
    return above(0, 0)


@pytest.mark.parametrize("accounts", [0, 1, 2, 4_095, 4_096, 4_097, 16_384, 16_385, 20_000])
def test_a_second_reading_of_the_format_gives_the_same_root(accounts: int) -> None:
    balances = balances_of(accounts)
    tree = tree_of(balances, epoch=9)
    assert (tree.total_fen, tree.root) == reference_root(balances.tolist(), 9)


@settings(deadline=None, max_examples=20)
@given(
    balances=st.lists(st.integers(0, 2**58), max_size=9),
    before=st.sampled_from([0, 4_090, 8_192]),
    epoch=st.integers(0, 2**32 - 1),
)
def test_any_balances_give_the_root_of_the_second_reading(
    balances: list[int], before: int, epoch: int
) -> None:
    row = np.array([0] * before + balances, dtype=np.uint64)
    tree = tree_of(row, epoch=epoch)
    assert (tree.total_fen, tree.root) == reference_root(row.tolist(), epoch)


@settings(deadline=None, max_examples=15)
@given(
    accounts=st.sampled_from([1, 5, 4_097, 9_000]),
    chosen=st.sets(st.integers(0, 8_999), max_size=40),
    all_of_them=st.booleans(),
)
def test_wholesale_accounts_have_a_second_leaf_and_nothing_is_counted_twice(
    accounts: int, chosen: set[int], all_of_them: bool
) -> None:
    balances = balances_of(accounts)
    wholesale = range(accounts) if all_of_them else sorted(number for number in chosen if number < accounts)
    tree = tree_of(balances, epoch=3, wholesale=[*wholesale])
    assert (tree.total_fen, tree.root) == reference_root(balances.tolist(), 3, wholesale)
    assert tree.total_fen == int(balances.sum())


def test_every_position_has_a_seat_of_its_own() -> None:
    for accounts, wholesale in [(1, 0), (1, 1), (4_096, 4_096), (4_097, 5), (20_000, 4_097)]:
        places = Places(accounts, wholesale)
        seats = {places.seat(position) for position in range(accounts + wholesale)}
        assert len(seats) == accounts + wholesale
        assert max(place for _, place in seats) < 4_096
        assert {bucket for bucket, _ in seats} == set(range(places.buckets))
        for bucket in range(places.buckets):
            members = places.members(bucket)
            assert [places.seat(position) for position in members] == [
                (bucket, place) for place in range(len(members))
            ]


@given(accounts=st.integers(4_097, 2**40))
def test_no_bucket_is_small_once_there_are_two(accounts: int) -> None:
    places = Places(accounts)
    first, last = (len(places.members(bucket)) for bucket in (0, places.ordinary_buckets - 1))
    assert 2_048 <= last <= first <= last + 1


def test_wholesale_accounts_out_of_order_twice_or_unknown_are_refused() -> None:
    for wrong in ([2, 1], [1, 1], [-1], [5]):
        with pytest.raises(ProofError, match="account numbers in their order"):
            tree_of(balances_of(5), wholesale=wrong)


@pytest.mark.parametrize(
    ("accounts", "depth"),
    [(0, 0), (1, 0), (4_096, 0), (4_097, 1), (16_384, 1), (16_385, 2), (1_400_000_000, 10), (2**63 - 1, 26)],
)
def test_the_depth_is_the_smallest_with_room_for_every_bucket(accounts: int, depth: int) -> None:
    assert Places(accounts).depth == depth


def test_a_tree_without_accounts_is_an_empty_node() -> None:
    tree = tree_of(np.zeros(0, dtype=np.int64), epoch=0)
    assert (tree.accounts, tree.total_fen, tree.depth, tree.root) == (0, 0, 0, EMPTY_HASH)
    with pytest.raises(ProofError, match="account 0 is not one of the 0 accounts"):
        tree.position(0)


def test_signed_and_unsigned_balances_give_the_same_tree() -> None:
    unsigned = balances_of(5_000).astype(np.uint64)
    assert tree_of(unsigned).root == tree_of(unsigned.astype(np.int64)).root


def test_a_negative_balance_is_refused_with_its_account() -> None:
    with pytest.raises(ProofError, match="index 2 is negative"):
        tree_of(np.array([5, 0, -1, 7], dtype=np.int64), epoch=1)


def test_a_sum_just_below_2_63_is_taken_and_one_fen_more_refused() -> None:
    largest = np.array([2**62, 2**62 - 1], dtype=np.uint64)
    assert tree_of(largest, epoch=1).total_fen == 2**63 - 1
    with pytest.raises(ProofError, match=r"add up to 2\^63"):
        tree_of(largest + np.array([0, 1], dtype=np.uint64), epoch=1)


def test_a_sum_that_wraps_in_64_bits_is_refused() -> None:
    with pytest.raises(ProofError, match=r"add up to 2\^63"):
        tree_of(np.array([2**64 - 1, 6], dtype=np.uint64), epoch=1)


def test_balances_that_are_no_whole_fen_are_refused() -> None:
    wrongs: list[Any] = [np.array([0.5]), np.array([[1]], dtype=np.int64), np.array([1], dtype=np.int32)]
    for wrong in wrongs:
        with pytest.raises(ProofError, match="one row of whole fen"):
            tree_of(wrong, epoch=1)


def test_a_master_key_of_another_length_and_an_epoch_out_of_range_are_refused() -> None:
    with pytest.raises(ProofError, match="32 bytes"):
        build(balances_of(1), master=bytes(31), epoch=1)
    for epoch in (-1, 2**32):
        with pytest.raises(ProofError, match="epoch"):
            tree_of(balances_of(1), epoch=epoch)


def test_a_path_is_refused_over_balances_that_have_moved_since() -> None:
    balances = balances_of(5_000)
    tree = tree_of(balances, epoch=1)
    moved = balances.copy()
    moved[1] += np.uint64(1)
    moved[3] -= np.uint64(1)
    with pytest.raises(ProofError, match="not the balances from which bucket 1"):
        tree.prove(moved, 5)
    with pytest.raises(ProofError, match="4,096 balances and 5,000 accounts"):
        tree.prove(balances[:4_096], 4_096)


def test_the_same_balance_has_another_leaf_in_each_account_and_each_epoch() -> None:
    same = np.full(2, 100, dtype=np.int64)
    roots = {tree_of(same, epoch=epoch).root for epoch in range(3)}
    tree = tree_of(same, epoch=0)
    assert len(roots) == 3
    assert tree.prove(same, 0).nonce != tree.prove(same, 1).nonce


def test_an_account_key_depends_on_master_and_account() -> None:
    keys = {account_key(master, account) for master in (MASTER, bytes(32)) for account in (0, 1, 2**40)}
    assert len(keys) == 6


def test_the_secret_is_not_shown_with_the_tree() -> None:
    tree = tree_of(balances_of(3), epoch=1)
    assert "master" not in repr(tree)
    assert "\\x1f" not in repr(tree)
