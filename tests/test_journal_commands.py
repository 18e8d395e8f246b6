"""`jiaozi journal`, `jiaozi backup` and `jiaozi restore` from the command line: answers and exit codes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.cli import main
from jiaozi.clock import ManualClock
from jiaozi.ledger.ledger import Ledger
from tests.world import COIN, at, found, order


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed office with 30,000,000.00 issued, one payment booked and one refused."""
    folder = tmp_path_factory.mktemp("commands") / "office"
    world = found(folder)
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    world.pay("Distributor", "Li", 3_000_00)
    world.pay("Li", "Tea house", 2_000_01)
    assert world.office.master  # there are keys
    world.office.close()
    return folder


def damaged(office: Path, folder: Path) -> Path:
    """Copy the journal of *office* with one byte changed; return the segment."""
    segment = next((office / "journal").glob("*.jzj"))
    folder.mkdir()
    raw = bytearray(segment.read_bytes())
    raw[2_000] ^= 1
    (folder / segment.name).write_bytes(raw)
    return folder / segment.name


def test_cat_prints_a_line_a_frame_and_stops_where_it_is_told(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "cat", str(office)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["journal", "verify", str(office), "--json"]) == 0
    assert len(lines) == json.loads(capsys.readouterr().out)["frames"]
    assert "refused or known: 1" in lines[-1]
    assert main(["journal", "cat", str(office / "journal"), "--from", "2", "--until", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == lines[1:3]
    for words, expected in (
        (["--from", "2026-12-15"], lines),
        (["--until", "2026-12-15"], []),
        (["--from", "2026-12-15T08:00", "--until", "2026-12-16"], lines),
        (["--from", "2026-12-15T08:01"], []),
    ):
        assert main(["journal", "cat", str(office), *words]) == 0
        assert capsys.readouterr().out.splitlines() == expected


def test_one_frame_is_told_in_full(office: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "cat", str(office), "--json"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    wanted = {"facts": '"fact": "issuer registered"', "accounts": "resident, t4", "transfers": "2000.01"}
    for frame in frames[1:]:
        assert main(["journal", "cat", str(office), "--frame", str(frame["frame"])]) == 0
        said = capsys.readouterr().out
        assert frame["hash"] in said
        if wanted.get(frame["kind"], "\0") in said:
            del wanted[frame["kind"]]
        assert main(["journal", "cat", str(office), "--frame", str(frame["frame"]), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == frame
    assert wanted == {}
    assert "refused_by_law cn-sh.pay/single_cap" in said


def test_a_frame_or_a_day_that_is_none_is_told_the_way_out(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["--frame", "0"], ["--frame", "first"], ["--frame", "²"], ["--frame", "9" * 30], ["--from", "0"],
        ["--from", "yesterday"], ["--until", "2026-13-01"], ["--frame", "3", "--from", "2"],
    ):  # fmt: skip
        assert main(["journal", "cat", str(office), *words]) == 2, words
        assert capsys.readouterr().err.startswith("jiaozi: ")
    assert main(["journal", "cat", str(office), "--json"]) == 0
    end = len(capsys.readouterr().out.splitlines())
    for beyond in (end + 1, end + 2, 10**17):
        assert main(["journal", "cat", str(office), "--frame", str(beyond)]) == 1
        assert f"ends at frame {end}" in capsys.readouterr().err
    for verb in ("verify", "cat", "export", "repair-plan", "snapshot"):
        assert main(["journal", verb, str(tmp_path)]) == 2
        assert "no journal in" in capsys.readouterr().err


def test_export_writes_a_new_file_or_none(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.csv"
    assert main(["journal", "export", str(office)]) == 0
    said = capsys.readouterr().out
    assert main(["journal", "export", str(office), "--to", str(target)]) == 0
    assert target.read_text("utf-8") == said
    assert capsys.readouterr().out == ""
    paid = [row for row in csv.DictReader(said.splitlines()) if row["action"] == "pay"]
    assert [(row["amount"], row["result"]) for row in paid] == [
        ("3000.00", "created"),
        ("2000.01", "refused_by_law"),
    ]
    assert main(["journal", "export", str(office), "--to", str(target)]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert target.read_text("utf-8") == said
    assert main(["journal", "cat", str(office), "--json"]) == 0
    lines = capsys.readouterr().out
    assert main(["journal", "export", str(office), "--format", "jsonl"]) == 0
    assert capsys.readouterr().out == lines
    segment = damaged(office, tmp_path / "journal")
    assert main(["journal", "export", str(segment.parent), "--to", str(tmp_path / "none.csv")]) == 1
    assert segment.name in capsys.readouterr().err
    assert main(["journal", "export", str(office), "--to", str(tmp_path / "no" / "folder.csv")]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal", "out.csv"]


def test_a_reader_that_stops_reading_is_no_error(office: Path) -> None:
    """The law enacted is larger than a pipe holds."""
    for words in (["cat", "--json"], ["cat"], ["export"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [sys.executable, "-m", "jiaozi.cli", "journal", words[0], str(office), *words[1:]],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (0, ""), words


def test_a_repair_plan_says_what_to_do_and_exits_1_for_damage(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "repair-plan", str(office)]) == 0
    assert "nothing is to be repaired" in capsys.readouterr().out
    assert main(["journal", "repair-plan", str(office), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    segment = damaged(office, tmp_path / "journal")
    assert main(["journal", "repair-plan", str(segment.parent)]) == 1
    said = capsys.readouterr().out
    assert f"restore {segment.name} from a backup" in said
    assert said.endswith("nothing was changed\n")
    assert main(["journal", "repair-plan", str(segment.parent), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["whole_to"]) == (False, 0)
    assert segment.name in answer["damage"]
    segment.write_bytes(next((office / "journal").glob("*.jzj")).read_bytes()[:-1])
    assert main(["journal", "repair-plan", str(segment.parent)]) == 0
    assert "unfinished" in capsys.readouterr().out


def test_an_office_goes_into_a_backup_and_comes_back(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, again = str(tmp_path / "kept"), str(tmp_path / "again")
    assert main(["backup", str(office), to]) == 0
    assert "not in the backup: keys/; keep them elsewhere" in capsys.readouterr().out
    assert main(["backup", str(office), to, "--with-keys", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["ok"], made["copied_files"], made["left_out"]) == (True, 1, [])
    assert main(["restore", to, again, "--json"]) == 0
    back = json.loads(capsys.readouterr().out)
    assert {name: back[name] for name in ("frames", "head", "files", "bytes")} == {
        name: made[name] for name in ("frames", "head", "files", "bytes")
    }
    assert main(["journal", "verify", again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head"] == made["head"]
    assert main(["restore", to, again]) == 1
    assert "not empty" in capsys.readouterr().err
    assert main(["backup", str(office), to]) == 0
    assert main(["restore", to, str(tmp_path / "bare")]) == 0
    assert "put yours into keys/" in capsys.readouterr().out


def test_what_is_no_office_or_no_backup_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path), str(tmp_path / "kept")]) == 2
    assert "no office" in capsys.readouterr().err
    assert main(["restore", str(tmp_path), str(tmp_path / "again")]) == 1
    assert "lie in each other" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["restore", str(tmp_path / "empty"), str(tmp_path / "again")]) == 1
    assert "no whole backup" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
    assert not (tmp_path / "again").exists()


def test_a_snapshot_is_written_once_and_the_next_opening_starts_from_it(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "journal"
    shutil.copytree(office / "journal", folder)
    assert main(["journal", "snapshot", str(folder), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert Path(first["path"]).stat().st_size == first["bytes"]
    for more in ([], ["--anew"]):
        assert main(["journal", "snapshot", str(folder), *more]) == 0
        assert f"frame {first['sequence']:,}, {first['bytes']:,} bytes" in capsys.readouterr().out
    with Ledger.open(folder, clock=ManualClock(at("2027-01-01 00:00"))) as ledger:
        assert str(ledger.opened_from) == first["path"]
        assert ledger.passed_over == ()


def test_a_damaged_journal_gets_no_snapshot(
    office: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = damaged(office, tmp_path / "journal").parent
    assert main(["journal", "snapshot", str(folder)]) == 1
    assert "frame" in capsys.readouterr().err
    assert not list(folder.glob("snapshots/*.jzs"))
