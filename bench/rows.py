"""Figures of a bench file, printed for people or as one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `peer` is what it was measured beside in the same run; `ratio` is value over peer."""

    name: str
    value: float
    unit: str
    target: float | None
    better: Literal["higher", "lower"]
    peer: str = ""
    ratio: float | None = None

    @property
    def standing(self) -> str:
        """Whether the target is met, or how far the figure is from it; empty without a target."""
        if self.target is None:
            return ""
        if self.value >= self.target if self.better == "higher" else self.value <= self.target:
            return "met"
        return f"{self.value / self.target:.2f} of it"


def median_seconds(run: Callable[[], object], *, times: int = 5, warm_up: int = 1) -> float:
    """Return the median of *times* runs, after *warm_up* that are not counted."""
    for _ in range(warm_up):
        run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    model = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else ""
    load = os.getloadavg()[0]
    return {
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(load, 2),
    }


def parser_of(title: str) -> argparse.ArgumentParser:
    """Return a parser that knows `--json`; a bench with more to say adds to it."""
    arguments = argparse.ArgumentParser(description=title)
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    return arguments


def show(title: str, measure: Callable[[], list[Row]], *, as_json: bool | None = None) -> None:
    """Measure and print: a table, or one object when *as_json*; by default the command line is asked."""
    if as_json is None:
        as_json = parser_of(title).parse_args().json
    on = machine()
    rows = measure()
    if as_json:
        print(json.dumps({"machine": on, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(f"{title}\n{on['processor']}, {on['cores']} cores, Python {on['python']}, load {on['load_before']}")
    for row in rows:
        target = f"target {row.target:,g}, {row.standing}" if row.target is not None else ""
        ratio = f"{row.ratio:,.3g} x {row.peer}" if row.ratio is not None else ""
        print(f"  {row.name:<52} {row.value:>12,.4g} {row.unit:<12} {target:<32} {ratio}".rstrip())
