"""`jiaozi law …`: every verb with good and bad words, and the questions a lawyer would ask first."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from jiaozi.cli import ACTIONS, main
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import ALL, law_folder
from tests.rulebook.law_scenes import SMALL_LAW, shipped
from tests.test_documents import commands

LOWER_TIER_4 = str(law_folder() / "reforms" / "2027-07-lower-tier-4.toml")
TRAVEL = str(law_folder() / "reforms" / "2027-07-travel-data-from-1000.toml")
YUAN_ABROAD = str(law_folder() / "reforms" / "2027-07-yuan-coins-abroad.toml")

ISSUER = ["issuer.coins_outstanding=1000", "issuer.reserve_value=1000000", "issuer.supply_cap=1000000"]
HOLDERS = ["payer.kind=resident", "payee.kind=resident", "payee.tier=t2", "payee.balance=0"]
SPENT = ["payer.paid_today=0", "payer.paid_this_year=0"]

Captured = pytest.CaptureFixture[str]


def law(*words: str) -> int:
    """Run `jiaozi law` with *words*; a way out of the parser itself is its exit code."""
    try:
        return main(["law", *words])
    except SystemExit as stop:
        return int(str(stop.code))


def asked(capsys: Captured, *words: str) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    code = law("ask", *words)
    return code, capsys.readouterr().out


def answer(capsys: Captured, *words: str) -> dict[str, Any]:
    law("ask", *words, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def article(name: str, book: Book | None = None) -> str:
    """Return the article of a rule or a need in the shipped law, as it stands in an answer."""
    rule, _, need = name.partition("/")
    found = next(each for each in (book or shipped(ALL)).provisions if each.id == rule)
    cites = {each.name: each.cite for each in getattr(found, "needs", ())}
    return str(cites[need] if need else found.cite)


def assert_allowed(said: tuple[int, str], rule: str, since: str) -> None:
    """The answer is yes, by this permit, with its article and the day."""
    code, text = said
    assert code == 0, text
    (found,) = [each for each in text.splitlines() if each.startswith(f"allowed  {rule} ")]
    assert article(rule) in found
    assert since in found


def assert_refused(said: tuple[int, str], name: str, since: str) -> None:
    """The answer is no, by *name* with its article, in force since that day."""
    code, text = said
    assert code == 1
    line = next((each for each in text.splitlines() if each.startswith(f"refused  {name} ")), None)
    assert line is not None, f"{name} is not among the reasons:\n{text}"
    assert article(name) in line
    assert since in line


# -- the questions that matter most ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "ban", "since"),
    [
        ("2021-09-23", "cn.token_funding", "in force since 2017-09-04"),
        ("2021-09-24", "cn.virtual_currency_2021", "in force since 2021-09-24"),
        ("2026-02-05", "cn.virtual_currency_2021", "in force since 2021-09-24"),
        ("2026-02-06", "cn.virtual_currency", "in force since 2026-02-06"),
        ("2026-11-22", "cn.virtual_currency", "in force since 2026-02-06"),
    ],
)
def test_a_yuan_coin_in_shanghai_is_refused_by_the_law_of_its_day(
    day: str, ban: str, since: str, capsys: Captured
) -> None:
    said = asked(
        capsys, "issue", "--place", "cn-sh", "--on", day, "coin.peg=CNY", "issuer.consents=", *ISSUER
    )
    assert_refused(said, ban, since)
    bans = {"cn.virtual_currency_2021", "cn.virtual_currency"} - {ban}
    assert not [other for other in bans if f"refused  {other} " in said[1]]


@pytest.mark.parametrize("day", ["2026-02-05", "2026-02-05T23:59:59", "2026-02-06", "2026-11-22"])
@pytest.mark.parametrize("consents", ["", "cn"])
def test_a_yuan_coin_in_hong_kong_needs_consent_from_6_february_2026_on(
    day: str, consents: str, capsys: Captured
) -> None:
    words = ["coin.peg=CNY", "payment.amount=1", "issuer.licences=hk", f"issuer.consents={consents}", *ISSUER]
    said = asked(capsys, "issue", "--place", "hk", "--on", day, *words)
    if day < "2026-02-06" or consents:
        assert_allowed(said, "hk.issue", "in force since 2025-08-01")
    else:
        assert_refused(said, "cn.yuan_peg_abroad", "in force since 2026-02-06")


@pytest.mark.parametrize("day", ["2025-07-31", "2025-08-01"])
def test_a_licensee_issues_hong_kong_dollars_from_1_august_2025_on(day: str, capsys: Captured) -> None:
    words = ["coin.peg=HKD", "payment.amount=1", "issuer.licences=hk", "issuer.consents=", *ISSUER]
    code, said = asked(capsys, "issue", "--place", "hk", "--on", day, *words)
    if day == "2025-08-01":
        assert_allowed((code, said), "hk.issue", "in force since 2025-08-01")
    else:
        assert code == 1
        assert f"hk.issue is to permit it: from 2025-08-01 ({article('hk.issue')})" in said


@pytest.mark.parametrize("amount", ["7999.99", "8000"])
def test_the_core_data_is_enough_below_8000_hong_kong_dollars(amount: str, capsys: Captured) -> None:
    words = ["coin.peg=HKD", f"payment.amount={amount}", "payment.travel_data=core", "issuer.licences=hk"]
    said = asked(capsys, "pay", "--place", "hk", "--on", "2026-11-22", *words, *ISSUER)
    if amount == "7999.99":
        assert_allowed(said, "hk.pay", "in force since 2025-08-01")
    else:
        assert_refused(said, "hk.pay/travel_full", "in force since 2025-08-01")
        assert "8,000.00 >= 8,000.00 HKD" in said[1]


TIER_4 = ["--place", "cn-sh", "--draft", "cn-sh", "coin.peg=CNY", "payer.tier=t4", "issuer.licences=cn-sh"]


@pytest.mark.parametrize("amount", ["2000.00", "2000.01"])
def test_a_tier_4_wallet_of_the_invented_pilot_pays_2000_at_once(amount: str, capsys: Captured) -> None:
    words = [*TIER_4, f"payment.amount={amount}", "issuer.consents=cn", *ISSUER, *HOLDERS, *SPENT]
    code, said = asked(capsys, "pay", "--on", "2026-12-15", *words)
    if amount == "2000.00":
        assert_allowed((code, said), "cn-sh.pay", "from 2026-12-01 [DRAFT]")
        assert said.endswith("under the DRAFT of cn-sh\n")
    else:
        assert_refused((code, said), "cn-sh.pay/single_cap", "from 2026-12-01 [DRAFT]")
        assert "2,000.01 > 2,000.00 CNY" in said


@pytest.mark.parametrize(("days", "day"), [(93, "2027-01-18"), (94, "2027-01-18"), (93, "2027-01-17")])
def test_a_treasury_bill_of_94_days_is_no_reserve_in_the_united_states(
    days: int, day: str, capsys: Captured
) -> None:
    words = ["asset.kind=treasury", f"asset.days={days}", "asset.pledge=free", *ISSUER]
    said = asked(capsys, "invest", "--place", "us", "--on", day, *words)
    if (days, day) == (93, "2027-01-18"):
        assert_allowed(said, "us.invest", "in force since 2027-01-18")
    elif days == 94:
        assert_refused(said, "us.invest/short_enough", "in force since 2027-01-18")
        assert "94 days > 93 days" in said[1]
    else:
        assert "us.invest is to permit it: from 120 days after " in said[1]


@pytest.mark.parametrize(
    ("transactions", "value", "is_refused"),
    [
        ("1000000", "200000000", False),
        ("1000001", "200000000", False),
        ("1000000", "200000000.01", False),
        ("1000001", "200000000.01", True),
    ],
)
def test_a_yuan_coin_above_both_limits_may_not_be_issued_in_the_union(
    transactions: str, value: str, is_refused: bool, capsys: Captured
) -> None:
    words = ["coin.peg=CNY", "payment.amount=1", "issuer.licences=eu", "issuer.consents=cn", *ISSUER]
    words += [f"use.transactions={transactions}", f"use.value={value}"]
    said = asked(capsys, "issue", "--place", "eu", "--on", "2026-11-22", *words)
    if is_refused:
        assert_refused(said, "eu.means_of_exchange_cap", "in force since 2024-06-30")
        assert "1,000,001 > 1,000,000; 200,000,000.01 > 200,000,000.00 EUR" in said[1]
    else:
        assert_allowed(said, "eu.issue", "in force since 2024-06-30")


@pytest.mark.parametrize(
    ("place", "day", "reason", "since"),
    [
        ("hk", "2026-11-22", "hk.interest", "in force since 2025-08-01"),
        ("eu", "2026-11-22", "eu.interest", "in force since 2024-06-30"),
        ("ae", "2026-11-22", "ae.interest", "in force since 2024-08-21"),
        ("us", "2027-01-18", "us.interest", "in force since 2027-01-18"),
        ("kr", "2026-11-22", "kr.interest", "[PROPOSAL]"),
    ],
)
def test_interest_to_a_holder_is_banned_with_article_and_day(
    place: str, day: str, reason: str, since: str, capsys: Captured
) -> None:
    draft = ["--draft", "kr"] if place == "kr" else []
    assert_refused(asked(capsys, "interest", "--place", place, "--on", day, *draft), reason, since)


@pytest.mark.parametrize("place", ["cn", "us", "sg", "jp", "tw", "th", "kr"])
def test_where_no_text_in_force_speaks_of_interest_nothing_permits_it(place: str, capsys: Captured) -> None:
    code, said = asked(capsys, "interest", "--place", place, "--on", "2026-11-22")
    assert code == 1
    assert said.startswith(f"refused  {place}/no_permit   Nothing in the law of ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("tier", "code"), [("t3", 0), ("t4", 1)])
def test_the_yardstick_pays_interest_on_real_name_wallets_only(
    tier: str, code: int, capsys: Captured
) -> None:
    said = asked(capsys, "interest", "--place", "ecny", "--on", "2026-01-01", f"holder.tier={tier}")
    assert said[0] == code
    if code:
        assert_refused(said, "ecny.interest/real_name", "in force since 2026-01-01")
    assert asked(capsys, "interest", "--place", "ecny", "--on", "2025-12-31", f"holder.tier={tier}")[0] == 1


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


# -- check ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_law(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped law, cases and all."""
    folder = tmp_path_factory.mktemp("own") / "law"
    shutil.copytree(law_folder(), folder)
    return folder


def copied(own_law: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "law"
    shutil.copytree(own_law, folder)
    return folder


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


def test_check_names_the_case_that_is_answered_otherwise(
    own_law: Path, tmp_path: Path, capsys: Captured
) -> None:
    folder = copied(own_law, tmp_path)
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


def test_check_reads_the_calendars_too(own_law: Path, tmp_path: Path, capsys: Captured) -> None:
    folder = copied(own_law, tmp_path)
    path = folder / "calendars" / "cn.toml"
    path.write_text(path.read_text("utf-8").replace("day = 2026-10-01", "day = 2027-10-01", 1), "utf-8")
    assert law("check", str(folder)) == 1
    assert re.search(r"cn\.toml:\d+  2027-10-01  lies outside 2026", capsys.readouterr().err)


def test_check_lists_every_mistake_with_its_line(own_law: Path, tmp_path: Path, capsys: Captured) -> None:
    folder = copied(own_law, tmp_path)
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


def test_diff_of_two_folders(own_law: Path, tmp_path: Path, capsys: Captured) -> None:
    folder = copied(own_law, tmp_path)
    text = (folder / "hk.toml").read_text("utf-8")
    assert "HKD  = 8_000" in text
    (folder / "hk.toml").write_text(text.replace("HKD  = 8_000", "HKD  = 9_000", 1), "utf-8")
    assert law("diff", str(own_law), str(folder)) == 0
    said = capsys.readouterr().out
    assert said.startswith("from 2025-08-01  travel.full_from  8,000.00 HKD -> 9,000.00 HKD  (hk-ag ")
    assert said.count("\n") == 1
    assert law("diff", str(own_law), str(own_law), "--draft", "cn-sh") == 0
    assert capsys.readouterr().out == "nothing changes\n"
    assert law("diff", str(SMALL_LAW), str(own_law), "--json") == 0
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


# -- the reference of the files ---------------------------------------------------------------------

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "law-files.md"


def examples() -> dict[str, str]:
    """Return the examples of the reference, joined by the file that their first line names."""
    files: dict[str, str] = {}
    for name, text in re.findall(
        r"^```toml\n# ([^\n]+)\n(.*?)^```$", REFERENCE.read_text("utf-8"), re.M | re.S
    ):
        files[name] = files.get(name, "") + text + "\n"
    return files


@pytest.fixture(scope="module")
def example_law(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The law of Exampleland, as the reference writes it."""
    folder = tmp_path_factory.mktemp("example")
    for name, text in examples().items():
        path = folder / name
        if name == "case deny":
            path = folder / "cases" / "ex" / "deny" / "the_day_ends.toml"
        elif name == "lower-cap.toml":
            path = folder / "reforms" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_the_examples_of_the_reference_are_a_law_without_mistakes(
    example_law: Path, capsys: Captured
) -> None:
    assert law("check", str(example_law)) == 0
    said = capsys.readouterr().out
    assert re.search(r"^ex +enacted ", said, re.MULTILINE)
    assert re.search(r"^ex-port +DRAFT ", said, re.MULTILINE)
    assert "1 cases: no mistakes" in said
    assert (
        law("with-reform", str(example_law / "reforms" / "lower-cap.toml"), "--folder", str(example_law)) == 0
    )
    said = capsys.readouterr().out
    assert "limit.day[t2]  4,999.50 HKD -> 1,000.00 HKD  (exercise art 1) [DRAFT]" in said
    assert "ex.interest  until  nothing -> 2027-07-01  (exercise art 2) [DRAFT]" in said
    words = ["--folder", str(example_law), "--on", "2027-02-01", "--place", "ex-port"]
    assert law("ask", "interest", *words) == 1
    assert law("ask", "interest", *words, "--draft", "ex-port") == 0


def test_the_reference_names_every_key_that_a_file_of_the_law_uses() -> None:
    """Whoever meets a key in the shipped law finds it on the page."""
    page = REFERENCE.read_text("utf-8")
    used: set[str] = set()
    for path in law_folder().glob("*.toml"):
        used |= set(re.findall(r"^([a-z_]+) *=", path.read_text("utf-8"), re.MULTILINE))
    needs = {name for rule in shipped(ALL).rules for name in (need.name for need in rule.needs)}
    missing = [
        key
        for key in sorted(used - needs)
        if f"`{key}`" not in page and not re.search(rf"^{key} *=", page, re.M)
    ]
    assert missing == []


# -- the guide --------------------------------------------------------------------------------------

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "read-and-change-the-law.md"


def test_every_command_of_the_guide_runs(
    own_law: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """With the question and the copy that its reader makes, in a folder of one's own."""
    page = GUIDE.read_text("utf-8")
    shutil.copytree(own_law, tmp_path / "law")
    shutil.copytree(own_law, tmp_path / "my-law")
    (asked_for,) = re.findall(r"where `question\.json` holds `(.+)`\.", page)
    (tmp_path / "question.json").write_text(asked_for, "utf-8")
    monkeypatch.chdir(tmp_path)
    lines = commands(page)
    assert len(lines) > 15
    for line in lines:
        code = main(shlex.split(line)[1:])
        found = capsys.readouterr()
        assert code == (1 if found.out.startswith(("refused", '{\n  "allowed": false')) else 0), line
        assert found.out, line
        assert found.err == "", line


def test_the_reform_and_the_case_of_the_guide_are_read(
    own_law: Path, tmp_path: Path, capsys: Captured
) -> None:
    reform, case = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(reform, "utf-8")
    assert law("with-reform", str(path)) == 0
    assert "travel.full_from  8,000.00 HKD -> 1,000.00 HKD" in capsys.readouterr().out
    folder = copied(own_law, tmp_path)
    (folder / "cases" / "hk" / "deny" / "the_case_of_the_guide.toml").write_text(case, "utf-8")
    assert law("check", str(folder)) == 0
