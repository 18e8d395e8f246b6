"""What stands in a frame of transfers.

    head      4 × u32: transfers, callers, words of reasons, refused by law
    ends      u32 a caller: where each caller's own transfers end
    results   u8 a transfer, padded to 8 bytes
    transfers 64 bytes each, see `records.TRANSFER`
    refused   u32 each: the transfers refused by law, padded to 8 bytes
    bits      for each of them the reasons, u64 words

Everything little-endian. Results stand beside the transfers although a replay
gives them again: so a reader needs no kernel, and a replay has what to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError
from jiaozi.ledger.records import TRANSFER, Transfers
from jiaozi.ledger.results import Result
from jiaozi.rulebook.machine.kernel import Bits

Part = NDArray[np.void] | NDArray[np.uint8] | NDArray[np.uint32] | NDArray[np.uint64]


MAX_BATCH = 8_190
"""Transfers in one call, the size of TigerBeetle's largest message."""

MAX_FRAME = 8 * MAX_BATCH
"""Transfers of several callers that share one frame."""

MAX_WORDS = 64
"""Words of 64 reasons each: a book with more than 4,096 reasons is none that anyone has read."""

HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Booked:
    """Transfers and their answers: *batch* (n,) TRANSFER, *results* (n,) u8, *bits* (n, words) u64."""

    batch: Transfers
    ends: NDArray[np.uint32]
    results: NDArray[np.uint8]
    bits: Bits

    def only(self, which: NDArray[np.bool_]) -> Booked:
        """Return the transfers that *which* (n,) marks, as if one caller had sent them."""
        batch = self.batch[which]
        return Booked(batch, np.array([len(batch)], dtype=np.uint32), self.results[which], self.bits[which])


def pack(booked: Booked) -> list[Part]:
    """Return the parts of a payload, ready to be written one after the other."""
    count, words = booked.bits.shape
    refused = np.flatnonzero(booked.results == Result.REFUSED_BY_LAW).astype(np.uint32)
    head = np.array([count, len(booked.ends), words, len(refused)], dtype=np.uint32)
    return [
        head,
        _padded(booked.ends),
        _padded(booked.results),
        booked.batch,
        _padded(refused),
        booked.bits[refused],
    ]


def unpack(payload: bytes | memoryview) -> Booked:
    """Return what `pack` wrote; all of it copied. Raises `JournalError` for anything else.

    Whatever the bytes are, what is returned can be given to the kernel: it trusts *ends*.
    """
    data = np.frombuffer(payload, dtype=np.uint8)
    if len(data) < HEAD_BYTES:
        raise JournalError("a frame of transfers is shorter than its head")
    count, callers, words, refused_count = (int(n) for n in data[:HEAD_BYTES].view(np.uint32))
    if not (0 < callers <= count <= MAX_FRAME and 0 < words <= MAX_WORDS and refused_count <= count):
        raise JournalError(
            f"a frame cannot hold {count} transfers of {callers} callers, "
            f"{refused_count} of them refused with {words} words of reasons"
        )
    sizes = [4 * callers, count, TRANSFER.itemsize * count, 4 * refused_count, 8 * words * refused_count]
    stops = list(accumulate((_round_up(size) for size in sizes), initial=HEAD_BYTES))
    if stops[-1] != len(data):
        raise JournalError(f"a frame of transfers says {stops[-1]} bytes and has {len(data)}")
    ends, results, batch, refused, bits = (
        data[start : start + size] for start, size in zip(stops[:-1], sizes, strict=True)
    )
    # Copies: numba would compile the kernel a second time for columns that must not be written.
    booked = Booked(
        batch.view(TRANSFER).copy(),
        ends.view(np.uint32).copy(),
        results.copy(),
        np.zeros((count, words), dtype=np.uint64),
    )
    if booked.ends[-1] != count or (np.diff(booked.ends, prepend=np.uint32(0)).astype(np.int32) <= 0).any():
        raise JournalError("the callers of a frame of transfers do not end one after the other")
    if (booked.results >= len(Result)).any():
        raise JournalError("a frame of transfers has a result that is none")
    if not np.array_equal(refused.view(np.uint32), np.flatnonzero(booked.results == Result.REFUSED_BY_LAW)):
        raise JournalError("a frame of transfers lists others as refused than its results do")
    booked.bits[refused.view(np.uint32)] = bits.view(np.uint64).reshape(refused_count, words)
    return booked


def _round_up(size: int) -> int:
    return (size + 7) // 8 * 8


def _padded(column: NDArray[np.uint8] | NDArray[np.uint32]) -> NDArray[np.uint8]:
    raw = np.frombuffer(column.tobytes(), dtype=np.uint8)
    return np.concatenate([raw, np.zeros(_round_up(len(raw)) - len(raw), dtype=np.uint8)])
