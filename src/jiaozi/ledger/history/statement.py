"""An account's statement for a period: what stood there before, each movement, what stood there after.

Days are days on a clock, from included, until excluded. A movement counts on the day its frame
was booked; its value day is the one the client gave, or that day. Names of people are not in
the ledger, so none are here: accounts are numbers with check digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from jiaozi.clock import SHANGHAI, Instant, day_of, day_start
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.history.asked import MAX_PAGE, Balance, Cursor
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.notes import Note
from jiaozi.ledger.records import ACTION_NAMES

if TYPE_CHECKING:
    from jiaozi.ledger.state import State

_DAY_ZERO: Final = date(2000, 1, 1)  # of `records.TRANSFER`

MAX_ENTRIES = 100_000
"""Movements that fit one statement: a file of about 100 MB as camt.053."""

_note = msgspec.json.Decoder(Note)


@dataclass(frozen=True, slots=True)
class About:
    """What a statement says of an account besides its movements."""

    account: int
    coin: str
    currency: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One transfer that changed the balance. `amount` is positive; `balance` is what stood there after it."""

    cursor: Cursor
    instant: Instant
    day: date
    value_day: date
    id: str
    is_out: bool
    other: int
    amount: int
    action: str
    balance: int
    note: Note


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """The statement. Amounts in fen; `opening` and `closing` with what was pending then."""

    about: About
    from_day: date
    until_day: date
    clock: str
    opening: Balance
    closing: Balance
    movements: tuple[Movement, ...]

    @property
    def last_day(self) -> date:
        return self.until_day - timedelta(days=1)

    @property
    def paid_in(self) -> int:
        return sum(each.amount for each in self.movements if not each.is_out)

    @property
    def paid_out(self) -> int:
        return sum(each.amount for each in self.movements if each.is_out)


def about(state: State, account: int) -> About:
    """Return what *state* says of *account*. Raises `FactError` when there is no such account."""
    if not 0 <= account < state.account_count:
        raise FactError(f"there is no account {account}; {state.account_count:,} are open, numbered from 0")
    coin = state.coin_of(account)
    if coin is None:
        return About(account, "", "XXX", "")
    return About(account, coin.id, coin.peg, coin.issuer)


def statement(
    history: History,
    known: About,
    from_day: date,
    until_day: date,
    *,
    clock: str = SHANGHAI,
    progress: Callable[[int], None] | None = None,
) -> AccountStatement:
    """Return the statement of *known* from *from_day* until *until_day* on *clock*.

    Raises `ValueError` for a period that is none or holds more than `MAX_ENTRIES` movements.
    """
    if until_day <= from_day:
        raise ValueError(
            f"a period from {from_day} until {until_day} has no day; until is the first day not in it"
        )
    since, until = day_start(from_day, clock), day_start(until_day, clock)
    with history.held():
        return _told(history, known, from_day, until_day, since, until, clock, progress)


def _told(
    history: History,
    known: About,
    from_day: date,
    until_day: date,
    since: Instant,
    until: Instant,
    clock: str,
    progress: Callable[[int], None] | None,
) -> AccountStatement:
    opening = history.balance_before(known.account, since)
    movements: list[Movement] = []
    at, after = opening.balance, None
    while True:
        page = history.account_transfers(
            known.account, since=since, until=until, after=after, limit=MAX_PAGE, with_released=False
        )
        for place in range(len(page)):
            change = int(page.change[place])
            if not change:
                continue
            at += change
            row = page.rows[place]
            is_out = change < 0
            day = day_of(Instant(int(row["instant"])), clock)
            value = int(row["value_day"])
            movements.append(
                Movement(
                    cursor=page.cursor(place),
                    instant=Instant(int(row["instant"])),
                    day=day,
                    value_day=_DAY_ZERO + timedelta(days=value) if value else day,
                    id=id_text(int(row["id_lo"]), int(row["id_hi"])),
                    is_out=is_out,
                    other=int(row["credit"] if is_out else row["debit"]),
                    amount=abs(change),
                    action=ACTION_NAMES.get(int(row["action"]), str(int(row["action"]))),
                    balance=at,
                    note=_read(page.notes.get(place)),
                )
            )
        if len(movements) > MAX_ENTRIES:
            raise ValueError(
                f"the period has more than {MAX_ENTRIES:,} movements, which is no statement; ask for fewer days"
            )
        if progress:
            progress(len(movements))
        if page.next is None:
            break
        after = page.next
    closing = history.balance_before(known.account, until)
    if closing.balance != at:
        raise JournalError(
            f"account {known.account}: its movements lead to {at} fen and its entries to {closing.balance}; "
            "run `jiaozi ledger seal --verify`"
        )
    return AccountStatement(known, from_day, until_day, clock, opening, closing, tuple(movements))


def _read(text: str | None) -> Note:
    if text is None:
        return Note()
    try:
        return _note.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise JournalError(f"a note in the history cannot be read: {error}") from None
