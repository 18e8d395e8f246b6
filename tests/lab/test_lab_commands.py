"""`jiaozi lab replay|compare|solve` over a store of invented holders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from datetime import date
from pathlib import Path

import duckdb
import pytest

from jiaozi.cli import main
from jiaozi.commands.lab_options import MODES
from jiaozi.lab.population import write_store
from jiaozi.lab.replay.replay import Mode
from jiaozi.rulebook.reading.read import law_folder

LOWER = law_folder() / "reforms" / "2027-07-lower-tier-4.toml"
ABROAD = law_folder() / "reforms" / "2027-07-yuan-coins-abroad.toml"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred holders around 1 July 2027."""
    folder = tmp_path_factory.mktemp("lab") / "store"
    write_store(folder, people=600, seed=5, days=14, payments_a_day=1_500, from_day=date(2027, 6, 24))
    return folder


@pytest.fixture(scope="module")
def softer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reforms") / "softer.toml"
    path.write_text(LOWER.read_text("utf-8").replace("1_000 }", "20_000 }"), encoding="utf-8")
    return path


def test_the_modes_of_the_command_line_are_those_of_a_replay() -> None:
    assert tuple(mode.value for mode in Mode) == MODES


@pytest.mark.parametrize("mode", MODES)
def test_a_replay_names_its_mode_and_marks_what_is_no_law(
    store: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--mode", mode]) == 0
    text = capsys.readouterr().out
    assert f"({mode})" in text
    assert "[EXERCISE] [DRAFT]" in text
    assert "they are no forecast" in text
    assert "sh-pilot art 7(1)" in text
    assert "law of this store is itself a draft (cn-sh)" in text
    assert (store / "lab" / "questions" / "head.json").exists()


def test_a_replay_speaks_chinese(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--language", "zh"]) == 0
    text = capsys.readouterr().out
    assert "新增拒绝" in text
    assert "未满足：不超过单笔限额" in text
    assert "[习作] [草案]" in text


def test_changes_summary_and_pages_are_written(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, work, html = tmp_path / "out", tmp_path / "work", tmp_path / "page" / "x.html"
    words = ["lab", "replay", str(store), "--law", str(LOWER), "--to", str(to), "--work", str(work)]
    assert main([*words, "--html", str(html), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    summary = json.loads((to / "summary.json").read_text("utf-8"))
    assert summary == told
    assert told["mode"] == "as-it-happened"
    assert told["is_draft"] is True
    assert told["texts"][0]["marks"] == ["exercise", "draft"]
    query = f"SELECT count(*), sum(amount) FROM '{to}/changes-*.parquet'"
    rows = duckdb.connect().execute(query).fetchall()
    assert rows == [(told["summary"]["changed"]["refused"], told["summary"]["changed"]["refused_amount"])]
    for page in (to / "report.html", to / "report.zh.html", html, html.with_name("x.zh.html")):
        assert told["address"] in page.read_text("utf-8")
    assert 'href="x.zh.html"' in html.read_text("utf-8")


def test_the_command_that_is_told_repeats_the_result(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "lab",
        "replay",
        str(store),
        "--law",
        str(LOWER),
        "--from",
        "2027-07-02",
        "--until",
        "2027-07-05",
    ]
    assert main([*words, "--mode", "sums-follow", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*first["command"].split()[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert first["summary"]["changed"]["refused"] > 0


def test_a_law_compared_with_itself_changes_nothing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--base", str(LOWER), "--json"]) == 0
    part = json.loads(capsys.readouterr().out)["summary"]["changed"]
    assert part == {"refused": 0, "refused_amount": 0, "admitted": 0, "admitted_amount": 0}


def test_a_shipped_reform_is_found_by_its_name(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "replay", str(store), "--law", LOWER.stem, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["changed"]["refused"] > 0


def test_reforms_stand_side_by_side(
    store: Path, softer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "beside.html"
    words = ["lab", "compare", str(store), str(LOWER), str(softer), str(ABROAD)]
    assert main([*words, "--mode", "sums-follow", "--html", str(html)]) == 0
    text = capsys.readouterr().out
    line = next(line for line in text.splitlines() if line.startswith("Transfers newly refused"))
    assert line.count("least") == 2  # the softer one and the one that is about other coins
    assert line.count("most") == 1
    english, chinese = html.read_text("utf-8"), html.with_name("beside.zh.html").read_text("utf-8")
    assert english.count("r-plot") == 3
    assert "改革方案对照" in chinese
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len({each["store"] for each in told["reforms"]}) == 1
    refused, admitted, neither = (each["summary"]["changed"] for each in told["reforms"])
    assert refused["refused"] > 0 == refused["admitted"]
    assert admitted["admitted"] > 0 == admitted["refused"]
    assert not any(neither.values())


def test_solve_says_the_value_its_neighbour_and_how_sure(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reform = tmp_path / "found.toml"
    words = ["lab", "solve", str(store), "--keep", "refused holders <= 1%", "--vary", "limit.single[t4]"]
    words += ["--place", "cn-sh", "--between", "100", "2,000", "--step", "100", "--from-day", "2027-07-01"]
    assert main([*words, "--json", "--write", str(reform)]) == 0
    told = json.loads(capsys.readouterr().out)
    holds, fails = told["holds_at"], told["fails_at"]
    assert holds["value"] - fails["value"] == 100
    assert holds["count"] * 100 <= holds["whole"] < fails["count"] * 100
    assert told["replays"] == len(told["points"])
    assert tomllib.loads(reform.read_text("utf-8"))["change"][0]["CNY"] == {"t4": holds["value"]}
    assert main(words) == 0
    text = capsys.readouterr().out
    assert f"limit.single[t4] of {holds['value']:,} CNY meets it" in text
    assert "How sure" in text
    # The reform that was written is one that the other commands take.
    assert main(["lab", "replay", str(store), "--law", str(reform), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["holders_refused"] == holds["count"]


def test_solve_without_an_answer_exits_with_one(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lab", "solve", str(store), "--vary", "limit.single[t4]", "--place", "cn-sh"]
    words += ["--between", "100", "500", "--step", "200", "--keep"]
    assert main([*words, "refused holders <= 100%"]) == 1
    assert "Every value that was replayed meets it" in capsys.readouterr().out
    assert main([*words, "refused holders <= 0%"]) == 1
    assert "No value that was replayed meets it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["replay", "STORE"], "nothing to try"),
        (["replay", "nowhere", "--law", "LOWER"], "no journal"),
        (["replay", "STORE", "--law", "LOWER", "--from", "tomorrow"], "is no day"),
        (["replay", "STORE", "--law", "LOWER", "--from", "2027-07-02", "--until", "2027-07-01"], "is not after"),
        (["replay", "STORE", "--law", "LOWER", "--known", "x"], "is no day"),
        (["replay", "STORE", "--law", "LOWER", "--html", "x.txt"], "end it with .html"),
        (["replay", "STORE", "--law", "LOWER", "--base", "LOWER", "--mode", "money-follows"], "--base"),
        (["compare", "STORE", "LOWER"], "two to"),
        (["solve", "STORE", "--keep", "x", "--vary", "limit.day[t4]", "--place", "cn-sh",
          "--between", "1", "2"], "--keep"),
        (["solve", "STORE", "--keep", "refused holders <= 1%", "--vary", "limit.day[t4]", "--place", "cn-sh",
          "--between", "1", "x"], "no whole number"),
    ],
)  # fmt: skip
def test_what_is_not_understood_exits_with_two_and_the_way_out(
    store: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"STORE": str(store), "LOWER": str(LOWER)}
    assert main(["lab", *(named.get(word, word) for word in words)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("is_lost", [False, True])
def test_ctrl_c_stops_it_though_the_exception_is_lost_on_the_way(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lost: bool
) -> None:
    def advance(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            if not is_lost:
                raise

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("jiaozi.commands.lab_asked.Progress.advance", advance)
    work = tmp_path / "work"
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--work", str(work)]) == 130
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--work", str(work)]) == 0


def test_ctrl_c_is_heard_while_the_compiler_runs(store: Path, tmp_path: Path) -> None:
    """With nothing compiled yet the first frame takes a minute, most of it in the compiler's own code."""
    work, compiled = tmp_path / "work", tmp_path / "compiled"
    command = [sys.executable, "-m", "jiaozi.cli", "lab", "replay", str(store), "--law", str(LOWER)]
    replaying = subprocess.Popen(
        [*command, "--work", str(work)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(compiled)},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (work / "questions.part" / "frames.rows").exists() and replaying.poll() is None:
            threading.Event().wait(0.01)
        replaying.send_signal(signal.SIGINT)
        assert replaying.wait() == 130
    finally:
        replaying.kill()
        replaying.wait()
    assert not (work / "questions").exists()
    assert main(["lab", "replay", str(store), "--law", str(LOWER), "--work", str(work)]) == 0


def test_a_reform_that_is_wrong_is_told_with_its_lines(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(LOWER.read_text("utf-8").replace("limit.single", "limit.singel"), encoding="utf-8")
    assert main(["lab", "replay", str(store), "--law", str(wrong)]) == 1
    assert "wrong.toml:" in capsys.readouterr().err
    assert main(["lab", "replay", str(store), "--law", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in capsys.readouterr().err
