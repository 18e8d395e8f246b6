"""Kinds of questions, and sets of reasons: what repeats stands once in a table, numbered as it first came.

That order makes the tables the same however many frames are looked at together, and wherever
a recording was broken off and taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.replay.records import AMOUNTS, NUMBERS, WIDE
from jiaozi.ledger.posting.supplied import FACTS_SUPPLIED
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import Book

SMALL: Final = tuple(name for name in FACTS_SUPPLIED if name not in (*WIDE, *NUMBERS))
"""Facts of a row of the table of kinds; after them stand the person's clock and the coin."""

COLUMNS: Final = [*SMALL, "clock", "coin"]

_AMOUNT_COLUMNS = [column for column, name in enumerate(SMALL) if name in AMOUNTS]
_ODD = np.random.default_rng(11).integers(0, 2**63, len(COLUMNS), dtype=np.uint64) << 1 | 1
"""Multipliers that make one number of a row of facts; two rows with one number would be taken for one kind."""


class Kinds:
    """The table of kinds, which grows: (k, COLUMNS) int64."""

    def __init__(self, rows: Int64s | None = None) -> None:
        """Go on from *rows* of a recording before."""
        before = np.zeros((0, len(COLUMNS)), dtype=np.int64) if rows is None else rows
        self.rows: list[Int64s] = list(before)
        self._numbers = {key: number for number, key in enumerate(_keys_of(before).tolist())}

    def numbers(
        self, seen: Int64s, asked: NDArray[np.intp], slots: Mapping[str, int], zones: Int64s, coins: Int64s
    ) -> NDArray[np.uint32]:
        """Return for rows *asked* (n,) of *seen* their places in the table; *zones* and *coins* (n,) are theirs.

        Of an amount only whether it is known is kept here: it stands in its row.
        """
        known = np.empty((len(asked), len(COLUMNS)), dtype=np.int64)
        known[:, : len(SMALL)] = seen[asked[:, None], [slots.get(name, 0) for name in SMALL]]
        known[:, [column for column, name in enumerate(SMALL) if name not in slots]] = MISSING
        amounts = known[:, _AMOUNT_COLUMNS]
        known[:, _AMOUNT_COLUMNS] = np.where(amounts == MISSING, MISSING, 0)
        known[:, -2], known[:, -1] = zones, coins
        found, first, where = np.unique(_keys_of(known), return_index=True, return_inverse=True)
        places = np.empty(len(found), dtype=np.uint32)
        keys = found.tolist()
        for number in np.argsort(first).tolist():
            if keys[number] not in self._numbers:
                self._numbers[keys[number]] = len(self.rows)
                self.rows.append(known[first[number]].copy())
            places[number] = self._numbers[keys[number]]
        return places[where]


class Reasons:
    """Sets of reasons, numbered from 1; 0 is the empty one."""

    def __init__(self, names: Iterable[Sequence[str]] = ()) -> None:
        """Go on from *names* of a recording before."""
        self._numbers: dict[tuple[str, ...], int] = {}
        for each in names:
            self._numbers[tuple(each)] = len(self._numbers) + 1

    @property
    def names(self) -> list[list[str]]:
        """The sets there are, from number 1 on."""
        return [list(names) for names in self._numbers]

    def numbers(self, bits: NDArray[np.uint64], book: Book) -> NDArray[np.uint16]:
        """Return the number of each set in *bits* (n, words), reasons of *book*."""
        numbers = np.zeros(len(bits), dtype=np.uint16)
        refused = np.flatnonzero(bits.any(axis=1))
        if len(refused):
            found, first, where = np.unique(bits[refused], axis=0, return_index=True, return_inverse=True)
            known = np.empty(len(found), dtype=np.uint16)
            for number in np.argsort(first).tolist():
                names = names_of(book, found[number])
                known[number] = self._numbers.setdefault(names, len(self._numbers) + 1)
            numbers[refused] = known[where.reshape(-1)]
        return numbers


def _keys_of(rows: Int64s) -> NDArray[np.uint64]:
    numbers = np.ascontiguousarray(rows).view(np.uint64)
    keys: NDArray[np.uint64] = (numbers * _ODD).sum(axis=1, dtype=np.uint64)
    return keys
