"""The invented pilot in Shanghai: who takes part, how much, until when, and the way out."""

from __future__ import annotations

import pytest

from jiaozi.money import MAX_FEN
from jiaozi.rulebook.model import Action

from .law_scenes import USUAL, ask, law, moment, scene

DAY = "2027-02-01 10:00"


@scene
def test_a_payment_within_every_cap_is_allowed(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    payer    resident in cn-sh, tier t4, paid 3,000.00 today, paid 48,000.00 this year
    payee    registered firm in cn-sh, tier t2
    when     pay 1,500.00 in cn-sh
    then     allowed
    """
    assert answer == expected


@scene
def test_the_annual_cap_counts_what_was_paid_this_year(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    payer    resident in cn-sh, tier t4, paid 49,000.00 this year
    payee    registered firm in cn-sh, tier t2
    when     pay 1,500.00 in cn-sh
    then     refused cn-sh.pay/annual_cap
    """
    assert answer == expected


@scene
def test_who_may_not_take_part_comes_before_how_much(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    payer    visitor in cn-sh, tier t4, paid 49,000.00 this year
    payee    registered firm in cn-sh, tier t2
    when     pay 2,500.00 in cn-sh
    then     refused cn-sh.pay/known_payer, cn-sh.pay/single_cap, cn-sh.pay/annual_cap
    """
    assert answer == expected


@scene
def test_a_draft_that_is_not_named_takes_no_part(answer: str, expected: str) -> None:
    """
    law      in force, at 2027-02-01 10:00
    payer    resident in cn-sh
    payee    resident in cn-sh
    when     pay 1,500.00 in cn-sh
    then     refused cn.virtual_currency, cn/no_permit
    """
    assert answer == expected


@scene
def test_a_payee_outside_the_zone_falls_back_under_the_ban(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    payer    resident in cn-sh, tier t4
    payee    resident in cn, tier t4
    when     pay 1,500.00 in cn-sh
    then     refused cn.virtual_currency, cn/no_permit
    """
    assert answer == expected


@scene
def test_issuing_in_the_zone_needs_the_consent(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    issuer   in cn-sh, coin CNY, licensed by cn-sh, consent of nobody
    payee    registered firm in cn-sh, tier t1
    when     issue 1,000,000.00 in cn-sh
    then     refused cn-sh.issue/consent
    """
    assert answer == expected


@scene
def test_only_a_yuan_coin_is_issued_there(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    issuer   in cn-sh, coin USD, licensed by cn-sh, consent of cn
    payee    registered firm in cn-sh, tier t1
    when     issue 1,000,000.00 in cn-sh
    then     refused law/missing_fact, cn-sh.issue/yuan_coin, cn-sh.issue/balance_cap
    """
    assert answer == expected


@scene
def test_a_tier_that_is_not_known_has_no_cap_and_is_denied(answer: str, expected: str) -> None:
    """
    law      with the draft cn-sh, at 2027-02-01 10:00
    payer    resident in cn-sh, tier unknown
    when     pay 0.01 in cn-sh
    then     refused law/missing_fact, cn-sh.pay/single_cap, cn-sh.pay/daily_cap, cn-sh.pay/annual_cap
    """
    assert answer == expected


def test_a_kind_of_person_the_law_does_not_know_is_not_known() -> None:
    facts = {**USUAL, "payer.kind": "robot"}
    expected = ("law/missing_fact", "cn-sh.pay/known_payer")
    assert ask(law("cn-sh"), Action.PAY, facts, moment(DAY)) == expected


# -- each cap, one fen below, at, and one fen above -----------------------------------------

CAPS = {
    "single_cap": {"t2": 50_000_00, "t3": 5_000_00, "t4": 2_000_00},
    "balance_cap": {"t2": 500_000_00, "t3": 20_000_00, "t4": 10_000_00},
    "daily_cap": {"t2": 100_000_00, "t3": 10_000_00, "t4": 5_000_00},
    "annual_cap": {"t3": 200_000_00, "t4": 50_000_00},
}
COUNTED = {
    "balance_cap": "payee.balance",
    "daily_cap": "payer.paid_today",
    "annual_cap": "payer.paid_this_year",
}
EACH_CAP = [(need, tier, cap) for need, tiers in CAPS.items() for tier, cap in tiers.items()]


@pytest.mark.parametrize(("need", "tier", "cap"), EACH_CAP)
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_cap_holds_to_the_fen(need: str, tier: str, cap: int, over: int) -> None:
    facts = {**USUAL, "payment.amount": cap + over if need == "single_cap" else 1_000_00}
    facts["payee.tier" if need == "balance_cap" else "payer.tier"] = tier
    if need in COUNTED:
        facts[COUNTED[need]] = cap + over - 1_000_00
    expected = (f"cn-sh.pay/{need}",) if over > 0 else ()
    assert ask(law("cn-sh"), Action.PAY, facts, moment(DAY)) == expected


@pytest.mark.parametrize("tier", ["t2", "t3", "t4"])
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_cap_on_a_balance_holds_for_buying_too(tier: str, over: int) -> None:
    bought = CAPS["balance_cap"][tier] + over
    facts = {**USUAL, "payee.tier": tier, "payment.amount": bought}
    expected = ("cn-sh.issue/balance_cap",) if over > 0 else ()
    assert ask(law("cn-sh"), Action.ISSUE, facts, moment(DAY)) == expected


def test_tier_1_pays_without_a_cap_up_to_the_largest_amount() -> None:
    facts = {
        **USUAL,
        "payment.amount": MAX_FEN,
        "payer.paid_today": MAX_FEN,
        "payer.paid_this_year": MAX_FEN,
        "payee.balance": MAX_FEN,
    }
    assert ask(law("cn-sh"), Action.PAY, facts, moment(DAY)) == ()


def test_tier_2_has_no_cap_on_a_year() -> None:
    facts = {**USUAL, "payer.tier": "t2", "payer.paid_this_year": MAX_FEN}
    assert ask(law("cn-sh"), Action.PAY, facts, moment(DAY)) == ()


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_supply_stays_within_the_cap_of_the_consent(over: int) -> None:
    facts = {
        **USUAL,
        "issuer.supply_cap": 1_000_000_00,
        "issuer.coins_outstanding": 900_000_00,
        "payment.amount": 100_000_00 + over,
    }
    expected = ("cn-sh.issue/supply_cap",) if over > 0 else ()
    assert ask(law("cn-sh"), Action.ISSUE, facts, moment(DAY)) == expected


def test_a_consent_without_a_cap_on_supply_is_not_complete() -> None:
    facts = {**USUAL, "issuer.supply_cap": None}
    expected = ("law/missing_fact", "cn-sh.issue/supply_cap")
    assert ask(law("cn-sh"), Action.ISSUE, facts, moment(DAY)) == expected


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_every_coin_is_backed_in_full(over: int) -> None:
    facts = {
        **USUAL,
        "issuer.coins_outstanding": 900_00,
        "issuer.reserve_value": 1_000_00,
        "payment.amount": 100_00 + over,
    }
    expected = ("cn-sh.full_backing",) if over > 0 else ()
    assert ask(law("cn-sh"), Action.ISSUE, facts, moment(DAY)) == expected


# -- from when, until when, and the way out --------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-30 23:59:59", False),
        ("2026-12-01 00:00:00", True),
        ("2028-11-30 23:59:59", True),
        ("2028-12-01 00:00:00", False),
    ],
)
@pytest.mark.parametrize("action", [Action.ISSUE, Action.PAY])
def test_the_pilot_begins_and_ends_at_midnight(action: Action, at: str, is_open: bool) -> None:
    expected = () if is_open else ("cn.virtual_currency", "cn/no_permit")
    assert ask(law("cn-sh"), action, USUAL, moment(at)) == expected


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-30 23:59:59", False),
        ("2026-12-01 00:00:00", True),
        ("2028-12-01 00:00:00", True),
        ("2029-05-31 23:59:59", True),
        ("2029-06-01 00:00:00", False),
    ],
)
def test_the_way_out_outlasts_the_pilot_by_half_a_year(at: str, is_open: bool) -> None:
    expected = () if is_open else ("cn.virtual_currency", "cn/no_permit")
    assert ask(law("cn-sh"), Action.REDEEM, USUAL, moment(at)) == expected


@pytest.mark.parametrize("kind", ["resident", "registered firm", "visitor", None])
@pytest.mark.parametrize("tier", ["t1", "t4", None])
def test_whoever_holds_coins_may_redeem_them(kind: str | None, tier: str | None) -> None:
    facts = {**USUAL, "payer.kind": kind, "payer.tier": tier, "payment.amount": MAX_FEN, "payer.zone": "cn"}
    assert ask(law("cn-sh"), Action.REDEEM, facts, moment("2029-01-01 00:00")) == ()
