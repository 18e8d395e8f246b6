"""The ledger's public surface: what goes in, what is refused with a way out, threads, and a disk that fails."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from jiaozi.clock import Instant
from jiaozi.errors import FactError, JournalBusy, JournalError, NotReady
from jiaozi.ledger.facts import (
    CheckpointSigned,
    CoinCreated,
    ConsentGranted,
    Fact,
    FreezeLifted,
    FreezeOrdered,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    SheetNamed,
    TierSet,
)
from jiaozi.ledger.ledger import MAX_BATCH, Ledger, Outcome
from jiaozi.ledger.records import OWN_PERSON, AccountFlag, openings, transfers
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, read_folder
from tests.ledger.ledger_world import FIRST_HOLDER, balances_sum, clock, found, payments
from tests.ledger.small_world import COIN, ISSUER, ZONE, SmallWorld, enacting

DAY = date(2026, 12, 1)


def book_with(file: str, *changes: tuple[str, str]) -> LawEnacted:
    """Return the fact that enacts the law shipped, with other words in one of its files."""
    texts = dict(read_folder(drafts=[ZONE]).texts)
    for before, after in changes:
        assert before in texts[file], before
        texts[file] = texts[file].replace(before, after)
    book: Book = read(texts, drafts=[ZONE])
    return enacting(book)


# Facts: all or none, and what will not do says the way out

NO_MISTAKE = ConsentGranted(ISSUER, "cn", "2", ["pay"], COIN, [ZONE], None, DAY)


def consent(**fields: Any) -> ConsentGranted:
    known = {name: getattr(NO_MISTAKE, name) for name in NO_MISTAKE.__struct_fields__}
    return ConsentGranted(**known | fields)


BAD_FACTS: list[tuple[Fact, str]] = [
    (IssuerRegistered(ISSUER, ZONE), "is registered already"),
    (IssuerRegistered("other", "mars"), "places are cn, cn-sh, hk"),
    (LicenceGranted("nobody", ZONE, "1", DAY), f"registered are {ISSUER}"),
    (LicenceGranted(ISSUER, "mars", "1", DAY), "places are"),
    (LicenceGranted(ISSUER, ZONE, "1", DAY, DAY), "before it began"),
    (LicenceGranted(ISSUER, ZONE, "1", "soon"), "cannot be read"),  # type: ignore[arg-type]
    (LicenceGranted(ISSUER, ZONE, "1", object()), "what JSON cannot"),  # type: ignore[arg-type]
    (IssuerRegistered("\ud800", ZONE), "what JSON cannot"),
    (CoinCreated(COIN, ISSUER, "CNY"), "exists already"),
    (CoinCreated("other", "nobody", "CNY"), "no such issuer"),
    (CoinCreated("other", ISSUER, "XAU"), "pegged to CNY, HKD"),
    (consent(coin="other"), f"coins are {COIN}"),
    (consent(issuer="nobody"), f"belongs to {ISSUER}"),
    (consent(authority="mars"), "no such place"),
    (consent(places=["mars"]), "no such place"),
    (consent(actions=["burn"]), "actions are issue, pay, redeem"),
    (consent(cap_fen=-1), "or null for no cap"),
    (consent(cap_fen=10**18), "or null for no cap"),
    (consent(until_day=date(2026, 11, 1)), "before it began"),
    (SheetNamed("other", 0, 1, 2, 3), "no such coin"),
    (SheetNamed(COIN, 0, 1, 2, 3), "is named already"),
    (TierSet(99, "t1"), "the ledger has 7"),
    (TierSet(-1, "t1"), "the ledger has 7"),
    (TierSet(4, "t9"), "tiers are t1, t2, t3, t4"),
    (FreezeOrdered(99, "1", "court", True, None), "no account 99"),
    (FreezeOrdered(4, "1", "court", True, -1), "null to forbid every payment"),
    (FreezeOrdered(4, "standing", "court", True, None), "lift it first"),
    (FreezeLifted(4, "1", "r"), "those that do: standing"),
    (FreezeLifted(99, "1", "r"), "those that do: none"),
    (CheckpointSigned(COIN, 2, "d"), "the next is 1"),
    (CheckpointSigned("other", 1, "d"), "no such coin"),
    (LawEnacted({"cn.toml": "nonsense ["}, [], "0"), "mend its texts"),
    (LawEnacted(dict(read_folder().texts), [], "0" * 64), "the fact says 000"),
    (Fact(), "cannot be read"),
]


@pytest.mark.parametrize(("fact", "way_out"), BAD_FACTS, ids=[message for _, message in BAD_FACTS])
def test_a_list_of_facts_enters_whole_or_not_at_all(tmp_path: Path, fact: Fact, way_out: str) -> None:
    with found(tmp_path, holders=3) as ledger:
        ledger.record(FreezeOrdered(4, "standing", "court", True, None))
        before, frames = ledger.at_cut(lambda state, _: state.digest()), ledger.sequence
        with pytest.raises(FactError, match=way_out):
            ledger.record(TierSet(5, "t3"), NO_MISTAKE, fact)
        assert ledger.at_cut(lambda state, _: state.digest()) == before
        assert ledger.sequence == frames
        ledger.record(TierSet(5, "t3"), NO_MISTAKE)


@pytest.mark.parametrize(
    ("file", "before", "after", "way_out"),
    [("facts.toml", '"resident", "registered firm"', '"registered firm", "resident"', "words are appended")],
)
def test_a_new_law_may_not_move_words_that_the_journal_uses(
    file: str, before: str, after: str, way_out: str
) -> None:
    world = SmallWorld()
    with pytest.raises(FactError, match=way_out):
        world.record(book_with(file, (before, after)))


@pytest.mark.parametrize(
    ("changes", "way_out"),
    [
        ([('id     = "payment.travel_data"', 'id     = "payment.weather"')], "does not know"),
        ([('"calendar day"', '"calendar year"')], "it keeps payer.paid_today by calendar day"),
    ],
)
def test_a_law_must_fit_the_ledger(changes: list[tuple[str, str]], way_out: str) -> None:
    texts = dict(read_folder().texts)
    for before, after in changes:
        assert before in texts["facts.toml"], before
        texts["facts.toml"] = texts["facts.toml"].replace(before, after)
    texts = {
        name: text for name, text in texts.items() if name in ("places.toml", "facts.toml", "sources.toml")
    }
    book = read(texts)
    with pytest.raises(FactError, match=way_out):
        State().record([enacting(book)])


def test_facts_of_one_list_build_on_each_other_and_a_sheet_is_checked(tmp_path: Path) -> None:
    with found(tmp_path, holders=3) as ledger:
        ledger.record(CoinCreated("other", ISSUER, "CNY"), consent(coin="other"))
        for numbers, way_out in (
            ((99, 1, 2, 3), "no account 99"),
            ((0, 1, 1, 2), "must differ"),
            ((0, 1, 2, 3), "not an internal account of other"),
        ):
            with pytest.raises(FactError, match=way_out):
                ledger.record(SheetNamed("other", *numbers))


def test_before_a_law_was_enacted_nothing_can_be_said_or_booked(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, clock=clock()) as ledger:
        with pytest.raises(FactError, match="enact a law first"):
            ledger.record(IssuerRegistered(ISSUER, ZONE))
        with pytest.raises(FactError, match="LawEnacted"):
            ledger.post(payments(1, [(0, 1)]))
        with pytest.raises(FactError, match="LawEnacted"):
            ledger.open_accounts(openings(1))
        assert ledger.sequence == 0


# Openings


@pytest.mark.parametrize(
    ("column", "value", "way_out"),
    [
        ("coin", 1, "coin 1 does not exist"),
        ("zone", 0, "zone 0 does not exist"),
        ("zone", 200, "zone 200 does not exist"),
        ("kind", 0, "kind 0 does not exist"),
        ("kind", 6, "kind 6 does not exist"),
        ("tier", 5, "tier 5 does not exist"),
        ("unused", 1, "must be zero"),
        ("flags", 0, "a holder has 2"),
        ("flags", int(AccountFlag.FROZEN_OUT) | 2, "a fact of its own"),
        ("flags", 1 << 15 | 2, "will not do"),
        ("flags", 4, "a holder has 2"),
        ("person", 999, "first account"),
        ("person", 0, "first account"),
        ("person", 6, "first account"),
    ],
)
def test_a_bad_opening_opens_none_of_its_batch(tmp_path: Path, column: str, value: int, way_out: str) -> None:
    with found(tmp_path, holders=2) as ledger:
        opened = openings(3)
        opened["zone"], opened["kind"], opened["person"] = 2, 1, [OWN_PERSON, OWN_PERSON, 4]
        assert ledger.open_accounts(opened[2:]) == 6
        opened[1][column] = value
        before = ledger.at_cut(lambda state, _: state.digest())
        with pytest.raises(FactError, match=f"account 1 of 3: .*{way_out}"):
            ledger.open_accounts(opened)
        assert ledger.at_cut(lambda state, _: state.digest()) == before


def test_a_person_has_sums_in_one_currency(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        ledger.record(CoinCreated("dollar", ISSUER, "HKD"), CoinCreated("more-yuan", ISSUER, "CNY"))
        opened = openings(1)
        opened["zone"], opened["kind"], opened["person"] = 2, 1, FIRST_HOLDER
        opened["coin"] = 1
        with pytest.raises(FactError, match="in the same currency"):
            ledger.open_accounts(opened)
        opened["coin"] = 2
        assert ledger.open_accounts(opened) == FIRST_HOLDER + 2


def test_a_call_that_is_no_batch_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        with pytest.raises(TypeError, match=r"records\.TRANSFER"):
            ledger.post(np.zeros(1, dtype=np.int64))
        with pytest.raises(TypeError, match=r"records\.OPENING"):
            ledger.open_accounts(transfers(1))
        for batch in (transfers(0), transfers(MAX_BATCH + 1), transfers(2).reshape(1, 2)):
            with pytest.raises(ValueError, match="1 to 8,190"):
                ledger.post(batch)
        with pytest.raises(ValueError, match="has 1 to"):
            ledger.open_accounts(openings(0))


# Threads


def test_many_callers_share_frames_and_each_gets_its_own_answers(tmp_path: Path) -> None:
    with found(tmp_path, holders=20) as ledger:
        frames = ledger.sequence

        def caller(number: int) -> list[tuple[Outcome, list[Result]]]:
            random, answers = Random(number), []
            for n in range(25):
                pairs = [(random.randrange(20), random.randrange(20)) for _ in range(random.randint(1, 5))]
                expected = [
                    Result.ACCOUNTS_MUST_BE_DIFFERENT if payer == payee else Result.CREATED
                    for payer, payee in pairs
                ]
                answers.append((ledger.post(payments(1_000_000 * (number + 1) + 10 * n, pairs)), expected))
            return answers

        with ThreadPoolExecutor(8) as pool:
            found_answers = [answer for answers in pool.map(caller, range(8)) for answer in answers]
        for outcome, expected in found_answers:
            assert outcome.results.tolist() == expected
            assert outcome.created == expected.count(Result.CREATED)
        assert {outcome.receipt.sequence for outcome, _ in found_answers} <= set(
            range(frames + 1, ledger.sequence + 1)
        )
        assert ledger.sequence - frames < len(found_answers), "callers that came together shared a frame"
        assert balances_sum(ledger) == 0


def test_a_cut_sees_one_instant_while_payments_run(tmp_path: Path) -> None:
    with found(tmp_path, holders=20) as ledger:
        stop = threading.Event()

        def pay(number: int) -> int:
            sent = 0
            while not stop.is_set():
                pairs = [(n, (n + 1 + number) % 20) for n in range(20)]
                batch = payments(1_000_000 * (number + 1) + sent, pairs)
                batch["flags"][:-1] = 1
                sent += len(pairs) * ledger.post(batch).created // len(pairs)
            return sent

        def look(state: State, _: object) -> tuple[int, int, int]:
            held = state.accounts[FIRST_HOLDER:]["balance"]
            return int(held.sum()), int(state.accounts["balance"].sum()), state.activity.payments % 20

        def change(number: int) -> int:
            opened = openings(1)
            opened["zone"], opened["kind"], opened["tier"] = 2, 1, 1
            ledger.record(TierSet(FIRST_HOLDER + number, "t2"), TierSet(FIRST_HOLDER + number, "t1"))
            return ledger.open_accounts(opened)

        with ThreadPoolExecutor(6) as pool:
            payers = [pool.submit(pay, number) for number in range(3)]
            numbers = [pool.submit(change, number) for number in range(15)]
            cuts = [ledger.at_cut(look) for _ in range(30)]
            assert sorted(number.result() for number in numbers) == list(range(24, 39))
            stop.set()
            assert sum(payer.result() for payer in payers) > 0
        assert set(cuts) == {(20 * 1_000_00, 0, 0)}
        digest = ledger.at_cut(lambda state, _: state.digest())
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.state.digest() == digest


def test_what_a_cut_raises_is_its_callers_and_harms_nobody(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        with pytest.raises(ZeroDivisionError):
            ledger.at_cut(lambda *_: 1 / 0)
        assert ledger.post(payments(1, [(0, 1)])).created == 1


def test_closing_finishes_what_waits_and_then_refuses(tmp_path: Path) -> None:
    ledger = found(tmp_path, holders=20)
    waiting = [ledger.submit(payments(100 * n, [(n % 20, (n + 1) % 20)])) for n in range(200)]
    closers = [threading.Thread(target=ledger.close) for _ in range(3)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    assert all(outcome.result(timeout=0).created == 1 for outcome in waiting)
    asks: list[Any] = [
        lambda: ledger.post(payments(1, [(0, 1)])),
        lambda: ledger.record(NO_MISTAKE),
        lambda: ledger.open_accounts(openings(1)),
        lambda: ledger.at_cut(lambda *_: None),
    ]
    for ask in asks:
        with pytest.raises(NotReady, match="open it again"):
            ask()
    ledger.close()


def test_who_asks_while_another_closes_is_answered_or_refused_and_never_left_waiting(tmp_path: Path) -> None:
    for round_number in range(5):
        ledger = found(tmp_path / str(round_number), holders=2)

        def ask(number: int, ledger: Ledger = ledger) -> str:
            try:
                return "booked" if ledger.submit(payments(number, [(0, 1)])).result(timeout=30) else ""
            except NotReady:
                return "refused"

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask, 10 + number) for number in range(40)]
            ledger.close()
            assert {answer.result() for answer in asked} <= {"booked", "refused"}


def test_a_caller_cannot_take_back_what_waits(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        outcome = ledger.submit(payments(1, [(0, 1)]))
        assert not outcome.cancel()
        assert outcome.result().created == 1


def test_a_second_opener_is_told_who_writes(tmp_path: Path) -> None:
    with found(tmp_path, holders=2), pytest.raises(JournalBusy, match=str(os.getpid())):
        Ledger.open(tmp_path, clock=clock())


@pytest.mark.parametrize("wrong", [0, -1, -(2**63), 2**63 - 1])
def test_a_clock_that_cannot_be_right_books_nothing(tmp_path: Path, wrong: int) -> None:
    with Ledger.open(tmp_path, clock=lambda: Instant(wrong)) as ledger:
        with pytest.raises(NotReady, match="set it and try again"):
            ledger.record(enacting(read_folder()))
        assert ledger.sequence == 0


def test_a_clock_that_runs_backwards_does_not_take_the_frames_with_it(tmp_path: Path) -> None:
    now = clock()()
    with found(tmp_path, holders=2) as ledger:
        first = ledger.submit(payments(1, [(0, 1)]), at=Instant(now + 10)).result()
        second = ledger.post(payments(2, [(0, 1)]))
        assert second.receipt.instant == first.receipt.instant == now + 10


# A disk that fails


def test_when_the_disk_fails_nothing_is_acknowledged_until_it_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = found(tmp_path, holders=2)
    assert ledger.post(payments(1, [(0, 1)] * 3)).created == 3
    digest = ledger.at_cut(lambda state, _: state.digest())
    real = os.fdatasync

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fails)
    waiting: list[Future[Outcome]] = [ledger.submit(payments(10 + n, [(0, 1)])) for n in range(20)]
    for outcome in waiting:
        with pytest.raises(JournalError):
            outcome.result(timeout=30)
    monkeypatch.setattr(os, "fdatasync", real)
    asks: list[Any] = [
        lambda: ledger.post(payments(50, [(0, 1)])),
        lambda: ledger.record(NO_MISTAKE),
        lambda: ledger.open_accounts(openings(1)),
        lambda: ledger.at_cut(lambda *_: None),
    ]
    for ask in [*asks, *asks]:
        with pytest.raises(JournalError, match="Input/output error"):
            ask()
    with pytest.raises(JournalError):
        ledger.close()
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.state.digest() == digest
        assert again.post(payments(1, [(0, 1)] * 3)).results.tolist() == [Result.EXISTS] * 3
        assert again.post(payments(10, [(0, 1)])).created == 1


def test_after_a_fault_inside_the_ledger_nothing_more_is_booked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = found(tmp_path, holders=2)

    def breaks(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(State, "post", breaks)
    with pytest.raises(MemoryError):
        ledger.post(payments(1, [(0, 1)]))
    monkeypatch.undo()
    with pytest.raises(JournalError, match="no room"):
        ledger.post(payments(1, [(0, 1)]))
    ledger.close()
