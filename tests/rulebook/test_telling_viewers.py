"""Who reads a refusal sees his own side of it; what is no law, unsure or still to come is said to be so."""

from __future__ import annotations

import pytest

from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.telling.explain import Explained, Viewer, explain, line

from .law_scenes import USUAL, law, moment, shipped

AT = "2027-02-01 10:00"
PILOT = law("cn-sh")

OVER_THE_DAY: Facts = {**USUAL, "payer.tier": "t4", "payer.paid_today": 4_321_00, "payment.amount": 1_500_00}
TOO_RICH: Facts = {**USUAL, "payee.tier": "t4", "payee.balance": 9_876_54, "payment.amount": 1_500_00}

PAYER_HIDDEN = {"en": "something on the payer's side stands in the way", "zh": "付款人一方存在限制"}
PAYEE_HIDDEN = {"en": "something on the payee's side stands in the way", "zh": "收款人一方存在限制"}


def told(
    facts: Facts,
    viewer: Viewer = Viewer.SUPERVISOR,
    *,
    book: Book = PILOT,
    action: Action = Action.PAY,
    at: str = AT,
) -> tuple[Explained, ...]:
    decision = decide(book, action, facts, moment(at))
    return explain(book, action, facts, moment(at), decision.reasons, viewer)


def lines(found: tuple[Explained, ...], language: str = "en") -> str:
    return "\n".join(line(each, language) for each in found)


# -- payer, payee, supervisor -----------------------------------------------------------------


@pytest.mark.parametrize("viewer", [Viewer.PAYER, Viewer.SUPERVISOR])
def test_the_payer_and_the_supervisor_see_the_payers_sums(viewer: Viewer) -> None:
    (cap,) = told(OVER_THE_DAY, viewer)
    assert cap.reason == "cn-sh.pay/daily_cap"
    assert cap.compared["en"] == "4,321.00 + 1,500.00 > 5,000.00 CNY"
    assert str(cap.value_cite) == "sh-pilot art 7(3)"


def test_the_payee_sees_only_that_the_payers_side_stands_in_the_way() -> None:
    (cap,) = told(OVER_THE_DAY, Viewer.PAYEE)
    assert cap.compared == PAYER_HIDDEN
    assert (cap.value_cite, cap.value_since) == (None, None)
    assert str(cap.cite) == "sh-pilot art 7(3)"


@pytest.mark.parametrize("viewer", [Viewer.PAYEE, Viewer.SUPERVISOR])
def test_the_payee_and_the_supervisor_see_the_payees_balance(viewer: Viewer) -> None:
    (cap,) = told(TOO_RICH, viewer)
    assert cap.reason == "cn-sh.pay/balance_cap"
    assert cap.compared["zh"] == "9,876.54 + 1,500.00 > 10,000.00 CNY"


def test_the_payer_sees_only_that_the_payees_side_stands_in_the_way() -> None:
    (cap,) = told(TOO_RICH, Viewer.PAYER)
    assert cap.compared == PAYEE_HIDDEN


def test_the_kind_of_the_other_party_is_hidden_too() -> None:
    facts = {**USUAL, "payer.kind": "visitor", "payee.kind": "visitor"}
    payer = {each.reason: each.compared["en"] for each in told(facts, Viewer.PAYER)}
    assert "a visitor" in payer["cn-sh.pay/known_payer"]
    assert payer["cn-sh.pay/known_payee"] == PAYEE_HIDDEN["en"]
    payee = {each.reason: each.compared["en"] for each in told(facts, Viewer.PAYEE)}
    assert payee["cn-sh.pay/known_payer"] == PAYER_HIDDEN["en"]
    assert "a visitor" in payee["cn-sh.pay/known_payee"]


SECRETS: Facts = {
    **USUAL,
    "payer.kind": "visitor",
    "payer.tier": "t4",
    "payer.balance": 11_111_11,
    "payer.paid_today": 22_222_22,
    "payer.paid_this_year": 33_333_33,
    "payee.kind": "visitor",
    "payee.tier": "t4",
    "payee.balance": 44_444_44,
    "payment.amount": 3_000_00,
}


@pytest.mark.parametrize("action", [Action.ISSUE, Action.PAY])
@pytest.mark.parametrize("at", ["2026-06-01 10:00", AT])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_party_ever_reads_a_sum_of_the_other(action: Action, at: str, language: str) -> None:
    payer = lines(told(SECRETS, Viewer.PAYER, action=action, at=at), language)
    payee = lines(told(SECRETS, Viewer.PAYEE, action=action, at=at), language)
    assert "44,444.44" not in payer
    assert not [sum_ for sum_ in ("11,111.11", "22,222.22", "33,333.33") if sum_ in payee]
    if (action, at) == (Action.PAY, AT):
        assert "22,222.22" in payer
        assert "44,444.44" in payee


@pytest.mark.parametrize("viewer", list(Viewer))
def test_every_viewer_is_told_every_reason_with_its_article(viewer: Viewer) -> None:
    found = told(SECRETS, viewer)
    assert [each.reason for each in found] == list(decide(PILOT, Action.PAY, SECRETS, moment(AT)).reasons)
    assert len(found) == 5
    assert all(each.cite and each.source for each in found)
    assert all(line(each, language) for each in found for language in ("en", "zh"))


def test_a_ban_that_asks_where_the_other_party_lives_does_not_tell() -> None:
    facts: Facts = {
        **USUAL,
        "payment.place": "hk",
        "payer.zone": "hk",
        "payee.zone": "cn",
        "service.kind": "exchange",
        "service.provider": "other",
    }
    found = told(facts, Viewer.PAYER, book=shipped(), action=Action.SERVE, at="2026-11-22 10:00")
    ban = next(each for each in found if each.reason == "cn.inbound")
    assert ban.compared == PAYEE_HIDDEN


# -- still to come, no law, unsure --------------------------------------------------------------


def all_at(book: Book, place: str, action: Action, at: str) -> dict[str, Explained]:
    facts: Facts = {
        **USUAL,
        **dict.fromkeys(("payment.place", "payer.zone", "payee.zone", "issuer.zone"), place),
    }
    return {each.reason: each for each in told(facts, book=book, action=action, at=at)}


@pytest.mark.parametrize(
    ("place", "at", "rule", "begins"),
    [
        ("us", "2026-11-22 10:00", "us.issue", ", 2027-01-18 at the latest (us-act "),
        ("tw", "2026-11-22 10:00", "tw.issue", "waits for the "),
        ("hk", "2025-07-31 23:59:59", "hk.issue", "from 2025-08-01 (hk-so "),
        ("eu", "2024-06-29 10:00", "eu.issue", "from 2024-06-30 (eu-mica "),
    ],
)
def test_where_nothing_permits_it_yet_the_permit_to_come_is_named(
    place: str, at: str, rule: str, begins: str
) -> None:
    found = all_at(shipped(), place, Action.ISSUE, at)[f"{place}/no_permit"]
    assert f"; {rule} is to permit it: " in found.compared["en"]
    assert begins in found.compared["en"]
    assert f"；{rule}将允许：" in found.compared["zh"]
    assert "[" not in found.compared["en"]
    assert line(found, "en").startswith(f"refused  {place}/no_permit   Nothing in the law of ")


def test_a_permit_that_is_no_law_is_marked_where_it_is_named() -> None:
    bill = all_at(shipped("kr"), "kr", Action.ISSUE, "2025-06-01 10:00")["kr/no_permit"]
    assert "kr.issue is to permit it: from 2026-01-28" in bill.compared["en"]
    assert bill.compared["en"].endswith("[PROPOSAL]")
    assert bill.compared["zh"].endswith("[提案]")
    draft = all_at(PILOT, "cn-sh", Action.PAY, "2026-06-01 10:00")["cn/no_permit"]
    assert draft.compared["en"].endswith("(sh-pilot art 2) [DRAFT]")


@pytest.mark.parametrize(
    ("place", "action"), [("kr", Action.ISSUE), ("cn", Action.INTEREST), ("hk", Action.TOKENISE)]
)
def test_where_nothing_is_to_come_nothing_is_promised(place: str, action: Action) -> None:
    found = all_at(shipped(), place, action, "2026-11-22 10:00")[f"{place}/no_permit"]
    assert found.compared == {}
    assert "is to permit it" not in line(found, "en")


def test_a_refusal_by_a_proposal_is_marked_and_never_in_force() -> None:
    found = all_at(shipped("kr"), "kr", Action.INTEREST, "2026-11-22 10:00")["kr.interest"]
    assert found.is_draft
    assert found.status == "proposal"
    assert line(found, "en").endswith(", from 2026-01-28 [PROPOSAL]")
    assert line(found, "zh").endswith("，拟自2026-01-28起适用 [提案]")
    assert "in force" not in line(found, "en")


def test_a_refusal_that_rests_on_one_source_is_marked() -> None:
    facts: Facts = {**USUAL, "service.kind": "account", "service.provider": "bank"}
    found = {
        each.reason: each for each in told(facts, book=shipped(), action=Action.SERVE, at="2026-11-22 10:00")
    }
    unsure, sure = found["cn.finance_firms"], found["cn.services"]
    assert (unsure.confidence, sure.confidence) == ("unconfirmed", "confirmed")
    assert line(unsure, "en").endswith("in force since 2026-02-06 [unconfirmed]")
    assert line(unsure, "zh").endswith("自2026-02-06起施行 [未确认]")
    assert line(sure, "en").endswith("in force since 2026-02-06")


def test_an_unsure_number_makes_a_sure_refusal_unsure() -> None:
    more = '\n[[limit.single]]\nfrom = 2027-01-01\ncite = "sh-pilot notice 2 art 1"\nCNY = { t4 = 1_000 }\n'
    texts = {**PILOT.texts, "cn-sh.toml": PILOT.texts["cn-sh.toml"] + more + 'confidence = "unconfirmed"\n'}
    book = read(texts, drafts=["cn-sh"])
    facts = {**USUAL, "payer.tier": "t4", "payment.amount": 1_000_01}
    (cap,) = told(facts, book=book)
    assert line(cap, "en").endswith("[DRAFT] [unconfirmed]")
    # A tier whose number is sure stays so.
    (cap,) = told({**USUAL, "payer.tier": "t3", "payment.amount": 5_000_01}, book=book)
    assert line(cap, "en").endswith("[DRAFT]")
