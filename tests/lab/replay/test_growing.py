"""A recording that goes on: whatever happened on the way, it comes out as one that was never broken off."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count as counted
from pathlib import Path
from random import Random

import numpy as np
import pytest

from jiaozi.errors import NotReady
from jiaozi.lab.replay.folder import alone
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import PARTS
from jiaozi.lab.replay.replay import prepared
from jiaozi.ledger.journal.frames import HEADER_BYTES
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.snapshots.snapshot import load
from tests.lab.replay.reading import after
from tests.lab.replay.worlds import write_reservations, write_world

Files = dict[str, bytes]


class Growing:
    """A journal that is shown frame by frame, in a folder of its own."""

    def __init__(self, whole: Path, shown: Path) -> None:
        self.whole, self.shown = whole, shown
        self.frames = list(read_frames(whole))
        assert len(list(whole.glob("*.jzj"))) == 1, "one segment can be cut anywhere"

    def show(self, count: int) -> Path:
        """Show the first *count* frames."""
        frame = self.frames[count - 1]
        end = frame.offset + HEADER_BYTES + len(frame.payload)
        self.shown.mkdir(exist_ok=True)
        raw = (self.whole / frame.segment).read_bytes()[:end]
        (self.shown / frame.segment).write_bytes(raw)
        return self.shown


def files_of(work: Path) -> Files:
    """Return what is recorded in *work*, but for the snapshot, whose ids may lie in another order."""
    folder = work / "questions"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def in_one(journal: Path, work: Path) -> Files:
    prepared(journal, work)
    return files_of(work)


def same(ours: Files, theirs: Files) -> None:
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


@pytest.mark.parametrize("write", [write_world, write_reservations])
@pytest.mark.parametrize("seed", range(6))
def test_recorded_in_pieces_it_is_byte_for_byte_what_it_is_in_one(
    write: Callable[[Path, int], Path], seed: int, tmp_path: Path
) -> None:
    growing = Growing(write(tmp_path / "whole", seed), tmp_path / "journal")
    whole = in_one(growing.whole, tmp_path / "one")
    dice = Random(seed)
    for cuts in range(2):
        work = tmp_path / f"pieces-{cuts}"
        for count in sorted(dice.sample(range(1, len(growing.frames)), 3)):
            prepared(growing.show(count), work)
        prepared(growing.show(len(growing.frames)), work)
        same(files_of(work), whole)
    sequence = len(growing.frames)
    states = [
        load(folder / "questions" / "snapshots" / f"{sequence:020}.jzs", growing.whole)[0]
        for folder in (tmp_path / "one", work)
    ]
    assert states[0].digest() == states[1].digest()


def test_frame_by_frame_over_orders_laws_months_and_open_reservations(tmp_path: Path) -> None:
    seen = {"open": False, "laws": False, "months": False, "frozen": False}
    for write, seed in ((write_world, 3), (write_reservations, 2)):
        growing = Growing(write(tmp_path / f"whole-{seed}", seed), tmp_path / f"journal-{seed}")
        work = tmp_path / f"work-{seed}"
        for count in range(1, len(growing.frames) + 1):
            head = prepared(growing.show(count), work).head
            if count < len(growing.frames):
                seen["open"] |= head.open > 0
                seen["laws"] |= len(head.laws) == 1
                seen["months"] |= len(head.months) == 1
                seen["frozen"] |= any(head.months[-1].frozen.values())
        seen["laws"] &= len(head.laws) > 1 or write is write_reservations
        seen["months"] &= len(head.months) > 1 or write is write_world
        same(files_of(work), in_one(growing.whole, tmp_path / f"one-{seed}"))
    assert all(seen.values()), seen


def killed_at(number: int, path: Path, do: Callable[[], object]) -> bool:
    """Do it in a process that is killed as it wants to touch what begins with *path* for the *number*-th time.

    Return False when it was done before it came to that.
    """
    child = os.fork()
    if child == 0:
        touched = 0

        def watch(event: str, given: tuple[object, ...]) -> None:
            nonlocal touched
            if event in ("open", "os.remove", "os.rename", "os.truncate", "os.mkdir", "os.rmdir"):
                touched += str(given[0]).startswith(str(path))
                if touched == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            do()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("before_it", ["nothing", "half of it", "another journal"])
def test_killed_anywhere_it_comes_out_the_same(before_it: str, tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 1, days=9), tmp_path / "journal")
    one = in_one(growing.whole, tmp_path / "one")
    before = tmp_path / "before"
    before.mkdir()
    if before_it == "half of it":
        prepared(growing.show(len(growing.frames) // 2), before)
    if before_it == "another journal":
        prepared(write_reservations(tmp_path / "other", 2, days=3), before)
    journal = growing.show(len(growing.frames))
    survived = 0
    for number in counted(1, 3):
        work = tmp_path / f"work-{number}"
        shutil.copytree(before, work)
        reader = None if before_it == "nothing" else Recorded.open(work / "questions")
        known = None if reader is None else rows_of(reader)
        is_killed = killed_at(number, work, lambda: prepared(journal, work))  # noqa: B023
        if reader is not None:
            assert rows_of(reader) == known, "who reads sees nothing of it"
        prepared(journal, work)
        ours = files_of(work)
        # Who is killed once the head is in its place leaves files of the head before to the next recorder.
        left = {name for name in ours if name.startswith(("held-", "open-"))} - one.keys()
        same({name: raw for name, raw in ours.items() if name not in left}, one)
        assert [path.name for path in work.iterdir()] == ["questions"]
        if not is_killed:
            break
        survived += 1
    assert survived > 6


def test_killed_again_and_again_it_does_not_begin_anew(tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 4, days=9), tmp_path / "journal")
    work, half = tmp_path / "work", len(growing.frames) // 2
    first = prepared(growing.show(half), work).head
    for count in range(half + 1, half + 5):
        journal = growing.show(count)
        # All is written by then, but for the head.
        assert killed_at(1, work / "questions" / ".head.json", lambda: prepared(journal, work))  # noqa: B023
        assert Recorded.open(work / "questions").head == first
    told: list[int] = []
    prepared(growing.show(len(growing.frames)), work, progress=told.append)
    frame = growing.frames[half]
    assert sum(told) == (growing.shown / frame.segment).stat().st_size - frame.offset


def rows_of(recorded: Recorded) -> list[bytes]:
    return [
        recorded.read(part, 0, count).tobytes() for part, count in enumerate(recorded.head.parts) if count
    ] + [np.asarray(recorded.frames).tobytes(), np.asarray(recorded.held).tobytes()]


def test_who_has_a_recording_open_reads_it_while_it_grows_and_when_it_is_made_anew(tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 1, days=9), tmp_path / "journal")
    other = write_reservations(tmp_path / "other", 2, days=3)
    work = tmp_path / "work"
    reader = prepared(growing.show(len(growing.frames) // 2), work)
    known = rows_of(reader)
    prepared(growing.show(len(growing.frames)), work)
    assert rows_of(reader) == known
    prepared(other, work)
    assert rows_of(reader) == known
    assert len(reader.head.parts) == PARTS


def test_two_processes_at_once_record_one_after_the_other(tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 5, days=9), tmp_path / "journal")
    one = in_one(growing.whole, tmp_path / "one")
    work = tmp_path / "work"
    for count in (len(growing.frames) // 2, len(growing.frames)):
        journal = growing.show(count)
        children = []
        for _ in range(4):
            child = os.fork()
            if child == 0:
                try:
                    prepared(journal, work)
                except BaseException:
                    os._exit(1)
                os._exit(0)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    same(files_of(work), one)


def test_who_waits_for_another_recorder_can_be_stopped(tmp_path: Path) -> None:
    journal = write_reservations(tmp_path / "journal", 1, days=2)
    work = tmp_path / "work"
    work.mkdir()
    with alone(work, None), pytest.raises(NotReady, match="stopped"):
        prepared(journal, work, stop=after(2))
    assert prepared(journal, work).count > 0


@pytest.mark.parametrize("state", [None, b"", b"no state"])
def test_a_recording_whose_state_is_damaged_is_made_anew(state: bytes | None, tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 1, days=6), tmp_path / "journal")
    one = in_one(growing.whole, tmp_path / "one")
    work = tmp_path / "work"
    prepared(growing.show(len(growing.frames) // 2), work)
    path = next((work / "questions" / "snapshots").glob("*.jzs"))
    path.unlink()
    if state is not None:
        path.write_bytes(state)
    prepared(growing.show(len(growing.frames)), work)
    same(files_of(work), one)
