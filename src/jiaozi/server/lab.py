"""The lab: what a reform would have done to the payments of this office.

A reform that came with the installation is named in the address, so the address repeats the
result; one that was pasted comes by POST, is tried and forgotten. Nothing enters the ledger:
a replay reads the journal beside its writer, and keeps what the law was asked in `lab/`.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from jiaozi.errors import Mistake, RulebookError
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.report.reform.pages import body
from jiaozi.report.reform.subject import Subject, subject_of
from jiaozi.report.reform.words import Words
from jiaozi.rulebook.reading.read import law_folder
from jiaozi.server.console import Console, console_of
from jiaozi.server.language import LANGUAGES, reader_of
from jiaozi.server.problem import Problem

MOST_CHARACTERS = 20_000
"""A reform is a page of text; whoever has a longer one has the command line."""

MOST_BODY_BYTES = 16 * MOST_CHARACTERS
"""A character takes up to twelve bytes in a form (%E8%AF%95 is one), and the mode is beside it."""

MOST_JOURNAL_BYTES = 2 << 30
WAIT_SECONDS = 60.0
PASTED = "pasted"
"""The name of the file that a pasted reform is read as."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A reform that came with the installation."""

    name: str
    title: dict[str, str]
    text: str


def lab_page(request: Request) -> Response:
    """The form, and below it the result for `?reform=…&mode=…`."""
    name = request.query_params.get("reform", "")
    mode = _mode(request.query_params.get("mode", ""))
    if not name:
        return _page(request, mode=mode)
    reform = shipped().get(name)
    if reform is None:
        raise Problem(404, "lab_no_reform", reform=name[:60])
    return _answer(request, reform.name, reform.text, mode)


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
    return await run_in_threadpool(_answer, request, PASTED, text, mode)


@cache
def shipped() -> dict[str, Shipped]:
    """Return the reforms that came with the installation, by name."""
    found = {}
    for path in sorted((law_folder() / "reforms").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        title = tomllib.loads(text)["reform"]["title"]
        found[path.stem] = Shipped(path.stem, {each: str(title[each]) for each in LANGUAGES}, text)
    return found


def _answer(request: Request, name: str, text: str, mode: Mode) -> Response:
    """Return the page with the result, or with what is wrong with the text."""
    console = console_of(request)
    pasted = text if name == PASTED else ""
    if console.office.ledger.state.book is None:
        return console.page(request, "empty.html", here="lab")
    try:
        subject = _replayed(console, name, text, mode)
    except RulebookError as error:
        lines = text.splitlines()
        mistakes = [(mistake, _line(mistake, name, lines)) for mistake in error.mistakes]
        return _page(request, mode=mode, chosen=name, pasted=pasted, mistakes=mistakes, status=400)
    result = body(subject, reader_of(request).language)
    return _page(request, mode=mode, chosen=name, pasted=pasted, result=result)


def _replayed(console: Console, name: str, text: str, mode: Mode) -> Subject:
    """Return the replay of the office's own journal. Raises `RulebookError`, `Problem`, `NotReady`."""
    journal, work = console.office.folder / "journal", console.office.folder / "lab"
    size = sum(path.stat().st_size for path in journal.glob("*.jzj"))
    if size > MOST_JOURNAL_BYTES:
        raise Problem(503, "lab_large", size=size >> 20, limit=MOST_JOURNAL_BYTES >> 20)
    asked = Asked(Tried(reforms=((name, text),)), mode=mode)
    book = console.office.ledger.state.book
    assert book is not None
    asked.tried.of(book)  # A mistake is found before the journal is read.
    with _alone(console):
        recorded = prepared(journal, work, stop=console.closing.is_set)
        found = replay(journal, asked, work=work, stop=console.closing.is_set)
    file = "reform.toml" if name == PASTED else f"{name}.toml"
    words = ["jiaozi", "lab", "replay", console.office.folder.name, "--law", file]
    return subject_of(found, recorded, asked, command=shlex.join([*words, "--mode", mode.value]))


@contextmanager
def _alone(console: Console) -> Iterator[None]:
    """Let one replay run at a time: they share a folder, and the ledger wants the other core."""
    if not console.replaying.acquire(timeout=WAIT_SECONDS):
        raise Problem(503, "lab_busy")
    try:
        yield
    finally:
        console.replaying.release()


def _page(
    request: Request,
    *,
    mode: Mode,
    chosen: str = "",
    pasted: str = "",
    mistakes: list[tuple[Mistake, str]] | None = None,
    result: object = None,
    status: int = 200,
) -> Response:
    words = Words(reader_of(request).language)
    return console_of(request).page(
        request,
        "lab.html",
        status=status,
        here="lab",
        reforms=list(shipped().values()),
        modes=[(each.value, words(f"mode.{each}"), words(f"mode.{each}_is")) for each in Mode],
        mode=mode.value,
        chosen=chosen,
        pasted=pasted,
        example=next(iter(shipped().values())).text,
        limit=f"{MOST_CHARACTERS:,}",
        most=MOST_CHARACTERS,
        mistakes=mistakes or [],
        trial=(words("mark.trial"), words("mark.trial_is")),
        result=result,
    )


def _mode(text: str) -> Mode:
    if not text:
        return Mode.AS_IT_HAPPENED
    try:
        return Mode(text)
    except ValueError:
        raise Problem(400, "lab_no_mode", mode=text[:40]) from None


def _line(mistake: Mistake, name: str, lines: list[str]) -> str:
    """Return the line of the text that a mistake is in; empty where it is in another file, or in none."""
    is_own = mistake.file == f"{name}.toml" and 0 < mistake.line <= len(lines)
    return lines[mistake.line - 1] if is_own else ""
