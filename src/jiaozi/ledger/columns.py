"""Transfers from columns: NumPy arrays, Arrow or data frame columns, lists, or one value for all.

    debit, credit     account numbers
    amount_fen        whole fen
    action, place     words, or their codes
    id                16 bytes each: (n,) of V16 or S16, `uuid.UUID`s, or (n, 2) uint64 halves (lo, hi)
    travel_data       a word, or its code
    linked            bool: the transfer shares the fate of the next one
    code, purpose     the client's own numbers
    memo              128 bits, as `id`

One Python object a transfer costs more than booking it, so a batch comes as columns
and its answers go back as columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.records import MOVES, TransferFlag, Transfers, transfers
from jiaozi.rulebook.vocabulary import Vocabulary

Columns = Mapping[str, Any]
"""A mapping of names to columns; a table with `column_names` or `columns` (Arrow, a data frame) will do."""

NUMBERS = {"debit": "debit", "credit": "credit", "amount_fen": "amount", "code": "code", "purpose": "purpose"}
WORDS = ("action", "place", "travel_data")
IDS = {"id": ("id_lo", "id_hi"), "memo": ("memo_lo", "memo_hi")}
KNOWN = (*NUMBERS, *WORDS, *IDS, "linked")
REQUIRED = ("debit", "credit", "amount_fen", "action", "place")


def transfers_from(table: Any, words: Vocabulary) -> Transfers:
    """Return *table* (see above) as (n,) TRANSFER; an `id` that is left out stays zero.

    Raises `ValueError` that names the column and says what would do.
    """
    columns = _columns(table)
    for name in columns:
        if name not in KNOWN:
            raise ValueError(f"no such column {name!r:.60}; columns are {', '.join(KNOWN)}")
    for name in REQUIRED:
        if name not in columns:
            raise ValueError(f"column {name} is missing; a batch needs {', '.join(REQUIRED)}")
    count = _count(columns)
    batch = transfers(count)
    for name, field in NUMBERS.items():
        if name in columns:
            batch[field] = _numbers(name, columns[name], batch.dtype[field])
    for name in WORDS:
        if name in columns:
            batch[name] = _codes(name, columns[name], _known(name, words))
    for name, (lo, hi) in IDS.items():
        if name in columns:
            batch[lo], batch[hi] = _halves(name, columns[name], count)
    if "linked" in columns:
        linked = np.asarray(columns["linked"])
        if linked.dtype != np.bool_:
            raise ValueError(f"column linked must be bool, not {linked.dtype}")
        batch["flags"] |= np.where(linked, np.uint16(TransferFlag.LINKED), np.uint16(0))
    return batch


def _columns(table: Any) -> dict[str, Any]:
    if isinstance(table, Mapping):
        return dict(table)
    names = getattr(table, "column_names", None) or getattr(table, "columns", None)
    if names is None:
        kind = type(table).__name__
        raise ValueError(f"a batch is a mapping or a table of columns, not {kind}; write {{'debit': …}}")
    return {str(name): table[name] for name in names}


def _count(columns: Mapping[str, Any]) -> int:
    """Return how many transfers there are: one length for all columns that are no single value."""
    lengths = {name: len(column) for name, column in columns.items() if _is_column(column)}
    if not lengths:
        return 1
    count = max(lengths.values())
    for name, length in lengths.items():
        if length != count:
            raise ValueError(f"column {name} has {length} values, others {count}; all must have as many")
    return count


def _is_column(column: Any) -> bool:
    return hasattr(column, "__len__") and not isinstance(column, str | bytes)


def _numbers(name: str, column: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    numbers = np.asarray(column)
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"column {name} must be whole numbers, not {numbers.dtype}; money is in fen")
    bounds = np.iinfo(dtype)
    if numbers.size and (int(numbers.min()) < bounds.min or int(numbers.max()) > bounds.max):
        raise ValueError(f"column {name} has a number beyond {bounds.min} to {bounds.max}")
    return numbers.astype(dtype)


def _known(name: str, words: Vocabulary) -> dict[str, int]:
    if name == "place":
        return dict(words.place_codes)
    if name == "action":
        return {"book": 0} | {str(action): code for code, action in MOVES.items()}
    known = words.facts["payment.travel_data"].words
    return {"": 0} | {word: code for code, word in enumerate(known, start=1)}


def _codes(name: str, column: Any, known: Mapping[str, int]) -> NDArray[np.uint8]:
    """Return codes as they are, words as their codes."""
    values = np.asarray(column)
    if values.dtype.kind in "iu":
        return _numbers(name, values, np.dtype(np.uint8))
    if values.dtype.kind not in "UTO":
        raise ValueError(f"column {name} must be words or codes, not {values.dtype}")
    found, places = np.unique(values.astype(str), return_inverse=True)
    for word in found.tolist():
        if word not in known:
            raise ValueError(f"column {name} has {word!r:.60}; it is one of {', '.join(filter(None, known))}")
    return np.array([known[word] for word in found.tolist()], dtype=np.uint8)[places].reshape(values.shape)


def _halves(name: str, column: Any, count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return 128-bit numbers as their halves (lo, hi); bytes are in the order of a UUID, highest first."""
    if isinstance(column, uuid.UUID | bytes):
        column = [column]
    if not isinstance(column, np.ndarray):
        column = np.array([_sixteen(name, value) for value in _iterable(name, column)], dtype="V16")
    if column.shape == (count, 2) and column.dtype == np.uint64:
        return column[:, 0], column[:, 1]
    if column.dtype.kind not in "VS" or column.dtype.itemsize != 16:
        raise ValueError(f"column {name} must be 16 bytes each, UUIDs, or (n, 2) uint64, not {column.dtype}")
    halves = np.ascontiguousarray(column).view(">u8").reshape(len(column), 2).astype(np.uint64)
    return halves[:, 1], halves[:, 0]


def _iterable(name: str, column: Any) -> Iterable[Any]:
    if not _is_column(column):
        raise ValueError(f"column {name} must be 16 bytes each, UUIDs, or (n, 2) uint64")
    found: Iterable[Any] = column.tolist() if hasattr(column, "tolist") else column
    return found


def _sixteen(name: str, value: Any) -> bytes:
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, bytes) and len(value) == 16:
        return value
    raise ValueError(f"column {name} has {value!r:.40}; each must be a UUID or 16 bytes")
