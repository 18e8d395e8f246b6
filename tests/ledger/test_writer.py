"""The writer: time that passes by itself, room that is used again, counts taken behind its back."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import jiaozi
from jiaozi.clock import Instant, ManualClock
from jiaozi.embedded import OpenLedger
from jiaozi.errors import FactError, JournalError, NotReady
from jiaozi.ledger import writer
from jiaozi.ledger.buffers import LARGE, Buffers, Loan
from jiaozi.ledger.facts import TierSet
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import MAX_BATCH, Ledger, Outcome
from jiaozi.ledger.records import Choice, TransferFlag
from jiaozi.ledger.results import Result
from tests.ledger import ledger_world
from tests.ledger.ledger_world import clock, payments
from tests.ledger.test_callers import LI, WANG, YUAN_EACH, ZONE, frames_of, held_by, pays


@pytest.fixture
def now() -> ManualClock:
    return clock()


@pytest.fixture
def ledger(tmp_path: Path, now: ManualClock) -> Iterator[OpenLedger]:
    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=now) as opened:
        yield opened


# Pending transfers, and time


def reserved(ledger: Ledger) -> int:
    return ledger.at_cut(lambda state, _: int(state.accounts[LI]["pending_out"]))


def test_a_hotel_reserves_takes_part_and_frees_the_rest(ledger: OpenLedger) -> None:
    hotel = pays(ledger, 800_00, pending=0)
    assert (reserved(ledger), held_by(ledger, LI)) == (800_00, YUAN_EACH)
    taken = ledger.post_pending(hotel.id, 640_00)
    assert (taken.result, taken.amount_fen) == (Result.CREATED, 640_00)
    assert (reserved(ledger), held_by(ledger, LI)) == (0, YUAN_EACH - 640_00)
    assert ledger.post_pending(hotel.id).result is Result.PENDING_TRANSFER_ALREADY_POSTED
    other = pays(ledger, 10_00, pending=60)
    assert ledger.void_pending(other.id).is_booked
    assert reserved(ledger) == 0
    counts = ledger.at_cut(lambda state, _: (state.activity.payments, state.activity.paid_fen))
    assert counts == (1, 640_00), "what is reserved or free again was not paid"


def test_pending_transfers_are_posted_and_voided_in_bulk(ledger: OpenLedger) -> None:
    ids = [pays(ledger, 10_00, pending=0).id for _ in range(6)]
    posted = ledger.post_pending_all(ids[:2])
    assert posted.amounts_fen.tolist() == [10_00, 10_00]
    assert ledger.post_pending_all(ids[2:4], [1_00, 11_00]).results.tolist() == [
        Result.CREATED,
        Result.EXCEEDS_PENDING_TRANSFER_AMOUNT,
    ]
    stopped = ledger.void_pending_all([ids[0], ids[4]], choice=Choice.STOP)
    assert stopped.results.tolist() == [Result.PENDING_TRANSFER_ALREADY_POSTED, Result.NOT_TRIED]
    own = [uuid.UUID(int=(9 << 64) | n) for n in (1, 2)]
    assert ledger.void_pending_all(ids[4:], ids=own).created == 2
    assert ledger.void_pending_all(ids[4:], ids=own).results.tolist() == [Result.EXISTS] * 2
    assert reserved(ledger) == 10_00


def test_an_event_loop_reserves_posts_and_voids(ledger: OpenLedger) -> None:
    async def story() -> list[Result]:
        one, other, *rest = await asyncio.gather(
            *(
                ledger.pay_async(debit=LI, credit=WANG, amount_fen=5_00, place=ZONE, pending=0)
                for _ in range(6)
            )
        )
        posted, voided = await asyncio.gather(
            ledger.post_pending_async(one.id, 1_00), ledger.void_pending_async(other.id)
        )
        bulk = await ledger.post_pending_all_async([each.id for each in rest[:2]])
        freed = await ledger.void_pending_all_async([each.id for each in rest[2:]])
        assert bulk.created + freed.created == 4
        return [posted.result, voided.result]

    assert asyncio.run(story()) == [Result.CREATED] * 2
    assert (reserved(ledger), held_by(ledger, LI)) == (0, YUAN_EACH - 11_00)


def test_a_tick_releases_what_has_timed_out_and_nothing_else(
    ledger: OpenLedger, now: ManualClock, tmp_path: Path
) -> None:
    assert ledger.tick() is None
    pays(ledger, 1_00, pending=60)
    pays(ledger, 2_00, pending=0)
    before = ledger.sequence
    now.advance(59)
    assert ledger.tick() is None
    assert (ledger.sequence, reserved(ledger)) == (before, 3_00)
    now.advance(1)
    receipt = ledger.tick()
    assert receipt is not None
    assert (receipt.sequence, reserved(ledger)) == (before + 1, 2_00)
    _, booked = frames_of(tmp_path)[-1]
    assert (len(booked.batch), len(booked.calls)) == (0, 0)
    assert booked.released["amount"].tolist() == [1_00]
    assert ledger.tick() is None


def test_facts_let_nothing_time_out_so_what_is_due_goes_first(
    ledger: OpenLedger, now: ManualClock, tmp_path: Path
) -> None:
    pays(ledger, 1_00, pending=60)
    now.advance(60)
    receipt = ledger.record(TierSet(LI, "t2"))
    kinds = [frame.kind for frame in read_frames(tmp_path)][-2:]
    assert kinds == [FrameKind.TRANSFERS, FrameKind.FACTS]
    assert reserved(ledger) == 0
    assert ledger.record(TierSet(LI, "t1")).sequence == receipt.sequence + 1
    with pytest.raises(FactError):
        ledger.record(TierSet(999, "t1"))


def test_while_nobody_posts_the_writer_releases_by_itself(
    ledger: OpenLedger, now: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.005)
    pays(ledger, 1_00, pending=60)
    before = ledger.sequence
    now.advance(60)
    end = time.monotonic() + 30
    while ledger.sequence == before and time.monotonic() < end:
        time.sleep(0.002)
    assert (ledger.sequence, reserved(ledger)) == (before + 1, 0)


def test_a_clock_that_cannot_be_right_while_the_writer_waits_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.005)
    shown: int = clock()()
    asked = threading.Event()

    def now() -> Instant:
        if shown > 2**62:
            asked.set()
        return Instant(shown)

    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=now) as ledger:
        pays(ledger, 1_00, pending=60)
        right, shown = shown, 2**63 - 1
        assert asked.wait(30)
        with pytest.raises(NotReady, match="set it and try again"):
            pays(ledger, id=uuid.UUID(int=77))
        shown = right
        assert pays(ledger, id=uuid.UUID(int=77)).is_booked


# Answers


def test_amounts_are_what_each_transfer_moved(ledger: OpenLedger) -> None:
    batch = payments(1_000, [(0, 1), (1, 1), (0, 1), (2, 3)], amount_fen=4_00)
    batch["flags"][3] = TransferFlag.BALANCING_DEBIT
    batch["amount"][3] = 5_000_00
    outcome = ledger.post(batch)
    assert outcome.amounts_fen.tolist() == [4_00, 0, 4_00, YUAN_EACH]
    assert ledger.post(batch).amounts_fen.tolist() == [0] * 4, "this call moved nothing"


def test_reasons_are_named_after_the_law_that_gave_them(ledger: OpenLedger) -> None:
    batch = payments(1_000, [(0, 1)])
    batch["place"] = ledger.state.words.place_codes["hk"]
    outcome = ledger.post(batch)
    assert "hk.pay/licensed_issuer" in ledger.reasons(outcome, 0) == outcome.reasons(0)


# Room that is used again, and counts behind the writer's back


def test_what_a_caller_writes_into_his_array_afterwards_reaches_nobody(
    ledger: OpenLedger, tmp_path: Path
) -> None:
    sizes = [LARGE, 2 * LARGE, 5_000, 7, LARGE - 1, MAX_BATCH] * 4
    batch = payments(1, [(0, 1)] * MAX_BATCH)
    sent: list[tuple[int, Future[Outcome]]] = []
    for n, size in enumerate(sizes):
        batch["id_lo"] = (n + 1) * 10_000 + np.arange(MAX_BATCH)
        batch["debit"], batch["credit"] = LI + n % 20, LI + (n + 1) % 20
        sent.append((n, ledger.submit(batch[:size])))
    batch["id_lo"] = 0
    assert [future.result().created for _, future in sent] == sizes
    stored = np.concatenate([booked.batch["id_lo"] for _, booked in frames_of(tmp_path)])[-sum(sizes) :]
    wanted = [(n + 1) * 10_000 + np.arange(size) for n, size in enumerate(sizes)]
    assert np.array_equal(stored, np.concatenate(wanted))


def test_a_batch_with_gaps_between_its_rows_is_booked_as_it_reads(ledger: OpenLedger) -> None:
    batch = payments(1, [(0, 1)] * 4_000)
    assert ledger.post(batch[::2]).created == 2_000
    assert ledger.post(batch).results.tolist() == [Result.EXISTS, Result.CREATED] * 2_000


def test_room_is_given_back_once_everyone_has_left_it() -> None:
    buffers = Buffers()
    room = buffers.take(3_000)
    loan = Loan(buffers, room, users=2)
    loan.leave()
    assert not np.shares_memory(buffers.take(3_000), room)
    loan.leave()
    assert np.shares_memory(buffers.take(2_049), room)
    small = buffers.take(5)
    buffers.give_back(small)
    assert not np.shares_memory(buffers.take(5), small)
    assert len(buffers.take(0)) == 0


def test_a_cut_has_counted_every_frame_before_it_and_a_replay_counts_the_same(
    tmp_path: Path, now: ManualClock
) -> None:
    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=now) as ledger:
        before = ledger.at_cut(lambda state, _: state.activity.payments)
        for n in range(1, 60):
            ledger.submit(payments(100_000 * n, [(0, 1), (1, 0)] * (1 + n * n % 700)))
            pays(ledger)
            if n % 7 == 0:
                now.advance(40)
            if n % 10 == 0:
                expected = before + n + sum(2 * (1 + m * m % 700) for m in range(1, n + 1))
                assert ledger.at_cut(lambda state, _: state.activity.payments) == expected
        counts = ledger.at_cut(lambda state, _: state.activity_of)
        minutes = {minute.start for minute in ledger.state.activity.minutes}
    assert len(minutes) > 3
    with Ledger.open(tmp_path, clock=now) as again:
        assert again.state.activity_of == counts


def test_a_fault_while_counting_stops_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger_world.found(tmp_path).close()

    def breaks(*_: object) -> None:
        raise MemoryError("no room")

    ledger = jiaozi.open(tmp_path, clock=clock())
    monkeypatch.setattr(ledger._writer._counting, "_count", breaks)
    assert pays(ledger).is_booked
    with pytest.raises((JournalError, MemoryError), match="no room"):
        ledger.at_cut(lambda *_: None)
    with pytest.raises(JournalError, match="no room"):
        pays(ledger)
    ledger.close()
