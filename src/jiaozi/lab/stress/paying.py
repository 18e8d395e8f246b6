"""What the issuer can pay, hour by hour.

Requests are paid in the order in which they came, in the hours of the banks, from cash there. Overnight repo
is back at the next opening. When cash, repo and what is already on its way do not cover what is owed, bills
are sold for exactly what lacks, at their haircut, and the money is there some working days later. Cash at a
bank that failed is locked and stays so.

Everything is a whole number of fen. What a sale brings is counted over all sales of one kind together, so
that rounding loses no more than one fen of it in all, and more demand never brings less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.stress.reserve import WHOLE, Bills
from jiaozi.lab.stress.when import Hours

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Paid:
    """The reserve at the end of each hour, each (hours,), in fen.

    Cash is what can be paid out, `settling` what sales will bring, `bills` the face not sold, `lost` what
    sales have lost. `paid` is what was paid in the hour, `queue` what is owed at its end.
    """

    paid: Int64s
    queue: Int64s
    cash: Int64s
    repo: Int64s
    bills: Int64s
    bills_worth: Int64s
    settling: Int64s
    locked: Int64s
    lost: Int64s


@dataclass(slots=True)
class _Stock:
    """Bills of one kind: face at first, face sold so far, and what those sales brought."""

    bills: Bills
    sold: int = 0
    brought: int = 0

    def sell(self, wanted: int) -> int:
        """Sell for *wanted* fen or as much as there is; return what it brings."""
        keeps = WHOLE - self.bills.haircut
        most = self.bills.face_fen * keeps // WHOLE
        whole = min(self.brought + wanted, most)
        brings = whole - self.brought
        self.brought = whole
        # What is sold so far is the least face that brings so much: rounded up once, over all sales.
        self.sold = self.bills.face_fen if whole == most else -(-whole * WHOLE // keeps)
        return brings

    @property
    def left(self) -> int:
        return self.bills.face_fen - self.sold

    @property
    def worth(self) -> int:
        return self.left * (WHOLE - self.bills.haircut) // WHOLE


def pay(
    asked: Sequence[int],
    owed_before: int,
    cash: int,
    repo: int,
    bills: Sequence[Bills],
    locked: int,
    hours: Hours,
) -> Paid:
    """Pay what is *asked* in each hour (hours,) and what was *owed_before*; all in fen."""
    stocks = sorted((_Stock(each) for each in bills), key=lambda s: (s.bills.haircut, s.bills.settles))
    arriving = [0] * (len(hours) + 1)
    queue, settling, late = owed_before, 0, 0
    rows = []
    for hour in range(len(hours)):
        queue += asked[hour]
        cash, settling = cash + arriving[hour], settling - arriving[hour]
        paid = 0
        if hours.is_open[hour]:
            if hours.is_opening[hour]:
                cash, repo = cash + repo, 0
            paid = min(queue, cash)
            queue, cash = queue - paid, cash - paid
            lacks = queue - cash - settling - late - repo
            for stock in stocks:
                if lacks <= 0:
                    break
                brings = stock.sell(lacks)
                lacks -= brings
                at = hours.opening_after(hour, stock.bills.settles)
                if at is None:
                    late += brings  # it arrives after the last hour that is watched
                else:
                    arriving[at] += brings
                    settling += brings
        left = sum(stock.left for stock in stocks)
        worth = sum(stock.worth for stock in stocks)
        lost = sum(stock.sold - stock.brought for stock in stocks)
        rows.append((paid, queue, cash, repo, left, worth, settling + late, locked, lost))
    return Paid(*np.array(rows, dtype=np.int64).T)
