"""One rule, duty or value with its whole story: dates, conditions as written and in words, sources."""

from __future__ import annotations

from collections.abc import Iterator

from jiaozi.clock import Instant
from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.model import Always, Book, Cite, Confidence, Duty, Rule, Series, standing
from jiaozi.rulebook.telling.briefs import begin_words, only_law
from jiaozi.rulebook.telling.compare import STANDING_WORDS
from jiaozi.rulebook.telling.explain import NOT_LAW
from jiaozi.rulebook.telling.wording import (
    action_words,
    every_words,
    key_words,
    lasting_words,
    within_words,
    words_of,
)

_WORDS = {
    "en": {
        "law of": "law of",
        "stands": "stands",
        "begins": "begins",
        "from": "from",
        "until": "until",
        "ended": "ended by",
        "suspended": "suspended",
        "permit": "permits",
        "forbid": "forbids",
        "anywhere": "wherever it happens",
        "when": "when",
        "unless": "unless",
        "need": "needs",
        "always": "always",
        "upon": "upon",
        "who": "who",
        "do": "must",
        "time": "time",
        "lifts": "lifts",
        "yields": "yields to",
        "supersedes": "supersedes",
        "text": "text",
        "unsure": "unconfirmed: one source, or none that agrees",
        "checked": "last checked",
    },
    "zh": {
        "law of": "法域",
        "stands": "状态",
        "begins": "起始",
        "from": "自",
        "until": "至",
        "ended": "终止依据",
        "suspended": "暂停",
        "permit": "允许",
        "forbid": "禁止",
        "anywhere": "不论发生于何地",
        "when": "适用条件",
        "unless": "除非",
        "need": "要求",
        "always": "须始终满足",
        "upon": "触发",
        "who": "义务人",
        "do": "须",
        "time": "期限",
        "lifts": "排除禁令",
        "yields": "让位于",
        "supersedes": "取代",
        "text": "文本",
        "unsure": "未确认：仅一处来源或来源不一致",
        "checked": "最近核对",
    },
}


def names_of(book: Book) -> tuple[str, ...]:
    """Return every name that can be shown: provisions, and values."""
    return (*(found.id for found in book.provisions), *dict.fromkeys(name for _, name in book.series))


def told(book: Book, name: str, instant: Instant, language: str) -> str | None:
    """Return what *name* says, as lines of text; a need shows its rule. None when there is no such thing."""
    found = next((each for each in book.provisions if each.id == name.partition("/")[0]), None)
    if found is not None:
        teller = _Teller(only_law(book) if found.status.is_law else book, instant, language)
        return "\n".join(teller.provision(found))
    teller = _Teller(book, instant, language)
    place, _, series_id = name.rpartition(" ")
    wanted = [
        series
        for (where, series_name), series in book.series.items()
        if series_name == series_id and place in ("", where)
    ]
    return "\n".join(line for series in wanted for line in teller.series(series)) or None


class _Teller:
    def __init__(self, book: Book, instant: Instant, language: str) -> None:
        self.book = book
        self.instant = instant
        self.language = language
        self.words = _WORDS[language]
        self.values_at = instant

    def provision(self, found: Rule | Always | Duty) -> Iterator[str]:
        language, words = self.language, self.words
        # What has not begun is told with the numbers it will begin with.
        self.values_at = max(self.instant, found.span.start)
        yield f"{found.id}  {found.title[language]}"
        yield self._line(
            "law of", f"{self.book.vocabulary.places[found.place].title[language]}  {found.part}.toml"
        )
        how = standing(found.status, found.span, self.instant)
        yield self._line("stands", STANDING_WORDS[how][language])
        if found.confidence is Confidence.UNCONFIRMED:
            yield self._line("stands", words["unsure"])
        yield self._line("begins", begin_words(self.book, found, language))
        if found.span.end_day:
            ended = f"  {words['ended']} {found.span.end_cite}" if found.span.end_cite else ""
            mark = "" if found.span.end_status.is_law else f"  [{NOT_LAW[found.span.end_status][language]}]"
            yield self._line("until", f"{found.span.end_day}{ended}{mark}")
        for gap in found.span.gaps:
            yield self._line("suspended", f"{gap.start_day} - {gap.end_day or ''}  {gap.cite}")
        if isinstance(found, Rule):
            yield from self._rule(found)
        elif isinstance(found, Always):
            yield self._line("always", words_of(found.hold, self.book, found.place, language, self.values_at))
            yield self._line("", text_of(found.hold))
        else:
            yield from self._duty(found)
        cites = [found.cite]
        if isinstance(found, Rule):
            cites += [need.cite for need in found.needs]
            cites += [each.cite for each in found.yields if each.cite]
        yield from self._texts([*cites, *([found.span.end_cite] if found.span.end_cite else [])])

    def _rule(self, rule: Rule) -> Iterator[str]:
        words, language = self.words, self.language
        anywhere = f", {words['anywhere']}" if rule.anywhere else ""
        kind = "permit" if rule.is_permit else "forbid"
        yield self._line(kind, f"{action_words(rule.actions, language)}{anywhere}  {rule.cite}")
        for key, conditions in (("when", rule.when), ("unless", rule.unless)):
            for condition in conditions:
                yield self._line(key, words_of(condition, self.book, rule.place, language, self.values_at))
                yield self._line("", text_of(condition))
        for need in rule.needs:
            said = words_of(need.condition, self.book, rule.place, language, self.values_at)
            yield self._line("need", f"{need.name}: {said}  {need.cite}")
            yield self._line("", text_of(need.condition))
        if rule.lifts:
            yield self._line("lifts", rule.lifts)
        for each in rule.yields:
            since = f"  {words['from']} {each.since_day}  {each.cite}" if each.cite else ""
            yield self._line("yields", f"{each.permit}{since}")
        if rule.supersedes:
            yield self._line("supersedes", rule.supersedes)

    def _duty(self, duty: Duty) -> Iterator[str]:
        known, language = self.book.vocabulary, self.language
        if duty.upon:
            yield self._line("upon", known.deeds[duty.upon].title[language])
        yield self._line("who", known.parties[duty.who].title[language])
        yield self._line("do", f"{known.deeds[duty.do].title[language]}  {duty.cite}")
        times = [
            every_words(duty.every, language) if duty.every else "",
            within_words(duty.within, language) if duty.within else "",
            lasting_words(duty.lasting, language) if duty.lasting else "",
        ]
        yield self._line("time", " ".join(time for time in times if time))

    def series(self, series: Series) -> Iterator[str]:
        """Yield the history of a value: every number with its day and article."""
        language = self.language
        title = self.book.vocabulary.values[series.id].title[language]
        yield f"{series.id}  {title}"
        yield self._line("law of", self.book.vocabulary.places[series.place].title[language])
        for value in series.dated:
            shown = "; ".join(
                key_words(self.book, series.id, by_key, unit, language)
                for unit, by_key in value.amounts.items()
            )
            begins = str(value.start_day)
            if value.span.awaited:
                begins = begin_words(self.book, value, language)
            status = "" if value.status.is_law else f" [{NOT_LAW[value.status][language]}]"
            unsure = f" [{self.words['unsure']}]" if value.confidence is Confidence.UNCONFIRMED else ""
            yield self._line("from", f"{begins}  {shown}  {value.cite}{status}{unsure}")
        yield from self._texts([value.cite for value in series.dated])

    def _texts(self, cites: list[Cite]) -> Iterator[str]:
        for source_id in dict.fromkeys(cite.source for cite in cites):
            source = self.book.sources[source_id]
            title, checked = source.title[self.language], self.words["checked"]
            yield self._line("text", f"{source.id}: {title} ({source.number}), {checked} {source.checked}")
            if source.link:
                yield self._line("", source.link)

    def _line(self, key: str, text: str) -> str:
        return f"  {self.words[key] if key else '':<12}{text}"
