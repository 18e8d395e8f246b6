"""A frame of transfers comes back as it was written, and nothing else is ever taken for one."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.payload import HEAD_BYTES, Booked, compare, pack, unpack
from jiaozi.ledger.records import Choice
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from tests.ledger.random_worlds import Posting, RandomWorld, as_array

WORLDS = range(12)


def frames(seed: int) -> list[Booked]:
    """Return the frames of transfers of a random world, as they were decided."""
    world, state, found = RandomWorld(seed), State(), []
    state.record(world.facts())
    for opened in world.openings():
        state.open_accounts(opened)
    state.record(world.sheets())
    for step in world.story(10):
        if isinstance(step, Posting):
            found.append(state.post(as_array(step.batch), step.calls, step.instant, step.notes))
        else:
            state.record(step)
    return found


def payload(booked: Booked) -> bytes:
    return b"".join(np.ascontiguousarray(part).tobytes() for part in pack(booked))


@pytest.mark.parametrize("seed", WORLDS)
def test_a_frame_comes_back_as_it_was_written(seed: int) -> None:
    for booked in frames(seed):
        again = unpack(payload(booked))
        compare(again, booked)
        assert (again.batch == booked.batch).all()
        assert (again.calls == booked.calls).all()
        assert again.notes.read() == booked.notes.read()
        assert (again.as_booked() == booked.as_booked()).all()
        assert payload(again) == payload(booked)


def test_the_random_worlds_have_something_in_every_part_of_a_frame() -> None:
    known = [booked for seed in WORLDS for booked in frames(seed)]
    for part in ("batch", "moved", "released", "notes"):
        assert any(len(getattr(booked, part)) for booked in known), part
    assert any((booked.results == Result.REFUSED_BY_LAW).any() for booked in known)
    assert any((booked.calls["choice"] == Choice.STOP).any() for booked in known)
    assert any(len(booked.batch) == 0 for booked in known)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_frame_cut_or_lengthened_anywhere_is_none(seed: int) -> None:
    for booked in frames(seed)[:4]:
        whole = payload(booked)
        for length in {*range(min(64, len(whole))), *range(0, len(whole), 97)}:
            with pytest.raises(JournalError):
                unpack(whole[:length])
        for more in (b"\0", bytes(8), whole):
            with pytest.raises(JournalError):
                unpack(whole + more)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_the_bytes_are_the_kernel_could_be_given_what_comes_out(seed: int) -> None:
    """Heads, callers, results and lists with a byte changed: refused, or callers that end one by one."""
    random = Random(seed)
    for booked in frames(seed):
        whole = payload(booked)
        lists = HEAD_BYTES + 8 * len(booked.calls) + len(booked.results)
        places = [*range(min(lists, len(whole))), *(random.randrange(len(whole)) for _ in range(200))]
        for at in places:
            broken = bytearray(whole)
            broken[at] ^= 1 << random.randrange(8)
            try:
                found = unpack(bytes(broken))
            except JournalError:
                continue
            ends = found.calls["end"].astype(np.int64)
            assert (np.diff(ends, prepend=0) > 0).all()
            assert (ends[-1:] == len(found.batch)).all()
            assert (found.results < len(Result)).all()
            assert (found.notes.rows < max(len(found.batch), 1)).all()


def test_only_some_of_a_frame_keeps_what_belongs_to_them() -> None:
    booked = next(each for each in frames(2) if len(each.batch) > 4)
    which = np.arange(len(booked.batch)) % 2 == 1
    part = booked.only(which)
    assert (part.as_booked() == booked.as_booked()[which]).all()
    assert (part.results == booked.results[which]).all()
    assert part.calls["end"].tolist() == [len(part.batch)]
    kept = {row // 2: note for row, note in booked.notes.read().items() if which[row]}
    assert part.notes.read() == kept
