"""Nodes above the buckets: each binds the sums of its four children beside their hashes.

There is one of them for 12,000 accounts, so they are hashed one at a time, from plain rows:
sums uint64 (n,), digests uint32 (n, 8).
"""

from __future__ import annotations

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from jiaozi.compiled import folded, inner
from jiaozi.proof.hashing.lanes import END, NONE, START, Digest, Word, Words, compressed

Sums = NDArray[np.uint64]

NODE = np.uint32(int.from_bytes(b"JZS1", "big"))
NODE_BITS = np.uint32(164 * 8)


@inner
def level_above(sums: Sums, digests: Words, sums_above: Sums, digests_above: Words) -> bool:
    """Write a level of a quarter as many nodes; return whether a sum reached 2^63.

    With m nodes above, the children of node p are p, p + m, p + 2m and p + 3m.
    """
    nodes = len(sums_above)
    seen = np.uint64(0)
    for place in range(nodes):
        children = (place, place + nodes, place + 2 * nodes, place + 3 * nodes)
        total = np.uint64(0)
        for child in children:
            total += sums[child]
            seen |= total | sums[child]
        sums_above[place] = total
        p, q, r, s = children
        a, b, c, d = _digest(digests, p), _digest(digests, q), _digest(digests, r), _digest(digests, s)
        first, second, third, fourth = _halves(sums[p]), _halves(sums[q]), _halves(sums[r]), _halves(sums[s])
        state = compressed(START, NODE, *first, *second, *third, *fourth, *a[:7])
        state = compressed(state, a[7], *b, *c[:7])
        state = compressed(state, c[7], *d, END, NONE, NONE, NONE, NONE, NONE, NODE_BITS)
        for word in range(8):
            digests_above[place, word] = state[word]
    return bool(seen >> np.uint64(63))


@folded
def _digest(digests: Words, row: int) -> Digest:
    return (
        digests[row, 0],
        digests[row, 1],
        digests[row, 2],
        digests[row, 3],
        digests[row, 4],
        digests[row, 5],
        digests[row, 6],
        digests[row, 7],
    )


@folded
def _halves(number: int) -> tuple[Word, Word]:
    """Return the high and the low word of a uint64."""
    return uint32(number >> np.uint64(32)), uint32(number)
