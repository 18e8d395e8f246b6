"""Read what a draft or a reform changes in the law of others, and apply it to the joined book.

    [[amend]]                              a ban is to yield to permits of the draft
    rule = "cn.virtual_currency"
    yields_to = ["cn-sh.pay"]

    [[change]]                             a number from a day on
    set   = "limit.single"
    place = "cn-sh"
    CNY   = { t4 = 1_000 }

    [[change]]                             a rule, a duty or an always ends
    repeal = "cn.yuan_peg_abroad"

Each has `from` and `cite`. The objects they are applied to are frozen: the book
that results is another one.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from jiaozi.clock import day_start
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.provisions import Always, Cite, DatedValue, Duty, Part, Provision, Rule, Yield
from jiaozi.rulebook.reading.ground import Ground
from jiaozi.rulebook.reading.read_values import ValueReader
from jiaozi.rulebook.reading.toml import Table

P = TypeVar("P", bound=Provision)

Named = tuple[str, str]
"""A value of the law: its place and its name."""


@dataclass(frozen=True)
class _Amendment:
    table: Table
    rule: str
    permits: tuple[str, ...]
    day: date
    cite: Cite


@dataclass(frozen=True)
class _Repeal:
    table: Table
    name: str
    day: date
    cite: Cite


class Changes:
    """What one file changes in provisions that it did not write."""

    def __init__(self, ground: Ground, part: Part) -> None:
        self.ground = ground
        self.part = part
        self.amendments: list[_Amendment] = []
        self.repeals: list[_Repeal] = []
        self.sets: list[tuple[Table, str, str]] = []

    def read(self, table: Table, values: ValueReader) -> None:
        """Read the changes of one file; new numbers go into *values*."""
        for amend in table.tables("amend"):
            self._amend(amend)
        if self.part.status.is_law and table.has("change"):
            table.complain(
                "change", "only drafts and reforms try a change; enacted law is appended and dated"
            )
            table.pass_over(("change",))
        for change in table.tables("change"):
            kinds = [kind for kind in ("set", "repeal") if change.has(kind)]
            if len(kinds) != 1:
                change.complain("", 'must have either set = "…" or repeal = "…"')
                change.pass_over(change.data)
            elif kinds == ["set"]:
                self._set(change, values)
            else:
                self._repeal(change)

    def _amend(self, table: Table) -> None:
        rule, permits = table.text("rule"), table.texts("yields_to", required=True)
        day, cite = table.day("from"), self.ground.cite(table)
        if table.has("until"):
            table.complain("until", "an amendment has no end of its own; end the permits instead")
        table.close()
        if day and cite:
            self.amendments.append(_Amendment(table, rule, permits, day, cite))

    def _set(self, table: Table, values: ValueReader) -> None:
        words = self.ground.vocabulary
        series = table.text("set")
        place = table.one_of("place", tuple(words.places), self.part.place or None)
        if series not in words.values:
            table.complain("set", f"no such value; declared are {', '.join(words.values)}")
            table.pass_over(table.data)
        elif not place:
            table.pass_over(table.data)
        else:
            values.block(table, place, series)
            self.sets.append((table, place, series))

    def check_sets(self, asked: Container[Named], values: Mapping[Named, Sequence[DatedValue]]) -> None:
        """Complain about a number that no rule in the book asks for and that no other file sets."""
        for table, place, series in self.sets:
            is_set = any(value.part != self.part.name for value in values.get((place, series), ()))
            if not is_set and (place, series) not in asked:
                message = (
                    f"{place} sets no {series} in this book and no rule asks it; let its draft take part"
                )
                table.complain("set", message)

    def _repeal(self, table: Table) -> None:
        name, day, cite = table.text("repeal"), table.day("from"), self.ground.cite(table)
        table.close()
        if name and day and cite:
            self.repeals.append(_Repeal(table, name, day, cite))

    def apply(self, rules: dict[str, Rule], always: dict[str, Always], duties: dict[str, Duty]) -> None:
        """Write the changes into the joined provisions; complain about those that change nothing."""
        for amendment in self.amendments:
            old = rules.get(amendment.rule)
            if old is None or old.is_permit:
                bans = [rule.id for rule in rules.values() if not rule.is_permit]
                near = closest(amendment.rule, bans)
                what = (
                    f"{amendment.rule} is a permit, and only a ban yields"
                    if old
                    else (f"no such rule {amendment.rule!r:.60} to amend")
                )
                amendment.table.complain("rule", f"{what}{f'; did you mean {near}?' if near else ''}")
                continue
            for permit in set(amendment.permits) & set(old.yields_to):
                amendment.table.complain("yields_to", f"{old.id} yields to {permit} already; leave it out")
            clock = self.ground.vocabulary.places[old.place].clock
            since = day_start(amendment.day, clock)
            added = (
                Yield(permit, since, amendment.day, amendment.cite)
                for permit in dict.fromkeys(amendment.permits)
                if permit not in old.yields_to
            )
            for permit in amendment.permits:
                at = amendment.table.file, amendment.table.line("yields_to")
                self.ground.lines.setdefault(f"{old.id} yields_to {permit}", at)
            rules[old.id] = replace(old, yields=(*old.yields, *added))
        for repeal in self.repeals:
            if repeal.name in rules:
                rules[repeal.name] = self._ended(rules[repeal.name], repeal)
            elif repeal.name in always:
                always[repeal.name] = self._ended(always[repeal.name], repeal)
            elif repeal.name in duties:
                duties[repeal.name] = self._ended(duties[repeal.name], repeal)
            else:
                near = closest(repeal.name, (*rules, *always, *duties))
                hint = f"; did you mean {near}?" if near else ""
                repeal.table.complain("repeal", f"no such rule {repeal.name!r} to repeal{hint}")

    def _ended(self, found: P, repeal: _Repeal) -> P:
        """Return *found* with an earlier end."""
        span = found.span
        if span.is_pending:
            repeal.table.complain(
                "repeal", f"{found.id} waits for an event and has not begun; it ends nothing"
            )
            return found
        if repeal.day <= span.start_day or (span.end_day and span.end_day <= repeal.day):
            message = f"{found.id} applies from {span.start_day} to {span.end_day or 'no end'}"
            repeal.table.complain("from", f"{repeal.day} lies outside: {message}; repeal it in between")
            return found
        clock = self.ground.vocabulary.places[found.place].clock
        ended = replace(
            span,
            end=day_start(repeal.day, clock),
            end_day=repeal.day,
            end_cite=repeal.cite,
            end_status=self.part.status,
        )
        return replace(found, span=ended)
