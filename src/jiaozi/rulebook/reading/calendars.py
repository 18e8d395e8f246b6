"""Reads the business calendars of the law: `law/calendars/cn.toml` and its neighbours.

A calendar holds one `[[year]]` for each official notice on file. Nothing is worked
out: a day is free because a notice says so, and a year without its notice is not
known (`CalendarError` when asked). Reading is strict, since one wrong day makes a
redemption late: an unknown key, a day of another year, a day listed twice or both
free and worked are mistakes, each with its line.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jiaozi.clock import BusinessCalendar
from jiaozi.errors import RulebookError
from jiaozi.rulebook.reading.toml import Mistakes, Table, open_table

_ITEM = '{ day = 2026-10-01, en = "National Day", zh = "国庆节" }'


def read_calendar(path: Path | str) -> BusinessCalendar:
    """Return the calendar in the file *path*; its name is the file's name without `.toml`.

    Raises `RulebookError` with every mistake and its line.
    """
    path = Path(path)
    mistakes = Mistakes()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        mistakes.add(str(path), 0, "file", f"cannot be read: {why}")
        raise RulebookError(mistakes.found) from None
    calendar = calendar_of(text, name=path.stem, file=str(path), mistakes=mistakes)
    if calendar is None or mistakes.found:
        raise RulebookError(mistakes.found)
    return calendar


def calendar_of(text: str, *, name: str, file: str, mistakes: Mistakes) -> BusinessCalendar | None:
    """Return the calendar written in *text*, adding what is wrong to *mistakes*."""
    top = open_table(text, file, mistakes)
    if top is None:
        return None
    title = top.wording()
    reader = _Days(text, mistakes)
    years: dict[int, str] = {}
    for table in top.tables("year"):
        year = table.take("year", int) or 0
        notice = table.wording("notice")
        number = table.text("number")
        table.text("link", "")
        table.day_or_none("issued")
        if year in years:
            table.complain("year", f"{year} stands here for the second time; keep one notice a year")
        elif year and not 1949 <= year <= 2200:
            table.complain("year", f"{year} is no year of a notice")
        years[year] = f"{notice['en']} ({number})"
        for day in reader.take(table, "days_off", year):
            reader.off(table, day)
        for day in reader.take(table, "days_on", year):
            reader.on(table, day)
        table.close()
    if not years:
        top.complain("year", "no year is on file; add a [[year]] with its notice")
    top.close()
    return BusinessCalendar(
        name=name,
        title=title,
        years=years,
        days_off=frozenset(reader.days_off),
        days_on=frozenset(reader.days_on),
    )


class _Days:
    """Takes the listed days in, and finds the line of each in the text.

    TOML values come without lines. A day is written once in a file, so its line is
    the one where it is written; for one written twice, the second.
    """

    def __init__(self, text: str, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            for written in re.findall(r"\bday\s*=\s*(\d{4}-\d\d-\d\d)", line.partition("#")[0]):
                self._lines.setdefault(written, []).append(number)
        self.days_off: set[date] = set()
        self.days_on: set[date] = set()

    def take(self, table: Table, key: str, year: int) -> list[date]:
        """Return the days listed under *key*, without those of another year."""
        days = []
        listed: list[Any] = table.take(key, list, []) or []
        for number, item in enumerate(listed, start=1):
            day = item.get("day") if isinstance(item, dict) else None
            if not isinstance(day, date) or isinstance(day, datetime):
                table.complain(key, f"item {number} has no day; write {_ITEM}")
                continue
            if set(item) != {"day", "en", "zh"}:
                self._complain(table, day, f"has the keys {', '.join(item)}; write {_ITEM}")
            elif not all(isinstance(item[word], str) and item[word].strip() for word in ("en", "zh")):
                self._complain(table, day, f"does not say what the day is called; write {_ITEM}")
            if day.year != year:
                self._complain(table, day, f"lies outside {year}; move it to its own year")
            else:
                days.append(day)
        return days

    def off(self, table: Table, day: date) -> None:
        """Note *day* as free."""
        if day in self.days_off:
            self._complain(table, day, "is listed twice; delete one")
        self.days_off.add(day)

    def on(self, table: Table, day: date) -> None:
        """Note *day*, a weekend day, as worked."""
        if day in self.days_on:
            self._complain(table, day, "is listed twice; delete one")
        if day in self.days_off:
            self._complain(table, day, "is both free and worked; the notice can say only one")
        if day.weekday() < 5:
            self._complain(table, day, f"is a {day:%A}, worked anyway; days_on lists weekend days")
        self.days_on.add(day)

    def _complain(self, table: Table, day: date, message: str) -> None:
        lines = self._lines.get(day.isoformat(), [])
        line = lines[-1] if lines else table.line()
        self._mistakes.add(table.file, line, day.isoformat(), message)
