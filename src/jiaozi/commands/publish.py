"""`jiaozi publish`: the checkpoints of a coin as a folder of plain files that any web server carries."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from jiaozi.commands.checkpoint import counted
from jiaozi.report.publish import coins_in, publish


def run(given: argparse.Namespace) -> int:
    """Return 0 when the folder holds the publication, 2 when there is nothing to publish or no coin named."""
    office = Path(given.folder)
    coins = coins_in(office)
    if not coins:
        message = (
            f"no checkpoints in {office / 'checkpoints'}; close an evening first, e.g. with jiaozi pilot"
        )
        print(f"jiaozi: {message}", file=sys.stderr)
        return 2
    coin = given.coin or (coins[0] if len(coins) == 1 else None)
    if coin not in coins:
        print(f"jiaozi: name one coin with --coin: {', '.join(coins)}", file=sys.stderr)
        return 2
    done = publish(office, Path(given.to), coin, given.key)
    if given.json:
        print(json.dumps({"ok": True, **asdict(done)}, ensure_ascii=False, indent=2))
        return 0
    print(f"published {done.coin} up to checkpoint {done.epoch} in {given.to}")
    print(f"{counted(done.checkpoints, 'checkpoint')}, the newest signed by {', '.join(done.names)}")
    print(
        f"{counted(done.audits, 'audit')} by sample; {counted(done.files, 'file')}, {done.changed:,} new or changed"
    )
    for sentence in done.told:
        print(f"told: {sentence}")
    return 0
