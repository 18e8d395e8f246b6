"""Words of the pages about reforms: names, numbers and sentences in the language of whoever reads."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.dates import format_date

from jiaozi.clock import Instant, day_of, moment_of
from jiaozi.money import FEN_PER_UNIT, format_fen

LANGUAGES = ("en", "zh")
_TAGS = {"en": "en", "zh": "zh-Hans"}
_DATES = {"en": ("d MMM y", "en_GB"), "zh": ("y年M月d日", "zh_Hans_CN")}
_SHORT = {
    "en": ((1_000_000_000, "bn"), (1_000_000, "m"), (1_000, "k")),
    "zh": ((100_000_000, "亿"), (10_000, "万")),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. Call it with a key; `{x}` in the words is filled in."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the words of *key*. Raises `KeyError` for an unknown key."""
        words = _all_words()[key][self.language]
        return words.format(**values) if values else words

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return _TAGS[self.language]

    def money(self, fen: int, unit: str = "") -> str:
        return format_fen(fen, unit)

    def count(self, number: int) -> str:
        return f"{number:,}"

    def share(self, part: int, whole: int) -> str:
        """Return *part* of *whole* in percent with two decimals, rounded down; never 0 for what is there."""
        hundredths = part * 10_000 // whole if whole else 0
        if part and not hundredths:
            return "<0.01%"
        return f"{hundredths // 100}.{hundredths % 100:02d}%"

    def short(self, fen: int) -> str:
        """Return a round amount as it stands at an axis: `1.5m`, `150万`."""
        units = fen // FEN_PER_UNIT
        for size, name in _SHORT[self.language]:
            if units >= size:
                return f"{units / size:,.2f}".rstrip("0").rstrip(".") + name
        return f"{fen / FEN_PER_UNIT:,.2f}" if units < 10 and fen else f"{units:,}"

    def day(self, instant: int) -> str:
        """Return the day of *instant* in Shanghai."""
        pattern, locale = _DATES[self.language]
        return format_date(day_of(Instant(instant)), pattern, locale=locale)

    def minute(self, instant: int) -> str:
        return f"{moment_of(Instant(instant)):%Y-%m-%d %H:%M}"

    def names(self, names: Sequence[str]) -> str:
        """Return several names as one speaks them."""
        return self("site.and").join(names)


@cache
def _all_words() -> Mapping[str, Mapping[str, str]]:
    with (Path(__file__).parent / "words.toml").open("rb") as file:
        parts = tomllib.load(file)
    return {f"{part}.{name}": words for part, names in parts.items() for name, words in names.items()}
