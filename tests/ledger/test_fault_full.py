"""A full disk, in the journal, a snapshot, an export, a backup: told clearly, nothing acknowledged lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.errors import BackupError, JournalError
from jiaozi.ledger.backup import back_up, restore
from jiaozi.ledger.backup_files import read_manifest
from jiaozi.ledger.journal.export import Range, Teller, as_csv, as_json_lines, frames_in, write_file
from jiaozi.ledger.journal.journal import read_frames, verify
from jiaozi.ledger.ledger import Ledger
from jiaozi.rulebook.reading.read import read_folder
from tests.ledger.backup_world import MADE, working_office
from tests.ledger.faults.checking import Told, balances_of, check_goes_on, check_opened, opened
from tests.ledger.faults.full import FULL, KINDS, Small, small_disk
from tests.ledger.faults.rounds import TORTURE
from tests.ledger.killed import HOLDERS, batch_of
from tests.ledger.ledger_world import clock, found, payments
from tests.ledger.small_world import ZONE, enacting

LEFT = (0, 1, 159, 160, 4_096, 7_000, 20_000, 50_000) if TORTURE else (0, 160, 20_000)


@pytest.fixture(params=KINDS)
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Small]:
    with small_disk(request.param, tmp_path / "small") as disk:
        yield disk


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "journal"
    with found(folder, holders=HOLDERS, yuan_each=3_000) as ledger:
        ledger.snapshot()
    return folder


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("office") / "office"
    working_office(folder).office.close()
    return folder


@pytest.mark.parametrize("left", LEFT)
def test_a_journal_on_a_full_disk_stops_and_goes_on_once_there_is_room(
    small: Small, world: Path, left: int
) -> None:
    folder = small.path / "journal"
    shutil.copytree(world, folder)
    ledger = opened(folder)
    told: list[Told] = []
    opening = balances_of(ledger)
    small.fill(left)
    with pytest.raises(JournalError, match=FULL):
        post_on(ledger, told)
    with pytest.raises(JournalError, match="nothing more is booked; open it again"):
        ledger.post(batch_of(len(told)))
    with pytest.raises(JournalError, match=FULL):
        ledger.close()
    assert len(list(read_frames(folder))) == 4 + len(told), "reading needs no room"
    small.free()
    with opened(folder) as ledger:
        check_opened(ledger, folder, told, range(len(told) + 1))
        check_goes_on(ledger, range(len(told) + 3), opening)


def post_on(ledger: Ledger, told: list[Told]) -> None:
    """Post batch after batch for as long as that goes well."""
    for number in range(1_000):
        told.append(Told.of(number, ledger.post(batch_of(number))))


def test_a_ledger_opens_on_a_full_disk_and_books_once_there_is_room(small: Small, world: Path) -> None:
    folder = small.path / "journal"
    shutil.copytree(world, folder)
    small.fill(0)
    with opened(folder) as ledger:
        digest = ledger.at_cut(lambda state, _: state.digest())
    small.free()
    with opened(folder) as ledger:
        assert ledger.at_cut(lambda state, _: state.digest()) == digest
        check_opened(ledger, folder, [], [])
        assert ledger.post(batch_of(0)).created > 0


def test_a_ledger_cannot_be_founded_on_a_full_disk_and_can_once_there_is_room(small: Small) -> None:
    folder = small.path / "journal"
    small.fill(8_000)
    with pytest.raises(JournalError, match=FULL), opened(folder) as ledger:
        ledger.record(enacting(read_folder(drafts=[ZONE])))
    assert list(read_frames(folder)) == []
    small.free()
    with found(folder) as ledger:
        check_opened(ledger, folder, [], [])


def test_a_snapshot_that_finds_no_room_leaves_the_one_before_and_a_ledger_that_goes_on(
    small: Small, world: Path
) -> None:
    folder = small.path / "journal"
    shutil.copytree(world, folder)
    with opened(folder) as ledger:
        ledger.post(payments(1, [(0, 1)]))
        before = sorted((folder / "snapshots").glob("*.jzs"))
        small.fill(60_000)
        # The limit is on each file: let it be smaller than a snapshot.
        if not list(small.path.glob("ballast")):
            small.fill(-150_000)
        with pytest.raises(OSError, match=FULL):
            ledger.snapshot()
        assert sorted((folder / "snapshots").iterdir()) == [*before, folder / "snapshots" / "lock"]
        if list(small.path.glob("ballast")):
            assert ledger.post(payments(10, [(0, 1)])).created == 1, "the ledger goes on meanwhile"
        small.free()
        assert ledger.post(payments(20, [(0, 1)])).created == 1
        assert ledger.snapshot().sequence == ledger.sequence
    with Ledger.open(folder, clock=clock()) as ledger:
        assert ledger.passed_over == ()
        check_opened(ledger, folder, [], [])


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_export_that_finds_no_room_leaves_no_half_file(small: Small, world: Path, kind: str) -> None:
    tell = as_csv if kind == "csv" else as_json_lines
    target = small.path / "out"

    def export() -> None:
        write_file(target, tell(frames_in(world, Range()), Teller(world)))

    small.fill(100)
    with pytest.raises(OSError, match=FULL):
        export()
    assert [path.name for path in small.path.iterdir() if path.name != "ballast"] == []
    small.free()
    export()
    assert target.stat().st_size > 1_000


def test_a_backup_that_finds_no_room_leaves_the_one_before(
    small: Small, office: Path, tmp_path: Path
) -> None:
    source, to = tmp_path / "source", small.path / "kept"
    shutil.copytree(office, source)
    small.fill(100_000)
    with pytest.raises((OSError, BackupError), match=FULL):
        back_up(source, to, made=MADE)
    small.free()
    back_up(source, to, made=MADE)
    first = read_manifest(to)
    with Ledger.open(source / "journal", clock=clock()) as ledger:
        frames = ledger.sequence
    assert first.frames == frames == verify(source / "journal").frames
    (source / "outbox" / "long.xml").write_bytes(bytes(3 << 20))
    small.fill(10_000)
    with pytest.raises((OSError, BackupError), match=FULL):
        back_up(source, to, made=MADE)
    assert read_manifest(to) == first
    small.free()
    (source / "outbox" / "long.xml").unlink()
    back_up(source, to, made=MADE)
    assert restore(to, tmp_path / "again").frames == frames


def test_a_restore_that_finds_no_room_leaves_nothing_behind(
    small: Small, office: Path, tmp_path: Path
) -> None:
    back_up(office, tmp_path / "kept", made=MADE)
    small.fill(100_000)
    with pytest.raises((OSError, BackupError), match=FULL):
        restore(tmp_path / "kept", small.path / "again")
    assert [path.name for path in small.path.iterdir() if path.name != "ballast"] == []
    small.free()
    restore(tmp_path / "kept", small.path / "again")
    with Ledger.open(small.path / "again" / "journal", clock=clock()) as ledger:
        check_opened(ledger, small.path / "again" / "journal", [], [])
