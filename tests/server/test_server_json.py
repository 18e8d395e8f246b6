"""The read-only JSON: its shape stays."""

from __future__ import annotations

from tests.server.asking import Client
from tests.server.offices import EVIL
from tests.world import COIN, World


def test_the_overview_of_a_coin(client: Client) -> None:
    answer = client.get(f"/api/overview/{COIN}").json()
    assert list(answer) == [
        "coin",
        "issuer",
        "peg",
        "as_of",
        "journal",
        "law",
        "outstanding",
        "issued",
        "redeemed",
        "reserve",
        "coverage_basis_points",
        "is_backed",
        "sheet",
        "holders",
        "frozen_accounts",
        "payments",
        "refusals",
        "checkpoint",
    ]
    assert answer["outstanding"] == "4800.00"
    assert answer["coverage_basis_points"] == 10_572
    assert answer["as_of"] == "2026-12-15T08:02:00+08:00"
    assert answer["law"]["is_draft"] is True
    assert answer["sheet"] == {
        "reserve": "5075.00",
        "coins": "4800.00",
        "client_money": "0.00",
        "unmatched": "75.00",
        "redemptions": "200.00",
        "balances": True,
    }
    first = next(minute for minute in answer["payments"]["minutes"] if minute["accepted"])
    assert first == {"start": "2026-12-15T08:01:00+08:00", "accepted": 1, "refused": 2}
    assert {refusal["reason"] for refusal in answer["refusals"]} >= {
        "cn-sh.pay/single_cap",
        "debit_account_frozen",
    }
    assert answer["checkpoint"] is None
    assert client.get("/api/overview").json() == {"coins": [answer]}


def test_a_holder(client: Client, world: World) -> None:
    answer = client.get(f"/api/holders/{world.holders['Li']}").json()
    assert answer["number"] == "0000 0000 0680"
    assert answer["balance"] == "3879.50"
    assert answer["tier"] == {"en": "tier 4", "zh": "四类"}
    limits = {limit["limit"]: (limit["used"], limit["cap"]) for limit in answer["limits"]}
    assert limits == {
        "limit.single": (None, "2000.00"),
        "limit.balance": ("3879.50", "10000.00"),
        "limit.day": ("120.50", "5000.00"),
        "limit.year": ("120.50", "50000.00"),
    }
    newest = answer["transfers"][0]
    assert newest["result"] == "refused_by_law"
    assert newest["reasons"][0]["reason"] == "cn-sh.pay/single_cap"
    wang = client.get(f"/api/holders/{world.holders['Wang']}").json()
    assert (wang["may_pay"], wang["may_receive"], wang["must_keep"]) == (False, True, None)


def test_the_queue(client: Client) -> None:
    answer = client.get("/api/queue").json()
    assert list(answer) == ["unmatched", "orders", "redemptions", "today"]
    assert answer["unmatched"][0]["counterparty"] == EVIL
    assert answer["unmatched"][0]["amount"] == "75.00"
    assert answer["redemptions"][0]["is_late"] is False
    assert answer["orders"][0]["status"] == "waiting"
