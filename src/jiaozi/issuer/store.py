"""Orders, bank entries and redemptions, in SQL: SQLite today, PostgreSQL with the same models later.

The ledger is the truth about money; these tables say what it was for. Whatever
a crash leaves undone here is done again from the ledger, because ids are
derived from the rows (`sheet.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    MetaData,
    String,
    Table,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from jiaozi.errors import OrderError
from jiaozi.issuer.notes import NOTHING, Note, NoteColumn

METADATA = MetaData()
R = TypeVar("R", "Order", "BankEntry", "Redemption", "ReserveBank")

_orders = Table(
    "issue_orders",
    METADATA,
    Column("reference", String(35), primary_key=True),
    Column("coin", String(64), nullable=False),
    Column("account", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("entry_key", String(200), nullable=False),
    Column("note", NoteColumn, nullable=False),
)

_banks = Table(
    "reserve_banks",
    METADATA,
    Column("coin", String(64), primary_key=True),
    Column("account", String(34), nullable=False),
    Column("bank", String(12), nullable=False),
    Column("owner", String(140), nullable=False),
)

_entries = Table(
    "bank_entries",
    METADATA,
    Column("key", String(200), primary_key=True),
    Column("coin", String(64), nullable=False),
    Column("statement", String(64), nullable=False),
    Column("file_digest", String(64), nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("is_credit", BigInteger, nullable=False),
    Column("booked", String(40), nullable=False),
    Column("counterparty", String(140), nullable=False),
    Column("text", String(1000), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reference", String(35), nullable=False),
    Column("note", NoteColumn, nullable=False),
)

_redemptions = Table(
    "redemptions",
    METADATA,
    Column("reference", String(35), primary_key=True),
    Column("coin", String(64), nullable=False),
    Column("account", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("requested", BigInteger, nullable=False),
    Column("deadline", String(10), nullable=False),
    Column("duty", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("message_id", String(35), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Order:
    """A holder's order for coins. `status`: waiting, issued, refused."""

    reference: str
    coin: str
    account: int
    amount_fen: int
    status: str = "waiting"
    entry_key: str = ""
    note: Note = NOTHING


@dataclass(frozen=True, slots=True)
class ReserveBank:
    """The bank account in which the reserve of a coin is held; *bank* is a BIC or a CNAPS number."""

    coin: str
    account: str
    bank: str
    owner: str


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One entry of a statement that was taken in. `status`: issued, unmatched, paid out."""

    key: str
    coin: str
    statement: str
    file_digest: str
    amount_fen: int
    is_credit: int
    booked: str
    counterparty: str
    text: str
    status: str
    reference: str
    note: Note


@dataclass(frozen=True, slots=True)
class Redemption:
    """Coins given back, `deadline` is a day. `status`:

    requested  written down before the ledger is asked; a crash may leave it so, see `redeem.finish`
    refused    the ledger said no; nothing is owed
    burned     the coins are gone and bank money is owed
    ordered    the bank has the payout
    paid       the bank's statement shows it
    """

    reference: str
    coin: str
    account: int
    amount_fen: int
    requested: int
    deadline: str
    duty: str
    status: str = "burned"
    message_id: str = ""


class Store:
    """The tables of the issuer's desk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        METADATA.create_all(engine)

    def name_bank(self, bank: ReserveBank) -> None:
        """Say in which bank account the reserve of a coin is held."""
        self._add(_banks, [bank])

    def bank(self, coin: str) -> ReserveBank | None:
        return self._one(_banks, ReserveBank, coin)

    def banks(self) -> list[ReserveBank]:
        return self._all(_banks, ReserveBank)

    def add_orders(self, orders: Sequence[Order]) -> None:
        """Add orders that wait for their money, all or none."""
        self._add(_orders, orders)

    def order(self, reference: str) -> Order | None:
        return self._one(_orders, Order, reference)

    def orders(self, *, account: int | None = None) -> list[Order]:
        return self._all(_orders, Order, account=account)

    def entry(self, key: str) -> BankEntry | None:
        return self._one(_entries, BankEntry, key)

    def queue(self) -> list[BankEntry]:
        """Return the entries that belong to nothing, oldest first."""
        return self._all(_entries, BankEntry, status="unmatched")

    def entries(self) -> list[BankEntry]:
        return self._all(_entries, BankEntry)

    def redemption(self, reference: str) -> Redemption | None:
        return self._one(_redemptions, Redemption, reference)

    def redemptions(
        self,
        *,
        account: int | None = None,
        coin: str | None = None,
        status: str | None = None,
        message_id: str | None = None,
    ) -> list[Redemption]:
        wanted = {"account": account, "coin": coin, "status": status, "message_id": message_id}
        return self._all(_redemptions, Redemption, **wanted)

    def add_redemption(self, redemption: Redemption) -> None:
        self._add(_redemptions, [redemption])

    def reserve_redemption(self, year: int, redemption: Redemption) -> Redemption:
        """Keep *redemption* under the next free reference, `JZ-R-2026-000001`; return it with that reference.

        The row is what takes the number: of two requests at once the second finds it taken and goes on.
        """
        while True:
            numbered = replace(redemption, reference=self.next_redemption(year))
            with suppress(IntegrityError):
                self.add_redemption(numbered)
                return numbered

    def decide_redemption(self, reference: str, status: str, *, only_requested: bool = False) -> None:
        """Note what became of a request. *only_requested* leaves one alone that was decided meanwhile."""
        change = update(_redemptions).where(_redemptions.c.reference == reference)
        if only_requested:
            change = change.where(_redemptions.c.status == "requested")
        with self._engine.begin() as connection:
            connection.execute(change.values(status=status))

    def next_redemption(self, year: int) -> str:
        """Return the reference after the last one, `JZ-R-2026-000001`."""
        start = f"JZ-R-{year}-"
        query = select(func.max(_redemptions.c.reference)).where(_redemptions.c.reference.startswith(start))
        with self._engine.connect() as connection:
            last = connection.execute(query).scalar_one()
        return f"{start}{int(last.removeprefix(start)) + 1 if last else 1:06d}"

    def ordered(self, references: Sequence[str], message_id: str) -> None:
        """Note that the bank has the payouts of *references*, all or none.

        Raises `OrderError` when one of them does not wait for its payout any more.
        """
        waiting = _redemptions.c.reference.in_(references) & (_redemptions.c.status == "burned")
        change = update(_redemptions).where(waiting).values(status="ordered", message_id=message_id)
        with self._engine.begin() as connection:
            if connection.execute(change).rowcount != len(references):
                raise OrderError("a redemption was paid or ordered meanwhile; nothing was sent; ask again")

    def take(self, entry: BankEntry) -> None:
        """Keep *entry*, and mark the order or redemption it settled, in one step."""
        with self._engine.begin() as connection:
            connection.execute(insert(_entries), asdict(entry))
            if entry.status == "issued":
                change = update(_orders).where(_orders.c.reference == entry.reference)
                connection.execute(change.values(status="issued", entry_key=entry.key))
            elif entry.status == "paid out":
                change = update(_redemptions).where(_redemptions.c.reference == entry.reference)
                connection.execute(change.values(status="paid"))

    def refuse(self, reference: str, note: Note) -> None:
        """Mark an order that the law refused."""
        change = update(_orders).where(_orders.c.reference == reference)
        with self._engine.begin() as connection:
            connection.execute(change.values(status="refused", note=note))

    def _add(self, table: Table, rows: Sequence[Any]) -> None:
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(table), [asdict(row) for row in rows])

    def _one(self, table: Table, kind: type[R], key: str) -> R | None:
        first = next(iter(table.primary_key))
        with self._engine.connect() as connection:
            row = connection.execute(select(table).where(first == key)).first()
        return None if row is None else _record(kind, row)

    def _all(self, table: Table, kind: type[R], **wanted: object) -> list[R]:
        """Return the rows whose columns are as *wanted*, None meaning any, in the order of their keys."""
        query = select(table).order_by(*table.primary_key)
        for column, value in wanted.items():
            if value is not None:
                query = query.where(table.c[column] == value)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [_record(kind, row) for row in rows]


def durable(engine: Engine) -> Engine:
    """Make a SQLite engine keep what it acknowledged: write-ahead log, full sync, foreign keys."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _record(kind: type[R], row: Any) -> R:
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
