"""A bank statement becomes coins, once: what matches, what waits, and what happens when the process dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.errors import OrderError
from jiaozi.issuer.store import Order, Store
from jiaozi.ledger.facts import FreezeOrdered
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.results import Result
from tests.issuer.desk import Desk, credit, debit
from tests.world import COIN, order


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Chen's firm, the Distributor, ordered 30,000.00 and Li 5,000.00."""
    desk = Desk(tmp_path)
    order(desk.world, "JZ-2026-000001", "Distributor", 30_000_00)
    order(desk.world, "JZ-2026-000002", "Li", 5_000_00)
    yield desk
    desk.office.close()


def test_money_that_quotes_its_order_becomes_coins(desk: Desk) -> None:
    taken = desk.one(credit("30000.00", "JZ-2026-000001", key="a"))
    assert (taken.status, taken.reference, str(taken.note)) == ("issued", "JZ-2026-000001", "")
    assert desk.world.balance("Distributor") == 30_000_00
    kept = desk.store.order("JZ-2026-000001")
    assert kept is not None
    assert (kept.status, kept.entry_key) == ("issued", "a")


def test_the_shipped_morning_statement_is_taken_once_however_often_it_comes(desk: Desk) -> None:
    order(desk.world, "JZ-2026-000003", "Tea house", 7_500_000_00)
    first = desk.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    again = desk.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    assert (len(first.taken), first.known) == (5, 0)
    assert [entry.reference for entry in first.with_status("issued")] == ["JZ-2026-000003"]
    assert (len(again.taken), again.known) == (0, 5)
    desk.check()


@pytest.mark.parametrize(
    "spelling",
    [
        "JZ-2026-000001",
        "jz-2026-000001",
        "JZ 2026 000001",
        "JZ2026000001",
        "购币JZ2026000001请查收",
        "订单：ＪＺ－２０２６－０００００１。",
        "JZ–2026–000001",
        "JZ — 2026 — 000001",
        "JZ/2026/000001",
        "JZ.2026.000001,",
        "JZ_2026_000001",
        "invoice no. JZ-2026 -000001 of today",
    ],
)
def test_a_reference_is_found_as_people_write_it(desk: Desk, spelling: str) -> None:
    assert desk.one(credit("30000.00", "thank you", spelling, key="a")).status == "issued"


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        ((), "quotes no reference"),
        (("thank you",), "quotes no reference"),
        (("XJZ-2026-000001",), "quotes no reference"),
        (("JZ-2026-0000011",), "quotes no reference"),
        (("JZ-R-2026-000001",), "quotes no reference"),
        (("JZ-2026-000099",), "quotes JZ-2026-000099, which is no order for pujiang-cny"),
        (("JZ-2026-000001", "JZ-2026-000002"), "quotes several: JZ-2026-000001, JZ-2026-000002"),
        (("JZ-2026-000002",), "quotes JZ-2026-000002, which is about 5,000.00; 30,000.00 came in"),
    ],
)
def test_money_that_belongs_to_nothing_waits_with_the_reason(
    desk: Desk, texts: tuple[str, ...], note: str
) -> None:
    taken = desk.one(credit("30000.00", *texts, key="a"))
    assert (taken.status, str(taken.note)) == ("unmatched", note)
    assert desk.sheet("unmatched") == 30_000_00
    assert [entry.key for entry in desk.store.queue()] == ["a"]


def test_one_reference_twice_in_one_entry_is_one_reference(desk: Desk) -> None:
    assert desk.one(credit("30000.00", "JZ-2026-000001", "jz 2026 000001", key="a")).status == "issued"


def test_an_order_is_settled_once_and_the_second_payment_waits(desk: Desk) -> None:
    desk.one(credit("30000.00", "JZ-2026-000001", key="a"))
    second = desk.one(credit("30000.00", "JZ-2026-000001", key="b"))
    assert (second.status, str(second.note)) == (
        "unmatched",
        "quotes JZ-2026-000001, which is issued already",
    )


def test_a_statement_of_another_account_is_refused_whole(desk: Desk) -> None:
    with pytest.raises(OrderError, match="1001-EXAMPLE-0001; nothing was taken"):
        desk.take(credit("30000.00", "JZ-2026-000001", key="a"), account="9999")
    assert desk.store.entries() == []


def test_money_in_another_currency_is_not_booked(desk: Desk) -> None:
    taken = desk.one(credit("30000.00", "JZ-2026-000001", key="a", currency="HKD"))
    assert (taken.status, str(taken.note)) == ("unmatched", "in HKD; the coin is pegged to CNY; not booked")
    assert desk.sheet("reserve") == 0


@pytest.mark.parametrize("amount", ["30000.001", "0.005", "100000000000000000000"])
def test_an_amount_that_is_no_whole_fen_is_not_booked_and_says_so(desk: Desk, amount: str) -> None:
    taken = desk.one(credit(amount, "JZ-2026-000001", key="a"))
    assert taken.status == "unmatched"
    assert str(taken.note).startswith("not booked: ")


def test_trailing_noughts_are_no_part_of_a_fen(desk: Desk) -> None:
    assert desk.one(credit("30000.00000", "JZ-2026-000001", key="a")).status == "issued"


def test_an_entry_of_nothing_is_told_and_not_booked(desk: Desk) -> None:
    assert "not booked" in str(desk.one(credit("0.00", key="a")).note)


def test_entries_that_are_not_booked_by_the_bank_yet_are_passed_over(desk: Desk) -> None:
    pending = credit("30000.00", "JZ-2026-000001", key="a", status="PDNG")
    assert desk.take(pending, credit("1.00", key="i", status="INFO")).taken == ()
    assert desk.one(credit("30000.00", "JZ-2026-000001", key="a")).status == "issued"


# Refused by law: the money is there, the coins are not


def test_an_order_beyond_the_balance_cap_is_refused_and_its_money_waits(desk: Desk) -> None:
    order(desk.world, "JZ-2026-000003", "Li", 10_000_01)
    taken = desk.one(credit("10000.01", "JZ-2026-000003", key="a"))
    assert taken.status == "unmatched"
    assert str(taken.note) == "JZ-2026-000003: refused by law (cn-sh.issue/balance_cap)"
    refused = desk.store.order("JZ-2026-000003")
    assert refused is not None
    assert (refused.status, str(refused.note)) == ("refused", "refused by law (cn-sh.issue/balance_cap)")
    again = desk.one(credit("10000.01", "JZ-2026-000003", key="b"))
    assert str(again.note).endswith("which is refused already: refused by law (cn-sh.issue/balance_cap)")


def test_an_order_beyond_the_cap_of_the_consent_is_refused(desk: Desk) -> None:
    order(desk.world, "JZ-2026-000003", "Distributor", 10_000_000_000_01)
    taken = desk.one(credit("10000000000.01", "JZ-2026-000003", key="a"))
    assert str(taken.note) == "JZ-2026-000003: refused by law (cn-sh.issue/supply_cap)"
    assert desk.sheet("unmatched") == 10_000_000_000_01


def test_an_order_for_a_frozen_account_or_none_is_refused(desk: Desk) -> None:
    desk.ledger.record(FreezeOrdered(desk.world.holders["Li"], "1", "court", False, 0))
    assert str(desk.one(credit("5000.00", "JZ-2026-000002", key="a")).note).endswith("frozen by order")
    desk.store.add_orders([Order("JZ-2026-000004", COIN, 4_000, 1_00)])
    assert str(desk.one(credit("1.00", "JZ-2026-000004", key="b")).note).endswith("account does not exist")


# Money that goes out


def redeemed(desk: Desk) -> str:
    desk.one(credit("30000.00", "JZ-2026-000001", key="in"))
    requested = desk.office.redeem(COIN, desk.world.holders["Distributor"], 12_000_00)
    assert requested.redemption is not None
    return requested.redemption.reference


def test_a_debit_that_quotes_a_redemption_pays_it(desk: Desk) -> None:
    reference = redeemed(desk)
    assert desk.sheet("redemptions") == 12_000_00
    taken = desk.one(debit("12000.00", reference, key="out"))
    assert (taken.status, taken.reference) == ("paid out", reference)
    assert desk.sheet("redemptions") == 0
    kept = desk.store.redemption(reference)
    assert kept is not None
    assert kept.status == "paid"
    assert str(desk.one(debit("12000.00", reference, key="twice")).note).endswith("which is paid already")


@pytest.mark.parametrize(
    ("amount", "text", "note"),
    [
        ("15.00", "account fee", "money went out that quotes no single redemption"),
        ("15.00", "JZ-R-2026-000077", "quotes JZ-R-2026-000077, which is no redemption of pujiang-cny"),
        ("15.00", "JZ-R-2026-000001", "quotes JZ-R-2026-000001, which is about 12,000.00"),
        ("12000.00", "JZ-2026-000001", "money went out that quotes no single redemption"),
    ],
)
def test_a_debit_that_pays_no_redemption_waits(desk: Desk, amount: str, text: str, note: str) -> None:
    redeemed(desk)
    taken = desk.one(debit(amount, text, key="out"))
    assert (taken.status, str(taken.note)) == ("unmatched", note)
    assert desk.sheet("redemptions") == 12_000_00


# The process dies between the ledger and the tables


class Died(Exception):
    """The process is gone."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The named steps of the store die once each."""
    names: list[str] = []
    for name in ("take", "refuse"):
        real = getattr(Store, name)

        def step(self: Store, *args: object, name: str = name, real: object = real) -> None:
            if name in names:
                names.remove(name)
                raise Died(name)
            real(self, *args)  # type: ignore[operator]

        monkeypatch.setattr(Store, name, step)
    return names


@pytest.mark.parametrize(("texts", "status"), [(("JZ-2026-000001",), "issued"), (("nothing",), "unmatched")])
def test_a_statement_taken_again_after_a_crash_is_booked_once(
    desk: Desk, dying: list[str], texts: tuple[str, ...], status: str
) -> None:
    dying.append("take")
    entry = credit("30000.00", *texts, key="a")
    with pytest.raises(Died):
        desk.take(entry)
    booked = desk.ledger.at_cut(lambda state, _: state.activity.results[Result.CREATED])
    assert desk.one(entry).status == status
    assert desk.ledger.at_cut(lambda state, _: state.activity.results[Result.CREATED]) == booked
    assert desk.sheet("reserve") == -30_000_00


def test_a_second_payment_before_the_first_was_told_of_does_not_take_its_place(
    desk: Desk, dying: list[str]
) -> None:
    """The first entry was booked and the process died; another entry with its reference comes before it."""
    dying.append("take")
    first, second = (credit("30000.00", "JZ-2026-000001", key=key) for key in "ab")
    with pytest.raises(Died):
        desk.take(first)
    (taken,) = desk.take(second).taken
    assert (taken.status, str(taken.note)) == ("unmatched", "quotes JZ-2026-000001, which is issued already")
    assert desk.one(first).status == "issued"
    assert desk.sheet("reserve") == -60_000_00


def test_an_order_that_appears_after_its_money_was_booked_does_not_book_it_twice(
    desk: Desk, dying: list[str]
) -> None:
    dying.append("take")
    entry = credit("700.00", "JZ-2026-000007", key="a")
    with pytest.raises(Died):
        desk.take(entry)
    order(desk.world, "JZ-2026-000007", "Distributor", 700_00)
    assert desk.one(entry).status == "unmatched"
    assert desk.sheet("unmatched") == 700_00


@pytest.mark.parametrize("step", ["take", "refuse"])
def test_a_refusal_by_law_survives_a_crash(desk: Desk, dying: list[str], step: str) -> None:
    order(desk.world, "JZ-2026-000003", "Li", 10_000_01)
    dying.append(step)
    entry = credit("10000.01", "JZ-2026-000003", key="a")
    with pytest.raises(Died):
        desk.take(entry)
    taken = desk.one(entry)
    assert taken.status == "unmatched"
    assert "refused" in str(taken.note)
    assert desk.sheet("unmatched") == 10_000_01
    kept = desk.store.order("JZ-2026-000003")
    assert kept is not None
    assert kept.status == "refused"


def test_a_payout_survives_a_crash(desk: Desk, dying: list[str]) -> None:
    reference = redeemed(desk)
    dying.append("take")
    entry = debit("12000.00", reference, key="out")
    with pytest.raises(Died):
        desk.take(entry)
    assert desk.one(entry).status == "paid out"
    assert desk.sheet("redemptions") == 0


def test_a_statement_taken_after_the_ledger_was_opened_again(desk: Desk, dying: list[str]) -> None:
    dying.append("take")
    entry = credit("30000.00", "JZ-2026-000001", key="a")
    with pytest.raises(Died):
        desk.take(entry)
    desk.ledger.close()
    desk.ledger = desk.office.ledger = Ledger.open(desk.office.folder / "journal", clock=desk.world.clock)
    assert desk.one(entry).status == "issued"
