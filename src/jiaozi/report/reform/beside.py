"""Several reforms side by side: one column each, the same rows, the same store and mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from jiaozi.report.reform import rows
from jiaozi.report.reform.pages import alone, caveats, changes_by_month, file_of, period, templates, title_of
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.words import LANGUAGES, Words

TOP_REASONS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and whether it is the `least` or the `most` of its row; empty where all are alike."""

    text: str
    number: int
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the comparison."""

    name: str
    cells: tuple[Cell, ...]


def figures(subjects: Sequence[Subject], words: Words) -> list[Figures]:
    """Return the rows of figures. Which is better is not said: only which is least and which is most."""
    told = []
    for key, number, text in _ROWS:
        numbers = [number(subject) for subject in subjects]
        cells = tuple(
            Cell(text(subject, number(subject), words), number(subject), _mark(number(subject), numbers))
            for subject in subjects
        )
        told.append(Figures(words(f"beside.{key}"), cells))
    return told


def pages(subjects: Sequence[Subject], name: str, *, command: str = "") -> dict[str, str]:
    """Return the page in every language by its file. All of *subjects* are of one store, in one mode."""
    assert subjects
    assert len({(subject.found.store, subject.found.mode) for subject in subjects}) == 1
    files = {language: file_of(name, language) for language in LANGUAGES}
    told = {}
    for language, file in files.items():
        words = Words(language)
        told[file] = alone(
            words,
            words("beside.title"),
            period(subjects[0], words),
            _body(subjects, words, command),
            files=list(files.items()),
            law_drafts=subjects[0].law_drafts,
        )
    return told


def _body(subjects: Sequence[Subject], words: Words, command: str) -> Markup:
    by_month = [rows.months(subject) for subject in subjects]
    parts = [row.part for each in by_month for row in each]
    most = max((max(part.refused_amount, part.admitted_amount) for part in parts), default=0)
    text = (
        templates()
        .get_template("beside.html")
        .render(
            t=words,
            subjects=subjects,
            titles=[title_of(subject, words) for subject in subjects],
            rows=figures(subjects, words),
            pictures=[changes_by_month(each, words, most=most) for each in by_month],
            top=[rows.reasons(subject, words)[:TOP_REASONS] for subject in subjects],
            caveats=caveats(subjects[0], words),
            command=command,
        )
    )
    return Markup(text)


def _mark(number: int, numbers: Sequence[int]) -> str:
    if min(numbers) == max(numbers):
        return ""
    return {min(numbers): "least", max(numbers): "most"}.get(number, "")


def _payments(subject: Subject, number: int, words: Words) -> str:
    return f"{words.count(number)} ({words.share(number, subject.found.summary.transfers)})"


def _value(subject: Subject, number: int, words: Words) -> str:
    return f"{words.money(number, subject.unit)} ({words.share(number, subject.found.summary.amount)})"


def _holders(subject: Subject, number: int, words: Words) -> str:
    return f"{words.count(number)} ({words.share(number, subject.found.summary.holders)})"


def _coins(subject: Subject, number: int, words: Words) -> str:
    return words.money(number, subject.unit)


_ROWS: tuple[tuple[str, Callable[[Subject], int], Callable[[Subject, int, Words], str]], ...] = (
    ("refused_n", lambda subject: subject.found.summary.changed.refused, _payments),
    ("refused_v", lambda subject: subject.found.summary.changed.refused_amount, _value),
    ("refused_h", lambda subject: subject.found.summary.holders_refused, _holders),
    ("admitted_n", lambda subject: subject.found.summary.changed.admitted, _payments),
    ("admitted_v", lambda subject: subject.found.summary.changed.admitted_amount, _value),
    ("admitted_h", lambda subject: subject.found.summary.holders_admitted, _holders),
    ("trapped_h", lambda subject: sum(each.holders for each in subject.found.summary.trapped), _holders),
    ("trapped_v", lambda subject: sum(each.amount for each in subject.found.summary.trapped), _coins),
)
