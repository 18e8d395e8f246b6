"""Accounts that are alike are opened by one row: a book for a nation is a frame of a few bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.opening import MAX_OPENED, read_openings
from jiaozi.ledger.records import OPENING, AccountFlag, openings
from jiaozi.ledger.results import Result
from tests.ledger import ledger_world
from tests.ledger.ledger_world import FIRST_HOLDER, PLACE, clock, payments

MANY = 300_000


def alike(count: int) -> Any:
    opened = openings(2)
    opened["zone"], opened["kind"], opened["tier"] = PLACE, 1, [1, 2]
    opened["count"] = [count, 1]
    return opened


def test_a_row_opens_many_accounts_and_each_is_its_own_person(tmp_path: Path) -> None:
    with ledger_world.found(tmp_path) as ledger:
        before = ledger.state.account_count
        first = ledger.open_accounts(alike(MANY))
        accounts = ledger.state.accounts
        assert (first, len(accounts)) == (before, before + MANY + 1)
        assert (accounts["person"][first:] == np.arange(first, len(accounts))).all()
        assert (accounts["tier"][first : first + MANY] == 1).all()
        assert accounts["tier"][-1] == 2
        assert (accounts["flags"][first:] == AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS).all()
        last = len(accounts) - 1 - FIRST_HOLDER
        assert ledger.post(payments(100, [(0, last)])).results.tolist() == [Result.CREATED]
        digest = ledger.at_cut(lambda state, _: state.digest())
    frame = [frame for frame in read_frames(tmp_path) if frame.kind is FrameKind.ACCOUNTS][-1]
    assert len(frame.payload) == 2 * OPENING.itemsize
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert again.state.digest() == digest


def test_what_cannot_be_opened_opens_nothing(tmp_path: Path) -> None:
    with ledger_world.found(tmp_path) as ledger:
        before = ledger.sequence, ledger.state.account_count
        none, shared, too_many = alike(0), alike(5), alike(MAX_OPENED)
        shared["person"][0] = FIRST_HOLDER
        for opened, why in (
            (none, "opens none"),
            (shared, "share a person"),
            (too_many, "at most 4,194,304"),
        ):
            with pytest.raises(FactError, match=why):
                ledger.open_accounts(opened)
        assert (ledger.sequence, ledger.state.account_count) == before


def test_a_frame_that_ends_inside_an_account_is_told() -> None:
    with pytest.raises(JournalError, match="inside an account"):
        read_openings(bytes(OPENING.itemsize + 1))
