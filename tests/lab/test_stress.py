"""A store under stress: nothing is lost, nobody is late while there is cash, and a larger share is never milder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from jiaozi.cli import main
from jiaozi.clock import BusinessCalendar, day_of, day_start
from jiaozi.errors import LabError
from jiaozi.issuer.redeem import deadline
from jiaozi.lab.population import write_store
from jiaozi.lab.stress import SCENARIOS, Plan, StressResult, stress
from jiaozi.lab.stress.asking import holding, requests
from jiaozi.lab.stress.page import as_html
from jiaozi.lab.stress.report import as_csv, as_data, as_text
from jiaozi.lab.stress.reserve import Asset, Reserve, default_reserve
from jiaozi.lab.stress.when import HOUR_NS
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.question import question
from jiaozi.ledger.restart import restart
from jiaozi.ledger.state import State
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder

ALL_CASH = Reserve((Asset("cash", 100_00),), 9, 17, 0, 100_00)
SLOW = Reserve((Asset("cash", 10_00), Asset("bill", 90_00, haircut=2_00, settles=3)), 9, 17, 50_00, 0)


@dataclass(frozen=True)
class Store:
    folder: Path
    state: State
    receipt: Receipt
    calendars: dict[str, BusinessCalendar]

    def stress(self, scenario: str = "run", share: int = 20_00, **given: object) -> StressResult:
        plan = Plan(scenario, share, 1, default_reserve(), days=21)
        return stress(self.state, self.receipt, self.calendars, replace(plan, **given))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("stress") / "store"
    write_store(folder, people=600, seed=5, days=3, payments_a_day=500, from_day=date(2026, 12, 1))
    journal = folder / "journal" if (folder / "journal").is_dir() else folder
    found = restart(journal)
    calendars = {path.stem: read_calendar(path) for path in (law_folder() / "calendars").glob("*.toml")}
    return Store(folder, found.state, found.reader.head, calendars)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("share", [5_00, 50_00, 100_00])
def test_coins_and_money_are_the_same_before_and_after(store: Store, scenario: str, share: int) -> None:
    found = store.stress(scenario, share)
    by = found.by_hour
    paid = np.cumsum(by["paid_fen"])
    before = found.coins_fen + found.owed_before_fen
    assert (by["coins_fen"] + by["queue_fen"] + paid == before).all()
    reserve = sum(by[f"{part}_fen"] for part in ("cash", "repo", "bills", "settling", "locked", "lost"))
    assert (reserve + paid == found.reserve_fen).all()
    assert int(by["asked_fen"].sum() + by["refused_fen"].sum()) == found.wanted_fen
    assert found.wanted_fen == sum(seen.held_fen - seen.stuck_fen for seen in found.classes) * share // 100_00
    assert all((by[key] >= 0).all() for key in by)
    seen = found.deadlines
    in_all = seen.met_fen + seen.missed_fen + seen.open_fen + seen.without_fen
    assert in_all == int(by["asked_fen"].sum())


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_deadline_is_missed_when_cash_suffices(store: Store, scenario: str) -> None:
    found = store.stress(scenario, 100_00, reserve=ALL_CASH)
    assert found.deadlines.missed_holders == 0
    assert found.deadlines.met_holders > 0
    assert int(found.by_hour["queue_fen"][-1]) == 0
    assert not found.by_hour["due_missed_fen"].any()


def test_slow_bills_make_the_issuer_late(store: Store) -> None:
    seen = store.stress("run", 80_00, reserve=SLOW).deadlines
    assert seen.missed_holders > 0
    assert seen.worst_hours > 24


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("reserve", [default_reserve(), SLOW], ids=["default", "slow"])
def test_a_larger_share_never_gives_a_shorter_queue(store: Store, scenario: str, reserve: Reserve) -> None:
    shares = (1, 3_33, 20_00, 20_01, 55_55, 90_00, 100_00)
    found = [store.stress(scenario, share, reserve=reserve) for share in shares]
    for smaller, larger in pairwise(found):
        assert (smaller.by_hour["queue_fen"] <= larger.by_hour["queue_fen"]).all()
        assert smaller.deadlines.missed_fen <= larger.deadlines.missed_fen


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_deadlines_are_those_a_clerk_would_find(store: Store, scenario: str) -> None:
    """Each request is followed by hand: a queue of slips, paid from the front with the money of each hour."""
    found = store.stress(scenario, 80_00, reserve=SLOW)
    held = holding(store.state, store.state.register.coin(found.coin))
    asked = requests(held, found.plan.share, found.plan.shape, found.plan.seed)
    slips = [[-1, found.owed_before_fen]]
    met = missed = missed_fen = worst = 0
    arriving = list(zip(asked.hour.tolist(), asked.of_class.tolist(), asked.amount_fen.tolist(), strict=True))
    regime = 0
    open_slips: list[tuple[int, int]] = []
    for hour in range(len(found.hours)):
        while regime + 1 < len(found.regimes) and found.regimes[regime + 1] <= hour:
            regime += 1
        while arriving and arriving[0][0] == hour:
            _, of_class, amount = arriving.pop(0)
            if found.classes[of_class].may_redeem[regime]:
                slips.append([hour, amount])
                open_slips.append((hour, amount))
        money = int(found.by_hour["paid_fen"][hour])
        while money:
            paid = min(money, slips[0][1])
            money -= paid
            slips[0][1] -= paid
            if slips[0][1]:
                continue
            asked_in, _ = slips.pop(0)
            if asked_in < 0:
                continue
            _, amount = open_slips.pop(0)
            _, last = deadline(
                store.state.law, found.hours.calendars, found.zone, found.hours.instant(asked_in)
            )
            # It is paid by the end of the hour; an hour that ends at midnight is in time.
            if day_of(found.hours.instant(hour), found.hours.clock) <= last:
                met += 1
            else:
                missed, missed_fen = missed + 1, missed_fen + amount
                late_from = day_start(last + timedelta(days=1), found.hours.clock)
                worst = max(worst, (found.hours.instant(hour + 1) - late_from) // HOUR_NS)
    seen = found.deadlines
    assert (met, missed, missed_fen) == (seen.met_holders, seen.missed_holders, seen.missed_fen)
    assert worst == seen.worst_hours


def test_the_answer_for_a_class_is_the_answer_for_each_of_its_holders(store: Store) -> None:
    found = store.stress("issuer-suspended")
    coin = store.state.register.coin(found.coin)
    assert coin.sheet is not None
    held = holding(store.state, coin)
    for row in range(0, len(held.account), 7):
        account, amount = int(held.account[row]), int(held.amount_fen[row])
        if amount:
            facts = question(
                store.state,
                debit=account,
                credit=coin.sheet.redemptions,
                amount_fen=amount,
                action=Action.REDEEM,
                place=found.zone,
                instant=found.hours.start,
            )
            answer = decide(store.state.law, Action.REDEEM, facts, found.hours.start)
            assert answer.allowed == found.classes[held.of_class[row]].may_redeem[0]


def test_a_suspended_licence_traps_the_coins_and_what_was_owed_is_still_paid(store: Store) -> None:
    found = store.stress("issuer-suspended", 50_00)
    by = found.by_hour
    assert len(found.regimes) == 2
    assert not by["trapped_fen"][23] - sum(seen.stuck_fen for seen in found.classes)
    assert int(by["trapped_fen"][24]) == int(by["coins_fen"][24])
    assert not by["asked_fen"][24:].any()
    assert by["refused_fen"][24:].any()
    assert int(by["queue_fen"][-1]) == 0
    assert any("licensed_issuer" in point.cite for point in found.points if point.hour == 24)


def test_a_failing_bank_locks_its_share_of_the_cash_for_good(store: Store) -> None:
    found = store.stress("bank-failure")
    assert found.hours.start % (24 * 3_600 * 10**9) == 10 * 3_600 * 10**9, "18:00 in Shanghai is 10:00 UTC"
    assert found.day(0).weekday() == 4
    locked = found.by_hour["locked_fen"]
    assert (locked == locked[0]).all()
    assert 0 < int(locked[0]) < found.reserve_fen
    assert any("full_backing" in point.cite for point in found.points)


def test_a_holiday_on_file_is_used_and_an_invented_one_is_called_so(store: Store) -> None:
    on_file = store.stress("holiday-week", day=date(2026, 9, 1))
    assert on_file.hours.holiday == (date(2026, 10, 1), date(2026, 10, 7))
    assert on_file.day(0) == date(2026, 9, 30)
    assert on_file.hours.invented_holiday is None
    # The draft is not in force in that autumn: the law permits nobody to redeem then.
    assert int(on_file.by_hour["asked_fen"].sum()) == 0
    invented = store.stress("holiday-week")
    assert invented.hours.invented_holiday is not None
    assert "invented" in as_text(invented, "en")
    closed = invented.hours.is_open[24 : 24 * 8]
    assert not any(closed)


def test_the_same_plan_gives_the_same_result_and_another_seed_another_one(store: Store) -> None:
    one, other = store.stress("run"), store.stress("run")
    assert as_csv(one) == as_csv(other)
    assert as_html(one, "en") == as_html(other, "en")
    assert as_csv(one) != as_csv(store.stress("run", seed=2))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_report_says_that_it_is_a_simulation_and_what_is_invented(
    store: Store, scenario: str, language: str
) -> None:
    found = store.stress(scenario)
    words = {"en": ("not a forecast", "invented", "DRAFT"), "zh": ("不是预测", "虚构", "草案")}[language]
    page, text = as_html(found, language), as_text(found, language)
    for word in words:
        assert word in page
        assert word in text
    HTMLParser().feed(page)
    assert page.count("<svg") == page.count("</svg>") >= 3
    assert "<script" not in page
    data = json.loads(json.dumps(as_data(found, language)))
    assert data["by_hour"]["queue_fen"] == found.by_hour["queue_fen"][: found.shown].tolist()
    assert all(point["article"] for point in data["law_says"])


def digest_of(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(str(path).encode())
        whole.update(path.read_bytes() if path.is_file() else b"")
    return whole.hexdigest()


def test_the_command_writes_nothing_into_the_store(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digest_of(store.folder)
    table, page = tmp_path / "table.parquet", tmp_path / "page.html"
    words = ["lab", "stress", str(store.folder), "--scenario", "run", "--share", "30%", "--json"]
    assert main([*words, "--csv", str(table), "--html", str(page), "--language", "zh"]) == 0
    assert digest_of(store.folder) == before
    assert table.read_bytes()[:4] == b"PAR1"
    assert "不是预测" in page.read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out)["share_percent"] == "30"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--share", "0"], "above 0"),
        (["--share", "1.5"], "at most 1"),
        (["--share", "٣"], "no share"),
        (["--seed", "-1"], "no whole number"),
        (["--coin", "nothing"], "no such coin"),
        (["--days", "2"], "cannot be watched"),
        (["--reserve", "nowhere.toml"], "cannot be read"),
        (["--from", "yesterday"], "YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_words(
    store: Store, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lab", "stress", str(store.folder), "--scenario", "run", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_scenario_that_is_none_is_refused() -> None:
    with pytest.raises(LabError, match="holiday-week"):
        Plan("flood", 20_00, 1, default_reserve())
