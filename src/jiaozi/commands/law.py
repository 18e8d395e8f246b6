"""`jiaozi law …`: the law as a lawyer, a policy desk or a program asks it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from jiaozi.commands import law_ask, law_check, law_enact, law_pages, law_shadow
from jiaozi.commands.words import NotUnderstood, day_of_text
from jiaozi.errors import RulebookError
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import ALL, read_folder, with_reform

Verb = Callable[[Book, argparse.Namespace], int]

VERBS: Mapping[str, Verb] = {
    "ask": law_ask.ask,
    "check": law_check.check,
    "show": law_pages.show,
    "page": law_pages.page,
    "diff": law_pages.diff,
    "compare": law_pages.compare,
    "timeline": law_pages.timeline,
    "with-reform": law_pages.reform,
}

OF_AN_OFFICE: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "shadow": law_shadow.shadow,
    "enact": law_enact.enact,
}
"""These are about the law of an office, not about the one shipped."""

SHOWING_ALL = ("show", "compare", "timeline")
"""What is no law is shown by these beside the law, and marked."""


def run(given: argparse.Namespace) -> int:
    """Return 0 for yes or done, 1 for a refusal or mistakes, 2 for words that mean nothing."""
    try:
        if given.verb in OF_AN_OFFICE:
            return OF_AN_OFFICE[given.verb](given)
        return VERBS[given.verb](_book(given), given)
    except RulebookError as error:
        if getattr(given, "json", False):
            places = [[each.file, each.line, each.subject, each.message] for each in error.mistakes]
            print(json.dumps({"ok": False, "mistakes": places}, ensure_ascii=False, indent=2))
        else:
            print(error, file=sys.stderr)
            count = len(error.mistakes)
            print(f"{count} mistake{'s' if count > 1 else ''}; nothing was read", file=sys.stderr)
        return 1
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2


def _book(given: argparse.Namespace) -> Book:
    """Return the book that the options ask for: a folder, the drafts and reforms that take part, what was known."""
    folder = Path(given.folder) if given.folder else None
    if folder and not folder.is_dir():
        raise NotUnderstood(
            f"no folder {folder}; name one with places.toml, facts.toml and sources.toml in it"
        )
    book = read_folder(folder, drafts=[ALL] if given.verb in SHOWING_ALL else given.draft)
    for path in getattr(given, "reform", None) or ():
        book = with_reform(book, *law_pages.reform_of(path))
    known = getattr(given, "known", None)
    if known is not None:
        book = as_known(book, day_of_text("--known", known))
    return book
