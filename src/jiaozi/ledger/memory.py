"""Memory for ids found before it is needed, by a thread of its own.

The first write to a page makes the system find and clear it; on a virtual machine the host has to be
asked as well, which took 150 ns an id in the writer's thread. Here it happens beside the payments.
"""

from __future__ import annotations

import threading

from jiaozi.ledger.posting.idindex import Table, count_of, populate_ahead

STEP_IDS = 1 << 19
"""Ids whose memory is found at a time: 30 MB."""

AHEAD_IDS = 1 << 20
"""How far ahead of the ids there are."""

LEAST_IDS = 1 << 18
"""A book with fewer ids does without: most books are small, and a thread that sleeps costs nothing."""


class Ahead:
    """Finds memory for a table of ids while others fill it."""

    def __init__(self) -> None:
        self._table: Table | None = None
        self._found = 0  # ids for which memory was found
        self._wanted = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def look(self, table: Table) -> None:
        """Note how far *table* is filled; called by the writer after each frame, and brief."""
        count = count_of(table)
        if count < LEAST_IDS or (table is self._table and count + AHEAD_IDS < self._found):
            return
        if table is not self._table:
            self._table, self._found = table, 0
        if self._thread is None:
            self._thread = threading.Thread(target=self._find, name="jiaozi-ahead", daemon=True)
            self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """Stop; brief, since a step is."""
        self._is_closed = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _find(self) -> None:
        while self._wanted.wait() and not self._is_closed:
            self._wanted.clear()
            table = self._table
            assert table is not None
            through = count_of(table) + AHEAD_IDS + STEP_IDS
            populate_ahead(table, AHEAD_IDS + STEP_IDS)
            self._found = through
