"""The lab: what a reform would have done to the payments of this office.

A reform that came with the installation is named in the address, so the address repeats the
result; one that was pasted comes by POST and is kept in memory, among the last few, under the
digest of its law. Nothing enters the ledger: a replay reads the journal beside its writer, in
the background (`replays`), and keeps what the law was asked in `lab/`. Until it is done the
page shows how far it is and asks again, with the frame in its address that it waits for.
"""

from __future__ import annotations

import logging
import secrets
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from jiaozi.errors import JiaoziError, Mistake, RulebookError
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked, Mode
from jiaozi.report.reform.pages import body
from jiaozi.report.reform.words import Words
from jiaozi.rulebook.reading.read import law_folder
from jiaozi.server.console import Console, console_of
from jiaozi.server.language import LANGUAGES, Reader, reader_of
from jiaozi.server.problem import Problem
from jiaozi.server.replays import Phase, Run, Trial

MOST_CHARACTERS = 20_000
"""A reform is a page of text; whoever has a longer one has the command line."""

MOST_BODY_BYTES = 16 * MOST_CHARACTERS
"""A character takes up to twelve bytes in a form (%E8%AF%95 is one), and the mode is beside it."""

MOST_JOURNAL_BYTES = 2 << 30
GLANCE_SECONDS, PATIENCE_SECONDS = 0.3, 2.7
"""How long a request waits before it shows a bar: at most the first, or the second where the journal is read
already and only the replay is left. That of an office of 10,000 holders takes a quarter of a second."""

PASTED = "pasted"
"""The name of the file that a pasted reform is read as."""

_log = logging.getLogger("jiaozi.server")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A reform that came with the installation."""

    name: str
    title: dict[str, str]
    text: str


def lab_page(request: Request) -> Response:
    """The form, and below it the result for `?reform=…&mode=…`, or for `?pasted=…&mode=…`."""
    console = console_of(request)
    name, digest = request.query_params.get("reform", ""), request.query_params.get("pasted", "")
    mode = _mode(request.query_params.get("mode", ""))
    since = _since(request, console)
    if name:
        reform = shipped().get(name)
        if reform is None:
            raise Problem(404, "lab_no_reform", reform=name[:60])
        return _answer(request, reform.name, reform.text, mode, since)
    if digest:
        text = console.replays.text_of(digest)
        if text is None:
            raise Problem(410, "lab_forgotten")
        return _answer(request, PASTED, text, mode, since)
    return _form(request, mode, since)


async def pasted_page(request: Request) -> Response:
    """The same for a reform that was pasted into the form."""
    # A page of another site may send a form here: it would learn nothing, but keep this machine busy.
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Problem(403, "lab_foreign")
    sent = bytearray()
    async for piece in request.stream():
        sent += piece
        if len(sent) > MOST_BODY_BYTES:
            raise Problem(413, "lab_long", limit=f"{MOST_CHARACTERS:,}")
    try:
        fields = parse_qs(sent.decode("ascii"), max_num_fields=8, errors="strict")
    except (ValueError, UnicodeError):
        raise Problem(400, "bad_request") from None
    text = fields.get("text", [""])[0].replace("\r\n", "\n")
    if not text.strip():
        raise Problem(400, "lab_no_text")
    if len(text) > MOST_CHARACTERS:
        raise Problem(413, "lab_long", limit=f"{MOST_CHARACTERS:,}")
    mode = _mode(fields.get("mode", [""])[0])
    return await run_in_threadpool(_pasted, request, text, mode)


@cache
def shipped() -> dict[str, Shipped]:
    """Return the reforms that came with the installation, by name."""
    found = {}
    for path in sorted((law_folder() / "reforms").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        title = tomllib.loads(text)["reform"]["title"]
        found[path.stem] = Shipped(path.stem, {each: str(title[each]) for each in LANGUAGES}, text)
    return found


def _form(request: Request, mode: Mode, since: int) -> Response:
    """Return the form alone. Whoever opens it will ask soon: what the journal has new is recorded meanwhile."""
    console = console_of(request)
    is_first = "since" not in request.query_params
    run = None
    if console.office.ledger.state.book is not None and _journal_bytes(console) <= MOST_JOURNAL_BYTES:
        run = console.replays.warm(since) if is_first else console.replays.recording(since)
    if run is None or (is_first and run.settled.wait(GLANCE_SECONDS)):
        return _page(request, mode=mode)
    return _page(request, mode=mode, run=run, again=f"/lab?{urlencode({'since': since})}")


def _pasted(request: Request, text: str, mode: Mode) -> Response:
    """Send to the address of the result, or tell what is wrong with the text."""
    console = console_of(request)
    if console.office.ledger.state.book is None:
        return console.page(request, "empty.html", here="lab")
    try:
        trial = _trial(console, PASTED, text, mode)
    except RulebookError as error:
        return _mistaken(request, error, PASTED, text, mode)
    digest = trial.asked.tried.digest[:32]
    console.replays.remember(digest, text)
    # The language goes by cookie; where the reader asked for one in the address, it goes with it.
    asked = {name: request.query_params[name] for name in ("lang",) if name in request.query_params}
    return RedirectResponse(f"/lab?{urlencode({'pasted': digest, 'mode': mode.value, **asked})}", 303)


def _answer(request: Request, name: str, text: str, mode: Mode, since: int) -> Response:
    """Return the page with the result, with how far it is, or with what is wrong."""
    console = console_of(request)
    if console.office.ledger.state.book is None:
        return console.page(request, "empty.html", here="lab")
    try:
        trial = _trial(console, name, text, mode)
        run = console.replays.ask(trial, since)
        is_poll = "since" in request.query_params
        if not _is_settled(run, GLANCE_SECONDS if is_poll else PATIENCE_SECONDS):
            again = str(request.url.include_query_params(since=since).query)
            return _page(
                request, mode=mode, chosen=name, text=text, run=run, again=f"/lab?{again}", status=202
            )
    except RulebookError as error:
        return _mistaken(request, error, name, text, mode)
    if isinstance(run.error, RulebookError):
        # Not raised: all who ask share it, and each time it is raised its traceback keeps one more request.
        return _mistaken(request, run.error, name, text, mode)
    if run.subject is None:
        console.replays.drop(run)
        trouble = _trouble(run.error, reader_of(request))
        return _page(request, mode=mode, chosen=name, text=text, trouble=trouble, status=503)
    result = body(run.subject, reader_of(request).language)
    newer = max(console.office.ledger.durable - run.sequence, 0)
    anew = str(request.url.remove_query_params("since").query)
    return _page(request, mode=mode, chosen=name, text=text, result=result, newer=newer, again=f"/lab?{anew}")


def _trial(console: Console, name: str, text: str, mode: Mode) -> Trial:
    """Return what is asked. Raises `RulebookError` before the journal is read, and `Problem` for one too large."""
    size = _journal_bytes(console)
    if size > MOST_JOURNAL_BYTES:
        raise Problem(503, "lab_large", size=size >> 20, limit=MOST_JOURNAL_BYTES >> 20)
    asked = Asked(Tried(reforms=((name, text),)), mode=mode)
    book = console.office.ledger.state.book
    assert book is not None
    asked.tried.of(book)
    file = "reform.toml" if name == PASTED else f"{name}.toml"
    words = ["jiaozi", "lab", "replay", console.office.folder.name, "--law", file, "--mode", mode.value]
    return Trial(asked, name, text, shlex.join(words))


def _is_settled(run: Run, patience_seconds: float) -> bool:
    """Wait a moment, longer where only the replay is left; return whether there is an answer."""
    if run.settled.wait(GLANCE_SECONDS):
        return True
    return run.phase is Phase.REPLAYING and run.settled.wait(patience_seconds - GLANCE_SECONDS)


def _trouble(error: Exception | None, reader: Reader) -> str:
    """Return what went wrong; of what nobody foresaw, a number to quote, which the log has too."""
    if isinstance(error, JiaoziError):
        return str(error)
    number = secrets.token_hex(4)
    _log.error("fault %s in a replay", number, exc_info=error)
    return reader("problem.fault", number=number)


def _mistaken(request: Request, error: RulebookError, name: str, text: str, mode: Mode) -> Response:
    lines = text.splitlines()
    mistakes = [(mistake, _line(mistake, name, lines)) for mistake in error.mistakes]
    return _page(request, mode=mode, chosen=name, text=text, mistakes=mistakes, status=400)


def _journal_bytes(console: Console) -> int:
    return sum(path.stat().st_size for path in (console.office.folder / "journal").glob("*.jzj"))


def _page(
    request: Request,
    *,
    mode: Mode,
    chosen: str = "",
    text: str = "",
    mistakes: list[tuple[Mistake, str]] | None = None,
    trouble: str = "",
    run: Run | None = None,
    again: str = "",
    newer: int = 0,
    result: object = None,
    status: int = 200,
) -> Response:
    words, own = Words(reader_of(request).language), _own(console_of(request))
    return console_of(request).page(
        request,
        "lab.html",
        status=status,
        here="lab",
        reforms=list(shipped().values()),
        modes=[(each.value, words(f"mode.{each}"), words(f"mode.{each}_is")) for each in Mode],
        mode=mode.value,
        chosen=chosen if chosen in shipped() else own.name,
        is_asked=bool(chosen),
        pasted=text if chosen == PASTED else "",
        example=own.text,
        limit=f"{MOST_CHARACTERS:,}",
        most=MOST_CHARACTERS,
        mistakes=mistakes or [],
        trouble=trouble,
        run=run,
        again=again,
        newer=newer,
        trial=(words("mark.trial"), words("mark.trial_is")),
        result=result,
    )


def _own(console: Console) -> Shipped:
    """Return a reform to begin with: the first that names the place of the office's own issuer, else the first."""
    register, reforms = console.office.ledger.state.register, list(shipped().values())
    zones = [register.issuers[coin.issuer] for coin in console.coins]
    own = (each for each in reforms if zones and f'"{zones[0]}' in each.text)
    return next(own, reforms[0])


def _mode(text: str) -> Mode:
    if not text:
        return Mode.AS_IT_HAPPENED
    try:
        return Mode(text)
    except ValueError:
        raise Problem(400, "lab_no_mode", mode=text[:40]) from None


def _since(request: Request, console: Console) -> int:
    """Return the frame that an answer has to reach: that of the address, or the last there is."""
    text, last = request.query_params.get("since", ""), console.office.ledger.durable
    return min(int(text), last) if text.isascii() and text.isdigit() and len(text) < 20 else last


def _line(mistake: Mistake, name: str, lines: list[str]) -> str:
    """Return the line of the text that a mistake is in; empty where it is in another file, or in none."""
    is_own = mistake.file == f"{name}.toml" and 0 < mistake.line <= len(lines)
    return lines[mistake.line - 1] if is_own else ""
