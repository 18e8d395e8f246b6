"""Places: where in the tree the leaf of an account stands.

Accounts are dealt over the buckets like cards: account a of n buckets is in
bucket a mod n, at place a div n. All buckets then have within one the same
number of accounts, and more than 2,047 as soon as there are two; had they been
cut off in order, the last one could hold a single account, and its published
sum would be that account's balance. Accounts opened on one day, often those of
one firm, are spread as well.

A wholesale account, one that would stand out of its bucket, has its balance
in a second leaf. These leaves are dealt over buckets of their own, which stand
behind the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from jiaozi.errors import ProofError

BUCKET_SIZE = 4_096
"""Places in a bucket: four to the sixth."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a tree over *accounts* accounts, *wholesale* of which have a second leaf.

    A *position* numbers the leaves: the account number, or *accounts* and the rank of a
    wholesale account among all of them, in the order of their numbers.
    """

    accounts: int
    wholesale: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.wholesale <= self.accounts < 2**63:
            raise ProofError(f"{self.wholesale} wholesale accounts of {self.accounts} cannot be")

    @property
    def ordinary_buckets(self) -> int:
        """Buckets that every account has a leaf in."""
        return -(-self.accounts // BUCKET_SIZE)

    @property
    def wholesale_buckets(self) -> int:
        """Buckets of second leaves, which stand behind the ordinary ones."""
        return -(-self.wholesale // BUCKET_SIZE)

    @property
    def buckets(self) -> int:
        """Buckets of both kinds."""
        return self.ordinary_buckets + self.wholesale_buckets

    @property
    def depth(self) -> int:
        """Levels above the buckets: the smallest d with room for all of them in 4^d."""
        depth = 0
        while 4**depth < self.buckets:
            depth += 1
        return depth

    def is_wholesale(self, position: int) -> bool:
        """Return whether *position* is that of a second leaf."""
        return position >= self.accounts

    def seat(self, position: int) -> tuple[int, int]:
        """Return the bucket of *position* and the place in it. Raises `ProofError` beyond the last."""
        if not 0 <= position < self.accounts + self.wholesale:
            raise ProofError(f"position {position} is not one of the tree's")
        if position < self.accounts:
            place, bucket = divmod(position, self.ordinary_buckets)
            return bucket, place
        place, bucket = divmod(position - self.accounts, self.wholesale_buckets)
        return self.ordinary_buckets + bucket, place

    def members(self, bucket: int) -> range:
        """Return the positions in *bucket*, in the order of their places. Raises `ProofError`."""
        if not 0 <= bucket < self.buckets:
            raise ProofError(f"bucket {bucket} is not one of the {self.buckets:,} buckets of the tree")
        if bucket < self.ordinary_buckets:
            return range(bucket, self.accounts, self.ordinary_buckets)
        first = self.accounts + bucket - self.ordinary_buckets
        return range(first, self.accounts + self.wholesale, self.wholesale_buckets)
