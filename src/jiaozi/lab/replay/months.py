"""Months: what the ledger had of every coin at the end of each, on Shanghai's clock."""

from __future__ import annotations

from collections.abc import Sequence

from jiaozi.clock import NS_PER_SECOND, Instant, moment_of
from jiaozi.lab.replay.records import Month
from jiaozi.ledger.state import State


class Months:
    """Looks at *state* whenever a month is over. *past* are months seen before, of which the last still runs."""

    def __init__(self, state: State, past: Sequence[Month] = ()) -> None:
        self._state = state
        self._until = Instant(0)
        self.name = past[-1].month if past else ""
        """The month that runs; empty before the first frame."""
        self.past: list[Month] = list(past[:-1])
        if past:
            self._until = _end_of(*(int(part) for part in self.name.split("-")))

    def is_over(self, instant: Instant) -> bool:
        """Return whether another month begins with *instant*."""
        return instant >= self._until

    def turn(self, instant: Instant) -> None:
        """Begin another month when *instant* is in one; call it before a frame of that instant."""
        if self.is_over(instant):
            self.end()
            now = moment_of(instant)
            self.name = f"{now:%Y-%m}"
            self._until = _end_of(now.year, now.month)

    def end(self) -> None:
        """Look once more, at the end of the history."""
        if self.name:
            coins = self._state.register.coins.values()
            outstanding = {coin.id: self._state.coins_outstanding(coin) for coin in coins}
            reserve = {coin.id: self._state.reserve_value(coin) for coin in coins}
            frozen = {coin.id: self._state.coins_frozen(coin) for coin in coins}
            self.past.append(Month(self.name, outstanding, reserve, frozen))


def _end_of(year: int, month: int) -> Instant:
    """Return when *month* is over."""
    after = moment_of(Instant(0)).replace(
        year=year + month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return Instant(int(after.timestamp()) * NS_PER_SECOND)
