"""The folder of a recording: nobody but its owner reads it, and what cannot be opened leaves nothing running."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from jiaozi.errors import JournalError
from jiaozi.lab.replay.folder import FRAMES, KINDS, Writing, anew, part_name
from jiaozi.lab.replay.records import PARTS
from jiaozi.lab.replay.replay import prepared
from tests.lab.replay.worlds import write_world


def mode_of(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_what_is_recorded_is_read_by_its_owner_only_as_long_as_it_is_made_and_afterwards(
    tmp_path: Path,
) -> None:
    before = os.umask(0o022)
    try:
        with anew(tmp_path / "above" / "questions") as part:
            assert mode_of(part) == 0o700
        assert mode_of(tmp_path / "above" / "questions") == 0o700
        recorded = prepared(write_world(tmp_path / "store", seed=3), tmp_path / "work")
    finally:
        os.umask(before)
    assert mode_of(recorded.folder) == 0o700


@pytest.mark.parametrize("name", [part_name(PARTS - 1), FRAMES, KINDS])
def test_files_that_are_not_whole_are_refused_before_a_thread_is_started(name: str, tmp_path: Path) -> None:
    parts, frames, kinds = [0] * PARTS, 0, 0
    if name == FRAMES:
        frames = 1
    elif name == KINDS:
        kinds = 1
    else:
        parts[-1] = 1
    there = set(threading.enumerate())
    with pytest.raises(JournalError, match=f"{name} is not whole; remove .*, and it is made again"):
        Writing(tmp_path, parts, frames, kinds)
    assert set(threading.enumerate()) == there
