"""What is reserved shows on the holder's page as reserved, not as booked."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jiaozi.ledger.history.lines import account_lines
from jiaozi.ledger.records import AS_PENDING, WHOLE, TransferFlag
from jiaozi.server.holder import became
from tests.ledger import ledger_world
from tests.ledger.ledger_world import FIRST_HOLDER, payments


def test_a_reservation_its_part_and_one_that_times_out(tmp_path: Path) -> None:
    with ledger_world.found(tmp_path) as ledger:
        reserved = payments(100, [(0, 1), (0, 2), (0, 3)], amount_fen=50_00)
        reserved["flags"], reserved["timeout"] = TransferFlag.PENDING, [0, 0, 60]
        assert ledger.post(reserved).created == 3
        ends = payments(200, [(0, 1), (0, 2)], amount_fen=30_00)
        ends["flags"] = [TransferFlag.POST_PENDING_TRANSFER, TransferFlag.VOID_PENDING_TRANSFER]
        ends["debit"] = ends["credit"] = AS_PENDING
        ends["amount"] = [30_00, WHOLE]
        ends["memo_lo"], ends["memo_hi"] = np.array([100, 101]), 7
        assert ledger.post(ends).created == 2
        ledger._clock.advance(61)  # type: ignore[attr-defined]
        assert ledger.tick() is not None
    lines = account_lines(tmp_path, FIRST_HOLDER, limit=6)
    said = [(became(line)["en"], line.moves_nothing, line.amount_fen) for line in lines]
    assert said == [
        ("timed out, given back", True, 50_00),
        ("reservation given back", True, 50_00),
        ("booked", False, 30_00),
        ("reserved", True, 50_00),
        ("reserved", True, 50_00),
        ("reserved", True, 50_00),
    ]
