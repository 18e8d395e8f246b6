"""What the verbs of `jiaozi prove` share: the sample asked for, the executor, the bar."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from jiaozi.commands.words import NotUnderstood
from jiaozi.errors import ProofError
from jiaozi.proof import plain
from jiaozi.proof.auditing import sampling

if TYPE_CHECKING:
    from jiaozi.proof.tree import Executor

PLAIN_UP_TO = 50_000
"""Accounts up to which `hashlib` is done before the fast executor is loaded: a third of a second."""


def sample_given(given: argparse.Namespace) -> tuple[Fraction, Fraction]:
    """Return the share and the confidence of the command line, as shares of one. Raises `NotUnderstood`."""
    try:
        sampling.check_random(given.random)
        share = sampling.share_of(given.share, "--share")
        confidence = sampling.share_of(given.confidence, "--confidence")
        sampling.sample_size(share, confidence)
    except ProofError as error:
        raise NotUnderstood(str(error)) from None
    return share, confidence


def executor_for(accounts: int) -> Executor | None:
    """Return the executor for so many accounts: `hashlib` for few, the fast one (None) for more."""
    return plain if accounts <= PLAIN_UP_TO else None


@contextmanager
def bar(given: argparse.Namespace, title: str, total: int | None) -> Iterator[plain.Progress]:
    """Show a bar on the error stream and give what is told how much was done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    hidden = given.json or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as shown:
        task = shown.add_task(title, total=total)
        yield lambda done: shown.advance(task, done)
