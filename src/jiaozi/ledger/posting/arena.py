"""Memory for large arrays: asked for far beyond the need, taken only where it is written.

An array that has to grow is copied, and payments wait for the copy. Address space
costs nothing, so an array is reserved many times larger than it will ever be, and
grows where it lies. The first write to a page makes the system find and clear it: for
1 GiB that took 1.7 s in pages of 4 KiB, and 0.07 s in pages of 2 MiB, which are asked for here.
Memory that a virtual machine has never used took 2.7 s more, whatever the page; against
that helps `populate` alone, from another thread and ahead of need. Printed by bench/idtable.py.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALL_BYTES = 1 << 20
"""Arrays below this are plain zeros: a mapping of their own would cost more than it saves."""

_PAGE = mmap.PAGESIZE
_LARGE_PAGE = 1 << 21
_STEP_BYTES = 1 << 20
_MAP_NORESERVE = 0x4000
_MADV_POPULATE_WRITE = 23
_IS_LINUX = sys.platform == "linux"


def reserve(dtype: DTypeLike, rows: int, *, least: int = 0) -> NDArray[Any]:
    """Return zeros, (rows,) of *dtype*, that take memory only where they are written.

    Where that much address space is refused (a limit on the process, or a system that
    promises no more than it has), the array is shorter: its length says how many rows
    there are, never fewer than *least*. Raises MemoryError when not even these can be had.
    """
    kind = np.dtype(dtype)
    assert 0 <= least <= rows
    if not _IS_LINUX or rows * kind.itemsize < SMALL_BYTES:
        return np.zeros(rows, dtype=kind)
    array = _anonymous(kind, rows)
    if array is not None:
        return array
    # What the process may still address is scarce. We find out how much that is, and take a
    # quarter: a table that took it all would leave nothing for the next array.
    while rows > least and rows * kind.itemsize >= SMALL_BYTES and array is None:
        rows = max(rows // 2, least)
        array = _anonymous(kind, rows)
    del array
    rows = max(rows // 4, least)
    array = _anonymous(kind, rows) if rows * kind.itemsize >= SMALL_BYTES else np.zeros(rows, dtype=kind)
    if array is None:
        raise MemoryError(
            f"no address space for {rows:,} rows of {kind.itemsize} bytes; "
            "raise the limit on the process's memory (ulimit -v) or use a machine with more"
        )
    return array


def _anonymous(kind: np.dtype[Any], rows: int) -> NDArray[Any] | None:
    """Return *rows* rows of fresh memory in large pages, or None when they are refused."""
    size = -(-rows * kind.itemsize // _PAGE) * _PAGE
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
    except (OSError, OverflowError):
        return None
    array = np.frombuffer(memory, dtype=kind, count=rows)
    # The first large page stays in small ones: an array of which little is used costs little.
    skip = _LARGE_PAGE - _address(array) % _LARGE_PAGE
    if size >= skip + _LARGE_PAGE:
        _advise_large_pages(memory, skip, size - skip)
    return array


def _advise_large_pages(memory: mmap.mmap, start: int, length: int) -> None:
    try:
        memory.madvise(mmap.MADV_HUGEPAGE, start, length)
    except OSError as error:
        # A system built without large pages answers EINVAL; the array works as well in small ones.
        if error.errno != errno.EINVAL:
            raise


def populate(array: NDArray[Any], first: int, last: int) -> None:
    """Find memory for rows *first* to *last* of *array*, so that writing them waits for nothing.

    No row changes, whoever writes them meanwhile, and other threads of Python go on.
    It is a favour: where the system cannot do it, the first write will, and nothing is raised.
    """
    assert array.flags.c_contiguous
    first, last = max(first, 0), min(last, len(array))
    if first >= last:
        return
    width = array.strides[0]
    # Only whole pages inside of the array: its neighbours in memory are none of our business.
    begin = _address(array) + first * width
    end = _address(array) + last * width
    start, stop = -(-begin // _PAGE) * _PAGE, end // _PAGE * _PAGE
    # One large page at a time: whoever asks the system for memory meanwhile waits for the one only. In one
    # call, payments waited a tenth of a second behind it.
    for at in range(start, stop, _LARGE_PAGE):
        if _madvise is None or _madvise(at, min(_LARGE_PAGE, stop - at), _MADV_POPULATE_WRITE) != 0:
            _read_through(array[first:last])
            return


def _read_through(rows: NDArray[Any]) -> None:
    """Read one byte of each page, for systems before Linux 5.14: a write here could undo another thread's."""
    rows.reshape(-1).view(np.uint8)[::_PAGE].max()


class Scratch:
    """Zeros in a file without a name, for arrays larger than memory; what it holds ends with the process.

    The file is sparse: disk is taken where a row was written. A disk that is full by then ends the
    process (SIGBUS), so `take` takes disk before rows are used. Nobody else can open the file, nothing
    is left of it even by `kill -9`, and its disk is free again once the array is gone.
    """

    rows: NDArray[Any]
    """(rows,) of the dtype asked for."""

    def __init__(self, folder: Path, dtype: DTypeLike, rows: int) -> None:
        """Make the file in *folder*, which exists. Raises OSError when it cannot be had."""
        assert rows > 0
        self._folder = folder
        self._width = np.dtype(dtype).itemsize
        self._taken_bytes = 0
        size = rows * self._width
        try:
            with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                os.ftruncate(file.fileno(), size)
                memory = mmap.mmap(file.fileno(), size, flags=mmap.MAP_SHARED)
                self._file = os.dup(file.fileno())
        except OSError as error:
            raise self._told(f"a file of {size:,} bytes", error) from error
        weakref.finalize(self, os.close, self._file)
        self.rows = np.frombuffer(memory, dtype=dtype, count=rows)

    def take(self, rows: int) -> None:
        """Take disk for the first *rows* rows, whose content stays as it is.

        Raises OSError when there is none; rows that had their disk keep it.
        """
        wanted = rows * self._width
        if wanted <= self._taken_bytes:
            return
        assert rows <= len(self.rows)
        wanted = min(-(-wanted // _STEP_BYTES) * _STEP_BYTES, len(self.rows) * self._width)
        try:
            # Asked first: a file system finds out that it is full by filling itself.
            disk = os.fstatvfs(self._file)
            if wanted - self._taken_bytes > disk.f_bavail * disk.f_frsize:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.posix_fallocate(self._file, self._taken_bytes, wanted - self._taken_bytes)
        except OSError as error:
            raise self._told(f"{wanted:,} bytes", error) from error
        self._taken_bytes = wanted

    def _told(self, what: str, error: OSError) -> OSError:
        reason = f"{self._folder}: no disk for {what} ({error.strerror})"
        return OSError(error.errno, f"{reason}; make room there or choose another disk")


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _find_madvise() -> Any:
    """Return the C library's `madvise`, which runs without Python's lock; None where there is none."""
    if not _IS_LINUX:
        return None
    function = ctypes.CDLL(None).madvise
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    function.restype = ctypes.c_int
    return function


_madvise = _find_madvise()
