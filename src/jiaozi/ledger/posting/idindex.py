"""Every id ever taken: a hash table that the kernel asks before it books.

A row is the id's two halves and a stamp: 56 bits of a digest of the transfer's other
fields and, in its lowest 8 bits, what became of it. So a repeated id with the same
body is recognised, and with another body refused. Zero is no id, which marks an empty row.

A table that doubles makes payments wait: 40 million ids took seconds to move. This one grows
by one piece of 4,096 rows at a time, and moves the ids of one piece. Pieces split in
turn, so some were split lately and others will be soon; if ids were spread evenly, the
second kind would hold twice as many rows as the first, and the load would swing between
one half and one. So they are spread unevenly, in the shape of 2^x ("spiral storage",
Martin 1979): the piece that is split next is always the fullest, 1.44 times the average,
and the load is the same at any size.

    y = 2^(k + x)      x in [0, 1) from the id's hash; k such that S <= y < 2 S
    logical piece      floor(y): S to 2 S - 1, which are S pieces
    a split            piece S becomes 2 S and 2 S + 1, and S becomes S + 1
    where it lies      2 S stays in the place of S, 2 S + 1 comes to the end;
                       so piece y lies at the odd part of y, halved

Within its piece an id stands at a row that its hash names, or behind it (round to the piece's
beginning). A piece that is full gets another, linked by its last row, at the far end of
the table: with honest ids that takes a deviation of six sigma, so it is made to be right, not fast.
An operator who fears ids made to meet hands in a secret *key*; no digest depends on it.

All pieces lie in one array, reserved far beyond the need (`arena`). Row 0 to 3 hold the numbers below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numpy as np
from numba.cpython.unsafe import numbers
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner
from jiaozi.ledger.posting.arena import populate, reserve

Table = NDArray[np.uint64]
"""(rows, 3) uint64: id_lo, id_hi, stamp. Also what plain rows of ids look like, without header and gaps."""

PIECE_ROWS = 4096
"""98 KB. Larger pieces deviate less from what they should hold, smaller ones are split sooner."""

IDS_PER_PIECE = 1638
"""The average load: 1638 is 0.4, which is 60 bytes an id. At 10 million ids an id was looked for and put in
86 ns at 0.4 (60 bytes), 97 ns at 0.5 (48 bytes), 112 ns at 0.6 (40 bytes); above that, pieces run full."""

RESERVED_BYTES = 1 << 36
"""Address space of a table, for more than a billion ids. More are copied to a larger table, while payments wait."""

_ROWS = np.uint64(PIECE_ROWS)
_USABLE = np.uint64(PIECE_ROWS - 1)  # the last row of a piece holds zero, zero, and the linked piece or zero

# The header: (row, column) of its numbers. Pieces are counted from 1, since the header takes the place of 0.
_SPLIT_AT = (0, 0)  # S above: the logical piece that is split next, and the count of pieces
_SHIFT = (0, 1)  # 32 - k for the larger k
_KEY = (0, 2)
_COUNT = (1, 0)
_FLOOR = (1, 1)  # the lowest piece that was linked; they are taken from the end of the table downward
_FREE = (1, 2)  # the first of the linked pieces that are free again, or 0; each names the next
_SWEPT = (2, 0)  # pieces that `forget` has looked at in this round
_LOST = (2, 1)  # ids that found no row: none, as long as room was made
NO_ROW = 3
"""Where `place_of` sends an id whose pieces are full: a row that stays empty. `put` knows it."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX2 = np.uint64(0xBF58476D1CE4E5B9)
_0, _1, _2, _3, _32 = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

# 2^x - 1 = x (C1 + x (C2 + x C3)), to 0.001 and in 32 bits: the sum is 1, and the slope at 1 is twice that at 0.
_C1 = np.uint64(round(0.6931471806 * 2**32))
_C3 = np.uint64(round(0.0794415417 * 2**32))
_C2 = np.uint64(2**32) - _C1 - _C3

_VERSION_7 = np.uint64(7)
_VARIANT = np.uint64(0b10)

_trailing_zeros: Callable[[np.uint64], int] = cast(Any, numbers.trailing_zeros)


# Where an id stands


@inner
def mix(value: np.uint64) -> np.uint64:
    """Spread the bits of *value* (the finisher of splitmix64)."""
    value ^= value >> np.uint64(30)
    value *= _MIX2
    value ^= value >> np.uint64(27)
    value *= _MIX
    return value ^ (value >> np.uint64(31))


@inner
def home_of(table: Table, lo: np.uint64, hi: np.uint64) -> np.uint64:
    """Return the row at which the search for an id begins; reading it early brings it near."""
    mixed = mix(lo ^ mix(hi ^ table[_KEY]))
    x = mixed >> _32
    y = (_1 << _32) + ((x * (_C1 + ((x * (_C2 + ((x * _C3) >> _32))) >> _32))) >> _32)
    # Whether the piece was split already is a coin toss: a branch would be foretold wrongly every other time,
    # and the reads behind it begun in vain.
    was_split = np.uint64((y >> table[_SHIFT]) < table[_SPLIT_AT])
    logical = y >> (table[_SHIFT] - was_split)
    return _piece_of(logical) * _ROWS + (((mixed & _LOW) * _USABLE) >> _32)


@inner
def _piece_of(logical: np.uint64) -> np.uint64:
    return (logical >> np.uint64(_trailing_zeros(logical) + 1)) + _1


@inner
def place_of(table: Table, lo: np.uint64, hi: np.uint64) -> int:
    """Return the row of an id, or the empty row where it would stand.

    A row is empty when both halves in it are zero. Only `put` may write an id into it.
    """
    at = home_of(table, lo, hi)
    while True:
        end = at | _USABLE
        for _ in range(PIECE_ROWS - 1):
            if (table[at, 0] == lo and table[at, 1] == hi) or (table[at, 0] == 0 and table[at, 1] == 0):
                return np.int64(at)  # type: ignore[return-value]
            at += _1
            if at == end:
                at = end - _USABLE
        linked = table[end, 2]
        if linked == 0:
            return NO_ROW
        at = linked * _ROWS + (at & _USABLE)


@inner
def put(table: Table, at: int, lo: np.uint64, hi: np.uint64, stamp: np.uint64) -> int:
    """Take an id: write it at the empty row *at*, which `place_of` gave, and count it. Return its row.

    There is room, because `make_room` was called; if not, -1 is returned and the next `make_room` raises.
    """
    row = at
    if row == NO_ROW:
        row = _row_behind(table, home_of(table, lo, hi))
        if row < 0:
            table[_LOST] += _1
            return -1
    table[row, 0] = lo
    table[row, 1] = hi
    table[row, 2] = stamp
    table[_COUNT] += _1
    return row


@inner
def _row_behind(table: Table, home: np.uint64) -> int:
    """Link another piece to the full ones at *home*; return the row at which its search begins, or -1."""
    last = home | _USABLE
    while table[last, 2] != 0:
        last = table[last, 2] * _ROWS + _USABLE
    piece = table[_FREE]
    if piece != 0:
        table[_FREE] = table[piece * _ROWS + _USABLE, 2]
        table[piece * _ROWS + _USABLE, 2] = _0
    else:
        piece = table[_FLOOR] - _1
        if piece <= table[_SPLIT_AT]:
            return -1
        table[_FLOOR] = piece
    table[last, 2] = piece
    return np.int64(piece * _ROWS + (home & _USABLE))  # type: ignore[return-value]


@entry
def _stamp_of(table: Table, lo: np.uint64, hi: np.uint64) -> np.uint64:
    at = place_of(table, lo, hi)
    if table[at, 0] == 0 and table[at, 1] == 0:
        return np.uint64(0)
    return table[at, 2] | np.uint64(1) << np.uint64(63)  # type: ignore[no-any-return]


def stamp_of(table: Table, lo: int, hi: int) -> int:
    """Return the stamp of an id, its highest bit set; 0 when it was never taken, or was forgotten."""
    return int(_stamp_of(table, np.uint64(lo), np.uint64(hi)))


# A table and its room


def new_table(ids: int = 1 << 15, *, key: int = 0) -> Table:
    """Return an empty table with room for *ids* ids before it grows.

    *key*, a number of 64 bits, decides which ids meet in a piece. Raises MemoryError.
    """
    _compile()
    return _empty_table(ids, key, RESERVED_BYTES)


def _empty_table(ids: int, key: int, reserved_bytes: int, *, linked: int = 0) -> Table:
    """Return a table for *ids* ids and at least *linked* linked pieces, in *reserved_bytes* or less."""
    pieces = max(1, -(-ids // IDS_PER_PIECE))
    least = 3 * PIECE_ROWS * (pieces + linked + 3)
    numbers = reserve(np.uint64, max(least, reserved_bytes // 8), least=least)
    table: Table = numbers[: len(numbers) // 3 * 3].reshape(-1, 3)
    table[_SPLIT_AT] = pieces
    table[_SHIFT] = 32 - (pieces.bit_length() - 1)
    table[_KEY] = key
    table[_FLOOR] = len(table) // PIECE_ROWS
    return table


def count_of(table: Table) -> int:
    """Return how many ids stand in *table*: those expired too, until they are swept."""
    return int(table[_COUNT])


def make_room(table: Table, coming: int) -> Table:
    """Return *table* with room for *coming* more ids, in whatever pieces they meet.

    It is the same array, with some more pieces, until its reservation ends. Raises
    RuntimeError when ids were put for which no room had been made, MemoryError.
    """
    if table[_LOST]:
        raise RuntimeError(
            f"{int(table[_LOST])} ids were put without room made for them; restart from the journal"
        )
    pieces = max(int(table[_SPLIT_AT]), -(-(count_of(table) + coming) // IDS_PER_PIECE))
    # Each piece may be full but for one row, and all of the ids may meet in one.
    linked = min(coming, pieces + coming // (PIECE_ROWS - 1) + 1)
    if pieces + linked >= int(table[_FLOOR]):
        linked += len(table) // PIECE_ROWS - int(table[_FLOOR])
        reserved_bytes = max(2 * table.nbytes, 8 * 24 * PIECE_ROWS * (pieces + linked))
        larger = _empty_table(
            count_of(table) + coming, int(table[_KEY]), reserved_bytes, linked=linked + pieces // 4
        )
        _move(table, larger)
        return larger
    if pieces > int(table[_SPLIT_AT]):
        _split_until(table, np.uint64(pieces))
    return table


@entry
def _split_until(table: Table, pieces: np.uint64) -> None:
    scratch = np.empty((PIECE_ROWS, 3), dtype=np.uint64)
    while table[_SPLIT_AT] < pieces:
        piece = _piece_of(table[_SPLIT_AT])
        needed = _rows_linked(table, piece)
        if needed > len(scratch):
            scratch = np.empty((needed, 3), dtype=np.uint64)
        count = _take_out(table, piece, scratch, _0)
        table[_SPLIT_AT] += _1
        if table[_SPLIT_AT] >> (_32 - table[_SHIFT] + _1):
            table[_SHIFT] -= _1
        _put_rows(table, scratch, count)


@inner
def _rows_linked(table: Table, piece: np.uint64) -> int:
    """Return how many rows *piece* has, with those linked to it."""
    rows = PIECE_ROWS
    last = piece * _ROWS + _USABLE
    while table[last, 2] != 0:
        last = table[last, 2] * _ROWS + _USABLE
        rows += PIECE_ROWS
    return rows


@inner
def _take_out(table: Table, piece: np.uint64, rows: Table, horizon_ms: np.uint64) -> int:
    """Move the ids of *piece*, and of those linked to it, to *rows*, expired ones to nowhere; return how many.

    The piece is empty then and the others are free. Put back, the ids need no more pieces than
    they had, not even in two: so there is room.
    """
    count = 0
    first = piece
    while piece != 0:
        for row in range(np.int64(piece * _ROWS), np.int64(piece * _ROWS + _USABLE)):
            if table[row, 0] != 0 or table[row, 1] != 0:
                if not is_expired(table[row, 0], table[row, 1], horizon_ms):
                    for column in range(3):
                        rows[count, column] = table[row, column]
                    count += 1
                for column in range(3):
                    table[row, column] = _0
                table[_COUNT] -= _1
        last = piece * _ROWS + _USABLE
        following = table[last, 2]
        table[last, 2] = _0
        if piece != first:
            table[last, 2] = table[_FREE]
            table[_FREE] = piece
        piece = following
    return count


@inner
def _put_rows(table: Table, rows: Table, count: int) -> int:
    """Put the first *count* of *rows* into *table*; return the first that is no id or stands there, or -1."""
    for row in range(count):
        lo, hi = rows[row, 0], rows[row, 1]
        at = place_of(table, lo, hi)
        if (lo == 0 and hi == 0) or table[at, 0] != 0 or table[at, 1] != 0:
            return row
        put(table, at, lo, hi, rows[row, 2])
    return -1


@entry
def put_rows(table: Table, rows: Table) -> int:
    """Put *rows* (n, 3) into *table*, which has room; return the first that is no id or stands there, or -1."""
    return _put_rows(table, rows, len(rows))


@entry
def _move(table: Table, larger: Table) -> None:
    for first, last in in_use(table):
        for row in range(first, last):
            lo, hi = table[row, 0], table[row, 1]
            if lo != 0 or hi != 0:
                put(larger, place_of(larger, lo, hi), lo, hi, table[row, 2])


@inner
def in_use(table: Table) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two stretches of rows that may hold ids: pieces, and linked ones at the far end."""
    pieces = np.int64((table[_SPLIT_AT] + _1) * _ROWS)
    linked = np.int64(table[_FLOOR] * _ROWS)
    end = np.int64(len(table)) // PIECE_ROWS * PIECE_ROWS
    return (np.int64(PIECE_ROWS), pieces), (linked, end)  # type: ignore[return-value]


def populate_ahead(table: Table, ids: int) -> None:
    """Find memory for the pieces of the next *ids* ids, so that `make_room` waits for nothing.

    Another thread may book meanwhile, and Python's lock is free.
    """
    first = (int(table[_SPLIT_AT]) + 1) * PIECE_ROWS
    last = first + -(-ids // IDS_PER_PIECE) * PIECE_ROWS
    populate(table, first, min(last, int(table[_FLOOR]) * PIECE_ROWS))


# Forgetting


@inner
def is_expired(lo: np.uint64, hi: np.uint64, horizon_ms: np.uint64) -> bool:
    """Return whether the id carries its millisecond (UUIDv7, see `ids`) and that is before *horizon_ms*."""
    is_timed = (hi >> np.uint64(12)) & np.uint64(15) == _VERSION_7 and lo >> np.uint64(62) == _VARIANT
    return bool(is_timed and hi >> np.uint64(16) < horizon_ms)


@entry
def _forget(table: Table, horizon_ms: np.uint64, pieces: int) -> int:
    scratch = np.empty((PIECE_ROWS, 3), dtype=np.uint64)
    before = table[_COUNT]
    for _ in range(pieces):
        piece = table[_SWEPT] % table[_SPLIT_AT] + _1
        table[_SWEPT] = piece
        if _has_expired(table, piece, horizon_ms):
            needed = _rows_linked(table, piece)
            if needed > len(scratch):
                scratch = np.empty((needed, 3), dtype=np.uint64)
            _put_rows(table, scratch, _take_out(table, piece, scratch, horizon_ms))
    return np.int64(before - table[_COUNT])  # type: ignore[return-value]


@inner
def _has_expired(table: Table, piece: np.uint64, horizon_ms: np.uint64) -> bool:
    while piece != 0:
        for row in range(np.int64(piece * _ROWS), np.int64(piece * _ROWS + _USABLE)):
            if is_expired(table[row, 0], table[row, 1], horizon_ms):
                return True
        piece = table[piece * _ROWS + _USABLE, 2]
    return False


def forget(table: Table, horizon_ms: int, pieces: int) -> int:
    """Drop ids that expired before *horizon_ms* from the next *pieces* pieces; return how many went.

    Each call goes on where the last one ended, round and round. Ids without a time are kept for
    ever. The kernel refuses an expired id before it looks here, so nobody can tell which ones went.
    """
    return int(_forget(table, np.uint64(horizon_ms), min(pieces, int(table[_SPLIT_AT]))))


# What is in it


@entry
def _content_of(table: Table, horizon_ms: np.uint64) -> NDArray[np.uint64]:
    sums = np.zeros(3, dtype=np.uint64)
    for first, last in in_use(table):
        _add_content(table[first:last], horizon_ms, sums)
    return sums


@entry
def _content_of_rows(rows: Table, horizon_ms: np.uint64) -> NDArray[np.uint64]:
    sums = np.zeros(3, dtype=np.uint64)
    _add_content(rows, horizon_ms, sums)
    return sums


@inner
def _add_content(rows: Table, horizon_ms: np.uint64, sums: NDArray[np.uint64]) -> None:
    for row in range(len(rows)):
        lo, hi = rows[row, 0], rows[row, 1]
        if (lo != 0 or hi != 0) and not is_expired(lo, hi, horizon_ms):
            mixed = mix(mix(mix(lo) ^ hi) ^ rows[row, 2])
            sums[0] += mixed
            sums[1] += mix(mixed ^ _MIX)
            sums[2] += _1


def content_of(table: Table, horizon_ms: int) -> NDArray[np.uint64]:
    """Return two numbers, (2,), that change with any id or stamp that has not expired; its place plays no part.

    The same ids lie in other rows when they came in other batches, under another key, or were
    swept at another time. So each row is mixed by itself, and the rows are summed.
    """
    return _content_of(table, np.uint64(horizon_ms))[:2]


def content_of_rows(rows: Table, horizon_ms: int) -> NDArray[np.uint64]:
    """Return the same two numbers for plain rows of ids, (n, 3)."""
    return _content_of_rows(rows, np.uint64(horizon_ms))[:2]


def living_count(table: Table, horizon_ms: int) -> int:
    """Return how many ids in *table* have not expired: the same number whatever was swept. It reads all rows."""
    return int(_content_of(table, np.uint64(horizon_ms))[2])


@cache
def _compile() -> None:
    """Compile all that Python calls: compiled in the middle of a day, it would make payments wait for seconds."""
    table, none, zero = _empty_table(1, 0, 0), np.zeros((0, 3), dtype=np.uint64), np.uint64(0)
    put_rows(table, none)
    _split_until(table, zero)
    _move(table, table)
    _forget(table, zero, 0)
    _stamp_of(table, zero, zero)
    _content_of(table, zero)
    _content_of_rows(none, zero)
