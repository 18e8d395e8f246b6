"""Totals: the trial balance and the supply, as sums over the array of accounts, exact at any size.

A sum of int64 may pass 63 bits long before a book is full, so each amount is added up in two
halves of 32 bits, a million accounts at a time: such sums fit the 53 exact bits of a float64,
and `bincount` adds floats by group faster than anything else in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.records import AccountFlag, Accounts

if TYPE_CHECKING:
    from jiaozi.ledger.state import State

_CHUNK = 1 << 20
_LOW = np.int64(0xFFFF_FFFF)
_NEAR = 16
"""Keys that are so many times as far apart as there are keys are counted in an array; to sort takes longer."""


@dataclass(frozen=True, slots=True)
class TrialLine:
    """The accounts of one coin with one code of the chart of accounts; sums in fen.

    `debits` is what stands on the debit side (assets), `credits` on the credit side; `balance` is
    credits less debits. Over all lines of a coin it is zero.
    """

    coin: int
    code: int
    accounts: int
    debits: int
    credits: int
    pending_out: int
    pending_in: int

    @property
    def balance(self) -> int:
        return self.credits - self.debits


@dataclass(frozen=True, slots=True)
class Supply:
    """How much of a coin there is, in fen. `outstanding` is what the holders have; pending coins are among it."""

    coin: str
    issued: int
    redeemed: int
    outstanding: int
    pending: int

    @property
    def is_covered_by_the_books(self) -> bool:
        """Whether what holders have is what was issued less what was redeemed."""
        return self.outstanding == self.issued - self.redeemed


def trial_balance(accounts: Accounts) -> list[TrialLine]:
    """Return the lines of the trial balance of *accounts* (n,) ACCOUNT, by coin and code."""
    sums: dict[int, list[int]] = {}
    for part in _chunks(accounts):
        keys = (part["coin"].astype(np.uint32) << np.uint32(16)) | part["code"]
        found, where = np.unique(keys, return_inverse=True)
        balance = part["balance"]
        columns = [
            np.bincount(where, minlength=len(found)).tolist(),
            sums_by_group(np.where(balance < 0, -balance, 0), where, len(found)),
            sums_by_group(np.where(balance > 0, balance, 0), where, len(found)),
            sums_by_group(part["pending_out"], where, len(found)),
            sums_by_group(part["pending_in"], where, len(found)),
        ]
        for place, key in enumerate(found.tolist()):
            line = sums.setdefault(key, [0] * len(columns))
            for at, column in enumerate(columns):
                line[at] += column[place]
    return [TrialLine(key >> 16, key & 0xFFFF, *sums[key]) for key in sorted(sums)]


def supply(state: State) -> list[Supply]:
    """Return the supply of every coin of *state*. Call it between two frames."""
    coins = sorted(state.register.coins.values(), key=lambda coin: coin.number)
    held = [0] * len(coins)
    pending = [0] * len(coins)
    for part in _chunks(state.accounts):
        holders = part[(part["flags"] & np.uint16(AccountFlag.INTERNAL)) == 0]
        for number in range(len(coins)):
            own = holders[holders["coin"] == number] if len(coins) > 1 else holders
            held[number] += exact_sum(own["balance"])
            pending[number] += exact_sum(own["pending_out"])
    return [
        Supply(coin.id, state.issued(coin), state.redeemed(coin), held[coin.number], pending[coin.number])
        for coin in coins
    ]


def exact_sum(amounts: NDArray[np.int64]) -> int:
    """Return the sum as a whole number, exact beyond 63 bits."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & _LOW).sum())


def sums_by_group(amounts: NDArray[np.int64], group: NDArray[np.intp], groups: int) -> list[int]:
    """Return the sum of *amounts* (n,) by *group* (n,), a number below *groups*, exact beyond 63 bits."""
    high = np.bincount(group, weights=(amounts >> 32).astype(np.float64), minlength=groups)
    low = np.bincount(group, weights=(amounts & _LOW).astype(np.float64), minlength=groups)
    return [(int(a) << 32) + int(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]


def groups_of(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the different *keys* (n,), rising, and for each key its place among them: `np.unique` without sorting.

    Keys far apart are sorted after all.
    """
    low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, -1)
    if high - low >= _NEAR * len(keys):
        found, where = np.unique(keys, return_inverse=True)
        return found, where.reshape(-1)
    offsets = keys - low
    present = np.flatnonzero(np.bincount(offsets, minlength=high - low + 1))
    place = np.zeros(high - low + 1, dtype=np.intp)
    place[present] = np.arange(len(present))
    return present + low, place[offsets]


def _chunks(accounts: Accounts) -> Iterator[Accounts]:
    for start in range(0, len(accounts), _CHUNK):
        yield accounts[start : start + _CHUNK]
