"""SHA-256 of many messages side by side: one straight line of code in a loop over lanes.

`compressed` is the compression of FIPS 180-4 with its 64 rounds written out; all its words are local variables.
Put into a loop over lanes it becomes vector instructions by itself, sixteen messages at a time with AVX-512: some
78 million compressions a second on one core, against 7 million one at a time. (bench/proof.py prints
today's figure.) Three things decide whether it does:

- Arrays are flat, word after word and the lanes of a word side by side, with a distance between words that is known
  when the code is compiled. Over arrays of two dimensions the compiler cannot see that what is written is
  never read, and hashes one message at a time.
- Every result is cast to `uint32`. numba makes a 64-bit number of the sum of two `uint32`; the digest is then wrong.
- Words that are the same for all lanes are scalars or constants: what follows from them alone, the first nine
  rounds of an account key among it, is then done once and not in each lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from jiaozi.compiled import entry, folded, load

Word: TypeAlias = np.uint32
Digest: TypeAlias = tuple[Word, Word, Word, Word, Word, Word, Word, Word]
Words = NDArray[np.uint32]

LANES = 32
"""Messages in one call of `compress`."""

START = (
    np.uint32(0x6A09E667),
    np.uint32(0xBB67AE85),
    np.uint32(0x3C6EF372),
    np.uint32(0xA54FF53A),
    np.uint32(0x510E527F),
    np.uint32(0x9B05688C),
    np.uint32(0x1F83D9AB),
    np.uint32(0x5BE0CD19),
)
"""The state before the first block."""

END = np.uint32(0x80000000)
"""The word after a message of whole words."""

NONE = np.uint32(0)
"""A word between the end of the message and its length."""

_load: Callable[[Words, int], Word] = cast(Any, load)


@entry
def compress(state: Words, words: Words) -> None:
    """Take one block into each of LANES states, in place.

    *state* is uint32 (8 * LANES), word k of lane i at k * LANES + i; *words* is uint32 (16 * LANES) in
    the same order: the block's sixteen big-endian words.
    """
    for i in range(LANES):
        before = (
            state[i],
            state[LANES + i],
            state[2 * LANES + i],
            state[3 * LANES + i],
            state[4 * LANES + i],
            state[5 * LANES + i],
            state[6 * LANES + i],
            state[7 * LANES + i],
        )
        after = compressed(
            before,
            words[i],
            words[LANES + i],
            words[2 * LANES + i],
            words[3 * LANES + i],
            words[4 * LANES + i],
            words[5 * LANES + i],
            words[6 * LANES + i],
            words[7 * LANES + i],
            words[8 * LANES + i],
            words[9 * LANES + i],
            words[10 * LANES + i],
            words[11 * LANES + i],
            words[12 * LANES + i],
            words[13 * LANES + i],
            words[14 * LANES + i],
            words[15 * LANES + i],
        )
        put(state, LANES, i, after)


@folded
def put(digests: Words, stride: int, lane: int, digest: Digest) -> None:
    """Write *digest* into column *lane* of flat *digests*, whose words are *stride* apart."""
    digests[lane] = digest[0]
    digests[stride + lane] = digest[1]
    digests[2 * stride + lane] = digest[2]
    digests[3 * stride + lane] = digest[3]
    digests[4 * stride + lane] = digest[4]
    digests[5 * stride + lane] = digest[5]
    digests[6 * stride + lane] = digest[6]
    digests[7 * stride + lane] = digest[7]


@folded
def take(digests: Words, stride: int, lane: int) -> Digest:
    """Return the digest in column *lane* of flat *digests*, whose words are *stride* apart."""
    return (
        _load(digests, lane),
        _load(digests, stride + lane),
        _load(digests, 2 * stride + lane),
        _load(digests, 3 * stride + lane),
        _load(digests, 4 * stride + lane),
        _load(digests, 5 * stride + lane),
        _load(digests, 6 * stride + lane),
        _load(digests, 7 * stride + lane),
    )


@folded
def compressed(
    state: Digest,
    w0: Word,
    w1: Word,
    w2: Word,
    w3: Word,
    w4: Word,
    w5: Word,
    w6: Word,
    w7: Word,
    w8: Word,
    w9: Word,
    w10: Word,
    w11: Word,
    w12: Word,
    w13: Word,
    w14: Word,
    w15: Word,
) -> Digest:
    """Return *state* after the block of these sixteen words."""
    a, b, c, d, e, f, g, h = state

    d, h = _step(a, b, c, d, e, f, g, h, w0, uint32(0x428A2F98))
    c, g = _step(h, a, b, c, d, e, f, g, w1, uint32(0x71374491))
    b, f = _step(g, h, a, b, c, d, e, f, w2, uint32(0xB5C0FBCF))
    a, e = _step(f, g, h, a, b, c, d, e, w3, uint32(0xE9B5DBA5))
    h, d = _step(e, f, g, h, a, b, c, d, w4, uint32(0x3956C25B))
    g, c = _step(d, e, f, g, h, a, b, c, w5, uint32(0x59F111F1))
    f, b = _step(c, d, e, f, g, h, a, b, w6, uint32(0x923F82A4))
    e, a = _step(b, c, d, e, f, g, h, a, w7, uint32(0xAB1C5ED5))
    d, h = _step(a, b, c, d, e, f, g, h, w8, uint32(0xD807AA98))
    c, g = _step(h, a, b, c, d, e, f, g, w9, uint32(0x12835B01))
    b, f = _step(g, h, a, b, c, d, e, f, w10, uint32(0x243185BE))
    a, e = _step(f, g, h, a, b, c, d, e, w11, uint32(0x550C7DC3))
    h, d = _step(e, f, g, h, a, b, c, d, w12, uint32(0x72BE5D74))
    g, c = _step(d, e, f, g, h, a, b, c, w13, uint32(0x80DEB1FE))
    f, b = _step(c, d, e, f, g, h, a, b, w14, uint32(0x9BDC06A7))
    e, a = _step(b, c, d, e, f, g, h, a, w15, uint32(0xC19BF174))

    w0 = _next_word(w0, w1, w9, w14)
    d, h = _step(a, b, c, d, e, f, g, h, w0, uint32(0xE49B69C1))
    w1 = _next_word(w1, w2, w10, w15)
    c, g = _step(h, a, b, c, d, e, f, g, w1, uint32(0xEFBE4786))
    w2 = _next_word(w2, w3, w11, w0)
    b, f = _step(g, h, a, b, c, d, e, f, w2, uint32(0x0FC19DC6))
    w3 = _next_word(w3, w4, w12, w1)
    a, e = _step(f, g, h, a, b, c, d, e, w3, uint32(0x240CA1CC))
    w4 = _next_word(w4, w5, w13, w2)
    h, d = _step(e, f, g, h, a, b, c, d, w4, uint32(0x2DE92C6F))
    w5 = _next_word(w5, w6, w14, w3)
    g, c = _step(d, e, f, g, h, a, b, c, w5, uint32(0x4A7484AA))
    w6 = _next_word(w6, w7, w15, w4)
    f, b = _step(c, d, e, f, g, h, a, b, w6, uint32(0x5CB0A9DC))
    w7 = _next_word(w7, w8, w0, w5)
    e, a = _step(b, c, d, e, f, g, h, a, w7, uint32(0x76F988DA))
    w8 = _next_word(w8, w9, w1, w6)
    d, h = _step(a, b, c, d, e, f, g, h, w8, uint32(0x983E5152))
    w9 = _next_word(w9, w10, w2, w7)
    c, g = _step(h, a, b, c, d, e, f, g, w9, uint32(0xA831C66D))
    w10 = _next_word(w10, w11, w3, w8)
    b, f = _step(g, h, a, b, c, d, e, f, w10, uint32(0xB00327C8))
    w11 = _next_word(w11, w12, w4, w9)
    a, e = _step(f, g, h, a, b, c, d, e, w11, uint32(0xBF597FC7))
    w12 = _next_word(w12, w13, w5, w10)
    h, d = _step(e, f, g, h, a, b, c, d, w12, uint32(0xC6E00BF3))
    w13 = _next_word(w13, w14, w6, w11)
    g, c = _step(d, e, f, g, h, a, b, c, w13, uint32(0xD5A79147))
    w14 = _next_word(w14, w15, w7, w12)
    f, b = _step(c, d, e, f, g, h, a, b, w14, uint32(0x06CA6351))
    w15 = _next_word(w15, w0, w8, w13)
    e, a = _step(b, c, d, e, f, g, h, a, w15, uint32(0x14292967))

    w0 = _next_word(w0, w1, w9, w14)
    d, h = _step(a, b, c, d, e, f, g, h, w0, uint32(0x27B70A85))
    w1 = _next_word(w1, w2, w10, w15)
    c, g = _step(h, a, b, c, d, e, f, g, w1, uint32(0x2E1B2138))
    w2 = _next_word(w2, w3, w11, w0)
    b, f = _step(g, h, a, b, c, d, e, f, w2, uint32(0x4D2C6DFC))
    w3 = _next_word(w3, w4, w12, w1)
    a, e = _step(f, g, h, a, b, c, d, e, w3, uint32(0x53380D13))
    w4 = _next_word(w4, w5, w13, w2)
    h, d = _step(e, f, g, h, a, b, c, d, w4, uint32(0x650A7354))
    w5 = _next_word(w5, w6, w14, w3)
    g, c = _step(d, e, f, g, h, a, b, c, w5, uint32(0x766A0ABB))
    w6 = _next_word(w6, w7, w15, w4)
    f, b = _step(c, d, e, f, g, h, a, b, w6, uint32(0x81C2C92E))
    w7 = _next_word(w7, w8, w0, w5)
    e, a = _step(b, c, d, e, f, g, h, a, w7, uint32(0x92722C85))
    w8 = _next_word(w8, w9, w1, w6)
    d, h = _step(a, b, c, d, e, f, g, h, w8, uint32(0xA2BFE8A1))
    w9 = _next_word(w9, w10, w2, w7)
    c, g = _step(h, a, b, c, d, e, f, g, w9, uint32(0xA81A664B))
    w10 = _next_word(w10, w11, w3, w8)
    b, f = _step(g, h, a, b, c, d, e, f, w10, uint32(0xC24B8B70))
    w11 = _next_word(w11, w12, w4, w9)
    a, e = _step(f, g, h, a, b, c, d, e, w11, uint32(0xC76C51A3))
    w12 = _next_word(w12, w13, w5, w10)
    h, d = _step(e, f, g, h, a, b, c, d, w12, uint32(0xD192E819))
    w13 = _next_word(w13, w14, w6, w11)
    g, c = _step(d, e, f, g, h, a, b, c, w13, uint32(0xD6990624))
    w14 = _next_word(w14, w15, w7, w12)
    f, b = _step(c, d, e, f, g, h, a, b, w14, uint32(0xF40E3585))
    w15 = _next_word(w15, w0, w8, w13)
    e, a = _step(b, c, d, e, f, g, h, a, w15, uint32(0x106AA070))

    w0 = _next_word(w0, w1, w9, w14)
    d, h = _step(a, b, c, d, e, f, g, h, w0, uint32(0x19A4C116))
    w1 = _next_word(w1, w2, w10, w15)
    c, g = _step(h, a, b, c, d, e, f, g, w1, uint32(0x1E376C08))
    w2 = _next_word(w2, w3, w11, w0)
    b, f = _step(g, h, a, b, c, d, e, f, w2, uint32(0x2748774C))
    w3 = _next_word(w3, w4, w12, w1)
    a, e = _step(f, g, h, a, b, c, d, e, w3, uint32(0x34B0BCB5))
    w4 = _next_word(w4, w5, w13, w2)
    h, d = _step(e, f, g, h, a, b, c, d, w4, uint32(0x391C0CB3))
    w5 = _next_word(w5, w6, w14, w3)
    g, c = _step(d, e, f, g, h, a, b, c, w5, uint32(0x4ED8AA4A))
    w6 = _next_word(w6, w7, w15, w4)
    f, b = _step(c, d, e, f, g, h, a, b, w6, uint32(0x5B9CCA4F))
    w7 = _next_word(w7, w8, w0, w5)
    e, a = _step(b, c, d, e, f, g, h, a, w7, uint32(0x682E6FF3))
    w8 = _next_word(w8, w9, w1, w6)
    d, h = _step(a, b, c, d, e, f, g, h, w8, uint32(0x748F82EE))
    w9 = _next_word(w9, w10, w2, w7)
    c, g = _step(h, a, b, c, d, e, f, g, w9, uint32(0x78A5636F))
    w10 = _next_word(w10, w11, w3, w8)
    b, f = _step(g, h, a, b, c, d, e, f, w10, uint32(0x84C87814))
    w11 = _next_word(w11, w12, w4, w9)
    a, e = _step(f, g, h, a, b, c, d, e, w11, uint32(0x8CC70208))
    w12 = _next_word(w12, w13, w5, w10)
    h, d = _step(e, f, g, h, a, b, c, d, w12, uint32(0x90BEFFFA))
    w13 = _next_word(w13, w14, w6, w11)
    g, c = _step(d, e, f, g, h, a, b, c, w13, uint32(0xA4506CEB))
    w14 = _next_word(w14, w15, w7, w12)
    f, b = _step(c, d, e, f, g, h, a, b, w14, uint32(0xBEF9A3F7))
    w15 = _next_word(w15, w0, w8, w13)
    e, a = _step(b, c, d, e, f, g, h, a, w15, uint32(0xC67178F2))

    return (
        uint32(state[0] + a),
        uint32(state[1] + b),
        uint32(state[2] + c),
        uint32(state[3] + d),
        uint32(state[4] + e),
        uint32(state[5] + f),
        uint32(state[6] + g),
        uint32(state[7] + h),
    )


@folded
def _step(
    a: Word, b: Word, c: Word, d: Word, e: Word, f: Word, g: Word, h: Word, word: Word, constant: Word
) -> tuple[Word, Word]:
    """Return *d* and *h* after one round; the other six only change their names.

    *constant* is given as `uint32`: of plain numbers numba would make 64 functions.
    """
    choice = uint32(g ^ uint32(e & uint32(f ^ g)))
    majority = uint32(uint32(a & b) | uint32(c & uint32(a | b)))
    high = uint32(uint32(_turned(e, 6) ^ _turned(e, 11)) ^ _turned(e, 25))
    low = uint32(uint32(_turned(a, 2) ^ _turned(a, 13)) ^ _turned(a, 22))
    added = uint32(uint32(uint32(h + high) + choice) + uint32(constant + word))
    return uint32(d + added), uint32(added + uint32(low + majority))


@folded
def _next_word(w: Word, w_1: Word, w_9: Word, w_14: Word) -> Word:
    """Return the word of the schedule sixteen after *w*, from those 1, 9 and 14 after it."""
    low = uint32(uint32(_turned(w_1, 7) ^ _turned(w_1, 18)) ^ uint32(w_1 >> uint32(3)))
    high = uint32(uint32(_turned(w_14, 17) ^ _turned(w_14, 19)) ^ uint32(w_14 >> uint32(10)))
    return uint32(uint32(w + low) + uint32(w_9 + high))


@folded
def _turned(word: Word, bits: int) -> Word:
    """Return *word* rotated to the right."""
    return uint32(uint32(word >> uint32(bits)) | uint32(word << uint32(32 - bits)))
