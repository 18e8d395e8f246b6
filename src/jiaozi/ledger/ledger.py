"""The ledger: one writer, many callers, nothing answered before it is on disk.

Every change goes through one thread, see `writer.py`. A caller's answer comes
when his frame is flushed. Reads look at the arrays as they stand; `at_cut` runs a
function between two frames, where everything belongs to one instant. The counts
of `State.activity` are taken a moment later than the money moves, but for a cut.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Clock, Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.buffers import Buffers
from jiaozi.ledger.callers import Ones, Outcome, Work
from jiaozi.ledger.facts import Fact
from jiaozi.ledger.journal.frames import FrameKind, Receipt
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.journal.reading import JournalReader, TornTail
from jiaozi.ledger.notes import NO_NOTES, Note, Notes
from jiaozi.ledger.opening import MAX_OPENED
from jiaozi.ledger.payload import MAX_BATCH
from jiaozi.ledger.records import OPENING, TRANSFER, Choice, TransferFlag, Transfers
from jiaozi.ledger.restart import Progress, Restarted, fold, restart
from jiaozi.ledger.shadow import Shadow
from jiaozi.ledger.snapshots.files import PassedOver
from jiaozi.ledger.snapshots.parts import Picture, Room
from jiaozi.ledger.snapshots.snapshot import Written, write
from jiaozi.ledger.state import State
from jiaozi.ledger.writer import TICK, Writer
from jiaozi.rulebook.model import Book

__all__ = ["MAX_BATCH", "MAX_OPENINGS", "Ledger", "Outcome", "Progress", "fold"]

T = TypeVar("T")
MAX_OPENINGS = MAX_OPENED
"""Rows of openings in one call: 80 MiB of the journal. They open at most as many accounts."""


class Ledger:
    """A book of accounts in a folder. Its methods may be called from any thread."""

    def __init__(self, journal: Journal, folder: Path, restarted: Restarted, clock: Clock) -> None:
        """Use `Ledger.open`."""
        self._journal = journal
        self._folder = folder
        self._state = restarted.state
        self._clock = clock
        self._snapshot = restarted.snapshot
        self._passed_over = tuple(restarted.passed_over)
        self._buffers = Buffers()
        self._writer = Writer(journal, self._state, clock, self._buffers)

    @classmethod
    def open(
        cls, folder: Path, *, clock: Clock, progress: Progress | None = None, holders: Path | None = None
    ) -> Ledger:
        """Open the ledger in *folder*, or begin one; fold its journal behind the newest good snapshot.

        With *holders*, a folder on a fast disk, the records of holders lie in a scratch file there, for
        books larger than memory. The file has no name and ends with the process: it is never the truth.

        Raises `JournalBusy` when another process writes it, `JournalError` when it is damaged or
        replays to other results than were stored, `NotReady` when the disk of *holders* has no room.
        """
        found: list[Restarted] = []

        def walk(folder: Path) -> JournalReader:
            found.append(restart(folder, progress, holders=holders))
            return found[0].reader

        journal = Journal.open(folder, walk=walk)
        return cls(journal, folder, found[0], clock)

    @property
    def state(self) -> State:
        """The fold of the journal. Read it; only the writer changes it."""
        return self._state

    @property
    def torn_tail(self) -> TornTail | None:
        """What opening cut off: a frame whose writing was interrupted, and that nobody was told of."""
        return self._journal.torn_tail

    @property
    def opened_from(self) -> Path | None:
        """The snapshot that opening began with; None when it folded the whole journal."""
        return self._snapshot

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Snapshots that opening did not use, newest first, and why."""
        return self._passed_over

    @property
    def sequence(self) -> int:
        """The number of the last frame, durable or about to be."""
        return self._journal.sequence

    @property
    def durable(self) -> int:
        """The number of the last frame that is on disk; 0 if there is none."""
        return self._journal.head.sequence

    def record(self, *facts: Fact) -> Receipt:
        """Put *facts* into the journal as one frame, all or none. Raises `FactError`."""
        receipt: Receipt = self._writer.ask(FrameKind.FACTS, facts)
        return receipt

    def open_accounts(self, opened: NDArray[np.void]) -> int:
        """Open accounts, (n,) OPENING, one a row or many that are alike; return the number of the first.

        Raises `FactError`.
        """
        if opened.dtype != OPENING:
            raise TypeError("accounts are opened from an array of records.OPENING")
        if opened.ndim != 1 or not 0 < len(opened) <= MAX_OPENINGS:
            raise ValueError(f"a call has 1 to {MAX_OPENINGS:,} rows of openings, this one {opened.shape}")
        first: int = self._writer.ask(FrameKind.ACCOUNTS, opened.copy())
        return first

    def post(
        self,
        batch: Transfers,
        *,
        notes: Mapping[int, Note] | Notes | None = None,
        choice: Choice = Choice.CONTINUE,
        all_or_nothing: bool = False,
        at: Instant | None = None,
    ) -> Outcome:
        """Book *batch*, (n,) TRANSFER with n <= MAX_BATCH, and return one answer for each, durable.

        *notes* stand beside the transfers that they number. *choice* tells what becomes of the others
        when one fails. *all_or_nothing* makes the batch one chain: it sets LINKED on all but the last.
        *at* is the instant at which the batch came in, for simulations; by default the clock is asked.

        Raises `ValueError` for a batch that is none, `NotReady`, `JournalError`.
        """
        future = self.submit(batch, notes=notes, choice=choice, all_or_nothing=all_or_nothing, at=at)
        return future.result()

    def submit(
        self,
        batch: Transfers,
        *,
        notes: Mapping[int, Note] | Notes | None = None,
        choice: Choice = Choice.CONTINUE,
        all_or_nothing: bool = False,
        at: Instant | None = None,
    ) -> Future[Outcome]:
        """Like `post`, without waiting: several batches may be on their way at once."""
        if batch.dtype != TRANSFER:
            raise TypeError("transfers are posted as an array of records.TRANSFER")
        if batch.ndim != 1 or not 0 < len(batch) <= MAX_BATCH:
            raise ValueError(f"a call holds a row of 1 to {MAX_BATCH:,} transfers, this one {batch.shape}")
        if all_or_nothing and choice != Choice.CONTINUE:
            raise ValueError("a batch that is all or nothing cannot stop half way; leave *choice* out")
        beside = _notes_for(batch, notes)
        when = None if at is None else Instant(operator.index(at))
        own = self._buffers.copy_of(batch)
        if all_or_nothing:
            own["flags"][:-1] |= np.uint16(TransferFlag.LINKED)
        future: Future[Outcome] = Future()
        # It cannot be cancelled: once it waits it may be booked, and others may share its frame.
        future.set_running_or_notify_cancel()
        self._writer.put(Work(FrameKind.TRANSFERS, own, future, when, Choice(choice), beside))
        return future

    def submit_ones(self, ones: Ones) -> None:
        """Book single transfers of callers that `callers` describes; they are answered as it says."""
        self._writer.put(ones)

    def tick(self) -> Receipt | None:
        """Let time pass: release the pending transfers that have timed out by now, with a frame of their own.

        Returns the receipt of that frame, or None when nothing was due. Nobody needs to call it: each frame
        of transfers does this first, and while nobody posts the writer looks about once a second.
        """
        receipt: Receipt | None = self._writer.ask(None, TICK)
        return receipt

    def at_cut(self, look: Callable[[State, Receipt], T]) -> T:
        """Run *look* between two frames, once all before it is durable; nothing moves meanwhile."""
        found: T = self._writer.ask(None, look)
        return found

    def snapshot(self) -> Written:
        """Write a snapshot of the state as it stands now; durable on return.

        Payments wait while the arrays are copied, not while the copy is written. The copy takes as much
        memory as the accounts and ids do, or disk beside their scratch file;
        `restart.write_from_journal` in another process spares this one both.

        Raises `NotReady` before the first frame, `JournalBusy` while another snapshot is being written,
        `OSError` when the disk fails or is full; the ledger goes on, and older snapshots stand.
        """
        room = Room.beside(self._state)
        picture, receipt = self.at_cut(lambda state, receipt: (Picture.of(state).copied(room), receipt))
        return write(self._folder, picture, receipt, self._passed_over)

    def shadow(
        self, book: Book | None, folder: Path | None = None, *, name: str = "a reform"
    ) -> Shadow | None:
        """Ask *book* beside the law in force from the next frame on, or with None nothing any more.

        It decides nothing. Where it would decide otherwise is kept in *folder*, by default that of the journal
        with `shadow` behind its name; *name* is what the reform is called there. Returns the shadow that runs
        now. Raises `FactError` when *book* has other words, and the one before runs on; `OSError` or
        `JournalError` when *folder* cannot be written or has what nobody can read, and then none runs.
        """
        to = folder or self._folder.with_name(f"{self._folder.name}-shadow")
        fresh = None if book is None else Shadow(self._state.law, book, to, name=name)

        def end(*_: object) -> Shadow | None:
            old, self._writer.shadow = self._writer.shadow, None
            return old

        def begin(state: State, head: Receipt) -> None:
            assert fresh is not None
            fresh.begin(state.law, head.sequence + 1, head.instant)
            self._writer.shadow = fresh

        old = self.at_cut(end)
        if old is not None:
            old.close()  # so that its file is whole when it is read
        if fresh is not None:
            fresh.recall()
            self.at_cut(begin)
        return fresh

    def reasons(self, outcome: Outcome, index: int) -> tuple[str, ...]:
        """Return the names of what stood in the way of transfer *index* of *outcome*."""
        return outcome.reasons(index)

    def close(self) -> None:
        """Finish what waits, then stop. Closing twice is no mistake.

        Raises `JournalError` when the disk failed, after letting go of everything.
        """
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(JournalError):  # the error on its way out says more
                self.close()


def _notes_for(batch: Transfers, notes: Mapping[int, Note] | Notes | None) -> Notes:
    """Return *notes* in the form a frame keeps. Raises `ValueError` for a note without its transfer."""
    if not notes:
        return NO_NOTES
    beside = notes if isinstance(notes, Notes) else Notes.of(notes)
    beside.check(len(batch))
    if isinstance(notes, Notes):
        beside = Notes(
            notes.rows.copy(), notes.lengths.copy(), bytes(notes.data)
        )  # the writer reads it later
        beside.read()  # what cannot be read again must not become durable
    return beside
