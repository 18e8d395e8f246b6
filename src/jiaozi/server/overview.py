"""One coin at a glance."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from jiaozi.report.overview import MinuteCount, Overview, Sheet
from jiaozi.server.console import Console, console_of
from jiaozi.server.language import Reader
from jiaozi.server.reasons import needs_of

MINUTES_IN_TABLE = 30


def overview_page(request: Request) -> Response:
    """The first coin, or the one that is named; a word of welcome before there is any."""
    console = console_of(request)
    coins = console.coins
    if "coin" not in request.path_params and not coins:
        return console.page(request, "empty.html", here="overview")
    coin = console.coin(request.path_params["coin"]) if "coin" in request.path_params else coins[0]
    figures = console.figures.of(coin.id)
    values = {"coins": coins, **shown(console, figures)}
    return console.page(request, "overview.html", here="overview", **values)


def live_part(console: Console, reader: Reader, figures: Overview) -> str:
    """Return the part of the page that moves."""
    return console.render(reader, "figures.html", **shown(console, figures))


def shown(console: Console, figures: Overview) -> dict[str, Any]:
    """Return what both templates need."""
    return {
        "figures": figures,
        "needs": needs_of(console.office.book),
        "latest": latest_minutes(figures),
        "refusal_count": sum(refusal.count for refusal in figures.refusals),
        "sides": sides_of(figures.sheet),
    }


def latest_minutes(figures: Overview) -> list[MinuteCount]:
    """Return the newest minutes with payments, newest first."""
    return list(reversed(figures.minutes[-MINUTES_IN_TABLE:]))


def sides_of(sheet: Sheet | None) -> tuple[list[tuple[str, int]], list[tuple[str, int]]] | None:
    """Return the two sides of the issuer's sheet: keys of `[sheet]` in words.toml with their amounts."""
    if sheet is None:
        return None
    assets = [("reserve", sheet.reserve)]
    debts = [
        ("coins", sheet.coins),
        ("client_money", sheet.client_money),
        ("unmatched", sheet.unmatched),
        ("redemptions", sheet.redemptions),
    ]
    return assets, debts
