"""Sums of amounts, exact however many there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def exact_sums(amounts: NDArray[np.int64], group: NDArray[np.intp], groups: int) -> list[int]:
    """Return the sum of *amounts* by *group*, exact beyond 63 bits."""
    high = np.bincount(group, weights=(amounts >> 32).astype(np.float64), minlength=groups)
    low = np.bincount(group, weights=(amounts & 0xFFFF_FFFF).astype(np.float64), minlength=groups)
    return [(int(a) << 32) + int(b) for a, b in zip(high.tolist(), low.tolist(), strict=True)]
