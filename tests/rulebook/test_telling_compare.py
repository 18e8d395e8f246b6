"""Places side by side: what anyone could have read on a day, with what is no law marked as such."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from functools import lru_cache

import pytest

from jiaozi.rulebook.model import Book, Standing
from jiaozi.rulebook.reading.read import ALL, read
from jiaozi.rulebook.telling.compare import STANDING_WORDS, TOPIC_TITLES, Column, Comparison, Entry, compare
from jiaozi.rulebook.telling.compare_show import FIELDS, as_csv, as_data, as_html, as_text, rows

from .law_scenes import law, shipped
from .test_rulebook_page import checked

TODAY = date(2026, 11, 22)


@lru_cache
def seen(day: date, language: str = "en") -> Comparison:
    return compare(shipped(ALL), day, language)


def column(place: str, day: date = TODAY, language: str = "en") -> Column:
    return next(found for found in seen(day, language).columns if found.place == place)


def entry(name: str, day: date = TODAY, language: str = "en") -> Entry:
    place = name.partition(".")[0]
    return next(found for found in column(place, day, language).entries if found.name == name)


def rewritten(file: str, *changes: tuple[str, str], more: str = "") -> Book:
    """Return the small law with the draft, with some words of one file replaced and some added."""
    texts = dict(law("cn-sh").texts)
    for old, new in changes:
        assert old in texts[file]
        texts[file] = texts[file].replace(old, new)
    texts[file] += more
    return read(texts, drafts=["cn-sh"])


# -- where each place stands ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "status", "since"),
    [
        ("cn", "banned", "2017-09-04"),
        ("cn-sh", "DRAFT, invented", "from 2026-12-01"),
        ("hk", "licensed", "2025-08-01"),
        ("us", "enacted, not in force", "from 120 days after {us.final_rules}, 2027-01-18 at the latest"),
        ("eu", "licensed", "2024-06-30"),
        ("sg", "PROPOSAL", ""),
        ("jp", "licensed", "2023-06-01"),
        ("ae", "licensed", "2024-08-21"),
        ("tw", "enacted, not in force", "waits for {tw.vasa_commenced}"),
        ("kr", "PROPOSAL", ""),
        ("ecny", "yardstick, no place", ""),
        ("fatf", "yardstick, no place", ""),
    ],
)
def test_each_place_stands_where_it_stood_on_22_november_2026(place: str, status: str, since: str) -> None:
    for event in shipped(ALL).events.values():
        since = since.replace(f"{{{event.id}}}", event.title["en"])
    found = column(place)
    assert (found.status, found.since) == (status, since)


@pytest.mark.parametrize(
    ("place", "day", "status"),
    [
        ("cn", date(2013, 12, 5), "no regime for issuers here; some rules apply"),
        ("cn", date(2017, 9, 4), "banned"),
        ("hk", date(2025, 7, 31), "enacted, not in force"),
        ("hk", date(2025, 8, 1), "licensed"),
        ("us", date(2025, 7, 1), "no regime for issuers here; some rules apply"),
        ("us", date(2027, 1, 17), "enacted, not in force"),
        ("us", date(2027, 1, 18), "licensed"),
        ("eu", date(2024, 6, 29), "enacted, not in force"),
        ("eu", date(2024, 6, 30), "licensed"),
        ("ae", date(2024, 8, 20), "enacted, not in force"),
    ],
)
def test_the_status_of_a_place_turns_on_its_day(place: str, day: date, status: str) -> None:
    assert column(place, day).status == status


def test_in_chinese_the_places_stand_the_same() -> None:
    status = {found.place: found.status for found in seen(TODAY, "zh").columns}
    assert status["cn"] == "禁止"
    assert status["hk"] == "许可制"
    assert status["us"] == status["tw"] == "已颁布，尚未施行"
    assert status["sg"] == status["kr"] == "提案"
    assert status["cn-sh"] == "草案（虚构）"
    events = shipped(ALL).events
    rules, commenced = events["us.final_rules"].title["zh"], events["tw.vasa_commenced"].title["zh"]
    assert column("us", language="zh").since == f"自{rules}后120天起，最迟2027-01-18"
    assert column("tw", language="zh").since == f"待{commenced}"


def test_a_proposal_that_is_tried_from_a_day_is_not_said_to_have_begun_on_it() -> None:
    """The day in the file of a proposal is there so that it can be tried; no law begins on it."""
    assert all(found.begins == "" for found in column("sg").entries)
    assert "2023-08-15" not in as_text(compare(shipped(ALL), TODAY, "en", ["sg"]))


# -- what was known on the day ----------------------------------------------------------------


def test_a_text_that_was_published_later_is_not_shown() -> None:
    places = {found.place for found in seen(date(2024, 1, 1)).columns}
    assert places == {"cn", "us", "eu", "sg", "jp", "th", "ecny", "fatf"}
    names = {found.name for found in column("cn", date(2024, 1, 1)).entries}
    assert "cn.virtual_currency_2021" in names
    assert not names & {"cn.virtual_currency", "cn.yuan_peg_abroad", "cn.tokens_home"}
    assert [found.name for found in column("us", date(2024, 1, 1)).entries] == [
        "us.travel",
        "us.travel_abroad_proposed",
    ]


def test_what_is_repealed_is_shown_no_more() -> None:
    before = {found.name for found in column("cn", date(2026, 2, 5)).entries}
    after = {found.name for found in column("cn", date(2026, 2, 6)).entries}
    assert "cn.virtual_currency_2021" in before - after
    assert {"cn.virtual_currency", "cn.yuan_peg_abroad"} <= after - before


def test_a_need_of_a_text_that_was_published_later_is_not_shown() -> None:
    """The Ordinance was read months before the guideline on travel data was."""
    assert shipped().sources["hk-so"].known < shipped().sources["hk-ag"].known == date(2025, 8, 1)
    before, after = (
        {each.name for each in column("hk", day).entries} for day in (date(2025, 7, 31), date(2025, 8, 1))
    )
    assert after - before >= {"hk.pay/travel_core", "hk.pay/travel_full", "hk.hold/known_holder"}
    assert "hk.issue" in before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_every_day_on_which_something_new_is_read_each_entry_has_words_and_a_known_text(
    language: str,
) -> None:
    book = shipped(ALL)
    days = {source.known for source in book.sources.values()}
    days |= {found.span.start_day for found in book.provisions if not found.span.is_pending}
    for day in sorted(days):
        for found in compare(book, day, language).columns:
            for each in found.entries:
                assert each.words, each.name
                assert str(each.cite).startswith(each.source.id)
                own = book.rule_by_id.get(each.name.partition("/")[0])
                assert each.source.known <= day or (own and own.known <= day), (day, each.name)
                assert "{" not in each.words
                assert "not set" not in each.words, (day, each)
                assert "未设定" not in each.words


# -- what is no law is marked, in every form ---------------------------------------------------


@pytest.mark.parametrize(
    ("place", "mark", "standing"),
    [("sg", "PROPOSAL", "proposal"), ("kr", "PROPOSAL", "proposal"), ("cn-sh", "DRAFT, invented", "draft")],
)
def test_what_is_no_law_is_marked_in_every_form(place: str, mark: str, standing: str) -> None:
    found = compare(shipped(ALL), TODAY, "en", [place])
    count = len(found.columns[0].entries)
    assert count > 5
    assert as_text(found).replace("\n", " ").count(f"[{mark}") == count
    assert [row[3] for row in rows(found)][1:] == [standing] * count
    data = as_data(found)["places"][0]["topics"]
    assert {each["standing"] for entries in data.values() for each in entries} == {standing}
    assert as_html(found).count(f'<span class="mark">{mark}') == count


def test_law_in_force_bears_no_mark() -> None:
    found = compare(shipped(ALL), date(2025, 1, 1), "en", ["ae", "jp"])
    assert all(each.standing is Standing.IN_FORCE for each in found.columns[0].entries)
    assert "PROPOSAL" not in as_text(found)
    assert "DRAFT" not in as_text(found)


def test_a_proposal_beside_the_law_of_its_place_is_marked_alone() -> None:
    assert entry("us.redeem_in_time_proposed").standing is Standing.PROPOSAL
    assert entry("us.redemption_policy").standing is Standing.ENACTED
    assert entry("us.travel").standing is Standing.IN_FORCE


def test_what_is_suspended_is_marked() -> None:
    gap = 'suspended = [{ from = 2026-03-01, until = 2026-04-01, cite = "hk-sg para 9" }]\n'
    book = rewritten(
        "hk.toml",
        ('who    = "issuer"\ndo     = "redeem.paid"', f'{gap}who    = "issuer"\ndo     = "redeem.paid"'),
    )
    for day, is_suspended in (("2026-02-28", False), ("2026-03-01", True), ("2026-04-01", False)):
        text = as_text(compare(book, date.fromisoformat(day), "en", ["hk"]), width=200)
        assert ("[suspended, 2026-03-01 to 2026-04-01]" in text) == is_suspended, day


def test_what_one_source_alone_says_is_marked_unconfirmed() -> None:
    assert entry("hk.issue_promptly").confidence == "unconfirmed"
    assert entry("hk.redeem_in_time").confidence == "confirmed"
    text = as_text(compare(shipped(ALL), TODAY, "en", ["hk"])).replace("\n", " ")
    assert text.count("[unconfirmed]") == sum(
        found.confidence == "unconfirmed" for found in column("hk").entries
    )
    assert '<span class="mark">未确认</span>' in as_html(compare(shipped(ALL), TODAY, "zh", ["hk"]))


def test_a_number_that_one_source_alone_says_marks_the_line_that_shows_it() -> None:
    found = entry("us.issue/permitted_issuer")
    assert "1,000,000.00 USD" in found.words
    assert found.confidence == "unconfirmed"
    assert shipped(ALL).rule_by_id["us.issue"].confidence == "confirmed"


# -- numbers ------------------------------------------------------------------------------------


def test_numbers_come_from_the_dated_values() -> None:
    assert "up to 93 days" in entry("us.invest/short_enough").words
    assert "8,000.00 HKD" in entry("hk.pay/travel_full").words
    assert "8,000.00 HKD" in entry("hk.pay/travel_full", language="zh").words
    assert entry("hk.redeem_in_time").words.endswith("(within 1 business day)")
    assert entry("hk.redeem_in_time", language="zh").words.endswith("（在1个工作日内）")
    assert "class 4 10,000.00 CNY" in entry("ecny.pay/balance_cap").words


def test_what_has_not_begun_is_shown_with_the_numbers_it_will_begin_with() -> None:
    before = entry("eu.pay/travel_full", date(2024, 6, 30))
    assert (before.standing, before.begins) == (Standing.ENACTED, "from 2024-12-30")
    assert "1,000.00 EUR" in entry("eu.pay/self_hosted", date(2024, 6, 30)).words


BRIEF = (
    'title = { en = "the full data travels from the threshold on", zh = "达到门槛须随付完整信息" }',
    'title = { en = "the full data travels from the threshold on", zh = "达到门槛须随付完整信息" }, '
    'brief = { en = "from {travel.full_from}", zh = "{travel.full_from}起" }',
)
HIGHER = '\n[[travel.full_from]]\nfrom = 2026-01-01\ncite = "hk-ag para 6.5"\nHKD = 9_000\n'
PROPOSED = """
[book]
place  = "hk"
status = "proposal"
title  = { en = "A proposal", zh = "提案" }

[[travel.full_from]]
from = 2026-06-01
cite = "hk-ag para 1"
HKD  = 1
"""


def travel(book: Book, day: date) -> str:
    hk = compare(book, day, "en", ["hk"]).columns[0]
    return next(found.words for found in hk.entries if found.name == "hk.pay/travel_full")


def test_the_number_of_the_day_is_the_one_in_force_on_it() -> None:
    book = rewritten("hk.toml", BRIEF, more=HIGHER)
    assert travel(book, date(2025, 12, 31)) == "from 8,000.00 HKD"
    assert travel(book, date(2026, 1, 1)) == "from 9,000.00 HKD"


def test_a_number_of_a_proposal_is_not_shown_as_the_law() -> None:
    texts = rewritten("hk.toml", BRIEF).texts
    book = read({**texts, "hk-proposal.toml": PROPOSED}, drafts=[ALL])
    assert travel(book, TODAY) == "from 8,000.00 HKD"


# -- forms --------------------------------------------------------------------------------------


def test_the_table_is_csv_with_one_row_an_entry_and_one_a_place() -> None:
    found = seen(TODAY)
    text = as_csv(found)
    assert text.count("\r\n") == text.count("\n"), "RFC 4180 ends lines with CRLF"
    table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(table[0]) == FIELDS
    assert {len(row) for row in table} == {len(FIELDS)}
    entries = sum(len(each.entries) for each in found.columns)
    assert len(table) == 1 + len(found.columns) + entries
    names = [row[2] for row in table[1:] if row[2]]
    assert sorted(names) == sorted(each.name for place in found.columns for each in place.entries)
    assert len(set(names)) == len(names)


def test_the_json_holds_every_entry_with_its_article_and_link() -> None:
    data = json.loads(json.dumps(as_data(seen(TODAY, "zh")), ensure_ascii=False))
    assert (data["day"], data["language"]) == ("2026-11-22", "zh")
    assert data["law"] == shipped(ALL).digest.hex()
    hk = next(place for place in data["places"] if place["place"] == "hk")
    assert hk["title"] == "香港"
    assert list(hk["topics"]) == [str(topic) for topic in TOPIC_TITLES if topic in seen(TODAY).topics]
    ban = shipped(ALL).rule_by_id["hk.interest"]
    assert hk["topics"]["interest"] == [
        {
            "provision": "hk.interest",
            "words": ban.brief["zh"],
            "article": str(ban.cite),
            "link": shipped(ALL).sources["hk-so"].link,
            "checked": "2026-11-22",
            "standing": "in force",
            "begins": "",
            "confidence": "confirmed",
        }
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_the_text_says_that_it_is_no_advice(language: str) -> None:
    found = seen(TODAY, language)
    page = as_html(found)
    checker = checked(page.partition("<body")[2].partition(">")[2].partition("</body>")[0])
    assert checker.links
    assert all(link.startswith("https://") for link in checker.links)
    for text in (page, as_text(found)):
        assert ("Not legal advice" if language == "en" else "不构成法律意见") in text
        assert str(TODAY) in text
        for standing in (Standing.PROPOSAL, Standing.DRAFT, Standing.ENACTED):
            assert STANDING_WORDS[standing][language] in text


def test_no_article_is_broken_over_two_lines_at_its_hyphen() -> None:
    lines = as_text(seen(TODAY)).splitlines()
    ids = "|".join(sorted(shipped(ALL).sources))
    assert "us-act" in ids
    assert [line for line in lines if line.endswith(("us-", "hk-", "cn-", "eu-", "sg-"))] == []


def test_hostile_wording_is_shown_and_never_run() -> None:
    evil = '<script>alert("x")</script> & <b>'
    book = rewritten(
        "hk.toml",
        ("Hong Kong: Stablecoins Ordinance", "<script>"),
        ('en = "A licensed issuer may issue a fiat-referenced coin"', f"en = '{evil}'"),
    )
    page = as_html(compare(book, TODAY, "en"))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &lt;b&gt;" in page
    checked(page.partition("<body")[2].partition(">")[2].partition("</body>")[0])


def test_places_are_shown_in_the_order_asked_and_an_unknown_one_is_refused() -> None:
    found = compare(shipped(ALL), TODAY, "en", ["us", "hk"])
    assert [each.place for each in found.columns] == ["us", "hk"]
    with pytest.raises(ValueError, match="no such place 'atlantis'; places are cn, cn-sh, hk"):
        compare(shipped(ALL), TODAY, "en", ["hk", "atlantis"])


def test_a_place_without_any_law_on_the_day_says_so() -> None:
    found = compare(shipped(ALL), date(2012, 1, 1), "en", ["hk"])
    assert [(each.status, each.entries) for each in found.columns] == [("nothing in this book", ())]
    assert found.topics == ()
    assert "nothing in this book" in as_text(found)
    assert [each.place for each in compare(law(), date(2012, 1, 1), "en").columns] == []
