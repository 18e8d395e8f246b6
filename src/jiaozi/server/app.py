"""The console as a whole: every route in one list, and how it is run.

with Background(office) as console: print(console.url)    beside a pilot
serve(office)                                             until Ctrl-C
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from jiaozi.office import Office
from jiaozi.server import api, checkpoints, holders, lab, law, live, overview, places, queue, serving, shadow
from jiaozi.server.assets import assets
from jiaozi.server.console import Console
from jiaozi.server.guard import LOOPBACK, Guard
from jiaozi.server.problem import Problem, problem_of

PORT = 8023
"""7,000 and the year 1023, in which the state took over the *jiaozi* of Chengdu."""

ROUTES = (
    Route("/", overview.overview_page),
    Route("/coins/{coin}", overview.overview_page),
    Route("/live/{coin}", live.live),
    Route("/holders", holders.search_page),
    Route("/holders/{account}", holders.holder_page),
    Route("/holders/{account}/proof", holders.proof_file),
    Route("/law", law.law_page),
    Route("/law/compare", places.compare_page),
    Route("/law/timeline", places.timeline_page),
    Route("/lab", lab.lab_page),
    Route("/lab", lab.pasted_page, methods=["POST"]),
    Route("/shadow", shadow.shadow_page),
    Route("/live-shadow", shadow.live_shadow),
    Route("/queue", queue.queue_page),
    Route("/checkpoints", checkpoints.first_checkpoint),
    Route("/checkpoints/{coin}", checkpoints.checkpoint_page),
    Route("/checkpoints/{coin}/{epoch:int}", checkpoints.note_file),
    Route("/verify_jiaozi.py", checkpoints.verifier_file),
    Route("/verify.html", checkpoints.verifier_page),
    Route("/api/overview", api.overviews),
    Route("/api/overview/{coin}", api.one_overview),
    Route("/api/holders/{account}", api.one_holder),
    Route("/api/queue", api.queue),
)


def create_app(
    office: Office, *, notice: Mapping[str, str] | None = None, hosts: Collection[str] = LOOPBACK
) -> Starlette:
    """Return the console of *office* as an ASGI application.

    *notice* is a sentence for the head of every page, in `en` and `zh`, such as that its people
    are invented. *hosts* are the names it answers to: nothing else, whoever asks.
    """
    console = Console(office, notice)

    async def on_problem(request: Request, error: Exception) -> Response:
        problem = error if isinstance(error, Problem) else problem_of(_status(error))
        return console.answer(request, problem)

    app = Starlette(
        routes=[*ROUTES, Route("/static/{digest}/{name}", static_file), Route("/robots.txt", robots)],
        middleware=[Middleware(Guard, hosts=hosts, answer=console.answer)],
        exception_handlers={Problem: on_problem, HTTPException: on_problem},
    )
    app.state.console = console
    return app


def serve(
    office: Office,
    host: str = "127.0.0.1",
    port: int = PORT,
    *,
    ready: Callable[[str], None] | None = None,
    notice: Mapping[str, str] | None = None,
    hosts: Collection[str] = LOOPBACK,
) -> None:
    """Serve the console of *office* until Ctrl-C; *ready* is called with its address once it accepts.

    Raises `NotReady` when the port is taken. Who serves on another address than this machine's own
    has to name in *hosts* what it is called there: the pages show names, and there is no sign-in.
    """
    app = create_app(office, notice=notice, hosts=hosts)
    listening = serving.listen(host, port)
    url = serving.url_of(listening)
    closing = app.state.console.closing
    serving.run(app, closing, listening, lambda: ready(url) if ready else None)


class Background(serving.Thread):
    """The console in a thread: `with Background(office) as console: console.url`. Port 0 is a free one."""

    def __init__(
        self,
        office: Office,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        notice: Mapping[str, str] | None = None,
        hosts: Collection[str] = LOOPBACK,
    ) -> None:
        app = create_app(office, notice=notice, hosts=hosts)
        super().__init__(app, app.state.console.closing, serving.listen(host, port))


def static_file(request: Request) -> Response:
    """A file of the browser's, under the digest of its content."""
    asset = assets().get(request.path_params["name"])
    if asset is None or asset.digest != request.path_params["digest"]:
        raise problem_of(404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def robots(_: Request) -> Response:
    """Nothing here is for search engines."""
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


def _status(error: Exception) -> int:
    return error.status_code if isinstance(error, HTTPException) else 500
