"""A population of Hong Kong: enacted law, travel data, orders to freeze, a reserve that is at times short."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import holidays
import numpy as np
import pytest
from numpy.typing import NDArray

from jiaozi.cli import main
from jiaozi.clock import Instant, day_of, day_start, moment_of
from jiaozi.commands.lab_options import MODES
from jiaozi.lab.population import FIRM, Written, write_store
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.dates import EXPECTED_IN_HONG_KONG, HONG_KONG, MAINLAND
from jiaozi.lab.population.drawing import Amounts
from jiaozi.lab.population.orders import Orders
from jiaozi.lab.population.parameters import Flow
from jiaozi.lab.population.residents import residents
from jiaozi.lab.population.towns import TOWNS
from jiaozi.ledger.facts import Fact, FreezeLifted, FreezeOrdered, LawEnacted, decode
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.results import Result
from jiaozi.ledger.totals import supply
from jiaozi.rulebook.reading.read import law_folder
from tests.lab.stores import Store, head_and_payloads, read_store

FROM_DAY, DAYS = date(2027, 6, 1), 60
CLOCK = "Asia/Hong_Kong"
TRAVEL = law_folder() / "reforms" / "2027-07-travel-data-from-1000.toml"


def write(folder: Path, *, people: int = 2_000, days: int = DAYS, seed: int = 4) -> Written:
    return write_store(
        folder, people=people, seed=seed, days=days, payments_a_day=600, from_day=FROM_DAY, place="hk"
    )


@dataclass(frozen=True)
class Booked:
    """One transfer that no holder asked for."""

    at: Instant
    debit: int
    credit: int
    amount: int
    result: int


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two thousand holders in June and July 2027."""
    return read_store(write(tmp_path_factory.mktemp("harbour")))


@pytest.fixture(scope="module")
def booked(store: Store) -> list[Booked]:
    """What issuers booked."""
    found = []
    for frame in read_frames(store.written.folder / "journal"):
        if frame.kind is FrameKind.TRANSFERS:
            read = unpack(frame.payload)
            for row, result in zip(read.batch, read.results, strict=True):
                if row["purpose"] == 0:
                    debit, credit, amount = (int(row[name]) for name in ("debit", "credit", "amount"))
                    found.append(Booked(frame.instant, debit, credit, amount, int(result)))
    return found


@pytest.fixture(scope="module")
def facts(store: Store) -> list[tuple[Instant, Fact]]:
    return [
        (frame.instant, fact)
        for frame in read_frames(store.written.folder / "journal")
        if frame.kind is FrameKind.FACTS
        for fact in decode(frame.payload)
    ]


# -- the law, the amounts, the days ---------------------------------------------------------------


def test_the_law_is_the_enacted_one_and_no_draft_takes_part(
    store: Store, facts: list[tuple[Instant, Fact]]
) -> None:
    enacted = [fact for _, fact in facts if isinstance(fact, LawEnacted)]
    assert [law.drafts for law in enacted] == [[]]
    assert not store.written.is_draft
    assert {coin.id: coin.peg for coin in store.state.register.coins.values()} == {
        "pujiang-hkd": "HKD",
        "donglai-hkd": "HKD",
    }
    assert set(store.written.reasons) == {"hk.pay/travel_core", "hk.pay/travel_full", "hk.full_backing"}


def test_the_command_calls_only_a_draft_a_draft(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, is_draft in (("hk", False), ("cn-sh", True)):
        words = ["lab", "population", "--folder", str(tmp_path / place), "--place", place, "--days", "1"]
        assert main([*words, "--people", "300"]) == 0
        text = capsys.readouterr().out
        assert "Everyone in it is invented" in text
        assert ("DRAFT" in text) is is_draft


def test_the_same_seed_gives_the_same_frames_with_orders_and_reserves(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        write(tmp_path / name, people=600, days=12, seed=seed)
    assert head_and_payloads(tmp_path / "one") == head_and_payloads(tmp_path / "two")
    assert head_and_payloads(tmp_path / "one") != head_and_payloads(tmp_path / "other")


def test_amounts_are_those_of_shanghai_times_the_factor() -> None:
    factor = TOWNS["hk"].factor
    here, there = Amounts.as_known(), Amounts.as_known(factor)
    for name in ("shopping", "large", "peer", "supplies", "tail_fen", "tail_most_fen"):
        assert getattr(there, name) == pytest.approx(factor * getattr(here, name))
    one, two = (residents(2_000, 3, payments_a_day=600, factor=each) for each in (1.0, factor))
    assert (one.traits == two.traits).all()
    for column in ("load_fen", "wage_fen"):
        ratio = getattr(two, column).mean() / getattr(one, column).mean()
        assert ratio == pytest.approx(factor, rel=0.02)
    # A median wage of 7,400 becomes the published one.
    assert factor * known.WAGE_MEDIAN_FEN == pytest.approx(20_500_00, rel=0.001)


@pytest.mark.parametrize("year", sorted(EXPECTED_IN_HONG_KONG))
def test_every_expected_day_agrees_with_an_independent_calendar(year: int) -> None:
    # The general holidays of Cap. 149 are the category "optional"; "public" are the labour law's.
    other = holidays.country_holidays("HK", years=year, categories=("optional",))
    day = date(year, 1, 1)
    while day.year == year:
        if day.weekday() < 6:
            assert HONG_KONG.is_holiday(day) == (day in other), day
        assert HONG_KONG.is_worked(day) == (day.weekday() < 5 and day not in other), day
        day += timedelta(days=1)


def test_each_place_has_its_own_holidays() -> None:
    handover, golden = date(2027, 7, 1), date(2027, 10, 5)
    assert HONG_KONG.is_holiday(handover)
    assert not MAINLAND.is_holiday(handover)
    assert MAINLAND.is_holiday(golden)
    assert not HONG_KONG.is_holiday(golden)
    assert HONG_KONG.covers(date(2028, 12, 31))
    assert not HONG_KONG.covers(date(2029, 1, 1))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"from_day": date(2025, 7, 31)}, "2025-08-01 to open"),
        ({"from_day": date(2028, 12, 20), "days": 30}, "nobody knows the holidays of 2029 in hk"),
        ({"also": {"cn-sz": 0.1}}, "cn-sz is no zone beside hk; there is none"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, more: dict[str, object], says: str) -> None:
    given = {"people": 500, "seed": 1, "days": 1, "payments_a_day": 100, "from_day": FROM_DAY, "place": "hk"}
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path, **(given | more))  # type: ignore[arg-type]


# -- travel data ----------------------------------------------------------------------------------


def test_data_travels_with_every_payment_and_the_full_set_from_8000_on(store: Store) -> None:
    codes = [store.state.words.code("payment.travel_data", word) for word in ("none", "core", "full")]
    given, amount = store.payments["travel_data"], store.payments["amount"]
    wanted = np.where(amount >= 8_000_00, codes[2], codes[1])
    lacks = given != wanted
    assert lacks.mean() == pytest.approx(known.TRAVEL_LACKING_SHARE, rel=0.25)
    assert set(given[lacks & (amount >= 8_000_00)].tolist()) == {codes[1]}
    assert set(given[lacks & (amount < 8_000_00)].tolist()) == {codes[0]}
    pays = ~store.of(Flow.REDEMPTION)
    by_law = store.results == Result.REFUSED_BY_LAW
    assert (by_law <= (lacks & pays)).all(), "nothing else is refused to a holder by law"
    assert by_law.sum() > 50


def test_in_shanghai_no_data_travels(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    written = write_store(folder, people=300, seed=1, days=1, payments_a_day=300, from_day=FROM_DAY)
    assert not read_store(written).payments["travel_data"].any()


# -- orders to freeze -------------------------------------------------------------------------------


def test_accounts_are_frozen_in_the_evening_and_released_later(facts: list[tuple[Instant, Fact]]) -> None:
    ordered = {fact.order: (at, fact) for at, fact in facts if isinstance(fact, FreezeOrdered)}
    lifted = {fact.order: (at, fact) for at, fact in facts if isinstance(fact, FreezeLifted)}
    assert ordered
    for at, fact in ordered.values():
        assert (moment_of(at, CLOCK).hour, moment_of(at, CLOCK).minute) == (known.FREEZE_HOUR, 0)
        assert fact.authority == "hk"
    for order, (at, release) in lifted.items():
        assert at > ordered[order][0]
        assert release.account == ordered[order][1].account


def test_a_frozen_account_pays_nothing_and_may_be_paid(store: Store) -> None:
    frozen_now = np.flatnonzero(store.state.accounts["flags"] & AccountFlag.FROZEN_OUT)
    assert set(frozen_now.tolist()) == set(store.state.register.freezes)
    refused = store.results == Result.DEBIT_ACCOUNT_FROZEN
    assert refused.any()
    assert not (store.results == Result.CREDIT_ACCOUNT_FROZEN).any()


def test_as_many_orders_are_given_as_a_year_should_have_and_each_ends_once() -> None:
    orders, first, count = Orders(TOWNS["hk"], 100, 5), 100, 20_000
    given: dict[str, date] = {}
    standing: dict[int, str] = {}
    lengths = []
    for number in range(2 * 365):
        day = FROM_DAY + timedelta(days=number)
        for fact in orders.of(day, count):
            if isinstance(fact, FreezeOrdered):
                assert fact.account not in standing, "one order at a time"
                assert first <= fact.account < first + count
                assert fact.order not in given
                given[fact.order], standing[fact.account] = day, fact.order
            else:
                assert isinstance(fact, FreezeLifted)
                assert standing.pop(fact.account) == fact.order
                lengths.append((day - given[fact.order]).days)
    assert len(given) == pytest.approx(2 * known.FREEZES_A_YEAR * count, rel=0.25)
    assert np.mean(lengths) == pytest.approx(known.FREEZE_DAYS, rel=0.3)
    assert min(lengths) >= 1
    assert not Orders(TOWNS["cn-sh"], 100, 5).of(FROM_DAY, count)


# -- the reserve ------------------------------------------------------------------------------------


def sheet_numbers(store: Store) -> dict[str, NDArray[np.int64]]:
    """Return the accounts of both sheets by what they are for."""
    sheets = [coin.sheet for coin in store.state.register.coins.values()]
    return {
        name: np.array([getattr(sheet, name) for sheet in sheets])
        for name in ("reserve", "client_money", "unmatched", "redemptions")
    }


def test_the_books_balance_and_what_is_over_or_short_is_the_issuers_own(store: Store) -> None:
    accounts, numbers = store.state.accounts, sheet_numbers(store)
    for place, coin in enumerate(supply(store.state)):
        balance = {name: int(accounts["balance"][rows[place]]) for name, rows in numbers.items()}
        assert -balance["reserve"] == coin.outstanding + sum(
            balance[name] for name in ("client_money", "unmatched", "redemptions")
        )
        assert abs(balance["unmatched"]) < 0.003 * coin.outstanding


def test_a_reserve_that_is_short_stops_issues_and_nothing_else_until_it_is_made_up(
    store: Store, booked: list[Booked]
) -> None:
    """Followed leg by leg: own money per coin, refusals of issues only below zero, made up at ten on working days."""
    numbers = sheet_numbers(store)
    of_reserve = {int(number): place for place, number in enumerate(numbers["reserve"])}
    of_unmatched = {int(number): place for place, number in enumerate(numbers["unmatched"])}
    of_client = {int(number): place for place, number in enumerate(numbers["client_money"])}
    own, refused, made_up = [0, 0], 0, 0
    for each in booked:
        midnight = each.at == day_start(day_of(each.at, CLOCK))
        if each.debit in of_reserve and each.credit in of_unmatched:
            place, change = of_unmatched[each.credit], each.amount
        elif each.debit in of_unmatched and each.credit in of_reserve:
            place, change = of_unmatched[each.debit], -each.amount
        else:
            place, change = of_client.get(each.debit, -1), 0
        if change:
            assert each.result == Result.CREATED
            if not midnight:
                moment = moment_of(each.at, CLOCK)
                assert (moment.hour, moment.minute) == (known.MAKE_UP_HOUR, 0)
                assert HONG_KONG.is_worked(moment.date())
                assert own[place] + change > 0, "made up to the buffer"
                made_up += own[place] < 0
            own[place] += change
        elif place >= 0:
            is_short = own[place] < 0
            assert (each.result == Result.REFUSED_BY_LAW) == is_short
            refused += is_short
    assert refused > 4
    assert made_up > 2
    balances = store.state.accounts["balance"][numbers["unmatched"]].tolist()
    assert own == balances


def test_distributors_go_on_filling_wallets_when_nothing_is_issued(
    store: Store, booked: list[Booked]
) -> None:
    short = {
        day_of(each.at, CLOCK).toordinal() - FROM_DAY.toordinal()
        for each in booked
        if each.result == Result.REFUSED_BY_LAW
    }
    assert len(short) > 2
    filled = store.of(Flow.TOP_UP) & np.isin(store.day, sorted(short))
    assert filled.sum() > 20
    assert (store.results[filled] == Result.EXCEEDS_CREDITS).mean() < 0.05
    first = store.written.first_account
    stocks = store.state.accounts["balance"][:first][store.state.accounts["kind"][:first] == FIRM]
    assert (stocks >= 0).all()


# -- replays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_replay_refuses_what_travels_with_too_little_from_a_lower_threshold_on(
    store: Store, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lab", "replay", str(store.written.folder), "--law", str(TRAVEL), "--mode", mode, "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    core = store.state.words.code("payment.travel_data", "core")
    amount = store.payments["amount"]
    later = store.day >= (date(2027, 7, 1) - FROM_DAY).days
    # Redemptions ask for no data.
    meant = later & (store.payments["travel_data"] == core) & (amount >= 1_000_00) & (amount < 8_000_00)
    meant &= ~store.of(Flow.REDEMPTION) & (store.results == Result.CREATED)
    refused = found["summary"]["by_reason"]["hk.pay/travel_full"]["refused"]
    if mode == "money-follows":
        assert 0 < refused <= meant.sum()
    else:
        assert refused == meant.sum() > 500
