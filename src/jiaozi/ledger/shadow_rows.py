"""What a shadow leaves on disk: a head, four counts, and a row for each transfer that would come out otherwise.

    head    one line of JSON, see `Head`, filled up with blanks to a multiple of 64 bytes
    counts  COUNTS, written anew after each group of rows; rows behind `rows` are not there yet
    rows    of one width, see `row_type`

The file is no truth and is never flushed: it may end early after a power cut. Frames in
it are durable, for a row is written once its frame is. Readers may look at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError

FORMAT = "jiaozi shadow 1"
HEAD_STEP = 64
MAX_HEAD_BYTES = 1 << 20

NEWLY_REFUSED, NEWLY_ADMITTED = 1, 2
"""Direction of a row. Refused under the reform alone, or under the law in force alone."""

COUNTS = np.dtype([("asked", "<u8"), ("rows", "<u8"), ("frame", "<u8"), ("instant", "<i8")])
"""Transfers that both laws were asked about, rows, and the last frame with its instant."""

ROWS_READ = 1 << 16


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file is about: *reform* with its book's digest, the *law* in force, and since which frame.

    Bit *i* of a row stands for `reform_reasons[i]` when newly refused, for `law_reasons[i]` when newly admitted.
    """

    format: str
    reform: str
    reform_digest: str
    law_digest: str
    first_sequence: int
    since: int
    reform_reasons: list[str]
    law_reasons: list[str]

    @property
    def words(self) -> int:
        """How many 64-bit words the reasons of a row take."""
        return max(len(self.reform_reasons), len(self.law_reasons)) // 64 + 1

    def packed(self) -> bytes:
        text = msgspec.json.encode(self)
        return text + b" " * (-(len(text) + 1) % HEAD_STEP) + b"\n"


def row_type(words: int) -> np.dtype[np.void]:
    """Return the type of a row: frame, place in it, action, direction, amount in fen, reasons.

    The amount is 0 where a reservation was to be posted as a whole and was refused: the row does not know it.
    """
    return np.dtype(
        [
            ("frame", "<u8"),
            ("row", "<u4"),
            ("action", "u1"),
            ("direction", "u1"),
            ("unused", "<u2"),
            ("amount", "<i8"),
            ("bits", "<u8", (words,)),
        ]
    )


Key = tuple[int, int, tuple[str, ...]]
"""Direction, code of the action, names of the reasons."""


@dataclass(slots=True)
class Difference:
    """How the answers of two laws differ: how many were *asked*, and for each key how many and how much in fen."""

    asked: int = 0
    sums: dict[Key, tuple[int, int]] = field(default_factory=dict)

    def add(self, head: Head, rows: NDArray[np.void]) -> None:
        """Count *rows*, (n,) of `row_type`."""
        if not len(rows):
            return
        wide = np.empty((len(rows), 1 + head.words), dtype=np.uint64)
        wide[:, 0] = rows["direction"].astype(np.uint64) << np.uint64(8) | rows["action"]
        wide[:, 1:] = rows["bits"]
        for first, which in _groups(wide):
            amounts = rows["amount"][which].tolist()  # Python adds without an end; 64 bits may not
            direction, action = int(rows["direction"][first]), int(rows["action"][first])
            self._put((direction, action, _names(head, rows[first])), len(amounts), sum(amounts))

    def join(self, other: Difference) -> None:
        """Add what *other* has."""
        self.asked += other.asked
        for key, (count, amount_fen) in other.sums.items():
            self._put(key, count, amount_fen)

    def copy(self) -> Difference:
        return Difference(self.asked, dict(self.sums))

    def total(self, direction: int) -> tuple[int, int]:
        """Return how many transfers went that way, and their sum in fen."""
        found = [each for key, each in self.sums.items() if key[0] == direction]
        return sum(count for count, _ in found), sum(fen for _, fen in found)

    def by_reason(self, direction: int) -> list[tuple[str, int, int]]:
        """Return reason, count and fen, the most frequent first; a transfer with two reasons is in both."""
        ways = [(key[2], each) for key, each in self.sums.items() if key[0] == direction]
        return _ranked((name, each) for names, each in ways for name in names)

    def by_action(self, direction: int) -> list[tuple[int, int, int]]:
        """Return code of the action, count and fen, the most frequent first."""
        return _ranked((key[1], each) for key, each in self.sums.items() if key[0] == direction)

    def _put(self, key: Key, count: int, amount_fen: int) -> None:
        known, known_fen = self.sums.get(key, (0, 0))
        self.sums[key] = known + count, known_fen + amount_fen


T = TypeVar("T", str, int)


def _ranked(found: Iterable[tuple[T, tuple[int, int]]]) -> list[tuple[T, int, int]]:
    sums: dict[T, tuple[int, int]] = {}
    for name, (count, amount_fen) in found:
        known, known_fen = sums.get(name, (0, 0))
        sums[name] = known + count, known_fen + amount_fen
    lines = [(name, count, amount_fen) for name, (count, amount_fen) in sums.items()]
    return sorted(lines, key=lambda line: (-line[1], line[0]))


_ODD = (np.arange(1, 66, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)
"""Multipliers that make one number of a row, by which rows are grouped before they are compared in full."""


def _groups(wide: NDArray[np.uint64]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield for each different row of *wide*, (n, k), where it stands first, and which rows are like it."""
    hashes = (wide * _ODD[: wide.shape[1]]).sum(axis=1, dtype=np.uint64)
    _, firsts, where = np.unique(hashes, return_index=True, return_inverse=True)
    if not (wide == wide[firsts][where]).all():  # two rows with one number
        _, firsts, where = np.unique(wide, axis=0, return_index=True, return_inverse=True)
        where = where.reshape(-1)
    for number, first in enumerate(firsts.tolist()):
        yield first, where == number


def _names(head: Head, row: np.void) -> tuple[str, ...]:
    reasons = head.reform_reasons if row["direction"] == NEWLY_REFUSED else head.law_reasons
    number = sum(int(word) << (64 * place) for place, word in enumerate(row["bits"]))
    return tuple(name for bit, name in enumerate(reasons) if number >> bit & 1)


@dataclass(frozen=True, slots=True)
class Part:
    """One file, read: its head, what differs in it, up to which frame and instant it goes, how many rows are *lost*.

    Rows are lost where the power went before the system had written them.
    """

    head: Head
    difference: Difference
    last_sequence: int
    last_instant: int
    lost: int


def parts_in(folder: Path) -> list[Part]:
    """Read every file of a shadow in *folder*, by their first frames. Raises `JournalError` for one that is none.

    An empty file has not begun yet, or lost all to a power cut.
    """
    found = [read_part(path) for path in sorted(folder.glob("shadow-*.rows")) if path.stat().st_size]
    return sorted(found, key=lambda part: part.head.first_sequence)


def read_part(path: Path) -> Part:
    """Read the file at *path*, also while it grows. Raises `JournalError` when it is none."""
    with path.open("rb") as file:
        head, counts = _begin(path, file)
        difference = Difference(int(counts["asked"]))
        kind, left, found = row_type(head.words), int(counts["rows"]), 0
        while left:
            data = file.read(min(left, ROWS_READ) * kind.itemsize)
            rows = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], dtype=kind)
            if not len(rows):
                break
            known = rows[(rows["direction"] == NEWLY_REFUSED) | (rows["direction"] == NEWLY_ADMITTED)]
            difference.add(head, known)
            found += len(known)
            left -= len(rows)
    lost = int(counts["rows"]) - found
    return Part(head, difference, int(counts["frame"]), int(counts["instant"]), lost)


def _begin(path: Path, file: IO[bytes]) -> tuple[Head, np.void]:
    line = file.readline(MAX_HEAD_BYTES)
    try:
        head = msgspec.json.decode(line, type=Head)
        counts = np.frombuffer(file.read(COUNTS.itemsize), dtype=COUNTS)[0]
    except (msgspec.MsgspecError, ValueError, IndexError, UnicodeDecodeError):
        raise JournalError(f"{path} is no file of a shadow, or was cut; remove it") from None
    if head.format != FORMAT or head.words > 64:
        raise JournalError(f"{path} has the format {head.format!a}, this Jiaozi reads {FORMAT!a}; remove it")
    return head, counts
