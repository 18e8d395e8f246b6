"""Sealed history: bytes a transfer, speed of sealing, a page of an account, a balance of the past, a month in SQL.

    python -m bench.history [--json]

Ten million payments among a million holders, ids time-ordered (UUIDv7), in frames of 8,190 as the ledger
writes them; payees by Zipf, amounts log-normal, 3 % refused by law, 2 % pending and then posted.
The answers are made up, since no answer of the law changes how many bytes it takes; the journal is real.
`TRANSFERS=1000000` in the environment makes it smaller.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.rows import Row, median_seconds, show
from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.history import account_lines, parquet
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.sql import open_views
from jiaozi.ledger.history.units import TABLES, Unit
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.payload import MAX_BATCH, Booked, moves, pack
from jiaozi.ledger.records import AS_PENDING, PAY, WHOLE, TransferFlag, one_call, transfers
from jiaozi.ledger.results import Result

TRANSFERS = int(os.environ.get("TRANSFERS", "10_000_000"))
HOLDERS = 1_000_000
RATE = 3_000_000 // 30  # a frame every 80 ms: ten million are told in under two minutes of book time
START = Instant(1_800_000_000 * NS_PER_SECOND)


def write_journal(folder: Path) -> None:
    """Write `TRANSFERS` transfers into a new journal."""
    random = np.random.default_rng(8)
    payees = random.permutation(HOLDERS).astype(np.uint32)
    with Journal.open(folder) as journal:
        for frame in range(TRANSFERS // MAX_BATCH + 1):
            instant = Instant(START + frame * MAX_BATCH * NS_PER_SECOND // RATE)
            booked = _batch(random, payees, instant)
            journal.append(FrameKind.TRANSFERS, instant, bytes(32), pack(booked), follows=frame)


def _batch(random: np.random.Generator, payees: NDArray[np.uint32], instant: Instant) -> Booked:
    batch = transfers(MAX_BATCH)
    give_ids(batch, instant, random)
    batch["debit"] = random.integers(0, HOLDERS, MAX_BATCH)
    batch["credit"] = payees[random.zipf(1.1, MAX_BATCH) % HOLDERS]
    batch["amount"] = np.exp(random.normal(8, 1.5, MAX_BATCH)).astype(np.int64) + 1
    batch["action"], batch["place"] = PAY, 2
    results = np.zeros(MAX_BATCH, dtype=np.uint8)
    bits = np.zeros((MAX_BATCH, 2), dtype=np.uint64)
    refused = random.random(MAX_BATCH) < 0.03
    results[refused] = Result.REFUSED_BY_LAW
    bits[refused, 0] = 1 << random.integers(0, 40, int(refused.sum()))
    held, posts = slice(0, MAX_BATCH // 50), slice(MAX_BATCH // 50, 2 * (MAX_BATCH // 50))
    results[: posts.stop] = Result.CREATED
    bits[: posts.stop] = 0
    batch["flags"][held], batch["timeout"][held] = TransferFlag.PENDING, 3_600
    moved = batch[posts].copy()
    for name in ("debit", "credit", "amount"):
        moved[name] = batch[name][held]
    batch["flags"][posts] = moved["flags"] = TransferFlag.POST_PENDING_TRANSFER
    batch["memo_lo"][posts], batch["memo_hi"][posts] = batch["id_lo"][held], batch["id_hi"][held]
    batch["debit"][posts] = batch["credit"][posts] = AS_PENDING
    batch["amount"][posts] = WHOLE
    booked = Booked(batch, one_call(MAX_BATCH), results, bits, moved)
    assert len(moves(batch, results)) == len(moved)
    return booked


def by_column(units: list[Unit]) -> list[Row]:
    """Return the bytes a transfer of each column, those of a tenth of a byte and more."""
    count = sum(unit.head.transfers for unit in units)
    found = []
    with parquet.connect() as connection:
        for table in TABLES:
            source = parquet.source(*(unit.path(table) for unit in units)).replace(
                "read_parquet", "parquet_metadata"
            )
            query = (
                f"SELECT path_in_schema, sum(total_compressed_size) FROM {source} GROUP BY 1 ORDER BY 2 DESC"
            )
            for name, size in connection.execute(query).fetchall():
                if size >= count / 10:
                    found.append(Row(f"{table}.{name}", int(size) / count, "bytes", None, "lower"))
    return found


def measure() -> list[Row]:
    """Write a journal, seal it, and read it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "journal"
        write_journal(folder)
        random = np.random.default_rng(9)
        unsealed = median_seconds(lambda: account_lines(folder, 5), times=1, warm_up=0)
        start = time.perf_counter()
        sealed = seal(folder)
        seconds = time.perf_counter() - start
        rows = [
            Row("sealed, bytes a transfer", sealed.bytes / sealed.transfers, "bytes", 40, "lower"),
            *by_column(list(sealed.units)),
            Row("sealing", sealed.transfers / seconds, "transfers/s", None, "higher"),
            Row("account page before sealing", 1_000 * unsealed, "ms", None, "lower"),
        ]
        accounts = iter(random.integers(0, HOLDERS, 10_000).tolist())
        page = median_seconds(lambda: account_lines(folder, next(accounts)), times=9)
        rows.append(Row("account page, newest 50", 1_000 * page, "ms", None, "lower"))
        with History(folder) as history:
            middle = Instant((sealed.units[0].head.first_instant + sealed.units[-1].head.last_instant) // 2)
            page = median_seconds(lambda: history.account_transfers(next(accounts), limit=50), times=9)
            rows.append(Row("account page, oldest 50, kept open", 1_000 * page, "ms", None, "lower"))
            one = median_seconds(lambda: history.balance_at(next(accounts), middle), times=9)
            rows.append(Row("balance of an account at an instant", 1_000 * one, "ms", None, "lower"))
            every = median_seconds(lambda: history.balances_at(middle), times=3)
            rows.append(Row("balances of all at an instant", 1_000 * every, "ms", None, "lower"))
            found = history.account_transfers(7).rows[:20]
            ids = [(int(row["id_lo"]), int(row["id_hi"])) for row in found]
            look = median_seconds(lambda: history.lookup(ids), times=3)
            rows.append(Row(f"lookup of {len(ids)} ids", 1_000 * look, "ms", None, "lower"))
        return rows + _in_sql(folder)


def _in_sql(folder: Path) -> list[Row]:
    query = (
        "SELECT date_trunc('month', booked_at) AS month, place, result, count(*), sum(amount_fen) "
        "FROM transfers GROUP BY ALL ORDER BY ALL"
    )
    start = time.perf_counter()
    with open_views(folder) as views:
        opened = time.perf_counter() - start
        sums = median_seconds(lambda: views.sql(query).rows(), times=3)
    return [
        Row("SQL: views opened", 1_000 * opened, "ms", None, "lower"),
        Row("SQL: sums of a month", 1_000 * sums, "ms", None, "lower"),
    ]


def main() -> None:
    show("Sealed history", measure)


if __name__ == "__main__":
    main()
