"""The page of the law: what applies on the day, each sentence with its article, drafts marked."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.telling.page import html, in_force, markdown, sections

from .law_scenes import law, moment

AT = moment("2027-02-01 10:00")
PILOT = law("cn-sh")


class Checker(HTMLParser):
    """Checks that every element is closed in order, and collects links and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(tag)
        if found.get("id"):
            self.ids.append(found["id"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


def test_a_section_holds_what_applies_on_the_day() -> None:
    cn, pilot, hk = sections(PILOT, AT, "en")
    assert [section.is_draft for section in (cn, pilot, hk)] == [False, True, False]
    assert [rule.id for rule in cn.rules] == [
        "cn.virtual_currency",
        "cn.yuan_peg_abroad",
        "cn.controlled_abroad",
    ]
    assert [absent.id for absent in cn.not_in_force] == ["cn.virtual_currency_2021"]
    assert cn.not_in_force[0].words == "no longer applies"
    assert [rule.kind for rule in pilot.rules] == ["permit", "permit", "permit"]
    assert [always.id for always in hk.always] == ["hk.full_backing"]
    assert (
        hk.duties[0].words == "Upon a valid request to redeem, the issuer must pay it within 1 business day."
    )
    assert hk.values[0].words == "the amount from which the full data must travel: 8,000.00 HKD"


def test_before_its_day_everything_of_a_file_waits() -> None:
    for section in sections(PILOT, moment("2021-09-23 23:59:59"), "en"):
        assert not section.rules
        assert not section.values
        assert section.not_in_force
        assert all(absent.words.startswith("does not apply yet") for absent in section.not_in_force)
    assert in_force(PILOT, moment("2021-09-23 23:59:59")) == []
    assert [found.id for found in in_force(PILOT, moment("2021-09-24 00:00"))] == ["cn.virtual_currency_2021"]


def test_an_exception_made_by_a_draft_is_marked_in_the_law_in_force() -> None:
    ban = sections(PILOT, AT, "en")[0].rules[0]
    assert not ban.is_draft
    assert [clause.name for clause in ban.exceptions] == ["cn-sh.issue", "cn-sh.pay", "cn-sh.wind_down"]
    assert all(clause.is_draft for clause in ban.exceptions)
    assert {str(clause.cite) for clause in ban.exceptions} == {"sh-decision art 1"}
    assert sections(law(), AT, "en")[0].rules[0].exceptions == ()


def test_every_part_of_a_draft_is_marked() -> None:
    pilot = sections(PILOT, AT, "en")[1]
    for provision in (*pilot.rules, *pilot.always, *pilot.duties):
        assert provision.is_draft
        clauses = (*provision.when, *provision.unless, *provision.needs, *provision.exceptions)
        assert all(clause.is_draft for clause in clauses)
    assert all(clause.is_draft for clause in pilot.values)


@pytest.mark.parametrize(("language", "mark"), [("en", "DRAFT"), ("zh", "草案")])
def test_no_sentence_of_a_draft_stands_without_its_mark(language: str, mark: str) -> None:
    page = markdown(PILOT, AT, language)
    for text in page.splitlines():
        if "sh-pilot" in text and text.startswith(("  - ", "- `")) and "- `sh-pilot`" not in text:
            assert f"**[{mark}]**" in text, text
    for heading in re.findall(r"^#### `cn-sh.*$", page, re.M):
        assert heading.endswith(f"**[{mark}]**")
    marked = html(PILOT, AT, language)
    assert f'<strong class="draft-mark">{mark}</strong></h2>' in marked
    for item in re.findall(r"<(?:li|h4)>.*?cn-sh.*?</(?:li|h4)>|<li>.*?sh-pilot.*?</li>", marked):
        assert mark in item, item


def test_without_the_draft_there_is_no_mark_and_nothing_of_it() -> None:
    for page in (markdown(law(), AT, "en"), html(law(), AT, "en")):
        assert "DRAFT" not in page
        assert "sh-pilot" not in page
        assert "invented" not in page


@pytest.mark.parametrize("book", [law(), PILOT])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "at", ["2019-01-01 00:00", "2025-08-01 00:00", "2027-02-01 00:00", "2031-01-01 00:00"]
)
def test_the_page_is_whole_on_every_day(book: Book, language: str, at: str) -> None:
    page = html(book, moment(at), language)
    found = checked(page)
    assert found.headings[0] == "h2"
    assert "h1" not in found.headings
    assert len(set(found.ids)) == len(found.ids)
    for link in found.links:
        assert link.startswith("https://") or link.removeprefix("#") in found.ids
    for text in (page, markdown(book, moment(at), language)):
        assert "Not legal advice" in text[:200]
        assert "不构成法律意见" in text[:400]
        assert at[:10] in text[:600]


def test_every_article_is_linked_with_the_day_we_last_looked() -> None:
    page = html(PILOT, AT, "en")
    cites = re.findall(r"<cite>(.*?)</cite>", page)
    assert len(cites) > 40
    for cite in cites:
        assert re.fullmatch(
            r'<a href="(https://|#source-)[^"]+">.+</a> <small>last checked \d{4}-\d\d-\d\d</small>', cite
        )


def test_the_sources_stand_at_the_end_with_what_was_read() -> None:
    page = html(PILOT, AT, "en")
    end = page[page.index('<section class="sources">') :]
    for source in PILOT.sources.values():
        assert f'id="source-{source.id}"' in end
        assert source.number in end
    assert end.count("last checked 2026-11-22") == len(PILOT.sources)
    assert "read: a public summary" in end
    assert "read: nothing: invented here" in end


def test_a_reformed_value_stands_under_its_own_article_beside_the_one_it_leaves() -> None:
    reform = '[[limit.single]]\nfrom = 2027-07-01\ncite = "sh-pilot notice 2 art 1"\nCNY = { t4 = 1_000 }\n'
    book = read({**PILOT.texts, "cn-sh.toml": f"{PILOT.texts['cn-sh.toml']}\n{reform}"}, drafts=["cn-sh"])
    before, after = (
        sections(book, moment(at), "en")[1] for at in ("2027-06-30 23:59:59", "2027-07-01 00:00:00")
    )
    assert [absent.words for absent in before.not_in_force] == ["does not apply yet: tier 4: 1,000.00 CNY"]
    assert [(clause.words, str(clause.cite)) for clause in after.values if clause.name == "limit.single"] == [
        (
            "the cap on one payment: tier 1: unlimited, tier 2: 50,000.00, tier 3: 5,000.00 CNY",
            "sh-pilot art 7(1)",
        ),
        ("the cap on one payment: tier 4: 1,000.00 CNY", "sh-pilot notice 2 art 1"),
    ]


def test_markdown_shows_marks_of_the_law_as_they_are() -> None:
    texts = dict(law().texts)
    texts["hk.toml"] = texts["hk.toml"].replace(
        'en = "A licensed issuer', 'en = "*A* [licensed](x) <b> `issuer`'
    )
    assert r"\*A\* \[licensed\](x) \<b\> \`issuer\`" in markdown(read(texts), AT, "en")
