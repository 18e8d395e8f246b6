"""`jiaozi lab diffusion`: who moved after a place, and who before."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jiaozi.clock import day_of, system_clock
from jiaozi.commands.words import NotUnderstood, day_of_text
from jiaozi.errors import RulebookError
from jiaozi.lab.diffusion import diffusion, known_place
from jiaozi.lab.diffusion_show import as_data, as_html, as_text
from jiaozi.rulebook.model import Topic
from jiaozi.rulebook.reading.read import ALL, read_folder


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is told, 1 for a law with mistakes, 2 for words that mean nothing."""
    try:
        print(_told(given), end="")
    except RulebookError as error:
        print(error, file=sys.stderr)
        return 1
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    return 0


def _told(given: argparse.Namespace) -> str:
    folder = Path(given.folder) if given.folder else None
    if folder and not folder.is_dir():
        raise NotUnderstood(
            f"no folder {folder}; name one with places.toml, facts.toml and sources.toml in it"
        )
    topic = None
    if given.topic is not None:
        if given.topic not in list(Topic):
            raise NotUnderstood(f"no such topic {given.topic!r:.60}; topics are {', '.join(Topic)}")
        topic = Topic(given.topic)
    book = read_folder(folder, drafts=[ALL])
    try:
        known_place(book.vocabulary, given.place)
        today = day_of(system_clock(), book.vocabulary.places[given.place].clock)
        on = day_of_text("--on", given.on) if given.on else today
        found = diffusion(book, given.place, on, topic=topic, with_drafts=given.with_drafts)
    except NotUnderstood:
        raise
    except ValueError as error:
        raise NotUnderstood(str(error)) from None
    if given.format == "json":
        return json.dumps(as_data(found, given.language), ensure_ascii=False, indent=2) + "\n"
    tell = {"text": as_text, "html": as_html}[given.format]
    return tell(book, found, given.language)
