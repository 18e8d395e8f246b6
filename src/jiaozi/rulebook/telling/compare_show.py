"""A comparison of places as a table for a terminal, as CSV, as JSON, and as a page."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator
from html import escape
from typing import Any

from jiaozi.rulebook.model import Confidence, Standing
from jiaozi.rulebook.telling.compare import STANDING_WORDS, TOPIC_TITLES, Column, Comparison, Entry
from jiaozi.rulebook.telling.document import NOT_ADVICE, document

_WORDS = {
    "en": {
        "title": "The law of fiat-backed coins on {}",
        "status": "Status",
        "since": "Since",
        "unconfirmed": "unconfirmed",
        "known": "As anyone could have read it on that day. Not in force is marked as such.",
    },
    "zh": {
        "title": "{}各地法币支持代币法律对照",
        "status": "状态",
        "since": "起始",
        "unconfirmed": "未确认",
        "known": "所示为当日可查知的内容；尚未施行者均有标注。",
    },
}

FIELDS = (
    "place",
    "topic",
    "provision",
    "standing",
    "begins",
    "confidence",
    "words",
    "article",
    "link",
    "checked",
)
"""The columns of the CSV, one row an entry."""


def rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield one row for each entry, in the order of `FIELDS`; the status of a place is a row of its own."""
    for column in comparison.columns:
        yield (column.place, "status", "", column.status, column.since, "", column.title, "", "", "")
        for topic in comparison.topics:
            for entry in column.about(topic):
                yield (
                    column.place,
                    topic,
                    entry.name,
                    entry.standing,
                    entry.begins,
                    entry.confidence,
                    entry.words,
                    str(entry.cite),
                    entry.source.link,
                    str(entry.source.checked),
                )


def as_csv(comparison: Comparison) -> str:
    """Return the comparison as CSV (RFC 4180), one row an entry."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(FIELDS)
    writer.writerows(rows(comparison))
    return out.getvalue()


def as_data(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data for JSON."""
    return {
        "day": str(comparison.day),
        "language": comparison.language,
        "law": comparison.digest.hex(),
        "places": [
            {
                "place": column.place,
                "title": column.title,
                "status": column.status,
                "since": column.since,
                "topics": {
                    str(topic): [_entry_data(entry) for entry in column.about(topic)]
                    for topic in comparison.topics
                },
            }
            for column in comparison.columns
        ],
    }


def _entry_data(entry: Entry) -> dict[str, str]:
    return {
        "provision": entry.name,
        "words": entry.words,
        "article": str(entry.cite),
        "link": entry.source.link,
        "checked": str(entry.source.checked),
        "standing": entry.standing,
        "begins": entry.begins,
        "confidence": entry.confidence,
    }


def as_text(comparison: Comparison, width: int = 100) -> str:
    """Return the comparison for a terminal: topic by topic, a line a place."""
    words = _WORDS[comparison.language]
    lines = [words["title"].format(comparison.day), words["known"], ""]
    span = max(len(column.place) for column in comparison.columns) + 2 if comparison.columns else 2
    lines.append(words["status"].upper())
    for column in comparison.columns:
        since = f", {column.since}" if column.since else ""
        lines.append(f"  {column.place:<{span}}{column.status}{since}")
    for topic in comparison.topics:
        lines += ["", TOPIC_TITLES[topic][comparison.language].upper()]
        for column in comparison.columns:
            for number, entry in enumerate(column.about(topic)):
                head = f"  {column.place if number == 0 else '':<{span}}"
                marks = "".join(f" [{mark}]" for mark in _marks(entry, column, comparison.language))
                text = f"{entry.words}{marks}  {entry.cite}"
                lines += textwrap.wrap(
                    text,
                    width,
                    initial_indent=head,
                    subsequent_indent=" " * (span + 4),
                    break_long_words=False,
                    break_on_hyphens=False,
                )
    return "\n".join([*lines, "", NOT_ADVICE[comparison.language]]) + "\n"


def _marks(entry: Entry, column: Column, language: str) -> Iterator[str]:
    """Yield what must be said of an entry that is not simply law in force.

    When it begins is said once, at the head of its column, unless it differs from that.
    """
    if entry.standing is not Standing.IN_FORCE:
        comma = ", " if language == "en" else "，"
        begins = entry.begins if entry.begins != column.since else ""
        yield comma.join(filter(None, (STANDING_WORDS[entry.standing][language], begins)))
    if entry.confidence is Confidence.UNCONFIRMED:
        yield _WORDS[language]["unconfirmed"]


def as_html(comparison: Comparison) -> str:
    """Return the comparison as a stand-alone page: a column a place, a row a topic."""
    words = _WORDS[comparison.language]
    title = words["title"].format(comparison.day)
    return document(title, fragment(comparison), comparison.language, is_wide=True)


def fragment(comparison: Comparison) -> str:
    """Return the comparison as a fragment for a page's body."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    words, language = _WORDS[comparison.language], comparison.language
    yield f'<p class="not-advice">{escape(NOT_ADVICE[language])} {escape(words["known"])}</p>'
    yield '<div class="scroll"><table class="compare">'
    heads = "".join(
        f'<th scope="col">{escape(column.title)} <code>{escape(column.place)}</code></th>'
        for column in comparison.columns
    )
    yield f"<thead><tr><td></td>{heads}</tr></thead><tbody>"
    for key, value in (("status", "status"), ("since", "since")):
        cells = "".join(f"<td>{escape(getattr(column, value))}</td>" for column in comparison.columns)
        yield f'<tr><th scope="row">{escape(words[key])}</th>{cells}</tr>'
    for topic in comparison.topics:
        yield f'<tr><th scope="row">{escape(TOPIC_TITLES[topic][language])}</th>'
        for column in comparison.columns:
            entries = "".join(_entry_html(entry, column, language) for entry in column.about(topic))
            yield f"<td>{entries}</td>"
        yield "</tr>"
    yield "</tbody></table></div>"


def _entry_html(entry: Entry, column: Column, language: str) -> str:
    marks = "".join(f' <span class="mark">{escape(mark)}</span>' for mark in _marks(entry, column, language))
    cite = escape(str(entry.cite))
    if entry.source.link:
        cite = f'<a href="{escape(entry.source.link)}">{cite}</a>'
    title = escape(f"{entry.name}, {entry.source.checked}")
    return f'<p title="{title}">{escape(entry.words)}{marks} <cite>{cite}</cite></p>'
