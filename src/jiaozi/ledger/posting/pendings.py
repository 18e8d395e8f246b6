"""Open pending transfers: a table by id, and a heap by deadline.

Rows of PENDING in open addressing, at most half full; a row that is taken out is closed up behind,
so that no mark of it stays. The heap is (size, 3) int64 from row 1: deadline, and the id's two halves;
row 0 holds how many are open and how many rows the heap has. What was resolved before its
deadline stays in the heap until then, and is passed over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jiaozi.compiled import entry, inner
from jiaozi.ledger.posting.idindex import mix
from jiaozi.ledger.records import NO_DEADLINE, PENDING
from jiaozi.rulebook.machine.program import Int64s

OPEN, IN_HEAP = 0, 1

Rows = Any


class Pendings:
    """The open pending transfers of a state: *rows* and *heap* are the kernel's, which changes them."""

    def __init__(self, capacity: int = 64) -> None:
        self.rows: Rows = np.zeros(capacity, dtype=PENDING)
        self.heap: Int64s = np.zeros((capacity, 3), dtype=np.int64)

    @classmethod
    def of(cls, opened: Rows) -> Pendings:
        """Return the table of *opened* (n,) PENDING. Raises `ValueError` for an id twice or an id of zero."""
        pendings = cls()
        if ((opened["id_lo"] == 0) & (opened["id_hi"] == 0)).any():
            raise ValueError("a pending transfer has no id")
        pendings.make_room(len(opened))
        _put_all(pendings.rows, pendings.heap, opened)
        if len(pendings) != len(opened):
            raise ValueError("a pending transfer stands twice")
        return pendings

    def __len__(self) -> int:
        return int(self.heap[0, OPEN])

    @property
    def next_deadline(self) -> int | None:
        """The instant at which the next one times out; None when none can. For the thread that posts."""
        _drop_resolved(self.rows, self.heap)
        return int(self.heap[1, 0]) if self.heap[0, IN_HEAP] else None

    def open(self) -> Rows:
        """Return those that are open, by id, (n,) PENDING: equal sets give equal bytes."""
        found: Rows = np.sort(self._taken(), order=("id_hi", "id_lo"))
        return found

    def _taken(self) -> Rows:
        """Return those that are open in the order in which they lie."""
        return self.rows[(self.rows["id_lo"] != 0) | (self.rows["id_hi"] != 0)]

    def find(self, lo: int, hi: int) -> np.void | None:
        """Return the open pending transfer with this id."""
        at = int(_place(self.rows, np.uint64(lo), np.uint64(hi)))
        row: np.void = self.rows[at].copy()
        return row if (row["id_lo"], row["id_hi"]) == (lo, hi) and (lo or hi) else None

    def make_room(self, coming: int) -> None:
        """Make room for *coming* more, without copying for a while afterwards."""
        needed = 2 * (len(self) + coming)
        is_full = int(self.heap[0, IN_HEAP]) + coming + 1 > len(self.heap)
        if needed <= len(self.rows) and not is_full:
            return
        # A heap that is full holds mostly what was resolved long before its deadline: that is left behind.
        larger = Pendings(max(len(self.rows), 1 << needed.bit_length()))
        larger.heap = np.zeros((2 * len(larger.rows), 3), dtype=np.int64)
        _put_all(larger.rows, larger.heap, self._taken())
        self.rows, self.heap = larger.rows, larger.heap


@entry
def _put_all(rows: Rows, heap: Int64s, opened: Rows) -> None:
    for n in range(len(opened)):
        put(rows, heap, opened, n)


@inner
def _drop_resolved(rows: Rows, heap: Int64s) -> None:
    """Drop deadlines from the top of the heap whose transfer is pending no more."""
    while heap[0, IN_HEAP] and not is_open(
        rows, place_of(rows, np.uint64(heap[1, 1]), np.uint64(heap[1, 2]))
    ):
        pop(heap)


@entry
def _place(rows: Rows, lo: np.uint64, hi: np.uint64) -> int:
    return place_of(rows, lo, hi)


@inner
def place_of(rows: Rows, lo: np.uint64, hi: np.uint64) -> int:
    """Return where the id stands, or the empty row where it would."""
    mask = np.uint64(len(rows) - 1)
    at = mix(lo ^ mix(hi)) & mask
    while (rows[at].id_lo != lo or rows[at].id_hi != hi) and (rows[at].id_lo != 0 or rows[at].id_hi != 0):
        at = (at + np.uint64(1)) & mask
    return np.int64(at)  # type: ignore[return-value]


@inner
def is_open(rows: Rows, at: int) -> bool:
    return bool(rows[at].id_lo != 0 or rows[at].id_hi != 0)


@inner
def put(rows: Rows, heap: Int64s, opened: Rows, n: int) -> None:
    """Take in row *n* of *opened*, and its deadline unless it stands in the heap already (see `put_again`)."""
    put_again(rows, heap, opened, n)
    deadline = opened[n].deadline
    if deadline == NO_DEADLINE:
        return
    heap[0, IN_HEAP] += 1
    at = heap[0, IN_HEAP]
    lo, hi = np.int64(opened[n].id_lo), np.int64(opened[n].id_hi)
    while at > 1 and _is_before(deadline, lo, hi, heap, at >> 1):
        _move_up(heap, at >> 1, at)
        at >>= 1
    heap[at, 0], heap[at, 1], heap[at, 2] = deadline, lo, hi


@inner
def put_again(rows: Rows, heap: Int64s, opened: Rows, n: int) -> None:
    """Take in row *n* of *opened*, which was taken out a moment ago: its deadline is in the heap still."""
    at = place_of(rows, opened[n].id_lo, opened[n].id_hi)
    if not is_open(rows, at):
        heap[0, OPEN] += 1
    rows[at] = opened[n]


@inner
def take_out(rows: Rows, heap: Int64s, at: int) -> None:
    """Empty row *at* and close up what stands behind it (Knuth, volume 3, 6.4, algorithm R)."""
    heap[0, OPEN] -= 1
    mask = np.uint64(len(rows) - 1)
    hole = np.uint64(at)
    next_one = (hole + np.uint64(1)) & mask
    while is_open(rows, int(next_one)):
        home = mix(rows[next_one].id_lo ^ mix(rows[next_one].id_hi)) & mask
        # It may move into the hole unless its home lies behind the hole, in the ring.
        if ((next_one - home) & mask) >= ((next_one - hole) & mask):
            rows[hole] = rows[next_one]
            hole = next_one
        next_one = (next_one + np.uint64(1)) & mask
    rows[hole].id_lo, rows[hole].id_hi = np.uint64(0), np.uint64(0)


@inner
def pop(heap: Int64s) -> None:
    """Drop the first deadline."""
    last = heap[0, IN_HEAP]
    heap[0, IN_HEAP] = last - 1
    deadline, lo, hi = heap[last, 0], heap[last, 1], heap[last, 2]
    at = 1
    while 2 * at < last:
        child = 2 * at
        if child + 1 < last and _is_before(
            heap[child + 1, 0], heap[child + 1, 1], heap[child + 1, 2], heap, child
        ):
            child += 1
        if _is_before(deadline, lo, hi, heap, child):
            break
        _move_up(heap, child, at)
        at = child
    heap[at, 0], heap[at, 1], heap[at, 2] = deadline, lo, hi


@inner
def _move_up(heap: Int64s, source: int, target: int) -> None:
    for column in range(3):
        heap[target, column] = heap[source, column]


@inner
def _is_before(deadline: np.int64, lo: np.int64, hi: np.int64, heap: Int64s, at: int) -> bool:
    """Whether this one times out before row *at*; of equal deadlines the id decides, so that the order is one."""
    if deadline != heap[at, 0]:
        return bool(deadline < heap[at, 0])
    if hi != heap[at, 2]:
        return bool(hi < heap[at, 2])
    return bool(lo < heap[at, 1])
