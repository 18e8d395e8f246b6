"""Backup and restore: an office copied while it works, and put back whole.

What is copied: the journal up to a whole frame, the tables, checkpoints, payment orders, and the
private keys when asked for. What can be made again, the writer's lock, and files that are none of
ours stay behind, and are named.

The tables and the journal are cut at one moment, because both orders of copying lose something:

    journal first   the tables may call coins burned or money booked that the copied journal never
                    heard of; a payout would be owed for nothing, a statement not taken a second time
    tables first    the copied journal may burn coins for a request whose row is not in the copied
                    tables; nobody would owe its holder, and its reference would be given out again

The desk writes the row of a request before it asks the ledger, and notes the answer once that is
durable (`issuer/redeem.py`, `issuer/intake.py`). So while nobody may write to the tables, any end of
the journal fits them: what they call booked is in it, and what it booked has its row. We hold the
tables' write lock for as long as it takes to begin a read of them and to ask how long the journal is;
a few milliseconds. Copying comes afterwards, from the read that was begun, while the desk goes on.
A row without its answer is what a crash leaves, and opening the office settles it.

A checkpoint is written before the journal names it, so checkpoints are copied after the cut.

    manifest.json      what the backup holds: name, size and SHA-256 of each file; written last
    files/<SHA-256>    the files, each under the digest of its content

A file that is there already is not copied again, and nothing that the last manifest names is touched
before the new one stands: a backup that was interrupted leaves the one before it as good as it was.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jiaozi.clock import Instant, moment_of
from jiaozi.errors import BackupError, JournalError
from jiaozi.ledger.backup_files import (
    FILES,
    FORMAT,
    JOURNAL,
    KEYS,
    MANIFEST,
    STORE,
    Manifest,
    Stored,
    copy,
    digest_of,
    is_name,
    is_plain,
    must_be_folder,
    read_manifest,
    reading,
    write,
)
from jiaozi.ledger.journal.frames import HEADER_BYTES, NOTHING, Receipt
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.journal.segments import Segment, list_segments, make_folder, sync_file, sync_folder
from jiaozi.ledger.journal.verify import verify

FOLDERS = ("checkpoints", "enacted", "outbox")
_PART = ".part"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was made: what it holds, what of it had to be copied, and what stayed behind."""

    manifest: Manifest
    copied_files: int
    copied_bytes: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """Where the journal ended at the cut. Frames behind it are not in the backup."""

    segments: list[Segment]
    bytes: int


# -- making a backup --------------------------------------------------------


def back_up(folder: Path, to: Path, *, made: Instant, with_keys: bool = False) -> Kept:
    """Copy the office in *folder* into the folder *to*, while it works or while it rests.

    Raises `BackupError` when that cannot be, `JournalError` when the journal is damaged, `OSError`
    when a disk fails. The backup that was in *to* stays as good as it was then.
    """
    if not any((folder / JOURNAL).glob("*.jzj")):
        raise BackupError(f"no office in {folder}: it has no journal")
    _must_lie_apart(folder, to)
    with _alone(to) as shelf:
        before = _backup_before(to)
        with _cut(folder) as (tables, end):
            files = [] if tables is None else [shelf.add_tables(tables, folder / STORE)]
        files += _copy_journal(shelf, folder / JOURNAL, end, before)
        for inner in (*FOLDERS, KEYS) if with_keys else FOLDERS:
            for path in sorted((folder / inner).glob("*")):
                if is_plain(path) and is_name(f"{inner}/{path.name}"):
                    files.append(shelf.add(path, f"{inner}/{path.name}"))
        first_hash, head = shelf.chain
        manifest = Manifest(
            format=FORMAT,
            made=moment_of(made).isoformat(),
            first_hash=first_hash,
            frames=head.sequence,
            head_hash=head.hash.hex(),
            files=files,
        )
        shelf.finish(manifest)
    return Kept(manifest, shelf.copied_files, shelf.copied_bytes, tuple(_left_out(folder, files)))


def mode_of(name: str) -> int:
    """Return how a file of an office may be read: keys and the balances behind checkpoints by their owner only."""
    is_private = name.startswith(f"{KEYS}/") or name.endswith(".npy")
    return 0o600 if is_private else 0o640


def _must_lie_apart(folder: Path, to: Path) -> None:
    one, other = folder.resolve(), to.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise BackupError(f"{to} and {folder} lie in each other; name a folder apart, best on another disk")


@contextmanager
def _alone(to: Path) -> Iterator[_Shelf]:
    """Make the folder of the backup, refuse one that holds something else, and keep others out of it."""
    make_folder(to.parent)
    to.mkdir(mode=0o700, exist_ok=True)  # it holds names of people
    others = [path.name for path in to.iterdir() if path.name not in (MANIFEST, FILES, _PART)]
    if others:
        raise BackupError(f"{to} holds {others[0]!r}, which is no backup; name an empty folder")
    lock = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"another backup is being written to {to}; wait for it") from None
        yield _Shelf(to)
    finally:
        os.close(lock)


def _backup_before(to: Path) -> Manifest | None:
    return read_manifest(to) if os.path.lexists(to / MANIFEST) else None


@contextmanager
def _cut(folder: Path) -> Iterator[tuple[sqlite3.Connection | None, _End]]:
    """Cut tables and journal at one moment; give a read of the tables as they were, and the journal's end."""
    path = folder / STORE
    if not path.exists():
        yield None, _end_of(folder / JOURNAL)
        return
    uri = f"file:{quote(str(path.resolve()))}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as holder,
            closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as reader,
        ):
            holder.execute("BEGIN IMMEDIATE")
            try:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
                end = _end_of(folder / JOURNAL)
            finally:
                holder.execute("ROLLBACK")
            yield reader, end
    except sqlite3.Error as error:
        raise BackupError(f"{path} could not be read or copied: {error}") from error


def _end_of(journal: Path) -> _End:
    segments = list_segments(journal)
    return _End(segments, segments[-1].path.stat().st_size)


def _copy_journal(shelf: _Shelf, journal: Path, end: _End, before: Manifest | None) -> list[Stored]:
    """Copy the segments up to *end*, after checking the frames that the backup before does not vouch for."""
    known = {each.name: each for each in before.files} if before else {}
    files: list[Stored] = []
    *sealed, tail = end.segments
    for segment in sealed:
        name = f"{JOURNAL}/{segment.name}"
        stored = known.get(name)
        if stored is None or stored.bytes != segment.path.stat().st_size:
            break
        if digest_of(segment.path) != stored.sha256:
            break
        files.append(stored if shelf.holds(stored) else shelf.add(segment.path, name))
    fresh = end.segments[len(files) :]
    first_hash, head, tail_bytes = _check(journal, fresh[0].first, end, before)
    shelf.chain = first_hash, head
    for segment in fresh:
        limit = tail_bytes if segment is tail else None
        if limit != 0:
            files.append(shelf.add(segment.path, f"{JOURNAL}/{segment.name}", limit))
    return files


def _check(journal: Path, start: int, end: _End, before: Manifest | None) -> tuple[str, Receipt, int]:
    """Walk from the frame before *start* to *end*; return the first hash, the head and the last segment's bytes.

    Raises `JournalError` when it is damaged, `BackupError` when it does not go on from the backup before.
    """
    first_hash, head, tail_bytes = before.first_hash if before else "", NOTHING, 0
    was_there = before is None
    for frame in JournalReader(journal, max(start - 1, 1)):
        frame_end = frame.offset + HEADER_BYTES + len(frame.payload)
        is_last = frame.segment == end.segments[-1].name
        if frame.segment > end.segments[-1].name or (is_last and frame_end > end.bytes):
            break
        head = Receipt(frame.sequence, frame.hash, frame.instant)
        tail_bytes = frame_end if is_last else 0
        if before is None:
            first_hash = first_hash or frame.hash.hex()
        elif frame.sequence == 1 and frame.hash.hex() != before.first_hash:
            raise BackupError("the backup there is of another office; name another folder")
        elif frame.sequence == before.frames:
            was_there = frame.hash.hex() == before.head_hash
    if head is NOTHING:
        raise BackupError(f"{journal} holds no whole frame yet; there is nothing to back up")
    if not was_there:
        assert before is not None
        raise BackupError(
            f"the backup there goes to frame {before.frames}, and this journal does not go on from it "
            "(it was restored, cut, or lost frames); keep that backup and name another folder"
        )
    return first_hash, head, tail_bytes


def _left_out(folder: Path, files: list[Stored]) -> Iterator[str]:
    """Give the names in *folder* that the backup does not hold, those of a sound office aside."""
    held = {each.name for each in files}
    for path in sorted(folder.iterdir()):
        if path.name in (JOURNAL, STORE, f"{STORE}-wal", f"{STORE}-shm"):
            continue
        with_keys = any(name.startswith(f"{KEYS}/") for name in held)
        if path.is_dir() and (path.name in FOLDERS or (path.name == KEYS and with_keys)):
            names = [f"{path.name}/{inner.name}" for inner in sorted(path.iterdir())]
            yield from (name for name in names if name not in held)
        else:
            yield path.name + "/" * path.is_dir()


class _Shelf:
    """The folder of a backup while it is filled."""

    chain: tuple[str, Receipt]
    """Hash of the first frame, and the last frame that is in the backup."""

    def __init__(self, to: Path) -> None:
        self.copied_files = 0
        self.copied_bytes = 0
        self._to = to
        self._files = to / FILES
        self._files.mkdir(mode=0o700, exist_ok=True)
        must_be_folder(self._files)
        self._drop_parts()

    def holds(self, stored: Stored) -> bool:
        """Return whether the file is on the shelf, every bit of it."""
        path = self._files / stored.sha256
        return is_plain(path) and path.stat().st_size == stored.bytes and digest_of(path) == stored.sha256

    def add(self, source: Path, name: str, limit: int | None = None) -> Stored:
        """Copy *source*, or its first *limit* bytes, unless the shelf has it."""
        part = self._files / _PART
        mode = mode_of(name)
        with reading(source) as file:
            size, digest = copy(file, part, mode=mode, limit=limit)
        if limit is not None and size < limit:
            raise BackupError(f"{source} became shorter while it was copied; back up again")
        return self._put(part, Stored(name, size, digest), mode)

    def add_tables(self, tables: sqlite3.Connection, source: Path) -> Stored:
        """Copy the tables as *tables* reads them, through SQLite's own backup."""
        part = self._files / _PART
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))
        with closing(sqlite3.connect(part, isolation_level=None)) as twin:
            tables.backup(twin)
            twin.execute("PRAGMA journal_mode=DELETE")  # one file, that needs none beside it
            (answer,) = twin.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise BackupError(f"{source} is damaged: {answer}; nothing was backed up")
        return self._put(part, Stored(STORE, part.stat().st_size, digest_of(part)), 0o640)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest; what the one before named and this one does not goes afterwards."""
        sync_folder(self._files)
        part = self._to / _PART
        write(part, manifest.content(), mode=0o640)
        part.replace(self._to / MANIFEST)
        sync_folder(self._to)
        wanted = {each.sha256 for each in manifest.files}
        for path in list(self._files.iterdir()):
            if path.name not in wanted:
                with suppress(OSError):  # the backup is good; the next one tries again
                    path.unlink()

    def _put(self, part: Path, stored: Stored, mode: int) -> Stored:
        file = os.open(part, os.O_RDONLY)
        try:
            sync_file(file)
        finally:
            os.close(file)
        if self.holds(stored):
            part.unlink()
            (self._files / stored.sha256).chmod(mode)
        else:
            part.replace(self._files / stored.sha256)
            self.copied_files += 1
            self.copied_bytes += stored.bytes
        return stored

    def _drop_parts(self) -> None:
        """Remove what a backup left that was interrupted in the middle of a file."""
        for path in (self._to / _PART, *self._files.glob(f"{_PART}*")):
            path.unlink(missing_ok=True)


# -- reading one back -------------------------------------------------------


def restore(backup: Path, folder: Path) -> Manifest:
    """Put the office of *backup* into *folder*, which is empty or not there; return what it holds.

    Everything is checked in a folder beside it, which takes the name at the very end: *folder*
    holds the whole office or what it held before. Raises `BackupError` with the name of what is broken.
    """
    _must_lie_apart(folder, backup)
    manifest = read_manifest(backup)
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is not empty; nothing was restored; name a folder that is not there yet")
    make_folder(folder.parent)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.restoring-", dir=folder.parent))
    try:
        _fill(work, backup, manifest)
        _must_be_the_journal(work / JOURNAL, manifest)
        work.chmod(0o750)
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    sync_folder(folder.parent)
    return manifest


def _fill(work: Path, backup: Path, manifest: Manifest) -> None:
    """Copy every file of *manifest* into *work*; each must be what was written."""
    must_be_folder(backup / FILES)
    for each in manifest.files:
        target = work / each.name
        is_key = each.name.startswith(f"{KEYS}/")
        target.parent.mkdir(mode=0o700 if is_key else 0o750, exist_ok=True)
        source = backup / FILES / each.sha256
        broken = f"{source}, which holds {each.name}, is"
        if not os.path.lexists(source):
            raise BackupError(f"{broken} not there; nothing was restored; use another backup")
        with reading(source) as file:
            size = os.fstat(file).st_size
            if size != each.bytes:
                raise BackupError(
                    f"{broken} {size:,} bytes long and should be {each.bytes:,}; nothing was restored; "
                    "use another backup"
                )
            copied = copy(file, target, mode=mode_of(each.name), limit=size)
        if copied != (each.bytes, each.sha256):
            raise BackupError(
                f"{broken} not what was written: its digest does not hold; nothing was restored; "
                "use another backup"
            )
    for inner in {target.parent for target in (work / each.name for each in manifest.files)}:
        sync_folder(inner)
    sync_folder(work)


def _must_be_the_journal(journal: Path, manifest: Manifest) -> None:
    """Check every frame and the chain of hashes, up to the head that the manifest names."""
    try:
        report = verify(journal)
    except JournalError as error:
        raise BackupError(f"the journal of the backup is damaged; nothing was restored: {error}") from error
    says = manifest.frames, manifest.head_hash
    if report.torn_tail is not None or (report.frames, report.head_hash.hex()) != says:
        raise BackupError(
            f"the journal of the backup ends at frame {report.frames}, hash {report.head_hash.hex()[:12]}, "
            f"and its manifest says {manifest.frames}, {manifest.head_hash[:12]!r}; nothing was restored"
        )
