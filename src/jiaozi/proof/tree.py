"""The sum tree: every balance under one root, no neighbour's balance shown.

4,096 places make a bucket, in which a holder sees hashes only; above the buckets
every node binds the sums of its four children beside their hashes, so no node
can claim a larger or smaller sum than it has. The place of a leaf follows from
the account number (`places`). `docs/reference/proof-format.md` gives each byte.

Two executors make the same bytes: `plain` is made to be read, `hashing` to be fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import plain
from jiaozi.proof.places import BUCKET_SIZE, Places
from jiaozi.proof.plain import Balances, Digests, Level, Node, Progress, Stop

NOBODY = np.zeros(0, dtype=np.int64)
"""No wholesale accounts."""


class Executor(Protocol):
    """What makes the hashes: `plain` or `hashing.executor`."""

    def buckets_of(
        self,
        balances: Balances,
        *,
        master: bytes,
        epoch: int,
        wholesale: NDArray[np.int64],
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Level: ...

    def bucket_levels(
        self, accounts: NDArray[np.int64], balances: Balances, *, master: bytes, epoch: int
    ) -> list[Digests]: ...

    def levels_above(self, buckets: Level) -> list[Level]: ...


@dataclass(frozen=True, slots=True)
class Path:
    """What one holder gets: his leaf, and the three siblings at every level up to the root.

    Siblings stand in the order of their places, without a place for the node
    itself: that follows from the position.
    """

    account: int
    position: int
    balance_fen: Fen
    nonce: bytes
    bucket_sum_fen: Fen
    inside: tuple[tuple[bytes, ...], ...]
    above: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """The members of one bucket in the order of their places: *accounts* (n,) and *balances* (n,) in fen."""

    number: int
    accounts: NDArray[np.int64]
    balances: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The buckets and what is above them; the leaves are made again when a proof is asked for.

    `levels[0]` are the buckets, filled up with empty ones to a power of four;
    `levels[-1]` is the root alone. `wholesale` are the account numbers with a
    second leaf, in their order. `master` is secret: whoever has it and a proof
    can try out the balances of the neighbours.
    """

    epoch: int
    accounts: int
    wholesale: NDArray[np.int64] = field(repr=False)
    levels: tuple[Level, ...] = field(repr=False)
    master: bytes = field(repr=False)
    executor: Executor = field(repr=False)

    @property
    def places(self) -> Places:
        """Where each account's leaf stands."""
        return Places(self.accounts, len(self.wholesale))

    @property
    def depth(self) -> int:
        """Levels above the buckets: 0 as long as one bucket is enough."""
        return len(self.levels) - 1

    @property
    def root(self) -> bytes:
        """The hash that stands for every balance."""
        return bytes(self.levels[-1].hashes[0])

    @property
    def total_fen(self) -> Fen:
        """The sum of all balances."""
        return Fen(int(self.levels[-1].sums[0]))

    def position(self, account: int) -> int:
        """Return where the balance of *account* stands. Raises `ProofError` beyond the last account."""
        if not 0 <= account < self.accounts:
            raise ProofError(f"account {account} is not one of the {self.accounts:,} accounts of the tree")
        rank = int(np.searchsorted(self.wholesale, account))
        if rank < len(self.wholesale) and self.wholesale[rank] == account:
            return self.accounts + rank
        return account

    def bucket(self, balances: Balances, number: int) -> Bucket:
        """Return bucket *number* of the tree over *balances*. Raises `ProofError` if they are not its own."""
        return self._hashed(balances, number)[0]

    def leaves(self, balances: Balances, number: int) -> Digests:
        """Return the 4,096 leaf hashes of bucket *number*, (4096, 32). Raises `ProofError` likewise."""
        return self._hashed(balances, number)[1][0]

    def prove(self, balances: Balances, account: int) -> Path:
        """Return the path of *account*; *balances* are those of the tree, all of them.

        Raises `ProofError` if its bucket is not the one from which the tree was built.
        """
        position = self.position(account)
        number, place = self.places.seat(position)
        bucket, inner = self._hashed(balances, number)
        return Path(
            account=account,
            position=position,
            balance_fen=Fen(int(bucket.balances[place])),
            nonce=plain.nonce_of(plain.account_key(self.master, account), self.epoch),
            bucket_sum_fen=Fen(int(self.levels[0].sums[number])),
            inside=tuple(
                tuple(level[i].tobytes() for i in row)
                for level, row in zip(inner, sibling_rows(BUCKET_SIZE, place), strict=False)
            ),
            above=self.above(number),
        )

    def above(self, bucket: int) -> tuple[tuple[Node, ...], ...]:
        """Return the siblings on the way from *bucket* to the root, a row of three for each level."""
        rows = sibling_rows(4**self.depth, bucket)
        return tuple(
            tuple(Node(int(level.sums[i]), level.hashes[i].tobytes()) for i in row)
            for level, row in zip(self.levels, rows, strict=False)
        )

    def _hashed(self, balances: Balances, number: int) -> tuple[Bucket, list[Digests]]:
        bucket = _bucket(balances, self.places, self.wholesale, number)
        inner = self.executor.bucket_levels(
            bucket.accounts, bucket.balances, master=self.master, epoch=self.epoch
        )
        buckets = self.levels[0]
        same_sum = int(bucket.balances.sum()) == int(buckets.sums[number])
        if not same_sum or inner[-1][0].tobytes() != buckets.hashes[number].tobytes():
            raise ProofError(f"these are not the balances from which bucket {number} of the tree was built")
        return bucket, inner


def build(
    balances: Balances,
    *,
    master: bytes,
    epoch: int,
    wholesale: NDArray[np.int64] = NOBODY,
    executor: Executor | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Tree:
    """Return the tree over *balances* in fen, whose index is the account number.

    An account whose balance the issuer does not owe (reserve, fees, coins not
    issued) has a zero here. *master* is the secret of 32 bytes from which the
    account keys come, *epoch* the number of the cut, below 2^32, *wholesale* the
    numbers of the accounts with a second leaf, in their order. *executor* is the
    fast one when none is named. Raises `ProofError` for a negative balance, for a
    sum of 2^63 fen or more, and when *stop* asks to.
    """
    if len(master) != 32:
        raise ProofError(f"the master key has 32 bytes, not {len(master)}")
    if not 0 <= epoch < 2**32:
        raise ProofError(f"epoch {epoch} is not a number from 0 to 2^32 - 1")
    if balances.ndim != 1 or balances.dtype not in (np.dtype(np.int64), np.dtype(np.uint64)):
        raise ProofError("balances are one row of whole fen, int64 or uint64")
    numbers = np.ascontiguousarray(wholesale, dtype=np.int64)
    is_ordered = bool((np.diff(numbers) > 0).all())
    if len(numbers) and not (is_ordered and numbers[0] >= 0 and numbers[-1] < len(balances)):
        raise ProofError("wholesale accounts are account numbers in their order, each once")
    executor = executor or fast()
    buckets = executor.buckets_of(
        balances, master=master, epoch=epoch, wholesale=numbers, progress=progress, stop=stop
    )
    return of_buckets(
        buckets, len(balances), master=master, epoch=epoch, wholesale=numbers, executor=executor
    )


def of_buckets(
    buckets: Level,
    accounts: int,
    *,
    master: bytes,
    epoch: int,
    wholesale: NDArray[np.int64] = NOBODY,
    executor: Executor | None = None,
) -> Tree:
    """Return the tree above *buckets* that were made before. Raises `ProofError` if their number is another's."""
    places = Places(accounts, len(wholesale))
    if len(buckets.sums) != places.buckets:
        raise ProofError(f"{accounts:,} accounts have {places.buckets} buckets, not {len(buckets.sums)}")
    executor = executor or fast()
    levels = tuple(executor.levels_above(buckets))
    return Tree(epoch, accounts, wholesale, levels, master, executor)


def fast() -> Executor:
    """Return the fast executor, which compiles when it is asked for the first time."""
    from jiaozi.proof.hashing import executor

    return executor


def sibling_rows(width: int, place: int) -> Iterator[tuple[int, ...]]:
    """Yield the places of the three siblings on each level, from a bottom of *width* (a power of four) up."""
    while width > 1:
        width //= 4
        digit, place = divmod(place, width)
        yield tuple(place + k * width for k in range(4) if k != digit)


def _bucket(balances: Balances, places: Places, wholesale: NDArray[np.int64], number: int) -> Bucket:
    members = places.members(number)
    if len(balances) != places.accounts:
        raise ProofError(f"there are {len(balances):,} balances and {places.accounts:,} accounts")
    if number >= places.ordinary_buckets:
        accounts = wholesale[members.start - places.accounts :: members.step]
        return Bucket(number, accounts, np.asarray(balances[accounts], dtype=np.uint64))
    accounts = np.arange(members.start, members.stop, members.step, dtype=np.int64)
    fen = np.array(balances[members.start :: members.step], dtype=np.uint64)
    fen[np.isin(accounts, wholesale, assume_unique=True)] = 0
    return Bucket(number, accounts, fen)
