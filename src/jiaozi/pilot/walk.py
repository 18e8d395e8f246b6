"""The nine steps of the pilot, in order."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from jiaozi.clock import ManualClock, clock_from
from jiaozi.errors import NotReady
from jiaozi.office import Office
from jiaozi.pilot import cast, crowd, evening, law, money
from jiaozi.pilot.crowd import Crowd
from jiaozi.pilot.tell import Teller
from jiaozi.pilot.trickle import Trickle
from jiaozi.server.app import Background, serve
from jiaozi.server.serving import listen

MARK = "pilot.txt"


def run(folder: Path, *, today: date, once: bool, port: int, teller: Teller) -> dict[str, Any]:
    """Walk through all nine steps in *folder*; serve the console until Ctrl-C unless *once*.

    Returns the figures of the walk. Raises `NotReady` when *folder* holds something else or the port is taken.
    """
    start = time.perf_counter()
    if not once:
        listen("127.0.0.1", port).close()  # a taken port is told now, not half-way
    clear(folder)
    clock = ManualClock(cast.at(today, "10:00"))
    in_force, with_draft = law.read_the_law(teller, today)
    office = Office.open(folder, clock=clock)
    with ExitStack() as stack:
        stack.callback(lambda: office.close())
        law.ask_today(office, clock, teller, in_force)
        law.allow_under_draft(office, clock, teller, with_draft)
        with ExitStack() as console:
            if not once:
                background = console.enter_context(Background(office, port=port))
                teller.say(f"The console is up while the day runs: {background.url}")
            money.take_bank_money(office, clock, teller)
            people = crowd.pay_all_day(office, clock, teller)
            holder, shop = two_holders(office, people)
            money.freeze(office, teller, holder, shop)
            money.redeem(office, teller)
            evening.close(office, teller, people, holder)
        running = clock_from(clock())
        office = evening.stop_and_start(office, teller, running)
        seconds = time.perf_counter() - start
        teller.figure("walk_seconds", seconds)
        teller.say(f"The whole walk took {seconds:.1f} s. Everything it made is in {folder}.")
        if not once:
            with Trickle(office, people):
                serve(office, port=port, ready=lambda url: teller.say(f"Console: {url}  (Ctrl-C stops it)"))
    return teller.figures


def clear(folder: Path) -> None:
    """Empty the folder of an earlier pilot. Raises `NotReady` rather than touch anything else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise NotReady(f"{folder} holds something that is no pilot; name another folder with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("made by `jiaozi pilot`, which empties this folder when it is run again\n")


def two_holders(office: Office, people: Crowd) -> tuple[int, int]:
    """Return a resident of tier 3 with money, and a shop."""
    population = people.population
    balances = office.ledger.state.accounts["balance"][people.first : people.first + len(population.kind)]
    able = (population.kind == 1) & (population.tier == 3) & (balances > 500_00) & (balances < 5_000_00)
    shops = (population.kind == 2) & (balances > 500_00)
    return people.first + int(np.flatnonzero(able)[0]), people.first + int(np.flatnonzero(shops)[0])
