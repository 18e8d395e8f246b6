"""The reader's language: words from `words.toml`, and dates and numbers as its readers write them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from starlette.requests import HTTPConnection

from jiaozi.clock import NS_PER_SECOND, SHANGHAI, Instant, moment_of
from jiaozi.money import format_fen

LANGUAGES = ("en", "zh")
COOKIE = "jiaozi_language"

_LOCALES = {"en": Locale("en", "GB"), "zh": Locale("zh", "CN", script="Hans")}
_TAGS = {"en": "en", "zh": "zh-Hans"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Someone who reads in one language. Call it with a key to get the words."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the words of *key*, with *values* put in. Raises `KeyError` for an unknown key."""
        words = all_words()[key][self.language]
        return words.format(**values) if values else words

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return _TAGS[self.language]

    def pick(self, wording: Mapping[str, str]) -> str:
        """Return the words of a pair in both languages."""
        return wording[self.language]

    def money(self, fen: int) -> str:
        return format_fen(fen)

    def count(self, number: int) -> str:
        return format_decimal(number, locale=_LOCALES[self.language])

    def percent(self, basis_points: int) -> str:
        """Return 10,012 basis points as `100.12%`."""
        units, rest = divmod(basis_points, 100)
        return f"{units:,}.{rest:02d}%"

    def share(self, part: int, whole: int) -> str:
        """Return *part* of *whole* as a percentage with one decimal, rounded down."""
        thousandths = part * 1_000 // whole if whole else 0
        if part and not thousandths:
            return "<0.1%"
        units, rest = divmod(thousandths, 10)
        return f"{units}.{rest}%"

    def instant(self, instant: Instant, zone: str = SHANGHAI) -> str:
        return format_datetime(moment_of(instant, zone), "medium", locale=_LOCALES[self.language])

    def minute(self, start: int) -> str:
        """Return the minute that begins *start* seconds after 1970 as `10:04`, on Shanghai's clock."""
        return f"{moment_of(Instant(start * NS_PER_SECOND)):%H:%M}"

    def day(self, day: date) -> str:
        return format_date(day, "medium", locale=_LOCALES[self.language])

    def day_text(self, text: str) -> str:
        """Return an ISO day for people, and anything else as it is."""
        try:
            return self.day(date.fromisoformat(text))
        except ValueError:
            return text


@cache
def all_words() -> Mapping[str, Mapping[str, str]]:
    """Return every key, `part.name`, with its words by language."""
    with (Path(__file__).parent / "words.toml").open("rb") as file:
        parts = tomllib.load(file)
    return {f"{part}.{name}": words for part, names in parts.items() for name, words in names.items()}


def reader_of(request: HTTPConnection) -> Reader:
    """Return who reads: `?lang=`, else the cookie, else what the browser prefers, else English."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if asked in LANGUAGES:
            return Reader(asked)
    return Reader(_preferred(request.headers.get("accept-language", "")))


def _preferred(header: str) -> str:
    """Return the first of our languages that an Accept-Language *header* names, by its weights."""
    wishes = []
    for place, wish in enumerate(header[:500].split(",")):
        tag, _, weight = wish.strip().partition(";q=")
        language = tag.split("-")[0].lower()
        if language in LANGUAGES:
            try:
                wishes.append((-float(weight or 1), place, language))
            except ValueError:
                continue
    return min(wishes)[2] if wishes else LANGUAGES[0]
