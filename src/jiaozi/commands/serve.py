"""`jiaozi serve`: the console of an office."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jiaozi.office import Office
from jiaozi.server.app import serve


def run(given: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return 0."""
    folder = Path(given.folder)
    if not (folder / "journal").is_dir():
        print(
            f"jiaozi: {folder} holds no office; run `jiaozi pilot` first, or name its folder", file=sys.stderr
        )
        return 2
    with Office.open(folder) as office:
        serve(
            office,
            host=given.host,
            port=given.port,
            ready=lambda url: print(f"Console: {url}  (Ctrl-C stops it)"),
        )
    return 0
