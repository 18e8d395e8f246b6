"""How the pilot tells what it does: a heading and a short paragraph a step, a bar for what takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Teller:
    """Prints for people, and keeps every figure for programs."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(highlight=False, quiet=quiet, soft_wrap=True)
        self.figures: dict[str, Any] = {}
        self._step = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        self._console.print(f"\n[bold]{self._step}. {title}[/bold]")

    def say(self, text: str) -> None:
        """Print one line of a paragraph, indented, exactly as written."""
        self._console.print(f"   {text}", markup=False)

    def figure(self, name: str, value: Any) -> None:
        """Keep a figure for `--json` and the bench."""
        self.figures[name] = value

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Any]:
        """Show a progress bar; yields a function to be called with the amount done since the last call."""
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            task = progress.add_task(title, total=total)
            yield lambda done: progress.update(task, advance=done)

    @contextmanager
    def waiting(self, title: str) -> Iterator[None]:
        """Show that something without known length goes on."""
        with self._console.status(f"   {title}"):
            yield

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Keep the seconds that a part takes as figure *name*."""
        start = time.perf_counter()
        yield
        self.figure(name, time.perf_counter() - start)
