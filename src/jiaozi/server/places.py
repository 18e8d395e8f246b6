"""Places side by side on a day, and who moved when: the law that came with this installation.

The ledger's own law is on the page of the law. Here stand all places, with
proposals and drafts beside the law, each marked as what it is.
"""

from __future__ import annotations

from functools import cache

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from jiaozi.clock import day_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import ALL, read_folder
from jiaozi.rulebook.telling import compare_show, moves
from jiaozi.rulebook.telling.compare import compare
from jiaozi.server.console import console_of
from jiaozi.server.language import reader_of
from jiaozi.server.law import FIRST_DAY, LAST_DAY, day_from


@cache
def _law() -> Book:
    return read_folder(drafts=[ALL])


def compare_page(request: Request) -> Response:
    """Every place side by side on a day, today if none is named."""
    console = console_of(request)
    today = day_of(console.office.clock())
    asked = request.query_params.get("day", "")
    day = day_from(asked) if asked else today
    found = compare(_law(), day, reader_of(request).language)
    return console.page(
        request,
        "places.html",
        here="law",
        path="/law/compare",
        day=day,
        first=FIRST_DAY,
        last=LAST_DAY,
        # Escaped word by word where it was written.
        text=Markup(compare_show.fragment(found)),
    )


def timeline_page(request: Request) -> Response:
    """Who moved when."""
    console = console_of(request)
    law, today = _law(), day_of(console.office.clock())
    text = moves.fragment(law, moves.steps_of(law), today, reader_of(request).language)
    return console.page(
        request,
        "places.html",
        here="law",
        path="/law/timeline",
        day=None,
        text=Markup(text),
    )
