"""`jiaozi lab solve`: the value of a number of the law that meets a condition, found by bisection over replays."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jiaozi.clock import Instant, day_of
from jiaozi.commands.lab_asked import Desk, asked_from, command_of, said
from jiaozi.commands.words import NotUnderstood, day_of_text
from jiaozi.errors import LabError
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked
from jiaozi.lab.solve import Condition, Point, Solved, Varied, condition_of, grid_of, solve, varied_of
from jiaozi.report.reform.text import table
from jiaozi.report.reform.words import Words

OPTIONS = ("keep", "vary", "place", "between", "step", "from-day", "from", "until", "mode")


def run(given: argparse.Namespace) -> int:
    """Return 0 when a value is found, 1 when none is clearly the answer, 2 when it was not understood."""
    try:
        condition = condition_of(given.keep)
        grid = grid_of(*(_whole(text) for text in (*given.between, given.step)))
        question = asked_from(given, Tried())
        desk = Desk(given)
        if not desk.recorded.books:
            raise NotUnderstood("the store has no law yet")
        if not desk.recorded.head.transfers:
            raise NotUnderstood("the store has no transfer yet, so there is nothing to search")
        first = day_of(Instant(desk.recorded.head.first_instant))
        day = day_of_text("--from-day", given.from_day) if given.from_day else first
        varied = varied_of(given.vary, desk.recorded.books[-1], given.place, day)
    except (LabError, NotUnderstood) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2

    def measure(value: int) -> tuple[int, int]:
        asked = replace(question, tried=Tried(reforms=(("solve", varied.reform(value)),)))
        found = desk.ask(asked, f"replaying with {value:,} {varied.unit}")
        return condition.measured(found.summary)

    solved = solve(measure, condition, grid)
    command = _command(given)
    if given.write and solved.holds_at:
        Path(given.write).write_text(varied.reform(solved.holds_at.value), encoding="utf-8")
        said([Path(given.write)])
    if given.json:
        data = as_data(solved, condition, varied, given.mode) | {"from": given.from_, "until": given.until}
        print(json.dumps({**data, "command": command}, ensure_ascii=False, indent=2))
    else:
        later = [day.isoformat() for day in varied.later(desk.recorded.books[-1])]
        words = Words(given.language)
        print("\n".join(_lines(solved, condition, varied, given.mode, grid, later, words)))
        print("\n".join(_days(question, words)), end="")
        print(command)
    return 0 if solved.is_found and solved.turns == 1 else 1


def as_data(solved: Solved, condition: Condition, varied: Varied, mode: str) -> dict[str, Any]:
    """Return the answer as data; counts of value are in fen."""
    return {
        "condition": condition.text,
        "vary": varied.name,
        "place": varied.place,
        "unit": varied.unit,
        "from_day": varied.day.isoformat(),
        "mode": mode,
        "is_found": solved.is_found,
        "is_always": solved.is_always,
        "is_monotone": solved.is_monotone,
        "turns": solved.turns,
        "replays": len(solved.points),
        "holds_at": asdict(solved.holds_at) if solved.holds_at else None,
        "fails_at": asdict(solved.fails_at) if solved.fails_at else None,
        "points": [asdict(point) for point in solved.points],
    }


def _lines(
    solved: Solved,
    condition: Condition,
    varied: Varied,
    mode: str,
    grid: range,
    later: list[str],
    words: Words,
) -> list[str]:
    step = f"{grid.step:,} {varied.unit}"
    names = {"name": varied.name, "place": varied.place, "condition": condition.text}
    told = [words("solve.asked", day=varied.day, **names), words("mark.trial") + words("mark.trial_is")]
    told.append(f"{words('mode.title')}: {words(f'mode.{mode}')} ({mode}). {words(f'mode.{mode}_is')}")
    told.append("")
    if solved.holds_at and solved.fails_at:
        side = "at_least" if solved.holds_at.value > solved.fails_at.value else "at_most"
        told.append(words(f"solve.{side}", value=f"{solved.holds_at.value:,}", unit=varied.unit, **names))
        told.append(words("solve.neighbours", step=step))
    else:
        told.append(words("solve.always" if solved.is_always else "solve.never", **names))
    told += table(
        [varied.unit, words("solve.figure"), words("solve.share"), words("solve.holds")],
        [_row(point, condition, words) for point in solved.points],
    )
    told += ["", words("solve.replays", count=len(solved.points), steps=f"{len(grid):,}")]
    if solved.turns > 1:
        told.append(words("solve.turns", count=solved.turns))
    elif not solved.is_monotone:
        told.append(words("solve.not_monotone"))
    else:
        told.append(words("solve.monotone"))
    if later:
        told.append(words("solve.later", days=words.names(later)))
    return told


def _days(question: Asked, words: Words) -> list[str]:
    """Return a line that says of which days payments were asked again, where not of all."""
    if question.start is None and question.end is None:
        return []
    first = words.day(question.start) if question.start is not None else words("caveat.begin")
    last = words.day(question.end) if question.end is not None else words("caveat.end")
    return [words("solve.days", first=first, last=last), ""]


def _row(point: Point, condition: Condition, words: Words) -> list[str]:
    count = words.money(point.count) if condition.what == "value" else words.count(point.count)
    share = f"{point.count * 100 / point.whole:.4f}%" if point.whole else "0%"
    return [f"{point.value:,}", count, share, words("solve.yes" if point.holds else "solve.no")]


def _command(given: argparse.Namespace) -> str:
    options = [option for option in OPTIONS if option != "between"]
    line = command_of(given, "solve", (), options)
    return f"{line} --between {given.between[0]} {given.between[1]}"


def _whole(text: str) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 16):
        raise NotUnderstood(f"{text:.24} is no whole number of units")
    return int(plain)
