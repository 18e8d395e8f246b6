"""Files that are put in their place whole or not at all, and are durable once they are there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path


def write_whole(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Put *data* at *path*, in place of what is there; durable on return, and nobody ever reads half of it.

    A file that is there keeps its rights unless *mode* names others. Raises `OSError`; what was there stands then.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("xb") as file:
            if mode is None and path.exists():
                mode = stat.S_IMODE(path.stat().st_mode)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
