"""The tables of a page: what a replay counted, under the names that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jiaozi.lab.replay.records import Month
from jiaozi.lab.replay.summary import Example, Part
from jiaozi.ledger.records import BOOK
from jiaozi.ledger.results import WORDS, Result
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.words import Words
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.telling.explain import label
from jiaozi.rulebook.telling.wording import word_label

FACTS_SHOWN = (
    "payer.balance",
    "payer.paid_today",
    "payer.paid_this_month",
    "payer.paid_this_year",
    "payee.balance",
)
"""Facts of an example that are shown: sums, which nobody is known by."""

FACTS_OF_ISSUE = ("issuer.coins_outstanding", "issuer.coins_frozen", "issuer.reserve_value", "payee.balance")
"""The same where coins are issued: the issuer pays then, and his own sums say nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its name, a remark such as the article, whether that is a draft, and its figures."""

    name: str
    part: Part
    remark: str = ""
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month: value admitted and refused by the history, and under the law that is tried, in fen."""

    month: str
    admitted_before: int
    admitted_after: int
    refused_before: int
    refused_after: int
    part: Part


@dataclass(frozen=True, slots=True)
class PathRow:
    """What there was of a coin at the end of a month, before and after, in fen; None is not known."""

    month: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class KindRow:
    """Holders alike, with an example whose lines say why."""

    name: str
    holders: int
    part: Part
    example: Example | None
    facts: tuple[tuple[str, str], ...]


EMPTY = Part(0, 0, 0, 0)


def reasons(subject: Subject, words: Words) -> list[Row]:
    """Return the reasons, the most frequent first."""
    return [_reason(subject, name, part, words) for name, part in subject.found.summary.by_reason.items()]


def _reason(subject: Subject, name: str, part: Part, words: Words) -> Row:
    if name.startswith("ledger."):
        return Row(WORDS[Result[name.removeprefix("ledger.").upper()]][words.language], part)
    labels = [label(book, name) for book in subject.books]
    known = next((each for each in labels if each.cite), labels[0] if labels else None)
    if known is None:
        return Row(name, part)
    title = known.title[words.language]
    # A need, and what must always hold, is titled by what it asks for; as a reason it says that this was
    # not so. Each has an article.
    if known.cite and ("/" in name or _is_always(subject, name)):
        title = words("report.not_met", need=title)
    return Row(title, part, known.cite, known.is_draft)


def _is_always(subject: Subject, name: str) -> bool:
    return any(found.id == name for book in subject.books for found in book.always)


def months(subject: Subject) -> list[MonthRow]:
    """Return every month of the history. Before is what happened, or the base; after is that with the changes.

    What the base changes of the history and what the tried law changes of the base add up, transfer by transfer.
    """
    summary, base = subject.found.summary, subject.base_by_month or {}
    history: dict[str, list[int]] = {}
    for tally in summary.history:
        if tally.action != BOOK:
            line = history.setdefault(tally.month, [0, 0])
            line[tally.result != Result.CREATED] += tally.amount
    found = []
    for month in sorted(history.keys() | summary.by_month.keys() | base.keys()):
        admitted, refused = history.get(month, [0, 0])
        moved = _moved(base.get(month, EMPTY))
        admitted, refused = admitted + moved, refused - moved
        part = summary.by_month.get(month, EMPTY)
        moved = _moved(part)
        found.append(MonthRow(month, admitted, admitted + moved, refused, refused - moved, part))
    return found


def _moved(part: Part) -> int:
    return part.admitted_amount - part.refused_amount


def sizes(subject: Subject, words: Words) -> list[Row]:
    """Return the classes by size, the smallest first."""
    return [Row(size_words(name, words), part) for name, part in subject.found.summary.by_size.items()]


def size_words(name: str, words: Words) -> str:
    """Return a class by size, which the summary names in English."""
    kind, _, amount = name.rpartition(" ")
    return words("report.up_to" if kind == "up to" else "report.above", amount=amount)


def who(subject: Subject, words: Words) -> list[tuple[str, list[Row]]]:
    """Return the tables by tier, place, issuer and action, each with its heading."""
    summary, book = subject.found.summary, subject.books[0] if subject.books else None

    def rows(table: Mapping[str, Part], name: str) -> list[Row]:
        return [Row(_named(book, name, key, words), part) for key, part in table.items()]

    return [
        (words("report.tier"), rows(summary.by_tier, "payer.tier")),
        (words("report.zone"), rows(summary.by_zone, "payer.zone")),
        (words("report.issuer"), rows(summary.by_issuer, "")),
        (words("report.action"), [Row(words(f"action.{key}"), part) for key, part in summary.by_action.items()]),
    ]  # fmt: skip


def paths(subject: Subject) -> list[tuple[str, bool, list[PathRow]]]:
    """Return for each coin its supply, then its reserve where it is known: coin, whether reserve, rows."""
    before, after = _months_of(subject)
    coins = list(dict.fromkeys(coin for month in before.values() for coin in month.coins))
    found = []
    for coin in coins:
        for is_reserve in (False, True):
            rows = [
                PathRow(name, _level(before.get(name), coin, is_reserve), _level(after.get(name), coin, is_reserve))
                for name in path_months(subject)
            ]  # fmt: skip
            if any(row.before is not None or row.after is not None for row in rows):
                found.append((coin, is_reserve, rows))
    return found


def path_months(subject: Subject) -> list[str]:
    """Return the months of every path."""
    before, after = _months_of(subject)
    return sorted(before.keys() | after.keys())


def _months_of(subject: Subject) -> tuple[dict[str, Month], dict[str, Month]]:
    summary = subject.found.summary
    return {each.month: each for each in summary.months_before}, {
        each.month: each for each in summary.months_after
    }


def kinds(subject: Subject, words: Words) -> list[KindRow]:
    """Return the most affected kinds of holder."""
    book = subject.books[0] if subject.books else None
    return [
        KindRow(
            kind_words(book, kind.zone, kind.kind, kind.tier, words),
            kind.holders,
            kind.part,
            kind.example,
            tuple(_facts(book, kind.example, words)) if book and kind.example else (),
        )
        for kind in subject.found.summary.kinds
    ]


def kind_words(book: Book | None, zone: str, kind: str, tier: str, words: Words) -> str:
    """Return holders alike in words: `resident, tier 4, Shanghai`."""
    parts = [_named(book, "payer.kind", kind, words)]
    if tier:
        parts.append(_named(book, "payer.tier", tier, words))
    if zone:
        parts.append(_named(book, "payer.zone", zone, words))
    return {"en": ", ", "zh": "、"}[words.language].join(parts)


def _named(book: Book | None, fact: str, key: str, words: Words) -> str:
    """Return the word *key* of *fact* as people read it; a word that the book does not know as it is."""
    if key in ("none", ""):
        return words("report.none")
    if book is None or not fact:
        return key
    try:
        return word_label(book, fact, key, words.language)
    except (KeyError, ValueError):
        return key


def _facts(book: Book, example: Example, words: Words) -> Iterator[tuple[str, str]]:
    for name in FACTS_OF_ISSUE if example.action == "issue" else FACTS_SHOWN:
        value = example.facts.get(name)
        if value is not None and name in book.vocabulary.facts:
            yield book.vocabulary.facts[name].title[words.language], value


def _level(month: Month | None, coin: str, is_reserve: bool) -> int | None:
    if month is None:
        return None
    return month.reserve.get(coin) if is_reserve else month.coins.get(coin)
