"""The console in a real browser: figures move by themselves, nothing comes from elsewhere, Chinese is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from jiaozi.ledger.numbers import account_text
from jiaozi.people.parties import Party
from jiaozi.server.app import Background
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 30_000

pytestmark = pytest.mark.browser

# The ink of a character on a canvas. A font without it draws the same box for every one.
INK = """
texts => texts.map(text => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 48;
  const pen = canvas.getContext('2d');
  pen.font = '32px ' + getComputedStyle(document.body).fontFamily;
  pen.fillText(text, 4, 36);
  return Array.from(pen.getImageData(0, 0, 48, 48).data).join('');
})
"""


# Who was lit: a script of the test's own, which the policy on the page's scripts does not bind.
WATCH = """
window.lit = [];
const animate = Element.prototype.animate;
Element.prototype.animate = function (...words) {
  window.lit.push(this.dataset.figure || this.tagName);
  return animate.apply(this, words);
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class Tab:
    """A page with what the browser complained about and what it asked for."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH)
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.asked: list[Request] = []
        # A breach of the content security policy is an error on the console too.
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def sees(self, selector: str, text: str) -> None:
        """Wait until *selector* has *text*."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_text(text, timeout=PATIENCE_MS)

    def streams(self) -> list[Request]:
        return [request for request in self.asked if "/live/" in request.url]


def test_a_payment_is_seen_without_reloading(browser: Browser, world: World) -> None:
    from playwright.sync_api import expect

    with Background(world.office) as console, Tab(browser, locale="zh-CN", color_scheme="dark") as tab:
        page = tab.page
        page.goto(console.url)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        tab.sees(".state", "实时")
        tab.sees('[data-figure="payments"]', "1")
        expect(page.locator("#chart canvas")).to_be_visible(timeout=PATIENCE_MS)
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "2")
        tab.sees('[data-figure="paid"]', "130.50")

        missing, *drawn = page.evaluate(INK, ["\U000e0fff", "流", "储", "覆", "冻", "赎"])
        blank = page.evaluate(INK, [" "])[0]
        assert len(set(drawn)) == len(drawn), (
            "every character is drawn as the same box: install fonts-noto-cjk"
        )
        assert missing not in drawn
        assert blank not in drawn

        for path in ("holders", "holders/6", "law", "queue", "checkpoints"):
            page.goto(console.url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert tab.complaints == []
        assert {request.url.split("/")[2] for request in tab.asked} == {console.url.split("/")[2]}


def test_an_update_leaves_the_reader_where_he_is(browser: Browser, world: World) -> None:
    from playwright.sync_api import expect

    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        page = tab.page
        page.goto(console.url)
        tab.sees(".state", "Live")
        page.locator("#chart canvas").wait_for()
        page.locator("#figures summary").click()
        page.evaluate("document.querySelector('#chart canvas').isTheFirst = true")
        region = page.get_by_role("region", name="Refusals by reason").locator(".scroll")
        region.focus()
        minutes = page.locator("#minutes tr").count()
        for count in (2, 3):
            world.clock.advance(60)
            world.pay("Li", "Tea house", 10_00)
            tab.sees('[data-figure="payments"]', str(count))
        expect(page.locator("#minutes tr")).to_have_count(minutes + 2)
        assert page.locator("#figures details").get_attribute("open") is not None
        assert page.evaluate("document.querySelector('#chart canvas').isTheFirst")
        expect(region).to_be_focused()
        assert tab.complaints == []


def test_only_the_numbers_that_moved_are_lit_and_only_now_and_then(browser: Browser, world: World) -> None:
    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        tab.page.goto(console.url)
        tab.sees(".state", "Live")
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "2")
        lit = tab.page.evaluate("window.lit")
        assert {"payments", "paid"} <= set(lit)
        assert not set(lit) & {"outstanding", "reserve", "issued", "holders", "refused", "TIME", "CODE", "P"}
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "3")
        assert tab.page.evaluate("window.lit.filter(name => name === 'payments').length") == 1


def test_a_sentence_is_said_once_in_twenty_seconds(browser: Browser, world: World) -> None:
    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        tab.page.goto(console.url)
        tab.sees(".state", "Live")
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "2")
        tab.sees("#spoken", "")
        tab.page.evaluate("const now = Date.now; Date.now = () => now() + 20_000")
        world.pay("Li", "Tea house", 10_00)
        tab.sees("#spoken", "15 Dec 2026, 08:02:00: 4,800.00 CNY in circulation, 3 payments accepted.")


def test_nothing_is_lit_for_who_asks_for_less_motion(browser: Browser, world: World) -> None:
    with Background(world.office) as console, Tab(browser, reduced_motion="reduce") as tab:
        tab.page.goto(console.url)
        tab.sees(".state", "Live")
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "2")
        assert tab.page.evaluate("window.lit") == []


def test_a_pause_ends_the_stream_until_it_is_resumed(browser: Browser, world: World) -> None:
    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        tab.page.goto(console.url)
        tab.sees(".state", "Live")
        with tab.page.expect_event("requestfailed", lambda request: "/live/" in request.url):
            tab.page.get_by_role("button", name="Pause updates").click()
        tab.sees(".state", "Paused")
        world.pay("Li", "Tea house", 10_00)
        assert len(tab.streams()) == 1
        tab.sees('[data-figure="payments"]', "1")
        tab.page.get_by_role("button", name="Resume updates").click()
        tab.sees('[data-figure="payments"]', "2")
        tab.sees(".state", "Live")
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "3")
        assert len(tab.streams()) == 2
        assert tab.complaints == []


def test_a_server_that_comes_back_is_found_again_and_told_what_was_seen(
    browser: Browser, world: World
) -> None:
    with Tab(browser, locale="en-GB") as tab:
        with Background(world.office) as console:
            tab.page.goto(console.url)
            tab.sees(".state", "Live")
            world.pay("Li", "Tea house", 10_00)
            tab.sees('[data-figure="payments"]', "2")
            seen = world.office.ledger.sequence
        tab.sees(".state", "Reconnecting")
        world.pay("Li", "Tea house", 10_00)
        with Background(world.office, port=int(console.url.rstrip("/").rpartition(":")[2])):
            tab.sees('[data-figure="payments"]', "3")
            tab.sees(".state", "Live")
            assert tab.streams()[-1].headers["last-event-id"] == str(seen)


def test_a_stream_refused_at_first_is_asked_for_again_and_its_error_shown_nowhere(
    browser: Browser, world: World
) -> None:
    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        tab.page.route("**/live/**", lambda route: route.fulfill(status=503, body="<p>no</p>"), times=1)
        tab.page.goto(console.url)
        tab.sees(".state", "Reconnecting")
        tab.sees('[data-figure="payments"]', "1")
        tab.sees(".state", "Live")
        world.pay("Li", "Tea house", 10_00)
        tab.sees('[data-figure="payments"]', "2")


def test_a_holder_is_found_while_his_name_is_typed(browser: Browser, world: World) -> None:
    from playwright.sync_api import expect

    with Background(world.office) as console, Tab(browser, locale="en-GB") as tab:
        page, rows = tab.page, tab.page.locator("#results tbody tr")
        page.goto(console.url + "holders")
        expect(rows).to_have_count(len(world.holders))
        page.get_by_label("Account number or name").press_sequentially("house", delay=20)
        tab.sees("#said", "1 found. No more than 20 are shown.")
        expect(rows).to_have_count(1)
        expect(page).to_have_url(console.url + "holders?q=house")
        expect(page.locator("#languages a").last).to_have_attribute("href", "?q=house&lang=zh")
        expect(page.locator("#q")).to_be_focused()

        page.locator("#q").fill("nobody")
        expect(page.locator("#said")).to_contain_text("No holder matches “nobody”")
        expect(rows).to_have_count(0)
        page.locator("#q").fill("99999")
        expect(page.locator("#said.muted")).to_contain_text("was opened here")
        page.locator("#q").fill(account_text(world.holders["Li"]))
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("Li")
        assert tab.complaints == []
        page.locator("#q").press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Li")
        page.go_back()
        expect(page).to_have_url(console.url + "holders?q=99999")


def test_half_a_chinese_word_asks_for_nothing(browser: Browser, world: World) -> None:
    with Background(world.office) as console, Tab(browser, locale="zh-CN") as tab:
        world.office.parties.add([Party(998, "茶馆")])
        tab.page.goto(console.url + "holders")
        tab.page.locator("#q").focus()
        keyboard = tab.context.new_cdp_session(tab.page)
        for half in ("c", "ch", "cha"):
            keyboard.send("Input.imeSetComposition", {"text": half, "selectionStart": 3, "selectionEnd": 3})
        keyboard.send("Input.insertText", {"text": "茶"})
        tab.sees("#said", "找到 1 位，最多显示 20 位。")
        assert [request.url for request in tab.asked if "q=" in request.url] == [
            console.url + "holders?q=%E8%8C%B6"
        ]
        assert tab.complaints == []


def test_a_search_without_an_answer_says_so(browser: Browser, world: World) -> None:
    with Tab(browser, locale="en-GB") as tab:
        with Background(world.office) as console:
            tab.page.goto(console.url + "holders")
        tab.page.locator("#q").fill("house")
        tab.sees("#results", "The console does not answer. Is it still running? Try again in a minute.")


def test_no_page_is_wider_than_a_telephone(browser: Browser, world: World) -> None:
    world.office.close_day("pujiang-cny")
    with Background(world.office) as console:
        context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=True)
        page = context.new_page()
        for language in ("en", "zh"):
            for path in ("", "holders", "holders/6", "holders/7", "law", "queue", "checkpoints", "nothing"):
                page.goto(f"{console.url}{path}?lang={language}")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (language, path)
        context.close()


def test_the_pages_can_be_read_without_javascript(browser: Browser, world: World) -> None:
    from playwright.sync_api import expect

    with Background(world.office) as console:
        context = browser.new_context(java_script_enabled=False, locale="en-GB")
        page = context.new_page()
        page.goto(console.url)
        expect(page.locator('[data-figure="outstanding"]')).to_contain_text("4,800.00")
        expect(page.get_by_text("Reload the page for newer ones.")).to_be_visible()
        page.locator("summary").click()
        expect(page.locator("#minutes tr").first).to_be_visible()
        page.goto(console.url + "holders")
        page.get_by_label("Account number or name").fill("house")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#results tbody tr")).to_have_count(1)
        context.close()
