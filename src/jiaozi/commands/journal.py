"""`jiaozi journal verify`: every frame and the chain of hashes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jiaozi.clock import moment_of
from jiaozi.errors import JournalError
from jiaozi.ledger.journal import verify


def run(given: argparse.Namespace) -> int:
    """Return 0 when the journal is whole, 1 when it is damaged, 2 when there is none."""
    folder = Path(given.folder)
    folder = folder / "journal" if (folder / "journal").is_dir() else folder
    if not any(folder.glob("*.jzj")):
        print(f"jiaozi: no journal in {folder}", file=sys.stderr)
        return 2
    try:
        report = verify(folder)
    except JournalError as error:
        if given.json:
            print(json.dumps({"ok": False, "damage": str(error)}, indent=2))
        else:
            print(error, file=sys.stderr)
        return 1
    first, last = (
        moment_of(instant).isoformat() if instant is not None else None
        for instant in (report.first_instant, report.last_instant)
    )
    torn = report.torn_tail
    if given.json:
        print(
            json.dumps(
                {
                    "ok": True,
                    "frames": report.frames,
                    "bytes": report.bytes,
                    "segments": report.segments,
                    "first": first,
                    "last": last,
                    "head": report.head_hash.hex(),
                    "torn_tail_bytes": torn.bytes_cut if torn else 0,
                },
                indent=2,
            )
        )
        return 0
    print(
        f"whole: {report.frames:,} frames, {report.bytes:,} bytes in {report.segments} segments, {first} to {last}"
    )
    print(f"head {report.head_hash.hex()}")
    if torn:
        print(
            f"an unfinished frame of {torn.bytes_cut} bytes stands at the end; opening the journal cuts it off"
        )
    return 0
