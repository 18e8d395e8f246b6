"""`kill -9` under load: what was acknowledged is there, what was not is whole or absent, and goes on once."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np

from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import verify
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.results import Result
from tests.ledger.killed import HOLDERS, IN_FLIGHT, SINGLES, batch_of
from tests.ledger.ledger_world import balances_sum, clock, found

ROOT = Path(__file__).parents[2]
KILLS = 10
MOST_SECONDS = 0.25

Told = dict[int, tuple[int, list[int]]]


def run_and_kill(folder: Path, first: int, seconds: float) -> Told:
    """Let a process post batches from *first* on, kill it after *seconds*, and return what it told us."""
    command = [sys.executable, "-m", "tests.ledger.killed", str(folder), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 120)[0], "it did not open the ledger"
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split("\n")
        assert process.wait(60) == -signal.SIGKILL
    told: Told = {}
    for line in lines[:-1]:  # behind the last line break stands what it had no time to finish
        number, sequence, results = line.split(" ")
        told[int(number)] = int(sequence), [int(result) for result in results.split(",")]
    return told


def stored(folder: Path) -> dict[int, tuple[int, int]]:
    """Return for each id in the journal its frame and its first result."""
    found_ids: dict[int, tuple[int, int]] = {}
    for frame in read_frames(folder):
        if frame.kind is FrameKind.TRANSFERS:
            booked = unpack(frame.payload)
            for id_lo, result in zip(booked.batch["id_lo"].tolist(), booked.results.tolist(), strict=True):
                found_ids.setdefault(id_lo, (frame.sequence, result))
    return found_ids


def test_kill_9_loses_nothing_that_was_acknowledged_and_leaves_no_half_chain(tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    random = Random(seed)
    found(tmp_path, holders=HOLDERS, yuan_each=3_000).close()
    first, acknowledged, interrupted = 0, 0, 0
    for _ in range(KILLS):
        told = run_and_kill(tmp_path, first, random.uniform(0, MOST_SECONDS))
        with Ledger.open(tmp_path, clock=clock()) as ledger:  # replays, and compares every stored result
            known = stored(tmp_path)
            for number, (sequence, results) in told.items():
                ids = batch_of(number)["id_lo"].tolist()
                assert [known[each] for each in ids] == [(sequence, result) for result in results]
            acknowledged += len(told)

            # Batches that nobody was told of are in the journal whole or not at all, and are posted again.
            last = max(told, default=first - 1)
            for number in range(last + 1, last + 1 + 2 * IN_FLIGHT):
                batch = batch_of(number)
                there = [known[each][1] for each in batch["id_lo"].tolist() if each in known]
                assert len(there) in (0, len(batch))
                interrupted += bool(there)
                answers = ledger.post(batch).results.tolist()
                if there:
                    assert Result.CREATED not in answers
                    assert [answer == Result.EXISTS for answer in answers[:SINGLES]] == [
                        result == Result.CREATED for result in there[:SINGLES]
                    ]
                assert Result.CREATED not in ledger.post(batch).results, "a third time changes nothing either"
            first = last + 1 + 2 * IN_FLIGHT

            assert balances_sum(ledger) == 0
            held = ledger.state.accounts["balance"][4:]
            assert int(held.sum()) == HOLDERS * 3_000_00
            assert int(held.min()) >= 0

        known = stored(tmp_path)
        for number in range(first):
            told_of = np.array([known[each][1] for each in batch_of(number)["id_lo"].tolist()])
            one, other = told_of[SINGLES::2], told_of[SINGLES + 1 :: 2]
            assert ((one == Result.CREATED) == (other == Result.CREATED)).all(), "both legs or none"
        assert verify(tmp_path).torn_tail is None
    print(f"{acknowledged} batches acknowledged, {interrupted} in the journal that nobody was told of")
    assert acknowledged > 0
