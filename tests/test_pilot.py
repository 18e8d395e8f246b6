"""The whole walk, as a newcomer sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.errors import NotReady
from jiaozi.lab.population import people
from jiaozi.pilot import cast, walk
from jiaozi.pilot.crowd import HOLDERS, SEED


def test_the_walk_runs_from_a_bank_message_to_a_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pilot", "--once", "--folder", str(tmp_path / "pilot"), "--today", "2026-11-23"]
    assert main(command) == 0
    said = capsys.readouterr().out
    for step in (
        "1. The law",
        "2. Refused today",
        "3. Allowed",
        "4. Bank money",
        "5. Payments",
        "6. A freeze",
    ):
        assert step in said
    for word in (
        "cn-42 on virtual currency",
        "2026-02-06",
        "DRAFT",
        "JZ-2026-000004",
        "quotes no reference",
        "Holds:",
        "the same",
    ):
        assert word in said
    assert "NOT THE SAME" not in said
    assert main(["journal", "verify", str(tmp_path / "pilot")]) == 0
    names = {*cast.DISTRIBUTORS, *people(HOLDERS, SEED).names}
    journal = b"".join(path.read_bytes() for path in (tmp_path / "pilot" / "journal").glob("*.jzj"))
    assert not [name for name in names if name.encode() in journal], "names of people never enter the journal"


def test_its_figures_add_up(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jiaozi.cli", "pilot", "--json", "--folder", str(tmp_path / "pilot")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert figures["refused_today"] == ["cn.virtual_currency", "cn.token_funding", "cn/no_permit"]
    assert figures["allowed_under_draft"] is True
    assert figures["issued_orders"] == 4
    assert figures["unmatched"] == 1
    assert figures["outstanding_fen"] == figures["issued_fen"] - figures["redeemed_fen"]
    assert figures["reserve_fen"] >= figures["outstanding_fen"]
    assert figures["payments"] == 100_000
    assert 50_000 < figures["accepted"] < 100_000
    assert figures["freeze_answers"] == [
        "debit_account_frozen", "credit_account_frozen", "exceeds_unfrozen_balance", "created", "created",
    ]  # fmt: skip
    assert figures["redeem_by"] == "2026-12-16"
    assert figures["proof_holds"] is True
    assert figures["tampered_refused"] is True
    assert figures["digest_is_same"] is True


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(NotReady, match="--folder"):
        walk.clear(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "ten years of work"


@pytest.mark.parametrize(
    ("wall", "begins"),
    [
        (date(2026, 11, 30), date(2026, 11, 30)),
        (date(2031, 5, 1), cast.LAST_DAY_BEFORE),
        (date(1999, 1, 1), cast.FIRST_DAY),
    ],
)
def test_the_pilot_begins_today_but_always_before_the_draft(wall: date, begins: date) -> None:
    assert cast.today_of(wall) == begins
