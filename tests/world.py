"""A small world for tests: an issuer in the pilot zone, its coin, a few holders, on real files.

The names are invented. The law is the one shipped, with the Shanghai draft.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jiaozi.clock import SHANGHAI, Instant, ManualClock, instant_of
from jiaozi.issuer.sheet import open_sheet
from jiaozi.issuer.store import Order, ReserveBank
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    IssuerRegistered,
    LicenceGranted,
)
from jiaozi.ledger.records import openings
from jiaozi.office import Office
from jiaozi.people.parties import Party
from jiaozi.rulebook.reading.read import read_folder

COIN = "pujiang-cny"
ISSUER = "pujiang-pay"
ZONE = "cn-sh"
BANK_ACCOUNT = "1001-EXAMPLE-0001"
CAP_FEN = 10_000_000_000_00


def at(text: str) -> Instant:
    """Return the instant of `2026-12-15 10:00` on Shanghai's clock."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SHANGHAI)))


@dataclass
class World:
    """An open office with its clock; `holders` maps a name to an account number."""

    office: Office
    clock: ManualClock
    holders: dict[str, int]

    def pay(self, payer: str, payee: str, amount_fen: int) -> tuple[str, tuple[str, ...]]:
        """Pay and return the result's name with the reasons, in the language of payments."""
        from jiaozi.ledger.results import Result

        outcome = self.office.pay(self.holders[payer], self.holders[payee], amount_fen, place=ZONE)
        return Result(int(outcome.results[0])).name.lower(), self.office.ledger.reasons(outcome, 0)

    def balance(self, holder: str) -> int:
        return int(self.office.ledger.state.accounts[self.holders[holder]]["balance"])


HOLDERS = {
    "Distributor": ("registered firm", "t1"),
    "Tea house": ("registered firm", "t1"),
    "Li": ("resident", "t4"),
    "Wang": ("resident", "t3"),
    "Zhao": ("resident", "t2"),
    "Visitor": ("visitor", "t4"),
}


def found(folder: Path, *, start: str = "2026-12-15 08:00") -> World:
    """Found an office in *folder*: law enacted, issuer licensed and consented, holders opened, no coins yet."""
    clock = ManualClock(at(start))
    office = Office.open(folder, clock=clock)
    office.enact(read_folder(drafts=[ZONE]))
    office.ledger.record(
        IssuerRegistered(ISSUER, ZONE),
        LicenceGranted(ISSUER, ZONE, "SH-0001", date(2026, 12, 1)),
        CoinCreated(COIN, ISSUER, "CNY"),
        ConsentGranted(
            ISSUER, "cn", "consent 1", ["issue"], COIN, [ZONE], CAP_FEN, date(2026, 12, 1), date(2028, 12, 1)
        ),
    )
    open_sheet(office.ledger, COIN, ZONE)
    office.store.name_bank(ReserveBank(COIN, BANK_ACCOUNT, "EXAMCNSHXXX", "Pujiang Pay"))
    words = office.book.vocabulary
    opened = openings(len(HOLDERS))
    opened["zone"] = words.place_codes[ZONE]
    opened["kind"] = [words.code("payer.kind", kind) for kind, _ in HOLDERS.values()]
    opened["tier"] = [words.code("payer.tier", tier) for _, tier in HOLDERS.values()]
    first = office.ledger.open_accounts(opened)
    holders = {name: first + row for row, name in enumerate(HOLDERS)}
    office.parties.add(
        Party(account, name, f"6200-EXAMPLE-{account:04d}") for name, account in holders.items()
    )
    return World(office, clock, holders)


def order(world: World, reference: str, holder: str, amount_fen: int) -> None:
    """Let *holder* order coins; the money is to come with *reference*."""
    world.office.store.add_orders([Order(reference, COIN, world.holders[holder], amount_fen)])
