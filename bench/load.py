"""A ledger with holders and money in it, and payments for it: what benches of the ledger post.

The law is the shipped one with the draft pilot of Shanghai. Holders are of all
tiers, some are firms, one in a hundred is a visitor whom the pilot does not
admit. Amounts are small with a heavy tail. So most payments pass, and some are
refused by a cap, for want of money or because of who asks. The same seed gives
the same payments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import NS_PER_SECOND, Instant, ManualClock, day_start
from jiaozi.issuer.sheet import open_sheet
from jiaozi.lab.population import FIRM, FIRM_SHARE, LOAD_FEN, RESIDENT, TIER_SHARES, VISITOR, VISITOR_SHARE
from jiaozi.ledger.facts import CoinCreated, ConsentGranted, IssuerRegistered, LawEnacted, LicenceGranted
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.ledger import MAX_BATCH, MAX_OPENINGS, Ledger
from jiaozi.ledger.posting.supplied import C_ISSUED
from jiaozi.ledger.records import (
    AS_PENDING,
    BOOK,
    ISSUE,
    PAY,
    WHOLE,
    TransferFlag,
    Transfers,
    openings,
    transfers,
)
from jiaozi.ledger.state import State
from jiaozi.rulebook.reading.read import read_folder

ZONE, ISSUER, COIN = "cn-sh", "bench-pay", "bench-cny"
CAP_FEN = 10**15
MEDIAN_FEN, SIGMA = 10_00, 1.6
"""A payment: half are below ten yuan, one in a thousand is above 1,400."""

FIRM_LOAD_FEN = 100_000_00
ZIPF = 0.99
"""The exponent that the usual benchmarks of key-value stores take."""

LOADED_ONE_BY_ONE = 10_000_000
"""With more holders than this, wallets are filled in memory: the journal could not be replayed."""

RESERVED_SECONDS = 3_600
"""How long a reservation stands: longer than a round, so none times out while it is measured."""

BATCH_SECONDS = 0.004
"""Between the ids of two batches: those of two million a second. Ids all of one millisecond would seal too small."""

Spread = Literal["uniform", "zipf"]
Batches = list[Transfers]


@dataclass(frozen=True, slots=True)
class World:
    """An open ledger; the account of holder *n* is `first + n`. *busiest* lists holders, the busiest first."""

    ledger: Ledger
    clock: ManualClock
    random: np.random.Generator
    first: int
    holders: int
    place: int
    busiest: NDArray[np.uint32]

    def batches(self, count: int, spread: Spread = "uniform", *, linked: bool = False) -> Batches:
        """Return *count* full batches of payments; *linked* makes chains of two of them."""
        batch = self._payments(count * MAX_BATCH, spread)
        if linked:
            batch["flags"][::2] = TransferFlag.LINKED
        return [batch[start : start + MAX_BATCH] for start in range(0, len(batch), MAX_BATCH)]

    def reservations(self, count: int) -> Batches:
        """Return *count* batches that reserve, each followed by the batch that posts them whole."""
        found: Batches = []
        for reserving in self.batches(count):
            reserving["flags"], reserving["timeout"] = TransferFlag.PENDING, RESERVED_SECONDS
            posting = transfers(len(reserving))
            give_ids(posting, self.clock(), self.random)
            posting["flags"], posting["amount"] = TransferFlag.POST_PENDING_TRANSFER, WHOLE
            posting["debit"] = posting["credit"] = AS_PENDING
            posting["memo_lo"], posting["memo_hi"] = reserving["id_lo"], reserving["id_hi"]
            found += [reserving, posting]
        return found

    def single(self, count: int) -> Batches:
        """Return *count* batches of one payment each."""
        batch = self._payments(count, "uniform")
        return [batch[row : row + 1] for row in range(count)]

    def next_day(self) -> None:
        """Let a day pass, so that yesterday's payments do not fill today's caps."""
        self.clock.advance(86_400)

    def _payments(self, count: int, spread: Spread) -> Transfers:
        batch = transfers(count)
        for number, start in enumerate(range(0, count, MAX_BATCH)):
            instant = Instant(self.clock() + int(number * BATCH_SECONDS * NS_PER_SECOND))
            give_ids(batch[start : start + MAX_BATCH], instant, self.random)
        payer, payee = self._draw(count, spread), self._draw(count, spread)
        payee = np.where(payee == payer, (payee + 1) % self.holders, payee)
        batch["debit"], batch["credit"] = self.first + payer, self.first + payee
        amounts = self.random.lognormal(np.log(MEDIAN_FEN), SIGMA, count)
        batch["amount"] = np.maximum(1, amounts.astype(np.int64))
        batch["action"], batch["place"] = PAY, self.place
        return batch

    def _draw(self, count: int, spread: Spread) -> NDArray[np.int64]:
        if spread == "uniform":
            return self.random.integers(0, self.holders, count)
        weights = _zipf_weights(self.holders)
        ranks = np.searchsorted(weights, self.random.random(count) * weights[-1])
        drawn: NDArray[np.int64] = self.busiest[ranks].astype(np.int64)
        return drawn


@lru_cache(maxsize=1)
def _zipf_weights(holders: int) -> NDArray[np.float64]:
    """Return the sums of weights of the busiest one, two, … of *holders*: seconds of work for 100 million."""
    weights = np.arange(1, holders + 1, dtype=np.float64) ** -ZIPF
    return np.cumsum(weights, out=weights)


def found(folder: Path, *, holders: int, seed: int = 2026) -> World:
    """Found a ledger in *folder* with *holders* who have money."""
    clock = ManualClock(day_start(date(2026, 12, 15)))
    ledger = Ledger.open(folder, clock=clock)
    book = read_folder(drafts=[ZONE])
    first_day = date(2026, 12, 1)
    ledger.record(
        LawEnacted(dict(book.texts), list(book.drafts), book.digest.hex()),
        IssuerRegistered(ISSUER, ZONE),
        LicenceGranted(ISSUER, ZONE, "EXAMPLE-BENCH-1", first_day),
        CoinCreated(COIN, ISSUER, "CNY"),
        ConsentGranted(ISSUER, "cn", "EXAMPLE-BENCH-2", ["issue"], COIN, [ZONE], CAP_FEN, first_day),
    )
    sheet = open_sheet(ledger, COIN, ZONE)
    random = np.random.default_rng(seed)
    kind = random.choice(
        np.array([RESIDENT, FIRM, VISITOR], dtype=np.uint8),
        size=holders,
        p=(1 - FIRM_SHARE - VISITOR_SHARE, FIRM_SHARE, VISITOR_SHARE),
    )
    tier = random.choice(np.arange(1, 5, dtype=np.uint8), size=holders, p=TIER_SHARES)
    tier[kind == FIRM] = 1
    tier[kind == VISITOR] = 4
    place = book.vocabulary.place_codes[ZONE]
    first = _open(ledger, kind, tier, place)
    load = np.array(LOAD_FEN, dtype=np.int64)[tier - 1]
    load[kind == FIRM] = FIRM_LOAD_FEN
    firms = np.flatnonzero(kind == FIRM).astype(np.uint32)
    others = np.flatnonzero(kind != FIRM).astype(np.uint32)
    # The busiest are firms: a wallet with a daily cap cannot be busy for long.
    busiest = np.concatenate([random.permutation(firms), random.permutation(others)])
    world = World(ledger, clock, random, first, holders, place, busiest)
    if holders > LOADED_ONE_BY_ONE:
        load[kind == VISITOR] = 0  # who is not admitted is issued nothing, here as there
        ledger.at_cut(lambda state, _: _load_in_memory(state, sheet.reserve, first, load))
    else:
        _load(world, sheet.reserve, sheet.client_money, load)
    return world


def _open(ledger: Ledger, kind: NDArray[np.uint8], tier: NDArray[np.uint8], place: int) -> int:
    firsts = []
    for start in range(0, len(kind), MAX_OPENINGS):
        part = slice(start, start + MAX_OPENINGS)
        opened = openings(len(kind[part]))
        opened["zone"], opened["kind"], opened["tier"] = place, kind[part], tier[part]
        firsts.append(ledger.open_accounts(opened))
    return firsts[0]


def _load_in_memory(state: State, reserve: int, first: int, load: NDArray[np.int64]) -> None:
    """Write what taking in money and issuing it would have left behind; sums are zero as everywhere."""
    accounts, whole = state.accounts, int(load.sum())
    accounts["balance"][first:] = load
    accounts["balance"][reserve] = -whole
    state.coins[0, C_ISSUED] = whole


def _load(world: World, reserve: int, client_money: int, load: NDArray[np.int64]) -> None:
    """Take in money, and issue to each holder what he ordered; visitors are refused."""
    batch = transfers(1 + len(load))
    give_ids(batch, world.clock(), world.random)
    batch["action"], batch["debit"], batch["amount"][1:] = ISSUE, client_money, load
    batch["credit"][1:] = world.first + np.arange(len(load))
    batch["place"] = world.place
    batch["action"][0], batch["debit"][0], batch["credit"][0] = BOOK, reserve, client_money
    batch["amount"][0] = load.sum()
    parts = [batch[start : start + MAX_BATCH] for start in range(0, len(batch), MAX_BATCH)]
    created = sum(future.result().created for future in [world.ledger.submit(part) for part in parts])
    assert created > 0.98 * len(load), "most wallets were to be loaded; is the draft still what it was?"
