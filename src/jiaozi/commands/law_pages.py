"""`jiaozi law show|page|diff|compare|timeline|with-reform`: the law to be read."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from jiaozi.clock import day_of, system_clock
from jiaozi.commands.words import NotUnderstood, day_of_text, instant_of_text
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read_folder, texts_of, with_reform
from jiaozi.rulebook.telling import compare as comparing
from jiaozi.rulebook.telling import compare_show, moves
from jiaozi.rulebook.telling import diff as differing
from jiaozi.rulebook.telling import page as pages
from jiaozi.rulebook.telling.picture import picture
from jiaozi.rulebook.telling.provision import names_of, told

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def page(book: Book, given: argparse.Namespace) -> int:
    """Print the law of a day: Markdown, or a stand-alone HTML document."""
    tell = pages.whole if given.html else pages.markdown
    print(tell(book, instant_of_text("--on", given.on), given.language))
    return 0


def show(book: Book, given: argparse.Namespace) -> int:
    """Print one rule, duty or value with its whole story."""
    text = told(book, given.rule, instant_of_text("--on", given.on), given.language)
    if text is None:
        near = closest(given.rule, names_of(book))
        raise NotUnderstood(f"no such rule {given.rule!r:.60}{f'; did you mean {near}?' if near else ''}")
    print(text)
    return 0


def diff(book: Book, given: argparse.Namespace) -> int:
    """Print what changes between two days of one book, or between two folders of law."""
    first, second = given.first, given.second
    if _DAY.fullmatch(first) and _DAY.fullmatch(second):
        changes = differing.diff_days(book, day_of_text("A", first), day_of_text("B", second), given.language)
    elif Path(first).is_dir() and Path(second).is_dir():
        if given.reform:
            raise NotUnderstood("--reform goes with two days of one book; compare folders without it")
        books = [read_folder(Path(folder), drafts=given.draft) for folder in (first, second)]
        changes = differing.diff_books(books[0], books[1], given.language)
    else:
        raise NotUnderstood(f"{first} and {second} are neither two days (YYYY-MM-DD) nor two folders of law")
    _print_changes(changes, given)
    return 0


def reform_of(path: str) -> tuple[str, str]:
    """Return name and text of a reform. Raises `NotUnderstood` when there is no such file."""
    if not Path(path).is_file():
        raise NotUnderstood(f"{path} cannot be read; name the file of a reform")
    ((name, text),) = texts_of([Path(path)]).items()
    return name, text


def reform(book: Book, given: argparse.Namespace) -> int:
    """Print what a reform changes in the law; the law itself stays as it is."""
    reformed = with_reform(book, *reform_of(given.file))
    _print_changes(differing.diff_books(book, reformed, given.language), given)
    if not given.json:
        print(f"law    {book.digest.hex()}\nreform {reformed.digest.hex()}")
    return 0


def _print_changes(changes: tuple[differing.Change, ...], given: argparse.Namespace) -> None:
    if given.json:
        data = [
            {
                "place": change.place,
                "name": change.name,
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "since": str(change.since or ""),
                "article": str(change.cite),
                "status": str(change.status),
            }
            for change in changes
        ]
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for change in changes:
        print(differing.line(change, given.language))
    if not changes:
        print("nothing changes" if given.language == "en" else "无变化")


def compare(book: Book, given: argparse.Namespace) -> int:
    """Print places side by side on a day; proposals and drafts are shown, and marked."""
    day = day_of_text("--on", given.on) if given.on is not None else day_of(system_clock())
    places = [place for place in (given.places or "").split(",") if place]
    try:
        found = comparing.compare(book, day, given.language, places)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    if given.format == "json":
        print(json.dumps(compare_show.as_data(found), ensure_ascii=False, indent=2))
    else:
        tell = {"text": compare_show.as_text, "csv": compare_show.as_csv, "html": compare_show.as_html}
        print(tell[given.format](found), end="")
    return 0


def timeline(book: Book, given: argparse.Namespace) -> int:
    """Print who moved when."""
    places = [place for place in (given.places or "").split(",") if place]
    try:
        steps = moves.steps_of(book, places)
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    today, language = day_of(system_clock()), given.language
    if given.format == "json":
        print(json.dumps(moves.as_data(book, steps, language), ensure_ascii=False, indent=2))
    elif given.format == "csv":
        print(moves.as_csv(book, steps, language), end="")
    elif given.format == "html":
        print(moves.as_html(book, steps, today, language), end="")
    elif given.format == "svg":
        print(picture(book, steps, today, language))
    else:
        print(moves.as_text(steps, language), end="")
    return 0
