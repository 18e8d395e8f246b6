"""Running the console: in the foreground until Ctrl-C, or in a thread beside something else."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from jiaozi.errors import NotReady

GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """A uvicorn server that says when it accepts, and tells live streams that it stops.

    uvicorn waits for open answers before it stops, and a stream never ends by itself.
    """

    def __init__(self, app: Starlette, closing: threading.Event, ready: Callable[[], None]) -> None:
        # The list of servers' own features is short on purpose: no WebSocket, no proxy headers.
        config = uvicorn.Config(
            app,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._closing = closing
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop."""
        self._closing.set()
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        self._closing.set()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host*; port 0 takes a free one. Raises `NotReady` when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "no such port"
        raise NotReady(f"cannot listen on {host} port {port} ({why}); name another with --port") from None


def url_of(listening: socket.socket) -> str:
    """Return the address to open in a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def run(
    app: Starlette, closing: threading.Event, listening: socket.socket, ready: Callable[[], None]
) -> None:
    """Serve until Ctrl-C or a signal to stop."""
    try:
        Server(app, closing, ready).run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn has stopped cleanly and hands the signal on
        return


class Thread:
    """A server in a thread, accepting when entered and stopped when left."""

    def __init__(self, app: Starlette, closing: threading.Event, listening: socket.socket) -> None:
        self.url = url_of(listening)
        self._listening = listening
        self._accepting = threading.Event()
        self._server = Server(app, closing, self._accepting.set)
        self._thread = threading.Thread(target=self._run, name="jiaozi-console", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._accepting.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._accepting.set()  # whoever waits is never left waiting
            self._listening.close()
