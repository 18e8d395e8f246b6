"""The same answers for machines: amounts as decimal strings, instants with their offset, keys that stay."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jiaozi.clock import NS_PER_SECOND, Instant, moment_of
from jiaozi.ledger.numbers import account_text
from jiaozi.money import decimal_text
from jiaozi.report.overview import Overview, Sheet
from jiaozi.server.console import console_of
from jiaozi.server.holder import Entry, Limit
from jiaozi.server.holders import account_of, read_holder
from jiaozi.server.queue import desk_of

Json = dict[str, Any]


def overviews(request: Request) -> Response:
    """Every coin."""
    console = console_of(request)
    coins = [overview_json(console.figures.of(coin.id)) for coin in console.coins]
    return JSONResponse({"coins": coins})


def one_overview(request: Request) -> Response:
    """One coin."""
    console = console_of(request)
    coin = console.coin(request.path_params["coin"])
    return JSONResponse(overview_json(console.figures.of(coin.id)))


def one_holder(request: Request) -> Response:
    """One holder, with his newest transfers."""
    console = console_of(request)
    holder, entries = read_holder(console, account_of(console, request.path_params["account"]))
    return JSONResponse(
        {
            "account": holder.account,
            "number": account_text(holder.account),
            "name": holder.party.name if holder.party else None,
            "coin": holder.coin.id if holder.coin else None,
            "kind": holder.kind,
            "tier": holder.tier,
            "zone": holder.zone,
            "is_internal": holder.is_internal,
            "balance": decimal_text(holder.balance),
            "paid_today": decimal_text(holder.paid_today),
            "paid_this_year": decimal_text(holder.paid_this_year),
            "limits": [_limit(limit) for limit in holder.limits],
            "may_pay": holder.may_pay,
            "may_receive": holder.may_receive,
            "must_keep": _money(holder.keep_fen),
            "orders_to_freeze": [
                {
                    "order": order.order,
                    "authority": order.authority,
                    "may_receive": order.may_receive,
                    "must_keep": _money(order.keep_fen),
                }
                for order in holder.freezes
            ],
            "transfers": [_transfer(entry) for entry in entries],
            "as_of": time_text(holder.as_of),
            "sequence": holder.sequence,
        }
    )


def queue(request: Request) -> Response:
    """What lies on the desk."""
    desk = desk_of(console_of(request))
    return JSONResponse(
        {
            "unmatched": [
                {
                    "key": entry.key,
                    "coin": entry.coin,
                    "statement": entry.statement,
                    "amount": decimal_text(entry.amount_fen),
                    "is_credit": bool(entry.is_credit),
                    "booked": entry.booked,
                    "counterparty": entry.counterparty,
                    "text": entry.text,
                    "why": str(entry.note),
                }
                for entry in desk.entries
            ],
            "orders": [
                {
                    "reference": order.reference,
                    "coin": order.coin,
                    "account": account_text(order.account),
                    "amount": decimal_text(order.amount_fen),
                    "status": order.status,
                    "note": str(order.note),
                }
                for order in desk.orders
            ],
            "redemptions": [
                {
                    "reference": one.reference,
                    "coin": one.coin,
                    "account": account_text(one.account),
                    "amount": decimal_text(one.amount_fen),
                    "requested": time_text(Instant(one.requested)),
                    "deadline": one.deadline,
                    "duty": one.duty,
                    "status": one.status,
                    "is_late": desk.is_late(one),
                }
                for one in desk.redemptions
            ],
            "today": str(desk.today),
        }
    )


def overview_json(seen: Overview) -> Json:
    """Return the figures of a coin."""
    return {
        "coin": seen.coin,
        "issuer": seen.issuer,
        "peg": seen.peg,
        "as_of": time_text(seen.as_of),
        "journal": {"sequence": seen.sequence, "digest": seen.journal_hash},
        "law": {"digest": seen.law_digest, "is_draft": bool(seen.drafts), "drafts": list(seen.drafts)},
        "outstanding": decimal_text(seen.outstanding),
        "issued": decimal_text(seen.issued),
        "redeemed": decimal_text(seen.redeemed),
        "reserve": _money(seen.reserve),
        "coverage_basis_points": seen.coverage_basis_points,
        "is_backed": seen.is_backed,
        "sheet": _sheet(seen.sheet),
        "holders": seen.holders,
        "frozen_accounts": seen.frozen,
        "payments": {
            "accepted": seen.payments,
            "refused": seen.refused,
            "paid": decimal_text(seen.paid),
            "minutes": [
                {
                    "start": time_text(Instant(minute.start * NS_PER_SECOND)),
                    "accepted": minute.accepted,
                    "refused": minute.refused,
                }
                for minute in seen.minutes
            ],
        },
        "refusals": [
            {
                "reason": refusal.name,
                "title": dict(refusal.title),
                "cite": refusal.cite,
                "link": refusal.link,
                "count": refusal.count,
                "is_draft": refusal.is_draft,
            }
            for refusal in seen.refusals
        ],
        "checkpoint": {"epoch": seen.epoch, "digest": seen.checkpoint} if seen.epoch else None,
    }


def time_text(instant: Instant) -> str:
    """Return *instant* as ISO 8601 with Shanghai's offset."""
    return moment_of(instant).isoformat()


def _money(fen: int | None) -> str | None:
    return None if fen is None else decimal_text(fen)


def _sheet(sheet: Sheet | None) -> Json | None:
    if sheet is None:
        return None
    names = ("reserve", "coins", "client_money", "unmatched", "redemptions")
    return {name: decimal_text(getattr(sheet, name)) for name in names} | {"balances": sheet.balances}


def _limit(limit: Limit) -> Json:
    return {
        "limit": limit.id,
        "title": dict(limit.title),
        "used": _money(limit.used),
        "cap": _money(limit.cap),
        "cite": limit.cite,
        "since": str(limit.since),
        "is_draft": limit.is_draft,
    }


def _transfer(entry: Entry) -> Json:
    line = entry.line
    return {
        "id": line.id,
        "at": time_text(line.instant),
        "direction": "out" if line.is_out else "in",
        "action": entry.action,
        "other": account_text(line.other),
        "amount": decimal_text(line.amount_fen),
        "result": line.result.name.lower(),
        "reasons": [
            {"reason": name, "title": dict(words.title), "cite": words.cite, "is_draft": words.is_draft}
            for name, words in entry.reasons
        ],
        "law": line.law_digest.hex(),
    }
