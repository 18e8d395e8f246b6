"""The verifier's page as a holder uses it: files, keys, languages, a telephone, and no request to anybody."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from jiaozi.proof.verify_jiaozi import check
from tests.proof.page_in_browser import PAGE, PATIENCE_MS, VECTORS, Tab, opened
from tests.proof.proof_vectors import KEYS, TEXT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FilePayload, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from opened()


def choose(page: Page, text: str, name: str = "proof.json") -> None:
    file: FilePayload = {"name": name, "mimeType": "application/json", "buffer": text.encode()}
    page.set_input_files("#choose", files=[file])


DROP = """
([texts, name]) => {
  const data = new DataTransfer();
  for (const text of texts) data.items.add(new File([text], name));
  const event = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
  document.getElementById('drop').dispatchEvent(event);
}
"""


def sees(page: Page, selector: str, text: str | re.Pattern[str]) -> None:
    """Wait until *selector* has *text*."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_text(text, timeout=PATIENCE_MS)


@pytest.mark.parametrize("way", ["choose", "drop", "paste", "paste without its line end"])
def test_a_proof_can_be_chosen_dropped_and_pasted_and_nothing_is_asked_for(
    browser: Browser, way: str
) -> None:
    vector = VECTORS["good/two-levels"]
    tab = Tab(browser)
    with tab as page:
        page.fill("#keys", "\n".join(vector.keys))
        if way == "choose":
            choose(page, vector.proof)
        elif way == "drop":
            page.evaluate(DROP, [[vector.proof], "proof.json"])
        else:
            page.click("summary")
            page.fill("#paste", vector.proof.rstrip("\n") if "without" in way else vector.proof)
            page.click("#check")
        sees(page, "#sentence", vector.sentence)
        rows = page.locator("#ladder tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(c => c.textContent))"
        )
        digest = hashlib.sha256(vector.proof.encode()).hexdigest()
        assert digest in (page.text_content("#file") or "")
        assert "holds" in (page.get_attribute("#answer", "class") or "")
        left_out = page.locator("#not-proven li").all_text_contents()
    answer = check(vector.proof, vector.keys)
    assert [tuple(row) for row in rows] == answer.ladder
    assert left_out == answer.not_proven
    assert tab.asked == [PAGE.as_uri()]
    assert not tab.complaints


def test_another_key_is_checked_at_once_with_the_same_proof(browser: Browser) -> None:
    vector = VECTORS["good/two-levels"]
    with Tab(browser) as page:
        choose(page, vector.proof)
        sees(page, "#sentence", check(vector.proof).sentence)
        assert "undecided" in (page.get_attribute("#answer", "class") or "")
        page.fill("#keys", f"  {vector.keys[0]}  \n\n{vector.keys[1]}\n")
        sees(page, "#sentence", vector.sentence)
        page.fill("#keys", "a typing error")
        sees(page, "#sentence", check(vector.proof, ["a typing error"]).sentence)


def test_a_proof_that_does_not_hold_says_to_keep_the_file_and_whom_to_call(browser: Browser) -> None:
    vector = VECTORS["bad/another-balance"]
    with Tab(browser) as page:
        page.fill("#keys", "\n".join(vector.keys))
        choose(page, vector.proof)
        sees(page, "#sentence", vector.sentence)
        sees(page, "#sentence strong", "Does not hold:")
        what = page.text_content("#what-to-do") or ""
        assert not page.is_visible("#ladder")
        assert not page.is_visible("#not-proven")
    assert "Keep the file as it is" in what
    assert "issuer.example/eyuan as the file says, and the supervisor" in what


def test_two_files_a_huge_file_and_a_name_of_markup_are_answered_in_words(browser: Browser) -> None:
    name = "<img src=x onerror=alert(1)>.json"
    tab = Tab(browser)
    with tab as page:
        page.evaluate(DROP, [[TEXT, TEXT], name])
        sees(page, "#sentence", "Cannot be read: 2 files were given; check one at a time.")
        page.evaluate(DROP, [["x" * 3_000_000], name])
        sees(page, "#sentence", "Cannot be read: the proof file is larger than 65,536 bytes.")
        page.evaluate(DROP, [["x"], name])
        sees(page, "#file", re.compile(re.escape(name)))
    assert tab.asked == [PAGE.as_uri()]
    assert not tab.complaints


def test_the_language_follows_the_browser_and_is_kept_in_the_address_only(browser: Browser) -> None:
    vector = VECTORS["good/two-levels"]
    with Tab(browser, locale="zh-CN") as page:
        assert page.get_attribute("html", "lang") == "zh-Hans"
        page.fill("#keys", "\n".join(vector.keys))
        choose(page, vector.proof)
        sees(page, "#sentence strong", "成立：")
        page.click("text=English")
        sees(page, "#sentence", vector.sentence)
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("location.hash") == "#lang=en"
        page.reload()
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    with Tab(browser, locale="fr-FR") as page:
        assert page.get_attribute("html", "lang") == "en"


def test_keys_in_the_address_are_taken_whole_and_the_page_says_where_they_are_from(browser: Browser) -> None:
    plain = "#lang=en&keys=" + "%0A".join(KEYS)
    coded = "#keys=" + "%0A".join(
        key.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D") for key in KEYS
    )
    for fragment in (plain, coded):
        with Tab(browser, fragment=fragment) as page:
            assert page.input_value("#keys") == "\n".join(KEYS)
            assert page.is_visible("#keys-came")
            page.click("text=中文")
            sees(page, "h1", re.compile("您的余额"))
            assert page.input_value("#keys") == "\n".join(KEYS)
    with Tab(browser) as page:
        assert not page.is_visible("#keys-came")


def test_a_page_from_plain_http_says_that_it_cannot_check_and_the_way_out(browser: Browser) -> None:
    with Tab(browser, address="http://proof.test/") as page:
        assert "Save this page" in (page.text_content("#insecure_is, #insecure p") or "")
        assert page.is_visible("#insecure")
        assert not page.is_visible("#keys")


def test_the_page_works_by_keyboard_and_on_a_telephone(browser: Browser) -> None:
    vector = VECTORS["good/two-levels"]
    with Tab(browser, viewport={"width": 360, "height": 640}) as page:
        named = (
            "els => els.map(e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent)"
        )
        assert all(page.locator("button, input, textarea, table").evaluate_all(named)[:6])
        reached = []
        for _ in range(5):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert reached == ["BUTTON", "BUTTON", "keys", "choose", "SUMMARY"]
        page.fill("#keys", "\n".join(vector.keys))
        for text in (vector.proof, TEXT[:-9]):
            choose(page, text)
            sees(page, "#sentence", check(text, vector.keys).sentence)
            assert page.evaluate("document.documentElement.scrollWidth") == 360
