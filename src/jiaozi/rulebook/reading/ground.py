"""What every reader of the law stands on: the words, the sources, the mistakes, and where names stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from jiaozi.clock import day_start
from jiaozi.rulebook.known import start_day_of
from jiaozi.rulebook.language import Expr, LanguageError, closest, parse
from jiaozi.rulebook.provisions import (
    NEVER,
    Awaited,
    Cite,
    Confidence,
    Event,
    Gap,
    Source,
    Span,
    Wording,
)
from jiaozi.rulebook.reading.toml import Mistakes, Table
from jiaozi.rulebook.vocabulary import Vocabulary

MAX_DAYS_AFTER = 3_660
"""The longest time after an event at which something may start: ten years."""

_NAME = re.compile(r"([a-z0-9-]+)\.[a-z0-9_]+")


@dataclass
class Ground:
    """Shared by the readers of one book. `lines` tells where each name and key stands."""

    vocabulary: Vocabulary
    sources: Mapping[str, Source]
    events: Mapping[str, Event]
    mistakes: Mistakes
    lines: dict[str, tuple[str, int]] = field(default_factory=dict)

    def name(self, table: Table, place: str) -> str:
        """Return the id of a provision of *place*, or of any place when that is empty."""
        name = table.text("id")
        found = _NAME.fullmatch(name)
        wanted = place or (found.group(1) if found else "")
        if name and (not found or found.group(1) != wanted or wanted not in self.vocabulary.places):
            message = f"{name!r} must be {place or 'a place'}. and lower case letters, digits and _"
            table.complain("id", message)
            return ""
        return name

    def claim(self, table: Table, name: str) -> bool:
        """Note where *name* and its keys stand; complain when it has been used before."""
        if name in self.lines:
            file, line = self.lines[name]
            message = f"stands twice (first at {file}:{line}); a name never means two things"
            table.complain("id", message, subject=name)
            return False
        self.lines[name] = (table.file, table.line("id"))
        for key in table.data:
            self.lines[f"{name} {key}"] = (table.file, table.line(key))
        for need in table.data["need"] if isinstance(table.data.get("need"), dict) else ():
            self.lines[f"{name}/{need}"] = (table.file, table.line(f"need.{need}"))
        return True

    def cite(self, table: Table, key: str = "cite") -> Cite | None:
        """Return the article of *key*: a declared source, then a place in it."""
        written = table.text(key)
        if not written:
            return None
        source, _, place = written.partition(" ")
        if source not in self.sources:
            near = closest(source, self.sources)
            hint = f"did you mean {near}?" if near else "declare it in sources.toml"
            table.complain(key, f"no such source {source!r}; {hint}")
            return None
        if not place.strip():
            table.complain(key, f'names no place in {source}; write for example "{source} art 1"')
            return None
        return Cite(source, place.strip())

    def known(self, table: Table, cite: Cite | None) -> date:
        """Return the day the text became known: its own, or that of its source."""
        day = table.day_or_none("known")
        return day or (self.sources[cite.source].known if cite else date.max)

    def confidence(self, table: Table) -> Confidence:
        words = [word.value for word in Confidence]
        return Confidence(table.one_of("confidence", words, Confidence.CONFIRMED.value) or words[0])

    def brief(self, table: Table) -> Wording:
        """Return the few words for a table, or nothing."""
        return table.wording("brief") if table.has("brief") else {}

    def conditions(self, table: Table, key: str) -> tuple[Expr, ...]:
        found = (self.condition(table, key, text) for text in table.texts(key))
        return tuple(expr for expr in found if expr is not None)

    def condition(self, table: Table, key: str, text: str) -> Expr | None:
        if not text:
            return None
        try:
            return parse(text, self.vocabulary)
        except LanguageError as error:
            table.complain(key, f"{error}", subject=f"{table.name(key)} {text!r:.80}")
            return None

    # -- dates ------------------------------------------------------------------------------

    def span(self, table: Table, place: str) -> Span | None:
        """Return when something of *place* applies.

        `from` is a day, or `{ event = "us.final_rules", days = 120, by = 2027-01-18 }`:
        so many days after the event, on the last day at the latest. `until` is a day
        or absent; `until_cite` names the text that set it, if it is another one.
        """
        clock = self.vocabulary.places[place].clock
        awaited, start = self._begin(table)
        end = table.day_or_none("until")
        end_cite = self.cite(table, "until_cite") if table.has("until_cite") else None
        gaps = [(each, gap) for each in table.tables("suspended") if (gap := self._gap(each, clock))]
        if end_cite and end is None:
            table.complain(
                "until_cite", "names the text that set the end, and there is none; write until = …"
            )
        if start is None and awaited is None:
            return None
        if end is not None and start is not None and end <= start:
            message = f"{end} is not after {start}; until is the first day it no longer applies"
            table.complain("until", message)
            return None
        for each, gap in gaps:
            if (gap.end_day and start and gap.end_day <= start) or (end and end <= gap.start_day):
                message = f"{gap.start_day} to {gap.end_day or 'no end'} lies outside the time it applies"
                each.complain("from", f"{message}; date it within")
        return Span(
            start=day_start(start, clock) if start else NEVER,
            end=day_start(end, clock) if end else None,
            start_day=start or date.max,
            end_day=end,
            awaited=awaited,
            end_cite=end_cite,
            gaps=tuple(gap for _, gap in gaps),
        )

    def _begin(self, table: Table) -> tuple[Awaited | None, date | None]:
        if not isinstance(table.data.get("from"), dict):
            return None, table.day("from")
        begin = table.table("from")
        event, days, by = begin.text("event"), begin.take("days", int, 0) or 0, begin.day_or_none("by")
        begin.close()
        if event not in self.events:
            near = closest(event, self.events)
            hint = f"did you mean {near}?" if near else "declare it in events.toml"
            table.complain("from", f"no such event {event!r}; {hint}")
            return None, None
        if not 0 <= days <= MAX_DAYS_AFTER:
            table.complain("from", f"{days} days is out of bounds; write 0 to {MAX_DAYS_AFTER}")
            return None, None
        awaited = Awaited(event, days, by)
        return awaited, start_day_of(awaited, self.events)

    def _gap(self, table: Table, clock: str) -> Gap | None:
        start, end, cite = table.day("from"), table.day_or_none("until"), self.cite(table)
        table.close()
        if start is None or cite is None:
            return None
        if end is not None and end <= start:
            table.complain("until", f"{end} is not after {start}; until is the first day it applies again")
            return None
        return Gap(day_start(start, clock), day_start(end, clock) if end else None, start, end, cite)
