"""Sealing: whole segments of the journal turned into Parquet, a folder at a time.

A segment that has a successor never changes again. `seal` reads such segments like any other
reader, so a writer goes on beside it; the journal stays as it is. Each unit is made from its
own frames, the pendings open before it and nothing else: what was sealed stays sealed when
sealing is stopped, and the next call goes on behind it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalBusy, JournalError
from jiaozi.ledger.history import parquet
from jiaozi.ledger.history.rows import (
    RELEASED_ROW,
    FactLine,
    Gathering,
    Numbering,
    Pendings,
    columns_of,
)
from jiaozi.ledger.history.units import (
    ENTRIES,
    FACTS,
    FOLDER,
    FORMAT,
    HEAD,
    PENDINGS,
    TABLES,
    TRANSFERS,
    Head,
    SealedFile,
    Unit,
    checked,
    list_units,
    numbering_of,
)
from jiaozi.ledger.journal.frames import HEADER_BYTES, NO_HASH, Frame
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.journal.segments import Segment, list_segments, make_folder, sync_file, sync_folder
from jiaozi.ledger.journal.writer_lock import take_lock

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNIT_BYTES = 256 << 20
"""Segments of this size together become one unit: about four million transfers, 1 GiB while it is made."""

Progress = Callable[[int, int], None]
"""Called now and then with the bytes of the journal that are sealed and those there are to seal."""

_PART = ".part-"
PENDING_ROW = np.dtype(
    [("id_hi", "<u8"), ("id_lo", "<u8"), ("debit", "<u4"), ("credit", "<u4"), ("amount", "<i8")]
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing did: units made now, transfers in them, and whether it was stopped before the end."""

    units: tuple[Unit, ...]
    transfers: int
    was_stopped: bool

    @property
    def bytes(self) -> int:
        """Bytes of the Parquet files made now."""
        return sum(file.bytes for unit in self.units for file in unit.head.files.values())


def seal(
    journal: Path,
    *,
    unit_bytes: int = UNIT_BYTES,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Sealed:
    """Seal the segments of *journal* that have a successor and are not sealed yet.

    Segments go together into units of at most *unit_bytes* of journal, or one segment if that is
    larger. *should_stop* is asked between frames; what it breaks off leaves nothing behind.
    Raises `JournalError` when journal or sealed files are damaged or do not belong together,
    `JournalBusy` while another process seals, `OSError` when the disk fails or is full.
    """
    segments = list_segments(journal)
    folder = journal / FOLDER
    make_folder(folder)
    lock = _lock(folder)
    try:
        _remove_leftovers(folder)
        units = list_units(journal)
        groups = _groups(segments, units, unit_bytes)
        total = sum(segment.path.stat().st_size for group in groups for segment in group)
        numbering = numbering_of(units)
        with parquet.connect() as connection:
            pendings = open_pendings(connection, units)
            made: list[Unit] = []
            done = 0
            for group in groups:
                after = segments[segments.index(group[-1]) + 1].first
                making = _Making(journal, numbering, pendings, units[-1] if units else None)
                if not making.gather(group[0].first, after, should_stop, progress, done, total):
                    return Sealed(tuple(made), sum(unit.head.transfers for unit in made), True)
                made.append(making.write(connection))
                units.append(made[-1])
                done += sum(segment.path.stat().st_size for segment in group)
        return Sealed(tuple(made), sum(unit.head.transfers for unit in made), False)
    finally:
        os.close(lock)


def seal_tail(journal: Path, into: Path, units: Sequence[Unit], *, until: int | None = None) -> Unit | None:
    """Write the frames behind *units* as a unit into the folder *into*, which is the caller's to remove.

    For SQL over all of it. Frames from *until* on are left out. Returns None where there are none.
    """
    first = units[-1].head.last + 1 if units else 1
    if until is not None and until <= first:
        return None
    with parquet.connect() as connection:
        making = _Making(
            journal, numbering_of(units), open_pendings(connection, units), units[-1] if units else None
        )
        making.gather(first, until, lambda: False, None, 0, 0)
        return making.write(connection, into) if making.last is not None else None


def open_pendings(connection: DuckDBPyConnection, units: Sequence[Unit]) -> Pendings:
    """Return the pending transfers that are open behind the last of *units*."""
    if not units:
        return {}
    path = checked(units[-1], PENDINGS)
    names = PENDING_ROW.names or ()
    columns = parquet.fetch(connection, path, f"SELECT {', '.join(names)} FROM {parquet.source(path)}")
    lists = [columns[name].tolist() for name in names]
    return {(hi, lo): (debit, credit, amount) for hi, lo, debit, credit, amount in zip(*lists, strict=True)}


class _Making:
    """One unit on its way."""

    def __init__(self, journal: Path, numbering: Numbering, pendings: Pendings, before: Unit | None) -> None:
        self.first: Frame | None = None
        self.last: Frame | None = None
        self._journal = journal
        self._before = before
        self._laws, self._reasons = len(numbering.laws), len(numbering.reasons)
        self._gathering = Gathering(numbering, pendings)

    def gather(
        self,
        first: int,
        after: int | None,
        should_stop: Callable[[], bool],
        progress: Progress | None,
        done: int,
        total: int,
    ) -> bool:
        """Take in the frames from *first* to before *after*; return False when told to stop."""
        for frame in read_frames(self._journal, first):
            if after is not None and frame.sequence >= after:
                break
            if should_stop():
                return False
            if self.first is None:
                self.first = frame
                _must_join(frame, self._before)
            self.last = frame
            self._gathering.take(frame)
            done += HEADER_BYTES + len(frame.payload)
            if progress:
                progress(done, total)
        if after is not None and (self.last is None or self.last.sequence != after - 1):
            raise JournalError(f"{self._journal}: frames up to {after - 1} were to be sealed and are gone")
        return True

    def write(self, connection: DuckDBPyConnection, folder: Path | None = None) -> Unit:
        """Write the unit, durable and by one rename; or into *folder*, neither."""
        assert self.first is not None
        assert self.last is not None
        name = f"{self.first.sequence:020}-{self.last.sequence:020}"
        if folder is not None:
            return self._write(connection, folder)
        home = self._journal / FOLDER
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=home))
        try:
            part.chmod(0o750)
            unit = self._write(connection, part)
            for path in part.iterdir():
                file = os.open(path, os.O_RDONLY)
                try:
                    sync_file(file)
                finally:
                    os.close(file)
            sync_folder(part)
            part.rename(home / name)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(home)
        return Unit(home / name, unit.head)

    def _write(self, connection: DuckDBPyConnection, folder: Path) -> Unit:
        assert self.first is not None
        assert self.last is not None
        gathering, numbering = self._gathering, self._gathering.numbering
        rows = gathering.rows()
        tables = _tables(gathering, rows)
        released = int(np.count_nonzero(rows["kind"] == RELEASED_ROW))
        before = self._before.head.last_hash if self._before else NO_HASH.hex()
        laws = [law.hex() for law in numbering.laws[self._laws :]]
        says = {
            "first": self.first.sequence,
            "last": self.last.sequence,
            "previous_hash": before,
            "last_hash": self.last.hash.hex(),
            "laws": laws,
            "transfers": len(rows) - released,
            "released": released,
        }
        files = {}
        for table in TABLES:
            path = folder / f"{table}.parquet"
            columns = tables[table]
            parquet.write(connection, path, columns, says)
            path.chmod(0o440)  # nothing writes to it again
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            files[table] = SealedFile(
                path.stat().st_size, len(next(iter(columns.values()))), digest.hexdigest()
            )
        head = Head(
            format=FORMAT,
            first=self.first.sequence,
            last=self.last.sequence,
            previous_hash=before,
            last_hash=self.last.hash.hex(),
            first_instant=self.first.instant,
            last_instant=self.last.instant,
            laws=laws,
            reasons=[[f"{word:x}" for word in words] for words in numbering.reasons[self._reasons :]],
            transfers=len(rows) - released,
            released=released,
            files=files,
        )
        (folder / HEAD).write_bytes(msgspec.json.encode(head))
        return Unit(folder, head)


def _tables(gathering: Gathering, rows: NDArray[np.void]) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the columns of each file of a unit."""
    notes = np.full(len(rows), None, dtype=object)
    for position, note in gathering.notes.items():
        notes[position] = note
    transfers = {"position": np.arange(len(rows), dtype=np.uint32), **columns_of(rows), "note": notes}
    held = [(*key, *value) for key, value in gathering.pendings.items()]
    return {
        TRANSFERS: transfers,
        ENTRIES: dict(columns_of(gathering.entries())),
        FACTS: _fact_columns(gathering.facts),
        PENDINGS: dict(columns_of(np.array(held, dtype=PENDING_ROW))),
    }


def _fact_columns(facts: Sequence[FactLine]) -> dict[str, NDArray[Any]]:
    return {
        "frame": np.array([fact.frame for fact in facts], dtype=np.int64),
        "row": np.array([fact.row for fact in facts], dtype=np.int32),
        "instant": np.array([fact.instant for fact in facts], dtype=np.int64),
        "kind": np.array([fact.kind for fact in facts], dtype=object),
        "fact": np.array([fact.fact for fact in facts], dtype=object),
    }


def _must_join(frame: Frame, before: Unit | None) -> None:
    expected = bytes.fromhex(before.head.last_hash) if before else NO_HASH
    if frame.previous_hash != expected:
        raise JournalError(
            f"{frame.segment}: frame {frame.sequence} does not follow what was sealed; "
            f"{before.folder if before else 'the history'} is of another journal, move it away and seal again"
        )


def _groups(segments: Sequence[Segment], units: Sequence[Unit], unit_bytes: int) -> list[list[Segment]]:
    """Return the segments to seal, those of one unit together."""
    expected = units[-1].head.last + 1 if units else 1
    left = [segment for segment in segments if segment.first >= expected]
    if left and left[0].first != expected:
        raise JournalError(
            f"{left[0].path}: begins with frame {left[0].first} where the sealed history goes on with "
            f"frame {expected}; restore the segment that is missing"
        )
    groups: list[list[Segment]] = []
    size = 0
    for segment in left[:-1]:
        bytes_here = segment.path.stat().st_size
        if groups and size + bytes_here <= unit_bytes:
            groups[-1].append(segment)
            size += bytes_here
        else:
            groups.append([segment])
            size = bytes_here
    return groups


def _lock(folder: Path) -> int:
    try:
        return take_lock(folder)
    except JournalBusy:
        raise JournalBusy(f"another process seals into {folder}; wait until it is done") from None


def _remove_leftovers(folder: Path) -> None:
    """Remove what a process that died left behind; nobody else seals while we hold the lock."""
    for path in folder.iterdir():
        if path.name.startswith(_PART) and path.is_dir():
            shutil.rmtree(path)
