"""A clock that runs backwards, stands still or jumps by years: instants never fall, and replay agrees."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import pytest

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.errors import NotReady
from jiaozi.ledger.journal.journal import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT
from tests.ledger.faults.checking import check_opened
from tests.ledger.faults.rounds import rounds
from tests.ledger.ledger_world import clock, found, instant, payments

DAY = 86_400 * NS_PER_SECOND
YEAR = 366 * DAY
STEPS = (0, 1, -1, NS_PER_SECOND, -NS_PER_SECOND, DAY, -DAY, YEAR, -YEAR, 20 * YEAR, -25 * YEAR)


class Mad:
    """A clock that says what it is told to."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> Instant:
        return Instant(self.now)

    def step(self, random: Random) -> None:
        self.now += random.choice(STEPS)


def test_however_the_clock_jumps_instants_never_fall_and_replay_agrees(tmp_path: Path) -> None:
    for number, random in rounds("mad clock", 4, share=0.002):
        folder = tmp_path / str(number)
        found(folder, holders=4).close()
        mad, posted = Mad(clock()()), 0
        for _ in range(3):  # a restart keeps no clock, and still nothing is earlier
            refused = booked = 0
            with Ledger.open(folder, clock=mad) as ledger:
                check_opened(ledger, folder, [], [])
                for _ in range(12):
                    mad.step(random)
                    posted += 1
                    try:
                        outcome = ledger.post(payments(10 * posted, [(0, 1), (1, 2)]))
                    except NotReady:
                        refused += 1
                        assert mad.now >= LAST_INSTANT
                        mad.now = clock()()
                    else:
                        booked += 1
                        assert outcome.receipt.instant >= min(mad.now, LAST_INSTANT)
                    if random.random() < 0.1:
                        ledger.snapshot()
            assert booked or refused
        instants = [frame.instant for frame in read_frames(folder)]
        assert all(one <= other for one, other in itertools.pairwise(instants))


def test_after_a_jump_ahead_and_back_the_ledger_stays_at_the_latest_instant(tmp_path: Path) -> None:
    """It cannot know which of the two was wrong; what is booked is never undone by an earlier time."""
    found(tmp_path, holders=4).close()
    now, ahead = clock()(), instant("2027-03-01 10:00")
    mad = Mad(now)
    with Ledger.open(tmp_path, clock=mad) as ledger:
        for says, stands in ((ahead, ahead), (now, ahead), (ahead + 1, ahead + 1), (now - YEAR, ahead + 1)):
            mad.now = says
            assert ledger.post(payments(says % 10**9 + stands % 7, [(0, 1)])).receipt.instant == stands
    with Ledger.open(tmp_path, clock=mad) as ledger:
        assert ledger.post(payments(3, [(0, 1)])).receipt.instant == ahead + 1


def test_what_was_paid_today_is_counted_on_the_day_the_ledger_stands_at(tmp_path: Path) -> None:
    """A clock put back by a day does not give the day's allowance a second time."""
    found(tmp_path, holders=4, tier="t4", yuan_each=7_000).close()
    mad = Mad(clock()())
    with Ledger.open(tmp_path, clock=mad) as ledger:
        assert ledger.post(payments(10, [(0, 1), (0, 3)], 2_000_00)).created == 2
        mad.now -= DAY
        assert ledger.post(payments(20, [(0, 2)], 2_000_00)).created == 0, "5,000.00 a day for tier 4"
    with Ledger.open(tmp_path, clock=mad) as ledger:
        assert ledger.post(payments(30, [(0, 2)], 2_000_00)).created == 0
        mad.now += 2 * DAY
        assert ledger.post(payments(40, [(0, 2)], 2_000_00)).created == 1


@pytest.mark.parametrize("says", [LAST_INSTANT, 2**63 - 1])
def test_a_clock_that_cannot_be_is_refused_and_changes_nothing(tmp_path: Path, says: int) -> None:
    found(tmp_path, holders=4).close()
    mad = Mad(clock()())
    with Ledger.open(tmp_path, clock=mad) as ledger:
        before, sequence = ledger.at_cut(lambda state, _: state.digest()), ledger.sequence
        mad.now = says
        with pytest.raises(NotReady, match="which cannot be; set it"):
            ledger.post(payments(10, [(0, 1)]))
        mad.now = clock()()
        assert ledger.at_cut(lambda state, _: state.digest()) == before
        assert ledger.sequence == sequence
        assert ledger.post(payments(10, [(0, 1)])).receipt.instant == mad.now


def test_a_new_ledger_with_a_clock_before_the_first_day_there_is_takes_nothing(tmp_path: Path) -> None:
    mad = Mad(FIRST_INSTANT - 1)
    with Ledger.open(tmp_path, clock=mad) as ledger, pytest.raises(NotReady, match="the clock says"):
        ledger.record()
