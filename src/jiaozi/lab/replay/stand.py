"""Where a recording stands, so that it can go on from there: its tables, and the ledger's own state.

The state is kept as a snapshot beside the questions. The ledger's own snapshots, where there are any, stand
wherever an operator took them, and to fold a year of 10,000 holders from the beginning takes ten seconds;
to read the state back takes a tenth of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.replay.folder import KINDS, is_recorded, open_name, read_head
from jiaozi.lab.replay.kinds import COLUMNS
from jiaozi.lab.replay.records import OPEN, Head
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.snapshots import snapshot
from jiaozi.ledger.snapshots.files import Unfit
from jiaozi.ledger.state import State


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a recording stands: its head, the state then, after which frame, and what else goes on from there."""

    head: Head
    state: State
    receipt: Receipt
    kinds: NDArray[np.int64]
    opened: NDArray[np.void]

    @classmethod
    def of(cls, journal: Path, folder: Path) -> Stand | None:
        """Return where the recording in *folder* stands; None where there is none of this journal.

        Raises `JournalError` when it is damaged.
        """
        if not is_recorded(folder):
            return None
        head = read_head(folder)
        try:
            path = folder / snapshot.FOLDER / f"{head.journal_sequence:020}.jzs"
            state, receipt = snapshot.load(path, journal)
            kinds = np.fromfile(folder / KINDS, dtype=np.int64, count=head.kinds * len(COLUMNS))
            opened = np.fromfile(folder / open_name(head.journal_sequence), dtype=OPEN)
        except (Unfit, OSError):
            return None
        if receipt.hash.hex() != head.journal_hash or len(opened) != head.open:
            return None
        return cls(head, state, receipt, kinds.reshape(-1, len(COLUMNS)), opened)
