"""The mark: how far the journal is known to be durable, so that an unfinished flush is told from damage.

Frames that share a flush reach the disk in any order. After a power cut the first of
them may be broken and the last one whole, and nobody was told of any. The same bytes
come of a disk that lost a frame it had promised to keep. The mark tells the two apart:
once a flush is done the writer notes its last frame here. A broken frame up to the mark
is damage; one behind it is an unfinished write.

The mark is not flushed with the frames, only when the journal is closed. After a power
cut it may therefore be behind, or gone, and never ahead. A process that is killed
leaves it exact.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import google_crc32c

from jiaozi.ledger.journal.segments import sync_file

NAME = "durable"

_MARK = struct.Struct("<8sQ")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"JZMARK1\n"


def read_mark(folder: Path) -> int:
    """Return the last frame that the journal in *folder* is known to have flushed; 0 when that is not known."""
    try:
        raw = (folder / NAME).read_bytes()
    except OSError:
        return 0
    mark, checksum = raw[: _MARK.size], raw[_MARK.size :]
    if len(mark) != _MARK.size or checksum != _CHECKSUM.pack(google_crc32c.value(mark)):
        return 0
    magic, sequence = _MARK.unpack(mark)
    return int(sequence) if magic == _MAGIC else 0


class Mark:
    """The mark of a journal that is being written. A disk that cannot take it stops nobody: less is known then."""

    def __init__(self, folder: Path, sequence: int) -> None:
        """Begin a mark at *sequence*: what opening found and made durable, whatever was noted before."""
        self._file: int | None = None
        with suppress(OSError):
            self._file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT, 0o640)
        self.set(sequence)

    def set(self, sequence: int) -> None:
        """Note that every frame up to *sequence* is durable."""
        mark = _MARK.pack(_MAGIC, sequence)
        if self._file is not None:
            with suppress(OSError):
                os.pwrite(self._file, mark + _CHECKSUM.pack(google_crc32c.value(mark)), 0)

    def close(self) -> None:
        """Keep the mark, even when the power goes next."""
        if self._file is not None:
            with suppress(OSError):
                sync_file(self._file)
            os.close(self._file)
            self._file = None
