"""The change stream loses nothing, repeats nothing, and shows nothing that may be taken back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import JournalError
from jiaozi.ledger.history.changes import BEGINNING, Event, Mark, follow, follow_frames
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.journal.frames import FrameKind, Receipt
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.results import Result
from tests.ledger.history_world import ACCOUNTS, HistoryWorld


@pytest.fixture
def world(tmp_path: Path) -> HistoryWorld:
    world = HistoryWorld.found(tmp_path / "journal")
    world.fill(40)
    return world


def seen(events: list[Event]) -> list[tuple[int, int, str]]:
    return [(event.mark.frame, event.mark.row, event.kind) for event in events]


def test_everything_comes_once_and_in_order(world: HistoryWorld) -> None:
    world.journal.close()
    events = list(follow(world.folder, wait=False))
    moved = [event for event in events if event.kind in ("transfer", "released")]
    assert [(event.mark.frame, event.mark.row, event.result) for event in moved] == [
        (row.frame, row.row, row.result) for row in world.happened
    ]
    assert [event.note.count("No.") for event in moved] == [int(bool(row.note)) for row in world.happened]
    assert [sum(event.bits) > 0 for event in moved] == [sum(row.bits) > 0 for row in world.happened]
    assert sum(event.kind == "fact" for event in events) == world.facts
    assert [event.accounts for event in events if event.kind == "accounts"] == [ACCOUNTS]
    order = [event.mark[:2] for event in events]
    assert order == sorted(set(order))


def test_a_follower_that_stops_anywhere_goes_on_where_it_was(world: HistoryWorld) -> None:
    world.journal.close()
    whole = seen(list(follow(world.folder, wait=False)))
    for place, event in enumerate(list(follow(world.folder, wait=False))):
        mark = Mark.of(str(event.mark))
        assert seen(list(follow(world.folder, after=mark, wait=False))) == whole[place + 1 :]


def test_the_end_of_a_frame_is_a_mark_too(world: HistoryWorld) -> None:
    world.journal.close()
    for change in follow_frames(world.folder, wait=False):
        later = list(follow(world.folder, after=change.end, wait=False))
        assert all(event.mark.frame > change.receipt.sequence for event in later)


def test_sealing_changes_nothing_about_the_stream(world: HistoryWorld) -> None:
    world.journal.close()
    before = seen(list(follow(world.folder, wait=False)))
    seal(world.folder, unit_bytes=1)
    assert seen(list(follow(world.folder, wait=False))) == before


def test_another_process_sees_at_once_what_an_idle_writer_flushed(world: HistoryWorld) -> None:
    shown = {event.mark.frame for event in follow(world.folder, wait=False)}
    assert shown == set(range(1, world.journal.sequence + 1))


def test_without_the_mark_a_later_frame_says_what_was_flushed(world: HistoryWorld) -> None:
    (world.folder / "durable").unlink()
    last = world.journal.sequence
    shown = {event.mark.frame for event in follow(world.folder, wait=False)}
    assert shown == set(range(1, last))  # each frame was waited for, so the next one vouches for it
    world.journal.close()
    (world.folder / "durable").unlink(missing_ok=True)
    assert max(event.mark.frame for event in follow(world.folder, wait=False)) == last


def test_the_writers_own_process_sees_what_its_journal_calls_durable(world: HistoryWorld) -> None:
    durable = world.journal.head.sequence
    frames = {event.mark.frame for event in follow(world.folder, wait=False, durable=lambda: durable)}
    assert frames == set(range(1, durable + 1))
    some = {event.mark.frame for event in follow(world.folder, wait=False, durable=lambda: 5)}
    assert some == set(range(1, 6))


def test_frames_that_share_a_flush_are_not_shown_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a writer whose disk fails takes back was shown to nobody."""
    world = HistoryWorld.found(tmp_path / "journal", segment_bytes=1 << 20)
    world.transfers(4)
    begun, go_on = threading.Event(), threading.Event()
    real = os.fdatasync

    def slow(_: int) -> None:
        begun.set()
        go_on.wait(10)
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fdatasync", slow)
    lost: Future[Receipt] = world.journal.append(
        FrameKind.FACTS, world.journal.head.instant, bytes(32), [b"[]"], follows=world.journal.sequence
    )
    begun.wait(10)
    assert [event.mark.frame for event in follow(world.folder, wait=False)][-1] == 2  # and not 3
    go_on.set()
    with pytest.raises(JournalError):
        lost.result(10)
    monkeypatch.setattr(os, "fdatasync", real)
    with pytest.raises(JournalError):
        world.journal.close()
    assert [event.mark.frame for event in follow(world.folder, wait=False)][-1] == 2


def test_a_follower_that_waits_gets_what_comes_later(world: HistoryWorld) -> None:
    found: list[Event] = []
    enough = threading.Event()

    def run() -> None:
        for event in follow(
            world.folder, durable=lambda: world.journal.head.sequence, should_stop=enough.is_set
        ):
            found.append(event)
            if event.mark.frame == last:
                enough.set()

    last = world.journal.sequence + 30
    thread = threading.Thread(target=run)
    thread.start()
    while world.journal.sequence < last:
        world.fill(1)
    thread.join(20)
    assert not thread.is_alive()
    moved = [event for event in found if event.kind in ("transfer", "released")]
    expected = [(row.frame, row.row) for row in world.happened]
    assert [event.mark[:2] for event in moved] == expected[: len(moved)]
    assert {event.mark.frame for event in found} == set(range(1, last + 1))


def test_a_writer_that_is_killed_has_followers_who_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.history_killed", str(folder)], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    seen_while: list[tuple[int, int, str]] = []
    mark = BEGINNING
    try:
        writer.stdout.readline()
        while len(seen_while) < 400:
            for event in follow(folder, after=mark, wait=False):
                seen_while.append((event.mark.frame, event.mark.row, event.kind))
                mark = event.mark
                if len(seen_while) % 37 == 0:
                    break  # stops in the middle of a frame and begins again
        os.kill(writer.pid, signal.SIGKILL)
        told = [int(line) for line in writer.stdout.read().split()]
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    seen_while += [(e.mark.frame, e.mark.row, e.kind) for e in follow(folder, after=mark, wait=False)]
    Journal.open(folder).close()  # the next writer keeps all that was shown, and cuts what was torn
    whole = seen(list(follow(folder, wait=False)))
    assert seen_while == whole
    assert max([1, *told]) <= whole[-1][0]


def test_a_mark_of_another_journal_is_refused(world: HistoryWorld, tmp_path: Path) -> None:
    other = HistoryWorld.found(tmp_path / "other", seed=9)
    other.fill(40)
    event = list(follow(world.folder, wait=False))[-1]
    with pytest.raises(JournalError, match="another than the one this follower has seen"):
        list(follow(other.folder, after=event.mark, wait=False))
    later = Mark(10_000, 0, event.mark.hash)
    with pytest.raises(JournalError, match="ends"):
        list(follow(world.folder, after=later, wait=False))


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.xyz", "1.2." + "0" * 15, "1.2." + "0" * 17, "-1.2." + "0" * 16]
)
def test_a_broken_mark_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no mark"):
        Mark.of(text)


def test_damage_is_named_and_nothing_behind_it_is_shown(world: HistoryWorld) -> None:
    world.journal.close()
    segment = sorted(world.folder.glob("*.jzj"))[2]
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    shown: list[Event] = []
    with pytest.raises(JournalError, match=segment.name):
        shown.extend(follow(world.folder, wait=False))
    assert max(event.mark.frame for event in shown) < int(sorted(world.folder.glob("*.jzj"))[3].stem)


def test_an_empty_journal_has_no_events(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    assert list(follow(tmp_path / "journal", wait=False)) == []
    with pytest.raises(JournalError):
        list(follow(tmp_path / "nowhere", wait=False))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_any_journal_followed_in_any_pieces_is_whole(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    world = HistoryWorld.found(tmp_path_factory.mktemp("any") / "journal", seed, segment_bytes=1_500)
    mark, found = BEGINNING, []
    for _ in range(6):
        world.fill(data.draw(st.integers(0, 4)))
        pieces = follow(world.folder, after=mark, wait=False, durable=lambda: world.journal.head.sequence)
        for event, _ in zip(pieces, range(data.draw(st.integers(1, 30))), strict=False):
            found.append(event)
            mark = Mark.of(str(event.mark))
    world.journal.close()
    found += list(follow(world.folder, after=mark, wait=False))
    assert seen(found) == seen(list(follow(world.folder, wait=False)))
    assert all(event.result is not Result.NOT_TRIED for event in found)
