"""How a journal ends: closed, on a failing disk, without power, killed. What was acknowledged stays."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from jiaozi.clock import Instant
from jiaozi.errors import JournalError, NotReady
from jiaozi.ledger.journal.journal import FrameKind, Journal, Receipt, read_frames

LAW = bytes(range(32))


def append(journal: Journal, payload: bytes) -> Future[Receipt]:
    follows = journal.sequence
    return journal.append(FrameKind.TRANSFERS, Instant(1_000), LAW, [payload], follows=follows)


def payloads(folder: Path) -> list[bytes]:
    return [frame.payload for frame in read_frames(folder)]


def test_closing_flushes_and_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    future = append(journal, b"last words")
    journal.close()
    journal.close()

    assert future.result(timeout=0).sequence == 1
    with pytest.raises(NotReady, match="is closed"):
        append(journal, b"too late")


def test_a_failing_sync_stops_the_journal_and_keeps_what_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fdatasync(_file: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    journal = Journal.open(tmp_path)
    receipt = append(journal, b"safe").result()
    with monkeypatch.context() as failing:
        failing.setattr(os, "fdatasync", fdatasync)
        lost = append(journal, b"lost")
        with pytest.raises(JournalError, match=r"the disk is gone.*frames up to 1 are safe"):
            lost.result()
    # The disk is back, but nobody knows what it holds.
    with pytest.raises(JournalError, match="the disk is gone"):
        append(journal, b"more")
    with pytest.raises(JournalError, match="the disk is gone"):
        journal.wait()
    assert [frame.payload for frame in journal.frames()] == [b"safe"]
    with pytest.raises(JournalError, match="the disk is gone"):
        journal.close()

    with Journal.open(tmp_path) as journal:
        assert journal.head == receipt
        append(journal, b"after")
    assert payloads(tmp_path) == [b"safe", b"after"]


def test_all_who_wait_are_told_when_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_syncing, let_go = threading.Event(), threading.Event()

    def fdatasync(_file: int) -> None:
        is_syncing.set()
        assert let_go.wait(timeout=60)
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal = Journal.open(tmp_path)
    futures = [append(journal, b"in the group")]
    assert is_syncing.wait(timeout=60)
    futures += [append(journal, b"behind it") for _ in range(3)]
    let_go.set()

    for future in futures:
        assert isinstance(future.exception(), JournalError)
    with pytest.raises(RuntimeError, match="mine"), journal:
        raise RuntimeError("mine")  # not hidden by the one about the disk


def test_a_full_disk_leaves_no_torn_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.writev

    def writev(file: int, buffers: Sequence[bytes | memoryview]) -> int:
        if os.fstat(file).st_size > 500:
            raise OSError(errno.ENOSPC, "no space left")
        return real(file, [buffers[0][:50]])

    monkeypatch.setattr(os, "writev", writev)
    journal = Journal.open(tmp_path)
    assert append(journal, b"a" * 100).result().sequence == 1
    with pytest.raises(JournalError, match="no space left"):
        append(journal, b"b" * 1_000).result()
    with pytest.raises(JournalError, match="no space left"):
        journal.close()
    monkeypatch.undo()

    with Journal.open(tmp_path) as journal:
        assert (journal.sequence, journal.torn_tail) == (1, None)


def test_writes_that_the_system_takes_in_pieces_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, chance = os.writev, random.Random(7)

    def writev(file: int, buffers: Sequence[bytes | memoryview]) -> int:
        return real(file, [b"".join(buffers)[: chance.randrange(1, 300)]])

    monkeypatch.setattr(os, "writev", writev)
    with Journal.open(tmp_path) as journal:
        for number in range(30):
            journal.append(FrameKind.FACTS, Instant(1), LAW, [b"%d" % number, b"", b"!" * 70], follows=number)

    assert payloads(tmp_path) == [b"%d" % number + b"!" * 70 for number in range(30)]


def test_a_segment_whose_name_may_be_lost_holds_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path, segment_bytes=0)
    append(journal, b"first").result()

    def fsync(_file: int) -> None:
        raise OSError(errno.EIO, "the folder cannot be synced")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fsync)
        with pytest.raises(JournalError, match="the folder cannot be synced"):
            append(journal, b"second").result()
    with pytest.raises(JournalError):
        journal.close()

    with Journal.open(tmp_path) as journal:  # finds the empty segment, and goes on in it
        assert append(journal, b"second again").result().sequence == 2
    assert payloads(tmp_path) == [b"first", b"second again"]


def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    durable_bytes: dict[int, int] = {}  # by file: what a disk without power keeps at least
    real = os.fdatasync

    def fdatasync(file: int) -> None:
        real(file)
        durable_bytes[os.fstat(file).st_ino] = os.fstat(file).st_size

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    chance, after = random.Random(11), tmp_path / "after the cut"
    with Journal.open(tmp_path / "journal", segment_bytes=900) as journal:
        for _ in range(40):
            futures = [append(journal, chance.randbytes(100)) for _ in range(chance.randrange(1, 20))]
            receipt = chance.choice(futures).result()

            shutil.rmtree(after, ignore_errors=True)
            after.mkdir()
            for file in (tmp_path / "journal").glob("*.jzj"):
                kept = file.read_bytes()[: durable_bytes.get(file.stat().st_ino, 0)]
                (after / file.name).write_bytes(kept)
            assert receipt.hash in [frame.hash for frame in read_frames(after)]


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from jiaozi.ledger.journal.journal import *\n"
        "journal = Journal.open(Path(sys.argv[1]), segment_bytes=20_000)\n"
        "while True:\n"
        "    futures = [journal.append(FrameKind.FACTS, 1, bytes(32), [b'%d' % journal.sequence * 99],\n"
        "                              follows=journal.sequence) for _ in range(5)]\n"
        "    receipt = futures[-1].result()\n"
        "    print(receipt.sequence, receipt.hash.hex(), flush=True)\n"
    )
    acknowledged: dict[int, str] = {}
    for _ in range(5):
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(40)]
            os.kill(writer.pid, signal.SIGKILL)
            lines += writer.stdout.readlines()
        for line in lines:
            if line.endswith("\n"):
                sequence, digest = line.split()
                acknowledged[int(sequence)] = digest

        with Journal.open(tmp_path) as journal:
            hashes = {frame.sequence: frame.hash.hex() for frame in journal.frames()}
        assert acknowledged.items() <= hashes.items()
    assert len(acknowledged) >= 5 * 40
