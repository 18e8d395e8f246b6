"""Restarting reads ahead, folds and counts in three threads, and comes to what one thread comes to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.facts import IdWindowSet
from jiaozi.ledger.journal.ahead import ahead
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import openings
from jiaozi.ledger.restart import UNSAMPLED, fold, ids_coming, restart
from jiaozi.ledger.state import State
from tests.ledger.ledger_world import PLACE, clock, found, payments

FRAMES = 30


def busy(folder: Path) -> None:
    """Found a ledger whose frames of payments stand between facts and openings."""
    with found(folder, holders=4) as ledger:
        for number in range(FRAMES):
            ledger.post(payments(1_000 * (number + 1), [(0, 1), (1, 2), (3, 3), (2, 0)] * 5))
            if number % 10 == 9:
                opened = openings(3)
                opened["zone"], opened["kind"] = PLACE, 1
                ledger.open_accounts(opened)


def frame_by_frame(folder: Path) -> State:
    state = State()
    for frame in read_frames(folder):
        fold(frame, state)
    return state


others: list[threading.Thread] = []
"""Threads that were there before the test, of ledgers that other tests let die."""


@pytest.fixture(autouse=True)
def _who_was_there_before() -> None:
    others[:] = threading.enumerate()


def helpers() -> list[str]:
    """Return the threads that a restart may have left behind."""
    names = ("jiaozi-ahead", "jiaozi-counts", "jiaozi-memory")
    new = [thread for thread in threading.enumerate() if thread not in others]
    return [thread.name for thread in new if thread.name in names]


# The row


def test_things_made_ahead_come_in_their_order_and_all_of_them() -> None:
    for most_bytes in (1, 64, 1 << 30):
        assert list(ahead(range(2_000), lambda _: 8, most_bytes=most_bytes)) == list(range(2_000))


def test_an_error_comes_behind_everything_made_before_it() -> None:
    def failing() -> Iterator[int]:
        yield from range(5)
        raise JournalError("frame 6 at offset 77")

    seen: list[int] = []
    with pytest.raises(JournalError, match="frame 6 at offset 77"):
        seen.extend(ahead(failing(), lambda _: 1))
    assert seen == list(range(5))


def test_no_more_is_made_ahead_than_fits_and_what_is_larger_waits_alone() -> None:
    made: list[int] = []
    most_apart = 0

    def making() -> Iterator[int]:
        for number in range(200):
            made.append(number)
            yield number

    for number in ahead(making(), lambda _: 10, most_bytes=35):
        most_apart = max(most_apart, len(made) - number)
    # This one, three that wait, one that found no room, and one that was begun between two looks.
    assert most_apart <= 6
    assert list(ahead(range(50), lambda _: 1_000, most_bytes=35)) == list(range(50))


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = helpers()
    row = ahead(count(), lambda _: 1, most_bytes=100)
    assert list(islice(row, 10)) == list(range(10))
    row.close()
    assert helpers() == before


# The restart


def test_a_restart_comes_to_the_state_and_the_counts_of_folding_frame_by_frame(tmp_path: Path) -> None:
    busy(tmp_path)
    plain, restarted = frame_by_frame(tmp_path), restart(tmp_path, anew=True)
    assert restarted.state.digest() == plain.digest()
    assert restarted.state.activity_of == plain.activity_of
    assert restarted.state.activity.payments == FRAMES * 15
    assert restarted.reader.head.sequence == sum(1 for _ in read_frames(tmp_path))
    assert helpers() == []


def test_progress_is_told_after_each_frame_and_ends_at_the_whole(tmp_path: Path) -> None:
    busy(tmp_path)
    told: list[tuple[int, int]] = []
    restart(tmp_path, lambda done, whole: told.append((done, whole)), anew=True)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.jzj"))
    assert len(told) == sum(1 for _ in read_frames(tmp_path))
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_damage_in_the_middle_is_named_after_what_stands_before_it_was_folded(tmp_path: Path) -> None:
    busy(tmp_path)
    frames = list(read_frames(tmp_path))
    broken = frames[20]
    segment = tmp_path / broken.segment
    raw = bytearray(segment.read_bytes())
    raw[broken.offset + 300] ^= 4
    segment.write_bytes(raw)
    folded: list[int] = []
    place = rf"{broken.segment}: frame {broken.sequence} at offset {broken.offset} has a payload"
    with pytest.raises(JournalError, match=place):
        restart(tmp_path, lambda done, _: folded.append(done), anew=True)
    assert len(folded) == 20
    assert helpers() == []


def test_whoever_stops_a_restart_gets_his_own_error_and_no_thread_stays(tmp_path: Path) -> None:
    busy(tmp_path)

    def impatient(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restart(tmp_path, impatient, anew=True)
    assert helpers() == []


# How large the id table is made


def test_the_transfers_to_come_are_told_from_the_segments_and_never_far_too_many(tmp_path: Path) -> None:
    busy(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.jzj"))
    transfers = FRAMES * 20 + 5
    assert transfers <= ids_coming(tmp_path, 1) <= min(size // 65, UNSAMPLED)


def test_where_a_segment_begins_with_transfers_its_first_frame_tells(tmp_path: Path) -> None:
    found(tmp_path / "one", holders=4).close()
    with Ledger.open(tmp_path / "one", clock=clock()) as ledger:
        for number in range(40):
            ledger.post(payments(1_000 * (number + 1), [(0, 1)] * 200))
    with Journal.open(tmp_path / "many", segment_bytes=1 << 14) as journal:
        for frame in read_frames(tmp_path / "one"):
            journal.append(
                frame.kind, frame.instant, frame.law_digest, [frame.payload], follows=frame.sequence - 1
            ).result()
    assert len(list((tmp_path / "many").glob("*.jzj"))) > 10
    kinds = {frame.sequence: frame.kind for frame in read_frames(tmp_path / "many")}
    first = next(sequence for sequence, kind in kinds.items() if kind is FrameKind.TRANSFERS)
    assert 0.9 * 8_000 <= ids_coming(tmp_path / "many", first) <= 1.1 * 8_000 + 200
    assert restart(tmp_path / "many").state.digest() == restart(tmp_path / "one").state.digest()


def test_noise_where_a_segment_begins_makes_no_large_table(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000001.jzj").write_bytes(b"JZF1" + bytes(500))
    assert ids_coming(tmp_path, 1) <= 504 // 65


def test_a_table_is_made_large_only_while_it_is_empty_and_ids_stay_for_ever(tmp_path: Path) -> None:
    with found(tmp_path / "kept") as ledger:
        assert ledger.state.expect_ids(10**6) == 0
    state = State()
    before = len(state.ids)
    assert state.expect_ids(10**6) > 10**6
    assert len(state.ids) >= before
    with found(tmp_path / "window") as ledger:
        ledger.record(IdWindowSet(86_400))
        assert ledger.state.expect_ids(10**6) == 0
