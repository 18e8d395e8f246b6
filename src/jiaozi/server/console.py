"""What the pages share: the office, the templates, and the language of whoever reads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from jiaozi.lab.replay.replay import coming
from jiaozi.ledger.numbers import account_text
from jiaozi.ledger.register import Coin
from jiaozi.money import decimal_text
from jiaozi.office import Office
from jiaozi.server.assets import asset_url
from jiaozi.server.figures import Figures
from jiaozi.server.language import COOKIE, LANGUAGES, Reader, reader_of
from jiaozi.server.problem import Problem
from jiaozi.server.replays import Replays

YEAR_SECONDS = 365 * 24 * 60 * 60


@dataclass
class Console:
    """One office as the pages see it. *notice* is a sentence for every page, by language."""

    office: Office
    notice: Mapping[str, str] | None = None
    figures: Figures = field(init=False)
    replays: Replays = field(init=False)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.figures = Figures(self.office)
        journal, work = self.office.folder / "journal", self.office.folder / "lab"
        self.replays = Replays(journal, work, closing=self.closing, coming=lambda: coming(journal, work))

    @property
    def coins(self) -> Sequence[Coin]:
        """Every coin, in the order of their creation."""
        return list(self.office.ledger.state.register.coins.values())

    def coin(self, coin_id: str) -> Coin:
        """Return the coin *coin_id*. Raises `Problem`."""
        found = self.office.ledger.state.register.coins.get(coin_id)
        if found is None:
            raise Problem(404, "no_coin", coin=coin_id[:80])
        return found

    def page(self, request: Request, template: str, *, status: int = 200, **values: object) -> Response:
        """Return *template* as a page in the reader's language."""
        reader = reader_of(request)
        book = self.office.ledger.state.book
        text = self.render(
            reader,
            template,
            request=request,
            languages=[(language, f"?{_with_language(request, language)}") for language in LANGUAGES],
            is_draft=book is not None and book.is_draft,
            notice=self.notice,
            **values,
        )
        headers = {"content-language": reader.tag, "vary": "accept-language, cookie, hx-request-type"}
        response = HTMLResponse(text, status, headers)
        if request.query_params.get("lang") == reader.language:
            response.set_cookie(COOKIE, reader.language, max_age=YEAR_SECONDS, httponly=True, samesite="lax")
        return response

    def render(self, reader: Reader, template: str, **values: object) -> str:
        """Return *template* as text; `t` speaks the reader's language in it."""
        return _templates().get_template(template).render(t=reader, **values)

    def answer(self, request: Request, problem: Problem) -> Response:
        """Return *problem* as JSON to a machine and as a page to a person."""
        reader = reader_of(request)
        sentence = problem.sentence(reader)
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": problem.name, "detail": sentence}, problem.status)
        template = "problem_part.html" if wants_part(request) else "problem.html"
        return self.page(request, template, status=problem.status, here="", sentence=sentence)


def wants_part(request: Request) -> bool:
    """Whether htmx asks, and will put the answer into a page that is there already."""
    return request.headers.get("hx-request-type") == "partial"


def console_of(request: Request) -> Console:
    """Return the console that answers *request*."""
    console: Console = request.app.state.console
    return console


@cache
def _templates() -> Environment:
    """Return the templates. Whatever is put in is escaped; a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("jiaozi.server"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset_url
    environment.filters["account"] = account_text
    environment.filters["account_path"] = account_path
    environment.filters["decimal"] = decimal_text
    environment.filters["in_fours"] = in_fours
    return environment


def account_path(account: int) -> str:
    """Return *account* as it stands in addresses: its twelve digits."""
    return account_text(account).replace(" ", "")


def in_fours(digest: str) -> str:
    """Return the start of a digest in groups of four, as people compare them aloud."""
    return " ".join(digest[start : start + 4] for start in range(0, min(len(digest), 16), 4))


def _with_language(request: Request, language: str) -> str:
    """Return the query of *request* with another language, relative, so that it leads nowhere else."""
    return request.url.include_query_params(lang=language).query
