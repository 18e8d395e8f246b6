"""The records a bank statement becomes: Statement, Entry, Detail, Balance.

They keep what the bank wrote. An amount is a Decimal exactly as it stands in the
file, with its currency; turning it into fen is for the one who books it
(`jiaozi.money.fen_from_text`), who can also say what to do with an amount that has
parts of a fen. A text that is absent is `""`, an absent number or date is None.

A credit is money that came into the account, a debit is money that left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """What stood on the account at one time.

    `code` is ISO 20022's: OPBD opening booked, CLBD closing booked, ITBD interim
    booked, PRCD closing of the day before, CLAV closing available, and so on.
    """

    code: str
    amount: Decimal
    """In units of the currency, negative when the account was overdrawn."""
    currency: str
    day: date


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment inside an entry. Most entries have one; a batch has many."""

    amount: Decimal | None = None
    """As written, never negative; None when the bank gives only the entry's amount."""
    currency: str = ""
    is_credit: bool | None = None
    """None when the bank leaves it to the entry."""
    end_to_end_id: str = ""
    instruction_id: str = ""
    transaction_id: str = ""
    uetr: str = ""
    mandate_id: str = ""
    servicer_reference: str = ""
    remittance: tuple[str, ...] = ()
    """The payer's lines, free text first, then what he added to structured references."""
    creditor_references: tuple[str, ...] = ()
    """Structured references, such as an invoice number the payee has given out."""
    debtor_name: str = ""
    debtor_account: str = ""
    creditor_name: str = ""
    creditor_account: str = ""
    return_reason: str = ""
    """Why a payment came back, such as AC04 (account closed); `""` when it is no return."""
    additional_info: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement: an amount that went in or out.

    Two entries are equal when the bank wrote the same; where they stood in the
    file (`line`) and what was worked out from them (`key`) do not count.
    """

    index: int
    """Its place in the statement, from 1."""
    amount: Decimal
    """As written, never negative, in units of `currency`."""
    currency: str
    is_credit: bool
    status: str = "BOOK"
    """BOOK is money; PDNG (pending) and INFO are not, and must not be acted on."""
    is_reversal: bool = False
    """An earlier entry taken back. `is_credit` already tells the direction of this one."""
    booking_day: date | None = None
    booked_at: str = ""
    """Date and time of booking as written, when the bank gives a time; its offset may be missing."""
    value_day: date | None = None
    valued_at: str = ""
    servicer_reference: str = ""
    """The bank's own reference."""
    entry_reference: str = ""
    bank_code: str = ""
    """What kind of transaction it was, domain/family/subfamily: PMNT/RCDT/ESCT."""
    proprietary_code: str = ""
    payments_announced: int | None = None
    """How many payments a batch says it holds; it may list fewer."""
    details: tuple[Detail, ...] = ()
    additional_info: str = ""
    line: int = field(default=0, compare=False)
    key: str = field(default="", compare=False)
    """Names the entry for ever; see `jiaozi.bank.keys`."""

    @property
    def is_booked(self) -> bool:
        """Whether the money has moved."""
        return self.status == "BOOK"

    def reference_texts(self) -> tuple[str, ...]:
        """Return every text in which a payer may have put an order's reference, best places first."""
        found: list[str] = []
        for detail in self.details:
            found += (*detail.creditor_references, *detail.remittance, detail.end_to_end_id)
            found += (detail.transaction_id, detail.instruction_id, detail.additional_info)
        found += (self.additional_info, self.entry_reference)
        return tuple(dict.fromkeys(text for text in found if text))

    def counterparty_account(self, detail: Detail) -> str:
        """Return the account at the other end of *detail*, a payment of this entry.

        In a credit it is the debtor's. A reversal names the parties of the payment
        that is taken back, so there it is the other way round.
        """
        came_in = self.is_credit if detail.is_credit is None else detail.is_credit
        return detail.debtor_account if came_in != self.is_reversal else detail.creditor_account

    def counterparty_name(self, detail: Detail) -> str:
        """Return who stands at the other end of *detail*, a payment of this entry."""
        came_in = self.is_credit if detail.is_credit is None else detail.is_credit
        return detail.debtor_name if came_in != self.is_reversal else detail.creditor_name


@dataclass(frozen=True, slots=True)
class Summary:
    """What a statement says of the number and the sum of its entries; None where it is silent."""

    count: int | None = None
    total: Decimal | None = None
    credit_count: int | None = None
    credit_total: Decimal | None = None
    debit_count: int | None = None
    debit_total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What stands in a statement before its entries."""

    kind: str
    """camt.052 (during the day), camt.053 (end of day) or camt.054 (single advice)."""
    version: str
    message_id: str
    id: str
    account: str
    """The IBAN, or the bank's own number for the account."""
    is_iban: bool
    account_currency: str = ""
    account_owner: str = ""
    sequence: str = ""
    """The bank's running number of the statement, as written."""
    created_at: str = ""
    """As written; its offset may be missing."""
    is_whole: bool = True
    """False when it is one page of several, so that balances and entries need not meet."""
    balances: tuple[Balance, ...] = ()
    summary: Summary = Summary()
    line: int = field(default=0, compare=False)
    file_name: str = field(default="", compare=False)
    file_digest: str = field(default="", compare=False)
    """SHA-256 of the bytes of the file, in hexadecimal."""

    def balance(self, code: str) -> Balance | None:
        """Return the first balance of *code*, such as CLBD."""
        return next((balance for balance in self.balances if balance.code == code), None)


@dataclass(frozen=True, slots=True)
class StatementEnd:
    """What is known once a statement has been read to its end."""

    entry_count: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement(StatementHead):
    """One account's statement with its entries."""

    entries: tuple[Entry, ...] = ()
    warnings: tuple[str, ...] = ()
    """Where the statement does not agree with itself. Real banks do it, so it is told, not refused."""

    def booked(self) -> tuple[Entry, ...]:
        """Return the entries whose money has moved."""
        return tuple(entry for entry in self.entries if entry.is_booked)

    def totals(self) -> Mapping[str, Decimal]:
        """Return the sums of all entries as `{"credit": ..., "debit": ...}`, in one currency or mixed."""
        sums = {"credit": Decimal(0), "debit": Decimal(0)}
        for entry in self.entries:
            sums["credit" if entry.is_credit else "debit"] += entry.amount
        return sums
