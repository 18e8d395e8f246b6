"""Cases: questions to the law whose answers are known, one a file, in words a lawyer can check.

    title = "A payment of 8,000 Hong Kong dollars with only the core data is refused"
    on    = 2026-09-01
    place = "hk"
    ask   = "pay"
    refused = ["hk.pay/travel_full"]

    [payment]
    amount_hkd  = 8000
    travel_data = "core"

They lie in `law/cases/PLACE/allow` and `…/deny`. A case that is denied names every
reason, in the order in which the book shows them. `place` stands for all four places
of a question; the tables give the other facts, by their first word. A fact that is
left out is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jiaozi.clock import Instant, instant_of
from jiaozi.errors import AmountError, Mistake, RulebookError
from jiaozi.rulebook.decide import TOUCHING, Facts, decide
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.given import fact_from, known_fact
from jiaozi.rulebook.reading.toml import FIRST_YEAR, LAST_YEAR, Mistakes, Table, open_table

_PLACE_OF_A_CASE = re.compile(r"[^/]+/(allow|deny)/[^/]+")


@dataclass(frozen=True, slots=True)
class Case:
    """One question and its answer. `drafts` are the files that are no law and take part."""

    file: str
    title: str
    action: Action
    facts: Facts
    instant: Instant
    drafts: tuple[str, ...]
    known: date | None
    refused: tuple[str, ...]

    def answer(self, book: Book) -> tuple[str, ...]:
        """Return the reasons that the plain interpreter gives under *book*."""
        return decide(self.book(book), self.action, self.facts, self.instant).reasons

    def book(self, book: Book) -> Book:
        """Return *book* as the case asks it: cut back to what was known, if it says so."""
        return as_known(book, self.known) if self.known else book


def read_cases(folder: Path, book: Book) -> tuple[Case, ...]:
    """Return the cases under *folder*, in the words of *book*. Raises `RulebookError` with all mistakes."""
    mistakes = Mistakes()
    cases = []
    for path in sorted(folder.rglob("*.toml")):
        name = path.relative_to(folder).as_posix()
        if not _PLACE_OF_A_CASE.fullmatch(name):
            mistakes.add(
                name, 0, "file", "lies where no case is looked for; move it to PLACE/allow or PLACE/deny"
            )
        elif case := _case(path, name, book, mistakes):
            cases.append(case)
    if mistakes.found:
        raise RulebookError(mistakes.found)
    return tuple(cases)


def failures(cases: tuple[Case, ...], books: Mapping[tuple[str, ...], Book]) -> Iterator[Mistake]:
    """Yield every case that the law answers otherwise; *books* by the drafts that take part."""
    for case in cases:
        found = case.answer(books[case.drafts])
        if found != case.refused:
            wanted, got = (", ".join(names) or "allowed" for names in (case.refused, found))
            yield Mistake(case.file, 0, case.title, f"should be {wanted}; the law says {got}")


def _case(path: Path, name: str, book: Book, mistakes: Mistakes) -> Case | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.add(name, 0, "file", f"cannot be read as UTF-8 text: {error}")
        return None
    table = open_table(text, name, mistakes)
    if table is None:
        return None
    before = len(mistakes.found)
    title, place = table.text("title"), table.one_of("place", tuple(book.vocabulary.places))
    action = table.one_of("ask", list(Action))
    instant = _instant(table, book.vocabulary.places[place].clock if place else "UTC")
    drafts, known = table.texts("law"), table.day_or_none("known")
    should_deny = path.parent.name == "deny"
    refused = table.texts("refused", required=should_deny)
    if should_deny != bool(refused):
        table.complain("refused", "a case in allow/ has no reasons, one in deny/ has them all")
    for key, names, there in (("law", drafts, book.drafts), ("refused", refused, book.reasons)):
        for unknown in [each for each in names if each not in there]:
            near = closest(unknown, there)
            what = "reason" if key == "refused" else "draft"
            table.complain(key, f"no such {what} {unknown!r:.60}{f'; did you mean {near}?' if near else ''}")
    facts: dict[str, int | str | frozenset[str] | None] = dict.fromkeys(TOUCHING, place)
    for group in table.rest():
        if isinstance(table.data[group], dict):
            facts |= _facts(table.table(group), group, book)
    table.close()
    if len(mistakes.found) > before or instant is None:
        return None
    return Case(name, title, Action(action), facts, instant, drafts, known, refused)


def _instant(table: Table, clock: str) -> Instant | None:
    """Return the instant meant by `on`: a day begins at 00:00 on the clock of the place."""
    if isinstance(table.data.get("on"), str):
        try:
            moment: datetime | None = datetime.fromisoformat(table.text("on"))
        except ValueError:
            moment = None
        if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            years = f"of a year from {FIRST_YEAR} to {LAST_YEAR}"
            table.complain("on", f'must be a date, or a text such as "2026-02-05T23:59:59", {years}')
            return None
    else:
        day = table.day("on")
        if day is None:
            return None
        moment = datetime(day.year, day.month, day.day)
    return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(clock)))


def _facts(group: Table, first: str, book: Book) -> dict[str, int | str | frozenset[str] | None]:
    facts: dict[str, int | str | frozenset[str] | None] = {}
    for key in group.rest():
        written = group.data[key]
        group.take(key, object)
        try:
            fact = known_fact(book.vocabulary, f"{first}.{key}")
            facts[fact.id] = fact_from(book.vocabulary, fact, written)
        except (ValueError, AmountError) as error:
            group.complain(key, str(error))
    return facts
