"""The lab in a real browser: a bar while the journal is read, then the result, with a script and without."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from jiaozi.server import serving
from jiaozi.server.app import Background, create_app
from jiaozi.server.replays import Replays
from tests.server.test_server_browser import PATIENCE_MS, Tab, browser
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("has_script", [True, False])
def test_the_result_takes_the_place_of_the_bar(browser: Browser, world: World, has_script: bool) -> None:
    from playwright.sync_api import expect

    options: dict[str, Any] = {"java_script_enabled": has_script, "viewport": {"width": 390, "height": 700}}
    opened = threading.Event()

    def coming() -> int:
        """Let a run stand where it is until it may go on."""
        assert opened.wait(60)
        return 10

    app, folder = create_app(world.office), world.office.folder
    closing = app.state.console.closing
    app.state.console.replays = Replays(folder / "journal", folder / "lab", closing=closing, coming=coming)
    listening = serving.listen("127.0.0.1", 0)
    with serving.Thread(app, closing, listening) as console, Tab(browser, **options) as tab:
        page = tab.page
        page.goto(f"{console.url}lab")
        page.locator("#mode").select_option("sums-follow")
        page.locator("#lab-shipped + form button").click()
        expect(page.locator("#answer progress")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("#answer progress")).to_be_in_viewport()
        if has_script:
            page.locator("#text").fill("half a reform")
        opened.set()
        expect(page.locator("#result")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("progress")).to_have_count(0)
        assert "mode=sums-follow" in page.url
        if has_script:
            assert page.locator("#text").input_value() == "half a reform", "the form stays as it was"
            width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1]
        page.reload()
        expect(page.locator("#result")).to_be_visible()
        assert tab.complaints == []


def test_what_was_pasted_comes_to_an_address_of_its_own(browser: Browser, world: World) -> None:
    from playwright.sync_api import expect

    with Background(world.office) as console, Tab(browser, locale="zh-CN") as tab:
        page = tab.page
        page.goto(f"{console.url}lab")
        page.locator("#lab-pasted + form button").click()  # the example that stands in the form
        expect(page.locator("#result")).to_be_visible(timeout=PATIENCE_MS)
        assert "/lab?pasted=" in page.url
        assert tab.complaints == []
