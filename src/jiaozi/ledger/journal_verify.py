"""Verify: read a journal from its first byte to its last and say what is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jiaozi.clock import Instant
from jiaozi.ledger.frames import HEADER_BYTES, Digest
from jiaozi.ledger.journal_read import JournalReader, TornTail
from jiaozi.ledger.segments import list_segments


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
