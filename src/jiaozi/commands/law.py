"""`jiaozi law check|ask|page`: the law as a lawyer, a policy desk or a program asks it."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jiaozi.clock import SHANGHAI, Instant, day_start, instant_of, moment_of, system_clock
from jiaozi.errors import AmountError, RulebookError
from jiaozi.money import fen_from_text
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read_folder
from jiaozi.rulebook.telling import page
from jiaozi.rulebook.telling.explain import explain, line
from jiaozi.rulebook.vocabulary import FactType

Value = int | str | frozenset[str]


class NotUnderstood(ValueError):
    """A word on the command line means nothing; the message says what would."""


def run(given: argparse.Namespace) -> int:
    """Return 0 for yes or done, 1 for a refusal or mistakes, 2 for words that mean nothing."""
    folder = Path(given.folder) if given.folder else None
    try:
        book = read_folder(folder, drafts=given.draft)
    except RulebookError as error:
        if getattr(given, "json", False):
            places = [[each.file, each.line, each.subject, each.message] for each in error.mistakes]
            print(json.dumps({"ok": False, "mistakes": places}, ensure_ascii=False, indent=2))
        else:
            print(error, file=sys.stderr)
            print(f"{len(error.mistakes)} mistakes; nothing was read", file=sys.stderr)
        return 1
    try:
        if given.verb == "check":
            return _check(book, given)
        if given.verb == "ask":
            return _ask(book, given)
        show = page.html if given.html else page.markdown
        print(show(book, _instant(given.day), given.language))
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    return 0


def _check(book: Book, given: argparse.Namespace) -> int:
    counts = {
        "rules": len(book.rules),
        "needs": sum(len(rule.needs) for rule in book.rules),
        "always": len(book.always),
        "duties": len(book.duties),
        "values": len(book.series),
        "sources": len(book.sources),
    }
    if given.json:
        print(
            json.dumps(
                {"ok": True, "digest": book.digest.hex(), "drafts": list(book.drafts), **counts}, indent=2
            )
        )
        return 0
    for part in book.parts:
        print(
            f"{part.place:<6} {part.status.upper() if part.status == 'draft' else part.status:<9} {part.title['en']}"
        )
    print(", ".join(f"{count} {name}" for name, count in counts.items()) + ": no mistakes")
    print(f"digest {book.digest.hex()}")
    return 0


def _ask(book: Book, given: argparse.Namespace) -> int:
    facts = dict(_fact(book, word) for word in given.facts)
    instant, action = _instant(given.day), Action(given.action)
    decision = decide(book, action, facts, instant)
    reasons = explain(book, action, facts, instant, decision.reasons)
    if given.json:
        answer = {
            "allowed": decision.allowed,
            "reasons": [
                {
                    "reason": each.reason,
                    "title": dict(each.title),
                    "compared": dict(each.compared),
                    "cite": str(each.cite or ""),
                    "since": str(each.since or ""),
                    "draft": each.is_draft,
                }
                for each in reasons
            ],
            "at": moment_of(instant).isoformat(),
            "law": book.digest.hex(),
            "drafts": list(book.drafts),
        }
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    elif decision.allowed:
        draft = f" under the DRAFT of {', '.join(book.drafts)}" if book.is_draft else ""
        print(f"allowed  {action}{draft}")
    else:
        for each in reasons:
            print(line(each, "en"))
    return 0 if decision.allowed else 1


def _fact(book: Book, word: str) -> tuple[str, Value]:
    """Return one `name=value`, typed as the book declares it."""
    name, equals, value = word.partition("=")
    known = book.vocabulary.facts
    if not equals or name not in known:
        near = closest(name, known)
        raise NotUnderstood(f"{word!r}: write FACT=VALUE{f'; did you mean {near}=…' if near else ''}")
    fact = known[name]
    if fact.type is FactType.MONEY:
        try:
            return name, fen_from_text(value)
        except AmountError as error:
            raise NotUnderstood(f"{name}: {error}") from None
    words = tuple(book.vocabulary.places) if fact.type in (FactType.PLACE, FactType.PLACES) else fact.words
    values = [each.strip() for each in value.split(",") if each.strip()]
    for each in values if fact.type is FactType.PLACES else [value]:
        if each not in words:
            raise NotUnderstood(f"{name} is never {each!r}; it is one of {', '.join(words)}")
    return name, frozenset(values) if fact.type is FactType.PLACES else value


def _instant(text: str | None) -> Instant:
    """Return the instant meant by a day, a day with time (Shanghai), or now."""
    if text is None:
        return system_clock()
    try:
        if len(text) == len("2026-12-15"):
            return day_start(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotUnderstood(f"--day {text} is no day; write YYYY-MM-DD or YYYY-MM-DDTHH:MM") from None
    return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(SHANGHAI)))
