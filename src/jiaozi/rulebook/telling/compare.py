"""Places side by side on one day: who may issue, with which reserve, how fast redeemed, and so on.

The comparison shows what anyone could have read on that day: a text published
later is not in it, one enacted and not begun is marked so, a proposal is marked a
proposal and an invented draft a draft. Every entry carries its article.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from jiaozi.clock import Instant, day_start
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import (
    Action,
    Always,
    Book,
    Cite,
    Confidence,
    Duty,
    Need,
    Rule,
    Source,
    Standing,
    Topic,
    standing,
)
from jiaozi.rulebook.telling.briefs import begin_words, brief_words, gap_words, is_unsure, only_law

TOPIC_TITLES = {
    Topic.SCOPE: {"en": "What is banned, what needs consent", "zh": "禁止与须经同意事项"},
    Topic.ISSUER: {"en": "Who may issue", "zh": "谁可发行"},
    Topic.CAPITAL: {"en": "Capital", "zh": "资本"},
    Topic.RESERVE: {"en": "Reserve: assets and limits", "zh": "储备资产及限制"},
    Topic.REDEMPTION: {"en": "Redemption", "zh": "赎回"},
    Topic.INTEREST: {"en": "Interest to holders", "zh": "向持有人付息"},
    Topic.DISCLOSURE: {"en": "Disclosure", "zh": "披露"},
    Topic.TRAVEL: {"en": "Travel data", "zh": "随付信息"},
    Topic.IDENTIFICATION: {"en": "Identification of holders", "zh": "持有人身份识别"},
    Topic.CAPS: {"en": "Paying and caps", "zh": "支付与限额"},
    Topic.OFFERING: {"en": "Offering to the public", "zh": "向公众提供"},
    Topic.OPERATIONS: {"en": "Operations", "zh": "运营"},
}
"""The rows of the comparison, in order, and what each is called."""

_STATUS = {
    "licensed": {"en": "licensed", "zh": "许可制"},
    "banned": {"en": "banned", "zh": "禁止"},
    "consent": {"en": "banned without consent", "zh": "未经同意即禁止"},
    "partial": {"en": "no regime for issuers here; some rules apply", "zh": "无发行人制度，仅部分规则适用"},
    "nothing": {"en": "nothing in this book", "zh": "本书无规定"},
    "yardstick": {"en": "yardstick, no place", "zh": "参照，非属地法"},
}

STANDING_WORDS = {
    Standing.IDEA: {"en": "idea", "zh": "设想"},
    Standing.PROPOSAL: {"en": "PROPOSAL", "zh": "提案"},
    Standing.DRAFT: {"en": "DRAFT, invented", "zh": "草案（虚构）"},
    Standing.ENACTED: {"en": "enacted, not in force", "zh": "已颁布，尚未施行"},
    Standing.IN_FORCE: {"en": "in force", "zh": "施行中"},
    Standing.SUSPENDED: {"en": "suspended", "zh": "暂停施行"},
    Standing.REPEALED: {"en": "repealed", "zh": "已废止"},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One provision in one cell. `name` is the rule, or `rule/need`; `begins` says when it starts, in words."""

    name: str
    topic: Topic
    words: str
    cite: Cite
    source: Source
    standing: Standing
    begins: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Column:
    """One place: what issuing is there on the day, since when, and its entries by topic."""

    place: str
    title: str
    status: str
    since: str
    entries: tuple[Entry, ...]

    def about(self, topic: Topic) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.topic is topic)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Places side by side on `day`, in one language."""

    day: date
    language: str
    columns: tuple[Column, ...]
    digest: bytes

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics on which some place has something."""
        return tuple(topic for topic in TOPIC_TITLES if any(column.about(topic) for column in self.columns))


def compare(book: Book, day: date, language: str, places: Sequence[str] = ()) -> Comparison:
    """Return the law of *places* (all that have any) on *day*; *book* holds the proposals to be shown too.

    Raises `ValueError` for an unknown place.
    """
    unknown = [place for place in places if place not in book.vocabulary.places]
    if unknown:
        raise ValueError(f"no such place {unknown[0]!r}; places are {', '.join(book.vocabulary.places)}")
    seen = as_known(book, day)
    wanted = places or [place for place in book.vocabulary.places if any(_of(seen, place))]
    return Comparison(
        day, language, tuple(_column(seen, place, day, language) for place in wanted), book.digest
    )


def _of(book: Book, place: str) -> Iterator[Rule | Always | Duty]:
    return (found for found in book.provisions if found.place == place)


def _column(book: Book, place: str, day: date, language: str) -> Column:
    declared = book.vocabulary.places[place]
    instant = day_start(day, declared.clock)
    shown = [
        (found, how)
        for found in _of(book, place)
        if (how := standing(found.status, found.span, instant)) is not Standing.REPEALED
        and (found.status.is_law or found.span.end is None or instant < found.span.end)
    ]
    order = list(Standing)
    shown.sort(key=lambda pair: (pair[1] is not Standing.IN_FORCE, order.index(pair[1])))
    law = only_law(book)
    entries = [
        entry
        for found, how in shown
        for entry in _entries(law if found.status.is_law else book, found, how, instant, language)
    ]
    status, since = _status(book, place, shown, instant, language)
    return Column(place, declared.title[language], status, since, tuple(entries))


def _entries(
    book: Book, found: Rule | Always | Duty, how: Standing, instant: Instant, language: str
) -> Iterator[Entry]:
    needs = _needs(book, found) if isinstance(found, Rule) else []
    begins = _begins(book, found, how, instant, language)
    for need in ([None] if found.brief or not needs else []) + needs:
        shown = need or found
        yield Entry(
            name=f"{found.id}/{need.name}" if need else found.id,
            topic=shown.topic,
            words=brief_words(book, found, instant, language, need),
            cite=shown.cite,
            source=book.sources[shown.cite.source],
            standing=how,
            begins=begins,
            confidence=(
                Confidence.UNCONFIRMED if is_unsure(book, found, instant, need) else Confidence.CONFIRMED
            ),
        )


def _needs(book: Book, rule: Rule) -> list[Need]:
    """Return the needs of *rule* that have a line of their own; one of a text yet unknown has none."""
    day = book.known or date.max
    return [
        need
        for need in rule.needs
        if need.brief
        and (need.cite.source == rule.cite.source or book.sources[need.cite.source].known <= day)
    ]


def _begins(book: Book, found: Rule | Always | Duty, how: Standing, instant: Instant, language: str) -> str:
    """Return when *found* begins, or how long it is suspended; nothing for what is in force.

    A proposal that names no day is dated in its file so that it can be tried. It is no
    law since that day, so a day that has passed is not shown.
    """
    if how is Standing.SUSPENDED:
        return gap_words(found, instant, language)
    is_over = not found.status.is_law and found.span.start <= instant
    return "" if how is Standing.IN_FORCE or is_over else begin_words(book, found, language)


def _status(
    book: Book,
    place: str,
    shown: Iterable[tuple[Rule | Always | Duty, Standing]],
    instant: Instant,
    language: str,
) -> tuple[str, str]:
    """Return what issuing is in *place*, and since when, from the strongest rule about issuing."""
    if book.vocabulary.places[place].is_yardstick:
        return _STATUS["yardstick"][language], ""
    issuing = [
        (found, how)
        for found, how in shown
        if isinstance(found, Rule) and found.actions & {Action.ISSUE, Action.LICENSE}
    ]
    in_force = [found for found, how in issuing if how is Standing.IN_FORCE]
    permits = [rule for rule in in_force if rule.is_permit]
    bans = [rule for rule in in_force if not rule.is_permit and not rule.anywhere]
    consents = [rule for rule in in_force if not rule.is_permit and rule.unless]
    for key, rules in (("licensed", permits), ("banned", bans), ("consent", consents)):
        if rules:
            first = min(rules, key=lambda rule: rule.span.start_day)
            return _STATUS[key][language], str(first.span.start_day)
    for how in (Standing.SUSPENDED, Standing.ENACTED, Standing.PROPOSAL, Standing.DRAFT, Standing.IDEA):
        rules = [found for found, found_how in issuing if found_how is how]
        if rules:
            first = min(rules, key=lambda rule: rule.span.start_day)
            return STANDING_WORDS[how][language], _begins(book, first, how, instant, language)
    return _STATUS["partial" if any(True for _ in shown) else "nothing"][language], ""
