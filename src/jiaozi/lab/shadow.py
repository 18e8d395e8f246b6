"""The reform that an office tries as a shadow: one file in its folder, put there and taken away by a command.

    shadow/reform.toml                    the reform as it was given, below a first line that is ours
    shadow/shadow-DIGEST-SEQUENCE.rows    what it would decide otherwise, see `ledger/shadow_rows`

The office looks for the file when it is opened and whenever it is asked for its shadow, so a
running server picks up what a command of another process put there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jiaozi.errors import JiaoziError, LabError, NotReady
from jiaozi.lab.replay.law import Tried, tried_of
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.shadow import Shadow
from jiaozi.ledger.shadow_rows import Difference, Part, parts_in
from jiaozi.proof.whole import write_whole
from jiaozi.rulebook.model import Book

FOLDER, FILE = "shadow", "reform.toml"
FIRST_LINE = "# a shadow of jiaozi: "
"""What stands before the JSON of the first line; TOML takes it for a comment."""

MAX_TEXT_BYTES = 1 << 20


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: name of the *reform*, *drafts* that take part, digest of the *law* that it was read with."""

    reform: str
    drafts: list[str]
    law: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The file, read: what is asked, and the text of the reform."""

    asked: Asked
    text: str

    def of(self, law: Book) -> Book:
        """Return *law* as it would be. Raises `RulebookError` with all mistakes."""
        beside = tried_of([], drafts=self.asked.drafts)
        return Tried(((self.asked.reform, self.text),), beside.drafts, beside.texts).of(law)


def place(folder: Path, asked: Asked, text: str) -> Path:
    """Put the reform into the *folder* of an office, whole or not at all; return its path."""
    path = folder / FOLDER / FILE
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, f"{FIRST_LINE}{msgspec.json.encode(asked).decode()}\n{text}".encode())
    return path


def take_away(folder: Path) -> bool:
    """Take the reform away; what was compared stays. Returns whether there was one."""
    path = folder / FOLDER / FILE
    is_there = path.exists()
    path.unlink(missing_ok=True)
    return is_there


def placed_in(folder: Path) -> Placed | None:
    """Return the reform that was put into the *folder* of an office. Raises `LabError` when nobody can read it."""
    path = folder / FOLDER / FILE
    try:
        with path.open("rb") as file:
            line, _, text = file.read(MAX_TEXT_BYTES).decode().partition("\n")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"{path} cannot be read: {error}; put the reform there with `jiaozi law shadow`"
        ) from None
    try:
        if not line.startswith(FIRST_LINE):
            raise ValueError(f"its first line does not begin with {FIRST_LINE!r}")
        return Placed(msgspec.json.decode(line.removeprefix(FIRST_LINE), type=Asked), text)
    except (msgspec.MsgspecError, ValueError) as error:
        raise LabError(
            f"{path} is no shadow: {error}; put the reform there with `jiaozi law shadow`"
        ) from None


def newest(folder: Path) -> tuple[Part, Difference] | None:
    """Return the newest file of a shadow in the *folder* of an office, and the sum of all files of its two laws.

    Reads beside an office that works. Raises `JournalError`.
    """
    parts = parts_in(folder / FOLDER)
    if not parts:
        return None
    last, whole = parts[-1], Difference()
    for part in parts:
        if (part.head.reform_digest, part.head.law_digest) == (last.head.reform_digest, last.head.law_digest):
            whole.join(part.difference)
    return last, whole


@dataclass(frozen=True, slots=True)
class Shown:
    """What an office says of its shadow: what was asked for, what runs or ran, and *trouble* if it does not run."""

    placed: Placed | None = None
    shadow: Shadow | None = None
    trouble: str = ""


class Watch:
    """Looks after the shadow of one office: starts what was put into its folder, stops what was taken away."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self._folder = folder
        self._looking = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._shown = Shown()

    def look(self) -> Shown:
        """Return what runs, having looked for another file. Raises `NotReady` when the ledger was closed."""
        with self._looking:
            seen = _signature(self._folder / FOLDER / FILE)
            if seen != self._seen:
                self._turn()
                self._seen = seen
            shadow = self._shown.shadow
            if shadow is not None and shadow.stopped:
                return Shown(self._shown.placed, shadow, shadow.stopped)
            return self._shown

    def _turn(self) -> None:
        if self._shown.shadow is not None:
            self._ledger.shadow(None)
        self._shown, placed = Shown(), None
        try:
            placed = placed_in(self._folder)
            if placed is not None:
                self._shown = Shown(placed, self._start(placed))
        except NotReady:
            raise
        except (JiaoziError, OSError) as error:  # a shadow that cannot run must not keep an office closed
            self._shown = Shown(placed, None, str(error))

    def _start(self, placed: Placed) -> Shadow | None:
        law = self._ledger.state.law
        if law.digest.hex() != placed.asked.law:
            raise LabError(
                "another law was enacted since this reform was put here; put it here again, read with that one"
            )
        folder = self._folder / FOLDER
        return self._ledger.shadow(placed.of(law), folder, name=placed.asked.reform)


def _signature(path: Path) -> tuple[int, ...]:
    """Return numbers that change with the file; none when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
