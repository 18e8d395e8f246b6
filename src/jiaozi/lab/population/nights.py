"""What is booked between two days: payouts, what the reserve is worth, coins for distributors; and in the
morning a reserve that is short is made up.

A reserve whose value moves is at times worth less than the coins outstanding. Then a law that asks for
full backing refuses what distributors order that night, and they live on their stock.
"""

from __future__ import annotations

from concurrent.futures import Future
from datetime import date

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_start
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.founding import night, own_money
from jiaozi.lab.population.residents import ZONE_SHIFT, Residents
from jiaozi.lab.population.towns import Town
from jiaozi.ledger.facts import SheetNamed
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.ledger.records import Transfers

_BASIS_POINT = 1e-4


class Nights:
    """The issuers' books of *town*. *where* is (1,) PLACE."""

    def __init__(
        self,
        ledger: Ledger,
        town: Town,
        sheets: list[SheetNamed],
        where: NDArray[np.void],
        crowd: Residents,
        seed: int,
    ) -> None:
        self._ledger, self._town, self._sheets, self._where, self._crowd = ledger, town, sheets, where, crowd
        self._seed, self._place = seed, int(where["place"][0])
        # Ids have their own numbers, and what happens to the reserve has its own.
        self._random = np.random.default_rng([seed, 12])
        self._values = np.random.default_rng([seed, 14])
        self._making_up: list[Transfers] = []
        self._on_the_way: list[Future[Outcome]] = []

    def book(self, day: date, due: NDArray[np.void], there: int) -> None:
        """Let the issuers pay out what was redeemed, and issue what the distributors will need on *day*.

        *due*, (m,) DUE, are the wallets that will be filled, *there* is how many accounts are open.
        """
        self._check_made_up()
        accounts = self._ledger.state.accounts
        for number, sheet in enumerate(self._sheets):
            wanted = self._wanted(number, due, there)
            name = ("population", str(self._seed), sheet.coin, day.isoformat())
            redeemed_fen = int(accounts[sheet.redemptions]["balance"])
            moved_fen = self._moved_fen(sheet, sum(wanted.values()))
            batch = night(sheet, wanted, redeemed_fen, self._place, name, moved_fen)
            if batch is not None:
                give_ids(batch, day_start(day), self._random)
                outcome = self._ledger.post(batch, at=day_start(day))
                is_short = int(accounts[sheet.unmatched]["balance"]) < 0
                assert is_short or outcome.created == len(batch), outcome.results.tolist()
        # Decided now: while payments are on their way nobody can say what a reader would find.
        self._making_up = self._made_up(day) if self._town.has_value else []

    def make_up(self, at: Instant) -> None:
        """Put in what is short since the night, at the hour for it, while payments are on their way."""
        for batch in self._making_up:
            give_ids(batch, at, self._random)
            self._on_the_way.append(self._ledger.submit(batch, at=at))

    def _check_made_up(self) -> None:
        for future in self._on_the_way:
            assert future.result().created == 1, future.result().results.tolist()
        self._on_the_way.clear()

    def _wanted(self, number: int, due: NDArray[np.void], there: int) -> dict[int, int]:
        """Return for each distributor of coin *number* what he lacks, account to fen; below zero what he has over.

        Where somebody may be paid he needs what is going to be bought, and a stock. Where nobody may be, nothing
        is bought however often it is tried; there he keeps a stock that grows with the accounts alone.
        """
        accounts, traits = self._ledger.state.accounts, self._crowd.traits
        filled = due[due["flow"] == known.Flow.TOP_UP]
        filled = filled[traits["flags"][filled["row"]] >> ZONE_SHIFT == 0]
        filled = filled[traits["coin"][filled["row"]] == number]
        places = filled["row"] % known.DISTRIBUTORS
        stock_fen = 0
        if self._town.stock_share:
            state = self._ledger.state
            coins_fen = state.coins_outstanding(state.register.coin(self._sheets[number].coin))
            stock_fen = int(coins_fen * self._town.stock_share / known.DISTRIBUTORS)
        wanted = {}
        for place, account in enumerate(self._where["distributors"][0, number].tolist()):
            bought_fen = int(filled["amount"][places == place].sum())
            wanted[account] = bought_fen + stock_fen - int(accounts[account]["balance"])
        if self._crowd.zones > 1:
            beside = (traits["flags"][:there] >> ZONE_SHIFT > 0) & (traits["coin"][:there] == number)
            loads_fen = int(self._crowd.load_fen[:there][beside].sum() * known.ELSEWHERE_STOCK_LOADS)
            for account in self._where["elsewhere"][0, number].tolist():
                wanted[account] = loads_fen // known.DISTRIBUTORS - int(accounts[account]["balance"])
        return wanted

    def _moved_fen(self, sheet: SheetNamed, wanted_fen: int) -> int:
        """Return by how much the reserve of *sheet* is worth more this night, or less.

        Before the first coins, *wanted_fen* of them, the issuer puts in his buffer.
        """
        if not self._town.has_value:
            return 0
        held_fen = -int(self._ledger.state.accounts[sheet.reserve]["balance"])
        if not held_fen:
            return int(wanted_fen * known.RESERVE_BUFFER_BP * _BASIS_POINT)
        return int(held_fen * self._values.normal(0, known.RESERVE_SIGMA_BP) * _BASIS_POINT)

    def _made_up(self, day: date) -> list[Transfers]:
        """Return what issuers put in on the morning of *day* where the reserve is short, and take out where
        there is more than twice the buffer. On a free day nobody does."""
        if not self._town.dates.is_worked(day):
            return []
        found, state = [], self._ledger.state
        for sheet in self._sheets:
            own_fen = int(state.accounts[sheet.unmatched]["balance"])
            coins_fen = state.coins_outstanding(state.register.coin(sheet.coin))
            buffer_fen = int(coins_fen * known.RESERVE_BUFFER_BP * _BASIS_POINT)
            if own_fen < 0 or own_fen > 2 * buffer_fen:
                name = ("population", str(self._seed), sheet.coin, day.isoformat(), "made up")
                found.append(own_money(sheet, buffer_fen - own_fen, self._place, name))
        return found
