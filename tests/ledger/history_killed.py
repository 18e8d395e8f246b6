"""The process that a test of the change stream kills: it writes frames, and tells of each once it is durable.

python -m tests.ledger.history_killed FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.ledger.history_world import HistoryWorld


def main(folder: Path) -> None:
    world = HistoryWorld.found(folder, segment_bytes=20_000)
    while True:
        world.fill(1)
        print(world.journal.head.sequence, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
