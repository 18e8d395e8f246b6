"""Rows: all balances, read in order and more than once, in memory that does not grow with them.

With B buckets, account a is in bucket a mod B. So B accounts that follow each other
are a row with one account of each bucket, and the sums of all buckets are the sum of
the rows: whole rows are added, nothing is gathered. With 1.4 billion accounts a
row has 341,797 numbers and there are 4,096 of them.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof.plain import SUM_LIMIT, Balances, Progress, Stop

Fens = NDArray[np.int64]

AT_ONCE = 2**18
"""Balances in one part: 2 MB, which stay in the cache while they are looked at."""

DROPPED_AFTER = 2**22
"""Balances after which the pages read so far are given back: 32 MB."""


class Rows:
    """The *balances* (n,), in rows of *width* = number of buckets; nothing is copied."""

    def __init__(
        self, balances: Balances, width: int, progress: Progress | None = None, stop: Stop | None = None
    ) -> None:
        self.width = width
        # Both kinds of numbers are the same bytes below 2^63, and above it nothing is taken.
        self._fen: Fens = balances.view(np.int64)
        self._progress = progress
        self._stop = stop

    def parts(self) -> Iterator[tuple[int, Fens]]:
        """Yield the first account of a part and the part as rows, (k, width); the last may be (1, less)."""
        step = max(1, AT_ONCE // self.width) * self.width
        whole = len(self._fen) // self.width * self.width
        kept = 0
        for first in [*range(0, whole, step), *([whole] if whole < len(self._fen) else [])]:
            if self._stop is not None and self._stop():
                raise ProofError("looking for wholesale accounts was stopped")
            until = min(first + step, whole) if first < whole else len(self._fen)
            part = self._fen[first:until]
            yield first, part.reshape(-1, min(self.width, until - first))
            kept += until - first
            if kept >= DROPPED_AFTER:
                drop_pages(self._fen)
                kept = 0
            if self._progress is not None:
                self._progress(until - first)
        drop_pages(self._fen)

    def sums_and_largest(self) -> tuple[Fens, Fens]:
        """Return what each bucket has and its largest balance, both (width,).

        Raises `ProofError` for a negative balance and for a total of 2^63 fen or more.
        """
        sums = np.zeros(self.width, dtype=np.int64)
        largest = np.zeros(self.width, dtype=np.uint64)
        for _, part in self.parts():
            among = slice(0, part.shape[1])
            sums[among] += part[0] if len(part) == 1 else part.sum(axis=0)
            # A negative number is a very large one without its sign, so one look finds both.
            unsigned = part.view(np.uint64)
            row = unsigned[0] if len(part) == 1 else unsigned.max(axis=0)
            np.maximum(largest[among], row, out=largest[among])
        if (largest >= SUM_LIMIT).any():
            self._refuse_negative()
        self._refuse_too_much(sums, largest)
        return sums, largest.view(np.int64)

    def above(self, floors: Fens) -> tuple[Fens, Fens]:
        """Return number and balance of all accounts with more than their bucket's floor, *floors* (width,)."""
        accounts, balances = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for first, part in self.parts():
            found = np.flatnonzero(part > floors[: part.shape[1]])
            if len(found):
                accounts.append(found + first)
                balances.append(part.reshape(-1)[found])
        return np.concatenate(accounts), np.concatenate(balances)

    def above_in(self, buckets: Fens, floors: Fens) -> tuple[Fens, Fens]:
        """Return the same for a few *buckets* without reading the others."""
        accounts, balances = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for bucket in buckets.tolist():
            fen = np.concatenate(
                [self._column(bucket, start) for start in range(0, len(self._fen), self.width * 256)]
            )
            found = np.flatnonzero(fen > floors[bucket])
            accounts.append(found * self.width + bucket)
            balances.append(fen[found])
        return np.concatenate(accounts), np.concatenate(balances)

    def largest(self, count: int) -> tuple[Fens, Fens]:
        """Return number and balance of the *count* largest accounts, largest first, equals by number."""
        accounts = balances = np.zeros(0, dtype=np.int64)
        floor = -1
        for first, part in self.parts():
            found = np.flatnonzero(part.reshape(-1) > floor)
            accounts = np.concatenate([accounts, found + first])
            balances = np.concatenate([balances, part.reshape(-1)[found]])
            if len(accounts) >= 2 * count:
                accounts, balances = _largest(accounts, balances, count)
                # Who comes later with the same balance has the higher number and is behind.
                floor = int(balances.min())
        accounts, balances = _largest(accounts, balances, count)
        order = np.lexsort((accounts, -balances))
        return accounts[order], balances[order]

    def _column(self, bucket: int, start: int) -> Fens:
        # The kernel maps the neighbours of a page that is read; so pages are given back every 256 rows.
        column = np.array(self._fen[start + bucket : start + self.width * 256 : self.width])
        drop_pages(self._fen)
        return column

    def _refuse_negative(self) -> None:
        for first, part in self.parts():
            below = np.flatnonzero(part < 0)
            if len(below):
                raise ProofError(
                    f"the balance at index {first + int(below[0])} is negative; "
                    "a holder cannot owe the issuer coins"
                )

    def _refuse_too_much(self, sums: Fens, largest: NDArray[np.uint64]) -> None:
        if _sum(largest) >= SUM_LIMIT:
            raise ProofError("the balances add up to 2^63 fen or more")
        # With at most 2^50 each, 4,096 places cannot reach 2^63; other buckets are added without a limit.
        large = largest > 2**50
        total = _sum(sums[~large])
        total += sum(_sum(self._fen[bucket :: self.width]) for bucket in np.flatnonzero(large).tolist())
        if total >= SUM_LIMIT:
            raise ProofError("the balances add up to 2^63 fen or more")


def _sum(numbers: NDArray[np.int64] | NDArray[np.uint64]) -> int:
    """Return the exact sum of numbers below 2^64, of which there are fewer than 2^32."""
    unsigned = numbers.view(np.uint64)
    return (int((unsigned >> np.uint64(32)).sum()) << 32) + int((unsigned & np.uint64(2**32 - 1)).sum())


def _largest(accounts: Fens, balances: Fens, count: int) -> tuple[Fens, Fens]:
    """Return the *count* largest in the order of their numbers; of equals, the lower numbers."""
    if len(accounts) <= count:
        return accounts, balances
    edge = np.partition(balances, len(balances) - count)[len(balances) - count]
    keep = balances > edge
    at_the_edge = np.flatnonzero(balances == edge)[: count - int(keep.sum())]
    keep[at_the_edge] = True
    return accounts[keep], balances[keep]


def drop_pages(balances: NDArray[np.generic]) -> None:
    """Give back the memory of pages of a mapped file that were read; they come again when asked for.

    Without it a process that has read 11 GB seems to need 11 GB. Arrays that are no
    mapped file, and mappings whose changes are private, are left alone.
    """
    above: object = balances
    while isinstance(above, np.ndarray):
        if isinstance(above, np.memmap) and above.mode == "c":
            return
        above = above.base
    if isinstance(above, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        above.madvise(mmap.MADV_DONTNEED)
