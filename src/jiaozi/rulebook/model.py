"""A rulebook: everything it is made of, as one frozen value. A changed law is another book.

Its parts are written in `provisions`; they can be imported from here as well,
so that one line names all that a reader of a book needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from jiaozi.clock import Instant
from jiaozi.rulebook.canonical import canonical_form
from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.provisions import (
    ACTION_CODES,
    UNLIMITED,
    Action,
    Always,
    Cite,
    Confidence,
    DatedValue,
    Duty,
    Event,
    Need,
    Part,
    Provision,
    Rule,
    Series,
    Source,
    Span,
    Standing,
    Status,
    Step,
    Topic,
    Wording,
    standing,
)
from jiaozi.rulebook.vocabulary import Vocabulary

__all__ = [
    "ACTION_CODES",
    "MISSING_FACT",
    "UNKNOWN_PLACE",
    "UNLIMITED",
    "Action",
    "Always",
    "Book",
    "Cite",
    "Confidence",
    "DatedValue",
    "Duty",
    "Event",
    "Need",
    "Part",
    "Provision",
    "Rule",
    "Series",
    "Source",
    "Span",
    "Standing",
    "Status",
    "Step",
    "Topic",
    "Wording",
    "conditions",
    "no_permit",
    "standing",
]


@dataclass(frozen=True)
class Book:
    """A rulebook: the law of some places, with or without some drafts, as one frozen value.

    `drafts` names the files that take part though they are no law: drafts, proposals,
    ideas, reforms. `texts` are the files it was read from, so that a journal can keep
    it. `known` is set on a book cut back to what was known on a day (`known.as_known`).
    """

    vocabulary: Vocabulary
    sources: Mapping[str, Source]
    parts: tuple[Part, ...]
    rules: tuple[Rule, ...]
    always: tuple[Always, ...]
    duties: tuple[Duty, ...]
    series: Mapping[tuple[str, str], Series]
    texts: Mapping[str, str] = field(repr=False)
    drafts: tuple[str, ...] = ()
    events: Mapping[str, Event] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    known: date | None = None

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical form: what the law says, not how the files are laid out."""
        return hashlib.sha256(self.canonical).digest()

    @cached_property
    def canonical(self) -> bytes:
        """The book as canonical JSON: sorted keys, no blanks, UTF-8."""
        form = canonical_form(
            vocabulary=self.vocabulary,
            sources=self.sources,
            parts=self.parts,
            rules=self.rules,
            always=self.always,
            duties=self.duties,
            series=self.series,
            drafts=self.drafts,
            events=self.events,
            known=self.known,
        )
        return json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The name of every bit, most basic first: bit *i* of a decision is `reasons[i]`.

        The order is the order in which reasons are shown: what is unknown, then
        bans, then places whose law permits nothing, then needs in the order of
        their file (who before how much), then what must always hold.
        """
        unknown = [MISSING_FACT, UNKNOWN_PLACE]
        bans = [rule.id for rule in self.rules if not rule.is_permit]
        silent = [no_permit(place) for place in self.vocabulary.jurisdictions]
        needs = [f"{rule.id}/{need.name}" for rule in self.rules for need in rule.needs]
        return (*unknown, *bans, *silent, *needs, *(always.id for always in self.always))

    @cached_property
    def reason_bit(self) -> Mapping[str, int]:
        return {name: bit for bit, name in enumerate(self.reasons)}

    @cached_property
    def rule_by_id(self) -> Mapping[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def cuts(self) -> tuple[Instant, ...]:
        """Every instant at which a rule or value begins or ends, in order."""
        moments = {cut for found in self.provisions for cut in found.span.cuts()}
        moments |= {each.since for rule in self.rules for each in rule.yields if each.since is not None}
        moments |= {
            cut for series in self.series.values() for value in series.dated for cut in value.span.cuts()
        }
        return tuple(sorted(moments))

    @property
    def provisions(self) -> tuple[Rule | Always | Duty, ...]:
        """Every rule, then what must always hold, then every duty."""
        return (*self.rules, *self.always, *self.duties)

    def lookup(self, place: str, series_id: str) -> Series | None:
        """Return the dated values that a rule of *place* means by *series_id*."""
        return self.series.get((place, series_id))

    @property
    def is_draft(self) -> bool:
        """Whether any part of this book is a draft, so that every page made with it must say so."""
        return bool(self.drafts)


MISSING_FACT = "law/missing_fact"
UNKNOWN_PLACE = "law/unknown_place"


def no_permit(place: str) -> str:
    """Return the name of the reason "nothing in the law of *place* permits this"."""
    return f"{place}/no_permit"


def conditions(rule: Rule) -> tuple[str, ...]:
    """Return every condition of *rule* as text, for canonical forms and tests."""
    return tuple(
        text_of(expr) for expr in (*rule.when, *rule.unless, *(need.condition for need in rule.needs))
    )
