"""The disk as a power cut may leave it: a cut at any event, then any choice of what was not flushed.

Of each file the synced bytes stand. What was written since is kept or lost by the
sector, 512 or 4,096 bytes, whichever order it was written in; one sector may be torn
in the middle; the length is any it had since. Of each folder the synced names stand,
and each later change of a name is kept or lost, a rename whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.ledger.faults.disk import Disk, Event, File, Folder, Note, Rename, Resize, Sync, Write

STYLES = ("none", "all", "first", "any", "any", "any", "torn")
"""What is kept of the unsynced bytes of a file: nothing, all, the first writes, any sectors, any with one torn."""


def told_before(disk: Disk, cut: int) -> list[Any]:
    """Return what the world outside had been told when the power went at event *cut*."""
    return [event.what for event in disk.events[:cut] if isinstance(event, Note)]


def moment(disk: Disk, random: Random) -> int:
    """Return a moment for the power to go: any, or right before a flush, when most is at stake.

    Large writes are preferred: several frames in one flush are what goes to pieces.
    """
    if random.random() < 0.3:
        return random.randint(0, len(disk.events))
    flushes = [number for number, event in enumerate(disk.events) if isinstance(event, Sync)]
    return random.choices(flushes, [1 + _written(disk.events[number - 1]) // 4096 for number in flushes])[0]


def _written(event: Event) -> int:
    return min(len(event.data), 1 << 15) if isinstance(event, Write) else 0


def lay_out(disk: Disk, cut: int, folder: Path, random: Random) -> None:
    """Make *folder* the disk as it may look once the power went before event number *cut*."""
    style, sector = random.choice(STYLES), random.choice((512, 4096))
    _lay_folder(disk.top, disk.events[:cut], folder, random, style, sector)


def check_whole(disk: Disk) -> None:
    """Raise `AssertionError` unless the record, with nothing lost, gives the files as they are."""
    _compare(disk.top, disk.events, disk.root)


def _compare(top: Folder, events: Sequence[Event], path: Path) -> None:
    assert {each.name for each in path.iterdir()} == set(top.names), f"{path}: names changed unseen"
    for name, what in top.names.items():
        if isinstance(what, Folder):
            _compare(what, events, path / name)
        else:
            data = what.start
            for event in events:
                data = _done(data, event) if _is_of(event, what) else data
            assert data == (path / name).read_bytes(), f"{path / name}: bytes changed unseen"


def _lay_folder(
    what: Folder, events: Sequence[Event], path: Path, random: Random, style: str, sector: int
) -> None:
    path.mkdir()
    changes = [n for n, event in enumerate(events) if isinstance(event, Rename) and event.folder is what]
    synced = _last_sync(events, what)
    keep = random.choice((0.0, 0.5, 1.0))
    names = dict(what.start)
    for number in changes:
        event = events[number]
        assert isinstance(event, Rename)
        if number < synced or random.random() < keep:
            if event.removed is not None:
                names.pop(event.removed, None)
            if event.name is not None and event.what is not None:
                names[event.name] = event.what
    for name, inner in names.items():
        if isinstance(inner, Folder):
            _lay_folder(inner, events, path / name, random, style, sector)
        else:
            (path / name).write_bytes(_lay_file(inner, events, random, style, sector))


def _lay_file(what: File, events: Sequence[Event], random: Random, style: str, sector: int) -> bytes:
    synced = _last_sync(events, what)
    mine = [(number, event) for number, event in enumerate(events) if _is_of(event, what)]
    safe = what.start
    for number, event in mine:
        if number < synced:
            safe = _done(safe, event)
    loose = [event for number, event in mine if number >= synced]
    if style == "first" and loose:
        loose = loose[: random.randint(0, len(loose))]
    versions = [safe]
    for event in loose:
        versions.append(_done(versions[-1], event))
    if style == "none" or not loose:
        return safe
    if style in ("all", "first"):
        return versions[-1]
    return _mixed(versions, random, sector, is_torn=style == "torn")


def _mixed(versions: list[bytes], random: Random, sector: int, *, is_torn: bool) -> bytes:
    """Return a file of a length it had, each sector of it as it was in one of *versions*."""
    size = len(random.choice(versions))
    torn = random.randrange(size // sector + 1) if is_torn else -1
    data, luck = bytearray(), random.choice((0.1, 0.5, 0.9))
    for number, start in enumerate(range(0, size, sector)):
        end = min(start + sector, size)
        kept = [versions[-1] if random.random() < luck else random.choice(versions) for _ in range(2)]
        pieces = [version[start:end].ljust(end - start, b"\0") for version in kept]
        at = random.randint(0, end - start) if number == torn else end - start
        data += pieces[0][:at] + pieces[1][at:]
    return bytes(data)


def _done(data: bytes, event: Event) -> bytes:
    if isinstance(event, Write):
        return (
            data[: event.offset].ljust(event.offset, b"\0")
            + event.data
            + data[event.offset + len(event.data) :]
        )
    assert isinstance(event, Resize)
    return data[: event.size].ljust(event.size, b"\0")


def _is_of(event: Event, file: File) -> bool:
    return isinstance(event, Write | Resize) and event.file is file


def _last_sync(events: Sequence[Event], what: File | Folder) -> int:
    """Return the number of the last sync of *what*, -1 if there was none."""
    return max(
        (n for n, event in enumerate(events) if isinstance(event, Sync) and event.what is what), default=-1
    )
