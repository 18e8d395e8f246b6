"""Hong Kong: licensed issuers, the data that travels, full backing."""

from __future__ import annotations

import pytest

from jiaozi.rulebook.decide import Facts
from jiaozi.rulebook.model import Action

from .law_scenes import USUAL, ask, law, moment, scene

HONG_KONG: Facts = {
    **USUAL,
    "coin.peg": "HKD",
    "payment.place": "hk",
    "payer.zone": "hk",
    "payee.zone": "hk",
    "issuer.zone": "hk",
    "issuer.licences": frozenset({"hk"}),
    "issuer.consents": frozenset(),
}


@scene
def test_a_licensed_coin_may_be_paid_with_the_core_data_below_8000_dollars(
    answer: str, expected: str
) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin HKD, licensed by hk
    payer    resident in hk
    payee    resident in hk
    when     pay 7,999.99 in hk with core data
    then     allowed
    """
    assert answer == expected


@scene
def test_nine_thousand_dollars_need_the_full_data(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin HKD, licensed by hk
    payer    resident in hk
    payee    resident in hk
    when     pay 9,000.00 in hk with core data
    then     refused hk.pay/travel_full
    """
    assert answer == expected


@pytest.mark.parametrize(
    ("data", "cents", "against"),
    [
        ("none", 1, ("hk.pay/travel_core",)),
        ("none", 7_999_99, ("hk.pay/travel_core",)),
        ("none", 8_000_00, ("hk.pay/travel_core", "hk.pay/travel_full")),
        ("core", 7_999_99, ()),
        ("core", 8_000_00, ("hk.pay/travel_full",)),
        ("core", 8_000_01, ("hk.pay/travel_full",)),
        ("full", 7_999_99, ()),
        ("full", 8_000_00, ()),
        ("full", 8_000_01, ()),
    ],
)
def test_the_threshold_decides_which_data_must_travel_not_whether(
    data: str, cents: int, against: tuple[str, ...]
) -> None:
    facts = {
        **HONG_KONG,
        "payment.amount": cents,
        "payment.amount_hkd": cents,
        "payment.travel_data": data,
    }
    assert ask(law(), Action.PAY, facts, moment("2026-09-01 10:00")) == against


def test_full_data_is_enough_where_the_amount_in_dollars_is_not_known() -> None:
    facts = {**HONG_KONG, "payment.amount_hkd": None, "payment.travel_data": "full"}
    assert ask(law(), Action.PAY, facts, moment("2026-09-01 10:00")) == ()


def test_core_data_is_not_enough_where_the_amount_in_dollars_is_not_known() -> None:
    facts = {**HONG_KONG, "payment.amount_hkd": None, "payment.travel_data": "core"}
    expected = ("law/missing_fact", "hk.pay/travel_full")
    assert ask(law(), Action.PAY, facts, moment("2026-09-01 10:00")) == expected


@pytest.mark.parametrize(
    ("at", "against"),
    [("2025-07-31 23:59:59", ("hk/no_permit",)), ("2025-08-01 00:00:00", ())],
)
def test_the_ordinance_begins_at_midnight_of_its_day(at: str, against: tuple[str, ...]) -> None:
    for action in (Action.ISSUE, Action.PAY, Action.REDEEM):
        facts = {**HONG_KONG, "payment.amount_hkd": 1_00}
        assert ask(law(), action, facts, moment(at)) == against


@pytest.mark.parametrize("licences", [frozenset(), frozenset({"cn"}), frozenset({"cn-sh"})])
def test_a_licence_of_another_place_does_not_count(licences: frozenset[str]) -> None:
    facts = {**HONG_KONG, "issuer.licences": licences}
    expected = ("hk.issue/licensed_issuer",)
    assert ask(law(), Action.ISSUE, facts, moment("2026-09-01 10:00")) == expected


@pytest.mark.parametrize(
    ("reserve", "against"),
    [(1_000_99, ("hk.full_backing",)), (1_001_00, ()), (1_001_01, ())],
)
def test_no_coin_is_issued_that_the_reserve_does_not_back(reserve: int, against: tuple[str, ...]) -> None:
    facts = {
        **HONG_KONG,
        "issuer.coins_outstanding": 1_000_00,
        "issuer.reserve_value": reserve,
        "payment.amount": 1_00,
    }
    assert ask(law(), Action.ISSUE, facts, moment("2026-09-01 10:00")) == against


def test_a_reserve_that_fell_by_itself_stops_issuing_and_nothing_else() -> None:
    fallen = {
        **HONG_KONG,
        "issuer.coins_outstanding": 1_000_00,
        "issuer.reserve_value": 900_00,
        "payment.amount_hkd": 1_00,
    }
    at = moment("2026-09-01 10:00")
    assert ask(law(), Action.ISSUE, fallen, at) == ("hk.full_backing",)
    assert ask(law(), Action.PAY, fallen, at) == ()
    assert ask(law(), Action.REDEEM, fallen, at) == ()


def test_a_reserve_that_is_not_known_backs_nothing() -> None:
    facts = {**HONG_KONG, "issuer.reserve_value": None}
    assert ask(law(), Action.ISSUE, facts, moment("2026-09-01 10:00")) == ("hk.full_backing",)


@pytest.mark.parametrize("action", [Action.ISSUE, Action.REDEEM])
def test_full_backing_is_not_taken_on_trust_when_the_amount_is_unknown(action: Action) -> None:
    facts = {**HONG_KONG, "payment.amount": None}
    assert ask(law(), action, facts, moment("2026-09-01 10:00")) == ("hk.full_backing",)


def test_what_moves_no_coins_cannot_break_the_backing() -> None:
    facts = {**HONG_KONG, "issuer.coins_outstanding": 100_00, "issuer.reserve_value": 99_00}
    assert "hk.full_backing" not in ask(law(), Action.HOLD, facts, moment("2026-09-01 10:00"))
    assert "hk.full_backing" in ask(law(), Action.ISSUE, facts, moment("2026-09-01 10:00"))
