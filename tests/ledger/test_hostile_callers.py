"""What a caller hands in is checked before it waits: nothing of it stops the ledger, or a later opening."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jiaozi
from jiaozi.errors import FactError, QueryError
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.statement import about, statement
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.notes import Notes
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshots.parts import Picture
from jiaozi.ledger.snapshots.snapshot import write
from jiaozi.rulebook.reading.read import read, read_folder
from tests.ledger.ledger_world import FIRST_HOLDER, clock, found, payments
from tests.ledger.small_world import ZONE, enacting


def u32(*numbers: int) -> Any:
    return np.array(numbers, dtype=np.uint32)


@pytest.mark.parametrize(
    "notes",
    [
        Notes(u32(0), u32(5_000), b"x" * 5_000),
        Notes(u32(0), u32(3), b"{}"),
        Notes(u32(0, 1), u32(2), b"{}"),
        Notes(u32(1), u32(2), b"{}"),
        Notes(np.array([0]), np.array([2]), b"{}"),
    ],
    ids=["too long", "longer than its text", "no length", "no such transfer", "wide numbers"],
)
def test_notes_that_no_frame_can_keep_are_refused_before_they_are_durable(
    tmp_path: Path, notes: Notes
) -> None:
    with found(tmp_path, holders=2) as ledger:
        before = ledger.sequence
        with pytest.raises(ValueError, match="note"):
            ledger.post(payments(50, [(0, 1)]), notes=notes)
        assert ledger.sequence == before
    Ledger.open(tmp_path, clock=clock()).close()


@pytest.mark.parametrize("at", ["noon", 1.9e18, [1]])
def test_an_instant_that_is_none_is_the_callers_mistake_and_the_ledger_goes_on(
    tmp_path: Path, at: Any
) -> None:
    with found(tmp_path, holders=2) as ledger:
        with pytest.raises(TypeError):
            ledger.submit(payments(50, [(0, 1)]), at=at)
        assert ledger.post(payments(60, [(0, 1)])).results.tolist() == [Result.CREATED]


def test_a_law_that_moves_the_clock_of_a_place_is_not_enacted(tmp_path: Path) -> None:
    book = read_folder(drafts=[ZONE])
    texts = dict(book.texts)
    texts["places.toml"] = texts["places.toml"].replace("Asia/Shanghai", "Asia/Tokyo")
    with found(tmp_path, holders=2) as ledger:
        with pytest.raises(FactError, match="a place with another clock is a new place"):
            ledger.record(enacting(read(texts, drafts=[ZONE])))
        ledger.record(enacting(book))


def test_a_snapshot_that_flags_an_account_without_its_limits_is_passed_over(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        state, receipt = ledger.at_cut(lambda state, receipt: (state, receipt))
        state._accounts[FIRST_HOLDER]["flags"] |= int(AccountFlag.LIMITED)
        forged = write(tmp_path, Picture.of(state), receipt)
    with Ledger.open(tmp_path, clock=clock()) as again:
        assert [each.path for each in again.passed_over] == [forged.path]
        assert "flagged otherwise" in again.passed_over[0].why
        assert not again.state.accounts[FIRST_HOLDER]["flags"] & AccountFlag.LIMITED


def test_a_ledger_without_anything_in_it_answers_sql(tmp_path: Path) -> None:
    with jiaozi.open(tmp_path, clock=clock()) as ledger:
        assert ledger.sql("SELECT count(*) FROM transfers").rows() == [(0,)]


def test_making_the_plan_of_a_query_is_part_of_its_time_and_an_answer_has_an_end(tmp_path: Path) -> None:
    with jiaozi.open(tmp_path, clock=clock()) as ledger:
        with pytest.raises(QueryError, match="took more than"):
            ledger.sql("SELECT list_sum(range(30000000))", seconds=0.05)
        with pytest.raises(QueryError, match="more than 2,000,000 rows"):
            ledger.sql("SELECT * FROM range(2000001)")


def test_a_statement_is_of_one_moment_whatever_is_booked_meanwhile(tmp_path: Path) -> None:
    with found(tmp_path, holders=2) as ledger:
        ledger.post(payments(50, [(0, 1)], amount_fen=5_00))
        known = ledger.at_cut(lambda state, _: about(state, FIRST_HOLDER))
        later: list[int] = []

        def pay(_: int) -> None:
            later.append(ledger.post(payments(60 + len(later), [(0, 1)])).created)

        with History(tmp_path, durable=lambda: ledger.durable) as history:
            paper = statement(history, known, date(2026, 12, 15), date(2026, 12, 16), progress=pay)
        assert later == [1]
        assert paper.paid_out == 5_00
        assert paper.closing.balance == paper.opening.balance + paper.paid_in - paper.paid_out
