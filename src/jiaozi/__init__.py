"""Jiaozi runs a fiat-backed coin under written law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jiaozi.embedded import OpenLedger

__all__ = ["__version__", "open"]
__version__ = "0.1.0"


def open(folder: Any, **options: Any) -> OpenLedger:
    """Open the ledger in *folder*, or begin one: see `jiaozi.embedded`, which is loaded only now."""
    from jiaozi.embedded import OpenLedger

    return OpenLedger.open(folder, **options)
