"""Ids that expire, callers that stop at a failure, and notes. The world is in `small_world.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.errors import FactError
from jiaozi.ledger.facts import IdWindowSet
from jiaozi.ledger.notes import Note
from jiaozi.ledger.posting.idindex import forget
from jiaozi.ledger.records import PAY, Choice, transfers
from jiaozi.ledger.results import Result
from tests.ledger.small_world import PENDING, POST, SmallWorld

MS = 10**6
HOUR = 3_600 * 10**9
WHOLE_TABLE = 1 << 20
VARIANT = 0b10 << 62


@pytest.fixture
def world() -> SmallWorld:
    """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00. Ids live an hour."""
    world = SmallWorld()
    world.give("Chen", "50000")
    world.give("Li", "6000")
    world.give("Wang", "9000")
    world.record(IdWindowSet(3_600))
    return world


def made_at(instant: int, number: int = 1) -> dict[str, int]:
    """Return the columns of a time-ordered id (UUIDv7) made at *instant*."""
    return {"id_hi": instant // MS << 16 | 7 << 12, "id_lo": VARIANT | number}


# Ids are remembered for a window, and never taken twice


@pytest.mark.parametrize(
    ("age_ms", "answer"),
    [(3_600_000 - 1, "created"), (3_600_000, "created"), (3_600_000 + 1, "id_expired")],
)
def test_id_expired_to_the_millisecond(world: SmallWorld, age_ms: int, answer: str) -> None:
    assert world.pay("Li", "Wang", "1", **made_at(world.now - age_ms * MS)) == answer


def test_an_expired_id_is_refused_whether_or_not_it_was_taken_and_swept(world: SmallWorld) -> None:
    sent = made_at(world.now)
    assert world.pay("Li", "Wang", "1", **sent) == "created"
    world.now = Instant(world.now + HOUR)
    assert world.pay("Li", "Wang", "1", **sent) == "exists"
    world.now = Instant(world.now + MS)
    assert world.pay("Li", "Wang", "1", **sent) == "id_expired"
    forget(world.state.ids, world.state.horizon_ms, WHOLE_TABLE)
    assert world.pay("Li", "Wang", "1", **sent) == "id_expired"
    assert world.state.result_of(sent["id_lo"], sent["id_hi"]) is None
    assert world.balance("Li") == 5_999_00


def test_a_wider_window_brings_no_expired_id_back(world: SmallWorld) -> None:
    old = made_at(world.now - HOUR - MS)
    assert world.pay("Li", "Wang", "1", **old) == "id_expired"
    for seconds in (86_400, None):
        world.record(IdWindowSet(seconds))
        assert world.pay("Li", "Wang", "1", **old) == "id_expired"
    assert world.pay("Li", "Wang", "1", **made_at(world.now - HOUR)) == "created"


@pytest.mark.parametrize(
    "columns",
    [{"id_lo": 77}, {"id_lo": VARIANT | 5, "id_hi": 4 << 12}, {"id_lo": 5, "id_hi": 7 << 12}],
    ids=["a number", "UUID version 4", "another variant"],
)
def test_ids_without_a_time_are_kept_for_ever(world: SmallWorld, columns: dict[str, int]) -> None:
    assert world.pay("Li", "Wang", "1", **columns) == "created"
    world.now = Instant(world.now + 1_000 * HOUR)
    assert world.tick() == 0
    forget(world.state.ids, world.state.horizon_ms, WHOLE_TABLE)
    assert world.pay("Li", "Wang", "1", **columns) == "exists"


def test_an_id_from_the_future_is_taken(world: SmallWorld) -> None:
    assert world.pay("Li", "Wang", "1", **made_at(world.now + 1_000 * HOUR)) == "created"


def test_an_open_reservation_is_found_after_its_id_expired_and_an_ended_one_is_not(world: SmallWorld) -> None:
    sent = made_at(world.now)
    assert world.do(("pay", "Li", "Wang", "5"), flags=PENDING, **sent) == ["created"]
    world.now = Instant(world.now + 2 * HOUR)
    memo: dict[str, Any] = {"memo_lo": sent["id_lo"], "memo_hi": sent["id_hi"]}
    assert world.post_pending(0, **memo) == "created"
    assert world.balance("Li") == 5_995_00
    assert world.post_pending(0, **memo) == "pending_transfer_not_found"


def test_a_leg_that_fails_with_its_chain_takes_no_expired_id(world: SmallWorld) -> None:
    """Whether it was swept yet would else be seen in the number of ids taken, and in the digest."""
    taken, old = world.state.ids_taken, made_at(world.now - HOUR - MS)
    legs = [("pay", "Li", "Wang", "2000.01"), ("pay", "Li", "Wang", "1")]
    answers = world.do(*legs, flags=[1, 0], id_hi=[0, old["id_hi"]], id_lo=[88, old["id_lo"]])
    assert answers == ["refused_by_law cn-sh.pay/single_cap", "linked_event_failed"]
    assert world.state.ids_taken == taken + 1
    assert world.pay("Li", "Wang", "1", **old) == "id_expired"


@pytest.mark.parametrize("seconds", [0, -1, 100 * 366 * 86_400 + 1])
def test_a_window_is_at_least_a_second_and_at_most_a_century(world: SmallWorld, seconds: int) -> None:
    with pytest.raises(FactError, match="or null for ever"):
        world.record(IdWindowSet(seconds))


# What becomes of the rest when one fails


def batch_of(world: SmallWorld, fen: list[int], **columns: Any) -> NDArray[np.void]:
    """Return payments of Li to Wang, with ids from 500 on."""
    batch = transfers(len(fen))
    batch["id_lo"], batch["action"], batch["place"] = np.arange(500, 500 + len(fen)), PAY, 2
    batch["debit"], batch["credit"], batch["amount"] = world.names["Li"], world.names["Wang"], fen
    for column, value in columns.items():
        batch[column] = value
    return batch


def test_not_tried_the_rest_is_left_and_its_ids_stay_free(world: SmallWorld) -> None:
    batch = batch_of(world, [1_00, 2_000_01, 2_00, 3_00])
    refused = "refused_by_law cn-sh.pay/single_cap"
    assert world.post(batch, choice=Choice.STOP) == ["created", refused, "not_tried", "not_tried"]
    assert world.balance("Li") == 5_999_00
    assert world.state.result_of(502, 0) is None
    assert world.post(batch[2:]) == ["created", "created"]


def test_without_that_choice_each_is_answered_for_itself(world: SmallWorld) -> None:
    answers = world.post(batch_of(world, [2_000_01, 2_00]), choice=Choice.CONTINUE)
    assert answers == ["refused_by_law cn-sh.pay/single_cap", "created"]


def test_what_exists_is_no_failure_so_that_a_stopped_batch_can_be_sent_again(world: SmallWorld) -> None:
    batch = batch_of(world, [1_00, 2_00, 2_000_01, 3_00])
    assert world.post(batch[:2]) == ["created", "created"]
    answers = world.post(batch, choice=Choice.STOP)
    assert [each.split()[0] for each in answers] == ["exists", "exists", "refused_by_law", "not_tried"]


def test_a_chain_that_fails_is_told_to_its_end_and_the_next_chain_is_not_tried(world: SmallWorld) -> None:
    batch = batch_of(world, [1_00, 2_000_01, 3_00, 4_00, 5_00], flags=[1, 1, 0, 1, 0])
    answers = world.post(batch, choice=Choice.STOP)
    assert [each.split()[0] for each in answers] == [
        "linked_event_failed", "refused_by_law", "linked_event_failed", "not_tried", "not_tried"
    ]  # fmt: skip
    batch["id_lo"][:3] += 100
    batch["amount"][1] = 2_00
    assert world.post(batch, choice=Choice.STOP) == ["created"] * 5


def test_one_callers_stop_is_not_anothers(world: SmallWorld) -> None:
    batch = batch_of(world, [2_000_01, 1_00, 2_00, 2_000_01, 3_00])
    answers = world.post(batch, [2, 5], choice=Choice.STOP)
    assert [each.split()[0] for each in answers] == [
        "refused_by_law", "not_tried", "created", "refused_by_law", "not_tried"
    ]  # fmt: skip


def test_what_was_not_tried_has_no_reasons_and_moves_nothing(world: SmallWorld) -> None:
    world.post(batch_of(world, [0, 1_00], flags=[0, PENDING]), choice=Choice.STOP)
    assert world.booked.results.tolist() == [Result.AMOUNT_OUT_OF_BOUNDS, Result.NOT_TRIED]
    assert not world.booked.bits.any()
    assert len(world.state.pendings) == 0


# A note is part of what its id stands for


def test_the_same_id_with_another_note_is_refused(world: SmallWorld) -> None:
    batch, rent = batch_of(world, [1_00]), Note(text="rent")
    assert world.post(batch, notes={0: rent}) == ["created"]
    assert world.post(batch, notes={0: Note(text="rent")}) == ["exists"]
    for other in (Note(text="Rent"), Note(reason="rent"), None):
        notes = {0: other} if other else None
        assert world.post(batch, notes=notes) == ["exists_with_different_fields"]
    assert world.balance("Li") == 5_999_00


def test_a_note_stays_with_its_transfer_among_those_without(world: SmallWorld) -> None:
    world.post(batch_of(world, [1_00] * 5), notes={1: Note(text="one"), 4: Note(purpose="SALA")})
    assert world.booked.notes.read() == {1: Note(text="one"), 4: Note(purpose="SALA")}


def test_a_reservation_and_its_posting_have_notes_of_their_own(world: SmallWorld) -> None:
    pending = batch_of(world, [1_00], flags=PENDING)
    post = batch_of(world, [1_00], flags=POST, memo_lo=500, id_lo=600)
    assert world.post(pending, notes={0: Note(text="hotel")}) == ["created"]
    assert world.post(post, notes={0: Note(text="checked out")}) == ["created"]
    assert world.post(post, notes={0: Note(text="hotel")}) == ["exists_with_different_fields"]
