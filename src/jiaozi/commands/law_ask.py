"""`jiaozi law ask`: one question from flags or JSON, answered with article and date."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jiaozi.clock import SHANGHAI, Instant, moment_of
from jiaozi.commands.words import NotUnderstood, instant_of_text
from jiaozi.rulebook.decide import TOUCHING, Decision, Facts, decide, grounds
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.given import completed, fact_from, known_fact
from jiaozi.rulebook.telling.explain import Explained, Viewer, explain, granted, line

_KEYS = ("action", "on", "place", "facts")


@dataclass(frozen=True)
class Question:
    """What is asked: may this be done, with these facts, at this instant? `clock` is the place's."""

    action: Action
    facts: Facts
    instant: Instant
    clock: str


def ask(book: Book, given: argparse.Namespace) -> int:
    """Answer one question; 0 when the law allows it, 1 when it does not."""
    asked = _from_file(book, given) if given.question else _from_words(book, given)
    decision = decide(book, asked.action, asked.facts, asked.instant)
    reasons = explain(book, asked.action, asked.facts, asked.instant, decision.reasons, Viewer(given.viewer))
    if given.json:
        answer = _answer(book, asked, decision, reasons)
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    elif decision.allowed:
        for rule in grounds(book, asked.action, asked.facts, asked.instant):
            print(granted(rule, given.language))
        if book.is_draft:
            names = ", ".join(book.drafts)
            print(f"under the DRAFT of {names}" if given.language == "en" else f"依据草案：{names}")
    else:
        for each in reasons:
            print(line(each, given.language))
    return 0 if decision.allowed else 1


def _answer(
    book: Book, asked: Question, decision: Decision, reasons: tuple[Explained, ...]
) -> dict[str, Any]:
    """Return the answer as plain data."""
    return {
        "allowed": decision.allowed,
        "reasons": [
            {
                "reason": each.reason,
                "title": dict(each.title),
                "compared": dict(each.compared),
                "cite": str(each.cite or ""),
                "link": each.source.link if each.source else "",
                "since": str(each.since or ""),
                "value_cite": str(each.value_cite or ""),
                "value_since": str(each.value_since or ""),
                "status": str(each.status),
                "confidence": str(each.confidence),
                "draft": each.is_draft,
            }
            for each in reasons
        ],
        "grounds": [
            {"rule": rule.id, "cite": str(rule.cite), "since": str(rule.span.start_day)}
            for rule in grounds(book, asked.action, asked.facts, asked.instant)
            if decision.allowed
        ],
        "at": moment_of(asked.instant, asked.clock).isoformat(),
        "interval": decision.interval,
        "bits": f"{decision.bits(book):x}",
        "law": book.digest.hex(),
        "drafts": list(book.drafts),
        "known": str(book.known or ""),
    }


def _from_words(book: Book, given: argparse.Namespace) -> Question:
    if not given.action:
        raise NotUnderstood(f"ask what? write one of {', '.join(Action)}, or --question FILE")
    facts: dict[str, Any] = {}
    for word in given.facts:
        name, equals, value = word.partition("=")
        if not equals:
            raise NotUnderstood(f"{word!r:.60}: write FACT=VALUE")
        if name in facts:
            raise NotUnderstood(f"{name:.60} is told twice")
        facts[name] = value
    return _question(book, given.action, facts, given.place, given.on)


def _from_file(book: Book, given: argparse.Namespace) -> Question:
    """Return the question written as JSON: `{"action", "on", "place", "facts": {name: value}}`."""
    try:
        text = sys.stdin.read() if given.question == "-" else Path(given.question).read_text("utf-8")
        asked = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits is a plain ValueError; no text and no JSON are kinds of it.
        raise NotUnderstood(f"{given.question} is not JSON: {error or 'nested too deeply'}") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("facts", {}), dict):
        raise NotUnderstood(f"{given.question} must be one object with {', '.join(_KEYS)}")
    for key in asked:
        if key not in _KEYS:
            raise NotUnderstood(f"{given.question}: unknown key {key!r:.40}; keys are {', '.join(_KEYS)}")
    for key in ("action", "on", "place"):
        if not isinstance(asked.get(key, ""), str):
            raise NotUnderstood(f"{given.question}: {key} must be a text")
    if asked.get("action") not in list(Action):
        raise NotUnderstood(f"{given.question}: action must be one of {', '.join(Action)}")
    place, day = asked.get("place", given.place), asked.get("on", given.on)
    return _question(book, asked["action"], asked.get("facts", {}), place, day)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a key that stands twice would silently win over the first."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r:.60} stands twice")
        found[key] = value
    return found


def _question(
    book: Book, action: str, written: dict[str, Any], place: str | None, on: str | None
) -> Question:
    """Return the question; *place* stands for all four places that no fact names."""
    words = book.vocabulary
    if place is not None and place not in words.places:
        raise NotUnderstood(f"no such place {place!r:.40}; places are {', '.join(words.places)}")
    facts: dict[str, int | str | frozenset[str] | None] = dict.fromkeys(TOUCHING, place) if place else {}
    try:
        for name, value in written.items():
            fact = known_fact(words, name)
            facts[name] = fact_from(words, fact, value)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    facts = completed(words, facts)
    where = facts.get("payment.place")
    clock = words.places[where].clock if isinstance(where, str) else SHANGHAI
    return Question(Action(action), facts, instant_of_text("--on", on, clock), clock)
