"""The shadow: payments a second with a reform asked beside the law in force, and without it.

In memory, where posting is all there is and asking twice shows most; and in the ledger, by its writer,
for comparing is done by a thread of its own. Rounds are paired, one with and one without, and each
rate is the median of its own, in the processor time of the one thread that posts: others on the same
machine cannot slow it down much. 10,000 holders, batches of 8,190.

    python -m bench.shadow [--json]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.flights import fly, no_flush
from bench.load import Batches, World, found
from bench.rows import Row, parser_of, show
from jiaozi.ledger.ledger import MAX_BATCH
from jiaozi.ledger.records import one_call
from jiaozi.ledger.shadow import Shadow
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import with_reform

HOLDERS, BATCHES, PAIRS = 10_000, 64, 7
MOST_COST = 0.3

REFORM = """
[reform]
title = { en = "Exercise: halve what a wallet may pay at once", zh = "习作：钱包单笔限额减半" }

[source.exercise]
authority = { en = "Nobody: an exercise", zh = "无：仅为习作" }
title     = { en = "An invented notice", zh = "虚构通知" }
number    = "exercise"
issued    = 2026-11-22
known     = 2026-11-22
read      = "invented"
checked   = 2026-11-22

[[change]]
set   = "limit.single"
place = "cn-sh"
from  = 2026-12-02
cite  = "exercise art 1"
CNY   = { t4 = 100, t3 = 500 }
"""
"""It is in force on the days that are measured, so that there is something to write."""


def main() -> None:
    given = parser_of("The shadow").parse_args()
    show("The shadow", measure, as_json=given.json)


def measure() -> list[Row]:
    """Measure all rows."""
    (without, beside), (alone, shadowed) = shadow_cost(), shadow_cost_in_ledger()
    return [
        Row("posting in memory", without, "payments/s", None, "higher"),
        Row("  with a shadow", beside, "payments/s", None, "higher", "without", beside / without),
        Row("  cost of the shadow", 1 - beside / without, "of all", MOST_COST, "lower"),
        Row("the ledger's writer, no flush", alone, "payments/s", None, "higher"),
        Row("  with a shadow", shadowed, "payments/s", None, "higher", "without", shadowed / alone),
        Row("  cost of the shadow", 1 - shadowed / alone, "of all", MOST_COST, "lower"),
    ]


def shadow_cost() -> tuple[float, float]:
    """Return payments a second of processor time, posted in memory: without a shadow, and with one."""
    with tempfile.TemporaryDirectory() as name:
        world = found(Path(name) / "ledger", holders=HOLDERS)
        world.ledger.close()
        state = world.ledger.state
        shadow = Shadow(state.law, _reformed(state.law), Path(name) / "shadow", name="exercise")

        def post(batches: Batches, is_shadowed: bool) -> float:
            start = time.thread_time()
            for batch in batches:
                instant = world.clock()
                room = shadow.room(len(batch), instant) if is_shadowed else None
                state.post(batch, one_call(len(batch)), instant, beside=room)
                if room is not None:
                    shadow.give_back(room)
            return time.thread_time() - start

        return _paired(world, post)


def shadow_cost_in_ledger() -> tuple[float, float]:
    """Return payments a second of the writer's processor time, nothing flushed: without a shadow, and with one."""
    with tempfile.TemporaryDirectory() as name, no_flush():
        world = found(Path(name) / "ledger", holders=HOLDERS)
        with world.ledger as ledger:
            reformed = _reformed(ledger.state.law)

            def post(batches: Batches, is_shadowed: bool) -> float:
                ledger.shadow(reformed if is_shadowed else None, Path(name) / "shadow", name="exercise")
                return fly(ledger, batches).writer_seconds

            return _paired(world, post)


def _paired(world: World, post: Callable[[Batches, bool], float]) -> tuple[float, float]:
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * (PAIRS + 1)):
        is_shadowed = number % 4 in (1, 2)  # each goes first as often as the other
        rates[is_shadowed].append(BATCHES * MAX_BATCH / post(world.batches(BATCHES), is_shadowed))
        world.next_day()
    return statistics.median(rates[0][1:]), statistics.median(rates[1][1:])


def _reformed(law: Book) -> Book:
    return with_reform(law, "exercise", REFORM)


if __name__ == "__main__":
    main()
