"""A stress with the hours of a real run, and with the reserve that one issuer published, where that data is at hand.

None of it is shipped or needed, and nothing that ships was made from it.
"""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from jiaozi.lab.population import write_store
from jiaozi.lab.stress import Plan, StressResult, stress
from jiaozi.lab.stress.plan import RUN_SHAPE
from jiaozi.lab.stress.reserve import Asset, Reserve, default_reserve
from jiaozi.ledger.restart import restart
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder

DATA = Path(__file__).parents[3] / "shared" / "data"
PRICES = DATA / "stablecoin-market" / "usdc-depeg-2023-03-15min.json"
CASH = DATA / "reserves" / "circle-cash-weekly-2023-07-2025-06.csv"
FUND = DATA / "reserves" / "circle-reserve-fund-daily-2022-11-2025-06.csv"


def stressed(folder: Path, shape: tuple[int, ...], reserve: Reserve) -> StressResult:
    write_store(folder, people=600, seed=5, days=3, payments_a_day=500, from_day=date(2026, 12, 1))
    found = restart(folder / "journal" if (folder / "journal").is_dir() else folder)
    calendars = {path.stem: read_calendar(path) for path in (law_folder() / "calendars").glob("*.toml")}
    plan = Plan("run", 20_00, 1, reserve, shape=shape, days=21)
    return stress(found.state, found.reader.head, calendars, plan)


@pytest.mark.skipif(
    not PRICES.is_file(), reason="the hours of March 2023 are not on this machine; not shipped"
)
def test_a_run_with_the_hours_of_march_2023_is_stressed_like_any_other(tmp_path: Path) -> None:
    """The volume traded stands in for redemptions, which nobody published by the hour."""
    volumes = np.zeros(72)
    begin = np.datetime64("2023-03-10T16:00")
    for bar in json.loads(PRICES.read_text(encoding="utf-8"))["data"]:
        hour = int((np.datetime64(bar["dt"][:16]) - begin) / np.timedelta64(1, "h"))
        if 0 <= hour < 72:
            volumes[hour] += bar["v"]
    shape = tuple(int(weight) for weight in np.round(volumes / volumes.max() * 10_000))
    seen = stressed(tmp_path / "seen", shape, default_reserve())
    ours = stressed(tmp_path / "ours", RUN_SHAPE, default_reserve())
    assert shape != RUN_SHAPE
    # As much is asked for in all, whenever it is.
    assert seen.wanted_fen == ours.wanted_fen > 0


@pytest.mark.skipif(
    not (CASH.is_file() and FUND.is_file()), reason="no reserve compositions on this machine; not shipped"
)
def test_a_reserve_of_published_shares_is_stressed_like_any_other(tmp_path: Path) -> None:
    weeks = {row["timestamp"][:10]: float(row["underlying.rwa:USD"]) for row in _rows(CASH)}
    for row in _rows(FUND):
        if row["timestamp"][:10] in weeks:
            cash, repo = weeks[row["timestamp"][:10]], float(row["underlying.rwa:USTrepo"] or 0)
            bills = sum(float(row[f"underlying.rwa:{kind}"] or 0) for kind in ("USTB", "USTB-WI", "USTNOTE"))
    shares = [round(10_000 * part / (cash + repo + bills)) for part in (cash, repo)]
    bill = Asset("bill", 10_000 - sum(shares), haircut=30, settles=1)
    assets = (Asset("cash", shares[0]), Asset("repo", shares[1]), bill)
    result = stressed(tmp_path / "store", RUN_SHAPE, Reserve(assets, 9, 17, 0, 100_00))
    assert result.wanted_fen > 0


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
