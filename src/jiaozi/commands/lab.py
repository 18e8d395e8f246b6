"""`jiaozi lab`: tries a law, or a world, before anyone depends on it. Each verb has a module `lab_VERB`."""

from __future__ import annotations

import argparse
from importlib import import_module


def run(given: argparse.Namespace) -> int:
    """Return what the verb returns."""
    return int(import_module(f"jiaozi.commands.lab_{given.verb}").run(given))
