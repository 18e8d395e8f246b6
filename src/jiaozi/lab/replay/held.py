"""Reservations of the history: which rows make, post or give back which, so that sums can follow them.

A pending transfer takes its allowance when it is reserved, and gives it back when it is voided
or runs out. A law that refuses the reservation must not give it back a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.replay.records import GIVES_BACK, OPEN, PARTS, POSTS, QUESTION, RESERVES, Questions
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.posting.beside import NOT_ASKED
from jiaozi.ledger.posting.two_phase import PENDING, POST, VOID
from jiaozi.ledger.results import Result

Id = tuple[int, int]

ABOUT = PENDING | POST | VOID
"""Flags of transfers that make, post or void a reservation."""


class Reservations:
    """Those that are open, by their id: the row that made each."""

    def __init__(self, counts: Sequence[int] = (0,) * PARTS, opened: NDArray[np.void] | None = None) -> None:
        """Go on from *counts* and *opened* (n,) OPEN, of a recording before."""
        self.counts = list(counts)
        """How many there were in each part."""
        self._open: dict[Id, np.void] = {}
        for each in opened if opened is not None else ():
            self._open[int(each["id_lo"]), int(each["id_hi"])] = each["row"].copy()

    def opened(self) -> NDArray[np.void]:
        """Return those that are open in the order in which they were made, (n,) OPEN."""
        found = np.zeros(len(self._open), dtype=OPEN)
        for number, ((lo, hi), row) in enumerate(self._open.items()):
            found[number] = (lo, hi, row)
        return found

    def told(self, booked: Booked, rows: Questions, frame: int) -> Questions:
        """Write into *rows*, the questions of *booked*, which reservations they are about.

        Returns them in order, with rows for what was given back: first what ran out before this frame.
        """
        flags = booked.batch["flags"]
        given_back = [
            self._given_back((int(row["id_lo"]), int(row["id_hi"])), frame, 0) for row in booked.released
        ]
        asked = {int(row): number for number, row in enumerate(rows["row"].tolist())}
        order: list[Questions] = [each for each in given_back if each is not None]
        start = 0
        for n in np.flatnonzero(flags & ABOUT).tolist():
            sent, is_created = booked.batch[n], booked.results[n] == Result.CREATED
            memo = (int(sent["memo_lo"]), int(sent["memo_hi"]))
            if sent["flags"] & VOID:
                if is_created and (row := self._given_back(memo, frame, n)) is not None:
                    end = int(np.searchsorted(rows["row"], n))
                    order += [rows[start:end], row]
                    start = end
            elif n in asked:
                self._about(
                    rows, asked[n], int(sent["flags"]), memo, (int(sent["id_lo"]), int(sent["id_hi"]))
                )
        return np.concatenate([*order, rows[start:]])

    def _about(self, rows: Questions, number: int, flags: int, memo: Id, own: Id) -> None:
        is_created = rows[number]["result"] == Result.CREATED
        if flags & PENDING and is_created:
            part = int(rows[number]["person"]) % PARTS
            self.counts[part] += 1
            rows[number]["role"], rows[number]["pending"] = RESERVES, self.counts[part]
            self._open[own] = rows[number].copy()
        elif flags & POST and memo in self._open:
            rows[number]["role"], rows[number]["pending"] = POSTS, self._open[memo]["pending"]
            if is_created:
                del self._open[memo]

    def _given_back(self, own: Id, frame: int, n: int) -> Questions | None:
        made = self._open.pop(own, None)
        if made is None:
            return None
        row = np.zeros(1, dtype=QUESTION)
        row[0] = made
        row["frame"], row["row"], row["role"], row["reasons"] = frame, n, GIVES_BACK, 0
        row["otherwise"] = NOT_ASKED
        return row
