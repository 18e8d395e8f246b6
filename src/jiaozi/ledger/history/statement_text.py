"""A statement as text in English or Chinese, as CSV, and as camt.053.001.08."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from jiaozi.bank import camt_write
from jiaozi.bank.message import Detail, Entry
from jiaozi.bank.write import is_plain
from jiaozi.clock import Instant, moment_of
from jiaozi.ledger.history.statement import AccountStatement, Movement
from jiaozi.ledger.numbers import account_text
from jiaozi.money import decimal_text, format_fen

WORDS = {
    "en": {
        "title": "Statement of account",
        "period": "{first} to {last}, {clock}",
        "opening": "Opening balance",
        "closing": "Closing balance",
        "paid_in": "Paid in",
        "paid_out": "Paid out",
        "pending_out": "Reserved for payments",
        "pending_in": "On its way in",
        "none": "Nothing was booked in this period.",
        "from": "from",
        "to": "to",
        "value": "value",
    },
    "zh": {
        "title": "账户对账单",
        "period": "{first} 至 {last}，{clock}",
        "opening": "期初余额",
        "closing": "期末余额",
        "paid_in": "收入合计",
        "paid_out": "支出合计",
        "pending_out": "已预授权支出",
        "pending_in": "待收",
        "none": "本期没有记账。",
        "from": "付款方",
        "to": "收款方",
        "value": "起息日",
    },
}

COLUMNS = (
    "booked",
    "value_day",
    "id",
    "direction",
    "other_account",
    "amount",
    "balance",
    "action",
    "text",
    "reason",
    "end_to_end_id",
    "instruction_id",
    "uetr",
    "purpose",
    "remittance",
    "reference",
)


def as_text(given: AccountStatement, *, language: str = "en") -> Iterator[str]:
    """Give the lines of *given* for people."""
    words, currency = WORDS[language], given.about.currency
    period = words["period"].format(first=given.from_day, last=given.last_day, clock=given.clock)
    yield f"{words['title']} {account_text(given.about.account)}  {given.about.coin}\n{period}\n\n"
    yield f"{words['opening']:<58}{format_fen(given.opening.balance, currency):>28}\n"
    if not given.movements:
        yield f"{words['none']}\n"
    for each in given.movements:
        side = words["to"] if each.is_out else words["from"]
        amount = format_fen(-each.amount if each.is_out else each.amount)
        moment = moment_of(each.instant, given.clock).isoformat(sep=" ", timespec="seconds")[:19]
        yield f"{moment}  {side} {account_text(each.other)}  {amount:>18}  {format_fen(each.balance):>18}\n"
        for line in _beside(each, words):
            yield f"{'':21}{line}\n"
    yield f"{words['closing']:<58}{format_fen(given.closing.balance, currency):>28}\n"
    for name, amount_fen in (
        ("paid_in", given.paid_in),
        ("paid_out", given.paid_out),
        ("pending_out", given.closing.pending_out),
        ("pending_in", given.closing.pending_in),
    ):
        yield f"{words[name]:<58}{format_fen(amount_fen, currency):>28}\n"


def as_csv(given: AccountStatement) -> Iterator[str]:
    """Give *given* as CSV: the names of the columns, then a line a movement, the opening and closing around them."""
    yield _line(COLUMNS)
    yield _line(_balance_row("opening", given.opening.balance, str(given.from_day)))
    for each in given.movements:
        note = each.note
        yield _line(
            (
                moment_of(each.instant, given.clock).isoformat(timespec="microseconds"),
                str(each.value_day),
                each.id,
                "out" if each.is_out else "in",
                account_text(each.other),
                decimal_text(-each.amount if each.is_out else each.amount),
                decimal_text(each.balance),
                each.action,
                _safe(note.text),
                _safe(note.reason),
                _safe(note.end_to_end_id or ""),
                _safe(note.instruction_id or ""),
                note.uetr or "",
                note.purpose or "",
                _safe(note.remittance or ""),
                _safe(note.reference or ""),
            )
        )
    yield _line(_balance_row("closing", given.closing.balance, str(given.last_day)))


def as_camt053(given: AccountStatement, *, created: Instant) -> bytes:
    """Return *given* as camt.053.001.08, held against the official schema. Raises `OrderError`.

    The account servicer is the issuer. What is reserved is told by the available balance (CLAV).
    """
    closing = _decimal(given.closing.balance)
    name = f"{given.about.account:010d}-{given.from_day:%Y%m%d}-{given.last_day:%Y%m%d}"
    return camt_write.write(
        camt_write.NewStatement(
            message_id=name,
            id=name,
            created_at=moment_of(created, given.clock).isoformat(timespec="seconds"),
            account=account_text(given.about.account),
            currency=given.about.currency,
            owner="",
            bank_name=given.about.issuer or "Jiaozi",
            day=given.last_day,
            from_day=given.from_day,
            opening=_decimal(given.opening.balance),
            closing=closing,
            available=closing - _decimal(given.closing.pending_out),
            entries=[_entry(index, each, given) for index, each in enumerate(given.movements, start=1)],
        )
    )


def _entry(index: int, each: Movement, given: AccountStatement) -> Entry:
    note, other, own = each.note, account_text(each.other), account_text(given.about.account)
    detail = Detail(
        end_to_end_id=_xml(note.end_to_end_id or ""),
        instruction_id=_xml(note.instruction_id or ""),
        uetr=note.uetr or "",
        remittance=tuple(filter(None, [_xml(note.remittance or "")])),
        creditor_references=tuple(filter(None, [_xml(note.reference or "")])),
        debtor_account=own if each.is_out else other,
        creditor_account=other if each.is_out else own,
        additional_info=_xml(note.text),
    )
    return Entry(
        index=index,
        amount=_decimal(each.amount),
        currency=given.about.currency,
        is_credit=not each.is_out,
        booked_at=moment_of(each.instant, given.clock).isoformat(timespec="seconds"),
        booking_day=each.day,
        value_day=each.value_day,
        servicer_reference=each.id,
        entry_reference=str(each.cursor),
        proprietary_code=each.action,
        details=(detail,),
    )


def _beside(each: Movement, words: dict[str, str]) -> Iterator[str]:
    if each.value_day != each.day:
        yield f"{words['value']} {each.value_day}"
    note = each.note
    for text in (note.text, note.reason, note.remittance, note.reference, note.end_to_end_id):
        if text:
            # A note may hold anything a client wrote; on a page of text it stays on its line.
            yield "".join(letter if letter.isprintable() else " " for letter in text)


def _balance_row(name: str, balance: int, day: str) -> tuple[str, ...]:
    row = dict.fromkeys(COLUMNS, "") | {"booked": day, "direction": name, "balance": decimal_text(balance)}
    return tuple(row.values())


def _line(values: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _safe(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _xml(text: str) -> str:
    """Return *text* with what XML cannot hold, such as control characters, shown as U+FFFD; trimmed to one line."""
    shown = text if is_plain(text) else "".join(letter if is_plain(letter) else "\ufffd" for letter in text)
    return " ".join(shown.split())


def _decimal(fen: int) -> Decimal:
    return Decimal(decimal_text(fen))
