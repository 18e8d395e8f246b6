"""What reading makes of a journal that is not what was written: a torn tail goes, damage is named."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.clock import Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.journal.frames import HEADER_BYTES, FrameKind, pack_header
from jiaozi.ledger.journal.journal import Journal, TornTail, read_frames, verify

LAW = bytes(range(32))
FIRST = "00000000000000000001.jzj"


def write_journal(folder: Path, payloads: list[bytes], *, segment_bytes: int = 64 << 20) -> list[int]:
    """Write *payloads*, each with a flush of its own; return where each frame starts in its segment.

    What the writer noted of its flushes goes, as after a power cut: the frames alone tell torn from damaged.
    """
    with Journal.open(folder, segment_bytes=segment_bytes) as journal:
        for payload in payloads:
            follows = journal.sequence
            journal.append(FrameKind.FACTS, Instant(follows), LAW, [payload], follows=follows).result()
    (folder / "durable").unlink()
    return [frame.offset for frame in read_frames(folder)]


def put(folder: Path, raw: bytes | bytearray, name: str = FIRST) -> Path:
    """Make *folder* a journal of one segment with these bytes."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(raw)
    return folder


def payloads(folder: Path) -> list[bytes]:
    return [frame.payload for frame in read_frames(folder)]


def refused(folder: Path) -> str:
    """Return why *folder* is refused: by every reader in the same words, and left as it is."""
    before = {file.name: file.read_bytes() for file in folder.glob("*.jzj")}
    with pytest.raises(JournalError) as reading:
        payloads(folder)
    with pytest.raises(JournalError) as verifying:
        verify(folder)
    with pytest.raises(JournalError) as opening:
        Journal.open(folder)
    assert {file.name: file.read_bytes() for file in folder.glob("*.jzj")} == before
    assert str(reading.value) == str(verifying.value) == str(opening.value)
    return str(reading.value)


@pytest.fixture
def written(tmp_path: Path) -> tuple[bytes, list[int]]:
    """A journal of four small frames in one segment: its bytes, and where each frame starts."""
    offsets = write_journal(tmp_path / "written", [b"open Li", b"open Wang", b"Li pays Wang", b"Wang pays"])
    raw = (tmp_path / "written" / FIRST).read_bytes()
    return raw, [*offsets, len(raw)]


# A torn tail


def test_a_write_cut_at_any_byte_goes_back_to_the_frame_before(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    for cut in range(offsets[3] + 1, len(raw)):
        folder = put(tmp_path / "cut", raw[:cut])
        torn = TornTail(segment=FIRST, offset=offsets[3], bytes_cut=cut - offsets[3], after_sequence=3)
        assert len(payloads(folder)) == 3
        assert verify(folder).torn_tail == torn
        with Journal.open(folder) as journal:
            assert (journal.torn_tail, journal.sequence) == (torn, 3)
        assert (folder / FIRST).read_bytes() == raw[: offsets[3]]


def test_after_a_torn_tail_the_journal_goes_on(tmp_path: Path, written: tuple[bytes, list[int]]) -> None:
    raw, _ = written
    folder = put(tmp_path / "cut", raw[:-1])
    write_journal(folder, [b"Wang pays again"])

    assert payloads(folder)[2:] == [b"Li pays Wang", b"Wang pays again"]
    assert verify(folder).torn_tail is None


def test_the_first_frame_of_a_journal_or_a_segment_may_be_the_torn_one(tmp_path: Path) -> None:
    write_journal(tmp_path, [b"one", b"two"], segment_bytes=0)
    (tmp_path / "00000000000000000002.jzj").write_bytes(b"JZF1 and no more")
    write_journal(tmp_path, [b"two again"])
    assert payloads(tmp_path) == [b"one", b"two again"]

    folder = put(tmp_path / "new", b"JZ")
    with Journal.open(folder) as journal:
        assert journal.torn_tail == TornTail(segment=FIRST, offset=0, bytes_cut=2, after_sequence=0)
        assert journal.sequence == 0


@pytest.mark.parametrize("tail", [bytes(1), bytes(4096), bytes(3 << 20), b"\xff" * 500, b"JZF1" * 300])
def test_zeros_or_rubbish_behind_the_last_frame_are_a_torn_tail(
    tmp_path: Path, written: tuple[bytes, list[int]], tail: bytes
) -> None:
    raw, _ = written
    folder = put(tmp_path / "tail", raw + tail)
    with Journal.open(folder) as journal:
        assert journal.torn_tail == TornTail(FIRST, offset=len(raw), bytes_cut=len(tail), after_sequence=4)

    assert (folder / FIRST).read_bytes() == raw


def test_a_last_frame_whose_pages_never_arrived_is_a_torn_tail(tmp_path: Path) -> None:
    offsets = write_journal(tmp_path, [b"whole", b"#" * 20_000])
    raw = bytearray((tmp_path / FIRST).read_bytes())
    raw[8192:12288] = bytes(4096)
    put(tmp_path, raw)

    with Journal.open(tmp_path) as journal:
        assert journal.torn_tail == TornTail(FIRST, offsets[1], HEADER_BYTES + 20_000, after_sequence=1)


def test_a_torn_frame_may_carry_the_bytes_of_a_whole_one(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, _ = written
    write_journal(tmp_path, [b"whole", raw + b"!"])
    torn = bytearray((tmp_path / FIRST).read_bytes())
    torn[-1] ^= 1
    put(tmp_path, torn)

    assert payloads(tmp_path) == [b"whole"]


@given(tail=st.binary(max_size=400))
def test_no_tail_brings_in_a_frame(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    folder = tmp_path_factory.mktemp("tail")
    write_journal(folder, [b"whole"])
    put(folder, (folder / FIRST).read_bytes() + tail)

    assert payloads(folder) == [b"whole"]


# Bits that changed


def test_a_flipped_bit_in_any_earlier_frame_is_found_and_named(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    for position in range(offsets[3]):
        number = sum(offset <= position for offset in offsets)
        flipped = bytearray(raw)
        flipped[position] ^= 1 << position % 8
        folder = put(tmp_path / "flipped", flipped)
        assert f"{FIRST}: frame {number} at offset {offsets[number - 1]} " in refused(folder)


def test_a_flipped_bit_in_the_last_frame_never_brings_in_another_frame(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    for position in range(offsets[3], len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[position] ^= 1 << bit
            assert len(payloads(put(tmp_path / "flipped", flipped))) == 3


def test_a_changed_frame_with_new_checksums_breaks_the_chain(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    forged = a_frame(b"open Lu")
    folder = put(tmp_path / "forged", forged + raw[offsets[1] :])

    assert f"frame 2 at offset {offsets[1]} does not carry the hash" in refused(folder)


def test_what_one_flush_left_in_pieces_goes_unless_it_was_noted_as_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held, let_go = threading.Event(), threading.Event()
    real = os.fdatasync

    def fdatasync(file: int) -> None:
        is_held.set()
        assert let_go.wait(timeout=60)
        real(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with Journal.open(tmp_path) as journal:
        journal.append(FrameKind.FACTS, Instant(1), LAW, [b"alone"], follows=0)
        assert is_held.wait(timeout=60)
        for follows in (1, 2, 3):
            journal.append(FrameKind.FACTS, Instant(1), LAW, [b"together"], follows=follows)
        let_go.set()
    _, second, third, _ = (frame.offset for frame in read_frames(tmp_path))
    raw = bytearray((tmp_path / FIRST).read_bytes())
    raw[second:third] = bytes(third - second)
    (tmp_path / FIRST).write_bytes(raw)

    message = refused(tmp_path)
    assert f"frame 2 at offset {second} has a header whose checksum does not hold" in message
    assert "although it was flushed" in message
    (tmp_path / "durable").unlink()  # as a power cut leaves it that came before the flush was over
    assert payloads(tmp_path) == [b"alone"]
    with Journal.open(tmp_path) as journal:
        assert journal.torn_tail == TornTail(FIRST, second, len(raw) - second, after_sequence=1)


def test_what_an_earlier_flush_wrote_is_refused_even_if_nobody_noted_it(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    folder = put(tmp_path / "hole", raw[: offsets[2]] + bytes(offsets[3] - offsets[2]) + raw[offsets[3] :])

    assert "frame 4 behind it is whole and was written later" in refused(folder)


@pytest.mark.parametrize("short", range(-2, 6))
def test_a_whole_frame_is_found_wherever_it_lies_behind_a_broken_one(tmp_path: Path, short: int) -> None:
    # The search reads a mebibyte at a time, from the byte after the start of the broken frame.
    broken = bytes((1 << 20) + 1 - short - HEADER_BYTES)
    _, second = write_journal(tmp_path, [broken, b"whole"])
    raw = (tmp_path / FIRST).read_bytes()
    put(tmp_path, b"!" + raw[1:])

    assert second == (1 << 20) + 1 - short
    assert "frame 2 behind it is whole" in refused(tmp_path)


@pytest.mark.parametrize(("offset", "length"), [(96, 32), (152, 4)])
def test_the_checksum_and_the_hash_of_a_payload_must_both_hold(
    tmp_path: Path, written: tuple[bytes, list[int]], offset: int, length: int
) -> None:
    raw, offsets = written
    header = with_field(raw[:HEADER_BYTES], offset, bytes(length))
    put(tmp_path, header + raw[HEADER_BYTES:])

    assert "frame 1 at offset 0 has a payload whose checksum or hash does not hold" in refused(tmp_path)
    put(tmp_path, header + raw[HEADER_BYTES : offsets[1]])
    assert payloads(tmp_path) == []


# Frames and segments that moved


def test_frames_removed_swapped_or_repeated_are_found(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    frames = [raw[start:end] for start, end in itertools.pairwise(offsets)]
    for length in range(6):
        for order in itertools.product(range(4), repeat=length):
            folder = put(tmp_path / "order", b"".join(frames[number] for number in order))
            if order == tuple(range(length)):
                assert len(payloads(folder)) == length
            else:
                right = next(place for place, number in enumerate(order) if number != place)
                with pytest.raises(
                    JournalError, match=f"{FIRST}: frame {right + 1} at offset .* is numbered"
                ):
                    payloads(folder)


def test_frames_missing_at_the_end_show_in_the_head_alone(
    tmp_path: Path, written: tuple[bytes, list[int]]
) -> None:
    raw, offsets = written
    whole, shorter = put(tmp_path / "whole", raw), put(tmp_path / "shorter", raw[: offsets[3]])

    assert verify(shorter).torn_tail is None
    assert verify(shorter).head_hash != verify(whole).head_hash


def segment(first: int) -> str:
    return f"{first:020}.jzj"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / segment(1)).unlink(), "frame 3 by its name where frame 1 was expected"),
        (lambda folder: (folder / segment(3)).unlink(), "frame 5 by its name where frame 3 was expected"),
        (lambda folder: shutil.copy(folder / segment(1), folder / segment(2)), "where frame 3 was expected"),
        (lambda folder: shutil.copy(folder / segment(5), folder / segment(9)), "where frame 7 was expected"),
        (lambda folder: shutil.copy(folder / segment(5), folder / segment(7)), "frame 7 at offset 0 is numb"),
        (lambda folder: shutil.copy(folder / segment(1), folder / segment(3)), "frame 3 at offset 0 is numb"),
        (lambda folder: (folder / segment(5)).rename(folder / segment(4)), "where frame 5 was expected"),
        (lambda folder: os.truncate(folder / segment(3), 0), "where frame 3 was expected"),
        (lambda folder: os.truncate(folder / segment(3), 161), "where frame 4 was expected"),
        (
            lambda folder: os.truncate(folder / segment(3), 200),
            "frame 4 at offset 161 ends inside its header",
        ),
        (lambda folder: (folder / segment(9)).touch(), "where frame 7 was expected"),
        (lambda folder: (folder / "copy of 1.jzj").touch(), "not named like a segment"),
    ],
)
def test_segments_removed_renamed_copied_or_cut_are_found(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    write_journal(tmp_path, [b"1", b"2", b"3", b"4", b"5", b"6"], segment_bytes=200)
    assert verify(tmp_path).segments == 3
    change(tmp_path)

    assert message in refused(tmp_path)


def test_an_earlier_segment_cut_at_any_byte_is_damage(tmp_path: Path) -> None:
    write_journal(tmp_path, [b"first", b"second", b"third"], segment_bytes=200)
    whole = (tmp_path / FIRST).read_bytes()
    assert verify(tmp_path).segments == 2

    for cut in range(len(whole)):
        put(tmp_path, whole[:cut])
        with pytest.raises(JournalError, match=r"frame [12] "):
            payloads(tmp_path)


def test_zeros_behind_an_earlier_segment_are_damage(tmp_path: Path) -> None:
    write_journal(tmp_path, [b"first", b"second"], segment_bytes=0)
    whole = (tmp_path / FIRST).read_bytes()
    put(tmp_path, whole + bytes(4096))

    assert f"{FIRST}: frame 2 at offset {len(whole)} has a header" in refused(tmp_path)


def test_a_segment_that_was_lost_while_the_writer_ran_is_missed(tmp_path: Path) -> None:
    with Journal.open(tmp_path, segment_bytes=0) as journal:
        for follows in range(3):
            journal.append(FrameKind.FACTS, Instant(1), LAW, [b"x"], follows=follows).result()
        (tmp_path / segment(3)).unlink()
        with pytest.raises(JournalError, match="frame 3 was durable and is gone"):
            list(journal.frames())


# Nothing there


def test_an_empty_folder_is_a_journal_without_frames(tmp_path: Path) -> None:
    report = verify(tmp_path)
    assert (report.frames, report.bytes, report.segments, report.head_hash) == (0, 0, 0, bytes(32))
    assert (report.first_instant, report.last_instant, report.torn_tail) == (None, None, None)
    assert payloads(tmp_path) == []
    with Journal.open(tmp_path) as journal:
        assert (journal.sequence, journal.torn_tail, list(journal.frames())) == (0, None, [])


def test_a_folder_that_is_not_there_is_no_journal(tmp_path: Path) -> None:
    for ask in (payloads, verify):
        with pytest.raises(JournalError, match="there is no such folder"):
            ask(tmp_path / "nowhere")


@pytest.mark.parametrize("frames", [[], [b"one"], [b"one", b"two"]])
def test_an_empty_last_segment_is_where_the_journal_goes_on(tmp_path: Path, frames: list[bytes]) -> None:
    write_journal(tmp_path, frames, segment_bytes=0)
    (tmp_path / segment(len(frames) + 1)).touch()
    assert payloads(tmp_path) == frames
    with Journal.open(tmp_path, check_from=len(frames) + 1) as journal:
        assert (journal.sequence, journal.torn_tail) == (len(frames), None)
    write_journal(tmp_path, [b"next"])

    assert payloads(tmp_path) == [*frames, b"next"]
    assert len(list(tmp_path.glob("*.jzj"))) == len(frames) + 1


# Headers that lie


@pytest.mark.parametrize("length", [1 << 30, (1 << 30) + 1, 1 << 62, (1 << 64) - 1])
def test_a_header_with_a_huge_length_takes_no_memory(tmp_path: Path, length: int) -> None:
    header = with_field(a_frame(b""), 24, length.to_bytes(8, "little"))
    put(tmp_path, header + b"#" * 100_000)
    tracemalloc.start()
    if length <= 1 << 30:
        assert payloads(tmp_path) == []  # it ends before such a payload could
    else:
        assert f"claims a payload of {length} bytes" in refused(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2_000_000


@pytest.mark.parametrize(("offset", "field"), [(4, "kind"), (5, "version")])
def test_a_frame_of_a_newer_jiaozi_is_not_cut_off(tmp_path: Path, offset: int, field: str) -> None:
    put(tmp_path, with_field(a_frame(b""), offset, b"\x09"))

    message = refused(tmp_path)
    assert f"{field} 9" in message
    assert "a newer Jiaozi wrote it" in message


def test_a_frame_earlier_than_the_one_before_is_refused(tmp_path: Path) -> None:
    first = a_frame(b"noon", instant=12)
    put(tmp_path, first + a_frame(b"morning", sequence=2, instant=11, previous_hash=first[96:128]))

    assert "frame 2 at offset 164 is earlier than the frame before it" in refused(tmp_path)


def test_the_first_frame_follows_nothing(tmp_path: Path) -> None:
    put(tmp_path, a_frame(b"first", previous_hash=LAW))

    assert "frame 1 at offset 0 does not carry the hash" in refused(tmp_path)


# Verify


def test_verify_tells_what_there_is_and_how_far_it_is(tmp_path: Path) -> None:
    write_journal(tmp_path, [b"x" * 40] * 6, segment_bytes=500)
    steps: list[tuple[int, int]] = []
    report = verify(tmp_path, progress=lambda done, total: steps.append((done, total)))

    *_, last = read_frames(tmp_path)
    assert (report.frames, report.bytes, report.segments) == (6, 1_200, 2)
    assert (report.first_instant, report.last_instant) == (0, 5)
    assert (report.head_hash, report.torn_tail) == (last.hash, None)
    assert steps == [(200 * count, 1_200) for count in range(1, 7)]


def test_memory_stays_flat_while_a_journal_is_read(tmp_path: Path) -> None:
    write_journal(tmp_path, [bytes(1 << 20)] * 16)
    tracemalloc.start()
    assert verify(tmp_path).frames == 16
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 << 20


def a_frame(
    payload: bytes, *, sequence: int = 1, instant: int = 0, previous_hash: bytes = bytes(32)
) -> bytes:
    """Return a frame that is whole in itself."""
    header, _ = pack_header(
        kind=FrameKind.FACTS,
        sequence=sequence,
        instant=Instant(instant),
        law_digest=LAW,
        previous_hash=previous_hash,
        flushed=0,
        parts=[np.frombuffer(payload, np.uint8)],
    )
    return header + payload


def with_field(header: bytes, offset: int, value: bytes) -> bytes:
    """Return *header* with *value* at *offset* and a checksum that holds."""
    checked = header[:offset] + value + header[offset + len(value) : 156]
    checksum: int = google_crc32c.value(checked)
    return checked + checksum.to_bytes(4, "little")
