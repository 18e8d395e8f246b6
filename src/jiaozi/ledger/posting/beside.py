"""Another law asked beside the one in force, in the same pass and of the same facts; it decides nothing.

A reform is tried so before it is enacted, and the lab writes down so what the law was
asked. Without one, `None` stands in its place: numba then compiles the pass
without these lines, and a ledger that tries nothing pays nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner
from jiaozi.rulebook.machine.kernel import decide_row
from jiaozi.rulebook.machine.program import Int64s, Program

NOT_ASKED = 255
"""In `Beside.otherwise`: the law was not asked of this transfer, for something stood in the way before."""


class Beside(NamedTuple):
    """What is asked beside the law for a batch of n transfers, and what came out.

    program    the other book, compiled over the same facts; empty when no other law is asked
    interval   (1,) the interval of its time line in which the frame is
    bits       (n, words) what stood in the way under the other book; all zeros where nothing did
    otherwise  (n,) uint8: the result if no law had been asked, or NOT_ASKED
    seen       (n, facts) int64: the facts of which the law was asked; (0, facts) when nobody wants them
    meant      (n, 3) int64: debit, credit and action as the law was asked; posting a reservation
               names them only by its id. (0, 3) when nobody wants them
    row        (1,) the transfer being judged
    """

    program: Program
    interval: Int64s
    bits: NDArray[np.uint64]
    otherwise: NDArray[np.uint8]
    seen: Int64s
    meant: Int64s
    row: Int64s


MaybeBeside = Any
"""`Beside`, or None, which numba takes for a type of its own."""


@inner
def begin(beside: MaybeBeside, row: int) -> None:
    """Note which transfer comes next."""
    if beside is not None:
        beside.row[0] = row


@inner
def ask_beside(
    beside: MaybeBeside, debit: int, credit: int, action: int, facts: Int64s, otherwise: int
) -> None:
    """Ask the other law about the transfer that is being judged, and write down what was asked."""
    if beside is not None:
        row = beside.row[0]
        beside.otherwise[row] = otherwise
        if len(beside.program):
            decide_row(beside.program, beside.interval[0], action, facts, beside.bits[row])
        if len(beside.seen):
            for fact in range(len(facts)):
                beside.seen[row, fact] = facts[fact]
        if len(beside.meant):
            beside.meant[row, 0], beside.meant[row, 1], beside.meant[row, 2] = debit, credit, action
