"""The plain interpreter, rule by rule: what is reached, what is in scope, what is unknown, what is blamed."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.clock import Instant, day_start
from jiaozi.rulebook.decide import Asker, Decision, Facts, decide, facts_after
from jiaozi.rulebook.language import Compare, parse
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.timeline import cuts

from .grown_law import grown_law, small

TITLE = 'title = { en = "x", zh = "甲" }'
CITE = 'cite = "hk-so s 1"'
AT = day_start(date(2027, 1, 1), "Asia/Hong_Kong")
HERE = dict.fromkeys(("issuer.zone", "payer.zone", "payee.zone", "payment.place"), "hk")


def rule(name: str, kind: str, *lines: str, actions: str = '["pay"]', start: str = "2020-01-01") -> str:
    head = ["[[rule]]", f'id = "{name}"', TITLE, CITE, f"{kind} = {actions}", f"from = {start}"]
    return "\n".join([*head, *lines]) + "\n"


def need(name: str, condition: str) -> str:
    return f'need.{name} = {{ if = "{condition}", {CITE}, {TITLE} }}'


def book_of(*hk: str, cn: str = "", cn_sh: str = "") -> Book:
    """Return a book of these rules alone, with the words of the small law."""
    words = {"places.toml", "facts.toml", "sources.toml"}
    texts = {name: text for name, text in small().items() if name in words}
    for place, text in (("hk", "\n".join(hk)), ("cn", cn), ("cn-sh", cn_sh)):
        texts[f"{place}.toml"] = f'[book]\nplace = "{place}"\nstatus = "enacted"\n{TITLE}\n{text}'
    return read(texts)


def reasons(
    book: Book, facts: Facts | None = None, action: Action = Action.PAY, at: Instant = AT
) -> tuple[str, ...]:
    return decide(book, action, {**HERE, **(facts or {})}, at).reasons


PERMIT = rule("hk.pay", "permit")


# -- places -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", ["issuer.zone", "payer.zone", "payee.zone", "payment.place"])
@pytest.mark.parametrize("place", [None, "", "xx", 3, frozenset({"hk"})])
def test_a_place_that_is_not_known_is_refused_alone(
    fact: str, place: int | str | frozenset[str] | None
) -> None:
    book = book_of(PERMIT, rule("hk.ban", "forbid", 'when = ["payment.amount > 5"]'))
    assert reasons(book, {fact: place}) == ("law/unknown_place",)
    facts = {name: word for name, word in HERE.items() if name != fact}
    assert decide(book, Action.PAY, facts, AT).reasons == ("law/unknown_place",)


@pytest.mark.parametrize("fact", ["issuer.zone", "payer.zone", "payee.zone", "payment.place"])
def test_every_place_that_is_touched_must_permit_and_may_forbid(fact: str) -> None:
    book = book_of(PERMIT)
    assert reasons(book) == ()
    assert reasons(book, {fact: "cn"}) == ("cn/no_permit",)
    assert reasons(book, {fact: "cn-sh"}) == ("cn/no_permit",), "a zone lies in its place"
    both = book_of(PERMIT, cn=rule("cn.pay", "permit"))
    assert reasons(both, {fact: "cn"}) == ()
    zone = book_of(PERMIT, cn_sh=rule("cn-sh.pay", "permit"))
    assert reasons(zone, {fact: "cn"}) == (), "the law of a zone is law of its place; `when` says where"
    assert reasons(zone, dict.fromkeys(HERE, "cn")) == ()
    nobody = book_of(cn=rule("cn.pay", "permit"))
    assert reasons(nobody, {fact: "cn"}) == ("hk/no_permit",)


def test_reasons_stand_in_the_order_of_the_book() -> None:
    book = book_of(
        rule(
            "hk.pay", "permit", need("small", "payment.amount < 5"), need("known", "payer.kind == 'resident'")
        ),
        rule("hk.ban", "forbid", "when = [\"payer.tier == 't1'\"]"),
        '[[always]]\nid = "hk.backed"\n' + TITLE + "\n" + CITE + "\nfrom = 2020-01-01\n"
        'hold = "issuer.reserve_value >= issuer.coins_outstanding"\n',
    )
    facts: Facts = {"payer.zone": "cn", "payment.amount": 500, "issuer.reserve_value": 1, "payer.tier": "t1"}
    found = decide(book, Action.ISSUE, {**HERE, **facts}, AT)
    assert found.reasons == ("cn/no_permit", "hk/no_permit", "hk.backed")
    answer = decide(book, Action.PAY, {**HERE, **facts}, AT)
    assert answer.reasons == (
        "law/missing_fact", "hk.ban", "cn/no_permit", "hk.pay/small", "hk.pay/known",
    )  # fmt: skip
    assert answer.bits(book) == sum(1 << book.reasons.index(name) for name in answer.reasons)
    assert Decision(True, (), 0, b"").bits(book) == 0


def test_a_decision_says_which_law_and_which_interval_it_is_of() -> None:
    book = book_of(PERMIT, rule("hk.later", "forbid", 'when = ["payment.amount > 5"]', start="2027-01-01"))
    assert len(cuts(book)) == 2
    assert decide(book, Action.PAY, HERE, Instant(cuts(book)[0] - 1)) == Decision(
        False, ("hk/no_permit",), 0, book.digest
    )
    before = decide(book, Action.PAY, HERE, Instant(AT - 1))
    assert before == Decision(True, (), 1, book.digest)
    assert decide(book, Action.PAY, HERE | {"payment.amount": 1}, AT).interval == 2


# -- bans -------------------------------------------------------------------------------------


def test_a_ban_applies_unless_its_conditions_are_known_to_fail() -> None:
    book = book_of(PERMIT, rule("hk.ban", "forbid", 'when = ["payment.amount > 5", "payer.tier == \'t1\'"]'))
    assert reasons(book, {"payment.amount": 501, "payer.tier": "t1"}) == ("hk.ban",)
    assert reasons(book, {"payment.amount": 500, "payer.tier": "t1"}) == ()
    assert reasons(book, {"payment.amount": 501, "payer.tier": "t2"}) == ()
    assert reasons(book, {"payment.amount": 501}) == ("law/missing_fact", "hk.ban")
    assert reasons(book, {}) == ("law/missing_fact", "hk.ban")
    assert reasons(book, {"payment.amount": 500}) == (), "what fails, fails, whatever is unknown"


def test_an_exception_that_is_unknown_excuses_nothing() -> None:
    book = book_of(
        PERMIT, rule("hk.ban", "forbid", 'unless = ["\'cn\' in issuer.consents", "payment.amount < 5"]')
    )
    fine: Facts = {"issuer.consents": frozenset({"cn"}), "payment.amount": 499}
    assert reasons(book, fine) == ()
    assert reasons(book, {**fine, "payment.amount": 500}) == ("hk.ban",)
    assert reasons(book, {**fine, "issuer.consents": frozenset()}) == ("hk.ban",)
    assert reasons(book, {**fine, "issuer.consents": None}) == ("hk.ban",)
    assert reasons(book, {}) == ("hk.ban",)


def test_a_ban_reaches_past_its_border_only_with_the_word_for_it() -> None:
    for reach, expected in (("home", ()), ("anywhere", ("cn.ban",))):
        book = book_of(PERMIT, cn=rule("cn.ban", "forbid", f'reach = "{reach}"'))
        assert reasons(book) == expected


def test_a_permit_that_reaches_anywhere_permits_at_home_only() -> None:
    book = book_of(cn=rule("cn.pay", "permit", 'reach = "anywhere"'))
    assert reasons(book) == ("hk/no_permit",)


def test_a_rule_counts_for_its_actions_and_while_it_applies() -> None:
    ban = rule(
        "hk.ban", "forbid", "until = 2027-01-01", "when = [\"payer.tier == 't1'\"]", start="2026-01-01"
    )
    book, facts = book_of(PERMIT, ban), {"payer.tier": "t1"}
    starts = day_start(date(2026, 1, 1), "Asia/Hong_Kong")
    assert reasons(book, facts, at=Instant(starts - 1)) == ()
    assert reasons(book, facts, at=starts) == ("hk.ban",)
    assert reasons(book, facts, at=Instant(AT - 1)) == ("hk.ban",)
    assert reasons(book, facts, at=AT) == ()
    assert reasons(book, facts, Action.HOLD, starts) == ("hk/no_permit",)


# -- exceptions -------------------------------------------------------------------------------

LIFTED = rule("hk.ban", "forbid", 'yields_to = ["hk.open"]')
OPEN = rule("hk.open", "permit", 'lifts = "hk.ban"', "when = [\"payer.tier == 't1'\"]")


def test_a_ban_yields_while_the_permit_it_names_is_in_scope() -> None:
    book = book_of(LIFTED, OPEN)
    assert reasons(book, {"payer.tier": "t1"}) == ()
    assert reasons(book, {"payer.tier": "t2"}) == ("hk.ban", "hk/no_permit")
    assert reasons(book, {}) == ("hk.ban", "hk/no_permit"), "a permit whose scope is unknown lifts nothing"


def test_a_ban_yields_also_to_a_permit_whose_needs_are_not_met() -> None:
    """The need is then the reason: the door is open, and the visitor stays outside."""
    book = book_of(LIFTED, OPEN + need("small", "payment.amount < 5"))
    assert reasons(book, {"payer.tier": "t1", "payment.amount": 500}) == ("hk.open/small",)


def test_an_amendment_counts_from_its_day() -> None:
    amend = f'[[amend]]\nrule = "hk.ban"\nyields_to = ["hk.open"]\nfrom = 2027-01-01\n{CITE}\n'
    book = book_of(LIFTED.replace('yields_to = ["hk.open"]\n', ""), OPEN, amend)
    assert reasons(book, {"payer.tier": "t1"}, at=Instant(AT - 1)) == ("hk.ban",)
    assert reasons(book, {"payer.tier": "t1"}) == ()


def test_one_permit_of_two_is_enough_to_lift() -> None:
    other = OPEN.replace("hk.open", "hk.other").replace("'t1'", "'t2'")
    book = book_of(LIFTED.replace('["hk.open"]', '["hk.open", "hk.other"]'), OPEN, other)
    assert reasons(book, {"payer.tier": "t1"}) == ()
    assert reasons(book, {"payer.tier": "t2"}) == ()
    assert reasons(book, {"payer.tier": "t3"}) == ("hk.ban", "hk/no_permit")


# -- permits ----------------------------------------------------------------------------------


def test_one_permit_with_all_its_needs_is_enough_and_else_all_that_is_missing_is_told() -> None:
    book = book_of(
        rule(
            "hk.small",
            "permit",
            need("small", "payment.amount < 5"),
            need("kind", "payer.kind == 'resident'"),
        ),
        rule("hk.rich", "permit", need("tier", "payer.tier == 't1'")),
    )
    assert reasons(book, {"payment.amount": 499, "payer.kind": "resident", "payer.tier": "t2"}) == ()
    assert reasons(book, {"payment.amount": 500, "payer.kind": "resident", "payer.tier": "t1"}) == ()
    assert reasons(book, {"payment.amount": 499, "payer.kind": "visitor", "payer.tier": "t2"}) == (
        "hk.small/kind",
        "hk.rich/tier",
    )
    assert reasons(book, {"payer.kind": "resident", "payer.tier": "t2"}) == (
        "law/missing_fact",
        "hk.small/small",
        "hk.rich/tier",
    )
    assert reasons(book, {"payer.tier": "t1"}) == (), (
        "what is unknown of a permit that is not needed is nothing"
    )


# -- what must always hold --------------------------------------------------------------------

BACKED = f'[[always]]\nid = "hk.backed"\n{TITLE}\n{CITE}\nfrom = 2026-01-01\nuntil = 2028-01-01\n'
BACKED += 'hold = "issuer.reserve_value >= issuer.coins_outstanding"\n'
MONEY = rule("hk.all", "permit", actions='["issue", "pay", "redeem"]')


def state(reserve: int | None, coins: int | None, amount: int | None = 10) -> Facts:
    return {"issuer.reserve_value": reserve, "issuer.coins_outstanding": coins, "payment.amount": amount}


@pytest.mark.parametrize(
    ("action", "reserve", "coins", "is_fine"),
    [
        (Action.ISSUE, 110, 100, True),
        (Action.ISSUE, 109, 100, False),
        (Action.ISSUE, 50, 100, False),
        (Action.PAY, 100, 100, True),
        (Action.PAY, 99, 100, True),
        (Action.REDEEM, 90, 100, True),
        (Action.REDEEM, 50, 100, True),
        (Action.REDEEM, 100, 100, True),
        (Action.ISSUE, None, 100, False),
        (Action.PAY, None, 100, True),
        (Action.REDEEM, 100, None, True),
        (Action.ISSUE, 100, None, False),
    ],
)
def test_an_action_is_blamed_for_what_it_breaks(
    action: Action, reserve: int | None, coins: int | None, is_fine: bool
) -> None:
    found = reasons(book_of(MONEY, BACKED), state(reserve, coins), action)
    assert found == (() if is_fine else ("hk.backed",))


def test_redeeming_is_blamed_when_it_breaks_what_held() -> None:
    kept = BACKED.replace("issuer.reserve_value >= issuer.coins_outstanding", "issuer.coins_outstanding >= 1")
    book = book_of(MONEY, kept)
    assert reasons(book, state(0, 1_10), Action.REDEEM) == ()
    assert reasons(book, state(0, 1_09), Action.REDEEM) == ("hk.backed",)
    assert reasons(book, state(0, 99), Action.REDEEM) == (), "it did not hold before"


def test_what_must_hold_counts_while_it_applies_and_where_it_is_law() -> None:
    book, broken = (
        book_of(MONEY, BACKED, cn=rule("cn.all", "permit", actions='["issue", "redeem"]')),
        state(0, 100),
    )
    assert reasons(book, broken, Action.ISSUE) == ("hk.backed",)
    assert reasons(book, broken, Action.ISSUE, day_start(date(2028, 1, 1), "Asia/Hong_Kong")) == ()
    assert reasons(book, broken, Action.ISSUE, day_start(date(2025, 12, 31), "Asia/Hong_Kong")) == ()
    assert reasons(book, {**broken, **dict.fromkeys(HERE, "cn")}, Action.ISSUE) == ()
    zone = book_of(
        cn_sh=BACKED.replace("hk.backed", "cn-sh.backed"),
        cn=rule("cn.all", "permit", actions='["issue", "redeem"]'),
    )
    assert reasons(zone, {**broken, **dict.fromkeys(HERE, "cn")}, Action.ISSUE) == ("cn-sh.backed",)


@pytest.mark.parametrize("action", list(Action))
def test_the_coins_outstanding_are_asked_as_they_will_stand(action: Action) -> None:
    facts: Facts = {"issuer.coins_outstanding": 100, "payment.amount": 10, "payer.tier": "t1"}
    coins = {Action.ISSUE: 110, Action.REDEEM: 90}.get(action, 100)
    assert facts_after(action, facts) == {**facts, "issuer.coins_outstanding": coins}
    for missing in ("issuer.coins_outstanding", "payment.amount"):
        some = {name: value for name, value in facts.items() if name != missing}
        after = facts_after(action, some)
        if action in (Action.ISSUE, Action.REDEEM):
            assert after == {**some, "issuer.coins_outstanding": None}, "what cannot be counted is unknown"
        else:
            assert after == some


# -- conditions: true, false, unknown ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("payer.tier == 't1'", True), ("payer.tier != 't1'", False), ("payer.tier in ('t2', 't3')", False),
        ("payer.tier not in ('t2', 't3')", True), ("payee.tier == 't1'", None), ("payee.tier != 't1'", None),
        ("payer.zone in 'cn'", True), ("payer.zone == 'cn'", False), ("payee.zone not in 'cn'", True),
        ("'hk' in issuer.licences", True), ("'cn' in issuer.licences", False), ("'cn' not in issuer.licences", True),
        ("'hk' in issuer.consents", None), ("'hk' not in issuer.consents", None),
        ("payment.amount == 5", True), ("payment.amount == 4", False), ("payment.amount != 5", False),
        ("payment.amount != 4", True), ("payment.amount < 5", False), ("payment.amount < 6", True),
        ("payment.amount <= 5", True), ("payment.amount <= 4", False), ("payment.amount > 5", False),
        ("payment.amount > 4", True), ("payment.amount >= 5", True), ("payment.amount >= 6", False),
        ("payment.amount + payer.balance - 1 == 6", True), ("payment.amount - payer.balance == 3", True),
        ("payment.amount < payer.paid_today", None), ("payer.paid_today < payment.amount", None),
        ("payer.paid_today - payer.paid_today == 0", None), ("payment.amount + payer.paid_today < 5", None),
        ("not payer.tier == 't1'", False), ("not payee.tier == 't1'", None), ("not payer.tier == 't2'", True),
        ("payer.tier == 't1' and payee.tier == 't1'", None), ("payer.tier == 't2' and payee.tier == 't1'", False),
        ("payee.tier == 't1' and payer.tier == 't2'", False), ("payer.tier == 't1' and payment.amount == 5", True),
        ("payer.tier == 't1' or payee.tier == 't1'", True), ("payee.tier == 't1' or payer.tier == 't1'", True),
        ("payer.tier == 't2' or payee.tier == 't1'", None), ("payer.tier == 't2' or payment.amount == 4", False),
        ("payment.amount <= limit.day[payer.tier]", True), ("payment.amount < limit.day[payer.tier]", False),
        ("payment.amount <= limit.day[payee.tier]", None), ("payment.amount < limit.year[payer.tier]", None),
        ("payment.amount_hkd < travel.full_from", True), ("payment.amount < travel.full_from", None),
    ],
)  # fmt: skip
def test_a_condition_is_true_false_or_unknown(text: str, expected: bool | None) -> None:
    values = f"[[limit.day]]\nfrom = 2020-01-01\n{CITE}\nCNY = {{ t1 = 5 }}\n"
    values += f"[[travel.full_from]]\nfrom = 2020-01-01\n{CITE}\nHKD = 8\n"
    book = book_of(values)
    facts: Facts = {
        "payer.tier": "t1", "payer.zone": "cn-sh", "payee.zone": "hk", "issuer.licences": frozenset({"hk"}),
        "issuer.consents": "hk", "payment.amount": 500, "payment.amount_hkd": 799, "payer.balance": 200,
        "payee.tier": "t9", "coin.peg": "CNY", "payer.paid_today": "1",
    }  # fmt: skip
    assert Asker(book, facts, AT).value(parse(text, book.vocabulary), "hk") is expected


def test_a_value_is_picked_by_the_peg_the_key_the_place_and_the_day() -> None:
    blocks = f"[[limit.day]]\nfrom = 2027-01-01\n{CITE}\nCNY = {{ t1 = 5, t2 = 6 }}\nHKD = {{ t1 = 7 }}\n"
    book = book_of(blocks)
    condition = parse("payment.amount == limit.day[payer.tier]", book.vocabulary)

    def holds(amount: int, peg: str | None, tier: str, place: str = "hk", at: int = AT) -> bool | None:
        facts: Facts = {"payment.amount": amount, "coin.peg": peg, "payer.tier": tier}
        return Asker(book, facts, Instant(at)).value(condition, place)

    assert holds(500, "CNY", "t1") is True
    assert holds(600, "CNY", "t2") is True
    assert holds(700, "HKD", "t1") is True
    assert holds(500, "HKD", "t1") is False
    assert holds(700, "HKD", "t2") is None
    assert holds(500, "USD", "t1") is None
    assert holds(500, "XXX", "t1") is None
    assert holds(500, None, "t1") is None
    assert holds(500, "CNY", "t9") is None
    assert holds(500, "CNY", "t1", place="cn") is None
    assert holds(500, "CNY", "t1", at=AT - 1) is None


@pytest.mark.parametrize(
    ("share", "days", "is_fine"),
    [(30_00, 93, True), (30_01, 93, False), (30_00, 94, False), (30_00, None, None)],
)
def test_numbers_that_are_no_money_are_asked_in_their_own_unit(
    share: int, days: int | None, is_fine: bool | None
) -> None:
    book = grown_law()
    text = "paper.share <= hoard.max_share and paper.days <= hoard.max_days[paper.kind]"
    facts: Facts = {"paper.share": share, "paper.days": days, "paper.kind": "bill"}
    at = day_start(date(2025, 9, 1), "Asia/Hong_Kong")
    assert Asker(book, facts, at).value(parse(text, book.vocabulary), "hk") is is_fine


def test_one_ban_that_does_not_apply_does_not_hide_the_next() -> None:
    first = rule("hk.first", "forbid", "when = [\"payer.tier == 't1'\"]")
    second = rule("hk.second", "forbid", "when = [\"payer.tier == 't2'\"]")
    book = book_of(PERMIT, first, second)
    assert reasons(book, {"payer.tier": "t1"}) == ("hk.first",)
    assert reasons(book, {"payer.tier": "t2"}) == ("hk.second",)
    lifted = rule("hk.third", "forbid", 'yields_to = ["hk.open"]')
    opening = rule("hk.open", "permit", 'lifts = "hk.third"')
    assert reasons(book_of(lifted, opening, second), {"payer.tier": "t2"}) == ("hk.second",)
    excused = rule("hk.third", "forbid", "unless = [\"payer.tier == 't2'\"]")
    assert reasons(book_of(PERMIT, excused, second), {"payer.tier": "t2"}) == ("hk.second",)


def test_a_sum_is_the_sum_of_its_terms() -> None:
    """The words to a decision show each side; a comparison alone would not notice what both have too much."""
    book = book_of()
    sides = parse("payment.amount - payer.balance + 3 < 1", book.vocabulary)
    assert isinstance(sides, Compare)
    ask = Asker(book, {"payment.amount": 5_00, "payer.balance": 2_00}, AT)
    assert ask.sum(sides.left, "hk", "coin") == 6_00
    assert ask.sum(sides.right, "hk", "coin") == 1_00
    assert ask.sum((), "hk", "coin") == 0


def test_a_decision_cannot_be_changed_afterwards() -> None:
    decision = decide(book_of(PERMIT), Action.PAY, HERE, AT)
    with pytest.raises(AttributeError):
        decision.allowed = False  # type: ignore[misc]
    assert not hasattr(decision, "__dict__")


def test_one_thing_that_holds_does_not_hide_the_next_that_does_not() -> None:
    holds = BACKED.replace("hk.backed", "hk.positive").replace(">= issuer.coins_outstanding", ">= 0")
    book = book_of(MONEY, holds, BACKED, BACKED.replace("hk.backed", "hk.again"))
    assert reasons(book, state(100, 100), Action.ISSUE) == ("hk.backed", "hk.again")
