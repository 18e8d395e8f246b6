"""A book written as one SELECT for DuckDB, for whoever keeps payments in a database.

The table `payments` has a column for each fact, named with a low line for the dot
(`payer_tier`): money and numbers BIGINT, words and places VARCHAR, sets of places
VARCHAR[]. Beside them stand `payment` (any key), `action` (its word) and `instant`
(BIGINT, nanoseconds). The answer has a row for each payment: `allowed`, and the list
of `reasons` in the order of the book. NULL in SQL is our unknown: AND, OR and NOT
treat it alike. Sums are HUGEINT, so that none wraps and none raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from jiaozi.rulebook.decide import TOUCHING
from jiaozi.rulebook.language import AmountTerm, Both, Compare, Expr, FactTerm, Holds, IsWord, Not, Term
from jiaozi.rulebook.model import (
    MISSING_FACT,
    UNKNOWN_PLACE,
    Action,
    Book,
    Rule,
    Series,
    Span,
    no_permit,
)
from jiaozi.rulebook.vocabulary import Fact, FactType

COINS, AMOUNT = "issuer.coins_outstanding", "payment.amount"


def column_of(fact: str) -> str:
    """Return the name of the column of *fact*."""
    return fact.replace(".", "_")


def query(book: Book, table: str = "payments") -> str:
    """Return the SELECT that asks *book* about every row of *table*."""
    return _Query(book).text(table)


class _Query:
    def __init__(self, book: Book) -> None:
        self.book = book
        self.words = book.vocabulary
        columns = [column_of(fact) for fact in self.words.facts]
        assert len(set(columns)) == len(columns), "two facts would share a column; rename one"

    def text(self, table: str) -> str:
        permits = [rule for rule in self.book.rules if rule.is_permit]
        bans = [rule for rule in self.book.rules if not rule.is_permit]
        facts = [f"{self._known(fact)} AS {_name(column_of(fact.id))}" for fact in self.words.facts.values()]
        facts.append(f"{self._after()} AS coins_after")
        touched = [
            f"{_any(self._inside(name, place) for name in TOUCHING)} AS {_name(f'touches {place}')}"
            for place in self.words.jurisdictions
        ]
        touched.append(f"({' OR '.join(f'{self._fact(name)} IS NULL' for name in TOUCHING)}) AS nowhere")
        scope = [f"{self._in_scope(rule)} AS {_name(rule.id)}" for rule in permits]
        needs = [
            f"{self._expr(need.condition, rule.place)} AS {_name(f'{rule.id}/{need.name}')}"
            for rule in permits
            for need in rule.needs
        ]
        met = [
            f"{self._is_met(place, permits)} AS {_name(f'met {place}')}" for place in self.words.jurisdictions
        ]
        against = [*self._bans(bans), *self._places(permits), *self._always()]
        lists = ", ".join(
            f"CASE WHEN {when} THEN {_text(reason)} END" for reason, when in self._ordered(against)
        )
        return f"""\
WITH given AS (SELECT payment, action, instant, {", ".join(facts)} FROM {_name(table)}),
touching AS (SELECT *, {", ".join(touched)} FROM given),
scoped AS (SELECT *, {", ".join([*scope, *needs]) or "1 AS nothing"} FROM touching),
permitted AS (SELECT *, {", ".join(met)} FROM scoped),
answered AS (SELECT payment, list_filter([{lists}], lambda name: name IS NOT NULL) AS reasons FROM permitted)
SELECT payment, len(reasons) = 0 AS allowed, reasons FROM answered ORDER BY payment
"""

    def _ordered(self, against: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield each reason once, in the order of the book, and when it stands in the way."""
        whens: dict[str, list[str]] = {}
        for reason, when in against:
            whens.setdefault(reason, []).append(when)
        for reason in self.book.reasons:
            if reason == UNKNOWN_PLACE:
                yield reason, "nowhere"
            elif reason in whens:
                yield reason, f"NOT nowhere AND {_any(whens[reason])}"

    # -- provisions -------------------------------------------------------------------------

    def _in_scope(self, rule: Rule) -> str:
        """Whether a permit is in scope: never unknown."""
        return _all([*self._reached(rule), _sure(_all(self._expr(each, rule.place) for each in rule.when))])

    def _reached(self, rule: Rule) -> list[str]:
        actions = ", ".join(_text(action) for action in sorted(rule.actions))
        reached = [] if rule.anywhere else [self._touches(rule.place)]
        return [_covers(rule.span), f"action IN ({actions})", *reached]

    def _is_met(self, place: str, permits: Sequence[Rule]) -> str:
        """Whether all needs of one permit of *place* are met: NULL when no permit is in scope."""
        own = [rule for rule in permits if self.words.jurisdiction_of(rule.place) == place]
        met = _any(
            _all([_name(rule.id), *(_sure(_name(f"{rule.id}/{need.name}")) for need in rule.needs)])
            for rule in own
        )
        return f"CASE WHEN {_any(_name(rule.id) for rule in own)} THEN {met} END"

    def _bans(self, bans: Sequence[Rule]) -> Iterator[tuple[str, str]]:
        for ban in bans:
            lifted = [
                _name(each.permit)
                if each.since is None
                else f"{_name(each.permit)} AND instant >= {each.since}"
                for each in ban.yields
            ]
            when = _all(self._expr(each, ban.place) for each in ban.when)
            excused = (
                _sure(_all(self._expr(each, ban.place) for each in ban.unless)) if ban.unless else "FALSE"
            )
            applies = _all([*self._reached(ban), f"NOT {_any(lifted)}", f"NOT {excused}"])
            yield ban.id, f"{applies} AND {_maybe(when)}"
            yield MISSING_FACT, f"{applies} AND {when} IS NULL"

    def _places(self, permits: Sequence[Rule]) -> Iterator[tuple[str, str]]:
        for place in self.words.jurisdictions:
            yield no_permit(place), f"{self._touches(place)} AND {_name(f'met {place}')} IS NULL"
        for rule in permits:
            home = self.words.jurisdiction_of(rule.place)
            refused = f"{self._touches(home)} AND NOT {_maybe(_name(f'met {home}'))} AND {_name(rule.id)}"
            for need in rule.needs:
                answer = _name(f"{rule.id}/{need.name}")
                yield f"{rule.id}/{need.name}", f"{refused} AND NOT {_sure(answer)}"
                yield MISSING_FACT, f"{refused} AND {answer} IS NULL"

    def _always(self) -> Iterator[tuple[str, str]]:
        for found in self.book.always:
            after, before = (
                self._expr(found.hold, found.place, after=True),
                self._expr(found.hold, found.place),
            )
            blame = f"(action = {_text(Action.ISSUE)} OR {_sure(before)})"
            reached = f"{_covers(found.span)} AND {self._touches(found.place)}"
            yield found.id, f"{reached} AND NOT {_sure(after)} AND {blame}"

    def _touches(self, place: str) -> str:
        return _name(f"touches {self.words.jurisdiction_of(place)}")

    # -- facts ------------------------------------------------------------------------------

    def _fact(self, fact: str) -> str:
        return _name(column_of(fact))

    def _known(self, fact: Fact) -> str:
        """A column as given; a word or place that the law does not know is unknown."""
        column = self._fact(fact.id)
        if fact.type in (FactType.TEXT, FactType.PLACE):
            known = self.words.places if fact.type is FactType.PLACE else fact.words
            return f"CASE WHEN {_in(column, known)} THEN {column} END"
        return column if fact.type is FactType.PLACES else f"{column}::HUGEINT"

    def _inside(self, fact: str, place: str) -> str:
        zones = [zone for zone in self.words.places if self.words.jurisdiction_of(zone) == place]
        return _sure(_in(self._fact(fact), zones))

    def _after(self) -> str:
        """The coins outstanding once the action is done."""
        coins, amount = f"{self._fact(COINS)}::HUGEINT", f"{self._fact(AMOUNT)}::HUGEINT"
        return (
            f"CASE action WHEN {_text(Action.ISSUE)} THEN {coins} + {amount} "
            f"WHEN {_text(Action.REDEEM)} THEN {coins} - {amount} ELSE {coins} END"
        )

    # -- conditions -------------------------------------------------------------------------

    def _expr(self, expr: Expr, place: str, *, after: bool = False) -> str:
        match expr:
            case Compare(op=op, left=left, right=right, unit=unit):
                sides = [self._sum(terms, place, unit, after=after) for terms in (left, right)]
                return f"({sides[0]} {_OPERATORS.get(op, op)} {sides[1]})"
            case IsWord(fact=fact, words=words, is_negated=is_negated):
                return f"({'NOT ' if is_negated else ''}{_in(self._fact(fact), words)})"
            case Holds(fact=fact, place=wanted, is_negated=is_negated):
                held = f"list_contains({self._fact(fact)}, {_text(wanted)})"
                return f"({'NOT ' if is_negated else ''}{held})"
            case Both(is_and=is_and, parts=parts):
                joined = (" AND " if is_and else " OR ").join(
                    self._expr(part, place, after=after) for part in parts
                )
                return f"({joined})"
            case Not(part=part):
                return f"(NOT {self._expr(part, place, after=after)})"

    def _sum(self, terms: Sequence[Term], place: str, unit: str, *, after: bool) -> str:
        signed = (
            f"{'+' if term.sign > 0 else '-'} {self._term(term, place, unit, after=after)}" for term in terms
        )
        return f"(0::HUGEINT {' '.join(signed)})"

    def _term(self, term: Term, place: str, unit: str, *, after: bool) -> str:
        match term:
            case AmountTerm(fen=fen):
                return f"{fen}::HUGEINT"
            case FactTerm(fact=fact):
                return "coins_after" if after and fact == COINS else self._fact(fact)
            case _:
                series = self.book.lookup(place, term.series)
                return self._value(series, term.key_fact, unit) if series else "NULL::HUGEINT"

    def _value(self, series: Series, key_fact: str, unit: str) -> str:
        """A value of the law as one CASE, the latest block first."""
        whens = []
        for value in reversed(series.dated):
            for currency, by_key in value.amounts.items():
                if unit not in ("coin", currency):
                    continue
                of_coin = f" AND {_in(self._fact('coin.peg'), [currency])}" if unit == "coin" else ""
                for key, amount in by_key.items():
                    if bool(key) == bool(key_fact):
                        picked = f" AND {_in(self._fact(key_fact), [key])}" if key_fact else ""
                        whens.append(f"WHEN instant >= {value.start}{of_coin}{picked} THEN {amount}::HUGEINT")
        return f"CASE {' '.join(whens)} END" if whens else "NULL::HUGEINT"


_OPERATORS = {"==": "=", "!=": "<>"}


def _covers(span: Span) -> str:
    parts = [f"instant >= {span.start}"]
    if span.end is not None:
        parts.append(f"instant < {span.end}")
    for gap in span.gaps:
        resumed = "" if gap.end is None else f" AND instant < {gap.end}"
        parts.append(f"NOT (instant >= {gap.start}{resumed})")
    return _all(parts)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _in(column: str, words: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(_text(word) for word in words)})"


def _all(parts: Iterable[str]) -> str:
    return f"({' AND '.join(parts) or 'TRUE'})"


def _any(parts: Iterable[str]) -> str:
    return f"({' OR '.join(f'({part})' for part in parts) or 'FALSE'})"


def _sure(condition: str) -> str:
    return f"coalesce({condition}, FALSE)"


def _maybe(condition: str) -> str:
    return f"coalesce({condition}, TRUE)"
