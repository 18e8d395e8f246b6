"""Coins given back at par: burned once, owed, paid before the law's deadline."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from jiaozi.errors import CalendarError, OrderError
from jiaozi.issuer import redeem
from jiaozi.issuer.store import Store
from jiaozi.ledger.facts import FreezeLifted, FreezeOrdered
from jiaozi.ledger.results import Result
from jiaozi.people.parties import Party
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, read_folder
from tests.issuer.desk import Desk, credit
from tests.world import COIN, ZONE, at, order


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The Distributor holds 30,000.00."""
    desk = Desk(tmp_path)
    order(desk.world, "JZ-2026-000001", "Distributor", 30_000_00)
    desk.one(credit("30000.00", "JZ-2026-000001", key="in"))
    yield desk
    desk.office.close()


def ask(desk: Desk, fen: int, holder: str = "Distributor") -> redeem.Requested:
    return desk.office.redeem(COIN, desk.world.holders[holder], fen)


def test_coins_are_burned_and_bank_money_is_owed(desk: Desk) -> None:
    requested = ask(desk, 12_000_00)
    assert requested.refused is None
    redemption = requested.redemption
    assert redemption is not None
    assert (redemption.reference, redemption.status) == ("JZ-R-2026-000001", "burned")
    assert (redemption.deadline, redemption.duty) == ("2026-12-16", "cn-sh.redeem_in_time")
    assert desk.store.redemption("JZ-R-2026-000001") == redemption
    assert desk.world.balance("Distributor") == 18_000_00
    assert desk.sheet("redemptions") == 12_000_00


@pytest.mark.parametrize(("fen", "created"), [(29_999_99, 1), (30_000_00, 1), (30_000_01, 0)])
def test_a_redemption_above_the_balance_is_refused(desk: Desk, fen: int, created: int) -> None:
    requested = ask(desk, fen)
    assert (requested.redemption is not None) == bool(created)
    if not created:
        assert requested.refused is not None
        assert requested.refused.results.tolist() == [Result.EXCEEDS_CREDITS]
        assert desk.world.balance("Distributor") == 30_000_00


def test_a_refused_request_does_not_stand_in_the_way_of_the_next(desk: Desk) -> None:
    """A refusal is final for its id, so the next request must have another."""
    assert ask(desk, 30_000_01).refused is not None
    assert ask(desk, 30_000_01).refused is not None
    after = ask(desk, 30_000_00).redemption
    assert after is not None
    assert after.reference == "JZ-R-2026-000003"
    assert [redemption.status for redemption in desk.store.redemptions()] == ["refused", "refused", "burned"]


def test_a_frozen_holder_cannot_redeem_until_the_order_is_lifted(desk: Desk) -> None:
    account = desk.world.holders["Distributor"]
    desk.ledger.record(FreezeOrdered(account, "order 1", "court", True, None))
    requested = ask(desk, 1_00)
    assert requested.refused is not None
    assert requested.refused.results.tolist() == [Result.DEBIT_ACCOUNT_FROZEN]
    desk.ledger.record(FreezeLifted(account, "order 1", "lifted"))
    assert ask(desk, 1_00).redemption is not None


@pytest.mark.parametrize("fen", [0, -1, 10**17 + 1, 2**63, 2**80])
def test_what_is_no_amount_is_no_request(desk: Desk, fen: int) -> None:
    with pytest.raises(OrderError, match="an amount is 1 to"):
        ask(desk, fen)
    assert desk.store.redemptions() == []


@pytest.mark.parametrize("account", [-1, 999, 2**32])
def test_what_is_no_account_is_no_request(desk: Desk, account: int) -> None:
    with pytest.raises(OrderError, match="no account"):
        desk.office.redeem(COIN, account, 1_00)


def test_requests_of_many_at_once_each_get_a_reference_of_their_own(desk: Desk) -> None:
    with ThreadPoolExecutor(6) as pool:
        asked = list(pool.map(lambda _: ask(desk, 1_00), range(30)))
    references = {requested.redemption.reference for requested in asked if requested.redemption}
    assert len(references) == 30
    assert desk.sheet("redemptions") == 30_00


# The process dies between the tables and the ledger


def test_coins_burned_before_a_crash_are_still_owed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("gone")

    monkeypatch.setattr(Store, "decide_redemption", dies)
    with pytest.raises(RuntimeError):
        ask(desk, 12_000_00)
    monkeypatch.undo()
    (open_request,) = desk.store.redemptions()
    assert open_request.status == "requested"
    assert desk.sheet("redemptions") == 12_000_00

    (finished,) = redeem.finish(desk.ledger, desk.store)
    assert (finished.status, finished.amount_fen) == ("burned", 12_000_00)
    assert redeem.finish(desk.ledger, desk.store) == []
    second = ask(desk, 12_000_00).redemption
    assert second is not None
    assert second.reference == "JZ-R-2026-000002"
    assert desk.sheet("redemptions") == 24_000_00


def test_a_request_that_never_reached_the_ledger_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(desk.ledger), "post", lambda *_: (_ for _ in ()).throw(RuntimeError("gone")))
    with pytest.raises(RuntimeError):
        ask(desk, 12_000_00)
    monkeypatch.undo()
    (finished,) = redeem.finish(desk.ledger, desk.store)
    assert finished.status == "refused"
    assert desk.world.balance("Distributor") == 30_000_00


# The payout


def test_the_payout_names_every_redemption_and_is_ordered_once(desk: Desk) -> None:
    ask(desk, 1_000_00)
    ask(desk, 30_000_00)  # refused: it must not be paid
    ask(desk, 2_000_00)
    text = desk.office.order_payouts(COIN, "PAYOUT-1").read_text()
    assert "JZ-R-2026-000001" in text
    assert "JZ-R-2026-000002" not in text
    assert "JZ-R-2026-000003" in text
    with pytest.raises(OrderError, match="no redemption of pujiang-cny waits"):
        desk.office.order_payouts(COIN, "PAYOUT-2")


def test_without_a_bank_account_on_file_nothing_is_ordered(desk: Desk) -> None:
    requested = ask(desk, 1_000_00)
    assert requested.redemption is not None
    bank = desk.store.bank(COIN)
    assert bank is not None
    for party in (None, Party(requested.redemption.account, "Distributor", "")):
        with pytest.raises(OrderError, match="no bank account on file"):
            redeem.order_payout(
                desk.store, bank, [requested.redemption], lambda _, party=party: party,  # type: ignore[misc]
                message_id="P", instant=desk.world.clock(), execution_day=date(2026, 12, 15), currency="CNY",
                folder=desk.office.folder / "outbox",
            )  # fmt: skip
    kept = desk.store.redemption(requested.redemption.reference)
    assert kept is not None
    assert kept.status == "burned"


# The deadline: one business day, as the notices on file count them


def law_from(day: str) -> Book:
    """Return the draft as if it had begun on *day*."""
    texts = dict(read_folder(drafts=[ZONE]).texts)
    texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("2026-12-01", day)
    return read(texts, drafts=[ZONE])


@pytest.mark.parametrize(
    ("asked", "last_day"),
    [
        ("2026-12-15 10:00", date(2026, 12, 16)),
        ("2026-12-15 23:59:59.999999", date(2026, 12, 16)),
        ("2026-12-18 10:00", date(2026, 12, 21)),  # Friday to Monday
        ("2026-12-19 10:00", date(2026, 12, 21)),  # Saturday
        ("2026-09-30 10:00", date(2026, 10, 8)),  # over the National Day week
        ("2026-10-04 10:00", date(2026, 10, 8)),
        ("2026-10-08 10:00", date(2026, 10, 9)),
        ("2026-10-09 10:00", date(2026, 10, 10)),  # a Saturday that is worked
        ("2026-10-10 10:00", date(2026, 10, 12)),
    ],
)
def test_the_deadline_is_the_next_business_day(desk: Desk, asked: str, last_day: date) -> None:
    law = law_from("2026-09-01")
    duty, found = redeem.deadline(law, desk.office.calendars, ZONE, at(asked))
    assert (duty.id, found) == ("cn-sh.redeem_in_time", last_day)


def test_a_year_whose_notice_is_not_on_file_is_not_guessed(desk: Desk) -> None:
    last_known = max(desk.office.calendars["cn"].years)
    with pytest.raises(CalendarError, match=r"add the official notice to law/calendars/cn\.toml"):
        redeem.deadline(desk.office.book, desk.office.calendars, ZONE, at(f"{last_known}-12-31 10:00"))
    desk.world.clock.set(at(f"{last_known}-12-31 10:00"))
    with pytest.raises(CalendarError):
        ask(desk, 1_00)
    assert desk.world.balance("Distributor") == 30_000_00
    assert desk.store.redemptions() == []


def test_where_the_law_sets_no_time_no_request_is_taken(desk: Desk) -> None:
    with pytest.raises(OrderError, match="sets no time"):
        redeem.deadline(desk.office.book, desk.office.calendars, ZONE, at("2026-11-30 23:59"))
