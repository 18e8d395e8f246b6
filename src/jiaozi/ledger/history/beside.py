"""The history of a ledger that is open: what is asked while payments go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from jiaozi.errors import FactError
from jiaozi.ledger.history.changes import BEGINNING, Event, Mark, follow
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.sql import Table, sql
from jiaozi.ledger.history.sql_words import standing_of
from jiaozi.ledger.history.statement import AccountStatement, about, statement
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import Accounts
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import Supply, TrialLine, supply, trial_balance


class LedgerWithHistory(Ledger):
    """A ledger that tells what happened in it. Nothing that is not durable is told."""

    def history(self) -> History:
        """Return a reader of transfers, balances and ids; close it, and use it in one thread at a time."""
        return History(self._folder, durable=lambda: self.durable)

    def sql(
        self, query: str, parameters: Sequence[object] | dict[str, object] = (), *, seconds: float = 60.0
    ) -> Table:
        """Answer one SELECT over `transfers`, `decisions`, `released`, `facts`, `accounts` and `balances`.

        Accounts and balances are those of one cut. Raises `QueryError` showing the place in the query.
        """
        return sql(
            self._folder,
            query,
            parameters,
            cut=lambda: self.at_cut(lambda state, _: standing_of(state)),
            until=self.durable + 1,
            seconds=seconds,
        )

    def statement(self, account: int, from_day: date, until_day: date) -> AccountStatement:
        """Return the statement of *account* from *from_day* until *until_day*, which is the first day not in it.

        Raises `FactError` for an account that does not exist, `ValueError` for a period that is none.
        """
        known = self.at_cut(lambda state, _: about(state, account))
        with self.history() as history:
            return statement(history, known, from_day, until_day)

    def changes(self, *, after: Mark = BEGINNING, wait: bool = True) -> Iterator[Event]:
        """Give every event behind *after* in order, once each; store the mark of the last one you finished."""
        return follow(self._folder, after=after, wait=wait, durable=lambda: self.durable)

    def totals(self) -> tuple[list[TrialLine], list[Supply]]:
        """Return the trial balance and the supply of all coins, at one cut."""
        return self.at_cut(lambda state, _: (trial_balance(state.accounts), supply(state)))

    def lookup_accounts(self, numbers: Sequence[int]) -> Accounts:
        """Return copies of the records of *numbers*, (n,) ACCOUNT, at one cut. Raises `FactError`."""
        wanted = np.asarray(numbers, dtype=np.int64)

        def look(state: State, _: Receipt) -> Accounts:
            wrong = (wanted < 0) | (wanted >= state.account_count)
            if wrong.any():
                raise FactError(f"no account {int(wanted[wrong][0])}; the ledger has {state.account_count:,}")
            return state.accounts[wanted]

        return self.at_cut(look)
