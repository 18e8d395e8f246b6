"""The lab: a store written and recorded, a reform replayed in three ways, beside SQL and plain Python.

    python -m bench.lab [--json] [--quick] [--payments N] [--folder DIR]

Ten million payments of half a million people in June and July 2027, with an exercise that halves a cap in July.
Each replay runs in a process of its own, whose memory is its most; the store is in the system's cache.
Money-follows runs first over a small store of the same law, 60 days of ten thousand people in frames of 33 payments:
what loading its machine code takes is the difference of two such runs, and a row of its own.
With `--folder` the stores are kept for the next time. Takes about two minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bench.balances import most_memory_bytes
from bench.limits import MIB, short
from bench.rows import Row, parser_of, show
from jiaozi.lab.population import write_store
from jiaozi.lab.replay.facts import facts_of_row
from jiaozi.lab.replay.law import Tried, tried_of
from jiaozi.lab.replay.recorded import Recorded, slots_of
from jiaozi.lab.replay.records import WIDE_COLUMNS
from jiaozi.lab.replay.replay import Asked, Mode, Replay, prepared, replay
from jiaozi.ledger.history import parquet
from jiaozi.ledger.records import PAY
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import ACTION_CODES
from jiaozi.rulebook.reading.read import law_folder

PAYMENTS, PEOPLE, DAYS, FIRST_DAY = 10_000_000, 500_000, 30, date(2027, 6, 15)
REFORM = "2027-07-lower-tier-4.toml"
TARGETS = {Mode.AS_IT_HAPPENED: 10e6, Mode.MONEY_FOLLOWS: 3e6}
PLAIN = 20_000
SMALL_PEOPLE, SMALL_DAYS, SMALL_PAYMENTS_A_DAY = 10_000, 60, 3_000
CAP_FEN, TIER, SINCE = 1_000_00, "t4", "2027-07-01T00:00:00+08:00"


def main() -> None:
    parser = parser_of("The lab")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of it, to see that all of it runs")
    parser.add_argument("--payments", type=int, default=PAYMENTS, help="how many (default: ten million)")
    parser.add_argument("--folder", type=Path, help="where the store is kept for the next time")
    given = parser.parse_args()
    count = given.payments // 50 if given.quick else given.payments
    show("The lab", lambda: measure(count, given.folder), as_json=given.json)


def measure(payments: int, folder: Path | None = None) -> list[Row]:
    """Return all rows for a store of about *payments*, kept in *folder* if there is one."""
    with tempfile.TemporaryDirectory() as temporary:
        store = (folder or Path(temporary)) / f"store-{payments}"
        rows = []
        if not store.exists():
            start = time.perf_counter()
            people = max(2_000, payments * PEOPLE // PAYMENTS)
            written = write_store(
                store, people=people, seed=1, days=DAYS, payments_a_day=payments // DAYS, from_day=FIRST_DAY
            )
            rate = written.payments / (time.perf_counter() - start)
            rows.append(Row("generated and written, durable", rate, "payments/s", 1e6, "higher"))
        small = (folder or Path(temporary)) / f"store-small-{payments}"
        if not small.exists():
            days = max(2, min(SMALL_DAYS, SMALL_DAYS * payments // PAYMENTS))
            write_store(
                small,
                people=SMALL_PEOPLE,
                seed=1,
                days=days,
                payments_a_day=SMALL_PAYMENTS_A_DAY,
                from_day=FIRST_DAY,
            )
        rows += _replayed(store, small)
    return [*rows, Row("load of the machine at the end", os.getloadavg()[0], "", None, "lower")]


def _replayed(store: Path, small: Path) -> list[Row]:
    recorded = _apart(store, "record")
    small_count = _apart(small, "record")["count"]
    count = recorded["count"]
    rows = [
        Row(f"questions recorded, {short(count)}", count / recorded["seconds"], "payments/s", None, "higher"),
        Row("  memory of the process at most", recorded["memory"] / MIB, "MiB", 1024, "lower"),
    ]
    found = {mode: _apart(store, mode.value, small) for mode in Mode}
    happened = found[Mode.AS_IT_HAPPENED]
    sql_seconds, sql_refused = _in_sql(store)
    assert sql_refused == happened["refused"], f"SQL finds {sql_refused}, the replay {happened['refused']}"
    plain = _plainly(store)
    for mode, one in found.items():
        rate = count / one["seconds"]
        rows += [
            Row(
                f"{mode.value}, from disk",
                rate,
                "payments/s",
                TARGETS.get(mode),
                "higher",
                "plain Python",
                rate / plain,
            ),
            Row("  memory of the process at most", one["memory"] / MIB, "MiB", 1024, "lower"),
        ]
    following = found[Mode.MONEY_FOLLOWS]
    rows += [
        Row("  loading its machine code, besides", following["loading"], "s", None, "lower"),
        Row("  in frames of 33 payments", small_count / following["small"], "payments/s", None, "higher"),
    ]
    sql = count / sql_seconds
    fast = count / happened["seconds"]
    return [
        *rows,
        Row(
            "the one cap alone, as SQL in DuckDB",
            sql,
            "payments/s",
            None,
            "higher",
            "as-it-happened",
            sql / fast,
        ),
        Row("plain Python, every rule", plain, "payments/s", None, "higher"),
        Row("payments newly refused", happened["refused"], "", None, "lower"),
    ]


def _reform() -> Tried:
    return tried_of([law_folder() / "reforms" / REFORM])


def _in_sql(store: Path) -> tuple[float, int]:
    """Ask DuckDB which payments the lower cap refuses, over the questions as Parquet; return seconds and count."""
    recorded = Recorded.open(store / "lab" / "questions")
    file = store / "lab" / "questions.parquet"
    if not file.exists():
        _as_parquet(recorded, file)
    tier = recorded.books[0].vocabulary.code("payer.tier", TIER)
    since = int(np.datetime64(SINCE[:-6], "ns").astype(np.int64)) - 8 * 3600 * 1_000_000_000
    query = (
        f"SELECT count(*) FROM {parquet.source(file)} WHERE action = {PAY} AND result = 0 AND tier = {tier} "
        f"AND instant >= {since} AND amount > {CAP_FEN}"
    )
    connection = parquet.connect()
    connection.execute(query).fetchone()
    start = time.perf_counter()
    row = connection.execute(query).fetchone()
    assert row is not None
    return time.perf_counter() - start, int(row[0])


def _as_parquet(recorded: Recorded, file: Path) -> None:
    tiers = recorded.kinds[:, recorded.head.facts.index("payer.tier")]
    parts = [recorded.read(part, 0, count) for part, count in enumerate(recorded.head.parts) if count]
    rows = np.concatenate(parts)
    columns = {name: np.ascontiguousarray(rows[name]) for name in ("action", "result", "amount")}
    columns["tier"] = tiers[rows["kind"]]
    columns["instant"] = recorded.frames["instant"][rows["frame"]]
    parquet.write(parquet.connect(), file, columns, {})


def _plainly(store: Path) -> float:
    """Return how many questions a second the interpreter answers under the reformed law."""
    recorded = Recorded.open(store / "lab" / "questions")
    book = _reform().of(recorded.books[0])
    whole, slots = recorded.facts(book), slots_of(book)
    part = int(np.argmax(recorded.head.parts))
    rows = recorded.read(part, 0, min(PLAIN, recorded.head.parts[part]))
    actions = {code: action for action, code in ACTION_CODES.items()}
    instants = recorded.frames["instant"][rows["frame"]].tolist()
    start = time.perf_counter()
    for row, instant in zip(rows, instants, strict=True):
        facts = whole[row["kind"]].copy()
        for slot, column in zip(slots.tolist(), WIDE_COLUMNS, strict=False):
            facts[slot] = row[column]
        for slot in slots[len(WIDE_COLUMNS) :].tolist():
            if facts[slot] != MISSING:
                facts[slot] = row["amount"]
        decide(book, actions[int(row["action"])], facts_of_row(book, facts), instant)
    return len(rows) / (time.perf_counter() - start)


def _apart(store: Path, what: str, small: Path | None = None) -> dict[str, Any]:
    """Do *what* in a new process and return its figures; *small* is a store to warm it with."""
    command = [
        sys.executable,
        "-m",
        "bench.lab",
        "--child",
        what,
        str(store),
        *([str(small)] if small else []),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _child(what: str, store: Path, small: Path | None) -> dict[str, Any]:
    if what == "record":
        start = time.perf_counter()
        found = prepared(store / "journal", store / "lab")
        return {"count": found.count, "seconds": time.perf_counter() - start, "memory": most_memory_bytes()}
    mode, figures = Mode(what), {}
    if mode is Mode.MONEY_FOLLOWS:
        assert small is not None
        cold, (warm, _) = _timed(small, mode)[0], _timed(small, mode)
        figures = {"loading": cold - warm, "small": warm}
    else:
        _timed(store, mode)  # warm: machine code loaded, pages in the cache
    seconds, told = _timed(store, mode)
    refused = told.summary.changed.refused
    return {"seconds": seconds, "memory": most_memory_bytes(), "refused": refused, **figures}


def _timed(store: Path, mode: Mode) -> tuple[float, Replay]:
    start = time.perf_counter()
    told = replay(store / "journal", Asked(_reform(), mode=mode), work=store / "lab")
    return time.perf_counter() - start, told


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        what, store, *others = sys.argv[2:]
        print(json.dumps(_child(what, Path(store), Path(others[0]) if others else None)))
    else:
        main()
