"""Read the rules, the duties, and what must always hold, of one file of the law."""

from __future__ import annotations

import re
from typing import Any

from jiaozi.rulebook.provisions import (
    TERM_UNITS,
    Action,
    Always,
    Duty,
    Need,
    Part,
    Rule,
    Term,
    Topic,
    Yield,
)
from jiaozi.rulebook.reading.ground import Ground
from jiaozi.rulebook.reading.toml import Table

_NEED = re.compile(r"[a-z][a-z0-9_]*")
_TERM = re.compile(r"([1-9]\d{0,2}) (business day|day|week|month|year)s?")

_TOPICS = {
    Action.LICENSE: Topic.ISSUER,
    Action.ISSUE: Topic.ISSUER,
    Action.PAY: Topic.CAPS,
    Action.REDEEM: Topic.REDEMPTION,
    Action.HOLD: Topic.IDENTIFICATION,
    Action.OFFER: Topic.OFFERING,
    Action.INTEREST: Topic.INTEREST,
    Action.INVEST: Topic.RESERVE,
}
"""What a permit is about when it does not say so: the first of its actions that is listed here."""


class RuleReader:
    """Reads the provisions of one file. A reform (a part without a place) may write for any place."""

    def __init__(self, ground: Ground, part: Part) -> None:
        self.ground = ground
        self.part = part
        self.rules: list[Rule] = []
        self.always: list[Always] = []
        self.duties: list[Duty] = []

    def read(self, table: Table) -> None:
        for rule in table.tables("rule"):
            self._rule(rule)
        for always in table.tables("always"):
            self._always(always)
        for duty in table.tables("duty"):
            self._duty(duty)

    def _rule(self, table: Table) -> None:
        is_permit = table.has("permit")
        if is_permit == table.has("forbid"):
            table.complain("id", "must have either permit = […] or forbid = […]")
        actions = self._actions(table, "permit" if is_permit else "forbid")
        reach = table.one_of("reach", ("home", "anywhere"), "home")
        usual = next((_TOPICS[each] for each in Action if each in actions and each in _TOPICS), Topic.SCOPE)
        topic = self._topic(table, usual if is_permit or actions == {Action.INTEREST} else Topic.SCOPE)
        when = self.ground.conditions(table, "when")
        unless = () if is_permit else self.ground.conditions(table, "unless")
        needs = self._needs(table.table("need"), topic) if is_permit else ()
        lifts = table.text("lifts", "") if is_permit else ""
        yields_to = () if is_permit else table.texts("yields_to")
        supersedes = table.text("supersedes", "")
        if common := self._common(table):
            self.rules.append(
                Rule(
                    **common,
                    topic=topic,
                    is_permit=is_permit,
                    actions=actions,
                    anywhere=reach == "anywhere",
                    when=when,
                    unless=unless,
                    needs=needs,
                    lifts=lifts,
                    yields=tuple(Yield(name) for name in yields_to),
                    supersedes=supersedes,
                )
            )

    def _needs(self, table: Table, topic: Topic) -> tuple[Need, ...]:
        needs = []
        for name, need in table.named_tables():
            if not _NEED.fullmatch(name):
                need.complain("", "a need is named in lower case letters, digits and _")
            condition = self.ground.condition(need, "if", need.text("if"))
            cite, title, brief = self.ground.cite(need), need.wording(), self.ground.brief(need)
            about = self._topic(need, topic)
            need.close()
            if condition and cite:
                needs.append(Need(name, condition, cite, title, about, brief))
        return tuple(needs)

    def _always(self, table: Table) -> None:
        topic = self._topic(table, Topic.RESERVE)
        hold = self.ground.condition(table, "hold", table.text("hold"))
        if (common := self._common(table)) and hold:
            self.always.append(Always(**common, topic=topic, hold=hold))

    def _duty(self, table: Table) -> None:
        words = self.ground.vocabulary
        topic = self._topic(table, Topic.OPERATIONS)
        who, do = table.one_of("who", tuple(words.parties)), table.one_of("do", tuple(words.deeds))
        upon = table.one_of("upon", tuple(words.deeds)) if table.has("upon") else ""
        every = self._term(table, "every") if table.has("every") else None
        if table.has("upon") == table.has("every"):
            table.complain("id", 'must have either upon = "…" or every = "…"')
        within = self._term(table, "within") if table.has("within") else None
        lasting = self._term(table, "for") if table.has("for") else None
        if upon and not table.has("within") and not table.has("for"):
            table.complain("within", 'is missing; write "N business days", "N days" or "at once"')
        place = self.part.place or table.text("id").partition(".")[0]
        usual = words.places[place].calendar if place in words.places else ""
        calendar = table.text("calendar", usual)
        if (common := self._common(table)) and who and do:
            self.duties.append(
                Duty(
                    **common,
                    topic=topic,
                    upon=upon,
                    every=every,
                    who=who,
                    do=do,
                    within=within,
                    lasting=lasting,
                    calendar=calendar,
                )
            )

    def _term(self, table: Table, key: str) -> Term | None:
        written = table.text(key)
        if written == "at once":
            return Term(0, "day")
        found = _TERM.fullmatch(written)
        if written and not found:
            units = ", ".join(f"{unit}s" for unit in TERM_UNITS)
            table.complain(key, f'{written!r:.40} cannot be counted; write "N {units}" or "at once"')
        return Term(int(found.group(1)), found.group(2)) if found else None

    def _topic(self, table: Table, usual: Topic) -> Topic:
        words = [topic.value for topic in Topic]
        return Topic(table.one_of("topic", words, usual.value) or usual.value)

    def _common(self, table: Table) -> dict[str, Any] | None:
        """Return what every provision has, or None after a mistake. Closes the table."""
        name = self.ground.name(table, self.part.place)
        place = self.part.place or name.partition(".")[0]
        title, cite, brief = table.wording(), self.ground.cite(table), self.ground.brief(table)
        known, confidence = self.ground.known(table, cite), self.ground.confidence(table)
        span = self.ground.span(table, place) if place else None
        if not place:
            table.pass_over(("from", "until", "until_cite", "suspended"))
        table.close()
        if not name or span is None or cite is None or not self.ground.claim(table, name):
            return None
        return {
            "id": name,
            "place": place,
            "title": title,
            "span": span,
            "cite": cite,
            "part": self.part.name,
            "known": known,
            "status": self.part.status,
            "confidence": confidence,
            "brief": brief,
        }

    def _actions(self, table: Table, key: str) -> frozenset[Action]:
        actions = set()
        for word in table.texts(key, required=True):
            if word in list(Action):
                actions.add(Action(word))
            else:
                table.complain(key, f"no such action {word!r}; actions are {', '.join(Action)}")
        return frozenset(actions)
