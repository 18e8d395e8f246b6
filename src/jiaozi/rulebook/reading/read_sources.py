"""Read the texts that are cited, the events that they name, and the steps of places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from jiaozi.rulebook.provisions import STEP_KINDS, Cite, Confidence, Event, Source, Step
from jiaozi.rulebook.reading.toml import Table
from jiaozi.rulebook.vocabulary import Vocabulary

_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]*")
_EVENT = re.compile(r"[a-z0-9-]+\.[a-z0-9_]+")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


def read_sources(file: Table, known: Mapping[str, Source] | None = None) -> dict[str, Source]:
    """Return the cited texts of `sources.toml`, or of a draft that brings its own beside the *known* ones."""
    sources = {}
    for source_id, table in file.named_tables():
        authority, title = table.wording("authority"), table.wording()
        number, link = table.text("number"), table.text("link", "")
        issued, published, checked = table.day("issued"), table.day("known"), table.day("checked")
        read = table.one_of("read", ("text", "digest", "invented"))
        if link and not link.startswith("https://"):
            table.complain("link", "must begin with https://")
        if not _SOURCE.fullmatch(source_id):
            table.complain("", "a source is named in lower case letters, digits and -")
        if source_id in (known or {}):
            table.complain("", f"{source_id!r} is declared already; take another name")
        table.close()
        if issued and published and checked:
            sources[source_id] = Source(
                source_id, authority, title, number, issued, published, link, read, checked
            )
    return sources


def read_events(file: Table | None, sources: Mapping[str, Source], words: Vocabulary) -> Mapping[str, Event]:
    """Return the events of `events.toml`; one without a day is pending."""
    events: dict[str, Event] = {}
    if file is None:
        return events
    for table in file.tables("event"):
        event_id, title = table.text("id"), table.wording()
        day, known = table.day_or_none("day"), table.day_or_none("known")
        cite = _cite(table, sources) if table.has("cite") else None
        if event_id and (not _EVENT.fullmatch(event_id) or event_id.partition(".")[0] not in words.places):
            table.complain("id", f"{event_id!r} must be a place, a point, lower case letters, digits and _")
        if day and not table.has("cite"):
            table.complain("day", "has happened; write cite = the text that says so")
        if known and not day:
            table.complain("known", "is the day we knew of it, and it has no day; write day = …")
        if event_id in events:
            table.complain("id", f"{event_id!r} stands twice; an event happens once")
        table.close()
        if event_id:
            events[event_id] = Event(event_id, title, day, known or day, cite)
    file.close()
    return events


def read_steps(file: Table | None, sources: Mapping[str, Source], words: Vocabulary) -> tuple[Step, ...]:
    """Return the steps of `steps.toml`, in order of their days."""
    steps = []
    for table in file.tables("step") if file else ():
        place = table.one_of("place", tuple(words.places))
        kind, title = table.one_of("kind", STEP_KINDS), table.wording()
        source = table.one_of("source", tuple(sources))
        confidences = [word.value for word in Confidence]
        confidence = table.one_of("confidence", confidences, Confidence.CONFIRMED.value)
        day, is_month = _day(table)
        table.close()
        if day and place and kind and source and confidence:
            steps.append(Step(day, is_month, place, kind, title, source, Confidence(confidence)))
    if file:
        file.close()
    return tuple(sorted(steps, key=lambda step: (step.day, step.place)))


def _day(table: Table) -> tuple[date | None, bool]:
    """Return the day of a step; a text such as "2022-01" is a month, whose day nobody told us."""
    if not isinstance(table.data.get("day"), str):
        return table.day("day"), False
    month = _MONTH.fullmatch(table.text("day"))
    if not month:
        table.complain("day", 'must be a date, or a month such as "2022-01"')
        return None, True
    return date(int(month.group(1)), int(month.group(2)), 1), True


def _cite(table: Table, sources: Mapping[str, Source]) -> Cite | None:
    written = table.text("cite")
    source, _, place = written.partition(" ")
    if written and source not in sources:
        table.complain("cite", f"no such source {source!r:.60}; declare it in sources.toml")
    elif written and not place.strip():
        table.complain("cite", f'names no place in {source}; write for example "{source} art 1"')
    return Cite(source, place.strip()) if source in sources and place.strip() else None
