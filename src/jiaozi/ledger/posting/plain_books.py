"""The books of the plain executor: accounts and coins as objects, and what the law may ask of them.

Facts are taken as they come: `taking.py` has checked them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from jiaozi.clock import Instant, day_of
from jiaozi.ledger import facts as fact_kinds
from jiaozi.ledger.notes import Note
from jiaozi.ledger.posting.setting import WINDOWS
from jiaozi.ledger.records import ISSUE, MOVES, AccountFlag
from jiaozi.ledger.results import Result
from jiaozi.rulebook.decide import Facts
from jiaozi.rulebook.model import UNLIMITED, Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.vocabulary import Vocabulary

SUMS_OF_MONEY = ("payer.paid_today", "payer.paid_this_month", "payer.paid_this_year")
"""What the ledger sums; its other counters count payments."""


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
    memo: int = 0
    timeout: int = 0
    unused: int = 0
    others: tuple[int, ...] = ()
    """What only the client reads: value day, purpose, code."""
    note: Note | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A transfer whose money is reserved: until when, and on which day it took its allowance."""

    transfer: Transfer
    deadline: int | None
    day: date
    counters: tuple[str, ...]
    """The sums and counts it was counted in: a law enacted later may have others."""


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
    pending_out: int = 0
    pending_in: int = 0
    floor: int | None = None
    cap: int | None = None
    orders: dict[str, fact_kinds.FreezeOrdered] = field(default_factory=dict)
    paid: dict[str, dict[date, int]] = field(default_factory=dict)
    """For each sum or count of the law, what this person paid on each day of his own clock."""

    @property
    def is_internal(self) -> bool:
        return AccountFlag.INTERNAL in self.flags

    @property
    def free(self) -> int:
        """What is not reserved for others."""
        return self.balance - self.pending_out

    @property
    def expected(self) -> int:
        """What it comes to when all that is on its way arrives."""
        return self.balance + self.pending_in

    @property
    def keeps(self) -> list[int]:
        """What orders keep in place."""
        return [order.keep_fen for order in self.orders.values() if order.keep_fen is not None]


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
        self.pending: dict[int, Pending] = {}
        self.resolved: dict[int, Result] = {}
        """What became of those that are pending no more."""
        self.id_window: int | None = None
        self.horizon_ms = 0
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
            case fact_kinds.LimitSet():
                account = self.accounts[fact.account]
                account.floor, account.cap = fact.floor_fen, fact.cap_fen
            case fact_kinds.AccountClosed():
                self.accounts[fact.account].flags |= AccountFlag.CLOSED
            case fact_kinds.AccountReopened():
                self.accounts[fact.account].flags &= ~AccountFlag.CLOSED
            case fact_kinds.IdWindowSet():
                self.id_window = fact.seconds

    def move_to(self, instant: Instant) -> None:
        """Let time pass: what has timed out is released, and old ids expire."""
        if self.id_window is not None:
            self.horizon_ms = max(self.horizon_ms, instant // 10**6 - 1_000 * self.id_window)
        for number, pending in list(self.pending.items()):
            if pending.deadline is not None and pending.deadline <= instant:
                self.release(self.pending.pop(number))
                self.resolved[number] = Result.PENDING_TRANSFER_EXPIRED

    def is_expired(self, number: int) -> bool:
        """Return whether this id is time-ordered (UUIDv7, RFC 9562) and from before the horizon."""
        is_time_ordered = number >> 76 & 0xF == 7 and number >> 62 & 0b11 == 0b10
        return is_time_ordered and number >> 80 < self.horizon_ms

    def hold(self, pending: Pending) -> None:
        """Reserve the money of *pending*, and its allowance."""
        self._hold(pending, 1)

    def release(self, pending: Pending) -> None:
        """Give back what *pending* reserved."""
        self._hold(pending, -1)

    def _hold(self, pending: Pending, sign: int) -> None:
        transfer = pending.transfer
        self.accounts[transfer.debit].pending_out += sign * transfer.amount_fen
        self.accounts[transfer.credit].pending_in += sign * transfer.amount_fen
        self.count(transfer, pending.day, pending.counters, sign)

    def counters(self, transfer: Transfer) -> tuple[str, ...]:
        """Return the sums and counts that the law in force counts *transfer* in."""
        return tuple(
            name
            for name, counter in self.words.counters.items()
            if MOVES.get(transfer.action) in counter.actions
        )

    def count(self, transfer: Transfer, today: date, counters: tuple[str, ...], sign: int = 1) -> None:
        """Count *transfer* on the day *today* of its payer, or with *sign* -1 take it out of that day."""
        paid = self.accounts[self.accounts[transfer.debit].person].paid
        for name in counters:
            by_day = paid.setdefault(name, {})
            step = transfer.amount_fen if name in SUMS_OF_MONEY else 1
            by_day[today] = by_day.get(today, 0) + sign * step

    def issuing(self, coin: str) -> int:
        """Return how much of *coin* pending issues reserve."""
        return sum(
            pending.transfer.amount_fen
            for pending in self.pending.values()
            if pending.transfer.action == ISSUE and self.accounts[pending.transfer.debit].coin == coin
        )

    def frozen(self, coin: str) -> int:
        """Return how much of *coin* holders have and may not pay, by order."""
        return sum(
            max(
                account.balance if order.keep_fen is None else min(account.balance, order.keep_fen)
                for order in account.orders.values()
            )
            for account in self.accounts
            if account.coin == coin and account.orders and not account.is_internal
        )

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
            **{name: in_window(name, paid.get(name, {}), today) for name in WINDOWS},
            "payee.zone": payee.zone,
            "payee.kind": payee.kind,
            "payee.tier": payee.tier or None,
            "payee.balance": payee.expected,
            "coin.peg": coin.peg,
            "issuer.zone": self.issuers[coin.issuer],
            "issuer.controller": self.controllers[coin.issuer],
            "issuer.licences": frozenset(self._licences(coin, instant)),
            "issuer.consents": frozenset(consent.authority for consent in consents),
            "issuer.supply_cap": min(caps) if caps else UNLIMITED if consents else None,
            "issuer.coins_outstanding": coin.issued - coin.redeemed + self.issuing(coin.id),
            "issuer.coins_frozen": self.frozen(coin.id),
            "issuer.reserve_value": None if coin.reserve is None else -self.accounts[coin.reserve].expected,
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


def in_window(name: str, by_day: dict[date, int], today: date) -> int:
    """Return what falls into the window of the counter *name* that *today* lies in."""
    return sum(
        number
        for day, number in by_day.items()
        if day.year == today.year
        and (day.month == today.month or not WINDOWS[name].endswith(("month", "day")))
        and (day == today or not WINDOWS[name].endswith("day"))
    )
