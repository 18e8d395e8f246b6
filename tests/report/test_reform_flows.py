"""The picture of the reasons: bands as wide as their counts, with the letters of the table below."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.lab.replay.replay import Mode
from jiaozi.lab.replay.summary import Part
from jiaozi.report.reform.flows import FULL, LETTERS, Band, Flow, flows
from jiaozi.report.reform.pages import body, why
from jiaozi.report.reform.rows import Row
from jiaozi.report.reform.words import LANGUAGES, Words
from tests.report.test_reform_page import DAY_CAP, journal, told
from tests.server.offices import EVIL

__all__ = ["journal"]

WORDS = Words("en")


def columns(svg: str, look: str, x: str) -> list[tuple[float, float]]:
    """Return top and height of what stands at *x* percent."""
    found = re.findall(
        rf'<rect class="{look}" x="{re.escape(x)}" y="([\d.]+)" width="1.2" height="([\d.]+)"', svg
    )
    return [(float(top), float(height)) for top, height in found]


def row(name: str, refused: int, admitted: int = 0) -> Row:
    return Row(name, Part(refused, refused * 100, admitted, admitted * 100))


def test_a_band_is_as_wide_as_its_count_and_both_sides_are_their_sum() -> None:
    svg = why([row("cap", 300), row("tier", 100, 100)], WORDS)
    middle = columns(svg, "r-refused", "36")
    assert [height for _, height in middle] == [pytest.approx(FULL * 0.6), pytest.approx(FULL * 0.2)]
    for x in ("0", "98.8"):
        assert [height for _, height in columns(svg, "r-refused", x)] == [pytest.approx(FULL * 0.8)]
        assert [height for _, height in columns(svg, "r-admitted", x)] == [pytest.approx(FULL * 0.2)]


def test_bands_never_stand_on_each_other() -> None:
    svg = why([row(f"reason {number}", 10**number) for number in range(7)], WORDS)
    middle = columns(svg, "r-refused", "36")
    assert len(middle) == 7
    for (top, height), (below, _) in pairwise(middle):
        assert top + height < below
    last = middle[-1]
    assert last[0] + last[1] <= float(re.findall(r'height="(\d+)" role="img"', svg)[0]) + 1


def test_reasons_without_a_letter_share_the_last_band() -> None:
    rows = [row(f"reason {number}", 20 - number) for number in range(11)]
    svg = why(rows, WORDS)
    told_letters = re.findall(r'text-anchor="end">([A-H]) ', svg)
    assert told_letters == list(LETTERS)
    assert "other reasons: 33" in svg  # 12 + 11 + 10


def test_where_nothing_changed_there_is_no_picture() -> None:
    assert why([], WORDS) == ""
    assert why([row("cap", 0)], WORDS) == ""


def test_a_name_is_escaped_and_a_long_one_cut() -> None:
    long = "a cap on what may be paid on one day by whoever has no name in the books of anybody"
    bands = (Band("A", EVIL, 1), Band("B", long, 1))
    svg = flows(EVIL, [Flow(EVIL, EVIL, "r-refused", bands)], WORDS.count)
    assert "<script" not in svg
    assert f"{long[:63]}…</text>" in svg
    assert f"<title>{long}: 1</title>" in svg


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letters_of_the_picture_are_those_of_the_table(journal: Path, language: str) -> None:
    html = body(told(journal), language)
    section = html[html.index('id="r-reasons"') : html.index('id="r-sizes"')]
    assert 'text-anchor="end">A 1</text>' in section
    name = re.findall(r'class="r-name"[^>]*>([^<]+)</text>', section)[0]
    assert f'<span class="r-mark">A</span>{name}' in section
    assert not re.search(r"\sstyle=", section)


def test_with_a_base_before_and_after_are_what_both_laws_would_have_done(journal: Path) -> None:
    """Li paid 400, 500 and 600. Under 1,000 a day the 600 is refused, under 500 a day the 500 as well."""
    subject = told(journal, DAY_CAP.replace("t4 = 1_000", "t4 = 500"), Mode.SUMS_FOLLOW, base=DAY_CAP)
    html = body(subject, "en")
    assert html.count("Value admitted, before") == 1
    line = re.findall(r"<tr><th scope=\"row\">2026-12</th>(.*?)</tr>", html, re.DOTALL)[0]
    figures = re.findall(r"<td>([\d,.]+)</td>", line)
    # 9,000 were issued; 2,000.01 was refused by the history.
    assert figures == ["9,900.00", "9,400.00", "2,600.01", "3,100.01", "500.00", "0.00"]
    assert "Before: Exercise" in html


def test_the_command_asks_the_base_of_the_history_too(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(DAY_CAP, encoding="utf-8")
    (tmp_path / "tried.toml").write_text(DAY_CAP.replace("t4 = 1_000", "t4 = 500"), encoding="utf-8")
    laws = ["--law", str(tmp_path / "tried.toml"), "--base", str(tmp_path / "base.toml")]
    store, to = str(journal.parent), tmp_path / "result"
    assert main(["lab", "replay", store, *laws, "--mode", "sums-follow", "--to", str(to)]) == 0
    data = json.loads((to / "summary.json").read_bytes())
    assert data["base_by_month"]["2026-12"]["refused_amount"] == 600_00
    assert data["summary"]["by_month"]["2026-12"]["refused_amount"] == 500_00
    assert "Value admitted, before" in (to / "report.html").read_text("utf-8")
