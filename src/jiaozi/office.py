"""The office: opens everything in one folder and hands each request to its room. No logic of its own.

journal/       the truth: frames of transfers and facts
office.sqlite  names, orders, bank entries, redemptions
keys/          private keys and the master key of the proofs, readable by the owner only
checkpoints/   signed notes, and the balances they were made from
outbox/        payment orders for the bank
shadow/        a reform that is tried beside the law, and what it would decide otherwise
enacted/       signed documents of laws that were enacted with two keys
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from sqlalchemy import create_engine

from jiaozi.bank import statement as bank_statement
from jiaozi.clock import BusinessCalendar, Clock, day_of, system_clock
from jiaozi.errors import OrderError, ProofError
from jiaozi.issuer import intake, outbox, redeem
from jiaozi.issuer.store import ReserveBank, Store, durable
from jiaozi.lab.shadow import Shown, Watch
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.history import Line, account_lines
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.ledger import Ledger, Outcome, Progress
from jiaozi.ledger.question import question
from jiaozi.ledger.records import PAY, transfers
from jiaozi.people.parties import Parties
from jiaozi.proof import keys
from jiaozi.report.evening import SHARE_PERCENT, Evening, close_day
from jiaozi.report.evenings import Evenings
from jiaozi.report.overview import Overview, overview
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder
from jiaozi.rulebook.telling.explain import Explained, explain


class Office:
    """Everything of one issuer's platform, opened. Use `Office.open`; close it, or use it in a `with`."""

    def __init__(self, folder: Path, ledger: Ledger, store: Store, parties: Parties, clock: Clock) -> None:
        self.folder = folder
        self.ledger = ledger
        self.store = store
        self.parties = parties
        self.clock = clock
        self.evenings = Evenings(folder / "checkpoints", lambda: self.master)
        self.calendars: Mapping[str, BusinessCalendar] = {
            path.stem: read_calendar(path) for path in sorted((law_folder() / "calendars").glob("*.toml"))
        }
        self._shadows = Watch(ledger, folder)
        self._making_keys = threading.Lock()
        self._random = np.random.default_rng(secrets.randbits(128))

    @classmethod
    def open(cls, folder: Path, *, clock: Clock = system_clock, progress: Progress | None = None) -> Office:
        """Open the office in *folder*, or found one. Raises what `Ledger.open` raises."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger = Ledger.open(folder / "journal", clock=clock, progress=progress)
        tables = folder / "office.sqlite"
        tables.touch(mode=0o600)  # names and bank accounts are in it
        engine = durable(create_engine(f"sqlite:///{tables}"))
        store = Store(engine)
        redeem.finish(ledger, store)
        outbox.finish(store, folder / "outbox")
        office = cls(folder, ledger, store, Parties(engine), clock)
        office.shadow()
        return office

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def book(self) -> Book:
        """The law in force in the ledger; `book.is_draft` tells whether it is only a draft."""
        return self.ledger.state.law

    def enact(self, book: Book) -> Receipt:
        """Let the ledger ask *book* from now on."""
        return self.ledger.record(LawEnacted.of(book))

    def shadow(self) -> Shown:
        """Return the reform that is tried beside the law, having looked whether another was put into `shadow/`."""
        return self._shadows.look()

    def ask(
        self, action: Action, debit: int, credit: int, amount_fen: int, *, place: str, travel_data: str = ""
    ) -> tuple[Explained, ...]:
        """Return what the law has against a transfer, in words, without booking it."""
        instant = self.clock()
        facts = self.ledger.at_cut(
            lambda state, _: question(
                state,
                debit=debit,
                credit=credit,
                amount_fen=amount_fen,
                action=action,
                place=place,
                instant=instant,
                travel_data=travel_data,
            )
        )
        reasons = decide(self.book, action, facts, instant).reasons
        return explain(self.book, action, facts, instant, reasons)

    def pay(self, payer: int, payee: int, amount_fen: int, *, place: str, travel_data: str = "") -> Outcome:
        """Pay once, with a fresh id. Many payments go faster through `ledger.post`."""
        words = self.book.vocabulary
        batch = transfers(1)
        give_ids(batch, self.clock(), self._random)
        batch["debit"], batch["credit"], batch["amount"] = payer, payee, amount_fen
        batch["action"], batch["place"] = PAY, words.place_codes[place]
        batch["travel_data"] = words.code("payment.travel_data", travel_data) if travel_data else 0
        return self.ledger.post(batch)

    def take_statement(self, source: Path | bytes, coin_id: str, *, name: str = "") -> intake.Intake:
        """Book a bank statement for *coin_id*. Raises `StatementError` or `OrderError`, having taken nothing."""
        statements = bank_statement.read(source, name=name)
        return intake.take_in(self.ledger, self.store, self._bank(coin_id), statements)

    def redeem(self, coin_id: str, account: int, amount_fen: int) -> redeem.Requested:
        """Burn coins of *account* and owe it bank money, or return what stood in the way."""
        return redeem.request(
            self.ledger,
            self.store,
            self.calendars,
            coin_id=coin_id,
            account=account,
            amount_fen=amount_fen,
            instant=self.clock(),
        )

    def order_payouts(self, coin_id: str, message_id: str) -> Path:
        """Write the pain.001 for all redemptions that the bank does not have yet; return its path.

        Asked again under the same name, when nothing more waits, it returns the path of the first time.
        """
        bank = self._bank(coin_id)
        waiting = self.store.redemptions(coin=coin_id, status="burned")
        if not waiting and self.store.redemptions(coin=coin_id, message_id=message_id):
            return outbox.path_of(self.folder / "outbox", message_id)
        if not waiting:
            raise OrderError(f"no redemption of {coin_id} waits for its payout")
        instant = self.clock()
        return redeem.order_payout(
            self.store,
            bank,
            waiting,
            self.parties.find,
            message_id=message_id,
            instant=instant,
            execution_day=day_of(instant),
            currency=self.ledger.state.register.coin(coin_id).peg,
            folder=self.folder / "outbox",
        )

    def close_day(
        self,
        coin_id: str,
        *,
        roles: Sequence[str] = ("issuer", "supervisor"),
        share_percent: int = SHARE_PERCENT,
        is_beside: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Evening:
        """Cut, prove, sign as *roles* and keep the evening's checkpoint.

        No account has more than *share_percent* of its bucket. Payments wait while balances are copied,
        unless *is_beside*. *progress* is told accounts done. Raises `ProofError` when nothing may be stated.
        """
        return close_day(
            self.ledger,
            coin_id,
            self.evenings,
            master=self.master,
            signers=[self.signer(role) for role in roles],
            journal=self.folder / "journal",
            share_percent=share_percent,
            is_beside=is_beside,
            progress=progress,
        )

    def proof(self, coin_id: str, account: int) -> str:
        """Return the proof file of *account* under the last checkpoint. Raises `ProofError`."""
        return self.evenings.proof(coin_id, self.ledger.state.register.coin(coin_id).epoch, account)

    def overview(self, coin_id: str) -> Overview:
        """Return the figures of *coin_id* at this moment, all of one instant."""
        return self.ledger.at_cut(lambda state, head: overview(state, coin_id, head))

    def lines(self, account: int, limit: int = 50) -> list[Line]:
        """Return the newest transfers of *account*, newest first."""
        return account_lines(
            self.folder / "journal", account, limit=limit, durable=lambda: self.ledger.durable
        )

    def signer(self, role: str) -> keys.Signer:
        """Return who signs as *role* (`issuer`, `supervisor`), with a key made on first use.

        Raises `ProofError` when the key is gone that signed before.
        """
        path = self._keys / f"{role}.pem"
        name = f"jiaozi.example/{role}"
        with self._making_keys:
            if path.exists():
                return keys.load(path, name)
            self._is_first(path, signed_by=name)
            return keys.create(path, name)

    def verifier_key(self, role: str) -> str:
        """Return the line to check signatures of *role* with; no key is made for it.

        A role whose private key is kept elsewhere has the line in `keys/ROLE.vkey`. Raises `ProofError`
        when there is neither.
        """
        line = self._keys / f"{role}.vkey"
        if line.exists():
            return line.read_text(encoding="utf-8").strip()
        if not (self._keys / f"{role}.pem").exists():
            raise ProofError(
                f"this office knows no key of its {role}; close a day as {role}, or write the verifier key "
                f"to {line}"
            )
        return self.signer(role).verifier_key

    @property
    def master(self) -> bytes:
        """The 32 bytes from which every holder's key is derived; made on first use.

        Raises `ProofError` when they are gone, or when others may read them.
        """
        path = self._keys / "master.key"
        with self._making_keys:
            if not path.exists():
                self._is_first(path)
                keys.write_secret(path, secrets.token_bytes(32))
            return keys.read_secret(path)

    def _is_first(self, path: Path, *, signed_by: str = "") -> None:
        """Raise `ProofError` if something was signed before: a secret that is made anew would replace a lost one."""
        for coin in self.ledger.state.register.coins.values():
            if not coin.epoch:
                continue
            note = self.evenings.note(coin.id, coin.epoch)
            if not signed_by or f"\n\u2014 {signed_by} " in note:
                raise ProofError(
                    f"{path} is gone, and checkpoint {coin.epoch} of {coin.id} was made with it; restore it from "
                    "a backup made with --with-keys: under another no silent check and no chain would hold"
                )

    @property
    def _keys(self) -> Path:
        folder = self.folder / "keys"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _bank(self, coin_id: str) -> ReserveBank:
        bank = self.store.bank(coin_id)
        if bank is None:
            raise OrderError(f"no bank account was named for the reserve of {coin_id}")
        return bank
