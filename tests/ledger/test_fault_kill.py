"""`kill -9` at random moments: while opening, posting, beginning segments and writing snapshots."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path
from random import Random

from tests.ledger.faults.checking import Told, balances_of, check_goes_on, check_opened, opened
from tests.ledger.faults.nursery import Nursery
from tests.ledger.faults.rounds import rounds
from tests.ledger.killed import HOLDERS, IN_FLIGHT
from tests.ledger.ledger_world import found

MOST_SECONDS = 0.05
KILLS_A_LEDGER = 10
"""So many on one ledger, each going on where the last one left it; then a new one, for journals grow."""


def test_whenever_a_process_is_killed_its_ledger_goes_on(nursery: Nursery, tmp_path: Path) -> None:
    founded, folder, answers = tmp_path / "founded", tmp_path / "journal", tmp_path / "answers"
    found(founded, holders=HOLDERS, yuan_each=3_000).close()
    with opened(founded) as ledger:
        opening = balances_of(ledger)
    first, acknowledged, cut = 0, 0, 0
    for number, random in rounds("kill -9", 12, share=0.01):
        if number % KILLS_A_LEDGER == 0:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(founded, folder)
            first, balances = 0, opening
        kill(nursery, folder, answers, first, random)
        lines = answers.read_text().split("\n")[:-1] if answers.exists() else []
        answers.unlink(missing_ok=True)
        told = [Told.from_line(line) for line in lines]
        assert len({each.number for each in told}) == len(told), "a batch was answered twice"
        tried = range(first, max((each.number for each in told), default=first - 1) + 1 + 2 * IN_FLIGHT)
        with opened(folder) as ledger:
            cut += ledger.torn_tail is not None
            check_opened(ledger, folder, told, tried)
            check_goes_on(ledger, tried, balances)
            balances = balances_of(ledger)
        acknowledged += len(told)
        first = tried.stop
    print(f"{acknowledged} batches were acknowledged, {cut} tails cut off")
    assert acknowledged > 0


def kill(nursery: Nursery, folder: Path, answers: Path, first: int, random: Random) -> None:
    """Let a process post until it is killed: while it opens, or at any moment since its first answer."""
    child = nursery.begin(
        "post", str(folder), str(answers), first, random.choice((10_000, 64 << 20)), random.random() < 0.5
    )
    if random.random() < 0.7:
        for _ in range(60_000):
            if answers.exists() and answers.stat().st_size:
                break
            threading.Event().wait(0.001)
    threading.Event().wait(random.uniform(0, MOST_SECONDS))
    os.kill(child, signal.SIGKILL)
    assert nursery.end() == -signal.SIGKILL
