"""An office is copied while it works and put back whole."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.ledger import backup as backup_module
from jiaozi.ledger.backup import back_up, restore
from jiaozi.ledger.backup_files import read_manifest
from jiaozi.ledger.ids import derived_id
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import read_frames, verify
from jiaozi.ledger.ledger import fold
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.records import PAY, REDEEM, transfers
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.office import Office
from tests.ledger.backup_world import MADE, contents, flip, journal_only, working_office
from tests.world import COIN, ZONE, found, order


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed office. Nobody writes to it."""
    folder = tmp_path_factory.mktemp("resting") / "office"
    working_office(folder).office.close()
    return folder


# The drill


def folded(journal: Path, frames: int) -> State:
    """Return the state after so many frames of *journal*."""
    state = State()
    for frame in read_frames(journal):
        if frame.sequence > frames:
            break
        fold(frame, state)
    return state


def burned_in(journal: Path) -> int:
    """Return how many redemptions the journal has booked."""
    count = 0
    for frame in read_frames(journal):
        if frame.kind is FrameKind.TRANSFERS:
            booked = unpack(frame.payload)
            which = (booked.batch["action"] == REDEEM) & (booked.results == Result.CREATED)
            count += int(np.count_nonzero(which))
    return count


def test_the_drill_an_office_is_backed_up_while_it_works_and_goes_on_elsewhere(tmp_path: Path) -> None:
    world = working_office(tmp_path / "office")
    distributor, wang = world.holders["Distributor"], world.holders["Wang"]
    stop, wrong = threading.Event(), []
    acknowledged: list[tuple[int, int]] = []  # last frame, id

    def payment(number: int) -> np.ndarray:
        batch = transfers(1)
        batch["id_hi"], batch["id_lo"] = 9, number
        batch["debit"], batch["credit"], batch["amount"] = distributor, wang, 1
        batch["action"], batch["place"] = PAY, world.office.book.vocabulary.place_codes[ZONE]
        return batch

    def pay() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            outcome = world.office.ledger.post(payment(number))
            acknowledged.append((outcome.receipt.sequence, number))

    def redeem() -> None:
        while not stop.is_set():
            world.office.redeem(COIN, distributor, 1_00)

    def guarded(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                wrong.append(error)

        return threading.Thread(target=run)

    at_work = [guarded(pay), guarded(redeem), guarded(redeem)]
    for thread in at_work:
        thread.start()
    seen = 0
    for _ in range(4):
        while len(acknowledged) < seen + 20 and not wrong:
            stop.wait(0.001)
        seen = len(acknowledged)
        manifest = back_up(tmp_path / "office", tmp_path / "kept", made=MADE).manifest
        assert manifest.frames >= acknowledged[seen - 1][0], "what was acknowledged before is in it"
    stop.set()
    for thread in at_work:
        thread.join()
    assert not wrong
    world.office.close()
    assert verify(tmp_path / "office" / "journal").frames > manifest.frames

    restore(tmp_path / "kept", tmp_path / "again")
    burned = burned_in(tmp_path / "again" / "journal")
    with Office.open(tmp_path / "again", clock=world.clock) as office:
        assert office.ledger.sequence == manifest.frames
        assert (
            office.ledger.state.digest() == folded(tmp_path / "office" / "journal", manifest.frames).digest()
        )
        rows = [row for row in office.store.redemptions() if row.status in ("burned", "ordered")]
        assert burned == len(rows) > 4, "every burned coin has its row, and every row its burned coin"
        for row in rows:
            assert office.ledger.state.result_of(*derived_id("redeem", row.reference)) is Result.CREATED
        known = [number for frame, number in acknowledged if frame <= manifest.frames]
        answers = [Result(int(office.ledger.post(payment(number)).results[0])) for number in known[-5:]]
        assert answers == [Result.EXISTS] * 5
        lost = [number for frame, number in acknowledged if frame > manifest.frames]
        if lost:
            assert office.ledger.post(payment(lost[0])).created == 1
        before = int(office.ledger.state.accounts[wang]["balance"])
        assert office.pay(distributor, wang, 5_00, place=ZONE).created == 1
        assert int(office.ledger.state.accounts[wang]["balance"]) == before + 5_00
        assert office.redeem(COIN, distributor, 1_00).redemption is not None


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, work: Callable[[], object]) -> Iterator[None]:
    """Let *work* begin the moment the backup calls its function *name*, in another thread, and finish."""
    real, threads = getattr(backup_module, name), []

    def interrupted(*given: object) -> object:
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        threads[-1].join(0.2)
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(backup_module, name, interrupted)
        yield
    assert threads
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("moment", ["_end_of", "_copy_journal"])
def test_a_request_behind_the_cut_is_in_neither_the_tables_nor_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Taken at either moment, the row and the burned coins come or stay away together."""
    world = working_office(tmp_path / "office")
    answers = []

    def ask() -> None:
        answers.append(world.office.redeem(COIN, world.holders["Distributor"], 7_00))

    with meanwhile(monkeypatch, moment, ask):
        back_up(tmp_path / "office", tmp_path / "kept", made=MADE)
    assert answers[0].redemption is not None
    assert len(world.office.store.redemptions()) == 2
    world.office.close()

    restore(tmp_path / "kept", tmp_path / "again")
    assert burned_in(tmp_path / "again" / "journal") == 1
    with Office.open(tmp_path / "again", clock=world.clock) as office:
        assert [row.status for row in office.store.redemptions()] == ["ordered"]
        asked = office.redeem(COIN, world.holders["Distributor"], 7_00)
        assert asked.redemption is not None, "its reference is free, in the tables and in the journal"


def test_a_statement_taken_behind_the_cut_is_taken_again_after_the_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = found(tmp_path / "office")
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    statement = EXAMPLES / "2026-12-15-morning.camt053.xml"
    with meanwhile(monkeypatch, "_end_of", lambda: world.office.take_statement(statement, COIN)):
        back_up(tmp_path / "office", tmp_path / "kept", made=MADE)
    balance = world.balance("Distributor")
    world.office.close()

    restore(tmp_path / "kept", tmp_path / "again")
    with Office.open(tmp_path / "again", clock=world.clock) as office:
        office.take_statement(statement, COIN)
        assert int(office.ledger.state.accounts[world.holders["Distributor"]]["balance"]) == balance > 0


# What is in a backup


def test_everything_comes_back_to_the_bit_and_the_keys_only_when_asked_for(
    resting: Path, tmp_path: Path
) -> None:
    kept = back_up(resting, tmp_path / "kept", made=MADE)
    assert kept.left_out == ("keys/",)
    restore(tmp_path / "kept", tmp_path / "bare")
    assert not (tmp_path / "bare" / "keys").exists()

    assert back_up(resting, tmp_path / "kept", made=MADE, with_keys=True).left_out == ()
    restore(tmp_path / "kept", tmp_path / "whole")
    own = ("journal/lock", "journal/durable", "journal/snapshots", "office.sqlite")
    same = {name: raw for name, raw in contents(resting).items() if not name.startswith(own)}
    again = contents(tmp_path / "whole")
    tables = again.pop("office.sqlite")
    assert again == same
    assert len(same) == 9
    assert tables.startswith(b"SQLite format 3")
    for path in (tmp_path / "whole" / "keys", *(tmp_path / "whole" / "keys").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (tmp_path / "whole" / "checkpoints").glob("*.npy"):
        assert path.stat().st_mode & 0o077 == 0, path
    keys = [each.sha256 for each in read_manifest(tmp_path / "kept").files if each.name.startswith("keys/")]
    assert all((tmp_path / "kept" / "files" / name).stat().st_mode & 0o077 == 0 for name in keys)

    back_up(resting, tmp_path / "kept", made=MADE)
    assert not [name for name in keys if (tmp_path / "kept" / "files" / name).exists()], "taken out again"


def test_the_tables_come_with_what_stands_in_their_write_ahead_log(tmp_path: Path) -> None:
    world = working_office(tmp_path / "office")
    assert (tmp_path / "office" / "office.sqlite-wal").stat().st_size > 0
    back_up(tmp_path / "office", tmp_path / "kept", made=MADE)
    world.office.close()
    restore(tmp_path / "kept", tmp_path / "again")
    assert not list((tmp_path / "again").glob("office.sqlite-*"))
    with sqlite3.connect(tmp_path / "again" / "office.sqlite") as tables:
        assert tables.execute("SELECT count(*) FROM parties").fetchone() == (6,)
    tables.close()


def test_files_that_are_none_of_ours_stay_behind_and_are_named(resting: Path, tmp_path: Path) -> None:
    office = tmp_path / "office"
    shutil.copytree(resting, office)
    (office / "pilot.txt").write_text("mark", "utf-8")
    (office / "outbox" / "away").symlink_to("/etc/hostname")
    (office / "snapshots").mkdir()
    kept = back_up(office, tmp_path / "kept", made=MADE)
    assert kept.left_out == ("keys/", "outbox/away", "pilot.txt", "snapshots/")


def test_sealed_segments_that_are_there_are_not_copied_again(tmp_path: Path) -> None:
    office, to = tmp_path / "office", tmp_path / "kept"
    journal_only(office, 1, 9)
    segments = len(list((office / "journal").glob("*.jzj")))
    assert segments == 5
    assert back_up(office, to, made=MADE).copied_files == segments
    assert back_up(office, to, made=MADE).copied_files == 0
    journal_only(office, 10, 3)
    assert back_up(office, to, made=MADE).copied_files == 2
    assert len(list((to / "files").iterdir())) == 6, "the shorter last segment went"
    assert restore(to, tmp_path / "again").frames == 12
    assert contents(tmp_path / "again" / "journal").items() <= contents(office / "journal").items()


def test_a_file_that_rotted_in_the_backup_is_copied_again(tmp_path: Path) -> None:
    office, to = tmp_path / "office", tmp_path / "kept"
    journal_only(office, 1, 9)
    back_up(office, to, made=MADE)
    flip(to / "files" / read_manifest(to).files[1].sha256, 40)
    assert back_up(office, to, made=MADE).copied_files == 1
    assert restore(to, tmp_path / "again").frames == 9


def test_the_last_frame_is_left_out_while_it_is_being_written(tmp_path: Path) -> None:
    office = tmp_path / "office"
    journal_only(office, 1, 9)
    tail = max((office / "journal").glob("*.jzj"))
    with tail.open("ab") as file:
        file.write(b"JZF1 and so on")
    assert back_up(office, tmp_path / "kept", made=MADE).manifest.frames == 9
    tail.write_bytes(b"JZF1")
    (office / "journal" / "durable").unlink()
    shutil.rmtree(tmp_path / "kept")
    assert back_up(office, tmp_path / "kept", made=MADE).manifest.frames == 8
    assert restore(tmp_path / "kept", tmp_path / "again").frames == 8
