"""The words of the console: the same keys in both languages, each used, each used one there."""

from __future__ import annotations

import re
import string
from pathlib import Path

import jiaozi.server
from jiaozi.server.language import LANGUAGES, Reader, all_words

FOLDER = Path(jiaozi.server.__file__).parent
SOURCES = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]


def test_every_key_has_words_in_both_languages() -> None:
    for key, words in all_words().items():
        assert set(words) == set(LANGUAGES), key
        assert all(text.strip() for text in words.values()), key


def test_both_languages_are_filled_with_the_same_values() -> None:
    for key, words in all_words().items():
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in words.values()
        ]
        assert fields[0] == fields[1], key


def test_chinese_words_are_chinese() -> None:
    for key, words in all_words().items():
        if key not in ("language.en", "site.colon"):
            assert re.search(r"[\u4e00-\u9fff]", words["zh"]), key
            assert not re.search(r"[\u4e00-\u9fff]", words["en"]) or key == "language.zh", key


def test_every_key_that_is_used_is_there() -> None:
    for path in SOURCES:
        for key in re.findall(r"\bt\('([\w.]+)'(?! ~)", path.read_text(encoding="utf-8")):
            assert key in all_words(), f"{path.name}: {key}"


def test_every_problem_has_its_words() -> None:
    for path in SOURCES:
        for name in re.findall(r"Problem\(\d+, \"(\w+)\"", path.read_text(encoding="utf-8")):
            assert f"problem.{name}" in all_words(), f"{path.name}: {name}"


def test_every_key_is_used() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    starts = tuple(re.findall(r"t\('([\w.]+)' ~", text))
    for key in all_words():
        part, _, name = key.partition(".")
        is_used = f"'{key}'" in text or key.startswith(starts) or (part == "problem" and f'"{name}"' in text)
        assert is_used, f"{key} is used nowhere"


def test_numbers_are_written_without_floats() -> None:
    reader = Reader("en")
    assert reader.percent(10_012) == "100.12%"
    assert reader.percent(1_234_567_89) == "1,234,567.89%"
    assert reader.share(1, 3) == "33.3%"
    assert reader.share(1, 100_000) == "<0.1%"
    assert reader.share(0, 0) == "0.0%"
    assert reader.money(10**17) == "1,000,000,000,000,000.00"
