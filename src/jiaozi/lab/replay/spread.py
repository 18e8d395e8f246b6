"""The first two ways of a replay on several machines, through whatever engine hands out work.

Recorded questions are dealt over parts by person, so a part needs nothing of any other: a machine that
sees the folder takes some of them, and hands back counts. The engine is anything that is a
`concurrent.futures.Executor`: a pool of processes here, `Client.get_executor()` of Dask on a cluster.
What comes back is added up in any order to the figures of `replay`, to the fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import NotReady
from jiaozi.lab.replay.changes import ReasonSets
from jiaozi.lab.replay.examples import Examples, Kind
from jiaozi.lab.replay.gather import changes_of_block
from jiaozi.lab.replay.holders import trapped
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.questions import Law, blocks_of
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.recording import Progress, Stop
from jiaozi.lab.replay.records import Head
from jiaozi.lab.replay.replay import Asked, Mode, Replay, check_can_ask, frames_of, prepared, told
from jiaozi.lab.replay.summary import Counter, Example
from jiaozi.lab.replay.telling import summary_of

Place = tuple[int, int]
"""A transfer: the number of its frame, and its place in it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every machine is told: where the questions are, whose they are, and what to ask. It can be pickled."""

    folder: str
    head: bytes
    """What is asked of the folder, whatever was recorded since: a `Head` as JSON."""
    tried: Tried
    base: Tried | None
    sums_follow: bool
    frames: tuple[int, int]

    @classmethod
    def of(cls, recorded: Recorded, asked: Asked) -> Work:
        """Return what to tell of *asked*, over all of *recorded*."""
        return cls(
            folder=str(recorded.folder.resolve()),
            head=msgspec.json.encode(recorded.head),
            tried=asked.tried,
            base=asked.base,
            sums_follow=asked.mode is Mode.SUMS_FOLLOW,
            frames=frames_of(recorded, asked),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """What some parts came to. Sums are four numbers in the order of `summary.Part`, amounts in fen.

    reasons   by the names of a set of reasons; *tables* by name and key of `summary.Counter`
    persons   whose transfers are newly refused, and newly admitted: (n,) u32 each, rising
    examples  for each kind of holder the first decision that changed, with its place
    """

    parts: frozenset[int]
    questions: int
    total: list[int]
    reasons: dict[tuple[str, ...], list[int]]
    tables: dict[str, dict[int, list[int]]]
    kinds: dict[Kind, list[int]]
    persons: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    examples: dict[Kind, tuple[Place, Example]]


def ask_parts(work: Work, parts: Sequence[int]) -> Counts:
    """Ask *parts* again and return what they came to. Pure: it reads the folder and writes nothing.

    Raises `JournalError` when the folder holds other questions than *work* says, or cannot be read.
    """
    recorded, laws, bases = _opened(work)
    books, base_books = [law.book for law in laws], [law.book for law in bases] if bases else None
    counter, reasons = Counter(recorded.head.accounts), ReasonSets()
    shown = Examples(recorded, books, base_books)
    questions = 0
    for part in parts:
        for done, block in blocks_of(recorded, part, laws, bases, work.frames):
            questions += done
            if block is not None:
                changes = changes_of_block(recorded, books, base_books, block, reasons)
                shown.of_questions(block, changes, counter.add(changes))
    return _counts_of(frozenset(parts), questions, counter, reasons, shown)


@lru_cache(maxsize=4)
def _opened(work: Work) -> tuple[Recorded, list[Law], list[Law] | None]:
    """Open the questions and compile the laws once in each process, however many parts it takes."""
    recorded = Recorded.of_questions(Path(work.folder), msgspec.json.decode(work.head, type=Head))
    books = work.tried.over(recorded.books)
    laws = [Law.of(recorded, book, sums_follow=work.sums_follow) for book in books]
    if work.base is None:
        return recorded, laws, None
    base = work.base.over(recorded.books)
    return recorded, laws, [Law.of(recorded, book, sums_follow=work.sums_follow) for book in base]


def _counts_of(
    parts: frozenset[int], questions: int, counter: Counter, reasons: ReasonSets, shown: Examples
) -> Counts:
    tables = {
        name: {_number(key): list(sums.numbers) for key, sums in table.items()}
        for name, table in counter.tables.items()
    }
    by_names = {reasons.names[number]: sums for number, sums in tables.pop("reasons", {}).items()}
    refused, admitted = (np.flatnonzero(row).astype(np.uint32) for row in counter.persons)
    return Counts(
        parts=parts,
        questions=questions,
        total=list(counter.total.numbers),
        reasons=by_names,
        tables=tables,
        kinds={kind: list(sums.numbers) for kind, sums in counter.kinds.items()},
        persons=(refused, admitted),
        examples={
            kind: (counter.first_of(kind, is_admitted=example.is_admitted), example)
            for kind, example in shown.found.items()
        },
    )


def joined(accounts: int, counts: Iterable[Counts], reasons: ReasonSets, shown: Examples) -> Counter:
    """Add *counts* up, in whichever order they come, into one counter, *reasons* and *shown*.

    Raises `ValueError` when a part was counted twice.
    """
    whole = Counter(accounts)
    done: set[int] = set()
    firsts: dict[Kind, Place] = {}
    for one in counts:
        if done & one.parts:
            raise ValueError(f"parts {sorted(done & one.parts)} were counted twice; ask again")
        done |= one.parts
        whole.total.join(one.total)
        for names, numbers in one.reasons.items():
            whole.tables["reasons"][reasons.number(names)].join(numbers)
        for table, rows in one.tables.items():
            for key, numbers in rows.items():
                whole.tables[table][key].join(numbers)
        for kind, numbers in one.kinds.items():
            whole.kinds[kind].join(numbers)
        for direction, persons in enumerate(one.persons):
            whole.persons[direction, persons] = True
        for kind, (place, example) in one.examples.items():
            known = shown.found.get(kind)
            if known is None or (example.is_admitted, place) < (known.is_admitted, firsts[kind]):
                shown.found[kind], firsts[kind] = example, place
    return whole


def spread(
    journal: Path,
    asked: Asked,
    engine: Executor,
    *,
    work: Path,
    recorded: Recorded | None = None,
    progress: Progress | None = None,
    recording: Progress | None = None,
    stop: Stop | None = None,
) -> Replay:
    """Replay *journal* as *asked* on *engine*, in one of the first two ways; the summary is that of `replay`.

    *work* must be a folder that every machine of the engine sees under the same path. No Parquet is written.
    Raises what `replay` raises, and `NotReady` for money-follows, which is one pass in the journal's order.
    """
    if asked.mode is Mode.MONEY_FOLLOWS:
        raise NotReady(
            "where money follows, every payment may hang on all before it: replay it on one machine"
        )
    recorded = recorded or prepared(journal, work, progress=recording, stop=stop)
    check_can_ask(recorded)
    books = asked.tried.over(recorded.books)
    frames = frames_of(recorded, asked)
    told_to_all = Work.of(recorded, asked)
    # The largest first, so that nobody waits for a large part that was begun last.
    rows = recorded.head.parts
    parts = sorted((part for part, count in enumerate(rows) if count), key=lambda part: -rows[part])
    futures = [engine.submit(ask_parts, told_to_all, [part]) for part in parts]
    found = _gathered(futures, progress, stop)
    reasons, shown = ReasonSets(), Examples(recorded, books)
    counter = joined(recorded.head.accounts, found, reasons, shown)
    if sum(one.questions for one in found) != recorded.count:
        raise NotReady("the engine gave back fewer questions than it was given; ask again")
    held = trapped(recorded, books[-1], np.asarray(recorded.held)) if books else []
    summary = summary_of(recorded, books, counter, reasons, shown, held, recorded.head.months, 0, frames)
    return told(recorded, books, asked, summary, [])


def _gathered(futures: list[Future[Counts]], progress: Progress | None, stop: Stop | None) -> list[Counts]:
    found = []
    try:
        for future in as_completed(futures):
            if stop is not None and stop():
                raise NotReady("the replay was stopped")
            found.append(future.result())
            if progress is not None:
                progress(found[-1].questions)
    finally:
        for future in futures:
            with suppress(Exception):  # what is done already cannot be taken back
                future.cancel()
    return found


def _number(key: object) -> int:
    assert isinstance(key, int)
    return key
