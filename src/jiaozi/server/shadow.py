"""The reform that is tried beside the law: what it would decide otherwise, while payments run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jiaozi.errors import NotReady
from jiaozi.lab.shadow import Shown
from jiaozi.ledger.shadow import Shadow
from jiaozi.ledger.shadow_rows import NEWLY_ADMITTED, NEWLY_REFUSED, Difference
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.telling.diff import Change, diff_books
from jiaozi.rulebook.telling.explain import label
from jiaozi.server.console import Console, console_of
from jiaozi.server.figures import POLL_SECONDS
from jiaozi.server.language import Reader, reader_of
from jiaozi.server.live import KEEP_ALIVE_SECONDS, event
from jiaozi.server.reasons import needs_of

MOST_CHANGES = 100
"""A reform of a few lines changes less; one that changes more is read with `jiaozi law with-reform`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One reason: what it is called, its article, and how many transfers and fen are about it."""

    name: str
    title: Mapping[str, str]
    cite: str
    link: str
    is_draft: bool
    is_need: bool
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Way:
    """All that would be refused, or all that would be admitted."""

    word: str
    count: int
    amount_fen: int
    lines: tuple[Line, ...]


def shadow_page(request: Request) -> Response:
    """What the reform would decide otherwise so far, or how to start one."""
    console = console_of(request)
    found = console.office.shadow()
    values = shown(found, reader_of(request))
    return console.page(request, "shadow.html", here="law", folder=str(console.office.folder), **values)


def live_shadow(request: Request) -> Response:
    """Stream the same from what the reader has seen."""
    console = console_of(request)
    seen = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 20 else -1
    return StreamingResponse(
        events(console, reader_of(request), after),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def events(console: Console, reader: Reader, after: int) -> AsyncIterator[str]:
    """Give an event whenever more was compared, or another reform is tried, see `live.events`."""
    yield ": hello\n\n"
    quiet_seconds, seen = 0.0, None
    while not console.closing.is_set():
        try:
            found = await run_in_threadpool(console.office.shadow)
        except NotReady:  # the ledger was closed under us
            return
        last = found.shadow.last[0] if found.shadow else 0
        state = (found.placed, id(found.shadow), found.trouble, last)
        if state != seen and not (seen is None and last == after):
            html = await run_in_threadpool(live_part, console, reader, found)
            yield event(last, html)
            quiet_seconds = 0.0
        seen = state
        if quiet_seconds >= KEEP_ALIVE_SECONDS:
            yield ": still here\n\n"
            quiet_seconds = 0.0
        await anyio.sleep(POLL_SECONDS)
        quiet_seconds += POLL_SECONDS


def live_part(console: Console, reader: Reader, found: Shown) -> str:
    """Return the part of the page that moves."""
    return console.render(reader, "shadow_figures.html", **shown(found, reader))


def shown(found: Shown, reader: Reader) -> dict[str, Any]:
    """Return what both templates need."""
    shadow, placed = found.shadow, found.placed
    # The frame first and the sums after it: the frame may then be too low, and the next event mends that.
    last = shadow.last if shadow else (0, 0)
    difference = shadow.difference() if shadow else Difference()
    return {
        "name": shadow.name if shadow else placed.asked.reform if placed else "",
        "trouble": _trouble(found, reader),
        "shadow": shadow,
        "title": _title(shadow) if shadow else None,
        "asked": difference.asked,
        "last": last,
        "ways": _ways(shadow, difference) if shadow else (),
        "changes": changes_of(shadow, reader.language) if shadow else (),
    }


def _trouble(found: Shown, reader: Reader) -> str:
    frame = found.shadow.other_law_frame if found.shadow else 0
    return reader("shadow.other_law", frame=reader.count(frame)) if frame else found.trouble


def _title(shadow: Shadow) -> Mapping[str, str] | None:
    part = next((part for part in shadow.reformed.parts if part.name == shadow.name), None)
    return part.title if part else None


def _ways(shadow: Shadow, difference: Difference) -> tuple[Way, ...]:
    ways = (
        ("refused", NEWLY_REFUSED, shadow.reformed),
        ("admitted", NEWLY_ADMITTED, shadow.law),
    )
    return tuple(
        Way(word, *difference.total(direction), _lines(book, difference, direction))
        for word, direction, book in ways
    )


def _lines(book: Book, difference: Difference, direction: int) -> tuple[Line, ...]:
    needs, lines = needs_of(book), []
    for name, count, amount_fen in difference.by_reason(direction):
        known = label(book, name)
        link = known.source.link if known.source else ""
        is_need = name in needs
        lines.append(Line(name, known.title, known.cite, link, known.is_draft, is_need, count, amount_fen))
    return tuple(lines)


_known_changes: dict[tuple[bytes, bytes, str], tuple[Change, ...]] = {}


def changes_of(shadow: Shadow, language: str) -> tuple[Change, ...]:
    """Return what the reform changes, found once for all who look."""
    key = shadow.law.digest, shadow.reformed.digest, language
    if key not in _known_changes:
        if len(_known_changes) >= 8:
            _known_changes.clear()
        _known_changes[key] = diff_books(shadow.law, shadow.reformed, language)[:MOST_CHANGES]
    return _known_changes[key]
