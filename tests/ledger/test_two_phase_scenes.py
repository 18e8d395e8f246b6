"""Money that is reserved first, in sentences: a hotel, a taxi, an order that may not be delivered."""

from __future__ import annotations

import pytest

from jiaozi.clock import Instant
from jiaozi.ledger.records import WHOLE, TransferFlag
from tests.ledger.small_world import PENDING, POST, VOID, SmallWorld, at, enacting, with_needs

LINKED = TransferFlag.LINKED
DEBIT, CREDIT = TransferFlag.BALANCING_DEBIT, TransferFlag.BALANCING_CREDIT
HUNDRED_YEARS = 100 * 365 * 86_400 * 10**9


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
    return SmallWorld.funded()


def reserved(world: SmallWorld, payer: str, payee: str, yuan: str, seconds: int = 0) -> int:
    """Reserve *yuan* and return the id of the pending transfer."""
    assert world.reserve(payer, payee, yuan, seconds) == "created"
    return world.next_id


# Reserve, post, void


def test_a_reservation_moves_nothing_and_holds_the_money(world: SmallWorld) -> None:
    reserved(world, "Li", "Wang", "1500")
    assert (world.balance("Li"), world.balance("Wang")) == (6_000_00, 9_000_00)
    assert (world.pending("Li"), world.pending("Wang")) == ((1_500_00, 0), (0, 1_500_00))
    assert world.moved_fen == [1_500_00]


def test_posted_whole_the_money_moves(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    assert world.post_pending(hotel) == "created"
    assert world.moved_fen == [1_500_00]
    assert (world.balance("Li"), world.balance("Wang")) == (4_500_00, 10_500_00)
    assert world.pending("Li") == world.pending("Wang") == (0, 0)


@pytest.mark.parametrize(
    ("yuan", "answer", "fen"),
    [
        ("0.01", "created", 1),
        ("1499.99", "created", 1_499_99),
        ("1500.00", "created", 1_500_00),
        ("1500.01", "exceeds_pending_transfer_amount", 0),
    ],
)
def test_exceeds_pending_transfer_amount_a_part_is_posted_and_the_rest_is_free(
    world: SmallWorld, yuan: str, answer: str, fen: int
) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    assert world.post_pending(hotel, yuan) == answer
    assert world.balance("Li") == 6_000_00 - fen
    assert world.pending("Li") == ((0, 0) if fen else (1_500_00, 0))
    assert world.paid("Li")["paid_today"] == (fen or 1_500_00)


@pytest.mark.parametrize("fen", [0, -1, -(2**63)])
def test_nothing_is_not_a_part(world: SmallWorld, fen: int) -> None:
    assert world.post_pending(reserved(world, "Li", "Wang", "1500"), amount=fen) == "amount_out_of_bounds"


@pytest.mark.parametrize("fen", [0, 1_500_00, WHOLE])
def test_voided_the_money_is_free_again(world: SmallWorld, fen: int) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    assert world.void_pending(hotel, amount=fen) == "created"
    assert (world.balance("Li"), world.pending("Li"), world.pending("Wang")) == (6_000_00, (0, 0), (0, 0))
    assert world.paid("Li") == dict.fromkeys(world.paid("Li"), 0)


@pytest.mark.parametrize("fen", [1, 1_499_99, 1_500_01, -1])
def test_pending_transfer_has_different_amount_what_is_voided_is_voided_whole(
    world: SmallWorld, fen: int
) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    assert world.void_pending(hotel, amount=fen) == "pending_transfer_has_different_amount"
    assert world.pending("Li") == (1_500_00, 0)


def test_money_on_its_way_cannot_be_spent_yet(world: SmallWorld) -> None:
    world.open("Poor", tier="t4")
    salary = reserved(world, "Chen", "Poor", "100")
    assert world.pay("Poor", "Wang", "0.01") == "exceeds_credits"
    assert world.post_pending(salary) == "created"
    assert world.pay("Poor", "Wang", "100") == "created"


# What the id of a pending transfer may be


def test_pending_id_must_not_be_zero(world: SmallWorld) -> None:
    assert world.post_pending(0) == world.void_pending(0) == "pending_id_must_not_be_zero"


def test_pending_id_must_be_different_nothing_posts_itself(world: SmallWorld) -> None:
    assert world.post_pending(world.next_id + 1) == "pending_id_must_be_different"


def test_pending_transfer_not_found_nobody_knows_it_or_it_was_refused(world: SmallWorld) -> None:
    assert world.post_pending(999) == "pending_transfer_not_found"
    assert world.reserve("Li", "Wang", "2000.01") == "refused_by_law cn-sh.pay/single_cap"
    assert world.void_pending(world.next_id) == "pending_transfer_not_found"


def test_pending_transfer_not_pending_a_payment_is_not_posted(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1") == "created"
    assert world.post_pending(world.next_id) == "pending_transfer_not_pending"


def test_pending_transfer_already_posted_or_pending_transfer_already_voided(world: SmallWorld) -> None:
    hotel, taxi = reserved(world, "Li", "Wang", "1500"), reserved(world, "Li", "Wang", "30")
    assert world.post_pending(hotel) == world.void_pending(taxi) == "created"
    assert world.post_pending(hotel) == world.void_pending(hotel) == "pending_transfer_already_posted"
    assert world.post_pending(taxi) == world.void_pending(taxi) == "pending_transfer_already_voided"
    assert world.balance("Li") == 4_500_00


def test_pending_transfer_has_different_debit_account_and_credit_account(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    li, wang, chen = (world.names[name] for name in ("Li", "Wang", "Chen"))
    assert world.post_pending(hotel, debit=chen) == "pending_transfer_has_different_debit_account"
    assert world.void_pending(hotel, debit=chen) == "pending_transfer_has_different_debit_account"
    assert world.post_pending(hotel, credit=chen) == "pending_transfer_has_different_credit_account"
    assert world.post_pending(hotel, debit=li, credit=wang) == "created"


@pytest.mark.parametrize("flags", [POST | VOID, POST | PENDING, VOID | PENDING, POST | DEBIT, VOID | CREDIT])
def test_flags_are_mutually_exclusive(world: SmallWorld, flags: int) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    assert world.post_pending(hotel, flags=flags) == "flags_are_mutually_exclusive"


def test_timeout_reserved_for_pending_transfer(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", timeout=60) == "timeout_reserved_for_pending_transfer"
    hotel = reserved(world, "Li", "Wang", "1")
    assert world.post_pending(hotel, timeout=60) == "timeout_reserved_for_pending_transfer"


def test_a_reservation_and_its_posting_sent_again_change_nothing(world: SmallWorld) -> None:
    pay = ("pay", "Li", "Wang", "1500")
    assert world.do(pay, flags=PENDING, id_lo=500) == ["created"]
    assert world.do(pay, flags=PENDING, id_lo=500) == ["exists"]
    assert world.post_pending(500, id_lo=501) == "created"
    assert world.post_pending(500, id_lo=501) == "exists"
    assert world.do(pay, flags=PENDING, id_lo=500) == ["exists"]
    assert world.balance("Li") == 4_500_00


# Time


@pytest.mark.parametrize(
    ("nanoseconds", "answer"),
    [(-1, "created"), (0, "pending_transfer_expired"), (1, "pending_transfer_expired")],
)
def test_pending_transfer_expired_a_reservation_ends_to_the_nanosecond(
    world: SmallWorld, nanoseconds: int, answer: str
) -> None:
    hotel = reserved(world, "Li", "Wang", "1500", seconds=60)
    world.now = Instant(world.now + 60 * 10**9 + nanoseconds)
    assert world.post_pending(hotel) == answer
    assert world.pending("Li") == world.pending("Wang") == (0, 0)


def test_what_times_out_is_given_back_by_whatever_comes_next(world: SmallWorld) -> None:
    taxi = reserved(world, "Li", "Wang", "30", seconds=60)
    hotel = reserved(world, "Li", "Wang", "1500", seconds=61)
    reserved(world, "Li", "Wang", "100")
    world.now = Instant(world.now + 61 * 10**9)
    assert world.tick() == 2
    assert world.booked.released["id_lo"].tolist() == [taxi, hotel]
    assert (world.pending("Li"), world.paid("Li")["paid_today"]) == ((100_00, 0), 100_00)
    assert world.tick() == 0
    assert world.void_pending(taxi) == "pending_transfer_expired"


def test_a_reservation_without_a_timeout_waits_a_hundred_years(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    world.now = Instant(world.now + HUNDRED_YEARS)
    assert world.tick() == 0
    assert world.void_pending(hotel) == "created"


def test_what_was_posted_or_voided_does_not_time_out(world: SmallWorld) -> None:
    hotel, taxi = reserved(world, "Li", "Wang", "1500", 60), reserved(world, "Li", "Wang", "30", 60)
    assert world.post_pending(hotel) == world.void_pending(taxi) == "created"
    world.now = Instant(world.now + 61 * 10**9)
    assert world.tick() == 0
    assert (world.balance("Li"), world.pending("Li")) == (4_500_00, (0, 0))


# Caps of a month and of a year; those of a day are in `test_window_scenes.py`


@pytest.mark.parametrize("window", ["month", "year"])
@pytest.mark.parametrize(("yuan", "is_paid"), [("999.99", True), ("1000.00", True), ("1000.01", False)])
def test_caps_of_a_month_and_of_a_year_count_what_is_reserved(
    world: SmallWorld, window: str, yuan: str, is_paid: bool
) -> None:
    need = f"cap_of_window = payer.paid_this_{window} + payment.amount <= limit.day[payer.tier]"
    world.record(enacting(with_needs(world.state.law, need)))
    reserved(world, "Li", "Chen", "2000")
    reserved(world, "Li", "Chen", "2000")
    world.now = at("2026-12-16 10:00")
    refused = "refused_by_law cn-sh.pay/cap_of_window"
    assert world.pay("Li", "Chen", yuan) == ("created" if is_paid else refused)


def test_what_a_pending_issue_reserved_itself_does_not_stand_in_its_way(world: SmallWorld) -> None:
    assert world.do(("book", "reserve", "client money", "1"), amount=10**12) == ["created"]
    issue, left = ("issue", "client money", "Chen", "1"), 10**12 - 65_000_00
    assert world.do(issue, amount=left, flags=PENDING) == ["created"]
    pending = world.next_id
    assert world.do(issue, amount=1) == ["refused_by_law cn-sh.issue/supply_cap"]
    assert world.post_pending(pending) == "created"


def test_voided_on_the_same_day_the_allowance_comes_back(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Chen", "2000")
    assert [world.pay("Li", "Chen", yuan) for yuan in ("2000", "1000")] == ["created", "created"]
    assert world.pay("Li", "Wang", "0.01") == "refused_by_law cn-sh.pay/daily_cap"
    assert world.void_pending(hotel) == "created"
    assert world.pay("Li", "Wang", "2000") == "created"


# Posting is a payment of the day on which it is posted


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "refused_by_law cn-sh.pay/daily_cap")],
)
def test_posting_takes_the_allowance_of_its_own_day(world: SmallWorld, yuan: str, answer: str) -> None:
    hotel = reserved(world, "Li", "Chen", "2000")
    world.now = at("2026-12-16 10:00")
    assert [world.pay("Li", "Chen", "2000") for _ in range(2)] == ["created", "created"]
    assert world.post_pending(hotel, yuan) == answer
    if answer == "created":
        assert world.paid("Li")["paid_this_month"] == 4_000_00 + world.moved_fen[0]


def test_posting_obeys_the_law_of_its_own_day(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Chen", "1500")
    need = "small = payment.amount <= 1_000"
    world.record(enacting(with_needs(world.state.law, need)))
    assert world.post_pending(hotel) == "refused_by_law cn-sh.pay/small"
    assert world.pending("Li") == (1_500_00, 0), "a refused posting leaves the reservation"
    assert world.post_pending(hotel, "1000.01") == "refused_by_law cn-sh.pay/small"
    assert world.post_pending(hotel, "1000.00") == "created"


def test_when_the_pilot_has_ended_nothing_is_posted_and_everything_can_be_voided(world: SmallWorld) -> None:
    hotel = reserved(world, "Li", "Chen", "1500")
    world.now = at("2028-12-01 00:00")
    assert world.post_pending(hotel).startswith("refused_by_law")
    assert world.void_pending(hotel) == "created"


@pytest.mark.parametrize(
    ("holder", "answer"), [("Li", "debit_account_frozen"), ("Wang", "credit_account_frozen")]
)
def test_a_freeze_in_between_stops_posting_and_never_voiding(
    world: SmallWorld, holder: str, answer: str
) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    taxi = reserved(world, "Li", "Wang", "30")
    world.freeze(holder, "order 1", may_receive=False)
    assert world.post_pending(hotel) == answer
    assert world.void_pending(hotel) == "created"
    world.lift(holder, "order 1")
    assert world.post_pending(taxi) == "created"


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "exceeds_unfrozen_balance")],
)
def test_an_order_to_keep_an_amount_stands_before_a_reservation(
    world: SmallWorld, yuan: str, answer: str
) -> None:
    hotel = reserved(world, "Li", "Wang", "1500")
    world.freeze("Li", "order 1", keep_fen=5_000_00)
    assert world.post_pending(hotel, yuan) == answer


# Chains


def test_a_chain_that_fails_takes_its_reservation_back(world: SmallWorld) -> None:
    legs = ("pay", "Li", "Wang", "1500"), ("pay", "Wang", "Chen", "5000.01")
    answers = world.do(*legs, flags=[LINKED | PENDING, 0])
    assert answers == ["linked_event_failed", "refused_by_law cn-sh.pay/single_cap"]
    assert world.pending("Li") == world.pending("Wang") == (0, 0)
    assert world.paid("Li")["paid_today"] == 0
    assert world.post_pending(world.next_id - 1) == "pending_transfer_not_found"


@pytest.mark.parametrize("end", [POST, VOID])
def test_a_chain_that_fails_leaves_its_reservation_open(world: SmallWorld, end: TransferFlag) -> None:
    hotel = reserved(world, "Li", "Wang", "1500", seconds=60)
    legs = ("pay", "Li", "Wang", "1500"), ("pay", "Wang", "Chen", "5000.01")
    answers = world.do(*legs, flags=[LINKED | end, 0], memo_lo=[hotel, 0])
    assert answers == ["linked_event_failed", "refused_by_law cn-sh.pay/single_cap"]
    assert (world.balance("Li"), world.pending("Li")) == (6_000_00, (1_500_00, 0))
    assert world.paid("Li")["paid_today"] == 1_500_00
    world.now = Instant(world.now + 60 * 10**9)
    assert world.tick() == 1, "and its timeout stands"


def test_a_reservation_may_be_posted_by_the_chain_that_makes_it(world: SmallWorld) -> None:
    legs = ("pay", "Li", "Wang", "1500"), ("pay", "Li", "Wang", "1200")
    assert world.do(*legs, flags=[LINKED | PENDING, POST], memo_lo=[0, world.next_id + 1]) == ["created"] * 2
    assert (world.balance("Li"), world.pending("Li")) == (4_800_00, (0, 0))
