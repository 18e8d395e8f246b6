"""A population that lives in two cities, and the exercise that opens the second one."""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jiaozi.cli import main
from jiaozi.clock import Instant, day_start
from jiaozi.commands.lab_options import MODES
from jiaozi.lab.population import FIRM, VISITOR, write_store
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.due import DUE, due_today
from jiaozi.lab.population.pairs import PEER, SUPPLIES, draw_pairs
from jiaozi.lab.population.parameters import Flow
from jiaozi.lab.population.residents import NOBODY, SALARIED, ZONE_SHIFT, Residents, residents
from jiaozi.lab.replay.law import tried_of
from jiaozi.lab.replay.money import MoneyReplay
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.records import ACCOUNT, TransferFlag
from jiaozi.ledger.results import Result
from jiaozi.ledger.totals import supply
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import law_folder, read_folder, with_reform
from tests.lab.stores import Store, read_store

OPENS = date(2027, 7, 1)
FROM_DAY, DAYS = date(2027, 6, 15), 30
REFORM = law_folder() / "reforms" / "2027-07-second-city.toml"
LOWER = law_folder() / "reforms" / "2027-07-lower-tier-4.toml"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two thousand holders around 1 July 2027; one in seven lives in Shenzhen."""
    folder = tmp_path_factory.mktemp("cities")
    return read_store(
        write_store(
            folder,
            people=2_000,
            seed=3,
            days=DAYS,
            payments_a_day=1_000,
            from_day=FROM_DAY,
            also={"cn-sz": 0.15},
        )
    )


# -- without a second city nothing is different -----------------------------------------------


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="another processor may round a logarithm another way"
)
def test_a_store_of_one_city_is_what_it_was_before_there_could_be_two(tmp_path: Path) -> None:
    """Accounts, payments and answers to the byte. Facts are left out: they hold the law, which may grow."""
    write_store(tmp_path, people=500, seed=7, days=3, payments_a_day=1_000, from_day=date(2026, 12, 21))
    digest = hashlib.sha256()
    for frame in read_frames(tmp_path / "journal"):
        if frame.kind is not FrameKind.FACTS:
            digest.update(frame.payload)
    assert digest.hexdigest() == "d909797a3d935461669b766078d1c77d38bc38f60338fe681e8a42017a3c3327"


def test_whoever_lives_elsewhere_is_the_same_person_as_without_anybody_elsewhere() -> None:
    one, two = (residents(3_000, 5, payments_a_day=900, also=also) for also in ((), (0.2,)))
    later = slice(8, None)  # the first rows are firms of each city
    for column in ("coin", "kind", "tier", "scale"):
        assert (one.traits[column][later] == two.traits[column][later]).all()
    assert (one.load_fen[later] == two.load_fen[later]).all()
    assert (one.traits["flags"] >> ZONE_SHIFT == 0).all()


# -- who lives and pays where -----------------------------------------------------------------


@pytest.mark.parametrize("also", [(0.15,), (0.2, 0.1)])
def test_shares_of_residents_and_firms_alike_live_in_each_zone(also: tuple[float, ...]) -> None:
    town = residents(20_000, 5, payments_a_day=6_000, also=also)
    zone = town.traits["flags"] >> ZONE_SHIFT
    for kind in (1, FIRM):
        shares = np.bincount(zone[town.traits["kind"] == kind]) / (town.traits["kind"] == kind).sum()
        assert shares == pytest.approx([1 - sum(also), *also], abs=0.05)
    assert town.zones == 1 + len(also)


def test_a_group_has_one_coin_in_one_zone_and_begins_with_two_firms() -> None:
    town = residents(5_000, 5, payments_a_day=6_000, also=(0.2, 0.1))
    for group in range(6):
        rows = town.members[town.bounds[group] : town.bounds[group + 1]]
        assert set(town.traits["coin"][rows]) == {group // 3}
        assert set(town.traits["flags"][rows] >> ZONE_SHIFT) == {group % 3}
        assert (town.traits["kind"][rows[:2]] == FIRM).all()
        assert rows[1] < 12
    assert town.bounds[-1] == 5_000


def pairs_of(
    town: Residents, count: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return kinds, payers and payees of *count* payments in *town*."""
    flow, scale = np.empty(count, dtype=np.uint8), np.empty(count)
    payer, payee = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    chance = np.array([seed], dtype=np.uint64)
    tables = (town.traits, town.payers, town.payees, town.members, town.bounds)
    draw_pairs(flow, payer, payee, scale, 0.7, 0.9, len(town), np.uint64(seed), chance, *tables)
    return flow, payer, payee


@pytest.mark.parametrize("seed", [1, 2])
def test_most_pay_in_their_own_city_and_as_many_go_there_as_come_back(seed: int) -> None:
    town = residents(20_000, seed, payments_a_day=6_000, also=(0.3,))
    flow, payer, payee = pairs_of(town, 200_000, seed)
    zone = (town.traits["flags"] >> ZONE_SHIFT).astype(np.int64)
    assert (town.traits["coin"][payer] == town.traits["coin"][payee]).all()
    assert (payer != payee).all()
    for kind in (PEER, SUPPLIES):
        assert set(town.traits["kind"][payee[flow == kind]] == FIRM) == {kind == SUPPLIES}
    there = np.mean((zone[payer] == 0) & (zone[payee] == 1))
    back = np.mean((zone[payer] == 1) & (zone[payee] == 0))
    # Of the payments that look beyond, those that cross: somebody else's city by the number of people.
    expected = known.CROSS_SHARE * 0.3 * 0.7
    assert there == pytest.approx(expected, rel=0.25)
    assert back == pytest.approx(expected, rel=0.25)


def test_some_work_in_the_other_city_and_most_do_not() -> None:
    town = residents(20_000, 5, payments_a_day=20_000, also=(0.3,))
    paid = np.flatnonzero(town.employer != NOBODY)
    zone = town.traits["flags"] >> ZONE_SHIFT
    crosses = (zone[paid] != zone[town.employer[paid]]).mean()
    assert 0.02 < crosses < 0.08
    assert (town.traits["coin"][paid] == town.traits["coin"][town.employer[paid]]).all()
    assert (town.traits["flags"][paid] & SALARIED != 0).all()


def test_whoever_lives_where_nobody_is_paid_tries_to_fill_his_wallet_as_seldom_as_a_visitor() -> None:
    town = residents(20_000, 5, payments_a_day=1_000, also=(0.5,))
    accounts = np.zeros(len(town), dtype=ACCOUNT)
    found = np.zeros(40_000, dtype=DUE)
    count = due_today(
        found,
        *(accounts, town.traits, town.load_fen, town.wage_fen, town.rent_fen, town.employer),
        *(town.members, town.bounds, np.zeros(len(town), dtype=np.int64), np.uint64(3), np.uint64(4)),
        *(len(town), 0, 20),
    )
    tried = np.zeros(len(town), dtype=bool)
    tried[found["row"][:count][found["flow"][:count] == Flow.TOP_UP]] = True
    elsewhere, kind = town.traits["flags"] >> ZONE_SHIFT > 0, town.traits["kind"]
    assert tried[elsewhere].mean() == pytest.approx(known.VISITOR_FILL_CHANCE, rel=0.35)
    assert tried[~elsewhere & (kind == FIRM)].all()
    assert tried[~elsewhere & (kind != FIRM) & (kind != VISITOR)].mean() > 0.4


# -- the store ----------------------------------------------------------------------------------


def test_what_touches_the_other_city_is_refused_and_stays_in_the_journal(store: Store) -> None:
    words, accounts = store.state.words, store.state.accounts
    second = words.place_codes["cn-sz"]
    payments = store.payments
    touches = (accounts["zone"][payments["debit"]] == second) | (
        accounts["zone"][payments["credit"]] == second
    )
    assert 0.1 < touches.mean() < 0.25
    assert (store.results[touches] == Result.REFUSED_BY_LAW).all()
    assert (store.results[~touches] == Result.CREATED).mean() > 0.95
    holders = accounts[store.written.first_account :]
    assert (holders["balance"][holders["zone"] == second] == 0).all()
    assert (holders["zone"] == second).mean() == pytest.approx(0.15, abs=0.03)
    assert store.written.reasons["cn.virtual_currency"] == touches.sum()


def test_a_payment_happens_where_the_payee_is(store: Store) -> None:
    accounts, payments = store.state.accounts, store.payments
    assert (payments["place"] == accounts["zone"][payments["credit"]]).all()
    filled = store.of(Flow.TOP_UP)
    assert len(set(payments["place"][filled].tolist())) == 2, "a wallet is filled where its holder is"


def test_refused_demand_does_not_blow_up_what_is_issued(store: Store) -> None:
    """Distributors for the second city keep a stock of so many loads, however often somebody tries."""
    state, first = store.state, store.written.first_account
    holders = state.accounts[first:]
    distributors = np.flatnonzero(state.accounts["kind"][:first] == FIRM)
    assert len(distributors) == 16
    town = residents(2_000, 3, payments_a_day=1_000, also=(0.15,))
    beside = town.traits["flags"] >> ZONE_SHIFT > 0
    for coin in range(2):
        stock = state.accounts["balance"][distributors][8 * coin + 4 : 8 * coin + 8].sum()
        loads = town.load_fen[beside & (town.traits["coin"] == coin)].sum()
        assert stock == pytest.approx(known.ELSEWHERE_STOCK_LOADS * loads, rel=0.01)
    held = holders["balance"].sum() + state.accounts["balance"][distributors].sum()
    assert held == sum(coin.outstanding for coin in supply(state))


@pytest.mark.parametrize(
    ("also", "says"),
    [
        ({"cn-gz": 0.1}, "cn-gz is no zone beside cn-sh; choose cn-sz"),
        ({"cn-sh": 0.1}, "cn-sh is no zone beside cn-sh"),
        ({"hk": 0.1}, "hk is no zone beside cn-sh"),
        ({"cn-sz": 0.0}, "a share of 0 will not do"),
        ({"cn-sz": 0.95}, "at least a tenth of the accounts live in cn-sh"),
    ],
)
def test_a_zone_that_is_none_or_a_share_that_is_none_is_told(
    tmp_path: Path, also: dict[str, float], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path, people=500, seed=1, days=1, payments_a_day=100, from_day=FROM_DAY, also=also)
    assert not (tmp_path / "journal").exists()


def test_the_command_takes_zones_and_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lab", "population", "--folder", str(tmp_path / "store"), "--people", "300", "--days", "1"]
    assert main([*words, "--also", "cn-sz=0.25", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["also"] == {"cn-sz": 0.25}
    assert told["reasons"]["cn.virtual_currency"] > 20
    for also in (["cn-sz"], ["cn-sz=much"], ["cn-sz=0.1", "--also", "cn-sz=0.1"], ["=0.1"]):
        assert main(["lab", "population", "--folder", str(tmp_path / "other"), "--also", *also]) == 2
        assert "write each zone once, such as cn-sz=0.15" in capsys.readouterr().err


# -- the exercise -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened() -> Book:
    return with_reform(read_folder(drafts=["cn-sh"]), REFORM.name, REFORM.read_text(encoding="utf-8"))


Known = int | str | frozenset[str] | None


def facts(payer: str, payee: str, place: str | None = None, **more: Known) -> dict[str, Known]:
    """Return what is known of a small payment from one zone to another."""
    found: dict[str, Known] = {
        "issuer.zone": "cn-sh",
        "issuer.controller": "cn-sh",
        "issuer.licences": frozenset({"cn-sh"}),
        "issuer.consents": frozenset({"cn"}),
        "issuer.coins_outstanding": 1_000_000_00,
        "issuer.reserve_value": 1_000_100_00,  # the money for the next coins has come in
        "issuer.supply_cap": 9_000_000_00,
        "coin.peg": "CNY",
        "payer.zone": payer,
        "payee.zone": payee,
        "payment.place": place or payee,
        "payment.amount": 100_00,
        "payer.kind": "resident",
        "payee.kind": "registered firm",
        "payer.tier": "t4",
        "payee.tier": "t1",
        "payee.balance": 0,
        "payer.paid_today": 0,
        "payer.paid_this_year": 0,
    }
    return found | {name.replace("__", "."): value for name, value in more.items()}


BOTH_WAYS = [("cn-sz", "cn-sh"), ("cn-sh", "cn-sz"), ("cn-sz", "cn-sz")]


@pytest.mark.parametrize(("payer", "payee"), BOTH_WAYS)
def test_from_july_on_either_city_pays_the_other_and_not_a_second_before(
    opened: Book, payer: str, payee: str
) -> None:
    since = day_start(OPENS)
    asked = facts(payer, payee)
    assert decide(opened, Action.PAY, asked, since).allowed
    before = decide(opened, Action.PAY, asked, Instant(since - 1))
    assert before.reasons == ("cn.virtual_currency", "cn/no_permit")
    assert decide(read_folder(drafts=["cn-sh"]), Action.PAY, asked, since).reasons == before.reasons


@pytest.mark.parametrize(("payer", "payee"), BOTH_WAYS)
def test_visitors_and_large_payments_stay_refused_in_both_cities(
    opened: Book, payer: str, payee: str
) -> None:
    since, rule = day_start(OPENS), "cn-sh.pay_across_cities"
    wrong: tuple[tuple[dict[str, Known], str], ...] = (
        ({"payer__kind": "visitor"}, "known_payer"),
        ({"payee__kind": "visitor"}, "known_payee"),
        ({"payment__amount": 2_000_01}, "single_cap"),
        ({"payer__paid_today": 4_900_01}, "daily_cap"),
        ({"payer__paid_this_year": 49_900_01}, "annual_cap"),
        ({"payee__tier": "t4", "payee__balance": 9_900_01}, "balance_cap"),
        ({"issuer__licences": frozenset()}, "licensed_issuer"),
    )
    for change, reason in wrong:
        asked = facts(payer, payee, None, **change)
        assert decide(opened, Action.PAY, asked, since).reasons == (f"{rule}/{reason}",)


def test_inside_shanghai_nothing_changes(opened: Book) -> None:
    base, since = read_folder(drafts=["cn-sh"]), day_start(OPENS + timedelta(days=40))
    for amount in (100_00, 2_000_00, 2_000_01):
        asked = facts("cn-sh", "cn-sh", payment__amount=amount)
        now, then = (decide(book, Action.PAY, asked, since) for book in (opened, base))
        assert now.reasons == then.reasons


def test_coins_are_redeemed_in_both_cities_and_issued_in_one(opened: Book) -> None:
    since = day_start(OPENS)
    for place in ("cn-sh", "cn-sz"):
        asked = facts("cn-sz", "cn-sh", place)
        assert decide(opened, Action.REDEEM, asked, since).allowed
        assert decide(opened, Action.ISSUE, facts("cn-sh", "cn-sz", place), since).reasons
    assert decide(opened, Action.ISSUE, facts("cn-sh", "cn-sh"), since).allowed


def test_a_third_city_stays_closed(opened: Book) -> None:
    for payer, payee in (("cn", "cn-sz"), ("cn-sz", "cn"), ("hk", "cn-sz")):
        assert not decide(opened, Action.PAY, facts(payer, payee), day_start(OPENS)).allowed


@pytest.mark.parametrize("mode", MODES)
def test_a_replay_admits_the_second_city_from_july_on(
    store: Store, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lab", "replay", str(store.written.folder), "--law", str(REFORM), "--mode", mode, "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)["summary"]
    assert set(found["by_month"]) == {"2027-07"}
    assert found["changed"]["admitted"] > 200
    assert found["by_reason"]["cn.virtual_currency"]["admitted"] > 200
    if mode == "money-follows":
        # Wallets are filled there, so those who live there pay, and Shanghai spends money there.
        assert found["by_zone"]["cn-sz"]["admitted"] > 200
        assert set(found["by_reason"]) == {"cn.virtual_currency", "cn/no_permit", "ledger.exceeds_credits"}
        assert found["changed"]["refused"] == found["by_reason"]["ledger.exceeds_credits"]["refused"] < 50
    else:
        # By the balances of the history nobody there has money: he is paid, and does not pay.
        assert set(found["by_zone"]) == {"cn-sh"}
        assert found["changed"]["refused"] == 0


def test_under_another_law_banks_pay_out_what_was_redeemed_then(store: Store) -> None:
    again = MoneyReplay(store.written.folder / "journal", tried_of([LOWER]))
    nights = different = 0
    for posted in again.run():
        for row in np.flatnonzero(posted.before.batch["flags"] == TransferFlag.BALANCING_DEBIT).tolist():
            then, now = (each.as_booked()["amount"][row] for each in (posted.before, posted.after))
            assert posted.after.results[row] == Result.CREATED
            assert again.state.accounts[posted.before.batch["debit"][row]]["balance"] == 0
            nights += 1
            different += then != now
    assert nights > 20
    assert different, "else this says nothing"
