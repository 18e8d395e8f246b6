"""One holder as values: balance, what was paid beside what may be paid, orders, transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from jiaozi.clock import Instant, day_of
from jiaozi.ledger.facts import FreezeOrdered
from jiaozi.ledger.history import Line
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.records import ACTION_NAMES, BOOK, AccountFlag, TransferFlag
from jiaozi.ledger.register import Coin
from jiaozi.ledger.results import WORDS, Result
from jiaozi.ledger.state import State
from jiaozi.office import Office
from jiaozi.people.parties import Party
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.model import UNLIMITED, Book, Status, Wording
from jiaozi.rulebook.telling.explain import Label, label

BASIS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A sum beside the number the law sets for it. `cap` None: the law sets no limit; `used` None: no sum."""

    id: str
    title: Wording
    used: int | None
    cap: int | None
    cite: str
    link: str
    since: date
    is_draft: bool

    @property
    def used_basis_points(self) -> int | None:
        """How full it is, 0 to 10,000."""
        if self.cap is None or self.used is None:
            return None
        return min(BASIS, self.used * BASIS // self.cap) if self.cap else BASIS


@dataclass(frozen=True, slots=True)
class Holder:
    """An account between two frames of the journal. Amounts in fen."""

    account: int
    party: Party | None
    coin: Coin | None
    kind: Wording
    tier: Wording
    zone: Wording
    balance: int
    pending_out: int
    pending_in: int
    floor: int | None
    cap: int | None
    is_internal: bool
    is_closed: bool
    paid_today: int
    paid_this_year: int
    person: int
    limits: tuple[Limit, ...]
    freezes: tuple[FreezeOrdered, ...]
    may_pay: bool
    may_receive: bool
    keep_fen: int | None  # what has to stay while the account may pay; None when nothing has to
    as_of: Instant
    sequence: int
    today: date


@dataclass(frozen=True, slots=True)
class Entry:
    """A transfer of the account, in words.

    `other_sheet` is the part of the issuer's sheet on the other side, as `[sheet]` of words.toml
    calls it, or empty. `reasons` is empty when another law than today's was asked.
    """

    line: Line
    other_name: str
    other_sheet: str
    action: str
    result: Wording
    reasons: tuple[tuple[str, Label], ...]
    is_under_other_law: bool


def holder_at(office: Office, account: int) -> Holder:
    """Return the holder of *account*, which is open, all of one instant."""
    party = office.parties.find(account)
    now = office.clock()
    return office.ledger.at_cut(lambda state, head: _holder(state, head, account, party, now))


def entries_of(office: Office, account: int) -> list[Entry]:
    """Return the newest transfers of *account*, newest first, in words."""
    book = office.ledger.state.law
    lines = office.lines(account)
    names = office.parties.names([line.other for line in lines])
    sheets = sheet_accounts(office.ledger.state)
    return [_entry(book, line, names.get(line.other, ""), sheets.get(line.other, "")) for line in lines]


def sheet_accounts(state: State) -> dict[int, str]:
    """Return the accounts of every issuer's sheet, and which part of it each is."""
    parts = ("reserve", "client_money", "unmatched", "redemptions")
    sheets = [coin.sheet for coin in state.register.coins.values() if coin.sheet]
    return {getattr(sheet, part): part for sheet in sheets for part in parts}


def _holder(state: State, head: Receipt, account: int, party: Party | None, now: Instant) -> Holder:
    words, record = state.words, state.accounts[account]
    zone = words.place_names[int(record["zone"])]
    instant = max(now, head.instant)
    # The sums follow the clock of the person's first account, and so does the day shown beside them.
    first = state.accounts[int(record["person"])]
    today = day_of(instant, words.places[words.place_names[int(first["zone"])]].clock)
    paid = state.paid_by(account, instant)
    coin, flags = state.coin_of(account), AccountFlag(int(record["flags"]))
    balance, tier = int(record["balance"]), words.word("payer.tier", int(record["tier"]))
    used = {
        "limit.balance": balance,
        "limit.day": paid["payer.paid_today"],
        "limit.year": paid["payer.paid_this_year"],
    }
    is_internal = AccountFlag.INTERNAL in flags
    limit = state.register.limits.get(account)
    orders = tuple(state.register.freezes.get(account, {}).values())
    limits = limits_of(state.law, zone, instant, coin.peg, tier, used) if coin else ()
    return Holder(
        account=account,
        party=party,
        coin=coin,
        kind=_label(state.law, "payer.kind", int(record["kind"])),
        tier=_label(state.law, "payer.tier", int(record["tier"])),
        zone=words.places[zone].title,
        balance=balance,
        pending_out=int(record["pending_out"]),
        pending_in=int(record["pending_in"]),
        floor=limit.floor_fen if limit else None,
        cap=limit.cap_fen if limit else None,
        is_internal=is_internal,
        is_closed=AccountFlag.CLOSED in flags,
        paid_today=paid["payer.paid_today"],
        paid_this_year=paid["payer.paid_this_year"],
        person=int(record["person"]),
        limits=() if is_internal else limits,
        freezes=orders,
        may_pay=AccountFlag.FROZEN_OUT not in flags,
        may_receive=AccountFlag.FROZEN_IN not in flags,
        keep_fen=max((order.keep_fen for order in orders if order.keep_fen is not None), default=None),
        as_of=head.instant,
        sequence=head.sequence,
        today=today,
    )


def limits_of(
    book: Book, zone: str, now: Instant, currency: str, tier: str, used: dict[str, int]
) -> tuple[Limit, ...]:
    """Return every number the law of *zone* sets for *tier* at *now*, beside what was *used* of it."""
    found = []
    for name in book.vocabulary.values.values():
        series = book.lookup(zone, name.id) if name.by == "tier" else None
        set_at = series.at(now, currency, tier) if series else None
        if set_at is None:
            continue
        amount, value = set_at
        source = book.sources[value.cite.source]
        found.append(
            Limit(
                id=name.id,
                title=name.title,
                used=used.get(name.id),
                cap=None if amount >= UNLIMITED else amount,
                cite=str(value.cite),
                link=source.link,
                since=value.start_day,
                is_draft=value.status is Status.DRAFT,
            )
        )
    return tuple(found)


def _entry(book: Book, line: Line, other_name: str, other_sheet: str) -> Entry:
    is_known = line.law_digest == book.digest
    names = names_of(book, np.array(line.bits, dtype=np.uint64)) if is_known and any(line.bits) else ()
    return Entry(
        line=line,
        other_name=other_name,
        other_sheet=other_sheet,
        action=ACTION_NAMES.get(line.action, ACTION_NAMES[BOOK]),
        result=became(line),
        reasons=tuple((name, label(book, name)) for name in names),
        is_under_other_law=line.result is Result.REFUSED_BY_LAW and not is_known,
    )


def became(line: Line) -> Wording:
    """Say what became of a transfer; one that was pending was reserved, not booked."""
    if line.has_timed_out:
        return {"en": "timed out, given back", "zh": "预留超时，已退回"}
    if line.result is Result.CREATED and line.flags & TransferFlag.PENDING:
        return {"en": "reserved", "zh": "已预留"}
    if line.result is Result.CREATED and line.flags & TransferFlag.VOID_PENDING_TRANSFER:
        return {"en": "reservation given back", "zh": "预留已撤销"}
    return WORDS[line.result]


def _label(book: Book, fact: str, code: int) -> Wording:
    """Return the label of a word by its code; nothing for 0."""
    if not code:
        return {"en": "", "zh": ""}
    labels = book.vocabulary.facts[fact].labels
    return {language: labels[language][code - 1] for language in ("en", "zh")}
