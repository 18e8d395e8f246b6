"""Who moved after whom: counted again by hand from the law shipped, shown as history, with its texts."""

from __future__ import annotations

import json
import statistics
from datetime import date, timedelta
from html import unescape
from xml.etree import ElementTree

import pytest

from jiaozi.cli import main
from jiaozi.lab.diffusion import BEGINS, Diffusion, diffusion, topic_of_value
from jiaozi.lab.diffusion_show import as_data, as_html, as_text
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import Book, Rule, Topic
from jiaozi.rulebook.reading.read import ALL, read_folder

ON = date(2026, 11, 20)


@pytest.fixture(scope="module")
def book() -> Book:
    return read_folder(drafts=[ALL])


def places(book: Book) -> list[str]:
    return [place.id for place in book.vocabulary.places.values() if not place.is_yardstick]


def first_days(book: Book, place: str, on: date) -> dict[Topic, date]:
    """Return the first day of each topic in *place*, by the longest way round."""
    known = as_known(book, on)
    days: dict[Topic, list[date]] = {}
    for found in known.provisions:
        topics = {found.topic}
        if isinstance(found, Rule):
            topics |= {need.topic for need in found.needs}
        if found.place == place and found.status.is_law:
            for each in topics:
                days.setdefault(each, []).append(found.span.start_day)
    for (owner, name), series in known.series.items():
        topic = topic_of_value(name)
        if owner == place and topic is not None:
            numbers = [value.start_day for value in series.dated if value.status.is_law]
            days.setdefault(topic, []).extend(numbers or [date.max])
    return {topic: min(found) for topic, found in days.items() if min(found) <= on}


@pytest.mark.parametrize("on", [date(2020, 1, 1), date(2024, 12, 31), ON, date(2030, 1, 1)])
def test_the_counts_are_those_of_a_reader_with_pencil_and_paper(book: Book, on: date) -> None:
    days = {place: first_days(book, place, on) for place in places(book)}
    for place in places(book):
        found = diffusion(book, place, on)
        assert {pair.other for pair in found.pairs} == {
            other for other in days if other != place and days[other].keys() & days[place].keys()
        }
        for pair in found.pairs:
            delays = {
                topic: (days[pair.other][topic] - day).days
                for topic, day in days[place].items()
                if topic in days[pair.other]
            }
            assert {turn.topic: turn.days for turn in pair.turns} == delays
            after = [delay for delay in delays.values() if delay > 0]
            assert len(pair.after) == len(after)
            assert len(pair.before) == sum(delay < 0 for delay in delays.values())
            assert len(pair.same_day) == sum(delay == 0 for delay in delays.values())
            assert pair.median_days == (statistics.median(after) if after else None)


def test_who_is_after_one_place_is_before_the_other(book: Book) -> None:
    found = {place: diffusion(book, place, ON) for place in places(book)}
    for place, history in found.items():
        for pair in history.pairs:
            back = next(each for each in found[pair.other].pairs if each.other == place)
            assert {turn.topic: -turn.days for turn in pair.turns} == {
                turn.topic: turn.days for turn in back.turns
            }


def test_a_draft_is_no_move_unless_it_is_asked_for(book: Book) -> None:
    found = diffusion(book, "cn-sh", date(2027, 6, 1))
    assert not found.moves or all(move.status.is_law for move in found.moves)
    assert not found.pairs
    assert any(move.place == "cn-sh" for move in found.drafts)
    tried = diffusion(book, "cn-sh", date(2027, 6, 1), with_drafts=True)
    assert tried.pairs
    for language, word in (("en", "DRAFT"), ("zh", "草案")):
        assert word in as_text(book, tried, language)
        assert word in as_html(book, tried, language)


def test_what_has_not_begun_or_was_not_known_is_not_counted(book: Book) -> None:
    found = diffusion(book, "us", ON)
    assert found.to_come
    assert all(move.day > ON for move in found.to_come)
    assert all(move.day <= ON for move in found.moves)
    early = diffusion(book, "hk", date(2021, 1, 1))
    known = {move.name for move in (*early.moves, *early.drafts, *early.to_come)}
    assert "hk.issue" not in known


def test_a_yardstick_is_no_place_and_moves_nothing(book: Book) -> None:
    with pytest.raises(ValueError, match="places are"):
        diffusion(book, "fatf", ON)
    found = diffusion(book, "hk", ON)
    assert not {"fatf", "ecny"} & {move.place for move in found.moves}


def test_every_number_of_the_law_has_a_topic(book: Book) -> None:
    assert not [name for name in book.vocabulary.values if topic_of_value(name) is None]


def test_one_topic_can_be_asked_for(book: Book) -> None:
    found = diffusion(book, "hk", ON, topic=Topic.RESERVE)
    assert set(found.orders) == {Topic.RESERVE}
    whole = diffusion(book, "hk", ON)
    assert found.orders[Topic.RESERVE] == whole.orders[Topic.RESERVE]


def test_each_day_of_a_move_is_followed_by_the_next_one_of_each_other_place(book: Book) -> None:
    found = diffusion(book, "eu", ON)
    assert found.followed
    for each in found.followed:
        for following in each.next_moves:
            assert following.topic is each.move.topic
            between = [
                move
                for move in found.moves
                if move.place == following.place
                and move.topic is following.topic
                and each.move.day < move.day < following.day
            ]
            assert not between


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_telling_says_that_it_is_history_and_how_small_it_is(book: Book, language: str) -> None:
    words = {
        "en": ("History, not a forecast", "counts are very small", "11 of 12 topics"),
        "zh": ("仅为历史，不作预测", "样本极小", "12个主题中的11个"),
    }[language]
    found = diffusion(book, "hk", ON)
    for told in (as_text(book, found, language), unescape(as_html(book, found, language))):
        for word in words:
            assert word in told
    assert as_data(found, language)["is"].startswith(words[0])
    nowhere = diffusion(book, "kr", ON)
    assert not nowhere.own_topics
    assert nowhere.pairs == ()
    assert {"en": "has not moved", "zh": "尚无行动"}[language] in as_text(book, nowhere, language)


def test_every_number_has_its_days_and_its_texts(book: Book) -> None:
    data = json.loads(json.dumps(as_data(diffusion(book, "hk", ON), "en")))
    turns = [turn for pair in data["pairs"] for turn in pair["turns"]]
    assert turns
    for turn in turns:
        ours, theirs = turn["ours"], turn["theirs"]
        assert turn["days"] == (date.fromisoformat(theirs["day"]) - date.fromisoformat(ours["day"])).days
        assert ours["source"] in book.sources
        assert theirs["source"] in book.sources
        assert ours["article"]
        assert theirs["article"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_is_whole_and_has_a_lane_for_each_topic(book: Book, language: str) -> None:
    page = as_html(book, diffusion(book, "hk", ON), language)
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    root = ElementTree.fromstring(svg)
    marks = [node for node in root.iter() if node.tag.endswith("circle")]
    assert len(marks) > 40
    width = float(root.attrib["width"])
    assert all(0 < float(mark.attrib["cx"]) < width for mark in marks)
    assert "<script" not in page
    assert page.count("<img") == 0


def test_the_same_law_gives_the_same_page(book: Book) -> None:
    again = read_folder(drafts=[ALL])
    one: list[Diffusion] = [diffusion(each, "jp", ON) for each in (book, again)]
    assert as_html(book, one[0], "zh") == as_html(again, one[1], "zh")
    assert one[0].moves == one[1].moves


def test_a_day_earlier_the_move_is_still_to_come(book: Book) -> None:
    day = next(
        move.day for move in diffusion(book, "hk", ON).moves if move.place == "hk" and move.what == BEGINS
    )
    assert not [m for m in diffusion(book, "hk", day - timedelta(days=1)).moves if m.place == "hk"]


def test_the_command_answers_and_refuses_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "diffusion", "--place", "hk", "--on", "2026-11-20", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["place"] == "hk"
    for words, said in (
        (["--place", "atlantis"], "places are"),
        (["--place", "hk", "--topic", "weather"], "topics are"),
        (["--place", "hk", "--on", "soon"], "YYYY-MM-DD"),
        (["--place", "hk", "--folder", "nowhere"], "no folder"),
    ):
        assert main(["lab", "diffusion", *words]) == 2
        assert said in capsys.readouterr().err
