"""Power cuts: whatever subset of the unflushed bytes and names is lost, what was acknowledged is there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from random import Random

import pytest

from jiaozi.clock import Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.ledger import Ledger, Outcome
from tests.ledger.faults.checking import (
    Told,
    balances_of,
    check_goes_on,
    check_opened,
    hashes,
    opened,
    segments_of,
)
from tests.ledger.faults.disk import Disk, recording
from tests.ledger.faults.images import check_whole, lay_out, moment, told_before
from tests.ledger.faults.rounds import rounds
from tests.ledger.killed import HOLDERS, batch_of
from tests.ledger.ledger_world import clock, found

SEGMENT_BYTES = 20_000
CUTS_A_RECORD = 40


@pytest.fixture(autouse=True)
def small_segments() -> Iterator[None]:
    with segments_of(SEGMENT_BYTES):
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "journal"
    found(folder, holders=HOLDERS, yuan_each=3_000).close()
    return folder


def note(disk: Disk, number: int, done: Future[Outcome]) -> None:
    disk.note(Told.of(number, done.result()))


def work(ledger: Ledger, disk: Disk, first: int, count: int, random: Random) -> None:
    """Post batches in bursts, of which several frames share a flush; now and then a snapshot."""
    number = first
    while number < first + count:
        burst = range(number, min(number + random.choice((1, 1, 2, 5)), first + count))
        futures, target = [], ledger.sequence + len(burst)
        with disk.held() if len(burst) > 1 else nullcontext():
            for each in burst:
                # Another instant, so that the batch gets a frame of its own even in the same flush.
                futures.append(ledger.submit(batch_of(each), at=Instant(clock()() + each)))
                futures[-1].add_done_callback(partial(note, disk, each))
            for _ in range(100):  # a ledger that keeps them back for itself has them in fewer frames
                if not disk.is_held or ledger.sequence >= target:
                    break
                time.sleep(0.0005)
        number += len(burst)
        for future in futures:
            future.result()
        if random.random() < 0.3:
            ledger.snapshot()


def test_what_was_acknowledged_survives_a_power_cut_at_any_event(world: Path, tmp_path: Path) -> None:
    with opened(world) as ledger:
        opening = balances_of(ledger)
    disk, count = None, 12
    for number, random in rounds("power cut", 120, share=0.2):
        if number % CUTS_A_RECORD == 0:
            disk = record(world, tmp_path / "work", count, random)
        assert disk is not None
        cut = moment(disk, random)
        image = tmp_path / "image"
        lay_out(disk, cut, image, random)
        told = told_before(disk, cut)
        frames = hashes(disk.root)
        if random.random() < 0.3:
            image, told = cut_while_opening(image, told, count, random)
        else:
            with opened(image) as ledger:
                there = hashes(image)
                assert there.items() <= frames.items(), "a frame that nobody wrote"
                check_opened(ledger, image, told, range(count))
                if random.random() < 0.3:
                    check_goes_on(ledger, range(count), opening)
                    ledger.snapshot()
        shutil.rmtree(image)


def record(world: Path, folder: Path, count: int, random: Random) -> Disk:
    """Return the record of a ledger that was opened, worked with and closed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(world, folder)
    with recording(folder) as disk, opened(folder) as ledger:
        work(ledger, disk, 0, count, random)
    check_whole(disk)
    assert len(told_before(disk, len(disk.events))) == count
    return disk


def cut_while_opening(image: Path, told: list[Told], count: int, random: Random) -> tuple[Path, list[Told]]:
    """Open *image*, which may have a tail to cut off, post to it, and let the power go a second time."""
    with recording(image) as disk, opened(image) as ledger:
        work(ledger, disk, count, 2, random)
    check_whole(disk)
    # Often among the first events, where opening repairs what it found.
    cut = random.choice((random.randint(0, 8), moment(disk, random)))
    again = image.with_name("again")
    lay_out(disk, cut, again, random)
    told = told + told_before(disk, cut)
    with opened(again) as ledger:
        check_opened(ledger, again, told, range(count + 2))
    frames, there = hashes(image), hashes(again)
    assert there.items() <= frames.items()
    shutil.rmtree(image)
    return again, told


def test_a_power_cut_while_a_ledger_is_founded_leaves_what_was_acknowledged(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with recording(root) as disk:
        ledger = found(root / "books" / "journal", holders=HOLDERS, yuan_each=3_000)
        with ledger:
            for number in range(3):
                disk.note(Told.of(number, ledger.post(batch_of(number))))
    check_whole(disk)
    frames = hashes(root / "books" / "journal")
    for _, random in rounds("power cut while founding", 20, share=0.01):
        cut, image = moment(disk, random), tmp_path / "image"
        lay_out(disk, cut, image, random)
        told = told_before(disk, cut)
        with Ledger.open(image / "books" / "journal", clock=clock()) as ledger:
            assert hashes(image / "books" / "journal").items() <= frames.items()
            check_opened(ledger, image / "books" / "journal", told, range(3))
        shutil.rmtree(image)


def test_a_ledger_that_does_not_wait_for_the_disk_is_caught(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the cuts above are known to find what they look for."""
    import jiaozi.ledger.journal.segments as segments

    monkeypatch.setattr(segments, "sync_file", lambda _: None)
    random = Random(1)
    disk = record(world, tmp_path / "work", 6, random)
    told = told_before(disk, len(disk.events))
    caught = 0
    for _ in range(20):
        lay_out(disk, len(disk.events), tmp_path / "image", random)
        try:
            with opened(tmp_path / "image") as ledger:
                check_opened(ledger, tmp_path / "image", told, range(6))
        except (AssertionError, JournalError):
            caught += 1
        shutil.rmtree(tmp_path / "image")
    assert caught > 5
