"""The law of one day, cut into sections: what `page` writes out and the console shows.

A section is one file of the law. What applies on the day comes first; what the
file holds for other days stands at its end with dates. Every part of a draft
carries the mark, down to the single number: a draft is never shown as law in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from jiaozi.clock import Instant
from jiaozi.rulebook.language import Expr
from jiaozi.rulebook.model import (
    Action,
    Always,
    Book,
    Cite,
    Confidence,
    DatedValue,
    Duty,
    Part,
    Rule,
    Series,
    Standing,
    Status,
    standing,
)
from jiaozi.rulebook.telling.briefs import begin_words
from jiaozi.rulebook.telling.explain import NOT_LAW
from jiaozi.rulebook.telling.wording import (
    action_words,
    amounts_at,
    every_words,
    key_words,
    lasting_words,
    within_words,
    words_of,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition, an exception or a number in words, with its article.

    `name` is its name in the file, empty for a condition without one; `since` is
    the day of a number or an exception, else None.
    """

    name: str
    words: str
    cite: Cite
    since: date | None
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A rule, a duty, or something that must always hold. `words` says what it does.

    `kind` is `permit`, `forbid`, `always` or `duty`. It applies from `since`
    until before `until`, at 00:00 on the place's clock.
    """

    id: str
    kind: str
    title: str
    words: str
    since: date
    until: date | None
    cite: Cite
    when: tuple[Clause, ...]
    unless: tuple[Clause, ...]
    needs: tuple[Clause, ...]
    exceptions: tuple[Clause, ...]
    is_draft: bool
    is_unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that does not apply on the day: over, replaced, suspended, or not yet begun.

    `since` is None while it waits for an event; `words` say for which.
    """

    id: str
    title: str
    words: str
    since: date | None
    until: date | None
    cite: Cite
    is_draft: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One file of the law on one day. `name` is the file, `place` is empty for a reform."""

    name: str
    place: str
    title: str
    status: Status
    rules: tuple[Paragraph, ...]
    always: tuple[Paragraph, ...]
    duties: tuple[Paragraph, ...]
    values: tuple[Clause, ...]
    not_in_force: tuple[Absent, ...]

    @property
    def is_draft(self) -> bool:
        """Whether it is no law: a draft, a proposal or an idea."""
        return not self.status.is_law


def sections(book: Book, instant: Instant, language: str) -> tuple[Section, ...]:
    """Return the law of *book* at *instant* in words, a section a file; *language* is `"en"` or `"zh"`."""
    writer = _SectionWriter(book, instant, language)
    return tuple(writer.section(part) for part in book.parts)


def in_force(book: Book, instant: Instant) -> list[Rule | Always | Duty]:
    """Return every rule, then what must always hold, then every duty that applies at *instant*."""
    return [found for found in book.provisions if found.span.covers(instant)]


class _SectionWriter:
    def __init__(self, book: Book, instant: Instant, language: str) -> None:
        self.book = book
        self.instant = instant
        self.language = language
        self.is_english = language == "en"

    def section(self, part: Part) -> Section:
        def is_here(found: Rule | Always | Duty) -> bool:
            return found.part == part.name

        applies = [found for found in in_force(self.book, self.instant) if is_here(found)]
        others = [
            found for found in self.book.provisions if is_here(found) and not found.span.covers(self.instant)
        ]
        return Section(
            name=part.name,
            place=part.place,
            title=part.title[self.language],
            status=part.status,
            rules=tuple(self._rule(found) for found in applies if isinstance(found, Rule)),
            always=tuple(self._always(found) for found in applies if isinstance(found, Always)),
            duties=tuple(self._duty(found) for found in applies if isinstance(found, Duty)),
            values=tuple(self._values(part)),
            not_in_force=(*map(self._absent, others), *self._other_values(part)),
        )

    # -- rules ----------------------------------------------------------------------------

    def _rule(self, rule: Rule) -> Paragraph:
        def clause(name: str, words: str, cite: Cite) -> Clause:
            return Clause(name, words, cite, None, not rule.status.is_law)

        def words(condition: Expr) -> str:
            return words_of(condition, self.book, rule.place, self.language, self.instant)

        return Paragraph(
            id=rule.id,
            kind="permit" if rule.is_permit else "forbid",
            title=rule.title[self.language],
            words=self._what(rule.actions, is_permit=rule.is_permit, anywhere=rule.anywhere),
            since=rule.span.start_day,
            until=rule.span.end_day,
            cite=rule.cite,
            when=tuple(clause("", words(condition), rule.cite) for condition in rule.when),
            unless=tuple(clause("", words(condition), rule.cite) for condition in rule.unless),
            needs=tuple(clause(need.name, words(need.condition), need.cite) for need in rule.needs),
            exceptions=tuple(self._exceptions(rule)),
            is_draft=not rule.status.is_law,
            is_unconfirmed=rule.confidence is Confidence.UNCONFIRMED,
        )

    def _what(self, actions: frozenset[Action], *, is_permit: bool, anywhere: bool) -> str:
        listed = action_words(actions, self.language)
        if self.is_english:
            where = ", wherever in the world it happens" if anywhere else ""
            return f"{'Permits' if is_permit else 'Forbids'} {listed}{where}."
        where = "（不论发生于何地）" if anywhere else ""
        return f"{'允许' if is_permit else '禁止'}{listed}{where}。"

    def _exceptions(self, rule: Rule) -> Iterator[Clause]:
        for each in rule.yields:
            permit = self.book.rule_by_id[each.permit]
            title = permit.title[self.language]
            words = f"this ban yields: {title}" if self.is_english else f"本禁令让位于：{title}"
            since = max(permit.span.start_day, each.since_day or permit.span.start_day)
            cite = each.cite or rule.cite
            yield Clause(each.permit, words, cite, since, not permit.status.is_law)
        if rule.lifts:
            title = self.book.rule_by_id[rule.lifts].title[self.language]
            words = f"lifts this ban: {title}" if self.is_english else f"排除以下禁令：{title}"
            yield Clause(rule.lifts, words, rule.cite, rule.span.start_day, not rule.status.is_law)
        yield from self._tried_end(rule)

    def _tried_end(self, found: Rule | Always | Duty) -> Iterator[Clause]:
        """Yield the end that a reform would set to what is law."""
        span = found.span
        if span.end_cite and span.end_day and not found.span.end_status.is_law:
            words = f"ends on {span.end_day}" if self.is_english else f"于{span.end_day}终止"
            yield Clause("", words, span.end_cite, None, is_draft=True)

    def _always(self, always: Always) -> Paragraph:
        hold = words_of(always.hold, self.book, always.place, self.language, self.instant)
        words = f"After every action: {hold}." if self.is_english else f"任何行为之后：{hold}。"
        return self._plain(always, "always", words)

    def _duty(self, duty: Duty) -> Paragraph:
        deeds, parties = self.book.vocabulary.deeds, self.book.vocabulary.parties
        who, do = parties[duty.who].title[self.language], deeds[duty.do].title[self.language]
        if duty.upon:
            upon = deeds[duty.upon].title[self.language]
            when = f"Upon {upon}, " if self.is_english else f"{upon}后，"
        else:
            assert duty.every
            when = every_words(duty.every, self.language) + (", " if self.is_english else "，")
        within = within_words(duty.within, self.language) if duty.within else ""
        if duty.lasting:
            within = lasting_words(duty.lasting, self.language)
        if self.is_english:
            words = f"{when}{who} must {do}{' ' if within else ''}{within}."
        else:
            words = f"{when}{who}须{within}{do}。"
        return self._plain(duty, "duty", words)

    def _plain(self, found: Always | Duty, kind: str, words: str) -> Paragraph:
        return Paragraph(
            id=found.id,
            kind=kind,
            title=found.title[self.language],
            words=words,
            since=found.span.start_day,
            until=found.span.end_day,
            cite=found.cite,
            when=(),
            unless=(),
            needs=(),
            exceptions=tuple(self._tried_end(found)),
            is_draft=not found.status.is_law,
            is_unconfirmed=found.confidence is Confidence.UNCONFIRMED,
        )

    def _absent(self, found: Rule | Always | Duty) -> Absent:
        how = standing(Status.ENACTED, found.span, self.instant)
        if how is Standing.SUSPENDED:
            words = "suspended on this day" if self.is_english else "当日暂停施行"
        elif how is Standing.REPEALED:
            words = "no longer applies" if self.is_english else "已不适用"
            if found.span.end_cite:
                tried = found.span.end_status
                mark = "" if tried.is_law else f" [{NOT_LAW[tried][self.language]}]"
                ended = f"{found.span.end_cite}{mark}"
                words += f" (ended by {ended})" if self.is_english else f"（由{ended}终止）"
        else:
            words = "does not apply yet" if self.is_english else "尚未适用"
            if found.span.awaited:
                begins = begin_words(self.book, found, self.language)
                words += f" ({begins})" if self.is_english else f"（{begins}）"
        return Absent(
            found.id,
            found.title[self.language],
            words,
            None if found.span.is_pending else found.span.start_day,
            found.span.end_day,
            found.cite,
            not found.status.is_law,
        )

    # -- values ---------------------------------------------------------------------------

    def _series(self, part: Part) -> Iterator[Series]:
        return (
            series
            for series in self.book.series.values()
            if any(block.part == part.name for block in series.dated)
        )

    def _values(self, part: Part) -> Iterator[Clause]:
        """Yield each number in force under the block that set it: tiers may come from different days."""
        for series in self._series(part):
            title = self.book.vocabulary.values[series.id].title[self.language]
            colon = ": " if self.is_english else "："
            for currency, by_key in amounts_at(self.book, series.place, series.id, self.instant).items():
                for block in series.dated:
                    amounts = {key: fen for key, (fen, setter) in by_key.items() if setter is block}
                    if amounts and block.part == part.name:
                        words = key_words(self.book, series.id, amounts, currency, self.language)
                        yield Clause(
                            series.id,
                            f"{title}{colon}{words}",
                            block.cite,
                            block.start_day,
                            not block.status.is_law,
                        )

    def _other_values(self, part: Part) -> Iterator[Absent]:
        for series in self._series(part):
            used = [
                setter
                for by_key in amounts_at(self.book, series.place, series.id, self.instant).values()
                for _, setter in by_key.values()
            ]
            for block in series.dated:
                if block.part == part.name and not any(block is setter for setter in used):
                    yield self._other_value(series, block)

    def _other_value(self, series: Series, block: DatedValue) -> Absent:
        is_over = block.start <= self.instant
        if self.is_english:
            state = "replaced" if is_over else "does not apply yet"
        else:
            state = "已被取代" if is_over else "尚未适用"
        if block.span.awaited and not is_over:
            begins = begin_words(self.book, block, self.language)
            state += f" ({begins})" if self.is_english else f"（{begins}）"
        amounts = "; ".join(
            key_words(self.book, series.id, by_tier, currency, self.language)
            for currency, by_tier in block.amounts.items()
        )
        return Absent(
            series.id,
            self.book.vocabulary.values[series.id].title[self.language],
            f"{state}: {amounts}" if self.is_english else f"{state}：{amounts}",
            None if block.span.is_pending else block.start_day,
            None,
            block.cite,
            not block.status.is_law,
        )
