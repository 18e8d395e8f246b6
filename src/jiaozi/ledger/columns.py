"""Transfers from columns: NumPy arrays, Arrow or data frame columns, lists, or one value for all.

    debit, credit     account numbers
    amount_fen        whole fen; to post: the part of the pending transfer, all of it when left out
    action, place     words, or their codes
    id                16 bytes each: (n,) of V16 or S16, `uuid.UUID`s, or (n, 2) uint64 halves (lo, hi)
    travel_data       a word, or its code
    linked            bool: the transfer shares the fate of the next one
    pending           bool: the money is reserved until it is posted or voided
    timeout           seconds after which a pending transfer is released; 0 never
    post, void        bool: it ends the pending transfer `pending_id`, and needs no other column but `id`
    pending_id        as `id`; stands in the place of the memo
    balancing         "debit" or "credit": move at most what that account allows; "" the amount as it is
    value_date        the day the client counts it from: datetime64, `date` or ISO text; "" the day of booking
    code              the client's own number, below 65,536
    purpose_number    the client's own number, below 256
    memo              128 bits, as `id`

and words beside the transfer, see `notes.Note`: text, reason, end_to_end_id, instruction_id, uetr,
purpose, remittance, reference. None or "" is none.

One Python object a transfer costs more than booking it, so a batch comes as columns
and its answers go back as columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.notes import NO_NOTES, Note, Notes
from jiaozi.ledger.records import AS_PENDING, MOVES, WHOLE, TransferFlag, Transfers, transfers
from jiaozi.rulebook.vocabulary import Vocabulary

Columns = Mapping[str, Any]
"""A mapping of names to columns; a table with `column_names` or `columns` (Arrow, a data frame) will do."""

NUMBERS = {
    "debit": "debit",
    "credit": "credit",
    "amount_fen": "amount",
    "timeout": "timeout",
    "code": "code",
    "purpose_number": "purpose",
}
WORDS = ("action", "place", "travel_data")
IDS = {"id": ("id_lo", "id_hi"), "memo": ("memo_lo", "memo_hi"), "pending_id": ("memo_lo", "memo_hi")}
FLAGS = {
    "linked": TransferFlag.LINKED,
    "pending": TransferFlag.PENDING,
    "post": TransferFlag.POST_PENDING_TRANSFER,
    "void": TransferFlag.VOID_PENDING_TRANSFER,
}
BALANCING = {"": 0, "debit": TransferFlag.BALANCING_DEBIT, "credit": TransferFlag.BALANCING_CREDIT}
NOTES = Note.__struct_fields__
KNOWN = (*NUMBERS, *WORDS, *IDS, *FLAGS, "balancing", "value_date", *NOTES)
REQUIRED = ("debit", "credit", "amount_fen", "action", "place")
LEFT_OUT = {"debit": AS_PENDING, "credit": AS_PENDING, "amount": WHOLE}
"""What stands in a transfer that posts or voids where its column is left out; action and place stay 0."""

FIRST_DAY = np.datetime64("2000-01-01", "D")
LAST_VALUE_DAY = 2**16 - 1


def transfers_from(table: Any, words: Vocabulary) -> tuple[Transfers, Notes]:
    """Return *table* (see above) as (n,) TRANSFER and its notes; an `id` that is left out stays zero.

    Raises `ValueError` that names the column and says what would do.
    """
    columns = _columns(table)
    for name in columns:
        if name not in KNOWN:
            raise ValueError(f"no such column {name!r:.60}; columns are {', '.join(KNOWN)}")
    if "memo" in columns and "pending_id" in columns:
        raise ValueError("column pending_id stands in the place of the memo; leave column memo out")
    count = _count(columns)
    batch = transfers(count)
    batch["flags"] = _flags(columns, count)
    _fill_left_out(batch, columns)
    for name, field in NUMBERS.items():
        if name in columns:
            batch[field] = _numbers(name, columns[name], batch.dtype[field])
    for name in WORDS:
        if name in columns:
            batch[name] = _codes(name, columns[name], _known(name, words))
    for name, (lo, hi) in IDS.items():
        if name in columns:
            batch[lo], batch[hi] = _halves(name, columns[name], count)
    if "value_date" in columns:
        batch["value_day"] = _days("value_date", columns["value_date"])
    return batch, _notes(columns, count)


def place_codes(words: Vocabulary) -> dict[str, int]:
    """Return the code of each place."""
    return dict(words.place_codes)


def action_codes() -> dict[str, int]:
    """Return the code of each action that a transfer may have."""
    return {"book": 0} | {str(action): code for code, action in MOVES.items()}


def travel_codes(words: Vocabulary) -> dict[str, int]:
    """Return the code of each word for travel data; the empty word says that none was given."""
    known = words.facts["payment.travel_data"].words
    return {"": 0} | {word: code for code, word in enumerate(known, start=1)}


def _flags(columns: Mapping[str, Any], count: int) -> NDArray[np.uint16]:
    """Return the flags that the columns of yes or no ask for, (n,) u16."""
    flags = np.zeros(count, dtype=np.uint16)
    for name, flag in FLAGS.items():
        if name in columns:
            is_set = np.asarray(columns[name])
            if is_set.dtype != np.bool_:
                raise ValueError(f"column {name} must be bool, not {is_set.dtype}")
            flags |= np.where(is_set, np.uint16(flag), np.uint16(0))
    if "balancing" in columns:
        flags |= _words("balancing", columns["balancing"], BALANCING).astype(np.uint16)
    return flags


def _fill_left_out(batch: Transfers, columns: Mapping[str, Any]) -> None:
    """Write what is meant by a column that is left out, where all transfers that need it post or void."""
    ends = TransferFlag.POST_PENDING_TRANSFER | TransferFlag.VOID_PENDING_TRANSFER
    is_end = (batch["flags"] & np.uint16(ends)) != 0
    for name in REQUIRED:
        if name not in columns and not is_end.all():
            raise ValueError(
                f"column {name} is missing; a batch needs {', '.join(REQUIRED)} unless all of it posts or voids"
            )
    if is_end.any() and "pending_id" not in columns:
        raise ValueError("column pending_id is missing; it names the pending transfer to post or to void")
    for field, value in LEFT_OUT.items():
        batch[field] = np.where(is_end, value, 0)


def _notes(columns: Mapping[str, Any], count: int) -> Notes:
    """Return what the columns of words say beside the transfers. Raises `ValueError` naming the transfer."""
    fields: list[dict[str, str]] = [{} for _ in range(count)] if any(n in columns for n in NOTES) else []
    for name in NOTES:
        if name not in columns:
            continue
        column = columns[name]
        values = [column] * count if not _is_column(column) else _iterable(name, column)
        for row, value in enumerate(values):
            if isinstance(value, str) and value:
                fields[row][name] = value
            elif not _is_none(value):
                raise ValueError(f"column {name} has {value!r:.40} at transfer {row}; it holds words")
    notes = {row: Note(**own) for row, own in enumerate(fields) if own}
    return Notes.of(notes) if notes else NO_NOTES


def _is_none(value: Any) -> bool:
    """Whether *value* says that there is nothing: None, an empty word, or NaN as data frames write it."""
    return value is None or value == "" or (isinstance(value, float) and value != value)


def _days(name: str, column: Any) -> NDArray[np.uint16]:
    """Return days since 2000-01-01; 0, the day of booking, for an empty word, None or NaT."""
    wrong = f"column {name} must be dates, such as 2026-12-15, from 2000-01-02 on"
    values = np.asarray(column)
    if values.dtype.kind == "O":
        for value in values.reshape(-1).tolist():
            if not isinstance(value, date | str | type(None)):
                raise ValueError(f"{wrong}, not {value!r:.40}")
    if values.dtype.kind not in "MUTO":
        raise ValueError(f"{wrong}, not {values.dtype}")
    if values.dtype.kind in "UTO":
        values = values.astype(object)
        values[values == ""] = None
    try:
        dates = values.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wrong}: {error}") from None
    days = (dates - FIRST_DAY).astype(np.int64)
    days = np.where(np.isnat(dates), 0, days)
    if days.size and (((days <= 0) & ~np.isnat(dates)).any() or int(days.max()) > LAST_VALUE_DAY):
        raise ValueError(f"{wrong} and before {FIRST_DAY + LAST_VALUE_DAY + 1}")
    return days.astype(np.uint16)


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
        return place_codes(words)
    return action_codes() if name == "action" else travel_codes(words)


def _codes(name: str, column: Any, known: Mapping[str, int]) -> NDArray[np.uint8]:
    """Return codes as they are, words as their codes."""
    values = np.asarray(column)
    if values.dtype.kind in "iu":
        return _numbers(name, values, np.dtype(np.uint8))
    if values.dtype.kind not in "UTO":
        raise ValueError(f"column {name} must be words or codes, not {values.dtype}")
    return _words(name, values, known)


def _words(name: str, column: Any, known: Mapping[str, int]) -> NDArray[np.uint8]:
    """Return the code of each word."""
    values = np.asarray(column)
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
