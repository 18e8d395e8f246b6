"""Mainland China: the ban of 2021, Notice 42 of 2026, and the one gate in it."""

from __future__ import annotations

import pytest

from jiaozi.rulebook.model import Action

from .law_scenes import USUAL, ask, law, moment, scene


@scene
def test_in_2025_a_payment_in_the_mainland_falls_under_the_ban_of_2021(answer: str, expected: str) -> None:
    """
    law      in force, at 2025-01-01 10:00
    payer    resident in cn
    payee    resident in cn
    when     pay 1,500.00 in cn
    then     refused cn.virtual_currency_2021, cn/no_permit
    """
    assert answer == expected


@scene
def test_in_2026_the_same_payment_falls_under_notice_42(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-06-01 10:00
    payer    resident in cn
    payee    resident in cn
    when     pay 1,500.00 in cn
    then     refused cn.virtual_currency, cn/no_permit
    """
    assert answer == expected


@scene
def test_before_any_ban_nothing_permitted_it_either(answer: str, expected: str) -> None:
    """
    law      in force, at 2021-09-23 23:59:59
    when     pay 1,500.00 in cn-sh
    then     refused cn/no_permit
    """
    assert answer == expected


@pytest.mark.parametrize("action", [Action.ISSUE, Action.PAY, Action.REDEEM])
@pytest.mark.parametrize(
    ("at", "ban"),
    [
        ("2021-09-23 23:59:59", ()),
        ("2021-09-24 00:00:00", ("cn.virtual_currency_2021",)),
        ("2026-02-05 23:59:59", ("cn.virtual_currency_2021",)),
        ("2026-02-06 00:00:00", ("cn.virtual_currency",)),
        ("2200-01-01 00:00:00", ("cn.virtual_currency",)),
    ],
)
def test_one_ban_follows_the_other_to_the_second(action: Action, at: str, ban: tuple[str, ...]) -> None:
    assert ask(law(), action, USUAL, moment(at)) == (*ban, "cn/no_permit")


@scene
def test_a_licensed_issuer_in_hong_kong_may_not_issue_a_yuan_coin_without_consent(
    answer: str, expected: str
) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin CNY, licensed by hk, consent of nobody
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     refused cn.yuan_peg_abroad
    """
    assert answer == expected


@scene
def test_with_consent_it_may(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin CNY, licensed by hk, consent of cn
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     allowed
    """
    assert answer == expected


@scene
def test_a_day_before_notice_42_it_needed_no_consent(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-02-05 23:59:59
    issuer   in hk, coin CNY, licensed by hk, consent of nobody
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     allowed
    """
    assert answer == expected


@scene
def test_a_consent_that_is_not_known_is_no_consent(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-02-06 00:00:00
    issuer   in hk, coin CNY, licensed by hk, consent of hk
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     refused cn.yuan_peg_abroad
    """
    assert answer == expected


@scene
def test_a_consent_does_not_stand_in_for_the_licence(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin CNY, licensed by nobody, consent of cn
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     refused hk.issue/licensed_issuer
    """
    assert answer == expected


@scene
def test_a_dollar_coin_in_hong_kong_is_no_matter_of_the_mainland(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin HKD, licensed by hk, consent of nobody
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     allowed
    """
    assert answer == expected


@scene
def test_a_mainland_firm_abroad_needs_consent_for_any_coin(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in cn-sh, coin HKD, licensed by hk, consent of nobody
    payer    registered firm in hk
    payee    registered firm in hk
    when     issue 1,000,000.00 in hk
    then     refused cn.virtual_currency, cn.controlled_abroad, cn/no_permit
    """
    assert answer == expected


@scene
def test_paying_and_redeeming_a_yuan_coin_abroad_is_not_what_the_gate_is_about(
    answer: str, expected: str
) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin CNY, licensed by hk, consent of nobody
    payer    resident in hk
    payee    resident in hk
    when     redeem 1,000.00 in hk
    then     allowed
    """
    assert answer == expected


@scene
def test_a_payment_across_the_border_asks_both_laws(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin HKD, licensed by hk
    payer    resident in hk
    payee    resident in cn
    when     pay 100.00 in hk with full data
    then     refused cn.virtual_currency, cn/no_permit
    """
    assert answer == expected


@scene
def test_a_place_that_is_not_known_is_denied_and_says_so(answer: str, expected: str) -> None:
    """
    law      in force, at 2026-09-01 10:00
    issuer   in hk, coin HKD, licensed by hk
    payer    resident in hk
    payee    resident in atlantis
    when     pay 100.00 in hk with full data
    then     refused law/unknown_place
    """
    assert answer == expected
