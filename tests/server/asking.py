"""A browser without a screen: asks an application in this process, keeps cookies, follows nothing.

Starlette's own test client wants another HTTP library than we have; this is all we need of it.
"""

from __future__ import annotations

import asyncio

import httpx
from starlette.applications import Starlette


class Client:
    """Asks *app* under the name *site*."""

    def __init__(self, app: Starlette, site: str = "http://127.0.0.1:8023") -> None:
        self.app = app
        self.site = site
        self.cookies = httpx.Cookies()

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Return the answer, whole."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, cookies=self.cookies) as client:
                answer = await client.request(method, self.site + path, headers=headers)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())
