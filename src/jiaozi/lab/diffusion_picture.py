"""The first moves of places by topic, as one picture in SVG that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape

from jiaozi.lab.diffusion import Diffusion, Move
from jiaozi.rulebook.model import Book, Topic
from jiaozi.rulebook.telling.compare import TOPIC_TITLES

WIDTH, LEFT, RIGHT, TOP, ROW = 1240, 230, 60, 40, 22
"""The measures of the picture in pixels; ROW is the height of marks piled up."""

_LABEL = {"en": "Moves by topic", "zh": "各主题的行动"}
_TODAY = {"en": "as of", "zh": "截至"}
_OURS, _OTHER, _LATER = "#0b6b50", "#8a877f", "#b9b5ab"


def picture(book: Book, found: Diffusion, language: str) -> str:
    """Return a lane for each topic with the moves of every place on it; each mark names its day and text."""
    return "\n".join(_Picture(book, found, language).lines())


class _Picture:
    def __init__(self, book: Book, found: Diffusion, language: str) -> None:
        self.book, self.found, self.language = book, found, language
        self.firsts = {id(move) for firsts in found.orders.values() for move in firsts}
        # What is counted anyway (--with-drafts) is not drawn twice.
        drafts = [m for m in found.drafts if not found.with_drafts or m.day > found.on]
        self.shown = sorted(
            [*found.moves, *drafts, *found.to_come], key=lambda m: (m.day, m.place, str(m.topic), m.name)
        )
        days = [*(move.day for move in self.shown), found.on]
        self.first_year, self.last_year = min(days).year, max(days).year + 1

    def x(self, day: date) -> float:
        """Return where *day* lies. Recent years have more moves, so they get more room."""
        weights = {
            year: 0.35 if year < 2012 else 1.0 if year < 2019 else 2.0 if year < 2023 else 6.0
            for year in range(self.first_year, self.last_year)
        }
        before = sum(weight for year, weight in weights.items() if year < day.year)
        begin, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        at = before + weights.get(day.year, 0.0) * (day - begin).days / (end - begin).days
        return LEFT + at / sum(weights.values()) * (WIDTH - LEFT - RIGHT)

    def lines(self) -> Iterator[str]:
        topics = [topic for topic in TOPIC_TITLES if any(move.topic is topic for move in self.shown)]
        piles = {topic: self._piled(topic) for topic in topics}
        heights = {
            topic: (max((level for _, level in pile), default=0) + 1) * ROW + 10
            for topic, pile in piles.items()
        }
        bottom = TOP + sum(heights.values())
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 10}" '
            f'width="{WIDTH}" height="{bottom + 10}" role="img" '
            f'aria-label="{escape(_LABEL[self.language])}" '
            'font-family="sans-serif" font-size="12" fill="currentColor">'
        )
        written = 0.0
        for year in range(self.first_year, self.last_year + 1):
            x = self.x(date(year, 1, 1))
            # A year is written where there is room for it.
            if x - written > 34 and year < self.last_year:
                yield _line(x, x, TOP - 6, bottom, 'stroke="currentColor" opacity=".12"')
                yield f'<text x="{x + 2:.1f}" y="{TOP - 10}" opacity=".65">{year}</text>'
                written = x
        x = self.x(self.found.on)
        yield _line(x, x, TOP - 20, bottom, 'stroke="#b3261e" stroke-dasharray="3 3"')
        yield (
            f'<text x="{x:.1f}" y="{TOP - 25}" fill="#b3261e" text-anchor="middle">'
            f"{_TODAY[self.language]} {self.found.on}</text>"
        )
        y = float(TOP)
        for topic in topics:
            yield _line(0, WIDTH, y, y, 'stroke="currentColor" opacity=".2"')
            title = escape(TOPIC_TITLES[topic][self.language])
            yield f'<text x="4" y="{y + heights[topic] / 2 + 4:.1f}">{title}</text>'
            for move, level in piles[topic]:
                yield from self._mark(move, y + heights[topic] - 5 - ROW * level - ROW / 2)
            y += heights[topic]
        yield _line(0, WIDTH, y, y, 'stroke="currentColor" opacity=".2"')
        yield "</svg>"

    def _piled(self, topic: Topic) -> list[tuple[Move, int]]:
        """Return one move of each place and day on *topic*, each at the lowest free level."""
        ends: list[float] = []
        piled: list[tuple[Move, int]] = []
        # Of several moves of a place on one day the first move of its history is drawn.
        chosen: dict[tuple[str, date], Move] = {}
        for move in self.shown:
            key = (move.place, move.day)
            if move.topic is topic and (key not in chosen or id(move) in self.firsts):
                chosen[key] = move
        for move in chosen.values():
            x = self.x(move.day)
            level = next((n for n, end in enumerate(ends) if end <= x), len(ends))
            ends[level : level + 1] = [x + 16 + 7.5 * len(move.place)]
            piled.append((move, level))
        return piled

    def _mark(self, move: Move, y: float) -> Iterator[str]:
        x = self.x(move.day)
        is_ours, is_first = move.place == self.found.place, id(move) in self.firsts
        colour = _OURS if is_ours else _OTHER if is_first else _LATER
        is_solid = move.status.is_law and move.day <= self.found.on
        paint = f'fill="{colour if is_solid else "none"}" stroke="{colour}" stroke-width="1.5"'
        if not move.status.is_law:
            paint += ' stroke-dasharray="2 2"'
        words = f"{move.day} {move.place} {move.name}: {move.title[self.language]} ({move.cite})"
        weight = ' font-weight="700"' if is_ours else ""
        radius = 6 if is_first else 4
        yield f"<g><title>{escape(words)}</title>"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {paint}/>'
        yield f'<text x="{x + 9:.1f}" y="{y + 4:.1f}" font-size="11"{weight}>{escape(move.place)}</text></g>'


def _line(x1: float, x2: float, y1: float, y2: float, paint: str) -> str:
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" {paint}/>'
