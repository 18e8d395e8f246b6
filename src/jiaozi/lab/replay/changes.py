"""Decisions that came out otherwise, gathered from all threads and written as Parquet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jiaozi.lab.replay.records import CHANGE, Changes
from jiaozi.ledger.history import parquet

ROWS_A_FILE = 1 << 22
"""Changes kept in memory before they become a file: 230 MB."""


@dataclass
class ReasonSets:
    """Sets of reasons by number, from 1; 0 is the empty one."""

    names: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    _numbers: dict[tuple[str, ...], int] = field(default_factory=lambda: {(): 0})

    def number(self, names: tuple[str, ...]) -> int:
        """Return the number of the set *names*, a new one if it is new."""
        if names not in self._numbers:
            self._numbers[names] = len(self.names)
            self.names.append(names)
        return self._numbers[names]


class ChangesFile:
    """Writes changes as `changes-0000.parquet` and so on into *folder*; without one it keeps nothing."""

    def __init__(self, folder: Path | None, says: dict[str, str]) -> None:
        self._folder = folder
        self._says = says
        self._waiting: list[Changes] = []
        self._count = 0
        self.paths: list[Path] = []
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("changes-*.parquet"):  # of a replay with more changes than this one
                old.unlink()

    def add(self, changes: Changes) -> None:
        if self._folder is None:
            return
        self._waiting.append(changes)
        self._count += len(changes)
        if self._count >= ROWS_A_FILE:
            self._write(None)

    def close(self, reasons: ReasonSets) -> list[Path]:
        """Write what waits, and the table of reasons; return the files."""
        if self._folder is None:
            return []
        self._write(reasons)
        names = np.array([", ".join(each) for each in reasons.names], dtype=object)
        path = self._folder / "reasons.parquet"
        columns = {"number": np.arange(len(names), dtype=np.int32), "names": names}
        parquet.write(parquet.connect(), path, columns, self._says)
        return [*self.paths, path]

    def _write(self, reasons: ReasonSets | None) -> None:
        assert self._folder is not None
        rows = np.concatenate(self._waiting) if self._waiting else np.zeros(0, dtype=CHANGE)
        if len(rows) or (reasons is not None and not self.paths):
            path = self._folder / f"changes-{len(self.paths):04d}.parquet"
            path.unlink(missing_ok=True)
            columns = {name: np.ascontiguousarray(rows[name]) for name in CHANGE.names or ()}
            parquet.write(parquet.connect(), path, columns, self._says)
            self.paths.append(path)
        self._waiting, self._count = [], 0
