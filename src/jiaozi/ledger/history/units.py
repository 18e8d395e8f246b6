"""Units: the sealed files, beside the journal, a folder for a run of whole segments.

    history/00000000000000000001-00000000000000000420/
        unit.json          the head: which frames, what follows what, the digest of each file
        transfers.parquet  one row a transfer, in the order of the journal, see `rows.ROW`
        entries.parquet    by account: where its rows are, what each changed, see `rows.ENTRY`
        facts.parquet      one row a fact
        pendings.parquet   pending transfers that are open after the last frame

A unit comes into being by one rename, so it is there whole or not at all. Its head names the
hash of the frame before its first and of its last: units join each other and the journal
without a gap, or reading says which file is wrong or missing. None is ever passed over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jiaozi.errors import JournalError
from jiaozi.ledger.history.rows import Numbering
from jiaozi.ledger.journal.frames import NO_HASH

FOLDER = "history"
HEAD = "unit.json"
TRANSFERS, ENTRIES, FACTS, PENDINGS = "transfers", "entries", "facts", "pendings"
TABLES = (TRANSFERS, ENTRIES, FACTS, PENDINGS)
FORMAT = "jiaozi history 1"
LARGEST_HEAD_BYTES = 64 << 20

_NAME = re.compile(r"(\d{20})-(\d{20})")


class SealedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Parquet file of a unit: its size, its rows, its SHA-256."""

    bytes: int
    rows: int
    sha256: str


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit says of itself. `laws` and `reasons` are new with it; they number on from the unit before."""

    format: str
    first: int
    last: int
    previous_hash: str
    last_hash: str
    first_instant: int
    last_instant: int
    laws: list[str]
    reasons: list[list[str]]
    transfers: int
    released: int
    files: dict[str, SealedFile]


@dataclass(frozen=True, slots=True)
class Unit:
    """A sealed unit in its folder."""

    folder: Path
    head: Head
    stamp: tuple[int, int] = (0, 0)
    """Which file its head was read from, and when that was written."""

    @property
    def rows(self) -> int:
        """Rows in its file of transfers."""
        return self.head.transfers + self.head.released

    def path(self, table: str) -> Path:
        """Return the Parquet file of *table*."""
        return self.folder / f"{table}.parquet"


def list_units(journal: Path, *, known: Mapping[Path, Unit] | None = None) -> list[Unit]:
    """Return the units sealed from the journal in *journal*, first to last; none where nothing was sealed.

    Those among *known*, by folder, were looked at before and are not read again.
    Raises `JournalError` naming the first that is missing, has another size, or does not follow.
    """
    folder = journal / FOLDER
    if not folder.is_dir():
        return []
    named = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    units: list[Unit] = []
    for path in named:
        unit = (known or {}).get(path)
        if unit is None or unit.stamp != _stamp(path):
            unit = _read(path)
        _must_follow(unit, units[-1] if units else None)
        units.append(unit)
    return units


def numbering_of(units: Sequence[Unit]) -> Numbering:
    """Return the laws and sets of reasons that *units* number."""
    return Numbering(
        [bytes.fromhex(law) for unit in units for law in unit.head.laws],
        [tuple(int(word, 16) for word in words) for unit in units for words in unit.head.reasons],
    )


def verify_units(journal: Path) -> Iterator[Unit]:
    """Give the units of *journal*, each after every byte of it was compared with its digest.

    Raises `JournalError` naming the file that is not what was written.
    """
    for unit in list_units(journal):
        for table in TABLES:
            _compare(unit, table)
        yield unit


def checked(unit: Unit, table: str) -> Path:
    """Return the file of *table* in *unit* once its bytes were compared with their digest.

    That is done when a process first reads a file, and again when the file was touched: a second for
    1.5 GB. Parquet readers believe what they read, and a flipped bit in an amount is an amount.
    Raises `JournalError` naming the file.
    """
    path = unit.path(table)
    try:
        about = path.stat()
    except OSError as error:
        raise broken(path, f"cannot be read: {error.strerror}") from None
    key = about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, unit.head.files[table].sha256
    if key not in _compared:
        _compare(unit, table)
        _compared.add(key)
    return path


_compared: set[tuple[int, int, int, int, str]] = set()


def _compare(unit: Unit, table: str) -> None:
    path, digest = unit.path(table), hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise broken(path, f"cannot be read: {error.strerror}") from None
    if digest.hexdigest() != unit.head.files[table].sha256:
        raise broken(path, "has other bytes than were sealed")


def broken(path: Path, why: object) -> JournalError:
    """Return the error for a sealed file: *why*, and the way out."""
    return JournalError(
        f"{path} {why}; restore it from a copy, or move the folder {path.parent.parent} away "
        "and seal the journal again"
    )


def _read(path: Path) -> Unit:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise broken(path / HEAD, "lies in a folder that is not named like a unit, FIRST-LAST")
    head_path = path / HEAD
    try:
        if head_path.stat().st_size > LARGEST_HEAD_BYTES:
            raise broken(head_path, "is too large for a head")
        head = _decoder.decode(head_path.read_bytes())
        bytes.fromhex(head.previous_hash + head.last_hash + "".join(head.laws))
        for words in head.reasons:
            if not words or not all(0 <= int(word, 16) < 1 << 64 for word in words):
                raise ValueError("a set of reasons has a word that is none")
    except FileNotFoundError:
        raise broken(head_path, "is missing") from None
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise broken(head_path, f"cannot be read: {error}") from None
    if head.format != FORMAT:
        raise JournalError(
            f"{head_path} has format {head.format[:40]!r}, unknown here; a newer Jiaozi sealed it, use that one"
        )
    if (int(match[1]), int(match[2])) != (head.first, head.last) or head.first > head.last:
        raise broken(head_path, f"is of frames {head.first} to {head.last}, and its folder says otherwise")
    unit = Unit(path, head, _stamp(path))
    for table in TABLES:
        file = head.files.get(table)
        if file is None:
            raise broken(head_path, f"does not list {table}.parquet")
        try:
            size = unit.path(table).stat().st_size
        except FileNotFoundError:
            raise broken(unit.path(table), "is missing") from None
        if size != file.bytes:
            raise broken(unit.path(table), f"has {size:,} bytes where {file.bytes:,} were sealed")
    if head.files[TRANSFERS].rows != unit.rows:
        raise broken(head_path, "counts its transfers in two ways")
    return unit


def _stamp(path: Path) -> tuple[int, int]:
    try:
        about = (path / HEAD).stat()
    except OSError:
        return 0, 0
    return about.st_ino, about.st_mtime_ns


_decoder = msgspec.json.Decoder(Head)


def _must_follow(unit: Unit, before: Unit | None) -> None:
    expected = before.head.last + 1 if before else 1
    if unit.head.first != expected:
        raise broken(
            unit.folder / HEAD, f"begins with frame {unit.head.first} where frame {expected} was expected"
        )
    previous = before.head.last_hash if before else NO_HASH.hex()
    if unit.head.previous_hash != previous:
        raise broken(unit.folder / HEAD, "does not carry the hash of the frame before it")
    if before and unit.head.first_instant < before.head.last_instant:
        raise broken(unit.folder / HEAD, "is earlier than the unit before it")
