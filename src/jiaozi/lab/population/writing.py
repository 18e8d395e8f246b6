"""The store: a journal with accounts and payments, a day at a time, so that memory stays flat.

Each day begins with who joins, with what is due by the balances of the night and with the coins that
distributors need for it. Then come windows of a few minutes, a frame each, posted while the next are drawn.
Whoever stops in the middle has a store that ends there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, ManualClock, day_start
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import key_of
from jiaozi.lab.population.dates import is_festive
from jiaozi.lab.population.drawing import WINDOW, Amounts, fill
from jiaozi.lab.population.due import DUE, due_today
from jiaozi.lab.population.founding import found, law_of, zones_of
from jiaozi.lab.population.nights import Nights
from jiaozi.lab.population.orders import Orders
from jiaozi.lab.population.residents import ZONE_SHIFT, Residents, joined, residents
from jiaozi.lab.population.rhythm import MINUTES, expected, frame_minutes, rates
from jiaozi.lab.population.towns import TOWNS, Town
from jiaozi.ledger.facts import SheetNamed
from jiaozi.ledger.ledger import MAX_BATCH, MAX_OPENINGS, Ledger, Outcome
from jiaozi.ledger.records import openings, transfers
from jiaozi.ledger.results import Result

IN_FLIGHT = 24
NS_PER_MS = 1_000_000
_DAY_MS = 86_400_000

Progress = Callable[[int, int], None]
"""Told payments written, and about how many there will be."""


@dataclass(slots=True)
class Written:
    """What was written. *results* counts payments by `Result`; what banks and issuers book is not among them."""

    folder: Path
    place: str
    seed: int
    from_day: date
    until_day: date  # excluded
    also: Mapping[str, float] = field(default_factory=dict)
    accounts: int = 0
    first_account: int = 0
    results: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def payments(self) -> int:
        return int(self.results.sum())

    @property
    def accepted(self) -> int:
        return int(self.results[Result.CREATED])

    @property
    def is_draft(self) -> bool:
        """Whether its law is a draft."""
        return bool(TOWNS[self.place].draft)

    @property
    def refused_by_law(self) -> int:
        return int(self.results[Result.REFUSED_BY_LAW])


def write_store(
    folder: Path,
    *,
    people: int,
    seed: int,
    days: int,
    payments_a_day: int,
    from_day: date,
    place: str = "cn-sh",
    also: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write *people* accounts and about *days* x *payments_a_day* payments into the journal of *folder*.

    The same arguments give the same frames with the same hashes. What the law refuses is in it too.
    *also* are zones beside *place* and the share of the accounts that lives there, in vain or not.
    Raises `ValueError` for a folder with a journal, a place or days without a law, or too few people.
    """
    also = dict(also or {})
    if people < 100 or not 0 <= seed < 2**63 or days < 1 or payments_a_day < 1:
        raise ValueError("a store has at least 100 people, a day and a payment a day, and a seed from 0 up")
    if any((folder / "journal").glob("*")):
        raise ValueError(f"{folder / 'journal'} has a journal already; choose an empty folder")
    until_day = from_day + timedelta(days=days)
    book = law_of(place, from_day, until_day)
    zones = zones_of(book, place, also)
    clock = ManualClock(day_start(from_day))
    written = Written(folder, place, seed, from_day, until_day, also)
    with Ledger.open(folder / "journal", clock=clock) as ledger:
        sheets, where = found(ledger, book, place, people, from_day, zones)
        shares, factor = tuple(also.values()), TOWNS[place].factor
        crowd = residents(people, seed, payments_a_day=payments_a_day, also=shares, factor=factor)
        year = _Year(ledger, clock, sheets, where, crowd, written, days, payments_a_day, progress)
        for number in range(days):
            year.write_day(number)
        written.reasons = ledger.at_cut(lambda state, _: dict(state.activity.reasons))
    return written


class _Year:
    """The ledger while it is written, and what goes from one day to the next."""

    def __init__(
        self,
        ledger: Ledger,
        clock: ManualClock,
        sheets: list[SheetNamed],
        where: NDArray[np.void],
        crowd: Residents,
        written: Written,
        days: int,
        payments_a_day: int,
        progress: Progress | None,
    ) -> None:
        self._ledger, self._clock, self._sheets, self._where = ledger, clock, sheets, where
        self._town: Town = TOWNS[written.place]
        self._crowd, self._written, self._progress = crowd, written, progress
        self._days = [written.from_day + timedelta(days=number) for number in range(days)]
        self._joined = joined(len(crowd), days, 4 * (1 + len(written.also)))
        self._expected = expected(self._days, self._joined, payments_a_day, self._town.dates)
        self._about = days * payments_a_day
        self._minutes = frame_minutes(payments_a_day)
        self._amounts = Amounts.as_known(self._town.factor)
        self._payroll = np.zeros(len(crowd), dtype=np.int64)
        self._key = np.uint64(key_of(np.uint64(written.seed), 0))
        self._home_key = np.uint64(key_of(np.uint64(written.seed), 1))
        self._waiting: deque[Future[Outcome]] = deque()
        written.first_account = int(where["first"][0])
        self._nights = Nights(ledger, self._town, sheets, where, crowd, written.seed)
        self._orders = Orders(self._town, written.first_account, written.seed)

    def write_day(self, number: int) -> None:
        """Write the day *number* days after the first."""
        day = self._days[number]
        self._clock.set(day_start(day))
        there = int(self._joined[number - 1]) if number else 0
        self._open(there, int(self._joined[number]))
        key = np.uint64(key_of(self._key, number))
        due = self._due(day, key, there)
        if number == 0:
            # The first wallets are filled before anybody is up.
            due["second"][due["flow"] == known.Flow.TOP_UP] //= 4
            there = int(self._joined[0])
        self._nights.book(day, due, self._written.accounts)
        due = due[np.argsort(due["second"], kind="stable")]
        self._write_windows(day, key, there, due, self._expected[number])
        while self._waiting:
            self._settle()

    def _open(self, first: int, end: int) -> None:
        """Open the accounts of rows *first* to *end*."""
        traits, state = self._crowd.traits, self._ledger.state
        coins = np.array([state.register.coin(sheet.coin).number for sheet in self._sheets], dtype=np.uint16)
        kinds = np.array(
            [
                0,
                *(
                    state.words.code("payer.kind", kind)
                    for kind in ("resident", "registered firm", "visitor")
                ),
            ]
        )
        tiers = np.array([0, *(state.words.code("payer.tier", f"t{tier}") for tier in range(1, 5))])
        for start in range(first, end, MAX_OPENINGS):
            part = traits[start : min(end, start + MAX_OPENINGS)]
            opened = openings(len(part))
            opened["coin"] = coins[part["coin"]]
            opened["zone"] = self._where["zones"][0, part["flags"] >> ZONE_SHIFT]
            opened["kind"], opened["tier"] = kinds[part["kind"]], tiers[part["tier"]]
            account = self._ledger.open_accounts(opened)
            assert account == self._written.first_account + start
        self._written.accounts = end

    def _due(self, day: date, key: np.uint64, first_new: int) -> NDArray[np.void]:
        """Return (m,) DUE of *day*, by row."""
        crowd, count, first = self._crowd, self._written.accounts, self._written.first_account
        accounts = self._ledger.state.accounts[first : first + count]
        columns = (accounts, crowd.traits, crowd.load_fen, crowd.wage_fen, crowd.rent_fen, crowd.employer)
        homes = (crowd.members, crowd.bounds, self._payroll[:count], key, self._home_key)
        when = (first_new, self._town.dates.paydays_on(day), day.day)
        found = np.zeros(due_today(np.zeros(0, dtype=DUE), *columns, *homes, *when), dtype=DUE)
        if len(found):
            due_today(found, *columns, *homes, *when)
        return found

    def _write_windows(
        self, day: date, key: np.uint64, there: int, due: NDArray[np.void], drawn: NDArray[np.float64]
    ) -> None:
        """Draw and post the day's windows, each with a frame of its own, or more if it is full."""
        rate = rates(drawn, self._minutes)
        random = np.random.default_rng([self._written.seed, day.toordinal()])
        counts = random.poisson(rate.sum(axis=1))
        below = rate.cumsum(axis=1) / rate.sum(axis=1)[:, None]
        edges = np.searchsorted(due["second"], np.arange(0, 60 * (MINUTES + 1), 60 * self._minutes))
        sizes = counts + np.diff(edges)
        room = transfers(int(sizes.max()))
        window = np.zeros(1, dtype=WINDOW)
        midnight = day_start(day)
        window["home_key"], window["midnight_ms"] = self._home_key, midnight // NS_PER_MS
        window["length_ms"], window["open"] = self._minutes * 60_000, there
        window["is_festive"] = is_festive(day)
        for number in range(len(counts)):
            self._pass_hour(day, number * self._minutes)
            window["key"] = key_of(key, MINUTES + number)
            window["first_ms"], window["count"] = number * self._minutes * 60_000, counts[number]
            window["shopping"], window["peer"] = below[number, 0], below[number, 1]
            batch = room[: int(sizes[number])]
            fill(
                batch, window, due[edges[number] : edges[number + 1]], self._crowd, self._amounts, self._where
            )
            for start in range(0, len(batch), MAX_BATCH):
                self._submit(batch[start : start + MAX_BATCH])

    def _pass_hour(self, day: date, minute: int) -> None:
        """Do what is done at *minute* of *day* by issuers and authorities."""
        at = Instant(day_start(day) + minute * 60_000 * NS_PER_MS)
        if minute == known.MAKE_UP_HOUR * 60:
            self._nights.make_up(at)
        elif minute == known.FREEZE_HOUR * 60:
            facts = self._orders.of(day, self._written.accounts)
            if facts:
                self._clock.set(at)
                self._ledger.record(*facts)

    def _submit(self, batch: NDArray[np.void]) -> None:
        """Post *batch* at the instant of its last payment."""
        at = Instant((int(batch["id_hi"][-1]) >> 16) * NS_PER_MS)
        self._waiting.append(self._ledger.submit(batch, at=at))
        if len(self._waiting) > IN_FLIGHT:
            self._settle()

    def _settle(self) -> None:
        """Wait for the oldest frame and count its answers."""
        outcome = self._waiting.popleft().result()
        self._written.results += np.bincount(outcome.results, minlength=256)
        if self._progress is not None:
            self._progress(self._written.payments, max(self._about, self._written.payments))
