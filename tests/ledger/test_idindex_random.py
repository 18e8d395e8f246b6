"""The table of ids beside a plain dict, driven by chance."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiaozi.ledger.posting.idindex import (
    Table,
    content_of,
    content_of_rows,
    count_of,
    forget,
    is_expired,
    living_count,
    make_room,
    new_table,
    place_of,
    put_rows,
    stamp_of,
)
from tests.ledger.id_world import (
    Ids,
    check_places,
    meeting,
    pieces_of,
    rows_of,
    small_table,
    table_from,
    timed,
    timed_meeting,
    timeless,
)

KEY = 0x1A57
HORIZON_MAX = 40

Books = dict[tuple[int, int], int]

takes = st.tuples(
    st.just("take"),
    st.sampled_from(["timeless", "timed", "meeting", "timed meeting"]),
    st.integers(1, 6000),
    st.integers(0, 3),
    st.integers(0, HORIZON_MAX),
)
others = st.one_of(
    st.tuples(st.just("set"), st.integers(1, 2**64 - 1)),
    st.tuples(st.just("forget"), st.integers(0, HORIZON_MAX), st.integers(0, 12)),
    st.tuples(st.just("restore"), st.integers(0, 2**64 - 1)),
)


def ids_of(kind: str, count: int, seed: int, milliseconds: int) -> Ids:
    if kind == "timeless":
        return timeless(count, seed)
    if kind == "timed":
        return timed(count, seed, milliseconds)
    if kind == "meeting":
        return meeting(count, seed, KEY)
    return timed_meeting(milliseconds, KEY)[:count]


def take(table: Table, books: Books, rows: Ids, horizon: int) -> Table:
    """Take the ids of *rows* that are neither expired nor taken, as the kernel would."""
    fresh = []
    for lo, hi, stamp in rows.tolist():
        is_taken = (lo, hi) in books
        if not is_expired(np.uint64(lo), np.uint64(hi), np.uint64(horizon)):
            assert bool(stamp_of(table, lo, hi)) == is_taken
            if not is_taken:
                books[lo, hi] = stamp
                fresh.append((lo, hi, stamp))
    table = make_room(table, len(rows))
    if fresh:
        assert put_rows(table, np.array(fresh, dtype=np.uint64)) == -1
    return table


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(is_small=st.booleans(), steps=st.lists(st.one_of(takes, takes, others), min_size=1, max_size=14))
def test_a_table_holds_what_a_plain_dict_holds(is_small: bool, steps: list[tuple[object, ...]]) -> None:
    table = small_table(KEY) if is_small else new_table(1, key=KEY)
    books: Books = {}
    horizon = 0
    for step in steps:
        match step:
            case ("take", str(kind), int(count), int(seed), int(milliseconds)):
                table = take(table, books, ids_of(kind, count, seed, milliseconds), horizon)
            case ("set", int(stamp)):
                for lo, hi in list(books)[::5]:
                    if not is_expired(np.uint64(lo), np.uint64(hi), np.uint64(horizon)):
                        table[place_of(table, np.uint64(lo), np.uint64(hi)), 2] = stamp
                        books[lo, hi] = stamp
            case ("forget", int(until), int(pieces)):
                horizon = max(horizon, until)
                forget(table, horizon, pieces)
            case ("restore", int(key)):
                table = table_from(rows_of(table), key=key if is_small else KEY)
        rows = np.array([(*halves, stamp) for halves, stamp in books.items()], dtype=np.uint64).reshape(-1, 3)
        assert (content_of(table, horizon) == content_of_rows(rows, horizon)).all()
        living = [
            key for key in books if not is_expired(np.uint64(key[0]), np.uint64(key[1]), np.uint64(horizon))
        ]
        assert living_count(table, horizon) == len(living) <= count_of(table)
    check_places(table)
    forget(table, horizon, pieces_of(table))
    assert count_of(table) == living_count(table, horizon)
    for lo, hi in living[:: max(1, len(living) // 300)]:
        assert stamp_of(table, lo, hi) == books[lo, hi] | 1 << 63
    check_places(table)
