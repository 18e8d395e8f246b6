"""How a publication gets into its place: all of it at once, and over nothing of somebody else's.

The new files are written into a folder beside, a file that stays the same is the
same file by a hard link, and the two folders change places in one step. A reader
who asks in between gets the old site or the new one. A run that is killed leaves
the old one, and the folder beside for the next run to clear away. Where the system
cannot exchange two folders, a run that is killed may leave the old site beside; the
next run puts it back first.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jiaozi.errors import ProofError

MARKER = "publication.json"
SUMS = "SHA256SUMS"
FORMAT = "jiaozi-publication-1"

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder above *folder*, made if need be, against a second run. Raises `ProofError` while one runs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another run is publishing into {folder.parent}; try again when it is done"
            raise ProofError(message) from None
        yield
    finally:
        os.close(handle)


def restore(folder: Path) -> Path | None:
    """Put back what a run left beside that was killed between the two renames; call it under `locked`.

    Return the folder beside if there is one still, because *folder* has a publication of its own:
    notes in it may have signatures that are nowhere else. `put` clears it away.
    """
    if not _is_left(folder):
        return None
    before = _before(folder)
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()
    if folder.exists() or folder.is_symlink():
        return before
    before.rename(folder)
    _sync(folder.parent)
    return None


def marker(coin_id: str, origin: str) -> bytes:
    """Return the file that says whose publication a folder is."""
    return (json.dumps({"format": FORMAT, "coin": coin_id, "origin": origin}, indent=2) + "\n").encode()


def sums(site: Mapping[str, bytes]) -> bytes:
    """Return a line with the hash of every file of *site*, as `sha256sum -c` reads it."""
    return "".join(f"{hashlib.sha256(site[path]).hexdigest()}  {path}\n" for path in sorted(site)).encode()


def check(folder: Path, coin_id: str) -> None:
    """Raise `ProofError` unless *folder* is new, empty, or a publication of *coin_id* and nothing else."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise ProofError(f"{folder} is no folder; name one that is new or empty")
    there = {str(path.relative_to(folder)) for path in _files(folder)}
    if not there:
        return
    try:
        found = json.loads((folder / MARKER).read_text("utf-8"))
        coin = found["coin"] if found["format"] == FORMAT else None
        listed = set(re.findall(r"(?m)^[0-9a-f]{64}  (.+)$", (folder / SUMS).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        coin, listed = None, set()
    if coin is None:
        raise ProofError(f"{folder} is neither empty nor a publication; name another folder")
    if coin != coin_id:
        raise ProofError(f"{folder} is the publication of {str(coin)[:80]!a}; name another one for {coin_id}")
    foreign = sorted(there - listed - {SUMS})
    if foreign:
        raise ProofError(
            f"{folder} has {foreign[0]!a}, which is no part of the publication; move it elsewhere"
            f"{f', and {len(foreign) - 1:,} more' if len(foreign) > 1 else ''}"
        )


def put(site: Mapping[str, bytes], folder: Path) -> int:
    """Make *folder* hold exactly *site*, path to content; return how many files are new or changed.

    Call it when `check` found nothing, under `locked`. Nothing is touched when nothing changed.
    """
    same = {path for path, data in site.items() if _is_same(folder / path, data)}
    there = {str(path.relative_to(folder)) for path in _files(folder)} if folder.is_dir() else set()
    if same == set(site) == there:
        _clear_left(folder)
        return 0
    beside = folder.with_name(f".{folder.name}.publishing")
    _clear(beside)
    beside.mkdir()
    for path, data in site.items():
        target = beside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in same:
            _link(folder / path, target)
        else:
            _write(target, data)
    for place in (beside, *(path for path in beside.rglob("*") if path.is_dir())):
        place.chmod(0o755)
        _sync(place)
    if folder.is_dir():
        shutil.copymode(folder, beside)
    _swap(beside, folder)
    _sync(folder.parent)
    _clear(beside)
    _clear_left(folder)
    return len(site) - len(same)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        # A link to a folder is nothing that was published, so it counts as a file.
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in (*files, *links))


def _is_same(path: Path, data: bytes) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _link(path: Path, target: Path) -> None:
    """Let *target* be the file at *path*; a copy where there are no hard links, or none for this user."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _before(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")


def _is_left(folder: Path) -> bool:
    """Return whether a publication was left beside; a folder of that name may be somebody else's."""
    return not _before(folder).is_symlink() and (_before(folder) / MARKER).is_file()


def _clear_left(folder: Path) -> None:
    if _is_left(folder):
        _clear(_before(folder))


def _clear(beside: Path) -> None:
    if beside.exists():
        shutil.rmtree(beside)


def _swap(beside: Path, folder: Path) -> None:
    """Let the two folders change places; *folder* need not exist.

    Linux does it in one step. Elsewhere there are two, and between them there is no site for a moment.
    """
    if not folder.exists():
        beside.rename(folder)
        return
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is not None:
        names = (os.fsencode(beside), os.fsencode(folder))
        if exchange(_HERE, ctypes.c_char_p(names[0]), _HERE, ctypes.c_char_p(names[1]), _EXCHANGE) == 0:
            return
    before = _before(folder)
    _clear(before)
    folder.rename(before)
    beside.rename(folder)
    before.rename(beside)
