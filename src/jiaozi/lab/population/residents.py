"""Who holds an account in the year: by column, in the order in which they join.

Rows are in the order of joining, so whoever is there on a day are the first rows. Nobody has a name:
names never enter a journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import alias_table
from jiaozi.lab.population.day import (
    FIRM,
    FIRM_SHARE,
    RESIDENT,
    TIER_SHARES,
    VISITOR,
    VISITOR_SHARE,
)

TRAITS: Final = np.dtype(
    [
        ("coin", "u1"),  # 0 or 1, in the order of the issuers
        ("kind", "u1"),
        ("tier", "u1"),
        ("flags", "u1"),  # SALARIED, RENTING
        ("scale", "<f4"),  # its payments against the average; of a firm the root of its size
    ]
)
"""What a payment needs to know of its payer: 8 bytes, one line of the cache for eight holders."""

SALARIED, RENTING = 1, 2
SUPPLIES_EXPONENT = 0.5
NOBODY: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Residents:
    """Everybody who ever joins, each column (n,).

    traits      TRAITS
    load_fen    int64: what the wallet is filled to; of a firm its capital
    wage_fen    int64: a month's wages, before they vary
    rent_fen    int64: a month's rent
    employer    uint32: row of the firm that pays the wages; NOBODY
    payers      uint64: alias table over all rows, by how often they pay
    payees      uint64: alias tables of the coins, one behind the other, by how often they are paid
    members     uint32: the rows that *payees* draws from: those of a coin, ascending
    bounds      (coins + 1,) int64: where each coin begins in *payees* and *members*
    """

    traits: NDArray[np.void]
    load_fen: NDArray[np.int64]
    wage_fen: NDArray[np.int64]
    rent_fen: NDArray[np.int64]
    employer: NDArray[np.uint32]
    payers: NDArray[np.uint64]
    payees: NDArray[np.uint64]
    members: NDArray[np.uint32]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.traits)


def residents(count: int, seed: int, *, payments_a_day: float) -> Residents:
    """Return *count* holders; how many of them are paid in coins follows from *payments_a_day* of all."""
    random = np.random.default_rng([seed, 11])
    kind = random.choice(
        np.array([RESIDENT, FIRM, VISITOR], dtype=np.uint8),
        size=count,
        p=(1 - FIRM_SHARE - VISITOR_SHARE, FIRM_SHARE, VISITOR_SHARE),
    )
    tier = random.choice(np.arange(1, 5, dtype=np.uint8), size=count, p=TIER_SHARES)
    coin = random.choice(np.arange(2, dtype=np.uint8), size=count, p=known.COIN_SHARES)
    # Each coin begins with two firms: somebody has to sell, and to buy from.
    start = min(count, 4)
    kind[:start], coin[:start] = FIRM, np.array([0, 1, 0, 1], dtype=np.uint8)[:start]
    tier[kind == FIRM], tier[kind == VISITOR] = 1, 4
    is_firm = kind == FIRM
    size = np.minimum(known.FIRM_SIZE_MAX, 1 + random.pareto(known.FIRM_PARETO, count))

    traits = np.zeros(count, dtype=TRAITS)
    traits["coin"], traits["kind"], traits["tier"] = coin, kind, tier
    scale = np.array(known.AMOUNT_BY_TIER)[tier - 1] * random.lognormal(0, known.AMOUNT_SIGMA, count)
    traits["scale"] = np.where(is_firm, size**SUPPLIES_EXPONENT, scale)

    mean_fen = np.array(known.LOADS_FEN, dtype=np.float64)[tier - 1]
    spread = random.lognormal(-(known.LOAD_SIGMA**2) / 2, known.LOAD_SIGMA, count)
    load = mean_fen * spread // 100_00 * 100_00 + 100_00
    load = np.where(is_firm, known.FIRM_CAPITAL_FEN * size, load).astype(np.int64)

    _employ(traits, random, payments_a_day)
    wage = (known.WAGE_MEDIAN_FEN * random.lognormal(0, known.WAGE_SIGMA, count)).astype(np.int64)
    rent = known.RENT_MEDIAN_FEN * random.lognormal(0, known.RENT_SIGMA, count)
    rent = (np.round(rent / 100_00) * 100_00).astype(np.int64)

    activity = np.array(known.ACTIVITY_BY_TIER)[tier - 1] * random.lognormal(0, known.ACTIVITY_SIGMA, count)
    activity[is_firm] *= known.FIRM_ACTIVITY / known.ACTIVITY_BY_TIER[0]
    activity[kind == VISITOR] *= known.VISITOR_ACTIVITY
    sells = known.PERSON_POPULARITY * (0.5 + random.pareto(known.PERSON_PARETO, count))
    popularity = np.where(is_firm, size, sells)

    coins = [np.flatnonzero(coin == number) for number in range(2)]
    return Residents(
        traits=traits,
        load_fen=load,
        wage_fen=wage,
        rent_fen=np.maximum(rent, 300_00),
        employer=_employers(traits, size, random),
        payers=alias_table(activity),
        payees=np.concatenate([alias_table(popularity[rows]) for rows in coins]),
        members=np.concatenate(coins).astype(np.uint32),
        bounds=np.cumsum([0, *(len(rows) for rows in coins)]).astype(np.int64),
    )


def _employ(traits: NDArray[np.void], random: np.random.Generator, payments_a_day: float) -> None:
    """Mark who is paid wages and who pays rent in coins, so many that both make their share of payments."""
    may = np.flatnonzero((traits["kind"] == RESIDENT) & (traits["tier"] < 4))
    a_month = payments_a_day * 365 / 12
    for flag, flow, most in (
        (SALARIED, known.Flow.WAGES, known.SALARIED_MOST),
        (RENTING, known.Flow.RENT, known.RENTING_MOST),
    ):
        wanted = min(most * len(may), known.SHARES[flow] * a_month)
        rows = may[random.random(len(may)) < wanted / max(1, len(may))]
        traits["flags"][rows] |= np.uint8(flag)


def _employers(
    traits: NDArray[np.void], size: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.uint32]:
    """Return the firm of the same coin that each of the salaried works for."""
    employer = np.full(len(traits), NOBODY, dtype=np.uint32)
    for coin in range(2):
        firms = np.flatnonzero((traits["kind"] == FIRM) & (traits["coin"] == coin))
        salaried = np.flatnonzero((traits["flags"] & SALARIED != 0) & (traits["coin"] == coin))
        if len(firms) and len(salaried):
            reach = np.cumsum(size[firms] ** known.EMPLOYEES_EXPONENT)
            chosen = np.searchsorted(reach, random.random(len(salaried)) * reach[-1], side="right")
            employer[salaried] = firms[np.minimum(chosen, len(firms) - 1)]
    return employer


def joined(count: int, days: int) -> NDArray[np.int64]:
    """Return (days,) int64: how many of *count* accounts are open at the end of each day; all at the last."""
    left = np.arange(days - 1, -1, -1) / 365
    found: NDArray[np.int64] = np.ceil(count * (1 + known.YEARLY_GROWTH) ** -left).astype(np.int64)
    return np.minimum(count, np.maximum(found, min(count, 4)))
