"""Taking facts in: each is checked and folded into a copy of the register.

The copy becomes the register only when every fact of a list was taken, so a list
enters whole or not at all. Every refusal is a `FactError` that says what would do.
"""

from __future__ import annotations

import copy
import re
from datetime import date

from jiaozi.errors import FactError, RulebookError
from jiaozi.ledger import facts as fact_kinds
from jiaozi.ledger.payload import MAX_WORDS as MAX_WORDS_OF_REASONS
from jiaozi.ledger.posting.setting import WINDOWS
from jiaozi.ledger.posting.supplied import FACTS_SUPPLIED
from jiaozi.ledger.records import AccountFlag, Accounts
from jiaozi.ledger.register import Coin, Register
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.program import words_of
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.vocabulary import Vocabulary

MAX_COINS = 1_000
MAX_WINDOW_SECONDS = 100 * 366 * 86_400
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
MAX_PLACES = 62
"""Sets of places are the bits of one signed 64-bit number, and code 0 is no place."""
MAX_WORDS = 255
"""The code of a word is one byte of an account or a transfer."""


class Taking:
    """Facts tried on a copy of *register*, under *book*, over the *accounts* there are."""

    def __init__(self, register: Register, book: Book | None, accounts: Accounts) -> None:
        self.register = Register(
            issuers=dict(register.issuers),
            controllers=dict(register.controllers),
            coins={name: copy.copy(coin) for name, coin in register.coins.items()},
            licences=list(register.licences),
            consents=list(register.consents),
            freezes={account: dict(orders) for account, orders in register.freezes.items()},
            limits=dict(register.limits),
            id_window=register.id_window,
        )
        self.book = book
        self.tiers: dict[int, int] = {}
        """Accounts whose tier changes, and the code of the new one."""
        self.frozen: set[int] = set()
        """Accounts whose orders or limits changed."""
        self.closed: dict[int, bool] = {}
        """Accounts that close, and those that open again."""
        self._accounts = accounts
        self._before = register

    def newly_frozen(self) -> dict[int, int]:
        """Return by how much more, in fen, holders of each coin, by its number, may not pay than before."""
        changes: dict[int, int] = {}
        for account in self.frozen:
            record = self._accounts[account]
            coin = int(record["coin"])
            change = self.register.frozen_of(account, record) - self._before.frozen_of(account, record)
            changes[coin] = changes.get(coin, 0) + change
        return changes

    def take(self, fact: fact_kinds.Fact) -> None:
        """Check one fact and fold it into the copy. Raises `FactError`."""
        match fact:
            case fact_kinds.LawEnacted():
                self._enact(fact)
            case fact_kinds.IssuerRegistered(issuer=issuer, zone=zone, controller=controller):
                self._place(zone)
                self._place(controller or zone)
                _check_name("issuer", issuer)
                if issuer in self.register.issuers:
                    raise FactError(f"issuer {issuer!r} is registered already")
                self.register.issuers[issuer] = zone
                if controller:
                    self.register.controllers[issuer] = controller
            case fact_kinds.LicenceGranted(issuer=issuer, place=place):
                self.register.issuer_zone(issuer)
                self._place(place)
                _check_days(fact.from_day, fact.until_day)
                self.register.licences.append(fact)
            case fact_kinds.ConsentGranted():
                self._consent(fact)
            case fact_kinds.CoinCreated(coin=coin, issuer=issuer, peg=peg):
                self.register.issuer_zone(issuer)
                _check_name("coin", coin)
                if coin in self.register.coins:
                    raise FactError(f"coin {coin!r} exists already")
                if peg not in self._words.currencies:
                    known = ", ".join(self._words.currencies)
                    raise FactError(f"no such currency {peg!r}; coins are pegged to {known}")
                if len(self.register.coins) >= MAX_COINS:
                    raise FactError(f"no more than {MAX_COINS} coins fit one ledger")
                self.register.coins[coin] = Coin(len(self.register.coins), coin, issuer, peg)
            case fact_kinds.SheetNamed():
                self._sheet(fact)
            case fact_kinds.TierSet(account=account, tier=tier):
                self._account(account)
                if tier not in self._words.tiers:
                    raise FactError(f"no such tier {tier!r}; tiers are {', '.join(self._words.tiers)}")
                self.tiers[account] = self._words.code("payer.tier", tier)
            case fact_kinds.FreezeOrdered():
                self._freeze(fact)
            case fact_kinds.FreezeLifted(account=account, order=order):
                orders = self.register.freezes.get(account, {})
                if orders.pop(order, None) is None:
                    known = ", ".join(orders) or "none"
                    raise FactError(
                        f"no order {order!r} stands upon account {account}; those that do: {known}"
                    )
                if not orders:
                    del self.register.freezes[account]
                self.frozen.add(account)
            case fact_kinds.LimitSet():
                self._limit(fact)
            case fact_kinds.AccountClosed(account=account):
                self._close(account)
            case fact_kinds.AccountReopened(account=account):
                self._account(account)
                if not self._is_closed(account):
                    raise FactError(f"account {account} is not closed")
                self.closed[account] = False
            case fact_kinds.IdWindowSet(seconds=seconds):
                if seconds is not None and not 0 < seconds <= MAX_WINDOW_SECONDS:
                    raise FactError(
                        f"ids cannot be remembered for {seconds} s; write 1 to {MAX_WINDOW_SECONDS}, "
                        "or null for ever"
                    )
                self.register.id_window = seconds
            case fact_kinds.CheckpointSigned(coin=coin, epoch=epoch, digest=digest):
                signed = self.register.coin(coin)
                if epoch != signed.epoch + 1:
                    raise FactError(
                        f"checkpoint {epoch} of {coin} does not follow {signed.epoch}; "
                        f"the next is {signed.epoch + 1}"
                    )
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

    def _account(self, account: int) -> None:
        if not 0 <= account < len(self._accounts):
            raise FactError(f"no account {account}; the ledger has {len(self._accounts)}")

    def _enact(self, fact: fact_kinds.LawEnacted) -> None:
        try:
            book = read(fact.texts, drafts=fact.drafts)
        except RulebookError as error:
            raise FactError(f"the law cannot be enacted; mend its texts:\n{error}") from error
        if book.digest.hex() != fact.digest:
            raise FactError(f"the texts give the book {book.digest.hex()}, the fact says {fact.digest}")
        check_fits(book.vocabulary)
        check_reasons(book)
        if self.book is not None:
            _check_append_only(self.book.vocabulary, book.vocabulary)
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
            raise FactError(
                f"cap_fen {fact.cap_fen} is not an amount; write 0 to {MAX_FEN}, or null for no cap"
            )
        _check_days(fact.from_day, fact.until_day)
        self.register.consents.append(fact)

    def _sheet(self, fact: fact_kinds.SheetNamed) -> None:
        coin = self.register.coin(fact.coin)
        if coin.sheet is not None:
            raise FactError(f"the sheet of {coin.id} is named already")
        numbers = (fact.reserve, fact.client_money, fact.unmatched, fact.redemptions)
        if len(set(numbers)) != len(numbers):
            raise FactError("the accounts of a sheet must differ")
        for number in numbers:
            self._account(number)
            account = self._accounts[number]
            if not account["flags"] & AccountFlag.INTERNAL or account["coin"] != coin.number:
                raise FactError(f"account {number} is not an internal account of {coin.id}")
        coin.sheet = fact

    def _freeze(self, fact: fact_kinds.FreezeOrdered) -> None:
        self._account(fact.account)
        if fact.keep_fen is not None and not 0 <= fact.keep_fen <= MAX_FEN:
            raise FactError(
                f"order {fact.order!r}: keep_fen {fact.keep_fen} is not an amount; "
                f"write 0 to {MAX_FEN}, or null to forbid every payment"
            )
        orders = self.register.freezes.setdefault(fact.account, {})
        if fact.order in orders:
            raise FactError(f"order {fact.order!r} stands upon account {fact.account} already; lift it first")
        orders[fact.order] = fact
        self.frozen.add(fact.account)

    def _limit(self, fact: fact_kinds.LimitSet) -> None:
        self._account(fact.account)
        floor, cap = fact.floor_fen, fact.cap_fen
        for name, amount in (("floor_fen", floor), ("cap_fen", cap)):
            if amount is not None and not -MAX_FEN <= amount <= MAX_FEN:
                raise FactError(f"{name} {amount} is not an amount; write {-MAX_FEN} to {MAX_FEN}, or null")
        if not self._accounts[fact.account]["flags"] & AccountFlag.INTERNAL and min(floor or 0, cap or 0) < 0:
            raise FactError(f"account {fact.account} is a holder's, who never holds less than nothing")
        if floor is not None and cap is not None and cap < floor:
            raise FactError(f"account {fact.account}: a cap of {cap} fen is below the floor of {floor}")
        if floor is None and cap is None:
            self.register.limits.pop(fact.account, None)
        else:
            self.register.limits[fact.account] = fact
        self.frozen.add(fact.account)

    def _is_closed(self, account: int) -> bool:
        was_closed = bool(self._accounts[account]["flags"] & AccountFlag.CLOSED)
        return self.closed.get(account, was_closed)

    def _close(self, account: int) -> None:
        """Close an account that is empty: money that is held must always find the way out."""
        self._account(account)
        if self._is_closed(account):
            raise FactError(f"account {account} is closed already")
        record = self._accounts[account]
        if record["balance"] or record["pending_out"] or record["pending_in"]:
            raise FactError(
                f"account {account} holds {int(record['balance'])} fen, {int(record['pending_out'])} fen pending "
                f"out and {int(record['pending_in'])} in; redeem or pay it out, and post or void what is pending"
            )
        self.closed[account] = True


ORDER_FLAGS = AccountFlag.FROZEN_OUT | AccountFlag.FROZEN_IN | AccountFlag.FROZEN_BELOW | AccountFlag.LIMITED
"""What `write_orders` writes, and nobody else."""


def write_orders(accounts: Accounts, row: int, register: Register, number: int) -> None:
    """Write into the flags of *row* of *accounts*, account *number*, what orders and limits there are upon it.

    Orders to keep an amount do not add up: each is content when at least its own amount stays. The
    amounts stand in the table of limits, see `setting.py`.
    """
    orders = register.freezes.get(number, {}).values()
    flags = int(accounts[row]["flags"])
    for flag, is_set in (
        (AccountFlag.FROZEN_OUT, any(order.keep_fen is None for order in orders)),
        (AccountFlag.FROZEN_IN, any(not order.may_receive for order in orders)),
        (AccountFlag.FROZEN_BELOW, any(order.keep_fen is not None for order in orders)),
        (AccountFlag.LIMITED, number in register.limits),
    ):
        flags = flags | flag if is_set else flags & ~int(flag)
    accounts[row]["flags"] = flags


def check_fits(words: Vocabulary) -> None:
    """Raise `FactError` when a book has words for which the ledger has no answer or no room."""
    absent = [name for name, fact in words.facts.items() if fact.from_ledger and name not in FACTS_SUPPLIED]
    if absent:
        raise FactError(f"the book asks the ledger for {', '.join(absent)}, which this ledger does not know")
    for payer, payee in (("payer.kind", "payee.kind"), ("payer.tier", "payee.tier")):
        if payer not in words.facts or payee not in words.facts:
            raise FactError(f"facts.toml: {payer} and {payee} must be there; accounts are opened with them")
        if words.facts[payer].words != words.facts[payee].words:
            raise FactError(f"facts.toml: {payer} and {payee} must have the same words")
    for counter in words.counters.values():
        if WINDOWS.get(counter.id) != counter.window:
            kept = ", ".join(f"{name} by {window}" for name, window in WINDOWS.items())
            raise FactError(f"this ledger keeps no sum {counter.id} by {counter.window}; it keeps {kept}")
    if len(words.places) > MAX_PLACES:
        raise FactError(f"the book has {len(words.places)} places; this ledger has room for {MAX_PLACES}")
    for fact in words.facts.values():
        if len(fact.words) > MAX_WORDS:
            raise FactError(f"{fact.id} has {len(fact.words)} words; this ledger has room for {MAX_WORDS}")


def check_reasons(book: Book) -> None:
    """Raise `FactError` when a book has more reasons than a frame has room for."""
    if words_of(book) > MAX_WORDS_OF_REASONS:
        raise FactError(
            f"the book has {len(book.reasons):,} reasons; a frame has room for {64 * MAX_WORDS_OF_REASONS:,}"
        )


def _check_append_only(old: Vocabulary, new: Vocabulary) -> None:
    """A new book may add words and places at the end; it never moves one that the journal uses.

    Nor does it move the clock of a place: a person's day would go back, and his sums with it.
    """
    for name, place in old.places.items():
        if name in new.places and new.places[name].clock != place.clock:
            raise FactError(
                f"places.toml: the clock of {name} became {new.places[name].clock}; days already counted are on "
                f"{place.clock}, so a place with another clock is a new place"
            )
    lists = [("places.toml", tuple(old.places), tuple(new.places))]
    shared = [name for name in old.facts if name in new.facts]
    lists += [(name, old.facts[name].words, new.facts[name].words) for name in shared]
    for name, before, after in lists:
        if after[: len(before)] != before:
            raise FactError(f"{name}: {before} became {after}; words are appended, never moved or removed")


def _check_days(start: date, end: date | None) -> None:
    if end is not None and end <= start:
        raise FactError(f"ends on {end}, before it began on {start}; the day of `until` is excluded")


def _check_name(what: str, name: str) -> None:
    """A name becomes part of file names, addresses and signed texts, so it is plain."""
    if not _NAME.fullmatch(name):
        raise FactError(
            f"{what} {name[:80]!r}: a name is 1 to 64 lower case letters, digits and -, a letter first"
        )
