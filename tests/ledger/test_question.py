"""Asking beforehand and posting give the same answer: the facts in words are the facts in numbers."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from jiaozi.errors import FactError
from jiaozi.ledger.facts import CoinCreated, IssuerRegistered
from jiaozi.ledger.results import Result
from jiaozi.rulebook.model import Action
from tests.world import COIN, HOLDERS, ZONE, World, at, found, order


def test_what_the_law_would_say_is_what_it_says(tmp_path: Path) -> None:
    world = found(tmp_path)
    _give_coins(world)
    dice = random.Random(20_261_215)
    names = list(HOLDERS)
    asked = refused = 0
    for day in range(40):
        world.clock.set(at(f"{date(2026, 12, 16) + timedelta(days=day)} 09:00"))
        for _ in range(12):
            payer, payee = (world.holders[name] for name in dice.sample(names, 2))
            amount = dice.choice([1, 50_00, 1_999_99, 2_000_01, 4_000_00, 9_000_00, 60_000_00])
            place, travel = dice.choice([(ZONE, ""), (ZONE, "core"), ("cn", ""), ("hk", "full")])
            foreseen = world.office.ask(Action.PAY, payer, payee, amount, place=place, travel_data=travel)
            outcome = world.office.pay(payer, payee, amount, place=place, travel_data=travel)
            reasons = world.office.ledger.reasons(outcome, 0)
            assert tuple(each.reason for each in foreseen) == reasons
            assert (outcome.results[0] == Result.REFUSED_BY_LAW) == bool(reasons)
            asked, refused = asked + 1, refused + bool(reasons)
    world.office.close()
    assert 0 < refused < asked


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../etc", "a/b", "x" * 65, "-x", "é"])
def test_a_coin_or_an_issuer_has_a_name_that_can_be_a_file(name: str, tmp_path: Path) -> None:
    world = found(tmp_path)
    with pytest.raises(FactError, match="lower case letters"):
        world.office.ledger.record(IssuerRegistered(name, ZONE))
    with pytest.raises(FactError, match="lower case letters"):
        world.office.ledger.record(CoinCreated(name, "pujiang-pay", "CNY"))
    world.office.close()


def _give_coins(world: World) -> None:
    from jiaozi.bank import EXAMPLES

    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    for name, fen in (("Li", 8_000_00), ("Wang", 15_000_00), ("Zhao", 200_000_00), ("Tea house", 500_000_00)):
        assert world.pay("Distributor", name, fen)[0] == "created"
