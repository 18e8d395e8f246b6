"""Texts, events and steps are read strictly; files of them may be empty or missing."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.rulebook.provisions import Cite, Confidence, Event, Step
from jiaozi.rulebook.reading.read import read

from .grown_law import assert_mistake, changed, grown, grown_law

EVENTS, STEPS, SOURCES = "events.toml", "steps.toml", "sources.toml"
BEGUN = '[[event]]\nid    = "hk.begun"'

# file, what is replaced, by what, where the mistake must be reported, what it must say
MISTAKES = [
    (EVENTS, '"hk.begun"', '"xx.begun"', '"xx.begun"', "must be a place, a point, lower case letters, digits and _"),
    (EVENTS, '"hk.begun"', '"hk.Begun"', '"hk.Begun"', "must be a place, a point, lower case"),
    (EVENTS, '"hk.begun"', '"begun"', '"begun"', "must be a place, a point, lower case"),
    (EVENTS, '"hk.begun"', '""', 'id    = ""', "is empty; write text in quotes"),
    (EVENTS, '"hk.awaited"', '"hk.begun"', 'id    = "hk.begun"\ntitle = { en = "the second', "stands twice"),
    (EVENTS, 'title = { en = "the first licence", zh = "首张牌照" }\n', "", "[[event]]", "is missing; write a table"),
    (EVENTS, ', zh = "首张牌照"', "", "title =", "has no wording in zh"),
    (EVENTS, "day   = 2026-03-01", 'day   = "2026-03"', 'day   = "2026-03"', "must be a date"),
    (EVENTS, "day   = 2026-03-01", "day   = 2500-01-01", "2500-01-01", "write a year from 1900 to 2200"),
    (EVENTS, "day   = 2026-03-01\n", "", "known = ", "it has no day; write day = …"),
    (EVENTS, 'cite  = "hk-so s 2"\n', "", "day   =", "has happened; write cite = the text that says so"),
    (EVENTS, '"hk-so s 2"', '"hk-os s 2"', '"hk-os s 2"', "no such source 'hk-os'; declare it in sources.toml"),
    (EVENTS, '"hk-so s 2"', '"hk-so"', '"hk-so"', "names no place in hk-so; write for example \"hk-so art 1\""),
    (EVENTS, '"hk-so s 2"', '""', 'cite  = ""', "is empty"),
    (EVENTS, BEGUN, BEGUN + "\nwhy = 1", "why = 1", "unknown key"),
    (EVENTS, BEGUN, BEGUN.replace("[[event]]", "[[events]]"), "[[events]]", "unknown key; did you mean event?"),
    (STEPS, 'place  = "hk"', 'place  = "xx"', '"xx"', "must be one of cn, cn-sh, hk"),
    (STEPS, '"in force"', '"forced"', '"forced"', "must be one of ban, tighten, statement"),
    (STEPS, 'source = "hk-so"', 'source = "hk-os"', '"hk-os"', "must be one of cn-237"),
    (STEPS, 'source = "hk-so"', 'source = "hk-so s 1"', '"hk-so s 1"', "must be one of cn-237"),
    (STEPS, '"unconfirmed"', '"maybe"', '"maybe"', "must be one of confirmed, unconfirmed"),
    (STEPS, '"unconfirmed"', '""', 'confidence = ""', "must be one of confirmed, unconfirmed"),
    (STEPS, '"2022-01"', '"2022-13"', '"2022-13"', 'must be a date, or a month such as "2022-01"'),
    (STEPS, '"2022-01"', '"2022"', '"2022"', "must be a date, or a month"),
    (STEPS, '"2022-01"', '"1999-01"', '"1999-01"', "must be a date, or a month"),
    (STEPS, '"2022-01"', '""', 'day        = ""', "is empty"),
    (STEPS, '"2022-01"', "2022", "day        = 2022", "must be a date"),
    (STEPS, "2025-08-01", "1800-08-01", "1800-08-01", "write a year from 1900"),
    (STEPS, "2025-08-01", "2025-08-01T00:00:00", "2025-08-01T", "must be a date"),
    (STEPS, 'day    = 2025-08-01\n', "", "[[step]]", "is missing; write a date"),
    (STEPS, 'zh = "禁令"', 'zh = ""', 'title      =', "has no wording in zh"),
    (STEPS, 'source = "hk-so"', 'source = "hk-so"\nlink = "x"', "link =", "unknown key"),
    (SOURCES, 'number    = "Cap. 656"', 'number    = ""', 'number    = ""', "is empty"),
    (SOURCES, "issued    = 2025-05-30", "issued    = 2025-05", "issued    = 2025-05", "is not TOML"),
    (SOURCES, "[hk-so]", "[Hk-so]", "[Hk-so]", "a source is named in lower case letters, digits and -"),
    (SOURCES, "[hk-so]", "[hk-so]\nauthor = 1", "author =", "unknown key; did you mean authority?"),
    (SOURCES, "[cn-237]", "title = 1\n[cn-237]", "title = 1", "must be a table"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "where", "message"), MISTAKES)
def test_a_mistake_names_its_line_and_the_way_out(
    file: str, old: str, new: str, where: str, message: str
) -> None:
    assert_mistake(file, old, new, where, message)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n"])
def test_a_law_may_have_no_steps_yet(text: str) -> None:
    assert read({**grown(), STEPS: text}).steps == ()
    without = {name: found for name, found in grown().items() if name != STEPS}
    assert read(without).digest == grown_law().digest


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_without_events_nothing_may_wait_for_one(text: str) -> None:
    texts = {**grown(), EVENTS: text}
    texts["hk-more.toml"] = texts["hk-more.toml"].replace('{ event = "hk.awaited" }', "2027-01-01")
    texts["hk-more.toml"] = texts["hk-more.toml"].replace('{ event = "hk.begun" }', "2027-01-01")
    old = '{ event = "hk.begun", days = 31, by = 2027-01-18 }'
    texts["hk-more.toml"] = texts["hk-more.toml"].replace(old, "2027-01-01")
    book = read(texts)
    assert book.events == {}
    del texts[EVENTS]
    assert read(texts).digest == book.digest


def test_events_and_steps_are_read_with_all_they_say() -> None:
    book = grown_law()
    title = {"en": "the first licence", "zh": "首张牌照"}
    day, known = date(2026, 3, 1), date(2026, 2, 1)
    assert book.events["hk.begun"] == Event("hk.begun", title, day, known, Cite("hk-so", "s 2"))
    assert book.events["hk.awaited"].day is None
    first, second = book.steps
    ban = {"en": "A ban", "zh": "禁令"}
    assert first == Step(date(2022, 1, 1), True, "cn", "ban", ban, "cn-237", Confidence.UNCONFIRMED)
    assert (second.day, second.is_month, second.confidence) == (date(2025, 8, 1), False, Confidence.CONFIRMED)


def test_the_day_an_event_became_known_is_its_own_day_unless_it_says_so() -> None:
    book = read(changed(EVENTS, "known = 2026-02-01\n", ""))
    assert book.events["hk.begun"].known == date(2026, 3, 1)
