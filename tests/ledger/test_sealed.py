"""Sealed files: made once, whole or not at all, and never believed when they are not what was written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.errors import JournalBusy, JournalError
from jiaozi.ledger.history import parquet
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.rows import TRANSFER_ROW
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.units import FOLDER, HEAD, TABLES, list_units, verify_units
from jiaozi.ledger.journal.writer_lock import take_lock
from tests.ledger.history_world import ACCOUNTS, LAWS, HistoryWorld


@pytest.fixture
def world(tmp_path: Path) -> HistoryWorld:
    world = HistoryWorld.found(tmp_path / "journal")
    world.fill(40)
    return world


def test_every_segment_with_a_successor_is_sealed_and_the_journal_stays(world: HistoryWorld) -> None:
    segments = sorted(world.folder.glob("*.jzj"))
    before = {path: path.read_bytes() for path in segments}
    sealed = seal(world.folder, unit_bytes=1)
    assert len(sealed.units) == len(segments) - 1
    assert sealed.units[-1].head.last == int(segments[-1].stem) - 1
    last = sealed.units[-1].head.last
    assert sealed.transfers == sum(row.frame <= last and row.result is not None for row in world.happened)
    assert {path: path.read_bytes() for path in segments} == before


def test_sealing_twice_does_nothing(world: HistoryWorld) -> None:
    seal(world.folder, unit_bytes=1)
    files = {path: path.read_bytes() for path in (world.folder / FOLDER).rglob("*.*")}
    assert seal(world.folder, unit_bytes=1).units == ()
    assert {path: path.read_bytes() for path in (world.folder / FOLDER).rglob("*.*")} == files


def test_segments_go_together_up_to_a_size(world: HistoryWorld) -> None:
    segments = len(list(world.folder.glob("*.jzj"))) - 1
    sealed = seal(world.folder, unit_bytes=15_000)
    assert 1 < len(sealed.units) < segments
    assert [unit.head for unit in list_units(world.folder)] == [unit.head for unit in sealed.units]
    assert list(verify_units(world.folder)) == list_units(world.folder)


def test_the_metadata_of_every_file_says_what_it_follows(world: HistoryWorld) -> None:
    units = seal(world.folder, unit_bytes=1).units
    laws: list[str] = []
    for unit in units:
        laws += unit.head.laws
        for table in TABLES:
            with parquet.connect() as connection:
                source = parquet.source(unit.path(table)).replace("read_parquet", "parquet_kv_metadata")
                rows = connection.execute(f"SELECT decode(key), decode(value) FROM {source}").fetchall()
            told = json.loads(dict(rows)["jiaozi"])
            assert told["first"] == unit.head.first
            assert told["last_hash"] == unit.head.last_hash
            assert told["previous_hash"] == unit.head.previous_hash
            assert told["laws"] == unit.head.laws
            assert told["transfers"] == unit.head.transfers
    assert sorted(laws) == sorted(law.hex() for law in LAWS)


def test_what_was_sent_can_be_told_from_what_was_booked(world: HistoryWorld) -> None:
    from jiaozi.ledger.journal.reading import read_frames
    from jiaozi.ledger.payload import unpack
    from jiaozi.ledger.records import TRANSFER

    seal(world.folder, unit_bytes=1)
    with History(world.folder) as history:
        history.account_transfers(0)
        last = history.units[-1].head.last
        rows = [
            row
            for account in range(ACCOUNTS)
            for row in history.account_transfers(account).rows
            if row["kind"] == TRANSFER_ROW and row["frame"] <= last
        ]
    batches = {
        frame.sequence: unpack(frame.payload).batch for frame in read_frames(world.folder) if frame.kind == 3
    }
    for row in rows:
        sent = batches[int(row["frame"])][int(row["row"])]
        for name in TRANSFER.names or ():
            differs = f"sent_{name}"
            value = row[name] ^ row[differs] if differs in (row.dtype.names or ()) else row[name]
            assert value == sent[name]


def test_sealing_can_be_stopped_and_goes_on_later(world: HistoryWorld) -> None:
    calls = 0

    def after(limit: int) -> Callable[[], bool]:
        def should_stop() -> bool:
            nonlocal calls
            calls += 1
            return calls > limit

        return should_stop

    for limit in (0, 3, 9, 12):
        calls = 0
        assert seal(world.folder, unit_bytes=1, should_stop=after(limit)).was_stopped
        assert not list((world.folder / FOLDER).glob(".*"))
    seal(world.folder, unit_bytes=1)
    assert list_units(world.folder)[-1].head.last == int(sorted(world.folder.glob("*.jzj"))[-1].stem) - 1


def test_progress_counts_the_bytes_of_the_journal(world: HistoryWorld) -> None:
    told: list[tuple[int, int]] = []
    seal(world.folder, unit_bytes=1, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert (
        told[-1][0] == told[-1][1] == sum(p.stat().st_size for p in sorted(world.folder.glob("*.jzj"))[:-1])
    )


def test_a_process_that_died_while_sealing_left_nothing_that_counts(world: HistoryWorld) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom jiaozi.ledger.history import sealing, parquet\n"
        "real = parquet.write\n"
        "def write(*a):\n    real(*a)\n    if 'facts' in str(a[1]) and '--late' in sys.argv: os._exit(9)\n"
        "parquet.write = write\nsealing.seal(Path(sys.argv[1]), unit_bytes=1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(world.folder), "--late"], check=False)
    assert done.returncode == 9
    leftovers = list((world.folder / FOLDER).glob(".part-*"))
    assert leftovers
    assert list_units(world.folder) == []
    seal(world.folder, unit_bytes=1)
    assert not list((world.folder / FOLDER).glob(".part-*"))
    assert list(verify_units(world.folder))


def test_two_processes_do_not_seal_at_once(world: HistoryWorld) -> None:
    (world.folder / FOLDER).mkdir()
    lock = take_lock(world.folder / FOLDER)
    try:
        with pytest.raises(JournalBusy, match="another process seals"):
            seal(world.folder)
    finally:
        os.close(lock)


def test_a_disk_that_is_full_leaves_what_was_there(
    world: HistoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(world.folder, unit_bytes=1, should_stop=lambda: len(list((world.folder / FOLDER).glob("0*"))) >= 2)
    before = list_units(world.folder)
    real = parquet.write
    count = 0

    def full(*given: object) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(28, "no space left on device")
        real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(parquet, "write", full)
    with pytest.raises(OSError, match="no space"):
        seal(world.folder, unit_bytes=1)
    monkeypatch.undo()
    assert list_units(world.folder) == before
    assert not list((world.folder / FOLDER).glob(".part-*"))


def units_of(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).glob("0*"))


def test_a_unit_that_is_missing_is_named(world: HistoryWorld) -> None:
    seal(world.folder, unit_bytes=1)
    units = units_of(world.folder)
    shutil.rmtree(units[1])
    with pytest.raises(
        JournalError, match=f"{units[2].name}.*where frame {int(units[1].name[:20])} was expected"
    ):
        list_units(world.folder)


@pytest.mark.parametrize("table", TABLES)
def test_a_file_that_is_missing_or_cut_is_named(world: HistoryWorld, table: str) -> None:
    seal(world.folder, unit_bytes=1)
    path = units_of(world.folder)[2] / f"{table}.parquet"
    data = path.read_bytes()
    for content in (None, b"", data[:-1], data + b"x"):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(JournalError, match=f"{path.name}.*(missing|bytes)"):
            list_units(world.folder)


@pytest.mark.parametrize("table", TABLES)
def test_a_bit_flipped_anywhere_is_found_by_the_digest(world: HistoryWorld, table: str) -> None:
    seal(world.folder, unit_bytes=1 << 30)
    path = units_of(world.folder)[0] / f"{table}.parquet"
    data = path.read_bytes()
    path.chmod(0o640)
    for place in range(0, len(data), max(1, len(data) // 40)):
        broken = bytearray(data)
        broken[place] ^= 1 << place % 8
        path.write_bytes(bytes(broken))
        with pytest.raises(JournalError, match=f"{path.name} has other bytes than were sealed"):
            list(verify_units(world.folder))
        with History(world.folder) as history:
            if table == "facts":  # these are read by SQL alone
                history.account_transfers(1)
                continue
            with pytest.raises(JournalError, match=path.name):
                history.account_transfers(1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff" * 10,
        b"[" * 100_000,
        b'{"format": "jiaozi history 2"}',
    ],
)
def test_a_head_that_is_none_is_named(world: HistoryWorld, content: bytes) -> None:
    seal(world.folder, unit_bytes=1)
    path = units_of(world.folder)[0] / HEAD
    path.write_bytes(content)
    with pytest.raises(JournalError, match=HEAD):
        list_units(world.folder)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "jiaozi history 9"},
        {"first": 2},
        {"last": 10**18},
        {"last": -1},
        {"previous_hash": "00" * 31 + "01"},
        {"previous_hash": "zz"},
        {"laws": ["xyz"]},
        {"reasons": [["fffffffffffffffff"]]},
        {"reasons": [[]]},
        {"reasons": [["-1"]]},
        {"transfers": 1},
        {"files": {}},
        {"unknown": 1},
        {"first_instant": 1e400},
    ],
)
def test_a_head_that_was_changed_is_noticed(world: HistoryWorld, change: dict[str, object]) -> None:
    seal(world.folder, unit_bytes=1)
    path = units_of(world.folder)[1] / HEAD
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(JournalError, match=HEAD):
        list_units(world.folder)


def test_units_of_two_journals_do_not_join(world: HistoryWorld, tmp_path: Path) -> None:
    other = HistoryWorld.found(tmp_path / "other", seed=1)
    other.now += 1
    other.fill(40)
    seal(world.folder, unit_bytes=1)
    seal(other.folder, unit_bytes=1)
    mine, theirs = units_of(world.folder), units_of(other.folder)
    same = [path for path in mine if (other.folder / FOLDER / path.name).exists()]
    assert len(same) > 2, "the two journals are cut at the same frames"
    shutil.rmtree(same[1])
    shutil.copytree(other.folder / FOLDER / same[1].name, same[1])
    assert theirs
    with pytest.raises(JournalError, match="hash of the frame before it"):
        list_units(world.folder)


def test_stray_files_are_no_units(world: HistoryWorld) -> None:
    seal(world.folder, unit_bytes=1)
    (world.folder / FOLDER / "notes.txt").write_text("mine")
    assert list_units(world.folder)
    (world.folder / FOLDER / "mine").mkdir()
    with pytest.raises(JournalError, match="not named like a unit"):
        list_units(world.folder)


def test_a_journal_that_lost_a_segment_is_not_sealed_around_the_hole(world: HistoryWorld) -> None:
    segments = sorted(world.folder.glob("*.jzj"))
    seal(world.folder, unit_bytes=1, should_stop=lambda: len(units_of(world.folder)) >= 2)
    segments[2].unlink()
    with pytest.raises(JournalError, match="segment that is missing"):
        seal(world.folder)


def test_damage_in_a_segment_is_named_and_not_sealed(world: HistoryWorld) -> None:
    segment = sorted(world.folder.glob("*.jzj"))[1]
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    with pytest.raises(JournalError, match=segment.name):
        seal(world.folder, unit_bytes=1)
    assert len(units_of(world.folder)) == 1


def test_sealing_goes_on_beside_a_writer(world: HistoryWorld) -> None:
    for _ in range(5):
        world.fill(10)
        seal(world.folder, unit_bytes=1)
    with History(world.folder) as history:
        for account in range(ACCOUNTS):
            assert len(history.account_transfers(account)) == len(world.of(account))
