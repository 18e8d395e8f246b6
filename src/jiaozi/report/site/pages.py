"""The pages of the publication. Words are in `words.toml`, so that neither language is an afterthought.

Each page is one file: its style is inside, and its policy allows that style by its
hash and nothing else, no script and no request. It reads the same from a disk,
from under any address, and printed.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from jiaozi.money import format_fen
from jiaozi.report.site.audits import Sampled
from jiaozi.report.site.days import Day, Signatory, percent

LANGUAGES = ("en", "zh")
PAGES = {"index": "", "disclosure": "", "checkpoints/index": "../"}
"""Every page, and the way from it up to the top."""

_TAGS = {"en": "en", "zh": "zh-Hans"}
_DATES = {"en": ("d MMMM y", "en_GB"), "zh": ("y年M月d日", "zh_Hans_CN")}


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

    def money(self, fen: int, unit: str) -> str:
        return format_fen(fen, unit)

    def count(self, number: int) -> str:
        return f"{number:,}"

    def percent(self, basis_points: int) -> str:
        return f"{percent(basis_points)}%"

    def chance(self, of_one: str) -> str:
        """Return a probability of one, `0.990123`, as percent: `99.0123`. Moving the point rounds nothing."""
        return f"{Decimal(of_one).scaleb(2).normalize():f}"

    def day(self, moment: datetime) -> str:
        pattern, locale = _DATES[self.language]
        return format_date(moment.date(), pattern, locale=locale)

    def instant(self, moment: datetime) -> str:
        """Return the day and the time on the checkpoint's own clock, with its offset, without parts of a second."""
        offset = moment.isoformat()[-6:]
        return f"{self.day(moment)} {moment:%H:%M:%S} UTC{offset}"

    def names(self, names: Sequence[str]) -> str:
        """Return several names as one speaks them."""
        return self("site.and").join(names)


def file_of(page: str, language: str) -> str:
    """Return the file of *page*: `index.html`, `index.zh.html`."""
    return f"{page}.html" if language == LANGUAGES[0] else f"{page}.{language}.html"


def all_pages(
    days: Sequence[Day], signatories: Sequence[Signatory], audits: Sequence[Sampled], *, has_page: bool
) -> dict[str, bytes]:
    """Return every page by its file. *days* are oldest first; *has_page* tells whether `verify.html` is there."""
    found = {}
    style, policy = _style()
    for language in LANGUAGES:
        for page, up in PAGES.items():
            text = _templates().get_template(f"{page.replace('/', '_')}.html").render(
                t=Words(language),
                page=page,
                up=up,
                file_of=file_of,
                languages=LANGUAGES,
                style=style,
                policy=policy,
                days=days,
                newest=days[-1],
                stated=days[-1].stated,
                signatories=signatories,
                audits=audits,
                has_page=has_page,
            )  # fmt: skip
            found[file_of(page, language)] = text.encode()
    return found


def keys_text(coin_id: str, signatories: Sequence[Signatory]) -> str:
    """Return `keys.txt`: a line for each key, and what a key from here is worth."""
    lines = [f"# Verifier keys of those who signed the checkpoints of {coin_id}."]
    lines += [f"# {Words(language)('keys.warning')}" for language in LANGUAGES]
    for each in signatories:
        role = each.role or "signer"
        lines += ["", f"# {role} ({Words('zh')(f'keys.{role}')})", each.verifier_key]
    return "\n".join(lines) + "\n"


@cache
def _all_words() -> Mapping[str, Mapping[str, str]]:
    with (Path(__file__).parent / "words.toml").open("rb") as file:
        parts = tomllib.load(file)
    return {f"{part}.{name}": words for part, names in parts.items() for name, words in names.items()}


@cache
def _style() -> tuple[str, str]:
    """Return the style and the policy of the pages, which names the style's hash."""
    style = (Path(__file__).parent / "site.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return style, policy


@cache
def _templates() -> Environment:
    """Return the templates. Whatever is put in is escaped; a name that is not there is an error."""
    return Environment(
        loader=PackageLoader("jiaozi.report.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
