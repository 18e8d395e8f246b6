"""Who moved when: the steps of places on their way, as a picture, a table and data.

A lane is a place, a mark is a step, and its number leads to the table below, where
each step has its text. A hollow mark lies after the day of the picture; a dashed
one is not confirmed by a second source; a month without a day stands on its first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Any

from jiaozi.rulebook.model import Book, Confidence, Step
from jiaozi.rulebook.telling.document import NOT_ADVICE, document
from jiaozi.rulebook.telling.picture import KIND_TITLES, day_text, picture

_WORDS = {
    "en": {
        "title": "Who moved when",
        "note": "Steps taken as of {}. Hollow: still to come. Dashed: one source only. History, not a forecast.",
        "day": "Day",
        "place": "Place",
        "step": "Step",
        "what": "What happened",
        "source": "Source",
        "unconfirmed": "unconfirmed",
    },
    "zh": {
        "title": "各地进程时间表",
        "note": "截至{}的进程。空心：尚未到来；虚线：仅一处来源。仅为历史，不作预测。",
        "day": "日期",
        "place": "地区",
        "step": "步骤",
        "what": "事件",
        "source": "来源",
        "unconfirmed": "未确认",
    },
}

FIELDS = ("day", "place", "kind", "title", "source", "link", "confidence")


def steps_of(book: Book, places: Sequence[str] = ()) -> tuple[Step, ...]:
    """Return the steps of *places* (of all by default) in order of their days. Raises `ValueError`."""
    for place in places:
        if place not in book.vocabulary.places:
            raise ValueError(f"no such place {place!r}; places are {', '.join(book.vocabulary.places)}")
    return tuple(step for step in book.steps if not places or step.place in places)


def as_text(steps: Sequence[Step], language: str) -> str:
    """Return the steps as lines for a terminal."""
    words = _WORDS[language]
    span = max((len(step.place) for step in steps), default=2) + 2
    lines = []
    for step in steps:
        mark = f" [{words['unconfirmed']}]" if step.confidence is Confidence.UNCONFIRMED else ""
        kind = KIND_TITLES[step.kind][language]
        lines.append(
            f"{day_text(step):<12}{step.place:<{span}}{kind:<14}{step.title[language]}{mark}  ({step.source})"
        )
    return "\n".join(lines) + "\n"


def as_csv(book: Book, steps: Sequence[Step], language: str) -> str:
    """Return the steps as CSV (RFC 4180)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS)
    writer.writeheader()
    writer.writerows(as_data(book, steps, language))
    return out.getvalue()


def as_data(book: Book, steps: Sequence[Step], language: str) -> list[dict[str, Any]]:
    """Return the steps as plain data for JSON."""
    return [
        {
            "day": day_text(step),
            "place": step.place,
            "kind": step.kind,
            "title": step.title[language],
            "source": step.source,
            "link": book.sources[step.source].link,
            "confidence": str(step.confidence),
        }
        for step in steps
    ]


def as_html(book: Book, steps: Sequence[Step], today: date, language: str) -> str:
    """Return a stand-alone page with the picture and the table."""
    return document(_WORDS[language]["title"], fragment(book, steps, today, language), language, is_wide=True)


def fragment(book: Book, steps: Sequence[Step], today: date, language: str) -> str:
    """Return the picture and the table as a fragment for a page's body."""
    words = _WORDS[language]
    heads = "".join(
        f'<th scope="col">{escape(words[key])}</th>' for key in ("day", "place", "step", "what", "source")
    )
    lines = [
        f'<p class="not-advice">{escape(NOT_ADVICE[language])} {escape(words["note"].format(today))}</p>',
        f'<div class="scroll">{picture(book, steps, today, language)}</div>',
        f'<div class="scroll"><table><thead><tr><th scope="col">#</th>{heads}</tr></thead><tbody>',
        *(_row(book, number, step, language) for number, step in enumerate(steps, start=1)),
        "</tbody></table></div>",
    ]
    return "\n".join(lines)


def _row(book: Book, number: int, step: Step, language: str) -> str:
    source = book.sources[step.source]
    named = escape(source.id)
    cite = f'<a href="{escape(source.link)}">{named}</a>' if source.link else named
    mark = ""
    if step.confidence is Confidence.UNCONFIRMED:
        mark = f' <span class="mark">{escape(_WORDS[language]["unconfirmed"])}</span>'
    place = escape(book.vocabulary.places[step.place].title[language])
    kind = escape(KIND_TITLES[step.kind][language])
    return (
        f'<tr id="step-{number}"><th scope="row">{number}</th><td class="narrow">{day_text(step)}</td>'
        f'<td class="narrow">{place}</td><td class="narrow">{kind}</td>'
        f'<td>{escape(step.title[language])}{mark}</td><td class="narrow"><cite>{cite}</cite></td></tr>'
    )
