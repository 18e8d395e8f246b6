"""`jiaozi verify`: the stand-alone verifier, called from here; there is only one."""

from __future__ import annotations

import argparse

from jiaozi.proof import verify_jiaozi


def run(given: argparse.Namespace) -> int:
    """Return the verifier's own code: 0 holds, 1 does not, 2 cannot be read, 3 not decided without a key."""
    return verify_jiaozi.main(_arguments(given))


def _arguments(given: argparse.Namespace) -> list[str]:
    keys = [word for key in given.key for word in ("--key", key)]
    return [given.proof, *keys, *(["--json"] if given.json else [])]
