"""Posting in sentences: what someone who keeps books can check. The world is in `small_world.py`."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from jiaozi.ledger.facts import CoinCreated, TierSet
from jiaozi.ledger.records import AccountFlag, TransferFlag, transfers
from jiaozi.ledger.results import WORDS, Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.reading.read import read
from tests.ledger.small_world import COIN, ISSUER, SmallWorld, at, enacting

NO_SUCH_ACCOUNT = 4_000_000_000


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
    world = SmallWorld()
    world.give("Chen", "50000")
    world.give("Li", "6000")
    world.give("Wang", "9000")
    return world


# What becomes of a transfer: one scene for each answer


def test_created_a_payment_moves_money_from_one_side_to_the_other(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "150.00") == "created"
    assert (world.balance("Li"), world.balance("Wang")) == (5_850_00, 9_150_00)


def test_linked_event_failed_the_other_leg_did_not_move_either(world: SmallWorld) -> None:
    answers = world.do(("pay", "Wang", "Li", "100"), ("pay", "Li", "Wang", "2000.01"), linked=True)
    assert answers == ["linked_event_failed", "refused_by_law cn-sh.pay/single_cap"]
    assert (world.balance("Li"), world.balance("Wang")) == (6_000_00, 9_000_00)
    assert world.pay("Wang", "Li", "100", id_lo=world.next_id - 1, flags=1) == "linked_event_chain_open"


def test_linked_event_chain_open_a_chain_that_never_ends_moves_nothing(world: SmallWorld) -> None:
    answers = world.do(("pay", "Li", "Wang", "1"), ("pay", "Li", "Wang", "2"), flags=TransferFlag.LINKED)
    assert answers == ["linked_event_failed", "linked_event_chain_open"]
    assert world.balance("Li") == 6_000_00


def test_linked_event_chain_open_is_told_although_an_earlier_leg_failed(world: SmallWorld) -> None:
    legs = [("pay", "Li", "Wang", "9999"), ("pay", "Li", "Wang", "1"), ("pay", "Li", "Wang", "2")]
    answers = world.do(*legs, flags=TransferFlag.LINKED)
    assert [answer.split()[0] for answer in answers] == [
        "refused_by_law", "linked_event_failed", "linked_event_chain_open"
    ]  # fmt: skip


@pytest.mark.parametrize("bit", range(6, 16))
def test_reserved_flag_what_has_no_meaning_is_refused(world: SmallWorld, bit: int) -> None:
    assert world.pay("Li", "Wang", "1", flags=1 << bit) == "reserved_flag"


def test_reserved_flag_also_for_a_field_that_has_no_meaning(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", unused=1) == "reserved_flag"


def test_id_must_not_be_zero(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", id_lo=0) == "id_must_not_be_zero"
    assert world.pay("Li", "Wang", "1", id_lo=0, id_hi=1) == "created"
    assert world.pay("Li", "Wang", "1", id_lo=1 << 50, id_hi=0) == "created"


def test_exists_a_payment_sent_again_is_booked_once(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "100", id_lo=77) == "created"
    assert world.pay("Li", "Wang", "100", id_lo=77) == "exists"
    assert world.balance("Li") == 5_900_00


@pytest.mark.parametrize(
    "changed",  # every field that is part of the body
    [
        "debit",
        "credit",
        "amount",
        "action",
        "place",
        "travel_data",
        "purpose",
        "code",
        "memo_lo",
        "memo_hi",
        "timeout",
        "value_day",
    ],
)
def test_exists_with_different_fields_an_id_belongs_to_one_transfer(world: SmallWorld, changed: str) -> None:
    assert world.pay("Li", "Wang", "100", id_lo=77) == "created"
    other = {"debit": world.names["Wang"], "credit": world.names["Chen"]}.get(changed, 9)
    assert world.pay("Li", "Wang", "100", id_lo=77, **{changed: other}) == "exists_with_different_fields"


def test_id_already_failed_a_refusal_is_final_for_its_id(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "2000.01", id_lo=77).startswith("refused_by_law")
    world.record(TierSet(world.names["Li"], "t2"))
    assert world.pay("Li", "Wang", "2000.01", id_lo=77) == "id_already_failed"
    assert world.pay("Li", "Wang", "2000.01") == "created"


def test_id_already_failed_an_id_twice_in_one_chain_is_never_told_that_it_exists(world: SmallWorld) -> None:
    answers = world.do(("pay", "Li", "Wang", "1"), ("pay", "Li", "Wang", "1"), id_lo=77, flags=1)
    assert answers == ["linked_event_failed", "linked_event_chain_open"]
    batch = transfers(3)
    batch["id_lo"], batch["flags"], batch["action"], batch["place"] = [88, 88, 89], [1, 1, 0], 2, 2
    batch["debit"], batch["credit"], batch["amount"] = world.names["Li"], world.names["Wang"], 1_00
    assert world.post(batch) == ["linked_event_failed", "id_already_failed", "linked_event_failed"]
    assert world.balance("Li") == 6_000_00


def test_unknown_action(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", action=4) == "unknown_action"


@pytest.mark.parametrize("fen", [0, -1, -(2**63), MAX_FEN + 1, 2**63 - 1])
def test_amount_out_of_bounds(world: SmallWorld, fen: int) -> None:
    assert world.pay("Li", "Wang", "1", amount=fen) == "amount_out_of_bounds"


def test_the_largest_amount_is_in_bounds(world: SmallWorld) -> None:
    assert world.do(("book", "reserve", "client money", "1"), amount=MAX_FEN - 65_000_00) == ["created"]


def test_debit_and_credit_account_not_found(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", debit=NO_SUCH_ACCOUNT) == "debit_account_not_found"
    assert world.pay("Li", "Wang", "1", debit=len(world.names)) == "debit_account_not_found"
    assert world.pay("Li", "Wang", "1", credit=NO_SUCH_ACCOUNT) == "credit_account_not_found"


def test_accounts_must_be_different(world: SmallWorld) -> None:
    assert world.pay("Li", "Li", "1") == "accounts_must_be_different"


def test_accounts_must_have_the_same_coin(world: SmallWorld) -> None:
    world.record(CoinCreated("other-cny", ISSUER, "CNY"))
    world.open("Sun", coin=1)
    assert world.pay("Li", "Sun", "1") == "accounts_must_have_the_same_coin"


@pytest.mark.parametrize(
    ("action", "debit", "credit"),
    [
        ("pay", "Li", "client money"),
        ("pay", "client money", "Li"),
        ("issue", "Li", "Wang"),
        ("issue", "client money", "redemptions"),
        ("redeem", "Li", "Wang"),
        ("redeem", "redemptions", "client money"),
        ("book", "Li", "redemptions"),
        ("book", "reserve", "Li"),
    ],
)
def test_action_does_not_fit_accounts(world: SmallWorld, action: str, debit: str, credit: str) -> None:
    assert world.do((action, debit, credit, "1")) == ["action_does_not_fit_accounts"]


def test_debit_and_credit_account_closed(world: SmallWorld) -> None:
    world.open("Gone", flags=AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlag.CLOSED)
    assert world.pay("Gone", "Li", "1") == "debit_account_closed"
    assert world.pay("Li", "Gone", "1") == "credit_account_closed"


def test_debit_account_frozen_an_order_that_forbids_paying_leaves_receiving_open(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    assert world.pay("Li", "Wang", "1") == "debit_account_frozen"
    assert world.do(("redeem", "Li", "redemptions", "1")) == ["debit_account_frozen"]
    assert world.pay("Wang", "Li", "1") == "created"


def test_credit_account_frozen_an_order_that_forbids_receiving(world: SmallWorld) -> None:
    world.freeze("Li", "order 1", may_receive=False, keep_fen=0)
    assert world.pay("Wang", "Li", "1") == "credit_account_frozen"
    assert world.pay("Li", "Wang", "1") == "created"


def test_exceeds_unfrozen_balance_an_order_that_keeps_an_amount(world: SmallWorld) -> None:
    world.freeze("Li", "order 1", keep_fen=5_000_00)
    assert world.pay("Li", "Wang", "1000.01") == "exceeds_unfrozen_balance"
    assert world.pay("Li", "Wang", "1000.00") == "created"
    assert world.pay("Li", "Wang", "0.01") == "exceeds_unfrozen_balance"


def test_refused_by_law_the_answer_names_the_rule(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "2000.01") == "refused_by_law cn-sh.pay/single_cap"


def test_exceeds_credits_nobody_pays_what_he_does_not_have(world: SmallWorld) -> None:
    world.open("Poor", tier="t1")
    assert world.pay("Poor", "Li", "0.01") == "exceeds_credits"


def test_exceeds_debits_bank_money_cannot_leave_twice(world: SmallWorld) -> None:
    assert world.do(("book", "unmatched", "reserve", "65000.01")) == ["exceeds_debits"]
    assert world.do(("book", "unmatched", "reserve", "65000.00")) == ["created"]


def test_overflows_balance_no_account_passes_the_largest_amount(world: SmallWorld) -> None:
    left = MAX_FEN - 65_000_00
    assert world.do(("book", "reserve", "unmatched", "1"), amount=left + 1) == ["overflows_balance"]
    assert world.do(("book", "reserve", "unmatched", "1"), amount=left) == ["created"]


def test_every_result_has_a_scene_and_words() -> None:
    files = Path(__file__).parent.glob("test_*_scenes.py")
    scenes = " ".join(
        name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    )
    for result in Result:
        name = result.name.lower()
        shared = re.sub("debit_account|credit_account", "debit_account_and_credit_account", name)
        other = re.sub("debit_account|credit_account", "debit_and_credit_account", name)
        assert any(each in scenes for each in (name, shared, other)), f"no scene for {name}"
        assert set(WORDS[result]) == {"en", "zh"}


# Precedence: if several apply, the first is told


def test_each_fault_hides_those_after_it(world: SmallWorld) -> None:
    """Everything is wrong at once; one fault after the other is mended, in the documented order."""
    world.record(CoinCreated("other-cny", ISSUER, "CNY"))
    closed = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS | AccountFlag.CLOSED
    names = {name: world.open(name, tier="t4", flags=closed) for name in ("closed payer", "closed payee")}
    names |= {name: world.open(name, tier="t4") for name in ("frozen payer", "frozen payee")}
    names["other coin"] = world.open("other coin", coin=1)
    world.freeze("frozen payer", "order 1")
    world.freeze("frozen payer", "order 2", keep_fen=1_00)
    world.freeze("frozen payee", "order 3", may_receive=False)
    assert world.pay("Li", "Wang", "1", id_lo=900) == "created"

    sent = {
        "flags": 1 << 15,
        "timeout": 60,
        "id_lo": 0,
        "action": 9,
        "amount": 0,
        "debit": NO_SUCH_ACCOUNT,
        "credit": NO_SUCH_ACCOUNT,
    }
    ids = iter(range(901, 1_000))

    def told(**mended: int) -> str:
        sent.update({"id_lo": next(ids)} | mended if sent["id_lo"] else mended)
        return world.pay("Li", "Wang", "1", **sent)

    assert told() == "reserved_flag"
    assert told(flags=TransferFlag.POST_PENDING_TRANSFER | TransferFlag.PENDING) == (
        "flags_are_mutually_exclusive"
    )
    assert told(flags=0) == "id_must_not_be_zero"
    assert told(id_lo=900) == "exists_with_different_fields"
    assert told() == "timeout_reserved_for_pending_transfer"
    assert told(timeout=0, flags=TransferFlag.VOID_PENDING_TRANSFER) == "pending_id_must_not_be_zero"
    sent["flags"] = 0
    assert told() == "unknown_action"
    assert told(action=2) == "amount_out_of_bounds"
    assert told(amount=2_000_01) == "debit_account_not_found"
    assert told(debit=names["closed payer"]) == "credit_account_not_found"
    assert told(credit=names["closed payer"]) == "accounts_must_be_different"
    assert told(credit=names["other coin"]) == "accounts_must_have_the_same_coin"
    assert told(credit=world.names["reserve"]) == "action_does_not_fit_accounts"
    assert told(credit=names["closed payee"]) == "debit_account_closed"
    assert told(debit=names["frozen payer"]) == "credit_account_closed"
    assert told(credit=names["frozen payee"]) == "debit_account_frozen"
    world.lift("frozen payer", "order 1")
    assert told() == "credit_account_frozen"
    world.lift("frozen payee", "order 3")
    assert told() == "exceeds_unfrozen_balance"
    world.lift("frozen payer", "order 2")
    assert told() == "refused_by_law cn-sh.pay/single_cap"
    world.limit("frozen payer", floor="1")
    world.limit("frozen payee", cap="1")
    assert told(amount=2_000_00) == "exceeds_credits"
    assert world.pay("Chen", "frozen payer", "2000") == "created"
    assert told() == "falls_below_floor"
    world.limit("frozen payer")
    assert told() == "rises_above_cap"


def test_the_law_is_asked_before_the_balance_is_looked_at(world: SmallWorld) -> None:
    world.open("Poor", tier="t4")
    assert world.pay("Poor", "Wang", "2000.01") == "refused_by_law cn-sh.pay/single_cap"
    assert world.pay("Poor", "Wang", "2000.00") == "exceeds_credits"


def test_a_freeze_is_told_before_the_law(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    assert world.pay("Li", "Wang", "2000.01") == "debit_account_frozen"


# Orders, tiers, consents and laws that change


def test_two_orders_upon_one_account_are_lifted_one_after_the_other(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    world.freeze("Li", "order 2", may_receive=False, keep_fen=5_500_00)
    assert world.pay("Li", "Wang", "1") == "debit_account_frozen"
    assert world.pay("Wang", "Li", "1") == "credit_account_frozen"
    world.lift("Li", "order 1")
    assert world.pay("Li", "Wang", "500.01") == "exceeds_unfrozen_balance"
    assert world.pay("Wang", "Li", "1") == "credit_account_frozen"
    world.lift("Li", "order 2")
    assert world.pay("Li", "Wang", "500.01") == "created"
    assert world.pay("Wang", "Li", "1") == "created"


def test_of_two_orders_that_keep_an_amount_the_larger_counts(world: SmallWorld) -> None:
    world.freeze("Li", "order 1", keep_fen=5_000_00)
    world.freeze("Li", "order 2", keep_fen=4_000_00)
    assert world.pay("Li", "Wang", "1000.01") == "exceeds_unfrozen_balance"
    world.lift("Li", "order 1")
    assert world.pay("Li", "Wang", "1000.01") == "created"


def test_another_tier_is_another_limit_from_then_on(world: SmallWorld) -> None:
    assert world.pay("Li", "Chen", "3000") == "refused_by_law cn-sh.pay/single_cap"
    world.record(TierSet(world.names["Li"], "t3"))
    assert world.pay("Li", "Chen", "3000") == "created"


def test_a_consent_that_ends_at_midnight_stops_issuing_and_nothing_else() -> None:
    world = SmallWorld("2026-12-31 23:59:59.999999", consent_until=date(2027, 1, 1))
    world.give("Chen", "1000")
    money_in, issue = ("book", "reserve", "client money", "5"), ("issue", "client money", "Chen", "5")
    assert world.do(money_in, issue, linked=True) == ["created", "created"]
    world.now = at("2027-01-01 00:00")
    answers = world.do(money_in, issue, linked=True)
    assert answers[0] == "linked_event_failed"
    assert answers[1].startswith("refused_by_law")
    assert "cn-sh.issue/consent" in answers[1]
    assert world.pay("Chen", "Li", "5") == "created"
    assert world.do(("redeem", "Chen", "redemptions", "5")) == ["created"]


def test_coins_are_never_issued_beyond_the_cap_of_the_consent_or_the_reserve(world: SmallWorld) -> None:
    assert world.do(("book", "reserve", "client money", "1"), amount=10**12) == ["created"]
    left = 10**12 - 65_000_00
    issue = ("issue", "client money", "Chen", "1")
    assert world.do(issue, amount=left + 1) == ["refused_by_law cn-sh.issue/supply_cap"]
    assert world.do(issue, amount=left) == ["created"]
    assert world.do(("redeem", "Chen", "redemptions", "1000")) == ["created"]
    assert world.do(("book", "redemptions", "reserve", "1000")) == ["created"]
    assert world.do(("book", "unmatched", "reserve", "1"), amount=65_000_00) == ["created"]
    assert world.do(("issue", "unmatched", "Chen", "0.01"))[0] == "refused_by_law cn-sh.full_backing"


def test_a_law_enacted_later_changes_the_answers_of_later_frames_only(world: SmallWorld) -> None:
    texts = dict(world.state.law.texts)
    texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t4 = 2_000 }", "t4 = 1_000 }")
    stricter = read(texts, drafts=["cn-sh"])
    assert world.pay("Li", "Chen", "1500", id_lo=70) == "created"
    world.record(enacting(stricter))
    assert world.pay("Li", "Chen", "1500") == "refused_by_law cn-sh.pay/single_cap"
    assert world.pay("Li", "Chen", "1500", id_lo=70) == "exists"
    world.now = at("2026-12-16 10:00")
    assert world.pay("Li", "Chen", "1000") == "created"


def test_before_the_pilot_began_the_ban_stood_and_the_money_stayed() -> None:
    world = SmallWorld("2026-11-30 23:59:59.999999")
    answer = world.do(
        ("book", "reserve", "client money", "5"), ("issue", "client money", "Chen", "5"), linked=True
    )[1]
    assert "cn.virtual_currency" in answer
    world.now = at("2026-12-01 00:00")
    world.give("Chen", "5")
    assert world.balance("Chen") == 5_00


# What the law cannot know


def test_a_word_that_the_law_does_not_know_is_no_word(world: SmallWorld) -> None:
    """A code of travel data beyond the law's words must not pass for "something else than none"."""
    texts = dict(world.state.law.texts)
    known = 'licensed_issuer = { if = "\'cn-sh\' in issuer.licences", cite = "sh-pilot art 3"'
    need = 'travel = { if = "payment.travel_data != \'none\'", cite = "sh-pilot art 3", '
    need += 'title = { en = "data", zh = "信息" } }'
    head, pay = texts["cn-sh.toml"].split('id     = "cn-sh.pay"')
    texts["cn-sh.toml"] = head + 'id     = "cn-sh.pay"' + pay.replace(known, f"{need}\n{known}", 1)
    world.record(enacting(read(texts, drafts=["cn-sh"])))
    assert world.pay("Li", "Wang", "1", travel_data=2) == "created"
    assert world.pay("Li", "Wang", "1", travel_data=1) == "refused_by_law cn-sh.pay/travel"
    for code in (0, 4, 200):
        answer = world.pay("Li", "Wang", "1", travel_data=code)
        assert answer == "refused_by_law law/missing_fact, cn-sh.pay/travel", code


def test_a_place_that_the_law_does_not_know_is_refused(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", place=0) == "refused_by_law law/unknown_place"
    assert world.pay("Li", "Wang", "1", place=200) == "refused_by_law law/unknown_place"


def test_chains_of_two_callers_in_one_frame_do_not_run_into_each_other(world: SmallWorld) -> None:
    batch = transfers(3)
    batch["id_lo"], batch["flags"], batch["action"], batch["place"] = [91, 92, 93], [0, 1, 0], 2, 2
    batch["debit"], batch["credit"], batch["amount"] = world.names["Li"], world.names["Wang"], 1_00
    assert world.post(batch, [2, 3]) == ["created", "linked_event_chain_open", "created"]


def test_a_coin_without_a_sheet_cannot_be_issued(world: SmallWorld) -> None:
    world.record(CoinCreated("bare-cny", ISSUER, "CNY"))
    world.open("Bare sheet", kind="issuer", tier="", flags=AccountFlag.INTERNAL, coin=1)
    world.open("Sun", tier="t1", coin=1)
    answer = world.do(("issue", "Bare sheet", "Sun", "1"))[0]
    assert "cn-sh.full_backing" in answer
    assert COIN not in answer
    assert np.count_nonzero(world.state.accounts["balance"][world.names["Sun"]]) == 0
