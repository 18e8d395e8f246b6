"""`jiaozi law ask`: its options, and a question in a file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from jiaozi.cli import ACTIONS
from jiaozi.rulebook.model import Action
from tests.law_asking import (
    HOLDERS,
    ISSUER,
    TIER_4,
    TRAVEL,
    YUAN_ABROAD,
    Captured,
    answer,
    article,
    asked,
    assert_allowed,
    law,
)
from tests.rulebook.law_scenes import shipped

# -- ask: options -----------------------------------------------------------------------------------


def test_the_actions_of_the_command_line_are_those_of_the_law(capsys: Captured) -> None:
    assert tuple(Action) == ACTIONS
    for action in ACTIONS:
        assert law("ask", action, "--place", "hk") in (0, 1)
    assert law("ask", "teleport") == 2
    assert "invalid choice: 'teleport'" in capsys.readouterr().err


def test_an_answer_as_json_holds_article_link_and_digest(capsys: Captured) -> None:
    found = answer(capsys, "issue", "--place", "cn", "--on", "2026-11-22", "coin.peg=CNY", "issuer.consents=")
    assert set(found) == {"allowed", "reasons", "grounds", "at", "interval", "bits", "law", "drafts", "known"}
    assert found["allowed"] is False
    assert found["at"] == "2026-11-22T00:00:00+08:00"
    assert found["law"] == shipped().digest.hex()
    assert (found["drafts"], found["known"]) == ([], "")
    first = found["reasons"][0]
    assert set(first) == {
        "reason", "title", "compared", "cite", "link", "since", "value_cite", "value_since",
        "status", "confidence", "draft",
    }  # fmt: skip
    assert first["reason"] == "cn.virtual_currency"
    assert (first["cite"], first["since"]) == (article("cn.virtual_currency"), "2026-02-06")
    assert first["link"].startswith("https://")
    assert (first["status"], first["confidence"], first["draft"]) == ("enacted", "confirmed", False)
    bits = int(found["bits"], 16)
    names = [name for bit, name in enumerate(shipped().reasons) if bits >> bit & 1]
    assert names == [reason["reason"] for reason in found["reasons"]]


def test_an_allowed_answer_as_json_has_no_reasons(capsys: Captured) -> None:
    words = ["--place", "hk", "--on", "2026-11-22", "issuer.licences=hk", "payment.amount=1", *ISSUER]
    found = answer(capsys, "redeem", *words)
    assert (found["allowed"], found["reasons"], found["bits"]) == (True, [], "0")
    assert found["grounds"] == [{"rule": "hk.issue", "cite": article("hk.issue"), "since": "2025-08-01"}]


def test_a_day_begins_on_the_clock_of_the_place(capsys: Captured) -> None:
    assert answer(capsys, "pay", "--place", "us", "--on", "2027-01-18")["at"] == "2027-01-18T00:00:00-05:00"
    assert (
        answer(capsys, "pay", "--place", "eu", "--on", "2026-07-01T12:30")["at"]
        == "2026-07-01T12:30:00+02:00"
    )
    moment = answer(capsys, "pay", "--place", "hk", "--on", "2026-07-01T00:00:00+00:00")["at"]
    assert moment == "2026-07-01T08:00:00+08:00"


@pytest.mark.parametrize(
    "day", ["yesterday", "2026-13-01", "2026-02-30", "2026-12-15T25:00", "", "20261215x"]
)
def test_a_day_that_is_none_is_told_the_way_out(day: str, capsys: Captured) -> None:
    for words in (["ask", "pay", "--on", day], ["page", "--on", day], ["show", "cn.inbound", "--on", day]):
        assert law(*words) == 2
        assert "YYYY-MM-DD" in capsys.readouterr().err
    assert law("ask", "pay", "--known", day) == 2
    assert "YYYY-MM-DD" in capsys.readouterr().err


def test_only_what_was_known_on_a_day_can_be_asked(capsys: Captured) -> None:
    words = ["issue", "--place", "hk", "--on", "2026-11-22", "coin.peg=CNY", "payment.amount=1"]
    words += ["issuer.licences=hk", "issuer.consents=", *ISSUER]
    assert asked(capsys, *words)[0] == 1
    assert_allowed(asked(capsys, *words, "--known", "2026-02-05"), "hk.issue", "since 2025-08-01")
    assert answer(capsys, *words, "--known", "2026-02-05")["known"] == "2026-02-05"


def test_a_place_stands_for_every_place_that_no_fact_names(capsys: Captured) -> None:
    words = ["issue", "--on", "2026-11-22", "coin.peg=CNY", "issuer.consents=", "issuer.licences=hk"]
    assert "law/unknown_place" in asked(capsys, *words)[1]
    abroad = answer(capsys, *words, "--place", "hk", "payer.zone=cn")
    assert {"cn.yuan_peg_abroad", "cn.virtual_currency"} <= {each["reason"] for each in abroad["reasons"]}
    for unknown in ("atlantis", ""):
        assert law("ask", *words, "--place", unknown) == 2
        assert f"no such place '{unknown}'; places are cn, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("viewer", "seen", "hidden"),
    [("payer", True, False), ("payee", False, True), ("supervisor", True, False)],
)
def test_a_party_does_not_see_the_other_ones_sums(
    viewer: str, seen: bool, hidden: bool, capsys: Captured
) -> None:
    words = [*TIER_4, "payment.amount=1", "issuer.consents=cn", *ISSUER, *HOLDERS]
    words += ["payer.paid_today=4999.99", "payer.paid_this_year=4999.99", "--viewer", viewer]
    code, said = asked(capsys, "pay", "--on", "2026-12-15", *words)
    assert code == 1
    assert ("4,999.99 + 1.00 > 5,000.00 CNY" in said) == seen
    assert ("something on the payer's side stands in the way" in said) == hidden
    assert law("ask", "pay", *words[:-1], "stranger") == 2


def test_a_reform_takes_part_when_it_is_named(capsys: Captured) -> None:
    words = ["pay", "--place", "hk", "--on", "2027-07-01", "coin.peg=HKD", "payment.amount=1000", *ISSUER]
    words += ["payment.travel_data=core", "issuer.licences=hk"]
    assert asked(capsys, *words)[0] == 0
    code, said = asked(capsys, *words, "--reform", TRAVEL)
    assert code == 1
    assert "1,000.00 >= 1,000.00 HKD" in said
    assert "[DRAFT]" in said
    before = [word.replace("2027-07-01", "2027-06-30") for word in words]
    assert asked(capsys, *before, "--reform", TRAVEL)[0] == 0
    assert answer(capsys, *words, "--reform", TRAVEL, "--reform", YUAN_ABROAD)["drafts"] == [
        "2027-07-travel-data-from-1000", "2027-07-yuan-coins-abroad",
    ]  # fmt: skip


def test_the_answer_speaks_chinese(capsys: Captured) -> None:
    said = asked(capsys, "interest", "--place", "hk", "--on", "2026-11-22", "--language", "zh")[1]
    assert said.startswith("拒绝  hk.interest ")
    assert "自2025-08-01起施行" in said
    words = ["--place", "hk", "--on", "2026-11-22", "issuer.licences=hk", "payment.amount=1", *ISSUER]
    code, said = asked(capsys, "redeem", *words, "--language", "zh")
    assert code == 0
    assert said.startswith("允许  hk.issue ")
    assert said.endswith("自2025-08-01起施行\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pay", "payer.zon=cn"], "did you mean payer.zone"),
        (["pay", "payment.amount=1.234"], "two decimals"),
        (["pay", "payment.amount=lots"], "not an amount"),
        (["pay", "payment.amount=" + "9" * 5_000], "payment.amount"),
        (["pay", "payer.kind=martian"], "it is one of resident"),
        (["pay", "payer.zone=atlantis"], "it is one of cn"),
        (["pay", "issuer.licences=hk,atlantis"], "it is one of cn"),
        (["pay", "asset.days=1.5"], "whole number of days"),
        (["pay", "coin.peg"], "write FACT=VALUE"),
        (["pay", "coin.peg=HKD", "coin.peg=CNY"], "coin.peg is told twice"),
        ([], "ask what? write one of issue, pay"),
    ],
)
def test_words_that_mean_nothing_are_told_the_way_out(words: list[str], said: str, capsys: Captured) -> None:
    assert law("ask", *words) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""
    assert len(found.err) < 500


# -- ask: a question in a file ----------------------------------------------------------------------


def question(tmp_path: Path, text: str) -> str:
    path = tmp_path / "question.json"
    path.write_text(text, "utf-8")
    return str(path)


def test_a_question_can_stand_in_a_file(tmp_path: Path, capsys: Captured) -> None:
    asked_for = {
        "action": "pay",
        "on": "2026-11-22",
        "place": "hk",
        "facts": {
            "coin.peg": "HKD",
            "payment.amount": "8000.00",
            "payment.travel_data": "core",
            "issuer.licences": ["hk"],
            "issuer.coins_outstanding": 8000,
            "issuer.reserve_value": 8000,
        },
    }
    path = question(tmp_path, json.dumps(asked_for))
    assert law("ask", "--question", path, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["reason"] for each in found["reasons"]] == ["hk.pay/travel_full"]
    asked_for["facts"]["payment.amount"] = 7999.99  # type: ignore[index]
    assert law("ask", "--question", question(tmp_path, json.dumps(asked_for))) == 2
    assert "write for example 8000 or" in capsys.readouterr().err, "a float is no amount of money"


def test_the_options_stand_in_where_the_file_is_silent(tmp_path: Path, capsys: Captured) -> None:
    path = question(tmp_path, '{"action": "interest"}')
    assert law("ask", "--question", path, "--place", "hk", "--on", "2026-11-22") == 1
    assert "hk.interest" in capsys.readouterr().out


def test_a_question_can_come_from_the_input(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"action": "interest", "place": "hk", "on": "2026-11-22"}'))
    assert law("ask", "--question", "-") == 1
    assert "hk.interest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"action": "pay"} {}', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"facts": {"payment.amount": ' + "9" * 10_000 + "}}", "is not JSON"),
        ('{"action": "pay", "facts": {"payment.amount": ' + "9" * 4_000 + "}}", "larger than any amount"),
        ("[]", "must be one object with action, on, place, facts"),
        ("null", "must be one object"),
        ('"pay"', "must be one object"),
        ('{"action": "pay", "facts": []}', "must be one object"),
        ('{"action": "pay", "fact": {}}', "unknown key 'fact'; keys are action, on, place, facts"),
        ('{"action": "pay", "action": "issue"}', "'action' stands twice"),
        ('{"action": "pay", "facts": {"coin.peg": "CNY", "coin.peg": "HKD"}}', "'coin.peg' stands twice"),
        ("{}", "action must be one of issue, pay"),
        ('{"action": "teleport"}', "action must be one of issue, pay"),
        ('{"action": 1}', "action must be a text"),
        ('{"action": "pay", "on": 2026}', "on must be a text"),
        ('{"action": "pay", "on": "soon"}', "YYYY-MM-DD"),
        ('{"action": "pay", "on": ""}', "YYYY-MM-DD"),
        ('{"action": "pay", "place": "atlantis"}', "no such place 'atlantis'"),
        ('{"action": "pay", "place": ""}', "no such place ''"),
        ('{"action": "pay", "facts": {"payer.zon": "cn"}}', "did you mean payer.zone"),
        ('{"action": "pay", "facts": {"payment.amount": true}}', "is a number"),
        ('{"action": "pay", "facts": {"payment.amount": 1.5}}', "is a number"),
        ('{"action": "pay", "facts": {"payment.amount": NaN}}', "is a number"),
        ('{"action": "pay", "facts": {"payment.amount": null}}', "is a number"),
        ('{"action": "pay", "facts": {"payer.kind": ["resident"]}}', "is a word"),
        ('{"action": "pay", "facts": {"issuer.licences": [1]}}', "is a set of places"),
        ('{"action": "pay", "facts": {"issuer.licences": {"hk": true}}}', "is a set of places"),
    ],
)
def test_a_question_that_cannot_be_read_says_why(
    text: str, said: str, tmp_path: Path, capsys: Captured
) -> None:
    assert law("ask", "--question", question(tmp_path, text)) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""
    assert len(found.err) < 800


def test_a_question_that_is_no_text_or_no_file_is_refused(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "question.json"
    path.write_bytes(b'{"action": "\xff"}')
    for wrong in (str(path), str(tmp_path / "none.json"), str(tmp_path)):
        assert law("ask", "--question", wrong) == 2
        assert capsys.readouterr().err.startswith("jiaozi: ")
