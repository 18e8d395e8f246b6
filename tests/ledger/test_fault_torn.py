"""The last write torn at any byte: the ledger is as it was before that frame, and takes the batch again.

Where the writer had noted that the frame was flushed, the same bytes are damage: refused, and left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.journal.durable_mark import NAME, Mark, read_mark
from jiaozi.ledger.journal.journal import read_frames
from jiaozi.ledger.results import Result
from tests.ledger.faults.checking import opened
from tests.ledger.faults.rounds import TORTURE
from tests.ledger.invariants import check
from tests.ledger.ledger_world import found, payments

LAST = payments(50, [(0, 1), (1, 2), (2, 3)])
REST: dict[str, Callable[[bytes, Random], bytes]] = {
    "missing": lambda rest, random: b"",  # noqa: ARG005
    "zeros": lambda rest, random: bytes(len(rest)),  # noqa: ARG005
    "of another file": lambda rest, random: random.randbytes(len(rest)),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A ledger with a snapshot and a frame behind it, and its digest; then one more frame, `LAST`."""
    folder = tmp_path_factory.mktemp("torn") / "journal"
    with found(folder, holders=4) as ledger:
        ledger.snapshot()
        ledger.post(payments(10, [(0, 1), (1, 2)]))
        before = ledger.at_cut(lambda state, _: state.digest())
        assert ledger.post(LAST).created == 3
    return folder, before


@pytest.mark.parametrize("rest", REST)
def test_a_last_write_torn_at_any_byte_is_undone_and_may_be_repeated(
    world: tuple[Path, str], tmp_path: Path, rest: str
) -> None:
    source, before = world
    folder = tmp_path / "journal"
    shutil.copytree(source, folder)
    *_, last = read_frames(folder)
    segment, random = folder / last.segment, Random(1)
    raw = segment.read_bytes()
    for at_byte in range(last.offset, len(raw), 1 if TORTURE else 9):
        torn = raw[:at_byte] + REST[rest](raw[at_byte:], random)
        if torn == raw:  # it ended in zeros
            break
        (folder / NAME).unlink()  # it was not flushed yet
        segment.write_bytes(torn)
        with opened(folder) as ledger:
            assert (ledger.torn_tail is None) == (rest == "missing" and at_byte == last.offset)
            assert ledger.sequence == last.sequence - 1
            assert ledger.at_cut(lambda state, _: state.digest()) == before
            assert ledger.post(LAST).created == 3
            ledger.at_cut(lambda state, _: check(state))
        assert segment.read_bytes() == raw, "the frame is the same again, to the byte"


@pytest.mark.parametrize("rest", REST)
def test_a_last_frame_that_was_flushed_is_never_taken_for_unfinished(
    world: tuple[Path, str], tmp_path: Path, rest: str
) -> None:
    source, _ = world
    folder = tmp_path / "journal"
    shutil.copytree(source, folder)
    *_, last = read_frames(folder)
    segment, random = folder / last.segment, Random(1)
    raw = segment.read_bytes()
    for at_byte in range(last.offset + 1, len(raw), 1 if TORTURE else 9):
        bad = raw[:at_byte] + REST[rest](raw[at_byte:], random)
        if bad == raw:
            break
        segment.write_bytes(bad)
        with pytest.raises(JournalError, match=rf"frame {last.sequence} at offset {last.offset} .* flushed"):
            opened(folder)
        assert segment.read_bytes() == bad


def test_the_mark_says_what_was_flushed_and_nothing_when_it_cannot_be_read(tmp_path: Path) -> None:
    assert read_mark(tmp_path) == 0
    mark = Mark(tmp_path, 7)
    assert read_mark(tmp_path) == 7
    mark.set(2**40)
    mark.close()
    raw = (tmp_path / NAME).read_bytes()
    assert read_mark(tmp_path) == 2**40
    for at_byte in range(len(raw)):
        for bit in range(8):
            bad = bytearray(raw)
            bad[at_byte] ^= 1 << bit
            (tmp_path / NAME).write_bytes(bad)
            assert read_mark(tmp_path) == 0
    for size in range(len(raw)):
        (tmp_path / NAME).write_bytes(raw[:size])
        assert read_mark(tmp_path) == 0


def test_a_mark_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    (folder / NAME).mkdir(parents=True)
    with found(folder, holders=4) as ledger:
        assert ledger.post(LAST).created == 3
    with opened(folder) as ledger:
        assert ledger.post(LAST).results.tolist() == [Result.EXISTS] * 3
