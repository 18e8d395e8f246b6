"""Writing a snapshot that ends in the middle: what is there before stays, what is half written is not taken."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.restart import restart, write_from_journal
from jiaozi.ledger.snapshots.files import SnapshotWriter
from jiaozi.ledger.snapshots.snapshot import load
from tests.ledger.ledger_world import clock, payments
from tests.ledger.snapshot_world import folder, opened, world
from tests.ledger.test_snapshot import files

__all__ = ["folder", "world"]


@pytest.mark.parametrize("leftover", [b"", b"JZSNAP1\n", b"half a snapshot" * 99])
def test_what_a_crash_leaves_is_not_taken_and_goes_with_the_next_snapshot(
    folder: Path, leftover: bytes
) -> None:
    temporary = folder / "snapshots" / f"{6:020}.jzs.tmp"
    temporary.write_bytes(leftover)
    assert opened(folder)[1:] == ([files(folder)[-1]], ())
    assert write_from_journal(folder).path.name == f"{6:020}.jzs"
    assert not temporary.exists()
    assert opened(folder)[1:] == ([f"{6:020}.jzs"], ())


def is_of(file: int, folder: Path) -> bool:
    """Return whether an open file is *folder* or lies in it."""
    return Path(f"/proc/self/fd/{file}").resolve().is_relative_to(folder.resolve())


STEPS = ("open", "write", "fdatasync", "replace", "fsync", "unlink")


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_each_step_of_writing_leaves_a_ledger_that_opens(
    folder: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each call of *step* the files are copied: as a process that died there would leave them."""
    there, whole = folder / "snapshots", restart(folder, anew=True).state.digest()
    copies: list[Path] = []

    def dying(path: Path | int | str, *rest: Any) -> Any:
        if isinstance(path, int) and not is_of(path, there):
            return real(path, *rest)  # the journal's own
        if isinstance(path, str | Path) and not str(path).endswith((".tmp", ".jzs")):
            return real(path, *rest)
        copies.append(folder.parent / f"died {len(copies)}")
        shutil.copytree(folder, copies[-1])
        return real(path, *rest)

    target: Any = Path if step in ("replace", "unlink") else os
    real = getattr(target, step)
    with monkeypatch.context() as watched:
        watched.setattr(target, step, dying)
        write_from_journal(folder)
    assert copies, f"{step} was never reached"
    for copy in copies:
        found_digest, began, passed_over = opened(copy)
        assert (found_digest, passed_over) == (whole, ())
        assert began[0] in (f"{5:020}.jzs", f"{6:020}.jzs")
        assert write_from_journal(copy).sequence == 6
        assert not list((copy / "snapshots").glob("*.tmp"))


@pytest.mark.parametrize("call", ["write", "fdatasync", "fsync"])
def test_a_full_or_failing_disk_leaves_the_snapshots_before_and_a_ledger_that_goes_on(
    folder: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = folder / "snapshots"
    real = getattr(os, call)
    budget = [150_000]

    def failing(file: int, *rest: Any) -> Any:
        if is_of(file, there):
            budget[0] -= len(rest[0]) if rest else 150_001
            if budget[0] < 0:
                raise OSError(errno.ENOSPC, "no space left")
        return real(file, *rest)

    with Ledger.open(folder, clock=clock()) as ledger:
        ledger.post(payments(50, [(0, 1)]))
        before = files(folder)
        with monkeypatch.context() as full:
            full.setattr(os, call, failing)
            with pytest.raises(OSError, match="no space left"):
                ledger.snapshot()
        assert set(before) <= set(files(folder))
        assert not list(there.glob("*.tmp"))
        assert ledger.post(payments(60, [(0, 1)])).created == 1
        assert ledger.snapshot().sequence == ledger.sequence
    assert opened(folder)[1:] == ([files(folder)[-1]], ())


def test_writes_that_the_system_takes_in_pieces_are_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write, real_read, random = os.write, os.preadv, Random(5)
    with monkeypatch.context() as slow:
        slow.setattr(os, "write", lambda file, data: real_write(file, data[: random.randrange(1, 9_000)]))
        written = write_from_journal(folder)
        slow.setattr(
            os,
            "preadv",
            lambda file, buffers, at: real_read(file, [buffers[0][: random.randrange(1, 9_000)]], at),
        )
        state, receipt = load(written.path, folder)
    assert receipt.sequence == written.sequence
    assert state.digest() == restart(folder, anew=True).state.digest()


def test_a_snapshot_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, 1) as file:
        file.part("accounts", [b"1"])
        assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]
    assert list(tmp_path.iterdir()) == []
