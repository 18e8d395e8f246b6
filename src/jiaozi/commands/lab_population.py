"""`jiaozi lab population`: writes a store of invented holders and their payments."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jiaozi.commands.words import NotUnderstood, day_of_text
from jiaozi.lab.population import Written, write_store
from jiaozi.ledger.results import WORDS, Result

FROM_DAY = date(2026, 12, 15)
"""The day the pilot's draft is tried on."""

PAYMENTS_A_HOLDER = 0.3
"""Payments a day of each account, unless told otherwise: a year of a million holders has about 110 million."""


def run(given: argparse.Namespace) -> int:
    """Return 0 when the store is written, 2 when it was not understood, 130 when it was stopped on the way."""
    folder = Path(given.folder)
    try:
        people = _count("--people", given.people, 100, 50_000_000)
        days = _count("--days", given.days, 1, 731)
        a_day = given.payments_a_day or str(max(1, round(people * PAYMENTS_A_HOLDER)))
        payments_a_day = _count("--payments-a-day", a_day, 1, 10**9)
        seed = _count("--seed", given.seed, 0, 2**63 - 1)
        from_day = day_of_text("--from", given.from_) if given.from_ else FROM_DAY
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(
            *columns, console=Console(stderr=True), disable=given.json, transient=True, refresh_per_second=4
        ) as shown:
            task = shown.add_task("payments", total=days * payments_a_day)
            written = write_store(
                folder,
                people=people,
                seed=seed,
                days=days,
                payments_a_day=payments_a_day,
                from_day=from_day,
                place=given.place,
                also=_also(given.also),
                progress=lambda done, total: shown.update(task, completed=done, total=total),
            )
    except KeyboardInterrupt:
        print(f"jiaozi: stopped; {folder} is a whole store up to there", file=sys.stderr)
        return 130
    except (NotUnderstood, ValueError) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(_told(written), indent=2))
    else:
        _print(written)
    return 0


def _told(written: Written) -> dict[str, object]:
    return {
        "folder": str(written.folder),
        "place": written.place,
        "also": dict(written.also),
        "seed": written.seed,
        "from": written.from_day.isoformat(),
        "until": written.until_day.isoformat(),
        "accounts": written.accounts,
        "first_account": written.first_account,
        "payments": written.payments,
        "results": {
            Result(code).name.lower(): count for code, count in enumerate(written.results.tolist()) if count
        },
        "reasons": written.reasons,
    }


def _print(written: Written) -> None:
    print(
        f"{written.accounts:,} accounts and {written.payments:,} payments from {written.from_day} "
        f"until {written.until_day} in {written.folder}"
    )
    print(f"Everyone in it is invented{', and its law is a DRAFT' if written.is_draft else ''}.")
    for code, count in enumerate(written.results.tolist()):
        if count:
            print(f"  {count:>15,}  {count / written.payments:>7.2%}  {WORDS[Result(code)]['en']}")
    for reason, count in sorted(written.reasons.items(), key=lambda pair: -pair[1]):
        print(f"  {count:>15,}  {count / written.payments:>7.2%}    {reason}")


def _also(texts: list[str]) -> dict[str, float]:
    """Return zones and shares from texts such as `cn-sz=0.15`."""
    found: dict[str, float] = {}
    for text in texts:
        zone, _, share = text.partition("=")
        plain = share.replace(".", "", 1)
        if zone in found or not (zone and plain.isascii() and plain.isdecimal() and len(plain) < 20):
            raise NotUnderstood(f"--also {text:.40} will not do; write each zone once, such as cn-sz=0.15")
        found[zone] = float(share)
    return found


def _count(option: str, text: str, least: int, most: int) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 20 and least <= int(plain) <= most):
        raise NotUnderstood(
            f"{option} {text:.24} will not do; write a whole number from {least:,} to {most:,}"
        )
    return int(plain)
