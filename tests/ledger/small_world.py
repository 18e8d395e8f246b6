"""A ledger in memory for scenes: the Shanghai draft in force, one coin, four accounts of its issuer, people.

Li     resident, tier 4: 2,000.00 a payment, 5,000.00 a day, balance at most 10,000.00
Wang   resident, tier 3: 5,000.00 a payment, balance at most 20,000.00
Chen   registered firm, tier 1: no limits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import SHANGHAI, Instant, instant_of
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    Fact,
    FreezeLifted,
    FreezeOrdered,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    LimitSet,
    SheetNamed,
)
from jiaozi.ledger.notes import NO_NOTES, Note, Notes
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.records import (
    AS_PENDING,
    BOOK,
    CALL,
    ISSUE,
    OWN_PERSON,
    PAY,
    REDEEM,
    WHOLE,
    AccountFlag,
    Choice,
    TransferFlag,
    openings,
    transfers,
)
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.money import fen_from_text
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, read_folder

COIN, ISSUER, ZONE = "pujiang-cny", "pujiang-pay", "cn-sh"
RESERVE, CLIENT_MONEY, UNMATCHED, REDEMPTIONS = range(4)
PENDING, POST, VOID = (
    TransferFlag.PENDING, TransferFlag.POST_PENDING_TRANSFER, TransferFlag.VOID_PENDING_TRANSFER
)  # fmt: skip
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


def with_needs(book: Book, *needs: str, facts: str = "") -> Book:
    """Return *book* with more needs of a payment, `name = condition` each, and more text in `facts.toml`."""
    texts = dict(book.texts)
    written = ""
    for need in needs:
        name, condition = need.split(" = ", 1)
        title = f'title = {{ en = "{name}", zh = "{name}" }}'
        written += f'{name} = {{ if = "{condition}", cite = "sh-pilot art 7(3)", {title} }}\n'
    assert "annual_cap      =" in texts["cn-sh.toml"]
    texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("annual_cap      =", f"{written}annual_cap      =")
    texts["facts.toml"] += facts
    return read(texts, drafts=[ZONE])


class SmallWorld:
    """A state, a clock, and a way to say what happens in words."""

    def __init__(self, now: str = "2026-12-15 10:00", *, consent_until: date | None = None) -> None:
        self.state = State()
        self.now = at(now)
        self.next_id = 0
        self.booked: Booked
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

    @classmethod
    def funded(cls) -> SmallWorld:
        """Tuesday morning in December: Li has 6,000.00, Wang 9,000.00, Chen 50,000.00."""
        world = cls()
        world.give("Chen", "50000")
        world.give("Li", "6000")
        world.give("Wang", "9000")
        return world

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

    def do(self, *legs: tuple[str, str, str, str], linked: int = 0, **columns: Any) -> list[str]:
        """Post (action, debit, credit, yuan) and return each answer as `refused_by_law cn-sh.pay/single_cap`.

        *columns* are written over what that says: one value for all legs, or one for each.
        """
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

    def post(
        self,
        batch: NDArray[np.void],
        ends: Sequence[int] = (),
        *,
        choice: Choice = Choice.CONTINUE,
        notes: Mapping[int, Note] | None = None,
    ) -> list[str]:
        calls = np.zeros(max(1, len(ends)) if len(batch) else 0, dtype=CALL)
        calls["end"], calls["choice"] = ends or [len(batch)] * len(calls), choice
        self.booked = self.state.post(batch, calls, self.now, Notes.of(notes) if notes else NO_NOTES)
        answers = []
        for result, bits in zip(self.booked.results, self.booked.bits, strict=True):
            reasons = ", ".join(names_of(self.state.law, bits))
            answers.append(f"{Result(int(result)).name.lower()} {reasons}".strip())
        return answers

    def pay(self, payer: str, payee: str, yuan: str, **columns: Any) -> str:
        return self.do(("pay", payer, payee, yuan), **columns)[0]

    def reserve(self, payer: str, payee: str, yuan: str, seconds: int = 0, action: str = "pay") -> str:
        """Make a pending transfer; its id is `next_id` afterwards."""
        return self.do((action, payer, payee, yuan), flags=PENDING, timeout=seconds)[0]

    def post_pending(self, number: int, yuan: str = "", **columns: Any) -> str:
        """Post the pending transfer *number*, whole or *yuan* of it."""
        return self._end(POST, number, fen_from_text(yuan) if yuan else WHOLE, columns)

    def void_pending(self, number: int, **columns: Any) -> str:
        return self._end(VOID, number, WHOLE, columns)

    def _end(self, flag: TransferFlag, number: int, fen: int, columns: Mapping[str, Any]) -> str:
        batch = transfers(1)
        self.next_id += 1
        batch["id_lo"], batch["memo_lo"], batch["flags"], batch["amount"] = self.next_id, number, flag, fen
        batch["debit"] = batch["credit"] = AS_PENDING
        for column, value in columns.items():
            batch[column] = value
        return self.post(batch)[0]

    def tick(self) -> int:
        """Let time pass and nothing else; return how many pending transfers timed out."""
        self.post(transfers(0))
        return len(self.booked.released)

    def freeze(
        self, holder: str, order: str, *, may_receive: bool = True, keep_fen: int | None = None
    ) -> None:
        self.record(FreezeOrdered(self.names[holder], order, "Pudong court", may_receive, keep_fen))

    def lift(self, holder: str, order: str) -> None:
        self.record(FreezeLifted(self.names[holder], order, f"{order}, lifted"))

    def limit(self, holder: str, *, floor: str | None = None, cap: str | None = None) -> None:
        """Set a floor and a cap, in yuan, on the account of *holder*; None lifts it."""
        bounds = [None if yuan is None else fen_from_text(yuan) for yuan in (floor, cap)]
        self.record(LimitSet(self.names[holder], bounds[0], bounds[1], "desk"))

    def balance(self, name: str) -> int:
        return int(self.state.accounts[self.names[name]]["balance"])

    def pending(self, name: str) -> tuple[int, int]:
        """Return what is reserved out of the account of *name* and into it, in fen."""
        record = self.state.accounts[self.names[name]]
        return int(record["pending_out"]), int(record["pending_in"])

    def paid(self, name: str) -> dict[str, int]:
        """Return the sums and counts of *name* as of now, by `payer.paid_today` without its first word."""
        sums = self.state.paid_by(self.names[name], self.now)
        return {each.removeprefix("payer."): number for each, number in sums.items()}

    @property
    def moved_fen(self) -> list[int]:
        """What each transfer of the last frame moved or reserved; zero where nothing was booked."""
        amounts = self.booked.as_booked()["amount"] * (self.booked.results == Result.CREATED)
        return [int(amount) for amount in amounts]
