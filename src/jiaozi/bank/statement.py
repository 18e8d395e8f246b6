"""Reads bank statements: camt.052, camt.053 and camt.054 in versions 001.02 to 001.14.

A file is read twice. First the whole of it is held against the official schema
(`check.check`); a broken file is refused with every fault and nothing is taken from
it. Only then is it read, entry by entry, with flat memory.

`read` returns everything as a list. `parts` and `entries` hand it out piece by piece
for large files. By then the file has passed its schema; what can still stop it is a
date beyond the year 9999 or an account without a number, so act on the parts within
one database transaction.

Between the versions few things moved: the status was a text and became a choice of
code or name, a party's name went one level down, a payment got its own amount. The
mapper looks in both places; the schema has made sure that only one is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from jiaozi.bank.check import check
from jiaozi.bank.keys import Keys
from jiaozi.bank.message import Balance, Detail, Entry, Statement, StatementEnd, StatementHead, Summary
from jiaozi.bank.totals import Totals
from jiaozi.bank.xml import SAFE, Copy, Message, copied, recognise
from jiaozi.errors import StatementError

Part = StatementHead | Entry | StatementEnd
"""What `parts` yields: a head, its entries, its end, then the next statement's head."""

_STATEMENT = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}


def read(source: Path | str | bytes, *, name: str = "") -> list[Statement]:
    """Return the statements of a file, given as its path or as its bytes.

    *name* is what error messages call it; a path names itself. Raises
    `StatementError` with all mistakes when the file cannot be taken as a whole.
    """
    statements: list[Statement] = []
    head: StatementHead | None = None
    found: list[Entry] = []
    for part in parts(source, name=name):
        match part:
            case StatementHead():
                head, found = part, []
            case Entry():
                found.append(part)
            case StatementEnd():
                assert head is not None
                known = {field.name: getattr(head, field.name) for field in fields(head)}
                statements.append(Statement(**known, entries=tuple(found), warnings=part.warnings))
    return statements


def entries(source: Path | str | bytes, *, name: str = "") -> Iterator[tuple[StatementHead, Entry]]:
    """Yield each entry with the head of its statement; for files too large for `read`."""
    head: StatementHead | None = None
    for part in parts(source, name=name):
        if isinstance(part, StatementHead):
            head = part
        elif isinstance(part, Entry):
            assert head is not None
            yield head, part


def parts(source: Path | str | bytes, *, name: str = "") -> Iterator[Part]:
    """Yield heads, entries and ends in the order of the file.

    The first part comes only after the whole file has passed its schema. Raises
    `StatementError` like `read`.
    """
    with copied(source, name) as copy:
        message = recognise(copy)
        check(copy, message)
        yield from _Reader(copy, message).parts()


class _Reader:
    """Takes the parts out of one checked file."""

    def __init__(self, copy: Copy, message: Message) -> None:
        self._copy = copy
        self._message = message
        self._space = f"{{{message.namespace}}}"
        self._statement = self._space + _STATEMENT[message.kind]
        self._entry = self._space + "Ntry"
        self._detail = self._space + "TxDtls"
        self._details: list[Detail] = []
        self._head: StatementHead | None = None
        self._keys = Keys("")
        self._totals: Totals | None = None

    def parts(self) -> Iterator[Part]:
        parser = etree.XMLPullParser(
            events=("end",),
            tag=(self._statement, self._entry, self._detail),
            remove_comments=True,
            remove_pis=True,
            **SAFE,
        )
        try:
            for chunk in self._copy.chunks():
                parser.feed(chunk)
                yield from self._taken(parser.read_events())
            parser.close()
            yield from self._taken(parser.read_events())
        except etree.XMLSyntaxError as why:  # the check has let it pass, so this is a limit of libxml2
            raise self._copy.refused(why.lineno or 0, "file", f"cannot be read: {why.msg}") from None

    def _taken(self, events: Iterable[tuple[str, Any]]) -> Iterator[Part]:
        for _, element in events:
            # Supplementary data may hold elements of these names that no schema has
            # looked at. Only what stands at its own place is read.
            depth = sum(1 for _ in element.iterancestors())
            if element.tag == self._detail and depth == 5:
                self._details.append(self._read_detail(element))
                _drop(element)
            elif element.tag == self._entry and depth == 3:
                if self._head is None:
                    yield self._begin(element.getparent())
                assert self._head is not None
                assert self._totals is not None
                entry = self._read_entry(element, index=self._totals.count + 1)
                entry = replace(entry, key=self._keys.key_of(entry))
                self._totals.add(entry)
                self._details = []
                _drop(element)
                yield entry
            elif element.tag == self._statement and depth == 2:
                if self._head is None:
                    yield self._begin(element)
                assert self._totals is not None
                yield StatementEnd(entry_count=self._totals.count, warnings=self._totals.warnings())
                self._head = None
                _drop(element)

    def _begin(self, statement: Any) -> StatementHead:
        self._head = self._read_head(statement)
        self._keys = Keys(self._head.account)
        self._totals = Totals(self._head)
        return self._head

    # -- reaching down ------------------------------------------------------------------

    def _child(self, element: Any, *path: str) -> Any:
        """Return the first element down *path*, or None."""
        for step in path:
            if element is None:
                return None
            element = next(element.iterchildren(self._space + step), None)
        return element

    def _text(self, element: Any, *path: str) -> str:
        found = self._child(element, *path)
        return "" if found is None else (found.text or "").strip()

    def _texts(self, element: Any, step: str) -> list[str]:
        found = [(child.text or "").strip() for child in element.iterchildren(self._space + step)]
        return [text for text in found if text]

    def _refused(self, element: Any, message: str) -> StatementError:
        subject = element.tag.rpartition("}")[2]
        return self._copy.refused(element.sourceline or 0, subject, message)

    # -- values -------------------------------------------------------------------------

    def _money(self, element: Any) -> tuple[Decimal, str]:
        # The schema has seen a plain decimal of at most 18 digits, so this is exact.
        return Decimal((element.text or "").strip()), element.get("Ccy", "")

    def _number(self, element: Any, *path: str) -> Decimal | None:
        text = self._text(element, *path)
        return Decimal(text) if text else None

    def _count(self, element: Any, *path: str) -> int | None:
        text = self._text(element, *path)
        return int(text) if text else None

    def _is_credit(self, element: Any) -> bool | None:
        text = self._text(element, "CdtDbtInd")
        return text == "CRDT" if text else None

    def _is_true(self, element: Any, *path: str, default: bool) -> bool:
        text = self._text(element, *path)
        return text in ("true", "1") if text else default

    def _when(self, element: Any) -> tuple[date | None, str]:
        """Return the day and, when a time is given, the date and time as written."""
        if element is None:
            return None, ""
        moment = self._text(element, "DtTm")
        text = moment or self._text(element, "Dt")
        try:
            # A day may carry an offset ("2026-12-15+08:00"); it is the day of that place.
            return date.fromisoformat(text[:10]), moment
        except ValueError:
            raise self._refused(element, f"{text!r} is outside the years 1 to 9999; ask the bank") from None

    # -- records ------------------------------------------------------------------------

    def _read_head(self, statement: Any) -> StatementHead:
        header = self._child(statement.getparent(), "GrpHdr")
        account = self._child(statement, "Acct")
        number, is_iban = self._account(account)
        if not number:
            raise self._refused(statement, "names no account number; ask the bank for one")
        pages = (self._child(header, "MsgPgntn"), self._child(statement, f"{self._local}Pgntn"))
        is_whole = all(
            page is None
            or (int(self._text(page, "PgNb")) <= 1 and self._is_true(page, "LastPgInd", default=True))
            for page in pages
        )
        return StatementHead(
            kind=self._message.kind,
            version=self._message.version,
            message_id=self._text(header, "MsgId"),
            id=self._text(statement, "Id"),
            account=number,
            is_iban=is_iban,
            account_currency=self._text(account, "Ccy"),
            account_owner=self._text(account, "Ownr", "Nm"),
            sequence=self._text(statement, "ElctrncSeqNb") or self._text(statement, "LglSeqNb"),
            created_at=self._text(statement, "CreDtTm") or self._text(header, "CreDtTm"),
            is_whole=is_whole,
            balances=tuple(self._read_balance(b) for b in statement.iterchildren(self._space + "Bal")),
            summary=self._read_summary(self._child(statement, "TxsSummry")),
            line=statement.sourceline or 0,
            file_name=self._copy.name,
            file_digest=self._copy.digest,
        )

    @property
    def _local(self) -> str:
        return self._statement.rpartition("}")[2]

    def _account(self, element: Any) -> tuple[str, bool]:
        """Return the number of an account, and whether it is an IBAN."""
        iban = self._text(element, "Id", "IBAN")
        if iban:
            return iban, True
        return self._text(element, "Id", "Othr", "Id") or self._text(element, "Prxy", "Id"), False

    def _read_balance(self, element: Any) -> Balance:
        amount, currency = self._money(self._child(element, "Amt"))
        day, _ = self._when(self._child(element, "Dt"))
        assert day is not None
        return Balance(
            code=self._text(element, "Tp", "CdOrPrtry", "Cd")
            or self._text(element, "Tp", "CdOrPrtry", "Prtry"),
            amount=amount if self._is_credit(element) else -amount,
            currency=currency,
            day=day,
        )

    def _read_summary(self, element: Any) -> Summary:
        return Summary(
            count=self._count(element, "TtlNtries", "NbOfNtries"),
            total=self._number(element, "TtlNtries", "Sum"),
            credit_count=self._count(element, "TtlCdtNtries", "NbOfNtries"),
            credit_total=self._number(element, "TtlCdtNtries", "Sum"),
            debit_count=self._count(element, "TtlDbtNtries", "NbOfNtries"),
            debit_total=self._number(element, "TtlDbtNtries", "Sum"),
        )

    def _read_entry(self, element: Any, *, index: int) -> Entry:
        amount, currency = self._money(self._child(element, "Amt"))
        booking_day, booked_at = self._when(self._child(element, "BookgDt"))
        value_day, valued_at = self._when(self._child(element, "ValDt"))
        status = self._child(element, "Sts")
        domain = self._child(element, "BkTxCd", "Domn")
        codes = (
            self._text(domain, "Cd"),
            self._text(domain, "Fmly", "Cd"),
            self._text(domain, "Fmly", "SubFmlyCd"),
        )
        batches = [
            count
            for group in element.iterchildren(self._space + "NtryDtls")
            if (count := self._count(group, "Btch", "NbOfTxs")) is not None
        ]
        return Entry(
            index=index,
            amount=amount,
            currency=currency,
            is_credit=self._text(element, "CdtDbtInd") == "CRDT",
            status=self._text(status, "Cd") or self._text(status, "Prtry") or (status.text or "").strip(),
            is_reversal=self._is_true(element, "RvslInd", default=False),
            booking_day=booking_day,
            booked_at=booked_at,
            value_day=value_day,
            valued_at=valued_at,
            servicer_reference=self._text(element, "AcctSvcrRef"),
            entry_reference=self._text(element, "NtryRef"),
            bank_code="/".join(codes) if domain is not None else "",
            proprietary_code=self._text(element, "BkTxCd", "Prtry", "Cd"),
            payments_announced=sum(batches) if batches else None,
            details=tuple(self._details),
            additional_info=self._text(element, "AddtlNtryInf"),
            line=element.sourceline or 0,
        )

    def _read_detail(self, element: Any) -> Detail:
        references = self._child(element, "Refs")
        parties = self._child(element, "RltdPties")
        money = self._child(element, "Amt")
        if money is None:
            money = self._child(element, "AmtDtls", "TxAmt", "Amt")
        amount, currency = (None, "") if money is None else self._money(money)

        remittance: list[str] = []
        added: list[str] = []
        creditor_references: list[str] = []
        for part in () if (found := self._child(element, "RmtInf")) is None else found:
            if part.tag == self._space + "Ustrd":
                remittance.append((part.text or "").strip())
            else:
                creditor_references.append(self._text(part, "CdtrRefInf", "Ref"))
                added += self._texts(part, "AddtlRmtInf")

        return Detail(
            amount=amount,
            currency=currency,
            is_credit=self._is_credit(element),
            end_to_end_id=self._text(references, "EndToEndId"),
            instruction_id=self._text(references, "InstrId"),
            transaction_id=self._text(references, "TxId"),
            uetr=self._text(references, "UETR"),
            mandate_id=self._text(references, "MndtId"),
            servicer_reference=self._text(references, "AcctSvcrRef"),
            remittance=tuple(text for text in (*remittance, *added) if text),
            creditor_references=tuple(text for text in creditor_references if text),
            debtor_name=self._party(parties, "Dbtr"),
            debtor_account=self._account(self._child(parties, "DbtrAcct"))[0],
            creditor_name=self._party(parties, "Cdtr"),
            creditor_account=self._account(self._child(parties, "CdtrAcct"))[0],
            return_reason=self._text(element, "RtrInf", "Rsn", "Cd")
            or self._text(element, "RtrInf", "Rsn", "Prtry"),
            additional_info=self._text(element, "AddtlTxInf"),
        )

    def _party(self, parties: Any, role: str) -> str:
        party = self._child(parties, role)
        return (
            self._text(party, "Nm")
            or self._text(party, "Pty", "Nm")
            or self._text(party, "Agt", "FinInstnId", "Nm")
        )


def _drop(element: Any) -> None:
    """Forget *element* and its elder siblings of the same name, so that memory stays flat."""
    parent = element.getparent()
    while (elder := element.getprevious()) is not None and elder.tag == element.tag:
        parent.remove(elder)
    element.clear()
