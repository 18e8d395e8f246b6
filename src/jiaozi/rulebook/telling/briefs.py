"""A provision in a few words: for the cell of a table, and when it begins.

A brief is written beside the provision in the law file and leaves room for
numbers: "Treasuries up to {reserve.max_days[treasury]}". They are put in here, so
that a number stands in one place only: the dated value with its own article.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jiaozi.clock import Instant
from jiaozi.rulebook.model import Book, Confidence, DatedValue, Duty, Provision
from jiaozi.rulebook.provisions import Need, filled, values_in
from jiaozi.rulebook.telling.wording import amounts_at, every_words, lasting_words, number_words, within_words


def brief_words(
    book: Book, found: Provision, instant: Instant, language: str, need: Need | None = None
) -> str:
    """Return the brief of *found*, or of a *need* of it, at *instant*; its title where it has none.

    What has not begun is shown with the numbers it will begin with. A duty says its
    times too: `pay it (within 1 business day)`.
    """
    owner = need or found
    instant = max(instant, found.span.start)
    words = filled(
        owner.brief.get(language) or owner.title[language],
        lambda series, key: _number(book, found.place, series, key, instant, language),
    )
    if not isinstance(found, Duty):
        return words
    times = [
        shown
        for shown in (
            every_words(found.every, language) if found.every else "",
            within_words(found.within, language) if found.within and found.within.count else "",
            lasting_words(found.lasting, language) if found.lasting else "",
        )
        if shown
    ]
    if language == "zh":
        return f"{words}（{'，'.join(times)}）" if times else words
    return f"{words} ({', '.join(times).lower()})" if times else words


def only_law(book: Book) -> Book:
    """Return *book* without the numbers of proposals and drafts.

    Where these are shown beside the law, the law keeps its own numbers.
    """
    series = {
        key: replace(found, dated=tuple(value for value in found.dated if value.status.is_law))
        for key, found in book.series.items()
    }
    return replace(book, series={key: found for key, found in series.items() if found.dated})


def is_unsure(book: Book, found: Provision, instant: Instant, need: Need | None = None) -> bool:
    """Return whether *found*, or a number that its brief (or that of *need*) shows, is unconfirmed."""
    brief = (need or found).brief.get("en", "")
    instant = max(instant, found.span.start)
    numbers = (
        value for name, key in values_in(brief) for value in _set(book, found.place, name, key, instant)
    )
    confidences = (found.confidence, *(number.confidence for number in numbers))
    return Confidence.UNCONFIRMED in confidences


def _set(book: Book, place: str, series: str, key: str, instant: Instant) -> Iterator[DatedValue]:
    for by_key in amounts_at(book, place, series, instant).values():
        if key in by_key:
            yield by_key[key][1]


def begin_words(book: Book, found: Provision | DatedValue, language: str) -> str:
    """Return when *found* begins: `from 2027-01-18 at the latest`, or what it waits for."""
    span, is_english = found.span, language == "en"
    if span.awaited is None:
        return f"from {span.start_day}" if is_english else f"自{span.start_day}起"
    event = book.events[span.awaited.event]
    if event.day is not None:
        return f"from {span.start_day}" if is_english else f"自{span.start_day}起"
    title, days, by = event.title[language], span.awaited.days, span.awaited.by
    if is_english:
        after = f"{days} days after {title}" if days else title
        return f"from {after}, {by} at the latest" if by else f"waits for {after}"
    after = f"{title}后{days}天" if days else title
    return f"自{after}起，最迟{by}" if by else f"待{after}"


def gap_words(found: Provision, instant: Instant, language: str) -> str:
    """Return how long *found* is suspended at *instant*: `2026-03-01 to 2026-04-01`."""
    gap = next(gap for gap in found.span.gaps if gap.start <= instant and (not gap.end or instant < gap.end))
    if gap.end_day is None:
        return f"since {gap.start_day}" if language == "en" else f"自{gap.start_day}起"
    return f"{gap.start_day} {'to' if language == 'en' else '至'} {gap.end_day}"


def _number(book: Book, place: str, series: str, key: str, instant: Instant, language: str) -> str:
    """Return the number that *place* sets for *series* at *instant*, in every currency it has."""
    shown = [
        number_words(by_key[key][0], unit, language)
        for unit, by_key in amounts_at(book, place, series, instant).items()
        if key in by_key
    ]
    return " / ".join(shown) or ("not set" if language == "en" else "未设定")
