"""Who moved when: the steps in order, and a picture that shows each of them once and hides none."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from datetime import date
from html import unescape
from itertools import combinations
from xml.etree import ElementTree

import pytest

from jiaozi.rulebook.model import Book, Confidence
from jiaozi.rulebook.provisions import STEP_KINDS
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.telling.moves import FIELDS, as_csv, as_data, as_html, as_text, steps_of
from jiaozi.rulebook.telling.picture import KIND_TITLES, LEFT, MARK, WIDTH, day_text, picture

from .law_scenes import law, shipped
from .test_rulebook_page import checked

TODAY = date(2026, 11, 22)
SVG = "{http://www.w3.org/2000/svg}"

STEP = """
[[step]]
day    = {day}
place  = "{place}"
kind   = "{kind}"
title  = {{ en = "{title}", zh = "{title}" }}
source = "cn-42"
"""


def book(*steps: tuple[str, str, str]) -> Book:
    """Return the small law with these steps: place, day and title; the kinds go round."""
    text = "".join(
        STEP.format(day=day, place=place, kind=STEP_KINDS[number % len(STEP_KINDS)], title=title)
        for number, (place, day, title) in enumerate(steps)
    )
    return read({**law().texts, "steps.toml": text})


def svg_of(found: Book, language: str = "en", today: date = TODAY) -> ElementTree.Element:
    return ElementTree.fromstring(picture(found, steps_of(found), today, language))


def shape_of(mark: ElementTree.Element) -> ElementTree.Element:
    (shape,) = (child for child in mark if child.tag != f"{SVG}text" and child.tag != f"{SVG}title")
    return shape


def box_of(mark: ElementTree.Element) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the shape of a mark."""
    shape = shape_of(mark)
    found = {key: float(value) for key, value in shape.items() if re.fullmatch(r"-?[\d.]+", value)}
    if shape.tag == f"{SVG}circle":
        x, y, r = found["cx"], found["cy"], found["r"]
        return x - r, y - r, x + r, y + r
    if shape.tag == f"{SVG}rect":
        return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]
    corners = [tuple(map(float, corner.split(","))) for corner in shape.attrib["points"].split()]
    across, down = zip(*corners, strict=True)
    return min(across), min(down), max(across), max(down)


def marks_of(svg: ElementTree.Element) -> dict[int, ElementTree.Element]:
    """Return each mark by its number."""
    return {int(mark.attrib["href"].removeprefix("#step-")): mark for mark in svg.iter(f"{SVG}a")}


# -- the list -----------------------------------------------------------------------------------


def test_the_steps_stand_in_order_of_their_days() -> None:
    days = [step.day for step in steps_of(shipped())]
    assert len(days) > 40
    assert days == sorted(days)
    unsorted = book(("hk", "2025-08-01", "b"), ("cn", "2013-12-03", "a"), ("cn", '"2019-06"', "m"))
    assert [step.title["en"] for step in steps_of(unsorted)] == ["a", "m", "b"]


def test_a_month_without_a_day_is_shown_as_a_month() -> None:
    (month, day) = steps_of(book(("cn", '"2019-06"', "m"), ("cn", "2019-06-02", "d")))
    assert (day_text(month), day_text(day)) == ("2019-06", "2019-06-02")
    assert "2019-06     cn" in as_text([month], "en")


def test_some_places_can_be_picked_and_an_unknown_one_is_refused() -> None:
    assert {step.place for step in steps_of(shipped(), ["us", "hk"])} == {"us", "hk"}
    with pytest.raises(ValueError, match="no such place 'atlantis'; places are cn, "):
        steps_of(shipped(), ["hk", "atlantis"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_csv_and_data_hold_each_step_with_its_source(language: str) -> None:
    steps = steps_of(shipped())
    data = as_data(shipped(), steps, language)
    text = as_csv(shipped(), steps, language)
    assert text.count("\r\n") == text.count("\n") == len(steps) + 1
    table = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert tuple(table[0]) == FIELDS
    assert table == data
    lines = as_text(steps, language).splitlines()
    assert len(lines) == len(steps)
    unsure = "[unconfirmed]" if language == "en" else "[未确认]"
    for line, step in zip(lines, steps, strict=True):
        assert line.startswith(day_text(step))
        assert step.title[language] in line
        assert line.endswith(f"({step.source})")
        assert (unsure in line) == (step.confidence is Confidence.UNCONFIRMED)


def test_every_kind_of_step_has_a_name_in_both_languages() -> None:
    assert set(KIND_TITLES) == set(STEP_KINDS)
    assert all(titles["en"] and titles["zh"] for titles in KIND_TITLES.values())


# -- the picture --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_picture_is_well_formed_and_loads_nothing(language: str) -> None:
    text = picture(shipped(), steps_of(shipped()), TODAY, language)
    svg = ElementTree.fromstring(text)
    assert svg.tag == f"{SVG}svg"
    addresses = re.findall(r"""(?:https?:|//|url\(|data:)[^\s"']*""", text)
    assert addresses == ["http://www.w3.org/2000/svg"], "the name of the format is no address that is loaded"
    assert {each.tag.removeprefix(SVG) for each in svg.iter()} <= {
        "svg", "line", "text", "a", "title", "rect", "circle", "polygon",
    }  # fmt: skip
    links = [each.attrib["href"] for each in svg.iter() if "href" in each.attrib]
    assert all(re.fullmatch(r"#step-\d+", link) for link in links)


def test_each_step_has_one_mark_with_its_number_and_words() -> None:
    steps = steps_of(shipped())
    marks = marks_of(svg_of(shipped()))
    assert sorted(marks) == list(range(1, len(steps) + 1))
    for number, step in enumerate(steps, start=1):
        words = marks[number].find(f"{SVG}title")
        shown = marks[number].find(f"{SVG}text")
        assert words is not None
        assert shown is not None
        assert words.text == f"{day_text(step)} {KIND_TITLES[step.kind]['en']}: {step.title['en']}"
        assert shown.text == str(number)


def overlaps(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


CROWD = [("hk", f"2026-01-{1 + number % 5:02}", f"step {number}") for number in range(40)]
CROWD += [
    ("cn", f"2026-{1 + number % 12:02}-{1 + number % 28:02}", f"other {number}") for number in range(40)
]


@pytest.mark.parametrize("found", [shipped(), book(*CROWD)], ids=["as shipped", "a crowd"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_marks_lie_on_each_other_and_none_outside(found: Book, language: str) -> None:
    svg = svg_of(found, language)
    width, height = map(float, svg.attrib["viewBox"].split()[2:])
    boxes = {number: box_of(mark) for number, mark in marks_of(svg).items()}
    assert [pair for pair in combinations(boxes, 2) if overlaps(boxes[pair[0]], boxes[pair[1]])] == []
    for left, top, right, bottom in boxes.values():
        assert left >= LEFT - 2 * MARK
        assert right <= width == WIDTH
        assert top >= 0
        assert bottom <= height


def test_every_mark_lies_in_the_lane_of_its_place_with_the_days_from_left_to_right() -> None:
    svg = svg_of(shipped())
    steps = steps_of(shipped())
    tops = [float(line.attrib["y1"]) for line in svg.iter(f"{SVG}line") if line.attrib["x1"] == "0.0"]
    lanes = [place for place in shipped().vocabulary.places if any(step.place == place for step in steps)]
    assert len(tops) == len(lanes)
    bounds = dict(zip(lanes, zip(tops, [*tops[1:], 10_000.0], strict=True), strict=True))
    across: dict[str, list[float]] = defaultdict(list)
    for number, mark in sorted(marks_of(svg).items()):
        step = steps[number - 1]
        left, top, right, bottom = box_of(mark)
        assert bounds[step.place][0] <= top
        assert bottom <= bounds[step.place][1]
        across[step.place].append((left + right) / 2)
    assert all(middles == sorted(middles) for middles in across.values())


def test_what_is_still_to_come_is_hollow_and_what_is_unconfirmed_is_dashed() -> None:
    steps = steps_of(shipped())
    assert any(step.day > TODAY for step in steps)
    assert any(step.confidence is Confidence.UNCONFIRMED for step in steps)
    for number, mark in marks_of(svg_of(shipped())).items():
        step, shape = steps[number - 1], shape_of(mark)
        assert (shape.attrib["fill"] == "none") == (step.day > TODAY), step
        assert ("stroke-dasharray" in shape.attrib) == (step.confidence is Confidence.UNCONFIRMED), step


def test_a_step_of_the_day_itself_has_been_taken() -> None:
    found = book(("hk", "2026-11-22", "today"), ("hk", "2026-11-23", "tomorrow"))
    marks = marks_of(svg_of(found))
    assert [shape_of(marks[number]).attrib["fill"] == "none" for number in (1, 2)] == [False, True]


def test_the_day_of_the_picture_is_drawn() -> None:
    svg = svg_of(shipped(), today=date(2020, 1, 1))
    assert "2020-01-01" in [text.text for text in svg.iter(f"{SVG}text")]
    assert sum(shape_of(mark).attrib["fill"] == "none" for mark in marks_of(svg).values()) > 40


def test_without_any_step_there_is_still_a_picture() -> None:
    svg = ElementTree.fromstring(picture(law(), (), TODAY, "en"))
    assert marks_of(svg) == {}


# -- the page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_numbers_of_the_table_are_those_of_the_marks(language: str) -> None:
    steps = steps_of(shipped())
    page = as_html(shipped(), steps, TODAY, language)
    rows = re.findall(r'<tr id="step-(\d+)">(.*?)</tr>', page, flags=re.DOTALL)
    assert [int(number) for number, _ in rows] == [number for number, _ in enumerate(steps, start=1)]
    for (number, row), step in zip(rows, steps, strict=True):
        cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        assert cells[:2] == [number, day_text(step)]
        assert any(unescape(cell).startswith(step.title[language]) for cell in cells)
    assert sorted(int(number) for number in re.findall(r'href="#step-(\d+)"', page)) == [
        number for number, _ in enumerate(steps, start=1)
    ]
    assert page.count('class="mark"') == sum(step.confidence is Confidence.UNCONFIRMED for step in steps)
    assert str(TODAY) in page


def test_hostile_words_are_shown_and_never_run() -> None:
    found = book(("hk", "2026-01-01", "<script>alert(1)</script> & 'x'"))
    page = as_html(found, steps_of(found), TODAY, "en")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x27;x&#x27;") == 2
    svg_of(found)
    body = re.sub(r"<svg.*?</svg>", "", page.partition("<body")[2].partition(">")[2], flags=re.DOTALL)
    checked(body.partition("</body>")[0])
