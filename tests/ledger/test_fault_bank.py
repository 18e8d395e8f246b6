"""A process that dies between bank and ledger, at any step: coins are issued once, the payout is sent once."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from random import Random

import pytest

from jiaozi.clock import ManualClock
from jiaozi.errors import OrderError
from jiaozi.issuer import outbox
from jiaozi.ledger.restart import restart
from jiaozi.office import Office
from tests.issuer.desk import Desk
from tests.ledger.faults.nursery import Nursery
from tests.ledger.faults.rounds import TORTURE, log
from tests.ledger.faults.victims import DIED, DISTRIBUTOR, REDEEMED_FEN
from tests.ledger.invariants import check
from tests.world import COIN, World, at, found, order

ORDERED_FEN = 30_000_000_00


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with one order that waits for its money."""
    folder = tmp_path_factory.mktemp("morning") / "office"
    world = found(folder)
    order(world, "JZ-2026-000001", "Distributor", ORDERED_FEN)
    assert world.holders["Distributor"] == DISTRIBUTOR
    world.office.close()
    return folder


def fetched(folder: Path, bank: Path) -> None:
    """Let the bank take away the payment orders that it finds."""
    for path in sorted((folder / "outbox").glob("*.pain001.xml")):
        path.rename(bank / f"{len(list(bank.iterdir()))} {path.name}")


def test_a_day_that_is_cut_off_at_any_step_is_finished_once(
    nursery: Nursery, morning: Path, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    shutil.copytree(morning, tmp_path / "whole")
    assert nursery.run("day", str(tmp_path / "whole"), str(count), 0) == 0
    total = int(count.read_text())
    print(f"{total} steps")
    assert total > 40
    steps = list(range(1, total + 1))
    for number, step in enumerate(steps if TORTURE else sorted(Random().sample(steps, 6)), start=1):
        folder, bank = tmp_path / f"died before {step}", tmp_path / f"bank {step}"
        shutil.copytree(morning, folder)
        bank.mkdir()
        assert nursery.run("day", str(folder), str(count), step) == DIED
        fetched(folder, bank)
        # It dies once more on the way back, at another place, and then lives.
        again = nursery.run("day", str(folder), str(count), Random(step).randrange(1, total))
        assert again in (0, DIED)
        fetched(folder, bank)
        assert nursery.run("day", str(folder), str(count), 0) == 0
        fetched(folder, bank)
        check_day(folder, bank)
        shutil.rmtree(folder)
        if TORTURE and number % 100 == 0:
            log(f"bank and ledger: died before {number} of {total} steps")


def check_day(folder: Path, bank: Path) -> None:
    """The coins were issued once and burned once, the payout sent once, and nothing is left to do."""
    orders = "".join(path.read_text() for path in bank.iterdir())
    assert re.findall(r"<EndToEndId>(.*?)</EndToEndId>", orders) == ["JZ-R-2026-000001"] or (
        # A request that died before the ledger was asked is refused, and its number is not given again.
        len(re.findall(r"<EndToEndId>JZ-R-2026-00000\d</EndToEndId>", orders)) == 1
    )
    assert list((folder / "outbox").iterdir()) == []
    with Office.open(folder, clock=ManualClock(at("2026-12-15 13:00"))) as office:
        state, store = office.ledger.state, office.store
        coin = state.register.coin(COIN)
        check(state)
        assert state.issued(coin) == ORDERED_FEN
        assert state.redeemed(coin) == REDEEMED_FEN
        assert state.accounts["balance"][DISTRIBUTOR] == ORDERED_FEN - REDEEMED_FEN
        assert [each.status for each in store.orders()] == ["issued"]
        assert sorted(each.status for each in store.redemptions())[0] == "paid"
        assert {each.status for each in store.redemptions()} <= {"paid", "refused"}
        in_bank = sum(each.amount_fen if each.is_credit else -each.amount_fen for each in store.entries())
        assert state.reserve_value(coin) == in_bank
        digest = state.digest()
    assert restart(folder / "journal", anew=True).state.digest() == digest


# The outbox


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "office")
    order(desk.world, "JZ-2026-000001", "Distributor", ORDERED_FEN)
    from jiaozi.bank import EXAMPLES

    desk.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    assert ask(desk.world, 1_000_00)
    return desk


def ask(world: World, fen: int) -> bool:
    return world.office.redeem(COIN, world.holders["Distributor"], fen).redemption is not None


def test_an_order_asked_for_again_under_its_name_is_the_same_order(desk: Desk) -> None:
    path = desk.office.order_payouts(COIN, "PAYOUT-1")
    before = path.read_bytes()
    assert desk.office.order_payouts(COIN, "PAYOUT-1") == path
    assert ask(desk.world, 2_000_00)
    with pytest.raises(OrderError, match="there is a payment order PAYOUT-1 already"):
        desk.office.order_payouts(COIN, "PAYOUT-1")
    assert path.read_bytes() == before
    second = desk.office.order_payouts(COIN, "PAYOUT-2").read_text()
    assert "JZ-R-2026-000001" not in second
    assert "JZ-R-2026-000002" in second


def test_an_order_that_nothing_was_noted_of_goes_and_its_redemptions_wait(desk: Desk) -> None:
    folder = desk.office.folder / "outbox"
    folder.mkdir()
    (folder / f"PAYOUT-1{outbox.PART}").write_text("half an ord")
    assert outbox.finish(desk.store, folder) == []
    assert list(folder.iterdir()) == []
    assert "JZ-R-2026-000001" in desk.office.order_payouts(COIN, "PAYOUT-1").read_text()


def test_an_order_that_was_noted_and_not_sent_is_sent_when_the_office_opens(desk: Desk) -> None:
    path = desk.office.order_payouts(COIN, "PAYOUT-1")
    content = path.read_bytes()
    desk.office.close()
    path.rename(path.with_name(f"PAYOUT-1{outbox.PART}"))
    with Office.open(desk.office.folder, clock=desk.world.clock):
        assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == content


def test_a_full_disk_orders_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr(outbox, "sync_file", full)
        with pytest.raises(OSError, match="No space left"):
            desk.office.order_payouts(COIN, "PAYOUT-1")
    assert list((desk.office.folder / "outbox").iterdir()) == []
    assert [each.status for each in desk.store.redemptions()] == ["burned"]
    assert desk.office.order_payouts(COIN, "PAYOUT-1").exists()


def test_of_two_orders_for_one_redemption_the_second_is_refused(desk: Desk) -> None:
    waiting = desk.store.redemptions(status="burned")
    folder = desk.office.folder / "outbox"
    outbox.send(desk.store, folder, "PAYOUT-1", b"first", waiting)
    with pytest.raises(OrderError, match="paid or ordered meanwhile; nothing was sent"):
        outbox.send(desk.store, folder, "PAYOUT-2", b"second", waiting)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"first"]
