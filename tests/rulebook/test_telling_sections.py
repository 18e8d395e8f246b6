"""The sections of a page: proposals, exercises, suspensions, pending events, ends, and what is unsure."""

from __future__ import annotations

import re
from datetime import date

import pytest

from jiaozi.rulebook.model import Book, Status
from jiaozi.rulebook.reading.read import ALL, read, with_reform
from jiaozi.rulebook.telling.document import document
from jiaozi.rulebook.telling.page import html, markdown, whole
from jiaozi.rulebook.telling.sections import Absent, Section, sections

from .law_scenes import law, moment, shipped
from .test_rulebook_page import checked

NOW = moment("2026-11-22 12:00")

REFORM = """
[reform]
title = { en = "An exercise", zh = "习作" }

[source.my-notice]
authority = { en = "Nobody", zh = "无" }
title     = { en = "Invented notice", zh = "虚构通知" }
number    = "exercise"
issued    = 2026-11-22
known     = 2026-11-22
read      = "invented"
checked   = 2026-11-22

[[change]]
repeal = "cn.yuan_peg_abroad"
from   = 2027-07-01
cite   = "my-notice art 1"

[[change]]
set   = "travel.full_from"
place = "hk"
from  = 2027-07-01
cite  = "my-notice art 2"
HKD   = 1_000
"""


def section(book: Book, name: str, at: str = "2026-11-22 12:00", language: str = "en") -> Section:
    return next(each for each in sections(book, moment(at), language) if each.name == name)


def absent(found: Section, name: str) -> Absent:
    return next(each for each in found.not_in_force if each.id == name)


def with_words(file: str, old: str, new: str) -> Book:
    text = law().texts[file]
    assert text.count(old) == 1, old
    return read({**law().texts, file: text.replace(old, new)})


# -- what is no law -------------------------------------------------------------------------------


def test_a_proposal_has_a_section_of_its_own_and_every_line_its_mark() -> None:
    book = shipped("us-proposals")
    act, proposed = section(book, "us", "2027-02-01 12:00"), section(book, "us-proposals", "2027-02-01 12:00")
    assert (act.status, proposed.status) == (Status.ENACTED, Status.PROPOSAL)
    assert not act.is_draft
    assert proposed.is_draft
    paragraphs = (*proposed.rules, *proposed.always, *proposed.duties)
    assert len(paragraphs) == 3
    assert all(each.is_draft for each in paragraphs)
    assert all(each.is_draft for each in proposed.values)
    assert not any(each.is_draft for each in (*act.rules, *act.duties))
    assert not any(each.is_draft for each in act.values)
    assert "us-proposals" not in [each.name for each in sections(shipped(), NOW, "en")]


@pytest.mark.parametrize(("language", "mark"), [("en", "PROPOSAL"), ("zh", "提案")])
def test_on_the_page_a_proposal_is_called_a_proposal(language: str, mark: str) -> None:
    page = html(shipped("kr"), moment("2027-02-01 12:00"), language)
    own = re.search(r'<section class="law draft" id="law-kr">.*?</section>', page, flags=re.DOTALL)
    assert own
    heads = re.findall(r"<h[24]>.*?</h[24]>", own[0])
    assert len(heads) > 6
    assert all(f'<strong class="draft-mark">{mark}</strong>' in head for head in heads)
    assert "DRAFT" not in own[0]
    assert page.count("draft-mark") == own[0].count("draft-mark")
    marked = markdown(shipped("kr"), moment("2027-02-01 12:00"), language)
    for heading in re.findall(r"^#### `kr\..*$", marked, re.MULTILINE):
        assert f"**[{mark}]**" in heading


def test_an_exercise_has_a_section_and_changes_only_what_it_names() -> None:
    book = with_reform(law(), "exercise", REFORM)
    own = section(book, "exercise", "2027-07-01 00:00")
    assert (own.place, own.title, own.is_draft) == ("", "An exercise", True)
    assert own.rules == ()
    assert [(each.words, str(each.cite), each.since) for each in own.values] == [
        ("the amount from which the full data must travel: 1,000.00 HKD", "my-notice art 2", date(2027, 7, 1))
    ]
    old = absent(section(book, "hk", "2027-07-01 00:00"), "travel.full_from")
    assert (old.words, old.is_draft) == ("replaced: 8,000.00 HKD", False)
    before = section(book, "exercise", "2027-06-30 23:59:59")
    assert before.values == ()
    assert absent(before, "travel.full_from").words == "does not apply yet: 1,000.00 HKD"
    assert absent(before, "travel.full_from").is_draft


@pytest.mark.parametrize(("language", "mark"), [("en", "DRAFT"), ("zh", "草案")])
def test_what_an_exercise_ends_is_marked_before_and_after(language: str, mark: str) -> None:
    book = with_reform(law(), "exercise", REFORM)
    ban = next(
        rule
        for rule in section(book, "cn", "2027-06-30 23:59:59", language).rules
        if rule.id == "cn.yuan_peg_abroad"
    )
    assert ban.until == date(2027, 7, 1)
    (end,) = ban.exceptions
    assert end.is_draft
    assert "2027-07-01" in end.words
    assert str(end.cite) == "my-notice art 1"
    over = absent(section(book, "cn", "2027-07-01 00:00", language), "cn.yuan_peg_abroad")
    assert f"my-notice art 1 [{mark}]" in over.words
    for at in ("2027-06-30 23:59:59", "2027-07-01 00:00"):
        page = html(book, moment(at), language)
        assert mark in re.sub(r'.*id="law-cn">(.*?)</section>.*', r"\1", page, flags=re.DOTALL)
        checked(page)


# -- time -----------------------------------------------------------------------------------------


def test_what_is_suspended_stands_at_the_end_for_as_long_as_it_is() -> None:
    gap = 'suspended = [{ from = 2026-11-01, until = 2026-12-01, cite = "hk-sg para 9" }]\nupon'
    book = with_words("hk.toml", "upon", gap)
    assert [each.id for each in section(book, "hk", "2026-10-31 23:59:59").duties] == ["hk.redeem_in_time"]
    during = section(book, "hk", "2026-11-01 00:00")
    assert during.duties == ()
    assert absent(during, "hk.redeem_in_time").words == "suspended on this day"
    assert absent(section(book, "hk", language="zh"), "hk.redeem_in_time").words == "当日暂停施行"
    assert [each.id for each in section(book, "hk", "2026-12-01 00:00").duties] == ["hk.redeem_in_time"]


def test_what_waits_for_an_event_says_for_which_and_has_no_day() -> None:
    found = absent(section(shipped(), "tw"), "tw.issue")
    event = shipped().events["tw.vasa_commenced"].title
    assert found.since is None
    assert found.words == f"does not apply yet (waits for {event['en']})"
    chinese = absent(section(shipped(), "tw", language="zh"), "tw.issue")
    assert chinese.words == f"尚未适用（待{event['zh']}）"
    act = absent(section(shipped(), "us"), "us.issue")
    assert act.since == date(2027, 1, 18)
    assert act.words.endswith(", 2027-01-18 at the latest)")
    assert section(shipped(), "tw", "2100-01-01 00:00").rules == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_number_that_waits_says_for_what(language: str) -> None:
    event = shipped().events["eu.deposit_standard"].title[language]
    waiting = [
        each
        for each in section(shipped(), "eu", language=language).not_in_force
        if each.id == "reserve.deposit_share_least"
    ]
    assert [(each.since, event in each.words) for each in waiting] == [(None, True)]


def test_what_has_ended_names_the_text_that_ended_it() -> None:
    found = absent(section(shipped(), "cn"), "cn.services_2021")
    cite = shipped().rule_by_id["cn.services_2021"].span.end_cite
    assert found.words == f"no longer applies (ended by {cite})"
    assert found.until == date(2026, 2, 6)
    assert absent(section(law(), "cn"), "cn.virtual_currency_2021").words == "no longer applies"


def test_what_one_source_alone_says_is_marked_on_the_page() -> None:
    unsure = {each.id for each in section(shipped(), "hk").duties if each.is_unconfirmed}
    assert {"hk.screen", "hk.report_gap"} <= unsure
    assert "hk.redeem_in_time" not in unsure
    page = html(shipped(), NOW, "en")
    own = next(part for part in page.split("<article") if 'id="hk.screen"' in part)
    assert '<span class="mark">unconfirmed</span>' in own
    assert re.search(r"^#### `hk\.screen` \[未确认\]$", markdown(shipped(), NOW, "zh"), re.MULTILINE)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("at", ["2010-01-01 00:00", "2026-11-22 00:00", "2031-01-01 00:00"])
def test_the_page_of_everything_is_whole_on_every_day(language: str, at: str) -> None:
    book = shipped(ALL)
    page = html(book, moment(at), language)
    found = checked(page)
    assert len(set(found.ids)) == len(found.ids)
    for text in (page, markdown(book, moment(at), language)):
        assert "9999-12-31" not in text
        assert "None" not in text


# -- the document around a page -------------------------------------------------------------------


@pytest.mark.parametrize(("language", "spoken"), [("en", "en"), ("zh", "zh-Hans")])
def test_a_document_is_whole_and_loads_nothing(language: str, spoken: str) -> None:
    page = whole(shipped(), NOW, language)
    assert page.startswith("<!doctype html>\n")
    assert f'<html lang="{spoken}">' in page
    head, _, body = page.partition("<body>")
    assert "http" not in head
    assert "@import" not in head
    assert "url(" not in head
    assert not re.search(r"<(?:script|link|img|iframe|object)\b|\bsrc=|\bon\w+=", page)
    checked(body.partition("</body>")[0])
    assert body.count("<h1>") == 1


def test_a_document_shows_its_title_and_never_runs_it() -> None:
    page = document("</title><script>alert(1)</script>", "<p>body</p>", "en", is_wide=True)
    assert "<script" not in page
    assert page.count("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert '<body class="wide">' in page
    assert "<p>body</p>" in page
