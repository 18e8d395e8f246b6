"""Holders: search, one page each, and the proof of a balance."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from jiaozi.errors import FactError, JournalError, ProofError
from jiaozi.ledger.numbers import account_from_text
from jiaozi.people.parties import Party
from jiaozi.server.console import Console, account_path, console_of, wants_part
from jiaozi.server.holder import Entry, Holder, entries_of, holder_at
from jiaozi.server.language import reader_of
from jiaozi.server.problem import Problem
from jiaozi.server.reasons import needs_of

QUERY_MAX = 140
ROWS = 20
DIGITS = 12
"""Of an account number in full."""


def search_page(request: Request) -> Response:
    """Look for a holder by number or by name; while he is typed, answer with the list only."""
    console, is_typing = console_of(request), wants_part(request)
    asked = request.query_params.get("q", "").strip()
    if len(asked) > QUERY_MAX:
        raise Problem(400, "long_query", limit=QUERY_MAX)
    found: list[Party] = []
    problem: Problem | None = None
    try:
        account = _account_in_query(console, asked)
    except Problem as wrong:
        account, problem = None, wrong
    digits = _digits(asked)
    if account is not None and len(digits) == DIGITS and not is_typing:
        return RedirectResponse(f"/holders/{account_path(account)}", 303)
    if account is not None:
        found = [console.office.parties.find(account) or Party(account, "")]
    if problem is None:
        named = console.office.parties.search(asked, limit=ROWS)
        found += [party for party in named if party.account != account]
    answer = console.page(
        request,
        "found_part.html" if is_typing else "holders.html",
        status=problem.status if problem and problem.status == 400 and not is_typing else 200,
        here="holders",
        asked=asked,
        found=[(party, _is_frozen(console, party.account)) for party in found],
        problem=problem.sentence(reader_of(request)) if problem else "",
        is_unfinished=is_typing and 0 < len(digits) < DIGITS,
        named_count=console.office.parties.count(),
        rows=ROWS,
    )
    if is_typing and len(digits) == DIGITS:
        # A whole number in the address would lead the step back from the holder's page to it again.
        answer.headers["hx-replace-url"] = "false"
    return answer


def holder_page(request: Request) -> Response:
    """Everything about one holder."""
    console = console_of(request)
    account = account_of(console, request.path_params["account"])
    holder, entries = read_holder(console, account)
    coin = holder.coin
    orders = console.office.store.orders(account=account)
    redemptions = console.office.store.redemptions(account=account)
    return console.page(
        request,
        "holder.html",
        here="holders",
        holder=holder,
        entries=entries,
        needs=needs_of(console.office.book),
        orders=orders,
        redemptions=redemptions,
        today=str(holder.today),
        has_proof=bool(coin and coin.epoch) and not holder.is_internal,
    )


def proof_file(request: Request) -> Response:
    """The proof of one balance under the last checkpoint, to keep."""
    console = console_of(request)
    account = account_of(console, request.path_params["account"])
    coin = holder_at(console.office, account).coin
    # Asked first, because the office would make its master key to answer; looking makes no keys.
    if coin is None or not coin.epoch:
        raise Problem(404, "no_checkpoint")
    try:
        text = console.office.proof(coin.id, account)
    except (ProofError, FileNotFoundError):
        raise Problem(404, "no_proof", epoch=coin.epoch) from None
    name = f"proof-{coin.id}-{coin.epoch:06d}-{account_path(account)}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/json", headers=headers)


def read_holder(console: Console, account: int) -> tuple[Holder, list[Entry]]:
    """Return the holder of *account* with his newest transfers."""
    holder = holder_at(console.office, account)
    try:
        entries = entries_of(console.office, account)
    except JournalError as error:
        raise Problem(503, "journal") from error
    return holder, entries


def account_of(console: Console, text: str) -> int:
    """Return the account written as *text*, which must be open. Raises `Problem`."""
    try:
        account = account_from_text(text)
    except FactError:
        name = "check_digits" if len(_digits(text)) == DIGITS else "bad_account"
        raise Problem(400, name, account=text[:40]) from None
    if account >= console.office.ledger.state.account_count:
        raise Problem(404, "no_account", account=text[:40])
    return account


def _is_frozen(console: Console, account: int) -> bool:
    return bool(console.office.ledger.state.register.freezes.get(account))


def _digits(text: str) -> str:
    """Return *text* as the digits of an account number, or nothing when it has anything else in it."""
    bare = text.replace(" ", "").replace("-", "")
    return bare if bare.isdecimal() else ""


def _account_in_query(console: Console, asked: str) -> int | None:
    return account_of(console, asked) if _digits(asked) else None
