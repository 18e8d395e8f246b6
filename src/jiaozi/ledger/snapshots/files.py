"""The file of a snapshot: named parts, then a head that says what they are.

    8 bytes   magic, `JZSNAP1` and a line break
    parts     one after the other, without a gap
    head      JSON: which frame, what the state's digest is, each part's length and digest
    end       48 bytes: length of the head (u64, little-endian), SHA-256 of the head, magic again

The head comes last because the digests are known last: a part goes to the disk as
it is made, and no second copy of it is held. Every byte of the file is covered. A part's
digest is one of pieces (`digests`), so several threads read a part, check it and look into it.

A file has its name, `00000000000000000042.jzs` after the frame it was taken at,
only once all of it is durable. What a crash leaves has the suffix `.tmp`; the next
one to write a snapshot removes it. The checksums tell what a disk or a crash did.
They are no signature: who can write the folder can write a false snapshot.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.digests import PIECE_BYTES, LongDigest
from jiaozi.ledger.journal.segments import sync_file, sync_folder

FORMAT = "jiaozi snapshot 3"
SUFFIX = ".jzs"
MAGIC = b"JZSNAP1\n"
CHUNK_BYTES = PIECE_BYTES
"""What is read or written at once."""

READERS = min(os.cpu_count() or 1, 4)
"""Threads that read a part: as many as there are processors, but four keep any disk busy."""

READ_AHEAD = 2 * READERS
"""Pieces that are read or wait at any time."""

_NAME = re.compile(r"\d{20}\.jzs")
_END = struct.Struct("<Q32s8s")
_MAX_HEAD_BYTES = 1 << 20
_SYNC_BYTES = 64 << 20

Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

Look = Callable[[NDArray[Any]], None]
Reading = Generator[NDArray[Any], None, bytes]


class Unfit(Exception):
    """A file cannot be used as a snapshot, and why. Never leaves the ledger: another one is taken."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file: its name, its length and its digest."""

    name: str
    bytes: Count
    digest: Hex


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot says of itself. `hash`, `instant` and `law` are those of the frame `sequence`."""

    format: str
    sequence: Count
    hash: Hex
    instant: int
    law: Hex
    accounts: Count
    coins: Count
    ids: Count
    state: Hex
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that looked like a snapshot and was not used."""

    path: Path
    why: str


def list_files(folder: Path) -> tuple[list[Path], list[PassedOver]]:
    """Return the snapshots in *folder*, newest first, and files that only look like one."""
    if not folder.is_dir():
        return [], []
    found, odd = [], []
    for path in sorted(folder.iterdir(), reverse=True):
        if path.suffix != SUFFIX:
            continue
        if _NAME.fullmatch(path.name) and path.is_file():
            found.append(path)
        else:
            odd.append(
                PassedOver(path, f"it is not a file named like a snapshot: twenty digits and {SUFFIX}")
            )
    return found, odd


def remove_leftovers(folder: Path) -> None:
    """Remove what crashes left of unfinished snapshots. Only who holds the lock may."""
    for path in folder.glob(f"*{SUFFIX}.tmp"):
        with suppress(OSError):
            path.unlink()


class SnapshotWriter:
    """A snapshot on its way to the disk. Left without `finish`, nothing remains of it.

    Raises `OSError` when the disk fails or is full; the snapshots before stand as they stood.
    """

    def __init__(self, folder: Path, sequence: int) -> None:
        self.path = folder / f"{sequence:020}{SUFFIX}"
        self._temporary = folder / f"{self.path.name}.tmp"
        self._file = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        self._unsynced = 0
        self._parts: list[Part] = []
        self._is_finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        if not self._is_finished:
            with suppress(OSError):
                self._temporary.unlink()

    def part(self, name: str, pieces: Iterable[bytes | memoryview]) -> bytes:
        """Write a part, in pieces of any length; return its digest."""
        if not self._parts:
            self._write(MAGIC)
        whole, size = LongDigest(), 0
        for piece in pieces:
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), CHUNK_BYTES):
                chunk = view[start : start + CHUNK_BYTES]
                whole.update(chunk)
                self._write(chunk)
            size += len(view)
        self._parts.append(Part(name, size, whole.digest().hex()))
        return whole.digest()

    def finish(self, head: Callable[[list[Part]], Head]) -> int:
        """Write the head, make all of it durable, give it its name; return the length of the file."""
        raw = msgspec.json.encode(head(self._parts))
        assert len(raw) <= _MAX_HEAD_BYTES
        self._write(raw)
        self._write(_END.pack(len(raw), hashlib.sha256(raw).digest(), MAGIC))
        sync_file(self._file)
        size = os.fstat(self._file).st_size
        self._temporary.replace(self.path)
        self._is_finished = True
        sync_folder(self.path.parent)
        return size

    def _write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while len(view):
            written = os.write(self._file, view)
            view = view[written:]
            self._unsynced += written
        if self._unsynced >= _SYNC_BYTES:
            # In steps: the journal's own flush would wait behind gigabytes.
            sync_file(self._file)
            self._unsynced = 0


class SnapshotReader:
    """A snapshot opened: its head, and its parts by name, each checked while it is read. Raises `Unfit`."""

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        """Open the snapshot at *path*, which must have the parts *names*, in this order."""
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise Unfit(f"it cannot be opened: {error}") from error
        try:
            self.head, self._starts = self._read_head(path, list(names))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def size(self, name: str) -> int:
        return self._starts[name][1].bytes

    def whole(self, name: str) -> bytes:
        """Return a part at once."""
        start, part = self._starts[name]
        data = self._pread(part.bytes, start, name)
        if LongDigest(data).digest().hex() != part.digest:
            raise Unfit(f"its part {name} is not what its head says")
        return data

    def into(self, name: str, pieces: Iterable[NDArray[Any]], look: Look) -> bytes:
        """Read a part into *pieces*, which together have its length; threads *look* at each, in any order.

        All but the last are of `CHUNK_BYTES`. Return the digest of the part, which was checked.
        Believe nothing of what *look* saw before.
        """
        reading = self.given(name, pieces, look)
        while True:
            try:
                next(reading)
            except StopIteration as over:
                digest: bytes = over.value
                return digest

    def given(self, name: str, pieces: Iterable[NDArray[Any]], look: Look) -> Reading:
        """Like `into`, and give each piece in its order; the digest is what the generator returns.

        A piece may be used again for one `READ_AHEAD` further on.
        """
        start, part = self._starts[name]
        whole, at = LongDigest(), start
        waiting: deque[tuple[NDArray[Any], Future[bytes]]] = deque()

        def read(piece: NDArray[Any], at: int) -> bytes:
            raw = piece.reshape(-1).view(np.uint8).data
            self._fill(raw, at, name)
            digest = hashlib.sha256(raw).digest()
            look(piece)
            return digest

        def next_read() -> tuple[NDArray[Any], bytes]:
            piece, future = waiting.popleft()
            return piece, future.result()

        pool = ThreadPoolExecutor(READERS, thread_name_prefix="jiaozi-snapshot")
        try:
            for piece in pieces:
                waiting.append((piece, pool.submit(read, piece, at)))
                at += piece.nbytes
                if len(waiting) == READ_AHEAD:
                    done, digest = next_read()
                    whole.add_piece(digest)
                    yield done
            while waiting:
                done, digest = next_read()
                whole.add_piece(digest)
                yield done
        finally:
            pool.shutdown(cancel_futures=True)  # nobody writes into a piece once this is over
        assert at == start + part.bytes
        if whole.digest().hex() != part.digest:
            raise Unfit(f"its part {name} is not what its head says")
        return whole.digest()

    def _read_head(self, path: Path, names: list[str]) -> tuple[Head, dict[str, tuple[int, Part]]]:
        size = os.fstat(self._file.fileno()).st_size
        if size < len(MAGIC) + _END.size:
            raise Unfit(f"it has {size} bytes, less than the smallest snapshot")
        if self._pread(len(MAGIC), 0, "beginning") != MAGIC:
            raise Unfit("it does not begin like a snapshot")
        length, digest, magic = _END.unpack(self._pread(_END.size, size - _END.size, "end"))
        if magic != MAGIC:
            raise Unfit("it does not end like a snapshot; it was cut, or written by a newer Jiaozi")
        room = size - len(MAGIC) - _END.size
        if length > min(room, _MAX_HEAD_BYTES):
            raise Unfit(f"it claims a head of {length} bytes")
        raw = self._pread(length, size - _END.size - length, "head")
        if hashlib.sha256(raw).digest() != digest:
            raise Unfit("its head is not what was written")
        try:
            head = msgspec.json.decode(raw, type=Head)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise Unfit(f"its head cannot be read: {error}") from None
        if head.format != FORMAT:
            raise Unfit(f"its format is {head.format!r:.60}, this Jiaozi reads {FORMAT!r}")
        if path.stem != f"{head.sequence:020}":
            raise Unfit(f"it is of frame {head.sequence}, its name says another")
        found = [part.name for part in head.parts]
        if found != names:
            raise Unfit(f"it has the parts {found!r:.200}, this Jiaozi reads {names}")
        starts, at = {}, len(MAGIC)
        for part in head.parts:
            starts[part.name] = at, part
            at += part.bytes
        if at != len(MAGIC) + room - length:
            raise Unfit(
                f"its parts end at byte {at} by its head, and at {len(MAGIC) + room - length} in truth"
            )
        return head, starts

    def _pread(self, size: int, at: int, what: str) -> bytes:
        data = bytearray(size)  # never more than the file has: the head was checked against its size
        self._fill(memoryview(data), at, what)
        return bytes(data)

    def _fill(self, raw: memoryview, at: int, what: str) -> None:
        while len(raw):
            try:
                count = os.preadv(self._file.fileno(), [raw], at)
            except OSError as error:
                raise Unfit(f"its {what} cannot be read: {error}") from error
            if count == 0:
                raise Unfit(f"it ends inside its {what}")
            raw, at = raw[count:], at + count
