"""Ids of transfers: time-ordered (UUIDv7, RFC 9562), or derived from what they book.

An id that comes from the bank's own reference makes an import repeatable: the
same entry read twice, or read again after a crash, asks for the same transfer,
and the ledger answers that it exists.
"""

from __future__ import annotations

import hashlib

import numpy as np

from jiaozi.clock import Instant
from jiaozi.ledger.records import Transfers

_RANDOM_12 = np.uint64((1 << 12) - 1)
_RANDOM_62 = np.uint64((1 << 62) - 1)
_VERSION_7 = np.uint64(7 << 12)
_VARIANT = np.uint64(0b10 << 62)


def give_ids(batch: Transfers, instant: Instant, random: np.random.Generator) -> None:
    """Write a fresh UUIDv7 of *instant* into each transfer of *batch* (n,) TRANSFER.

    They rise with the instant; within one millisecond the order is random. *random* is
    handed in, so that a seeded run repeats to the bit.
    """
    milliseconds = np.uint64(instant // 1_000_000)
    noise = random.integers(0, 2**64, size=(2, len(batch)), dtype=np.uint64)
    batch["id_hi"] = (milliseconds << np.uint64(16)) | _VERSION_7 | (noise[0] & _RANDOM_12)
    batch["id_lo"] = _VARIANT | (noise[1] & _RANDOM_62)


def derived_id(*names: str) -> tuple[int, int]:
    """Return the halves (lo, hi) of the id that *names* always give."""
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    lo, hi = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")
    if hi >> 12 & 0xF == 7 and lo >> 62 == 0b10:
        lo ^= 1 << 63  # it would pass for a time-ordered id, of some old day, and expire at once
    return lo, hi


def id_text(lo: int, hi: int) -> str:
    """Return an id for people: 32 hexadecimal digits."""
    return f"{hi:016x}{lo:016x}"
