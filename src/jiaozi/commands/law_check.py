"""`jiaozi law check`: every mistake of the files, the cases, and what somebody should look at again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from jiaozi.clock import day_of, system_clock
from jiaozi.errors import Mistake, RulebookError
from jiaozi.rulebook.model import Book, Confidence
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.cases import Case, failures, read_cases
from jiaozi.rulebook.reading.read import ALL, law_folder, read_folder

STALE_DAYS = 365


def check(book: Book, given: argparse.Namespace) -> int:
    """Return 0 when nothing is wrong. Files that are no law are checked with all others taking part."""
    folder = Path(given.folder) if given.folder else law_folder()
    everything = read_folder(folder, drafts=[ALL])
    cases = read_cases(folder / "cases", everything)
    wrong = [*_calendar_mistakes(folder), *failures(cases, _books(folder, cases))]
    if wrong:
        raise RulebookError(wrong)
    notes = list(look_again(everything, day_of(system_clock())))
    counts = {
        "rules": len(everything.rules),
        "needs": sum(len(rule.needs) for rule in everything.rules),
        "always": len(everything.always),
        "duties": len(everything.duties),
        "values": sum(len(series.dated) for series in everything.series.values()),
        "sources": len(everything.sources),
        "steps": len(everything.steps),
        "cases": len(cases),
    }
    if given.json:
        answer = {
            "ok": True,
            "digest": book.digest.hex(),
            "drafts": list(book.drafts),
            **counts,
            "notes": notes,
        }
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return 0
    for part in everything.parts:
        status = part.status if part.status.is_law else part.status.upper()
        print(f"{part.name:<14} {status:<9} {part.title['en']}")
    print(", ".join(f"{count} {name}" for name, count in counts.items()) + ": no mistakes")
    for note in notes:
        print(f"look again  {note}")
    print(f"digest {book.digest.hex()}")
    return 0


def _calendar_mistakes(folder: Path) -> Iterator[Mistake]:
    """Yield the mistakes of the business calendars, which no book holds."""
    for path in sorted((folder / "calendars").glob("*.toml")):
        try:
            read_calendar(path)
        except RulebookError as error:
            yield from error.mistakes


def _books(folder: Path, cases: tuple[Case, ...]) -> dict[tuple[str, ...], Book]:
    """Return the books that *cases* ask, by the drafts that take part."""
    wanted = {case.drafts for case in cases}
    return {drafts: read_folder(folder, drafts=drafts) for drafts in wanted}


def look_again(book: Book, today: date) -> Iterator[str]:
    """Yield what is no mistake, and yet somebody should look at: pending events, stale and unsure texts."""
    for event in book.events.values():
        if event.day is None:
            numbers = [value for series in book.series.values() for value in series.dated]
            waiting = [
                found
                for found in (*book.provisions, *numbers)
                if found.span.awaited and found.span.awaited.event == event.id
            ]
            held = f"; waiting for it: {len(waiting)}" if waiting else ""
            yield f"event pending: {event.id}, {event.title['en']}{held}"
    for source in book.sources.values():
        if (today - source.checked).days > STALE_DAYS and source.read != "invented":
            yield f"source not checked for a year: {source.id}, last on {source.checked}"
    unsure = [found.id for found in book.provisions if found.confidence is Confidence.UNCONFIRMED]
    unsure += [
        f"{series.place} {series.id} from {value.start_day}"
        for series in book.series.values()
        for value in series.dated
        if value.confidence is Confidence.UNCONFIRMED
    ]
    if unsure:
        yield f"unconfirmed: {', '.join(unsure)}"
