"""The state: a pure fold of the journal. The same frames give the same bits on any machine.

`State` knows no disk, no thread and no clock. Live posting and replay call the
same methods with the same arguments, so what was decided once is decided again.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_of
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger import facts as fact_kinds
from jiaozi.ledger.activity import Activity
from jiaozi.ledger.idindex import grown, new_table, stamp_of
from jiaozi.ledger.kernel import (
    C_ISSUED,
    C_REDEEMED,
    COIN_WIDTH,
    KNOWN_FACTS,
    UNDO_PER_LEG,
    post,
)
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.records import ACCOUNT, OWN_PERSON, AccountFlag, Accounts, Transfers
from jiaozi.ledger.register import Coin, Register
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.kernel import scratch_for
from jiaozi.rulebook.model import ACTION_CODES, Action, Book
from jiaozi.rulebook.program import H_CUT_COUNT, H_CUTS, Int64s, Program, compile_book, words_of
from jiaozi.rulebook.read import read
from jiaozi.rulebook.vocabulary import Vocabulary

EPOCH_DAY = date(2000, 1, 1)
MAX_COINS = 1_000
MAX_ACCOUNTS = 2**32 - 2

FACTS_SUPPLIED = (
    "payment.amount",
    "payment.place",
    "payment.travel_data",
    "payment.amount_hkd",
    "payer.zone",
    "payer.kind",
    "payer.tier",
    "payer.balance",
    "payer.paid_today",
    "payer.paid_this_year",
    "payee.zone",
    "payee.kind",
    "payee.tier",
    "payee.balance",
    "coin.peg",
    "issuer.zone",
    "issuer.licences",
    "issuer.consents",
    "issuer.supply_cap",
    "issuer.coins_outstanding",
    "issuer.reserve_value",
)
"""Facts the ledger knows of a payment, in the order of the kernel's K_ numbers."""

assert len(FACTS_SUPPLIED) == KNOWN_FACTS


class State:
    """Everything the journal says, folded."""

    def __init__(self) -> None:
        self._accounts = np.zeros(1024, dtype=ACCOUNT)
        self.account_count = 0
        self.coins: Int64s = np.zeros((0, COIN_WIDTH), dtype=np.int64)
        self.register = Register()
        self.book: Book | None = None
        self.activity = Activity()
        self.ids_taken = 0
        self._ids = new_table()
        self._program: Program | None = None
        self._consents: Int64s | None = None
        self._consents_until: Instant | None = None

    @property
    def accounts(self) -> Accounts:
        """The accounts, (count,) ACCOUNT, as a view: read it, never write it."""
        return self._accounts[: self.account_count]

    @property
    def law(self) -> Book:
        """The book in force. Raises `FactError` before any was enacted."""
        if self.book is None:
            raise FactError("no law was enacted in this ledger yet; record a LawEnacted fact first")
        return self.book

    @property
    def words(self) -> Vocabulary:
        return self.law.vocabulary

    def coins_outstanding(self, coin: Coin) -> int:
        """Return issued less redeemed, in fen."""
        return int(self.coins[coin.number, C_ISSUED] - self.coins[coin.number, C_REDEEMED])

    def issued(self, coin: Coin) -> int:
        return int(self.coins[coin.number, C_ISSUED])

    def redeemed(self, coin: Coin) -> int:
        return int(self.coins[coin.number, C_REDEEMED])

    def reserve_value(self, coin: Coin) -> int | None:
        """Return the bank money that stands behind *coin*, in fen; None before its sheet is named."""
        return None if coin.sheet is None else -int(self._accounts[coin.sheet.reserve]["balance"])

    def holders_of(self, coin: Coin) -> NDArray[np.bool_]:
        """Return which accounts hold *coin* for themselves, (count,) bool."""
        internal = (self.accounts["flags"] & AccountFlag.INTERNAL) != 0
        holders: NDArray[np.bool_] = (self.accounts["coin"] == coin.number) & ~internal
        return holders

    def result_of(self, lo: int, hi: int) -> Result | None:
        """Return what became of the transfer with this id; None when the id was never taken."""
        stamp = int(stamp_of(self._ids, np.uint64(lo), np.uint64(hi)))
        return Result(stamp & 0xFF) if stamp else None

    def digest(self) -> str:
        """Return SHA-256 over accounts, coins and ids: equal states have equal digests."""
        whole = hashlib.sha256()
        for part in (self.accounts, self.coins):
            whole.update(np.ascontiguousarray(part).data)
        law = self.book.digest.hex() if self.book else ""
        whole.update(f"{self.account_count}|{self.ids_taken}|{law}".encode())
        return whole.hexdigest()

    # -- accounts -----------------------------------------------------------

    def check_openings(self, opened: NDArray[np.void]) -> None:
        """Raise `FactError` when these accounts cannot be opened; name the first that cannot."""
        words = self.words
        kinds, tiers = (len(words.facts[fact].words) for fact in ("payer.kind", "payer.tier"))
        wrong = {
            "coin": opened["coin"] >= len(self.coins),
            "zone": (opened["zone"] < 1) | (opened["zone"] > len(words.places)),
            "kind": (opened["kind"] < 1) | (opened["kind"] > kinds),
            "tier": opened["tier"] > tiers,
            "person": (opened["person"] != OWN_PERSON) & (opened["person"] >= self.account_count),
        }
        for column, bad in wrong.items():
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                value = opened[first][column]
                raise FactError(f"account {first} of {len(opened)}: {column} {value} does not exist")
        if self.account_count + len(opened) > MAX_ACCOUNTS:
            raise FactError(f"no more than {MAX_ACCOUNTS:,} accounts fit one ledger")

    def open_accounts(self, opened: NDArray[np.void]) -> int:
        """Open accounts, (n,) OPENING; return the number of the first."""
        first, count = self.account_count, len(opened)
        if first + count > len(self._accounts):
            larger = np.zeros(max(first + count, 2 * len(self._accounts)), dtype=ACCOUNT)
            larger[:first] = self.accounts
            self._accounts = larger
        fresh = self._accounts[first : first + count]
        for column in ("coin", "flags", "code", "zone", "kind", "tier"):
            fresh[column] = opened[column]
        numbers = np.arange(first, first + count, dtype=np.uint32)
        fresh["person"] = np.where(opened["person"] == OWN_PERSON, numbers, opened["person"])
        self.account_count += count
        return first

    # -- facts --------------------------------------------------------------

    def record(self, facts: Sequence[fact_kinds.Fact]) -> None:
        """Take in *facts*, all or none. Raises `FactError`."""
        draft = _Draft(self)
        for fact in facts:
            draft.take(fact)
        draft.keep()
        self._consents = None

    # -- transfers ----------------------------------------------------------

    def post(self, batch: Transfers, ends: NDArray[np.uint32], instant: Instant) -> Booked:
        """Book *batch* (n,) TRANSFER at *instant*; *ends* tells where each caller's transfers end."""
        book, program = self.law, self._program
        assert program is not None
        self._refresh(instant)
        assert self._consents is not None
        self._ids = grown(self._ids, self.ids_taken, len(batch))
        results = np.zeros(len(batch), dtype=np.uint8)
        bits = np.zeros((len(batch), words_of(book)), dtype=np.uint64)
        linked = int(np.count_nonzero(batch["flags"] & 1))
        legs = UNDO_PER_LEG * 2 * linked
        cuts = program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]]
        self.ids_taken += post(
            batch,
            ends,
            self._accounts,
            self.account_count,
            self.coins,
            self._consents,
            self._ids,
            program,
            int(np.searchsorted(cuts, instant, side="right")),
            _slots(book),
            self._days(instant),
            _counted(book),
            scratch_for(program),
            np.full(len(book.vocabulary.slots) + 1, -(2**63), dtype=np.int64),
            np.zeros(legs, dtype=ACCOUNT),
            np.zeros((legs, 4), dtype=np.int64),
            results,
            bits,
        )
        booked = Booked(batch, ends, results, bits)
        self.activity.add(booked, book.reasons, instant)
        return booked

    def _refresh(self, instant: Instant) -> None:
        """Bring licences and consents up to *instant*."""
        due = self._consents_until is not None and instant >= self._consents_until
        if self._consents is None or due:
            self._consents = self.register.fill(self.coins, self.words, instant)
            self._consents_until = self.register.next_change(self.words, instant)

    def _days(self, instant: Instant) -> Int64s:
        """Return today and the first day of its year, for each place code, in days since 2000."""
        days = np.zeros((len(self.words.places) + 1, 2), dtype=np.int64)
        for place, code in self.words.place_codes.items():
            today = day_of(instant, self.words.places[place].clock)
            days[code] = (today - EPOCH_DAY).days, (date(today.year, 1, 1) - EPOCH_DAY).days
        return days


class _Draft:
    """Facts tried on a copy of the register, so that a list of facts enters whole or not at all."""

    def __init__(self, state: State) -> None:
        self.state = state
        old = state.register
        self.register = Register(
            issuers=dict(old.issuers),
            coins={name: copy.copy(coin) for name, coin in old.coins.items()},
            licences=list(old.licences),
            consents=list(old.consents),
            freezes={account: dict(orders) for account, orders in old.freezes.items()},
        )
        self.book = state.book
        self.tiers: dict[int, int] = {}

    def take(self, fact: fact_kinds.Fact) -> None:
        """Check one fact and fold it into the copy."""
        match fact:
            case fact_kinds.LawEnacted():
                self._enact(fact)
            case fact_kinds.IssuerRegistered(issuer=issuer, zone=zone):
                self._place(zone)
                if issuer in self.register.issuers:
                    raise FactError(f"issuer {issuer!r} is registered already")
                self.register.issuers[issuer] = zone
            case fact_kinds.LicenceGranted(issuer=issuer, place=place):
                self.register.issuer_zone(issuer)
                self._place(place)
                self.register.licences.append(fact)
            case fact_kinds.ConsentGranted():
                self._consent(fact)
            case fact_kinds.CoinCreated(coin=coin, issuer=issuer, peg=peg):
                self.register.issuer_zone(issuer)
                if coin in self.register.coins:
                    raise FactError(f"coin {coin!r} exists already")
                if peg not in self._words.currencies:
                    raise FactError(f"no such currency {peg!r}; coins are pegged to {self._words.currencies}")
                if len(self.register.coins) >= MAX_COINS:
                    raise FactError(f"no more than {MAX_COINS} coins fit one ledger")
                self.register.coins[coin] = Coin(len(self.register.coins), coin, issuer, peg)
            case fact_kinds.SheetNamed():
                self._sheet(fact)
            case fact_kinds.TierSet(account=account, tier=tier):
                self._holder(account)
                if tier not in self._words.tiers:
                    raise FactError(f"no such tier {tier!r}; tiers are {self._words.tiers}")
                self.tiers[account] = self._words.code("payer.tier", tier)
            case fact_kinds.FreezeOrdered(account=account, order=order, keep_fen=keep):
                self._holder(account)
                if keep is not None and not 0 <= keep <= MAX_FEN:
                    raise FactError(f"order {order}: keep_fen {keep} is not an amount")
                orders = self.register.freezes.setdefault(account, {})
                if order in orders:
                    raise FactError(f"order {order!r} stands upon account {account} already")
                orders[order] = fact
            case fact_kinds.FreezeLifted(account=account, order=order):
                if self.register.freezes.get(account, {}).pop(order, None) is None:
                    raise FactError(f"no order {order!r} stands upon account {account}")
            case fact_kinds.CheckpointSigned(coin=coin, epoch=epoch, digest=digest):
                signed = self.register.coin(coin)
                if epoch != signed.epoch + 1:
                    raise FactError(f"checkpoint {epoch} of {coin} does not follow {signed.epoch}")
                signed.epoch, signed.checkpoint = epoch, digest
            case _:
                raise FactError(f"{type(fact).__name__} is no fact of a journal")

    @property
    def _words(self) -> Vocabulary:
        if self.book is None:
            raise FactError("enact a law first: it has the words that facts are made of")
        return self.book.vocabulary

    def _place(self, place: str) -> None:
        if place not in self._words.places:
            raise FactError(f"no such place {place!r}; places are {', '.join(self._words.places)}")

    def _holder(self, account: int) -> None:
        if not 0 <= account < self.state.account_count:
            raise FactError(f"no account {account}; the ledger has {self.state.account_count}")

    def _enact(self, fact: fact_kinds.LawEnacted) -> None:
        book = read(fact.texts, drafts=fact.drafts)
        if book.digest.hex() != fact.digest:
            raise FactError(f"the texts give the book {book.digest.hex()}, the fact says {fact.digest}")
        if self.book is not None:
            _check_append_only(self.book.vocabulary, book.vocabulary)
        absent = [name for name in book.vocabulary.facts if name not in FACTS_SUPPLIED]
        if absent:
            raise FactError(f"the book asks for {', '.join(absent)}, which this ledger does not know")
        self.book = book

    def _consent(self, fact: fact_kinds.ConsentGranted) -> None:
        coin = self.register.coin(fact.coin)
        if coin.issuer != fact.issuer:
            raise FactError(f"coin {coin.id} belongs to {coin.issuer}, not to {fact.issuer}")
        for place in (fact.authority, *fact.places):
            self._place(place)
        for action in fact.actions:
            if action not in list(Action):
                raise FactError(f"no such action {action!r}; actions are {', '.join(Action)}")
        if fact.cap_fen is not None and not 0 <= fact.cap_fen <= MAX_FEN:
            raise FactError(f"cap_fen {fact.cap_fen} is not an amount")
        self.register.consents.append(fact)

    def _sheet(self, fact: fact_kinds.SheetNamed) -> None:
        coin = self.register.coin(fact.coin)
        if coin.sheet is not None:
            raise FactError(f"the sheet of {coin.id} is named already")
        numbers = (fact.reserve, fact.client_money, fact.unmatched, fact.redemptions)
        if len(set(numbers)) != len(numbers):
            raise FactError("the accounts of a sheet must differ")
        for number in numbers:
            self._holder(number)
            account = self.state.accounts[number]
            if not account["flags"] & AccountFlag.INTERNAL or account["coin"] != coin.number:
                raise FactError(f"account {number} is not an internal account of {coin.id}")
        coin.sheet = fact

    def keep(self) -> None:
        """Make the copy the state."""
        state = self.state
        if self.book is not state.book:
            assert self.book is not None
            state.book = self.book
            state._program = compile_book(self.book)
        state.register, old = self.register, state.register
        new_coins = len(self.register.coins) - len(state.coins)
        if new_coins:
            fresh = np.zeros((new_coins, COIN_WIDTH), dtype=np.int64)
            state.coins = np.concatenate([state.coins, fresh])
        for account, tier in self.tiers.items():
            state.accounts[account]["tier"] = tier
        for account in {*old.freezes, *self.register.freezes}:
            if old.freezes.get(account) != self.register.freezes.get(account):
                _freeze(state.accounts, account, list(self.register.freezes.get(account, {}).values()))


def _freeze(accounts: Accounts, number: int, orders: Sequence[fact_kinds.FreezeOrdered]) -> None:
    """Write what all *orders* together forbid into the account."""
    keeps = [order.keep_fen for order in orders if order.keep_fen is not None]
    flags = int(accounts[number]["flags"])
    for flag, is_set in (
        (AccountFlag.FROZEN_OUT, any(order.keep_fen is None for order in orders)),
        (AccountFlag.FROZEN_IN, any(not order.may_receive for order in orders)),
        (AccountFlag.FROZEN_BELOW, bool(keeps)),
    ):
        flags = flags | flag if is_set else flags & ~flag
    accounts[number]["flags"] = flags
    accounts[number]["floor"] = max(keeps, default=0)


def _check_append_only(old: Vocabulary, new: Vocabulary) -> None:
    """A new book may add words and places at the end; it never moves one that the journal uses."""
    lists = [("places.toml", tuple(old.places), tuple(new.places))]
    shared = [name for name in old.facts if name in new.facts]
    lists += [(name, old.facts[name].words, new.facts[name].words) for name in shared]
    for name, before, after in lists:
        if after[: len(before)] != before:
            raise FactError(f"{name}: {before} became {after}; words are appended, never moved or removed")


def _slots(book: Book) -> Int64s:
    """Return where the book wants each fact the ledger supplies; one past the end where it asks nothing."""
    slots = book.vocabulary.slots
    return np.array([slots.get(name, len(slots)) for name in FACTS_SUPPLIED], dtype=np.int64)


def _counted(book: Book) -> Int64s:
    """Return the actions that count toward the day and the year, as bits."""
    masks = []
    for name in ("payer.paid_today", "payer.paid_this_year"):
        counter = book.vocabulary.counters.get(name)
        masks.append(sum(1 << ACTION_CODES[Action(action)] for action in counter.actions) if counter else 0)
    return np.array(masks, dtype=np.int64)


def compare(booked: Booked, stored: Booked, sequence: int) -> None:
    """Raise `JournalError` unless a replay gave the results that were stored."""
    if not np.array_equal(booked.results, stored.results) or not np.array_equal(booked.bits, stored.bits):
        wrong = (booked.results != stored.results) | (booked.bits != stored.bits).any(axis=1)
        differs = int(np.flatnonzero(wrong)[0])
        raise JournalError(
            f"frame {sequence}: transfer {differs} is decided otherwise on replay; restore a backup"
        )
