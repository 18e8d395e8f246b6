"""A condition in words, English and Chinese, as it stands on a page of the law.

Facts, values and words carry their own wording in `facts.toml` and `places.toml`;
here they are only joined. Nothing is worked out: a condition reads the same
whoever asks, and with an instant the numbers in force then are added.

    the amount is at most the cap on one payment (tier 1: unlimited, tier 4: 2,000.00 CNY)
    金额不超过单笔限额（一类：不限；四类：2,000.00 CNY）
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jiaozi.clock import Instant
from jiaozi.money import CURRENCIES, decimal_text, format_fen
from jiaozi.rulebook.language import (
    AmountTerm,
    Both,
    Compare,
    Expr,
    FactTerm,
    Holds,
    IsWord,
    Not,
    Term,
    ValueTerm,
)
from jiaozi.rulebook.model import UNLIMITED, Action, Book, DatedValue
from jiaozi.rulebook.provisions import Term as Length
from jiaozi.rulebook.vocabulary import FactType

LANGUAGES = ("en", "zh")

OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<=", "==": "!=", "!=": "=="}
"""The comparison that is true when the first one is false."""

_COMPARED: Mapping[str, Mapping[str, str]] = {
    "en": {
        "<=": " is at most ",
        "<": " is less than ",
        ">=": " is at least ",
        ">": " is more than ",
        "==": " equals ",
        "!=": " does not equal ",
    },
    "zh": {"<=": "不超过", "<": "低于", ">=": "不低于", ">": "高于", "==": "等于", "!=": "不等于"},
}

# A set of places reads badly as a set. These two have words of their own; any other is read as a set.
_SETS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "issuer.licences": {
        "en": ("the issuer is licensed in {}", "the issuer is not licensed in {}"),
        "zh": ("发行人持有{}牌照", "发行人未持有{}牌照"),
    },
    "issuer.consents": {
        "en": ("the authorities of {} have consented", "the authorities of {} have not consented"),
        "zh": ("{}主管部门已同意", "{}主管部门未同意"),
    },
}

_ACTIONS: Mapping[Action, Mapping[str, str]] = {
    Action.ISSUE: {"en": "issuing", "zh": "发行"},
    Action.PAY: {"en": "paying", "zh": "支付"},
    Action.REDEEM: {"en": "redeeming", "zh": "赎回"},
    Action.HOLD: {"en": "holding", "zh": "持有"},
    Action.OFFER: {"en": "offering to the public", "zh": "向公众提供"},
    Action.INTEREST: {"en": "paying interest to holders", "zh": "向持有人付息"},
    Action.INVEST: {"en": "investing reserve money", "zh": "投资储备资金"},
    Action.SERVE: {"en": "serving virtual currency business", "zh": "为虚拟货币业务提供服务"},
    Action.TOKENISE: {"en": "tokenising assets", "zh": "资产代币化"},
    Action.LICENSE: {"en": "licensing an issuer", "zh": "向发行人发牌"},
}


def words_of(expr: Expr, book: Book, place: str, language: str, instant: Instant | None = None) -> str:
    """Return *expr*, a condition of the law of *place*, in words.

    With *instant*, each value of the law is followed by its numbers in force then.
    *language* is `"en"` or `"zh"`.
    """
    return _Writer(book, place, language, instant).condition(expr, is_negated=False)


def word_label(book: Book, fact: str, word: str, language: str) -> str:
    """Return *word* of *fact* as people read it: a place's title, a word's label."""
    declared = book.vocabulary.facts[fact]
    if declared.type is FactType.TEXT:
        return declared.labels[language][declared.words.index(word)]
    return book.vocabulary.places[word].phrase[language]


def wanted_words(expr: IsWord, book: Book, language: str, *, is_negated: bool) -> str:
    """Return the words that *expr* asks for: `a resident or a registered firm`, `not a visitor`."""
    writer = _Writer(book, "", language, None)
    return writer.listed(expr, is_negated=is_negated)


def set_words(expr: Holds, book: Book, language: str, *, is_held: bool) -> str:
    """Return whether a set of places contains one, as a sentence."""
    place = book.vocabulary.places[expr.place].phrase[language]
    if expr.fact in _SETS:
        return _SETS[expr.fact][language][0 if is_held else 1].format(place)
    title = book.vocabulary.facts[expr.fact].title[language]
    if language == "en":
        return f"{place} is {'' if is_held else 'not '}among {title}"
    return f"{title}{'包括' if is_held else '不包括'}{place}"


def amount_words(fen: int, language: str, currency: str = "") -> str:
    """Return an amount of the law: `2,000.00 CNY`, or the word for no limit."""
    if fen == UNLIMITED:
        return {"en": "unlimited", "zh": "不限"}[language]
    return format_fen(fen, currency)


def key_words(book: Book, series_id: str, amounts: Mapping[str, int], unit: str, language: str) -> str:
    """Return the numbers of one unit: `tier 1: unlimited, tier 2: 50,000.00 CNY`, `93 days`."""
    if set(amounts) == {""}:
        return number_words(amounts[""], unit, language)
    by = book.vocabulary.values[series_id].by
    colon, comma = (": ", ", ") if language == "en" else ("：", "；")
    listed = [
        f"{word_label(book, 'payer.tier' if by == 'tier' else by, key, language)}{colon}"
        + (
            amount_words(amounts[key], language)
            if unit in CURRENCIES
            else number_words(amounts[key], unit, language)
        )
        for key in book.vocabulary.keys_of(series_id)
        if key in amounts
    ]
    return f"{comma.join(listed)} {unit}" if unit in CURRENCIES else comma.join(listed)


def number_words(number: int, unit: str, language: str) -> str:
    """Return a number of the law with its unit: `2,000.00 CNY`, `93 days`, `30 %`, `1,000,000`."""
    if unit in CURRENCIES or number == UNLIMITED:
        return amount_words(number, language, unit if unit in CURRENCIES else "")
    if unit == "percent":
        return f"{decimal_text(number).removesuffix('.00')} %"
    if unit == "days":
        return f"{number:,}天" if language == "zh" else f"{number:,} day{'' if number == 1 else 's'}"
    return f"{number:,}"


_UNITS_ZH = {"business day": "个工作日", "day": "天", "week": "周", "month": "个月", "year": "年"}


def within_words(term: Length, language: str) -> str:
    """Return a deadline: `within 1 business day`, `at once`."""
    if term.count == 0:
        return "at once" if language == "en" else "立即"
    if language == "zh":
        return f"在{term.count}{_UNITS_ZH[term.unit]}内"
    return f"within {term.count} {term.unit}{'s' if term.count > 1 else ''}"


def lasting_words(term: Length, language: str) -> str:
    """Return how long something is kept up: `for 5 years`."""
    if language == "zh":
        return f"持续{term.count}{_UNITS_ZH[term.unit]}"
    return f"for {term.count} {term.unit}{'s' if term.count > 1 else ''}"


def every_words(term: Length, language: str) -> str:
    """Return how often something is due: `Every day`, `Every 3 months`."""
    if language == "zh":
        unit = _UNITS_ZH[term.unit]
        return f"每{unit.removeprefix('个')}" if term.count == 1 else f"每{term.count}{unit}"
    return f"Every {term.unit}" if term.count == 1 else f"Every {term.count} {term.unit}s"


def amounts_at(
    book: Book, place: str, series_id: str, instant: Instant
) -> Mapping[str, Mapping[str, tuple[int, DatedValue]]]:
    """Return what is in force at *instant*: currency or unit, then key (or `""`), to the number and its block."""
    series = book.lookup(place, series_id)
    unit = book.vocabulary.values[series_id].unit
    keys = book.vocabulary.keys_of(series_id) or ("",)
    found: dict[str, dict[str, tuple[int, DatedValue]]] = {}
    for currency in (unit,) if unit else CURRENCIES:
        for key in keys:
            if series and (amount := series.at(instant, currency, key)):
                found.setdefault(currency, {})[key] = amount
    return found


def action_words(actions: Sequence[Action] | frozenset[Action], language: str) -> str:
    """Return the actions in their fixed order: `issuing, paying and redeeming`."""
    words = [_ACTIONS[action][language] for action in Action if action in actions]
    if language == "zh":
        return "、".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


class _Writer:
    def __init__(self, book: Book, place: str, language: str, instant: Instant | None) -> None:
        assert language in LANGUAGES
        self.book = book
        self.place = place
        self.language = language
        self.is_english = language == "en"
        self.instant = instant

    def condition(self, expr: Expr, *, is_negated: bool, is_inner: bool = False) -> str:
        match expr:
            case Compare(op=op, left=left, right=right, unit=unit):
                shown = _COMPARED[self.language][OPPOSITE[op] if is_negated else op]
                return f"{self._sum(left, unit)}{shown}{self._sum(right, unit)}"
            case IsWord(fact=fact):
                title = self.book.vocabulary.facts[fact].title[self.language]
                listed = self.listed(expr, is_negated=expr.is_negated != is_negated)
                verb = " is "
                if not self.is_english:
                    verb = "" if listed.startswith("不") else "在" if listed.endswith("境内") else "为"
                return f"{title}{verb}{listed}"
            case Holds():
                return set_words(expr, self.book, self.language, is_held=expr.is_negated == is_negated)
            case Not(part=part):
                return self.condition(part, is_negated=not is_negated, is_inner=is_inner)
            case Both(is_and=is_and, parts=parts):
                # "Not (a and b)" is "not a, or not b", also where a or b is unknown.
                joined = self._joiner(is_and=is_and != is_negated).join(
                    self.condition(part, is_negated=is_negated, is_inner=True) for part in parts
                )
                if not is_inner:
                    return joined
                return f"({joined})" if self.is_english else f"（{joined}）"

    def listed(self, expr: IsWord, *, is_negated: bool) -> str:
        """Return the words asked for, after "is": `a resident or a visitor`, `outside Hong Kong`."""
        is_place = self.book.vocabulary.facts[expr.fact].type is FactType.PLACE
        is_inside = is_place and expr.written != "=="
        written = expr.words if expr.written == "==" else tuple(expr.written.split(","))
        names = [word_label(self.book, expr.fact, word, self.language) for word in written]
        if is_place and not is_inside and len(self.book.vocabulary.inside(written[0])) > 1:
            names = [f"{names[0]}{' itself' if self.is_english else '本身'}"]
        if not self.is_english:
            listed = "或".join(names)
            if is_inside:
                return f"不在{listed}境内" if is_negated else f"{listed}境内"
            return f"不是{listed}" if is_negated else listed
        if is_negated and len(names) > 1:
            inside = "in " if is_inside else ""
            return f"neither {inside}" + f" nor {inside}".join(names)
        listed = " or ".join(names)
        if is_inside:
            return f"{'outside' if is_negated else 'in'} {listed}"
        return f"not {listed}" if is_negated else listed

    def _joiner(self, *, is_and: bool) -> str:
        if self.is_english:
            return ", and " if is_and else ", or "
        return "，且" if is_and else "，或"

    def _sum(self, terms: Sequence[Term], unit: str) -> str:
        plus, minus = (" plus ", " less ") if self.is_english else ("加", "减")
        words = self._term(terms[0], unit)
        for term in terms[1:]:
            words += (plus if term.sign > 0 else minus) + self._term(term, unit)
        return words

    def _term(self, term: Term, unit: str) -> str:
        match term:
            case FactTerm(fact=fact):
                return self.book.vocabulary.facts[fact].title[self.language]
            case AmountTerm(fen=fen):
                if unit != "coin":
                    return number_words(fen, unit, self.language)
                of_coin = " in the currency of the coin" if self.is_english else "（代币挂钩货币）"
                return format_fen(fen) + of_coin
            case ValueTerm():
                return self._value(term, unit)

    def _value(self, term: ValueTerm, unit: str) -> str:
        title = self.book.vocabulary.values[term.series].title[self.language]
        if self.instant is None:
            return title
        in_force = amounts_at(self.book, self.place, term.series, self.instant)
        shown = [
            key_words(
                self.book,
                term.series,
                {key: found[0] for key, found in by_key.items()},
                currency,
                self.language,
            )
            for currency, by_key in in_force.items()
            if unit in ("coin", currency)
        ]
        if not shown:
            shown = ["not set on this day" if self.is_english else "当日未设定"]
        return f"{title} ({'; '.join(shown)})" if self.is_english else f"{title}（{'；'.join(shown)}）"
