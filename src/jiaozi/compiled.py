"""How the functions of the payment path and of the proof are compiled, and where the machine code is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., object])

_PACKAGE = Path(__file__).parent
_SOURCES = (
    "compiled.py",
    *(f"rulebook/machine/{name}.py" for name in ("code", "kernel", "layout", "program")),
    *(f"rulebook/{name}.py" for name in ("model", "provisions")),
    *(f"proof/hashing/{name}.py" for name in ("above", "bucket", "dealing", "lanes")),
    *(f"lab/population/{name}.py" for name in ("chance", "day", "drawing", "due", "pairs")),
    *(f"lab/population/{name}.py" for name in ("parameters", "residents")),
    *(f"ledger/{name}.py" for name in ("opening", "payload", "records", "results")),
    *(f"ledger/posting/{name}.py" for name in ("beside", "idindex", "judge", "kernel", "moving", "pendings")),
    *(f"lab/replay/{name}.py" for name in ("asking",)),
    *(f"ledger/posting/{name}.py" for name in ("setting", "stamps", "supplied", "two_phase")),
)


def inner(function: F) -> F:
    """Compile a function that allocates nothing: what compiled functions call, or one loop over arrays.

    Such a function needs no reference counts. Without
    `_nrt=False` numba counts each array argument up and down at each call: the law
    alone decided 1.1 million payments a second with the counting and 4.4 million
    without it (bench/law.py prints today's figure). Errors are not
    raised in here: arguments were checked by the callers.
    """
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    compiled: F = njit(**options)(function)
    return compiled


def inlined(function: F) -> F:
    """Compile a function into each of its callers, as if it were written there.

    For the one or two whose arguments would cost more to hand on than the work they do.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "inline": "always"}
    compiled: F = njit(**options)(function)
    return compiled


def folded(function: F) -> F:
    """Compile a function once, and put its machine code into each of its callers.

    `inlined` does it before the types are known, so that a long function is read anew for each caller;
    this one does it afterwards, and constants among the arguments still vanish. SHA-256 written out, in a loop,
    takes 3 seconds this way and 13 the other way; both give the same instructions.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False, "forceinline": True}
    compiled: F = njit(**options)(function)
    return compiled


def entry(function: F) -> F:
    """Compile a function that Python calls."""
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
    compiled: F = njit(**options)(function)
    return compiled


def _load(_: Any, numbers: Any, __: Any) -> Any:
    """Return a number of a flat array, where *at* is never below zero nor past the end.

    numba lets a signed index count from the end, and looks at its sign each time. Told
    that there is none, the law was decided 1.3 times as fast (bench/law.py); as an
    intrinsic it leaves no function behind, and the kernel compiles in half the time.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, _ = signature.args
        array = context.make_array(kind)(context, builder, arguments[0])
        return builder.load(builder.gep(array.data, [arguments[1]]))

    return numbers.dtype(numbers, types.intp), generate


load: Callable[[NDArray[np.int64], int], int] = cast(Any, intrinsic(_load))


def _cache_folder() -> str:
    """Return a folder named after the sources of all compiled functions.

    numba looks only at the file of the function itself: it would go on using a
    pass that has an older law inlined. A name that changes with any source cannot.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in _SOURCES:
        digest.update((_PACKAGE / source).read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jiaozi"
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError:
        base = Path(tempfile.gettempdir()) / f"jiaozi-{os.getuid()}"
    return str(base / digest.hexdigest()[:16])


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
