"""How tests ask `jiaozi law` and look at what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jiaozi.cli import main
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import ALL, law_folder
from tests.rulebook.law_scenes import shipped

LOWER_TIER_4 = str(law_folder() / "reforms" / "2027-07-lower-tier-4.toml")
TRAVEL = str(law_folder() / "reforms" / "2027-07-travel-data-from-1000.toml")
YUAN_ABROAD = str(law_folder() / "reforms" / "2027-07-yuan-coins-abroad.toml")

ISSUER = ["issuer.coins_outstanding=1000", "issuer.reserve_value=1000000", "issuer.supply_cap=1000000"]
HOLDERS = ["payer.kind=resident", "payee.kind=resident", "payee.tier=t2", "payee.balance=0"]
TIER_4 = ["--place", "cn-sh", "--draft", "cn-sh", "coin.peg=CNY", "payer.tier=t4", "issuer.licences=cn-sh"]
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


def copied(tmp_path: Path) -> Path:
    """Return a copy of the shipped law, cases and all, that a test may change."""
    folder = tmp_path / "law"
    shutil.copytree(law_folder(), folder)
    return folder
