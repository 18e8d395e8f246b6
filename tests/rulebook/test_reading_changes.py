"""What drafts and reforms change is read strictly, applied once, and told at the line that wrote it."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.errors import RulebookError
from jiaozi.rulebook.provisions import Cite, Status
from jiaozi.rulebook.reading.read import read, with_reform

from .grown_law import DRAFTS, REFORM, assert_mistake, changed, grown, grown_law, line_of, mistakes_of, small

OPEN, IDEA = "open.toml", "hk-idea.toml"
SET = 'set   = "travel.full_from"\nplace = "hk"\n'

# file, what is replaced, by what, where the mistake must be reported, what it must say
MISTAKES = [
    # the head of a reform
    (OPEN, 'title = { en = "A reform", zh = "改革" }', "", "[reform]", "is missing; write a table"),
    (OPEN, "[reform]", '[reform]\nplace = "hk"', "place =", "unknown key"),
    (OPEN, "[reform]", '[reform]\nstatus = "enacted"', "status =", "unknown key"),
    (OPEN, "[reform]", "[reforms]", "[reforms]", "unknown key; did you mean reform?"),
    (OPEN, "[reform]", "[book]", "[book]", "is missing; write text in quotes"),
    (OPEN, "[reform]", "[[reform]]", "[[reform]]", "must be a table"),
    (OPEN, "[[change]]", '[[travel.full_from]]\nfrom = 2028-01-01\n[[change]]', "[[travel", "unknown key"),
    # what is changed
    (OPEN, SET, 'place = "hk"\n', "[[change]]", 'must have either set = "…" or repeal = "…"'),
    (OPEN, SET, SET + 'repeal = "cn.yuan_peg_abroad"\n', "[[change]]", "must have either set"),
    (OPEN, SET, 'place = "hk"\nset = "travel.full_form"\n', "set =", "no such value; declared are limit.single"),
    (OPEN, SET, 'place = "hk"\nset = ""\n', 'set = ""', "is empty"),
    (OPEN, SET, 'place = "hk"\nset = 1\n', "set = 1", "must be text in quotes"),
    (OPEN, SET, 'place = "xx"\nset = "travel.full_from"\n', '"xx"', "must be one of cn, cn-sh, hk"),
    (OPEN, SET, 'set = "travel.full_from"\n', "[[change]]", "is missing; write text in quotes"),
    (OPEN, 'from  = 2027-07-01\ncite  = "open art 1"', 'cite = "open art 1"', "[[change]]", "is missing; write"),
    (OPEN, 'cite  = "open art 1"\n', "", "[[change]]", "is missing; write text"),
    (OPEN, '"open art 1"', '"opening art 1"', "opening", "no such source 'opening'; did you mean open?"),
    (OPEN, "HKD   = 1_000", "HKD   = -1", "HKD   = -1", "is negative"),
    (OPEN, "HKD   = 1_000", "HKD   = 1_000\nuntil = 2028-01-01", "until =", "a value ends when the next one begins"),
    (OPEN, "HKD   = 1_000", "HKD   = 1_000\nwhy = 1", "why =", "unknown key"),
    (OPEN, "HKD   = 1_000", "days = 1", "days = 1", "unknown key"),
    (OPEN, '"cn.yuan_peg_abroad"', '"cn.yuan_peg"', "cn.yuan_peg", "to repeal; did you mean cn.yuan_peg_"),
    (OPEN, '"cn.yuan_peg_abroad"', '"zz"', '"zz"', "no such rule 'zz' to repeal"),
    (OPEN, '"cn.yuan_peg_abroad"', '""', 'repeal = ""', "is empty"),
    (OPEN, '"cn.yuan_peg_abroad"', '"hk.awaits"', "repeal =", "hk.awaits waits for an event and has not begun"),
    (OPEN, '"cn.yuan_peg_abroad"', '"cn.virtual_currency_2021"', "from   = 2027-07-01",
     "2027-07-01 lies outside: cn.virtual_currency_2021 applies from 2021-09-24 to 2026-02-06; repeal it in between"),
    (OPEN, "from   = 2027-07-01", "from   = 2026-02-06", "from   = 2026-02-06",
     "lies outside: cn.yuan_peg_abroad applies from 2026-02-06 to no end"),
    (OPEN, "from   = 2027-07-01", 'from   = { event = "hk.begun" }', "from   =", "must be a date"),
    (OPEN, "from   = 2027-07-01", "from   = 2027-07-01\nuntil = 2028-01-01", "until =", "unknown key"),
    ("hk.toml", "[[always]]", "[[change]]\nrepeal = 'hk.pay'\nfrom = 2028-01-01\ncite = 'hk-so s 1'\n[[always]]",
     "[[change]]", "only drafts and reforms try a change; enacted law is appended and dated"),
    # texts that a draft brings
    (OPEN, "[source.open]", "[source.hk-so]", "[source.hk-so]", "'hk-so' is declared already; take another name"),
    (OPEN, "[source.open]", "[source.hk-idea]", "[source.hk-idea]", "'hk-idea' is declared already; take another"),
    (OPEN, "[source.open]", '[source."An act"]', "", "a source is named in lower case letters, digits and -"),
    (OPEN, "[source.open]", "[sources.open]", "[sources.open]", "unknown key; did you mean source?"),
    (OPEN, "issued    = 2026-11-01", 'issued    = "soon"', '"soon"', "must be a date"),
    (OPEN, 'read      = "invented"', 'read      = "hearsay"', '"hearsay"', "must be one of text, digest, invented"),
    (OPEN, 'number    = "1"', 'number    = ""', 'number    = ""', "is empty"),
    # rules of a reform
    (OPEN, '"cn-sh.visit"', '"xx.visit"', '"xx.visit"', "must be a place. and lower case letters"),
    (OPEN, '"cn-sh.visit"', '"visit"', '"visit"', "must be a place. and lower case letters"),
    (OPEN, '"cn-sh.visit"', '"cn-sh.pay"', '"cn-sh.pay"', "stands twice (first at cn-sh.toml:"),
    (OPEN, 'lifts  = "cn.virtual_currency"\n', "", "", "which does not lift it; write lifts"),
    # amendments
    (IDEA, '"cn.virtual_currency"', '"cn.virtual"', '"cn.virtual"', "no such rule 'cn.virtual' to amend; did"),
    (IDEA, '"cn.virtual_currency"', '"hk.pay"', '"hk.pay"', "hk.pay is a permit, and only a ban yields"),
    (IDEA, '"cn.virtual_currency"', '""', 'rule      = ""', "is empty"),
    (IDEA, '["cn-sh.visit"]', "[]", "yields_to = []", "is empty; write at least one text"),
    (IDEA, '["cn-sh.visit"]', '["cn-sh.pay"]', "yields_to =", "yields to cn-sh.pay already; leave it out"),
    (IDEA, '["cn-sh.visit"]', '["cn-sh.vist"]', "yields_to =", "yields to 'cn-sh.vist', which is no permit"),
    (IDEA, '["cn-sh.visit"]', '["cn-sh.visit", "hk.pay"]', "yields_to =", "to hk.pay, which does not lift"),
    (IDEA, '["cn-sh.visit"]', '["cn-sh.visit", "hk.awaits"]', "yields_to =", "'hk.awaits', which"),
    ("cn-sh.toml", '"cn-sh.issue", "cn-sh.pay"', '"cn-sh.isue", "cn-sh.pay"', "yields_to =", "is no permit"),
    (IDEA, 'cite      = "hk-idea art 1"', "", "[[amend]]", "is missing"),
    (IDEA, 'from      = 2027-02-01', "", "[[amend]]", "is missing; write a date"),
    (IDEA, 'from      = 2027-02-01', "from = 2027-02-01\nuntil = 2028-02-01", "until", "has no end"),
    (IDEA, 'from      = 2027-02-01', "from      = 2027-02-01\nknown = 2027-02-02", "known =", "unknown key"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "where", "message"), MISTAKES)
def test_a_mistake_names_its_line_and_the_way_out(
    file: str, old: str, new: str, where: str, message: str
) -> None:
    if message == "which does not lift it; write lifts":
        file = IDEA  # the ban yields there; the permit that does not lift it stands in the reform
        texts = changed(OPEN, old, new)
        found = [mistake for mistake in mistakes_of(texts) if message in mistake.message]
        assert [(each.file, each.line) for each in found] == [(IDEA, line_of(texts[IDEA], "yields_to"))]
        return
    assert_mistake(file, old, new, where, message)


# -- what is applied --------------------------------------------------------------------------


def test_two_drafts_amend_one_ban_each_with_its_own_day_and_article() -> None:
    ban = grown_law(*DRAFTS).rule_by_id["cn.virtual_currency"]
    assert [(each.permit, str(each.since_day), str(each.cite)) for each in ban.yields] == [
        ("cn-sh.issue", "2026-12-01", "sh-decision art 1"),
        ("cn-sh.pay", "2026-12-01", "sh-decision art 1"),
        ("cn-sh.wind_down", "2026-12-01", "sh-decision art 1"),
        ("cn-sh.visit", "2027-02-01", "hk-idea art 1"),
    ]
    assert grown_law().rule_by_id["cn.virtual_currency"].yields == ()


def test_a_permit_named_twice_in_one_amendment_counts_once() -> None:
    texts = changed(IDEA, '["cn-sh.visit"]', '["cn-sh.visit", "cn-sh.visit"]')
    ban = read(texts, drafts=DRAFTS).rule_by_id["cn.virtual_currency"]
    assert ban.yields_to.count("cn-sh.visit") == 1


def test_one_draft_without_the_other_is_a_one_sided_exception() -> None:
    found = mistakes_of(grown(), "cn-sh", "open")
    mistake = next(each for each in found if "lifts" in each.message)
    assert (
        mistake.message == "lifts cn.virtual_currency, which does not yield to it; add it to yields_to there"
    )
    assert (mistake.file, mistake.line) == (OPEN, line_of(grown()[OPEN], "lifts "))
    found = mistakes_of(grown(), "cn-sh", "hk-idea")
    mistake = next(each for each in found if "cn-sh.visit" in each.message)
    assert mistake.message == "yields to 'cn-sh.visit', which is no permit"
    assert (mistake.file, mistake.line) == (IDEA, line_of(grown()[IDEA], "yields_to"))


def test_a_reform_sets_numbers_and_ends_rules_and_leaves_its_base_as_it_was() -> None:
    base, digest = grown_law(), grown_law().digest
    reform = (
        REFORM.partition("[[rule]]")[0].replace("source.open", "source.notice").replace('"open', '"notice')
    )
    book = with_reform(base, "notice", reform)
    ended = book.rule_by_id["cn.yuan_peg_abroad"].span
    assert (ended.end_day, ended.end_cite) == (date(2027, 7, 1), Cite("notice", "art 2"))
    assert ended.end_status is Status.DRAFT, "whatever its text is, a reform only tries an end"
    assert base.rule_by_id["cn.virtual_currency_2021"].span.end_status is Status.ENACTED
    dated = book.series["hk", "travel.full_from"].dated
    assert [value.amounts["HKD"][""] for value in dated] == [8_000_00, 1_000_00]
    assert (dated[1].part, dated[1].status, str(dated[1].known)) == ("notice", Status.DRAFT, "2026-11-20")
    assert book.drafts == ("notice",)
    assert grown_law().digest == digest != book.digest
    assert read(book.texts, drafts=book.drafts).digest == book.digest
    with pytest.raises(RulebookError, match="takes part already; give the reform another name"):
        with_reform(book, "notice.toml", reform)


def test_a_number_of_a_draft_that_takes_no_part_cannot_be_set() -> None:
    reform = (
        REFORM.partition("[[change]]\nrepeal")[0]
        .replace("source.open", "source.notice")
        .replace('"open', '"notice')
    )
    reform = reform.replace('"travel.full_from"', '"limit.single"').replace('place = "hk"', 'place = "cn-sh"')
    reform = reform.replace("HKD   = 1_000", "CNY   = { t4 = 1_000 }")
    with pytest.raises(RulebookError, match=r"cn-sh sets no limit\.single in this book and no rule asks it"):
        with_reform(grown_law(), "notice", reform)
    book = with_reform(grown_law(*DRAFTS), "notice", reform)
    assert book.series["cn-sh", "limit.single"].dated[-1].amounts == {"CNY": {"t4": 1_000_00}}


@pytest.mark.parametrize("name", ["hk.full_backing", "hk.redeem_in_time", "hk.report"])
def test_a_reform_may_end_what_must_always_hold_and_duties(name: str) -> None:
    book = read(changed(OPEN, '"cn.yuan_peg_abroad"', f'"{name}"'), drafts=DRAFTS)
    (found,) = (each for each in book.provisions if each.id == name)
    assert (found.span.end_day, str(found.span.end_cite)) == (date(2027, 7, 1), "open art 2")


def test_a_rule_is_repealed_a_second_time_only_on_an_earlier_day() -> None:
    again = '\n[[change]]\nrepeal = "cn.yuan_peg_abroad"\nfrom = {}\ncite = "open art 4"\n'
    for day, is_fine in (("2027-06-30", True), ("2027-07-01", False), ("2027-07-02", False)):
        texts = grown()
        texts[OPEN] += again.format(day)
        if is_fine:
            span = read(texts, drafts=DRAFTS).rule_by_id["cn.yuan_peg_abroad"].span
            assert str(span.end_day) == day
        else:
            (mistake,) = mistakes_of(texts)
            assert mistake.line == line_of(texts[OPEN], f"from = {day}")


# -- what takes no part -----------------------------------------------------------------------


def test_texts_of_a_draft_that_was_not_asked_for_are_not_in_the_book() -> None:
    """Otherwise the digest would depend on files that the journal does not keep."""
    texts = {name: text for name, text in grown().items() if name not in (OPEN, IDEA)}
    book = grown_law()
    assert "open" not in book.sources
    assert book.digest == read(texts).digest == read(book.texts).digest
    assert set(grown_law(*DRAFTS).sources) - set(book.sources) == {"open", "hk-idea"}


def test_two_drafts_may_bring_texts_of_one_name_if_they_never_take_part_together() -> None:
    reform = REFORM.partition("[[rule]]")[0]
    texts = {**small(), "one.toml": reform, "other.toml": reform}
    assert read(texts).digest == read(small()).digest
    assert read(texts, drafts=["one"]).drafts == ("one",)
    assert read(texts, drafts=["other"]).sources["open"].number == "1"
    found = mistakes_of(texts, "one", "other")
    assert "'open' is declared already; take another name" in [mistake.message for mistake in found]


def test_a_draft_left_out_is_checked_on_ground_of_its_own() -> None:
    texts = changed(OPEN, '"open art 3"', '"opn art 3"')
    (mistake,) = mistakes_of(texts, "cn-sh")
    assert (mistake.file, mistake.line) == (OPEN, line_of(texts[OPEN], '"opn art 3"'))


def test_enacted_law_cannot_cite_the_text_of_a_draft_that_is_left_out() -> None:
    texts = changed("hk-more.toml", '"hk-so s 9"', '"open art 9"')
    (mistake,) = mistakes_of(texts, "cn-sh")
    assert mistake.message.startswith("no such source 'open'")


@pytest.mark.parametrize(
    "text", ["[reform\n", "= not toml =", "", "\ufeff[reform]", "[reforms]\n", "[book]\n"]
)
def test_a_reform_that_does_not_open_has_mistakes_of_its_own_and_is_not_said_to_be_missing(text: str) -> None:
    with pytest.raises(RulebookError) as caught:
        with_reform(grown_law(), "pasted", text)
    assert {mistake.file for mistake in caught.value.mistakes} == {"pasted.toml"}


def test_a_file_of_words_is_no_draft() -> None:
    with pytest.raises(RulebookError, match="no file of that name"):
        read(grown(), drafts=[*DRAFTS, "places"])
