"""The sum tree: every balance under one root, no neighbour's balance shown.

The position in the tree is the account number. 4,096 accounts make a bucket, in
which a holder sees hashes only; above the buckets every node binds the sums of
its four children beside their hashes, so no node can claim a larger or smaller
sum than it has. `docs/reference/proof-format.md` gives each byte.

Children are strided: with m nodes one level up, the children of node p are
p, p + m, p + 2m and p + 3m. It is the ordinary tree of arity four with the
account's digits read from the other end; a kernel that hashes many nodes side by
side then reads its words in the order in which they lie in memory.

This is the plain executor, on `hashlib`. A faster one has to give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.money import Fen

BUCKET_SIZE = 4_096
"""Accounts in a bucket: four to the sixth."""

SUM_LIMIT = 2**63
"""No sum in a tree reaches this many fen, so none can wrap in any language."""

T = TypeVar("T")

Balances = NDArray[np.uint64] | NDArray[np.int64]
"""Fen; the index is the account number."""

EMPTY_HASH = sha256(b"JZE1").digest()
"""Hash of a place with no account in it, and of a bucket with none."""


class Node(NamedTuple):
    """One place above the leaves: what its accounts hold together, and its hash."""

    sum_fen: int
    hash: bytes


EMPTY = Node(0, EMPTY_HASH)


@dataclass(frozen=True, slots=True)
class Path:
    """What one holder gets: his leaf, and the three siblings at every level up to the root.

    Siblings stand in the order of their places, without a place for the node
    itself: that follows from the account number.
    """

    account: int
    balance_fen: Fen
    nonce: bytes
    bucket_sum_fen: Fen
    inside: tuple[tuple[bytes, ...], ...]
    above: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The buckets and what is above them; the leaves are made again when a proof is asked for.

    `levels[0]` are the buckets, filled up with `EMPTY` to a power of four;
    `levels[-1]` is the root alone. `master` is secret: whoever has it and a
    proof can try out the balances of the neighbours.
    """

    epoch: int
    accounts: int
    levels: tuple[tuple[Node, ...], ...] = field(repr=False)
    master: bytes = field(repr=False)

    @property
    def depth(self) -> int:
        """Levels above the buckets: 0 as long as one bucket is enough."""
        return len(self.levels) - 1

    @property
    def root(self) -> bytes:
        """The hash that stands for every balance."""
        return self.levels[-1][0].hash

    @property
    def total_fen(self) -> Fen:
        """The sum of all balances."""
        return Fen(self.levels[-1][0].sum_fen)

    def bucket_range(self, account: int) -> range:
        """Return the account numbers of the bucket in which *account* is."""
        if not 0 <= account < self.accounts:
            raise ProofError(f"account {account} is not one of the {self.accounts:,} accounts of the tree")
        first = account - account % BUCKET_SIZE
        return range(first, min(first + BUCKET_SIZE, self.accounts))

    def prove(self, balances_of_bucket: Balances, account: int) -> Path:
        """Return the path of *account*; *balances_of_bucket* are those of its `bucket_range`, in fen.

        Raises `ProofError` if they are not the balances from which the tree was built.
        """
        members = self.bucket_range(account)
        balances = _whole_fen(balances_of_bucket)
        if len(balances) != len(members):
            raise ProofError(
                f"the bucket of account {account} has {len(members)} accounts, not {len(balances)}"
            )

        bucket = account // BUCKET_SIZE
        inner = _bucket_levels(balances, first=members.start, master=self.master, epoch=self.epoch)
        if Node(sum(balances), inner[-1][0]) != self.levels[0][bucket]:
            raise ProofError(f"these are not the balances from which bucket {bucket} of the tree was built")
        balance = balances[account - members.start]
        return Path(
            account=account,
            balance_fen=Fen(balance),
            nonce=nonce_of(account_key(self.master, account), self.epoch),
            bucket_sum_fen=Fen(sum(balances)),
            inside=tuple(_siblings(inner, account % BUCKET_SIZE)),
            above=tuple(_siblings(self.levels, bucket)),
        )


def build(balances: Balances, *, master: bytes, epoch: int) -> Tree:
    """Return the tree over *balances* in fen, whose index is the account number.

    An account whose balance the issuer does not owe (reserve, fees, coins not
    issued) has a zero here. *master* is the secret of 32 bytes from which the
    account keys come, *epoch* the number of the cut, below 2^32. Raises
    `ProofError` for a negative balance and for a sum of 2^63 fen or more.
    """
    if len(master) != 32:
        raise ProofError(f"the master key has 32 bytes, not {len(master)}")
    if not 0 <= epoch < 2**32:
        raise ProofError(f"epoch {epoch} is not a number from 0 to 2^32 - 1")

    fen = _whole_fen(balances)
    buckets = []
    for first in range(0, len(fen), BUCKET_SIZE):
        members = fen[first : first + BUCKET_SIZE]
        inner = _bucket_levels(members, first=first, master=master, epoch=epoch)
        buckets.append(Node(sum(members), inner[-1][0]))
    buckets += [EMPTY] * (4 ** depth_of(len(fen)) - len(buckets))
    levels = _levels(buckets, _above)
    return Tree(epoch=epoch, accounts=len(fen), levels=tuple(tuple(level) for level in levels), master=master)


def depth_of(accounts: int) -> int:
    """Return how many levels stand above the buckets: the smallest d with room for all in 4^d."""
    depth = 0
    while 4**depth * BUCKET_SIZE < accounts:
        depth += 1
    return depth


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


def _whole_fen(balances: Balances) -> list[int]:
    """Return *balances* as exact integers, if each is one of a sum below the limit."""
    if balances.ndim != 1 or balances.dtype.kind not in "iu" or balances.dtype.itemsize != 8:
        raise ProofError("balances are one row of whole fen, int64 or uint64")
    fen: list[int] = balances.tolist()
    if fen and min(fen) < 0:
        account = next(number for number, balance in enumerate(fen) if balance < 0)
        raise ProofError(f"the balance at index {account} is negative; a holder cannot owe the issuer coins")
    if sum(fen) >= SUM_LIMIT:
        raise ProofError("the balances add up to 2^63 fen or more")
    return fen


def _bucket_levels(balances: Sequence[int], *, first: int, master: bytes, epoch: int) -> list[list[bytes]]:
    """Return the seven levels of one bucket, leaves first; *first* is its lowest account number."""
    leaves = [
        leaf_of(
            epoch=epoch,
            account=account,
            balance_fen=balance,
            nonce=nonce_of(account_key(master, account), epoch),
        )
        for account, balance in enumerate(balances, start=first)
    ]
    return _levels(leaves + [EMPTY_HASH] * (BUCKET_SIZE - len(leaves)), _inside)


def _levels(bottom: list[T], parent: Callable[[T, T, T, T], T]) -> list[list[T]]:
    """Return *bottom* and every level above it, up to the one node at the top."""
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


def _siblings(levels: Sequence[Sequence[T]], place: int) -> Iterator[tuple[T, ...]]:
    """Yield the three siblings on each level of the way from *place* at the bottom to the top."""
    for level, parents in pairwise(levels):
        m = len(parents)
        digit, place = divmod(place, m)
        yield tuple(level[place + k * m] for k in range(4) if k != digit)
