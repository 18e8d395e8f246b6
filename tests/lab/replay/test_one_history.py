"""One history for one question: what came into the journal since is left out; earlier laws stay what they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from jiaozi.clock import ManualClock, day_start
from jiaozi.errors import RulebookError
from jiaozi.lab.replay.kinds import COLUMNS, Kinds
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.lab.replay.spread import spread
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.ledger import Ledger
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.reading.read import with_reform
from tests.lab.replay.reforms import HEAD, NOTHING, limit, repeal, tried_text
from tests.lab.replay.test_growing import Growing
from tests.lab.replay.test_other_laws import DAY, LOW, law
from tests.lab.replay.worlds import small_town, write_reservations

ADDED = f"""{HEAD.replace("trial-notice", "first-notice")}
[[rule]]
id     = "cn-sh.not_so_much"
title  = {{ en = "No payment above 200", zh = "不得超过200元" }}
forbid = ["pay"]
from   = 2027-12-01
cite   = "first-notice art 1"
when   = ["payment.amount > 200"]
"""


@pytest.mark.parametrize("mode", Mode)
def test_what_came_after_the_recording_is_no_part_of_the_answer(mode: Mode, tmp_path: Path) -> None:
    growing = Growing(write_reservations(tmp_path / "whole", 4), tmp_path / "journal")
    asked = Asked(tried_text(limit("day", "t4 = 100", "2026-12-02")), mode=mode)
    half, work = len(growing.frames) // 2, tmp_path / "work"
    journal = growing.show(half)
    early = replay(journal, asked, work=work)
    recorded = prepared(journal, work)
    growing.show(len(growing.frames))
    assert replay(journal, asked, work=work, recorded=recorded) == early
    later = replay(journal, asked, work=work)  # goes on recording
    assert later.sequence > early.sequence
    if mode is not Mode.MONEY_FOLLOWS:  # what accounts had by then is no longer there
        with ThreadPoolExecutor(2) as pool:
            found = spread(journal, asked, pool, work=work, recorded=recorded)
        assert found.summary.changed == early.summary.changed


def test_a_reform_may_build_on_the_newest_law_and_leaves_the_earlier_ones_alone(tmp_path: Path) -> None:
    journal, work = tmp_path / "journal", tmp_path / "work"
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        li, wang, writer = small_town(ledger, law(), DAY)
        writer.post([writer.leg(li, wang, 300_00)])
        ledger.record(LawEnacted.of(with_reform(law(), "not-so-much", ADDED)))
        writer.post([writer.leg(li, wang, 300_00)])
        writer.post([writer.leg(li, wang, 100_00)])
    lifted = tried_text(repeal("cn-sh.not_so_much", "2027-12-02"))
    for mode in Mode:
        found = replay(journal, Asked(lifted, mode=mode), work=work)
        assert (found.summary.changed.refused, found.summary.changed.admitted) == (0, 1)
        assert found.unreformed == 1
        assert replay(journal, Asked(LOW, mode=mode), work=work).unreformed == 0
        assert replay(journal, Asked(NOTHING, mode=mode), work=work).unreformed == 0
        with pytest.raises(RulebookError, match="no such rule"):
            replay(journal, Asked(tried_text(repeal("cn-sh.no_rule")), mode=mode), work=work)


def test_facts_that_are_not_known_are_never_taken_for_facts_that_are_zero() -> None:
    """Two unknown facts of a row, or any number of them, make a kind of their own."""
    width = len(COLUMNS) - 2
    unknown = [(), *combinations(range(width), 1), *combinations(range(width), 2)]
    seen = np.zeros((len(unknown), width), dtype=np.int64)
    for row, columns in zip(seen, unknown, strict=True):
        row[list(columns)] = MISSING
    slots = {name: column for column, name in enumerate(COLUMNS[:-2])}
    zeros = np.zeros(len(seen), dtype=np.int64)
    assert len(set(Kinds().numbers(seen, slots, zeros, zeros).tolist())) == len(unknown)
