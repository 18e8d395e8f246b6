"""A bit flipped at any byte of any file: refused by name, or of no effect; never another state in silence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.journal.journal import verify
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.restart import restart
from tests.ledger.faults.checking import opened, segments_of
from tests.ledger.faults.rounds import TORTURE, rounds
from tests.ledger.ledger_world import clock, found, payments

SMALL_BYTES = 4_000
"""Files up to this size are tried at every byte. The others hold the text of the law and are tried at random."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that was closed: a segment with the law, small ones behind it, two snapshots, a frame after each."""
    folder = tmp_path_factory.mktemp("bits") / "journal"
    with segments_of(400), found(folder, holders=4) as ledger:
        ledger.snapshot()
        ledger.post(payments(10, [(0, 1), (1, 2)]))
        ledger.post(payments(20, [(2, 3)]))
        ledger.snapshot()
        ledger.post(payments(30, [(3, 0)]))
    return folder


def files_of(store: Path) -> list[Path]:
    return sorted(path for path in store.rglob("*") if path.is_file())


@contextmanager
def flipped(path: Path, at_byte: int, bit: int) -> Iterator[None]:
    raw = path.read_bytes()
    bad = bytearray(raw)
    bad[at_byte] ^= 1 << bit
    path.write_bytes(bad)
    try:
        yield
    finally:
        path.write_bytes(raw)


def frames_of(store: Path) -> dict[str, list[tuple[int, int]]]:
    """Return for each segment the numbers of its frames and where they start."""
    frames: dict[str, list[tuple[int, int]]] = {}
    for frame in read_frames(store):
        frames.setdefault(frame.segment, []).append((frame.sequence, frame.offset))
    return frames


def check_named(said: str, path: Path, at_byte: int, frames: dict[str, list[tuple[int, int]]]) -> None:
    """Check that *said* names the segment, the frame that holds the byte, and where that frame starts."""
    sequence, offset = [each for each in frames[path.name] if each[1] <= at_byte][-1]
    assert f"{path}: frame {sequence} at offset {offset} " in said


def test_a_bit_flipped_in_any_byte_of_a_small_segment_is_found_by_name(store: Path) -> None:
    frames = frames_of(store)
    small = [path for path in files_of(store) if path.suffix == ".jzj" and path.stat().st_size < SMALL_BYTES]
    assert len(small) >= 3
    random = Random(7)
    for path in small:
        for at_byte in range(path.stat().st_size):
            for bit in range(8) if TORTURE else [random.randrange(8)]:
                with flipped(path, at_byte, bit):
                    with pytest.raises(JournalError) as error:
                        verify(store)
                    check_named(str(error.value), path, at_byte, frames)


def test_a_bit_flipped_in_any_file_never_gives_another_state(store: Path) -> None:
    whole, frames, files = restart(store, anew=True).state.digest(), frames_of(store), files_of(store)
    assert {path.suffix for path in files} == {".jzj", ".jzs", ""}
    refused = harmless = passed_over = 0
    small = [path for path in files if path.stat().st_size < SMALL_BYTES]
    every = [(path, at) for path in small for at in range(path.stat().st_size)]
    Random(3).shuffle(every)
    turns = itertools.cycle(every)
    for number, random in rounds("bit flipped", 300, share=0.5):
        if number % 2:
            path, at_byte = next(turns)
        else:
            path = random.choice([path for path in files if path not in small])
            at_byte = random.randrange(path.stat().st_size)
        with flipped(path, at_byte, random.randrange(8)):
            try:
                restarted = restart(store)
            except JournalError as error:
                check_named(str(error), path, at_byte, frames)
                refused += 1
                continue
            assert restarted.reader.torn_tail is None, (
                "a frame that was acknowledged was taken for unfinished"
            )
            assert restarted.state.digest() == whole
            if path.suffix == ".jzj":  # it lies before the snapshot; whoever reads everything finds it
                with pytest.raises(JournalError) as found_later:
                    verify(store)
                check_named(str(found_later.value), path, at_byte, frames)
            if path.suffix == ".jzs" and restarted.passed_over:
                assert [each.path for each in restarted.passed_over] == [path]
                passed_over += 1
            else:
                harmless += 1
    print(f"{refused} refused by name, {passed_over} snapshots passed over, {harmless} without effect")
    assert refused
    assert passed_over
    assert harmless


@pytest.mark.parametrize("name", ["durable", "lock", "snapshots/lock"])
def test_files_that_hold_no_money_may_say_anything(store: Path, name: str) -> None:
    with opened(store) as ledger:
        whole = ledger.at_cut(lambda state, _: state.digest())
    raw = (store / name).read_bytes()
    for rubbish in (b"", b"\xff" * 40, b"JZMARK1\n" + bytes(12), raw[:-1], raw + b"!"):
        (store / name).write_bytes(rubbish)
        with Ledger.open(store, clock=clock()) as ledger:
            assert ledger.at_cut(lambda state, _: state.digest()) == whole
            assert ledger.torn_tail is None
