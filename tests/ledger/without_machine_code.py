"""What the kernel needs to run as plain Python, with NUMBA_DISABLE_JIT=1: import this before the ledger.

Machine code reads a field as an attribute of its record, and two functions exist in machine code only.
Much is slow here and nothing is measured.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numba.cpython.unsafe import numbers

from jiaozi import compiled
from jiaozi.ledger import records


class Row(np.void):  # type: ignore[misc]  # NumPy names the type of a record this way only
    """A record whose fields are its attributes, those named like something of NumPy among them."""

    def __getattribute__(self, name: str) -> Any:
        fields = np.void.__getattribute__(self, "dtype").fields
        if name not in fields:
            return np.void.__getattribute__(self, name)
        value = self[name]
        # Machine code widens what is narrow to 64 bits; only the halves of ids are meant to wrap.
        return value if value.dtype == np.uint64 or value.shape else np.int64(value)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


for _name, _kind in list(vars(records).items()):
    if isinstance(_kind, np.dtype) and _kind.names:
        setattr(records, _name, np.dtype((Row, _kind)))

compiled.load = lambda numbers, at: numbers[at]
numbers.trailing_zeros = cast(Any, lambda bits: (int(bits) & -int(bits)).bit_length() - 1)
