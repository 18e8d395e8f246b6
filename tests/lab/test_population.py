"""A population from a seed: the same seed, the same people and the same day."""

from __future__ import annotations

import numpy as np
import pytest

from jiaozi.lab.population import FIRM, VISITOR, payments, people, summary
from jiaozi.money import MAX_FEN


def test_the_same_seed_gives_the_same_people_and_the_same_day() -> None:
    one, other = people(2_000, 7), people(2_000, 7)
    assert one.names == other.names
    assert np.array_equal(one.load_fen, other.load_fen)
    first, second = payments(one, 5_000, 7), payments(other, 5_000, 7)
    for column in ("payer", "payee", "amount_fen", "second"):
        assert np.array_equal(getattr(first, column), getattr(second, column))
    assert not np.array_equal(first.payer, payments(one, 5_000, 8).payer)


def test_nobody_pays_himself_and_every_amount_is_one() -> None:
    day = payments(people(500, 1), 20_000, 1)
    assert (day.payer != day.payee).all()
    assert day.amount_fen.min() >= 1
    assert day.amount_fen.max() < MAX_FEN


def test_the_day_is_in_order_and_begins_when_it_is_told_to() -> None:
    day = payments(people(500, 1), 20_000, 1, from_hour=8)
    assert (np.diff(day.second) >= 0).all()
    assert day.second.min() >= 8 * 3_600
    assert day.second.max() < 24 * 3_600


def test_shops_are_paid_more_often_than_people() -> None:
    population = people(5_000, 3)
    day = payments(population, 50_000, 3)
    received = np.bincount(day.payee, minlength=5_000)
    assert received[population.kind == FIRM].mean() > 5 * received[population.kind != FIRM].mean()


def test_firms_and_visitors_have_the_tier_the_pilot_gives_them() -> None:
    population = people(5_000, 3)
    assert (population.tier[population.kind == FIRM] == 1).all()
    assert (population.tier[population.kind == VISITOR] == 4).all()
    assert "visitors" in summary(population)


@pytest.mark.parametrize("seed", range(5))
def test_names_are_invented_for_everyone(seed: int) -> None:
    population = people(100, seed)
    assert len(population.names) == 100
    assert all(population.names)
