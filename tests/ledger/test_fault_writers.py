"""Two who want to write one store: one does, the other is told who; no lock outlives its process."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jiaozi.errors import JournalBusy, JournalError
from jiaozi.ledger.journal.journal import Journal, verify
from jiaozi.ledger.ledger import Ledger
from tests.ledger.faults.checking import check_opened, opened
from tests.ledger.faults.nursery import Nursery
from tests.ledger.faults.victims import BUSY
from tests.ledger.ledger_world import found, payments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found(tmp_path / "journal", holders=4).close()
    return tmp_path / "journal"


def held_by(nursery: Nursery, folder: Path) -> int:
    """Let another process open the ledger and hold it; return its process id."""
    ready = folder.parent / "ready"
    child = nursery.begin("hold", str(folder), str(ready))
    for _ in range(6_000):
        if ready.exists():
            break
        threading.Event().wait(0.005)
    assert ready.exists()
    ready.unlink()
    return child


def killed(nursery: Nursery, child: int) -> None:
    os.kill(child, signal.SIGKILL)
    assert nursery.end() == -signal.SIGKILL


def in_a_fork(work: Callable[[], int]) -> int:
    """Run *work* in a child of this very process and return what it returned."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_taken(folder: Path) -> int:
    try:
        opened(folder).close()
    except JournalBusy:
        return BUSY
    return 0


def test_of_many_threads_that_open_a_ledger_one_gets_it(folder: Path) -> None:
    start = threading.Barrier(8)

    def take(_: int) -> Ledger | JournalBusy:
        start.wait()
        try:
            return opened(folder)
        except JournalBusy as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, range(8)))
    (ledger,) = [each for each in got if isinstance(each, Ledger)]
    assert ledger.post(payments(1, [(0, 1)])).created == 1
    ledger.close()
    with opened(folder) as ledger:
        check_opened(ledger, folder, [], [])


def test_of_two_processes_the_second_is_told_who_writes(nursery: Nursery, folder: Path) -> None:
    child = held_by(nursery, folder)
    with pytest.raises(JournalBusy, match=f"process {child} writes the journal"):
        opened(folder)
    with pytest.raises(JournalBusy, match=f"process {child} writes the journal"):
        Journal.open(folder)
    killed(nursery, child)
    with opened(folder) as ledger:
        assert ledger.post(payments(1, [(0, 1)])).created == 1
        assert nursery.run("hold", str(folder), str(folder.parent / "never")) == BUSY


def test_the_lock_of_a_process_that_was_killed_stands_in_nobodys_way(nursery: Nursery, folder: Path) -> None:
    child = held_by(nursery, folder)
    killed(nursery, child)
    assert (folder / "lock").read_text() == str(child), "the file is still there, and nobody holds it"
    with opened(folder) as ledger:
        assert (folder / "lock").read_text() == str(os.getpid())
        check_opened(ledger, folder, [], [])


@pytest.mark.parametrize("what", ["removed", "replaced", "copied over", "unreadable"])
def test_whatever_is_done_to_the_lock_file_there_is_one_writer(folder: Path, what: str) -> None:
    """Someone tidies up, or unpacks an archive, while the ledger is open."""
    lock = folder / "lock"
    with opened(folder) as ledger:
        if what == "copied over":
            lock.write_text("1")
        else:
            lock.unlink()
        if what == "replaced":
            lock.write_text("1")
        elif what == "unreadable":
            lock.mkdir()
        with pytest.raises(JournalBusy, match=r"process .* writes the journal"):
            opened(folder)
        assert ledger.post(payments(1, [(0, 1)])).created == 1
    with opened(folder) as ledger:
        check_opened(ledger, folder, [], [])


def test_a_copy_of_an_open_store_is_a_store_of_its_own(folder: Path) -> None:
    with opened(folder) as ledger:
        ledger.post(payments(1, [(0, 1)]))
        copy = folder.with_name("copy")
        shutil.copytree(folder, copy)
        with opened(copy) as other:
            assert other.post(payments(1, [(0, 1)])).created == 0, "it knows what the first one booked"
            assert other.post(payments(9, [(1, 2)])).created == 1
        assert ledger.post(payments(9, [(2, 3)])).created == 1
        check_opened(ledger, folder, [], [])
    assert verify(folder).head_hash != verify(copy).head_hash


def test_a_fork_of_the_writer_cannot_write_beside_it(folder: Path) -> None:
    with opened(folder) as ledger:
        ledger.post(payments(1, [(0, 1)]))
        assert in_a_fork(lambda: is_taken(folder)) == BUSY
        assert ledger.post(payments(9, [(0, 1)])).created == 1
        check_opened(ledger, folder, [], [])
    assert in_a_fork(lambda: is_taken(folder)) == 0


def test_a_child_that_is_left_behind_keeps_the_ledger_until_it_ends(folder: Path) -> None:
    """It shares the open files of its parent, and with them the lock: nobody else writes until it is gone."""
    reader, writer = os.pipe()
    ledger = opened(folder)
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(0)
    ledger.close()
    try:
        with pytest.raises(JournalBusy):
            opened(folder)
    finally:
        os.write(writer, b"!")
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)
    opened(folder).close()


def test_two_writers_that_share_a_journal_by_force_never_both_succeed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where locks do not work at all, on some network disk, the damage is found at the next opening."""
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    one, other = opened(folder), opened(folder)
    assert one.post(payments(1, [(0, 1)])).created == 1
    assert other.post(payments(9, [(1, 2)])).created == 1
    one.close()
    other.close()
    with pytest.raises(JournalError, match=r"frame \d+ at offset \d+ .* removed, moved or repeated"):
        opened(folder)
