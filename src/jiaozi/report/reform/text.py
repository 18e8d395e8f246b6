"""A replay for a terminal: sentences, then tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from jiaozi.report.reform import beside, rows
from jiaozi.report.reform.levels import levels
from jiaozi.report.reform.pages import base_of, caveats, period, title_of
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.words import Words


def as_text(subject: Subject, language: str) -> str:
    """Return the replay in words and tables."""
    return "\n".join(_lines(subject, Words(language))) + "\n"


def as_text_beside(subjects: Sequence[Subject], language: str) -> str:
    """Return several replays side by side."""
    words = Words(language)
    told = [words("beside.title"), words("beside.same", mode=words(f"mode.{subjects[0].found.mode}")), ""]
    letters = [chr(ord("A") + number) for number in range(len(subjects))]
    told += [
        f"{letter}  {_marked(subject, words)}" for letter, subject in zip(letters, subjects, strict=True)
    ]
    told.append("")
    head = [words("beside.row"), *letters]
    body = [
        [row.name, *(_cell(cell, words) for cell in row.cells)] for row in beside.figures(subjects, words)
    ]
    told += table(head, body)
    for letter, subject in zip(letters, subjects, strict=True):
        told += ["", f"{letter}  {subject.found.address}"]
        told += [
            f"  {row.name} {row.remark}: {words.count(row.part.refused + row.part.admitted)}"
            for row in rows.reasons(subject, words)[: beside.TOP_REASONS]
        ]
    told += ["", *(f"- {caveat}" for caveat in caveats(subjects[0], words))]
    return "\n".join(told) + "\n"


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of a table: names to the left, figures to the right."""
    widths = [max(width(row[column]) for row in (head, *body)) for column in range(len(head))]
    return ["  ".join(_padded(row, widths)).rstrip() for row in (head, *body)]


def _padded(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, wide) in enumerate(zip(row, widths, strict=True)):
        blanks = " " * (wide - width(cell))
        yield cell + blanks if column == 0 else blanks + cell


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _cell(cell: beside.Cell, words: Words) -> str:
    return f"{cell.text} {words('beside.' + cell.mark)}" if cell.mark else cell.text


def _marked(subject: Subject, words: Words) -> str:
    marks = dict.fromkeys(mark for text in subject.texts for mark in text.marks)
    return title_of(subject, words) + "".join(f" [{words(f'mark.{mark}')}]" for mark in marks)


def _lines(subject: Subject, words: Words) -> Iterator[str]:
    found, summary = subject.found, subject.found.summary
    yield _marked(subject, words)
    yield words("mark.trial") + words("mark.trial_is")
    if subject.law_drafts:
        yield words("mark.law_draft", names=words.names(subject.law_drafts))
    yield f"{words('mode.title')}: {words(f'mode.{found.mode}')} ({found.mode}). {words(f'mode.{found.mode}_is')}"
    yield f"{words('report.against')}: {base_of(subject, words)}. {period(subject, words)}"
    yield ""
    if not (summary.changed.refused or summary.changed.admitted):
        yield words("report.nothing")
    for key, count, amount in (
        ("report.refused", summary.changed.refused, summary.changed.refused_amount),
        ("report.admitted", summary.changed.admitted, summary.changed.admitted_amount),
    ):
        told = words(
            "report.of_payments",
            share=words.share(count, summary.transfers),
            count=words.count(summary.transfers),
            amount=words.money(amount, subject.unit),
        )
        yield f"{words(key)}: {words.count(count)} ({told})"
    told = words(
        "report.of_holders",
        share=words.share(summary.holders_refused, summary.holders),
        count=words.count(summary.holders),
        admitted=words.count(summary.holders_admitted),
    )
    yield f"{words('report.holders')}: {words.count(summary.holders_refused)} ({told})"
    if summary.left_out:
        yield words("report.left_out", count=words.count(summary.left_out))
    if subject.found.unreformed:
        yield words("report.unreformed", count=words.count(subject.found.unreformed))
    yield from _tables(subject, words)
    yield from _levels(subject, words)
    yield ""
    yield words("report.trapped")
    if not summary.trapped:
        yield f"  {words('report.no_trapped')}"
    for each in summary.trapped:
        name = rows.kind_words(subject.books[0], each.zone, each.kind, each.tier, words)
        yield f"  {name}: {words.count(each.holders)}, {words.money(each.amount)} {each.coin}"
    affected = rows.kinds(subject, words)
    if affected:
        yield ""
        yield words("report.kinds")
    for kind in affected:
        yield f"  {kind.name}: {words.count(kind.holders)}"
        if kind.example:
            yield from (f"    {line}" for line in kind.example.lines[words.language])
    yield ""
    yield words("report.method")
    yield from (f"- {caveat}" for caveat in caveats(subject, words))
    yield ""
    yield f"{words('report.address')}: {found.address}"


def _tables(subject: Subject, words: Words) -> Iterator[str]:
    by_month = [rows.Row(row.month, row.part) for row in rows.months(subject)]
    sections = [
        (words("report.month"), by_month),
        (words("report.reason"), rows.reasons(subject, words)),
        (words("report.size"), rows.sizes(subject, words)),
        *rows.who(subject, words),
    ]
    columns = [
        words(f"report.{direction}") + words("site.comma") + words(f"report.{what}")
        for direction in ("refused", "admitted")
        for what in ("payments", "value")
    ]
    for head, lines in sections:
        if not lines:
            continue
        yield ""
        yield from table(
            [head, *columns],
            [
                [
                    f"{row.name} {row.remark}".rstrip(),
                    words.count(row.part.refused),
                    words.money(row.part.refused_amount),
                    words.count(row.part.admitted),
                    words.money(row.part.admitted_amount),
                ]
                for row in lines
            ],
        )


def _levels(subject: Subject, words: Words) -> Iterator[str]:
    """Yield for each coin what was out, what of that was frozen, the reserve, and what the law asks of it."""
    months = rows.path_months(subject)
    for each in levels(subject, words):
        yield ""
        yield each.coin
        head = [words("report.month"), *(column.head for column in each.columns)]
        yield from table(
            head, [[month, *(c.cells.get(month, "–") for c in each.columns)] for month in months]
        )
        yield from filter(None, [each.broken])
        for key, rules in (("report.asks", each.rules), ("report.asks_more", each.left_out)):
            if rules:
                yield words(key)
            for rule, whose in rules:
                mark = f" [{words('mark.draft')}]" if rule.is_draft else ""
                yield f"- {rule.title[words.language]} {rule.cite} · {whose}{mark}"
