"""The business calendars agree day by day with three independent ones, and reading them is strict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from jiaozi.clock import BusinessCalendar
from jiaozi.errors import CalendarError, RulebookError
from jiaozi.rulebook.reading.calendars import read_calendar

LAW = Path(__file__).parents[1] / "law" / "calendars"
SAMPLES = Path(__file__).parents[2] / "shared" / "data" / "calendar"


@pytest.fixture(scope="module")
def cn() -> BusinessCalendar:
    return read_calendar(LAW / "cn.toml")


@pytest.fixture(scope="module")
def hk() -> BusinessCalendar:
    return read_calendar(LAW / "hk.toml")


def days_of(year: int) -> Iterator[date]:
    """Yield every day of *year*."""
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


# -- against others ---------------------------------------------------------------------


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_in_china_agrees_with_chinese_calendar(cn: BusinessCalendar, year: int) -> None:
    assert [day for day in days_of(year) if cn.is_business_day(day) != chinese_calendar.is_workday(day)] == []


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_in_china_agrees_with_holidays(cn: BusinessCalendar, year: int) -> None:
    other = holidays.country_holidays("CN", years=year)
    differ = [day for day in days_of(year) if cn.is_business_day(day) != other.is_working_day(day)]
    assert differ == []


@pytest.mark.parametrize("year", [2024, 2025, 2026])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the calendars of holiday-cn are not beside the repository")
def test_every_listed_day_in_china_agrees_with_holiday_cn(cn: BusinessCalendar, year: int) -> None:
    listed = json.loads((SAMPLES / f"cn-{year}.json").read_text(encoding="utf-8"))["days"]
    off = {date.fromisoformat(day["date"]) for day in listed if day["isOffDay"]}
    on = {date.fromisoformat(day["date"]) for day in listed if not day["isOffDay"]}
    assert {day for day in cn.days_off if day.year == year} == off
    assert {day for day in cn.days_on if day.year == year} == on


def test_every_day_in_hong_kong_agrees_with_holidays(hk: BusinessCalendar) -> None:
    # The general holidays of Cap. 149 are the category "optional"; "public" are the labour law's.
    other = holidays.country_holidays("HK", years=2026, categories=("optional",))
    assert hk.days_off == frozenset(other)
    differ = [day for day in days_of(2026) if hk.is_business_day(day) == (day in other or day.weekday() > 4)]
    assert differ == []


@pytest.mark.parametrize("year", [2023, 2027])
def test_a_year_without_its_notice_is_not_guessed(
    cn: BusinessCalendar, hk: BusinessCalendar, year: int
) -> None:
    for calendar in (cn, hk):
        with pytest.raises(CalendarError, match=f"no notice for {year}"):
            calendar.is_business_day(date(year, 6, 2))


def test_the_make_up_sunday_before_mid_autumn_is_worked(cn: BusinessCalendar) -> None:
    assert cn.is_business_day(date(2026, 9, 20))
    assert cn.add_business_days(date(2026, 9, 30), 1) == date(2026, 10, 8)


def test_a_calendar_names_itself_in_two_languages_and_quotes_its_notice(
    cn: BusinessCalendar, hk: BusinessCalendar
) -> None:
    assert (cn.name, hk.name) == ("cn", "hk")
    assert set(cn.title) == set(hk.title) == {"en", "zh"}
    assert "国办发明电〔2025〕7号" in cn.years[2026]
    assert "Cap. 149" in hk.years[2026]


# -- strict -----------------------------------------------------------------------------

GOOD = """title = { en = "Here", zh = "此地" }

[[year]]
year     = 2026
notice   = { en = "Notice", zh = "通知" }
number   = "1"
days_off = [
  { day = 2026-10-01, en = "National Day", zh = "国庆节" },
  { day = 2026-10-03, en = "National Day", zh = "国庆节" },
]
days_on  = [
  { day = 2026-10-10, en = "worked", zh = "上班" },
]
"""


def mistakes_of(text: str, tmp_path: Path) -> list[tuple[int, str]]:
    """Return line and subject of every mistake in a calendar of *text*."""
    path = tmp_path / "here.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RulebookError) as caught:
        read_calendar(path)
    assert all(mistake.file == str(path) for mistake in caught.value.mistakes)
    return [(mistake.line, mistake.subject) for mistake in caught.value.mistakes]


def test_a_good_calendar_is_read_and_may_list_a_free_weekend(tmp_path: Path) -> None:
    path = tmp_path / "here.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = read_calendar(path)
    assert (found.name, found.title["zh"], found.years) == ("here", "此地", {2026: "Notice (1)"})
    assert date(2026, 10, 3) in found.days_off
    assert found.days_on == {date(2026, 10, 10)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-10-03", "2027-10-03", (9, "2027-10-03")),
        ("2026-10-03", "2026-10-01", (9, "2026-10-01")),
        ("2026-10-10", "2026-10-03", (12, "2026-10-03")),
        ("2026-10-10", "2026-10-12", (12, "2026-10-12")),
        ("number   =", "nummer   =", (3, "year.number")),
        ('number   = "1"', 'number   = "1"\ncolour = 1', (7, "year.colour")),
        ('title = { en = "Here", zh', 'title = { en = "Here", de', (1, "title")),
        ("year     = 2026", 'year     = "2026"', (4, "year.year")),
        ("2026-10-01,", '"2026-10-01",', (7, "year.days_off")),
        ("2026-10-01,", "2026-10-01T00:00:00,", (7, "year.days_off")),
        ('zh = "上班"', 'zh = ""', (12, "2026-10-10")),
        ('zh = "上班"', 'cn = ""', (12, "2026-10-10")),
        ("  { day = 2026-10-10", "  3, { day = 2026-10-10", (11, "year.days_on")),
        ("[[year]]", "[[years]]", (0, "year")),
        ("[[year]]", "[[year", (3, "file")),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, expected: tuple[int, str]
) -> None:
    assert old in GOOD
    assert expected in mistakes_of(GOOD.replace(old, new, 1), tmp_path)


def test_a_year_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    again = GOOD.partition("\n\n")[2].replace("2026-10", "2026-11").partition("days_on")[0]
    assert (16, "year.year") in mistakes_of(GOOD + "\n" + again, tmp_path)


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="cannot be read"):
        read_calendar(tmp_path / "nothing.toml")
    (tmp_path / "bytes.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(RulebookError, match="cannot be read"):
        read_calendar(tmp_path / "bytes.toml")
