"""Where the records of holders lie: in memory, or in a scratch file for more of them than memory has room for.

The file is never the truth. It is filled anew at each opening, from a snapshot and the journal, and the
system keeps in memory what is used of it: 1.4 billion records take 90 GB of disk, whoever pays today is in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import NotReady
from jiaozi.ledger.posting.arena import Scratch, reserve
from jiaozi.ledger.records import ACCOUNT, Accounts


@dataclass(frozen=True, slots=True)
class Holders:
    """Room for records: *rows* (n,) ACCOUNT, zeros until someone writes them."""

    rows: Accounts
    folder: Path | None
    """Where their file lies; None in memory."""
    _scratch: Scratch | None

    @classmethod
    def reserve(cls, folder: Path | None, rows: int, *, least: int) -> Holders:
        """Return room for *rows*, in a file in *folder* if there is one, for *least* at once.

        In memory it may be for fewer, see `arena.reserve`. Raises `NotReady` when the disk will not do, MemoryError.
        """
        if folder is None:
            return cls(reserve(ACCOUNT, rows, least=least), None, None)
        try:
            scratch = Scratch(folder, ACCOUNT, rows)
        except OSError as error:
            raise NotReady(f"holder records cannot be kept: {error.strerror or error}") from error
        holders = cls(scratch.rows, folder, scratch)
        holders.take(least)
        return holders

    def take(self, count: int) -> None:
        """Make sure that the first *count* rows can be written. Raises `NotReady` when the disk has no room."""
        if self._scratch is not None:
            try:
                self._scratch.take(count)
            except OSError as error:
                raise NotReady(f"holder records cannot be kept: {error.strerror or error}") from error
