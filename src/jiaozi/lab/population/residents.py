"""Who holds an account in the year: by column, in the order in which they join.

Rows are in the order of joining, so whoever is there on a day are the first rows. Nobody has a name:
names never enter a journal.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        ("flags", "u1"),  # SALARIED, RENTING, and from ZONE_SHIFT on the zone: 0 is where the law is
        ("scale", "<f4"),  # its payments against the average; of a firm the root of its size
    ]
)
"""What a payment needs to know of its payer: 8 bytes, one line of the cache for eight holders."""

SALARIED, RENTING, ZONE_SHIFT = 1, 2, 4
ZONES_MOST: Final = 8
"""Zones that a population can live in."""

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
    payees      uint64: alias tables of the groups, one behind the other, by how often they are paid
    members     uint32: the rows that *payees* draws from: those of a group, ascending
    bounds      (groups + 1,) int64: where each group begins in *payees* and *members*

    A group has one coin and lives in one zone: number coin * zones + zone.
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

    @property
    def zones(self) -> int:
        """In how many zones they live."""
        return (len(self.bounds) - 1) // 2


def residents(
    count: int, seed: int, *, payments_a_day: float, also: Sequence[float] = (), factor: float = 1.0
) -> Residents:
    """Return *count* holders; how many of them are paid in coins follows from *payments_a_day* of all.

    *also* are the shares of them that live in zones 1, 2 and so on; *factor* is what money is multiplied by.
    """
    assert len(also) < ZONES_MOST
    assert sum(also) < 1
    random = np.random.default_rng([seed, 11])
    kind = random.choice(
        np.array([RESIDENT, FIRM, VISITOR], dtype=np.uint8),
        size=count,
        p=(1 - FIRM_SHARE - VISITOR_SHARE, FIRM_SHARE, VISITOR_SHARE),
    )
    tier = random.choice(np.arange(1, 5, dtype=np.uint8), size=count, p=TIER_SHARES)
    coin = random.choice(np.arange(2, dtype=np.uint8), size=count, p=known.COIN_SHARES)
    zones = 1 + len(also)
    # Each group begins with two firms: somebody has to sell, and to buy from.
    start = min(count, 4 * zones)
    kind[:start], coin[:start] = FIRM, (np.arange(start) % 2).astype(np.uint8)
    zone = _zones(count, seed, also)
    tier[kind == FIRM], tier[kind == VISITOR] = 1, 4
    is_firm = kind == FIRM
    size = np.minimum(known.FIRM_SIZE_MAX, 1 + random.pareto(known.FIRM_PARETO, count))

    traits = np.zeros(count, dtype=TRAITS)
    traits["coin"], traits["kind"], traits["tier"] = coin, kind, tier
    traits["flags"] = zone << ZONE_SHIFT
    scale = np.array(known.AMOUNT_BY_TIER)[tier - 1] * random.lognormal(0, known.AMOUNT_SIGMA, count)
    traits["scale"] = np.where(is_firm, size**SUPPLIES_EXPONENT, scale)

    mean_fen = factor * np.array(known.LOADS_FEN, dtype=np.float64)[tier - 1]
    spread = random.lognormal(-(known.LOAD_SIGMA**2) / 2, known.LOAD_SIGMA, count)
    load = mean_fen * spread // 100_00 * 100_00 + 100_00
    load = np.where(is_firm, factor * known.FIRM_CAPITAL_FEN * size, load).astype(np.int64)

    _employ(traits, random, payments_a_day)
    wage = (factor * known.WAGE_MEDIAN_FEN * random.lognormal(0, known.WAGE_SIGMA, count)).astype(np.int64)
    rent = factor * known.RENT_MEDIAN_FEN * random.lognormal(0, known.RENT_SIGMA, count)
    rent = (np.round(rent / 100_00) * 100_00).astype(np.int64)

    activity = np.array(known.ACTIVITY_BY_TIER)[tier - 1] * random.lognormal(0, known.ACTIVITY_SIGMA, count)
    activity[is_firm] *= known.FIRM_ACTIVITY / known.ACTIVITY_BY_TIER[0]
    activity[kind == VISITOR] *= known.VISITOR_ACTIVITY
    sells = known.PERSON_POPULARITY * (0.5 + random.pareto(known.PERSON_PARETO, count))
    popularity = np.where(is_firm, size, sells)

    group = coin.astype(np.int64) * zones + zone
    groups = [np.flatnonzero(group == number) for number in range(2 * zones)]
    return Residents(
        traits=traits,
        load_fen=load,
        wage_fen=wage,
        rent_fen=np.maximum(rent, 300_00),
        employer=_employers(group, traits, size, random, zones),
        payers=alias_table(activity),
        payees=np.concatenate([alias_table(popularity[rows]) for rows in groups]),
        members=np.concatenate(groups).astype(np.uint32),
        bounds=np.cumsum([0, *(len(rows) for rows in groups)]).astype(np.int64),
    )


def _zones(count: int, seed: int, also: Sequence[float]) -> NDArray[np.uint8]:
    """Return in which zone each of *count* lives; the first rows are four of each zone."""
    zones = 1 + len(also)
    # Their own numbers: whoever lives elsewhere is the same person as without anybody elsewhere.
    random = np.random.default_rng([seed, 13])
    zone = (np.searchsorted(np.cumsum(also), random.random(count), side="right") + 1) % zones
    start = min(count, 4 * zones)
    zone[:start] = np.arange(start) // 4
    return zone.astype(np.uint8)


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
    group: NDArray[np.int64],
    traits: NDArray[np.void],
    size: NDArray[np.float64],
    random: np.random.Generator,
    zones: int,
) -> NDArray[np.uint32]:
    """Return the firm that each of the salaried works for: of his group, or sometimes of any with his coin."""
    employer = np.full(len(traits), NOBODY, dtype=np.uint32)
    works_in = group
    if zones > 1:
        # Somebody else's zone, drawn by people: as many go from a large zone to a small one as come back.
        someone = random.integers(0, len(traits), len(traits))
        crosses = random.random(len(traits)) < known.CROSS_SHARE
        works_in = np.where(crosses, group // zones * zones + group[someone] % zones, group)
    for number in range(2 * zones):
        firms = np.flatnonzero((traits["kind"] == FIRM) & (group == number))
        salaried = np.flatnonzero((traits["flags"] & SALARIED != 0) & (works_in == number))
        if len(firms) and len(salaried):
            reach = np.cumsum(size[firms] ** known.EMPLOYEES_EXPONENT)
            chosen = np.searchsorted(reach, random.random(len(salaried)) * reach[-1], side="right")
            employer[salaried] = firms[np.minimum(chosen, len(firms) - 1)]
    return employer


def joined(count: int, days: int, start: int = 4) -> NDArray[np.int64]:
    """Return (days,) int64: how many of *count* accounts are open at the end of each day; all at the last.

    The first *start* are always there.
    """
    left = np.arange(days - 1, -1, -1) / 365
    found: NDArray[np.int64] = np.ceil(count * (1 + known.YEARLY_GROWTH) ** -left).astype(np.int64)
    return np.minimum(count, np.maximum(found, min(count, start)))
