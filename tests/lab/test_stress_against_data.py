"""Our invented shape and reserve beside public data, where it is there. None of it is shipped or needed.

Both were chosen with this data in sight, so these tests keep them near it; they are no independent evidence.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from jiaozi.lab.stress.plan import RUN_SHAPE
from jiaozi.lab.stress.reserve import default_reserve

DATA = Path(__file__).parents[3] / "shared" / "data"
PRICES = DATA / "stablecoin-market" / "usdc-depeg-2023-03-15min.json"
CASH = DATA / "reserves" / "circle-cash-weekly-2023-07-2025-06.csv"
FUND = DATA / "reserves" / "circle-reserve-fund-daily-2022-11-2025-06.csv"


@pytest.mark.skipif(
    not PRICES.is_file(), reason="the hours of March 2023 are not on this machine; not shipped"
)
def test_our_shape_follows_the_weekend_of_march_2023_and_is_smoother() -> None:
    """The volume traded stands in for redemptions, which nobody published by the hour.

    The shape was drawn with this volume in sight: the test notices when one of them moves away, no more.
    """
    volumes = np.zeros(72)
    begin = np.datetime64("2023-03-10T16:00")
    for bar in json.loads(PRICES.read_text(encoding="utf-8"))["data"]:
        hour = int((np.datetime64(bar["dt"][:16]) - begin) / np.timedelta64(1, "h"))
        if 0 <= hour < 72:
            volumes[hour] += bar["v"]
    seen, ours = volumes / volumes.sum(), np.array(RUN_SHAPE) / sum(RUN_SHAPE)
    blocks_seen, blocks_ours = seen.reshape(12, 6).sum(1), ours.reshape(12, 6).sum(1)
    apart = np.abs(seen - ours).sum() / 2
    told = "; ".join(
        f"hours {6 * block} to {6 * block + 5}: seen {a:.1%}, ours {b:.1%}"
        for block, (a, b) in enumerate(zip(blocks_seen, blocks_ours, strict=True))
    )
    assert np.corrcoef(blocks_seen, blocks_ours)[0, 1] > 0.8, told
    assert abs(int(seen.argmax()) - int(ours.argmax())) <= 3, told
    # It differs: a third of an hour's weight lies elsewhere, as hours of one weekend would not come again.
    assert 0.1 < apart < 0.45, f"{apart:.2f} of the weight lies in other hours. {told}"
    assert ours.max() < seen.max(), "ours is smoother"


@pytest.mark.skipif(
    not (CASH.is_file() and FUND.is_file()), reason="no reserve compositions on this machine; not shipped"
)
def test_our_invented_reserve_lies_within_what_one_issuer_published() -> None:
    weeks = {row["timestamp"][:10]: float(row["underlying.rwa:USD"]) for row in _rows(CASH)}
    shares = []
    for row in _rows(FUND):
        if row["timestamp"][:10] in weeks:
            cash = weeks[row["timestamp"][:10]]
            repo = float(row["underlying.rwa:USTrepo"] or 0)
            bills = sum(float(row[f"underlying.rwa:{kind}"] or 0) for kind in ("USTB", "USTB-WI", "USTNOTE"))
            shares.append(np.array([cash, repo, bills]) / (cash + repo + bills))
    assert len(shares) > 50
    low, high = np.min(shares, axis=0), np.max(shares, axis=0)
    cash_fen, repo_fen, stocks = default_reserve().shared_out(100_00)
    ours = np.array([cash_fen, repo_fen, sum(each.face_fen for each in stocks)]) / 100_00
    told = f"cash, repo, bills: published {low.round(3)} to {high.round(3)}, ours {ours}"
    assert ((low <= ours) & (ours <= high)).all(), told


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
