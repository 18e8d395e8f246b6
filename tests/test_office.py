"""The office calls the rooms in the right order: a day from the bank's statement to the signed evening."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.errors import JournalBusy, NotReady, OrderError, StatementError
from jiaozi.ledger.results import Result
from jiaozi.office import Office
from tests.world import COIN, ZONE, World, found, order


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The Distributor's order for 30,000,000.00 was paid and issued in the morning."""
    world = found(tmp_path)
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    yield world
    world.office.close()


def test_a_payment_is_booked_and_a_refusal_names_its_rule(world: World) -> None:
    assert world.pay("Distributor", "Li", 3_000_00) == ("created", ())
    assert world.pay("Li", "Tea house", 2_000_00) == ("created", ())
    assert world.pay("Li", "Tea house", 2_000_01) == ("refused_by_law", ("cn-sh.pay/single_cap",))
    assert world.pay("Visitor", "Li", 1) == ("refused_by_law", ("cn-sh.pay/known_payer",))
    assert world.balance("Li") == 1_000_00


def test_a_holder_sees_his_own_lines_newest_first_with_refusals(world: World) -> None:
    world.pay("Distributor", "Li", 3_000_00)
    world.pay("Li", "Tea house", 9_000_00)
    lines = world.office.lines(world.holders["Li"])
    assert [(line.is_out, line.amount_fen, line.result) for line in lines] == [
        (True, 9_000_00, Result.REFUSED_BY_LAW),
        (False, 3_000_00, Result.CREATED),
    ]
    assert world.office.lines(world.holders["Li"], limit=1) == lines[:1]


def test_what_is_redeemed_is_ordered_from_the_bank_once(world: World) -> None:
    requested = world.office.redeem(COIN, world.holders["Distributor"], 12_000_00)
    assert requested.redemption is not None
    path = world.office.order_payouts(COIN, "PAYOUT-20261215")
    assert path == world.office.folder / "outbox" / "PAYOUT-20261215.pain001.xml"
    assert requested.redemption.reference in path.read_text(encoding="utf-8")
    with pytest.raises(OrderError, match="waits for its payout"):
        world.office.order_payouts(COIN, "PAYOUT-2")


def test_the_overview_is_of_one_instant_and_balances(world: World) -> None:
    world.pay("Distributor", "Wang", 5_000_00)
    seen = world.office.overview(COIN)
    assert seen.outstanding == seen.balance_sum == 30_000_000_00
    assert seen.is_backed


def test_the_evening_is_signed_and_a_holder_gets_his_proof(world: World) -> None:
    world.pay("Distributor", "Wang", 5_000_00)
    evening = world.office.close_day(COIN)
    assert evening.note_path.is_file()
    assert '"balance":"500000"' in world.office.proof(COIN, world.holders["Wang"])


def test_a_broken_statement_takes_nothing(world: World) -> None:
    before = world.office.ledger.sequence
    with pytest.raises(StatementError):
        world.office.take_statement(EXAMPLES / "broken.camt053.xml", COIN)
    with pytest.raises(OrderError, match="no bank account was named"):
        world.office.take_statement(EXAMPLES / "2026-12-15-evening.camt053.xml", "no-such-coin")
    assert world.office.ledger.sequence == before


def test_everything_is_there_after_closing_and_opening_again(world: World) -> None:
    world.pay("Distributor", "Li", 3_000_00)
    office = world.office
    digest, master = office.ledger.state.digest(), office.master
    with pytest.raises(JournalBusy):
        Office.open(office.folder, clock=world.clock)
    office.close()
    with pytest.raises(NotReady):
        office.pay(world.holders["Li"], world.holders["Wang"], 1, place=ZONE)
    with Office.open(office.folder, clock=world.clock) as again:
        assert again.ledger.state.digest() == digest
        assert again.master == master
        assert len(again.store.queue()) == 4
        party = again.parties.find(world.holders["Li"])
        assert party is not None
        assert party.name == "Li"


def test_keys_are_for_the_owner_alone(world: World) -> None:
    office = world.office
    assert office.signer("issuer").verifier_key == office.signer("issuer").verifier_key
    assert len(office.master) == 32
    for path in (office.folder / "keys", *(office.folder / "keys").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
