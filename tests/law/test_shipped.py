"""The law that ships: its names are pinned, its sources exist, it speaks two languages."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.clock import day_start
from jiaozi.rulebook.model import Action, Always, Book, Cite, Duty, Rule, Status
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder
from jiaozi.rulebook.telling.explain import label
from jiaozi.rulebook.timeline import cuts

from .law_scenes import shipped

# A name is one bit of a decision, and the order is the order in which reasons are shown:
# what is unknown, bans, places that permit nothing, needs, what must always hold.
# The journal and every statistic go by these names. Append; never move or rename.
REASONS = """
law/missing_fact
law/unknown_place
cn.virtual_currency_2021
cn.virtual_currency
cn.yuan_peg_abroad
cn.controlled_abroad
cn/no_permit
hk/no_permit
cn-sh.issue/yuan_coin
cn-sh.issue/licensed_issuer
cn-sh.issue/consent
cn-sh.issue/known_payee
cn-sh.issue/supply_cap
cn-sh.issue/balance_cap
cn-sh.pay/licensed_issuer
cn-sh.pay/known_payer
cn-sh.pay/known_payee
cn-sh.pay/single_cap
cn-sh.pay/balance_cap
cn-sh.pay/daily_cap
cn-sh.pay/annual_cap
cn-sh.wind_down/licensed_issuer
hk.issue/licensed_issuer
hk.pay/licensed_issuer
hk.pay/travel_core
hk.pay/travel_full
cn-sh.full_backing
hk.full_backing
"""


def provisions(book: Book) -> list[Rule | Always | Duty]:
    return [*book.rules, *book.always, *book.duties]


def test_reasons_are_shown_in_this_order() -> None:
    assert shipped("cn-sh").reasons == tuple(REASONS.split())


def test_without_the_draft_its_reasons_do_not_exist() -> None:
    assert shipped().reasons == tuple(name for name in REASONS.split() if not name.startswith("cn-sh"))


def test_positions_of_words_that_the_journal_stores_never_move() -> None:
    words = shipped().vocabulary
    assert tuple(words.places)[:3] == ("cn", "cn-sh", "hk")
    assert words.facts["payment.travel_data"].words[:3] == ("none", "core", "full")
    assert words.facts["payer.kind"].words[:5] == (
        "resident",
        "registered firm",
        "visitor",
        "issuer",
        "internal",
    )
    assert words.facts["payee.kind"].words == words.facts["payer.kind"].words
    assert words.tiers[:4] == ("t1", "t2", "t3", "t4")
    assert words.currencies == ("CNY", "HKD", "USD", "EUR", "SGD", "AED", "TWD", "THB")
    assert tuple(Action)[:3] == ("issue", "pay", "redeem")


def test_the_law_changes_on_these_days() -> None:
    days = ("2021-09-24", "2025-08-01", "2026-02-06", "2026-12-01", "2028-12-01", "2029-06-01")
    assert cuts(shipped("cn-sh")) == tuple(day_start(date.fromisoformat(day)) for day in days)


def test_every_article_stands_in_a_declared_source_and_every_source_is_cited() -> None:
    book = shipped("cn-sh")
    cites: list[Cite | None] = [found.cite for found in provisions(book)]
    cites += [need.cite for rule in book.rules for need in rule.needs]
    cites += [each.cite for rule in book.rules for each in rule.yields]
    cites += [value.cite for series in book.series.values() for value in series.dated]
    assert {cite.source for cite in cites if cite} == set(book.sources)


def test_every_source_says_where_it_is_and_when_we_looked() -> None:
    for source in shipped("cn-sh").sources.values():
        assert source.link.startswith("https://") or source.read == "invented"
        assert source.issued <= source.known <= source.checked


def test_what_is_invented_is_cited_by_drafts_only() -> None:
    book = shipped()
    invented = {source.id for source in book.sources.values() if source.read == "invented"}
    cites = [found.cite for found in provisions(book)]
    cites += [need.cite for rule in book.rules for need in rule.needs]
    cites += [value.cite for series in book.series.values() for value in series.dated]
    assert not invented & {cite.source for cite in cites}


def test_a_draft_is_marked_in_the_book_and_in_every_rule_of_it() -> None:
    book = shipped("cn-sh")
    assert book.is_draft
    assert not shipped().is_draft
    for found in provisions(book):
        assert (found.status is Status.DRAFT) == (found.place == "cn-sh")
    for series in book.series.values():
        assert {value.status is Status.DRAFT for value in series.dated} == {series.place == "cn-sh"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_has_words_in_both_languages(language: str) -> None:
    book = shipped("cn-sh")
    words = book.vocabulary
    titles = [found.title for found in provisions(book)]
    titles += [part.title for part in book.parts]
    titles += [need.title for rule in book.rules for need in rule.needs]
    titles += [place.title for place in words.places.values()]
    titles += [fact.title for fact in words.facts.values()]
    titles += [value.title for value in words.values.values()]
    titles += [title for source in book.sources.values() for title in (source.title, source.authority)]
    titles += [label(book, reason).title for reason in book.reasons]
    assert all(title[language].strip() for title in titles)
    for fact in words.facts.values():
        assert all(name.strip() for name in fact.labels.get(language, ()))
    if language == "zh":
        assert not [title["zh"] for title in titles if title["zh"].isascii()]


def test_every_place_has_its_calendar() -> None:
    for place in shipped().vocabulary.places.values():
        assert read_calendar(law_folder() / "calendars" / f"{place.calendar}.toml").years
