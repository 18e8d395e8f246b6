"""Replays of random worlds agree with the plain reading: reservations, chains, orders, closings, changes of law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from jiaozi.clock import ManualClock, day_start
from jiaozi.errors import NotReady
from jiaozi.lab.population.founding import law_of
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.money import MoneyReplay
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import GIVES_BACK, POSTS, RESERVES, Questions
from jiaozi.lab.replay.replay import Asked as Question
from jiaozi.lab.replay.replay import Mode, prepared, replay
from jiaozi.ledger.facts import AccountClosed, FreezeOrdered
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.posting.two_phase import PENDING, VOID
from jiaozi.ledger.records import AS_PENDING, WHOLE
from jiaozi.ledger.restart import restart
from jiaozi.ledger.results import Result
from tests.lab.replay.plain import as_it_happened, history_of, money_follows, sums_follow
from tests.lab.replay.reading import replayed, same, without_old_reasons
from tests.lab.replay.reforms import NOTHING, REFORMS, limit, repeal, tried_text
from tests.lab.replay.worlds import law, small_town, write_reservations, write_world

SEEDS = range(24)

RESERVED: dict[str, Tried] = {
    "a low cap of a day": tried_text(limit("day", "t4 = 1_200, t3 = 1_200", "2027-12-24")),
    "a high cap of a day": tried_text(limit("day", 't4 = "unlimited", t3 = "unlimited"', "2027-12-24")),
    "a low cap of a year": tried_text(limit("year", "t4 = 4_000, t3 = 5_000", "2027-12-24")),
    "a low cap on one payment": tried_text(limit("single", "t4 = 900, t3 = 900, t2 = 900", "2027-12-24")),
}

TRIED: dict[str, Tried] = {
    "a low cap of a day": tried_text(limit("day", "t4 = 1_000, t3 = 2_000", "2026-12-02")),
    "a low cap on one payment": tried_text(limit("single", "t4 = 600, t3 = 900, t2 = 900", "2026-12-02")),
    "no caps": tried_text(REFORMS["raise every cap"].replace("2027-07-01", "2026-12-02")),
    "no payments": tried_text(repeal("cn-sh.pay", "2027-01-01")),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_all_three_ways_agree_with_the_plain_reading(seed: int, tmp_path: Path) -> None:
    check_all(write_world(tmp_path / "journal", seed), TRIED, tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_reservations_agree_with_the_plain_reading(seed: int, tmp_path: Path) -> None:
    check_all(write_reservations(tmp_path / "journal", seed), RESERVED, tmp_path)


def check_all(journal: Path, laws: dict[str, Tried], tmp_path: Path) -> None:
    asked, enacted = history_of(journal)
    work = tmp_path / "work"
    for name, tried in laws.items():
        books = [tried.of(book) for book in enacted]
        _, ours = replayed(journal, Question(tried), work=work, to=tmp_path / name / "1")
        same(ours, as_it_happened(asked, books))
        question = Question(tried, mode=Mode.SUMS_FOLLOW)
        _, ours = replayed(journal, question, work=work, to=tmp_path / name / "2")
        same(ours, sums_follow(asked, books))
        question = Question(tried, mode=Mode.MONEY_FOLLOWS)
        result, ours = replayed(journal, question, work=work, to=tmp_path / name / "3")
        plain, ledger = money_follows(journal, tried)
        same({key: without_old_reasons(each) for key, each in ours.items()}, plain)
        assert result.summary.left_out == ledger.left_out


def questions_of(recorded: Recorded) -> Iterator[Questions]:
    for part, count in enumerate(recorded.head.parts):
        yield recorded.read(part, 0, count)


def test_reservations_are_made_posted_refused_and_given_back(tmp_path: Path) -> None:
    roles: Counter[tuple[int, int]] = Counter()
    for seed in range(10):
        recorded = prepared(write_reservations(tmp_path / f"{seed}", seed), tmp_path / f"work-{seed}")
        for rows in questions_of(recorded):
            roles.update(zip(rows["role"].tolist(), rows["result"].tolist(), strict=True))
    created, refused = Result.CREATED, Result.REFUSED_BY_LAW
    for role in (RESERVES, POSTS, GIVES_BACK):
        assert roles[role, created] > 40, roles
    assert roles[POSTS, refused] > 2, "posting is judged again, so it may be refused"


def test_what_a_refused_reservation_held_is_not_given_back_twice(tmp_path: Path) -> None:
    """
    A cap of 1,500.00 a day; Li reserved 2,000.00, voided it, and paid 900.00 and 800.00.
    Under the cap the reservation is refused. The 900.00 fit, the 800.00 do not.
    """
    journal = tmp_path / "journal"
    day = date(2027, 12, 22)
    book = law_of("cn-sh", day, day + timedelta(days=2))
    with Ledger.open(journal, clock=ManualClock(day_start(day))) as ledger:
        li, wang, writer = small_town(ledger, book, day)
        reserved = writer.leg(li, wang, 2_000_00, PENDING)
        voided = writer.leg(AS_PENDING, AS_PENDING, WHOLE, VOID, memo=writer.count)
        voided["action"] = 0
        writer.post([reserved, voided, writer.leg(li, wang, 900_00), writer.leg(li, wang, 800_00)])
    tried = tried_text(limit("day", "t4 = 1_500", "2027-12-02"))
    question = Question(tried, mode=Mode.SUMS_FOLLOW)
    _, ours = replayed(journal, question, work=tmp_path / "work", to=tmp_path / "to")
    assert sorted(change.amount_fen for change in ours.values()) == [800_00, 2_000_00]
    assert not any(change.is_admitted for change in ours.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_law_as_it_stands_changes_nothing_whichever_way(seed: int, tmp_path: Path) -> None:
    journal = write_world(tmp_path / "journal", seed)
    for mode in Mode:
        result = replay(journal, Question(NOTHING, mode=mode), work=tmp_path / "work")
        part = result.summary.changed
        assert (part.refused, part.admitted, result.summary.left_out) == (0, 0, 0)
        assert result.summary.months_after == result.summary.months_before


def test_closing_an_account_that_is_not_empty_now_is_left_out_and_counted(tmp_path: Path) -> None:
    """Li paid all he had to Wang and closed his account. Had the payment been refused, he could not have."""
    day = date(2027, 12, 22)
    book = law_of("cn-sh", day, day + timedelta(days=2))
    with Ledger.open(tmp_path / "journal", clock=ManualClock(day_start(day))) as ledger:
        li, wang, writer = small_town(ledger, book, day)
        writer.post(
            [writer.leg(li, wang, 2_000_00), writer.leg(li, wang, 2_000_00), writer.leg(li, wang, 1_000_00)]
        )
        ledger.record(AccountClosed(li, "gone"))
        writer.post([writer.leg(wang, li, 1_00)])
    question = Question(tried_text(limit("day", "t4 = 4_000", "2027-12-02")), mode=Mode.MONEY_FOLLOWS)
    result, ours = replayed(tmp_path / "journal", question, work=tmp_path / "work", to=tmp_path / "to")
    assert result.summary.left_out == 1
    plain, ledger_then = money_follows(tmp_path / "journal", question.tried)
    assert ledger_then.left_out == 1
    same({key: without_old_reasons(each) for key, each in ours.items()}, plain)
    changes = sorted((change.amount_fen, change.is_admitted) for change in ours.values())
    assert changes == [(1_00, True), (1_000_00, False)], "to an account that is open still, Wang may pay"


def test_a_frozen_account_stays_frozen_whatever_the_law(tmp_path: Path) -> None:
    day = date(2027, 12, 22)
    book = law_of("cn-sh", day, day + timedelta(days=2))
    with Ledger.open(tmp_path / "journal", clock=ManualClock(day_start(day))) as ledger:
        li, wang, writer = small_town(ledger, book, day)
        ledger.record(FreezeOrdered(li, "order 1", "court", may_receive=True, keep_fen=None))
        writer.post([writer.leg(li, wang, 3_000_00), writer.leg(wang, li, 3_000_00)])
    free = tried_text(REFORMS["raise every cap"].replace("2027-07-01", "2027-12-02"))
    for mode in Mode:
        work, to = tmp_path / "work", tmp_path / mode
        _, ours = replayed(tmp_path / "journal", Question(free, mode=mode), work=work, to=to)
        assert [(change.amount_fen, change.is_admitted) for change in ours.values()] == [(3_000_00, True)]


def test_the_worlds_reach_what_they_are_for(tmp_path: Path) -> None:
    results: Counter[Result] = Counter()
    laws = shared = 0
    for seed in SEEDS:
        journal, work = write_world(tmp_path / f"{seed}", seed), tmp_path / f"work-{seed}"
        recorded = prepared(journal, work)
        laws = max(laws, len(recorded.books))
        for rows in questions_of(recorded):
            results.update(Result(result) for result in rows["result"].tolist())
            shared += int((rows["person"] != rows["debit"]).sum())
    assert {Result.CREATED, Result.REFUSED_BY_LAW, Result.EXCEEDS_CREDITS} <= set(results)
    assert laws > 1
    assert shared > 0


def test_a_law_that_counts_payments_is_told_what_it_cannot_be_asked(tmp_path: Path) -> None:
    journal = write_world(tmp_path / "journal", 3, counts=True)
    for mode in (Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW):
        with pytest.raises(NotReady, match=r"counts payments.*use money-follows"):
            replay(journal, Question(NOTHING, mode=mode), work=tmp_path / "work")
    result = replay(journal, Question(NOTHING, mode=Mode.MONEY_FOLLOWS), work=tmp_path / "work")
    assert result.summary.changed.refused == 0


def test_where_money_follows_there_is_no_base(tmp_path: Path) -> None:
    journal = write_world(tmp_path / "journal", 1)
    question = Question(NOTHING, base=NOTHING, mode=Mode.MONEY_FOLLOWS)
    with pytest.raises(NotReady, match="leave the base out"):
        replay(journal, question, work=tmp_path / "work")


def test_money_is_conserved_where_it_follows(tmp_path: Path) -> None:
    for seed in range(8):
        journal = write_world(tmp_path / f"{seed}", seed)
        for tried in TRIED.values():
            again = MoneyReplay(journal, tried)
            for _ in again.run():
                pass
            state = again.state
            for coin in state.register.coins.values():
                mine = state.accounts[state.accounts["coin"] == coin.number]
                assert int(mine["balance"].sum()) == 0
                held = state.accounts[state.holders_of(coin)]["balance"]
                assert int(held.sum()) == state.coins_outstanding(coin)
                assert (held >= 0).all()


def test_the_ledger_run_again_under_its_own_law_is_the_ledger(tmp_path: Path) -> None:
    journal = write_world(tmp_path / "journal", 2)
    again = MoneyReplay(journal, NOTHING)
    for _ in again.run():
        pass
    assert again.state.digest() == restart(journal, anew=True).state.digest()
    assert law(0).digest in {book.digest for book in history_of(journal)[1]}
