"""The page of a replay: the figures are the replay's, and nothing on it can be taken for law."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from markupsafe import escape

from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.report.reform import beside, pictures, rows
from jiaozi.report.reform.pages import body, file_of, pages
from jiaozi.report.reform.subject import Subject, subject_of
from jiaozi.report.reform.text import as_text, width
from jiaozi.report.reform.words import LANGUAGES, Words
from jiaozi.rulebook.reading.read import law_folder
from tests.server.offices import EVIL, issue
from tests.world import COIN, found

REFORM = (law_folder() / "reforms" / "2027-07-lower-tier-4.toml").read_text("utf-8").replace(
    "from  = 2027-07-01", "from  = 2026-12-01"
).replace('set   = "limit.single"', 'set   = "limit.day"')  # fmt: skip
DAY_CAP = REFORM.replace("from  = 2026-12-01", "from  = 2026-12-10")
WORDS = tomllib.loads((Path(rows.__file__).parent / "words.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Li pays 400, 500 and 600 on a day; 2,000.01 is over his cap and refused."""
    world = found(tmp_path_factory.mktemp("reform") / "office")
    issue(world, "Li", 9_000_00, "first")
    for yuan in (400, 500, 600):
        world.clock.advance(60)
        assert world.pay("Li", "Tea house", yuan * 100)[0] == "created"
    assert world.pay("Li", "Tea house", 2_000_01)[0] == "refused_by_law"
    world.office.close()
    return world.office.folder / "journal"


def told(journal: Path, text: str = DAY_CAP, mode: Mode = Mode.AS_IT_HAPPENED, base: str = "") -> Subject:
    """Return the replay of *text*, compared with *base* where there is one."""
    work, tried = journal.parent / "lab", Tried(reforms=(("tried", text),))
    by_itself = Asked(Tried(reforms=(("base", base),)), mode=mode) if base else None
    asked = Asked(tried, base=by_itself.tried if by_itself else None, mode=mode)
    subject = subject_of(
        replay(journal, asked, work=work),
        prepared(journal, work),
        asked,
        command="jiaozi lab replay store --law tried.toml",
    )
    if by_itself is None:
        return subject
    return replace(subject, base_by_month=replay(journal, by_itself, work=work).summary.by_month)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_figures_of_the_page_are_those_of_the_history(journal: Path) -> None:
    """Under 1,000 a day 600 is refused: 400 + 500 + 600 are 1,500."""
    subject = told(journal)
    assert subject.found.summary.changed.refused == 1
    month = rows.months(subject)[0]
    assert month.month == "2026-12"
    assert month.admitted_before - month.admitted_after == 600_00
    assert (month.refused_before, month.refused_after) == (2_000_01, 2_600_01)
    text = text_of(pages(subject)["report.html"])
    assert "Newly refused 1 " in text
    assert "600.00 CNY" in text
    assert "not met: the payer&#39;s day stays within its cap" in text
    assert "up to 1,000.00" in text


def test_only_a_need_is_said_to_be_not_met(journal: Path) -> None:
    """A repealed permit leaves a place that permits nothing: that is a reason, and no need."""
    head = DAY_CAP[: DAY_CAP.index("[[change]]")]
    repeal = '[[change]]\nrepeal = "cn-sh.pay"\nfrom = 2026-12-10\ncite = "sh-notice-2 art 1"\n'
    told_rows = rows.reasons(told(journal, head + repeal), Words("en"))
    assert told_rows
    assert not any(row.name.startswith("not met: Nothing") for row in told_rows)
    assert any(row.name.startswith("Nothing in the law") for row in told_rows)
    assert all(row.name.startswith("not met: ") for row in rows.reasons(told(journal), Words("en")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mode", list(Mode))
def test_every_page_says_its_mode_its_caveats_and_how_to_repeat_it(
    journal: Path, mode: Mode, language: str
) -> None:
    subject = told(journal, mode=mode)
    html = pages(subject)[file_of("report", language)]
    words = Words(language)
    assert words(f"mode.{mode}") in html
    assert str(escape(words(f"caveat.{mode}"))) in html
    assert str(escape(words("caveat.demand"))) in html
    assert subject.found.address in html
    assert subject.found.address.endswith(mode)
    assert "jiaozi lab replay store --law tried.toml" in html
    assert f'<html lang="{words.tag}">' in html


@pytest.mark.parametrize(("language", "marks"), [("en", ("EXERCISE", "DRAFT")), ("zh", ("习作", "草案"))])
def test_what_is_tried_is_marked_with_its_source_and_its_text(
    journal: Path, language: str, marks: tuple[str, str]
) -> None:
    html = pages(told(journal))[file_of("report", language)]
    for mark in marks:
        assert f'<span class="tag amber">{mark}</span>' in html
    assert '<aside class="banner draft"' in html
    assert {"en": "Nobody: an exercise", "zh": "无：仅为习作"}[language] in html
    assert "exercise 1" in html
    assert "set   = &#34;limit.day&#34;" in html
    assert "cn-sh" in html


def test_no_name_and_no_account_is_on_the_page(journal: Path) -> None:
    subject = told(journal)
    for html in pages(subject).values():
        assert "Tea house" not in html
        assert not re.search(r"\bLi\b|\b\d{4} \d{4} \d{4}\b", html)
    assert subject.found.summary.kinds[0].example is not None


def test_whatever_a_reform_says_is_escaped(journal: Path) -> None:
    evil = DAY_CAP.replace("Exercise: halve", f"{EVIL} halve").replace("Nobody: an exercise", EVIL)
    for html in pages(told(journal, evil)).values():
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_a_page_loads_nothing_and_runs_nothing(journal: Path) -> None:
    for html in pages(told(journal)).values():
        assert "default-src 'none'" in unescape(html)
        assert not re.search(r'<script|<link|<img|\sstyle="|\son\w+="|src=', html)
        assert html.count("<h1>") == 1
        assert not re.search(r"<th(?![^>]*scope)[ >]", html)


def test_the_same_replay_gives_the_same_page(journal: Path) -> None:
    assert pages(told(journal)) == pages(told(journal))


def test_a_reform_that_changes_nothing_says_so(journal: Path) -> None:
    subject = told(journal, DAY_CAP.replace("t4 = 1_000", "t4 = 4_900"))
    assert "Nothing would have come out otherwise." in text_of(body(subject, "en"))
    assert "没有任何结果会改变。" in as_text(subject, "zh")


def test_where_the_path_after_is_the_path_before_there_is_one_column_of_it(journal: Path) -> None:
    """Nothing is issued or redeemed otherwise, so the coins are 9,000 either way."""
    for mode in Mode:
        subject = told(journal, mode=mode)
        coin, is_reserve, levels = rows.paths(subject)[0]
        assert (coin, is_reserve) == (COIN, False)
        assert {row.before for row in levels} == {row.after for row in levels} == {9_000_00}
        html = body(subject, "en")
        assert "coins outstanding, after" not in html
        assert ("neither before nor after" in html) == (mode is Mode.MONEY_FOLLOWS)
        assert ("no money moves otherwise" in html) == (mode is not Mode.MONEY_FOLLOWS)


def test_the_path_has_an_after_where_money_follows_another_way(journal: Path) -> None:
    """The issue of 9,000.00 is refused under a law that permits none."""
    head = DAY_CAP[: DAY_CAP.index("[[change]]")]
    ends = '[[change]]\nrepeal = "cn-sh.issue"\nfrom = 2026-12-10\ncite = "sh-notice-2 art 1"\n'
    for mode in Mode:
        html = body(told(journal, head + ends, mode), "en")
        assert ("coins outstanding, after" in html) == (mode is Mode.MONEY_FOLLOWS)


def test_least_and_most_are_named_without_a_judgement(journal: Path) -> None:
    subjects = [told(journal), told(journal, DAY_CAP.replace("t4 = 1_000", "t4 = 500"))]
    first = beside.figures(subjects, Words("en"))[0]
    assert [cell.mark for cell in first.cells] == ["least", "most"]
    for row in beside.figures([subjects[0], subjects[0]], Words("en")):
        assert {cell.mark for cell in row.cells} == {""}
    html = beside.pages(subjects, "beside")
    assert set(html) == {"beside.html", "beside.zh.html"}
    assert html["beside.html"].count('class="r-plot"') == 2


def test_side_by_side_pictures_share_their_scale(journal: Path) -> None:
    subjects = [told(journal), told(journal, DAY_CAP.replace("t4 = 1_000", "t4 = 500"))]
    html = beside.pages(subjects, "beside")["beside.html"]
    axes = re.findall(r'<svg class="r-axis".*?</svg>', html)
    assert len(axes) == 2
    assert axes[0] == axes[1]


def test_bars_are_as_high_as_their_amounts() -> None:
    line = pictures.Line("x", "r-after", [100_00, 50_00, 0])
    svg = pictures.bars("t", ["2026-12", "2027-01", "2027-02"], [line], Words("en").short)
    heights = [float(each) for each in re.findall(r'<rect class="r-after" x=[^>]+ height="([\d.]+)"', svg)]
    assert len(heights) == 2
    assert heights[0] == pytest.approx(2 * heights[1])
    assert ">2027<" in svg
    assert ">2026<" not in svg  # it would stand on 2027 on a narrow screen


@pytest.mark.parametrize(
    ("fen", "english", "chinese"),
    [
        (0, "0", "0"),
        (1, "0.01", "0.01"),
        (999_00, "999", "999"),
        (1_500_00, "1.5k", "1,500"),
        (12_000_000_00, "12m", "1,200万"),
        (450_000_000_00, "450m", "4.5亿"),
    ],
)
def test_an_axis_is_labelled_as_its_readers_count(fen: int, english: str, chinese: str) -> None:
    assert (Words("en").short(fen), Words("zh").short(fen)) == (english, chinese)


def test_a_share_of_something_is_never_nothing() -> None:
    words = Words("en")
    assert words.share(1, 1_000_000) == "<0.01%"
    assert words.share(0, 10) == words.share(0, 0) == "0.00%"
    assert words.share(1, 3) == "33.33%"


def test_every_word_is_there_in_both_languages_with_the_same_gaps() -> None:
    for part, names in WORDS.items():
        for name, words in names.items():
            assert set(words) == set(LANGUAGES), f"{part}.{name}"
            gaps = {language: sorted(re.findall(r"{(\w+)}", words[language])) for language in LANGUAGES}
            assert gaps["en"] == gaps["zh"], f"{part}.{name}"


def test_columns_of_a_terminal_count_chinese_twice() -> None:
    assert width("改革a") == 5
