"""The law that ships: its names are pinned, its sources exist, it speaks two languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from jiaozi.clock import day_start
from jiaozi.ledger.taking import check_fits
from jiaozi.rulebook.language import facts_of
from jiaozi.rulebook.model import Action, Cite, Confidence, Status
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import ALL, law_folder, read, read_folder
from jiaozi.rulebook.telling.explain import label
from jiaozi.rulebook.timeline import cuts

from ..rulebook.law_scenes import shipped

NAMES = Path(__file__).parent / "names.txt"
"""Every name of a reason that was ever shipped. Statistics and journals go by them: append, never rename."""

MOVES = {Action.ISSUE, Action.PAY, Action.REDEEM}
ASKERS_MAY_BE_NEEDED = {"eu", "jp", "fatf"}
"""Places whose law asks of a payment what no ledger can know, such as who owns a wallet outside."""


def test_a_name_that_was_shipped_is_there_for_ever() -> None:
    names = NAMES.read_text(encoding="utf-8").split()
    assert len(names) == len(set(names))
    assert set(names) == set(shipped(ALL).reasons), f"append new names to {NAMES.name}; never take one out"


def test_reasons_are_shown_most_basic_first() -> None:
    """What is unknown, then bans, then places that permit nothing, then needs, then what must always hold."""
    book = shipped(ALL)
    bans = {rule.id for rule in book.rules if not rule.is_permit}
    always = {found.id for found in book.always}

    def kind(name: str) -> int:
        if name.startswith("law/"):
            return 0
        return 1 if name in bans else 2 if name.endswith("/no_permit") else 4 if name in always else 3

    kinds = [kind(name) for name in book.reasons]
    assert kinds == sorted(kinds)
    assert book.reasons[:2] == ("law/missing_fact", "law/unknown_place")


def test_without_the_draft_its_reasons_do_not_exist() -> None:
    assert not [name for name in shipped().reasons if name.startswith("cn-sh.")]
    assert [name for name in shipped("cn-sh").reasons if not name.startswith("cn-sh.")] == list(
        shipped().reasons
    )


def test_the_ledger_can_answer_what_the_law_asks_of_a_transfer() -> None:
    """Who runs a coin need tell nothing beside the journal, except where the law asks about the world outside."""
    book = shipped(ALL)
    check_fits(book.vocabulary)
    for rule in book.rules:
        if rule.actions & MOVES and rule.place not in ASKERS_MAY_BE_NEEDED:
            conditions = (*rule.when, *rule.unless, *(need.condition for need in rule.needs))
            asked = {fact for condition in conditions for fact in facts_of(condition)}
            unknown = [name for name in asked if not book.vocabulary.facts[name].from_ledger]
            assert not unknown or rule.actions - MOVES, f"{rule.id} asks {unknown}"


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
    assert words.currencies == ("CNY", "HKD", "USD", "EUR", "SGD", "AED", "TWD", "THB", "JPY", "KRW")
    assert tuple(Action)[:3] == ("issue", "pay", "redeem")


def test_the_law_changes_on_days_that_the_facts_know() -> None:
    changes = cuts(shipped("cn-sh"))
    for day in (
        "2013-12-03",
        "2017-09-04",
        "2021-09-24",
        "2025-08-01",
        "2026-02-06",
        "2026-12-01",
        "2028-12-01",
    ):
        assert day_start(date.fromisoformat(day)) in changes


def test_every_article_stands_in_a_declared_source_and_every_source_is_cited() -> None:
    book = shipped(ALL)
    cites: list[Cite | None] = [found.cite for found in book.provisions]
    cites += [found.span.end_cite for found in book.provisions]
    cites += [need.cite for rule in book.rules for need in rule.needs]
    cites += [each.cite for rule in book.rules for each in rule.yields]
    cites += [value.cite for series in book.series.values() for value in series.dated]
    used = {cite.source for cite in cites if cite} | {step.source for step in book.steps}
    assert used == set(book.sources)


def test_every_source_says_where_it_is_and_when_we_looked() -> None:
    for source in shipped(ALL).sources.values():
        assert source.link.startswith("https://") or source.read == "invented" or source.id == "steps-digest"
        assert source.issued <= source.known <= source.checked


def test_what_is_invented_is_cited_by_drafts_only() -> None:
    book = shipped()
    invented = {source.id for source in book.sources.values() if source.read == "invented"}
    cites = [found.cite for found in book.provisions]
    cites += [need.cite for rule in book.rules for need in rule.needs]
    cites += [value.cite for series in book.series.values() for value in series.dated]
    assert not invented & {cite.source for cite in cites}


def test_what_is_no_law_is_marked_in_the_book_and_in_every_rule_of_it() -> None:
    book = shipped(ALL)
    assert book.drafts == ("cn-sh", "kr", "sg", "us-proposals")
    assert not shipped().is_draft
    statuses = {part.name: part.status for part in book.parts}
    assert statuses["cn-sh"] is Status.DRAFT
    assert {statuses[name] for name in ("kr", "sg", "us-proposals")} == {Status.PROPOSAL}
    for found in book.provisions:
        assert found.status is statuses[found.part]
    for series in book.series.values():
        assert all(value.status is statuses[value.part] for value in series.dated)


def test_what_only_one_source_tells_is_marked_unconfirmed() -> None:
    unsure = {found.id for found in shipped(ALL).provisions if found.confidence is Confidence.UNCONFIRMED}
    assert unsure >= {"cn.finance_firms", "cn.internet_firms", "sg.attest", "us.move_to_federal"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_has_words_in_both_languages(language: str) -> None:
    book = shipped(ALL)
    words = book.vocabulary
    titles = [found.title for found in book.provisions]
    titles += [part.title for part in book.parts]
    titles += [need.title for rule in book.rules for need in rule.needs]
    titles += [place.title for place in words.places.values()]
    titles += [fact.title for fact in words.facts.values()]
    titles += [value.title for value in words.values.values()]
    titles += [title for source in book.sources.values() for title in (source.title, source.authority)]
    titles += [step.title for step in book.steps]
    titles += [event.title for event in book.events.values()]
    titles += [word.title for word in (*words.deeds.values(), *words.parties.values())]
    titles += [found.brief for found in book.provisions if found.brief]
    titles += [need.brief for rule in book.rules for need in rule.needs if need.brief]
    titles += [label(book, reason).title for reason in book.reasons]
    assert all(title[language].strip() for title in titles)
    for fact in words.facts.values():
        assert all(name.strip() for name in fact.labels.get(language, ()))
    if language == "zh":
        assert not [title["zh"] for title in titles if title["zh"].isascii()]


def test_a_place_that_counts_business_days_has_its_calendar_or_says_so() -> None:
    for place in shipped(ALL).vocabulary.places.values():
        if place.calendar:
            assert read_calendar(law_folder() / "calendars" / f"{place.calendar}.toml").years


def test_the_shipped_book_read_from_its_own_texts_is_the_same_book() -> None:
    book = shipped(ALL)
    assert read(book.texts, drafts=book.drafts).digest == book.digest
    assert read_folder(drafts=book.drafts).digest == book.digest
