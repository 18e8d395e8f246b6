"""Questions to the sealed files, one file at a time: where rows are, what they say, what entries come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.history import parquet
from jiaozi.ledger.history.asked import Balance, Piece, Wanted
from jiaozi.ledger.history.parquet import source
from jiaozi.ledger.history.rows import ENTRY, IN, OUT, ROW, TRANSFER_ROW
from jiaozi.ledger.history.units import ENTRIES, TRANSFERS, Unit, broken, checked
from jiaozi.ledger.results import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FEW = 256
"""Up to so many rows are named one by one, which lets the reader pass over the groups between them."""


class SealedReader:
    """Reads units through one database. For one thread at a time."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def positions(self, unit: Unit, wanted: Wanted) -> tuple[int, int]:
        """Return from where and until where the rows of *unit* are asked for."""
        low, high = 0, unit.rows
        if wanted.since is not None and unit.head.first_instant < wanted.since:
            low = max(low, self._first(unit, f"instant >= {int(wanted.since)}"))
        if wanted.until is not None and unit.head.last_instant >= wanted.until:
            high = min(high, self._first(unit, f"instant >= {int(wanted.until)}"))
        if wanted.after is not None and unit.head.first <= wanted.after.frame <= unit.head.last:
            frame, row = wanted.after
            sign = ">=" if wanted.newest_first else ">"
            at = self._first(unit, f"(frame > {frame} OR (frame = {frame} AND row {sign} {row}))")
            low, high = (low, min(high, at)) if wanted.newest_first else (max(low, at), high)
        return low, high

    def entries(self, unit: Unit, where: str, parameters: Sequence[object]) -> NDArray[np.void]:
        """Return the entries of *unit* for which *where* holds, by row."""
        path = checked(unit, ENTRIES)
        names = ", ".join(ENTRY.names or ())
        query = f"SELECT {names} FROM {source(path)} WHERE {where} ORDER BY position"
        return parquet.entries_from(parquet.fetch(self._connection, path, query, parameters))

    def rows(self, unit: Unit, entries: NDArray[np.void]) -> Piece:
        """Return the rows that *entries* point at, in their order."""
        path = checked(unit, TRANSFERS)
        positions = entries["position"]
        if not len(positions):
            return Piece(np.zeros(0, dtype=ROW), entries, {})
        chosen = f"SELECT position, {parquet.COLUMNS}, note FROM {source(path)} WHERE "
        if len(positions) <= _FEW:
            chosen += f"position IN ({', '.join(map(str, positions.tolist()))})"
            columns = parquet.fetch(self._connection, path, chosen)
        else:
            chosen += "position BETWEEN ? AND ? AND position IN (SELECT position FROM asked)"
            self._connection.register("asked", {"position": np.ascontiguousarray(positions)})
            low, high = int(positions.min()), int(positions.max())
            columns = parquet.fetch(self._connection, path, chosen, [low, high])
            self._connection.unregister("asked")
        order = np.argsort(columns["position"])
        place = np.searchsorted(columns["position"][order], positions)
        if len(order) != len(positions) or not np.array_equal(columns["position"][order[place]], positions):
            raise broken(path, "lacks rows that its entries name")
        rows = parquet.records(columns, ROW)[order[place]]
        texts = columns["note"][order[place]]
        missing = np.ma.getmaskarray(texts)
        notes = {at: str(texts[at]) for at in np.flatnonzero(~missing).tolist() if texts[at] is not None}
        return Piece(rows, entries, notes)

    def sum_of(self, account: int, units: Sequence[Unit], until_position: int | None) -> Balance:
        """Return what the entries of *account* in *units* come to, in one of them until a position."""
        paths = [checked(unit, ENTRIES) for unit in units]
        query = (
            "SELECT coalesce(sum(change), 0), coalesce(sum(reserved) FILTER (side = ?), 0), "
            f"coalesce(sum(reserved) FILTER (side = ?), 0) FROM {source(*paths)} WHERE account = ?"
        )
        if until_position is not None:
            query += f" AND position < {until_position}"
        row = parquet.fetch_one(self._connection, paths[0], query, [OUT, IN, account])
        return Balance(int(row[0]), int(row[1]), int(row[2]))

    def _first(self, unit: Unit, where: str) -> int:
        """Return the first position of *unit* where *where* holds; all behind it hold too."""
        path = checked(unit, TRANSFERS)
        query = f"SELECT coalesce(min(position), {unit.rows}) FROM {source(path)} WHERE {where}"
        return int(parquet.fetch_one(self._connection, path, query)[0])

    def with_ids(self, unit: Unit, ids: NDArray[np.uint64]) -> Piece:
        """Return the transfers of *unit* that were decided for one of *ids* (n, 2), each (lo, hi)."""
        path = checked(unit, TRANSFERS)
        self._connection.register("asked_ids", {"lo": ids[:, 0].copy(), "hi": ids[:, 1].copy()})
        # The bounds let the reader pass over groups of another time, where ids carry theirs.
        query = (
            f"SELECT {parquet.COLUMNS}, note FROM {source(path)} "
            f"WHERE kind = {TRANSFER_ROW} AND result <> {int(Result.NOT_TRIED)} "
            "AND id_hi BETWEEN ? AND ? AND (id_lo, id_hi) IN (SELECT (lo, hi) FROM asked_ids) ORDER BY position"
        )
        bounds = [int(ids[:, 1].min()), int(ids[:, 1].max())]
        columns = parquet.fetch(self._connection, path, query, bounds)
        self._connection.unregister("asked_ids")
        rows = parquet.records(columns, ROW)
        return Piece(rows, np.zeros(len(rows), dtype=ENTRY), _notes(columns["note"]))


def _notes(texts: NDArray[Any]) -> dict[int, str]:
    has = ~np.ma.getmaskarray(texts)
    return {at: str(texts[at]) for at in np.flatnonzero(has).tolist() if texts[at] is not None}
