"""Around everything: which hosts may ask, what a browser may load, and a calm answer to a fault.

A page on another site may point its own host name at 127.0.0.1 and then read what
answers there (DNS rebinding). Such a request carries the foreign name in its Host
header, so only the names of this machine are answered.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jiaozi.errors import NotReady
from jiaozi.server.problem import Problem, problem_of

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

Answer = Callable[[Request, Problem], Response]
_log = logging.getLogger("jiaozi.server")


class Guard:
    """Stands before the routes. *answer* turns a problem into a page or JSON."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], answer: Answer) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)  # the verifier's page has a stricter policy of its own
                # Pages show names and balances: no cache on the way may keep them.
                headers.setdefault("cache-control", "no-store")
            await send(message)

        request = Request(scope)
        if host_of(Headers(scope=scope).get("host", "")) not in self.hosts:
            await self.answer(request, problem_of(421))(scope, receive, guarded)
            return
        try:
            await self.app(scope, receive, guarded)
        except Exception as error:
            if has_begun:  # half an answer is on its way: nothing can be said any more
                raise
            await self.answer(request, _problem(request, error))(scope, receive, guarded)


def _problem(request: Request, error: Exception) -> Problem:
    """Log what went wrong, and return what its reader is told: never more than a number to quote."""
    if isinstance(error, NotReady):
        return problem_of(503)
    number = secrets.token_hex(4)
    _log.error("fault %s at %s %a", number, request.method, request.url.path, exc_info=error)
    return Problem(500, "fault", number=number)


def host_of(header: str) -> str:
    """Return the name in a Host header without its port: `[::1]:8023` is `[::1]`."""
    name = header.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]
