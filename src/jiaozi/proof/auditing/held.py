"""A note held while a signature is added to it.

Two who read the same note and write it with one more signature each would lose one
of the two. The folder is locked and not the file, because the file is replaced.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(note: Path) -> Iterator[None]:
    """Hold the folder of *note*; wait while somebody else does."""
    handle = os.open(note.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
