"""The command line: answers, exit codes, and a start that nobody has to wait for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.cli import main, parser
from tests.world import COIN, found, order

HEAVY = ("numpy", "numba", "lxml", "sqlalchemy", "starlette", "rich", "cryptography", "jinja2", "msgspec")
ISSUE_TODAY = [
    "law", "ask", "issue", "--on", "2026-11-23",
    "coin.peg=CNY", "payment.place=cn-sh", "issuer.zone=cn-sh", "payer.zone=cn-sh", "payee.zone=cn-sh",
]  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from jiaozi.cli import parser; parser().format_help(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "words",
    [
        [], ["pilot"], ["serve"], ["law"], ["law", "check"], ["law", "ask"], ["law", "page"],
        ["statement"], ["statement", "read"], ["journal"], ["journal", "verify"], ["verify"],
    ],
)  # fmt: skip
def test_every_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parser().parse_args([*words, "--help"])
    assert stop.value.code == 0
    assert "usage: jiaozi" in capsys.readouterr().out


def test_issuing_a_yuan_coin_today_is_refused_with_article_and_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ISSUE_TODAY) == 1
    said = capsys.readouterr().out
    assert "cn.virtual_currency" in said
    assert "cn-42 on virtual currency" in said
    assert "2026-02-06" in said


def test_under_the_draft_the_answer_says_that_it_is_a_draft(capsys: pytest.CaptureFixture[str]) -> None:
    facts = ["issuer.licences=cn-sh", "issuer.consents=cn", "payee.kind=resident", "payee.tier=t2"]
    facts += ["payment.amount=100.00", "payee.balance=0", "issuer.supply_cap=1000000"]
    facts += ["issuer.coins_outstanding=0", "issuer.reserve_value=100.00"]
    words = [word.replace("2026-11-23", "2026-12-15") for word in ISSUE_TODAY]
    assert main([*words, *facts, "--draft", "cn-sh"]) == 0
    assert "DRAFT" in capsys.readouterr().out
    assert main([*words, *facts, "--draft", "cn-sh", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["allowed"] is True
    assert answer["drafts"] == ["cn-sh"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("payer.zon=cn", "did you mean payer.zone"),
        ("payment.amount=1.234", "two decimals"),
        ("payment.amount=lots", "not an amount"),
        ("payer.kind=martian", "it is one of resident"),
        ("coin.peg", "write FACT=VALUE"),
    ],
)
def test_a_word_that_means_nothing_is_told_the_way_out(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["law", "ask", "pay", word]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-12-15T25:00", ""])
def test_a_day_that_is_none_is_told_the_way_out(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["law", "ask", "pay", "--on", day]) == 2
    assert "YYYY-MM-DD" in capsys.readouterr().err


def test_law_check_lists_every_mistake_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(__file__).parent.parent / "law"
    for path in folder.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    broken = (folder / "hk.toml").read_text("utf-8").replace('permit = ["pay"]', 'permit = ["pya"]')
    (tmp_path / "hk.toml").write_text(
        broken.replace('cite   = "hk-so s 8"', 'cite   = "hk-xx s 8"', 1), "utf-8"
    )
    assert main(["law", "check", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert re.search(r"hk\.toml:\d+ .*pya", said)
    assert re.search(r"hk\.toml:\d+ .*hk-xx", said)


def test_law_check_and_page_of_the_shipped_law(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["law", "check"]) == 0
    assert "no mistakes" in capsys.readouterr().out
    for language, word in (("en", "Hong Kong"), ("zh", "香港")):
        assert main(["law", "page", "--on", "2026-12-15", "--draft", "cn-sh", "--language", language]) == 0
        assert word in capsys.readouterr().out


def test_statement_read_prints_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statement", "read", str(EXAMPLES / "2026-12-15-morning.camt053.xml")]) == 0
    said = capsys.readouterr().out
    assert "JZ-2026-000002" in said
    assert "12,500,000.00" in said


def test_a_broken_statement_names_line_and_element_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statement", "read", str(EXAMPLES / "broken.camt053.xml")]) == 1
    said = capsys.readouterr().err
    assert re.search(r"broken\.camt053\.xml:\d+ ", said)
    assert "nothing was imported" in said
    assert main(["statement", "read", "--json", str(EXAMPLES / "broken.camt053.xml")]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.parametrize("path", ["no/such/file.xml", "."])
def test_a_file_that_is_not_there_exits_without_a_traceback(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["statement", "read", path]) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_journal_verify_finds_one_changed_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = found(tmp_path / "office")
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    world.office.close()
    assert main(["journal", "verify", str(tmp_path / "office"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    segment = next((tmp_path / "office" / "journal").glob("*.jzj"))
    data = bytearray(segment.read_bytes())
    data[2_000] ^= 1
    segment.write_bytes(data)
    assert main(["journal", "verify", str(tmp_path / "office")]) == 1
    assert segment.name in capsys.readouterr().err


def test_verify_answers_like_the_lone_verifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = found(tmp_path / "office")
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    world.office.close_day(COIN)
    proof = tmp_path / "proof.json"
    proof.write_text(world.office.proof(COIN, world.holders["Distributor"]), "utf-8")
    key = world.office.signer("issuer").verifier_key
    world.office.close()
    assert main(["verify", str(proof), "--key", key]) == 0
    assert "30,000,000.00 CNY" in capsys.readouterr().out
    assert main(["verify", str(proof)]) == 3
    proof.write_text(proof.read_text("utf-8").replace('"3000000000"', '"3000000001"'), "utf-8")
    assert main(["verify", str(proof), "--key", key, "--json"]) == 1


def test_serve_without_an_office_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path)]) == 2
    assert "jiaozi pilot" in capsys.readouterr().err
