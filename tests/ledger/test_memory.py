"""Memory for ids is found ahead of need, and nothing of the table changes by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from jiaozi.ledger.memory import LEAST_IDS, Ahead
from jiaozi.ledger.posting.idindex import content_of, count_of, make_room, new_table, put_rows


def filled(count: int) -> Any:
    rows = np.random.default_rng(7).integers(1, 2**63, (count, 3), dtype=np.uint64)
    table = make_room(new_table(), count)
    assert put_rows(table, rows) == -1
    return table


def test_a_table_being_filled_is_as_if_nobody_had_looked_ahead() -> None:
    ahead, table = Ahead(), filled(LEAST_IDS)
    before = content_of(table, 0)
    ahead.look(table)
    more = np.random.default_rng(8).integers(1, 2**63, (50_000, 3), dtype=np.uint64)
    table = make_room(table, len(more))
    assert put_rows(table, more) == -1
    ahead.look(table)
    ahead.close()
    assert count_of(table) == LEAST_IDS + len(more)
    plain = make_room(filled(LEAST_IDS), len(more))
    assert (content_of(plain, 0) == before).all()
    put_rows(plain, more)
    assert (content_of(table, 0) == content_of(plain, 0)).all()


def test_a_small_book_does_without_and_closing_is_always_allowed() -> None:
    ahead = Ahead()
    ahead.look(filled(100))
    ahead.close()
    ahead.close()
