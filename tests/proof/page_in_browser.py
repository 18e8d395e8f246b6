"""The verifier's page opened in a real browser: what the tests of it have in common."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from jiaozi.proof import verify_jiaozi
from jiaozi.proof.verify_jiaozi import Answer, check
from tests.proof.proof_vectors import read_all

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
PAGE = Path(verify_jiaozi.__file__).with_name("verify.html")
VECTORS = read_all()

# A script of the test's own, which the policy on the page's scripts does not bind: a browser that has no Ed25519.
NO_ED25519 = """
const importKey = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = async function (form, data, kind, ...rest) {
  if ((kind.name ?? kind) === 'Ed25519') throw new DOMException('Unrecognized name.', 'NotSupportedError');
  return importKey.call(this, form, data, kind, ...rest);
};
"""

ASK_ALL = """
async questions => {
  const answers = [];
  for (const [text, keys, language] of questions) {
    const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
    answers.push(await window.jiaozi.check(bytes, keys, language));
  }
  return answers;
}
"""


class Question(NamedTuple):
    """A proof file and the keys to check it with."""

    data: bytes
    keys: list[str]


def opened() -> Iterator[Browser]:
    """Yield Chromium, or skip the test and say how to get it."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """The page opened from the disk, with what the browser complained about and what it asked for."""

    def __init__(
        self, browser: Browser, *, fragment: str = "", before: str = "", address: str = "", **options: Any
    ) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(**{"locale": "en-GB", **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        # A breach of the content security policy is an error on the console too.
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        if before:
            self.page.add_init_script(before)
        if address:
            html = PAGE.read_text(encoding="utf-8")
            self.page.route("**/*", lambda route: route.fulfill(body=html, content_type="text/html"))
        self.page.goto((address or PAGE.as_uri()) + fragment)

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()


def ask(page: Page, questions: list[Question], language: str = "en") -> list[Answer]:
    """Return the page's answers to *questions*, in the form of the Python verifier's."""
    asked = [[base64.b64encode(one.data).decode(), one.keys, language] for one in questions]
    return [
        Answer(
            one["status"],
            one["sentence"],
            [(label, value) for label, value in one["ladder"]],
            one["not_proven"],
        )
        for one in page.evaluate(ASK_ALL, asked)
    ]


def vector_questions() -> list[Question]:
    return [Question(vector.proof.encode(), vector.keys) for vector in VECTORS.values()]


def expect_agreement(page: Page, questions: list[Question]) -> list[Answer]:
    """Need the page and the Python verifier to give the same answers, and return them."""
    answers = ask(page, questions)
    for question, answer in zip(questions, answers, strict=True):
        assert answer == check(question.data, question.keys), f"{question.data!a} with {question.keys}"
    return answers
