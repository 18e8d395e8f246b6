"""A disk that is full, for real: a small file system where mounting is allowed, else a limit on the size of files."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FULL = "No space left on device|File too large|database or disk is full"
"""What the system says, and SQLite."""

KINDS = ("small file system", "limit on files")


class Small(ABC):
    """A folder on a disk that can be filled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def fill(self, left: int) -> None:
        """Leave about *left* bytes."""

    @abstractmethod
    def free(self) -> None:
        """Make room again."""


class SmallFileSystem(Small):
    """A tmpfs of a few mebibytes, filled by a file of zeros."""

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self, left: int) -> None:
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(file, bytes(1 << 16))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.ftruncate(file, max(os.fstat(file).st_size - left, 0))
        finally:
            os.close(file)

    def free(self) -> None:
        self._ballast.unlink()


class LimitOnFiles(Small):
    """No file may grow by more than what is left beyond the largest there is. Python ignores SIGXFSZ."""

    def fill(self, left: int) -> None:
        sizes = [path.stat().st_size for path in self.path.rglob("*") if path.is_file()]
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes, default=0) + left, resource.RLIM_INFINITY))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def small_disk(kind: str, folder: Path, *, mebibytes: int = 4) -> Iterator[Small]:
    """Give a small disk of *kind* in *folder*; skip the test where that cannot be had."""
    folder.mkdir()
    if kind == "limit on files":
        if resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY:
            pytest.skip("files are limited in size here already; the test could not lift its own limit again")
        small: Small = LimitOnFiles(folder)
        try:
            yield small
        finally:
            small.free()
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here, so no small file system; a limit on files is tried instead")
    if mounted.returncode != 0:
        pytest.skip(f"no small file system may be mounted here ({mounted.stderr.strip()}); root may")
    try:
        yield SmallFileSystem(folder)
    finally:
        # Lazily: a ledger that a failed test left open must not keep it.
        subprocess.run(["umount", "-l", str(folder)], check=True)
