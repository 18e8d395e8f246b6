"""The books of the plain executor: accounts and coins as objects, and what the law may ask of them.

Facts are taken as they come: `taking.py` has checked them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from jiaozi.clock import Instant, day_of
from jiaozi.ledger import facts as fact_kinds
from jiaozi.ledger.records import AccountFlag
from jiaozi.rulebook.decide import Facts
from jiaozi.rulebook.model import UNLIMITED, Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer as it was sent, field by field. Equal fields are an equal body."""

    id: int
    debit: int
    credit: int
    amount_fen: int
    action: int
    place: int
    travel_data: int
    flags: int
    others: tuple[int, ...] = ()
    """What only the client reads, and what is not used yet: memo, purpose, code, pending."""


@dataclass(slots=True)
class Account:
    """An account. `flags` say what it is; what orders forbid stands in `orders`."""

    coin: str
    zone: str
    kind: str
    tier: str
    flags: AccountFlag
    person: int
    balance: int = 0
    orders: dict[str, fact_kinds.FreezeOrdered] = field(default_factory=dict)
    paid: dict[str, dict[date, int]] = field(default_factory=dict)
    """For each sum the law counts, what this person paid on each day of his own clock."""

    @property
    def is_internal(self) -> bool:
        return AccountFlag.INTERNAL in self.flags


@dataclass(slots=True)
class Coin:
    """A coin, and how much of it was ever issued and redeemed."""

    id: str
    issuer: str
    peg: str
    reserve: int | None = None
    issued: int = 0
    redeemed: int = 0


class Books:
    """Accounts and coins, and what was granted to their issuers."""

    def __init__(self) -> None:
        self.law: Book | None = None
        self.accounts: list[Account] = []
        self.coins: dict[str, Coin] = {}
        self.issuers: dict[str, str] = {}
        self.controllers: dict[str, str] = {}
        self.licences: list[fact_kinds.LicenceGranted] = []
        self.consents: list[fact_kinds.ConsentGranted] = []

    @property
    def words(self) -> Vocabulary:
        assert self.law is not None
        return self.law.vocabulary

    def record(self, fact: fact_kinds.Fact) -> None:
        """Take one fact in."""
        match fact:
            case fact_kinds.LawEnacted():
                self.law = read(fact.texts, drafts=fact.drafts)
            case fact_kinds.IssuerRegistered():
                self.issuers[fact.issuer] = fact.zone
                self.controllers[fact.issuer] = fact.controller or fact.zone
            case fact_kinds.LicenceGranted():
                self.licences.append(fact)
            case fact_kinds.ConsentGranted():
                self.consents.append(fact)
            case fact_kinds.CoinCreated():
                self.coins[fact.coin] = Coin(fact.coin, fact.issuer, fact.peg)
            case fact_kinds.SheetNamed():
                self.coins[fact.coin].reserve = fact.reserve
            case fact_kinds.TierSet():
                self.accounts[fact.account].tier = fact.tier
            case fact_kinds.FreezeOrdered():
                self.accounts[fact.account].orders[fact.order] = fact
            case fact_kinds.FreezeLifted():
                del self.accounts[fact.account].orders[fact.order]

    def facts_of(self, transfer: Transfer, action: Action, instant: Instant) -> Facts:
        """Return what the law may ask of *transfer*, in words; None is not known."""
        words = self.words
        payer, payee = self.accounts[transfer.debit], self.accounts[transfer.credit]
        coin = self.coins[payer.coin]
        places = dict(enumerate(words.places, start=1))
        travel = dict(enumerate(words.facts["payment.travel_data"].words, start=1))
        consents = self._consents(coin, action, places.get(transfer.place), instant)
        caps = [consent.cap_fen for consent in consents if consent.cap_fen is not None]
        today = self.today(payer, instant)
        paid = self.accounts[payer.person].paid
        by_day = paid.get("payer.paid_this_year", {})
        return {
            "payment.amount": transfer.amount_fen,
            "payment.place": places.get(transfer.place),
            "payment.travel_data": travel.get(transfer.travel_data),
            "payment.amount_hkd": transfer.amount_fen if coin.peg == "HKD" else None,
            "payment.amount_usd": transfer.amount_fen if coin.peg == "USD" else None,
            "payment.amount_eur": transfer.amount_fen if coin.peg == "EUR" else None,
            "payment.amount_sgd": transfer.amount_fen if coin.peg == "SGD" else None,
            "payer.zone": payer.zone,
            "payer.kind": payer.kind,
            "payer.tier": payer.tier or None,
            "payer.balance": payer.balance,
            "payer.paid_today": paid.get("payer.paid_today", {}).get(today, 0),
            "payer.paid_this_year": sum(fen for day, fen in by_day.items() if day.year == today.year),
            "payee.zone": payee.zone,
            "payee.kind": payee.kind,
            "payee.tier": payee.tier or None,
            "payee.balance": payee.balance,
            "coin.peg": coin.peg,
            "issuer.zone": self.issuers[coin.issuer],
            "issuer.controller": self.controllers[coin.issuer],
            "issuer.licences": frozenset(self._licences(coin, instant)),
            "issuer.consents": frozenset(consent.authority for consent in consents),
            "issuer.supply_cap": min(caps) if caps else UNLIMITED if consents else None,
            "issuer.coins_outstanding": coin.issued - coin.redeemed,
            "issuer.reserve_value": None if coin.reserve is None else -self.accounts[coin.reserve].balance,
        }

    def _licences(self, coin: Coin, instant: Instant) -> Iterator[str]:
        for licence in self.licences:
            if licence.issuer == coin.issuer and self._holds(licence, licence.place, instant):
                yield licence.place

    def _consents(
        self, coin: Coin, action: Action, place: str | None, instant: Instant
    ) -> list[fact_kinds.ConsentGranted]:
        return [
            consent
            for consent in self.consents
            if (consent.issuer, consent.coin) == (coin.issuer, coin.id)
            and action in consent.actions
            and place in consent.places
            and self._holds(consent, consent.authority, instant)
        ]

    def _holds(
        self, given: fact_kinds.LicenceGranted | fact_kinds.ConsentGranted, place: str, instant: Instant
    ) -> bool:
        """Return whether *given* has begun and not ended on the day it is at *place*."""
        today = day_of(instant, self.words.places[place].clock)
        return given.from_day <= today and (given.until_day is None or today < given.until_day)

    def today(self, payer: Account, instant: Instant) -> date:
        """Return the day on the clock of the payer's first account: one person, one clock."""
        zone = self.accounts[payer.person].zone
        return day_of(instant, self.words.places[zone].clock)
