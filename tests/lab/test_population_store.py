"""A store of a population: a year in small, read back from its journal."""

from __future__ import annotations

import tracemalloc
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from jiaozi.lab.population import (
    FIRM,
    FIRM_SHARE,
    TIER_SHARES,
    VISITOR,
    VISITOR_SHARE,
    Written,
    write_store,
)
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.dates import MAINLAND
from jiaozi.lab.population.parameters import Flow
from jiaozi.lab.population.rhythm import shape
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.results import Result
from jiaozi.ledger.totals import supply, trial_balance
from tests.lab.stores import DAY_MS, Store, head_and_payloads, read_store

FROM_DAY = date(2026, 12, 21)  # a Monday, eleven days before New Year's Day


def write(
    folder: Path, *, people: int = 500, days: int = 3, payments_a_day: int = 1_000, seed: int = 7
) -> Written:
    return write_store(
        folder, people=people, seed=seed, days=days, payments_a_day=payments_a_day, from_day=FROM_DAY
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two thousand holders and four weeks."""
    folder = tmp_path_factory.mktemp("population")
    return read_store(write(folder, people=2_000, days=28, payments_a_day=4_000))


def test_the_same_seed_gives_the_same_frames_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        write(tmp_path / name, seed=seed)
    assert head_and_payloads(tmp_path / "one") == head_and_payloads(tmp_path / "two")
    assert head_and_payloads(tmp_path / "one") != head_and_payloads(tmp_path / "other")


def test_what_was_told_is_what_the_journal_says(store: Store) -> None:
    written = store.written
    assert written.payments == len(store.payments)
    assert (np.bincount(store.results, minlength=256) == written.results).all()
    assert written.accounts == 2_000
    asked = 28 * 4_000
    assert asked < written.payments < 1.15 * asked, "wallets that are filled first come on top"


def test_ids_are_taken_once(store: Store) -> None:
    assert len(np.unique(store.payments[["id_hi", "id_lo"]])) == len(store.payments)


def test_the_books_balance_and_the_reserve_covers_the_coins(store: Store) -> None:
    state = store.state
    lines = trial_balance(state.accounts)
    for coin in supply(state):
        number = state.register.coin(coin.coin).number
        assert sum(line.balance for line in lines if line.coin == number) == 0
        assert coin.is_covered_by_the_books
        sheet = state.register.coin(coin.coin).sheet
        assert sheet is not None
        reserve = -int(state.accounts[sheet.reserve]["balance"])
        owed = int(
            state.accounts[sheet.client_money]["balance"] + state.accounts[sheet.redemptions]["balance"]
        )
        assert reserve == coin.outstanding + owed
        assert coin.outstanding > 0


def test_holders_have_the_kinds_and_tiers_they_should(store: Store) -> None:
    holders = store.state.accounts[store.written.first_account :]
    assert len(holders) == 2_000
    kinds = np.bincount(holders["kind"], minlength=4) / len(holders)
    assert abs(kinds[FIRM] - FIRM_SHARE) < 0.015
    assert abs(kinds[VISITOR] - VISITOR_SHARE) < 0.01
    people = holders[(holders["kind"] != FIRM) & (holders["kind"] != VISITOR)]
    tiers = np.bincount(people["tier"], minlength=5)[1:] / len(people)
    assert np.abs(tiers - TIER_SHARES).max() < 0.04
    coins = np.bincount(holders["coin"]) / len(holders)
    assert np.abs(coins - known.COIN_SHARES).max() < 0.04


def test_some_are_refused_by_law_and_some_for_want_of_money(store: Store) -> None:
    by_law = store.written.refused_by_law / store.written.payments
    for_want = int(store.written.results[Result.EXCEEDS_CREDITS]) / store.written.payments
    assert 0.007 < by_law < 0.03
    assert 0.005 < for_want < 0.05
    assert by_law + for_want + store.written.accepted / store.written.payments == pytest.approx(1)
    for reason in ("single_cap", "balance_cap", "known_payee", "known_payer"):
        assert store.written.reasons[f"cn-sh.pay/{reason}"] > 0


def test_nobody_pays_himself_and_coins_do_not_mix(store: Store) -> None:
    payments, accounts = store.payments, store.state.accounts
    assert (payments["debit"] != payments["credit"]).all()
    assert (accounts["coin"][payments["debit"]] == accounts["coin"][payments["credit"]]).all()
    assert payments["amount"].min() >= 1


def test_a_frame_has_the_instant_of_its_last_payment_and_lies_within_a_day(store: Store) -> None:
    assert (np.diff(store.ms) >= -1_000).all(), "within a second, wages and purchases may change places"
    assert (store.ms // DAY_MS == store.frame // DAY_MS).all()
    assert (store.frame - store.ms < 15 * 60_000).all()
    assert (store.frame >= store.ms - 1_000).all()


def test_shops_have_a_noon_and_an_evening_peak_and_firms_have_office_hours(store: Store) -> None:
    shopping = np.bincount(store.hour[store.of(Flow.SHOPPING)], minlength=24)
    expected = shape(Flow.SHOPPING, 60)
    assert np.corrcoef(shopping, expected)[0, 1] > 0.99
    assert shopping[12] > shopping[10]
    assert shopping[18] > shopping[15] > shopping[23] > shopping[3]
    supplies = store.hour[store.of(Flow.SUPPLIES)]
    assert np.mean((supplies >= 8) & (supplies < 19)) > 0.9


def test_saturday_is_busier_than_monday_in_shops_and_quiet_among_firms(store: Store) -> None:
    day, shopping, supplies = store.day, store.of(Flow.SHOPPING), store.of(Flow.SUPPLIES)
    ordinary = ~np.isin(day, (0, 11, 12, 13))  # not the first day, nor New Year's Day and its weekend
    monday, saturday = day % 7 == 0, day % 7 == 5
    # Three Mondays and three Saturdays are left.
    assert (shopping & saturday & ordinary).sum() > 1.05 * (shopping & monday & ordinary).sum()
    assert (supplies & saturday & ordinary).sum() < 0.4 * (supplies & monday & ordinary).sum()


def test_new_years_day_differs_from_the_fridays_around_it(store: Store) -> None:
    assert FROM_DAY.toordinal() + 11 == date(2027, 1, 1).toordinal()
    holiday = store.day == 11
    fridays = np.isin(store.day, (4, 18))
    assert (store.of(Flow.SUPPLIES) & holiday).sum() < 0.4 * (store.of(Flow.SUPPLIES) & fridays).sum() / 2
    assert (store.of(Flow.SHOPPING) & holiday).sum() > (store.of(Flow.SHOPPING) & fridays).sum() / 2
    assert not (store.of(Flow.WAGES) & holiday).any()


def test_amounts_have_a_heavy_tail(store: Store) -> None:
    """Hill's estimator over the largest hundredth: a Pareto tail, neither thin nor without a mean."""
    amounts = np.sort(store.payments["amount"][store.of(Flow.SHOPPING)])[::-1].astype(np.float64)
    largest = amounts[: len(amounts) // 100]
    index = 1 / np.log(largest / largest[-1]).mean()
    assert 1.1 < index < 3.0
    assert np.median(amounts) < 0.5 * amounts.mean()


def test_a_few_shops_have_most_of_the_customers(store: Store) -> None:
    paid = np.bincount(store.payments["credit"][store.of(Flow.SHOPPING)], minlength=len(store.state.accounts))
    paid = np.sort(paid)[::-1]
    assert paid[:20].sum() > 0.3 * paid.sum()


def test_wages_come_from_firms_on_paydays_in_the_morning(store: Store) -> None:
    wages = store.of(Flow.WAGES)
    assert wages.sum() > 200
    accounts = store.state.accounts
    assert (accounts["kind"][store.payments["debit"][wages]] == FIRM).all()
    assert set(store.hour[wages].tolist()) <= {9, 10, 11}
    paid_on = {date.fromordinal(FROM_DAY.toordinal() + day) for day in store.day[wages].tolist()}
    assert paid_on == {date(2026, 12, 25), date(2027, 1, 5), date(2027, 1, 8), date(2027, 1, 15)}
    assert MAINLAND.paydays_on(date(2027, 1, 8)) == 1 << known.PAYDAYS.index(10), "the 10th is a Sunday"


def test_whoever_fills_or_empties_a_wallet_is_a_holder(store: Store) -> None:
    first = store.written.first_account
    filled, redeemed = store.of(Flow.TOP_UP), store.of(Flow.REDEMPTION)
    assert (store.payments["debit"][filled] < first).all()
    assert (store.payments["credit"][filled] >= first).all()
    assert (store.payments["debit"][redeemed] >= first).all()
    assert redeemed.sum() > 100
    assert (store.payments["amount"][filled] % 100_00 == 0).all()


def test_retail_payments_cost_about_what_is_published(store: Store) -> None:
    """The mean of payments through non-bank institutions was 252 yuan in the third quarter of 2025."""
    retail = store.of(Flow.SHOPPING) | store.of(Flow.PEER)
    assert 200_00 < store.payments["amount"][retail].mean() < 310_00


def test_accounts_join_through_the_year(tmp_path: Path) -> None:
    early = write(tmp_path / "early", people=1_000, days=20, payments_a_day=200)
    assert early.accounts == 1_000
    opened = [frame for frame in read_frames(tmp_path / "early" / "journal") if frame.kind.name == "ACCOUNTS"]
    assert len(opened) > 8, "sheets, distributors, the first holders, and some who joined later"


def test_memory_does_not_grow_with_the_days(tmp_path: Path) -> None:
    write(tmp_path / "warm")
    peaks = []
    written = []
    for days in (3, 12):
        tracemalloc.start()
        written.append(write(tmp_path / str(days), days=days, payments_a_day=20_000).payments)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # What grows are the ledger's counts by minute. How many frames wait at the peak is chance: up to a megabyte.
    assert peaks[1] - peaks[0] < 12 * (written[1] - written[0]), "a payment has 64 bytes"


def test_a_store_that_was_stopped_is_whole_up_to_there(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total >= done
        if done > 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_store(
            tmp_path, people=500, seed=7, days=9, payments_a_day=1_000, from_day=FROM_DAY, progress=stop
        )
    frames = list(read_frames(tmp_path / "journal"))
    assert len(frames) > 50


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"place": "atlantis"}, "no population lives in atlantis; choose cn-sh"),
        ({"from_day": date(2026, 11, 30)}, "2026-12-01 to 2028-12-01"),
        ({"from_day": date(2028, 11, 30), "days": 2}, "choose another first day or fewer days"),
        ({"people": 99}, "at least 100 people"),
        ({"seed": -1}, "a seed from 0 up"),
    ],
)
def test_what_cannot_be_written_is_told(tmp_path: Path, more: dict[str, object], says: str) -> None:
    given: dict[str, object] = {
        "people": 500,
        "seed": 7,
        "days": 1,
        "payments_a_day": 100,
        "from_day": FROM_DAY,
    }
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path, **(given | more))  # type: ignore[arg-type]
    assert not (tmp_path / "journal").exists()


def test_a_store_is_not_written_over(tmp_path: Path) -> None:
    write(tmp_path)
    before = head_and_payloads(tmp_path)
    with pytest.raises(ValueError, match="has a journal already"):
        write(tmp_path)
    assert head_and_payloads(tmp_path) == before
