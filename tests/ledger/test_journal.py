"""The journal's writer: what it appends, in which order, and when it says so."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jiaozi.clock import Instant
from jiaozi.errors import JournalBusy, JournalError
from jiaozi.ledger.journal import group as group_module
from jiaozi.ledger.journal import journal as journal_module
from jiaozi.ledger.journal import reading as journal_read
from jiaozi.ledger.journal.journal import Frame, FrameKind, Journal, Part, Receipt, read_frames
from jiaozi.ledger.journal.segments import Segment, list_segments

LAW = bytes(range(32))


def append(journal: Journal, payload: bytes, *, instant: int = 1_000) -> Future[Receipt]:
    follows = journal.sequence
    return journal.append(FrameKind.TRANSFERS, Instant(instant), LAW, [payload], follows=follows)


def payloads(folder: Path, start: int = 1) -> list[bytes]:
    return [frame.payload for frame in read_frames(folder, start)]


class HeldDisk:
    """A disk whose first sync waits until it is let go; it counts the syncs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        self.is_syncing = threading.Event()
        self.let_go = threading.Event()
        real = os.fdatasync

        def fdatasync(file: int) -> None:
            self.syncs += 1
            self.is_syncing.set()
            assert self.let_go.wait(timeout=60)
            real(file)

        monkeypatch.setattr(os, "fdatasync", fdatasync)


# Appending and reading back


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    rows = np.zeros(3, dtype=[("amount", "<i8"), ("code", "<u2")])
    rows["amount"] = [5_000_00, 1, 7]
    with Journal.open(tmp_path) as journal:
        journal.append(FrameKind.FACTS, Instant(-5), LAW, [b"opened"], follows=0)
        parts: list[Part] = [b"head", rows, memoryview(b"tail"), rows["amount"], b"", rows[:0]]
        journal.append(FrameKind.TRANSFERS, Instant(9), bytes(32), parts, follows=1)
        receipt = journal.append(FrameKind.ACCOUNTS, Instant(9), LAW, [], follows=2).result()

        first, second, third = journal.frames()

    assert (first.sequence, first.kind, first.instant) == (1, FrameKind.FACTS, -5)
    assert (first.law_digest, first.previous_hash, first.payload) == (LAW, bytes(32), b"opened")
    assert second.payload == b"head" + rows.tobytes() + b"tail" + rows["amount"].tobytes()
    assert (second.previous_hash, second.law_digest) == (first.hash, bytes(32))
    assert (third.kind, third.payload, third.previous_hash) == (FrameKind.ACCOUNTS, b"", second.hash)
    assert receipt == Receipt(sequence=3, hash=third.hash, instant=Instant(9))
    assert [frame.offset for frame in (first, second, third)] == [0, 166, 166 + 160 + len(second.payload)]
    assert third.segment == "00000000000000000001.jzj"


def test_a_frame_lies_on_disk_as_its_layout_says(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        append(journal, b"one").result()
        append(journal, b"two!", instant=0x0102030405060708)

    raw = (tmp_path / "00000000000000000001.jzj").read_bytes()
    header, payload = raw[163 : 163 + 160], raw[163 + 160 :]

    assert header[0:4] == b"JZF1"
    assert header[4:8] == bytes([FrameKind.TRANSFERS, 1, 0, 0])
    assert header[8:16] == (2).to_bytes(8, "little")
    assert header[16:24] == bytes([8, 7, 6, 5, 4, 3, 2, 1])
    assert header[24:32] == (4).to_bytes(8, "little")
    assert header[32:64] == LAW
    assert header[64:96] == hashlib.sha256(raw[0:96] + b"one").digest() == raw[96:128]
    assert header[96:128] == hashlib.sha256(header[0:96] + b"two!").digest()
    assert header[128:136] == (1).to_bytes(8, "little")
    assert header[136:152] == bytes(16)
    assert header[152:156] == crc32c(b"two!").to_bytes(4, "little")
    assert header[156:160] == crc32c(header[:156]).to_bytes(4, "little")
    assert payload == b"two!"


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, from its definition (RFC 3720, appendix B.4)."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F6_3B78 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def test_the_same_entries_give_the_same_hashes_however_they_were_flushed(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "one by one") as journal:
        alone = [append(journal, b"%d" % number).result() for number in range(20)]
    with Journal.open(tmp_path / "together", segment_bytes=500) as journal:
        together = [append(journal, b"%d" % number) for number in range(20)]

    assert [future.result() for future in together] == alone


def test_a_journal_goes_on_where_it_was_closed(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert (journal.sequence, journal.head.hash) == (0, bytes(32))
        receipt = append(journal, b"before").result()
    with Journal.open(tmp_path) as journal:
        assert (journal.sequence, journal.head, journal.torn_tail) == (1, receipt, None)
        append(journal, b"after")

    before, after = read_frames(tmp_path)
    assert (before.payload, after.payload) == (b"before", b"after")
    assert after.previous_hash == receipt.hash


def test_missing_folders_are_made(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "var" / "journal") as journal:
        append(journal, b"x")

    assert payloads(tmp_path / "var" / "journal") == [b"x"]


def test_a_segment_ends_once_it_is_larger_than_asked(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=2 * 164) as journal:
        for number in range(7):
            append(journal, b"%04d" % number)

    assert [file.name for file in sorted(tmp_path.glob("*.jzj"))] == [
        "00000000000000000001.jzj",
        "00000000000000000004.jzj",
        "00000000000000000007.jzj",
    ]
    assert payloads(tmp_path) == [b"%04d" % number for number in range(7)]


def test_reading_starts_at_any_frame_and_the_frame_after_the_last_is_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=400) as journal:
        for number in range(1, 11):
            append(journal, b"%d" % number)
        journal.wait()

        for start in range(1, 12):
            expected = [b"%d" % number for number in range(start, 11)]
            assert payloads(tmp_path, start) == expected
            assert [frame.payload for frame in journal.frames(start)] == expected

    with pytest.raises(JournalError, match="ends at frame 10, but frame 12 was asked for"):
        payloads(tmp_path, 12)
    with pytest.raises(ValueError, match="numbered from 1"):
        payloads(tmp_path, 0)


def test_a_snapshot_spares_the_check_of_what_it_vouches_for(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=0) as journal:
        for number in range(5):
            append(journal, b"%d" % number)
        head = append(journal, b"last").result()
    (tmp_path / "00000000000000000002.jzj").write_bytes(b"no frame at all")

    with Journal.open(tmp_path, check_from=5) as journal:
        assert journal.head == head
    with pytest.raises(JournalError, match="frame 2 at offset 0"):
        Journal.open(tmp_path)
    with pytest.raises(JournalError, match="ends at frame 6, but frame 8"):
        Journal.open(tmp_path, check_from=8)


# Compare and append


def test_a_frame_that_follows_another_than_the_last_is_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        append(journal, b"first")
        for follows in (0, 2, -1):
            with pytest.raises(JournalError, match=r"the journal in .* is at frame 1"):
                journal.append(FrameKind.FACTS, Instant(2_000), LAW, [b"late"], follows=follows)
        assert append(journal, b"second").result().sequence == 2

    assert payloads(tmp_path) == [b"first", b"second"]


def test_of_two_writers_that_follow_the_same_frame_one_succeeds(tmp_path: Path) -> None:
    wins: dict[str, list[int]] = {"Li": [], "Wang": []}
    barrier = threading.Barrier(2)

    def write(name: str) -> None:
        for follows in range(50):
            barrier.wait()
            try:
                journal.append(FrameKind.FACTS, Instant(1), LAW, [name.encode()], follows=follows)
            except JournalError:
                continue
            wins[name].append(follows + 1)

    with Journal.open(tmp_path) as journal:
        run_together([partial(write, name) for name in wins])

    assert sorted(wins["Li"] + wins["Wang"]) == list(range(1, 51))
    for frame in read_frames(tmp_path):
        assert frame.sequence in wins[frame.payload.decode()]


def test_instants_never_fall(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        append(journal, b"noon", instant=12)
        append(journal, b"noon still", instant=12)
        with pytest.raises(JournalError, match="the clock ran backwards"):
            append(journal, b"morning", instant=11)
    with Journal.open(tmp_path) as journal, pytest.raises(JournalError, match="the clock ran backwards"):
        append(journal, b"morning", instant=11)

    assert payloads(tmp_path) == [b"noon", b"noon still"]


def test_what_cannot_be_a_frame_is_refused_and_takes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "MAX_PAYLOAD_BYTES", 10)
    with Journal.open(tmp_path) as journal:
        with pytest.raises(ValueError, match="32 bytes, not 3"):
            journal.append(FrameKind.FACTS, Instant(1), b"law", [], follows=0)
        with pytest.raises(ValueError, match="at most 10 bytes, not 11"):
            append(journal, b"x" * 11)
        with pytest.raises(ValueError, match="64 bits"):
            append(journal, b"", instant=2**63)
        assert append(journal, b"x" * 10).result().sequence == 1


# One writer


def test_a_second_process_is_told_who_writes(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from jiaozi.errors import JournalBusy\n"
        "from jiaozi.ledger.journal.journal import Journal\n"
        "try: Journal.open(Path(sys.argv[1])).close()\n"
        "except JournalBusy as busy: print(busy)\n"
        "else: print('opened')\n"
    )

    def second_process() -> str:
        command = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with Journal.open(tmp_path):
        answer = second_process()
        with pytest.raises(JournalBusy):
            Journal.open(tmp_path)

    assert answer.startswith(f"process {os.getpid()} writes the journal in {tmp_path}; stop it first")
    assert second_process() == "opened\n"


# Group commit


def test_many_threads_share_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = HeldDisk(monkeypatch)
    turn = threading.Lock()
    receipts: list[Receipt] = []

    def pay() -> None:
        with turn:
            future = append(journal, b"payment")
            if journal.sequence == 64:
                disk.let_go.set()
        receipts.append(future.result())

    with Journal.open(tmp_path) as journal:
        run_together([pay] * 64)
        assert journal.head.sequence == 64

    assert sorted(receipt.sequence for receipt in receipts) == list(range(1, 65))
    assert len({receipt.hash for receipt in receipts}) == 64
    assert disk.syncs <= 3  # those that came before the first sync, and all the others


def test_a_group_of_thousands_of_frames_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = HeldDisk(monkeypatch)
    with Journal.open(tmp_path) as journal:
        for number in range(3_000):
            append(journal, b"%d" % number)
        disk.let_go.set()

    assert payloads(tmp_path) == [b"%d" % number for number in range(3_000)]


def test_nobody_is_told_before_the_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = HeldDisk(monkeypatch)
    with Journal.open(tmp_path) as journal:
        future = append(journal, b"pending")
        assert disk.is_syncing.wait(timeout=60)

        assert not future.done()
        assert (journal.sequence, journal.head.sequence) == (1, 0)
        assert list(journal.frames()) == []
        assert payloads(tmp_path) == [b"pending"]  # another reader may see it before it is safe

        disk.let_go.set()
        journal.wait()
        assert future.done()
        assert len(list(journal.frames())) == 1


def test_a_promise_cannot_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = HeldDisk(monkeypatch)
    with Journal.open(tmp_path) as journal:
        futures = [append(journal, b"x") for _ in range(3)]
        assert not any(future.cancel() for future in futures)
        disk.let_go.set()
        assert [future.result().sequence for future in futures] == [1, 2, 3]


def test_callers_wait_while_too_much_is_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_WAITING_BYTES", 3 * 200)
    on_their_way: list[int] = []
    real = os.fdatasync

    def fdatasync(file: int) -> None:
        on_their_way.append(journal.sequence - journal.head.sequence)
        real(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with Journal.open(tmp_path) as journal:
        for _ in range(30):
            append(journal, b"x" * 40)
        large = append(journal, b"larger than the limit" * 100)
        assert large.result().sequence == 31

    assert max(on_their_way) <= 3


def test_a_reader_follows_a_live_writer_across_segments(tmp_path: Path) -> None:
    seen: list[Frame] = []

    def follow() -> None:
        while len(seen) < 400:
            seen.extend(read_frames(tmp_path, start=len(seen) + 1))

    def write() -> None:
        for number in range(400):
            append(journal, b"%d" % number * (number % 50))

    with Journal.open(tmp_path, segment_bytes=2_000) as journal:
        run_together([follow, write])

    assert [frame.sequence for frame in seen] == list(range(1, 401))


def test_a_reader_at_the_end_of_a_segment_misses_nothing_while_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader looks, sees the end; the writer goes on, into a new segment; the reader sees that."""

    def list_late(folder: Path) -> list[Segment]:
        if journal.sequence == 1:
            for _ in range(3):
                append(journal, b"x" * 100)
            journal.wait()
        return list_segments(folder)

    with Journal.open(tmp_path, segment_bytes=400) as journal:
        append(journal, b"x").result()
        reader = read_frames(tmp_path)
        assert next(reader).sequence == 1
        monkeypatch.setattr(journal_read, "list_segments", list_late)
        assert [frame.sequence for frame in reader] == [2, 3, 4]

    assert len(list_segments(tmp_path)) == 2


def run_together(work: Sequence[Callable[[], None]]) -> None:
    """Run every function of *work* in its own thread and raise what any of them raised."""
    failures: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(function,)) for function in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
