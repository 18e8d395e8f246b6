"""The state: a pure fold of the journal. The same frames give the same bits on any machine.

`State` knows no disk, no thread and no clock. Live posting and replay call the
same methods with the same arguments, so what was decided once is decided again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_of, day_start
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.activity import Activity
from jiaozi.ledger.facts import Fact
from jiaozi.ledger.idindex import Table, content_of, grown, new_table, stamp_of
from jiaozi.ledger.kernel import (
    C_ISSUED,
    C_REDEEMED,
    COIN_WIDTH,
    FACTS_SUPPLIED,
    UNDO_PER_LEG,
    post,
)
from jiaozi.ledger.opening import check_openings
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.records import ACCOUNT, OWN_PERSON, AccountFlag, Accounts, Transfers
from jiaozi.ledger.register import Coin, Register
from jiaozi.ledger.results import Result
from jiaozi.ledger.taking import Taking, write_orders
from jiaozi.rulebook.machine.program import (
    H_CUT_COUNT,
    H_CUTS,
    MISSING,
    Int64s,
    Program,
    compile_book,
    words_of,
)
from jiaozi.rulebook.model import ACTION_CODES, Action, Book
from jiaozi.rulebook.vocabulary import Vocabulary

EPOCH_DAY = date(2000, 1, 1)
"""Day 0 of an account's `last_paid_day`."""

FIRST_INSTANT = day_start(date(2000, 1, 2), "UTC")
LAST_INSTANT = day_start(date(2179, 6, 1), "UTC")
"""Between these, a day is a whole number that fits `last_paid_day`."""

MAX_ACCOUNTS = 2**32 - 2


class State:
    """Everything the journal says, folded."""

    def __init__(self) -> None:
        self._accounts = np.zeros(1024, dtype=ACCOUNT)
        self.account_count = 0
        self.coins: Int64s = np.zeros((0, COIN_WIDTH), dtype=np.int64)
        self.register = Register()
        self.book: Book | None = None
        self.activity_of: dict[int, Activity] = {}  # by number of the coin; -1: from no account
        self.ids_taken = 0
        self._ids = new_table()
        self._asking: _Asking | None = None
        self._consents: Int64s | None = None
        self._consents_until: Instant | None = None
        self._days: Int64s | None = None
        self._days_until = Instant(0)

    @classmethod
    def of(
        cls,
        accounts: Accounts,
        account_count: int,
        coins: Int64s,
        ids: Table,
        ids_taken: int,
        register: Register,
        book: Book | None,
        activity_of: dict[int, Activity],
    ) -> State:
        """Return the state that consists of these; all else in it follows from them.

        It keeps the arrays: *accounts* (>= account_count,) ACCOUNT, *coins* (c, COIN_WIDTH), *ids* a table
        at most half full. A snapshot gives a state back this way.
        """
        assert account_count <= len(accounts)
        assert coins.shape == (len(register.coins), COIN_WIDTH)
        assert 2 * ids_taken <= len(ids)
        state = cls()
        state._accounts, state.account_count, state.coins = accounts, account_count, coins
        state._ids, state.ids_taken = ids, ids_taken
        state.register, state.book, state.activity_of = register, book, activity_of
        if book is not None:
            state._asking = _Asking.of(book)
        return state

    @property
    def accounts(self) -> Accounts:
        """The accounts, (count,) ACCOUNT, as a view: read it, never write it."""
        return self._accounts[: self.account_count]

    @property
    def ids(self) -> Table:
        """Every id ever taken, `ids_taken` rows among empty ones: read it, never write it."""
        return self._ids

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

    def coin_of(self, account: int) -> Coin | None:
        """Return the coin that *account* holds."""
        number = int(self.accounts[account]["coin"])
        return next((coin for coin in self.register.coins.values() if coin.number == number), None)

    def paid_by(self, account: int, instant: Instant) -> tuple[int, int]:
        """Return what the person of *account* has paid on the day and in the year of *instant*, in fen.

        The sums stand on the record of his first account and follow that one's clock.
        """
        sums = self.accounts[int(self.accounts[account]["person"])]
        zone = self.words.places[self.words.place_names[int(sums["zone"])]]
        today, last = day_of(instant, zone.clock), EPOCH_DAY + timedelta(days=int(sums["last_paid_day"]))
        paid_today = int(sums["paid_today"]) if last == today else 0
        return paid_today, int(sums["paid_this_year"]) if last >= date(today.year, 1, 1) else 0

    def holders_of(self, coin: Coin) -> NDArray[np.bool_]:
        """Return which accounts hold *coin* for themselves, (count,) bool."""
        internal = (self.accounts["flags"] & AccountFlag.INTERNAL) != 0
        holders: NDArray[np.bool_] = (self.accounts["coin"] == coin.number) & ~internal
        return holders

    def result_of(self, lo: int, hi: int) -> Result | None:
        """Return what became of the transfer with this id; None when the id was never taken."""
        stamp = int(stamp_of(self._ids, np.uint64(lo), np.uint64(hi)))
        return Result(stamp & 0xFF) if stamp else None

    @property
    def activity(self) -> Activity:
        """The counts of all coins together, added up when asked."""
        whole = Activity()
        for part in self.activity_of.values():
            whole.join(part)
        return whole

    def digest(self) -> str:
        """Return SHA-256 over accounts, coins, ids, register and law: equal states have equal digests."""
        return digest_of(
            hashlib.sha256(self.accounts.data),
            self.coins,
            self._ids,
            self.register.content(),
            account_count=self.account_count,
            ids_taken=self.ids_taken,
            law=self.book.digest.hex() if self.book else "",
        )

    # -- accounts -----------------------------------------------------------

    def check_openings(self, opened: NDArray[np.void]) -> None:
        """Raise `FactError` when these accounts cannot be opened; name the first that cannot."""
        words, coins = self.words, self.register.coins.values()
        pegs = np.array([words.code("coin.peg", coin.peg) for coin in coins], dtype=np.int64)
        check_openings(opened, self._accounts, self.account_count, pegs, words)
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

    def record(self, facts: Sequence[Fact]) -> None:
        """Take in *facts*, all or none. Raises `FactError`."""
        taking = Taking(self.register, self.book, self.accounts)
        for fact in facts:
            taking.take(fact)
        if taking.book is not None and taking.book is not self.book:
            self.book, self._asking, self._days = taking.book, _Asking.of(taking.book), None
        self.register = taking.register
        new_coins = len(self.register.coins) - len(self.coins)
        if new_coins:
            self.coins = np.concatenate([self.coins, np.zeros((new_coins, COIN_WIDTH), dtype=np.int64)])
        for account, tier in taking.tiers.items():
            self._accounts[account]["tier"] = tier
        for account in taking.frozen:
            write_orders(self._accounts, account, list(self.register.freezes.get(account, {}).values()))
        self._consents = None

    # -- transfers ----------------------------------------------------------

    def post(self, batch: Transfers, ends: NDArray[np.uint32], instant: Instant) -> Booked:
        """Book *batch* (n,) TRANSFER at *instant*; *ends* tells where each caller's transfers end."""
        book, asking = self.law, self._asking
        assert asking is not None
        assert FIRST_INSTANT <= instant < LAST_INSTANT
        assert ends[-1] == len(batch)
        self._refresh(instant)
        assert self._consents is not None
        assert self._days is not None
        self._ids = grown(self._ids, self.ids_taken, len(batch))
        results = np.zeros(len(batch), dtype=np.uint8)
        bits = np.zeros((len(batch), words_of(book)), dtype=np.uint64)
        legs = UNDO_PER_LEG * 2 * int(np.count_nonzero(batch["flags"] & 1))
        self.ids_taken += post(
            batch,
            ends,
            self._accounts,
            self.account_count,
            self.coins,
            self._consents,
            self._ids,
            asking.program,
            int(np.searchsorted(asking.cuts, instant, side="right")),
            asking.slots,
            self._days,
            asking.counted,
            asking.facts,
            np.zeros(legs, dtype=ACCOUNT),
            np.zeros((legs, 4), dtype=np.int64),
            results,
            bits,
        )
        booked = Booked(batch, ends, results, bits)
        self._count(booked, book.reasons, instant)
        return booked

    def _count(self, booked: Booked, reasons: tuple[str, ...], instant: Instant) -> None:
        """Count a frame, coin by coin; most frames have one."""
        debit = booked.batch["debit"]
        known = debit < self.account_count
        coins = np.where(known, self._accounts["coin"][np.where(known, debit, 0)].astype(np.int64), -1)
        if (coins == coins[0]).all():
            numbers, parts = [int(coins[0])], [booked]
        else:
            numbers = np.unique(coins).tolist()
            parts = [booked.only(coins == number) for number in numbers]
        for number, part in zip(numbers, parts, strict=True):
            self.activity_of.setdefault(number, Activity()).add(part, reasons, instant)

    def _refresh(self, instant: Instant) -> None:
        """Bring licences, consents and days up to *instant*, which never falls."""
        due = self._consents_until is not None and instant >= self._consents_until
        if self._consents is None or due:
            self._consents = self.register.fill(self.coins, self.words, instant)
            self._consents_until = self.register.next_change(self.words, instant)
        if self._days is None or instant >= self._days_until:
            self._days, self._days_until = _days(self.words, instant)


def digest_of(
    accounts: hashlib._Hash,
    coins: Int64s,
    ids: Table,
    register: bytes,
    *,
    account_count: int,
    ids_taken: int,
    law: str,
) -> str:
    """Return the digest of a state, given the SHA-256 of its *accounts* so far.

    The accounts come first and are nearly all of it, so who hashes them for another
    reason has the digest of the state for little more. *ids* may lie in any order.
    """
    whole = accounts.copy()
    whole.update(np.ascontiguousarray(coins).data)
    whole.update(content_of(ids).data)
    whole.update(register)
    whole.update(f"{account_count}|{ids_taken}|{law}".encode())
    return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class _Asking:
    """What asking one book needs, made once: its program, where it wants the facts."""

    program: Program
    cuts: Int64s
    slots: Int64s
    counted: Int64s
    facts: Int64s

    @classmethod
    def of(cls, book: Book) -> _Asking:
        program = compile_book(book)
        return cls(
            program=program,
            cuts=program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]],
            slots=_slots(book),
            counted=_counted(book),
            facts=np.full(len(book.vocabulary.slots) + 1, MISSING, dtype=np.int64),
        )


def _days(words: Vocabulary, instant: Instant) -> tuple[Int64s, Instant]:
    """Return today and the first day of its year, for each place code, in days since 2000; and until when."""
    days = np.zeros((len(words.places) + 1, 2), dtype=np.int64)
    ends = []
    for place, code in words.place_codes.items():
        clock = words.places[place].clock
        today = day_of(instant, clock)
        days[code] = (today - EPOCH_DAY).days, (date(today.year, 1, 1) - EPOCH_DAY).days
        ends.append(day_start(today + timedelta(days=1), clock))
    return days, min(ends)


def _slots(book: Book) -> Int64s:
    """Return where the book wants each fact the ledger supplies; one past the end where it asks nothing.

    The last number is how many words the book has for travel data.
    """
    words = book.vocabulary
    travel = words.facts.get("payment.travel_data")
    slots = [words.slots.get(name, len(words.slots)) for name in FACTS_SUPPLIED]
    return np.array([*slots, len(travel.words) if travel else 0], dtype=np.int64)


def _counted(book: Book) -> Int64s:
    """Return the actions that count toward the day and the year, as bits."""
    masks = []
    for name in ("payer.paid_today", "payer.paid_this_year"):
        counter = book.vocabulary.counters.get(name)
        masks.append(sum(1 << ACTION_CODES[Action(action)] for action in counter.actions) if counter else 0)
    return np.array(masks, dtype=np.int64)


def compare(booked: Booked, stored: Booked) -> None:
    """Raise `JournalError` unless a replay gave the results that were stored."""
    if booked.bits.shape != stored.bits.shape:
        raise JournalError("its reasons are those of another law; restore a backup")
    wrong = (booked.results != stored.results) | (booked.bits != stored.bits).any(axis=1)
    if wrong.any():
        differs = int(np.flatnonzero(wrong)[0])
        raise JournalError(f"transfer {differs} is decided otherwise on replay; restore a backup")
