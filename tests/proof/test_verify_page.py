"""The verifier as a page, in a real browser: it answers as the Python verifier does, in two languages."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from jiaozi.proof import verify_jiaozi
from jiaozi.proof.checkpoint import sign
from jiaozi.proof.verify_jiaozi import (
    BASE,
    FAILS,
    HOLDS,
    ORDER,
    UNREADABLE,
    P,
    Point,
    add,
    check,
    is_signed,
    point_of,
    times,
)
from tests.proof.damaged_proofs import DAMAGES, LETTERS, SPELLINGS, Damage, changed_keys, with_note
from tests.proof.failing_vectors import with_neutral_r
from tests.proof.page_in_browser import (
    NO_ED25519,
    PAGE,
    VECTORS,
    Question,
    Tab,
    ask,
    expect_agreement,
    opened,
    vector_questions,
)
from tests.proof.proof_vectors import CHECKPOINT, ISSUER, KEYS, NOTE, SUPERVISOR, TEXT

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from opened()


class Parts(HTMLParser):
    """The script, the style and the policy of a page, and each address that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.policy = "", ""
        self.texts = {"script": "", "style": ""}
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.open = tag
        self.addresses += [f"{tag} {name}" for name in values if name in ("src", "href", "action", "data")]
        self.addresses += [f"{tag} {name}" for name in values if name == "style" or name.startswith("on")]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open if tag != self.open else ""

    def handle_data(self, data: str) -> None:
        if self.open in self.texts:
            self.texts[self.open] += data


def test_the_policy_lets_the_page_run_its_own_script_and_fetch_nothing() -> None:
    parts = Parts(PAGE.read_text(encoding="utf-8"))
    own = {
        kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in parts.texts.items()
    }
    assert parts.policy == (
        f"default-src 'none'; script-src 'sha256-{own['script']}'; style-src 'sha256-{own['style']}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ), "script or style has changed; put the policy on the left of this comparison's right side into the page"


def test_the_page_names_no_other_file_and_no_address() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert not Parts(text).addresses
    for word in ("://", "@import", "url(", "fetch(", "XMLHttpRequest", "import(", "localStorage", "cookie"):
        assert word not in text, word


@pytest.mark.browser
def test_every_vector_is_answered_as_the_python_verifier_does(browser: Browser) -> None:
    with Tab(browser) as page:
        answers = expect_agreement(page, vector_questions())
    for vector, answer in zip(VECTORS.values(), answers, strict=True):
        assert (answer.status, answer.sentence) == (vector.status, vector.sentence)


@pytest.mark.browser
def test_a_browser_without_ed25519_gives_the_same_answers(browser: Browser) -> None:
    with Tab(browser, before=NO_ED25519) as page:
        kinds = page.evaluate(
            "() => crypto.subtle.importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify'])"
            ".then(() => 'known', error => error.name)"
        )
        assert kinds == "NotSupportedError"
        expect_agreement(page, [*vector_questions(), *neutral_r_questions()])


@pytest.mark.browser
def test_a_signature_with_a_neutral_r_is_taken_although_a_browser_may_refuse_it(browser: Browser) -> None:
    with Tab(browser) as page:
        answers = expect_agreement(page, neutral_r_questions())
    assert [answer.status for answer in answers] == [HOLDS, FAILS]


@pytest.mark.browser
@pytest.mark.parametrize("before", ["", NO_ED25519], ids=["by the browser", "by the page"])
def test_signatures_with_points_of_small_order_in_them_are_judged_alike(
    browser: Browser, before: str
) -> None:
    cases = twisted_signatures(random.Random(8032))
    asked = [[part.hex() for part in case] for case in cases]
    ask_each = """async cases => {
      const answers = [];
      for (const parts of cases) answers.push(await isSigned(...parts.map(unhex)));
      return answers;
    }"""
    with Tab(browser, before=before) as page:
        answers = page.evaluate(ask_each, asked)
    assert answers == [is_signed(*case) for case in cases]
    assert set(answers) == {True, False}


SMALL_ORDER = [  # the eight points P with 8 P = 0
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def twisted_signatures(chance: random.Random) -> list[tuple[bytes, bytes, bytes]]:
    """Return (public key, message, signature); key and R each have one of the eight points of small order added.

    Where these cancel, the equation without the cofactor holds; where they do not, only the one with it does.
    """
    torsion = [point_of(bytes.fromhex(text)) for text in SMALL_ORDER]
    cases = []
    for number in range(60):
        secret, nonce = chance.randrange(ORDER), chance.choice([0, chance.randrange(ORDER)])
        public = bytes_of(add(times(secret, BASE), chance.choice(torsion)))
        r = bytes_of(add(times(nonce, BASE), chance.choice(torsion)))
        message = number.to_bytes(4, "big")
        h = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little")
        cases.append((public, message, r + ((nonce + h * secret) % ORDER).to_bytes(32, "little")))
    return cases


def bytes_of(point: Point) -> bytes:
    """Return *point* as RFC 8032 writes it."""
    z = pow(point[2], -1, P)
    x, y = point[0] * z % P, point[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def neutral_r_questions() -> list[Question]:
    """Return one proof that holds and one that does not; in both R is the neutral point."""
    one = sign(CHECKPOINT.text(), ISSUER.name, ISSUER.private_key)
    line = with_neutral_r(NOTE.split("\n")[-2], b"\1" + bytes(31))
    notes = f"{one}{line}\n", f"{one}{line}\n".replace("custodian", "Custodian")
    keys = [SUPERVISOR.verifier_key]
    return [Question(with_note(note).encode(), keys) for note in notes]


@pytest.mark.browser
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_proofs_are_answered_as_the_python_verifier_does(browser: Browser, damage: Damage) -> None:
    chance = random.Random(f"2027 {damage.__name__}")
    good = [vector.proof for name, vector in VECTORS.items() if name.startswith("good/")]
    questions = [
        Question(damage(chance, json.loads(chance.choice([TEXT, *good]))), changed_keys(chance))
        for _ in range(120)
    ]
    with Tab(browser) as page:
        answers = expect_agreement(page, questions)
    assert len({answer.sentence for answer in answers}) > 3, "the damage is always the same"


@pytest.mark.browser
def test_each_spelling_of_a_value_is_judged_as_python_judges_it(browser: Browser) -> None:
    whole = [spelling.encode() + b"\n" for spelling in SPELLINGS]
    inside = [TEXT.replace('"4100"', spelling, 1).encode() for spelling in SPELLINGS]
    lists = [f"[{spelling}]\n".encode() for spelling in SPELLINGS]
    odd = [b"", b"\n", b"\xef\xbb\xbf" + TEXT.encode(), TEXT.encode("utf-16"), b"\xed\xa0\x80", b"1" * 65_537]
    with Tab(browser) as page:
        answers = expect_agreement(page, [Question(data, KEYS) for data in whole + inside + lists + odd])
        assert {answer.status for answer in answers} == {UNREADABLE}
        halves = page.evaluate(r"() => jiaozi.check('\ud800', [])")
    assert halves["sentence"] == check("\ud800").sentence


@pytest.mark.browser
def test_keys_that_are_none_are_shown_as_python_shows_them(browser: Browser) -> None:
    keys = [letter * 41 for letter in LETTERS] + [
        "'\"",
        "it's",
        '"',
        "a+b",
        "++",
        "name only",
        "é+00000000+AQ==",
    ]
    with Tab(browser) as page:
        answers = expect_agreement(page, [Question(TEXT.encode(), [key]) for key in keys])
    assert {answer.status for answer in answers} == {UNREADABLE}


HAN = re.compile(r"[\u4e00-\u9fff]")


def without_names(text: str) -> str:
    """Return *text* without what stays as it is in every language: names, places in a file, quoted words."""
    text = re.sub(r"'[^']*'|issuer\.example\S*|supervisor\.example|nobody\.example", "", text)
    known = [
        *verify_jiaozi.PROOF,
        *verify_jiaozi.CHECKPOINT,
        "proof",
        "SHA-256",
        "UTF-8",
        "JSON",
        "Base64",
        "CNY",
        "sum",
    ]
    return re.sub(rf"\b({'|'.join(known)})\b", "", text)


@pytest.mark.browser
def test_in_chinese_no_sentence_and_no_line_stays_english(browser: Browser) -> None:
    with Tab(browser) as page:
        answers = ask(page, vector_questions(), "zh")
        tables = page.evaluate("TEXT")
    for vector, answer in zip(VECTORS.values(), answers, strict=True):
        assert answer.status == vector.status
        labels = [label for label, _ in answer.ladder]
        for text in (answer.sentence, *labels, *answer.not_proven):
            assert HAN.search(text), text
            assert not re.search(r"[A-Za-z]{2,}", without_names(text)), text
        for figure in re.findall(r"[0-9,]+\.[0-9]{2} CNY", vector.sentence):
            assert figure in answer.sentence
    for english, chinese in tables.values():
        assert HAN.search(chinese) or chinese == "{0} {1}", chinese
        assert not HAN.search(english), english
        assert set(re.findall(r"\{\d\}", english)) == set(re.findall(r"\{\d\}", chinese)), english
