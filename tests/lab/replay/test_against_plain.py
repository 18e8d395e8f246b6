"""The three ways agree with the same written to be read, on more than 20,000 payments."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked as Question
from jiaozi.lab.replay.replay import Mode
from jiaozi.rulebook.model import Book
from tests.lab.replay.plain import (
    Asked,
    Freed,
    as_it_happened,
    money_follows,
    sums_follow,
)
from tests.lab.replay.reading import replayed, same, without_old_reasons
from tests.lab.replay.reforms import REFORMS, opened, tried

History = tuple[list[Asked | Freed], list[Book]]


def laws(history: History) -> dict[str, Tried]:
    own = history[1][0].texts["cn-sh.toml"]
    return {name: tried(name) for name in REFORMS} | {"open to a second place": opened(own)}


NAMES = [*REFORMS, "open to a second place"]


@pytest.mark.parametrize("name", NAMES)
def test_as_it_happened_means_each_payment_decided_on_its_own(
    name: str, journal: Path, work: Path, history: History, tmp_path: Path
) -> None:
    law = laws(history)[name]
    asked, enacted = history
    _, ours = replayed(journal, Question(law), work=work, to=tmp_path)
    same(ours, as_it_happened(asked, [law.of(book) for book in enacted]))


@pytest.mark.parametrize("name", NAMES)
def test_sums_follow_means_that_what_is_refused_no_longer_counts(
    name: str, journal: Path, work: Path, history: History, tmp_path: Path
) -> None:
    law = laws(history)[name]
    asked, enacted = history
    _, ours = replayed(journal, Question(law, mode=Mode.SUMS_FOLLOW), work=work, to=tmp_path)
    same(ours, sums_follow(asked, [law.of(book) for book in enacted]))


@pytest.mark.parametrize("name", [*NAMES[:2], "raise every cap", "end the pilot early"])
def test_money_follows_means_the_plain_ledger_run_again(
    name: str, journal: Path, work: Path, history: History, tmp_path: Path
) -> None:
    law = laws(history)[name]
    result, ours = replayed(journal, Question(law, mode=Mode.MONEY_FOLLOWS), work=work, to=tmp_path)
    plain, ledger = money_follows(journal, law)
    same({key: without_old_reasons(each) for key, each in ours.items()}, plain)
    assert result.summary.left_out == ledger.left_out == 0
    coins = {name: coin.issued - coin.redeemed for name, coin in ledger.books.coins.items()}
    assert result.summary.months_after[-1].coins == coins


def test_the_reforms_reach_what_they_are_for(journal: Path, work: Path, tmp_path: Path) -> None:
    counts: dict[str, dict[Mode, Counter[bool]]] = {}
    for name in REFORMS:
        counts[name] = {}
        for mode in Mode:
            _, ours = replayed(
                journal, Question(tried(name), mode=mode), work=work, to=tmp_path / mode / name
            )
            counts[name][mode] = Counter(change.is_admitted for change in ours.values())
    happened, sums, money = Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW, Mode.MONEY_FOLLOWS
    day = counts["lower the cap of a day"]
    assert day[happened][False] > day[sums][False] > 0, "counting refused payments refuses too many"
    assert counts["raise every cap"][happened][True] > 0, "what was refused is kept, and admitted"
    single = counts["lower the cap on one payment"]
    assert single[money][False] > single[happened][False], "who was not paid cannot pay"
    assert single[money][True] > 0, "who could not pay there has it for here"
    assert not any(counts["change nothing"][mode] for mode in Mode)


def test_the_store_asks_about_as_many_payments_as_there_are(history: History) -> None:
    asked, enacted = history
    assert len([each for each in asked if isinstance(each, Asked)]) >= 20_000
    assert len(enacted) == 1


@pytest.mark.parametrize("mode", [Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW])
def test_with_a_base_two_laws_are_compared_and_not_what_happened(
    mode: Mode, journal: Path, work: Path, history: History, tmp_path: Path
) -> None:
    asked, enacted = history
    plainly = as_it_happened if mode is Mode.AS_IT_HAPPENED else sums_follow
    low, single = tried("lower the cap of a day"), tried("lower the cap on one payment")
    _, itself = replayed(journal, Question(low, base=low, mode=mode), work=work, to=tmp_path / "itself")
    assert not itself
    _, ours = replayed(journal, Question(low, base=single, mode=mode), work=work, to=tmp_path / "ours")
    here = plainly(asked, [low.of(book) for book in enacted])
    there = plainly(asked, [single.of(book) for book in enacted])
    differs = here.keys() ^ there.keys()  # both refuse only what happened
    assert ours.keys() == differs
    assert {change.is_admitted for change in ours.values()} == {True, False}
    for key, change in ours.items():
        # Newly admitted: told why the base refuses it, since the history does not.
        assert change.reasons == (there if change.is_admitted else here)[key].reasons
