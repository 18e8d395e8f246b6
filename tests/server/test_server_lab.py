"""The lab in the console: a reform is picked or pasted, and nothing is changed by it."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlencode

import httpx
import pytest

from jiaozi.server import lab
from tests.server.asking import Client
from tests.world import World

SITE = "http://127.0.0.1:8023"
REFORM = lab.shipped()["2027-07-lower-tier-4"].text.replace("from  = 2027-07-01", "from  = 2026-12-10")
TRIED = REFORM.replace("t4 = 1_000", "t4 = 100")


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def paste(
    client: Client, fields: dict[str, str] | bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a form to the lab, as a browser does."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as browser:
            content = fields if isinstance(fields, bytes) else urlencode(fields).encode()
            kind = {"content-type": "application/x-www-form-urlencoded"}
            return await browser.post(SITE + "/lab", content=content, headers={**kind, **(headers or {})})

    return asyncio.run(ask())


@pytest.mark.parametrize(("language", "words"), [("en", "Try a reform"), ("zh", "试行改革")])
def test_the_form_lists_the_shipped_reforms_and_the_modes(client: Client, language: str, words: str) -> None:
    html = client.get("/lab", headers={"accept-language": language}).text
    assert words in html
    for each in lab.shipped().values():
        assert f'<option value="{each.name}">' in html or f'<option value="{each.name}" ' in html
    for mode in ("as-it-happened", "sums-follow", "money-follows"):
        assert html.count(f'<option value="{mode}"') == 2
    assert not re.search(r'\sstyle="|<script(?![^>]*src=)|\son\w+="', html)


@pytest.mark.parametrize("mode", ["as-it-happened", "sums-follow", "money-follows"])
def test_a_shipped_reform_has_an_address_that_repeats_its_result(client: Client, mode: str) -> None:
    path = f"/lab?reform=2027-07-lower-tier-4&mode={mode}"
    first, second = client.get(path), client.get(path)
    assert first.status_code == 200
    assert first.text == second.text
    text = text_of(first.text)
    assert "Nothing would have come out otherwise." in text  # it begins half a year after the payments
    assert "A trial, not law." in text
    assert f"--mode {mode}" in text
    assert not re.search(r'\sstyle="|<style|<script(?![^>]*src=)', first.text), "the policy forbids it"
    assert first.text.count("<h1>") == 1


def test_a_pasted_reform_is_tried_on_the_office_s_own_payments(world: World, client: Client) -> None:
    """Li paid 120.50, and under 100 at once he may not."""
    before = world.office.ledger.state.book
    answer = paste(client, {"text": TRIED.replace("\n", "\r\n"), "mode": "sums-follow"})
    assert answer.status_code == 200
    text = text_of(answer.text)
    assert "Newly refused 1 " in text
    assert "120.50" in text
    assert "sh-pilot art 7(1)" in text
    assert "t4 = 100" in text
    assert world.office.ledger.state.book is before
    assert world.pay("Li", "Tea house", 120_50)[0] == "created"
    again = text_of(paste(client, {"text": TRIED}).text)
    assert "Newly refused 2 " in again, "the payment since then belongs to it"


def test_no_name_is_in_the_result(client: Client) -> None:
    html = paste(client, {"text": TRIED}).text
    assert "Tea house" not in html


def test_mistakes_are_shown_with_their_lines_and_the_text_is_kept(client: Client) -> None:
    wrong = TRIED.replace("limit.single", "limit.singel")
    for language, words in (("en", "The reform cannot be read"), ("zh", "改革文本无法识别")):
        answer = paste(client, {"text": wrong}, {"accept-language": language})
        assert answer.status_code == 400
        assert words in answer.text
        line = wrong.splitlines().index('set   = "limit.singel"') + 1
        assert {"en": f"line {line}", "zh": f"第 {line} 行"}[language] in answer.text
        assert answer.text.count("limit.singel&#34;") >= 2  # the line, and the form
    assert "cannot be read" in paste(client, {"text": "= not toml ="}).text


def test_whatever_is_pasted_is_escaped(client: Client) -> None:
    for text in ("<script>alert(1)</script>", TRIED.replace("halve", "<script>alert(1)</script>")):
        assert "<script>alert" not in paste(client, {"text": text}).text


@pytest.mark.parametrize(
    ("fields", "headers", "status", "words"),
    [
        ({"text": ""}, {}, 400, "There is no text"),
        ({}, {}, 400, "There is no text"),
        ({"text": "x" * 20_001}, {}, 413, "too long"),
        (b"text=" + b"x" * 400_000, {}, 413, "too long"),
        (b"text=\xff", {}, 400, "cannot be read"),
        (b"text=%ff", {}, 400, "cannot be read"),
        (b"&".join(b"a=1" for _ in range(50)), {}, 400, "cannot be read"),
        ({"text": "x", "mode": "guess"}, {}, 400, "no mode"),
        ({"text": "x"}, {"origin": "https://evil.example"}, 403, "page of another site"),
        ({"text": "x"}, {"origin": "null"}, 403, "page of another site"),
    ],
)
def test_what_nobody_should_send_is_told_so(
    client: Client, fields: dict[str, str] | bytes, headers: dict[str, str], status: int, words: str
) -> None:
    answer = paste(client, fields, headers)
    assert answer.status_code == status
    assert words in answer.text


def test_the_console_s_own_page_may_send(client: Client) -> None:
    assert paste(client, {"text": TRIED}, {"origin": SITE}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/lab?reform=../../keys", 404, "no reform"),
        ("/lab?reform=none", 404, "no reform"),
        ("/lab?reform=2027-07-lower-tier-4&mode=x", 400, "no mode"),
    ],
)
def test_a_reform_is_named_or_refused_never_opened_by_path(
    client: Client, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert words in answer.text


def test_one_replay_runs_at_a_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "WAIT_SECONDS", 0.01)
    console = client.app.state.console
    with console.replaying:
        assert client.get("/lab?reform=2027-07-lower-tier-4").status_code == 503
    assert client.get("/lab?reform=2027-07-lower-tier-4").status_code == 200


def test_a_journal_that_is_too_large_is_sent_to_the_command_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "MOST_JOURNAL_BYTES", 10)
    answer = client.get("/lab?reform=2027-07-lower-tier-4")
    assert answer.status_code == 503
    assert "jiaozi lab replay" in answer.text
