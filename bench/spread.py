"""The column stage of a replay dealt over processes: one worker and two, by the clock and by the processor.

    python -m bench.spread [--json] [--payments N] [--folder DIR]

Asks all 64 parts of a recorded store, three times each, and takes the fastest. The rate by the processor's
time says what a core does when nobody else wants it; the rate by the clock is that of this machine and hour.
With `--folder` the store is kept for the next time. Takes about two minutes.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from datetime import date
from pathlib import Path

from bench.rows import Row, parser_of, show
from jiaozi.lab.population import write_store
from jiaozi.lab.replay.law import tried_of
from jiaozi.lab.replay.replay import Asked, Mode, prepared
from jiaozi.lab.replay.spread import Work, ask_parts
from jiaozi.rulebook.reading.read import law_folder

PAYMENTS, PEOPLE, DAYS, FIRST_DAY = 10_000_000, 500_000, 30, date(2027, 6, 15)
REFORM = "2027-07-lower-tier-4.toml"
TIMES = 3


def main() -> None:
    parser = parser_of("A replay on several machines")
    parser.add_argument("--payments", type=int, default=PAYMENTS, help="how many (default: ten million)")
    parser.add_argument("--folder", type=Path, help="where the store is kept for the next time")
    given = parser.parse_args()
    show("A replay on several machines", lambda: measure(given.payments, given.folder), as_json=given.json)


def measure(payments: int, folder: Path | None = None) -> list[Row]:
    """Return the rates of one worker and of two, in both modes, over a store of about *payments*."""
    with tempfile.TemporaryDirectory() as temporary:
        store = (folder or Path(temporary)) / f"store-{payments}"
        if not store.exists():
            people = max(2_000, payments * PEOPLE // PAYMENTS)
            write_store(
                store, people=people, seed=1, days=DAYS, payments_a_day=payments // DAYS, from_day=FIRST_DAY
            )
        recorded = prepared(store / "journal", store / "work")
        rows = []
        for workers in (1, 2):
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(workers, mp_context=context) as engine:
                for mode in (Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW):
                    work = Work.of(recorded, Asked(tried_of([law_folder() / "reforms" / REFORM]), mode=mode))
                    rows += _rates(engine, work, f"{mode.value}, {workers} at work", recorded.count)
    return rows


def _rates(engine: Executor, work: Work, name: str, count: int) -> list[Row]:
    parts = range(64)
    list(engine.map(_ask, [work] * 8, parts[:8]))  # compiled and opened
    seconds, busy = [], []
    for _ in range(TIMES):
        start = time.perf_counter()
        busy.append(sum(engine.map(_ask, [work] * len(parts), parts)))
        seconds.append(time.perf_counter() - start)
    return [
        Row(name, count / min(seconds), "payments/s", None, "higher"),
        Row("  by the processor's time of one core", count / min(busy), "payments/s", None, "higher"),
    ]


def _ask(work: Work, part: int) -> float:
    """Ask one part, and return the seconds of a processor that it took."""
    start = time.process_time()
    ask_parts(work, [part])
    return time.process_time() - start


if __name__ == "__main__":
    main()
