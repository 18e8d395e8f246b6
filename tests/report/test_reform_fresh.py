"""A store without a transfer: an office on its first day asks the lab as well, and gets whole pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import escape

from jiaozi.cli import main
from jiaozi.clock import ManualClock
from jiaozi.lab.replay.replay import Mode
from jiaozi.office import Office
from jiaozi.report.reform import beside
from jiaozi.report.reform.pages import file_of, pages
from jiaozi.report.reform.text import as_text
from jiaozi.report.reform.words import LANGUAGES, Words
from jiaozi.rulebook.reading.read import law_folder, read_folder
from jiaozi.server.app import create_app
from tests.report.test_reform_page import DAY_CAP, text_of, told
from tests.server.asking import Client
from tests.server.test_server_lab import SHIPPED, settled
from tests.world import ZONE, at, found

LOWER = law_folder() / "reforms" / "2027-07-lower-tier-4.toml"
MODES = list(Mode)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Law, issuer, coin and six holders, and nobody has paid yet."""
    world = found(tmp_path_factory.mktemp("fresh") / "office")
    world.office.close()
    return world.office.folder / "journal"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mode", MODES)
def test_the_page_and_the_text_say_that_nothing_was_tried(journal: Path, mode: Mode, language: str) -> None:
    words, subject = Words(language), told(journal, mode=mode)
    assert subject.backing == ()
    html = pages(subject)[file_of("report", language)]
    for text in (html, as_text(subject, language)):
        assert words("report.no_days") in text
        assert str(escape(words("report.nothing"))) in text
        assert "1970" not in text
        assert words("report.asks") not in text
    months = html[html.index('id="r-months"') : html.index('id="r-path"')]
    assert "<svg" not in months
    assert "<table" not in months


def test_a_base_and_reforms_side_by_side_have_pages(journal: Path) -> None:
    with_base = told(journal, base=DAY_CAP.replace("t4 = 1_000", "t4 = 500"))
    assert "No transfer yet" in text_of(pages(with_base)["report.html"])
    html = beside.pages([told(journal), told(journal, LOWER.read_text("utf-8"))], "beside")["beside.html"]
    assert "no transfer yet" in html


@pytest.mark.parametrize("mode", MODES)
def test_the_command_writes_its_pages(
    journal: Path, tmp_path: Path, mode: Mode, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lab", "replay", str(journal.parent), "--law", str(LOWER), "--mode", mode.value]
    assert main([*words, "--to", str(tmp_path)]) == 0
    assert "what happened. no transfer yet" in capsys.readouterr().out
    assert "report.zh.html" in {path.name for path in tmp_path.iterdir()}


def test_a_store_that_has_no_coin_yet_says_so(tmp_path: Path) -> None:
    with Office.open(tmp_path / "office", clock=ManualClock(at("2026-12-15 08:00"))) as office:
        office.enact(read_folder(drafts=[ZONE]))
    html = pages(told(tmp_path / "office" / "journal"))["report.html"]
    section = html[html.index('id="r-path"') : html.index('id="r-trapped"')]
    assert "The store has no coin yet." in section
    assert "<svg" not in section


@pytest.mark.parametrize("mode", MODES)
def test_the_console_answers(tmp_path: Path, mode: Mode) -> None:
    world = found(tmp_path / "office")
    answer = settled(Client(create_app(world.office)), f"{SHIPPED}&mode={mode.value}")
    world.office.close()
    assert answer.status_code == 200
    assert "No transfer yet" in text_of(answer.text)
    assert not re.search(r'class="bad"', answer.text)
