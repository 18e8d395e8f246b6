"""What changes between two books, or in one book between two days.

    from 2027-07-01  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-pilot notice 2 art 1) [DRAFT]

Provisions are compared by name and part by part, numbers by their own dates. Two
books are compared over all time; two days by what applies on each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from jiaozi.clock import Instant, day_start
from jiaozi.rulebook.language import text_of
from jiaozi.rulebook.model import Always, Book, Cite, Duty, Rule, Series, Status
from jiaozi.rulebook.provisions import Gap
from jiaozi.rulebook.telling.briefs import begin_words
from jiaozi.rulebook.telling.explain import NOT_LAW
from jiaozi.rulebook.telling.wording import (
    action_words,
    every_words,
    lasting_words,
    number_words,
    within_words,
    words_of,
)

Found = Rule | Always | Duty


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `what` is `added`, `removed`, `begins`, `ends` or the part that changed.

    `before` and `after` are in words, empty where there is nothing; `since` is the
    day of a number, or the day on which a provision begins or ends.
    """

    place: str
    name: str
    what: str
    before: str
    after: str
    since: date | None
    cite: Cite
    status: Status


def diff_books(before: Book, after: Book, language: str) -> tuple[Change, ...]:
    """Return what *after* says otherwise than *before*, over all time."""
    old, new = ({found.id: found for found in book.provisions} for book in (before, after))
    changes: list[Change] = []
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            changes.append(_whole(old[name], "removed", language))
        elif name not in old:
            changes.append(_whole(new[name], "added", language))
        else:
            changes += _parts(before, old[name], after, new[name], language)
    for key in [*before.series, *(key for key in after.series if key not in before.series)]:
        changes += _numbers(before.series.get(key), after.series.get(key), language)
    return tuple(changes)


def diff_days(book: Book, first: date, second: date, language: str) -> tuple[Change, ...]:
    """Return what begins, ends, or has another number on *second* than on *first*."""

    def at(place: str, day: date) -> Instant:
        return day_start(day, book.vocabulary.places[place].clock)

    changes = []
    for found in book.provisions:
        was, is_now = (found.span.covers(at(found.place, day)) for day in (first, second))
        if was != is_now:
            change = _whole(found, "begins" if is_now else "ends", language)
            changes.append(_dated(change, found, at(found.place, second)))
    for series in book.series.values():
        for unit, key in _keys(series):
            old, new = (series.at(at(series.place, day), unit, key) for day in (first, second))
            if new and (not old or old[0] != new[0]):
                name = f"{series.id}[{key}]" if key else series.id
                shown = number_words(old[0], unit, language) if old else ""
                value = new[1]
                changes.append(
                    Change(
                        series.place,
                        name,
                        "number",
                        shown,
                        number_words(new[0], unit, language),
                        value.start_day,
                        value.cite,
                        value.status,
                    )
                )
    return tuple(changes)


def line(change: Change, language: str) -> str:
    """Return *change* as one line."""
    is_english = language == "en"
    draft = "" if change.status.is_law else f" [{NOT_LAW[change.status][language]}]"
    since = f"from {change.since}  " if is_english else f"自{change.since}起  "
    if change.what in _WHAT:
        what, shown = _WHAT[change.what][language], change.after or change.before
        when = since if change.what != "removed" and change.since else ""
        return f"{what}  {when}{change.name}  {shown}  ({change.cite}){draft}"
    what = "" if change.what == "number" else f"  {_part_words(change.what, language)}"
    nothing = "nothing" if is_english else "无"
    moved = f"{change.before or nothing} -> {change.after or nothing}"
    when = since if change.what == "number" and change.since not in (None, date.max) else ""
    return f"{when}{change.name}{what}  {moved}  ({change.cite}){draft}"


_WHAT = {
    "added": {"en": "added", "zh": "新增"},
    "removed": {"en": "removed", "zh": "删除"},
    "begins": {"en": "begins", "zh": "开始适用"},
    "ends": {"en": "ends", "zh": "不再适用"},
}


_PARTS = {
    "title": "标题",
    "from": "起始",
    "until": "终止",
    "suspended": "暂停",
    "article": "依据",
    "hold": "须始终满足",
    "duty": "义务",
    "actions": "行为",
    "reach": "效力范围",
    "when": "适用条件",
    "unless": "除非",
    "lifts": "排除禁令",
    "yields to": "让位于",
}


def _part_words(part: str, language: str) -> str:
    """Return the name of a part of a provision; a need keeps its own name."""
    if language == "en":
        return part
    if part.startswith("need "):
        return part.replace("need ", "要求 ", 1).replace(" as written", " 原文")
    return _PARTS[part]


def _dated(change: Change, found: Found, instant: Instant) -> Change:
    """Return *change* with the day on which it came, and with the text that ended or suspended *found*."""
    span = found.span
    if span.end is not None and span.end <= instant:
        status = change.status if span.end_status.is_law else span.end_status
        return replace(change, since=span.end_day, cite=span.end_cite or found.cite, status=status)
    if change.what == "ends":
        gap = next((gap for gap in span.gaps if _covers(gap, instant)), None)
        return replace(change, since=gap.start_day, cite=gap.cite) if gap else replace(change, since=None)
    resumed = [gap for gap in span.gaps if gap.end is not None and gap.end <= instant]
    last = max(resumed, key=lambda gap: gap.start, default=None)
    return replace(change, since=last.end_day, cite=last.cite) if last else change


def _covers(gap: Gap, instant: Instant) -> bool:
    return gap.start <= instant and (gap.end is None or instant < gap.end)


def _whole(found: Found, what: str, language: str) -> Change:
    is_new = what in ("added", "begins")
    title = found.title[language]
    return Change(
        found.place,
        found.id,
        what,
        "" if is_new else title,
        title if is_new else "",
        found.span.start_day if found.span.start_day != date.max else None,
        found.cite,
        found.status,
    )


def _parts(before: Book, old: Found, after: Book, new: Found, language: str) -> Iterator[Change]:
    """Yield the parts of one provision that differ."""
    was, is_now = (_said(book, found, language) for book, found in ((before, old), (after, new)))
    needs = {
        part: need.cite
        for found in (old, new)
        if isinstance(found, Rule)
        for need in found.needs
        for part in (f"need {need.name}", f"need {need.name} as written")
    }
    ends = new.span.end_cite if old.span.end != new.span.end else None
    for part in [*was, *(part for part in is_now if part not in was)]:
        if was.get(part) != is_now.get(part):
            cite = needs.get(part) or (ends if part == "until" and ends else new.cite)
            status = Status.DRAFT if set(after.drafts) - set(before.drafts) else new.status
            for each in new.yields if isinstance(new, Rule) and part == "yields to" else ():
                cite = each.cite or cite
            yield Change(new.place, new.id, part, was.get(part, ""), is_now.get(part, ""), None, cite, status)


def _said(book: Book, found: Found, language: str) -> Mapping[str, str]:
    """Return what *found* says, part by part, in words."""
    until = str(found.span.end_day or "")
    said = {"title": found.title[language], "from": begin_words(book, found, language), "until": until}
    gaps = (f"{gap.start_day} - {gap.end_day or ''} ({gap.cite})" for gap in found.span.gaps)
    said["suspended"] = ", ".join(gaps)
    said["article"] = str(found.cite)
    if isinstance(found, Always):
        said["hold"] = words_of(found.hold, book, found.place, language)
    elif isinstance(found, Duty):
        said["duty"] = _duty_words(book, found, language)
    else:
        said["actions"] = action_words(found.actions, language)
        said["reach"] = _REACH[language][found.anywhere]
        for key, conditions in (("when", found.when), ("unless", found.unless)):
            said[key] = "; ".join(words_of(each, book, found.place, language) for each in conditions)
        said["lifts"], said["yields to"] = found.lifts, ", ".join(found.yields_to)
        for need in found.needs:
            words = words_of(need.condition, book, found.place, language)
            said[f"need {need.name}"] = f"{words} ({need.cite})"
            said[f"need {need.name} as written"] = text_of(need.condition)
    return {part: words for part, words in said.items() if words}


_REACH = {"en": ("at home", "anywhere"), "zh": ("境内", "不论何地")}


def _duty_words(book: Book, duty: Duty, language: str) -> str:
    """Return who must do what, upon what or how often, and by when."""
    deeds, parties = book.vocabulary.deeds, book.vocabulary.parties
    said = [
        deeds[duty.upon].title[language] if duty.upon else "",
        every_words(duty.every, language) if duty.every else "",
        parties[duty.who].title[language],
        deeds[duty.do].title[language],
        within_words(duty.within, language) if duty.within else "",
        lasting_words(duty.lasting, language) if duty.lasting else "",
        duty.calendar,
    ]
    return (", " if language == "en" else "，").join(part for part in said if part)


def _numbers(old: Series | None, new: Series | None, language: str) -> Iterator[Change]:
    """Yield, for each day on which either sets a number, what it was and what it is."""
    some = new or old
    assert some
    starts = sorted(
        {(value.start, value.start_day) for series in (old, new) if series for value in series.dated}
    )
    keys = dict.fromkeys(key for series in (old, new) if series for key in _keys(series))
    last: dict[tuple[str, str], tuple[int | None, int | None]] = {}
    for start, day in starts:
        for unit, key in keys:
            was, is_now = (series.at(start, unit, key) if series else None for series in (old, new))
            numbers = (was[0] if was else None, is_now[0] if is_now else None)
            if numbers[0] != numbers[1] and last.get((unit, key)) != numbers:
                found = is_now or was
                assert found
                before, after = (number_words(n, unit, language) if n is not None else "" for n in numbers)
                name = f"{some.id}[{key}]" if key else some.id
                yield Change(some.place, name, "number", before, after, day, found[1].cite, found[1].status)
            last[unit, key] = numbers


def _keys(series: Series) -> Iterator[tuple[str, str]]:
    """Yield every unit and key that *series* ever sets, each once."""
    yield from dict.fromkeys(
        (unit, key) for value in series.dated for unit, by_key in value.amounts.items() for key in by_key
    )
