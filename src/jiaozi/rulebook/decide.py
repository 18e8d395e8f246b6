"""The plain interpreter: the meaning of the law, made to be read.

Every other executor is tested against this one. A condition is true, false or
unknown; unknown comes from a fact that was not given. What is unknown is
denied: an unknown ban applies, an unknown exception does not, an unknown need
is not met.

    reached    rules of every jurisdiction touched, and rules that reach anywhere
    in scope   reached, in force at this instant, for this action, and all of `when` hold
    forbidden  some ban in scope, unless its own `unless` holds or a permit it yields to is in scope
    permitted  in every jurisdiction touched, some permit of its own in scope with all its needs met
    allowed    permitted, not forbidden, and everything that must always hold still holds
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jiaozi.clock import Instant
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
from jiaozi.rulebook.model import MISSING_FACT, UNKNOWN_PLACE, Action, Book, Rule, no_permit
from jiaozi.rulebook.timeline import cuts, interval_of

Facts = Mapping[str, int | str | frozenset[str] | None]
"""What is known of one action: money in fen, words, sets of places. None or absent is unknown."""

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

TOUCHING = ("issuer.zone", "payer.zone", "payee.zone", "payment.place")
"""The facts whose places decide which law is reached."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer. `reasons` names everything that stood in the way, most basic first; empty when allowed."""

    allowed: bool
    reasons: tuple[str, ...]
    interval: int
    book_digest: bytes

    def bits(self, book: Book) -> int:
        """Return the reasons as one number, bit *i* for `book.reasons[i]`."""
        return sum(1 << book.reason_bit[name] for name in self.reasons)


def decide(book: Book, action: Action, facts: Facts, instant: Instant) -> Decision:
    """Return whether the law of *book* allows *action* with these *facts* at *instant*."""
    against = set(_reasons(book, action, facts, instant))
    reasons = tuple(name for name in book.reasons if name in against) if against else ()
    return Decision(not reasons, reasons, interval_of(cuts(book), instant), book.digest)


def grounds(book: Book, action: Action, facts: Facts, instant: Instant) -> tuple[Rule, ...]:
    """Return the permits that carry *action*: of each jurisdiction touched, those with all needs met."""
    touched, ask = _touched(book, facts) or (), Asker(book, facts, instant)
    return tuple(
        rule
        for rule in book.rules
        if rule.is_permit
        and _home(book, rule) in touched
        and action in rule.actions
        and rule.span.covers(instant)
        and ask.all(rule, rule.when) is True
        and not any(_unmet(ask, rule))
    )


def _reasons(book: Book, action: Action, facts: Facts, instant: Instant) -> Iterator[str]:
    touched = _touched(book, facts)
    if touched is None:
        yield UNKNOWN_PLACE
        return
    ask = Asker(book, facts, instant)
    reached = [
        rule
        for rule in book.rules
        if (rule.anywhere or _home(book, rule) in touched)
        and rule.span.covers(instant)
        and action in rule.actions
    ]
    permits = [rule for rule in reached if rule.is_permit and ask.all(rule, rule.when) is True]
    in_scope = {rule.id for rule in permits}

    for rule in reached:
        if rule.is_permit:
            continue
        applies = ask.all(rule, rule.when)
        if applies is False:
            continue
        is_lifted = any(
            each.permit in in_scope and (each.since is None or each.since <= instant) for each in rule.yields
        )
        is_excused = bool(rule.unless) and ask.all(rule, rule.unless) is True
        if not is_lifted and not is_excused:
            yield rule.id
            if applies is None:
                yield MISSING_FACT

    for place in touched:
        own = [rule for rule in permits if _home(book, rule) == place]
        if not own:
            yield no_permit(place)
            continue
        unmet = [list(_unmet(ask, rule)) for rule in own]
        if all(unmet):
            for names in unmet:
                yield from names

    after = Asker(book, facts_after(action, facts), instant)
    for always in book.always:
        if book.vocabulary.jurisdiction_of(always.place) in touched and always.span.covers(instant):
            if after.value(always.hold, always.place) is True:
                continue
            # An action that leaves a broken state as it was, such as a payment, is not to blame for it.
            if action is Action.ISSUE or ask.value(always.hold, always.place) is True:
                yield always.id


def _unmet(ask: Asker, rule: Rule) -> Iterator[str]:
    for need in rule.needs:
        answer = ask.value(need.condition, rule.place)
        if answer is not True:
            yield f"{rule.id}/{need.name}"
        if answer is None:
            yield MISSING_FACT


def facts_after(action: Action, facts: Facts) -> Facts:
    """Return the facts as they will stand once *action* is done: what must always hold is asked of these."""
    if action not in (Action.ISSUE, Action.REDEEM):
        return facts
    coins, amount = facts.get("issuer.coins_outstanding"), facts.get("payment.amount")
    after = None
    if isinstance(coins, int) and isinstance(amount, int):
        after = coins + (amount if action is Action.ISSUE else -amount)
    return {**facts, "issuer.coins_outstanding": after}


def _touched(book: Book, facts: Facts) -> list[str] | None:
    """Return the jurisdictions touched, in the book's order, or None when a place is not known."""
    places = [facts.get(name) for name in TOUCHING]
    known = book.vocabulary.places
    found = {book.vocabulary.jurisdiction_of(str(place)) for place in places if place in known}
    if any(place not in known for place in places):
        return None
    return [place for place in book.vocabulary.jurisdictions if place in found]


def _home(book: Book, rule: Rule) -> str:
    return book.vocabulary.jurisdiction_of(rule.place)


class Asker:
    """Answers conditions from one set of facts: True, False, or None for unknown."""

    def __init__(self, book: Book, facts: Facts, instant: Instant) -> None:
        self.book = book
        self.facts = facts
        self.instant = instant

    def all(self, rule: Rule, conditions: Sequence[Expr]) -> bool | None:
        return self._join([self.value(condition, rule.place) for condition in conditions], is_and=True)

    def value(self, expr: Expr, place: str) -> bool | None:
        match expr:
            case Compare():
                return self._compare(expr, place)
            case IsWord(fact=fact, words=words, is_negated=is_negated):
                word = self.word(fact)
                return None if word is None else (word in words) != is_negated
            case Holds(fact=fact, place=wanted, is_negated=is_negated):
                found = self.facts.get(fact)
                return None if not isinstance(found, frozenset) else (wanted in found) != is_negated
            case Both(is_and=is_and, parts=parts):
                return self._join([self.value(part, place) for part in parts], is_and=is_and)
            case Not(part=part):
                answer = self.value(part, place)
                return None if answer is None else not answer

    @staticmethod
    def _join(answers: Sequence[bool | None], *, is_and: bool) -> bool | None:
        deciding = not is_and
        if deciding in answers:
            return deciding
        return None if None in answers else is_and

    def _compare(self, expr: Compare, place: str) -> bool | None:
        left = self.sum(expr.left, place, expr.unit)
        right = self.sum(expr.right, place, expr.unit)
        if left is None or right is None:
            return None
        return _COMPARISONS[expr.op](left, right)

    def word(self, fact: str) -> str | None:
        """Return the word or place given for *fact*; one that the law does not know is unknown."""
        word = self.facts.get(fact)
        if isinstance(word, str) and word in self.book.vocabulary.known_words[fact]:
            return word
        return None

    def sum(self, terms: Sequence[Term], place: str, unit: str) -> int | None:
        """Return the sum of *terms* in fen, or None when a term is unknown."""
        total = 0
        for term in terms:
            amount = self.term(term, place, unit)
            if amount is None:
                return None
            total += term.sign * amount
        return total

    def term(self, term: Term, place: str, unit: str) -> int | None:
        match term:
            case FactTerm(fact=fact):
                amount = self.facts.get(fact)
                return amount if isinstance(amount, int) else None
            case AmountTerm(fen=fen):
                return fen
            case ValueTerm(series=series_id, key_fact=key_fact):
                series = self.book.lookup(place, series_id)
                currency = self.word("coin.peg") if unit == "coin" else unit
                key = self.word(key_fact) if key_fact else ""
                if series is None or currency is None or key is None:
                    return None
                found = series.at(self.instant, currency, key)
                return found[0] if found else None
