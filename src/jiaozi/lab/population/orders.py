"""Orders to freeze: on some evenings accounts are frozen, and released later.

They are drawn from numbers of their own, so that they change nobody's habits.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.towns import Town
from jiaozi.ledger.facts import Fact, FreezeLifted, FreezeOrdered


class Orders:
    """Orders of the authority of *town* upon holders, from account *first_account* on, and which of them stand."""

    def __init__(self, town: Town, first_account: int, seed: int) -> None:
        self._town, self._first = town, first_account
        self._random = np.random.default_rng([seed, 15])
        self._standing: dict[int, tuple[date, str]] = {}  # account to the day it is released and the order
        self._count = 0

    def of(self, day: date, there: int) -> list[Fact]:
        """Return what is lifted and ordered on the evening of *day*, when *there* accounts are open."""
        if not self._town.is_frozen or not there:
            return []
        facts: list[Fact] = []
        for account, (released, order) in list(self._standing.items()):
            if released <= day:
                del self._standing[account]
                facts.append(FreezeLifted(account, order, f"{order}-LIFTED"))
        for _ in range(int(self._random.poisson(there * known.FREEZES_A_YEAR / 365))):
            account = self._first + int(self._random.integers(there))
            length = 1 + int(self._random.exponential(known.FREEZE_DAYS - 1))
            if account not in self._standing:
                self._count += 1
                order = f"EXAMPLE-ORDER-{self._count}"
                self._standing[account] = day + timedelta(days=length), order
                facts.append(FreezeOrdered(account, order, self._town.place, may_receive=True, keep_fen=None))
        return facts
