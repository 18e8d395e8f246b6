"""One coin at a glance, as values: the console and the command line print the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jiaozi.clock import Instant
from jiaozi.ledger.activity import Activity
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.register import Coin
from jiaozi.ledger.results import WORDS, Result
from jiaozi.ledger.state import State
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.telling.explain import label


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often something was the first reason. *name* is a reason of the law or a result of the ledger."""

    name: str
    title: Mapping[str, str]
    cite: str
    link: str
    count: int
    is_draft: bool


@dataclass(frozen=True, slots=True)
class MinuteCount:
    """Payments of one minute; *start* in seconds since 1970."""

    start: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The issuer's sheet for a coin, in fen. `reserve` equals the sum of all the rest."""

    reserve: int
    coins: int
    client_money: int
    unmatched: int
    redemptions: int

    @property
    def balances(self) -> bool:
        """Whether both sides are equal."""
        return self.reserve == self.coins + self.client_money + self.unmatched + self.redemptions


@dataclass(frozen=True, slots=True)
class Overview:
    """Figures of one coin between two frames of the journal. Amounts in fen."""

    coin: str
    issuer: str
    peg: str
    as_of: Instant
    sequence: int
    journal_hash: str
    law_digest: str
    drafts: tuple[str, ...]
    issued: int
    redeemed: int
    outstanding: int
    balance_sum: int
    holders: int
    frozen: int
    reserve: int | None
    sheet: Sheet | None
    payments: int
    paid: int
    refused: int
    minutes: tuple[MinuteCount, ...]
    refusals: tuple[Refusals, ...]
    epoch: int
    checkpoint: str

    @property
    def coverage_basis_points(self) -> int | None:
        """Reserve over coins outstanding in hundredths of a percent, rounded down; None without coins."""
        if self.reserve is None or not self.outstanding:
            return None
        return self.reserve * 10_000 // self.outstanding

    @property
    def is_backed(self) -> bool:
        """Whether the reserve covers every coin."""
        return self.reserve is not None and self.reserve >= self.outstanding


def overview(state: State, coin_id: str, head: Receipt, *, minutes: int = 240) -> Overview:
    """Return the figures of *coin_id*; call it at a cut, so that they belong together."""
    coin = state.register.coin(coin_id)
    accounts = state.accounts
    holders = state.holders_of(coin)
    activity = state.activity_of.get(coin.number, Activity())
    reserve = state.reserve_value(coin)
    return Overview(
        coin=coin.id,
        issuer=coin.issuer,
        peg=coin.peg,
        as_of=head.instant,
        sequence=head.sequence,
        journal_hash=head.hash.hex(),
        law_digest=state.law.digest.hex(),
        drafts=state.law.drafts,
        issued=state.issued(coin),
        redeemed=state.redeemed(coin),
        outstanding=state.coins_outstanding(coin),
        balance_sum=int(accounts["balance"][holders].sum()),
        holders=int(holders.sum()),
        frozen=_frozen(state, coin),
        reserve=reserve,
        sheet=sheet_of(state, coin_id),
        payments=activity.payments,
        paid=activity.paid_fen,
        refused=activity.refused,
        minutes=tuple(
            MinuteCount(minute.start, minute.accepted, minute.refused)
            for minute in list(activity.minutes)[-minutes:]
        ),
        refusals=refusals(state.law, activity),
        epoch=coin.epoch,
        checkpoint=coin.checkpoint,
    )


def sheet_of(state: State, coin_id: str) -> Sheet | None:
    """Return the issuer's sheet, or None before its accounts are named."""
    coin = state.register.coin(coin_id)
    if coin.sheet is None:
        return None
    balance = state.accounts["balance"]
    return Sheet(
        reserve=-int(balance[coin.sheet.reserve]),
        coins=state.coins_outstanding(coin),
        client_money=int(balance[coin.sheet.client_money]),
        unmatched=int(balance[coin.sheet.unmatched]),
        redemptions=int(balance[coin.sheet.redemptions]),
    )


def _frozen(state: State, coin: Coin) -> int:
    """Return how many accounts of *coin* stand under an order."""
    ordered = [account for account, orders in state.register.freezes.items() if orders]
    return int((state.accounts["coin"][ordered] == coin.number).sum()) if ordered else 0


def refusals(book: Book, activity: Activity) -> tuple[Refusals, ...]:
    """Return every reason for which something was refused, most frequent first."""
    found = []
    for name, count in activity.reasons.items():
        words = label(book, name)
        link = words.source.link if words.source else ""
        found.append(Refusals(name, words.title, words.cite, link, count, words.is_draft))
    quiet = (Result.CREATED, Result.EXISTS, Result.REFUSED_BY_LAW, Result.LINKED_EVENT_FAILED)
    for result, count in activity.results.items():
        if result not in quiet:
            found.append(Refusals(result.name.lower(), WORDS[result], "", "", count, False))
    return tuple(sorted(found, key=lambda refusal: -refusal.count))
