"""The first two ways on several machines: the same figures to the fen, whoever does the work and in which order."""

from __future__ import annotations

import multiprocessing
import pickle
import random
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jiaozi.clock import day_start
from jiaozi.errors import JournalError, NotReady
from jiaozi.lab.population import Written
from jiaozi.lab.replay.changes import ReasonSets
from jiaozi.lab.replay.examples import Examples
from jiaozi.lab.replay.replay import Asked, Mode, Replay, prepared, replay
from jiaozi.lab.replay.spread import Work, ask_parts, joined, spread
from tests.lab.replay.reforms import NOTHING, tried
from tests.lab.replay.worlds import write_world

MODES = [Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW]
REFORM = tried("lower the cap of a day")


def same(one: Replay, other: Replay) -> None:
    """Everything is the same but the Parquet files, which are not written on many machines."""
    assert msgspec.structs.replace(one, files=[]) == msgspec.structs.replace(other, files=[])


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes that share nothing with this one but the disk."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        yield pool


@pytest.mark.parametrize("mode", MODES)
def test_processes_of_their_own_come_to_the_same(
    mode: Mode, journal: Path, work: Path, processes: Executor
) -> None:
    asked = Asked(REFORM, mode=mode)
    here = replay(journal, asked, work=work)
    assert here.summary.changed.refused > 0
    same(spread(journal, asked, processes, work=work), here)


@pytest.mark.parametrize("mode", MODES)
def test_a_cluster_of_dask_comes_to_the_same(mode: Mode, journal: Path, work: Path) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="the extra `spread` is not installed: pip install 'jiaozi[spread]'"
    )
    asked = Asked(REFORM, mode=mode)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        same(spread(journal, asked, client.get_executor(), work=work), replay(journal, asked, work=work))


@pytest.mark.parametrize("mode", MODES)
def test_with_a_base_and_a_span_of_time_it_is_the_same_too(mode: Mode, town: Written, work: Path) -> None:
    journal = town.folder / "journal"
    asked = Asked(
        REFORM,
        base=tried("lower the cap on one payment"),
        mode=mode,
        start=day_start(town.from_day.replace(month=7, day=3)),
        end=day_start(town.from_day.replace(month=7, day=20)),
    )
    with ThreadPoolExecutor(2) as pool:
        other = spread(journal, asked, pool, work=work)
    here = replay(journal, asked, work=work)
    same(other, here)
    assert here.summary.changed.refused > 0
    assert here.summary.changed.admitted > 0


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_pickled_and_added_up_in_any_order(seed: int, journal: Path, work: Path) -> None:
    dice = random.Random(seed)
    recorded = prepared(journal, work)
    told = Work.of(recorded, Asked(REFORM, mode=Mode.SUMS_FOLLOW))
    parts = list(range(len(recorded.head.parts)))
    dice.shuffle(parts)
    found = []
    while parts:
        count = dice.randint(1, 9)
        taken, parts = parts[:count], parts[count:]
        sent = pickle.loads(pickle.dumps(told))
        found.append(pickle.loads(pickle.dumps(ask_parts(sent, taken))))
    dice.shuffle(found)
    shown = Examples(recorded, [])
    counter = joined(recorded.head.accounts, found, ReasonSets(), shown)
    here = replay(journal, Asked(REFORM, mode=Mode.SUMS_FOLLOW), work=work).summary
    assert counter.total.part() == here.changed
    assert int(counter.persons[0].sum()) == here.holders_refused
    assert sorted(example.instant for example in shown.found.values()) == sorted(
        kind.example.instant for kind in here.kinds if kind.example is not None
    )
    with pytest.raises(ValueError, match="counted twice"):
        joined(recorded.head.accounts, [*found, found[0]], ReasonSets(), Examples(recorded, []))


def test_random_worlds_come_to_the_same(tmp_path: Path) -> None:
    for seed in range(6):
        journal = write_world(tmp_path / f"{seed}", seed)
        for mode in MODES:
            asked = Asked(NOTHING, base=REFORM, mode=mode)
            with ThreadPoolExecutor(2) as pool:
                other = spread(journal, asked, pool, work=tmp_path / f"work-{seed}")
            same(other, replay(journal, asked, work=tmp_path / f"work-{seed}"))


def test_money_follows_needs_one_machine(journal: Path, work: Path) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(NotReady, match="replay it on one machine"),
    ):
        spread(journal, Asked(REFORM, mode=Mode.MONEY_FOLLOWS), pool, work=work)


def test_a_machine_that_sees_another_folder_says_so(journal: Path, work: Path) -> None:
    recorded = prepared(journal, work)
    told = Work.of(recorded, Asked(REFORM, mode=Mode.SUMS_FOLLOW))
    other = replace(told, head=msgspec.json.encode(msgspec.structs.replace(recorded.head, first_instant=1)))
    with pytest.raises(JournalError, match="questions of another journal"):
        ask_parts(other, [0])
    gone = replace(told, folder=str(recorded.folder / "nowhere"))
    with pytest.raises(JournalError, match="cannot be read"):
        ask_parts(gone, [0])


def test_a_machine_that_fails_fails_the_replay(journal: Path, work: Path) -> None:
    class Failing(ThreadPoolExecutor):
        sent = 0

        def submit(self, do: Any, /, *given: Any, **named: Any) -> Future[Any]:
            self.sent += 1
            return super().submit(_die if self.sent == 3 else do, *given, **named)

    with Failing(2) as pool, pytest.raises(OSError, match="the disk is gone"):
        spread(journal, Asked(REFORM), pool, work=work)


def test_it_can_be_stopped(journal: Path, work: Path) -> None:
    asked_after: list[int] = []
    with ThreadPoolExecutor(2) as pool, pytest.raises(NotReady, match="was stopped"):
        spread(
            journal,
            Asked(REFORM),
            pool,
            work=work,
            progress=asked_after.append,
            stop=lambda: len(asked_after) >= 2,
        )
    assert len(asked_after) == 2


def _die(*given: Any) -> None:
    raise OSError(f"the disk is gone: {len(given)}")
