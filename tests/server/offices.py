"""Offices to look at: a small one with something of everything, and how money comes into it."""

from __future__ import annotations

from pathlib import Path

from jiaozi.issuer.notes import Note
from jiaozi.issuer.sheet import Leg, chain
from jiaozi.issuer.store import BankEntry
from jiaozi.ledger.facts import FreezeOrdered
from jiaozi.ledger.records import BOOK, ISSUE
from tests.world import COIN, ZONE, World, found, order

EVIL = "<script>alert('x')</script>"
COURT_ORDER = "(2026) 0115 no. 88"


def issue(world: World, holder: str, amount_fen: int, name: str) -> None:
    """Let bank money come in and coins go out to *holder*."""
    ledger = world.office.ledger
    sheet = ledger.state.register.coin(COIN).sheet
    assert sheet is not None
    legs = [
        Leg(("money", name), sheet.reserve, sheet.client_money, amount_fen, BOOK),
        Leg(("issue", name), sheet.client_money, world.holders[holder], amount_fen, ISSUE),
    ]
    outcome = ledger.post(chain(legs, ledger.state.words.place_codes[ZONE]))
    assert outcome.created == 2


def unmatched(world: World, key: str, amount_fen: int, *, counterparty: str, text: str, note: Note) -> None:
    """Let bank money come in that belongs to nothing."""
    ledger = world.office.ledger
    sheet = ledger.state.register.coin(COIN).sheet
    assert sheet is not None
    leg = Leg(("unmatched", key), sheet.reserve, sheet.unmatched, amount_fen, BOOK)
    assert ledger.post(chain([leg], ledger.state.words.place_codes[ZONE])).created == 1
    world.office.store.take(
        BankEntry(
            key=key,
            coin=COIN,
            statement="2026-12-15",
            file_digest="0" * 64,
            amount_fen=amount_fen,
            is_credit=1,
            booked="2026-12-15",
            counterparty=counterparty,
            text=text,
            status="unmatched",
            reference="",
            note=note,
        )
    )


def lively(folder: Path) -> World:
    """An office in which something of everything has happened, and no checkpoint was signed yet."""
    world = found(folder)
    issue(world, "Li", 4_000_00, "first")
    issue(world, "Tea house", 1_000_00, "second")
    world.clock.advance(60)
    assert world.pay("Li", "Tea house", 120_50)[0] == "created"
    assert world.pay("Li", "Tea house", 2_000_01) == ("refused_by_law", ("cn-sh.pay/single_cap",))
    assert world.pay("Visitor", "Tea house", 1_00)[0] == "refused_by_law"
    world.clock.advance(60)
    world.office.ledger.record(
        FreezeOrdered(world.holders["Wang"], COURT_ORDER, "Pudong court", True, None),
        FreezeOrdered(world.holders["Zhao"], "police 12", "Shanghai police", False, 300_00),
    )
    world.pay("Wang", "Tea house", 5_00)
    assert world.office.redeem(COIN, world.holders["Tea house"], 200_00).redemption
    order(world, "JZ-2026-000001", "Wang", 250_00)
    unmatched(world, "e1", 75_00, counterparty=EVIL, text="货款 & more", note=Note("quotes_nothing"))
    return world
