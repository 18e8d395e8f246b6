"""Writes camt.053.001.08 statements: of our own accounts, for examples, and for tests.

What goes in comes out: `statement.read` gives back entries equal to those written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from jiaozi.bank.message import Detail, Entry
from jiaozi.bank.write import Builder, is_plain
from jiaozi.bank.xml import Message
from jiaozi.errors import OrderError

CAMT_053 = Message(kind="camt.053", version="001.08")


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement to write. The closing balance is worked out unless it is given."""

    message_id: str
    id: str
    created_at: str
    """Date and time with its offset, such as 2026-12-15T12:00:00+08:00."""
    account: str
    currency: str
    owner: str
    bank_name: str
    day: date
    opening: Decimal
    entries: Sequence[Entry]
    closing: Decimal | None = None
    sequence: str = ""
    from_day: date | None = None
    """The first day of the period and the day of the opening balance; *day* is its last. None: one day."""
    available: Decimal | None = None
    """What of the closing balance may be spent, when that is said (CLAV)."""


def write(statement: NewStatement) -> bytes:
    """Return *statement* as a camt.053.001.08 file, held against the official schema.

    Raises `OrderError` with every fault when the schema or XML does not allow a value.
    """
    build = Builder(CAMT_053)
    try:
        _fill(build, statement)
    except ValueError:  # lxml does not say where the control character is
        bad = [text for text in _texts(statement) if not is_plain(text)]
        raise OrderError(
            f"XML cannot hold {', '.join(map(repr, bad))}; take the control characters out"
        ) from None
    faults = build.faults()
    if faults:
        raise OrderError("the statement does not pass its schema: " + "; ".join(faults))
    return build.document()


def _fill(build: Builder, statement: NewStatement) -> None:
    body = build.add(build.root, "BkToCstmrStmt")
    header = build.add(body, "GrpHdr")
    build.add(header, "MsgId", text=statement.message_id)
    build.add(header, "CreDtTm", text=statement.created_at)

    element = build.add(body, "Stmt")
    build.add(element, "Id", text=statement.id)
    build.add_texts(element, ElctrncSeqNb=statement.sequence)
    build.add(element, "CreDtTm", text=statement.created_at)
    account = build.add_account(element, "Acct", statement.account)
    build.add(account, "Ccy", text=statement.currency)
    if statement.owner:
        build.add(account, "Ownr", "Nm", text=statement.owner)
    build.add(account, "Svcr", "FinInstnId", "Nm", text=statement.bank_name)

    booked = [entry for entry in statement.entries if entry.is_booked]
    moved = sum((entry.amount if entry.is_credit else -entry.amount for entry in booked), Decimal(0))
    closing = statement.opening + moved if statement.closing is None else statement.closing
    _add_balance(build, element, "OPBD", statement.opening, statement, statement.from_day or statement.day)
    _add_balance(build, element, "CLBD", closing, statement, statement.day)
    if statement.available is not None:
        _add_balance(build, element, "CLAV", statement.available, statement, statement.day)
    for entry in statement.entries:
        _add_entry(build, element, entry)


def _texts(record: Any) -> list[str]:
    """Return every text in *record* and in the records inside it."""
    found: list[str] = []
    for name in record.__slots__:
        value = getattr(record, name)
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, (Entry, Detail)):
                found += _texts(item)
    return found


def _add_balance(
    build: Builder, parent: Any, code: str, amount: Decimal, statement: NewStatement, day: date
) -> None:
    balance = build.add(parent, "Bal")
    build.add(balance, "Tp", "CdOrPrtry", "Cd", text=code)
    build.add(balance, "Amt", text=f"{abs(amount):f}", Ccy=statement.currency)
    build.add(balance, "CdtDbtInd", text="CRDT" if amount >= 0 else "DBIT")
    build.add(balance, "Dt", "Dt", text=day.isoformat())


def _add_entry(build: Builder, parent: Any, entry: Entry) -> None:
    element = build.add(parent, "Ntry")
    build.add_texts(element, NtryRef=entry.entry_reference)
    build.add(element, "Amt", text=f"{entry.amount:f}", Ccy=entry.currency)
    build.add(element, "CdtDbtInd", text="CRDT" if entry.is_credit else "DBIT")
    if entry.is_reversal:
        build.add(element, "RvslInd", text="true")
    build.add(element, "Sts", "Cd", text=entry.status)
    _add_when(build, element, "BookgDt", entry.booking_day, entry.booked_at)
    _add_when(build, element, "ValDt", entry.value_day, entry.valued_at)
    build.add_texts(element, AcctSvcrRef=entry.servicer_reference)
    _add_codes(build, element, entry)
    if entry.details or entry.payments_announced is not None:
        group = build.add(element, "NtryDtls")
        if entry.payments_announced is not None:
            build.add(group, "Btch", "NbOfTxs", text=str(entry.payments_announced))
        for detail in entry.details:
            _add_detail(build, group, detail)
    build.add_texts(element, AddtlNtryInf=entry.additional_info)


def _add_when(build: Builder, parent: Any, name: str, day: date | None, moment: str) -> None:
    if moment:
        build.add(parent, name, "DtTm", text=moment)
    elif day is not None:
        build.add(parent, name, "Dt", text=day.isoformat())


def _add_codes(build: Builder, parent: Any, entry: Entry) -> None:
    codes = build.add(parent, "BkTxCd")
    if entry.bank_code:
        domain, family, sub_family = entry.bank_code.split("/")
        element = build.add(codes, "Domn")
        build.add(element, "Cd", text=domain)
        element = build.add(element, "Fmly")
        build.add(element, "Cd", text=family)
        build.add(element, "SubFmlyCd", text=sub_family)
    if entry.proprietary_code:
        build.add(codes, "Prtry", "Cd", text=entry.proprietary_code)


def _add_detail(build: Builder, parent: Any, detail: Detail) -> None:
    element = build.add(parent, "TxDtls")
    references = {
        "AcctSvcrRef": detail.servicer_reference,
        "InstrId": detail.instruction_id,
        "EndToEndId": detail.end_to_end_id,
        "UETR": detail.uetr,
        "TxId": detail.transaction_id,
        "MndtId": detail.mandate_id,
    }
    if any(references.values()):
        build.add_texts(build.add(element, "Refs"), **references)
    if detail.amount is not None:
        build.add(element, "Amt", text=f"{detail.amount:f}", Ccy=detail.currency)
    if detail.is_credit is not None:
        build.add(element, "CdtDbtInd", text="CRDT" if detail.is_credit else "DBIT")
    _add_parties(build, element, detail)
    if detail.remittance or detail.creditor_references:
        remittance = build.add(element, "RmtInf")
        for text in detail.remittance:
            build.add(remittance, "Ustrd", text=text)
        for text in detail.creditor_references:
            build.add(remittance, "Strd", "CdtrRefInf", "Ref", text=text)
    if detail.return_reason:
        build.add(element, "RtrInf", "Rsn", "Cd", text=detail.return_reason)
    build.add_texts(element, AddtlTxInf=detail.additional_info)


def _add_parties(build: Builder, parent: Any, detail: Detail) -> None:
    if not any((detail.debtor_name, detail.debtor_account, detail.creditor_name, detail.creditor_account)):
        return
    parties = build.add(parent, "RltdPties")
    if detail.debtor_name:
        build.add(parties, "Dbtr", "Pty", "Nm", text=detail.debtor_name)
    if detail.debtor_account:
        build.add_account(parties, "DbtrAcct", detail.debtor_account)
    if detail.creditor_name:
        build.add(parties, "Cdtr", "Pty", "Nm", text=detail.creditor_name)
    if detail.creditor_account:
        build.add_account(parties, "CdtrAcct", detail.creditor_account)
