"""A ledger in memory for scenes: the Shanghai draft in force, one coin, four accounts of its issuer, people.

Li     resident, tier 4: 2,000.00 a payment, 5,000.00 a day, balance at most 10,000.00
Wang   resident, tier 3: 5,000.00 a payment, balance at most 20,000.00
Chen   registered firm, tier 1: no limits
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import SHANGHAI, Instant, instant_of
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    Fact,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    SheetNamed,
)
from jiaozi.ledger.records import (
    BOOK,
    ISSUE,
    OWN_PERSON,
    PAY,
    REDEEM,
    AccountFlag,
    TransferFlag,
    openings,
    transfers,
)
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.money import fen_from_text
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read_folder

COIN, ISSUER, ZONE = "pujiang-cny", "pujiang-pay", "cn-sh"
RESERVE, CLIENT_MONEY, UNMATCHED, REDEMPTIONS = range(4)
ACTIONS = {"book": BOOK, "issue": ISSUE, "pay": PAY, "redeem": REDEEM}
PEOPLE = {"Li": ("resident", "t4"), "Wang": ("resident", "t3"), "Chen": ("registered firm", "t1")}
SHEET_FLAGS = (
    AccountFlag.INTERNAL | AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS,
    AccountFlag.INTERNAL | AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AccountFlag.INTERNAL,
    AccountFlag.INTERNAL | AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS,
)


def at(text: str) -> Instant:
    """Return the instant of `2026-12-15 10:00` on Shanghai's clock."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SHANGHAI)))


def enacting(book: Book) -> LawEnacted:
    return LawEnacted(dict(book.texts), list(book.drafts), book.digest.hex())


class SmallWorld:
    """A state, a clock, and a way to say what happens in words."""

    def __init__(self, now: str = "2026-12-15 10:00", *, consent_until: date | None = None) -> None:
        self.state = State()
        self.now = at(now)
        self.next_id = 0
        self.names = {"reserve": 0, "client money": 1, "unmatched": 2, "redemptions": 3}
        self.state.record(
            [
                enacting(read_folder(drafts=[ZONE])),
                IssuerRegistered(ISSUER, ZONE),
                LicenceGranted(ISSUER, ZONE, "SH-0001", date(2026, 12, 1)),
                CoinCreated(COIN, ISSUER, "CNY"),
                ConsentGranted(
                    ISSUER, "cn", "consent 1", ["issue"], COIN, [ZONE], 10**12, date(2026, 12, 1), consent_until
                ),
            ]
        )  # fmt: skip
        for name, flags in zip(self.names, SHEET_FLAGS, strict=True):
            assert self.open(name, kind="issuer", tier="", flags=flags) == self.names[name]
        self.record(SheetNamed(COIN, RESERVE, CLIENT_MONEY, UNMATCHED, REDEMPTIONS))
        for name, (kind, tier) in PEOPLE.items():
            self.open(name, kind=kind, tier=tier)

    def open(
        self,
        name: str,
        *,
        kind: str = "resident",
        tier: str = "t2",
        flags: int = 2,
        coin: int = 0,
        person: int = OWN_PERSON,
    ) -> int:
        words = self.state.words
        opened = openings(1)
        opened["zone"], opened["kind"] = words.place_codes[ZONE], words.code("payer.kind", kind)
        opened["tier"] = words.code("payer.tier", tier) if tier else 0
        opened["flags"], opened["coin"], opened["person"] = flags, coin, person
        self.state.check_openings(opened)
        self.names[name] = self.state.open_accounts(opened)
        return self.names[name]

    def record(self, *facts: Fact) -> None:
        self.state.record(list(facts))

    def give(self, holder: str, yuan: str) -> None:
        """Take money in, issue coins for it to Chen, who has no limits, and let him pay *holder*."""
        funded = self.do(
            ("book", "reserve", "client money", yuan), ("issue", "client money", "Chen", yuan), linked=True
        )
        assert funded == ["created", "created"]
        if holder != "Chen":
            assert self.pay("Chen", holder, yuan) == "created"

    def do(self, *legs: tuple[str, str, str, str], linked: int = 0, **columns: int) -> list[str]:
        """Post (action, debit, credit, yuan) and return each answer as `refused_by_law cn-sh.pay/single_cap`."""
        batch = transfers(len(legs))
        for row, (action, debit, credit, yuan) in zip(batch, legs, strict=True):
            self.next_id += 1
            row["id_lo"], row["place"] = self.next_id, self.state.words.place_codes[ZONE]
            row["action"], row["amount"] = ACTIONS[action], fen_from_text(yuan)
            row["debit"], row["credit"] = self.names[debit], self.names[credit]
        if linked:
            batch["flags"][:-1] = TransferFlag.LINKED
        for column, value in columns.items():
            batch[column] = value
        return self.post(batch)

    def post(self, batch: NDArray[np.void], ends: Sequence[int] = ()) -> list[str]:
        booked = self.state.post(batch, np.array(ends or [len(batch)], dtype=np.uint32), self.now)
        answers = []
        for result, bits in zip(booked.results, booked.bits, strict=True):
            reasons = ", ".join(names_of(self.state.law, bits))
            answers.append(f"{Result(int(result)).name.lower()} {reasons}".strip())
        return answers

    def pay(self, payer: str, payee: str, yuan: str, **columns: int) -> str:
        return self.do(("pay", payer, payee, yuan), **columns)[0]

    def balance(self, name: str) -> int:
        return int(self.state.accounts[self.names[name]]["balance"])
