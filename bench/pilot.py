"""The pilot's figures: the walk, payments a second beside what the disk allows, the start of a command.

The limit of a durable ledger is the flush: the same bytes appended and synced by
nothing but `write` and `fdatasync`, in the same run, are its peer.

    python -m bench.pilot [--json]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from bench.rows import Row, median_seconds, show
from jiaozi.pilot import walk
from jiaozi.pilot.crowd import FRAME_SECONDS, OPENING_HOUR, PAYMENTS
from jiaozi.pilot.tell import Teller

WALKS = 3


def main() -> None:
    show("The pilot", measure)


def measure() -> list[Row]:
    """Walk once to warm up (the kernel may be compiled), then WALKS times."""
    with tempfile.TemporaryDirectory() as folder:
        first = _walk(Path(folder))
        walks = [_walk(Path(folder)) for _ in range(WALKS)]
        disk = _disk(Path(folder))
    rate = statistics.median(figures["payments_per_second"] for figures in walks)
    seconds = statistics.median(figures["walk_seconds"] for figures in walks)
    reopen = statistics.median(figures["reopen_seconds"] for figures in walks)
    evening = statistics.median(figures["evening_seconds"] for figures in walks)
    start = median_seconds(_help, times=7)
    bare = median_seconds(_bare, times=7)
    return [
        Row("first walk, kernel may compile", first["walk_seconds"], "s", 60, "lower"),
        Row("walk, warm", seconds, "s", 60, "lower"),
        Row(
            "payments, law on, durable",
            rate,
            "payments/s",
            300_000,
            "higher",
            "append + fdatasync",
            rate / disk,
        ),
        Row("append + fdatasync alone", disk, "payments/s", None, "higher"),
        Row("evening: cut, tree, checkpoint", evening, "s", None, "lower"),
        Row("stop and start: replay", reopen, "s", None, "lower"),
        Row("jiaozi --help", start, "s", 0.3, "lower", "python -c pass", start / bare),
    ]


def _walk(folder: Path) -> dict[str, float]:
    teller = Teller(quiet=True)
    return walk.run(folder / "pilot", today=date(2026, 12, 1), once=True, port=0, teller=teller)


def _disk(folder: Path) -> float:
    """Return payments a second if the frames of the day were only appended and synced, one by one."""
    frames = (24 - OPENING_HOUR) * 3_600 // FRAME_SECONDS
    frame = os.urandom(64 * PAYMENTS // frames)

    def append() -> None:
        with (folder / "raw").open("wb", buffering=0) as file:
            for _ in range(frames):
                file.write(frame)
                os.fdatasync(file.fileno())

    return PAYMENTS / median_seconds(append)


def _help() -> None:
    subprocess.run([sys.executable, "-m", "jiaozi.cli", "--help"], stdout=subprocess.DEVNULL, check=True)


def _bare() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    if "--json" not in sys.argv:
        print(f"  measured in {time.perf_counter() - started:.0f} s")
