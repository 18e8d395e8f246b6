"""What `lab replay`, `lab compare` and `lab solve` share: the store, the question, and bars while it is answered."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from jiaozi.clock import day_start
from jiaozi.commands.words import NotUnderstood, day_of_text, journal_folder
from jiaozi.lab.replay.law import Tried, tried_of
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.replay import Asked, Mode, Replay, coming, prepared, replay, transfers_of
from jiaozi.report.reform.subject import Subject, subject_of
from jiaozi.rulebook.reading.read import law_folder

T = TypeVar("T")


class Desk:
    """One store, asked once or several times: *journal* and the folder of what it was asked."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.journal = journal_folder(given.folder)
        self.work = Path(given.work) if given.work else Path(given.folder) / "lab"
        self.is_quiet = bool(given.json)
        self.is_stopped = False
        is_kept = (self.work / "questions" / "head.json").exists()
        note = "recording what is new" if is_kept else "recording the store, once"
        columns = (DownloadColumn(), TransferSpeedColumn())
        with self._bar(note, coming(self.journal, self.work), columns) as (shown, task):
            self.recorded: Recorded = self._done(
                shown,
                lambda: prepared(
                    self.journal,
                    self.work,
                    progress=lambda count: shown.advance(task, count),
                    stop=lambda: self.is_stopped,
                ),
            )

    def ask(self, asked: Asked, note: str, *, to: Path | None = None) -> Replay:
        """Return the answer, with a bar meanwhile."""
        with self._bar(note, transfers_of(self.recorded, asked), (MofNCompleteColumn(),)) as (shown, task):
            return self._done(
                shown,
                lambda: replay(
                    self.journal,
                    asked,
                    work=self.work,
                    recorded=self.recorded,
                    to=to,
                    progress=lambda count: shown.advance(task, count),
                    stop=lambda: self.is_stopped,
                ),
            )

    def subject(self, found: Replay, asked: Asked, command: str) -> Subject:
        """Return *found* with what is needed to tell it."""
        return subject_of(found, self.recorded, asked, command=command)

    @contextmanager
    def _bar(
        self, note: str, total: int, figures: Sequence[ProgressColumn]
    ) -> Iterator[tuple[Progress, TaskID]]:
        columns = (TextColumn("{task.description}"), BarColumn(), *figures, TimeRemainingColumn())
        console = Console(stderr=True)
        is_hidden = self.is_quiet or not console.is_terminal
        with Progress(
            *columns, console=console, disable=is_hidden, transient=True, refresh_per_second=4
        ) as shown:
            yield shown, shown.add_task(note, total=total)

    def _done(self, shown: Progress, do: Callable[[], T]) -> T:
        """Return what *do* gives, done in a thread of its own, so that Ctrl-C is heard whatever runs there.

        Raises what it raises, and `KeyboardInterrupt` when Ctrl-C was pressed. Python tells a thread of it
        only between two of its own instructions: the compiler may need a minute to come to the next one.
        """
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(do())
            except BaseException as error:
                answer.set_exception(error)

        thread = threading.Thread(target=work, name="jiaozi-desk", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
        except KeyboardInterrupt:
            self.is_stopped = True
            thread.join(GRACE_SECONDS)
            if thread.is_alive():
                # Still in the compiler, perhaps. What is half written is cut off or made again the next time,
                # as after any process that was killed.
                shown.stop()
                os._exit(130)
            raise
        return answer.result()


LOOK_SECONDS = 0.05
GRACE_SECONDS = 0.5
"""What is under way may take so long to stop by itself."""


def tried_from(reforms: Sequence[str], drafts: Sequence[str] = (), known: str | None = None) -> Tried:
    """Return the law of files and drafts. A file that is not there is looked for among the reforms shipped.

    Raises `NotUnderstood` for a day that is none, `RulebookError` for a file that cannot be read.
    """
    day = day_of_text("--known", known) if known else None
    return tried_of([reform_file(text) for text in reforms], drafts=drafts, known=day)


def reform_file(text: str) -> Path:
    """Return the file *text*, or the reform of that name that came with this installation."""
    path = Path(text)
    shipped = law_folder() / "reforms" / path.with_suffix(".toml").name
    return shipped if not path.exists() and shipped.exists() else path


def asked_from(given: argparse.Namespace, tried: Tried, base: Tried | None = None) -> Asked:
    """Return the question of the options. Raises `NotUnderstood`."""
    start = day_start(day_of_text("--from", given.from_)) if given.from_ else None
    end = day_start(day_of_text("--until", given.until)) if given.until else None
    if start is not None and end is not None and end <= start:
        raise NotUnderstood(f"--until {given.until} is not after --from {given.from_}")
    mode = Mode(given.mode)
    if base is not None and mode is Mode.MONEY_FOLLOWS:
        raise NotUnderstood("--base does not go with money-follows, which compares with what happened")
    return Asked(tried, base=base, mode=mode, start=start, end=end)


def command_of(given: argparse.Namespace, verb: str, files: Sequence[str], options: Sequence[str]) -> str:
    """Return the line that repeats a result; an option without a value is left out."""
    words = ["jiaozi", "lab", verb, given.folder, *files]
    for option in options:
        value = getattr(given, {"from": "from_"}.get(option, option.replace("-", "_")))
        for each in value if isinstance(value, list) else [value] if value else []:
            words += [f"--{option}", each]
    return shlex.join(words)


def write_pages(pages: dict[str, str], folder: Path) -> None:
    """Write *pages* into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def page_name(text: str) -> tuple[Path, str]:
    """Return folder and name of the page asked for with `--html`. Raises `NotUnderstood`."""
    path = Path(text)
    if path.suffix != ".html":
        raise NotUnderstood(f"--html {text:.60} is no name of a page; end it with .html")
    return path.parent, path.stem


def said(paths: Sequence[Path]) -> None:
    """Say on the side which files were written."""
    for path in paths:
        print(f"written: {path}", file=sys.stderr)
