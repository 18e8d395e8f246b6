"""A refusal names the rule, what was compared, the article, and since when."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.telling.explain import Explained, explain, label, line

from .law_scenes import USUAL, law, moment

AT = "2027-02-01 10:00"
PILOT = law("cn-sh")
HK: Facts = {
    **USUAL,
    "coin.peg": "HKD",
    "payment.place": "hk",
    "payer.zone": "hk",
    "payee.zone": "hk",
    "issuer.zone": "hk",
    "issuer.licences": frozenset({"hk"}),
}


def refused(action: Action, facts: Facts, *, book: Book = PILOT, at: str = AT) -> tuple[Explained, ...]:
    reasons = decide(book, action, facts, moment(at)).reasons
    return explain(book, action, facts, moment(at), reasons)


def lines(
    action: Action, facts: Facts, language: str = "en", *, book: Book = PILOT, at: str = AT
) -> list[str]:
    return [line(found, language) for found in refused(action, facts, book=book, at=at)]


def test_an_allowed_payment_has_nothing_to_explain() -> None:
    assert refused(Action.PAY, USUAL) == ()


def test_a_cap_shows_the_sum_the_cap_and_the_article() -> None:
    facts = {**USUAL, "payer.tier": "t4", "payer.paid_today": 4_200_00, "payment.amount": 1_500_00}
    assert lines(Action.PAY, facts) == [
        "refused  cn-sh.pay/daily_cap   4,200.00 + 1,500.00 > 5,000.00 CNY   "
        "sh-pilot art 7(3), from 2026-12-01 [DRAFT]"
    ]
    assert lines(Action.PAY, facts, "zh") == [
        "拒绝  cn-sh.pay/daily_cap   4,200.00 + 1,500.00 > 5,000.00 CNY   "
        "sh-pilot art 7(3)，拟自2026-12-01起适用 [草案]"
    ]


def test_a_draft_is_never_said_to_be_in_force() -> None:
    facts = {**USUAL, "payer.tier": "t4", "payment.amount": 2_000_01}
    assert "in force" not in lines(Action.PAY, facts)[0]
    assert "施行" not in lines(Action.PAY, facts, "zh")[0]


def test_a_refusal_carries_everything_a_page_needs() -> None:
    (found,) = refused(Action.PAY, {**USUAL, "payer.tier": "t4", "payment.amount": 2_000_01})
    assert found.reason == "cn-sh.pay/single_cap"
    assert found.title == {"en": "the payment stays within the cap on one payment", "zh": "不超过单笔限额"}
    assert str(found.cite) == str(found.value_cite) == "sh-pilot art 7(1)"
    assert found.source == PILOT.sources["sh-pilot"]
    assert found.since == found.value_since == date(2026, 12, 1)
    assert found.is_draft


def test_a_reformed_cap_is_shown_with_its_own_article_and_day() -> None:
    reform = '[[limit.single]]\nfrom = 2027-07-01\ncite = "sh-pilot notice 2 art 1"\nCNY = { t4 = 1_000 }\n'
    texts = {**PILOT.texts, "cn-sh.toml": f"{PILOT.texts['cn-sh.toml']}\n{reform}"}
    book = read(texts, drafts=["cn-sh"])
    facts = {**USUAL, "payer.tier": "t4", "payment.amount": 1_500_00}
    assert lines(Action.PAY, facts, book=book, at="2027-06-30 23:59:59") == []
    assert lines(Action.PAY, facts, book=book, at="2027-07-01 00:00:00") == [
        "refused  cn-sh.pay/single_cap   1,500.00 > 1,000.00 CNY   sh-pilot art 7(1), from "
        "2026-12-01; value of sh-pilot notice 2 art 1, since 2027-07-01 [DRAFT]"
    ]
    # A tier that the reform does not name keeps its value, its article and its day.
    third = {**USUAL, "payer.tier": "t3", "payment.amount": 5_000_01}
    assert lines(Action.PAY, third, book=book, at="2027-07-01 00:00:00") == [
        "refused  cn-sh.pay/single_cap   5,000.01 > 5,000.00 CNY   sh-pilot art 7(1), from 2026-12-01 [DRAFT]"
    ]


def test_a_word_shows_what_was_found_and_what_was_needed() -> None:
    (found,) = refused(Action.PAY, {**USUAL, "payer.kind": "visitor"})
    assert found.compared == {
        "en": "the payer is a visitor; needed: a resident or a registered firm",
        "zh": "付款人为访客；须为：居民或登记企业",
    }


def test_a_licence_shows_where_it_is_missing() -> None:
    (found,) = refused(Action.ISSUE, {**HK, "issuer.licences": frozenset({"cn-sh"})})
    assert found.compared == {"en": "the issuer is not licensed in Hong Kong", "zh": "发行人未持有香港牌照"}
    assert line(found, "en") == (
        "refused  hk.issue/licensed_issuer   the issuer is not licensed in Hong Kong   "
        "hk-so s 8, in force since 2025-08-01"
    )


def test_a_choice_shows_both_ways_that_were_not_met() -> None:
    facts = {
        **HK,
        "payment.amount": 9_000_00,
        "payment.amount_hkd": 9_000_00,
        "payment.travel_data": "core",
    }
    (found,) = refused(Action.PAY, facts)
    assert found.compared["en"] == (
        "the data that travels with the payment is the core set; needed: the full set, "
        "and 9,000.00 >= 8,000.00 HKD"
    )
    assert not found.is_draft


def test_a_ban_shows_why_it_applies_and_the_consent_it_did_not_find() -> None:
    facts = {**HK, "coin.peg": "CNY", "issuer.consents": frozenset()}
    (found,) = refused(Action.ISSUE, facts, book=law())
    assert found.compared == {
        "en": "the currency the coin is pegged to is CNY; the place of the payment is Hong Kong; "
        "the authorities of Mainland China have not consented",
        "zh": "代币挂钩货币为CNY；交易发生地为香港；中国内地主管部门未同意",
    }
    assert (str(found.cite), found.since, found.value_cite) == ("cn-42 art 1", date(2026, 2, 6), None)


def test_a_ban_without_conditions_shows_its_title() -> None:
    first, second = lines(Action.PAY, USUAL, book=law(), at="2026-09-01 10:00")
    assert first == (
        "refused  cn.virtual_currency   Issuing, paying and exchanging virtual currency in the mainland "
        "stays illegal   cn-42 art 1, in force since 2026-02-06"
    )
    assert second == "refused  cn/no_permit   Nothing in the law of Mainland China permits this on that day"


def test_what_must_always_hold_is_shown_as_it_would_be_afterwards() -> None:
    facts = {
        **HK,
        "issuer.coins_outstanding": 900_00,
        "issuer.reserve_value": 1_000_00,
        "payment.amount": 101_00,
    }
    (found,) = refused(Action.ISSUE, facts)
    assert found.reason == "hk.full_backing"
    assert found.compared == {"en": "1,000.00 < 1,001.00 HKD", "zh": "1,000.00 < 1,001.00 HKD"}


def test_a_missing_fact_is_named() -> None:
    missing, *others = refused(Action.PAY, {**USUAL, "payer.tier": None, "payer.paid_today": None})
    assert missing.compared == {
        "en": "not known: the payer's wallet tier, what the payer has paid today",
        "zh": "不明：付款人钱包等级、付款人当日已付金额",
    }
    assert others[0].compared["en"] == "not known: the payer's wallet tier"
    assert (missing.cite, missing.source, missing.since) == (None, None, None)


def test_a_value_that_is_not_set_for_a_currency_is_named() -> None:
    missing, *_ = refused(Action.ISSUE, {**USUAL, "coin.peg": "USD"})
    assert missing.compared["en"] == "not known: the cap on a balance"


def test_an_unknown_place_is_named() -> None:
    (found,) = refused(Action.PAY, {**USUAL, "payee.zone": "atlantis", "issuer.zone": None})
    assert found.compared["en"] == "not known: the issuer's home, the payee's zone"


def test_the_largest_sums_are_shown_in_full() -> None:
    facts = {**USUAL, "payer.tier": "t4", "payer.paid_this_year": MAX_FEN, "payment.amount": MAX_FEN}
    annual = refused(Action.PAY, facts)[-1]
    assert annual.compared["en"] == "1,000,000,000,000,000.00 + 1,000,000,000,000,000.00 > 50,000.00 CNY"


def test_reasons_come_in_the_order_in_which_they_were_given() -> None:
    names = ("hk.full_backing", "cn.virtual_currency", "law/missing_fact")
    found = explain(PILOT, Action.PAY, USUAL, moment(AT), names)
    assert tuple(explained.reason for explained in found) == names


@pytest.mark.parametrize("reason", ["us.gone", "cn-sh.pay/gone", "us/no_permit", "", "/", "law/gone"])
def test_a_reason_of_another_law_is_said_to_be_so(reason: str) -> None:
    (found,) = explain(PILOT, Action.PAY, USUAL, moment(AT), [reason])
    assert found.title["en"] == f"{reason} (not a rule of this law)"
    assert label(PILOT, reason).title == found.title
    assert label(PILOT, reason).cite == ""


def test_a_label_names_the_article_without_the_facts() -> None:
    found = label(PILOT, "cn-sh.pay/annual_cap")
    assert (found.title["zh"], found.cite, found.is_draft) == ("不超过年累计限额", "sh-pilot art 7(4)", True)
    assert found.source == PILOT.sources["sh-pilot"]
    assert label(PILOT, "hk.full_backing").cite == "hk-sg para 2.2.1"
    assert label(PILOT, "cn.virtual_currency").is_draft is False
    assert label(PILOT, "hk/no_permit").source is None
