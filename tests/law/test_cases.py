"""The cases of the law: every executor gives the answer that is written in the file."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import pytest

from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.cases import Case, read_cases
from jiaozi.rulebook.reading.read import ALL, law_folder, read_folder

from ..rulebook.law_scenes import ask


@lru_cache
def _law(drafts: tuple[str, ...]) -> Book:
    return read_folder(drafts=drafts)


CASES = read_cases(law_folder() / "cases", _law((ALL,)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.removesuffix(".toml"))
def test_a_case_is_answered_as_it_is_written(case: Case) -> None:
    book = case.book(_law(case.drafts))
    assert ask(book, case.action, case.facts, case.instant) == case.refused, case.title


def test_there_are_cases_for_every_place_both_ways() -> None:
    kinds = Counter(tuple(case.file.split("/")[:2]) for case in CASES)
    law = _law((ALL,))
    places = {rule.place for rule in law.rules}
    assert {place for place, _ in kinds} == places
    assert all(kinds[place, "deny"] for place in places)
    assert len(CASES) >= 200
    titles = Counter(case.title for case in CASES)
    assert [title for title, times in titles.items() if times > 1] == []


def test_every_rule_and_every_need_stands_in_the_way_of_some_case() -> None:
    """What no case ever meets may be written wrong without anybody seeing it."""
    met = {reason for case in CASES for reason in case.refused}
    begun = [rule for rule in _law((ALL,)).rules if not rule.span.is_pending]
    reasons = [rule.id for rule in begun if not rule.is_permit]
    reasons += [f"{rule.id}/{need.name}" for rule in begun for need in rule.needs]
    assert sorted(set(reasons) - met) == []
