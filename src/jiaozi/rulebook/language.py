"""The language of conditions: small enough for its weakest executor.

It has names of facts, values of the law, whole amounts, words, comparison,
`in`, `and` / `or` / `not`, `+` and `-`. It has no division, float, call, loop,
clock or null: those are the places where executors disagree. Python's own
parser reads the text; nothing is ever evaluated by Python.

    payment.amount <= limit.single[payer.tier]
    payer.paid_today + payment.amount <= limit.day[payer.tier]
    payment.place not in 'cn'             not in mainland China nor in a zone inside it
    payer.kind in ('resident', 'registered firm')
    'hk' in issuer.licences
"""

from __future__ import annotations

import ast
import difflib
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jiaozi.errors import AmountError
from jiaozi.money import decimal_text, fen_from_text
from jiaozi.rulebook.vocabulary import NUMBER_UNITS, Fact, FactType, ValueName, Vocabulary

_ANY, _MONEY = "", "money"
"""Units of a written number, and of a value of money, before they are known from the other terms."""

_COMMENT = re.compile(r"^(?:[^'\"#]|'[^']*'|\"[^\"]*\")*#")
"""A # that stands outside quotes: all that follows would be passed over in silence."""

MAX_TERMS = 8
MAX_DEPTH = 24
MAX_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class FactTerm:
    """A fact of money, added or taken away."""

    fact: str
    sign: int


@dataclass(frozen=True, slots=True)
class AmountTerm:
    """An amount written in the condition itself: fen, hundredths of a percent, days or a count."""

    fen: int
    sign: int


@dataclass(frozen=True, slots=True)
class ValueTerm:
    """A number the law sets; `key_fact` names the fact that picks it, or is empty."""

    series: str
    key_fact: str
    sign: int


Term = FactTerm | AmountTerm | ValueTerm


@dataclass(frozen=True, slots=True)
class Compare:
    """Two sums compared. `unit` is `"coin"`, or the one currency or unit of numbers both sides are in."""

    op: str
    left: tuple[Term, ...]
    right: tuple[Term, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class IsWord:
    """A fact of text or place is one of some words. `words` are already spread over zones."""

    fact: str
    words: tuple[str, ...]
    is_negated: bool
    written: str


@dataclass(frozen=True, slots=True)
class Holds:
    """A set of places contains one."""

    fact: str
    place: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Both:
    """All (`is_and`) or any of some conditions."""

    is_and: bool
    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: Expr


Expr = Compare | IsWord | Holds | Both | Not


class LanguageError(ValueError):
    """A condition cannot be read; the message says what is wrong and what to write."""


_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


_ONE_AT_A_TIME = threading.Lock()
"""Python 3.11 counts how deep a tree is for all threads together, and two that read at once upset the count."""


def parse(text: str, vocabulary: Vocabulary) -> Expr:
    """Return the condition written in *text*. Raises `LanguageError`."""
    if len(text) > MAX_LENGTH:
        raise LanguageError(f"longer than {MAX_LENGTH} characters; split it into several needs")
    if "\\" in text or _COMMENT.search(text):
        raise LanguageError("has a backslash or a comment; write the words themselves, comments in the file")
    try:
        with _ONE_AT_A_TIME:
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise LanguageError(f"cannot be read: {getattr(error, 'msg', error)}") from None
    return _Reader(vocabulary).condition(tree.body, 0)


class _Reader:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def condition(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise LanguageError("nested too deeply; split it into several needs")
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.condition(value, depth + 1) for value in values)
                return Both(is_and=isinstance(op, ast.And), parts=parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.condition(operand, depth + 1))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._comparison(left, op, right)
            case ast.Compare():
                raise LanguageError("compares three things at once; write two conditions joined by and")
        raise LanguageError(f"{_shown(node)} is not a condition; compare something")

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Expr:
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(left, right, is_negated=isinstance(op, ast.NotIn))
        if type(op) not in _COMPARE:
            raise LanguageError("uses a comparison that the language does not have; use == != < <= > >= in")
        symbol = _COMPARE[type(op)]
        words = [side for side in (left, right) if _is_text(side)]
        if len(words) == 2:
            raise LanguageError("compares two words; one side must be a fact")
        if words:
            fact = self._fact(right if words[0] is left else left)
            return self._word(fact, (words[0],), symbol)
        return self._sums(left, symbol, right)

    def _word(self, fact: Fact, nodes: tuple[ast.expr, ...], symbol: str) -> IsWord:
        if symbol not in ("==", "!="):
            raise LanguageError(f"{fact.id} is a word and has no order; use == or in")
        if fact.type not in (FactType.TEXT, FactType.PLACE):
            raise LanguageError(f"{fact.id} is {fact.type}, not a word")
        words = tuple(self._known_word(fact, node) for node in nodes)
        return IsWord(fact.id, words, is_negated=symbol == "!=", written="==")

    def _membership(self, left: ast.expr, right: ast.expr, *, is_negated: bool) -> Expr:
        if _is_text(left):
            fact = self._fact(right)
            if fact.type is not FactType.PLACES:
                raise LanguageError(f"{fact.id} is {fact.type}, not a set; write {fact.id} in (…)")
            place = _text(left)
            if place not in self.vocabulary.places:
                raise LanguageError(f"no such place {place!r}; places are {_list(self.vocabulary.places)}")
            return Holds(fact.id, place, is_negated)
        fact = self._fact(left)
        if fact.type not in (FactType.TEXT, FactType.PLACE):
            raise LanguageError(f"{fact.id} is {fact.type}; in asks for a word or a place")
        nodes = right.elts if isinstance(right, ast.Tuple) else [right]
        if not nodes or (fact.type is FactType.TEXT and not isinstance(right, ast.Tuple)):
            raise LanguageError(f"write {fact.id} in ('…', '…') with a comma after a single word")
        words = tuple(self._known_word(fact, node) for node in nodes)
        if fact.type is FactType.PLACE:
            spread = {zone for word in words for zone in self.vocabulary.inside(word)}
            words = tuple(zone for zone in self.vocabulary.places if zone in spread)
        written = ",".join(_text(node) for node in nodes)
        return IsWord(fact.id, words, is_negated, written)

    def _known_word(self, fact: Fact, node: ast.expr) -> str:
        if not _is_text(node):
            raise LanguageError(f"{_shown(node)} is not a word in quotes")
        word = _text(node)
        known = tuple(self.vocabulary.places) if fact.type is FactType.PLACE else fact.words
        if word not in known:
            raise LanguageError(f"{fact.id} is never {word!r}; it is one of {_list(known)}")
        return word

    def _sums(self, left: ast.expr, symbol: str, right: ast.expr) -> Compare:
        sides = self._sum(left, 1, 0), self._sum(right, 1, 0)
        units = {unit for side in sides for _, unit in side if unit not in (_ANY, _MONEY)}
        if not units:
            raise LanguageError("compares no fact; one side must ask something")
        has_money = any(unit == _MONEY for side in sides for _, unit in side)
        if has_money and units & set(NUMBER_UNITS):
            units.add(_MONEY)
        if len(units) > 1:
            raise LanguageError(f"compares {' with '.join(sorted(units))}; both sides must be in one unit")
        for side in sides:
            if len(side) > MAX_TERMS:
                raise LanguageError(f"adds more than {MAX_TERMS} terms")
            # Two "unlimited" on one side would wrap a 64-bit number in the kernel.
            if sum(isinstance(term, ValueTerm) for term, _ in side) > 1:
                raise LanguageError("adds two values of the law on one side; compare them one at a time")
        unit = units.pop()
        first, second = (tuple(_scaled(term, unit) for term, _ in side) for side in sides)
        return Compare(symbol, first, second, unit)

    def _sum(self, node: ast.expr, sign: int, depth: int) -> list[tuple[Term, str]]:
        """Return the terms of a sum, each with its unit; whole numbers are scaled once the unit is known."""
        if depth > MAX_DEPTH:
            raise LanguageError("nested too deeply; split it into several needs")
        match node:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                second = sign if isinstance(op, ast.Add) else -sign
                return [*self._sum(left, sign, depth + 1), *self._sum(right, second, depth + 1)]
            case ast.BinOp():
                raise LanguageError("the language has + and -, and no other arithmetic")
            case ast.Constant(value=int() as units) if not isinstance(units, bool):
                return [(AmountTerm(units, sign), _ANY)]
            case ast.Subscript(value=value, slice=key):
                series = self._series(_name(value))
                fact = self._fact(key)
                if not self.vocabulary.picks(series.id, fact.id):
                    raise LanguageError(
                        f"{series.id} is picked by {series.by or 'nothing'}, not by {fact.id}"
                    )
                return [(ValueTerm(series.id, fact.id, sign), series.unit or _MONEY)]
            case ast.Attribute() | ast.Name():
                name = _name(node)
                if name in self.vocabulary.values:
                    series = self._series(name)
                    if series.by:
                        key_fact = "payer.tier" if series.by == "tier" else series.by
                        raise LanguageError(f"{name} is set by {series.by}; write {name}[{key_fact}]")
                    return [(ValueTerm(name, "", sign), series.unit or _MONEY)]
                fact = self._fact(node)
                if fact.type not in (FactType.MONEY, FactType.NUMBER):
                    raise LanguageError(
                        f"{fact.id} is {fact.type}, not money; put words in quotes and use =="
                    )
                return [(FactTerm(fact.id, sign), fact.unit)]
        raise LanguageError(f"{_shown(node)} is not allowed here; use facts, values of the law, + and -")

    def _series(self, name: str) -> ValueName:
        try:
            return self.vocabulary.values[name]
        except KeyError:
            raise LanguageError(f"no such value {name}; values are {_list(self.vocabulary.values)}") from None

    def _fact(self, node: ast.expr) -> Fact:
        name = _name(node)
        try:
            return self.vocabulary.facts[name]
        except KeyError:
            near = closest(name, self.vocabulary.facts)
            hint = f"; did you mean {near}?" if near else "; facts are listed in facts.toml"
            raise LanguageError(f"{name}: no such fact{hint}") from None


def _scaled(term: Term, unit: str) -> Term:
    """Return *term* in the smallest part of *unit*: a written 8000 is 800,000 fen, or 8000 days."""
    if not isinstance(term, AmountTerm):
        return term
    try:
        smallest = fen_from_text(term.fen)
    except AmountError as error:
        raise LanguageError(str(error)) from None
    return term if unit in ("days", "count") else AmountTerm(smallest, term.sign)


def facts_of(expr: Expr) -> Iterator[str]:
    """Yield the facts that *expr* asks for, in reading order."""
    match expr:
        case Compare(left=left, right=right):
            for term in (*left, *right):
                if isinstance(term, FactTerm):
                    yield term.fact
                elif isinstance(term, ValueTerm) and term.key_fact:
                    yield term.key_fact
        case IsWord(fact=fact) | Holds(fact=fact):
            yield fact
        case Both(parts=parts):
            for part in parts:
                yield from facts_of(part)
        case Not(part=part):
            yield from facts_of(part)


def values_of(expr: Expr) -> Iterator[tuple[ValueTerm, str]]:
    """Yield the values of the law that *expr* uses, each with the unit it is compared in."""
    match expr:
        case Compare(left=left, right=right, unit=unit):
            yield from ((term, unit) for term in (*left, *right) if isinstance(term, ValueTerm))
        case Both(parts=parts):
            for part in parts:
                yield from values_of(part)
        case Not(part=part):
            yield from values_of(part)


def text_of(expr: Expr) -> str:
    """Return *expr* in the language again; parsing it gives an equal condition."""
    match expr:
        case Compare(op=op, left=left, right=right, unit=unit):
            return f"{_sum_text(left, unit)} {op} {_sum_text(right, unit)}"
        case IsWord(fact=fact, words=words, is_negated=is_negated, written=written):
            if written == "==" and len(words) == 1:
                return f"{fact} {'!=' if is_negated else '=='} '{words[0]}'"
            chosen = written.split(",")
            listed = ", ".join(f"'{word}'" for word in chosen) + ("," if len(chosen) == 1 else "")
            return f"{fact} {'not in' if is_negated else 'in'} ({listed})"
        case Holds(fact=fact, place=place, is_negated=is_negated):
            return f"'{place}' {'not in' if is_negated else 'in'} {fact}"
        case Both(is_and=is_and, parts=parts):
            return (" and " if is_and else " or ").join(f"({text_of(part)})" for part in parts)
        case Not(part=part):
            return f"not ({text_of(part)})"


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like *word*, or an empty text."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""


def _sum_text(terms: tuple[Term, ...], unit: str) -> str:
    text = ""
    for term in terms:
        match term:
            case FactTerm(fact=fact):
                name = fact
            case AmountTerm(fen=fen):
                is_whole = unit in ("days", "count")
                name = str(fen) if is_whole else decimal_text(fen).removesuffix(".00")
            case ValueTerm(series=series, key_fact=key):
                name = f"{series}[{key}]" if key else series
        text += (" + " if term.sign > 0 else " - ") + name if text else name
    return text


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    raise LanguageError(f"{_shown(node)} is not a name like payment.amount")


def _shown(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except (RecursionError, ValueError):
        return "this"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
