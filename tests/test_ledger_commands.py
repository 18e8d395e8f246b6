"""`jiaozi ledger` from the command line: answers and exit codes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from jiaozi.bank import statement
from jiaozi.cli import main
from jiaozi.ledger.history.changes import Mark
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.numbers import account_text
from tests.ledger.history_world import HistoryWorld
from tests.ledger.ledger_world import clock, found, payments

LI = 5


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger with payments of 1.00, one of them refused."""
    folder = tmp_path_factory.mktemp("commands") / "journal"
    with found(folder) as ledger:
        ledger.post(payments(1_000, [(1, 2), (2, 1), (1, 3)], 1_00))
        ledger.post(payments(2_000, [(1, 2)], 5_000_00))
        ledger.snapshot()
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["ledger", *words]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert main(["ledger", *words]) == code
    told = capsys.readouterr()
    assert told.err
    return told.err


def test_a_journal_of_one_segment_has_nothing_to_seal(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nothing to seal" in said(capsys, "seal", str(ledger))
    assert json.loads(said(capsys, "seal", str(ledger), "--json"))["transfers"] == 0
    assert "0 sealed units" in said(capsys, "seal", str(ledger), "--verify")


def test_segments_are_sealed_and_a_broken_file_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = HistoryWorld.found(tmp_path / "journal")
    world.fill(40)
    world.journal.close()
    assert "bytes each" in said(capsys, "seal", str(tmp_path))
    assert json.loads(said(capsys, "seal", str(tmp_path), "--verify", "--json")) == {"ok": True, "units": 1}
    path = next(tmp_path.glob("journal/history/0*/entries.parquet"))
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.chmod(0o640)
    path.write_bytes(bytes(data))
    assert "entries.parquet has other bytes" in refused(capsys, 1, "seal", str(tmp_path), "--verify")
    assert "seal the journal again" in refused(capsys, 1, "balance", str(tmp_path), "5", "--at", "2027-01-01")


def test_sql_answers_as_csv_and_as_json(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT result, count(*) AS n FROM transfers WHERE action = ? GROUP BY 1 ORDER BY 1"
    rows = list(csv.reader(io.StringIO(said(capsys, "sql", str(ledger), query, "--parameter", "pay"))))
    assert rows[0] == ["result", "n"]
    assert ["created", "3"] in rows
    told = json.loads(
        said(capsys, "sql", str(ledger), "SELECT max(booked_at) AS last FROM transfers", "--json")
    )
    assert told[0]["last"].startswith("2026-12-15")


def test_a_question_that_is_none_is_not_understood(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "LINE 1" in refused(capsys, 2, "sql", str(ledger), "SELEC")
    assert "only one SELECT" in refused(capsys, 2, "sql", str(ledger), "COPY transfers TO 'x'")
    assert "--seconds" in refused(capsys, 2, "sql", str(ledger), "SELECT 1", "--seconds", "soon")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_statement_for_people(ledger: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    words = ["statement", str(ledger), account_text(LI), "--month", "2026-12", "--language", language]
    told = said(capsys, *words)
    assert account_text(LI) in told
    assert "999.00 CNY" in told


def test_a_statement_for_programs(ledger: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["statement", str(ledger), str(LI), "--from", "2026-12-15", "--until", "2026-12-16"]
    rows = list(csv.DictReader(io.StringIO(said(capsys, *words, "--format", "csv"))))
    assert [row["balance"] for row in rows] == ["0.00", "1000.00", "999.00", "1000.00", "999.00", "999.00"]
    (tmp_path / "statement.xml").write_text(said(capsys, *words, "--format", "camt053"))
    (read,) = statement.read(tmp_path / "statement.xml")
    assert len(read.entries) == 4


@pytest.mark.parametrize(
    "words",
    [
        ["--month", "2026-13"],
        ["--month", "2026-12", "--from", "2026-12-01"],
        ["--from", "2026-12-01"],
        ["--from", "2026-12-02", "--until", "2026-12-02"],
        [],
    ],
)
def test_a_period_that_is_none_is_not_understood(
    ledger: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    refused(capsys, 2, "statement", str(ledger), "5", *words)


@pytest.mark.parametrize("account", ["0000 0000 0099", "five", "99999", "999999999999"])
def test_an_account_that_is_none_is_not_understood(
    ledger: Path, capsys: pytest.CaptureFixture[str], account: str
) -> None:
    refused(capsys, 2, "statement", str(ledger), account, "--month", "2026-12")


def test_a_balance_of_any_time(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads(said(capsys, "balance", str(ledger), str(LI), "--at", "2026-12-14", "--json"))
    after = json.loads(said(capsys, "balance", str(ledger), str(LI), "--at", "2026-12-16", "--json"))
    assert (before["balance"], after["balance"]) == ("0.00", "999.00")
    assert "999.00" in said(capsys, "balance", str(ledger), str(LI), "--at", "2026-12-16")
    refused(capsys, 2, "balance", str(ledger), str(LI), "--at", "yesterday")


def test_the_totals_balance(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, "totals", str(ledger), "--json"))
    assert sum(float(line["balance"]) for line in told["trial_balance"]) == 0
    assert told["supply"][0]["outstanding"] == "20000.00"
    assert "issued 20,000.00" in said(capsys, "totals", str(ledger))


def test_following_goes_on_behind_a_mark(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in said(capsys, "follow", str(ledger)).splitlines()]
    assert {line["event"] for line in lines} == {"fact", "accounts", "transfer"}
    middle = lines[len(lines) // 2]["mark"]
    assert Mark.of(middle)
    rest = [json.loads(line) for line in said(capsys, "follow", str(ledger), "--after", middle).splitlines()]
    assert rest == lines[len(lines) // 2 + 1 :]
    refused(capsys, 2, "follow", str(ledger), "--after", "there")


def test_following_another_journal_is_refused(
    ledger: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "journal"
    shutil.copytree(ledger, other)
    with Ledger.open(other, clock=clock()) as longer:
        longer.post(payments(3_000, [(1, 2)], 1_00))
    last = json.loads(said(capsys, "follow", str(other)).splitlines()[-1])["mark"]
    assert "restore the newer copy" in refused(capsys, 1, "follow", str(ledger), "--after", last)


def test_a_folder_without_a_journal_is_not_readable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in (["seal"], ["totals"], ["follow"], ["sql"], ["balance"], ["statement"]):
        more = {"sql": ["SELECT 1"], "balance": ["5"], "statement": ["5"]}.get(verb[0], [])
        assert "no journal in" in refused(capsys, 2, *verb, str(tmp_path), *more)
