"""The lock that keeps a second process from writing the same journal."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from jiaozi.errors import JournalBusy


def take_lock(folder: Path) -> int:
    """Take the writer's lock on *folder* and return the open file that holds it.

    The lock goes with the process, however that ends, so there is never a stale one
    to clean up. A child made by `fork` without `exec` shares it until it ends.
    Raises `JournalBusy` when another process, or another journal in this one, holds it.
    """
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        holder = os.pread(file, 20, 0).decode(errors="replace") or "unknown"
        os.close(file)
        raise JournalBusy(
            f"process {holder} writes the journal in {folder}; stop it first, "
            "or read with read_frames, which needs no lock"
        ) from None
    except BaseException:
        os.close(file)
        raise
    return file
