"""What nobody should send: each gets an answer that says what to do, and never a traceback."""

from __future__ import annotations

import logging

import pytest

from jiaozi.server.app import create_app
from jiaozi.server.guard import host_of
from tests.server.asking import Client
from tests.world import COIN, World

BAD = [
    ("/holders/abc", 400, "no account number", "不是有效账号"),
    ("/holders/000000000681", 400, "check digits", "校验位有误"),
    ("/holders/9999999999", 404, "was opened here", "未开立账户"),
    ("/holders/99999999999999999999999", 400, "no account number", "不是有效账号"),
    ("/holders/-x/proof", 400, "no account number", "不是有效账号"),
    ("/holders?q=000000000681", 400, "check digits", "校验位有误"),
    ("/holders?q=" + "x" * 5_000, 400, "too long", "查询内容过长"),
    ("/law?day=2026-13-01", 400, "Write it as 2026-12-15", "请按 2026-12-15"),
    ("/law/compare?day=1999-12-31", 400, "Write it as 2026-12-15", "请按 2026-12-15"),
    ("/law?day=9999-12-31", 400, "Write it as 2026-12-15", "请按 2026-12-15"),
    ("/law?day=20261215", 400, "Write it as 2026-12-15", "请按 2026-12-15"),
    ("/law?day=%3Cscript%3E", 400, "Write it as 2026-12-15", "请按 2026-12-15"),
    ("/coins/none", 404, "no coin", "不存在代币"),
    ("/live/none", 404, "no coin", "不存在代币"),
    ("/checkpoints/..%2F..%2Fkeys", 404, "no such page", "页面不存在"),
    (f"/checkpoints/{COIN}/1", 404, "has no checkpoint 1", "无第 1 期存证"),
    (f"/checkpoints/{COIN}/99999999999999999999", 404, "has no checkpoint", "期存证"),
    (f"/checkpoints/{COIN}/%2E%2E/keys", 404, "no such page", "页面不存在"),
    ("/static/0/console.css", 404, "no such page", "页面不存在"),
    ("/static/x/..%2f..%2fapp.py", 404, "no such page", "页面不存在"),
    ("/nothing/here", 404, "no such page", "页面不存在"),
    ("//evil.example/", 404, "no such page", "页面不存在"),
]


@pytest.mark.parametrize(("path", "status", "english", "chinese"), BAD)
def test_a_bad_request_is_told_what_to_do_in_its_language(
    client: Client, path: str, status: int, english: str, chinese: str
) -> None:
    for language, words in (("en", english), ("zh", chinese)):
        answer = client.get(path, headers={"accept-language": language})
        assert answer.status_code == status
        assert words in answer.text
        assert "Traceback" not in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/api/holders/abc", 400, "bad_account"),
        ("/api/holders/000000000681", 400, "check_digits"),
        ("/api/holders/77777", 404, "no_account"),
        ("/api/overview/none", 404, "no_coin"),
        ("/api/nothing", 404, "not_found"),
    ],
)
def test_a_machine_gets_its_errors_as_json(client: Client, path: str, status: int, name: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error", "detail"]
    assert answer.json()["error"] == name


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_sent(client: Client, method: str) -> None:
    for path in ("/", "/api/queue", "/holders/6"):
        assert client.request(method, path).status_code == 405


def test_every_answer_tells_the_browser_what_it_may_load(client: Client) -> None:
    for path in ("/", "/api/overview", "/nothing", "/api/nothing", "/robots.txt", "/verify_jiaozi.py"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_pages_name_no_other_host_for_what_they_load(client: Client) -> None:
    import re

    html = client.get("/").text
    assert all(
        url.startswith("/static/") for url in re.findall(r'(?:src|link rel="\w+" href)="([^"]+)"', html)
    )


def test_static_files_may_be_kept_for_ever_under_their_digest(client: Client) -> None:
    import re

    for url in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/").text)):
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8023", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8023", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8023", 421),
        ("localhost@evil.example", 421),
        ("", 421),
    ],
)
def test_only_this_machine_s_own_names_are_answered(client: Client, host: str, status: int) -> None:
    assert client.get("/", headers={"host": host}).status_code == status
    assert client.get("/api/queue", headers={"host": host}).status_code == status


def test_another_name_is_answered_once_it_is_named(world: World) -> None:
    app = create_app(world.office, hosts=("console.example",))
    assert Client(app, "http://console.example").get("/").status_code == 200
    assert Client(app, "http://127.0.0.1").get("/").status_code == 421


def test_the_host_of_a_header_loses_its_port() -> None:
    assert host_of("[::1]:8023") == "[::1]"
    assert host_of("A.example:1") == "a.example"
    assert host_of("[") == "[]"


def test_a_fault_is_logged_and_its_page_is_calm(
    client: Client, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the secret path /srv/x")

    world.office.store.queue = broken  # type: ignore[method-assign,assignment]
    with caplog.at_level(logging.ERROR, logger="jiaozi.server"):
        page, answer = client.get("/queue"), client.get("/api/queue")
    assert page.status_code == answer.status_code == 500
    assert "secret" not in page.text + answer.text
    assert answer.json()["error"] == "fault"
    assert "Content-Security-Policy".lower() in page.headers
    number = caplog.records[0].getMessage().split()[1]
    assert number in page.text
    assert "secret" in caplog.text


def test_a_closed_ledger_says_to_come_back(client: Client, world: World) -> None:
    world.office.ledger.close()
    for path in ("/", "/api/overview", "/holders/6"):
        assert client.get(path).status_code == 503
