"""The plain interpreter, the kernel, the columns and the database give the same reasons, whatever the law."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.clock import Instant
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import TOUCHING, Facts, decide
from jiaozi.rulebook.machine.columns import columns_of, decide_columns_numpy, rows_of
from jiaozi.rulebook.machine.kernel import decide_batch
from jiaozi.rulebook.machine.program import MISSING, compile_book
from jiaozi.rulebook.model import UNLIMITED, Action, Book
from jiaozi.rulebook.reading.read import ALL
from jiaozi.rulebook.timeline import cuts
from jiaozi.rulebook.vocabulary import FactType

from .law_scenes import USUAL, Question, answers, arrays, ask, law, moment, shipped, sql_answers
from .random_law import RandomLaw, laws, questions
from .test_rulebook_properties import SEEDS, SOME

SECOND = 1_000_000_000


@SOME
@given(laws(), SEEDS)
def test_a_database_gives_the_same_reasons_for_any_law(drawn: RandomLaw, seed: int) -> None:
    book = drawn.book()
    asked = questions(book, seed, 60)
    assert sql_answers(book, asked) == answers(book, asked)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_they_agree_on_the_shipped_law_with_everything_that_is_no_law_yet(seed: int) -> None:
    for book in (shipped(), shipped(ALL)):
        answers(book, questions(book, seed, 150))


@pytest.mark.parametrize("drafts", [(), (ALL,)])
def test_a_database_gives_the_same_reasons_under_the_shipped_law(drafts: tuple[str, ...]) -> None:
    book = shipped(*drafts)
    asked = questions(book, 2026, 60)
    assert sql_answers(book, asked) == answers(book, asked)


# -- edges ----------------------------------------------------------------------------------


def _at(place: str, **changed: int | str | frozenset[str] | None) -> Facts:
    """Return the usual payment, all of it in one place."""
    return {
        **USUAL,
        **dict.fromkeys(TOUCHING, place),
        **{k.replace("__", "."): v for k, v in changed.items()},
    }


def _around_values(book: Book) -> list[Question]:
    """Return questions one below, at and one above every number the law sets, on the day it begins."""
    words, found = book.vocabulary, list[Question]()
    numbers = [fact for fact in words.facts.values() if fact.type in (FactType.MONEY, FactType.NUMBER)]
    for (place, series), values in book.series.items():
        for value, step in product(values.dated, (-1, 0, 1)):
            for unit, by_key in value.amounts.items():
                for key, amount in by_key.items():
                    if amount == UNLIMITED or value.span.is_pending:
                        continue
                    facts = {**_at(place, coin__peg=unit if unit in words.currencies else "CNY")}
                    facts |= {
                        fact.id: max(amount + step, 0) for fact in numbers if fact.unit in ("coin", unit)
                    }
                    # What was paid before, and what the holders own, would lift every sum over its edge.
                    facts |= {"payer.paid_today": 0, "payer.paid_this_year": 0, "payee.balance": 0}
                    picking = words.values[series].by
                    if key:
                        picked = ("payer.tier", "payee.tier") if picking == "tier" else (picking,)
                        facts |= dict.fromkeys(picked, key)
                    found += [
                        (action, facts, value.start) for action in (Action.PAY, Action.INVEST, Action.HOLD)
                    ]
    return found


def _around_cuts(book: Book) -> list[Question]:
    """Return questions a second and a nanosecond before every change of the law, at it, and after."""
    rng, found = random.Random(2026), list[Question]()
    for cut, step in product(cuts(book), (-SECOND, -1, 0, SECOND)):
        for action in Action:
            place = rng.choice(tuple(book.vocabulary.places))
            found.append((action, _at(place, issuer__licences=frozenset({place})), Instant(cut + step)))
    return found


@pytest.mark.parametrize("which", ["small", "shipped"])
def test_they_agree_one_below_at_and_one_above_every_number_of_the_law(which: str) -> None:
    book = law("cn-sh") if which == "small" else shipped(ALL)
    asked = _around_values(book)
    assert len(set(answers(book, asked))) > 3


@pytest.mark.parametrize("which", ["small", "shipped"])
def test_they_agree_a_second_before_and_after_every_change_of_the_law(which: str) -> None:
    book = law("cn-sh") if which == "small" else shipped(ALL)
    asked = _around_cuts(book)
    assert len(set(answers(book, asked))) > 3


@pytest.mark.parametrize(
    ("amount", "refused"), [(1_999_99, ()), (2_000_00, ()), (2_000_01, ("cn-sh.pay/single_cap",))]
)
def test_a_cap_admits_itself_and_not_one_fen_more(amount: int, refused: tuple[str, ...]) -> None:
    facts: Facts = {**USUAL, "payer.tier": "t4", "payment.amount": amount}
    asked = [(Action.PAY, facts, moment("2027-02-01 10:00"))]
    assert answers(law("cn-sh"), asked) == [refused]
    assert sql_answers(law("cn-sh"), asked) == [refused]


def test_the_largest_amounts_neither_wrap_nor_raise_anywhere() -> None:
    book = law("cn-sh")
    largest = {fact.id: MAX_FEN for fact in book.vocabulary.facts.values() if fact.type is FactType.MONEY}
    asked: list[Question] = [
        (action, {**USUAL, "payer.tier": tier, "payee.tier": tier, **largest}, moment("2027-02-01 10:00"))
        for action, tier in product(Action, ("t1", "t4"))
    ]
    assert sql_answers(book, asked) == answers(book, asked)
    assert ask(book, *asked[2]) == ()  # tier 1 has no limit


# -- forms of questions ----------------------------------------------------------------------


def test_a_column_that_is_not_given_is_a_fact_that_is_missing() -> None:
    book = law("cn-sh")
    asked = [
        (action, {name: value for name, value in facts.items() if name != "payer.tier"}, instant)
        for action, facts, instant in questions(book, 7, 300)
    ]
    actions, rows, instants = arrays(book, asked)
    columns = columns_of(book, rows)
    with_column = decide_columns_numpy(book, actions, columns, instants)
    del columns["payer.tier"]
    assert np.array_equal(decide_columns_numpy(book, actions, columns, instants), with_column)
    assert np.array_equal(rows_of(book, columns, len(actions)), rows)


def test_rows_become_columns_and_rows_again() -> None:
    book = law("cn-sh")
    _, rows, _ = arrays(book, questions(book, 8, 100))
    assert np.array_equal(rows_of(book, columns_of(book, rows), 100), rows)
    assert (rows_of(book, {}, 3) == MISSING).all()


def test_more_rows_than_a_chunk_are_answered_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    book = law("cn-sh")
    actions, rows, instants = arrays(book, questions(book, 9, 500))
    whole = decide_columns_numpy(book, actions, columns_of(book, rows), instants)
    monkeypatch.setattr("jiaozi.rulebook.machine.columns.CHUNK", 7)
    assert np.array_equal(decide_columns_numpy(book, actions, columns_of(book, rows), instants), whole)
    one_kind = actions == actions[0]
    instants[:] = instants[0]
    parted = decide_columns_numpy(
        book, actions[one_kind], columns_of(book, rows[one_kind]), instants[one_kind]
    )
    monkeypatch.undo()
    at_once = decide_columns_numpy(
        book, actions[one_kind], columns_of(book, rows[one_kind]), instants[one_kind]
    )
    assert np.array_equal(parted, at_once)


def test_no_questions_have_no_answers() -> None:
    book = law()
    actions, rows, instants = (array[:0] for array in arrays(book, questions(book, 1, 1)))
    assert decide_columns_numpy(book, actions, columns_of(book, rows), instants).shape == (0, 1)


def test_the_kernel_leaves_the_facts_as_they_were() -> None:
    book = law("cn-sh")
    actions, rows, instants = arrays(book, questions(book, 10, 300))
    before = rows.copy()
    decide_batch(book, compile_book(book), actions, rows, instants)
    assert np.array_equal(rows, before)


def test_words_beyond_the_sixty_third_are_told_apart() -> None:
    """A list of words is kept as bits, sixty-four to a number."""
    book = law("cn-sh")
    fact = book.vocabulary.facts["payer.kind"]
    words = (*fact.words, *(f"kind {number}" for number in range(130)))
    facts = {**book.vocabulary.facts, "payer.kind": replace(fact, words=words)}
    wide = replace(book, vocabulary=replace(book.vocabulary, facts=facts))
    asked: list[Question] = [
        (Action.PAY, {**USUAL, "payer.kind": kind}, moment("2027-02-01 10:00"))
        for kind in (*words, "no such kind")
    ]
    allowed = [not reasons for reasons in answers(wide, asked)]
    assert allowed == [kind in ("resident", "registered firm") for kind in (*words, "no such kind")]


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(["cn", "cn-sh", "hk"]))
def test_law_of_places_that_are_not_touched_changes_no_answer(seed: int, place: str) -> None:
    """Rules that reach anywhere aside, what another jurisdiction says is not heard."""
    book = shipped(ALL)
    home = book.vocabulary.jurisdiction_of(place)
    own = replace(
        book,
        rules=tuple(
            rule
            for rule in book.rules
            if rule.anywhere or book.vocabulary.jurisdiction_of(rule.place) == home
        ),
        always=tuple(found for found in book.always if book.vocabulary.jurisdiction_of(found.place) == home),
    )
    lifting = {permit for rule in own.rules for permit in rule.yields_to}
    assert lifting <= own.rule_by_id.keys()
    for action, facts, instant in questions(book, seed, 60):
        here = {**facts, **dict.fromkeys(TOUCHING, place)}
        assert decide(own, action, here, instant).reasons == decide(book, action, here, instant).reasons
