"""One provision with its whole story, and the few words that stand for it in a table."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.clock import Instant
from jiaozi.rulebook.model import Book, Confidence, Need, Rule
from jiaozi.rulebook.reading.read import ALL, read, with_reform
from jiaozi.rulebook.telling.briefs import begin_words, brief_words, is_unsure, only_law
from jiaozi.rulebook.telling.provision import names_of, told

from .law_scenes import law, moment, shipped

NOW = moment("2026-11-22 12:00")
PILOT = law("cn-sh")


def shown(book: Book, name: str, language: str = "en", at: Instant = NOW) -> list[str]:
    text = told(book, name, at, language)
    assert text is not None
    return [line.strip() for line in text.splitlines()]


def rewritten(*changes: tuple[str, str], file: str = "hk.toml", more: str = "") -> Book:
    texts = dict(law().texts)
    for old, new in changes:
        assert texts[file].count(old) == 1, old
        texts[file] = texts[file].replace(old, new)
    texts[file] += more
    return read(texts)


# -- law show -------------------------------------------------------------------------------------


def test_a_ban_shows_dates_conditions_in_words_and_as_written_and_its_text() -> None:
    assert shown(law(), "cn.yuan_peg_abroad") == [
        "cn.yuan_peg_abroad  Nobody may issue a yuan-pegged coin abroad without the consent of the competent "
        "departments",
        "law of      Mainland China  cn.toml",
        "stands      in force",
        "begins      from 2026-02-06",
        "forbids     issuing, wherever it happens  cn-42 art 1",
        "when        the currency the coin is pegged to is CNY",
        "coin.peg == 'CNY'",
        "when        the place of the payment is outside Mainland China",
        "payment.place not in ('cn',)",
        "unless      the authorities of Mainland China have consented",
        "'cn' in issuer.consents",
        "text        cn-42: "
        + law().sources["cn-42"].title["en"]
        + " (银发〔2026〕42号), last checked 2026-11-22",
        law().sources["cn-42"].link,
    ]


def test_a_permit_shows_its_needs_with_the_numbers_of_the_day() -> None:
    lines = shown(law(), "hk.pay")
    assert "permits     paying  hk-so s 8" in lines
    (need,) = [line for line in lines if line.startswith("needs       travel_full")]
    assert "(8,000.00 HKD)" in need
    assert need.endswith("hk-ag para 6.5")
    assert [line.split(":")[0] for line in lines if line.startswith("text")] == [
        "text        hk-so",
        "text        hk-ag",
    ]
    assert shown(law(), "hk.pay/travel_full") == lines


def test_what_has_not_begun_is_told_with_the_numbers_it_will_begin_with() -> None:
    (need,) = [line for line in shown(shipped(ALL), "us.invest") if "short_enough" in line]
    assert "93 days" in need
    before = shown(law(), "hk.pay", at=moment("2025-07-31 23:59:59"))
    assert "stands      enacted, not in force" in before
    assert any("(8,000.00 HKD)" in line for line in before)


def test_a_duty_and_an_always_are_told_in_words() -> None:
    duty = shown(law(), "hk.redeem_in_time")
    deeds = law().vocabulary.deeds
    assert f"upon        {deeds['redeem.requested'].title['en']}" in duty
    assert f"must        {deeds['redeem.paid'].title['en']}  hk-sg para 3.3" in duty
    assert "time        within 1 business day" in duty
    always = shown(law(), "hk.full_backing")
    assert "issuer.reserve_value >= issuer.coins_outstanding" in always
    assert "time        Every week" in shown(shipped(), "hk.statement_published")
    assert "time        for 5 years" in shown(shipped(), "hk.keep_records")


def test_a_value_is_told_with_every_number_it_ever_had_and_each_with_its_article() -> None:
    lines = shown(shipped(), "ecny limit.single")
    firsts = [line for line in lines if line.startswith("from")]
    assert "tier 4: 500.00 CNY" in firsts[0]
    assert firsts[0].startswith("from        2020-08-01")
    assert any("tier 4: 2,000.00 CNY" in line and "2021" in line for line in firsts[1:])
    assert any(line.endswith("[unconfirmed: one source, or none that agrees]") for line in firsts)
    everywhere = shown(shipped(ALL), "limit.single")
    assert [line for line in everywhere if line.startswith("law of")] == [
        "law of      " + shipped().vocabulary.places[place].title["en"] for place in ("cn-sh", "ecny")
    ]
    assert any("[DRAFT]" in line for line in everywhere)


def test_a_number_that_waits_for_an_event_says_for_which() -> None:
    lines = shown(shipped(), "eu reserve.deposit_share_least")
    event = shipped().events["eu.deposit_standard"].title["en"]
    assert any(line.startswith(f"from        waits for {event}") and "60 %" in line for line in lines)
    assert not any("9999" in line for line in lines)


def test_how_it_stands_is_told_of_proposals_drafts_and_repealed_rules() -> None:
    assert "stands      PROPOSAL" in shown(shipped(ALL), "us.capital_proposed")
    assert "stands      DRAFT, invented" in shown(shipped(ALL), "cn-sh.issue")
    assert "stands      repealed" in shown(law(), "cn.virtual_currency_2021")
    assert "stands      in force" in shown(
        law(), "cn.virtual_currency_2021", at=moment("2026-02-05 23:59:59")
    )
    waits = shown(shipped(), "tw.issue")
    assert "stands      enacted, not in force" in waits
    assert f"begins      waits for {shipped().events['tw.vasa_commenced'].title['en']}" in waits
    assert "stands      unconfirmed: one source, or none that agrees" in shown(shipped(), "hk.screen")


def test_an_end_names_the_text_that_set_it_and_a_suspension_its_days() -> None:
    ended = shown(shipped(), "cn.services_2021")
    cite = shipped().rule_by_id["cn.services_2021"].span.end_cite
    assert f"until       2026-02-06  ended by {cite}" in ended
    gap = 'suspended = [{ from = 2026-11-01, until = 2026-12-01, cite = "hk-sg para 9" }]\nupon'
    lines = shown(rewritten(("upon", gap)), "hk.redeem_in_time")
    assert "stands      suspended" in lines
    assert "suspended   2026-11-01 - 2026-12-01  hk-sg para 9" in lines


def test_an_end_that_an_exercise_sets_is_marked() -> None:
    reform = """
[reform]
title = { en = "An exercise", zh = "习作" }
[[change]]
repeal = "cn.yuan_peg_abroad"
from   = 2027-07-01
cite   = "sh-decision art 9"
"""
    lines = shown(with_reform(law(), "repeal", reform), "cn.yuan_peg_abroad")
    assert "until       2027-07-01  ended by sh-decision art 9  [DRAFT]" in lines


def test_the_law_is_told_with_its_own_numbers_where_a_proposal_has_others() -> None:
    proposed = """
[book]
place  = "hk"
status = "proposal"
title  = { en = "A proposal", zh = "提案" }
[[travel.full_from]]
from = 2026-06-01
cite = "hk-ag para 1"
HKD  = 1
"""
    book = read({**law().texts, "hk-proposal.toml": proposed}, drafts=[ALL])
    (need,) = [line for line in shown(book, "hk.pay") if "travel_full" in line]
    assert "(8,000.00 HKD)" in need
    (law_line, proposal) = [line for line in shown(book, "travel.full_from") if line.startswith("from")]
    assert "[" not in law_line
    assert proposal.endswith("1.00 HKD  hk-ag para 1 [PROPOSAL]")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_in_the_book_can_be_shown(language: str) -> None:
    book = shipped(ALL)
    for name in names_of(book):
        lines = shown(book, name, language)
        assert len(lines) > 3, name
        assert lines[0].startswith(name)
        assert not any("9999" in line or "None" in line for line in lines), name


@pytest.mark.parametrize("name", ["cn.nothing", "limit.nothing", "hk limit.day", "", " ", "cn", "limit"])
def test_what_is_not_there_is_not_told(name: str) -> None:
    assert told(law(), name, NOW, "en") is None


# -- briefs ---------------------------------------------------------------------------------------


BRIEF = (
    'title = { en = "the full data travels from the threshold on", zh = "达到门槛须随付完整信息" }',
    'title = { en = "the full data travels from the threshold on", zh = "达到门槛须随付完整信息" }, '
    'brief = { en = "full from {travel.full_from}", zh = "{travel.full_from}起完整" }',
)
LATER = '\n[[travel.full_from]]\nfrom = 2026-01-01\ncite = "hk-ag para 6.6"\nHKD = 9_000\n'


def travel_need(book: Book) -> tuple[Rule, Need]:
    rule = book.rule_by_id["hk.pay"]
    return rule, next(need for need in rule.needs if need.name == "travel_full")


@pytest.mark.parametrize(
    ("day", "number"),
    [
        ("2025-07-31 23:59:59", "8,000.00 HKD"),
        ("2025-12-31 23:59:59", "8,000.00 HKD"),
        ("2026-01-01 00:00:00", "9,000.00 HKD"),
    ],
)
def test_a_brief_shows_the_number_of_the_instant(day: str, number: str) -> None:
    book = rewritten(BRIEF, more=LATER)
    rule, need = travel_need(book)
    assert brief_words(book, rule, moment(day), "en", need) == f"full from {number}"
    assert brief_words(book, rule, moment(day), "zh", need) == f"{number}起完整"


def test_a_number_in_several_currencies_is_shown_in_each() -> None:
    more = LATER.replace("HKD = 9_000", "HKD = 9_000\nUSD = 1_150")
    book = rewritten(BRIEF, more=more)
    rule, need = travel_need(book)
    words = brief_words(book, rule, NOW, "en", need)
    assert sorted(words.removeprefix("full from ").split(" / ")) == ["1,150.00 USD", "9,000.00 HKD"]


def test_without_a_brief_the_title_stands_and_a_duty_adds_its_time() -> None:
    duty = next(found for found in law().duties if found.id == "hk.redeem_in_time")
    assert brief_words(law(), duty, NOW, "en") == f"{duty.title['en']} (within 1 business day)"
    assert brief_words(law(), duty, NOW, "zh") == f"{duty.title['zh']}（在1个工作日内）"
    rule = law().rule_by_id["hk.pay"]
    assert brief_words(law(), rule, NOW, "en") == rule.title["en"]


def test_an_unconfirmed_number_makes_its_brief_unconfirmed_from_its_own_day_on() -> None:
    book = rewritten(BRIEF, more=LATER.replace('6.6"', '6.6"\nconfidence = "unconfirmed"'))
    rule, need = travel_need(book)
    assert rule.confidence is Confidence.CONFIRMED
    assert not is_unsure(book, rule, moment("2025-12-31 23:59:59"), need)
    assert is_unsure(book, rule, moment("2026-01-01 00:00:00"), need)
    assert not is_unsure(book, rule, moment("2026-01-01 00:00:00"))


def test_a_beginning_is_a_day_or_what_it_waits_for() -> None:
    book = shipped(ALL)
    rules, commenced = (book.events[event].title for event in ("us.final_rules", "tw.vasa_commenced"))
    act, pending = book.rule_by_id["us.issue"], book.rule_by_id["tw.issue"]
    assert begin_words(book, act, "en") == f"from 120 days after {rules['en']}, 2027-01-18 at the latest"
    assert begin_words(book, act, "zh") == f"自{rules['zh']}后120天起，最迟2027-01-18"
    assert begin_words(book, pending, "en") == f"waits for {commenced['en']}"
    assert begin_words(book, pending, "zh") == f"待{commenced['zh']}"
    assert begin_words(book, book.rule_by_id["hk.issue"], "zh") == "自2025-08-01起"


def test_once_an_event_has_happened_the_day_itself_is_told() -> None:
    texts = dict(shipped().texts)
    texts["events.toml"] = texts["events.toml"].replace(
        'id    = "us.final_rules"\n',
        'id    = "us.final_rules"\nday = 2026-08-01\nknown = 2026-08-01\ncite = "us-act s 20"\n',
    )
    book = read(texts)
    assert begin_words(book, book.rule_by_id["us.issue"], "en") == "from 2026-11-29"
    assert book.rule_by_id["us.issue"].span.start_day == date(2026, 11, 29)


def test_the_law_alone_keeps_only_numbers_of_the_law() -> None:
    assert ("cn-sh", "limit.day") in PILOT.series
    assert ("cn-sh", "limit.day") not in only_law(PILOT).series
    assert only_law(PILOT).series == law().series
    assert only_law(law()).digest == law().digest
