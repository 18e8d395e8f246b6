"""The console in a real browser: figures move by themselves, nothing comes from elsewhere, Chinese is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.server.app import Background
from tests.world import World

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


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


def test_a_payment_is_seen_without_reloading(browser: object, world: World) -> None:
    from playwright.sync_api import Browser, expect

    assert isinstance(browser, Browser)
    with Background(world.office) as console:
        context = browser.new_context(locale="zh-CN", color_scheme="dark")
        page = context.new_page()
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))

        page.goto(console.url)
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        expect(page.locator(".state")).to_have_text("实时", timeout=PATIENCE_MS)
        expect(page.locator('[data-live="payments"]')).to_have_text("1")
        expect(page.locator("#chart canvas")).to_be_visible(timeout=PATIENCE_MS)
        world.pay("Li", "Tea house", 10_00)
        expect(page.locator('[data-live="payments"]')).to_have_text("2", timeout=PATIENCE_MS)
        expect(page.locator('[data-live="paid"]')).to_have_text("130.50")

        page.get_by_role("button", name="暂停更新").click()
        expect(page.locator(".state")).to_have_text("已暂停")
        world.pay("Li", "Tea house", 10_00)
        page.get_by_role("button", name="恢复更新").click()
        expect(page.locator('[data-live="payments"]')).to_have_text("3", timeout=PATIENCE_MS)

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
        assert complaints == []
        assert {url.split("/")[2] for url in asked} == {console.url.split("/")[2]}
        context.close()


def test_no_page_is_wider_than_a_telephone(browser: object, world: World) -> None:
    from playwright.sync_api import Browser

    assert isinstance(browser, Browser)
    world.office.close_day("pujiang-cny")
    with Background(world.office) as console:
        context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=True)
        page = context.new_page()
        for language in ("en", "zh"):
            for path in ("", "holders", "holders/6", "holders/7", "law", "queue", "checkpoints", "nothing"):
                page.goto(f"{console.url}{path}?lang={language}")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (language, path)
        context.close()


def test_the_pages_can_be_read_without_javascript(browser: object, world: World) -> None:
    from playwright.sync_api import Browser, expect

    assert isinstance(browser, Browser)
    with Background(world.office) as console:
        context = browser.new_context(java_script_enabled=False, locale="en-GB")
        page = context.new_page()
        page.goto(console.url)
        expect(page.locator('[data-live="outstanding"]')).to_contain_text("4,800.00")
        expect(page.get_by_text("Reload the page for newer ones.")).to_be_visible()
        page.locator("summary").click()
        expect(page.locator('[data-live="minutes"] tr').first).to_be_visible()
        context.close()
