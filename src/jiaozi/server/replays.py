"""Replays in the background: one at a time, how far each is, and the last results.

No request waits for a journal to be read. Whoever asks gets a run: it waits for its turn,
records what the journal has more than last time, replays, and is settled. Two who ask the
same share one run. A result is kept under the law and the mode, and says itself up to which
frame it goes; it answers whoever asks for that frame or an earlier one. So the page that
waits, which names the frame that there was when it began, comes to an end although payments
go on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from jiaozi.errors import NotReady, RulebookError
from jiaozi.lab.replay.replay import Asked, prepared, replay, transfers_of
from jiaozi.report.reform.subject import Subject, subject_of
from jiaozi.server.problem import Problem

KEPT = 8
"""Results, and texts that were pasted, that are kept."""

MOST_WAITING = 4
"""Runs that may wait for their turn: each may take a core for minutes, and the ledger wants one as well."""


class Phase(StrEnum):
    """Where a run is."""

    WAITING = "waiting"
    RECORDING = "recording"
    REPLAYING = "replaying"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is asked: the question, the text of the reform, and the command that repeats the answer."""

    asked: Asked
    name: str
    text: str
    command: str

    @property
    def key(self) -> tuple[str, str]:
        return self.asked.tried.digest, self.asked.mode.value


@dataclass(eq=False)
class Run:
    """A replay under way, or only the recording where *trial* is None; then what came of it.

    *done* of *total* is in bytes of the journal while that is recorded, then in transfers; 0 of 0 while it waits.
    """

    trial: Trial | None
    phase: Phase = Phase.WAITING
    done: int = 0
    total: int = 0
    sequence: int = -1
    """The last frame that it has seen."""
    subject: Subject | None = None
    error: Exception | None = None
    settled: threading.Event = field(default_factory=threading.Event)

    def enter(self, phase: Phase, total: int = 0) -> None:
        self.done, self.total, self.phase = 0, total, phase

    def advance(self, count: int) -> None:
        self.done += count

    @property
    def percent(self) -> int | None:
        """How much of this phase is done, never 100 before it is over; None while nobody knows."""
        total = self.total  # read once: the thread that runs sets it to 0 meanwhile
        return min(self.done * 100 // total, 99) if total else None


class Replays:
    """The runs of one journal. *closing* stops them; *coming* tells how many bytes are still to be recorded."""

    def __init__(
        self, journal: Path, work: Path, *, closing: threading.Event, coming: Callable[[], int]
    ) -> None:
        self.journal = journal
        self.work = work
        self.recorded_sequence = -1
        self._closing = closing
        self._coming = coming
        self._lock = threading.Lock()
        self._runs: deque[Run] = deque()
        self._settled: dict[tuple[str, str], Run] = {}
        self._texts: dict[str, str] = {}

    def ask(self, trial: Trial, since: int) -> Run:
        """Return the run that answers *trial* of all frames up to *since*: settled, under way, or new.

        Raises `Problem` when too many wait already.
        """
        with self._lock:
            known = self._settled.get(trial.key)
            if known is not None and (known.sequence >= since or known.error is not None):
                self._keep(known)
                return known
            return self._under_way(trial) or self._begun(Run(trial))

    def warm(self, since: int) -> Run | None:
        """Return a run that records the frames up to *since*, begun now if need be; None where that is done."""
        with self._lock:
            if self.recorded_sequence >= since:
                return None
            return self._runs[0] if self._runs else self._begun(Run(None))

    def recording(self, since: int) -> Run | None:
        """Return the run that records the frames up to *since*, if one is under way."""
        with self._lock:
            return self._runs[0] if self._runs and self.recorded_sequence < since else None

    def drop(self, run: Run) -> None:
        """Forget a run that failed, so that whoever asks again gets another."""
        with self._lock:
            if run.trial is not None and self._settled.get(run.trial.key) is run:
                del self._settled[run.trial.key]

    def remember(self, digest: str, text: str) -> None:
        """Keep a *text* that was pasted under the *digest* of its law, among the last."""
        with self._lock:
            self._texts.pop(digest, None)
            self._texts[digest] = text
            while len(self._texts) > KEPT:
                del self._texts[next(iter(self._texts))]

    def text_of(self, digest: str) -> str | None:
        """Return what was pasted; None once it is forgotten."""
        return self._texts.get(digest)

    def _under_way(self, trial: Trial) -> Run | None:
        return next((run for run in self._runs if run.trial and run.trial.key == trial.key), None)

    def _begun(self, run: Run) -> Run:
        if len(self._runs) > MOST_WAITING:
            raise Problem(503, "lab_busy")
        self._runs.append(run)
        if len(self._runs) == 1:
            # No daemon: one that is killed amid compiled code may take the process down with it.
            try:
                threading.Thread(target=self._work, name="jiaozi-replays").start()
            except BaseException:  # the machine may have none left; a run that stays first stays for ever
                self._runs.pop()
                raise
        return run

    def _work(self) -> None:
        """Run whatever waits, then end: between questions there is no thread."""
        run = self._runs[0]
        while True:
            try:
                self._run(run)
            except RulebookError as error:
                # It is kept as an answer, so without its traceback, which would keep all that was being replayed.
                run.error = RulebookError(error.mistakes)
            except Exception as error:  # told to whoever asked: a thread has nobody else to tell
                run.error = error
            with self._lock:
                self._runs.popleft()
                if run.trial is not None:
                    self._keep(run)
                run.phase = Phase.SETTLED
                run.settled.set()
                if not self._runs:
                    return
                run = self._runs[0]

    def _run(self, run: Run) -> None:
        stop = self._closing.is_set
        if stop():
            raise NotReady("the console is closing")
        run.enter(Phase.RECORDING)
        run.total = self._coming()
        recorded = prepared(self.journal, self.work, progress=run.advance, stop=stop)
        self.recorded_sequence = run.sequence = recorded.head.journal_sequence
        if run.trial is None:
            return
        asked = run.trial.asked
        run.enter(Phase.REPLAYING, transfers_of(recorded, asked))
        found = replay(
            self.journal, asked, work=self.work, recorded=recorded, progress=run.advance, stop=stop
        )
        run.sequence = found.sequence
        run.subject = subject_of(found, recorded, asked, command=run.trial.command)

    def _keep(self, run: Run) -> None:
        assert run.trial is not None
        self._settled.pop(run.trial.key, None)
        self._settled[run.trial.key] = run
        while len(self._settled) > KEPT:
            del self._settled[next(iter(self._settled))]
