"""What is looked up anew only when it can have changed: the days of many clocks, the interval of the law."""

from __future__ import annotations

import random

import numpy as np

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.posting.asking import DayClocks, day_end, days_at
from jiaozi.ledger.posting.setting import INTERVAL
from jiaozi.ledger.records import one_call, transfers
from tests.ledger.small_world import SmallWorld, at

CLOCKS = (
    "Asia/Shanghai", "Asia/Hong_Kong", "UTC", "Europe/London", "America/New_York", "Asia/Kolkata",
    "Asia/Tokyo", "Asia/Singapore", "Australia/Lord_Howe", "Pacific/Kiritimati",
)  # fmt: skip


def test_remembered_days_are_those_of_the_instant_on_every_clock() -> None:
    for seed in range(5):
        random_seconds = random.Random(seed)
        remembered, instant = DayClocks(), at("2026-10-20 10:00")
        for _ in range(200):
            chosen = random_seconds.sample(CLOCKS, 4)
            assert [remembered.days(instant, clock) for clock in chosen] == [
                days_at(instant, clock) for clock in chosen
            ], f"seed {seed}, instant {instant}"
            assert remembered.next_day(chosen) == min(day_end(instant, clock) for clock in chosen)
            # Now and then the very end of a day, or the last nanosecond before it.
            steps = (1, 600 * NS_PER_SECOND, 40_000 * NS_PER_SECOND, 3_000_000 * NS_PER_SECOND)
            ends = (remembered.next_day(chosen) - instant, remembered.next_day(chosen) - instant - 1)
            instant = Instant(instant + max(0, random_seconds.choice((*steps, *ends))))


def test_the_law_is_asked_in_the_interval_of_the_instant_whatever_came_before() -> None:
    world = SmallWorld()
    asking = world.state._asking
    assert asking is not None
    cuts = [cut for cut in asking.cuts.tolist() if cut > world.now]
    assert cuts, "the law of this world has dates to come"
    instants = sorted(Instant(cut + step) for cut in cuts for step in (-1, 0, 1))
    for instant in instants:
        world.state.post(transfers(0), one_call(0), instant)
        assert asking.setting[INTERVAL] == np.searchsorted(asking.cuts, instant, side="right"), instant
