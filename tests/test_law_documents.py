"""The reference of the law files read as a law, and the guide run command by command."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.rulebook.reading.read import ALL, law_folder
from tests.law_asking import Captured, copied, law
from tests.rulebook.law_scenes import shipped
from tests.test_documents import commands

# -- the reference of the files ---------------------------------------------------------------------

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "law-files.md"


def examples() -> dict[str, str]:
    """Return the examples of the reference, joined by the file that their first line names."""
    files: dict[str, str] = {}
    for name, text in re.findall(
        r"^```toml\n# ([^\n]+)\n(.*?)^```$", REFERENCE.read_text("utf-8"), re.M | re.S
    ):
        files[name] = files.get(name, "") + text + "\n"
    return files


@pytest.fixture(scope="module")
def example_law(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The law of Exampleland, as the reference writes it."""
    folder = tmp_path_factory.mktemp("example")
    for name, text in examples().items():
        path = folder / name
        if name == "case deny":
            path = folder / "cases" / "ex" / "deny" / "the_day_ends.toml"
        elif name == "lower-cap.toml":
            path = folder / "reforms" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_the_examples_of_the_reference_are_a_law_without_mistakes(
    example_law: Path, capsys: Captured
) -> None:
    assert law("check", str(example_law)) == 0
    said = capsys.readouterr().out
    assert re.search(r"^ex +enacted ", said, re.MULTILINE)
    assert re.search(r"^ex-port +DRAFT ", said, re.MULTILINE)
    assert "1 cases: no mistakes" in said
    assert (
        law("with-reform", str(example_law / "reforms" / "lower-cap.toml"), "--folder", str(example_law)) == 0
    )
    said = capsys.readouterr().out
    assert "limit.day[t2]  4,999.50 HKD -> 1,000.00 HKD  (exercise art 1) [DRAFT]" in said
    assert "ex.interest  until  nothing -> 2027-07-01  (exercise art 2) [DRAFT]" in said
    words = ["--folder", str(example_law), "--on", "2027-02-01", "--place", "ex-port"]
    assert law("ask", "interest", *words) == 1
    assert law("ask", "interest", *words, "--draft", "ex-port") == 0


def test_the_reference_names_every_key_that_a_file_of_the_law_uses() -> None:
    """Whoever meets a key in the shipped law finds it on the page."""
    page = REFERENCE.read_text("utf-8")
    used: set[str] = set()
    for path in law_folder().glob("*.toml"):
        used |= set(re.findall(r"^([a-z_]+) *=", path.read_text("utf-8"), re.MULTILINE))
    needs = {name for rule in shipped(ALL).rules for name in (need.name for need in rule.needs)}
    missing = [
        key
        for key in sorted(used - needs)
        if f"`{key}`" not in page and not re.search(rf"^{key} *=", page, re.M)
    ]
    assert missing == []


# -- the guide --------------------------------------------------------------------------------------

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "read-and-change-the-law.md"


def test_every_command_of_the_guide_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """With the question and the copy that its reader makes, in a folder of one's own."""
    page = GUIDE.read_text("utf-8")
    shutil.copytree(law_folder(), tmp_path / "law")
    shutil.copytree(law_folder(), tmp_path / "my-law")
    (asked_for,) = re.findall(r"where `question\.json` holds `(.+)`\.", page)
    (tmp_path / "question.json").write_text(asked_for, "utf-8")
    monkeypatch.chdir(tmp_path)
    lines = commands(page)
    assert len(lines) > 15
    for line in lines:
        code = main(shlex.split(line)[1:])
        found = capsys.readouterr()
        assert code == (1 if found.out.startswith(("refused", '{\n  "allowed": false')) else 0), line
        assert found.out, line
        assert found.err == "", line


def test_the_reform_and_the_case_of_the_guide_are_read(tmp_path: Path, capsys: Captured) -> None:
    reform, case = re.findall(r"^```toml\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    path = tmp_path / "mine.toml"
    path.write_text(reform, "utf-8")
    assert law("with-reform", str(path)) == 0
    assert "travel.full_from  8,000.00 HKD -> 1,000.00 HKD" in capsys.readouterr().out
    folder = copied(tmp_path)
    (folder / "cases" / "hk" / "deny" / "the_case_of_the_guide.toml").write_text(case, "utf-8")
    assert law("check", str(folder)) == 0
