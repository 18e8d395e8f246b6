"""A disk that remembers: every write, sync and change of a name under a folder, in order.

`recording` watches the calls of `os` that change files. What a power cut may leave
of them is made by `images.py`. The rules are those that POSIX promises and no
kinder: bytes are safe after a sync of their file, a name after a sync of its folder;
anything else may be lost or kept, in any subset and order.

What was written by other ways than `os` (SQLite, `open`) is not seen; `check_whole`
finds that out.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(eq=False)
class File:
    """A file, whatever its names are, with the bytes it had when recording began."""

    start: bytes = b""


@dataclass(eq=False)
class Folder:
    """A folder, with the names in it when recording began."""

    start: dict[str, File | Folder] = field(default_factory=dict)
    names: dict[str, File | Folder] = field(default_factory=dict)  # as a living process sees them


@dataclass(frozen=True)
class Write:
    """*data* at *offset* of *file*."""

    file: File
    offset: int
    data: bytes


@dataclass(frozen=True)
class Resize:
    file: File
    size: int


@dataclass(frozen=True)
class Sync:
    """All that was done to *what* before is safe."""

    what: File | Folder


@dataclass(frozen=True)
class Rename:
    """In *folder*, *removed* goes and *name* comes to mean *what*, both or neither. Either may be None."""

    folder: Folder
    removed: str | None
    name: str | None
    what: File | Folder | None


@dataclass(frozen=True)
class Note:
    """Something that the world outside was told at this point."""

    what: Any


Event = Write | Resize | Sync | Rename | Note


class Disk:
    """What happened under *root*, and the files as they are now."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.top = _read(self.root)
        self.events: list[Event] = []
        self.is_held = False
        self._lock = threading.RLock()
        self._open: dict[
            int, tuple[File | Folder, list[int], bool]
        ] = {}  # what, [position], is for appending
        self._sizes: dict[File, int] = {}

    def note(self, what: Any) -> None:
        """Say at this point of the record that the world outside was told *what*."""
        with self._lock:
            self.events.append(Note(what))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing through to the disk meanwhile, so that what waits shares one flush."""
        with self._lock:
            self.is_held = True
            try:
                yield
            finally:
                self.is_held = False

    # -- the calls of `os`, recorded once they have succeeded ---------------------

    def open(self, real: Callable[..., int], path: Any, flags: int, *rest: Any, **named: Any) -> int:
        place = self._place(path)
        if place is None:
            return real(path, flags, *rest, **named)
        with self._lock:
            file = real(path, flags, *rest, **named)
            folder, name = place
            what = folder.names.get(name) if name else folder
            if what is None:
                what = File()
                self._change(folder, None, name, what)
            if flags & os.O_TRUNC and isinstance(what, File) and self._size(what):
                self._resize(what, 0)
            self._open[file] = what, [0], bool(flags & os.O_APPEND)
            return file

    def close(self, real: Callable[..., None], file: int) -> None:
        with self._lock:
            self._open.pop(file, None)
            real(file)

    def write(self, real: Callable[..., int], file: int, data: Any) -> int:
        return self._write(file, lambda: real(file, data), [data], None)

    def writev(self, real: Callable[..., int], file: int, buffers: Any) -> int:
        return self._write(file, lambda: real(file, buffers), buffers, None)

    def pwrite(self, real: Callable[..., int], file: int, data: Any, offset: int) -> int:
        return self._write(file, lambda: real(file, data, offset), [data], offset)

    def ftruncate(self, real: Callable[..., None], file: int, size: int) -> None:
        with self._lock:
            real(file, size)
            if file in self._open:
                what = self._open[file][0]
                assert isinstance(what, File)
                self._resize(what, size)

    def truncate(self, real: Callable[..., None], path: Any, size: int) -> None:
        with self._lock:
            real(path, size)
            if (place := self._place(path)) is not None:
                what = place[0].names[place[1]]
                assert isinstance(what, File)
                self._resize(what, size)

    def fsync(self, real: Callable[..., None], file: int) -> None:
        with self._lock:
            real(file)
            if file in self._open:
                self.events.append(Sync(self._open[file][0]))

    fdatasync = fsync

    def rename(self, real: Callable[..., None], old: Any, new: Any) -> None:
        with self._lock:
            real(old, new)
            here, there = self._place(old), self._place(new)
            if here is None and there is None:
                return
            assert here is not None
            assert there is not None
            assert here[0] is there[0], "a name that moves between folders is not modelled"
            self._change(here[0], here[1], there[1], here[0].names[here[1]])

    replace = rename

    def unlink(self, real: Callable[..., None], path: Any, **named: Any) -> None:
        with self._lock:
            real(path, **named)
            if (place := self._place(path)) is not None:
                self._change(place[0], place[1], None, None)

    remove = unlink
    rmdir = unlink

    def mkdir(self, real: Callable[..., None], path: Any, *rest: Any, **named: Any) -> None:
        with self._lock:
            real(path, *rest, **named)
            if (place := self._place(path)) is not None:
                self._change(place[0], None, place[1], Folder())

    # -- what they share ----------------------------------------------------------

    def _write(self, file: int, real: Callable[[], int], buffers: Any, offset: int | None) -> int:
        with self._lock:
            written = real()
            if file in self._open:
                what, position, appends = self._open[file]
                assert isinstance(what, File)
                at = offset if offset is not None else self._size(what) if appends else position[0]
                data = b"".join(bytes(memoryview(buffer).cast("B")) for buffer in buffers)[:written]
                self.events.append(Write(what, at, data))
                self._sizes[what] = max(self._size(what), at + written)
                if offset is None:
                    position[0] = at + written
            return written

    def _size(self, file: File) -> int:
        return self._sizes.get(file, len(file.start))

    def _resize(self, file: File, size: int) -> None:
        self.events.append(Resize(file, size))
        self._sizes[file] = size

    def _change(
        self, folder: Folder, removed: str | None, name: str | None, what: File | Folder | None
    ) -> None:
        self.events.append(Rename(folder, removed, name, what))
        if removed is not None:
            folder.names.pop(removed, None)
        if name is not None and what is not None:
            folder.names[name] = what

    def _place(self, path: Any) -> tuple[Folder, str] | None:
        """Return the folder and the name in it that *path* means; None outside of the root.

        The root itself is the folder and an empty name.
        """
        if isinstance(path, int):
            return None
        try:
            parts = Path(os.path.abspath(os.fspath(path))).relative_to(self.root).parts  # noqa: PTH100
        except ValueError:
            return None
        folder = self.top
        for part in parts[:-1]:
            inner = folder.names.get(part)
            if not isinstance(inner, Folder):
                return None
            folder = inner
        if not parts:
            return folder, ""
        last = folder.names.get(parts[-1])
        return (last, "") if isinstance(last, Folder) else (folder, parts[-1])


def _read(path: Path) -> Folder:
    names: dict[str, File | Folder] = {
        each.name: _read(each) if each.is_dir() else File(each.read_bytes()) for each in path.iterdir()
    }
    return Folder(dict(names), names)


CALLS = (
    "open", "close", "write", "writev", "pwrite", "ftruncate", "truncate", "fsync", "fdatasync",
    "rename", "replace", "unlink", "remove", "rmdir", "mkdir",
)  # fmt: skip


@contextmanager
def recording(root: Path) -> Iterator[Disk]:
    """Record what this process does to the files under *root*. Files open already are not seen."""
    disk = Disk(root)
    real = {name: getattr(os, name) for name in CALLS}

    def seen(name: str) -> Callable[..., Any]:
        return lambda *given, **named: getattr(disk, name)(real[name], *given, **named)

    for name in CALLS:
        setattr(os, name, seen(name))
    try:
        yield disk
    finally:
        for name in CALLS:
            setattr(os, name, real[name])
