"""A ledger in a folder, founded with the facts of `small_world.py`: for tests of threads, disks and processes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from jiaozi.clock import Instant, ManualClock
from jiaozi.ledger.facts import CoinCreated, ConsentGranted, IssuerRegistered, LicenceGranted, SheetNamed
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import BOOK, ISSUE, PAY, Transfers, openings, transfers
from jiaozi.rulebook.reading.read import read_folder
from tests.ledger.small_world import COIN, ISSUER, SHEET_FLAGS, ZONE, at, enacting

FIRST_HOLDER = 4
PLACE = 2


def clock() -> ManualClock:
    return ManualClock(at("2026-12-15 10:00"))


def found(folder: Path, *, holders: int = 20, yuan_each: int = 1_000, tier: str = "t1") -> Ledger:
    """Found a ledger in *folder* whose holders have *yuan_each*."""
    ledger = Ledger.open(folder, clock=clock())
    ledger.record(
        enacting(read_folder(drafts=[ZONE])),
        IssuerRegistered(ISSUER, ZONE),
        LicenceGranted(ISSUER, ZONE, "SH-0001", date(2026, 12, 1)),
        CoinCreated(COIN, ISSUER, "CNY"),
        ConsentGranted(ISSUER, "cn", "1", ["issue"], COIN, [ZONE], 10**15, date(2026, 12, 1)),
    )
    words = ledger.state.words
    opened = openings(FIRST_HOLDER + holders)
    opened["zone"], opened["kind"] = PLACE, 1
    opened["flags"][:FIRST_HOLDER] = SHEET_FLAGS
    opened["tier"][FIRST_HOLDER:] = words.code("payer.tier", tier)
    assert ledger.open_accounts(opened) == 0
    ledger.record(SheetNamed(COIN, 0, 1, 2, 3))
    fund = transfers(1 + holders)
    fund["id_lo"], fund["place"] = np.arange(1, holders + 2), PLACE
    fund["action"], fund["debit"], fund["credit"], fund["amount"] = ISSUE, 1, 0, yuan_each * 100
    fund["credit"][1:] = np.arange(FIRST_HOLDER, FIRST_HOLDER + holders)
    fund[0:1]["action"], fund[0:1]["debit"], fund[0:1]["credit"] = BOOK, 0, 1
    fund[0:1]["amount"] = holders * yuan_each * 100
    assert ledger.post(fund).created == len(fund)
    return ledger


def payments(first_id: int, pairs: list[tuple[int, int]], amount_fen: int = 1) -> Transfers:
    """Return payments between holders (counted from 0), with ids from *first_id* on."""
    batch = transfers(len(pairs))
    batch["id_hi"], batch["id_lo"] = 7, np.arange(first_id, first_id + len(pairs))
    batch["debit"] = [FIRST_HOLDER + payer for payer, _ in pairs]
    batch["credit"] = [FIRST_HOLDER + payee for _, payee in pairs]
    batch["action"], batch["place"], batch["amount"] = PAY, PLACE, amount_fen
    return batch


def balances_sum(ledger: Ledger) -> int:
    return ledger.at_cut(lambda state, _: int(state.accounts["balance"].sum()))


def instant(text: str) -> Instant:
    return at(text)
