"""The lanes of places through time, as one picture in SVG that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from jiaozi.rulebook.model import Book, Confidence, Step

KIND_TITLES = {
    "ban": {"en": "ban", "zh": "禁令"},
    "tighten": {"en": "tightening", "zh": "收紧"},
    "statement": {"en": "statement", "zh": "表态"},
    "idea": {"en": "idea", "zh": "设想"},
    "consult": {"en": "consultation", "zh": "咨询"},
    "proposal": {"en": "proposal", "zh": "提案"},
    "law": {"en": "law passed", "zh": "立法"},
    "in force": {"en": "in force", "zh": "施行"},
    "licence": {"en": "licence", "zh": "发牌"},
    "ease": {"en": "easing", "zh": "放宽"},
    "deadline": {"en": "deadline", "zh": "期限"},
}

_COLOURS = {
    "ban": "#b3261e",
    "tighten": "#d9722b",
    "statement": "#77736b",
    "idea": "#77736b",
    "consult": "#a07a00",
    "proposal": "#a07a00",
    "law": "#0b6b50",
    "in force": "#0b6b50",
    "licence": "#1d5fa8",
    "ease": "#1d5fa8",
    "deadline": "#77736b",
}
_SHAPES = {
    "ban": "square",
    "tighten": "square",
    "law": "diamond",
    "in force": "circle",
    "licence": "circle",
    "ease": "diamond",
}
"""A kind is told by colour and shape together, so that it can be read without either."""

_LABEL = {"en": "Who moved when", "zh": "各地进程时间表"}

WIDTH, LEFT, RIGHT, TOP, MARK, ROW = 1240, 150, 30, 44, 9, 21
"""The measures of the picture in pixels: MARK is half a mark's width, ROW the height of marks piled up."""


def day_text(step: Step) -> str:
    """Return the day of *step*; a month only where no source tells the day."""
    return f"{step.day:%Y-%m}" if step.is_month else str(step.day)


def picture(book: Book, steps: Sequence[Step], today: date, language: str) -> str:
    """Return the lanes of places through time as SVG; it names no style of the page around it."""
    return "\n".join(_Picture(book, steps, today, language).lines())


class _Picture:
    def __init__(self, book: Book, steps: Sequence[Step], today: date, language: str) -> None:
        self.book = book
        self.steps = steps
        self.today = today
        self.language = language
        days = [*(step.day for step in steps), today]
        self.first, self.last = min(days).year, max(days).year + 1

    def x(self, day: date) -> float:
        """Return where *day* lies. Recent years have more steps, so they get more room."""
        spans = [
            (year, 1.0 if year < 2019 else 2.0 if year < 2024 else 6.0 if year < 2027 else 1.6)
            for year in range(self.first, self.last)
        ]
        whole = sum(weight for _, weight in spans)
        before = sum(weight for year, weight in spans if year < day.year)
        own = dict(spans).get(day.year, 0.0)
        begin, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
        share = (before + own * (day - begin).days / (end - begin).days) / whole
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def lines(self) -> Iterator[str]:
        lanes = [place for place in self.book.vocabulary.places if any(s.place == place for s in self.steps)]
        piles = {place: self._piled(place) for place in lanes}
        heights = {place: max((level for _, _, level in piles[place]), default=0) + 1 for place in lanes}
        bottom = TOP + sum(heights[place] * ROW + 12 for place in lanes)
        label = escape(_LABEL[self.language])
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 70}" '
            f'width="{WIDTH}" height="{bottom + 70}" role="img" aria-label="{label}" '
            'font-family="sans-serif" font-size="12" fill="currentColor">'
        )
        for year in range(self.first, self.last + 1):
            x = self.x(date(year, 1, 1))
            yield _line((x, x), (TOP - 8, bottom), 'stroke="currentColor" opacity=".12"')
            if year < self.last:
                is_tight = year < 2019 and (year - self.first) % 2
                text = "" if is_tight else str(year)
                yield f'<text x="{x + 3:.1f}" y="{TOP - 14}" opacity=".65">{text}</text>'
        x = self.x(self.today)
        yield _line((x, x), (TOP - 8, bottom), 'stroke="#b3261e" stroke-dasharray="3 3"')
        yield f'<text x="{x + 3:.1f}" y="{TOP - 28}" fill="#b3261e">{self.today}</text>'
        y = TOP
        for place in lanes:
            height = heights[place] * ROW + 12
            yield _line((0, WIDTH), (y, y), 'stroke="currentColor" opacity=".2"')
            title = escape(
                self.book.vocabulary.places[place].title[self.language].split(" (")[0].split("（")[0]
            )
            yield f'<text x="4" y="{y + height / 2 + 4:.1f}">{title}</text>'
            for number, step, level in piles[place]:
                yield from self._mark(number, step, self.x(step.day), y + height - 6 - ROW * level - MARK - 2)
            y += height
        yield from self._legend(bottom + 26)
        yield "</svg>"

    def _piled(self, place: str) -> list[tuple[int, Step, int]]:
        """Return the steps of *place*, numbered as in the table, each at the lowest free level."""
        ends: list[float] = []
        piled = []
        for number, step in enumerate(self.steps, start=1):
            if step.place != place:
                continue
            x = self.x(step.day)
            level = next((n for n, end in enumerate(ends) if end + 2 * MARK + 3 <= x), len(ends))
            ends[level : level + 1] = [x]
            piled.append((number, step, level))
        return piled

    def _mark(self, number: int, step: Step, x: float, y: float) -> Iterator[str]:
        is_future = step.day > self.today
        words = f"{day_text(step)} {KIND_TITLES[step.kind][self.language]}: {step.title[self.language]}"
        yield f'<a href="#step-{number}"><title>{escape(words)}</title>'
        yield _shape(
            step.kind, x, y, is_hollow=is_future, is_dashed=step.confidence is Confidence.UNCONFIRMED
        )
        ink = _COLOURS[step.kind] if is_future else "#fff"
        place = f'x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="10" fill="{ink}"'
        yield f"<text {place}>{number}</text></a>"

    def _legend(self, y: float) -> Iterator[str]:
        x = float(LEFT)
        for kind in dict.fromkeys(step.kind for step in self.steps):
            title = KIND_TITLES[kind][self.language]
            if x > WIDTH - 120:
                x, y = float(LEFT), y + 22
            yield _shape(kind, x, y, is_hollow=False, is_dashed=False)
            yield f'<text x="{x + 14:.1f}" y="{y + 4:.1f}">{escape(title)}</text>'
            x += 34 + (len(title) * 7 if title.isascii() else len(title) * 13)


def _line(x: tuple[float, float], y: tuple[float, float], paint: str) -> str:
    return f'<line x1="{x[0]:.1f}" x2="{x[1]:.1f}" y1="{y[0]:.1f}" y2="{y[1]:.1f}" {paint}/>'


def _shape(kind: str, x: float, y: float, *, is_hollow: bool, is_dashed: bool) -> str:
    colour, side = _COLOURS[kind], 2 * MARK - 1
    edge = 'stroke="currentColor" stroke-width="2" stroke-dasharray="3 2"' if is_dashed else ""
    edge = edge or f'stroke="{colour}" stroke-width="1.5"'
    paint = f'fill="{"none" if is_hollow else colour}" {edge}'
    shape = _SHAPES.get(kind, "rounded")
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{MARK}" {paint}/>'
    if shape == "diamond":
        corners = ((x, y - MARK - 1), (x + MARK + 1, y), (x, y + MARK + 1), (x - MARK - 1, y))
        points = " ".join(f"{across:.1f},{down:.1f}" for across, down in corners)
        return f'<polygon points="{points}" {paint}/>'
    corner = 5 if shape == "rounded" else 0
    place = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}"'
    return f'<rect {place} width="{side}" height="{side}" rx="{corner}" {paint}/>'
