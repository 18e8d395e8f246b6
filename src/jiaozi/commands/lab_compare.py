"""`jiaozi lab compare`: several reforms side by side, over one store and in one mode."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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
from jiaozi.commands.lab_replay import as_data
from jiaozi.commands.words import NotUnderstood
from jiaozi.report.reform import beside
from jiaozi.report.reform.pages import file_of
from jiaozi.report.reform.text import as_text_beside
from jiaozi.report.reform.words import LANGUAGES

OPTIONS = ("from", "until", "mode")
MOST_REFORMS = 8


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is told, 2 when something was not understood, 130 when it was stopped."""
    try:
        if not 2 <= len(given.reforms) <= MOST_REFORMS:
            raise NotUnderstood(f"name two to {MOST_REFORMS} reforms")
        html = page_name(given.html) if given.html else None
        questions = [asked_from(given, tried_from([text])) for text in given.reforms]
        desk = Desk(given)
        subjects = []
        command = command_of(given, "compare", given.reforms, OPTIONS)
        for text, asked in zip(given.reforms, questions, strict=True):
            found = desk.ask(asked, f"replaying {Path(text).stem}")
            subjects.append(desk.subject(found, asked, command))
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    if given.json:
        told = {"mode": given.mode, "command": command, "reforms": [as_data(each) for each in subjects]}
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        print(as_text_beside(subjects, given.language), end="")
    if html is not None:
        write_pages(beside.pages(subjects, html[1], command=command), html[0])
        said([html[0] / file_of(html[1], language) for language in LANGUAGES])
    return 0
