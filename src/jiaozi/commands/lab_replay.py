"""`jiaozi lab replay`: the payments of a store decided once more, under a law that nobody has enacted yet."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from jiaozi.commands.lab_asked import (
    Desk,
    asked_from,
    command_of,
    page_name,
    said,
    tried_from,
    write_pages,
)
from jiaozi.commands.words import NotUnderstood
from jiaozi.report.reform import pages
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.text import as_text
from jiaozi.report.reform.words import LANGUAGES

OPTIONS = ("law", "draft", "base", "from", "until", "mode", "known")


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is told, 2 when something was not understood, 130 when it was stopped."""
    try:
        if not (given.law or given.draft or given.known):
            raise NotUnderstood("nothing to try; name a reform with --law, a draft with --draft, or --known")
        tried = tried_from(given.law, given.draft, given.known)
        asked = asked_from(given, tried, tried_from(given.base) if given.base else None)
        html = page_name(given.html) if given.html else None
        to = Path(given.to) if given.to else None
        desk = Desk(given)
        found = desk.ask(asked, "replaying", to=to)
        subject = desk.subject(found, asked, command_of(given, "replay", (), OPTIONS))
        if asked.base is not None:
            # The page shows both laws by month, so the base is compared with what happened as well.
            by_itself = replace(asked, tried=asked.base, base=None)
            of_base = desk.ask(by_itself, "replaying the base").summary.by_month
            subject = replace(subject, base_by_month=of_base)
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    written = []
    if to is not None:
        write_pages(pages.pages(subject), to)
        (to / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(as_data(subject))))
        written += [to / name for name in ("report.html", "report.zh.html", "summary.json", *found.files)]
    if html is not None:
        write_pages(pages.pages(subject, html[1]), html[0])
        written += [html[0] / pages.file_of(html[1], language) for language in LANGUAGES]
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(as_data(subject))).decode())
    else:
        print(as_text(subject, given.language), end="")
    said(written)
    return 0


def as_data(subject: Subject) -> dict[str, Any]:
    """Return the replay as data, with what was tried and how to repeat it."""
    data: dict[str, Any] = msgspec.to_builtins(subject.found)
    data["texts"] = [
        {"name": text.name, "title": text.title, "marks": list(text.marks)} for text in subject.texts
    ]
    data["law_drafts"] = list(subject.law_drafts)
    data["currencies"] = list(subject.currencies)
    data["command"] = subject.command
    if subject.base_by_month is not None:
        data["base_by_month"] = msgspec.to_builtins(subject.base_by_month)
    return data
