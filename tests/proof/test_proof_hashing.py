"""The fast executor gives the bytes of the plain one, for trees of every shape."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jiaozi.proof import plain
from jiaozi.proof.hashing import executor
from jiaozi.proof.hashing.bucket import EMPTY
from jiaozi.proof.hashing.lanes import LANES, START, compress
from jiaozi.proof.plain import Level

MASTER = sha256(b"a master key").digest()


def row(fen: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array(fen, dtype=np.int64)


def some_balances(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(count).integers(0, 5_000_000_00, count)


def assert_same(balances: plain.Balances, wholesale: Sequence[int] = (), epoch: int = 7) -> None:
    numbers = row(wholesale)
    fast = executor.buckets_of(balances, master=MASTER, epoch=epoch, wholesale=numbers)
    slow = plain.buckets_of(balances, master=MASTER, epoch=epoch, wholesale=numbers)
    assert_same_level(fast, slow)
    for one, other in zip(executor.levels_above(fast), plain.levels_above(slow), strict=True):
        assert_same_level(one, other)


def assert_same_level(fast: Level, slow: Level) -> None:
    assert fast.sums.tolist() == slow.sums.tolist()
    assert fast.hashes.tobytes() == slow.hashes.tobytes()
    assert fast.sums.dtype == slow.sums.dtype
    assert fast.hashes.shape == slow.hashes.shape


def digests_of(messages: list[bytes]) -> list[bytes]:
    """Hash LANES messages of one length with `compress`, padded as FIPS 180-4 says."""
    state = np.repeat(np.array(START, dtype=np.uint32), LANES)
    padded = []
    for message in messages:
        zeros = -(len(message) + 9) % 64
        padded.append(message + b"\x80" + bytes(zeros) + (8 * len(message)).to_bytes(8, "big"))
    words = np.array([np.frombuffer(message, dtype=">u4") for message in padded], dtype=np.uint32)
    for block in range(0, words.shape[1], 16):
        compress(state, np.ascontiguousarray(words[:, block : block + 16].T).reshape(-1))
    return [digest.astype(">u4").tobytes() for digest in state.reshape(8, LANES).T]


@pytest.mark.parametrize("length", [0, 1, 31, 32, 44, 48, 55, 56, 63, 64, 65, 119, 120, 132, 164, 1_000])
def test_every_lane_hashes_its_own_message_as_hashlib_does(length: int) -> None:
    random = np.random.default_rng(length)
    messages = [random.bytes(length) for _ in range(LANES)]
    assert digests_of(messages) == [sha256(message).digest() for message in messages]


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
def test_words_of_all_ones_and_all_zeros_hash_as_hashlib_does(byte: int) -> None:
    messages = [bytes([byte]) * 119] * LANES
    assert digests_of(messages) == [sha256(messages[0]).digest()] * LANES


def test_the_empty_place_is_the_hash_of_its_tag() -> None:
    assert np.array(EMPTY, dtype=">u4").tobytes() == sha256(b"JZE1").digest() == plain.EMPTY_HASH


@pytest.mark.parametrize("count", [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 2_048, 4_095, 4_096])
def test_a_bucket_has_the_same_seven_levels(count: int) -> None:
    balances = some_balances(count)
    accounts = np.random.default_rng(count).integers(0, 2**63 - 1, count)
    fast = executor.bucket_levels(accounts, balances, master=MASTER, epoch=2**32 - 1)
    slow = plain.bucket_levels(accounts, balances, master=MASTER, epoch=2**32 - 1)
    assert [level.shape for level in fast] == [level.shape for level in slow]
    assert [level.tobytes() for level in fast] == [level.tobytes() for level in slow]


@pytest.mark.parametrize("count", [0, 1, 2, 4_095, 4_096, 4_097, 8_192, 8_193, 40_000])
def test_a_tree_of_any_number_of_accounts_is_the_same(count: int) -> None:
    assert_same(some_balances(count))


def test_many_runs_of_buckets_give_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "RUN_BUCKETS", 3)
    monkeypatch.setattr(executor, "STEP_BUCKETS", 2)
    assert_same(some_balances(45_000), wholesale=[0, 1, 11, 12, 44_999])


@pytest.mark.parametrize(
    ("count", "wholesale"),
    [
        (1, [0]),
        (4_096, [0, 4_095]),
        (4_097, [1, 2, 4_096]),
        (12_289, range(12_289)),
        (9_000, range(1, 9_000, 2)),
    ],
)
def test_wholesale_accounts_have_nothing_in_their_ordinary_leaf(count: int, wholesale: Sequence[int]) -> None:
    assert_same(some_balances(count), wholesale)


def test_unsigned_balances_give_the_same_tree() -> None:
    assert_same(some_balances(5_000).astype(np.uint64))


def test_balances_that_do_not_lie_side_by_side_give_the_same_tree() -> None:
    assert_same(some_balances(10_000)[::2])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_trees_are_the_same(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 9_000), label="accounts")
    seed = data.draw(st.integers(0, 2**32 - 1), label="seed")
    largest = data.draw(st.sampled_from([1, 1_000, 2**31, 2**32 + 1, 2**49]), label="largest balance")
    share = data.draw(st.sampled_from([0.0, 0.001, 0.5, 1.0]), label="share of wholesale accounts")
    random = np.random.default_rng(seed)
    balances = random.integers(0, largest, count, endpoint=True)
    wholesale = np.flatnonzero(random.random(count) < share).tolist()
    assert_same(balances, wholesale, epoch=data.draw(st.integers(0, 2**32 - 1), label="epoch"))


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_balances_mapped_from_a_file_give_the_same_tree(tmp_path: Path, mode: str) -> None:
    balances = some_balances(30_001)
    (tmp_path / "balances").write_bytes(b"a heading of 32 bytes, then fen\n" + balances.tobytes())
    mapped = np.memmap(tmp_path / "balances", dtype=np.int64, mode=mode, offset=32)  # type: ignore[call-overload]
    assert_same(mapped, wholesale=[3, 30_000])
    assert_same(mapped[7:20_000], wholesale=[3, 19_000])


def test_what_was_written_to_a_copy_of_the_file_is_counted_and_kept(tmp_path: Path) -> None:
    """Pages of such a mapping must not be given back: they would fall back to what the file has."""
    balances = some_balances(5_000)
    (tmp_path / "balances").write_bytes(balances.tobytes())
    mapped = np.memmap(tmp_path / "balances", dtype=np.int64, mode="c")
    mapped[1_234] = 77
    assert_same(mapped)
    assert mapped[1_234] == 77
