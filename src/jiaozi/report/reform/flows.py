"""Flows: what decisions were, why they changed, what they are now, as bands as wide as their counts.

Bands are curves, and a curve cannot be given in percent. So they stand in a drawing of 100
units inside the picture, which is stretched in one direction; letters stand outside of it and
keep their size, as in `pictures`. On a narrow screen a band has a letter and its count, and
the table below has the names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

LETTERS = "ABCDEFGH"
"""Rows of the table that have a band of their own; the rest share one."""

FULL = 200
"""Pixels of all bands together."""

LEAST, SLOT, GAP, HEAD = 2.0, 24.0, 6.0, 26.0
"""Pixels: the thinnest band, the room that its letters need, between two, and above for words."""

LEFT, MIDDLE, RIGHT, THICK = 0.0, 36.0, 98.8, 1.2
"""Where the three columns stand and how thick they are, in percent of the width."""

MOST_SIGNS = 64


@dataclass(frozen=True, slots=True)
class Band:
    """Decisions that changed for one reason: its letter in the table, its name, and how many."""

    letter: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Flow:
    """All that went one way: what they were, what they are now, a class of the style, the reasons between."""

    before: str
    after: str
    look: str
    bands: tuple[Band, ...]

    @property
    def count(self) -> int:
        return sum(band.count for band in self.bands)


def flows(title: str, drawn: Sequence[Flow], count: Callable[[int], str]) -> Markup:
    """Return the picture of *drawn*, one below the other; nothing where there is nothing to draw."""
    full = sum(flow.count for flow in drawn)
    if not full:
        return Markup()
    bands: list[str] = []
    words: list[str] = []
    top = 0.0
    for flow in drawn:
        if flow.bands:
            top = _draw(flow, FULL / full, top, count, bands, words) + 2 * GAP
    height = round(top - 2 * GAP)
    return Markup(
        f'<figure class="r-figure r-flows"><svg class="r-plot" width="100%" height="{height}" role="img" '
        f'aria-label="{escape(title)}"><svg width="100%" height="{height}" viewBox="0 0 100 {height}" '
        f'preserveAspectRatio="none">{"".join(bands)}</svg>{"".join(words)}</svg></figure>'
    )


def _draw(
    flow: Flow, scale: float, top: float, count: Callable[[int], str], bands: list[str], words: list[str]
) -> float:
    """Draw *flow* below *top* into *bands* and *words*; return where it ends."""
    thick = [max(band.count * scale, LEAST) for band in flow.bands]
    room = sum(max(each, SLOT) + GAP for each in thick) - GAP
    total = sum(thick)
    words.append(_words(0, top + 15, "start", "r-side", flow.before))
    words.append(_words(100, top + 15, "end", "r-side", flow.after))
    begin = top + HEAD
    side = begin + (room - total) / 2
    for x in (LEFT, RIGHT):
        bands.append(_column(x, side, total, flow.look))
    slot = begin
    for band, each in zip(flow.bands, thick, strict=True):
        wide = max(each, SLOT)
        at = slot + (wide - each) / 2
        tip = f"<title>{escape(band.name)}: {count(band.count)}</title>"
        bands.append(_curve(LEFT + THICK, side, MIDDLE, at, each, flow.look, tip))
        bands.append(_curve(MIDDLE + THICK, at, RIGHT, side, each, flow.look, tip))
        bands.append(_column(MIDDLE, at, each, flow.look))
        words.append(_label(band, slot + wide / 2 + 4, count))
        side += each
        slot += wide + GAP
    return begin + room


def _label(band: Band, y: float, count: Callable[[int], str]) -> str:
    """Return letter and count to the left of the middle, and the name, for whom the screen is wide, to the right."""
    name = band.name if len(band.name) <= MOST_SIGNS else f"{band.name[: MOST_SIGNS - 1]}…"
    short = f"{band.letter} {count(band.count)}".strip()
    return _words(MIDDLE - 1, y, "end", "r-letter", short) + _words(
        MIDDLE + THICK + 1, y, "start", "r-name", name
    )


def _words(x: float, y: float, anchor: str, look: str, text: str) -> str:
    return f'<text class="{look}" x="{x:g}%" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _column(x: float, y: float, height: float, look: str) -> str:
    return f'<rect class="{look}" x="{x:g}" y="{y:.1f}" width="{THICK}" height="{height:.1f}"/>'


def _curve(x: float, y: float, x_to: float, y_to: float, height: float, look: str, tip: str) -> str:
    """Return a band from (x, y) to (x_to, y_to), level at both ends."""
    middle = (x + x_to) / 2
    return (
        f'<path class="{look} r-band" d="M{x:g} {y:.1f}C{middle:g} {y:.1f} {middle:g} {y_to:.1f} {x_to:g} {y_to:.1f}'
        f"V{y_to + height:.1f}C{middle:g} {y_to + height:.1f} {middle:g} {y + height:.1f} {x:g} {y + height:.1f}Z"
        f'">{tip}</path>'
    )  # fmt: skip
