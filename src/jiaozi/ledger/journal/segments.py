"""Segments: the files a journal is made of.

A segment is named after the first frame in it, `00000000000000000001.jzj`, so
that the names alone say where a frame lies and whether a file is missing. Only
the last one is ever written to, and it only grows.

A file is durable after `fdatasync`, its name only after `fsync` of the folder;
both are asked for before anyone is told that a frame is safe.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import JournalError

SUFFIX = ".jzj"

_NAME = re.compile(r"\d{20}\.jzj")
_BUFFERS_PER_WRITE = 1024  # IOV_MAX on Linux


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the journal and the sequence of the first frame in it."""

    first: int
    path: Path

    @property
    def name(self) -> str:
        return self.path.name


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments in *folder*, first to last.

    Raises `JournalError` when there is no such folder, or a file in it only looks like a segment.
    """
    if not folder.is_dir():
        raise JournalError(f"{folder} is not a journal: there is no such folder")
    paths = [path for path in folder.iterdir() if path.suffix == SUFFIX]
    for path in paths:
        if not _NAME.fullmatch(path.name):
            raise JournalError(
                f"{path} is not named like a segment (twenty digits, then {SUFFIX}); "
                "move it out of the journal's folder"
            )
    return sorted(Segment(int(path.stem), path) for path in paths)


def make_folder(folder: Path) -> None:
    """Make *folder* and those above it, where they are missing; their names are durable on return."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


class TailFile:
    """The last segment, open for appending. Used by one thread at a time."""

    def __init__(self, segment: Segment, file: int, size: int) -> None:
        self.segment = segment
        self.size = size
        self._file = file
        self._durable_size = size

    @classmethod
    def create(cls, folder: Path, first: int) -> TailFile:
        """Make the segment that begins with frame *first*; its name is durable on return."""
        path = folder / f"{first:020}{SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            sync_folder(folder)
        except BaseException:
            os.close(file)
            raise
        return cls(Segment(first, path), file, size=0)

    @classmethod
    def reopen(cls, segment: Segment, size: int) -> TailFile:
        """Open *segment*, drop what lies beyond *size*, and make the rest durable.

        A process that was killed may have left frames that only the page cache holds.
        """
        file = os.open(segment.path, os.O_WRONLY | os.O_APPEND)
        try:
            if os.fstat(file).st_size > size:
                os.ftruncate(file, size)
            sync_file(file)
            sync_folder(segment.path.parent)
        except BaseException:
            os.close(file)
            raise
        return cls(segment, file, size)

    def append(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Write *buffers* at the end, in as few calls as the system allows."""
        for first in range(0, len(buffers), _BUFFERS_PER_WRITE):
            self._write(buffers[first : first + _BUFFERS_PER_WRITE])

    def sync(self) -> None:
        """Make all that was appended durable."""
        sync_file(self._file)
        self._durable_size = self.size

    def give_up(self) -> None:
        """Drop what was appended since the last sync, after a write or a sync failed.

        Linux may call pages clean that never reached the disk. Left alone, the next
        process would read them from memory and build on frames that a power cut takes away.
        """
        with suppress(OSError):
            os.ftruncate(self._file, self._durable_size)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, buffers: Sequence[bytes | memoryview]) -> None:
        left = [memoryview(buffer) for buffer in buffers]
        while left:
            written = os.writev(self._file, left)
            self.size += written
            while left and written >= left[0].nbytes:
                written -= left.pop(0).nbytes
            if written:
                left[0] = left[0][written:]


def sync_file(file: int) -> None:
    """Make the content of an open file durable."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # fsync leaves the data in the drive's own memory there
    else:
        os.fdatasync(file)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
