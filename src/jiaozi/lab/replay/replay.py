"""Replay: the one function that others call, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import numpy as np

from jiaozi.clock import Instant
from jiaozi.errors import JournalError, NotReady
from jiaozi.lab.replay import examples, holders
from jiaozi.lab.replay.changes import ChangesFile, ReasonSets
from jiaozi.lab.replay.folder import alone, is_recorded, read_head
from jiaozi.lab.replay.following import follow
from jiaozi.lab.replay.gather import changes_of_block
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.money import MoneyReplay
from jiaozi.lab.replay.questions import THREADS, ask_again
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.recording import Progress, Stop, held_by, record
from jiaozi.lab.replay.summary import Counter, Summary
from jiaozi.lab.replay.telling import summary_of
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.journal.segments import list_segments
from jiaozi.rulebook.model import Book


class Mode(StrEnum):
    """How far the consequences of a refusal are followed."""

    AS_IT_HAPPENED = "as-it-happened"
    SUMS_FOLLOW = "sums-follow"
    MONEY_FOLLOWS = "money-follows"


class Replay(msgspec.Struct, frozen=True):
    """A replay: of which history, under which law, in which mode, and what came out.

    `address` names it for ever: the same store, law and mode give the same answer.
    """

    mode: str
    law: str
    base: str
    store: str
    address: str
    sequence: int
    first_instant: int
    last_instant: int
    is_draft: bool
    unreformed: int
    """Earlier laws of the history that the reform could not be read with: they were left as enacted."""
    summary: Summary
    files: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: the law to try, the one it is compared with (None: what happened), the mode, the time."""

    tried: Tried
    base: Tried | None = None
    mode: Mode = Mode.AS_IT_HAPPENED
    start: Instant | None = None
    end: Instant | None = None


def replay(
    journal: Path,
    asked: Asked,
    *,
    work: Path,
    recorded: Recorded | None = None,
    to: Path | None = None,
    threads: int = THREADS,
    progress: Progress | None = None,
    recording: Progress | None = None,
    stop: Stop | None = None,
) -> Replay:
    """Decide the payments of *journal* once more as *asked*; write the changes as Parquet into *to*, if given.

    *work* is a folder that keeps what the law was asked; the first replay of a journal makes it, and a later one
    goes on when the journal has grown; *recording* is told of that, see `prepared`. *progress* is told transfers.
    Several questions about one history are asked of one *recorded*: what came since is left out.
    Raises `RulebookError` for a law that cannot be read, `JournalError` for a damaged journal, `NotReady`.
    """
    recorded = recorded or prepared(journal, work, progress=recording, stop=stop)
    books = asked.tried.over(recorded.books)
    says = {"mode": asked.mode.value, "law": asked.tried.digest, "store": recorded.head.journal_hash}
    file, reasons = ChangesFile(to, says), ReasonSets()
    counter = Counter(recorded.head.accounts)
    base = asked.base.over(recorded.books) if asked.base else None
    shown = examples.Examples(recorded, books, base)
    frames = frames_of(recorded, asked)
    if asked.mode is Mode.MONEY_FOLLOWS:
        if asked.base is not None:
            raise NotReady("where money follows, a law is compared with what happened; leave the base out")
        again = MoneyReplay(journal, asked.tried, recorded.head.journal_sequence)
        follow(again, asked.start, asked.end, counter, file, reasons, shown, progress=progress, stop=stop)
        again.months.end()
        months, left_out = again.months.past, again.left_out
        held = held_by(again.state)
    else:
        check_can_ask(recorded)
        blocks = ask_again(
            recorded,
            books,
            base,
            sums_follow=asked.mode is Mode.SUMS_FOLLOW,
            first_frame=frames[0],
            last_frame=frames[1],
            threads=threads,
            progress=progress,
            stop=stop,
        )
        for block in blocks:
            changes = changes_of_block(recorded, books, base, block, reasons)
            file.add(changes)
            shown.of_questions(block, changes, counter.add(changes))
        months, left_out, held = recorded.head.months, 0, np.asarray(recorded.held)
    trapped = holders.trapped(recorded, books[-1], held) if books else []
    summary = summary_of(recorded, books, counter, reasons, shown, trapped, months, left_out, frames)
    return told(recorded, books, asked, summary, file.close(reasons))


def prepared(
    journal: Path, work: Path, *, progress: Progress | None = None, stop: Stop | None = None
) -> Recorded:
    """Return what the law was asked in *journal*, recorded in *work*: what is missing there is recorded now.

    *progress* is told bytes of the journal, of which there are about `coming`. While another process
    records into *work* this one waits for it. Raises `JournalError`, and `NotReady` when *stop* asks to.
    """
    folder = work / "questions"
    try:
        found = _recorded(journal, folder)
    except JournalError:
        found = None  # while somebody makes it anew: look again when he is done
    if found is None:
        work.mkdir(parents=True, exist_ok=True)
        with alone(work, stop):
            found = _recorded(journal, folder)  # another may have done it meanwhile
            if found is None:
                record(journal, folder, progress=progress, stop=stop)
                found = Recorded.open(folder)
    return found


def coming(journal: Path, work: Path) -> int:
    """Return about how many bytes of *journal* `prepared` has still to record into *work*.

    From the length of the journal's files: where those recorded are of another journal, it tells too few.
    Raises `JournalError` when there is no journal, or the head of what is recorded is damaged.
    """
    folder = work / "questions"
    head = read_head(folder) if is_recorded(folder) else None
    found = 0
    for segment in reversed(list_segments(journal)):
        size = segment.path.stat().st_size
        if head is not None and segment.name == head.segment:
            return found + max(size - head.offset, 0)
        found += size
    return found


def _recorded(journal: Path, folder: Path) -> Recorded | None:
    """Return what *folder* has if it is of this journal, and of all of it."""
    if not is_recorded(folder):
        return None
    recorded = Recorded.open(folder)
    try:
        reader = JournalReader(journal, recorded.head.journal_sequence + 1)
        is_whole = next(iter(reader), None) is None
    except JournalError:
        return None  # a shorter journal is another one; a damaged one is told of when it is recorded
    return recorded if is_whole and reader.head.hash.hex() == recorded.head.journal_hash else None


def check_can_ask(recorded: Recorded) -> None:
    """Raise `NotReady` when what was recorded does not hold all that a law of the history asks."""
    if recorded.head.has_counts:
        raise NotReady(
            "a law of this history counts payments, and their counts are not kept; use money-follows"
        )


def transfers_of(recorded: Recorded, asked: Asked) -> int:
    """Return of how many transfers `replay` will tell its progress when *asked* this."""
    return recorded.head.transfers if asked.mode is Mode.MONEY_FOLLOWS else recorded.count


def frames_of(recorded: Recorded, asked: Asked) -> tuple[int, int]:
    """Return the first frame in the time that is asked about, and the one after the last."""
    instants = recorded.frames["instant"]
    first = 0 if asked.start is None else int(np.searchsorted(instants, asked.start, side="left"))
    last = len(instants) if asked.end is None else int(np.searchsorted(instants, asked.end, side="left"))
    return first, last


def told(
    recorded: Recorded, books: Sequence[Book], asked: Asked, summary: Summary, files: Sequence[Path]
) -> Replay:
    """Return the result that says of what it is one."""
    head = recorded.head
    base = asked.base.name if asked.base else "what happened"
    parts = [head.journal_hash[:16], asked.tried.digest[:16], asked.mode.value]
    if asked.base is not None:
        parts.append(asked.base.digest[:16])
    if asked.start is not None or asked.end is not None:
        parts.append(f"{asked.start or ''}-{asked.end or ''}")
    return Replay(
        mode=asked.mode.value,
        law=asked.tried.name,
        base=base,
        store=head.journal_hash,
        address="/".join(parts),
        sequence=head.journal_sequence,
        first_instant=head.first_instant,
        last_instant=head.last_instant,
        is_draft=any(book.is_draft for book in books) or bool(asked.tried.reforms),
        unreformed=asked.tried.unreformed(recorded.books),
        summary=summary,
        files=[path.name for path in files],
    )
