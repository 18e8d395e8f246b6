"""Months: what the ledger had of every coin at the end of each, on Shanghai's clock."""

from __future__ import annotations

from jiaozi.clock import NS_PER_SECOND, Instant, moment_of
from jiaozi.lab.replay.records import Month
from jiaozi.ledger.posting.supplied import C_FROZEN
from jiaozi.ledger.state import State


class Months:
    """Looks at *state* whenever a month is over."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._until = Instant(0)
        self.name = ""
        """The month that runs; empty before the first frame."""
        self.past: list[Month] = []

    def turn(self, instant: Instant) -> None:
        """Begin another month when *instant* is in one; call it before a frame of that instant."""
        if instant < self._until:
            return
        self.end()
        now = moment_of(instant)
        self.name = f"{now:%Y-%m}"
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        year, month = divmod(first.year * 12 + first.month, 12)
        self._until = Instant(int(first.replace(year=year, month=month + 1).timestamp()) * NS_PER_SECOND)

    def end(self) -> None:
        """Look once more, at the end of the history."""
        if self.name:
            coins = self._state.register.coins.values()
            outstanding = {coin.id: self._state.coins_outstanding(coin) for coin in coins}
            reserve = {coin.id: self._state.reserve_value(coin) for coin in coins}
            frozen = {coin.id: int(self._state.coins[coin.number, C_FROZEN]) for coin in coins}
            self.past.append(Month(self.name, outstanding, reserve, frozen))
