"""Holder records in a scratch file: the same book, killed, on a full disk, and larger than the copy in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jiaozi.errors import NotReady
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import openings
from jiaozi.ledger.restart import restart, write_from_journal
from tests.ledger.faults.full import small_disk
from tests.ledger.killed import batch_of
from tests.ledger.ledger_world import FIRST_HOLDER, PLACE, clock, found, payments

HOLDERS = 20
MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal with a snapshot and a tail behind it."""
    with found(tmp_path / "journal", holders=HOLDERS) as ledger:
        ledger.snapshot()
        ledger.post(batch_of(7))
    return tmp_path / "journal"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def digest(ledger: Ledger) -> str:
    return ledger.at_cut(lambda state, _: state.digest())


def more(count: int) -> np.ndarray:
    opened = openings(1)
    opened["zone"], opened["kind"], opened["tier"], opened["count"] = PLACE, 1, 1, count
    return opened


@pytest.mark.parametrize("anew", [False, True])
def test_records_in_a_file_are_those_in_memory(folder: Path, scratch: Path, anew: bool) -> None:
    in_memory, in_file = restart(folder, anew=anew), restart(folder, anew=anew, holders=scratch)
    assert (in_file.snapshot is None) == anew
    assert in_file.state.digest() == in_memory.state.digest()
    assert in_file.state.holders_folder == scratch
    assert list(scratch.iterdir()) == []


def test_a_ledger_with_records_in_a_file_goes_on_and_its_snapshots_are_the_same(
    folder: Path, scratch: Path
) -> None:
    with Ledger.open(folder, clock=clock(), holders=scratch) as ledger:
        first = ledger.open_accounts(more(40_000))
        assert not ledger.state.accounts[first:]["balance"].any()
        ledger.post(payments(9_000, [(0, 1), (1, first + 39_999 - FIRST_HOLDER)]))
        assert ledger.state.accounts[first + 39_999]["balance"] == 1
        standing = digest(ledger)
        written = ledger.snapshot()
        ledger.post(batch_of(8))
        later = digest(ledger)
    with Ledger.open(folder, clock=clock()) as ledger:
        assert ledger.opened_from == written.path
        assert digest(ledger) == later != standing
    assert write_from_journal(folder, holders=scratch).sequence > written.sequence
    with Ledger.open(folder, clock=clock(), holders=scratch) as ledger:
        assert digest(ledger) == later


def test_a_process_killed_with_records_in_a_file_leaves_nothing_of_it(folder: Path, scratch: Path) -> None:
    program = """
import sys
from pathlib import Path
from jiaozi.ledger.ledger import Ledger
from tests.ledger.killed import batch_of
from tests.ledger.ledger_world import clock
ledger = Ledger.open(Path(sys.argv[1]), clock=clock(), holders=Path(sys.argv[2]))
number = 100
while True:
    outcome = ledger.post(batch_of(number))
    print(number, outcome.receipt.sequence, flush=True)
    number += 1
"""
    arguments = [sys.executable, "-c", program, str(folder), str(scratch)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(5)]
        os.kill(child.pid, signal.SIGKILL)
    assert list(scratch.iterdir()) == []
    in_memory = restart(folder, anew=True).state.digest()
    with Ledger.open(folder, clock=clock(), holders=scratch) as ledger:
        assert ledger.sequence >= int(told[-1].split()[1])
        assert digest(ledger) == in_memory


def test_accounts_without_disk_are_refused_and_the_ledger_goes_on(folder: Path, tmp_path: Path) -> None:
    with small_disk("small file system", tmp_path / "small", mebibytes=4) as small:
        with Ledger.open(folder, clock=clock(), holders=small.path) as ledger:
            before, sequence = digest(ledger), ledger.sequence
            with pytest.raises(
                NotReady, match=r"no disk for [\d,]+ bytes .*make room there or choose another"
            ):
                ledger.open_accounts(more(100_000))
            assert (digest(ledger), ledger.sequence) == (before, sequence)
            assert ledger.post(payments(9_000, [(0, 1)])).created == 1
            small.fill(0)
            first = ledger.open_accounts(more(1_000))  # disk for them was taken before it was full
            assert ledger.post(payments(9_100, [(1, first - FIRST_HOLDER)])).created == 1
            standing = digest(ledger)
        assert shutil.disk_usage(small.path).free < MIB
    assert restart(folder, anew=True).state.digest() == standing


@pytest.mark.parametrize("anew", [False, True])
def test_a_book_larger_than_the_disk_of_its_records_is_told_and_opens_elsewhere(
    folder: Path, tmp_path: Path, anew: bool
) -> None:
    with Ledger.open(folder, clock=clock()) as ledger:
        ledger.open_accounts(more(100_000))
        ledger.snapshot()
        standing = digest(ledger)
    with small_disk("small file system", tmp_path / "small", mebibytes=4) as small:
        with pytest.raises(NotReady, match=r"no disk for"):
            restart(folder, anew=anew, holders=small.path)
        assert shutil.disk_usage(small.path).used < MIB
    assert restart(folder, anew=anew, holders=tmp_path).state.digest() == standing


def test_a_folder_for_records_that_is_not_there_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="nowhere"):
        Ledger.open(folder, clock=clock(), holders=tmp_path / "nowhere")
    Ledger.open(folder, clock=clock()).close()
