"""A ledger opened from a snapshot is the ledger that folded its whole journal, and decides alike ever after."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import pytest

from jiaozi.clock import ManualClock
from jiaozi.errors import JournalBusy, JournalError, NotReady
from jiaozi.ledger import digests
from jiaozi.ledger.facts import CheckpointSigned, FreezeOrdered
from jiaozi.ledger.journal.frames import NOTHING, Receipt
from jiaozi.ledger.journal.journal import Journal, verify
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.journal.writer_lock import take_lock
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.payload import compare
from jiaozi.ledger.posting.idindex import content_of, count_of, make_room, new_table, stamp_of
from jiaozi.ledger.records import openings
from jiaozi.ledger.restart import fold, restart, write_from_journal
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshots import files as snapshot_files
from jiaozi.ledger.snapshots import parts as snapshot_parts
from jiaozi.ledger.snapshots import snapshot
from jiaozi.ledger.snapshots.ids import pack, unpack
from jiaozi.ledger.snapshots.parts import PARTS, Picture, Room
from jiaozi.ledger.state import State
from tests.ledger.ledger_world import clock, found, payments
from tests.ledger.random_worlds import Posting, RandomWorld, as_array, instant
from tests.ledger.small_world import COIN

FRAMES = 14


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "snapshots").glob("*.jzs"))


def name(sequence: int) -> str:
    return f"{sequence:020}.jzs"


def digest(ledger: Ledger) -> str:
    return ledger.at_cut(lambda state, _: state.digest())


def same(one: State, other: State) -> bool:
    """Return whether two states are alike in all that a later decision or a page can ask of them."""
    return (
        one.digest() == other.digest()
        and one.activity_of == other.activity_of
        and one.register == other.register
        and one.book is other.book
        and (one.accounts == other.accounts).all()
    )


@pytest.fixture
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and write 24 accounts or 64 ids at once, so that a small world has many chunks."""
    for module in (snapshot_parts, snapshot_files):
        monkeypatch.setattr(module, "CHUNK_BYTES", 64 * 24)
    monkeypatch.setattr(digests, "PIECE_BYTES", 64 * 24)


# The same state, the same decisions


@pytest.mark.usefixtures("_small_chunks")
@pytest.mark.parametrize("seed", range(20))
def test_a_state_from_snapshot_and_tail_is_the_one_folded_from_the_beginning(
    seed: int, tmp_path: Path
) -> None:
    world, random = RandomWorld(seed), Random(seed)
    now = ManualClock(instant("2025-07-01T00:00+08:00"))
    with Ledger.open(tmp_path, clock=now) as ledger:
        ledger.record(*world.facts())
        for opened in world.openings():
            ledger.open_accounts(opened)
        ledger.record(*world.sheets())
        steps = list(world.story(FRAMES))
        cut, last = random.randrange(len(steps)), random.randrange(len(steps))
        for number, step in enumerate(steps):
            if isinstance(step, Posting):
                now.set(step.instant)
                if step.batch:
                    ledger.post(as_array(step.batch), notes=step.notes)
            else:
                ledger.record(*step)
            if number == cut:
                taken = ledger.snapshot() if seed % 2 else write_from_journal(tmp_path)
                assert taken.sequence == ledger.sequence
            if number == last:
                ledger.snapshot()
        at_end = digest(ledger)

    # Folding the tail compares each result and each reason with what was stored.
    folded, begun = restart(tmp_path, anew=True).state, restart(tmp_path)
    assert begun.snapshot == tmp_path / "snapshots" / files(tmp_path)[-1]
    assert begun.passed_over == []
    assert folded.digest() == at_end
    assert same(begun.state, folded)

    # Whatever comes now is decided alike, also what was decided before and what comes much later.
    old = [step for step in steps if isinstance(step, Posting)]
    later = max(step.instant for step in old)
    more = [step for step in RandomWorld(seed + 1_000).story(4) if isinstance(step, Posting)]
    for step in [*old, *more]:
        later = max(later, step.instant)
        batch = as_array(step.batch)
        one, other = (state.post(batch, step.calls, later, step.notes) for state in (begun.state, folded))
        compare(one, other)
    assert same(begun.state, folded)


def test_an_empty_ledger_with_a_law_and_nothing_else_comes_back(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, clock=clock()) as ledger:
        ledger.record(*RandomWorld(1).facts()[:1])
        ledger.snapshot()
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.opened_from is not None
        assert again.state.account_count == again.state.ids_taken == 0
        again.record(*RandomWorld(1).facts()[1:])


def test_a_ledger_without_a_law_comes_back(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, clock=clock()) as ledger:
        ledger.record()
        ledger.snapshot()
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.opened_from is not None
        assert again.state.book is None
        again.record(*RandomWorld(1).facts())


def test_orders_checkpoints_and_ids_are_remembered(tmp_path: Path) -> None:
    batch = payments(1, [(0, 1)] * 30 + [(2, 2)])
    with found(tmp_path) as ledger:
        ledger.post(batch)
        ledger.record(FreezeOrdered(5, "7", "court", True, 3), FreezeOrdered(5, "8", "court", False, None))
        ledger.record(CheckpointSigned(COIN, 1, "d"))
        ledger.snapshot()
        before = ledger.state
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.opened_from is not None
        assert same(again.state, before)
        assert again.post(batch).results.tolist() == [Result.EXISTS] * 30 + [Result.ID_ALREADY_FAILED]
        assert list(again.state.register.freezes[5]) == ["7", "8"]
        assert again.post(payments(90, [(1, 0)])).results.tolist() == [Result.DEBIT_ACCOUNT_FROZEN]
        again.record(CheckpointSigned(COIN, 2, "e"))
        opened = openings(3_000)
        opened["zone"], opened["kind"], opened["tier"] = 2, 1, 1
        assert again.open_accounts(opened) == 24
        assert again.state.account_count == 24 + 3_000


@pytest.mark.parametrize("count", [0, 1, 1_000, 32_768, 32_769])
def test_ids_come_back_whatever_the_size_of_the_table_was(count: int) -> None:
    random = np.random.default_rng(count)
    ids = random.integers(1, 2**63, (count, 3)).astype(np.uint64)
    ids[: count // 2, 1] = 0
    table = make_room(new_table(1), 3 * count)
    assert unpack(ids, table) == -1
    rows = np.empty((count, 3), dtype=np.uint64)
    assert pack(table, 0, rows)[1] == count
    again = make_room(new_table(), count)
    assert unpack(rows, again) == -1
    assert count_of(again) == count
    assert (content_of(again, 0) == content_of(table, 0)).all()
    for lo, hi, _ in ids[:: max(count // 50, 1)]:
        assert stamp_of(again, lo, hi) == stamp_of(table, lo, hi) != 0
    if count:
        assert unpack(rows[:1], again) == 0, "an id that is there"
        assert unpack(np.zeros((1, 3), dtype=np.uint64), new_table(1)) == 0, "no id"
        buffer = np.empty((7, 3), dtype=np.uint64)
        at, filled = pack(table, 0, buffer)
        assert filled == min(7, count)
        assert (buffer[:filled] == rows[:filled]).all()
        assert at <= len(table)


# While writing goes on


def copied_into(room: Room, state: State, receipt: Receipt) -> tuple[Picture, Receipt]:
    return Picture.of(state).copied(room), receipt


def test_a_picture_stays_as_it_was_however_little_room_was_made_for_it(tmp_path: Path) -> None:
    with found(tmp_path) as ledger:
        for room in (Room.of(0, 0), Room.beside(ledger.state)):
            before = digest(ledger)
            picture, receipt = ledger.at_cut(partial(copied_into, room))
            ledger.post(payments(receipt.sequence * 100, [(0, 1)] * 9))
            path = snapshot.write(tmp_path, picture, receipt).path
            assert snapshot.load(path, tmp_path)[0].digest() == before != digest(ledger)


def test_snapshots_taken_while_payments_go_on_are_of_one_instant(tmp_path: Path) -> None:
    stop = threading.Event()
    taken = set()
    with found(tmp_path, holders=20, yuan_each=100_000) as ledger:

        def pay(first: int) -> None:
            for number in range(10_000):
                if stop.is_set():
                    return
                ledger.post(payments(first + number * 50, [(n % 20, (n + 1) % 20) for n in range(50)]))

        payers = [threading.Thread(target=pay, args=(caller * 10**7,)) for caller in range(1, 3)]
        for payer in payers:
            payer.start()
        try:
            for number in range(8):
                written = write_from_journal(tmp_path) if number % 2 else ledger.snapshot()
                taken.add(written.sequence)
                begun = restart(tmp_path)
                assert begun.passed_over == []
                assert int(begun.state.accounts["balance"].sum()) == 0
        finally:
            stop.set()
            for payer in payers:
                payer.join()
        at_end = digest(ledger)
    assert len(taken) > 4
    assert restart(tmp_path).state.digest() == restart(tmp_path, anew=True).state.digest() == at_end


def test_another_process_writes_snapshots_beside_a_running_ledger(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from jiaozi.ledger.restart import write_from_journal\n"
        "print(write_from_journal(Path(sys.argv[1])).path.name)\n"
    )
    with found(tmp_path) as ledger:
        ledger.post(payments(1, [(0, 1)] * 5))
        at_end = digest(ledger)
        command = [sys.executable, "-c", script, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert told.stdout.strip() == name(ledger.sequence)
        ledger.post(payments(10, [(0, 1)]))
    state, receipt = snapshot.load(tmp_path / "snapshots" / told.stdout.strip(), tmp_path)
    assert state.digest() == at_end
    assert restart(tmp_path).snapshot == tmp_path / "snapshots" / name(receipt.sequence)


# What is read, and what is kept


def test_opening_reads_nothing_before_the_snapshot_and_each_frame_behind_it_once(tmp_path: Path) -> None:
    with found(tmp_path / "whole") as ledger:
        for number in range(6):
            ledger.post(payments(100 * number + 1, [(0, 1)] * 3))
        at_end, last = digest(ledger), ledger.sequence
    folder, state = tmp_path / "in segments", State()
    with Journal.open(folder, segment_bytes=0) as journal:
        for frame in read_frames(tmp_path / "whole"):
            parts = [frame.payload]
            receipt = journal.append(
                frame.kind, frame.instant, frame.law_digest, parts, follows=frame.sequence - 1
            ).result()
            if frame.sequence <= last - 2:
                fold(frame, state)
                after = receipt
    snapshot.write(folder, Picture.of(state), after)
    (folder / f"{2:020}.jzj").write_bytes(b"no frame at all")

    steps: list[tuple[int, int]] = []
    with Ledger.open(folder, clock=clock(), progress=lambda *step: steps.append(step)) as again:
        assert (again.passed_over, digest(again)) == ((), at_end)
    assert len(steps) == 2
    assert 0 < steps[0][0] < steps[1][0] == steps[1][1]
    with pytest.raises(JournalError, match="frame 2 at offset 0"):
        verify(folder)
    with pytest.raises(JournalError, match="frame 2 at offset 0"):
        write_from_journal(folder, anew=True)


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    with found(tmp_path) as ledger:
        kept: list[int] = []
        for number in range(4):
            ledger.post(payments(100 * number + 1, [(0, 1)]))
            written = ledger.snapshot() if number != 2 else write_from_journal(tmp_path)
            assert written.bytes == written.path.stat().st_size
            kept = [*kept, written.sequence][-2:]
            assert files(tmp_path) == [name(sequence) for sequence in kept]


def test_a_snapshot_that_cannot_be_used_does_not_push_out_one_that_can(tmp_path: Path) -> None:
    with found(tmp_path) as ledger:
        good = ledger.snapshot().sequence
        ledger.post(payments(1, [(0, 1)]))
        bad = ledger.snapshot()
        bad.path.write_bytes(b"nothing")
        ahead = name(99)  # for a frame that this journal does not have
        (tmp_path / "snapshots" / ahead).write_bytes(b"nothing")
    with Ledger.open(tmp_path, clock=clock()) as ledger:
        assert [each.path.name for each in ledger.passed_over] == [ahead, bad.path.name]
        ledger.post(payments(2, [(0, 1)]))
        third = ledger.snapshot().sequence
        assert files(tmp_path) == [name(good), bad.path.name, name(third), ahead]
        ledger.post(payments(3, [(0, 1)]))
        fourth = ledger.snapshot().sequence
        assert files(tmp_path) == [name(third), name(fourth), ahead]


def test_where_nothing_is_new_the_snapshot_stays_and_where_nothing_is_at_all_none_is_made(
    tmp_path: Path,
) -> None:
    with Ledger.open(tmp_path / "empty", clock=clock()) as ledger:
        with pytest.raises(NotReady, match="record something first"):
            ledger.snapshot()
        with pytest.raises(NotReady, match="record something first"):
            write_from_journal(tmp_path / "empty")
        assert ledger.opened_from is None
    with found(tmp_path / "full") as ledger:
        first = write_from_journal(tmp_path / "full")
        before = first.path.stat().st_mtime_ns
        assert write_from_journal(tmp_path / "full") == first
        assert first.path.stat().st_mtime_ns == before
        assert ledger.snapshot().sequence == first.sequence
    assert files(tmp_path / "full") == [first.path.name]


def test_two_snapshots_are_not_written_at_once(tmp_path: Path) -> None:
    with found(tmp_path) as ledger:
        ledger.snapshot()
        lock = take_lock(tmp_path / "snapshots")
        ledger.post(payments(1, [(0, 1)]))
        for write in (ledger.snapshot, lambda: write_from_journal(tmp_path)):
            with pytest.raises(JournalBusy, match="wait until it is done"):
                write()
        os.close(lock)
        ledger.snapshot()


def test_the_journal_is_durable_before_a_snapshot_of_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path).close()
    real, synced = os.fdatasync, []

    def fdatasync(file: int) -> None:
        real(file)
        synced.append(os.fstat(file).st_ino)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    written = write_from_journal(tmp_path)
    segment = tmp_path / f"{1:020}.jzj"
    assert synced == [segment.stat().st_ino, written.path.stat().st_ino]


def test_a_journal_without_frames_gives_an_empty_state(tmp_path: Path) -> None:
    with Journal.open(tmp_path):
        pass
    found_state = snapshot.newest(tmp_path)
    assert (found_state.receipt, found_state.path, found_state.passed_over) == (NOTHING, None, [])
    assert found_state.state.digest() == State().digest()


# The page


def test_every_part_and_every_field_of_the_head_has_its_row() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    section = page.split("\n## Snapshots", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([a-z0-9]+)` \|", section, re.MULTILINE)
    assert rows == [*snapshot_files.Head.__struct_fields__, *PARTS]
    assert snapshot_files.FORMAT in section
