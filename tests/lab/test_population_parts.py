"""What a population is made of: draws, dates, rhythm, parameters, the command."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from jiaozi.cli import main
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import QUANTILES, alias_table, draw, quantile, quantiles
from jiaozi.lab.population.dates import MAINLAND, is_festive
from jiaozi.lab.population.residents import NOBODY, joined, residents
from jiaozi.lab.population.rhythm import MINUTES, expected, frame_minutes, level, shape

ROOT = Path(__file__).parents[2]
PAYSIM = ROOT.parent / "shared" / "data" / "payments" / "paysim-aggregated-transactions.csv"


@settings(max_examples=40, deadline=None)
@given(some.lists(some.floats(0.001, 1_000), min_size=1, max_size=40))
def test_an_alias_table_gives_each_place_its_weight(weights: list[float]) -> None:
    """The thresholds add up to the weights, so there is nothing to draw for."""
    table = alias_table(np.array(weights))
    count = len(weights)
    share = np.zeros(count)
    for place, row in enumerate(table.tolist()):
        here = (row >> 32) / 2**32
        share[place] += here / count
        share[row & 0xFFFF_FFFF] += (1 - here) / count
    assert np.allclose(share, np.array(weights) / sum(weights), atol=1e-8)


def test_draws_come_from_the_part_of_the_table_that_was_named() -> None:
    table = np.concatenate([alias_table(np.ones(3)), alias_table(np.array([1.0, 3.0]))])
    bits = np.random.default_rng(1).integers(0, 2**64, 8_000, dtype=np.uint64)
    drawn = np.array([draw(table, 3, 2, each) for each in bits])
    assert set(drawn.tolist()) == {0, 1}
    assert abs(drawn.mean() - 0.75) < 0.02


def test_quantiles_are_those_of_a_lognormal() -> None:
    table = quantiles(100.0, 1.2)
    assert len(table) == QUANTILES + 1
    assert (np.diff(table) > 0).all()
    assert quantile(table, 0.5) == pytest.approx(100.0)
    assert quantile(table, 0.841344746) == pytest.approx(100 * np.exp(1.2), rel=1e-3)


def test_a_year_with_its_notice_follows_the_notice() -> None:
    assert 2026 in MAINLAND.calendar.years
    assert MAINLAND.is_worked(date(2026, 2, 28))
    assert date(2026, 2, 28).weekday() == 5
    assert MAINLAND.is_holiday(date(2026, 10, 1))
    assert not MAINLAND.is_worked(date(2026, 10, 1))


def test_a_year_without_its_notice_has_its_festivals_and_no_worked_weekend() -> None:
    days = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]
    free = [day for day in days if MAINLAND.is_holiday(day)]
    assert date(2028, 1, 26) in free
    assert date(2028, 10, 1) in free
    assert 20 <= len(free) <= 30
    assert not any(MAINLAND.is_worked(day) for day in days if day.weekday() > 4)


def test_every_payday_of_a_year_is_kept_once_and_on_a_working_day() -> None:
    days = [date(2027, 1, 1) + timedelta(days=number) for number in range(365)]
    kept = [(day, bit) for day in days for bit in range(5) if MAINLAND.paydays_on(day) >> bit & 1]
    assert len(kept) == 60
    assert all(MAINLAND.is_worked(day) for day, _ in kept)


def test_on_the_eve_of_the_spring_festival_people_send_each_other_three_times_as_much() -> None:
    assert is_festive(date(2027, 2, 5))
    assert not is_festive(date(2027, 2, 4))
    assert level(date(2027, 2, 5))[1] > 2.5 * level(date(2027, 2, 4))[1]
    assert level(date(2027, 2, 5))[2] == known.FREE_DAY_SUPPLIES


def test_days_average_to_what_was_asked_and_grow_with_the_accounts() -> None:
    days = [date(2026, 12, 15) + timedelta(days=number) for number in range(365)]
    found = expected(days, joined(1_000_000, 365), 300_000)
    drawn = sum(known.SHARES[flow] for flow in (known.Flow.SHOPPING, known.Flow.PEER, known.Flow.SUPPLIES))
    assert found.sum() == pytest.approx(365 * 300_000 * drawn)
    assert found[-30:, 0].mean() > 1.1 * found[:30, 0].mean()


def test_accounts_grow_by_a_fifth_in_a_year() -> None:
    there = joined(1_000_000, 366)
    assert (np.diff(there) >= 0).all()
    assert there[-1] == 1_000_000
    assert there[-1] / there[0] == pytest.approx(1.21, abs=0.001)


@pytest.mark.parametrize("minutes", known.FRAME_MINUTES)
def test_windows_share_out_the_whole_day(minutes: int) -> None:
    assert MINUTES % minutes == 0
    for flow in (known.Flow.SHOPPING, known.Flow.PEER, known.Flow.SUPPLIES):
        assert shape(flow, minutes).sum() == pytest.approx(1)
    assert frame_minutes(known.FRAME_PAYMENTS * MINUTES / minutes) == minutes


def test_employers_are_firms_of_the_same_coin() -> None:
    town = residents(5_000, 3, payments_a_day=5_000)
    paid = np.flatnonzero(town.employer != NOBODY)
    assert len(paid) > 500
    firms = town.traits[town.employer[paid]]
    assert (firms["kind"] == 2).all()
    assert (firms["coin"] == town.traits["coin"][paid]).all()


def test_every_parameter_is_on_the_page_that_names_the_sources() -> None:
    page = (ROOT / "docs" / "reference" / "population.md").read_text(encoding="utf-8")
    names = [name for name in vars(known) if name.isupper()]
    assert len(names) > 40
    for name in names:
        assert f"`{name}`" in page, f"{name} is not in docs/reference/population.md"


@pytest.mark.skipif(not PAYSIM.exists(), reason="the PaySim hours are not on this machine")
def test_the_day_of_shops_resembles_the_one_of_a_real_payment_service() -> None:
    hours = np.zeros(24)
    with PAYSIM.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["action"] == "PAYMENT":
                hours[int(row["hour"])] += int(row["count"])
    assert np.corrcoef(hours, known.SHOPPING_HOURS)[0, 1] > 0.55
    assert np.corrcoef(hours, known.PEER_HOURS)[0, 1] > 0.8


def test_the_command_writes_a_store_and_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lab", "population", "--folder", str(tmp_path / "store"), "--people", "500", "--seed", "3"]
    words += ["--days", "2", "--payments-a-day", "400"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["accounts"] == 500
    assert told["from"] == "2026-12-15"
    assert told["until"] == "2026-12-17"
    assert sum(told["results"].values()) == told["payments"] > 800
    assert main(["ledger", "totals", str(tmp_path / "store")]) == 0
    assert main(["journal", "verify", str(tmp_path / "store")]) == 0
    capsys.readouterr()
    assert main(words) == 2
    assert "has a journal already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--people", "1e3"), ("--days", "0"), ("--seed", "x"), ("--from", "soon")]
)
def test_the_command_names_the_option_that_will_not_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    assert main(["lab", "population", "--folder", str(tmp_path), option, value]) == 2
    assert option in capsys.readouterr().err
