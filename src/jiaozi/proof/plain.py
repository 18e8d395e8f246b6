"""The plain executor: every byte of the tree, made with `hashlib` one hash at a time.

It is the meaning of the tree; `hashing` has to give the same bytes faster.
Children are strided: with m nodes one level up, the children of node p are
p, p + m, p + 2m and p + 3m. It is the ordinary tree of arity four with its
digits read from the other end; a kernel that hashes many nodes side by side then
reads its words in the order in which they lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof.places import BUCKET_SIZE, Places

SUM_LIMIT = 2**63
"""No sum in a tree reaches this many fen, so none can wrap in any language."""

EMPTY_HASH = sha256(b"JZE1").digest()
"""Hash of a place with no account in it, and of a bucket that is not there."""

T = TypeVar("T")

Balances = NDArray[np.uint64] | NDArray[np.int64]
"""Fen, whole; the index is the account number."""

Digests = NDArray[np.uint8]
"""SHA-256 hashes, (n, 32)."""

Progress = Callable[[int], None]
"""Told how many accounts were done since it was told last."""

Stop = Callable[[], bool]
"""Asked now and then; true asks a long work to stop."""


class Level(NamedTuple):
    """A level of the tree from the buckets up: *sums* (n,) in fen and *hashes* (n, 32)."""

    sums: NDArray[np.uint64]
    hashes: Digests


class Node(NamedTuple):
    """One place above the leaves: what its accounts hold together, and its hash."""

    sum_fen: int
    hash: bytes


EMPTY = Node(0, EMPTY_HASH)


def account_key(master: bytes, account: int) -> bytes:
    """Return the secret that the holder of *account* gets once, when it is opened."""
    return sha256(b"JZK1" + master + account.to_bytes(8, "big")).digest()


def nonce_of(key: bytes, epoch: int) -> bytes:
    """Return the 24 bytes that keep a neighbour from trying out balances; *key* is an account's."""
    return sha256(b"JZN1" + key + epoch.to_bytes(4, "big")).digest()[:24]


def leaf_of(*, epoch: int, account: int, balance_fen: int, nonce: bytes) -> bytes:
    """Return the hash of one balance."""
    head = b"JZL1" + epoch.to_bytes(4, "big") + account.to_bytes(8, "big")
    return sha256(head + balance_fen.to_bytes(8, "big") + nonce).digest()


def buckets_of(
    balances: Balances,
    *,
    master: bytes,
    epoch: int,
    wholesale: NDArray[np.int64],
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Level:
    """Return sum and hash of every bucket; *wholesale* are account numbers in their order.

    Raises `ProofError` for a negative balance, for a sum of 2^63 fen or more, and when *stop* asks to.
    """
    fen = _whole_fen(balances)
    second = [fen[account] for account in wholesale.tolist()]
    for account in wholesale.tolist():
        fen[account] = 0
    numbers = [*range(len(fen)), *wholesale.tolist()]
    fen += second
    places = Places(len(balances), len(wholesale))
    nodes = []
    for bucket in range(places.buckets):
        if stop is not None and stop():
            raise ProofError("building the tree was stopped")
        members = places.members(bucket)
        part = slice(members.start, members.stop, members.step)
        levels = _bucket(numbers[part], fen[part], master=master, epoch=epoch)
        nodes.append(Node(sum(fen[part]), levels[-1][0]))
        if progress is not None:
            progress(len(members))
    return _level(nodes)


def bucket_levels(
    accounts: NDArray[np.int64], balances: Balances, *, master: bytes, epoch: int
) -> list[Digests]:
    """Return the seven levels of one bucket, leaves first: 4,096 hashes, 1,024, and so on up to one.

    *accounts* and *balances* (at most 4,096 each) stand in the order of their places.
    """
    levels = _bucket(accounts.tolist(), _whole_fen(balances), master=master, epoch=epoch)
    return [np.frombuffer(b"".join(level), np.uint8).reshape(-1, 32) for level in levels]


def levels_above(buckets: Level) -> list[Level]:
    """Return *buckets*, filled up with empty ones to a power of four, and every level above them."""
    nodes = [
        Node(fen, hashed.tobytes()) for fen, hashed in zip(buckets.sums.tolist(), buckets.hashes, strict=True)
    ]
    width = 1
    while width < len(nodes):
        width *= 4
    return [_level(level) for level in _levels(nodes + [EMPTY] * (width - len(nodes)), _above)]


def _whole_fen(balances: Balances) -> list[int]:
    fen: list[int] = balances.tolist()
    if fen and min(fen) < 0:
        account = next(number for number, balance in enumerate(fen) if balance < 0)
        raise ProofError(f"the balance at index {account} is negative; a holder cannot owe the issuer coins")
    if sum(fen) >= SUM_LIMIT:
        raise ProofError("the balances add up to 2^63 fen or more")
    return fen


def _bucket(
    accounts: Sequence[int], balances: Sequence[int], *, master: bytes, epoch: int
) -> list[list[bytes]]:
    leaves = [
        leaf_of(
            epoch=epoch,
            account=account,
            balance_fen=balance,
            nonce=nonce_of(account_key(master, account), epoch),
        )
        for account, balance in zip(accounts, balances, strict=True)
    ]
    return _levels(leaves + [EMPTY_HASH] * (BUCKET_SIZE - len(leaves)), _inside)


def _levels(bottom: list[T], parent: Callable[[T, T, T, T], T]) -> list[list[T]]:
    levels = [bottom]
    while len(levels[-1]) > 1:
        below = levels[-1]
        m = len(below) // 4
        a, b, c, d = (below[start : start + m] for start in (0, m, 2 * m, 3 * m))
        levels.append([parent(*children) for children in zip(a, b, c, d, strict=True)])
    return levels


def _inside(a: bytes, b: bytes, c: bytes, d: bytes) -> bytes:
    return sha256(b"JZH1" + a + b + c + d).digest()


def _above(a: Node, b: Node, c: Node, d: Node) -> Node:
    children = (a, b, c, d)
    sums = b"".join(child.sum_fen.to_bytes(8, "big") for child in children)
    hashes = b"".join(child.hash for child in children)
    return Node(sum(child.sum_fen for child in children), sha256(b"JZS1" + sums + hashes).digest())


def _level(nodes: Sequence[Node]) -> Level:
    sums = np.array([node.sum_fen for node in nodes], dtype=np.uint64)
    hashes = np.frombuffer(b"".join(node.hash for node in nodes), np.uint8).reshape(-1, 32)
    return Level(sums, hashes)
