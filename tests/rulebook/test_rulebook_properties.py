"""What holds for every law: executors agree, order is nothing, a ban wins, a digest is what is said."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiaozi.rulebook.decide import TOUCHING, Facts, decide
from jiaozi.rulebook.language import parse, text_of
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import ALL, read, with_reform
from jiaozi.rulebook.telling.explain import explain, label, line
from jiaozi.rulebook.telling.page import html, markdown
from jiaozi.rulebook.telling.wording import words_of

from .law_scenes import SMALL_LAW, USUAL, answers, ask, law, moment, shipped
from .random_law import CITE, TITLE, RandomLaw, conditions, forbids, laws, questions

SEEDS = st.integers(0, 2**32 - 1)
# Drawing a law takes a tenth of a second, asking it a question a quarter of a millisecond.
MANY = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SOME = settings(MANY, max_examples=8)

EVERYWHERE = "when = [\"payment.place in ('cn', 'hk')\"]\n"
BAN_OF_ALL = f"""
[[rule]]
id = "hk.ban_of_all"
forbid = {[str(action) for action in Action]}
reach = "anywhere"
from = 2020-01-01
{EVERYWHERE}{TITLE}
{CITE}
"""
PERMIT_OF_ALL = BAN_OF_ALL.replace("forbid", "permit").replace("ban_of_all", "permit").replace(EVERYWHERE, "")


@MANY
@given(laws(), SEEDS)
def test_the_plain_interpreter_the_kernel_and_the_columns_give_the_same_bits(
    drawn: RandomLaw, seed: int
) -> None:
    book = drawn.book()
    answers(book, questions(book, seed, 150))


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_they_agree_on_the_shipped_law_with_and_without_the_draft(seed: int) -> None:
    for book in (law(), law("cn-sh")):
        answers(book, questions(book, seed, 200))


@SOME
@given(laws(), SEEDS)
def test_the_order_of_rules_changes_nothing_in_what_is_allowed(drawn: RandomLaw, seed: int) -> None:
    blocks = list(drawn.blocks)
    random.Random(seed).shuffle(blocks)
    one, other = drawn.book(), replace(drawn, blocks=tuple(blocks)).book()
    asked = questions(one, seed, 100)
    for first, second in zip(answers(one, asked), answers(other, asked), strict=True):
        assert set(first) == set(second)


@SOME
@given(laws(), SEEDS)
def test_the_order_of_files_changes_nothing_at_all(drawn: RandomLaw, seed: int) -> None:
    files = list(drawn.texts().items())
    random.Random(seed).shuffle(files)
    assert read(dict(files)).digest == drawn.book().digest


@SOME
@given(laws(), st.data(), SEEDS)
def test_another_ban_never_allows_more(drawn: RandomLaw, data: st.DataObject, seed: int) -> None:
    place = data.draw(st.sampled_from(("cn", "cn-sh", "hk")))
    stricter = drawn.with_block(place, data.draw(forbids(f"{place}.another_ban"))).book()
    before = drawn.book()
    asked = questions(stricter, seed, 200)
    for old, new in zip(answers(before, asked), answers(stricter, asked), strict=True):
        assert set(old) <= set(new)


@SOME
@given(laws(), SEEDS)
def test_only_what_is_explicitly_permitted_is_allowed(drawn: RandomLaw, seed: int) -> None:
    """In every place touched, a permit of that place is in force and names the action."""
    book = drawn.book()
    home_of = book.vocabulary.jurisdiction_of
    for action, facts, instant in questions(book, seed, 150):
        if decide(book, action, facts, instant).allowed:
            touched = {home_of(str(facts[name])) for name in TOUCHING}
            permitting = {
                home_of(rule.place)
                for rule in book.rules
                if rule.is_permit and action in rule.actions and rule.span.covers(instant)
            }
            assert touched <= permitting


@SOME
@given(laws(), SEEDS)
def test_without_permits_nothing_is_allowed(drawn: RandomLaw, seed: int) -> None:
    book = drawn.book()
    bans = tuple(replace(rule, yields=()) for rule in book.rules if not rule.is_permit)
    forbidding = replace(book, rules=bans)
    assert all(answers(forbidding, questions(book, seed, 100)))


@SOME
@given(laws(), SEEDS)
def test_taking_a_fact_away_never_allows_more(drawn: RandomLaw, seed: int) -> None:
    """Of payments: each fact in turn goes missing, and no refusal becomes a permission."""
    book = drawn.book()
    rng = random.Random(seed)
    known = [(Action.PAY, facts, instant) for _, facts, instant in questions(book, seed, 150)]
    asked = [
        (action, {**facts, rng.choice(tuple(book.vocabulary.facts)): None}, instant)
        for action, facts, instant in known
    ]
    for before, after in zip(answers(book, known), answers(book, asked), strict=True):
        assert after or not before


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_reform_leaves_its_base_as_it_was(seed: int) -> None:
    base = law("cn-sh")
    asked = questions(base, seed, 100)
    was = base.digest, base.canonical, dict(base.texts), base.rules, dict(base.series), answers(base, asked)
    cap = random.Random(seed).randint(0, 1_999)
    reform = f"""
[reform]
{TITLE}

[[change]]
set = "limit.single"
place = "cn-sh"
from = 2027-07-01
cite = "sh-pilot art 7(1)"
CNY = {{ t4 = {cap} }}

[[change]]
repeal = "cn.yuan_peg_abroad"
from = 2027-07-01
cite = "cn-42 art 1"
"""
    reformed = with_reform(base, "lower", reform)
    fresh = read(base.texts, drafts=base.drafts)
    for book in (base, fresh):
        now = (
            book.digest,
            book.canonical,
            dict(book.texts),
            book.rules,
            dict(book.series),
            answers(book, asked),
        )
        assert now == was
    payment: Facts = {**USUAL, "payer.tier": "t4", "payment.amount": cap * 100 + 1}
    assert ask(base, Action.PAY, payment, moment("2027-07-01 00:00")) == ()
    assert ask(reformed, Action.PAY, payment, moment("2027-06-30 23:59:59")) == ()
    assert ask(reformed, Action.PAY, payment, moment("2027-07-01 00:00")) == ("cn-sh.pay/single_cap",)
    assert reformed.digest != base.digest


@SOME
@given(laws(), SEEDS)
def test_a_ban_of_all_wins_over_every_permit(drawn: RandomLaw, seed: int) -> None:
    book = drawn.with_block("hk", BAN_OF_ALL).book()
    start = book.rule_by_id["hk.ban_of_all"].span.start
    for (_, _, instant), reasons in zip(
        asked := questions(book, seed, 200), answers(book, asked), strict=True
    ):
        if instant >= start and reasons != ("law/unknown_place",):
            assert "hk.ban_of_all" in reasons


@SOME
@given(laws(), SEEDS)
def test_a_ban_yields_to_the_permit_that_lifts_it_and_to_no_other(drawn: RandomLaw, seed: int) -> None:
    ban = BAN_OF_ALL + 'yields_to = ["cn.exception"]\n'
    permit = PERMIT_OF_ALL.replace("hk.permit", "cn.exception")
    permit += 'lifts = "hk.ban_of_all"\nwhen = ["payment.place == \'cn\'", "coin.peg == \'CNY\'"]\n'
    book = drawn.with_block("hk", ban).with_block("cn", permit).book()
    start = book.rule_by_id["hk.ban_of_all"].span.start
    asked = questions(book, seed, 200)
    for (_, facts, instant), reasons in zip(asked, answers(book, asked), strict=True):
        if instant >= start and reasons != ("law/unknown_place",):
            is_excepted = facts.get("payment.place") == "cn" and facts.get("coin.peg") == "CNY"
            assert ("hk.ban_of_all" in reasons) == (not is_excepted)


ABROAD: Facts = {
    **USUAL,
    "payment.place": "hk",
    "issuer.zone": "hk",
    "payer.zone": "hk",
    "payee.zone": "hk",
}
"""A payment that touches Hong Kong alone."""

A_PERMIT_THAT_LIFTS = PERMIT_OF_ALL.replace("hk.permit", "cn.exception")
A_PERMIT_THAT_LIFTS += 'lifts = "hk.ban_of_all"\n'


def _law(ban: str, permit: str, *more: str) -> Book:
    blocks = [("hk", ban), ("hk", PERMIT_OF_ALL)]
    blocks += [("cn", permit), *(("hk", block) for block in more)]
    return RandomLaw(tuple(blocks), ()).book()


def test_an_exception_that_reaches_anywhere_lifts_a_ban_where_its_own_place_is_not_touched() -> None:
    ban = BAN_OF_ALL + 'yields_to = ["cn.exception"]\n'
    at = moment("2026-01-01 00:00")
    assert ask(_law(ban, A_PERMIT_THAT_LIFTS), Action.PAY, ABROAD, at) == ()
    at_home = A_PERMIT_THAT_LIFTS.replace('"anywhere"', '"home"')
    assert ask(_law(ban, at_home), Action.PAY, ABROAD, at) == ("hk.ban_of_all",)


@pytest.mark.parametrize(
    ("at", "reasons"),
    [("2026-02-05 23:59:59", ("hk.ban_of_all",)), ("2026-02-06 00:00:00", ())],
)
def test_a_ban_yields_from_the_day_of_the_amendment(at: str, reasons: tuple[str, ...]) -> None:
    amendment = '[[amend]]\nrule = "hk.ban_of_all"\nyields_to = ["cn.exception"]\nfrom = 2026-02-06\n' + CITE
    book = _law(BAN_OF_ALL, A_PERMIT_THAT_LIFTS, amendment + "\n")
    assert ask(book, Action.PAY, ABROAD, moment(at)) == reasons


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_lower_cap_never_allows_more(seed: int) -> None:
    texts = dict(law("cn-sh").texts)
    rng = random.Random(seed)
    texts["cn-sh.toml"] = re.sub(
        r"\bt([234]) = (\d[\d_]*)",
        lambda found: f"t{found[1]} = {rng.randint(0, int(found[2]))}",
        texts["cn-sh.toml"],
    )
    lower = read(texts, drafts=["cn-sh"])
    asked = questions(lower, seed, 200)
    for old, new in zip(answers(law("cn-sh"), asked), answers(lower, asked), strict=True):
        assert set(old) <= set(new)


@settings(max_examples=200, deadline=None)
@given(conditions())
def test_a_condition_written_and_read_again_is_the_same(text: str) -> None:
    words = law().vocabulary
    expr = parse(text, words)
    assert parse(text_of(expr), words) == expr
    assert text_of(parse(text_of(expr), words)) == text_of(expr)


@settings(max_examples=100, deadline=None)
@given(conditions(), SEEDS)
def test_a_condition_has_words_in_both_languages_on_any_day(text: str, seed: int) -> None:
    book = law("cn-sh")
    expr = parse(text, book.vocabulary)
    for language in ("en", "zh"):
        for instant in (None, questions(book, seed, 1)[0][2]):
            assert words_of(expr, book, "cn-sh", language, instant)


@SOME
@given(laws())
def test_a_book_read_from_its_own_texts_is_the_same_book(drawn: RandomLaw) -> None:
    book = drawn.book()
    again = read(book.texts, drafts=book.drafts)
    assert (again.digest, again.reasons, again.canonical) == (book.digest, book.reasons, book.canonical)


def test_the_shipped_book_read_from_its_own_texts_is_the_same_book() -> None:
    for book in (law(), law("cn-sh"), shipped(), shipped(ALL)):
        assert read(book.texts, drafts=book.drafts).digest == book.digest
    assert law().digest != law("cn-sh").digest


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_comments_and_blanks_change_nothing_in_the_digest(seed: int) -> None:
    rng = random.Random(seed)
    texts = {}
    for name, text in law("cn-sh").texts.items():
        lines = []
        for written in text.splitlines():
            lines += [rng.choice(("", "  # a remark: from = 1999-01-01", "\t"))] * rng.randint(0, 2)
            lines.append(written + rng.choice(("", "  ", "   # another")))
        texts[name] = "\r\n".join(lines) if rng.random() < 0.3 else "\n".join(lines)
    assert read(texts, drafts=["cn-sh"]).digest == law("cn-sh").digest


def test_every_word_of_a_rule_counts_in_the_digest() -> None:
    texts = dict(law("cn-sh").texts)
    for old, new in (
        ("single_cap ", "first_cap "),
        ("t4 = 2_000 ", "t4 = 2_001 "),
        ("until  = 2029-06-01", "until  = 2029-06-02"),
        ('"sh-pilot art 7(1)"', '"sh-pilot art 7(9)"'),
        ("payment.amount <= limit.single", "payment.amount < limit.single"),
        ("one business day", "one working day"),
    ):
        changed = {**texts, "cn-sh.toml": texts["cn-sh.toml"].replace(old, new)}
        assert changed != texts
        assert read(changed, drafts=["cn-sh"]).digest != law("cn-sh").digest, old


@SOME
@given(laws(), SEEDS)
def test_every_refusal_has_words_whatever_the_law(drawn: RandomLaw, seed: int) -> None:
    book = drawn.book()
    asked = questions(book, seed, 25)
    for (action, facts, instant), reasons in zip(asked, answers(book, asked), strict=True):
        for found in explain(book, action, facts, instant, reasons):
            assert all(line(found, language) for language in ("en", "zh"))
            assert found.title == label(book, found.reason).title


@settings(SOME, max_examples=6)
@given(laws(), SEEDS)
def test_every_law_has_a_page_on_any_day(drawn: RandomLaw, seed: int) -> None:
    book = drawn.book()
    for language in ("en", "zh"):
        for _, _, instant in questions(book, seed, 2):
            assert markdown(book, instant, language)
            assert html(book, instant, language)


def test_the_texts_of_a_book_leave_out_what_was_not_asked_for() -> None:
    assert "cn-sh.toml" not in law().texts
    assert set(law("cn-sh").texts) == {path.name for path in SMALL_LAW.glob("*.toml")}
