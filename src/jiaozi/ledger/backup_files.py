"""What a backup is made of: its manifest, read strictly, and files that are copied and counted.

Whoever can write to a backup can write anything: names that lead out of the folder, links,
sizes that fill the disk. A name is therefore one that an office has, or the manifest is
refused; a file is plain and opened through no link; and no more is read than was promised.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from jiaozi.errors import BackupError
from jiaozi.ledger.journal.segments import sync_file

FORMAT = 1
MANIFEST = "manifest.json"
FILES = "files"
STORE = "office.sqlite"
JOURNAL = "journal"
KEYS = "keys"
MAX_MANIFEST_BYTES = 64 << 20
"""Some 300,000 files: twenty terabytes of journal."""

_CHUNK_BYTES = 1 << 20
_NAME = re.compile(
    r"journal/[0-9]{20}\.jzj|office\.sqlite|(?:checkpoints|enacted|outbox|keys)/(?!\.)[^/\\\x00-\x1f\x7f]{1,200}"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup: its name in the office, its size, its digest."""

    name: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. `checksum` covers the rest, so that no bit of it turns unnoticed."""

    format: int
    made: str
    first_hash: str
    frames: int
    head_hash: str
    files: list[Stored]
    checksum: str = ""

    def content(self) -> bytes:
        """Return the bytes of the file, with the checksum they must have."""
        bare = msgspec.structs.replace(self, checksum="")
        checksum = hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
        whole = msgspec.structs.replace(self, checksum=checksum)
        return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.files)


def is_name(name: str) -> bool:
    """Return whether a file of an office may be called *name*."""
    return _NAME.fullmatch(name) is not None


def read_manifest(backup: Path) -> Manifest:
    """Return what the backup in *backup* says that it holds. Raises `BackupError` for anything unsound."""
    path = backup / MANIFEST
    if not os.path.lexists(path):
        raise BackupError(
            f"no whole backup in {backup}: it has no {MANIFEST}, which is written last; it was interrupted, "
            "or never begun"
        )
    with reading(path) as file:
        size = os.fstat(file).st_size
        if size > MAX_MANIFEST_BYTES:
            raise BackupError(f"{path} has {size:,} bytes, more than a manifest may have")
        raw = b"".join(_chunks(file, size))
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        is_whole = manifest.content() == raw
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise BackupError(f"{path} is no manifest of a backup: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{path} has format {manifest.format}, unknown here; use the Jiaozi that wrote it")
    if not is_whole:
        raise BackupError(f"{path} is not what was written: its checksum does not hold")
    seen: set[str] = set()
    for each in manifest.files:
        if not is_name(each.name):
            raise BackupError(f"{path} names {each.name[:100]!r}, which is no file of an office")
        if each.name in seen:
            raise BackupError(f"{path} names {each.name!r} twice")
        if not _DIGEST.fullmatch(each.sha256) or each.bytes < 0:
            raise BackupError(f"{path} has no sound size and digest for {each.name!r}")
        seen.add(each.name)
    return manifest


def is_plain(path: Path) -> bool:
    return os.path.lexists(path) and stat.S_ISREG(path.lstat().st_mode)


def must_be_folder(path: Path) -> None:
    if not os.path.lexists(path) or not stat.S_ISDIR(path.lstat().st_mode):
        raise BackupError(f"{path} is not what a backup has there; use another backup")


@contextmanager
def reading(path: Path) -> Iterator[int]:
    """Open a plain file, never through a link, and never one that makes its reader wait."""
    if not is_plain(path):
        raise BackupError(f"{path} is no plain file")
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield file
    finally:
        os.close(file)


def _chunks(file: int, limit: int | None) -> Iterator[bytes]:
    """Give the bytes of an open file from its beginning, at most *limit*."""
    left = limit
    while left is None or left > 0:
        chunk = os.read(file, _CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left))
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk


def copy(source: int, target: Path, *, mode: int, limit: int | None) -> tuple[int, str]:
    """Copy an open file into a new one, durable on return; return how many bytes and their digest."""
    digest, size = hashlib.sha256(), 0
    file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        for chunk in _chunks(source, limit):
            digest.update(chunk)
            size += len(chunk)
            _write_all(file, chunk)
        sync_file(file)
    finally:
        os.close(file)
    return size, digest.hexdigest()


def write(path: Path, content: bytes, *, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        _write_all(file, content)
        sync_file(file)
    finally:
        os.close(file)


def _write_all(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with reading(path) as file:
        for chunk in _chunks(file, None):
            digest.update(chunk)
    return digest.hexdigest()
