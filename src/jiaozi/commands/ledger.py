"""`jiaozi ledger`: the history sealed and read: SQL, statements, balances, totals, a stream of changes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from jiaozi.clock import moment_of, system_clock
from jiaozi.commands.words import NotUnderstood, day_of_text, instant_of_text, journal_folder
from jiaozi.errors import FactError, JournalBusy, JournalError, QueryError
from jiaozi.ledger.history.changes import Event, Mark, follow
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.units import verify_units
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.numbers import account_from_text, account_text
from jiaozi.ledger.records import ACTION_NAMES
from jiaozi.money import decimal_text, format_fen

if TYPE_CHECKING:
    from jiaozi.ledger.state import State


def run(given: argparse.Namespace) -> int:
    """Return 0 when it was done, 1 when the history is damaged or the answer is no, 2 when nothing was understood."""
    verbs = {"seal": _seal, "sql": _sql, "statement": _statement, "balance": _balance}
    verbs |= {"totals": _totals, "follow": _follow}
    try:
        return verbs[given.verb](journal_folder(given.folder), given)
    except (NotUnderstood, QueryError, FactError, JournalBusy) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    except JournalError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read us has seen enough. What is left in the buffer must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _seal(folder: Path, given: argparse.Namespace) -> int:
    if given.verify:
        count = sum(1 for _ in verify_units(folder))
        print(json.dumps({"ok": True, "units": count}) if given.json else f"whole: {count} sealed units")
        return 0
    with Progress(console=Console(stderr=True), disable=given.json, transient=True) as shown:
        task = shown.add_task("sealing", total=None)
        sealed = seal(folder, progress=lambda done, total: shown.update(task, completed=done, total=total))
    if given.json:
        print(
            json.dumps(
                {
                    "units": [str(unit.folder) for unit in sealed.units],
                    "transfers": sealed.transfers,
                    "bytes": sealed.bytes,
                },
                indent=2,
            )
        )
    elif sealed.units:
        each = f", {sealed.bytes / sealed.transfers:.1f} bytes each" if sealed.transfers else ""
        print(f"sealed: {sealed.transfers:,} transfers in {len(sealed.units)} units{each}")
    else:
        print("nothing to seal: every segment that has a successor is sealed")
    return 0


def _sql(folder: Path, given: argparse.Namespace) -> int:
    from jiaozi.ledger.history.sql import sql

    query = sys.stdin.read() if given.query == "-" else given.query
    table = sql(folder, query, given.parameter, seconds=_seconds(given.seconds))
    if given.json:
        rows = [dict(zip(table.names, row, strict=True)) for row in table.rows()]
        print(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return 0
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows(table.rows())
    sys.stdout.flush()
    return 0


def _statement(folder: Path, given: argparse.Namespace) -> int:
    from jiaozi.ledger.history.statement import about, statement
    from jiaozi.ledger.history.statement_text import as_camt053, as_csv, as_text

    account = account_from_text(given.account)
    first, until = _period(given)
    known = about(_state(folder), account)
    with History(folder) as history:
        try:
            made = statement(history, known, first, until)
        except ValueError as error:
            raise NotUnderstood(str(error)) from None
    if given.format == "camt053":
        _write([as_camt053(made, created=system_clock()).decode()])
    else:
        _write(as_csv(made) if given.format == "csv" else as_text(made, language=given.language))
    return 0


def _balance(folder: Path, given: argparse.Namespace) -> int:
    account = account_from_text(given.account)
    instant = instant_of_text("--at", given.at)
    with History(folder) as history:
        try:
            found = history.balance_at(account, instant)
        except ValueError as error:
            raise NotUnderstood(str(error)) from None
    at = moment_of(instant).isoformat(timespec="seconds")
    amounts = {
        "balance": found.balance,
        "pending_out": found.pending_out,
        "pending_in": found.pending_in,
    }
    if given.json:
        told = {name: decimal_text(amount) for name, amount in amounts.items()}
        print(json.dumps({"account": account_text(account), "at": at, **told}, indent=2))
        return 0
    print(f"account {account_text(account)} at {at}")
    for name, amount in amounts.items():
        print(f"  {name.replace('_', ' '):<12} {format_fen(amount):>24}")
    return 0


def _totals(folder: Path, given: argparse.Namespace) -> int:
    from jiaozi.ledger.totals import supply, trial_balance

    state = _state(folder)
    lines, coins = trial_balance(state.accounts), supply(state)
    names = {coin.number: coin.id for coin in state.register.coins.values()}
    if given.json:
        print(
            json.dumps(
                {
                    "trial_balance": [
                        {
                            "coin": names.get(line.coin, str(line.coin)),
                            "code": line.code,
                            "accounts": line.accounts,
                            "debits": decimal_text(line.debits),
                            "credits": decimal_text(line.credits),
                            "balance": decimal_text(line.balance),
                        }
                        for line in lines
                    ],
                    "supply": [
                        {
                            "coin": coin.coin,
                            "issued": decimal_text(coin.issued),
                            "redeemed": decimal_text(coin.redeemed),
                            "outstanding": decimal_text(coin.outstanding),
                            "pending": decimal_text(coin.pending),
                        }
                        for coin in coins
                    ],
                },
                indent=2,
            )
        )
    else:
        print(f"{'coin':<20} {'code':>6} {'accounts':>14} {'debits':>24} {'credits':>24} {'balance':>24}")
        for line in lines:
            sums = " ".join(f"{format_fen(sum_):>24}" for sum_ in (line.debits, line.credits, line.balance))
            print(f"{names.get(line.coin, str(line.coin)):<20} {line.code:>6} {line.accounts:>14,} {sums}")
        for coin in coins:
            print(
                f"{coin.coin}: issued {format_fen(coin.issued)}, redeemed {format_fen(coin.redeemed)}, "
                f"with holders {format_fen(coin.outstanding)}, of it reserved {format_fen(coin.pending)}"
            )
    balanced = all(
        sum(line.balance for line in lines if line.coin == number) == 0
        for number in {line.coin for line in lines}
    )
    if not (balanced and all(coin.is_covered_by_the_books for coin in coins)):
        print("jiaozi: the books do not balance; stop and verify the journal", file=sys.stderr)
        return 1
    return 0


def _follow(folder: Path, given: argparse.Namespace) -> int:
    try:
        after = Mark.of(given.after)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    for event in follow(folder, after=after, wait=given.wait):
        sys.stdout.write(json.dumps(_told(event), ensure_ascii=False, separators=(",", ":")) + "\n")
        if given.wait:
            sys.stdout.flush()
    return 0


def _told(event: Event) -> dict[str, Any]:
    """Return *event* ready for JSON; money is decimal text."""
    told: dict[str, Any] = {
        "mark": str(event.mark),
        "event": event.kind,
        "instant": moment_of(event.instant).isoformat(timespec="microseconds"),
        "law": event.law_digest.hex(),
    }
    row = event.row
    if event.fact is not None:
        told["fact"] = json.loads(event.fact.fact)
    if event.kind == "accounts":
        told["opened"] = event.accounts
    if row is not None:
        told |= {
            "id": id_text(int(row["id_lo"]), int(row["id_hi"])),
            "debit": int(row["debit"]),
            "credit": int(row["credit"]),
            "amount": decimal_text(int(row["amount"])),
            "action": ACTION_NAMES.get(int(row["action"]), str(int(row["action"]))),
        }
    if event.result is not None:
        told["result"] = event.result.name.lower()
        told["reasons"] = [
            64 * at + bit for at, word in enumerate(event.bits) for bit in range(64) if word >> bit & 1
        ]
    if event.note:
        told["note"] = json.loads(event.note)
    return told


def _state(folder: Path) -> State:
    from jiaozi.ledger.restart import restart

    return restart(folder).state


def _period(given: argparse.Namespace) -> tuple[date, date]:
    """Return the days of --month, or of --from and --until, until excluded."""
    if given.month:
        if given.from_ or given.until:
            raise NotUnderstood("--month is a whole period; leave --from and --until out")
        first = day_of_text("--month", f"{given.month}-01")
        return first, (first + timedelta(days=31)).replace(day=1)
    if not given.from_ or not given.until:
        raise NotUnderstood("a statement has a period: --month YYYY-MM, or --from DAY and --until DAY")
    return day_of_text("--from", given.from_), day_of_text("--until", given.until)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise NotUnderstood(f"--seconds {text:.20} is no time; write how many seconds a question may take")
    return seconds


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line)
    sys.stdout.flush()
