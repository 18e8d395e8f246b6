"""Numbers from a key, and draws from tables, for compiled loops.

A generator is its state: `chance[0]`, (1,) uint64, moves on with each number (splitmix64). A loop
that begins with its own key gives the same numbers whatever ran before it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner

Chance = NDArray[np.uint64]
"""(1,) uint64: the state."""

QUANTILES = 4_096
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_LOW = np.uint64(0xFFFFFFFF)
_11, _27, _30, _31, _32 = (np.uint64(bits) for bits in (11, 27, 30, 31, 32))


@inner
def mixed(value: np.uint64) -> np.uint64:
    """Return *value* with its bits spread, uint64 to uint64."""
    value = (value ^ (value >> _30)) * _MIX1
    value = (value ^ (value >> _27)) * _MIX2
    return value ^ (value >> _31)


@inner
def key_of(key: np.uint64, number: int) -> np.uint64:
    """Return the key of *number* under *key*."""
    return mixed(key + _STEP * (np.uint64(number) + np.uint64(1)))


@inner
def next_bits(chance: Chance) -> np.uint64:
    """Return the next 64 random bits."""
    chance[0] += _STEP
    return mixed(chance[0])


@inner
def signed(value: int | np.integer[Any]) -> int:
    """Return *value* as a signed number: compiled code makes a float of a signed and an unsigned one."""
    return np.int64(value)  # type: ignore[return-value]


@inner
def share_of(bits: np.uint64) -> float:
    """Return *bits* as a number in [0, 1)."""
    return float(bits >> _11) * 2.0**-53


@inner
def below(bits: np.uint64, count: int) -> int:
    """Return a number in [0, *count*), count < 2^32, from the upper half of *bits*."""
    return signed(((bits >> _32) * np.uint64(count)) >> _32)


@inner
def draw(table: NDArray[np.uint64], first: int, count: int, bits: np.uint64) -> int:
    """Return a position in [0, *count*) of the alias table that begins at row *first* of *table*."""
    place = below(bits, count)
    row = table[first + place]
    return place if (bits & _LOW) < (row >> _32) else signed(row & _LOW)


@inner
def quantile(table: NDArray[np.float64], share: float) -> float:
    """Return the value below which *share* of a distribution lies; *table* as `quantiles` gives it."""
    place = share * QUANTILES
    row = int(place)
    return float(table[row] + (place - row) * (table[row + 1] - table[row]))


@entry
def alias_table(weights: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the table from which `draw` draws positions by *weights*, (n,) positive, n < 2^32 (Vose).

    A row is a threshold in its upper 32 bits and in its lower the position that is drawn above it.
    """
    count = len(weights)
    table = np.empty(count, dtype=np.uint64)
    scaled = weights * (count / weights.sum())
    small, large = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    smalls = larges = 0
    for place in range(count):
        if scaled[place] < 1.0:
            small[smalls] = place
            smalls += 1
        else:
            large[larges] = place
            larges += 1
    while smalls and larges:
        smalls -= 1
        low, high = small[smalls], large[larges - 1]
        table[low] = (np.uint64(scaled[low] * 4294967295.0) << _32) | np.uint64(high)
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            larges -= 1
            small[smalls] = high
            smalls += 1
    # What is left has weight one, but for rounding.
    for place in small[:smalls]:
        table[place] = (_LOW << _32) | np.uint64(place)
    for place in large[:larges]:
        table[place] = (_LOW << _32) | np.uint64(place)
    return table


def quantiles(median: float, sigma: float) -> NDArray[np.float64]:
    """Return (QUANTILES + 1,) float64: a lognormal at evenly spaced shares, for `quantile`.

    Its ends are the quantiles half a step inside, so that a table has a largest value.
    """
    shares = np.arange(QUANTILES + 1) / QUANTILES
    shares[0], shares[-1] = 0.5 / QUANTILES, 1 - 0.5 / QUANTILES
    return median * np.exp(sigma * np.array([_normal(share) for share in shares.tolist()]))


def _normal(share: float) -> float:
    """Return the standard normal's quantile, by bisection: exact enough, and the same on every machine."""
    low, high = -8.0, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2)) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
