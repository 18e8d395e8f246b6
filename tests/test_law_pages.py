"""`jiaozi law` show, page, diff, with-reform, compare and timeline."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jiaozi.rulebook.reading.read import law_folder
from tests.law_asking import (
    ISSUER,
    LOWER_TIER_4,
    TRAVEL,
    YUAN_ABROAD,
    Captured,
    article,
    asked,
    assert_allowed,
    assert_refused,
    copied,
    law,
)
from tests.rulebook.law_scenes import SMALL_LAW, shipped

# -- show, page -------------------------------------------------------------------------------------


def test_show_prints_a_rule_a_need_and_a_value(capsys: Captured) -> None:
    for name in ("cn.yuan_peg_abroad", "hk.pay/travel_full", "us.capital_proposed", "cn-sh.issue"):
        assert law("show", name, "--on", "2026-11-22") == 0
        assert capsys.readouterr().out.startswith(name.partition("/")[0])
    assert law("show", "limit.single", "--language", "zh") == 0
    assert "[草案]" in capsys.readouterr().out
    assert law("show", "ecny limit.single") == 0
    assert "cn-sh" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cn.yuan_peg_abrod", "did you mean cn.yuan_peg_abroad?"),
        ("limit.singel", "did you mean limit.single?"),
        ("", "no such rule ''"),
        ("?", "no such rule '?'"),
    ],
)
def test_show_of_what_is_not_there_names_the_nearest(name: str, said: str, capsys: Captured) -> None:
    assert law("show", name) == 2
    assert said in capsys.readouterr().err


def test_page_is_markdown_or_a_whole_document(capsys: Captured) -> None:
    assert law("page", "--on", "2026-11-22") == 0
    said = capsys.readouterr().out
    assert said.startswith("# The law on 2026-11-22\n")
    assert "DRAFT" not in said
    assert law("page", "--on", "2026-12-15", "--draft", "cn-sh", "--language", "zh") == 0
    assert "**[草案]**" in capsys.readouterr().out
    assert law("page", "--on", "2026-11-22", "--html") == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert law("page", "--on", "2027-07-01", "--reform", TRAVEL) == 0
    assert "1,000.00 HKD" in capsys.readouterr().out
    assert law("page", "--on", "2026-11-22", "--known", "2026-02-05") == 0
    assert "cn.yuan_peg_abroad" not in capsys.readouterr().out


# -- diff, with-reform ------------------------------------------------------------------------------


def test_diff_of_two_days(capsys: Captured) -> None:
    assert law("diff", "2026-02-05", "2026-02-06") == 0
    said = capsys.readouterr().out
    assert "begins  from 2026-02-06  cn.yuan_peg_abroad  " in said
    assert f"({article('cn.yuan_peg_abroad')})" in said
    assert "ends  from 2026-02-06  cn.virtual_currency_2021  " in said
    assert law("diff", "2026-02-06", "2026-02-06") == 0
    assert capsys.readouterr().out == "nothing changes\n"
    assert law("diff", "2026-02-06", "2026-02-06", "--language", "zh") == 0
    assert capsys.readouterr().out == "无变化\n"


def test_diff_as_json(capsys: Captured) -> None:
    assert law("diff", "2025-07-31", "2025-08-01", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    keys = {"place", "name", "what", "before", "after", "since", "article", "status"}
    assert all(set(change) == keys for change in found)
    (travel,) = [change for change in found if change["name"] == "travel.full_from"]
    assert (travel["place"], travel["what"], travel["before"]) == ("hk", "number", "")
    assert (travel["after"], travel["since"], travel["status"]) == ("8,000.00 HKD", "2025-08-01", "enacted")
    assert law("diff", "2026-02-06", "2026-02-06", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_diff_of_two_folders(tmp_path: Path, capsys: Captured) -> None:
    folder = copied(tmp_path)
    text = (folder / "hk.toml").read_text("utf-8")
    assert "HKD  = 8_000" in text
    (folder / "hk.toml").write_text(text.replace("HKD  = 8_000", "HKD  = 9_000", 1), "utf-8")
    assert law("diff", str(law_folder()), str(folder)) == 0
    said = capsys.readouterr().out
    assert said.startswith("from 2025-08-01  travel.full_from  8,000.00 HKD -> 9,000.00 HKD  (hk-ag ")
    assert said.count("\n") == 1
    assert law("diff", str(law_folder()), str(law_folder()), "--draft", "cn-sh") == 0
    assert capsys.readouterr().out == "nothing changes\n"
    assert law("diff", str(SMALL_LAW), str(law_folder()), "--json") == 0
    assert {change["what"] for change in json.loads(capsys.readouterr().out)} >= {"added", "number"}


def test_diff_of_days_with_a_reform(capsys: Captured) -> None:
    assert law("diff", "2027-06-30", "2027-07-01", "--reform", LOWER_TIER_4, "--draft", "cn-sh") == 0
    assert capsys.readouterr().out == (
        "from 2027-07-01  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-notice-2 art 1) [DRAFT]\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["2026-02-05"], 2, "the following arguments are required: B"),
        (["2026-02-05", "soon"], 2, "neither two days (YYYY-MM-DD) nor two folders of law"),
        (["2026-02-05", "2026-02-30"], 2, "2026-02-30 is no day"),
        (["2026-02-05", str(SMALL_LAW)], 2, "neither two days"),
        ([str(SMALL_LAW), "nowhere"], 2, "neither two days"),
        ([str(SMALL_LAW), str(SMALL_LAW), "--reform", TRAVEL], 2, "--reform goes with two days of one book"),
        ([str(SMALL_LAW), str(Path(__file__).parent)], 1, "places.toml  file  is missing"),
    ],
)
def test_diff_of_what_cannot_be_compared(
    words: Sequence[str], code: int, said: str, capsys: Captured
) -> None:
    assert law("diff", *words) == code
    assert said in capsys.readouterr().err


def test_with_reform_prints_what_changes_and_both_digests(capsys: Captured) -> None:
    assert law("with-reform", LOWER_TIER_4, "--draft", "cn-sh") == 0
    first, old, new = capsys.readouterr().out.splitlines()
    assert first == (
        "from 2027-07-01  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-notice-2 art 1) [DRAFT]"
    )
    assert old == f"law    {shipped('cn-sh').digest.hex()}"
    assert re.fullmatch(r"reform [0-9a-f]{64}", new)
    assert law("with-reform", YUAN_ABROAD, "--json", "--language", "zh") == 0
    (change,) = json.loads(capsys.readouterr().out)
    assert (change["name"], change["what"], change["after"]) == ("cn.yuan_peg_abroad", "until", "2027-07-01")
    assert change["status"] == "draft"


def test_the_exercise_on_yuan_coins_abroad_opens_one_gate_and_no_other(capsys: Captured) -> None:
    words = ["issue", "--place", "hk", "--on", "2027-07-01", "coin.peg=CNY", "payment.amount=1"]
    words += ["issuer.licences=hk", "issuer.consents=", *ISSUER, "--reform", YUAN_ABROAD]
    assert_allowed(asked(capsys, *words), "hk.issue", "in force since 2025-08-01")
    assert asked(capsys, *words)[1].endswith("under the DRAFT of 2027-07-yuan-coins-abroad\n")
    assert_refused(asked(capsys, *words, "issuer.controller=cn"), "cn.controlled_abroad", "since 2026-02-06")
    assert_refused(asked(capsys, *words, "payer.zone=cn"), "cn.virtual_currency", "since 2026-02-06")


HEAD = '[reform]\ntitle = { en = "x", zh = "x" }\n'
DATED = 'from = 2027-01-01\ncite = "hk-so s 8"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "book"),
        ("[reform", "is not TOML"),
        (HEAD + '[[change]]\nrepeal = "hk.nothing"\n' + DATED, "no such rule 'hk.nothing' to repeal"),
        (HEAD + '[[change]]\nset = "travel.full"\nplace = "hk"\n' + DATED, "no such value"),
        (HEAD + "typo = 1\n", "unknown key"),
    ],
)
def test_a_reform_with_mistakes_is_refused_with_its_line(
    text: str, said: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "my-reform.toml"
    path.write_text(text, "utf-8")
    assert law("with-reform", str(path)) == 1
    found = capsys.readouterr().err
    assert "my-reform.toml" in found
    assert said in found
    assert law("ask", "pay", "--reform", str(path)) == 1


def test_a_reform_that_cannot_be_read_is_refused(tmp_path: Path, capsys: Captured) -> None:
    missing = str(tmp_path / "none.toml")
    for words in (
        ["with-reform", missing],
        ["ask", "pay", "--reform", missing],
        ["page", "--reform", str(tmp_path)],
    ):
        assert law(*words) == 2
        assert "cannot be read" in capsys.readouterr().err


# -- compare, timeline ------------------------------------------------------------------------------


def test_compare_in_every_form(capsys: Captured) -> None:
    words = ["compare", "--on", "2026-11-22", "--places", "us,sg"]
    assert law(*words) == 0
    said = capsys.readouterr().out
    assert "[enacted, not in force" in said
    assert "[PROPOSAL" in said
    assert law(*words, "--format", "csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert {row["place"] for row in table} == {"us", "sg"}
    assert law(*words, "--format", "json", "--language", "zh") == 0
    found = json.loads(capsys.readouterr().out)
    assert [place["place"] for place in found["places"]] == ["us", "sg"]
    assert (found["day"], found["language"]) == ("2026-11-22", "zh")
    assert law(*words, "--format", "html") == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_timeline_in_every_form(capsys: Captured) -> None:
    assert law("timeline", "--places", "cn") == 0
    assert capsys.readouterr().out.startswith("2013-12-03  cn ")
    assert law("timeline", "--format", "csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert len(table) == len(shipped().steps)
    assert law("timeline", "--format", "json", "--language", "zh") == 0
    assert json.loads(capsys.readouterr().out)[0]["title"] == shipped().steps[0].title["zh"]
    assert law("timeline", "--format", "html", "--places", "hk,us") == 0
    assert capsys.readouterr().out.count('<tr id="step-') == sum(
        step.place in ("hk", "us") for step in shipped().steps
    )
    assert law("timeline", "--format", "svg") == 0
    assert ElementTree.fromstring(capsys.readouterr().out).tag.endswith("svg")


@pytest.mark.parametrize("verb", ["compare", "timeline"])
def test_an_unknown_place_or_form_is_refused(verb: str, capsys: Captured) -> None:
    assert law(verb, "--places", "hk,atlantis") == 2
    assert "no such place 'atlantis'; places are cn, " in capsys.readouterr().err
    assert law(verb, "--format", "pdf") == 2
    assert "invalid choice: 'pdf'" in capsys.readouterr().err


@pytest.mark.parametrize("day", ["soon", "2026-02-30", "2026-11-22T12:00", ""])
def test_compare_takes_a_day_and_nothing_finer(day: str, capsys: Captured) -> None:
    assert law("compare", "--on", day) == 2
    assert "YYYY-MM-DD" in capsys.readouterr().err
