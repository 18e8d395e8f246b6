"""Figures that move while payments run: server-sent events, one stream a page.

The number of an event is the sequence of the journal, so a browser that was away
says with `Last-Event-ID` what it has seen, and gets news only if there is any. An
event carries the part of the page that moves, as HTML from the template of the
page. It has no name, so htmx swaps it in; what little remains for a script of
ours is in `static/live.js`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from jiaozi.errors import NotReady
from jiaozi.server.console import Console, console_of
from jiaozi.server.figures import POLL_SECONDS
from jiaozi.server.language import Reader, reader_of
from jiaozi.server.overview import live_part

KEEP_ALIVE_SECONDS = 15.0


def live(request: Request) -> Response:
    """Stream the figures of a coin from what the reader has seen."""
    console = console_of(request)
    coin = console.coin(request.path_params["coin"])
    seen = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 20 else -1
    return StreamingResponse(
        events(console, coin.id, reader_of(request), after),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def events(console: Console, coin_id: str, reader: Reader, after: int) -> AsyncIterator[str]:
    """Give an event whenever the journal has moved past *after*; a comment now and then keeps the line open.

    Each wait is short, so that a stop of the server ends the stream at once. `sse-starlette`
    would do the same, and change the signal handling of the whole process to do it.
    """
    yield ": hello\n\n"
    quiet_seconds, rest_seconds = 0.0, 0.0
    while not console.closing.is_set():
        if rest_seconds <= 0 and console.office.ledger.sequence != after:
            try:
                figures = await run_in_threadpool(console.figures.of, coin_id)
            except NotReady:  # the ledger was closed under us
                return
            if figures.sequence != after:
                html = await run_in_threadpool(live_part, console, reader, figures)
                yield event(figures.sequence, html)
                after, quiet_seconds = figures.sequence, 0.0
            rest_seconds = console.figures.rest_seconds
        if quiet_seconds >= KEEP_ALIVE_SECONDS:
            yield ": still here\n\n"
            quiet_seconds = 0.0
        await anyio.sleep(POLL_SECONDS)
        quiet_seconds += POLL_SECONDS
        rest_seconds -= POLL_SECONDS


def event(sequence: int, html: str) -> str:
    """Return one event of the stream; a line end in the data begins a new line of it."""
    data = "\n".join(f"data: {line}" for line in html.splitlines() if line.strip())
    return f"id: {sequence}\n{data}\n\n"
