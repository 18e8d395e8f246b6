"""Charts of a stress by hour, in SVG that loads nothing: lines over hours, grey where the banks are closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from jiaozi.clock import moment_of
from jiaozi.lab.stress.result import StressResult

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 250, 96, 20, 26, 34
"""The measures of a chart in pixels; the last four are its margins."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its title, its values by hour, its colour, and its dashes or nothing."""

    title: str
    values: Sequence[float]
    colour: str
    dash: str = ""


def chart(
    found: StressResult,
    label: str,
    lines: Sequence[Line],
    *,
    unit: str,
    least: float | None = 0.0,
    mark: float | None = None,
) -> str:
    """Return the chart; *least* is where the axis begins (None: below the least value), *mark* a line across."""
    return "\n".join(_chart(found, label, lines, unit, least, mark))


def _chart(
    found: StressResult,
    label: str,
    lines: Sequence[Line],
    unit: str,
    least: float | None,
    mark: float | None,
) -> Iterator[str]:
    every = [value for line in lines for value in line.values] + ([mark] if mark is not None else [])
    low, high = (min(every) if least is None else least), max(every)
    if high <= low:
        high = low + 1
    if least is None:
        low, high = low - (high - low) * 0.1, high + (high - low) * 0.1
    else:
        high += (high - low) * 0.05
    step = _step((high - low) / 4)
    low = low if least is not None else (low // step) * step
    count = found.shown

    def x(hour: float) -> float:
        return LEFT + hour / count * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(label)}" font-family="sans-serif" font-size="11" '
        'fill="currentColor">'
    )
    for begin, end in _closed(found):
        yield (
            f'<rect x="{x(begin):.1f}" y="{TOP}" width="{x(end) - x(begin):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}" fill="currentColor" opacity=".07"/>'
        )
    tick = -(-low // step) * step
    while tick <= high + step * 1e-9:
        yield _line(LEFT, WIDTH - RIGHT, y(tick), y(tick), 'stroke="currentColor" opacity=".15"')
        shown = f"{tick:,.{0 if step >= 1 else 1 if step >= 0.1 else 2}f}{unit}"
        yield f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end" opacity=".75">{shown}</text>'
        tick += step
    yield from _days(found, x)
    if mark is not None:
        yield _line(LEFT, WIDTH - RIGHT, y(mark), y(mark), 'stroke="#b3261e" stroke-dasharray="4 3"')
    across = float(LEFT)
    for line in lines:
        # A value stands for the end of its hour.
        points = " ".join(f"{x(hour + 1):.1f},{y(value):.1f}" for hour, value in enumerate(line.values))
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        yield f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>'
        yield _line(across, across + 18, TOP - 12, TOP - 12, f'stroke="{line.colour}" stroke-width="3"{dash}')
        yield f'<text x="{across + 23:.1f}" y="{TOP - 8}">{escape(line.title)}</text>'
        across += 50 + sum(7 if sign.isascii() else 12 for sign in line.title)
    yield "</svg>"


def _closed(found: StressResult) -> Iterator[tuple[int, int]]:
    """Yield each stretch of hours in which the banks are closed."""
    begin: int | None = None
    for hour in range(found.shown + 1):
        is_closed = hour < found.shown and not found.hours.is_open[hour]
        if is_closed and begin is None:
            begin = hour
        if not is_closed and begin is not None:
            yield begin, hour
            begin = None


def _days(found: StressResult, x: object) -> Iterator[str]:
    assert callable(x)
    every = -(-found.shown // (24 * 12))
    number = 0
    for hour in range(found.shown):
        moment = moment_of(found.hours.instant(hour), found.hours.clock)
        if moment.hour == 0:
            yield _line(x(hour), x(hour), TOP, HEIGHT - BOTTOM + 4, 'stroke="currentColor" opacity=".35"')
            if number % every == 0:
                yield f'<text x="{x(hour) + 3:.1f}" y="{HEIGHT - BOTTOM + 15}">{moment:%m-%d}</text>'
            number += 1


def _step(rough: float) -> float:
    """Return 1, 2 or 5 times a power of ten, near *rough*."""
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def _line(x1: float, x2: float, y1: float, y2: float, paint: str) -> str:
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" {paint}/>'
