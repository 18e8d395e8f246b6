"""What an id's stamp says: 56 bits of a digest of its transfer, and what became of it in the lowest eight.

The eight bits are the transfer's `Result`, or for a pending transfer that was created where it stands now.
"""

from __future__ import annotations

import numpy as np

from jiaozi.compiled import inner
from jiaozi.ledger.posting.idindex import Table, place_of
from jiaozi.ledger.results import Result

STATUS_BITS = np.uint64(0xFF)

OPEN, POSTED, VOIDED, EXPIRED = 252, 253, 254, 255
"""Of a pending transfer that was created."""

_CREATED = int(Result.CREATED)


@inner
def status_of(stamp: np.uint64) -> int:
    return np.int64(stamp & STATUS_BITS)  # type: ignore[return-value]


@inner
def is_created(stamp: np.uint64) -> bool:
    """Return whether the transfer was created, whatever became of it if it was pending."""
    status = status_of(stamp)
    return status == _CREATED or status >= OPEN


@inner
def set_status(ids: Table, lo: np.uint64, hi: np.uint64, status: int) -> None:
    """Write what became of an id, if it is remembered."""
    at = place_of(ids, lo, hi)
    if ids[at, 0] != 0 or ids[at, 1] != 0:
        ids[at, 2] = (ids[at, 2] & ~STATUS_BITS) | np.uint64(status)


def result_of(stamp: int) -> Result:
    """Return the result that *stamp* holds."""
    status = stamp & int(STATUS_BITS)
    return Result.CREATED if status >= OPEN else Result(status)
