"""Timers around the steps of a durable batch, while a bench runs: which step takes how long.

A step's time is the processor time of the thread that runs it, less that of the
steps inside it; for the flush, which waits, it is wall clock as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import google_crc32c

from jiaozi.ledger import counting, ledger, memory, state, writer
from jiaozi.ledger.journal import frames, group, journal, segments

STEPS: tuple[tuple[Any, str, str], ...] = (
    (ledger.Ledger, "submit", "submit: copy of the batch"),
    (writer.Writer, "_next", "writer: waits and gathers"),
    (writer.Writer, "_post", "writer: joins batches, the rest"),
    (state.State, "post", "state: arrays for the answers"),
    (state, "make_room", "state: id table makes room"),
    (state, "post", "kernel: ids, law, balances"),
    (counting.Counting, "finish", "counts by minute and reason"),
    (memory, "populate_ahead", "memory for ids"),
    (writer, "pack", "pack: results and refused"),
    (journal.Journal, "append", "journal: hand over"),
    (group, "pack_header", "journal: header"),
    (frames, "_hash", "journal: SHA-256"),
    (google_crc32c, "extend", "journal: CRC-32C"),
    (segments.TailFile, "_write", "journal: write"),
    (segments, "sync_file", "journal: flush"),
    (writer, "_answer", "answers"),
)

WALL = ("journal: write", "journal: flush")
"""Steps that wait for the disk: told by the wall clock besides."""


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Put a timer around each step; the seconds are filled in at the end. Not for two threads at once."""
    seconds: dict[str, float] = {step: 0.0 for _, _, step in STEPS}
    seconds |= {f"{step}, wall clock": 0.0 for step in WALL}
    inside = threading.local()
    with ExitStack() as stack:
        for owner, name, step in STEPS:
            real = getattr(owner, name)
            setattr(owner, name, _timed(real, step, seconds, inside))
            stack.callback(partial(setattr, owner, name, real))
        yield seconds


def _timed(
    real: Callable[..., Any], step: str, seconds: dict[str, float], inside: threading.local
) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        outer, inside.seconds = getattr(inside, "seconds", 0.0), 0.0
        wall, start = time.perf_counter(), time.thread_time()
        try:
            return real(*arguments, **named)
        finally:
            took = time.thread_time() - start
            seconds[step] += took - inside.seconds
            inside.seconds = outer + took
            if step in WALL:
                seconds[f"{step}, wall clock"] += time.perf_counter() - wall

    return timed
