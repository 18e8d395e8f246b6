"""What each law asks of the reserve, month by month: by the law's own words, whatever they are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from jiaozi.lab.replay.replay import Mode, prepared
from jiaozi.ledger.facts import FreezeOrdered
from jiaozi.report.reform import rows
from jiaozi.report.reform.backing import Asks
from jiaozi.report.reform.backing import backing as backing_of
from jiaozi.report.reform.pages import body
from jiaozi.report.reform.text import as_text
from jiaozi.report.reform.words import LANGUAGES, Words
from tests.ledger.test_frozen_coins import DRAFTED
from tests.report.test_reform_page import DAY_CAP, text_of, told
from tests.server.offices import COURT_ORDER, issue
from tests.world import COIN, World, at, found

MONTHS = ("2026-12", "2027-01")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Li has 9,000.00 in December; in January 5,000.00 come for Zhao, and Li is frozen."""
    world = found(tmp_path_factory.mktemp("backing") / "office")
    issue(world, "Li", 9_000_00, "first")
    assert world.pay("Li", "Tea house", 100_00)[0] == "created"
    world.clock.set(at("2027-01-11 10:00"))
    issue(world, "Zhao", 5_000_00, "second")
    world.office.ledger.record(FreezeOrdered(world.holders["Li"], COURT_ORDER, "Pudong court", True, None))
    assert world.pay("Zhao", "Tea house", 1_00)[0] == "created"
    world.office.close()
    return world


@pytest.fixture(scope="module")
def journal(world: World) -> Path:
    return world.office.folder / "journal"


def holding(hold: str) -> str:
    """Return a reform after which *hold* must always hold, and nothing else of the reserve."""
    return re.sub(r'hold  = ".*"', f'hold  = "{hold}"', DRAFTED)


def test_what_is_frozen_is_left_out_where_the_law_leaves_it_out(journal: Path) -> None:
    subject = told(journal, DRAFTED)
    (backing,) = subject.backing
    assert backing.coin == COIN
    assert backing.before == {MONTHS[0]: Asks(9_000_00, True), MONTHS[1]: Asks(14_000_00, True)}
    assert backing.after == {MONTHS[0]: Asks(9_000_00, True), MONTHS[1]: Asks(5_100_00, True)}
    assert [(rule.id, rule.is_before, rule.is_after) for rule in backing.rules] == [
        ("cn-sh.full_backing", True, False),
        ("cn-sh.backing_as_drafted", False, True),
    ]


@pytest.mark.parametrize(
    ("hold", "december", "january"),
    [
        ("issuer.reserve_value > issuer.coins_outstanding", Asks(9_000_01, False), Asks(14_000_01, False)),
        (
            "issuer.reserve_value >= issuer.coins_outstanding + issuer.coins_frozen",
            Asks(9_000_00, True),
            Asks(22_900_00, False),
        ),
        ("issuer.coins_frozen >= issuer.coins_outstanding", Asks(None, False), Asks(None, False)),
        ("issuer.coins_outstanding >= issuer.coins_frozen", Asks(0, True), Asks(0, True)),
    ],
)
def test_the_least_is_what_the_words_of_the_law_make_it(
    journal: Path, hold: str, december: Asks, january: Asks
) -> None:
    (backing,) = told(journal, holding(hold)).backing
    assert backing.after == dict(zip(MONTHS, (december, january), strict=True))


def test_a_base_is_what_stands_before(journal: Path) -> None:
    (backing,) = told(
        journal, DRAFTED, base=holding("issuer.coins_frozen >= issuer.coins_outstanding")
    ).backing
    assert backing.before[MONTHS[1]] == Asks(None, False)
    assert backing.after[MONTHS[1]] == Asks(5_100_00, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_was_frozen_what_is_asked_and_what_was_not_kept(
    journal: Path, language: str
) -> None:
    words = Words(language)
    html = body(told(journal, holding("issuer.reserve_value > issuer.coins_outstanding")), language)
    section = html[html.index('id="r-path"') : html.index('id="r-trapped"')]
    assert words("report.frozen_short") in section
    line = re.findall(r'<th scope="row">2027-01</th>(.*?)</tr>', section, re.DOTALL)[0]
    yes, no = words("report.kept"), words("report.broken")
    assert re.findall(r">([^<]+)</td>", line) == [
        "14,000.00",
        "8,900.00",
        "14,000.00",
        "14,000.00",
        "14,000.01",
        yes,
        no,
    ]
    assert f'<td class="r-bad">{no}</td>' in line
    assert words("report.months_broken_both", before=0, after=2) in section
    assert section.count(words("mark.draft")) == 2  # the enacted law is a draft here, and so is the reform


def test_where_the_law_of_backing_stays_there_is_one_column_of_it(journal: Path) -> None:
    text = text_of(body(told(journal, DAY_CAP), "en"))
    assert "At the end of 0 of 2 months the reserve was less than the law asks for." in text
    assert "the law asks for at least, after" not in text


def test_where_money_follows_after_is_asked_of_the_amounts_after(journal: Path) -> None:
    subject = told(journal, DRAFTED.replace("2026-12-02", "2027-01-05"), Mode.MONEY_FOLLOWS)
    (backing,) = subject.backing
    after = {month.month: month for month in subject.found.summary.months_after}
    assert backing.after[MONTHS[1]].least == after[MONTHS[1]].coins[COIN] - after[MONTHS[1]].frozen[COIN]
    assert [rule.is_after for rule in backing.rules] == [True, True]  # each for some of the months


CAPPED = """
[[always]]
id    = "cn-sh.capped"
title = { en = "The coins stay within the cap of the consent", zh = "流通量不超过同意文件上限" }
from  = 2026-12-02
hold  = "issuer.supply_cap >= issuer.coins_outstanding"
cite  = "trial-notice art 2"
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_that_asks_for_more_than_is_known_is_left_out_and_named(journal: Path, language: str) -> None:
    """The cap is that of an action at a place: of a payment there is none, and nothing was ever broken."""
    words = Words(language)
    subject = told(journal, DRAFTED + CAPPED)
    assert subject.found.summary.changed.refused == 0
    (backing,) = subject.backing
    assert backing.after == {MONTHS[0]: Asks(9_000_00, True), MONTHS[1]: Asks(5_100_00, True)}
    assert [rule.id for rule in backing.left_out] == ["cn-sh.capped"]
    assert "cn-sh.capped" not in [rule.id for rule in backing.rules]
    for text in (body(subject, language), as_text(subject, language)):
        assert words("report.no_amount") not in text
        where = text.index(words("report.asks_more"))
        assert text.index(backing.left_out[0].title[language]) > where
    assert words("report.asks_more") not in body(told(journal, DRAFTED), language)


def test_where_every_rule_is_left_out_there_is_no_column_of_what_is_asked(journal: Path) -> None:
    """The enacted law is repealed here from before the history on, by the base as well."""
    only = DRAFTED[: DRAFTED.index("[[always]]")] + CAPPED
    subject = told(journal, only, base=only)
    (backing,) = subject.backing
    assert (backing.before, backing.after, backing.rules) == ({}, {}, ())
    assert [rule.id for rule in backing.left_out] == ["cn-sh.capped"]
    text = text_of(body(subject, "en"))
    assert "the law asks for at least" not in text
    assert "months the reserve was less" not in text
    assert "Left out of the table" in text


def test_a_rule_about_the_currency_of_the_coin_is_asked(journal: Path) -> None:
    hold = "coin.peg != 'HKD' and issuer.reserve_value >= issuer.coins_outstanding"
    (backing,) = told(journal, holding(hold)).backing
    assert backing.after[MONTHS[1]] == Asks(14_000_00, True)
    assert backing.left_out == ()


def test_a_reserve_that_is_not_known_is_not_said_to_be_too_small(journal: Path) -> None:
    subject = told(journal, holding("issuer.reserve_value > issuer.coins_outstanding"))
    recorded, summary = prepared(journal, journal.parent / "lab"), subject.found.summary
    unknown = [msgspec.structs.replace(month, reserve={COIN: None}) for month in summary.months_before]
    (found,) = backing_of(recorded, (unknown, unknown), (recorded.books, recorded.books))
    assert found.before[MONTHS[0]] == Asks(9_000_00, None)
    html = body(replace(subject, backing=(found,)), "en")
    assert "At the end of 0 of 2 months" in html
    assert "<td>not known</td>" in html


@pytest.mark.parametrize("mode", list(Mode))
def test_an_issue_that_a_rule_of_backing_refuses_shows_what_the_rule_looks_at(
    journal: Path, mode: Mode
) -> None:
    subject = told(journal, holding("issuer.reserve_value > issuer.coins_outstanding"), mode)
    (reason, *_) = rows.reasons(subject, Words("en"))
    assert reason.name == "not met: The reserve is worth the coins that are not frozen"
    (issuer,) = (kind for kind in rows.kinds(subject, Words("en")) if kind.name.startswith("an issuer"))
    assert dict(issuer.facts)["the coins outstanding"] == "0.00"
    assert dict(issuer.facts)["the value of the reserve"] == "9,000.00"
    assert "what the payer has paid today" not in dict(issuer.facts)


def test_the_text_for_a_terminal_has_the_table_of_the_page(journal: Path) -> None:
    text = as_text(told(journal, DRAFTED), "en")
    line = next(line for line in text.splitlines() if line.startswith("2027-01") and "8,900.00" in line)
    assert line.split() == ["2027-01", "14,000.00", "8,900.00", "14,000.00", "14,000.00", "5,100.00", "yes"]
    assert "the law asks for at least, after" in text
