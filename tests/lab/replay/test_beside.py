"""Another law asked beside the one in force: it decides nothing, and says what `decide` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jiaozi.lab.replay.facts import facts_of_row
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.payload import Booked, compare
from jiaozi.ledger.posting.beside import NOT_ASKED, Beside
from jiaozi.ledger.records import ACTION_NAMES, BOOK
from jiaozi.ledger.restart import fold_ready, prepare
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.machine.program import H_CUT_COUNT, H_CUTS, compile_book, words_of
from jiaozi.rulebook.model import Action, Book
from tests.lab.replay.reforms import limit, tried_text
from tests.lab.replay.worlds import write_reservations, write_world

LOW = tried_text(limit("single", "t4 = 300, t3 = 300, t2 = 300", "2026-12-02"))
ASKED_FIRST = {
    Result.CREATED,
    Result.REFUSED_BY_LAW,
    Result.EXCEEDS_CREDITS,
    Result.EXCEEDS_DEBITS,
    Result.FALLS_BELOW_FLOOR,
    Result.RISES_ABOVE_CAP,
    Result.OVERFLOWS_BALANCE,
    Result.LINKED_EVENT_FAILED,
}
"""What may become of a transfer of which the law was asked."""


def beside_of(book: Book, count: int, instant: int, width: int) -> Beside:
    program = compile_book(book)
    cuts = program[program[H_CUTS] : program[H_CUTS] + program[H_CUT_COUNT]]
    return Beside(
        program=program,
        interval=np.array([np.searchsorted(cuts, instant, side="right")], dtype=np.int64),
        bits=np.zeros((count, words_of(book)), dtype=np.uint64),
        otherwise=np.full(count, NOT_ASKED, dtype=np.uint8),
        seen=np.full((count, width), 0, dtype=np.int64),
        meant=np.zeros((count, 3), dtype=np.int64),
        row=np.zeros(1, dtype=np.int64),
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("write", [write_world, write_reservations])
def test_it_changes_nothing_and_says_what_decide_says(write: object, seed: int, tmp_path: Path) -> None:
    assert callable(write)
    journal = write(tmp_path / "journal", seed)
    alone, watched, asked, differs = State(), State(), 0, 0
    for frame in read_frames(journal):
        ready = prepare(frame)
        fold_ready(ready, alone)
        if not isinstance(ready.content, Booked):
            fold_ready(ready, watched)
            continue
        stored, other = ready.content, LOW.of(watched.law)
        beside = beside_of(other, len(stored.batch), frame.instant, len(watched.law.vocabulary.slots) + 1)
        booked = watched.post(stored.batch, stored.calls, frame.instant, stored.notes, beside)
        compare(booked, stored)
        assert watched.digest() == alone.digest()
        meant = booked.as_booked()
        for row, result in enumerate(booked.results.tolist()):
            if beside.otherwise[row] == NOT_ASKED:
                assert not beside.bits[row].any()
                continue
            assert result in ASKED_FIRST
            action = Action(ACTION_NAMES[int(beside.meant[row, 2])])
            facts = facts_of_row(other, beside.seen[row])
            assert names_of(other, beside.bits[row]) == decide(other, action, facts, frame.instant).reasons
            mine = decide(watched.law, action, facts, frame.instant)
            if result == Result.REFUSED_BY_LAW:
                assert names_of(watched.law, booked.bits[row]) == mine.reasons
            elif result != Result.LINKED_EVENT_FAILED:
                assert beside.otherwise[row] == result, "an allowed transfer is as it would be without a law"
            if result == Result.CREATED:
                names = ("debit", "credit", "action")
                assert beside.meant[row].tolist() == [int(meant[row][name]) for name in names]
            asked, differs = asked + 1, differs + (bool(beside.bits[row].any()) != (not mine.allowed))
    assert asked > 0
    if write is write_reservations:
        assert differs > 0


@pytest.mark.parametrize("seed", range(4))
def test_of_what_stops_before_the_law_it_is_not_asked(seed: int, tmp_path: Path) -> None:
    state, seen = State(), set()
    for frame in read_frames(write_world(tmp_path / "journal", seed)):
        ready = prepare(frame)
        if not isinstance(ready.content, Booked):
            fold_ready(ready, state)
            continue
        stored = ready.content
        width = len(state.law.vocabulary.slots) + 1
        beside = beside_of(state.law, len(stored.batch), frame.instant, width)
        booked = state.post(stored.batch, stored.calls, frame.instant, stored.notes, beside)
        meant = booked.as_booked()
        for row, result in enumerate(booked.results.tolist()):
            was_asked = beside.otherwise[row] != NOT_ASKED
            is_void = bool(stored.batch["flags"][row] & 8)
            if result == Result.REFUSED_BY_LAW:
                assert was_asked
            if result == Result.CREATED and not is_void:
                assert was_asked == (meant["action"][row] != BOOK)
            if not was_asked:
                seen.add(Result(result))
    assert len(seen) > 5, "frozen, closed, repeated, malformed"


def test_without_room_for_facts_only_the_bits_are_written(tmp_path: Path) -> None:
    state = State()
    for frame in read_frames(write_reservations(tmp_path / "journal", 3, days=4)):
        ready = prepare(frame)
        if not isinstance(ready.content, Booked):
            fold_ready(ready, state)
            continue
        stored = ready.content
        other = LOW.of(state.law)
        whole = beside_of(other, len(stored.batch), frame.instant, len(state.law.vocabulary.slots) + 1)
        bare = whole._replace(bits=np.zeros_like(whole.bits), seen=whole.seen[:0], meant=whole.meant[:0])
        booked = state.post(stored.batch, stored.calls, frame.instant, stored.notes, bare)
        compare(booked, stored)
        assert (bare.bits.any(axis=1) <= (bare.otherwise != NOT_ASKED)).all()
