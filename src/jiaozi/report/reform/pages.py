"""The page of a replay: pictures first, a table for each, then the text that was tried, and what to beware of.

It stands alone, with its style inside and a policy that allows that style by its hash
and nothing else; or it is a part of another page, as in the console.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from jiaozi.lab.replay.replay import Mode
from jiaozi.report import site
from jiaozi.report.reform import pictures, rows
from jiaozi.report.reform.flows import LETTERS, Band, Flow, flows
from jiaozi.report.reform.levels import levels
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.words import LANGUAGES, Words

STYLE = Path(__file__).parent / "reform.css"
"""The style that these pages have beside the one of the publication; the console serves it as well."""


def pages(subject: Subject, name: str = "report") -> dict[str, str]:
    """Return the page in every language by its file: `report.html`, `report.zh.html`."""
    files = {language: file_of(name, language) for language in LANGUAGES}
    return {
        file: alone(
            Words(language),
            title_of(subject, Words(language)),
            period(subject, Words(language)),
            body(subject, language),
            files=list(files.items()),
            law_drafts=subject.law_drafts,
        )
        for language, file in files.items()
    }


def file_of(name: str, language: str) -> str:
    """Return the file of page *name*: `report.html`, `report.zh.html`."""
    return f"{name}.html" if language == LANGUAGES[0] else f"{name}.{language}.html"


def alone(
    words: Words,
    title: str,
    subtitle: str,
    inside: Markup,
    *,
    files: Sequence[tuple[str, str]] = (),
    law_drafts: Sequence[str] = (),
) -> str:
    """Return a whole page around *inside*; *files* are its languages with their files."""
    style, policy = _style()
    return (
        templates()
        .get_template("page.html")
        .render(
            t=words,
            title=title,
            subtitle=subtitle,
            body=inside,
            files=files,
            law_drafts=list(law_drafts),
            style=style,
            policy=policy,
        )
    )


def body(subject: Subject, language: str) -> Markup:
    """Return what the page says, as a part of any page with the classes of its style."""
    words, found = Words(language), subject.found
    by_month, by_reason = rows.months(subject), rows.reasons(subject, words)
    text = (
        templates()
        .get_template("body.html")
        .render(
            t=words,
            subject=subject,
            found=found,
            summary=found.summary,
            law=title_of(subject, words),
            marks=list(dict.fromkeys(mark for each in subject.texts for mark in each.marks)),
            base=base_of(subject, words),
            period=period(subject, words),
            months=by_month,
            pictures=_by_month(subject, by_month, words),
            reasons=by_reason,
            why=why(by_reason, words),
            letters=LETTERS,
            sizes=rows.sizes(subject, words),
            who=rows.who(subject, words),
            kinds=rows.kinds(subject, words),
            paths=_paths(subject, words),
            levels=levels(subject, words),
            path_months=rows.path_months(subject),
            moves=_moves(subject),
            trapped=[
                (rows.kind_words(subject.books[0], each.zone, each.kind, each.tier, words), each)
                for each in found.summary.trapped
            ],
            caveats=caveats(subject, words),
            strip=pictures.strip,
        )
    )
    return Markup(text)


def title_of(subject: Subject, words: Words) -> str:
    """Return what is tried: the titles of its texts, or the law as it stands."""
    titles = [text.title[words.language] for text in subject.texts]
    return " + ".join(titles) or words("mark.standing")


def base_of(subject: Subject, words: Words) -> str:
    """Return what the tried law is compared with."""
    if subject.is_against_history:
        return words("mark.happened")
    titles = [text.title[words.language] for text in subject.base_texts]
    return " + ".join(titles) or words("mark.standing")


def period(subject: Subject, words: Words) -> str:
    """Return the first and the last day of the history; one without a transfer has no days."""
    found = subject.found
    if not found.last_instant:
        return words("report.no_days")
    return words("report.until", first=words.day(found.first_instant), last=words.day(found.last_instant))


def caveats(subject: Subject, words: Words) -> list[str]:
    """Return what a reader has to beware of, the mode first."""
    told = [words(f"caveat.{subject.found.mode}")]
    if not subject.is_against_history:
        told.append(words("caveat.base"))
    told += [words(f"caveat.{name}") for name in ("demand", "habits", "forecast", "exact")]
    if subject.start is not None or subject.end is not None:
        first = words.day(subject.start) if subject.start is not None else words("caveat.begin")
        last = words.day(subject.end) if subject.end is not None else words("caveat.end")
        told.append(words("caveat.whole", first=first, last=last))
    if len(subject.currencies) > 1:
        told.append(words("caveat.currencies", names=words.names(subject.currencies)))
    return told


def changes_by_month(by_month: Sequence[rows.MonthRow], words: Words, *, most: int = 0) -> Markup:
    """Return the picture of what is newly refused and newly admitted in each month; *most* as in `bars`."""
    lines = [
        pictures.Line(words("report.refused"), "r-refused", [row.part.refused_amount for row in by_month]),
        pictures.Line(words("report.admitted"), "r-admitted", [row.part.admitted_amount for row in by_month]),
    ]
    months = [row.month for row in by_month]
    return pictures.bars(words("report.changes"), months, lines, words.short, most=most)


def why(by_reason: Sequence[rows.Row], words: Words) -> Markup:
    """Return the picture of what changed for which reason; those without a letter share a band."""
    lettered = [*zip(LETTERS, by_reason, strict=False), *(("", row) for row in by_reason[len(LETTERS) :])]
    drawn = []
    for is_admitted, before, after, look in (
        (False, "was_admitted", "is_refused", "r-refused"),
        (True, "was_refused", "is_admitted", "r-admitted"),
    ):
        counts = [row.part.admitted if is_admitted else row.part.refused for _, row in lettered]
        bands = [
            Band(letter, row.name, count)
            for (letter, row), count in zip(lettered, counts, strict=True)
            if letter and count
        ]
        others = sum(counts[len(LETTERS) :])
        if others:
            bands.append(Band("", words("report.others"), others))
        drawn.append(Flow(words(f"report.{before}"), words(f"report.{after}"), look, tuple(bands)))
    return flows(words("report.reasons"), drawn, words.count)


def _by_month(subject: Subject, by_month: Sequence[rows.MonthRow], words: Words) -> list[Markup]:
    names, drawn = [row.month for row in by_month], []
    if subject.has_before:
        for key, before, after in (
            ("report.m_admitted", [r.admitted_before for r in by_month], [r.admitted_after for r in by_month]),
            ("report.m_refused", [r.refused_before for r in by_month], [r.refused_after for r in by_month]),
        ):  # fmt: skip
            lines = [
                pictures.Line(words("report.before"), "r-before", before),
                pictures.Line(words("report.after"), "r-after", after),
            ]
            drawn.append(pictures.bars(words(key), names, lines, words.short))
    drawn.append(changes_by_month(by_month, words))
    return drawn


def _paths(subject: Subject, words: Words) -> list[Markup]:
    """Return a picture for the supply and one for the reserve of each coin."""
    drawn = []
    for coin, is_reserve, path in rows.paths(subject):
        title = words("report.reserve" if is_reserve else "report.coins", coin=coin)
        lines = [
            pictures.Line(words("report.before"), "r-before", [row.before for row in path]),
            pictures.Line(words("report.after"), "r-after", [row.after for row in path]),
        ]
        drawn.append(pictures.paths(title, [row.month for row in path], lines, words.short))
    return drawn


def _moves(subject: Subject) -> bool:
    return subject.found.mode == Mode.MONEY_FOLLOWS


@cache
def _style() -> tuple[str, str]:
    """Return the style and the policy of a page that stands alone, which names the style's hash."""
    assert site.__file__
    shared = (Path(site.__file__).parent / "site.css").read_text("utf-8")
    style = shared + STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def templates() -> Environment:
    """Return the templates. Whatever is put in is escaped; a name that is not there is an error."""
    return Environment(
        loader=PackageLoader("jiaozi.report.reform"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
