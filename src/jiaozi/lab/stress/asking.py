"""Which holders ask for redemption, how much and in which hour, from the seed and the number of the account.

Whoever asks, asks for all he can dispose of. Holders come in an order drawn from the seed until the share
is reached; the last of them asks for a part. So whoever asks at a small share asks at a larger one too, in
the same hour: a larger share never gives a shorter queue (tests/lab/test_stress.py).

Arrays over all holders: 10 million take a few seconds and about a gigabyte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import LabError
from jiaozi.lab.stress.reserve import WHOLE
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.register import Coin
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import exact_sum

Int64s = NDArray[np.int64]

_STUCK = AccountFlag.FROZEN_OUT | AccountFlag.CLOSED


@dataclass(frozen=True, slots=True)
class Holding:
    """The holders of a coin by row, each (n,): account, class, and what each can dispose of, in fen.

    `classes` (c,) are the codes zone << 16 | kind << 8 | tier; `first` (c,) one account of each, the one
    with most to dispose of. `held_fen` (c,) is all that they hold, `stuck_fen` what orders and pending
    payments keep in place of it.
    """

    account: NDArray[np.uint32]
    of_class: NDArray[np.int16]
    amount_fen: Int64s
    classes: NDArray[np.int64]
    first: NDArray[np.int64]
    holders: Int64s
    held_fen: tuple[int, ...]
    stuck_fen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requests:
    """Who asks, in the order in which it is done: by hour, then account. Each (m,)."""

    hour: NDArray[np.int16]
    of_class: NDArray[np.int16]
    amount_fen: Int64s


def holding(state: State, coin: Coin) -> Holding:
    """Return who holds *coin* in *state*. Raises `LabError` when nobody does, or the sum is beyond 62 bits."""
    rows = np.flatnonzero(state.holders_of(coin))
    accounts = state.accounts
    balance = accounts["balance"][rows]
    if not len(rows) or exact_sum(balance) <= 0:
        raise LabError(f"nobody holds {coin.id} in this store; give one in which coins were issued")
    if exact_sum(balance) >= 2**62:
        raise LabError(f"more than 2^62 fen of {coin.id} are held; this simulation adds up in 63 bits")
    flags = accounts["flags"][rows]
    amount = np.maximum(balance - accounts["pending_out"][rows], 0)
    amount[(flags & np.uint16(_STUCK)) != 0] = 0
    # A floor is kept: few accounts have one, so they are looked at one by one.
    for account, (keeps, floor, _) in state.register.limited().items():
        at = int(np.searchsorted(rows, account))
        if at < len(rows) and rows[at] == account:
            amount[at] = max(0, min(int(amount[at]), int(balance[at]) - max(keeps, floor, 0)))
    codes = (
        (accounts["zone"][rows].astype(np.int64) << 16)
        | (accounts["kind"][rows].astype(np.int64) << 8)
        | accounts["tier"][rows]
    )
    seen = np.zeros(1 << 24, dtype=np.bool_)
    seen[codes] = True
    classes = np.flatnonzero(seen)
    number = np.zeros(1 << 24, dtype=np.int16)
    number[classes] = np.arange(len(classes), dtype=np.int16)
    of_class = number[codes]
    firsts, counts, held, stuck = [], [], [], []
    for each in range(len(classes)):
        own = np.flatnonzero(of_class == each)
        firsts.append(int(rows[own[np.argmax(amount[own])]]))
        counts.append(len(own))
        held.append(exact_sum(balance[own]))
        stuck.append(held[-1] - exact_sum(amount[own]))
    return Holding(
        rows.astype(np.uint32),
        of_class,
        amount,
        classes,
        np.array(firsts, dtype=np.int64),
        np.array(counts, dtype=np.int64),
        tuple(held),
        tuple(stuck),
    )


def requests(held: Holding, share: int, shape: tuple[int, ...], seed: int) -> Requests:
    """Return who asks when *share* (hundredths of a percent) of what can be disposed of is asked for."""
    wanted = int(held.amount_fen.sum()) * share // WHOLE
    drawn = _mixed(held.account.astype(np.uint64), seed, 1)
    order = np.argsort(drawn, kind="stable")
    reached = np.cumsum(held.amount_fen[order])
    count = int(np.searchsorted(reached, wanted, side="left")) + 1 if wanted else 0
    chosen = order[:count]
    asked = held.amount_fen[chosen]
    if count:
        asked[-1] -= int(reached[count - 1]) - wanted
    weights = np.cumsum(np.array(shape, dtype=np.uint64))
    at = _mixed(held.account[chosen].astype(np.uint64), seed, 2) >> np.uint64(32)
    hour = np.searchsorted(weights, (at * weights[-1]) >> np.uint64(32), side="right").astype(np.int16)
    by_account = np.argsort(chosen, kind="stable")
    in_order = by_account[np.argsort(hour[by_account], kind="stable")]
    in_order = in_order[asked[in_order] > 0]
    return Requests(hour[in_order], held.of_class[chosen[in_order]], asked[in_order])


def sums_by_hour(asked: Requests, hours: int, mask: NDArray[np.bool_] | None = None) -> Int64s:
    """Return what is asked for in each hour, (hours,), in fen; exact. With *mask* of some requests only."""
    amounts = asked.amount_fen if mask is None else np.where(mask, asked.amount_fen, 0)
    reached = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(amounts)])
    ends = np.searchsorted(asked.hour, np.arange(hours), side="right")
    return np.diff(reached[ends], prepend=0).astype(np.int64)


def _mixed(numbers: NDArray[np.uint64], seed: int, stream: int) -> NDArray[np.uint64]:
    """Return 64 well mixed bits for each of *numbers* (SplitMix64); the same on any machine."""
    with np.errstate(over="ignore"):
        state = numbers * np.uint64(2) + np.uint64(stream)
        state = (state + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed
