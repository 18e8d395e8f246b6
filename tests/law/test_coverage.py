"""The page of coverage is true: each row of the fact sheet is encoded under names that exist, or says why not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from jiaozi.rulebook.model import Book, Cite, Rule, Status
from jiaozi.rulebook.reading.read import ALL, read_folder

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "law" / "coverage.md").read_text(encoding="utf-8")
SHEET = Path(__file__).parents[3] / "shared" / "law" / "regulation-facts.md"

_ID = re.compile(r"[A-Z]{2,4}-[A-Z0-9-]+")

beside = pytest.mark.skipif(not SHEET.is_file(), reason="the fact sheet is not beside the repository")


class Row(NamedTuple):
    """One row of the page: what it is called, the names that hold it, and what is left out."""

    id: str
    names: tuple[str, ...]
    reason: str


def cells_of(text: str, heads: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of every Markdown table whose heads are *heads*."""
    is_inside = False
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if not line.startswith("|"):
            is_inside = False
        elif cells == heads:
            is_inside = True
        elif is_inside and set(line) - set("|- "):
            yield cells


ROWS = [
    Row(row, tuple(name for name in encoded.split(", ") if name != "-"), reason if reason != "-" else "")
    for row, encoded, reason in cells_of(PAGE, ("row", "encoded as", "left out because"))
]


@lru_cache
def book() -> Book:
    return read_folder(drafts=[ALL])


def names_that_exist() -> set[str]:
    names = {found.id for found in book().provisions}
    names |= {f"{rule.id}/{need.name}" for rule in book().rules for need in rule.needs}
    names |= {f"{place} {series}" for place, series in book().series}
    names |= {f"event {event}" for event in book().events}
    return names | {f"step {step.place} {step.day}" for step in book().steps}


def cites_of(found: object) -> Iterator[Cite]:
    """Yield every article that a provision names."""
    if isinstance(found, Rule):
        yield from (need.cite for need in found.needs)
        yield from (each.cite for each in found.yields if each.cite)


def test_every_name_on_the_page_is_one_of_the_law() -> None:
    known = names_that_exist()
    wrong = [(row.id, name) for row in ROWS for name in row.names if name not in known]
    assert wrong == []
    assert len(ROWS) > 100


def test_every_row_is_encoded_or_says_why_not() -> None:
    assert [row.id for row in ROWS if not row.names and not row.reason] == []
    assert [row.id for row in ROWS if row.reason and not row.reason.endswith(".")] == []


def test_no_row_stands_twice_and_no_name_twice_in_a_row() -> None:
    rows = Counter(row.id for row in ROWS)
    assert [row for row, times in rows.items() if times > 1] == []
    assert [row.id for row in ROWS if len(set(row.names)) < len(row.names)] == []


def test_every_provision_of_the_law_belongs_to_a_row() -> None:
    """What no row asks for would be law of our own invention; only drafts and exercises may be that."""
    held = {name.partition("/")[0] for row in ROWS for name in row.names}
    missing = [
        found.id for found in book().provisions if found.status is not Status.DRAFT and found.id not in held
    ]
    assert missing == []


def test_every_number_of_the_law_belongs_to_a_row() -> None:
    held = {name for row in ROWS for name in row.names}
    missing = [
        f"{place} {series}"
        for (place, series), found in book().series.items()
        if any(value.status is not Status.DRAFT for value in found.dated) and f"{place} {series}" not in held
    ]
    assert missing == []


def test_every_text_is_cited_where_the_page_says() -> None:
    provisions = {found.cite.source for found in book().provisions}
    provisions |= {found.span.end_cite.source for found in book().provisions if found.span.end_cite}
    provisions |= {cite.source for found in book().provisions for cite in cites_of(found)}
    provisions |= {value.cite.source for series in book().series.values() for value in series.dated}
    steps = {step.source for step in book().steps}
    yes = {True: "yes", False: "-"}
    expected = [
        (source, yes[source in provisions], yes[source in steps]) for source in sorted(provisions | steps)
    ]
    assert list(cells_of(PAGE, ("text", "provisions", "steps"))) == expected


def test_no_text_is_declared_and_never_cited() -> None:
    assert {row[0] for row in cells_of(PAGE, ("text", "provisions", "steps"))} == set(book().sources)


@beside
def test_every_row_of_the_fact_sheet_is_on_the_page_once_and_no_other() -> None:
    sheet = SHEET.read_text(encoding="utf-8")
    ids = [line.split("|")[1].strip() for line in sheet.splitlines() if line.startswith("| ")]
    wanted = Counter(found for found in ids if _ID.fullmatch(found))
    assert len(wanted) > 100
    assert Counter(row.id for row in ROWS if _ID.fullmatch(row.id)) == wanted


@beside
def test_what_the_fact_sheet_leaves_unconfirmed_is_marked_so() -> None:
    """A row of one source only is unconfirmed where a provision of its own holds it."""
    sheet = [line.split("|") for line in SHEET.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    unsure = {cells[1].strip() for cells in sheet if cells[-2].strip() in ("U", "U1")}
    confirmed = {name for row in ROWS if row.id not in unsure for name in row.names}
    by_id = {found.id: found for found in book().provisions}
    wrong = [
        name
        for row in ROWS
        if row.id in unsure
        for name in row.names
        if name in by_id and name not in confirmed and by_id[name].confidence == "confirmed"
    ]
    assert wrong == []


@beside
def test_every_step_of_the_fact_sheet_is_a_step_of_the_book() -> None:
    steps = {(str(step.day)[:7] if step.is_month else str(step.day), step.place) for step in book().steps}
    missing = []
    for cells in cells_of(SHEET.read_text(encoding="utf-8"), ("date", "place", "step", "event", "status")):
        day, place = cells[0], cells[1].lower()
        # e-CNY steps stand under China in the sheet and under the yardstick in the book.
        if (day, place) not in steps and not (place == "cn" and (day, "ecny") in steps):
            missing.append((day, place))
    assert missing == [("2027-10-25", "uk")]
