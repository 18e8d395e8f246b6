"""Offices for the tests of backup, and what they do to files."""

from __future__ import annotations

from pathlib import Path

from jiaozi.bank import EXAMPLES
from jiaozi.clock import Instant
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal
from tests.world import COIN, World, at, found, order

MADE = at("2026-12-15 20:00")


def working_office(folder: Path) -> World:
    """Found an office whose Distributor has 30,000,000.00, with one redemption and a signed evening."""
    world = found(folder)
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    assert world.office.redeem(COIN, world.holders["Distributor"], 12_000_00).redemption
    world.office.order_payouts(COIN, "PAYOUT-1")
    world.office.close_day(COIN)
    return world


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def journal_only(folder: Path, start: int, count: int) -> None:
    """Write frames into the journal of *folder*, two a segment."""
    with Journal.open(folder / "journal", segment_bytes=200) as journal:
        for number in range(start, start + count):
            journal.append(
                FrameKind.FACTS, Instant(number), bytes(32), [b"[] %d" % number], follows=number - 1
            ).result()


def flip(path: Path, at_byte: int, bit: int = 0) -> None:
    raw = bytearray(path.read_bytes())
    raw[at_byte] ^= 1 << bit
    path.write_bytes(raw)
