"""What the documents say is there: commands parse, files exist, dependencies have their reason."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.cli import parser

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), ROOT / "law" / "README.md"]
)


def commands(text: str) -> list[str]:
    """Return the `jiaozi …` lines of the code blocks, continued lines joined, comments cut."""
    blocks = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    joined = blocks.replace("\\\n", " ")
    found = [line.partition("#")[0].strip() for line in joined.splitlines()]
    return [line for line in found if line.startswith("jiaozi ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_shown_is_one_that_exists(page: Path) -> None:
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line.replace("…", ""))[1:]
        parser().parse_known_args(words)


def test_every_command_and_option_has_its_place_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    sections = dict(
        re.findall(r"^## (jiaozi [a-z -]+)\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    )
    found = dict(leaves(parser(), "jiaozi"))
    assert set(sections) == set(found)
    for name, command in found.items():
        for action in command._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help"):
                    assert f"`{option}`" in sections[name], f"{name} {option} is not in the reference"


def leaves(top: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command that does something, with its parser."""
    below = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name, top
    for action in below:
        for word, command in action.choices.items():
            yield from leaves(command, f"{name} {word}")


def test_the_readme_shows_every_command() -> None:
    shown = {line.split()[1] for line in commands((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert {"law", "statement", "journal", "verify"} <= shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_named_in_a_document_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|law|docs|tests|bench|changes|scripts|requirements)/[\w./-]*)`", text)
    named += [
        str((page.parent / link).relative_to(ROOT))
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", text)
    ]
    for path in named:
        assert (ROOT / path).exists(), f"{page.name} names {path}, which is not there"


def test_every_dependency_says_what_it_saves() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)
    for wanted in (*project["project"]["dependencies"], *project["dependency-groups"]["dev"]):
        line = next(line for line in text.splitlines() if f'"{wanted}"' in line)
        assert re.search(r"#\s+\S.{10,}", line), f"{wanted} does not say what it saves"


def test_every_pin_has_a_hash_and_names_no_host() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        for pin in re.split(r"\n(?=[a-z0-9])", text):
            if "==" in pin:
                assert "--hash=sha256:" in pin, f"{path.name}: {pin.splitlines()[0]} has no hash"


def test_every_change_is_filed_under_a_known_heading() -> None:
    for path in sorted((ROOT / "changes").glob("*.md")):
        heading = path.read_text(encoding="utf-8").partition(":")[0]
        assert heading in ("Law", "Safety", "Features", "Fixes", "Internals"), path.name
