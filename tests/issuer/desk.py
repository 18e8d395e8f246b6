"""A desk for tests: the world of `tests/world.py` with statements written by hand, entry by entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from jiaozi.bank.message import Detail, Entry, Statement
from jiaozi.issuer.intake import Intake, take_in
from jiaozi.issuer.store import BankEntry
from tests.world import BANK_ACCOUNT, COIN, World, found

DAY = date(2026, 12, 15)


def credit(amount: str, *texts: str, key: str, **fields: Any) -> Entry:
    """Return money that came in with *texts*; *key* is what the bank calls it."""
    detail = Detail(remittance=texts, debtor_name="Linden Trading", creditor_name="Pujiang Pay")
    entry = Entry(
        index=1,
        amount=Decimal(amount),
        currency="CNY",
        is_credit=True,
        booking_day=DAY,
        details=(detail,),
        key=key,
    )
    return replace(entry, **fields)


def debit(amount: str, *texts: str, key: str, **fields: Any) -> Entry:
    """Return money that went out."""
    return credit(amount, *texts, key=key, is_credit=False, **fields)


def statement(*entries: Entry, account: str = BANK_ACCOUNT) -> Statement:
    return Statement(
        kind="camt.053", version="001.08", message_id="M", id="S-1", account=account, is_iban=False,
        account_currency="CNY", file_digest="0" * 64, entries=entries,
    )  # fmt: skip


class Desk:
    """An open office whose desk takes statements."""

    def __init__(self, folder: Path, start: str = "2026-12-15 08:00") -> None:
        self.world: World = found(folder, start=start)
        self.office = self.world.office
        self.store, self.ledger = self.office.store, self.office.ledger

    def take(self, *entries: Entry, account: str = BANK_ACCOUNT) -> Intake:
        bank = self.store.bank(COIN)
        assert bank is not None
        return take_in(self.ledger, self.store, bank, [statement(*entries, account=account)])

    def one(self, entry: Entry) -> BankEntry:
        """Take one entry and return what became of it; check that the books balance after it."""
        (taken,) = self.take(entry).taken
        self.check()
        return taken

    def check(self) -> None:
        """Money in the bank is what the books say, on both sides, and no row contradicts the ledger."""
        state = self.ledger.state
        coin = state.register.coin(COIN)
        assert coin.sheet is not None
        balance = state.accounts["balance"]
        assert int(balance.sum()) == 0
        entries = self.store.entries()
        booked = [entry for entry in entries if "not booked" not in str(entry.note)]
        in_bank = sum(entry.amount_fen if entry.is_credit else -entry.amount_fen for entry in booked)
        assert state.reserve_value(coin) == in_bank
        assert int(balance[coin.sheet.client_money]) == 0
        issued = sum(entry.amount_fen for entry in entries if entry.status == "issued")
        assert state.issued(coin) == issued
        assert issued == sum(order.amount_fen for order in self.store.orders() if order.status == "issued")

    def sheet(self, name: str) -> int:
        """Return what stands on an account of the issuer's sheet."""
        sheet = self.ledger.state.register.coin(COIN).sheet
        return int(self.ledger.state.accounts[getattr(sheet, name)]["balance"])
