"""Balances in the order of accounts, dealt over rows of buckets as `places` says.

Position a is in bucket a mod n at place a div n. So the balances at one place of adjacent buckets stand
side by side, and a run of buckets is 4,096 short pieces of the file. They are turned around
eight places at a time: that is one line of the cache for each bucket, written whole.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner
from jiaozi.proof.hashing.lanes import Words
from jiaozi.proof.hashing.pages import BALANCE_BYTES, Pages

TILE = 8
"""Places turned around together: 64 bytes of each row."""

ROW = 4_096 + TILE
"""Balances in a row: with 4,096 the lines of all rows would want the same corner of the cache."""

PORTION_PLACES = 16
"""Places dealt before their pages are given back.

The system may map far more around the first balance that is read of each piece. With 16 places all such pages
were 42 MB at most, of 1.4 billion accounts on two threads.
"""

GATHERED = 16
"""Wholesale balances read before their pages are given back, for the same reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """Balances that are dealt over buckets of their own: the ordinary ones, or the wholesale ones.

    *numbers* are the accounts at the positions, or nothing when a position is its account; those in
    *blanked*, which stand in the order of their buckets, have 0 in their leaf. *sums* (n,) and *digests* (n, 8)
    are the results, one for each bucket.
    """

    fen: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    blanked: NDArray[np.int64]
    sums: NDArray[np.uint64]
    digests: Words
    pages: Pages

    @property
    def buckets(self) -> int:
        """The buckets that they are dealt over."""
        return len(self.sums)

    def places_of(self, first: int) -> int:
        """Return how many places of bucket *first* have a member; in a later bucket it is as many or one less."""
        return -(-(len(self.fen) - first) // self.buckets)

    def expect(self, first: int, rows: int) -> None:
        """Have the pages of a run read while something else is hashed.

        Not when its pieces are shorter than a page: then each run touches every page, and a small
        tree of 400,000 accounts took twice as long with a question for each piece.
        """
        if rows * BALANCE_BYTES < mmap.PAGESIZE:
            return
        for place in range(self.places_of(first)):
            start = place * self.buckets + first
            self.pages.expect(start, min(start + rows, len(self.fen)))

    def deal(self, first: int, rows: int, dealt: NDArray[np.uint64]) -> None:
        """Write the balances of *rows* buckets from *first* into the rows of *dealt*."""
        members = -(-self.places_of(first) // TILE) * TILE
        for place in range(0, members, PORTION_PLACES):
            place_to = min(place + PORTION_PLACES, members)
            deal(self.fen, self.buckets, first, rows, place, place_to, dealt)
            start = place * self.buckets + first
            self.pages.give_back(start, min(place_to * self.buckets, len(self.fen)))
        buckets = self.blanked % max(self.buckets, 1)
        low, high = np.searchsorted(buckets, (first, first + rows))
        blanked = self.blanked[low:high]
        dealt[buckets[low:high] - first, blanked // self.buckets] = 0


def hand_of(
    fen: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    blanked: NDArray[np.int64],
    sums: NDArray[np.uint64],
    digests: Words,
) -> Hand:
    """Return the hand whose accounts *blanked* stand in any order."""
    order = np.argsort(blanked % max(len(sums), 1), kind="stable")
    return Hand(fen, numbers, blanked[order], sums, digests, Pages(fen))


def gathered(fen: NDArray[np.uint64], numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the balances of the accounts *numbers*, which are in their order."""
    pages = Pages(fen)
    large_fen = np.zeros(len(numbers), dtype=np.uint64)
    for start in range(0, len(numbers), GATHERED):
        part = numbers[start : start + GATHERED]
        large_fen[start : start + GATHERED] = fen[part]
        pages.give_back(int(part[0]), int(part[-1]) + 1)
    large_fen.flags.writeable = False
    return large_fen


@inner
def deal(
    balances: NDArray[np.uint64],
    buckets: int,
    first: int,
    rows: int,
    place_from: int,
    place_to: int,
    dealt: NDArray[np.uint64],
) -> None:
    """Write places from *place_from* to before *place_to* (both multiples of TILE) of *rows* buckets from *first*.

    *balances* (n,) are dealt over *buckets*; *dealt* is (rows, ROW). A place beyond the last balance gets 0.
    """
    for place in range(place_from, place_to, TILE):
        at = place * buckets + first
        if at + (TILE - 1) * buckets + rows <= len(balances):
            for row in range(rows):
                for k in range(TILE):
                    dealt[row, place + k] = balances[at + k * buckets + row]
        else:
            for row in range(rows):
                for k in range(TILE):
                    position = at + k * buckets + row
                    dealt[row, place + k] = balances[position] if position < len(balances) else np.uint64(0)
