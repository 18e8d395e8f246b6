"""Frames that were noted as flushed and are not there any more: opening says so, and keeps the note."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.journal.durable_mark import NAME, read_mark
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from tests.ledger.ledger_world import clock, found, payments


def test_a_journal_that_lost_whole_frames_at_its_end_is_not_opened(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        ledger.post(payments(50, [(0, 1)]))
        ledger.post(payments(60, [(0, 1)]))
        last = ledger.sequence
    frames = list(read_frames(tmp_path))
    path = tmp_path / frames[-2].segment
    whole = path.read_bytes()
    path.write_bytes(whole[: frames[-2].offset])
    for _ in range(2):
        with pytest.raises(
            JournalError, match=f"frames {last - 1} to {last} were noted as flushed and are gone"
        ):
            Ledger.open(tmp_path, clock=clock())
        assert read_mark(tmp_path) == last
    path.write_bytes(whole)
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.sequence == last


def test_an_older_copy_put_back_on_purpose_opens_without_the_note(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        ledger.post(payments(50, [(0, 1)]))
    frame = list(read_frames(tmp_path))[-1]
    path = tmp_path / frame.segment
    path.write_bytes(path.read_bytes()[: frame.offset])
    (tmp_path / NAME).unlink()
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.sequence == frame.sequence - 1
