"""Files that are broken, huge or spiteful are refused with mistakes, in a moment and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from jiaozi.errors import RulebookError
from jiaozi.rulebook.reading.read import ALL, read

from .grown_law import grown

HEAD = '[book]\nplace = "hk"\nstatus = "draft"\ntitle = { en = "x", zh = "甲" }\n'
WORDS = 'title = { en = "x", zh = "甲" }\nfrom = 2026-01-01\ncite = "hk-so s 1"\n'

WRONG_FILES = {
    "not TOML": "event: hk.begun\n",
    "half a table": "[[event\n",
    "half a text": '[[event]]\nid = "hk.beg',
    "a key twice": "[[event]]\nid = 'a'\nid = 'b'\n",
    "zero bytes": "\x00" * 100,
    "a byte order mark": "\ufeff[[event]]\n",
    "half a character": "a = '\ud800'\n",
    "ten megabytes": "# " + "x\n" * 5_000_000,
    "one long line": "a = '" + "x" * 5_000 + "'\n",
    "nested lists": "a = " + "[" * 1_900 + "]" * 1_900,
    "nested tables": "a = " + "{a=" * 900 + "1" + "}" * 900,
    "a name of many points": f"a{'.a' * 17} = 1\n",
    "a header of many points": f"[a{'.a' * 17}]\n",
    "a number of many digits": "a = " + "9" * 3_900,
    "a number": "event = 1\nstep = 1\nbook = 1\nreform = 1\n",
    "a list": "event = []\nstep = [1]\n[[book]]\n[[reform]]\n",
    "tables of nothing": "[[event]]\n[[step]]\n[book]\n",
    "a date that is none": "day = 2026-02-30\n",
    "another file": "[[fact]]\nid = 'a.b'\n",
}


@pytest.mark.parametrize("file", ["events.toml", "steps.toml", "open.toml", "hk-idea.toml", "hk-more.toml"])
@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_file_that_is_not_what_it_should_be_is_refused(wrong: str, file: str) -> None:
    with pytest.raises(RulebookError) as caught:
        read({**grown(), file: WRONG_FILES[wrong]}, drafts=[ALL])
    assert all(mistake.message and mistake.subject for mistake in caught.value.mistakes)
    assert file in {mistake.file for mistake in caught.value.mistakes}


@pytest.mark.parametrize("file", ["open.toml", "hk-idea.toml", "hk-more.toml", "facts.toml", "places.toml"])
@pytest.mark.parametrize("text", ["", "\n \n", "# to be written\n"])
def test_an_empty_file_of_the_law_is_refused(text: str, file: str) -> None:
    with pytest.raises(RulebookError) as caught:
        read({**grown(), file: text}, drafts=[ALL])
    assert file in {mistake.file for mistake in caught.value.mistakes}


def rules(count: int, kinds: tuple[str, ...]) -> str:
    lines = (f'[[rule]]\nid = "hk.a{n}"\n{kinds[n % len(kinds)]} = ["serve"]\n{WORDS}' for n in range(count))
    return "".join(lines)


HUGE: dict[str, Callable[[], str]] = {
    "unknown keys": lambda: HEAD + "".join(f"a{number} = 1\n" for number in range(20_000)),
    "unknown keys of one rule": lambda: HEAD + "[[rule]]\n" + "".join(f"a{n} = 1\n" for n in range(20_000)),
    "empty rules": lambda: HEAD + "[[rule]]\n" * 10_000,
    "rules without end": lambda: HEAD + rules(3_000, ("permit",)) + "[[rule]]\n",
    "permits that as many bans forbid": lambda: HEAD + rules(2_000, ("permit", "forbid")),
    "deep headers": lambda: "".join(f"[a{n}{'.a' * 1_900}]\n" for n in range(200)),
    "deep keys": lambda: "".join(f"a{n}{'.a' * 1_900} = 1\n" for n in range(200)),
    "headers as deep as may be": lambda: HEAD + "".join(f"[a{n}{'.a' * 15}]\n" for n in range(2_000)),
    "unknown texts": lambda: HEAD + '[[rule]]\ncite = "hksx 1"\n' * 5_000,
    "unknown events": lambda: HEAD + '[[rule]]\nfrom = { event = "hk.x" }\n' * 5_000,
    "repeals of nothing": lambda: HEAD + f'[[change]]\nrepeal = "hk.x"\n{WORDS}' * 3_000,
    "amendments of nothing": lambda: HEAD + f'[[amend]]\nrule = "x"\nyields_to = ["x"]\n{WORDS}' * 3_000,
    "one action very often": lambda: HEAD + "[[rule]]\npermit = [\n" + '"pays",\n' * 90_000 + "]\n",
    "conditions": lambda: HEAD + "[[rule]]\nwhen = [\n" + '"payment.amount < 1 +",\n' * 20_000 + "]\n",
    "a text of lines": lambda: HEAD + 'x = """' + "\n" * 900_000 + '"""',
    "braces": lambda: HEAD + f'[[rule]]\nid = "hk.x"\npermit = ["serve"]\n{WORDS}brief = {{ en = "'
    + "{a" * 1_500 + '", zh = "' + "{" * 900 + '" }\n',
}  # fmt: skip


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_file_is_refused_in_a_moment(kind: str) -> None:
    texts = {**grown(), "hk-huge.toml": HUGE[kind]()}
    start = time.perf_counter()
    with pytest.raises(RulebookError) as caught:
        read(texts, drafts=[ALL])
    assert time.perf_counter() - start < 10
    assert {mistake.file for mistake in caught.value.mistakes} == {"hk-huge.toml"}


def test_a_file_of_deep_names_takes_little_memory() -> None:
    """A hundred keys of two thousand points each once took a gigabyte."""
    texts = {**grown(), "hk-huge.toml": HUGE["deep keys"]()}
    tracemalloc.start()
    with pytest.raises(RulebookError, match="more than 16 points outside quotes; split it"):
        read(texts, drafts=[ALL])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000_000


def test_points_inside_quotes_and_comments_are_no_names() -> None:
    texts = grown()
    texts["hk-more.toml"] += f"# {'. ' * 40}\n[[event]]\n"
    texts["hk-more.toml"] = texts["hk-more.toml"].replace("[[event]]\n", "")
    texts["hk-more.toml"] = texts["hk-more.toml"].replace("A report every month", "A. " * 40)
    assert read(texts).duties
