"""Writes the order to pay redemptions out: ISO 20022 pain.001.001.09.

A redeemed coin becomes bank money. Each payout is one credit transfer from the
reserve account to the holder's own account; one message carries many. The issuer
pays the bank's fee (`ChrgBr` DEBT), because a coin is redeemed at par and a fee
taken on the way would make it less.

What is wrong is said in the words of the caller's fields. The official schema has
the last word before any bytes are returned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from jiaozi.bank.write import Builder, is_bic, is_cnaps, is_iban, is_plain, looks_like_iban
from jiaozi.bank.xml import Message
from jiaozi.clock import SHANGHAI, Instant, moment_of
from jiaozi.errors import OrderError
from jiaozi.money import CURRENCIES, MAX_FEN, Fen, decimal_text

PAIN_001 = Message(kind="pain.001", version="001.09")

_LONGEST = {
    "message_id": 35,
    "initiating_party": 140,
    "debtor_name": 140,
    "debtor_account": 34,
    "end_to_end_id": 35,
    "creditor_name": 140,
    "creditor_account": 34,
    "remittance": 140,
}


@dataclass(frozen=True, slots=True)
class Payout:
    """One redemption to pay out."""

    end_to_end_id: str
    """Goes with the payment to its end and comes back in the bank statement."""
    amount_fen: Fen
    currency: str
    creditor_name: str
    creditor_account: str
    """An IBAN, or the bank's own number for the account."""
    creditor_bank: str = ""
    """A BIC, or the bank's twelve-digit CNAPS number; `""` when the account says it."""
    remittance: str = ""


@dataclass(frozen=True, slots=True)
class PayoutMessage:
    """Redemptions paid from one account on one day in one currency."""

    message_id: str
    created: Instant
    initiating_party: str
    debtor_name: str
    debtor_account: str
    debtor_bank: str
    """A BIC, or the bank's twelve-digit CNAPS number."""
    execution_day: date
    payouts: tuple[Payout, ...]


def write(message: PayoutMessage) -> bytes:
    """Return *message* as a pain.001.001.09 file, held against the official schema.

    Raises `OrderError` naming the payout, the field and what is wrong with it; all
    that is wrong is in the one error, a line each.
    """
    wrong = [*_wrong_in_message(message)]
    for payout in message.payouts:
        wrong += [f"payout {payout.end_to_end_id!r}: {text}" for text in _wrong_in_payout(payout)]
    if wrong:
        raise OrderError("\n".join(wrong))

    build = Builder(PAIN_001)
    body = build.add(build.root, "CstmrCdtTrfInitn")
    count = str(len(message.payouts))
    total = decimal_text(sum(payout.amount_fen for payout in message.payouts))

    header = build.add(body, "GrpHdr")
    build.add(header, "MsgId", text=message.message_id)
    # Seconds are enough for people, and every bank reads them.
    created = moment_of(message.created, SHANGHAI).replace(microsecond=0)
    build.add(header, "CreDtTm", text=created.isoformat())
    build.add(header, "NbOfTxs", text=count)
    build.add(header, "CtrlSum", text=total)
    build.add(header, "InitgPty", "Nm", text=message.initiating_party)

    group = build.add(body, "PmtInf")
    build.add(group, "PmtInfId", text=message.message_id)
    build.add(group, "PmtMtd", text="TRF")
    build.add(group, "NbOfTxs", text=count)
    build.add(group, "CtrlSum", text=total)
    build.add(group, "ReqdExctnDt", "Dt", text=message.execution_day.isoformat())
    build.add(group, "Dbtr", "Nm", text=message.debtor_name)
    build.add_account(group, "DbtrAcct", message.debtor_account)
    build.add_bank(group, "DbtrAgt", message.debtor_bank)
    build.add(group, "ChrgBr", text="DEBT")
    for payout in message.payouts:
        _add_payout(build, group, payout)

    faults = build.faults()
    if faults:
        raise OrderError("the bank would not take this message: " + "; ".join(faults))
    return build.document()


def _add_payout(build: Builder, group: Any, payout: Payout) -> None:
    transfer = build.add(group, "CdtTrfTxInf")
    build.add(transfer, "PmtId", "EndToEndId", text=payout.end_to_end_id)
    build.add(transfer, "Amt", "InstdAmt", text=decimal_text(payout.amount_fen), Ccy=payout.currency)
    if payout.creditor_bank:
        build.add_bank(transfer, "CdtrAgt", payout.creditor_bank)
    build.add(transfer, "Cdtr", "Nm", text=payout.creditor_name)
    build.add_account(transfer, "CdtrAcct", payout.creditor_account)
    if payout.remittance:
        build.add(transfer, "RmtInf", "Ustrd", text=payout.remittance)


def _wrong_in_message(message: PayoutMessage) -> Iterator[str]:
    yield from _wrong_texts(message, ("message_id", "initiating_party", "debtor_name"))
    yield from _wrong_account("debtor_account", message.debtor_account)
    yield from _wrong_bank("debtor_bank", message.debtor_bank)
    if not message.payouts:
        yield "payouts is empty; a message pays at least one"
    currencies = sorted({payout.currency for payout in message.payouts})
    if len(currencies) > 1:
        yield f"payouts are in {' and '.join(currencies)}; write one message for each currency"
    twice = [id for id, count in Counter(p.end_to_end_id for p in message.payouts).items() if count > 1]
    if twice:
        yield f"end_to_end_id {', '.join(map(repr, twice))} stands in more than one payout"
    total = sum(payout.amount_fen for payout in message.payouts)
    if total > MAX_FEN:
        yield f"payouts sum to {decimal_text(total)}, more than the largest amount {decimal_text(MAX_FEN)}"


def _wrong_in_payout(payout: Payout) -> Iterator[str]:
    yield from _wrong_texts(payout, ("end_to_end_id", "creditor_name"))
    if payout.remittance:
        yield from _wrong_texts(payout, ("remittance",))
    yield from _wrong_account("creditor_account", payout.creditor_account)
    if payout.creditor_bank:
        yield from _wrong_bank("creditor_bank", payout.creditor_bank)
    if payout.currency not in CURRENCIES:
        yield f"currency is {payout.currency!r}; it must be one of {', '.join(CURRENCIES)}"
    if not 0 < payout.amount_fen <= MAX_FEN:
        yield f"amount_fen is {payout.amount_fen}; it must be from 1 to {MAX_FEN}"


def _wrong_texts(record: object, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        text = str(getattr(record, name))
        if not text.strip():
            yield f"{name} is empty"
        elif len(text) > _LONGEST[name]:
            yield f"{name} has {len(text)} characters; the bank takes at most {_LONGEST[name]}"
        elif not is_plain(text):
            yield f"{name} holds a control character; take it out"


def _wrong_account(name: str, account: str) -> Iterator[str]:
    if looks_like_iban(account) and not is_iban(account):
        yield f"{name} {account!r} looks like an IBAN but its check digits do not hold; was it mistyped?"
    elif not account.strip() or len(account) > _LONGEST[name] or not is_plain(account):
        yield f"{name} {account!r} must be an IBAN or at most {_LONGEST[name]} characters"


def _wrong_bank(name: str, bank: str) -> Iterator[str]:
    if not is_bic(bank) and not is_cnaps(bank):
        yield f"{name} {bank!r} must be a BIC or a twelve-digit CNAPS number"
