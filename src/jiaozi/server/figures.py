"""The figures of a coin, counted once for everybody who looks.

Counting runs between two frames of the journal, and payments wait for as long
as it takes. So it is done only when the journal has moved, once for all viewers,
and those who watch live wait twenty times as long as the last count took: all
viewers together can take no more than a twentieth of the writer's time.
"""

from __future__ import annotations

import threading
import time

from jiaozi.office import Office
from jiaozi.report.overview import Overview

POLL_SECONDS = 0.5
REST_FACTOR = 20


class Figures:
    """The last overview of each coin, and how long to wait before the next."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._known: dict[str, Overview] = {}
        self._lock = threading.Lock()
        self.rest_seconds = POLL_SECONDS

    def of(self, coin_id: str) -> Overview:
        """Return the figures of *coin_id*, counted again only if the journal has moved since."""
        with self._lock:
            known = self._known.get(coin_id)
            if known is not None and known.sequence == self._office.ledger.sequence:
                return known
            began = time.perf_counter()
            fresh = self._office.overview(coin_id)
            self.rest_seconds = max(POLL_SECONDS, REST_FACTOR * (time.perf_counter() - began))
            self._known[coin_id] = fresh
            return fresh
