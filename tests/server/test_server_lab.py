"""The lab in the console: a reform is picked or pasted, and nothing is changed by it."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from starlette.requests import Request

from jiaozi.errors import Mistake, RulebookError
from jiaozi.lab.replay.law import Tried
from jiaozi.server import lab
from jiaozi.server.console import Console
from jiaozi.server.replays import KEPT, MOST_WAITING, Phase, Replays, Run
from tests.server.asking import Client
from tests.world import World

SHIPPED = "/lab?reform=2027-07-lower-tier-4"
SITE = "http://127.0.0.1:8023"
REFORM = lab.shipped()["2027-07-lower-tier-4"].text.replace("from  = 2027-07-01", "from  = 2026-12-10")
TRIED = REFORM.replace("t4 = 1_000", "t4 = 100")


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def paste(
    client: Client, fields: dict[str, str] | bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Send a form to the lab, as a browser does, and ask again until there is an answer."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as browser:
            content = fields if isinstance(fields, bytes) else urlencode(fields).encode()
            kind = {"content-type": "application/x-www-form-urlencoded"}
            return await browser.post(SITE + "/lab", content=content, headers={**kind, **(headers or {})})

    answer = asyncio.run(ask())
    return answer if answer.status_code != 202 else settled(client, again_in(answer.text))


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
    first, second = settled(client, path), client.get(path)
    assert first.status_code == 200
    assert answer_in(first.text) == answer_in(second.text)
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


class Gate:
    """Tells how much there is to record, once it is opened: until then a run stands where it is."""

    def __init__(self, console: Console) -> None:
        self.opened, self.reached = threading.Event(), threading.Event()
        folder = console.office.folder
        console.replays = Replays(
            folder / "journal", folder / "lab", closing=console.closing, coming=self.coming
        )

    def coming(self) -> int:
        self.reached.set()
        assert self.opened.wait(60)
        return 1_000


@pytest.fixture
def gate(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setattr(lab, "GLANCE_SECONDS", 0.01)
    gate = Gate(client.app.state.console)
    yield gate
    gate.opened.set()


def again_in(html: str) -> str:
    """Return where a page that waits asks again, having seen that it does so with and without a script."""
    refresh = re.search(r'<noscript><meta http-equiv="refresh" content="\d; url=([^"]+)"></noscript>', html)
    script = re.search(r'hx-get="([^"]+)" hx-trigger="every 500ms"', html)
    assert refresh is not None
    assert script is not None
    assert refresh[1] == script[1]
    return unescape(script[1])


def answer_in(html: str) -> str:
    """Return what a page says besides its head, its forms and its foot."""
    return html[html.index('id="answer"') : html.index("<footer>")]


def settled(client: Client, path: str) -> httpx.Response:
    """Ask again as a page does, until there is an answer."""
    answer = client.get(path)
    while answer.status_code == 202:
        path = again_in(answer.text)
        answer = client.get(path)
    return answer


def test_who_asks_while_the_journal_is_read_sees_at_once_how_far_it_is(client: Client, gate: Gate) -> None:
    answer = client.get(f"{SHIPPED}&mode=sums-follow")
    assert answer.status_code == 202
    assert "<progress" in answer.text
    path = again_in(answer.text)
    assert "mode=sums-follow" in path
    assert f"since={client.app.state.console.office.ledger.durable}" in path
    assert gate.reached.wait(60)
    assert "Reading the journal" in client.get(path).text
    assert client.get(path, headers={"accept-language": "zh"}).text.count("正在读取账本") == 1
    gate.opened.set()
    assert "A trial, not law." in text_of(settled(client, path).text)


def test_a_page_that_waits_comes_to_an_end_although_payments_go_on(
    world: World, client: Client, gate: Gate
) -> None:
    path = again_in(client.get(SHIPPED).text)
    gate.opened.set()
    while client.get(path).status_code == 202:
        assert world.pay("Li", "Tea house", 1_00)[0] == "created"
    assert world.pay("Li", "Tea house", 1_00)[0] == "created"
    html = client.get(path).text
    assert re.search(r"Since then [1-9]\d* frames have come", html)
    assert f'<a href="{SHIPPED}">' in html.replace("&amp;", "&")
    assert "Since then" not in settled(client, SHIPPED).text, "without a frame in its address it is of now"


def test_one_runs_at_a_time_and_a_few_wait(client: Client, gate: Gate) -> None:
    modes = ("as-it-happened", "sums-follow", "money-follows")
    paths = [f"/lab?reform={name}&mode={mode}" for name in lab.shipped() for mode in modes]
    answers = [client.get(path) for path in paths[: MOST_WAITING + 2]]
    assert [answer.status_code for answer in answers] == [202] * (MOST_WAITING + 1) + [503]
    assert "Reading the journal" in answers[0].text or "Waiting" in answers[0].text
    assert "Waiting for another replay" in answers[1].text
    assert client.get(paths[0]).status_code == 202, "it shares the run that there is"
    gate.opened.set()
    for path in paths[: MOST_WAITING + 1]:
        assert settled(client, path).status_code == 200


def test_opening_the_lab_records_the_journal_in_the_background(client: Client, gate: Gate) -> None:
    replays = client.app.state.console.replays
    opened = client.get("/lab")
    assert opened.status_code == 200
    path = again_in(opened.text)
    gate.opened.set()
    while "<progress" in client.get(path).text:
        pass
    assert replays.recorded_sequence == client.app.state.console.office.ledger.durable
    assert "<progress" not in client.get("/lab").text, "nothing has come since"


def test_the_console_stops_what_runs_when_it_closes(client: Client, gate: Gate) -> None:
    path = again_in(client.get(SHIPPED).text)
    assert gate.reached.wait(60)
    client.app.state.console.closing.set()
    gate.opened.set()
    answer = settled(client, path)
    assert answer.status_code == 503
    assert "The replay could not be done" in answer.text
    assert "the replay was stopped" in answer.text


def test_a_result_is_kept_and_the_oldest_goes_first(client: Client) -> None:
    replays = client.app.state.console.replays
    texts = [TRIED.replace("t4 = 100", f"t4 = {100 + number}") for number in range(KEPT + 1)]
    for text in texts:
        assert "Newly refused 1 " in text_of(paste(client, {"text": text}).text)
    paths = [f"/lab?pasted={Tried(reforms=((lab.PASTED, text),)).digest[:32]}" for text in texts]
    assert client.get(paths[0]).status_code == 410
    assert "Paste it again" in client.get(paths[0]).text
    kept = replays.text_of(paths[-1].partition("=")[2])
    assert kept == texts[-1]
    assert client.get(paths[-1]).text == client.get(paths[-1]).text


def test_what_is_wrong_is_told_and_tried_again_once_it_is_mended(client: Client) -> None:
    lab_folder = client.app.state.console.office.folder / "lab"
    lab_folder.write_text("a file where a folder belongs")
    answer = settled(client, SHIPPED)
    assert answer.status_code == 503
    assert "remove it, and it is made again" in answer_in(answer.text)
    lab_folder.unlink()
    assert settled(client, SHIPPED).status_code == 200


def test_a_fault_in_the_background_is_told_with_a_number(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def coming() -> int:
        raise OSError("the disk is gone")

    console = client.app.state.console
    folder = console.office.folder
    console.replays = Replays(folder / "journal", folder / "lab", closing=console.closing, coming=coming)
    answer = settled(client, SHIPPED)
    assert answer.status_code == 503
    number = re.search(r"\b[0-9a-f]{8}\b", text_of(answer_in(answer.text)))
    assert number is not None
    assert f"fault {number[0]} in a replay" in caplog.text
    assert "the disk is gone" not in answer.text


def test_a_mistake_found_while_it_runs_is_told_as_often_as_it_is_asked_and_no_request_is_kept(
    world: World, client: Client
) -> None:
    """A law may be enacted between the question and its turn, with which the reform cannot be read."""

    def coming() -> int:
        raise RulebookError([Mistake("pasted.toml", 3, "change.repeal", "no such rule 'cn-sh.gone'")])

    console, folder = client.app.state.console, world.office.folder
    console.replays = Replays(folder / "journal", folder / "lab", closing=console.closing, coming=coming)
    first = paste(client, {"text": REFORM})
    assert first.status_code == 400
    assert "cn-sh.gone" in text_of(first.text)
    path = f"/lab?pasted={Tried(reforms=((lab.PASTED, REFORM),)).digest[:32]}"
    replays = client.app.state.console.replays
    (run,) = (run for run in replays._settled.values() if run.error is not None)

    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, Request) for each in gc.get_objects())

    assert client.get(path).status_code == 400
    before = kept()
    for _ in range(5):
        again = client.get(path)
        assert again.status_code == 400
        assert "cn-sh.gone" in text_of(again.text)
    assert kept() == before
    assert run.error.__traceback__ is None, "the frames of the replay are not kept either"


def test_a_run_whose_thread_cannot_start_is_not_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    replays = client.app.state.console.replays
    with monkeypatch.context() as full:

        def start(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        full.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            replays.warm(1_000)
    assert replays.recording(1_000) is None
    assert settled(client, SHIPPED).status_code == 200


def test_how_much_is_done_is_told_although_the_phase_changes_meanwhile() -> None:
    class Changing(Run):
        """After each look at the total another thread sets it to 0, as the next phase does."""

        def __getattribute__(self, name: str) -> object:
            value = super().__getattribute__(name)
            if name == "total":
                self.total = 0
            return value

    run = Changing(None)
    run.enter(Phase.RECORDING, 200)
    run.advance(50)
    assert run.percent == 25
    assert run.percent is None


def test_a_reform_of_the_office_s_own_place_stands_in_the_form(client: Client) -> None:
    html = client.get("/lab").text
    assert re.findall(r'<option value="([^"]+)" selected', html)[0] == "2027-07-lower-tier-4"
    assert unescape(html).count(lab.shipped()["2027-07-lower-tier-4"].text.strip()) == 1


def test_a_journal_that_is_too_large_is_sent_to_the_command_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "MOST_JOURNAL_BYTES", 10)
    answer = client.get("/lab?reform=2027-07-lower-tier-4")
    assert answer.status_code == 503
    assert "jiaozi lab replay" in answer.text
