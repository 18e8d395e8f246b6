"""`jiaozi law check`: mistakes, cases, and what to look at again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jiaozi.rulebook.reading.read import ALL, law_folder
from tests.law_asking import Captured, copied, law
from tests.rulebook.law_scenes import shipped

# -- check ------------------------------------------------------------------------------------------


def test_check_counts_the_cases_and_lists_what_to_look_at_again(capsys: Captured) -> None:
    assert law("check", str(law_folder())) == 0
    said = capsys.readouterr().out
    found = re.search(r"^(\d+) rules, (\d+) needs, .*, (\d+) cases: no mistakes$", said, re.MULTILINE)
    assert found
    assert int(found[1]) == len(shipped(ALL).rules)
    assert int(found[3]) == len(list((law_folder() / "cases").glob("*/*/*.toml")))
    looks = [line for line in said.splitlines() if line.startswith("look again  ")]
    assert any("event pending: tw.vasa_commenced" in line and "waiting for it: 5" in line for line in looks)
    assert any("eu.deposit_standard" in line and "; waiting for it: 1" in line for line in looks)
    (unsure,) = [line for line in looks if "unconfirmed: " in line]
    assert "hk.screen" in unsure
    assert "us penalty.fine from 2027-01-18" in unsure, "a number may be unsure where its rule is not"
    assert f"digest {shipped().digest.hex()}" in said
    assert re.search(r"^cn-sh +DRAFT ", said, re.MULTILINE)
    assert re.search(r"^us-proposals +PROPOSAL ", said, re.MULTILINE)
    assert re.search(r"^hk +enacted ", said, re.MULTILINE)


def test_check_as_json(capsys: Captured) -> None:
    assert law("check", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["digest"] == shipped().digest.hex()
    assert {"rules", "needs", "always", "duties", "values", "sources", "steps", "cases"} <= set(found)
    assert found["drafts"] == []
    assert any(note.startswith("event pending: us.final_rules") for note in found["notes"])
    assert law("check", "--json", "--draft", "cn-sh") == 0
    drafted = json.loads(capsys.readouterr().out)
    assert drafted["drafts"] == ["cn-sh"]
    assert drafted["digest"] == shipped("cn-sh").digest.hex()


def test_check_names_the_case_that_is_answered_otherwise(tmp_path: Path, capsys: Captured) -> None:
    folder = copied(tmp_path)
    case = next((folder / "cases" / "hk" / "allow").glob("*.toml"))
    wrong = folder / "cases" / "hk" / "deny" / "an_answer_that_is_wrong.toml"
    text = case.read_text("utf-8")
    title = re.search(r'^title\s*=\s*"(.+)"$', text, re.MULTILINE)
    assert title
    wrong.write_text('refused = ["hk.interest"]\n' + text, "utf-8")
    assert law("check", str(folder)) == 1
    found = capsys.readouterr()
    assert f"hk/deny/{wrong.name}" in found.err
    assert "should be hk.interest; the law says allowed" in found.err
    assert title[1] in found.err
    assert "1 mistake; nothing was read" in found.err


def test_check_reads_the_calendars_too(tmp_path: Path, capsys: Captured) -> None:
    folder = copied(tmp_path)
    path = folder / "calendars" / "cn.toml"
    path.write_text(path.read_text("utf-8").replace("day = 2026-10-01", "day = 2027-10-01", 1), "utf-8")
    assert law("check", str(folder)) == 1
    assert re.search(r"cn\.toml:\d+  2027-10-01  lies outside 2026", capsys.readouterr().err)


def test_check_lists_every_mistake_with_its_line(tmp_path: Path, capsys: Captured) -> None:
    folder = copied(tmp_path)
    text = (folder / "hk.toml").read_text("utf-8")
    (folder / "hk.toml").write_text(text.replace("permit =", "permits =").replace("hk-so s 8", "hk-xx s 8"))
    assert law("check", str(folder)) == 1
    said = capsys.readouterr().err
    assert len(re.findall(r"^hk\.toml:\d+ ", said, re.MULTILINE)) > 5
    assert "no such source 'hk-xx'; did you mean hk-so?" in said
    assert law("check", str(folder), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert {len(mistake) for mistake in found["mistakes"]} == {4}
    assert {mistake[0] for mistake in found["mistakes"]} == {"hk.toml"}


@pytest.mark.parametrize(
    "verb", [["check"], ["page", "--folder"], ["ask", "pay", "--folder"], ["timeline", "--folder"]]
)
def test_a_folder_that_is_not_there_or_holds_no_law(
    verb: list[str], tmp_path: Path, capsys: Captured
) -> None:
    assert law(*verb, str(tmp_path / "nowhere")) == 2
    assert "places.toml, facts.toml and sources.toml" in capsys.readouterr().err
    assert law(*verb, str(tmp_path)) == 1
    assert "places.toml  file  is missing" in capsys.readouterr().err


def test_a_draft_that_is_not_there_is_a_mistake(capsys: Captured) -> None:
    assert law("ask", "pay", "--draft", "atlantis") == 1
    assert "no file of that name" in capsys.readouterr().err
    assert law("ask", "pay", "--draft", "hk") == 1
    assert "is law and takes part unasked" in capsys.readouterr().err
