"""Compares what a statement says of itself with what it holds.

Three sums: the payments of an entry against the entry, opening balance and entries
against the closing balance, the summary against the entries. A difference is a
warning, never a refusal: real banks net their fees, leave payments out of a batch
or count differently, and the money has moved all the same.
"""

from __future__ import annotations

from decimal import Context, Decimal

from jiaozi.bank.message import Entry, StatementHead

LISTED_WARNINGS = 50

_ZERO = Decimal(0)

# Amounts have at most 18 digits; sixty leave room for more entries than there are.
_EXACT = Context(prec=60)


class Totals:
    """Adds one statement up while its entries pass by."""

    def __init__(self, head: StatementHead) -> None:
        self._head = head
        self.count = 0
        self._credit_count = 0
        self._credit_total = _ZERO
        self._debit_total = _ZERO
        self._booked = _ZERO
        self._currencies: set[str] = set()
        self._warnings: list[str] = []
        self._more = 0

    def add(self, entry: Entry) -> None:
        """Take *entry* into the sums."""
        self.count += 1
        self._currencies.add(entry.currency)
        if entry.is_credit:
            self._credit_count += 1
            self._credit_total = _EXACT.add(self._credit_total, entry.amount)
        else:
            self._debit_total = _EXACT.add(self._debit_total, entry.amount)
        if entry.is_booked:
            signed = entry.amount if entry.is_credit else -entry.amount
            self._booked = _EXACT.add(self._booked, signed)
        self._compare_details(entry)

    def warnings(self) -> tuple[str, ...]:
        """Return every difference found; call it after the last entry."""
        self._compare_balances()
        self._compare_summary()
        if self._more:
            return (*self._warnings, f"{self._more} more differences are not listed")
        return tuple(self._warnings)

    def _warn(self, text: str) -> None:
        if len(self._warnings) < LISTED_WARNINGS:
            self._warnings.append(text)
        else:
            self._more += 1

    def _compare_details(self, entry: Entry) -> None:
        details = entry.details
        announced = entry.payments_announced
        if details and announced is not None and announced != len(details):
            self._warn(f"entry {entry.index} announces {announced} payments and lists {len(details)}")
        if not details or any(d.amount is None or d.currency != entry.currency for d in details):
            return
        total = _ZERO
        for detail in details:
            same_way = detail.is_credit is None or detail.is_credit == entry.is_credit
            total = _EXACT.add(total, (detail.amount or _ZERO) * (1 if same_way else -1))
        if total != entry.amount:
            self._warn(f"entry {entry.index} is {entry.amount:f} and its payments sum to {total:f}")

    def _compare_balances(self) -> None:
        head = self._head
        opening = head.balance("OPBD") or head.balance("PRCD")
        closing = head.balance("CLBD")
        if opening is None or closing is None or not head.is_whole:
            return
        if not {opening.currency, closing.currency} | self._currencies <= {opening.currency}:
            return
        reached = _EXACT.add(opening.amount, self._booked)
        if reached != closing.amount:
            self._warn(
                f"opening balance {opening.amount:f} and booked entries {self._booked:f} "
                f"give {reached:f}, but the closing balance is {closing.amount:f}"
            )

    def _compare_summary(self) -> None:
        said = self._head.summary
        self._compare("entries", said.count, self.count)
        self._compare("credits", said.credit_count, self._credit_count)
        self._compare("debits", said.debit_count, self.count - self._credit_count)
        if len(self._currencies) > 1:
            return
        self._compare("sum of entries", said.total, _EXACT.add(self._credit_total, self._debit_total))
        self._compare("sum of credits", said.credit_total, self._credit_total)
        self._compare("sum of debits", said.debit_total, self._debit_total)

    def _compare(self, what: str, said: Decimal | int | None, found: Decimal | int) -> None:
        if said is not None and said != found:
            self._warn(f"summary says {said} {what}, found are {found}")
