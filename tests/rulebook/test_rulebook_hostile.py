"""Whatever stands in the files, reading gives a book that works or a `RulebookError`, never a traceback."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from jiaozi.errors import RulebookError
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.language import LanguageError, parse
from jiaozi.rulebook.machine.program import compile_book
from jiaozi.rulebook.model import Action
from jiaozi.rulebook.reading.read import read, read_folder
from jiaozi.rulebook.telling.page import html

from .law_scenes import SMALL_LAW, USUAL, law, moment

MUTATIONS = 2_000
AT = moment("2027-02-01 10:00")


def read_or_refuse(texts: dict[str, str]) -> bool:
    """Return whether *texts* are law; if so, the law can be compiled, asked and shown."""
    refused = None
    try:
        book = read(texts, drafts=["cn-sh"])
    except RulebookError as error:
        refused = error
    if refused:
        assert refused.mistakes
        assert all(mistake.message and mistake.file for mistake in refused.mistakes)
        return False
    assert len(set(book.reasons)) == len(book.reasons)
    assert book.digest
    compile_book(book)
    decide(book, Action.PAY, USUAL, AT)
    return True


WRONG_FILES = {
    "empty": "",
    "blank": "\n\n   \n",
    "not TOML": "place: cn\nstatus: in force\n",
    "half a table": "[book\n",
    "half a text": '[book]\nplace = "cn',
    "a key twice": "[book]\nplace = 'cn'\nplace = 'cn'\n",
    "a table twice": "[book]\n[book]\n",
    "zero bytes": "\x00" * 100,
    "binary": "\x7fELF\x02\x01\x01\x00\x03\x00>\x00",
    "a byte order mark": "\ufeff[book]\nplace = 'cn'\n",
    "half a character": "[book]\ntitle = '\ud800'\n",
    "ten megabytes": "# " + "x" * 10_000_000,
    "nested lists": "a = " + "[" * 50_000 + "]" * 50_000,
    "nested tables": "a = " + "{a=" * 50_000 + "1" + "}" * 50_000,
    "a long dotted key": ".".join("a" * 20_000) + " = 1",
    "a number of many digits": "a = " + "9" * 10_000,
    "a hexadecimal number of many digits": "a = 0x" + "f" * 10_000,
    "an infinite number": "a = inf\nb = nan\n",
    "a date that is none": "a = 2026-02-30\n",
    "book is a number": "book = 1\n",
    "book is a list": "[[book]]\nplace = 'cn'\n",
    "rules are a table": "[book]\nplace = 'cn'\nstatus = 'in force'\n[rule]\nid = 'cn.a'\n",
    "rules are numbers": "rule = [1, 2]\n[book]\nplace = 'cn'\nstatus = 'in force'\n",
    "limits are a number": "limit = 1\n[book]\nplace = 'cn'\nstatus = 'in force'\n",
    "limits are a list": "limit = []\n[book]\nplace = 'cn'\nstatus = 'in force'\n",
    "a limit is a text": "limit.day = 'x'\n[book]\nplace = 'cn'\nstatus = 'in force'\n",
    "a limit of numbers": "limit.day = [1]\n[book]\nplace = 'cn'\nstatus = 'in force'\n",
}


@pytest.mark.parametrize("file", ["cn.toml", "facts.toml", "places.toml", "sources.toml", "us.toml"])
@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_file_that_is_no_law_is_refused(wrong: str, file: str) -> None:
    assert not read_or_refuse({**law("cn-sh").texts, file: WRONG_FILES[wrong]})


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\xef\xbb\xbf[book]\n", b"title = '\xc3('\n", bytes(range(256))]
)
def test_bytes_that_are_no_text_are_refused(content: bytes, tmp_path: Path) -> None:
    for name, text in law().texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "us.toml").write_bytes(content)
    with pytest.raises(RulebookError) as caught:
        read_folder(tmp_path)
    assert [mistake.file for mistake in caught.value.mistakes] == ["us.toml"]


def test_a_folder_without_law_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="is missing"):
        read_folder(tmp_path)
    with pytest.raises(RulebookError, match="is missing"):
        read_folder(tmp_path / "nowhere")


def test_a_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cn.toml").mkdir()
    with pytest.raises(RulebookError, match="cannot be read"):
        read_folder(tmp_path)


def test_a_file_full_of_blanks_is_read_in_a_moment() -> None:
    """A pattern that tries every split of the blanks would need years here."""
    blanks = " " * 3_900
    text = "x = '''\n" + f"[{blanks}\n[[{blanks}\na{blanks}\n[a.{blanks}\n" * 200 + "'''\n"
    start = time.perf_counter()
    assert not read_or_refuse({**law().texts, "us.toml": text})
    assert time.perf_counter() - start < 5


CONDITIONS = [
    "",
    " ",
    "payment.amount",
    "payment.amount <= ",
    "payment.amount = 1",
    "(payment.amount := 1) < 2",
    "lambda: 1",
    "__import__('os').system('true') == 1",
    "payment.amount <= 10 ** 10 ** 10",
    "payment.amount <= -1",
    "payment.amount <= 1j",
    "payment.amount <= 0x" + "f" * 900,
    "payment.amount <= 1_000.0",
    "payment.amount <= b'1'",
    "payment.amount <= f'{1}'",
    "payment.amount <= True",
    "payment.amount <= None",
    "payment.amount <= ...",
    "payment.amount <= [1]",
    "payment.amount <= limit.day[payer.tier:payee.tier]",
    "payment.amount <= limit.day[payer.tier][payer.tier]",
    "payment.amount <= limit.day['t1']",
    "payment.amount <= travel.full_from[payer.tier]",
    "payment.amount.real <= 1",
    "payment.amount in (1, 2)",
    "'hk' in payment.place",
    "'hk' in ('hk', 'cn')",
    "issuer.licences in ('hk',)",
    "payer.kind in ()",
    "payer.kind in (payee.kind,)",
    "payer.kind in (('resident',),)",
    "payer.kind == payee.kind",
    "payer.kind == 'resident' == payee.kind",
    "payer.kind == 'resident\\x00'",
    "payer.kind == '\\d'",
    "1 if payment.amount > 1 else 2",
    "payment.amount < 1; payment.amount > 2",
    "payment.amount < 1\npayment.amount > 2",
    "payment.amount <\x00 1",
    "not " * 200 + "payment.amount < 1",
    "(" * 400 + "payment.amount < 1" + ")" * 400,
    "payment.amount" + " + 1" * 200 + " < 1",
    "payment.amount + payment.amount + payment.amount + payment.amount + payment.amount"
    " + payment.amount + payment.amount + payment.amount + payment.amount < 1",
    "x" * 5_000,
    "付款人 == '居民'",
]


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_outside_the_language_is_refused(text: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(text, law().vocabulary)
    assert str(caught.value)


def test_a_condition_of_hundreds_of_terms_is_refused_in_words() -> None:
    with pytest.raises(LanguageError, match=r"longer than|nested too deeply"):
        parse(" and ".join(["payment.amount < 1"] * 500), law().vocabulary)


# -- random mutations -------------------------------------------------------------------------


def mutated(rng: random.Random, texts: dict[str, str]) -> dict[str, str]:
    """Return *texts* with one to three random changes in one file: lines, characters, words."""
    file = rng.choice(sorted(texts))
    text = texts[file]
    for _ in range(rng.randint(1, 3)):
        text = rng.choice((_lines, _characters, _words))(rng, text)
    return {**texts, file: text}


def _lines(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case _:
            lines[one] = lines[other]
    return "\n".join(lines)


def _characters(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    strange = rng.choice("\"'[]{}=.,#\\\n\t 09-_azé中\x00\ufeff\u2028")
    return text[:at] + rng.choice(("", strange, strange * 3)) + text[at + rng.randint(0, 2) :]


_TOKENS = (
    "true", "1", "-1", "0.5", "inf", "''", '"unlimited"', "[]", "{}", "[[rule]]", "[book]", '"cn"', '"cn-sh"',
    "2026-12-01", "1800-01-01", "9999-12-31", "12:00:00", '"cn-42 art 1"', "payer.kind", "limit.day",
    "limit.day[payer.tier]", " and ", " not ", "<=", "==", '"draft"', '"in force"', '"money"', '"place"',
)  # fmt: skip


def _words(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    at = rng.randrange(len(words))
    words[at] = rng.choice((*_TOKENS, words[rng.randrange(len(words))], ""))
    return " ".join(words)


@pytest.mark.parametrize("part", range(4))
def test_random_changes_of_the_shipped_law_give_a_book_or_mistakes(part: int) -> None:
    texts = dict(law("cn-sh").texts)
    outcomes = set()
    for number in range(MUTATIONS // 4):
        seed = part * MUTATIONS + number
        try:
            outcomes.add(read_or_refuse(mutated(random.Random(seed), texts)))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert outcomes == {True, False}


def test_markup_in_the_law_is_text_on_its_page() -> None:
    texts = dict(law().texts)
    for name in ("hk.toml", "facts.toml", "places.toml", "sources.toml"):
        texts[name] = texts[name].replace('en = "', "en = \"<script>alert('1')</script>&")
    page = html(read(texts), AT, "en")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_shipped_files_are_what_is_mutated_here() -> None:
    assert set(law("cn-sh").texts) == {path.name for path in SMALL_LAW.glob("*.toml")}
