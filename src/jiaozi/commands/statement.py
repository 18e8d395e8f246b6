"""`jiaozi statement read`: the entries of a bank file, or every fault in it. Nothing is imported."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from jiaozi.bank import statement
from jiaozi.bank.message import Entry, Statement
from jiaozi.errors import StatementError


def run(given: argparse.Namespace) -> int:
    """Return 0 when the file was read, 1 when it is broken."""
    try:
        statements = statement.read(Path(given.file))
    except StatementError as error:
        if given.json:
            faults = [[each.file, each.line, each.subject, each.message] for each in error.mistakes]
            print(json.dumps({"ok": False, "faults": faults}, ensure_ascii=False, indent=2))
        else:
            print(error, file=sys.stderr)
            print("refused; nothing was imported", file=sys.stderr)
        return 1
    if given.json:
        print(
            json.dumps(
                {"ok": True, "statements": [_json(each) for each in statements]}, ensure_ascii=False, indent=2
            )
        )
    else:
        _print(statements)
    return 0


def _print(statements: Sequence[Statement]) -> None:
    for each in statements:
        print(
            f"{each.kind}.{each.version}  statement {each.id}  account {each.account}  created {each.created_at}"
        )
        for balance in each.balances:
            print(f"  {balance.code:<6} {balance.amount:>20,} {balance.currency}  {balance.day}")
        for entry in each.entries:
            sign = "+" if entry.is_credit else "-"
            text = " · ".join(entry.reference_texts())
            print(
                f"  {entry.index:>5}  {entry.booking_day or '':<10}  {sign}{entry.amount:>19,} {entry.currency}"
                f"  {entry.status:<4}  {text}"
            )
        for warning in each.warnings:
            print(f"  warning: {warning}")
        print(f"  {len(each.entries)} entries")


def _json(each: Statement) -> dict[str, object]:
    return {
        "kind": each.kind,
        "version": each.version,
        "id": each.id,
        "account": each.account,
        "created": each.created_at,
        "file_sha256": each.file_digest,
        "balances": [
            {"code": b.code, "amount": str(b.amount), "currency": b.currency, "day": str(b.day)}
            for b in each.balances
        ],
        "entries": [_entry(entry) for entry in each.entries],
        "warnings": list(each.warnings),
    }


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "key": entry.key,
        "line": entry.line,
        "amount": str(entry.amount),
        "currency": entry.currency,
        "direction": "credit" if entry.is_credit else "debit",
        "status": entry.status,
        "booked": str(entry.booking_day or ""),
        "value": str(entry.value_day or ""),
        "bank_reference": entry.servicer_reference,
        "texts": list(entry.reference_texts()),
        "payments": len(entry.details),
    }
