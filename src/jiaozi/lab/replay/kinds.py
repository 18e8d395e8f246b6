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

_HALF = np.uint64(31)
_ODD = np.random.default_rng(11).integers(0, 2**63, len(COLUMNS), dtype=np.uint64) << 1 | 1
"""Multipliers that make one number of a row of facts; two rows with one number would be taken for one kind."""


class Kinds:
    """The table of kinds, which grows: (k, COLUMNS) int64."""

    def __init__(self, rows: Int64s | None = None) -> None:
        """Go on from *rows* of a recording before."""
        before = np.zeros((0, len(COLUMNS)), dtype=np.int64) if rows is None else rows
        self.rows: list[Int64s] = list(before)
        self._numbers = {key: number for number, key in enumerate(_key_of(list(before.T)).tolist())}
        self._sort()

    def numbers(
        self, seen: Int64s, slots: Mapping[str, int], zones: Int64s, coins: Int64s
    ) -> NDArray[np.uint32]:
        """Return for *seen* (n, facts) the places in the table; *zones* and *coins* (n,) are theirs.

        Of an amount only whether it is known is kept here: it stands in its row.
        """
        # A column at a time: the rows as they will stand in the table are wanted of few.
        columns = [_column(seen, name, slots) for name in SMALL]
        columns += [zones.astype(np.int64), coins.astype(np.int64)]
        keys = _key_of(columns)
        places = np.minimum(np.searchsorted(self._sorted, keys), max(len(self._sorted) - 1, 0))
        is_new = self._sorted[places] != keys if len(self._sorted) else np.ones(len(keys), dtype=np.bool_)
        if is_new.any():
            first = np.unique(keys[is_new], return_index=True)[1]
            rows = np.flatnonzero(is_new)[np.sort(first)]
            for key, row in zip(keys[rows].tolist(), rows.tolist(), strict=True):
                self._numbers[key] = len(self.rows)
                self.rows.append(np.array([column[row] for column in columns], dtype=np.int64))
            self._sort()
            places = np.searchsorted(self._sorted, keys)
        return self._sorted_numbers[places]

    def _sort(self) -> None:
        keys = np.array(list(self._numbers), dtype=np.uint64)
        order = np.argsort(keys)
        self._sorted = keys[order]
        self._sorted_numbers = order.astype(np.uint32)


def _column(seen: Int64s, name: str, slots: Mapping[str, int]) -> Int64s:
    if name not in slots:
        return np.full(len(seen), MISSING)
    values = seen[:, slots[name]]
    return np.where(values == MISSING, MISSING, 0) if name in AMOUNTS else values


def _key_of(columns: Sequence[Int64s]) -> NDArray[np.uint64]:
    """Return one number for each row of *columns*, (n,) each."""
    keys = np.zeros(len(columns[0]), dtype=np.uint64)
    for column, odd in zip(columns, _ODD, strict=True):
        # MISSING is one high bit, which every odd number leaves where it is: two of them would be none.
        bits = column.astype(np.uint64)
        keys += (bits ^ (bits >> _HALF)) * odd
    return keys


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
