"""Payments that go on while the console is looked at: a few a second, real ones, until stopped."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import numpy as np

from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.records import PAY, transfers
from jiaozi.office import Office
from jiaozi.pilot import cast
from jiaozi.pilot.crowd import Crowd

A_SECOND = 2
EACH = 12
AMOUNT_FEN = (1_00, 80_00)


class Trickle:
    """Posts small batches from a thread of its own while the `with` lasts."""

    def __init__(self, office: Office, crowd: Crowd, *, a_second: float = A_SECOND) -> None:
        self._office = office
        self._pause_s = 1 / a_second
        self._crowd = crowd
        self._random = np.random.default_rng()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jiaozi-trickle", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        size = len(self._crowd.population.kind)
        while not self._stop.wait(self._pause_s):
            batch = transfers(EACH)
            give_ids(batch, self._office.clock(), self._random)
            batch["debit"] = self._crowd.first + self._random.integers(0, size, EACH)
            batch["credit"] = self._crowd.first + self._random.integers(0, size, EACH)
            batch["amount"] = self._random.integers(*AMOUNT_FEN, EACH)
            batch["action"] = PAY
            batch["place"] = self._office.book.vocabulary.place_codes[cast.ZONE]
            self._office.ledger.post(batch)
