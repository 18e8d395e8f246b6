"""Holders and a day of their payments, from a seed: the same seed gives the same day.

People pay each other and shops; shops are few and popular; amounts are small
with a heavy tail; the day has two peaks. Some ask for more than their tier
allows, some are visitors whom the pilot does not admit: the ledger has to have
something to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jiaozi.money import format_fen

TIER_SHARES = (0.05, 0.35, 0.35, 0.25)
"""Tiers 1 to 4. Most wallets of the e-CNY are opened with a phone number or an identity document."""

FIRM_SHARE, VISITOR_SHARE = 0.04, 0.01
LOAD_FEN = (4_000_00, 6_000_00, 3_000_00, 900_00)
"""What a wallet of each tier is loaded with, on average."""

MEDIAN_PAYMENT_FEN = 28_00
PAYMENT_SIGMA = 1.6
HOURLY = (1, 1, 1, 1, 1, 2, 4, 8, 9, 7, 7, 10, 11, 8, 6, 6, 7, 10, 12, 10, 7, 5, 3, 2)
"""Weight of each hour of the day: a morning, a noon and an evening peak."""

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "明华丽芳伟强静敏杰婷磊洋艳勇军娟涛超秀霞平刚桂英"
TRADES = ("茶馆", "书店", "面馆", "花店", "药房", "修车铺", "超市", "咖啡馆")


@dataclass(frozen=True, slots=True)
class Population:
    """Holders by column, each (n,): kind and tier are words' codes from 1, load in fen, weight as a payee."""

    kind: NDArray[np.uint8]
    tier: NDArray[np.uint8]
    load_fen: NDArray[np.int64]
    popularity: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """Payments of a day in order, each (m,): payer, payee (rows of the population), second of the day."""

    payer: NDArray[np.int64]
    payee: NDArray[np.int64]
    amount_fen: NDArray[np.int64]
    second: NDArray[np.int64]


RESIDENT, FIRM, VISITOR = 1, 2, 3


def people(count: int, seed: int) -> Population:
    """Return *count* holders."""
    random = np.random.default_rng([seed, 1])
    kind = random.choice([RESIDENT, FIRM, VISITOR], size=count, p=_shares()).astype(np.uint8)
    tier = random.choice(np.arange(1, 5), size=count, p=TIER_SHARES).astype(np.uint8)
    tier[kind == FIRM] = 1
    tier[kind == VISITOR] = 4
    mean = np.array(LOAD_FEN, dtype=np.float64)[tier - 1]
    load = (mean * random.lognormal(-0.125, 0.5, count)).astype(np.int64) // 100 * 100 + 100_00
    popularity = random.pareto(2.2, count) + 0.5
    popularity[kind == FIRM] = 40 * (random.pareto(1.2, int((kind == FIRM).sum())) + 0.05)
    names = _names(kind, random)
    return Population(kind, tier, load, popularity, names)


def payments(population: Population, count: int, seed: int, *, from_hour: int = 0) -> Day:
    """Return *count* payments of one day from *from_hour* on, in the order of their seconds."""
    random = np.random.default_rng([seed, 2])
    size = len(population.kind)
    # Those who have more pay more often; shops are paid and seldom pay.
    weight = (
        np.where(population.kind == FIRM, 0.2, 1.0) * population.load_fen * random.lognormal(0, 0.6, size)
    )
    payer = random.choice(size, size=count, p=weight / weight.sum())
    payee = random.choice(size, size=count, p=population.popularity / population.popularity.sum())
    payee = np.where(payee == payer, (payee + 1) % size, payee)
    spread = random.lognormal(np.log(MEDIAN_PAYMENT_FEN), PAYMENT_SIGMA, count)
    # One in eight rounds to whole yuan, as people do when they pay each other.
    amount = np.maximum(1, spread.astype(np.int64))
    amount = np.where(random.random(count) < 0.125, np.maximum(1_00, amount // 1_00 * 1_00), amount)
    rhythm = np.array(HOURLY[from_hour:])
    hour = from_hour + random.choice(len(rhythm), size=count, p=rhythm / rhythm.sum())
    second = np.sort(hour * 3_600 + random.integers(0, 3_600, count))
    return Day(payer, payee, amount, second)


def _shares() -> tuple[float, float, float]:
    return 1 - FIRM_SHARE - VISITOR_SHARE, FIRM_SHARE, VISITOR_SHARE


def _names(kind: NDArray[np.uint8], random: np.random.Generator) -> tuple[str, ...]:
    """Return invented names: two or three characters for a person, a name and a trade for a shop."""
    draws = random.integers(0, 10_000, size=(len(kind), 4))
    found = []
    for row, (a, b, c, d) in zip(kind, draws.tolist(), strict=True):
        surname, given = SURNAMES[a % len(SURNAMES)], GIVEN[b % len(GIVEN)]
        if row == FIRM:
            found.append(f"{surname}{given}{TRADES[c % len(TRADES)]}")
        else:
            found.append(f"{surname}{given}{GIVEN[c % len(GIVEN)] if d % 3 else ''}")
    return tuple(found)


def summary(population: Population) -> str:
    """Return who is in *population*, in one line."""
    tiers = np.bincount(population.tier, minlength=5)[1:]
    parts = [f"tier {tier}: {count:,}" for tier, count in enumerate(tiers, start=1)]
    firms = int((population.kind == FIRM).sum())
    visitors = int((population.kind == VISITOR).sum())
    loaded = format_fen(int(population.load_fen.sum()))
    return f"{', '.join(parts)}; {firms:,} of them firms, {visitors:,} visitors; {loaded} to load"
