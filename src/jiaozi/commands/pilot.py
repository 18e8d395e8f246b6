"""`jiaozi pilot`: the whole walk."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from jiaozi.clock import day_of, system_clock
from jiaozi.pilot import cast, walk
from jiaozi.pilot.tell import Teller


def run(given: argparse.Namespace) -> int:
    """Walk; return 0."""
    try:
        today = date.fromisoformat(given.today) if given.today else cast.today_of(day_of(system_clock()))
    except ValueError:
        print(f"jiaozi: --today {given.today} is no day; write YYYY-MM-DD", file=sys.stderr)
        return 2
    if not cast.FIRST_DAY <= today <= cast.LAST_DAY_BEFORE:
        print(
            f"jiaozi: the pilot begins between {cast.FIRST_DAY} and {cast.LAST_DAY_BEFORE}, not on {today}",
            file=sys.stderr,
        )
        return 2
    teller = Teller(quiet=given.json)
    once = given.once or given.json
    figures = walk.run(Path(given.folder), today=today, once=once, port=given.port, teller=teller)
    if given.json:
        print(json.dumps(figures, indent=2))
    return 0
