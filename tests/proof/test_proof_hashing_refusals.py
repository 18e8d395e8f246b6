"""The fast executor refuses what the plain one refuses, stops when asked to, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof import plain
from jiaozi.proof.hashing import bucket, executor
from jiaozi.proof.plain import Level
from tests.proof.test_proof_hashing import MASTER, assert_same, row, some_balances

TOO_LARGE = "add up to 2\\^63 fen or more"


def build(
    balances: plain.Balances,
    wholesale: Sequence[int] = (),
    *,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Level:
    return executor.buckets_of(
        balances, master=MASTER, epoch=7, wholesale=row(wholesale), progress=progress, stop=stop
    )


@pytest.mark.parametrize("index", [0, 1, 4_096, 9_999])
@pytest.mark.parametrize("is_wholesale", [False, True])
def test_a_negative_balance_is_refused_with_its_index(index: int, is_wholesale: bool) -> None:
    balances = some_balances(10_000)
    balances[index] = -1
    with pytest.raises(ProofError, match=f"index {index} is negative"):
        build(balances, [index] if is_wholesale else [])


def test_of_several_negative_balances_the_first_is_named() -> None:
    balances = some_balances(60_000)
    balances[[50_000, 123, 59_999]] = -(2**63)
    with pytest.raises(ProofError, match="index 123 is negative"):
        build(balances)


@pytest.mark.parametrize("fen", [2**63, 2**63 + 1, 2**64 - 1])
def test_a_balance_of_2_to_the_63_is_refused(fen: int) -> None:
    balances = np.array([5, fen, 0], dtype=np.uint64)
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(balances)
    with pytest.raises(ProofError, match=TOO_LARGE):
        executor.bucket_levels(row([0, 1, 2]), balances, master=MASTER, epoch=7)


def test_the_largest_sum_stands_and_one_fen_more_is_refused() -> None:
    assert_same(row([2**63 - 1]))
    assert_same(row([2**63 - 3, 1, 1]))
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(row([2**63 - 3, 1, 1, 1]))


def test_a_sum_that_comes_round_to_a_small_number_is_refused() -> None:
    """Two balances of 2^63 - 1 and one of 2 add up to 2^64, which is 0 in 64 bits."""
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(row([2**63 - 1, 2**63 - 1, 2]))
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(row([2**63 - 1] * 4_096))


def test_a_sum_that_is_too_large_over_two_buckets_is_refused() -> None:
    balances = np.zeros(5_000, dtype=np.int64)
    balances[[0, 1]] = 2**62
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(balances)
    balances[1] -= 1
    assert_same(balances)


def test_a_sum_that_is_too_large_with_the_wholesale_accounts_is_refused() -> None:
    with pytest.raises(ProofError, match=TOO_LARGE):
        build(row([2**62, 2**62]), [1])


def test_sums_of_buckets_that_add_up_to_too_much_are_refused() -> None:
    hashes = np.zeros((5, 32), dtype=np.uint8)
    sums = np.array([2**62, 0, 0, 0, 2**62], dtype=np.uint64)
    with pytest.raises(ProofError, match=TOO_LARGE):
        executor.levels_above(Level(sums, hashes))


@pytest.mark.parametrize("kind", [np.float64, np.int32, ">i8"])
def test_balances_of_another_kind_are_refused(kind: str) -> None:
    with pytest.raises(ProofError, match="whole fen"):
        build(np.zeros(3, dtype=kind))


def test_a_build_that_is_told_to_stop_stops() -> None:
    with pytest.raises(ProofError, match="was stopped"):
        build(some_balances(10_000), stop=lambda: True)


def test_a_build_can_be_stopped_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second step of a thread waits until the second question has been answered with yes."""
    monkeypatch.setattr(executor, "POLL_S", 0.001)
    hash_run, steps, asked, is_answered = bucket.hash_run, count(), count(), Event()

    def in_step(*arguments: Any) -> bool:
        if next(steps) > 0:
            assert is_answered.wait(60)
        return hash_run(*arguments)

    def stop() -> bool:
        if next(asked) == 0:
            return False
        is_answered.set()
        return True

    monkeypatch.setattr(bucket, "hash_run", in_step)
    done: list[int] = []
    with pytest.raises(ProofError, match="was stopped"):
        build(some_balances(1_000_000), progress=done.append, stop=stop)
    assert sum(done) < 1_000_000


def test_an_interrupt_ends_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "POLL_S", 0.001)

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(some_balances(1_000_000), progress=interrupted)


def test_what_goes_wrong_on_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise MemoryError("no room")

    monkeypatch.setattr(bucket, "hash_run", broken)
    with pytest.raises(MemoryError, match="no room"):
        build(some_balances(10_000))


@pytest.mark.parametrize(("accounts", "wholesale"), [(0, []), (1, []), (100_003, [5, 6])])
def test_progress_counts_every_leaf_once(accounts: int, wholesale: list[int]) -> None:
    done: list[int] = []
    build(some_balances(accounts), wholesale, progress=done.append)
    assert sum(done) == accounts + len(wholesale)


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same_tree(threads: int) -> None:
    balances: NDArray[np.int64] = some_balances(100_000)
    one = executor.buckets_of(balances, master=MASTER, epoch=7, wholesale=row([9]), threads=threads)
    two = build(balances, [9])
    assert one.hashes.tobytes() == two.hashes.tobytes()
    assert one.sums.tolist() == two.sums.tolist()
