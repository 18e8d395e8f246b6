"""The canonical form of a book: plain data whose JSON is hashed into the book's digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.provisions import (
    Always,
    Duty,
    Event,
    Part,
    Provision,
    Rule,
    Series,
    Source,
    Span,
    Term,
)
from jiaozi.rulebook.vocabulary import Vocabulary


def canonical_form(
    *,
    vocabulary: Vocabulary,
    sources: Mapping[str, Source],
    parts: Sequence[Part],
    rules: Sequence[Rule],
    always: Sequence[Always],
    duties: Sequence[Duty],
    series: Mapping[tuple[str, str], Series],
    drafts: Sequence[str],
    events: Mapping[str, Event],
    known: date | None,
) -> dict[str, Any]:
    """Return what a book says as dicts, lists, texts and numbers; comments and layout play no part."""
    words = vocabulary
    return {
        "format": "jiaozi-book-2",
        "known": str(known or ""),
        "drafts": list(drafts),
        "events": [[event.id, str(event.day or ""), str(event.known or "")] for event in events.values()],
        "parts": [[part.name, part.place, part.status, dict(part.title)] for part in parts],
        "places": [[place.id, place.within, place.clock, place.calendar] for place in words.places.values()],
        "facts": [[fact.id, fact.type, fact.unit, list(fact.words)] for fact in words.facts.values()],
        "values": [[value.id, value.unit, value.by] for value in words.values.values()],
        "counters": [
            [counter.id, counter.window, list(counter.actions)] for counter in words.counters.values()
        ],
        "sources": [
            [source.id, source.number, str(source.issued), str(source.known), source.link]
            for source in sources.values()
        ],
        "rules": [_rule(rule) for rule in rules],
        "always": [_always(found) for found in always],
        "duties": [_duty(duty) for duty in duties],
        "series": [_series(found) for found in series.values()],
    }


def _provision(found: Provision) -> dict[str, Any]:
    return {
        "id": found.id,
        "place": found.place,
        "part": found.part,
        "title": dict(found.title),
        "span": _span(found.span),
        "cite": str(found.cite),
        "known": str(found.known),
        "status": found.status,
        "confidence": found.confidence,
        "topic": found.topic,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return _provision(rule) | {
        "kind": "permit" if rule.is_permit else "forbid",
        "actions": sorted(rule.actions),
        "anywhere": rule.anywhere,
        "when": [text_of(expr) for expr in rule.when],
        "unless": [text_of(expr) for expr in rule.unless],
        "needs": [
            [need.name, text_of(need.condition), str(need.cite), dict(need.title)] for need in rule.needs
        ],
        "lifts": rule.lifts,
        "yields": [[each.permit, each.since, str(each.cite or "")] for each in rule.yields],
        "supersedes": rule.supersedes,
    }


def _always(always: Always) -> dict[str, Any]:
    return _provision(always) | {"kind": "always", "hold": text_of(always.hold)}


def _duty(duty: Duty) -> dict[str, Any]:
    acts = [duty.upon, _term(duty.every), duty.who, duty.do, _term(duty.within)]
    acts += [_term(duty.lasting), duty.calendar]
    return _provision(duty) | {"kind": "duty", "acts": acts}


def _term(term: Term | None) -> list[Any]:
    return [term.count, term.unit] if term else []


def _series(series: Series) -> list[Any]:
    dated = [
        [
            _span(value.span),
            str(value.cite),
            str(value.known),
            value.status,
            value.confidence,
            {unit: dict(by_key) for unit, by_key in value.amounts.items()},
        ]
        for value in series.dated
    ]
    return [series.place, series.id, dated]


def _span(span: Span) -> list[Any]:
    gaps = [[gap.start, gap.end] for gap in span.gaps]
    awaited = [span.awaited.event, span.awaited.days, str(span.awaited.by or "")] if span.awaited else []
    return [span.start, span.end, str(span.end_cite or ""), span.end_status, awaited, gaps]
