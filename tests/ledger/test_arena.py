"""Memory for large arrays: what is reserved, what is taken, and what happens when it is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from jiaozi.ledger.posting import arena
from jiaozi.ledger.posting.arena import Scratch, populate, reserve
from tests.ledger.faults.full import small_disk

MIB = 1 << 20
ROW = np.dtype([("balance", "<i8"), ("coin", "<u4"), ("zone", "<u4")])

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in /proc")


def taken_bytes() -> int:
    """Return the memory of this process that is really there."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run_limited(limit_mib: int, program: str) -> str:
    """Run *program* in a process that may address *limit_mib* MiB more than it does at its start."""
    before = f"""
import resource, numpy as np
from jiaozi.ledger.posting.arena import reserve
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + ({limit_mib} << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""
    done = subprocess.run(
        [sys.executable, "-c", before + program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Memory


@needs_linux
def test_a_reserved_array_takes_memory_only_where_it_is_written() -> None:
    before = taken_bytes()
    array = reserve(np.uint64, 1 << 33)
    assert len(array) == 1 << 33
    assert array[0] == array[1 << 32] == array[-1] == 0
    array[1 << 32] = 7
    assert array[1 << 32] == 7
    assert array[(1 << 32) + 1] == 0
    assert taken_bytes() - before < 16 * MIB


@needs_linux
def test_memory_goes_back_when_the_last_view_of_the_array_is_gone() -> None:
    array = reserve(np.uint8, 256 * MIB)
    view = array[64 * MIB :].reshape(-1, 4)
    view[:] = 1
    with_it = taken_bytes()
    del array
    assert view[-1, 3] == 1
    del view
    assert with_it - taken_bytes() > 128 * MIB


def test_records_and_small_arrays_are_zeros_of_the_length_asked_for() -> None:
    for rows in (0, 1, 1000, arena.SMALL_BYTES // ROW.itemsize + 1, 1_000_003):
        array = reserve(ROW, rows)
        assert len(array) == rows
        assert array.dtype == ROW
        assert not array.view(np.uint8).any()
        assert array.flags.writeable


@needs_linux
def test_where_address_space_is_short_the_array_is_shorter_and_leaves_some_for_others() -> None:
    rows = run_limited(
        1024,
        """
first = reserve(np.uint64, 1 << 36)
second = reserve(np.uint64, 1 << 36)
for array in (first, second):
    array[0] = array[-1] = 7
left = np.ones(32 << 20, dtype=np.uint64)
print(len(first), len(second))
""",
    )
    first, second = map(int, rows.split())
    assert 1 << 20 < second <= first < (1024 << 20) // 8 // 2


@needs_linux
def test_the_rows_that_are_needed_are_there_or_the_error_says_what_to_do() -> None:
    program = """
array = reserve(np.uint8, 1 << 40, least=600 << 20)
print(len(array))
try:
    reserve(np.uint8, 1 << 40, least=600 << 20)
except MemoryError as error:
    print(error)
"""
    rows, message = run_limited(1024, program).splitlines()
    assert int(rows) >= 600 << 20
    assert "629,145,600 rows of 1 bytes" in message
    assert "ulimit -v" in message


@needs_linux
def test_populated_rows_are_in_memory_before_anyone_wrote_them() -> None:
    array = reserve(np.uint64, 1 << 30)
    array[:10] = 5
    before = taken_bytes()
    populate(array, 0, 32 * MIB // 8)
    assert taken_bytes() - before > 28 * MIB
    assert (array[:10] == 5).all()
    assert not array[10 : 32 * MIB // 8].any()


@pytest.mark.parametrize("has_madvise", [True, False])
def test_populating_undoes_no_write_of_another_thread(
    has_madvise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_madvise:
        monkeypatch.setattr(arena, "_madvise", None)
    array = reserve(np.uint64, 8 * MIB)
    is_done = threading.Event()

    def write() -> None:
        for row in range(0, len(array), 64):
            array[row] = row + 1
        is_done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not is_done.is_set():
        populate(array, 0, len(array))
    writer.join()
    rows = np.arange(0, len(array), 64, dtype=np.uint64)
    assert (array[::64] == rows + np.uint64(1)).all()
    assert int(np.count_nonzero(array)) == len(rows)


def test_populating_past_the_end_or_a_part_of_a_page_or_small_arrays_is_harmless() -> None:
    for array in (reserve(np.uint64, 1000), reserve(np.uint64, 1 << 20)):
        array[:] = 3
        for first, last in ((-5, 10**12), (7, 8), (9, 9), (20, 10), (len(array), len(array) + 4096)):
            populate(array, first, last)
        assert (array == 3).all()


# Files


def test_scratch_is_zeros_in_a_sparse_file_that_nobody_sees(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    scratch = Scratch(tmp_path, ROW, 1 << 36)  # a tebibyte
    assert len(scratch.rows) == 1 << 36
    assert not scratch.rows[:1000].view(np.uint8).any()
    scratch.rows[(1 << 36) - 1] = (5_000_00, 1, 2)
    assert scratch.rows[(1 << 36) - 1]["balance"] == 5_000_00
    assert list(tmp_path.iterdir()) == []
    assert free - shutil.disk_usage(tmp_path).free < 1 << 32


def test_disk_is_taken_ahead_and_content_stays(tmp_path: Path) -> None:
    with small_disk("small file system", tmp_path / "small", mebibytes=16) as small:
        scratch = Scratch(small.path, np.uint64, 8 * MIB)
        scratch.take(MIB // 2)
        assert shutil.disk_usage(small.path).used >= 4 * MIB
        scratch.rows[: MIB // 2] = np.arange(MIB // 2)
        scratch.take(MIB)
        populate(scratch.rows, 0, MIB)
        assert shutil.disk_usage(small.path).used >= 8 * MIB
        assert (scratch.rows[: MIB // 2] == np.arange(MIB // 2)).all()
        assert not scratch.rows[MIB // 2 : MIB].any()
        del scratch
        assert shutil.disk_usage(small.path).used < MIB


def test_a_disk_without_room_is_refused_at_once_and_what_was_taken_stays(tmp_path: Path) -> None:
    too_many = shutil.disk_usage(tmp_path).free // 8 + MIB
    scratch = Scratch(tmp_path, np.uint64, too_many)
    scratch.take(10)
    scratch.rows[3] = 9
    with pytest.raises(OSError, match=r"no disk for [\d,]+ bytes .*; make room there"):
        scratch.take(too_many)
    assert scratch.rows[3] == 9
    scratch.take(MIB)


def test_a_folder_that_is_not_there_or_a_limit_on_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Scratch(tmp_path / "nowhere", ROW, 1000)
    with small_disk("limit on files", tmp_path / "small") as small:
        small.fill(MIB)
        with pytest.raises(OSError, match=r"no disk for a file of [\d,]+ bytes .*choose another disk"):
            Scratch(small.path, ROW, 1 << 24)
