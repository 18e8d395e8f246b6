"""Checks of a whole book, once every file was read: exceptions, values, ways out, dead permits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from jiaozi.clock import Instant
from jiaozi.errors import Mistake
from jiaozi.rulebook.language import Expr, values_of
from jiaozi.rulebook.model import Action, Book, Rule, Span
from jiaozi.rulebook.provisions import filled, values_in

Lines = Mapping[str, tuple[str, int]]


def check(book: Book, lines: Lines) -> Iterator[Mistake]:
    """Yield what is wrong between rules. *lines* tells where each rule stands."""
    yield from _exceptions(book, lines)
    yield from _values(book, lines)
    yield from _supersessions(book, lines)
    yield from _ways_out(book, lines)
    yield from _dead_permits(book, lines)
    yield from _briefs(book, lines)


def _at(lines: Lines, rule_id: str, message: str, key: str = "") -> Mistake:
    """Return a mistake at the line of *key* of a rule, or of its id when that key has none.

    A key may have a word after it: the line of that word, if another file wrote it there.
    """
    names = f"{rule_id} {key}", f"{rule_id} {key.partition(' ')[0]}", rule_id
    file, line = next((lines[name] for name in names if name in lines), ("law", 0))
    return Mistake(file, line, rule_id, message)


def _exceptions(book: Book, lines: Lines) -> Iterator[Mistake]:
    """An exception counts only when the ban and the permit both name it."""
    for rule in book.rules:
        if rule.lifts:
            ban = book.rule_by_id.get(rule.lifts)
            if ban is None or ban.is_permit:
                yield _at(lines, rule.id, f"lifts {rule.lifts!r}, which is no ban", "lifts")
            elif rule.id not in ban.yields_to:
                yield _at(
                    lines,
                    rule.id,
                    f"lifts {ban.id}, which does not yield to it; add it to yields_to there",
                    "lifts",
                )
        for other in rule.yields_to:
            permit = book.rule_by_id.get(other)
            if permit is None or not permit.is_permit:
                yield _at(lines, rule.id, f"yields to {other!r}, which is no permit", f"yields_to {other}")
            elif permit.lifts != rule.id:
                yield _at(
                    lines,
                    rule.id,
                    f'yields to {other}, which does not lift it; write lifts = "{rule.id}" there',
                    f"yields_to {other}",
                )


def _values(book: Book, lines: Lines) -> Iterator[Mistake]:
    """A value that a rule uses must be set in the file of its place, in a currency that can be compared."""
    asked: list[tuple[str, str, Expr]] = [
        (rule.id, rule.place, condition) for rule in book.rules for condition in (*rule.when, *rule.unless)
    ]
    asked += [
        (f"{rule.id}/{need.name}", rule.place, need.condition) for rule in book.rules for need in rule.needs
    ]
    asked += [(always.id, always.place, always.hold) for always in book.always]
    for owner, place, condition in asked:
        for term, unit in values_of(condition):
            series = book.lookup(place, term.series)
            if series is None:
                yield _at(
                    lines, owner, f"uses {term.series}, which {place} never sets; add [[{term.series}]]"
                )
            elif unit != "coin" and not any(unit in value.amounts for value in series.dated):
                yield _at(lines, owner, f"compares {unit} with {term.series}, which is not set in {unit}")


def _supersessions(book: Book, lines: Lines) -> Iterator[Mistake]:
    for rule in book.rules:
        if rule.supersedes:
            old = book.rule_by_id.get(rule.supersedes)
            if old is None:
                yield _at(
                    lines, rule.id, f"supersedes {rule.supersedes!r}, which does not exist", "supersedes"
                )
            elif old.span.end is None or old.span.end > rule.span.start:
                yield _at(
                    lines,
                    rule.id,
                    f"supersedes {old.id}, which still applies then; give that one an until",
                    "supersedes",
                )


def _ways_out(book: Book, lines: Lines) -> Iterator[Mistake]:
    """Where coins may be issued, they can be redeemed on every day until issuing ends, so none is trapped."""
    for issue in _permits(book, Action.ISSUE):
        ways = [rule.span for rule in _permits(book, Action.REDEEM) if _same_law(book, rule, issue)]
        if not ways:
            yield _at(lines, issue.id, "permits issuing, and nothing there permits redeeming; add a way out")
            continue
        for moment, day in sorted(_turns(issue.span, ways)):
            if issue.span.covers(moment) and not any(way.covers(moment) for way in ways):
                message = f"permits issuing on {day}, when nothing there permits redeeming; add a way out"
                yield _at(lines, issue.id, message)
                break


def _turns(issue: Span, ways: Iterable[Span]) -> Iterator[tuple[Instant, date]]:
    """Yield the moments at which issuing begins or resumes, and those at which a way out closes."""
    yield issue.start, issue.start_day
    yield from ((gap.end, gap.end_day) for gap in issue.gaps if gap.end and gap.end_day)
    for way in ways:
        yield from ((gap.start, gap.start_day) for gap in way.gaps)
        if way.end and way.end_day:
            yield way.end, way.end_day


def _permits(book: Book, action: Action) -> Iterator[Rule]:
    return (rule for rule in book.rules if rule.is_permit and action in rule.actions)


def _same_law(book: Book, one: Rule, other: Rule) -> bool:
    return book.vocabulary.jurisdiction_of(one.place) == book.vocabulary.jurisdiction_of(other.place)


def _dead_permits(book: Book, lines: Lines) -> Iterator[Mistake]:
    """Nothing is both permitted and, on every day and in every case, forbidden by the same law."""
    bans = [
        rule
        for rule in book.rules
        if not rule.is_permit and not rule.when and not rule.unless and not rule.span.gaps
    ]
    for permit in book.rules:
        if not permit.is_permit:
            continue
        for ban in bans:
            if (
                permit.actions <= ban.actions
                and ban.span.start <= permit.span.start
                and (ban.span.end is None or (permit.span.end and permit.span.end <= ban.span.end))
                and _same_law(book, permit, ban)
                and permit.id not in ban.yields_to
            ):
                message = f"permits what {ban.id} always forbids; lift that ban or drop this"
                yield _at(lines, permit.id, message)
                break


def _briefs(book: Book, lines: Lines) -> Iterator[Mistake]:
    """A number in a brief is one that the law of the place sets."""
    briefs = [(found.id, found.place, found.brief) for found in book.provisions]
    briefs += [
        (f"{rule.id}/{need.name}", rule.place, need.brief) for rule in book.rules for need in rule.needs
    ]
    for owner, place, brief in briefs:
        shown = {language: set(values_in(words)) for language, words in brief.items()}
        if len({frozenset(found) for found in shown.values()}) > 1:
            yield _at(
                lines, owner, "brief shows other values in en than in zh; show the same in both", "brief"
            )
        if any(brace in filled(words, lambda *_: "") for words in brief.values() for brace in "{}"):
            yield _at(
                lines, owner, "brief has a brace that is no value; write for example {limit.day[t4]}", "brief"
            )
        for name, key in sorted(set().union(*shown.values())):
            series = book.lookup(place, name)
            if series is None:
                yield _at(
                    lines,
                    owner,
                    f"brief shows {name}, which {place} never sets; write a value of it",
                    "brief",
                )
            elif not any(key in by_key for value in series.dated for by_key in value.amounts.values()):
                keys = sorted(
                    {key for value in series.dated for each in value.amounts.values() for key in each}
                )
                written = f"{name}[{key}]" if key else name
                hint = "; ".join(f"{name}[{known}]" if known else name for known in keys)
                yield _at(
                    lines, owner, f"brief shows {written}, which {place} never sets; it sets {hint}", "brief"
                )
