"""Pictures: bars and lines as SVG without a script, a style or a request.

A picture is two drawings in a row: the axis, of fixed width, and the plot, whose width is
given in percent of what there is. So letters and lines keep their size on any screen, which
a drawing that is scaled as a whole does not: on a telephone its letters would be 5 px high.
Colours are classes of `reform.css`, because a policy may forbid styles in a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

HEIGHT, TOP, BOTTOM = 200, 14, 34
"""Pixels; the last two are the margins of a plot, for letters."""

AXIS_WIDTH = 58
MOST_LABELS = 14
"""Months that are named below a plot; of more, only every second or third is."""

FULL = HEIGHT - TOP - BOTTOM


@dataclass(frozen=True, slots=True)
class Line:
    """Values by month, whole fen or None where they are not known; `look` is a class of the style."""

    title: str
    look: str
    values: Sequence[int | None]


def bars(
    title: str,
    months: Sequence[str],
    lines: Sequence[Line],
    short: Callable[[int], str],
    *,
    most: int = 0,
) -> Markup:
    """Return bars side by side in each month; *short* writes an amount at the axis.

    *most* is the least that the axis goes up to, so that several pictures can share a scale.
    """
    top = _top(lines, most)
    room = 100 / max(len(months), 1)
    thick = room * 0.72 / len(lines)
    drawn = []
    for place, line in enumerate(lines):
        for number, value in enumerate(line.values):
            if value:
                height = max(value / top * FULL, 1.0)
                left = number * room + room * 0.14 + place * thick
                tip = f"{months[number]} {line.title}: {short(value)}"
                drawn.append(
                    f'<rect class="{line.look}" x="{left:.3f}%" width="{thick * 0.94:.3f}%" '
                    f'y="{TOP + FULL - height:.1f}" height="{height:.1f}"><title>{escape(tip)}</title></rect>'
                )
    return _picture(title, months, lines, short, top, drawn)


def paths(title: str, months: Sequence[str], lines: Sequence[Line], short: Callable[[int], str]) -> Markup:
    """Return a line through each month's end."""
    top = _top(lines)
    room = 100 / max(len(months), 1)

    def x(number: int) -> float:
        return number * room + room / 2

    def y(value: int) -> float:
        return TOP + FULL - value / top * FULL

    drawn = []
    for line in lines:
        last: tuple[int, int] | None = None
        for number, value in enumerate(line.values):
            if value is None:
                last = None
                continue
            if last is not None:
                drawn.append(
                    f'<line class="{line.look}" x1="{x(last[0]):.3f}%" y1="{y(last[1]):.1f}" '
                    f'x2="{x(number):.3f}%" y2="{y(value):.1f}"/>'
                )
            tip = f"{months[number]} {line.title}: {short(value)}"
            drawn.append(
                f'<circle class="{line.look}" cx="{x(number):.3f}%" cy="{y(value):.1f}" r="3.5">'
                f"<title>{escape(tip)}</title></circle>"
            )
            last = number, value
    return _picture(title, months, lines, short, top, drawn)


def strip(refused: int, admitted: int, most: int) -> Markup:
    """Return a bar to stand under a name in a table: refused, then admitted, of *most*."""
    first = refused / most * 100 if most else 0.0
    second = admitted / most * 100 if most else 0.0
    return Markup(
        '<svg class="r-strip" width="100%" height="8" aria-hidden="true">'
        '<rect class="r-track" width="100%" height="8"/>'
        f'<rect class="r-refused" width="{first:.2f}%" height="8"/>'
        f'<rect class="r-admitted" x="{first:.2f}%" width="{second:.2f}%" height="8"/></svg>'
    )  # fmt: skip


def _picture(
    title: str,
    months: Sequence[str],
    lines: Sequence[Line],
    short: Callable[[int], str],
    top: int,
    drawn: Sequence[str],
) -> Markup:
    ticks = [top * part // 4 for part in range(5)]
    axis = "".join(
        f'<text x="{AXIS_WIDTH - 8}" y="{TOP + FULL - tick / top * FULL + 4:.1f}" text-anchor="end">'
        f"{escape(short(tick))}</text>"
        for tick in ticks
    )
    grid = "".join(
        f'<line class="r-grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (TOP + FULL - tick / top * FULL for tick in ticks)
    )
    legend = "".join(
        f'<li><svg width="12" height="12" aria-hidden="true">'
        f'<rect class="{line.look}" width="12" height="12" rx="2"/></svg> {escape(line.title)}</li>'
        for line in lines
    )
    return Markup(
        f'<figure class="r-figure"><figcaption><strong>{escape(title)}</strong><ul class="r-legend">{legend}</ul>'
        f'</figcaption><div class="r-chart"><svg class="r-axis" width="{AXIS_WIDTH}" height="{HEIGHT}" '
        f'aria-hidden="true">{axis}</svg><svg class="r-plot" width="100%" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{grid}{"".join(drawn)}{_names(months)}</svg></div></figure>'
    )  # fmt: skip


def _names(months: Sequence[str]) -> str:
    """Name months below the plot by number, and the year below the first of each."""
    room = 100 / max(len(months), 1)
    shown = list(enumerate(months))[:: -(-len(months) // MOST_LABELS) or 1]
    years = [month.partition("-")[0] for _, month in shown]
    told = []
    for place, (number, month) in enumerate(shown):
        middle = f'x="{number * room + room / 2:.3f}%" text-anchor="middle"'
        told.append(f'<text {middle} y="{HEIGHT - BOTTOM + 15}">{escape(month.partition("-")[2])}</text>')
        is_first = place == 0 or years[place] != years[place - 1]
        # Two years in a row would stand on each other on a narrow screen: the first one gives way.
        if is_first and len(set(years[place : place + 3])) == 1:
            told.append(f'<text {middle} y="{HEIGHT - 5}">{escape(years[place])}</text>')
    return "".join(told)


def _top(lines: Sequence[Line], least: int = 0) -> int:
    """Return the end of the axis: the least 1, 1.2, 1.6, 2, 3, 4, 6 or 8 times a power of ten that is enough."""
    most = max((value for line in lines for value in line.values if value), default=0)
    most = max(most, least)
    power = 100
    while power * 8 < most:
        power *= 10
    while True:
        for tenths in (10, 12, 16, 20, 30, 40, 60, 80):
            if power * tenths // 10 >= most:
                return power * tenths // 10
        power *= 10
