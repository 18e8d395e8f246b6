"""The store: a journal with accounts and payments, a day at a time, so that memory stays flat.

Each day begins with who joins, with what is due by the balances of the night and with the coins that
distributors need for it. Then come windows of a few minutes, a frame each, posted while the next are drawn.
Whoever stops in the middle has a store that ends there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, ManualClock, day_start
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import key_of
from jiaozi.lab.population.dates import is_festive, paydays_on
from jiaozi.lab.population.drawing import WINDOW, Amounts, fill
from jiaozi.lab.population.due import DUE, due_today
from jiaozi.lab.population.founding import ISSUERS, found, law_of, night
from jiaozi.lab.population.residents import Residents, joined, residents
from jiaozi.lab.population.rhythm import MINUTES, expected, frame_minutes, rates
from jiaozi.ledger.facts import SheetNamed
from jiaozi.ledger.ids import give_ids
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
    progress: Progress | None = None,
) -> Written:
    """Write *people* accounts and about *days* x *payments_a_day* payments into the journal of *folder*.

    The same arguments give the same frames with the same hashes. What the law refuses is in it too.
    Raises `ValueError` for a folder with a journal, a place or days without a law, or too few people.
    """
    if people < 100 or not 0 <= seed < 2**63 or days < 1 or payments_a_day < 1:
        raise ValueError("a store has at least 100 people, a day and a payment a day, and a seed from 0 up")
    if any((folder / "journal").glob("*")):
        raise ValueError(f"{folder / 'journal'} has a journal already; choose an empty folder")
    until_day = from_day + timedelta(days=days)
    book = law_of(place, from_day, until_day)
    clock = ManualClock(day_start(from_day))
    written = Written(folder, place, seed, from_day, until_day)
    with Ledger.open(folder / "journal", clock=clock) as ledger:
        sheets, town = found(ledger, book, place, people, from_day)
        crowd = residents(people, seed, payments_a_day=payments_a_day)
        year = _Year(ledger, clock, sheets, town, crowd, written, days, payments_a_day, progress)
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
        town: NDArray[np.void],
        crowd: Residents,
        written: Written,
        days: int,
        payments_a_day: int,
        progress: Progress | None,
    ) -> None:
        self._ledger, self._clock, self._sheets, self._town = ledger, clock, sheets, town
        self._crowd, self._written, self._progress = crowd, written, progress
        self._days = [written.from_day + timedelta(days=number) for number in range(days)]
        self._joined = joined(len(crowd), days)
        self._expected = expected(self._days, self._joined, payments_a_day)
        self._about = days * payments_a_day
        self._minutes = frame_minutes(payments_a_day)
        self._amounts = Amounts.as_known()
        self._payroll = np.zeros(len(crowd), dtype=np.int64)
        self._key = np.uint64(key_of(np.uint64(written.seed), 0))
        self._home_key = np.uint64(key_of(np.uint64(written.seed), 1))
        self._waiting: deque[Future[Outcome]] = deque()
        self._random = np.random.default_rng([written.seed, 12])
        written.first_account = int(town["first"][0])

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
        self._night(day, due)
        due = due[np.argsort(due["second"], kind="stable")]
        self._write_windows(day, key, there, due, self._expected[number])
        while self._waiting:
            self._settle()

    def _open(self, first: int, end: int) -> None:
        """Open the accounts of rows *first* to *end*."""
        traits, state = self._crowd.traits, self._ledger.state
        coins = np.array([state.register.coin(coin).number for _, coin in ISSUERS], dtype=np.uint16)
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
            opened["coin"], opened["zone"] = coins[part["coin"]], self._town["place"][0]
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
        when = (first_new, paydays_on(day), day.day)
        found = np.zeros(due_today(np.zeros(0, dtype=DUE), *columns, *homes, *when), dtype=DUE)
        if len(found):
            due_today(found, *columns, *homes, *when)
        return found

    def _night(self, day: date, due: NDArray[np.void]) -> None:
        """Let the issuers pay out what was redeemed, and issue what the distributors will need on *day*."""
        accounts = self._ledger.state.accounts
        filled = due[due["flow"] == known.Flow.TOP_UP]
        coin = self._crowd.traits["coin"][filled["row"]]
        distributor = self._town["distributors"][0][coin, filled["row"] % known.DISTRIBUTORS]
        for sheet, mine in zip(self._sheets, self._town["distributors"][0], strict=True):
            wanted = {
                account: int(filled["amount"][distributor == account].sum())
                - int(accounts[account]["balance"])
                for account in mine.tolist()
            }
            name = ("population", str(self._written.seed), sheet.coin, day.isoformat())
            redeemed = int(accounts[sheet.redemptions]["balance"])
            batch = night(sheet, wanted, redeemed, int(self._town["place"][0]), name)
            if batch is not None:
                give_ids(batch, day_start(day), self._random)
                outcome = self._ledger.post(batch, at=day_start(day))
                assert outcome.created == len(batch), outcome.results.tolist()

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
            window["key"] = key_of(key, MINUTES + number)
            window["first_ms"], window["count"] = number * self._minutes * 60_000, counts[number]
            window["shopping"], window["peer"] = below[number, 0], below[number, 1]
            batch = room[: int(sizes[number])]
            fill(
                batch, window, due[edges[number] : edges[number + 1]], self._crowd, self._amounts, self._town
            )
            for start in range(0, len(batch), MAX_BATCH):
                self._submit(batch[start : start + MAX_BATCH])

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
