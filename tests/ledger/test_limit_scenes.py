"""Floors, caps, balancing and closing, in sentences. The world is in `small_world.py`."""

from __future__ import annotations

import pytest

from jiaozi.errors import FactError
from jiaozi.ledger.facts import AccountClosed, AccountReopened, LimitSet
from jiaozi.ledger.records import WHOLE, TransferFlag
from jiaozi.money import MAX_FEN
from tests.ledger.small_world import PENDING, POST, SmallWorld

DEBIT, CREDIT = TransferFlag.BALANCING_DEBIT, TransferFlag.BALANCING_CREDIT
HOUR = 3_600


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
    return SmallWorld.funded()


# Floors and caps


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "falls_below_floor")],
)
@pytest.mark.parametrize("is_pending", [False, True])
def test_falls_below_floor_what_is_reserved_counts_as_gone(
    world: SmallWorld, yuan: str, answer: str, is_pending: bool
) -> None:
    world.limit("Li", floor="4500")
    assert world.pay("Li", "Wang", "500", flags=PENDING if is_pending else 0) == "created"
    assert world.pay("Li", "Wang", yuan) == answer


@pytest.mark.parametrize(
    ("yuan", "answer"),
    [("999.99", "created"), ("1000.00", "created"), ("1000.01", "rises_above_cap")],
)
@pytest.mark.parametrize("is_pending", [False, True])
def test_rises_above_cap_what_is_on_its_way_counts_as_there(
    world: SmallWorld, yuan: str, answer: str, is_pending: bool
) -> None:
    world.limit("Wang", cap="10500")
    assert world.pay("Li", "Wang", "500", flags=PENDING if is_pending else 0) == "created"
    assert world.pay("Li", "Wang", yuan) == answer


def test_a_limit_set_anew_takes_the_place_of_the_one_before(world: SmallWorld) -> None:
    world.limit("Li", floor="5500", cap="6000")
    assert world.pay("Li", "Wang", "500.01") == "falls_below_floor"
    world.limit("Li", cap="6000")
    assert world.pay("Li", "Wang", "500.01") == "created"
    assert world.pay("Wang", "Li", "500.02") == "rises_above_cap"
    world.limit("Li")
    assert world.pay("Wang", "Li", "500.02") == "created"


@pytest.mark.parametrize(
    ("yuan", "answer"), [("99.99", "created"), ("100.00", "created"), ("100.01", "falls_below_floor")]
)
def test_a_floor_below_zero_is_a_credit_line_of_the_issuer(world: SmallWorld, yuan: str, answer: str) -> None:
    world.record(LimitSet(world.names["unmatched"], -100_00, None, "desk"))
    assert world.do(("book", "unmatched", "client money", yuan)) == [answer]


@pytest.mark.parametrize(
    ("account", "floor", "cap", "message"),
    [
        (99, 0, None, "no account 99"),
        (4, -1, None, "never holds less than nothing"),
        (4, None, -1, "never holds less than nothing"),
        (4, 2, 1, "below the floor"),
        (4, MAX_FEN + 1, None, "is not an amount"),
        (2, None, -MAX_FEN - 1, "is not an amount"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(
    world: SmallWorld, account: int, floor: int | None, cap: int | None, message: str
) -> None:
    with pytest.raises(FactError, match=message):
        world.record(LimitSet(account, floor, cap, "desk"))


# Balancing: at most what there is


@pytest.mark.parametrize(
    ("yuan", "moved"), [("299.99", 299_99), ("300.00", 300_00), ("300.01", 300_00), ("2000.00", 300_00)]
)
def test_balancing_debit_moves_at_most_what_the_payer_has(world: SmallWorld, yuan: str, moved: int) -> None:
    world.open("Sun", tier="t4")
    assert world.pay("Chen", "Sun", "300") == "created"
    assert world.pay("Sun", "Wang", yuan, flags=DEBIT) == "created"
    assert world.moved_fen == [moved]
    assert world.balance("Sun") == 300_00 - moved


def test_balancing_debit_leaves_what_is_reserved_and_the_larger_of_floor_and_order(world: SmallWorld) -> None:
    world.open("Sun", tier="t4")
    assert world.pay("Chen", "Sun", "1000") == "created"
    assert world.reserve("Sun", "Wang", "100") == "created"
    world.limit("Sun", floor="200")
    assert world.pay("Sun", "Wang", "2", amount=WHOLE, flags=DEBIT) == "created"
    assert world.moved_fen == [700_00]
    assert world.pay("Chen", "Sun", "700") == "created"
    world.freeze("Sun", "order 1", keep_fen=350_00)
    assert world.pay("Sun", "Wang", "2", amount=WHOLE, flags=DEBIT) == "created"
    assert world.moved_fen == [550_00]
    assert world.pay("Sun", "Wang", "2", amount=WHOLE, flags=DEBIT) == "exceeds_credits"


def test_the_law_is_asked_for_the_amount_that_moves(world: SmallWorld) -> None:
    refused = world.pay("Li", "Wang", "1", amount=WHOLE, flags=DEBIT)
    assert refused == "refused_by_law cn-sh.pay/single_cap, cn-sh.pay/daily_cap", "6,000.00 at once"
    assert world.do(("redeem", "Li", "redemptions", "1"), amount=WHOLE, flags=DEBIT) == ["created"]
    assert (world.moved_fen, world.balance("Li")) == ([6_000_00], 0)


@pytest.mark.parametrize(
    ("yuan", "moved"), [("999.99", 999_99), ("1000.00", 1_000_00), ("1000.01", 1_000_00)]
)
def test_balancing_credit_moves_at_most_what_the_payee_has_room_for(
    world: SmallWorld, yuan: str, moved: int
) -> None:
    world.limit("Wang", cap="10000")
    assert world.pay("Li", "Wang", yuan, flags=CREDIT) == "created"
    assert world.moved_fen == [moved]


def test_balancing_credit_needs_room(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", flags=CREDIT) == "exceeds_debits", "a holder without a cap has none"
    world.limit("Wang", cap="9000.30")
    assert world.reserve("Li", "Wang", "0.10") == "created"
    assert world.pay("Li", "Wang", "1", flags=CREDIT) == "created"
    assert world.moved_fen == [20]
    assert world.pay("Li", "Wang", "1", flags=CREDIT) == "exceeds_debits"
    assert world.do(("book", "unmatched", "reserve", "1"), amount=WHOLE, flags=CREDIT) == ["created"]
    assert (world.moved_fen, world.balance("reserve")) == ([65_000_00], 0)


def test_balancing_both_sides_moves_the_smaller(world: SmallWorld) -> None:
    world.limit("Li", floor="5500")
    world.limit("Wang", cap="9300")
    assert world.pay("Li", "Wang", "1", amount=WHOLE, flags=DEBIT | CREDIT) == "created"
    assert world.moved_fen == [300_00]


def test_what_there_is_can_be_reserved(world: SmallWorld) -> None:
    world.limit("Li", floor="5500")
    assert world.pay("Li", "Wang", "2000", flags=PENDING | DEBIT) == "created"
    assert world.pending("Li") == (500_00, 0)
    assert world.post_pending(world.next_id) == "created"
    assert world.balance("Li") == 5_500_00


def test_what_was_balanced_is_posted_under_the_amount_it_reserved(world: SmallWorld) -> None:
    world.limit("Li", floor="5900")
    assert world.pay("Li", "Wang", "1", amount=WHOLE, flags=PENDING | DEBIT) == "created"
    pending = world.next_id
    assert world.post_pending(pending, "100.01") == "exceeds_pending_transfer_amount"
    assert world.post_pending(pending, flags=POST, amount=100_00) == "created"


# Closing


def test_only_an_empty_account_is_closed_and_it_opens_again(world: SmallWorld) -> None:
    li = world.names["Li"]
    with pytest.raises(FactError, match=r"holds 600000 fen.*redeem or pay it out"):
        world.record(AccountClosed(li, "request 1"))
    assert world.do(("redeem", "Li", "redemptions", "6000")) == ["created"]
    world.record(AccountClosed(li, "request 1"))
    assert world.pay("Wang", "Li", "1") == "credit_account_closed"
    assert world.pay("Li", "Wang", "1") == "debit_account_closed"
    with pytest.raises(FactError, match="closed already"):
        world.record(AccountClosed(li, "request 1"))
    world.record(AccountReopened(li, "request 2"))
    with pytest.raises(FactError, match="is not closed"):
        world.record(AccountReopened(li, "request 2"))
    assert world.pay("Wang", "Li", "1") == "created"


def test_an_account_that_expects_money_is_not_closed(world: SmallWorld) -> None:
    sun = world.open("Sun")
    assert world.reserve("Li", "Sun", "1") == "created"
    with pytest.raises(FactError, match=r"100 in; .* post or void"):
        world.record(AccountClosed(sun, "request 1"))
    assert world.void_pending(world.next_id) == "created"
    world.record(AccountClosed(sun, "request 1"))
