"""The lock that keeps a second process from writing the same journal."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from jiaozi.errors import JournalBusy


def take_lock(folder: Path) -> int:
    """Take the writer's lock on *folder* and return the open file that holds it.

    The folder itself is locked. The file `lock` in it says who holds it, for people: whether
    it is copied, removed or out of date changes nothing. The lock goes with the process,
    however that ends, so there is never a stale one to clean up. A child made by `fork`
    without `exec` shares it until it ends.
    Raises `JournalBusy` when another process, or another journal in this one, holds it.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise JournalBusy(
            f"process {_holder(folder)} writes the journal in {folder}; stop it first, "
            "or read with read_frames, which needs no lock"
        ) from None
    except BaseException:
        os.close(file)
        raise
    with suppress(OSError):  # a full disk has no room for a name, and needs none to be locked
        _say_who(folder)
    return file


def _holder(folder: Path) -> str:
    with suppress(OSError):
        return (folder / "lock").read_bytes()[:20].decode(errors="replace") or "unknown"
    return "unknown"


def _say_who(folder: Path) -> None:
    file = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o640)
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
    finally:
        os.close(file)
