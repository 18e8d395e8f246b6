"""The law of a day."""

from __future__ import annotations

from datetime import date, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from jiaozi.clock import Instant, day_of, day_start
from jiaozi.rulebook.telling import page as law_text
from jiaozi.rulebook.timeline import cuts
from jiaozi.server.console import console_of
from jiaozi.server.language import reader_of
from jiaozi.server.problem import Problem

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


def law_page(request: Request) -> Response:
    """What the ledger's law says on a day, today if none is named."""
    console = console_of(request)
    book = console.office.ledger.state.book
    if book is None:
        return console.page(request, "empty.html", here="law")
    today = day_of(console.office.clock())
    asked = request.query_params.get("day", "")
    day = day_from(asked) if asked else today
    instant = end_of(day)
    language = reader_of(request).language
    changes = sorted({day_of(cut) for cut in cuts(book)})
    return console.page(
        request,
        "law.html",
        here="law",
        book=book,
        day=day,
        today=today,
        first=FIRST_DAY,
        last=LAST_DAY,
        changes=changes,
        before=max((change for change in changes if change < day), default=None),
        after=min((change for change in changes if change > day), default=None),
        sections=law_text.sections(book, instant, language),
        # The one text that is not escaped here: `page.html` has escaped every word of it.
        text=Markup(law_text.html(book, instant, language)),
    )


def day_from(text: str) -> date:
    """Return the day written as `2026-12-15`. Raises `Problem`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != 10 or not FIRST_DAY <= day <= LAST_DAY:
        raise Problem(400, "bad_day", day=text[:40])
    return day


def end_of(day: date) -> Instant:
    """Return the last instant of *day* in Shanghai, so that whatever begins on a day is shown on it."""
    return Instant(day_start(day + timedelta(days=1)) - 1)
