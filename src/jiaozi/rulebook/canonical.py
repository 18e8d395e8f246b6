"""The canonical form of a book: plain data whose JSON is hashed into the book's digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.provisions import Always, Duty, Part, Rule, Series, Source, Span
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
) -> dict[str, Any]:
    """Return what a book says as dicts, lists, texts and numbers; comments and layout play no part."""
    words = vocabulary
    return {
        "format": "jiaozi-book-1",
        "drafts": list(drafts),
        "parts": [{"place": part.place, "status": part.status, "title": dict(part.title)} for part in parts],
        "places": [[place.id, place.within, place.clock, place.calendar] for place in words.places.values()],
        "facts": [[fact.id, fact.type, fact.unit, list(fact.words)] for fact in words.facts.values()],
        "values": [[value.id, value.by] for value in words.values.values()],
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
