"""Counts for those who watch: by minute, by result, by reason. A fold of the journal like all else."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.records import PAY, TransferFlag
from jiaozi.ledger.results import Result

MINUTES_KEPT = 2 * 24 * 60
"""Minutes with payments that are remembered: memory does not grow with history."""


_NOT_PAID = np.uint16(TransferFlag.PENDING | TransferFlag.VOID_PENDING_TRANSFER)

_RESULTS = tuple(Result)
"""Results by their number; asking the enum for each costs more than counting."""


@dataclass(slots=True)
class Minute:
    """What happened in one minute. `start` is in seconds since 1970."""

    start: int
    accepted: int = 0
    refused: int = 0
    paid_fen: int = 0


@dataclass
class Activity:
    """Counts since the journal began; minutes of the last two days."""

    minutes: deque[Minute] = field(default_factory=lambda: deque(maxlen=MINUTES_KEPT))
    results: Counter[Result] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    payments: int = 0
    refused: int = 0
    paid_fen: int = 0

    def add(self, booked: Booked, reasons: tuple[str, ...], instant: Instant) -> None:
        """Count one frame; *reasons* are the names of the bits of the law asked then."""
        moved = booked.as_booked()
        # Money that is reserved was not paid yet, and reserved money that is free again never was.
        is_not_paid = (booked.batch["flags"] & _NOT_PAID) != 0
        pays = moved["action"] == PAY
        is_created = booked.results == Result.CREATED
        accepted = pays & is_created & ~is_not_paid
        known = booked.results == Result.EXISTS
        paid = _sum(moved["amount"][accepted])
        for code, count in enumerate(np.bincount(booked.results).tolist()):
            if count:
                self.results[_RESULTS[code]] += count
        for bit, count in enumerate(first_bits(booked)):
            if count:
                self.reasons[reasons[bit]] += count
        booked_now, refused_now = int(accepted.sum()), int((pays & ~is_created & ~known).sum())
        minute = self._minute(instant)
        minute.accepted += booked_now
        minute.refused += refused_now
        minute.paid_fen += paid
        self.payments += booked_now
        self.refused += refused_now
        self.paid_fen += paid

    def join(self, other: Activity) -> None:
        """Add the counts of *other*."""
        self.results.update(other.results)
        self.reasons.update(other.reasons)
        self.payments += other.payments
        self.refused += other.refused
        self.paid_fen += other.paid_fen
        minutes = {minute.start: replace(minute) for minute in self.minutes}
        for minute in other.minutes:
            mine = minutes.setdefault(minute.start, Minute(minute.start))
            mine.accepted += minute.accepted
            mine.refused += minute.refused
            mine.paid_fen += minute.paid_fen
        self.minutes = deque((minutes[start] for start in sorted(minutes)), maxlen=MINUTES_KEPT)

    def _minute(self, instant: Instant) -> Minute:
        start = instant // (60 * NS_PER_SECOND) * 60
        if not self.minutes or self.minutes[-1].start != start:
            self.minutes.append(Minute(start))
        return self.minutes[-1]


def _sum(amounts: NDArray[np.int64]) -> int:
    """Return the sum in whole numbers: a hundred of the largest amounts would wrap 64 bits."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFF_FFFF).sum())


def first_bits(booked: Booked) -> list[int]:
    """Return how many refused transfers have each bit as their first, most basic reason."""
    refused = booked.bits[np.flatnonzero(booked.results == Result.REFUSED_BY_LAW)]
    if not len(refused):
        return []
    counts = [0] * (64 * booked.bits.shape[1])
    left = np.ones(len(refused), dtype=bool)
    for word in range(booked.bits.shape[1]):
        column = refused[:, word]
        here = left & (column != 0)
        if not here.any():
            continue
        lowest = column[here] & (~column[here] + np.uint64(1))
        bits = np.log2(lowest.astype(np.float64)).astype(np.int64)
        counts[64 * word : 64 * word + 64] = np.bincount(bits, minlength=64).tolist()
        left &= ~here
    return counts
