"""A refusal in words: the rule, the numbers compared, the article, and since when.

A decision is bits; words are made only when somebody asks, from the names of
the reasons and the facts of that action. The same conditions are asked once
more, so what is shown is what was decided.

    refused  cn-sh.pay/daily_cap   4,200.00 + 1,500.00 > 5,000.00 CNY   sh-pilot art 7(3), from … [DRAFT]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jiaozi.clock import Instant
from jiaozi.rulebook.decide import TOUCHING, Asker, Facts, facts_after
from jiaozi.rulebook.language import (
    Both,
    Compare,
    Expr,
    FactTerm,
    Holds,
    IsWord,
    Not,
    Term,
    ValueTerm,
    facts_of,
    values_of,
)
from jiaozi.rulebook.model import (
    MISSING_FACT,
    UNKNOWN_PLACE,
    Action,
    Always,
    Book,
    Cite,
    Confidence,
    DatedValue,
    Need,
    Rule,
    Source,
    Status,
    Wording,
    no_permit,
)
from jiaozi.rulebook.telling.briefs import begin_words
from jiaozi.rulebook.telling.wording import (
    LANGUAGES,
    OPPOSITE,
    amount_words,
    number_words,
    set_words,
    wanted_words,
    word_label,
)
from jiaozi.rulebook.vocabulary import NUMBER_UNITS


class Viewer(StrEnum):
    """Who reads an explanation, and so which facts it may show."""

    PAYER = "payer"
    """Sees his own sums, and of the payee only that something of his stands in the way."""
    PAYEE = "payee"
    """The other way round."""
    SUPERVISOR = "supervisor"
    """Sees everything; so do the issuer's own staff."""

    def may_see(self, fact: str) -> bool:
        """Return whether this viewer may see what *fact* holds."""
        hidden = {Viewer.PAYER: "payee.", Viewer.PAYEE: "payer."}.get(self)
        return hidden is None or not fact.startswith(hidden)


@dataclass(frozen=True, slots=True)
class Explained:
    """One reason of a refusal.

    `compared` holds both languages, or nothing where nothing was compared. `since`
    is the day from which the rule applies, `value_since` the day from which the
    number it compared with applies; `value_cite` is the article that set that number.
    """

    reason: str
    title: Wording
    compared: Wording
    cite: Cite | None
    source: Source | None
    since: date | None
    value_cite: Cite | None
    value_since: date | None
    status: Status
    confidence: Confidence

    @property
    def is_draft(self) -> bool:
        """Whether this is no law: a draft, a proposal or an idea."""
        return not self.status.is_law


@dataclass(frozen=True, slots=True)
class Label:
    """What a reason is called where the single facts are not known, as in statistics."""

    title: Wording
    cite: str
    source: Source | None
    is_draft: bool


NOT_LAW = {
    Status.DRAFT: {"en": "DRAFT", "zh": "草案"},
    Status.PROPOSAL: {"en": "PROPOSAL", "zh": "提案"},
    Status.IDEA: {"en": "IDEA", "zh": "设想"},
}
"""The mark of what is no law."""


def explain(
    book: Book,
    action: Action,
    facts: Facts,
    instant: Instant,
    reasons: Sequence[str],
    viewer: Viewer = Viewer.SUPERVISOR,
) -> tuple[Explained, ...]:
    """Return *reasons* in words, in their order, for *viewer*; *facts* as `decide` takes them.

    A name that *book* does not know, such as a reason of an older law, is said to be so.
    """
    ask = Asker(book, facts, instant)
    return tuple(_explained(book, action, ask, reason, reasons, viewer) for reason in reasons)


def line(explained: Explained, language: str) -> str:
    """Return *explained* as one line: what was refused, what was compared, by which article, since when."""
    is_english = language == "en"
    shown = [explained.reason, explained.compared.get(language) or explained.title[language]]
    if explained.cite:
        since, value_since = explained.since, explained.value_since
        # A draft is not in force on any day: it says from when it would apply.
        if explained.is_draft:
            in_force = ", from {}" if is_english else "，拟自{}起适用"
        else:
            in_force = ", in force since {}" if is_english else "，自{}起施行"
        if explained.value_cite in (None, explained.cite):
            text = f"{explained.cite}{in_force.format(value_since or since)}"
        else:
            value = "; value of {}, since {}" if is_english else "；数值依{}，自{}起"
            text = f"{explained.cite}{in_force.format(since)}"
            text += value.format(explained.value_cite, value_since)
        if explained.is_draft:
            text += f" [{NOT_LAW[explained.status][language]}]"
        if explained.confidence is Confidence.UNCONFIRMED:
            text += " [unconfirmed]" if is_english else " [未确认]"
        shown.append(text)
    return ("refused  " if is_english else "拒绝  ") + "   ".join(shown)


def granted(rule: Rule, language: str) -> str:
    """Return a permit that carries an action as one line: its name, title, article, since when."""
    is_english = language == "en"
    if rule.status.is_law:
        since = ", in force since {}" if is_english else "，自{}起施行"
        mark = ""
    else:
        since = ", from {}" if is_english else "，拟自{}起适用"
        mark = f" [{NOT_LAW[rule.status][language]}]"
    words = f"{rule.title[language]}   {rule.cite}{since.format(rule.span.start_day)}{mark}"
    return f"{'allowed' if is_english else '允许'}  {rule.id}   {words}"


def label(book: Book, reason: str) -> Label:
    """Return what *reason* is called, with its article."""
    found = _find(book, reason)
    title = _title(book, reason, found)
    if found is None:
        return Label(title, "", None, is_draft=False)
    owner, need = found
    cite = (need or owner).cite
    return Label(title, str(cite), book.sources[cite.source], not owner.status.is_law)


def _explained(
    book: Book, action: Action, ask: Asker, reason: str, reasons: Sequence[str], viewer: Viewer
) -> Explained:
    found = _find(book, reason)
    title = _title(book, reason, found)
    if found is None:
        compared = _unknown_words(_unknown(book, ask, reason, reasons)) or _to_come(book, action, ask, reason)
        confirmed = Confidence.CONFIRMED
        return Explained(reason, title, compared, None, None, None, None, None, Status.ENACTED, confirmed)
    owner, need = found
    value: DatedValue | None = None
    conditions: tuple[Expr, ...]
    if isinstance(owner, Always):
        ask = Asker(book, facts_after(action, ask.facts), ask.instant)
        conditions = (owner.hold,)
        compared = _in_both(lambda speak: speak.against(owner.hold, owner.place), ask)
    elif need is not None:
        conditions = (need.condition,)
        compared = _in_both(lambda speak: speak.against(need.condition, owner.place), ask)
    else:
        conditions = (*owner.when, *owner.unless)
        compared = _in_both(lambda speak: speak.ban(owner), ask)
    hidden = [fact for expr in conditions for fact in facts_of(expr) if not viewer.may_see(fact)]
    if hidden:
        compared = _hidden_words(hidden[0])
    elif need is not None or isinstance(owner, Always):
        value = _value_used(ask, conditions[0], owner.place)
    statuses = [owner.status] + ([value.status] if value else [])
    unsure = Confidence.UNCONFIRMED in (owner.confidence, value.confidence if value else owner.confidence)
    cite = (need or owner).cite
    return Explained(
        reason=reason,
        title=title,
        compared=compared,
        cite=cite,
        source=book.sources[cite.source],
        since=owner.span.start_day,
        value_cite=value.cite if value else None,
        value_since=value.start_day if value else None,
        status=next((status for status in statuses if not status.is_law), Status.ENACTED),
        confidence=Confidence.UNCONFIRMED if unsure else Confidence.CONFIRMED,
    )


def _to_come(book: Book, action: Action, ask: Asker, reason: str) -> Wording:
    """Return which permit of a place that permits nothing yet has been enacted, and when it begins."""
    permits = [
        rule
        for rule in book.rules
        if rule.is_permit
        and reason == no_permit(book.vocabulary.jurisdiction_of(rule.place))
        and action in rule.actions
        and ask.instant < rule.span.start
    ]
    if not permits:
        return {}
    first = min(permits, key=lambda rule: rule.span.start)
    titles = {language: _no_permit_words(book, reason)[language] for language in LANGUAGES}
    begins = {language: begin_words(book, first, language) for language in LANGUAGES}
    mark = dict.fromkeys(LANGUAGES, "")
    if not first.status.is_law:
        mark = {language: f" [{NOT_LAW[first.status][language]}]" for language in LANGUAGES}
    return {
        "en": f"{titles['en']}; {first.id} is to permit it: {begins['en']} ({first.cite}){mark['en']}",
        "zh": f"{titles['zh']}；{first.id}将允许：{begins['zh']}（{first.cite}）{mark['zh']}",
    }


def _hidden_words(fact: str) -> Wording:
    """Return what the other party is told: that something stands in the way, and not how much."""
    if fact.startswith("payer."):
        return {"en": "something on the payer's side stands in the way", "zh": "付款人一方存在限制"}
    return {"en": "something on the payee's side stands in the way", "zh": "收款人一方存在限制"}


def _find(book: Book, reason: str) -> tuple[Rule, Need | None] | tuple[Always, None] | None:
    """Return the rule and need, or the always, that *reason* names; None for the others."""
    rule_id, _, need_name = reason.partition("/")
    rule = book.rule_by_id.get(rule_id)
    if rule and need_name:
        return next(((rule, need) for need in rule.needs if need.name == need_name), None)
    if rule:
        return rule, None
    return next(((always, None) for always in book.always if always.id == reason), None)


def _title(book: Book, reason: str, found: tuple[Rule, Need | None] | tuple[Always, None] | None) -> Wording:
    if found is not None:
        owner, need = found
        return (need or owner).title
    if reason == MISSING_FACT:
        return {"en": "A fact that the law asks for is not known", "zh": "法律所问的事实不明"}
    if reason == UNKNOWN_PLACE:
        return {
            "en": "A place is not known, so it is not known which law applies",
            "zh": "地点不明，无法确定适用的法律",
        }
    return _no_permit_words(book, reason) or {
        "en": f"{reason} (not a rule of this law)",
        "zh": f"{reason}（本法律中无此规则）",
    }


def _no_permit_words(book: Book, reason: str) -> Wording:
    """Return the title of "nothing permits this" in some place; nothing for another reason."""
    for place in book.vocabulary.jurisdictions:
        if reason == no_permit(place):
            title = book.vocabulary.places[place].phrase
            return {
                "en": f"Nothing in the law of {title['en']} permits this on that day",
                "zh": f"{title['zh']}法律当日无任何规定允许此项行为",
            }
    return {}


# -- what is not known --------------------------------------------------------------------


def _unknown(book: Book, ask: Asker, reason: str, reasons: Sequence[str]) -> Iterable[Wording]:
    """Yield the titles of the facts and values that were not known, each once."""
    words = book.vocabulary
    if reason == UNKNOWN_PLACE:
        return [words.facts[name].title for name in TOUCHING if ask.word(name) is None]
    if reason != MISSING_FACT:
        return []
    titles: dict[str, Wording] = {}
    for other in reasons:
        owner, need = _find(book, other) or (None, None)
        if isinstance(owner, Rule):
            for expr in [need.condition] if need else owner.when:
                titles |= {title["en"]: title for title in _unknown_of(ask, expr, owner.place)}
    return titles.values()


def _unknown_of(ask: Asker, expr: Expr, place: str) -> Iterator[Wording]:
    if ask.value(expr, place) is not None:
        return
    words = ask.book.vocabulary
    match expr:
        case Compare(left=left, right=right, unit=unit):
            for term in (*left, *right):
                if ask.term(term, place, unit) is None:
                    yield _unknown_term(ask, term, unit)
        case IsWord(fact=fact) | Holds(fact=fact):
            yield words.facts[fact].title
        case Both(parts=parts):
            for part in parts:
                yield from _unknown_of(ask, part, place)
        case Not(part=part):
            yield from _unknown_of(ask, part, place)


def _unknown_term(ask: Asker, term: Term, unit: str) -> Wording:
    words = ask.book.vocabulary
    if isinstance(term, FactTerm):
        return words.facts[term.fact].title
    assert isinstance(term, ValueTerm)
    if term.key_fact and ask.word(term.key_fact) is None:
        return words.facts[term.key_fact].title
    if unit == "coin" and ask.word("coin.peg") is None:
        return words.facts["coin.peg"].title
    return words.values[term.series].title


def _unknown_words(titles: Iterable[Wording]) -> Wording:
    listed = list(titles)
    if not listed:
        return {}
    return {
        "en": "not known: " + ", ".join(title["en"] for title in listed),
        "zh": "不明：" + "、".join(title["zh"] for title in listed),
    }


# -- what was compared --------------------------------------------------------------------


def _in_both(words: Callable[[_Speaker], str], ask: Asker) -> Wording:
    said = {language: words(_Speaker(ask, language)) for language in LANGUAGES}
    return said if all(said.values()) else {}


class _Speaker:
    """Says in one language how a condition came out."""

    def __init__(self, ask: Asker, language: str) -> None:
        self.ask = ask
        self.book = ask.book
        self.language = language
        self.is_english = language == "en"

    def ban(self, rule: Rule) -> str:
        """Say what made *rule* apply, and which consent it did not find."""
        parts = [self.as_it_is(expr, rule.place) for expr in rule.when]
        for expr in rule.unless:
            if self.ask.value(expr, rule.place) is not True:
                parts.append(self.against(expr, rule.place))
        return ("; " if self.is_english else "；").join(parts)

    def against(self, expr: Expr, place: str) -> str:
        """Say why *expr*, which was needed, is not met; empty when it is."""
        answer = self.ask.value(expr, place)
        return "" if answer is True else self._say(expr, place, is_needed=True)

    def as_it_is(self, expr: Expr, place: str) -> str:
        """Say how *expr* stands."""
        return self._say(expr, place, is_needed=False)

    def _say(self, expr: Expr, place: str, *, is_needed: bool) -> str:
        answer = self.ask.value(expr, place)
        if answer is None:
            titles = {title["en"]: title for title in _unknown_of(self.ask, expr, place)}
            return _unknown_words(titles.values())[self.language]
        match expr:
            case Compare():
                return self._numbers(expr, place, is_true=answer)
            case IsWord(fact=fact):
                return self._word(fact, expr, is_needed=is_needed, is_true=answer)
            case Holds():
                return set_words(expr, self.book, self.language, is_held=expr.is_negated != answer)
            case Both(parts=parts):
                deciding = [part for part in parts if self.ask.value(part, place) is answer]
                said = [self._say(part, place, is_needed=is_needed) for part in deciding]
                return (", and " if self.is_english else "，且").join(said)
            case Not(part=part):
                return self._say(part, place, is_needed=False)

    def _numbers(self, expr: Compare, place: str, *, is_true: bool) -> str:
        op = expr.op if is_true else OPPOSITE[expr.op]
        shown = {"==": "="}.get(op, op)
        currency = self.ask.word("coin.peg") if expr.unit == "coin" else expr.unit
        left, right = (self._sum(terms, place, expr.unit) for terms in (expr.left, expr.right))
        unit = "" if expr.unit in NUMBER_UNITS else currency or ""
        return f"{left} {shown} {right} {unit}".strip()

    def _sum(self, terms: Sequence[Term], place: str, unit: str) -> str:
        text = ""
        for term in terms:
            fen = self.ask.term(term, place, unit)
            assert fen is not None
            sign = " + " if term.sign > 0 else " - "
            is_money = unit not in NUMBER_UNITS
            shown = amount_words(fen, self.language) if is_money else number_words(fen, unit, self.language)
            text += (sign if text else "") + shown
        return text

    def _word(self, fact: str, expr: IsWord, *, is_needed: bool, is_true: bool) -> str:
        word = self.ask.word(fact)
        assert word is not None
        title = self.book.vocabulary.facts[fact].title[self.language]
        found = word_label(self.book, fact, word, self.language)
        text = f"{title} is {found}" if self.is_english else f"{title}为{found}"
        if is_true or not is_needed:
            return text
        wanted = wanted_words(expr, self.book, self.language, is_negated=expr.is_negated)
        return f"{text}; needed: {wanted}" if self.is_english else f"{text}；须为：{wanted}"


def _value_used(ask: Asker, expr: Expr, place: str) -> DatedValue | None:
    """Return the dated block of the value that *expr* compared with; None when it uses none."""
    for term, unit in values_of(expr):
        series = ask.book.lookup(place, term.series)
        currency = ask.word("coin.peg") if unit == "coin" else unit
        key = ask.word(term.key_fact) if term.key_fact else ""
        if series and currency is not None and key is not None:
            found = series.at(ask.instant, currency, key)
            if found:
                return found[1]
    return None
