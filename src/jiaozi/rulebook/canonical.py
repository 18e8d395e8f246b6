"""The canonical form of a book: plain data whose JSON is hashed into the book's digest."""

from __future__ import annotations

from typing import Any

from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.model import Always, Book, Duty, Rule, Series, Span


def canonical_form(book: Book) -> dict[str, Any]:
    """Return what *book* says as dicts, lists, texts and numbers; comments and layout play no part."""
    words = book.vocabulary
    return {
        "format": "jiaozi-book-1",
        "drafts": list(book.drafts),
        "parts": [
            {"place": part.place, "status": part.status, "title": dict(part.title)} for part in book.parts
        ],
        "places": [[place.id, place.within, place.clock, place.calendar] for place in words.places.values()],
        "facts": [[fact.id, fact.type, fact.unit, list(fact.words)] for fact in words.facts.values()],
        "values": [[value.id, value.by] for value in words.values.values()],
        "counters": [
            [counter.id, counter.window, list(counter.actions)] for counter in words.counters.values()
        ],
        "sources": [
            [source.id, source.number, str(source.issued), str(source.known), source.link]
            for source in book.sources.values()
        ],
        "rules": [_rule(rule) for rule in book.rules],
        "always": [_always(always) for always in book.always],
        "duties": [_duty(duty) for duty in book.duties],
        "series": [_series(series) for series in book.series.values()],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "place": rule.place,
        "kind": "permit" if rule.is_permit else "forbid",
        "title": dict(rule.title),
        "actions": sorted(rule.actions),
        "anywhere": rule.anywhere,
        "span": _span(rule.span),
        "cite": str(rule.cite),
        "when": [text_of(expr) for expr in rule.when],
        "unless": [text_of(expr) for expr in rule.unless],
        "needs": [
            [need.name, text_of(need.condition), str(need.cite), dict(need.title)] for need in rule.needs
        ],
        "lifts": rule.lifts,
        "yields_to": list(rule.yields_to),
        "yields_from": rule.yields_from,
        "yields_cite": str(rule.yields_cite or ""),
        "supersedes": rule.supersedes,
        "status": rule.status,
    }


def _always(always: Always) -> list[Any]:
    title, hold = dict(always.title), text_of(always.hold)
    return [always.id, always.place, title, _span(always.span), hold, str(always.cite), always.status]


def _duty(duty: Duty) -> list[Any]:
    acts = [duty.upon, duty.who, duty.do, duty.within_business_days]
    return [duty.id, duty.place, dict(duty.title), _span(duty.span), acts, str(duty.cite), duty.status]


def _series(series: Series) -> list[Any]:
    dated = [
        [value.start, str(value.cite), {unit: dict(by_tier) for unit, by_tier in value.amounts.items()}]
        for value in series.dated
    ]
    return [series.place, series.id, dated]


def _span(span: Span) -> list[int | None]:
    return [span.start, span.end]
