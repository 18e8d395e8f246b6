"""What counts toward the limits of the law, and for how long: pending money, windows, numbers of payments."""

from __future__ import annotations

import pytest

from jiaozi.clock import Instant
from tests.ledger.random_worlds import enacted
from tests.ledger.small_world import PENDING, SmallWorld, at

ISSUE = ("issue", "client money", "Chen", "1")


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
    world = SmallWorld()
    world.give("Chen", "50000")
    world.give("Li", "6000")
    world.give("Wang", "9000")
    return world


# Limits: one fen below, at, one fen above


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("1999.99", "created"), ("2000.00", "created"), ("2000.01", "refused_by_law cn-sh.pay/single_cap")],
)
def test_the_cap_on_one_payment(world: SmallWorld, yuan: str, answer: str) -> None:
    assert world.pay("Li", "Chen", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "refused_by_law cn-sh.pay/daily_cap")],
)
def test_the_daily_cap_counts_what_was_paid_today(world: SmallWorld, yuan: str, answer: str) -> None:
    assert [world.pay("Li", "Chen", "2000") for _ in range(2)] == ["created", "created"]
    assert world.pay("Li", "Chen", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("3999.99", "created"), ("4000.00", "created"), ("4000.01", "refused_by_law cn-sh.pay/balance_cap")],
)
def test_the_cap_on_a_balance_is_the_payees(world: SmallWorld, yuan: str, answer: str) -> None:
    assert world.pay("Chen", "Li", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "refused_by_law cn-sh.pay/annual_cap")],
)
def test_the_annual_cap_counts_what_was_paid_this_year(yuan: str, answer: str) -> None:
    world = SmallWorld("2027-02-01 10:00")
    world.give("Chen", "100000")
    day = at("2027-02-02 10:00") - at("2027-02-01 10:00")
    for n in range(49):
        assert world.pay("Chen", "Li", "1000") == "created"
        assert world.pay("Li", "Chen", "1000") == "created"
        world.now = Instant(world.now + (day if n % 4 == 3 else 0))
    world.now = Instant(world.now + day)
    assert world.pay("Chen", "Li", "2000") == "created"
    assert world.pay("Li", "Chen", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("5999.99", "created"), ("6000.00", "created"), ("6000.01", "exceeds_credits")],
)
def test_all_of_a_balance_can_be_redeemed_and_not_a_fen_more(
    world: SmallWorld, yuan: str, answer: str
) -> None:
    assert world.do(("redeem", "Li", "redemptions", yuan)) == [answer]


def test_caps_are_a_persons_and_not_a_wallets(world: SmallWorld) -> None:
    world.open("Li's second wallet", tier="t4", person=world.names["Li"])
    assert world.pay("Chen", "Li's second wallet", "2000") == "created"
    assert [world.pay("Li", "Chen", "2000") for _ in range(2)] == ["created", "created"]
    assert world.pay("Li's second wallet", "Chen", "1000.01") == "refused_by_law cn-sh.pay/daily_cap"
    assert world.pay("Li's second wallet", "Chen", "1000.00") == "created"
    assert world.pay("Li", "Chen", "0.01") == "refused_by_law cn-sh.pay/daily_cap"


# Days and years


def test_a_new_day_begins_at_midnight_in_shanghai(world: SmallWorld) -> None:
    world.now = at("2026-12-15 23:59:59.999999")
    assert [world.pay("Li", "Chen", "2000") for _ in range(2)] == ["created", "created"]
    assert world.pay("Li", "Chen", "1000.01") == "refused_by_law cn-sh.pay/daily_cap"
    world.now = at("2026-12-16 00:00")
    assert world.pay("Li", "Chen", "1000.01") == "created"


def test_a_new_year_begins_with_nothing_paid(world: SmallWorld) -> None:
    world.now = at("2026-12-31 23:59:59.999999")
    assert world.pay("Li", "Chen", "2000") == "created"
    li = world.state.accounts[world.names["Li"]]
    assert (int(li["paid_today"]), int(li["paid_this_year"])) == (2_000_00, 2_000_00)
    world.now = at("2027-01-01 00:00")
    assert world.pay("Li", "Chen", "1") == "created"
    assert (int(li["paid_today"]), int(li["paid_this_year"])) == (1_00, 1_00)


def test_a_failed_chain_gives_back_what_it_counted(world: SmallWorld) -> None:
    legs = [("pay", "Li", "Chen", "2000"), ("pay", "Li", "Chen", "2000"), ("pay", "Li", "Chen", "1000.01")]
    assert world.do(*legs, linked=True)[-1] == "refused_by_law cn-sh.pay/daily_cap"
    assert int(world.state.accounts[world.names["Li"]]["paid_today"]) == 0
    assert world.pay("Li", "Chen", "2000") == "created"


# What is pending counts against every cap of the law


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "refused_by_law cn-sh.pay/daily_cap")],
)
def test_what_is_pending_counts_toward_the_day(world: SmallWorld, yuan: str, answer: str) -> None:
    assert [world.reserve("Li", "Chen", "2000") for _ in range(2)] == ["created", "created"]
    assert world.pay("Li", "Chen", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("1999.99", "created"), ("2000.00", "created"), ("2000.01", "refused_by_law cn-sh.pay/balance_cap")],
)
def test_what_is_on_its_way_counts_toward_the_payees_balance(
    world: SmallWorld, yuan: str, answer: str
) -> None:
    assert world.reserve("Chen", "Li", "2000") == "created"
    assert world.pay("Chen", "Li", yuan) == answer


@pytest.mark.parametrize(("more", "answer"), [(-1, "created"), (0, "created"), (1, "supply_cap")])
def test_what_is_about_to_be_issued_counts_toward_the_supply(
    world: SmallWorld, more: int, answer: str
) -> None:
    assert world.do(("book", "reserve", "client money", "1"), amount=2 * 10**12) == ["created"]
    left = 10**12 - 65_000_00
    assert world.do(ISSUE, amount=100_00, flags=PENDING) == ["created"]
    assert world.do(ISSUE, amount=left - 100_00 + more)[0].split("/")[-1] == answer


@pytest.mark.parametrize(("more", "answer"), [(-1, "created"), (0, "created"), (1, "cn-sh.full_backing")])
def test_coins_about_to_be_issued_need_a_reserve_already(world: SmallWorld, more: int, answer: str) -> None:
    assert world.do(("book", "reserve", "client money", "500")) == ["created"]
    assert world.do(("book", "reserve", "unmatched", "0.01"), amount=1) == ["created"]
    assert world.do(("book", "unmatched", "reserve", "0.01"), amount=1) == ["created"]
    assert world.do(ISSUE, amount=200_00, flags=PENDING) == ["created"]
    assert world.do(("issue", "unmatched", "Chen", "1"), amount=300_00 + more)[0].split()[-1] == answer


def test_bank_money_about_to_leave_backs_no_coin(world: SmallWorld) -> None:
    assert world.do(("book", "reserve", "client money", "500")) == ["created"]
    assert world.do(("book", "unmatched", "reserve", "100"), flags=PENDING) == ["created"]
    assert world.do(ISSUE, amount=400_01) == ["refused_by_law cn-sh.full_backing"]
    assert world.do(ISSUE, amount=400_00) == ["created"]


@pytest.mark.parametrize(
    ("yuan", "answer"), [("4999.99", "created"), ("5000.00", "created"), ("5000.01", "exceeds_credits")]
)
def test_what_is_reserved_cannot_be_redeemed_as_well(world: SmallWorld, yuan: str, answer: str) -> None:
    assert world.reserve("Li", "Wang", "1000") == "created"
    assert world.do(("redeem", "Li", "redemptions", yuan)) == [answer]


def test_time_alone_gives_the_daily_allowance_back(world: SmallWorld) -> None:
    assert [world.reserve("Li", "Chen", "2000", 60) for _ in range(2)] == ["created"] * 2
    assert world.pay("Li", "Chen", "1000.01") == "refused_by_law cn-sh.pay/daily_cap"
    world.now = Instant(world.now + 60 * 10**9)
    assert world.pay("Li", "Chen", "1000.01") == "created"


# Allowance comes back while its window is open


@pytest.mark.parametrize(
    ("reserved", "voided", "today", "this_month", "this_year"),
    [
        ("2026-12-15 10:00", "2026-12-15 23:59:59.999999", 0, 0, 0),
        ("2026-12-15 10:00", "2026-12-16 00:00", 0, 0, 0),
        ("2026-11-30 10:00", "2026-12-01 00:00", 0, 0, 0),
        ("2026-12-31 10:00", "2027-01-01 00:00", 0, 0, 0),
    ],
)
def test_what_is_voided_leaves_no_trace_in_any_window(
    reserved: str, voided: str, today: int, this_month: int, this_year: int
) -> None:
    world = SmallWorld("2026-12-01 10:00")
    world.give("Chen", "5000")
    world.give("Li", "3000")
    world.now = max(at(reserved), world.now)
    assert world.reserve("Li", "Wang", "1000") == "created"
    number, world.now = world.next_id, max(at(voided), world.now)
    assert world.void_pending(number) == "created"
    sums = world.paid("Li")
    assert (sums["paid_today"], sums["paid_this_month"], sums["paid_this_year"]) == (
        today, this_month, this_year
    )  # fmt: skip


@pytest.mark.parametrize(
    ("voided", "today", "this_month", "this_year"),
    [
        ("2027-01-30 10:00", 100_00, 100_00, 100_00),
        ("2027-01-31 10:00", 100_00, 200_00, 200_00),
        ("2027-02-01 10:00", 100_00, 100_00, 300_00),
        ("2028-01-01 10:00", 100_00, 100_00, 100_00),
    ],
)
def test_a_window_that_has_ended_gives_nothing_back_to_the_next(
    voided: str, today: int, this_month: int, this_year: int
) -> None:
    """Li reserved 1,000.00 on 30 January and paid 100.00 on each of three days; then he voids."""
    world = SmallWorld("2027-01-30 09:00")
    world.give("Chen", "5000")
    world.give("Li", "3000")
    assert world.reserve("Li", "Wang", "1000") == "created"
    number = world.next_id
    for day in ("2027-01-30 10:00", "2027-01-31 10:00", "2027-02-01 10:00", "2028-01-01 10:00"):
        if at(day) <= at(voided):
            world.now = at(day)
            assert world.pay("Li", "Wang", "100") == "created"
    assert world.void_pending(number) == "created"
    sums = world.paid("Li")
    assert (sums["paid_today"], sums["paid_this_month"], sums["paid_this_year"]) == (
        today, this_month, this_year
    )  # fmt: skip


def test_a_month_begins_with_nothing_paid(world: SmallWorld) -> None:
    world.now = at("2026-12-31 23:59:59.999999")
    assert world.pay("Li", "Chen", "2000") == "created"
    assert world.paid("Li")["paid_this_month"] == 2_000_00
    world.now = at("2027-01-01 00:00")
    assert world.paid("Li")["paid_this_month"] == 0


# Counts of payments: a law that asks for fewer than 3 a day, 5 a month, 9 a year (with redemptions)


@pytest.fixture
def counting(world: SmallWorld) -> SmallWorld:
    world.record(enacted(0))
    world.open("Li's second wallet", tier="t4", person=world.names["Li"])
    assert world.pay("Chen", "Li's second wallet", "500") == "created"
    return world


def test_payments_are_counted_by_person_and_not_by_wallet(counting: SmallWorld) -> None:
    assert counting.pay("Li", "Chen", "1") == "created"
    assert counting.pay("Li's second wallet", "Chen", "1") == "created"
    assert counting.pay("Li", "Li's second wallet", "1") == "created"
    for wallet in ("Li", "Li's second wallet"):
        assert counting.paid(wallet)["payments_today"] == 3
        assert counting.pay(wallet, "Chen", "1") == "refused_by_law cn-sh.pay/few_today"
    assert int(counting.state.counts[counting.names["Li's second wallet"]]["today"]) == 0


def test_a_refused_payment_is_not_counted(counting: SmallWorld) -> None:
    assert counting.pay("Li", "Chen", "2000.01").startswith("refused_by_law")
    assert counting.paid("Li")["payments_today"] == 0


def test_counts_start_anew_with_their_day_and_month(counting: SmallWorld) -> None:
    days = ("2026-12-16 10:00", "2026-12-17 00:00", "2027-01-01 00:00")
    answers = []
    for day in days:
        counting.now = at(day)
        answers += [counting.pay("Li", "Chen", "1").split("/")[-1] for _ in range(4)]
    assert answers == [
        *["created"] * 3, "few_today",
        *["created"] * 2, "few_this_month", "few_this_month",
        *["created"] * 3, "few_today",
    ]  # fmt: skip


def test_a_reservation_is_a_payment_and_gives_its_place_back_when_voided(counting: SmallWorld) -> None:
    for _ in range(3):
        assert counting.reserve("Li", "Chen", "1") == "created"
    assert counting.pay("Li", "Chen", "1") == "refused_by_law cn-sh.pay/few_today"
    assert counting.void_pending(counting.next_id - 1) == "created"
    assert counting.pay("Li", "Chen", "1") == "created"
    assert counting.paid("Li")["payments_today"] == 3


def test_a_redemption_counts_only_where_the_law_says_so(counting: SmallWorld) -> None:
    assert counting.do(("redeem", "Li", "redemptions", "1")) == ["created"]
    sums = counting.paid("Li")
    assert (sums["payments_today"], sums["payments_this_year"], sums["paid_today"]) == (0, 1, 0)


def test_a_law_that_counts_nothing_in_between_hides_no_new_day(counting: SmallWorld) -> None:
    """Payments under a law without counts still end yesterday's, so that a later law does not find them."""
    assert [counting.pay("Li", "Chen", "1") for _ in range(3)] == ["created"] * 3
    counting.record(enacted(2))
    counting.now = at("2026-12-16 10:00")
    assert counting.pay("Li", "Chen", "1") == "created"
    counting.record(enacted(0))
    sums = counting.paid("Li")
    assert (sums["payments_today"], sums["payments_this_month"]) == (0, 3)
    assert counting.pay("Li", "Chen", "1") == "created"
