"""A book cut back to what was known on a day.

The law has two clocks: the day a rule applies, and the day its text became
known. A replay that may use only what was known asks the book as it stood then:
texts published later are not in it, ends set by later texts are open again, and
an event that had not happened is pending again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

from jiaozi.clock import day_start
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.provisions import NEVER, Awaited, Cite, DatedValue, Event, Provision, Rule, Span

P = TypeVar("P", bound=Provision)


def start_day_of(awaited: Awaited, events: Mapping[str, Event]) -> date | None:
    """Return the day meant by *awaited*: the earlier of its last day and the event's; None while pending."""
    day = events[awaited.event].day
    counted = day + timedelta(days=awaited.days) if day else None
    return min((found for found in (counted, awaited.by) if found), default=None)


def as_known(book: Book, day: date) -> Book:
    """Return *book* with nothing in it that became known after *day*."""
    events = {
        event.id: event if event.known and event.known <= day else replace(event, day=None, known=None)
        for event in book.events.values()
    }

    def is_known(cite: Cite | None) -> bool:
        return cite is None or book.sources[cite.source].known <= day

    def span_known(span: Span, place: str) -> Span:
        if span.end is not None and not is_known(span.end_cite):
            span = replace(span, end=None, end_day=None, end_cite=None)
        span = replace(span, gaps=tuple(gap for gap in span.gaps if is_known(gap.cite)))
        if span.awaited is None:
            return span
        start = start_day_of(span.awaited, events)
        clock = book.vocabulary.places[place].clock
        return replace(span, start=day_start(start, clock) if start else NEVER, start_day=start or date.max)

    there = {rule.id for rule in book.rules if rule.known <= day}

    def rule_known(rule: Rule) -> Rule:
        rule = provision_known(rule)
        yields = tuple(each for each in rule.yields if each.permit in there and is_known(each.cite))
        return replace(rule, yields=yields, lifts=rule.lifts if rule.lifts in there else "")

    def provision_known(found: P) -> P:
        return replace(found, span=span_known(found.span, found.place))

    def value_known(value: DatedValue, place: str) -> DatedValue:
        return replace(value, span=span_known(value.span, place))

    series = {}
    for key, found in book.series.items():
        dated = tuple(value_known(value, found.place) for value in found.dated if value.known <= day)
        if dated:
            series[key] = replace(found, dated=tuple(sorted(dated, key=lambda value: value.start)))
    return replace(
        book,
        rules=tuple(rule_known(rule) for rule in book.rules if rule.known <= day),
        always=tuple(provision_known(found) for found in book.always if found.known <= day),
        duties=tuple(provision_known(found) for found in book.duties if found.known <= day),
        series=series,
        events=events,
        known=day,
    )
