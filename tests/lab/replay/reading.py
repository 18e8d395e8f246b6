"""A replay run and read back from its Parquet files, in the form the plain reading gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from jiaozi.lab.replay.replay import Asked, Replay, replay
from tests.lab.replay.plain import Changed, Key


def rows_of(query: str) -> list[Any]:
    """Return what DuckDB answers."""
    with duckdb.connect(":memory:") as connection:
        return connection.execute(query).fetchall()


def replayed(journal: Path, asked: Asked, *, work: Path, to: Path) -> tuple[Replay, dict[Key, Changed]]:
    """Return the replay and its changed decisions, by frame and place in it."""
    result = replay(journal, asked, work=work, to=to)
    return result, changes_in(to)


def changes_in(folder: Path) -> dict[Key, Changed]:
    """Return what the Parquet files in *folder* say."""
    names = dict(rows_of(f"SELECT number, names FROM '{folder / 'reasons.parquet'}'"))
    rows = rows_of(f"SELECT frame, row, is_admitted, amount, reasons FROM '{folder / 'changes-*.parquet'}'")
    found = {}
    for frame, row, is_admitted, amount, reasons in rows:
        why = tuple(names[reasons].split(", ")) if names[reasons] else ()
        found[frame, row] = Changed(bool(is_admitted), amount, why)
    assert len(found) == len(rows), "a transfer changes once"
    return found


def same(ours: dict[Key, Changed], plain: dict[Key, Changed]) -> None:
    differs = sorted(key for key in ours.keys() | plain.keys() if ours.get(key) != plain.get(key))
    told = [f"{key}: {ours.get(key)}, plainly {plain.get(key)}" for key in differs[:3]]
    assert not differs, f"{len(differs)} differ: {told}"


def without_old_reasons(change: Changed) -> Changed:
    """Return *change* without why it had been refused, which the plain ledger run again does not know."""
    return Changed(True, change.amount_fen, ()) if change.is_admitted else change


def after(times: int) -> Callable[[], bool]:
    """Return a stop that says yes when it was asked more than *times* times."""
    asked = iter(range(times))
    return lambda: next(asked, None) is None
