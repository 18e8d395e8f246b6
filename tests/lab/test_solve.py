"""Solve: the value that meets a condition, where the answer is known beforehand."""

from __future__ import annotations

import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.errors import LabError
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.lab.solve import Varied, condition_of, grid_of, solve, varied_of
from jiaozi.rulebook.reading.read import read_folder, with_reform
from tests.server.offices import issue
from tests.world import found

DAY = date(2026, 12, 15)
BOOK = read_folder(drafts=["cn-sh"])
AMOUNTS_YUAN = (300, 600, 900, 1_200, 1_500)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Li, tier 4, pays five amounts on one day; each is within his caps."""
    folder = tmp_path_factory.mktemp("solve")
    world = found(folder / "office")
    issue(world, "Li", 9_000_00, "first")
    for yuan in AMOUNTS_YUAN:
        world.clock.advance(60)
        assert world.pay("Li", "Tea house", yuan * 100)[0] == "created"
    world.office.close()
    return folder / "office" / "journal"


def measured(journal: Path, varied: Varied, keep: str, value: int, mode: Mode) -> tuple[int, int]:
    asked = Asked(Tried(reforms=(("solve", varied.reform(value)),)), mode=mode)
    summary = replay(journal, asked, work=journal.parent / "lab").summary
    return condition_of(keep).measured(summary)


@pytest.mark.parametrize(
    ("keep", "holds", "fails"),
    [
        ("refused payments <= 2", 900, 850),  # 1,200 and 1,500 are over 900; 900 as well is over 850
        ("refused payments >= 3", 850, 900),
        ("refused value <= 1,500", 1_200, 1_150),
        ("refused holders <= 0%", 1_500, 1_450),
    ],
)
def test_the_known_answer_is_found_to_the_step(journal: Path, keep: str, holds: int, fails: int) -> None:
    varied = varied_of("limit.single[t4]", BOOK, "cn-sh", DAY)
    condition = condition_of(keep)
    grid = grid_of(100, 2_000, 50)
    solved = solve(lambda value: measured(journal, varied, keep, value, Mode.AS_IT_HAPPENED), condition, grid)
    assert solved.holds_at is not None
    assert solved.fails_at is not None
    assert (solved.holds_at.value, solved.fails_at.value) == (holds, fails)
    assert solved.is_monotone
    assert solved.turns == 1
    assert len(solved.points) < len(grid) // 2


def test_the_modes_have_different_answers_for_a_cap_on_a_day(journal: Path) -> None:
    """Under 1,500 a day: kept sums refuse 900 and all after it; sums that follow the law leave room."""
    varied = varied_of("limit.day[t4]", BOOK, "cn-sh", DAY)
    keep = "refused payments <= 2"
    counts = {mode: measured(journal, varied, keep, 1_600, mode)[0] for mode in Mode}
    assert counts[Mode.AS_IT_HAPPENED] == 3  # 300 + 600 fit, then 1,800 and all above
    assert counts[Mode.SUMS_FOLLOW] == 3  # 300 + 600, and 900, 1,200, 1,500 would each pass 1,600
    answers = {}
    for mode in (Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW):
        solved = solve(
            lambda value, mode=mode: measured(journal, varied, keep, value, mode),  # type: ignore[misc]
            condition_of(keep),
            grid_of(1_000, 5_000, 100),
        )
        assert solved.holds_at is not None
        answers[mode] = solved.holds_at.value
    # As it happened 300, 600, 900 need 1,800; where sums follow, so do they, for 1,200 comes after 1,800.
    assert answers == {Mode.AS_IT_HAPPENED: 1_800, Mode.SUMS_FOLLOW: 1_800}


def test_a_replay_is_recorded_once(journal: Path) -> None:
    work = journal.parent / "lab"
    assert prepared(journal, work).head == prepared(journal, work).head


@given(st.integers(0, 400), st.integers(2, 400), st.booleans(), st.integers(0, 5))
def test_any_threshold_is_found(threshold: int, size: int, is_rising: bool, probes: int) -> None:
    """The figure passes the bound at *threshold*; the answer is exact, or that there is none."""
    grid = range(size)
    condition = condition_of("refused payments >= 1" if is_rising else "refused payments <= 0")

    def measure(value: int) -> tuple[int, int]:
        return int(value >= threshold), 10

    solved = solve(measure, condition, grid, probes=probes)
    assert solved.is_monotone
    if 0 < threshold < size:
        assert solved.holds_at is not None
        assert solved.fails_at is not None
        pair = (threshold, threshold - 1) if is_rising else (threshold - 1, threshold)
        assert (solved.holds_at.value, solved.fails_at.value) == pair
        assert len(solved.points) <= probes + 2 + size.bit_length()
    else:
        assert not solved.is_found
        assert solved.is_always == (is_rising == (threshold == 0))


def test_a_figure_that_turns_is_noticed() -> None:
    solved = solve(
        lambda value: (int(30 <= value < 60), 10), condition_of("refused payments <= 0"), range(101)
    )
    assert not solved.is_monotone
    assert solved.turns == 2
    assert solved.holds_at is not None
    assert solved.holds_at.value == 29


def test_a_share_is_compared_exactly() -> None:
    condition = condition_of("refused holders <= 0.5%")
    assert condition.bound == Fraction(1, 2)
    assert condition.holds(5, 1_000)
    assert not condition.holds(501, 100_000)
    assert condition.holds(0, 0)
    assert condition_of("admitted value >= 1,000.50").holds(1_000_50, 1)
    assert not condition_of("admitted value >= 1,000.50").holds(1_000_49, 1)


def test_the_reform_that_is_written_reads_as_an_exercise() -> None:
    varied = varied_of("limit.day[t4]", BOOK, "cn-sh", DAY)
    text = varied.reform(1_234)
    assert tomllib.loads(text)["change"] == [
        {"set": "limit.day", "place": "cn-sh", "from": DAY, "cite": "solve-exercise art 1", "CNY": {"t4": 1234}}
    ]  # fmt: skip
    book = with_reform(BOOK, "solve", text)
    assert book.sources["solve-exercise"].read == "invented"
    assert book.is_draft


@pytest.mark.parametrize(
    "text", ["", "refused", "refused holders < 1%", "refused holders <= -1%", "refused value <= 1e9",
             "lost holders <= 1", "refused holders <= 101%", "refused holders <= 1 000"]
)  # fmt: skip
def test_what_is_no_condition_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(LabError, match=r"refused holders <= 0\.5%|more than 100 %"):
        condition_of(text)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("limit.dya[t4]", "cn-sh", "did you mean limit.day"),
        ("limit.day", "cn-sh", "set by t1, t2, t3, t4"),
        ("limit.day[t9]", "cn-sh", "set by t1, t2, t3, t4"),
        ("travel.full_from[t4]", "hk", "leave out"),
        ("limit.day[t4]", "shanghai", "no place"),
        ("limit.day[t4]", "hk", "in no currency"),
        ("limit day", "cn-sh", "no value of the law"),
    ],
)
def test_a_value_that_is_not_there_is_told_what_is(text: str, place: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        varied_of(text, BOOK, place, DAY)


@pytest.mark.parametrize(
    ("low", "high", "step"), [(5, 5, 1), (9, 5, 1), (0, 10, 0), (0, 10, 3), (0, 10**9, 1)]
)
def test_a_range_that_is_none_is_refused(low: int, high: int, step: int) -> None:
    with pytest.raises(LabError, match=r"range|steps"):
        grid_of(low, high, step)


def test_a_later_value_of_the_law_is_named() -> None:
    early = varied_of("limit.day[t4]", BOOK, "cn-sh", date(2026, 11, 1))
    assert early.later(BOOK) == (date(2026, 12, 1),)
    assert varied_of("limit.day[t4]", BOOK, "cn-sh", DAY).later(BOOK) == ()
