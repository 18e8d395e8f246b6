"""Verify: read a journal from its first byte to its last and say what is in it.

Where it is damaged, `repair_plan` reads on behind the damage and says what is whole,
what is not, and what somebody would have to do. Neither of them changes anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiaozi.clock import Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.journal.durable_mark import read_mark
from jiaozi.ledger.journal.frames import HEADER_BYTES, MAGIC, NOTHING, Digest, Header, Receipt, read_header
from jiaozi.ledger.journal.reading import JournalReader, TornTail
from jiaozi.ledger.journal.segments import Segment, list_segments

_SCAN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a journal holds, every byte of it checked. The instants are None in an empty one."""

    frames: int
    bytes: int
    segments: int
    first_instant: Instant | None
    last_instant: Instant | None
    head_hash: Digest
    torn_tail: TornTail | None


def verify(folder: Path, progress: Callable[[int, int], None] | None = None) -> VerifyReport:
    """Check every byte of the journal in *folder*; raise `JournalError` on damage.

    A torn tail is no damage: it is told and not counted. Frames missing at the very
    end leave no trace in the files; compare `head_hash` with a receipt or a checkpoint.
    *progress* is called after each frame with the bytes checked and the bytes there are.
    """
    segments = list_segments(folder)
    bytes_in_all = sum(segment.path.stat().st_size for segment in segments)
    reader = JournalReader(folder)
    frames = bytes_checked = 0
    first_instant: Instant | None = None
    for frame in reader:
        if first_instant is None:
            first_instant = frame.instant
        frames += 1
        bytes_checked += HEADER_BYTES + len(frame.payload)
        if progress is not None:
            progress(bytes_checked, max(bytes_in_all, bytes_checked))
    return VerifyReport(
        frames=frames,
        bytes=bytes_checked,
        segments=len(segments),
        first_instant=first_instant,
        last_instant=reader.head.instant if frames else None,
        head_hash=reader.head.hash,
        torn_tail=reader.torn_tail,
    )


# -- what is to be done about a damaged one ---------------------------------


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One segment looked at by itself: its whole frames, and the stretches of bytes that are none."""

    name: str
    bytes: int
    frames: int
    first: int | None
    last: int | None
    last_instant: Instant | None
    broken: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes that are no frame, or a whole frame that stands where it does not belong."""

    offset: int
    bytes: int
    frame: int
    what: str

    @property
    def ends_at(self) -> int:
        return self.offset + self.bytes


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What is whole, what is damaged, what would have to be done, and what would be lost. Lines for people."""

    damage: str | None
    whole_to: int
    whole_until: Instant | None
    whole: tuple[str, ...]
    damaged: tuple[str, ...]
    to_do: tuple[str, ...]
    lost: tuple[str, ...]


def repair_plan(folder: Path) -> RepairPlan:
    """Read the journal in *folder* past its damage and say what there is to do. Changes nothing."""
    reader = JournalReader(folder)
    damage: str | None = None
    try:
        for _ in reader:
            pass
    except JournalError as error:
        damage = str(error)
    head = reader.head
    until = head.instant if head.sequence else None
    torn = reader.torn_tail
    if damage is None:
        ends = f"frames 1 to {head.sequence:,}" if head.sequence else "no frame"
        if torn is None:
            return RepairPlan(None, head.sequence, until, (f"{ends}, to the last byte",), (), (), ())
        return RepairPlan(
            None,
            head.sequence,
            until,
            (ends,),
            (f"{torn.segment}: an unfinished frame of {torn.bytes_cut:,} bytes at offset {torn.offset:,}",),
            (f"cut {torn.segment} to {torn.offset:,} bytes; opening the journal does that by itself",),
            ("nothing that anyone was told of",),
        )
    try:
        segments = list_segments(folder)
    except JournalError as error:
        return RepairPlan(damage, 0, None, (), (str(error),), ("do as it says, then ask again",), ())
    surveys = list(_survey(segments))
    return _plan(damage, head, surveys, durable=read_mark(folder))


def _plan(damage: str, head: Receipt, surveys: Sequence[Surveyed], *, durable: int) -> RepairPlan:
    whole, damaged, to_do = [], [], []
    expected, is_cut_short = 1, False
    for survey in surveys:
        named = int(survey.name.split(".")[0])
        if named > expected and not is_cut_short:
            damaged.append(
                f"frames {expected:,} to {named - 1:,} are missing: no segment before {survey.name}"
            )
            to_do.append(f"restore from a backup the segments that hold frames {expected:,} to {named - 1:,}")
        if survey.frames:
            whole.append(
                f"{survey.name}: whole frames {survey.first:,} to {survey.last:,}, {survey.frames:,} in all, "
                f"{survey.bytes:,} bytes"
            )
        is_cut_short = bool(survey.broken) and survey.broken[-1].ends_at == survey.bytes
        is_last = survey is surveys[-1] and len(survey.broken) == 1 and is_cut_short
        if is_last and survey.broken[0].frame > durable:
            end = survey.broken[0]
            damaged.append(
                f"{survey.name}: an unfinished frame of {end.bytes:,} bytes at offset {end.offset:,}"
            )
            to_do.append(
                f"leave the end of {survey.name}: opening the journal cuts it to {end.offset:,} bytes"
            )
            continue
        for stretch in survey.broken:
            damaged.append(
                f"{survey.name}: frame {stretch.frame:,} at offset {stretch.offset:,}, "
                f"{stretch.bytes:,} bytes: {stretch.what}"
            )
        if survey.broken:
            to_do.append(f"restore {survey.name} from a backup")
        # A segment whose frames are all broken says by its name alone where it began.
        expected = max(expected, named, (survey.last or 0) + 1)
    if not damaged:
        damaged = [damage]
        to_do = ["do as it says, then ask again"]
    seen = max([survey.last or 0 for survey in surveys], default=0)
    until = head.instant if head.sequence else None
    lost = ["with a backup that holds these segments: nothing"]
    if seen > head.sequence:
        lost.append(
            f"without one the journal ends at frame {head.sequence:,}: frames {head.sequence + 1:,} to {seen:,} "
            "would be lost, payments that were acknowledged among them"
        )
    else:
        lost.append(
            f"without one the journal ends at frame {head.sequence:,}; how much came after, nobody can say"
        )
    to_do.append("then run `jiaozi journal verify`; do not open the journal for writing before")
    return RepairPlan(damage, head.sequence, until, tuple(whole), tuple(damaged), tuple(to_do), tuple(lost))


def _survey(segments: Sequence[Segment]) -> Iterator[Surveyed]:
    """Look at every segment by itself; what follows what is judged across them."""
    expected, previous = 1, NOTHING.hash
    knows_previous = True
    for segment in segments:
        size = segment.path.stat().st_size
        if segment.first != expected:
            expected, knows_previous = segment.first, False
        frames, end = 0, 0
        first: int | None = None
        last: int | None = None
        instant: Instant | None = None
        broken: list[Stretch] = []
        with segment.path.open("rb", buffering=0) as file:
            for offset, header in _frames_in(file.fileno(), size):
                if offset > end:
                    broken.append(Stretch(end, offset - end, expected, "no frame can be read there"))
                    expected, knows_previous = header.sequence, False
                end = offset + HEADER_BYTES + header.length
                if header.sequence != expected:
                    what = f"whole, and numbered {header.sequence:,}; removed, moved or repeated frames"
                    broken.append(Stretch(offset, end - offset, expected, what))
                elif knows_previous and header.previous_hash != previous:
                    what = "whole, and does not carry the hash of the frame before; one of them was replaced"
                    broken.append(Stretch(offset, end - offset, expected, what))
                expected, previous, knows_previous = header.sequence + 1, header.hash, True
                frames, first, instant = frames + 1, first or header.sequence, header.instant
                last = max(last or 0, header.sequence)
        if end < size:
            broken.append(Stretch(end, size - end, expected, "no frame can be read there"))
            knows_previous = False
        yield Surveyed(segment.name, size, frames, first, last, instant, tuple(broken))


def _frames_in(file: int, size: int) -> Iterator[tuple[int, Header]]:
    """Give every frame of an open file that is whole in itself, with its offset."""
    offset = 0
    while offset + HEADER_BYTES <= size:
        header = _whole_at(file, offset, size)
        if header is not None:
            yield offset, header
            offset += HEADER_BYTES + header.length
            continue
        offset += 1
        chunk = os.pread(file, _SCAN_BYTES, offset)
        found = chunk.find(MAGIC)
        # A magic may lie across two chunks.
        offset += found if found >= 0 else max(len(chunk) - len(MAGIC) + 1, 1)


def _whole_at(file: int, offset: int, size: int) -> Header | None:
    raw = os.pread(file, HEADER_BYTES, offset)
    header = read_header(raw)
    if header is None or header.length > size - offset - HEADER_BYTES:
        return None
    payload = os.pread(file, header.length, offset + HEADER_BYTES)
    return header if header.covers(payload, raw) else None
