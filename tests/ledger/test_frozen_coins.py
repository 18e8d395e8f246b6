"""Coins that an order freezes, counted: in sentences. The world is in `small_world.py`."""

from __future__ import annotations

import pytest

from jiaozi.ledger.posting.supplied import C_FROZEN
from jiaozi.ledger.records import TransferFlag
from jiaozi.rulebook.reading.read import law_folder, read_folder, with_reform
from tests.lab.replay.reforms import HEAD
from tests.ledger.small_world import PENDING, ZONE, SmallWorld, enacting

DRAFTED = f"""{HEAD}
[[change]]
repeal = "cn-sh.full_backing"
from   = 2026-12-02
cite   = "trial-notice art 1"

[[always]]
id    = "cn-sh.backing_as_drafted"
title = {{ en = "The reserve is worth the coins that are not frozen", zh = "储备不低于未冻结代币" }}
from  = 2026-12-02
hold  = "issuer.reserve_value >= issuer.coins_outstanding - issuer.coins_frozen"
cite  = "trial-notice art 1"
"""


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
    return SmallWorld.funded()


def frozen(world: SmallWorld) -> int:
    return int(world.state.coins[0, C_FROZEN])


def test_what_a_frozen_holder_has_and_is_paid_is_frozen_until_the_order_is_lifted(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    assert frozen(world) == 6_000_00
    assert world.pay("Wang", "Li", "500") == "created"
    assert frozen(world) == 6_500_00
    world.lift("Li", "order 1")
    assert frozen(world) == 0


def test_an_order_to_keep_an_amount_freezes_at_most_that_and_the_larger_of_two_counts(
    world: SmallWorld,
) -> None:
    world.freeze("Li", "order 1", keep_fen=4_000_00)
    world.freeze("Li", "order 2", keep_fen=5_500_00)
    assert frozen(world) == 5_500_00
    assert world.pay("Li", "Wang", "500") == "created"
    assert frozen(world) == 5_500_00
    world.freeze("Wang", "order 3", keep_fen=20_000_00)
    assert frozen(world) == 5_500_00 + 9_500_00, "Wang has less than he is to keep"
    world.freeze("Wang", "order 4")
    world.lift("Li", "order 2")
    assert frozen(world) == 4_000_00 + 9_500_00


def test_who_may_only_not_receive_has_nothing_frozen(world: SmallWorld) -> None:
    world.freeze("Li", "order 1", may_receive=False, keep_fen=0)
    assert frozen(world) == 0


def test_a_chain_that_is_undone_and_a_reservation_freeze_nothing(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    legs = [("pay", "Wang", "Li", "500"), ("pay", "Wang", "Chen", "90000")]
    assert "created" not in world.do(*legs, linked=1)
    assert frozen(world) == 6_000_00
    assert world.pay("Wang", "Li", "500", flags=PENDING) == "created"
    assert frozen(world) == 6_000_00, "it has not arrived"
    number = world.next_id
    assert world.post_pending(number) == "created"
    assert frozen(world) == 6_500_00


def test_a_payment_reserved_before_the_order_leaves_a_frozen_account(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "500", flags=PENDING) == "created"
    number = world.next_id
    world.freeze("Li", "order 1", keep_fen=5_600_00)
    assert frozen(world) == 5_600_00
    assert world.void_pending(number) == "created"
    assert world.pay("Li", "Wang", "400.01", flags=TransferFlag(0)) == "exceeds_unfrozen_balance"
    assert frozen(world) == 5_600_00


def test_a_law_that_leaves_frozen_coins_out_lets_as_much_more_be_issued(world: SmallWorld) -> None:
    world.freeze("Li", "order 1")
    assert world.do(("book", "client money", "reserve", "0.01")) == ["exceeds_credits"], "nothing is spare"
    assert world.do(("book", "unmatched", "reserve", "5000")) == ["created"], "the reserve lost 5,000.00"
    assert world.do(("book", "reserve", "client money", "1000")) == ["created"]
    issue = ("issue", "client money", "Chen", "0.01")
    assert world.do(issue) == ["refused_by_law cn-sh.full_backing"]
    world.record(enacting(with_reform(read_folder(drafts=[ZONE]), "drafted", DRAFTED)))
    assert world.do(issue) == ["created"]
    assert world.do(("issue", "client money", "Chen", "999.99")) == ["created"]
    assert world.do(("book", "reserve", "client money", "5000")) == ["created"]
    assert world.do(("book", "unmatched", "reserve", "6000")) == ["created"]
    assert world.do(issue) == ["refused_by_law cn-sh.backing_as_drafted"], "6,000.00 are frozen and no more"


def test_the_draft_of_hong_kong_is_shipped_and_says_so() -> None:
    text = (law_folder() / "reforms" / "2025-05-hk-frozen-coins-draft.toml").read_text(encoding="utf-8")
    book = with_reform(read_folder(), "2025-05-hk-frozen-coins-draft", text)
    assert book.is_draft
    assert [each.id for each in book.always if each.place == "hk"] == [
        "hk.backing_as_drafted",
        "hk.full_backing",
    ]
