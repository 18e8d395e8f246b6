"""Names and kinds of holders, by account number, in SQL. The journal knows only the number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, func, insert, select

METADATA = MetaData()

_parties = Table(
    "parties",
    METADATA,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("name", String(140), nullable=False),
    Column("bank_account", String(34), nullable=False, default=""),
)


@dataclass(frozen=True, slots=True)
class Party:
    """The holder of an account: a name, and the bank account that redemptions are paid to."""

    account: int
    name: str
    bank_account: str = ""


class Parties:
    """The table of names."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        METADATA.create_all(engine)

    def add(self, parties: Iterable[Party]) -> None:
        """Add *parties*, all or none."""
        rows = [
            {"account": party.account, "name": party.name, "bank_account": party.bank_account}
            for party in parties
        ]
        with self._engine.begin() as connection:
            connection.execute(insert(_parties), rows)

    def find(self, account: int) -> Party | None:
        """Return who holds *account*, or None when no name is known."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_parties).where(_parties.c.account == account)).first()
        return Party(row.account, row.name, row.bank_account) if row else None

    def names(self, accounts: Sequence[int]) -> dict[int, str]:
        """Return the names of *accounts*, as far as they are known."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(_parties.c.account, _parties.c.name).where(_parties.c.account.in_(accounts))
            )
            return {row.account: row.name for row in rows}

    def search(self, text: str, limit: int = 20) -> list[Party]:
        """Return holders whose name contains *text*, in the order of their accounts."""
        query = select(_parties).where(_parties.c.name.contains(text, autoescape=True))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_parties.c.account).limit(limit))
            return [Party(row.account, row.name, row.bank_account) for row in rows]

    def count(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(_parties)).scalar_one())
