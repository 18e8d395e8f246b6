"""Callers of every kind share frames: each is told of his own transfers, and nothing is lost, doubled or mixed up."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import jiaozi
from jiaozi.clock import ManualClock
from jiaozi.embedded import Answer, OpenLedger
from jiaozi.errors import JournalError, NotReady
from jiaozi.ledger.callers import ROW
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import MAX_BATCH, Ledger, Outcome
from jiaozi.ledger.notes import Note, Notes
from jiaozi.ledger.payload import Booked, unpack
from jiaozi.ledger.records import TRANSFER, Choice
from jiaozi.ledger.results import Result
from tests.ledger import ledger_world
from tests.ledger.ledger_world import FIRST_HOLDER, balances_sum, clock, payments

ZONE = "cn-sh"
LI, WANG = FIRST_HOLDER, FIRST_HOLDER + 1
YUAN_EACH = 1_000_00


@pytest.fixture
def now() -> ManualClock:
    return clock()


@pytest.fixture
def ledger(tmp_path: Path, now: ManualClock) -> Iterator[OpenLedger]:
    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=now) as opened:
        yield opened


@contextmanager
def held_up(ledger: Ledger) -> Iterator[None]:
    """Keep the writer between two frames, so that whatever is asked meanwhile waits and comes together."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(ledger.at_cut, wait)
        assert begun.wait(60)
        try:
            yield
        finally:
            go_on.set()
        held.result()


def frames_of(folder: Path, kind: FrameKind = FrameKind.TRANSFERS) -> list[tuple[int, Booked]]:
    """Return what stands in the frames of transfers, by their number."""
    return [(frame.sequence, unpack(frame.payload)) for frame in read_frames(folder) if frame.kind is kind]


def held_by(ledger: Ledger, account: int) -> int:
    return ledger.at_cut(lambda state, _: int(state.accounts[account]["balance"]))


def pays(ledger: OpenLedger, amount_fen: int = 1, **more: Any) -> Answer:
    return ledger.pay(debit=LI, credit=WANG, amount_fen=amount_fen, place=ZONE, **more)


# One transfer each


def test_the_bytes_of_a_single_transfer_are_those_of_the_record() -> None:
    names = list(TRANSFER.names or ())
    one = np.frombuffer(ROW.pack(*range(1, len(names) + 1)), dtype=TRANSFER)
    assert [int(one[name][0]) for name in names] == list(range(1, len(names) + 1))


def test_all_that_an_event_loop_asks_in_one_turn_stands_in_one_frame(ledger: OpenLedger) -> None:
    async def crowd() -> list[Answer]:
        asked = [
            ledger.pay_async(debit=LI, credit=WANG, amount_fen=n, place=ZONE if n % 5 else "hk")
            for n in range(1, 51)
        ]
        return await asyncio.gather(*asked)

    answers = asyncio.run(crowd())
    assert len({answer.receipt.sequence for answer in answers}) == 1
    for n, answer in enumerate(answers, 1):
        assert answer.result is (Result.CREATED if n % 5 else Result.REFUSED_BY_LAW)
        assert answer.amount_fen == (n if n % 5 else 0)
        assert ("hk.pay/licensed_issuer" in answer.reasons) is (n % 5 == 0)
    assert len({answer.id for answer in answers}) == 50


def test_more_payments_in_one_turn_than_fit_a_frame_are_answered_all_the_same(ledger: OpenLedger) -> None:
    async def crowd() -> list[Answer]:
        asked = (
            ledger.pay_async(debit=LI + n % 20, credit=LI + (n + 1) % 20, amount_fen=1, place=ZONE)
            for n in range(MAX_BATCH + 100)
        )
        return await asyncio.gather(*asked)

    answers = asyncio.run(crowd())
    assert {answer.result for answer in answers} == {Result.CREATED}
    assert len({answer.receipt.sequence for answer in answers}) == 2


def test_callers_of_every_kind_share_a_frame_and_none_is_told_of_another(
    ledger: OpenLedger, tmp_path: Path
) -> None:
    async def coroutines() -> list[Answer]:
        asked = [ledger.pay_async(debit=LI, credit=WANG, amount_fen=100 + n, place=ZONE) for n in range(10)]
        return await asyncio.gather(*asked)

    with ThreadPoolExecutor(40) as pool:
        with held_up(ledger):
            threads = [pool.submit(pays, ledger, 200 + n) for n in range(10)]
            loops = [pool.submit(asyncio.run, coroutines()) for _ in range(3)]
            batches = [
                ledger.submit(payments(1_000 * n, [(0, 1), (1, 1), (0, 2)], amount_fen=300 + n))
                for n in range(1, 11)
            ]
            while ledger._writer._waiting.qsize() < 23:
                time.sleep(0.001)
        for n, thread in enumerate(threads):
            assert (thread.result().result, thread.result().amount_fen) == (Result.CREATED, 200 + n)
        for loop in loops:
            assert [answer.amount_fen for answer in loop.result()] == [100 + n for n in range(10)]
        for n, batch in enumerate(batches, 1):
            outcome = batch.result()
            assert outcome.results.tolist() == [0, Result.ACCOUNTS_MUST_BE_DIFFERENT, 0]
            assert outcome.amounts_fen.tolist() == [300 + n, 0, 300 + n]
    number, booked = frames_of(tmp_path)[-1]
    assert {batch.result().receipt.sequence for batch in batches} == {number}
    assert len(booked.batch) == 10 + 30 + 30
    assert len(booked.calls) == 10 + 30 + 10


def test_a_crowd_in_threads_and_loops_leaves_the_sums_right(ledger: OpenLedger) -> None:
    def thread(number: int) -> int:
        random, moved = Random(number), 0
        for _ in range(30):
            payer, payee = random.sample(range(20), 2)
            moved += ledger.pay(
                debit=LI + payer, credit=LI + payee, amount_fen=random.randint(1, 9), place=ZONE
            ).amount_fen
        return moved

    def loop(number: int) -> int:
        random = Random(number)

        async def one(payer: int, payee: int) -> int:
            return sum(
                [
                    (
                        await ledger.pay_async(debit=LI + payer, credit=LI + payee, amount_fen=3, place=ZONE)
                    ).amount_fen
                    for _ in range(20)
                ]
            )

        async def crowd() -> int:
            return sum(await asyncio.gather(*(one(*random.sample(range(20), 2)) for _ in range(20))))

        return asyncio.run(crowd())

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(thread, n) for n in range(8)] + [pool.submit(loop, n) for n in range(4)]
        moved = sum(each.result() for each in asked)
    assert moved == ledger.at_cut(lambda state, _: state.activity.paid_fen)
    assert balances_sum(ledger) == 0
    assert ledger.at_cut(lambda state, _: state.activity.payments) == 8 * 30 + 4 * 20 * 20


def test_a_cancelled_caller_loses_and_doubles_nothing(ledger: OpenLedger) -> None:
    given = [uuid.UUID(int=(7 << 64) | n) for n in range(1, 21)]

    async def crowd() -> list[Any]:
        tasks = [
            asyncio.create_task(ledger.pay_async(debit=LI, credit=WANG, amount_fen=1_00, place=ZONE, id=each))
            for each in given
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    told = asyncio.run(crowd())
    assert [type(each) for each in told] == [asyncio.CancelledError, Answer] * 10
    assert {answer.result for answer in told[1::2]} == {Result.CREATED}
    again = [pays(ledger, 1_00, id=each).result for each in given]
    assert again == [Result.EXISTS] * 20, "who was cancelled had been booked, and once"
    assert held_by(ledger, LI) == YUAN_EACH - 20 * 1_00


def test_a_loop_that_is_gone_before_its_answer_harms_nobody(ledger: OpenLedger) -> None:
    loop = asyncio.new_event_loop()

    async def leave() -> None:
        task = asyncio.create_task(ledger.pay_async(debit=LI, credit=WANG, amount_fen=7, place=ZONE))
        await asyncio.sleep(0)  # it has asked
        await asyncio.sleep(0)  # and it was handed in
        task.cancel()

    with held_up(ledger):
        loop.run_until_complete(leave())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    assert pays(ledger).is_booked
    assert held_by(ledger, LI) == YUAN_EACH - 7 - 1


def test_a_batch_asked_after_payments_of_its_loop_is_booked_after_them(ledger: OpenLedger) -> None:
    async def crowd() -> tuple[Answer, Outcome]:
        first = asyncio.create_task(ledger.pay_async(debit=LI, credit=WANG, amount_fen=YUAN_EACH, place=ZONE))
        await asyncio.sleep(0)
        outcome = await ledger.post_async(payments(5, [(0, 2)]))
        return await first, outcome

    answer, outcome = asyncio.run(crowd())
    assert answer.result is Result.CREATED
    assert outcome.results.tolist() == [Result.EXCEEDS_CREDITS]


def test_after_closing_single_callers_are_refused_too(ledger: OpenLedger) -> None:
    async def ask() -> None:
        await ledger.pay_async(debit=LI, credit=WANG, amount_fen=1, place=ZONE)

    ledger.close()
    with pytest.raises(NotReady, match="open it again"):
        pays(ledger)
    with pytest.raises(NotReady, match="open it again"):
        asyncio.run(ask())
    with pytest.raises(NotReady, match="open it again"):
        ledger.tick()


def test_when_the_disk_fails_every_kind_of_caller_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger_world.found(tmp_path).close()
    ledger = jiaozi.open(tmp_path, clock=clock())

    async def coroutines() -> list[Any]:
        asked = [ledger.pay_async(debit=LI, credit=WANG, amount_fen=1, place=ZONE) for _ in range(9)]
        return await asyncio.gather(*asked, return_exceptions=True)

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", fails)
    for _ in range(2):
        told = asyncio.run(coroutines())
        assert {type(each) for each in told} == {JournalError}
        with pytest.raises(JournalError, match="Input/output error"):
            pays(ledger)
        with pytest.raises(JournalError, match="Input/output error"):
            ledger.tick()
    monkeypatch.setattr(os, "fdatasync", real)
    with pytest.raises(JournalError):
        ledger.close()


def test_one_payment_that_cannot_be_written_down_is_refused_in_words(ledger: OpenLedger) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"debit": -1}, "column debit has a number beyond 0 to 4294967295"),
        ({"debit": 1.5}, "column debit must be whole numbers, not float64"),
        ({"amount_fen": 2**63}, "column amount_fen has a number beyond"),
        ({"place": "mars"}, "column place has 'mars'; it is one of"),
        ({"travel_data": "much"}, "column travel_data has 'much'; it is one of"),
        ({"pending": -5}, "column timeout has a number beyond 0"),
    ]
    before = ledger.sequence
    right: dict[str, Any] = {"debit": LI, "credit": WANG, "amount_fen": 1, "place": ZONE}
    for change, message in wrong:
        with pytest.raises(ValueError, match=message):
            ledger.pay(**(right | change))
    assert ledger.sequence == before
    with pytest.raises(ValueError, match="amount_fen must be a whole number of fen"):
        ledger.post_pending(uuid.UUID(int=5), 2**64)


# What a call chooses


def test_a_caller_who_stops_at_a_mistake_stops_nobody_else(ledger: OpenLedger) -> None:
    pairs = [(0, 1), (1, 1), (0, 2)]
    with held_up(ledger):
        stops = ledger.submit(payments(1_000, pairs), choice=Choice.STOP)
        goes_on = ledger.submit(payments(2_000, pairs))
        stops_too = ledger.submit(payments(3_000, pairs), choice=Choice.STOP)
    assert stops.result().receipt == goes_on.result().receipt
    wrong = Result.ACCOUNTS_MUST_BE_DIFFERENT
    assert stops.result().results.tolist() == [Result.CREATED, wrong, Result.NOT_TRIED]
    assert goes_on.result().results.tolist() == [Result.CREATED, wrong, Result.CREATED]
    assert stops_too.result().results.tolist() == [Result.CREATED, wrong, Result.NOT_TRIED]
    again = ledger.post(payments(1_002, [(0, 2)]))
    assert again.created == 1, "the id of what was not tried is free"


def test_all_or_nothing_books_all_or_nothing_and_the_callers_array_stays_as_it_was(
    ledger: OpenLedger,
) -> None:
    good, bad = payments(1_000, [(0, 1)] * 3), payments(2_000, [(0, 1), (0, 2), (3, 3)])
    assert ledger.post(good, all_or_nothing=True).created == 3
    refused = ledger.post(bad, all_or_nothing=True)
    assert refused.results.tolist() == [
        Result.LINKED_EVENT_FAILED,
        Result.LINKED_EVENT_FAILED,
        Result.ACCOUNTS_MUST_BE_DIFFERENT,
    ]
    assert refused.amounts_fen.tolist() == [0, 0, 0]
    assert not good["flags"].any()
    assert held_by(ledger, LI) == YUAN_EACH - 3


def test_all_or_nothing_cannot_stop_half_way(ledger: OpenLedger) -> None:
    with pytest.raises(ValueError, match="all or nothing cannot stop half way"):
        ledger.post(payments(1, [(0, 1)]), all_or_nothing=True, choice=Choice.STOP)
    with pytest.raises(ValueError, match="7 is not a valid Choice"):
        ledger.post(payments(1, [(0, 1)]), choice=7)  # type: ignore[arg-type]


def test_notes_of_callers_who_share_a_frame_stay_with_their_transfers(
    ledger: OpenLedger, tmp_path: Path
) -> None:
    rent, tea = Note(text="rent of May", purpose="RENT"), Note(text="tea")
    with held_up(ledger):
        asked = [
            ledger.submit(payments(1_000, [(0, 1)] * 3), notes={2: rent}),
            ledger.submit(payments(2_000, [(0, 1)] * 2)),
            ledger.submit(payments(3_000, [(0, 1)] * 3), notes=Notes.of({0: tea, 1: rent})),
        ]
    assert {each.result().created for each in asked} == {3, 2}
    _, booked = frames_of(tmp_path)[-1]
    assert booked.notes.read() == {2: rent, 5: tea, 6: rent}
    with pytest.raises(ValueError, match="notes number the transfers of their batch, from 0 to 1"):
        ledger.post(payments(9_000, [(0, 1)] * 2), notes={2: tea})


def test_a_transfer_with_another_note_is_another_transfer(ledger: OpenLedger) -> None:
    batch = payments(1_000, [(0, 1)])
    assert ledger.post(batch, notes={0: Note(text="tea")}).created == 1
    assert ledger.post(batch, notes={0: Note(text="tea")}).results.tolist() == [Result.EXISTS]
    assert ledger.post(batch, notes={0: Note(text="rent")}).results.tolist() == [
        Result.EXISTS_WITH_DIFFERENT_FIELDS
    ]
    assert ledger.post(batch).results.tolist() == [Result.EXISTS_WITH_DIFFERENT_FIELDS]
