"""A store of a population, read back as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import SHANGHAI, day_start, moment_of
from jiaozi.lab.population import Written
from jiaozi.lab.population.parameters import Flow
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.restart import restart
from jiaozi.ledger.state import State

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True)
class Store:
    """Payments (n,) TRANSFER in the order of the journal, their results (n,) u8, and the state behind them.

    ms     (n,) int64: milliseconds since midnight of the first day, on the zone's clock
    frame  (n,) int64: the same of the instant of their frame
    """

    written: Written
    payments: NDArray[np.void]
    results: NDArray[np.uint8]
    ms: NDArray[np.int64]
    frame: NDArray[np.int64]
    state: State

    def of(self, flow: Flow) -> NDArray[np.bool_]:
        return np.asarray(self.payments["purpose"] == flow)

    @property
    def day(self) -> NDArray[np.int64]:
        return self.ms // DAY_MS

    @property
    def hour(self) -> NDArray[np.int64]:
        return self.ms % DAY_MS // HOUR_MS


def read_store(written: Written) -> Store:
    """Return everything that *written* has in its folder."""
    journal = written.folder / "journal"
    batches, results, instants = [], [], []
    for frame in read_frames(journal):
        if frame.kind is FrameKind.TRANSFERS:
            booked = unpack(frame.payload)
            is_payment = booked.batch["purpose"] > 0
            batches.append(booked.batch[is_payment].copy())
            results.append(booked.results[is_payment].copy())
            instants.append(np.full(int(is_payment.sum()), frame.instant // 1_000_000))
    payments = np.concatenate(batches)
    start = _midnight_ms(written.from_day)
    return Store(
        written,
        payments,
        np.concatenate(results),
        (payments["id_hi"] >> np.uint64(16)).astype(np.int64) - start,
        np.concatenate(instants) - start,
        restart(journal).state,
    )


def _midnight_ms(day: date) -> int:
    assert moment_of(day_start(day), SHANGHAI).hour == 0
    return day_start(day) // 1_000_000


def head_and_payloads(folder: Path) -> tuple[bytes, list[bytes]]:
    """Return the hash of the last frame of the journal in *folder*, and what stands in each frame.

    The files themselves also say up to where the disk had them, which depends on the disk.
    """
    frames = [(frame.hash, bytes(frame.payload)) for frame in read_frames(folder / "journal")]
    return frames[-1][0], [payload for _, payload in frames]
