"""The state: a pure fold of the journal. The same frames give the same bits on any machine.

`State` knows no disk, no thread and no clock. Live posting and replay call the
same methods with the same arguments, so what was decided once is decided again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_start
from jiaozi.errors import FactError
from jiaozi.ledger.activity import Activity
from jiaozi.ledger.digests import LongDigest, digest_of
from jiaozi.ledger.facts import Fact
from jiaozi.ledger.notes import NO_NOTES, Notes
from jiaozi.ledger.opening import accounts_in, check_openings, write_accounts
from jiaozi.ledger.payload import MAX_RELEASED, Booked, moves
from jiaozi.ledger.posting.arena import reserve
from jiaozi.ledger.posting.asking import Asking, DayClocks, days_at
from jiaozi.ledger.posting.beside import Beside
from jiaozi.ledger.posting.holders import Holders
from jiaozi.ledger.posting.idindex import (
    IDS_PER_PIECE,
    PIECE_ROWS,
    Table,
    content_of,
    forget,
    is_expired,
    make_room,
    new_table,
    stamp_of,
)
from jiaozi.ledger.posting.kernel import CHAIN_WIDTH, LINKED, post
from jiaozi.ledger.posting.moving import ROWS_PER_LEG, UNDO_WIDTH
from jiaozi.ledger.posting.pendings import Pendings
from jiaozi.ledger.posting.setting import (
    ACCOUNT_COUNT,
    HORIZON_MS,
    INSTANT,
    INTERVAL,
    MONTH_START,
    NUMBERED,
    SUMS,
    TODAY,
    YEAR_START,
    set_days,
)
from jiaozi.ledger.posting.stamps import result_of
from jiaozi.ledger.posting.supplied import C_FROZEN, C_ISSUED, C_REDEEMED, COIN_KEPT, COIN_WIDTH
from jiaozi.ledger.posting.two_phase import MOVED, expire
from jiaozi.ledger.posting.two_phase import PENDING as PENDING_FLAG
from jiaozi.ledger.records import (
    ACCOUNT,
    COUNTS,
    PENDING,
    TRANSFER,
    AccountFlag,
    Accounts,
    Transfers,
)
from jiaozi.ledger.register import Coin, Register
from jiaozi.ledger.results import Result
from jiaozi.ledger.taking import Taking, write_orders
from jiaozi.rulebook.machine.program import Int64s, words_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.vocabulary import Vocabulary

FIRST_INSTANT = day_start(date(2000, 1, 2), "UTC")
LAST_INSTANT = day_start(date(2179, 6, 1), "UTC")
"""Between these, a day is a whole number that fits `last_paid_day`."""

MAX_ACCOUNTS = 2**32 - 2

NS_PER_MS = 1_000_000

FIRST_IDS = 1 << 15
"""Ids that a new table has room for before it grows."""

TRANSFERS_PER_SWEEP = 1_024
"""After so many new ids one piece of their table, of 2,458, is looked through for expired ones."""

FRAME_AS_TRANSFERS = 64
"""What a frame counts besides its transfers, so that small ones sweep too."""


_Undo = tuple[NDArray[np.void], Int64s, NDArray[np.void]]
"""Room to take chains back, see `kernel.post`: undo, undo_rows, undo_pendings."""


def _undo_of(legs: int) -> _Undo:
    """Return room for chains of *legs* legs."""
    rows = ROWS_PER_LEG * legs
    return (
        np.zeros(rows, dtype=ACCOUNT),
        np.zeros((rows, UNDO_WIDTH), dtype=np.int64),
        np.zeros(legs + 1, dtype=PENDING),
    )


_NO_CHAINS = _undo_of(0)
"""Most frames have no chain, and nothing is written into room for none."""

_NONE_RELEASED: NDArray[np.void] = np.zeros(0, dtype=PENDING)


class State:
    """Everything the journal says, folded."""

    def __init__(self, holders: Holders | None = None) -> None:
        """Begin with nothing; *holders* says where records shall lie, by default in memory."""
        # Address space for all the accounts there can be: they are never copied to grow.
        self._holders = holders or Holders.reserve(None, MAX_ACCOUNTS, least=1024)
        self._accounts: Accounts = self._holders.rows
        self._counts: NDArray[np.void] = reserve(COUNTS, len(self._accounts), least=len(self._accounts))
        self.account_count = 0
        self.coins: Int64s = np.zeros((0, COIN_WIDTH), dtype=np.int64)
        self.register = Register()
        self.book: Book | None = None
        self.activity_of: dict[int, Activity] = {}  # by number of the coin; -1: from no account
        self.ids_taken = 0
        self.horizon_ms = 0
        """Time-ordered ids from before this millisecond are expired; it only rises."""
        self.has_counts = False
        """Whether any law enacted so far counts payments; until then nobody writes the counts."""
        self.pendings = Pendings()
        self._ids = new_table(FIRST_IDS)
        self._asking: Asking | None = None
        self._consents: Int64s | None = None
        self._consents_until: Instant | None = None
        self._days_until: Instant | None = None
        self._clocks = DayClocks()
        self._unswept = 0

    @classmethod
    def of(
        cls,
        holders: Holders,
        counts: NDArray[np.void],
        account_count: int,
        coins: Int64s,
        ids: Table,
        ids_taken: int,
        horizon_ms: int,
        has_counts: bool,
        pendings: Pendings,
        register: Register,
        book: Book | None,
        activity_of: dict[int, Activity],
    ) -> State:
        """Return the state that consists of these; all else in it follows from them.

        It keeps the arrays: *holders* with >= account_count rows and as many *counts* COUNTS, *coins*
        (c, COIN_WIDTH), *ids* see `idindex`. A snapshot gives a state back this way.
        """
        assert account_count <= len(holders.rows) == len(counts)
        assert coins.shape == (len(register.coins), COIN_WIDTH)
        state = cls(holders)
        state._counts, state.account_count = counts, account_count
        state.coins, state.horizon_ms, state.pendings = coins, horizon_ms, pendings
        state._ids, state.ids_taken, state.has_counts = ids, ids_taken, has_counts
        state.register, state.book, state.activity_of = register, book, activity_of
        if book is not None:
            state._asking = Asking.of(book, register, has_counts)
        return state

    @property
    def accounts(self) -> Accounts:
        """The accounts, (count,) ACCOUNT, as a view: read it, never write it."""
        return self._accounts[: self.account_count]

    @property
    def holders_folder(self) -> Path | None:
        """Where the scratch file of the accounts lies; None when they are in memory."""
        return self._holders.folder

    @property
    def counts(self) -> NDArray[np.void]:
        """How many payments each person made, (count,) COUNTS, as a view: read it, never write it."""
        return self._counts[: self.account_count]

    @property
    def ids(self) -> Table:
        """Every id that is remembered, see `idindex`: read it, never write it."""
        return self._ids

    @property
    def next_deadline(self) -> Instant | None:
        """When the next pending transfer may time out; None when none can."""
        found = self.pendings.next_deadline
        return None if found is None else Instant(found)

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

    def coins_frozen(self, coin: Coin) -> int:
        """Return what holders have and may not pay, by order, in fen."""
        return int(self.coins[coin.number, C_FROZEN])

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

    def paid_by(self, account: int, instant: Instant) -> dict[str, int]:
        """Return the sums (fen) and counts of the person of *account* in the windows of *instant*.

        By the names of `setting.SUMS`. They stand on the record of his first account and follow that
        one's clock; what his pending payments reserve is counted.
        """
        person = int(self.accounts[account]["person"])
        sums, numbers = self.accounts[person], self.counts[person]
        zone = self.words.places[self.words.place_names[int(sums["zone"])]]
        days, last = days_at(instant, zone.clock), int(sums["last_paid_day"])
        windows = (("today", days[TODAY]), ("this_month", days[MONTH_START]), ("this_year", days[YEAR_START]))
        found = {}
        for window, start in windows:
            is_this = last >= start
            found[f"payer.paid_{window}"] = int(sums[f"paid_{window}"]) if is_this else 0
            found[f"payer.payments_{window}"] = int(numbers[window]) if is_this else 0
        assert found.keys() == SUMS.keys()
        return found

    def holders_of(self, coin: Coin) -> NDArray[np.bool_]:
        """Return which accounts hold *coin* for themselves, (count,) bool."""
        internal = (self.accounts["flags"] & AccountFlag.INTERNAL) != 0
        holders: NDArray[np.bool_] = (self.accounts["coin"] == coin.number) & ~internal
        return holders

    def result_of(self, lo: int, hi: int) -> Result | None:
        """Return what became of the transfer with this id; None when the id was never taken or has expired."""
        if is_expired(np.uint64(lo), np.uint64(hi), np.uint64(self.horizon_ms)):
            return None  # whether or not it was swept already
        stamp = stamp_of(self._ids, lo, hi)
        return result_of(stamp) if stamp else None

    @property
    def activity(self) -> Activity:
        """The counts of all coins together, added up when asked."""
        whole = Activity()
        for part in self.activity_of.values():
            whole.join(part)
        return whole

    def digest(self) -> str:
        """Return SHA-256 over all that decides: equal states have equal digests."""
        return digest_of(
            LongDigest(self.accounts.data).digest(),
            LongDigest(self.counts.data if self.has_counts else b"").digest(),
            self.coins[:, :COIN_KEPT],
            content_of(self._ids, self.horizon_ms),
            self.pendings.open(),
            self.register.content(),
            account_count=self.account_count,
            ids_taken=self.ids_taken,
            horizon_ms=self.horizon_ms,
            law=self.book.digest.hex() if self.book else "",
        )

    # -- accounts -----------------------------------------------------------

    def check_openings(self, opened: NDArray[np.void]) -> None:
        """Raise `FactError` when these accounts cannot be opened; name the first that cannot.

        Raises `NotReady` when they are to be kept on a disk that has no room for them.
        """
        words, coins = self.words, self.register.coins.values()
        pegs = np.array([words.code("coin.peg", coin.peg) for coin in coins], dtype=np.int64)
        check_openings(opened, self._accounts, self.account_count, pegs, words)
        if self.account_count + accounts_in(opened) > MAX_ACCOUNTS:
            raise FactError(f"no more than {MAX_ACCOUNTS:,} accounts fit one ledger")
        self._holders.take(self.account_count + accounts_in(opened))

    def open_accounts(self, opened: NDArray[np.void]) -> int:
        """Open accounts, (n,) OPENING; return the number of the first."""
        first, count = self.account_count, accounts_in(opened)
        if first + count > len(self._accounts):  # where address space is scarce
            accounts, counts = self.accounts, self.counts
            self._accounts = np.zeros(max(first + count, 2 * len(self._accounts)), dtype=ACCOUNT)
            self._counts = np.zeros(len(self._accounts), dtype=COUNTS)
            self._accounts[:first], self._counts[:first] = accounts, counts
        write_accounts(opened, self._accounts, first)
        self.account_count += count
        return first

    # -- facts --------------------------------------------------------------

    def record(self, facts: Sequence[Fact]) -> None:
        """Take in *facts*, all or none. Raises `FactError`."""
        taking = Taking(self.register, self.book, self.accounts)
        for fact in facts:
            taking.take(fact)
        is_new_law = taking.book is not None and taking.book is not self.book
        self.book, self.register = taking.book, taking.register
        new_coins = len(self.register.coins) - len(self.coins)
        if new_coins:
            self.coins = np.concatenate([self.coins, np.zeros((new_coins, COIN_WIDTH), dtype=np.int64)])
        for account, tier in taking.tiers.items():
            self._accounts[account]["tier"] = tier
        for account in taking.frozen:
            write_orders(self._accounts, account, self.register, account)
        for coin, change in taking.newly_frozen().items():
            self.coins[coin, C_FROZEN] += change
        for account, is_closed in taking.closed.items():
            flags = int(self._accounts[account]["flags"]) & ~int(AccountFlag.CLOSED)
            self._accounts[account]["flags"] = flags | (AccountFlag.CLOSED if is_closed else 0)
        if self.book is not None and (is_new_law or taking.frozen):
            self._asking = Asking.of(self.book, self.register, self.has_counts)
            self._days_until = None
            self.has_counts |= bool(self._asking.setting[NUMBERED])
        self._consents = None

    def try_law(self, book: Book) -> None:
        """Ask *book* from now on, in place of the law that was enacted. For replays: no journal knows of it.

        Its places and words are those of the enacted law, for accounts and the register speak in them.
        """
        self.book = book
        self._asking = Asking.of(book, self.register, self.has_counts)
        self.has_counts |= bool(self._asking.setting[NUMBERED])
        self._days_until = None
        self._consents = None

    # -- transfers ----------------------------------------------------------

    def expect_ids(self, coming: int) -> int:
        """Make the id table large enough for *coming* ids while it is empty; return how many rows it has then.

        Returns 0 when it was left as it is. Where ids expire, nobody knows how many will stand in it.
        """
        if self.ids_taken or self.register.id_window is not None:
            return 0
        self._ids = new_table(max(coming, FIRST_IDS))
        return (-(-coming // IDS_PER_PIECE) + 1) * PIECE_ROWS

    def post(
        self,
        batch: Transfers,
        calls: NDArray[np.void],
        instant: Instant,
        notes: Notes = NO_NOTES,
        beside: Beside | None = None,
    ) -> Booked:
        """Release what has timed out by *instant*, then book *batch* (n,) TRANSFER of *calls* (c,) CALL.

        With *beside* another law is asked of the same facts; what it says is written there.

        An empty batch lets time pass and nothing else. Whoever posts calls `count` afterwards, once.
        """
        book, asking = self.law, self._asking
        assert asking is not None
        assert FIRST_INSTANT <= instant < LAST_INSTANT
        assert len(calls) == 0 if len(batch) == 0 else calls["end"][-1] == len(batch)
        self._refresh(asking, instant, len(batch))
        released = self._expire(asking)
        count = len(batch)
        self._ids = make_room(self._ids, count)
        results = np.zeros(count, dtype=np.uint8)
        bits = np.zeros((count, words_of(book)), dtype=np.uint64)
        rows, room = batch, _NO_CHAINS
        if (flags := batch["flags"]).any():
            legs = 2 * int(np.count_nonzero(flags & LINKED))
            if legs:
                room = _undo_of(legs)
            self.pendings.make_room(int(np.count_nonzero(flags & PENDING_FLAG)))
            moved = int(np.count_nonzero(flags & MOVED))
            if moved:
                rows = np.empty(count + moved, dtype=TRANSFER)
                # As bytes: field by field takes 40 times as long.
                rows[:count].view(np.uint8)[:] = batch.view(np.uint8)
        if count:
            self._run(asking, rows, calls, notes, room, results, bits, beside)
        booked = Booked(batch, calls, results, bits, released=released, notes=notes)
        if rows is batch:
            return booked
        kept = rows[count : count + len(moves(batch, results))]
        return replace(booked, moved=kept)

    def count(self, booked: Booked, instant: Instant) -> None:
        """Count a frame for those who watch, coin by coin; most frames have one.

        Frames are counted in their order, by one thread at a time.
        """
        if not len(booked.batch):
            return
        reasons, debit = self.law.reasons, booked.as_booked()["debit"]
        known = debit < self.account_count
        coins = np.where(known, self._accounts["coin"][np.where(known, debit, 0)].astype(np.int64), -1)
        if (coins == coins[0]).all():
            numbers, parts = [int(coins[0])], [booked]
        else:
            numbers = np.unique(coins).tolist()
            parts = [booked.only(coins == number) for number in numbers]
        for number, part in zip(numbers, parts, strict=True):
            self.activity_of.setdefault(number, Activity()).add(part, reasons, instant)

    def _run(
        self,
        asking: Asking,
        rows: Transfers,
        calls: NDArray[np.void],
        notes: Notes,
        room: _Undo,
        results: NDArray[np.uint8],
        bits: NDArray[np.uint64],
        beside: Beside | None,
    ) -> None:
        assert self._consents is not None
        self.ids_taken += post(
            rows,
            calls,
            self._accounts,
            self._counts,
            self.coins,
            self._consents,
            self._ids,
            self.pendings.rows,
            self.pendings.heap,
            asking.program,
            asking.setting,
            asking.facts,
            notes.digests(len(results)),
            *room,
            np.zeros(CHAIN_WIDTH, dtype=np.int64),
            results,
            bits,
            beside,
        )

    def _expire(self, asking: Asking) -> NDArray[np.void]:
        """Release what has timed out, (k,) PENDING by deadline; the most that fits a frame."""
        deadline = self.pendings.next_deadline
        if deadline is None or deadline > asking.setting[INSTANT]:
            return _NONE_RELEASED
        released = np.zeros(min(MAX_RELEASED, len(self.pendings)), dtype=PENDING)
        count = expire(
            self._accounts,
            self._counts,
            self.coins,
            self._ids,
            self.pendings.rows,
            self.pendings.heap,
            asking.setting,
            released,
        )
        return released[:count]

    def _refresh(self, asking: Asking, instant: Instant, count: int) -> None:
        """Bring everything that depends on time up to *instant*, which never falls."""
        due = self._consents_until is not None and instant >= self._consents_until
        if self._consents is None or due:
            self._consents = self.register.fill(self.coins, self.words, instant)
            self._consents_until = self.register.next_change(self.words, instant)
        setting = asking.setting
        if self._days_until is None or instant >= self._days_until:
            clocks = [place.clock for place in self.words.places.values()]
            set_days(setting, [(0, 0, 0), *(self._clocks.days(instant, clock) for clock in clocks)])
            interval = int(np.searchsorted(asking.cuts, instant, side="right"))
            setting[INTERVAL] = interval
            # The law changes next at the cut behind this interval; whichever comes first is looked for again.
            following = [Instant(cut) for cut in asking.cuts[interval : interval + 1].tolist()]
            self._days_until = min([*following, self._clocks.next_day(clocks)])
        if self.register.id_window is not None:
            window_ms = self.register.id_window * 1_000
            self.horizon_ms = max(self.horizon_ms, instant // NS_PER_MS - window_ms)
            self._unswept += count + FRAME_AS_TRANSFERS
            pieces, self._unswept = divmod(self._unswept, TRANSFERS_PER_SWEEP)
            if pieces:
                forget(self._ids, self.horizon_ms, pieces)
        setting[INSTANT], setting[ACCOUNT_COUNT] = instant, self.account_count
        setting[HORIZON_MS] = self.horizon_ms
