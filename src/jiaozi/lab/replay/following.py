"""What changed where money follows, taken frame by frame and counted some hundreds of rows at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.lab.replay.changes import ChangesFile, ReasonSets
from jiaozi.lab.replay.examples import Examples
from jiaozi.lab.replay.gather import changes_of_frame
from jiaozi.lab.replay.money import MoneyReplay
from jiaozi.lab.replay.recording import Progress, Stop
from jiaozi.lab.replay.records import CHANGE, Changes
from jiaozi.lab.replay.summary import Counter, kinds_of

COUNTED_AT_ONCE = 4_096
"""Rows that wait to be counted. A frame has few, and to count them takes as long as to count a thousand."""


def follow(
    again: MoneyReplay,
    start: Instant | None,
    end: Instant | None,
    counter: Counter,
    file: ChangesFile,
    reasons: ReasonSets,
    shown: Examples,
    *,
    progress: Progress | None,
    stop: Stop | None,
) -> None:
    """Run *again*; tell *counter*, *file* and *shown* what came out otherwise from *start* until before *end*.

    Raises what `MoneyReplay.run` raises.
    """
    waiting = _Waiting(counter)
    for posted in again.run(progress=progress, stop=stop):
        if (start is None or posted.instant >= start) and (end is None or posted.instant < end):
            changes = changes_of_frame(again.state, posted, reasons)
            if len(changes):
                file.add(changes)
                shown.of_frame(posted, changes, waiting.add(changes))
    waiting.count()


@dataclass
class _Waiting:
    """Changes that *counter* was not told of yet, and of which kinds some were seen."""

    counter: Counter
    _seen: set[int] = field(default_factory=set)
    _changes: list[Changes] = field(default_factory=list)
    _rows: int = 0

    def add(self, changes: Changes) -> NDArray[np.intp]:
        """Let *changes* (n,) CHANGE wait; return the rows that are the first of their kind and direction."""
        kinds: list[int] = kinds_of(changes).tolist()
        new = sorted(kinds.index(kind) for kind in set(kinds) - self._seen)
        self._seen.update(kinds)
        self._changes.append(changes)
        self._rows += len(changes)
        if self._rows >= COUNTED_AT_ONCE:
            self.count()
        return np.array(new, dtype=np.intp)

    def count(self) -> None:
        """Tell the counter of those that wait."""
        if self._rows:
            # As bytes: NumPy puts records together field by field.
            raw = np.concatenate([changes.view(np.uint8) for changes in self._changes])
            self.counter.add(raw.view(CHANGE))
        self._changes, self._rows = [], 0
