"""What processes do until they die: the nursery forks one for each call of a function here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest
from sqlalchemy import Engine, event

from jiaozi.bank import EXAMPLES
from jiaozi.clock import Instant, ManualClock
from jiaozi.errors import JournalBusy
from jiaozi.issuer.intake import take_in
from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.office import Office
from tests.issuer.desk import debit, statement
from tests.ledger.faults.checking import Told, segments_of
from tests.ledger.killed import IN_FLIGHT, batch_of
from tests.ledger.ledger_world import clock, found
from tests.world import COIN, at

BUSY = 3
"""The exit code of a victim that found the ledger taken."""


def warm_up(folder: str) -> None:
    """Found a ledger in *folder* and post to it, so that the machine code is loaded."""
    with found(Path(folder), yuan_each=3_000) as ledger:
        ledger.post(batch_of(0))
        ledger.snapshot()
    Ledger.open(Path(folder), clock=clock()).close()


def post(folder: str, answers: str, first: int, segment_bytes: int, is_snapshooting: bool) -> None:
    """Post batches from *first* on for ever, several in flight; a line in the file *answers* after each answer.

    A thread beside takes snapshot after snapshot, if asked.
    """
    file = os.open(answers, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with segments_of(segment_bytes), Ledger.open(Path(folder), clock=clock()) as ledger:
        if is_snapshooting:
            threading.Thread(target=_snapshots, args=(ledger,), daemon=True).start()
        room = Semaphore(IN_FLIGHT)
        for number in _from(first):
            room.acquire()
            # Another instant now and then, so that several frames share a flush.
            future = ledger.submit(batch_of(number), at=Instant(clock()() + number // 2))
            future.add_done_callback(partial(_tell, file, room, number))


def hold(folder: str, ready: str) -> int:
    """Open the ledger, say so by making the file *ready*, and hold it until killed."""
    try:
        with Ledger.open(Path(folder), clock=clock()):
            Path(ready).touch()
            threading.Event().wait(600)
    except JournalBusy:
        return BUSY
    return 0


def day(folder: str, count: str, last_step: int) -> int:
    """Run a day between the bank and the ledger, as often as it takes: each call does what is left of it.

    Money comes in and becomes coins, coins are given back, the payout is ordered, the bank pays it.
    Dies before step *last_step* of all writes, syncs, renames and commits; with 0 it lives. The number of
    steps goes into the file *count*.
    """
    steps = _Steps(last_step)
    with _dying(steps), Office.open(Path(folder), clock=ManualClock(at("2026-12-15 12:00"))) as office:
        office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
        if not [each for each in office.store.redemptions() if each.status != "refused"]:
            assert office.redeem(COIN, DISTRIBUTOR, REDEEMED_FEN).redemption
        office.order_payouts(COIN, "PAYOUT-1")
        (redemption,) = [each for each in office.store.redemptions() if each.status != "refused"]
        paid = debit("12000.00", redemption.reference, key="paid out")
        bank = office.store.bank(COIN)
        assert bank is not None
        take_in(office.ledger, office.store, bank, [statement(paid)])
    Path(count).write_text(str(steps.taken))
    return 0


DISTRIBUTOR, REDEEMED_FEN = 4, 12_000_00

DIED = 9
"""The exit code of a victim that died at its step."""

STEPS = (
    "write",
    "writev",
    "pwrite",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "replace",
    "unlink",
    "mkdir",
)


class _Steps:
    """Counts the steps of all threads, and ends the process before the last one."""

    def __init__(self, last: int) -> None:
        self.taken = 0
        self._last = last
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> None:
        with self._lock:
            self.taken += 1
            if self.taken == self._last:
                os._exit(DIED)


@contextmanager
def _dying(step: _Steps) -> Iterator[None]:
    """Take a step before each call of `os` that changes a file, and before and after each commit."""

    def stepping(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            step()
            return real(*given, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, stepping(getattr(os, name)))
        event.listen(Engine, "commit", step)
        yield


def _snapshots(ledger: Ledger) -> None:
    while True:
        ledger.snapshot()


def _tell(file: int, room: Semaphore, number: int, done: Future[Outcome]) -> None:
    os.write(file, Told.of(number, done.result()).line().encode())
    room.release()


def _from(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1
