"""Bench files print what a program can read: one object, rows with a target, a peer and a ratio."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from bench.load import found
from bench.rows import Row, median_seconds, show

HELPERS = ("balances", "flights", "limits", "load", "postgres", "restarts", "watch")
"""What `bench/ledger.py` is made of; none of them prints a figure by itself."""

BENCHES = sorted(
    path.stem
    for path in (Path(__file__).parent.parent / "bench").glob("*.py")
    if path.stem not in ("__init__", "rows", *HELPERS)
)


def test_json_is_one_object_with_the_agreed_keys(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--json"])
    show("A title", lambda: [Row("rate", 2.0, "payments/s", 1.0, "higher", "disk", 0.5)])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"machine", "rows"}
    assert set(printed["rows"][0]) == {"name", "value", "unit", "target", "better", "peer", "ratio"}
    assert printed["machine"]["cores"]


def test_for_people_the_rows_are_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench"])
    show("A title", lambda: [Row("rate", 2.0, "payments/s", None, "higher")])
    assert "rate" in capsys.readouterr().out


def test_the_warm_up_is_not_counted() -> None:
    calls: list[int] = []
    assert median_seconds(lambda: calls.append(1), times=3, warm_up=2) >= 0
    assert len(calls) == 5


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_can_be_started_by_its_name(name: str) -> None:
    module = importlib.import_module(f"bench.{name}")
    assert callable(module.main)
    assert module.__doc__ is not None
    assert f"python -m bench.{name}" in module.__doc__


def test_of_the_payments_that_benches_post_most_pass_and_some_are_refused(tmp_path: Path) -> None:
    world = found(tmp_path / "ledger", holders=2_000)
    with world.ledger as ledger:
        uniform, zipf = (ledger.post(world.batches(1, spread)[0]) for spread in ("uniform", "zipf"))
        pairs = ledger.post(world.batches(1, linked=True)[0])
    for outcome in (uniform, zipf, pairs):
        assert 0.85 < outcome.created / len(outcome.results) < 0.999
    assert (pairs.results[::2] == 0).tolist() == (pairs.results[1::2] == 0).tolist()
