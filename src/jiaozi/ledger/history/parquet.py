"""Parquet through DuckDB: NumPy columns in, NumPy columns out.

DuckDB writes and reads the files and answers SQL over them, so one library does all three.
Version 2 of the format, zstd, 32,768 rows a group. Of the encodings that were measured
(bench/history.py) that gave the fewest bytes and the fastest reading of single rows: dense
numbers as deltas, few values as a dictionary, random bits as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JournalError
from jiaozi.ledger.history.rows import ENTRY, ROW
from jiaozi.ledger.history.units import broken

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_A_GROUP = 32_768
MEMORY_LIMIT = "2GB"
COLUMNS = ", ".join(ROW.names or ())
_WRITE = f"FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_A_GROUP}"


def connect() -> DuckDBPyConnection:
    """Return a database in memory that fetches no extension. Its import takes a tenth of a second, so it is late."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET temp_directory = ''")
    connection.execute("SET parquet_metadata_cache = true")
    return connection


def write(
    connection: DuckDBPyConnection, path: Path, columns: Mapping[str, NDArray[Any]], says: object
) -> None:
    """Write *columns* into the new file *path*, with *says* as JSON in its metadata under `jiaozi`.

    A column of objects is text; None is NULL.
    """
    connection.register("written", dict(columns))
    try:
        texts = [name for name, column in columns.items() if column.dtype == object]
        # A column with nothing but NULL would otherwise become a column of whole numbers.
        chosen = ", ".join(f"{name}::VARCHAR AS {name}" if name in texts else name for name in columns)
        told = literal(json.dumps(says, separators=(",", ":")))
        target = literal(str(path))
        connection.execute(
            f"COPY (SELECT {chosen} FROM written) TO {target} ({_WRITE}, KV_METADATA {{jiaozi: {told}}})"
        )
    finally:
        connection.unregister("written")


def literal(text: str) -> str:
    """Return *text* as a literal of SQL."""
    if "\0" in text:
        raise ValueError("a text of SQL cannot hold a zero byte")
    return "'" + text.replace("'", "''") + "'"


def source(*paths: Path) -> str:
    """Return how SQL reads the Parquet files *paths* as one table. A name with `*` means that very file."""
    return f"read_parquet([{', '.join(literal(_plain(path)) for path in paths)}])"


def _plain(path: Path) -> str:
    # DuckDB takes these for patterns; in brackets each stands for itself.
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path.absolute()))


def fetch(
    connection: DuckDBPyConnection, path: Path, query: str, parameters: object = ()
) -> dict[str, NDArray[Any]]:
    """Return the columns that *query* gives of the file *path*. Raises `JournalError` naming the file."""
    import duckdb

    try:
        return dict(connection.execute(query, parameters).fetchnumpy())
    except (duckdb.Error, OSError, MemoryError) as error:
        raise _unreadable(path, error) from error


def fetch_one(
    connection: DuckDBPyConnection, path: Path, query: str, parameters: object = ()
) -> tuple[Any, ...]:
    """Return the one row that *query* gives of the file *path*. Raises `JournalError` naming the file."""
    import duckdb

    try:
        row = connection.execute(query, parameters).fetchone()
    except (duckdb.Error, OSError, MemoryError) as error:
        raise _unreadable(path, error) from error
    assert row is not None
    return tuple(row)


def records(columns: Mapping[str, NDArray[Any]], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Return *columns* as records (n,) of *dtype*."""
    names = dtype.names or ()
    found = np.zeros(len(columns[names[0]]), dtype=dtype)
    for name in names:
        found[name] = columns[name]
    return found


def entries_from(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.void]:
    """Return entries as they were fetched, (n,) ENTRY."""
    return records(columns, ENTRY)


def _unreadable(path: Path, error: BaseException) -> JournalError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return broken(path, f"cannot be read: {first}")
