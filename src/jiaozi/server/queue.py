"""The desk: bank money that belongs to nothing, orders, and redemptions with their deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from jiaozi.clock import day_of
from jiaozi.issuer.store import BankEntry, Order, Redemption
from jiaozi.server.console import Console, console_of
from jiaozi.server.language import reader_of
from jiaozi.server.notes import note_words

ROWS = 200
"""Rows shown of each table; the count above it is of all."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the issuer's desk. Redemptions that still wait come first, the most urgent on top."""

    entries: list[BankEntry]
    orders: list[Order]
    redemptions: list[Redemption]
    names: dict[int, str]
    today: date

    def is_late(self, redemption: Redemption) -> bool:
        """Whether the law's last day has passed without the payout on the bank's statement."""
        return redemption.status != "paid" and redemption.deadline < str(self.today)

    @property
    def late(self) -> int:
        return sum(1 for redemption in self.redemptions if self.is_late(redemption))


def queue_page(request: Request) -> Response:
    """The desk as a page."""
    console = console_of(request)
    desk, reader = desk_of(console), reader_of(request)
    book = console.office.ledger.state.book
    return console.page(
        request,
        "queue.html",
        here="queue",
        desk=desk,
        rows=ROWS,
        pegs={coin.id: coin.peg for coin in console.coins},
        note=lambda note: note_words(note, reader.language, book),
        duties={duty.id: duty for duty in book.duties} if book else {},
    )


def desk_of(console: Console) -> Desk:
    """Return what lies on the desk now."""
    store = console.office.store
    orders = sorted(store.orders(), key=lambda order: order.reference, reverse=True)
    orders.sort(key=lambda order: order.status != "waiting")
    redemptions = sorted(store.redemptions(), key=lambda one: (one.status == "paid", one.deadline))
    shown = {order.account for order in orders[:ROWS]} | {one.account for one in redemptions[:ROWS]}
    names = console.office.parties.names(sorted(shown))
    return Desk(store.queue(), orders, redemptions, names, day_of(console.office.clock()))
