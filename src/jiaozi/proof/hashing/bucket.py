"""Buckets hashed side by side: keys, nonces and leaves of all places, and the six levels above them.

    even, odd   uint32 (8 * STRIDE,): digests, one level in the one and the next in the other;
                word k of the digest at place p stands at k * STRIDE + p
    head        uint32 (9,): the eight words of the master key, and the epoch
    dealt       uint64 (rows, ROW): the balances of a run of buckets in fen, a row for each; see `dealing`
    numbers     int64: the account at each position, or nothing when a position is its account
    sums        uint64 (buckets,)
    digests     uint32 (buckets, 8): eight words that are written big-endian in the end

Of `even` and `odd` 165 kB are touched for a bucket, so they stay in a core's second cache. They are two arrays
because a level that is written over the one it is read from is hashed one node at a time: the compiler cannot
see that a node comes after all its readers. An account takes 46 ns, of which key, nonce
and leaf are 33 (Zen 5, AVX-512; bench/proof.py).
"""

from __future__ import annotations

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from jiaozi.compiled import entry, folded, inner
from jiaozi.proof.hashing.lanes import END, NONE, START, Word, Words, compressed, put, take

Counts = NDArray[np.uint64]

PLACES = 4_096
"""Places in a bucket."""

STRIDE = PLACES + 16
"""Words from one word of a digest to the next: with 4,096 all eight would want the same corner of the cache."""

KEY = np.uint32(int.from_bytes(b"JZK1", "big"))
NONCE = np.uint32(int.from_bytes(b"JZN1", "big"))
LEAF = np.uint32(int.from_bytes(b"JZL1", "big"))
NODE = np.uint32(int.from_bytes(b"JZH1", "big"))

EMPTY = (
    np.uint32(0xEE59F7EA),
    np.uint32(0x51AC719B),
    np.uint32(0xA2A62F0D),
    np.uint32(0xD65D5C8F),
    np.uint32(0x825A3A8A),
    np.uint32(0x6BB26D9E),
    np.uint32(0xA8FAA680),
    np.uint32(0xE53DAF47),
)
"""H("JZE1"), the digest of a place beyond the last member."""

KEY_BITS = np.uint32(44 * 8)
NONCE_BITS = np.uint32(40 * 8)
LEAF_BITS = np.uint32(48 * 8)
NODE_BITS = np.uint32(132 * 8)


@entry
def hash_run(
    dealt: Counts,
    rows: int,
    buckets: int,
    first: int,
    positions: int,
    numbers: NDArray[np.int64],
    head: Words,
    accounts: Counts,
    even: Words,
    odd: Words,
    sums: Counts,
    digests: Words,
) -> bool:
    """Hash *rows* buckets, of which the first is bucket *first* of the *buckets* that *positions* are dealt over.

    Sums and hashes go into the same rows of *sums* and *digests*; *accounts*, uint64 (PLACES,), is scratch.
    Returns whether a balance or a sum reached 2^63.
    """
    is_too_large = False
    for row in range(rows):
        bucket = first + row
        count = (positions - bucket + buckets - 1) // buckets
        for place in range(count):
            position = bucket + place * buckets
            accounts[place] = np.uint64(numbers[position] if len(numbers) else position)
        sums[row], is_over = sum_of(dealt[row], count)
        is_too_large |= is_over
        leaves(accounts, dealt[row], count, head, even, odd)
        below, above = even, odd
        nodes = PLACES // 4
        while nodes:
            level_above(below, nodes, above)
            below, above = above, below
            nodes //= 4
        for word in range(8):
            digests[row, word] = below[word * STRIDE]
    return is_too_large


@inner
def sum_of(balances_fen: Counts, count: int) -> tuple[np.uint64, bool]:
    """Return the sum in fen of the first *count* balances, and whether one of them or a partial sum reached 2^63.

    Two numbers below 2^63 add up to less than 2^64, so the first sum that is too large shows its top bit.
    """
    total = np.uint64(0)
    seen = np.uint64(0)
    for place in range(count):
        total += balances_fen[place]
        seen |= total | balances_fen[place]
    return total, bool(seen >> np.uint64(63))


@inner
def leaves(
    accounts: Counts, balances_fen: Counts, count: int, head: Words, digests: Words, words: Words
) -> None:
    """Write the leaf of each place into *digests*; *words*, of the same size, is scratch.

    Accounts and balances become words of 32 bits first: a loop that also has numbers of 64 bits takes
    eight lanes instead of sixteen. Places are hashed to a multiple of sixteen, and those beyond *count* overwritten.
    """
    whole = (count + 15) // 16 * 16
    for place in range(whole):
        words[place], words[STRIDE + place] = _halves(accounts[place])
        words[2 * STRIDE + place], words[3 * STRIDE + place] = _halves(balances_fen[place])
    a, b, c, d, e, f, g, h, epoch = _head(head)
    for place in range(whole):
        high = words[place]
        low = words[STRIDE + place]
        fen_high = words[2 * STRIDE + place]
        fen_low = words[3 * STRIDE + place]
        k = compressed(START, KEY, a, b, c, d, e, f, g, h, high, low, END, NONE, NONE, NONE, KEY_BITS)
        n = compressed(START, NONCE, *k, epoch, END, NONE, NONE, NONE, NONE, NONCE_BITS)
        leaf = compressed(
            START, LEAF, epoch, high, low, fen_high, fen_low, *n[:6], END, NONE, NONE, LEAF_BITS
        )
        put(digests, STRIDE, place, leaf)
    for word in range(8):
        for place in range(count, PLACES):
            digests[word * STRIDE + place] = EMPTY[word]


@inner
def level_above(below: Words, nodes: int, above: Words) -> None:
    """Write *nodes* nodes; the children of node p are p, p + nodes, p + 2 nodes and p + 3 nodes of *below*."""
    for place in range(nodes):
        a = take(below, STRIDE, place)
        b = take(below, STRIDE, place + nodes)
        c = take(below, STRIDE, place + 2 * nodes)
        d = take(below, STRIDE, place + 3 * nodes)
        state = compressed(START, NODE, *a, *b[:7])
        state = compressed(state, b[7], *c, *d[:7])
        state = compressed(
            state,
            d[7],
            END,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NONE,
            NODE_BITS,
        )
        put(above, STRIDE, place, state)


@folded
def _head(head: Words) -> tuple[Word, Word, Word, Word, Word, Word, Word, Word, Word]:
    return head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]


@folded
def _halves(number: int) -> tuple[Word, Word]:
    """Return the high and the low word of a uint64."""
    return uint32(number >> np.uint64(32)), uint32(number)
