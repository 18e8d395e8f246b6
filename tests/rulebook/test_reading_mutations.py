"""However the shipped law is changed at random, reading gives a book that works or its mistakes, and soon.

Bytes, words, lines and blocks are dropped, doubled, swapped and taken from elsewhere in the law. A few
hundred changes in the ordinary run; `JIAOZI_TORTURE=100000` tries as many, and a seed that fails is named.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache

import pytest

from jiaozi.errors import RulebookError
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading import read as reader
from jiaozi.rulebook.reading.read import ALL, DATE_FILES, WORD_FILES, law_folder, read, texts_of
from jiaozi.rulebook.reading.toml import Mistakes, Table, open_table

from .grown_law import PILOT, moment

TRIES = int(os.environ.get("JIAOZI_TORTURE", "600"))
PARTS = 6
SLOWEST = 5.0
"""Seconds for one reading. It takes a few hundredths; the room is for a machine that is busy."""


@lru_cache
def law_texts() -> Mapping[str, str]:
    """Return the shipped law and the reforms that ship with it, by file name."""
    return texts_of([*sorted(law_folder().glob("*.toml")), *sorted(law_folder().glob("reforms/*.toml"))])


def place_of(text: str) -> str:
    """Return the place of a file of the law, or nothing for a reform."""
    found = re.search(r'^place\s*=\s*"([a-z-]+)"', text, re.MULTILINE)
    return found.group(1) if found else ""


def company(file: str) -> dict[str, str]:
    """Return the least law that can be read with *file* in it: words, dates, and what it changes."""
    texts = dict(law_texts())
    if file in (*WORD_FILES, *DATE_FILES):
        return texts
    wanted = {place_of(texts[file])} & {place_of(text) for text in texts.values()} - {""}
    if not wanted or "cn-sh" in wanted:
        wanted |= {"cn", "cn-sh", "hk"}
    alone = {name for name, text in texts.items() if place_of(text) in wanted and name not in DATE_FILES}
    kept = {*WORD_FILES, *DATE_FILES, *alone, file}
    return {name: text for name, text in texts.items() if name in kept}


# -- changes ----------------------------------------------------------------------------------

WORDS = (
    "true", "1", "0", "-1", "0.5", "inf", "0x7fffffffffffffff", "9" * 30, "''", '""', '" "', '"unlimited"',
    "[]", "{}", "[[]]", "[[rule]]", "[book]", "[reform]", "[[amend]]", "[[change]]", "[source.x]",
    "[[rule.suspended]]", "2026-12-01", "1800-01-01", "9999-12-31", "0001-01-01", "12:00:00", "2026-02-30",
    "2026-12-01T00:00:00Z", '{ event = "us.final_rules" }', '{ event = "us.final_rules", days = 99999 }',
    '{ event = "tw.vasa_commenced", by = 2027-01-18 }', '"us.final_rules"', '"at once"', '"1 business day"',
    '"for ever"', '"{limit.day[t4]}"', '"{"', '"cn-42 art 1"', '"cn-42"', "until_cite", "suspended", "known",
    "confidence", "topic", "brief", "every", "within", "for", "upon", "place", "payer.kind", "limit.day",
    "limit.day[payer.tier]", "reserve.max_days[asset.kind]", "asset.days", " and ", " not ", " in ", "<=", "==",
    "!=", "+", "-", "(", ")", "#", "\\", '"draft"', '"enacted"', '"proposal"', '"money"', '"days"', '"percent"',
    '"place"', '"places"', "\u2028", "\ufeff", "\x00", "中",
)  # fmt: skip


def change(rng: random.Random, text: str, other: str) -> str:
    """Return *text* with one change of a random kind; *other* is a file to take things from."""
    return rng.choice((_byte, _byte, _word, _word, _word, _line, _line, _block))(rng, text, other)


def _byte(rng: random.Random, text: str, _: str) -> str:
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    at = rng.randrange(len(data) + 1)
    match rng.randrange(4):
        case 0:
            del data[at : at + rng.randint(1, 3)]
        case 1:
            data[at:at] = bytes(rng.choices(range(256), k=rng.randint(1, 3)))
        case 2 if at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        case _:
            data[at : at + 1] = rng.choice(b"\"'[]{}=.,#\\\n\t 09-_az").to_bytes(1, "big") * rng.randint(1, 4)
    # What is no UTF-8 never gets this far; half a character stands for it.
    return data.decode("utf-8", rng.choice(("replace", "surrogateescape")))


def _word(rng: random.Random, text: str, other: str) -> str:
    words = re.split(r"(\s+|[=,\[\]{}()\"'])", text)
    at = rng.randrange(len(words))
    words[at] = rng.choice((*WORDS, "", words[rng.randrange(len(words))], rng.choice(other.split() or [""])))
    return "".join(words)


def _line(rng: random.Random, text: str, other: str) -> str:
    lines, others = text.split("\n"), other.split("\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            del lines[one]
        case 1:
            lines.insert(two, lines[one])
        case 2:
            lines[one], lines[two] = lines[two], lines[one]
        case 3:
            lines.insert(one, rng.choice(others))
        case 4:
            lines[one] = f"{lines[one].partition('=')[0]}= {rng.choice(WORDS)}"
        case _:
            lines[one : one + 2] = ["".join(lines[one : one + 2])]
    return "\n".join(lines)


def _block(rng: random.Random, text: str, other: str) -> str:
    blocks, others = text.split("\n\n"), other.split("\n\n")
    one, two = rng.randrange(len(blocks)), rng.randrange(len(blocks))
    match rng.randrange(5):
        case 0:
            del blocks[one]
        case 1:
            blocks.insert(two, blocks[one])
        case 2:
            blocks[one], blocks[two] = blocks[two], blocks[one]
        case 3:
            blocks.insert(one, rng.choice(others))
        case _:
            del blocks[min(one, two) : max(one, two)]
    return "\n\n".join(blocks)


def changed(seed: int) -> tuple[str, dict[str, str]]:
    """Return the file that *seed* changes, and the texts of the law with it."""
    rng = random.Random(seed)
    texts = law_texts()
    file = rng.choice(sorted(texts))
    text, other = texts[file], texts[rng.choice(sorted(texts))]
    for _ in range(rng.randint(1, 3)):
        text = change(rng, text, other)
    return file, {**company(file), file: text}


# -- reading ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def files_as_they_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse a file that was not changed once; the readers only look into what was parsed."""
    opened: dict[tuple[str, str], Table] = {}

    def open_once(text: str, file: str, mistakes: Mistakes) -> Table | None:
        if law_texts().get(file) != text:
            return open_table(text, file, mistakes)
        if (file, text) not in opened:
            found = open_table(text, file, mistakes)
            assert found is not None
            opened[file, text] = found
        found = opened[file, text]
        return Table(found.data, file, "", found._lines, mistakes)

    monkeypatch.setattr(reader, "open_table", open_once)


def book_or_mistakes(texts: Mapping[str, str]) -> Book | RulebookError:
    """Return the book of *texts* once it was asked something, or what is wrong with them."""
    try:
        book = read(texts, drafts=[ALL])
    except RulebookError as error:
        return error
    assert len(set(book.reasons)) == len(book.reasons)
    assert len(book.digest) == 32
    for asked in (book, as_known(book, date(2026, 1, 1))):
        decision = decide(asked, Action.PAY, PILOT, moment("2027-02-01 10:00"))
        assert decision.allowed == (not decision.reasons)
    return book


def seeds(part: int) -> Iterator[int]:
    """Yield the seeds of one part of the run."""
    yield from range(part, TRIES, PARTS)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_change_of_the_shipped_law_at_random_gives_a_book_or_mistakes(part: int) -> None:
    kinds = set()
    for seed in seeds(part):
        start = time.perf_counter()
        try:
            texts = changed(seed)[1]
            found = book_or_mistakes(texts)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        assert time.perf_counter() - start < SLOWEST, f"seed {seed}"
        kinds.add(type(found))
        if isinstance(found, RulebookError):
            assert found.mistakes, f"seed {seed}"
            for mistake in found.mistakes:
                assert mistake.file in texts or mistake.file == "law", f"seed {seed}: {mistake}"
                assert mistake.message, f"seed {seed}: {mistake}"
                assert mistake.subject, f"seed {seed}: {mistake}"
                assert 0 <= mistake.line <= texts.get(mistake.file, "").count("\n") + 1, (
                    f"seed {seed}: {mistake}"
                )
    assert kinds == {Book, RulebookError}


def test_the_law_that_is_changed_here_is_read_without_a_mistake() -> None:
    """Otherwise every change of a file would be refused for what was wrong before."""
    for file in law_texts():
        assert isinstance(book_or_mistakes(company(file)), Book), file


def test_a_file_is_changed_in_most_tries() -> None:
    same = [seed for seed in range(100) if (found := changed(seed))[1][found[0]] == law_texts()[found[0]]]
    assert len(same) < 20
