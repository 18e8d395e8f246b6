"""Wholesale accounts: nobody may stand out of his bucket.

The sum of a bucket is seen by those in it and beside it. One giant among 4,095
small accounts is that sum, near enough. Official statistics know the case and
call the remedy the (1,k) dominance rule: a cell is not published if its largest
contributor has more than k percent of it (Hundepool et al., Statistical Disclosure
Control, 2012). Here the largest contributor moves: an account with more than P
percent of what its bucket has left becomes a wholesale account, whose balance
stands in a bucket of such accounts. The supervisor sets P.

An account that is above P percent stays above it when others leave, so the order
in which accounts leave does not matter: there is one smallest answer, and every
program finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof.places import BUCKET_SIZE, Places
from jiaozi.proof.plain import SUM_LIMIT, Balances, Progress, Stop
from jiaozi.proof.rows import Rows

Fens = NDArray[np.int64]

FEW = 64
"""So few buckets are read place by place; for more, reading all balances in order is faster."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """The numbers of the wholesale *accounts* in their order, and of those that stand out all the same.

    *unmet* is empty unless somebody has so much that no bucket hides it: with
    P = 10, more than a tenth of what the 4,096 largest accounts have together.
    """

    accounts: NDArray[np.int64]
    unmet: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Wholesale accounts that were tried: how many still stand out, and the largest share, as a fraction."""

    dealt: Dealt
    largest_fen: int
    bucket_fen: int

    def is_better_than(self, other: _Attempt) -> bool:
        if len(self.dealt.unmet) != len(other.dealt.unmet):
            return len(self.dealt.unmet) < len(other.dealt.unmet)
        return self.largest_fen * other.bucket_fen < other.largest_fen * self.bucket_fen


def find(
    balances: Balances, percent: int, *, progress: Progress | None = None, stop: Stop | None = None
) -> Dealt:
    """Return the wholesale accounts of *balances*, so that none has more than *percent* of its bucket.

    First the smallest set by which every ordinary bucket keeps the rule. Then, as
    long as a wholesale bucket breaks it, the largest accounts that are left join
    until there are twice as many, but no more than half of all accounts and no more
    than fill the buckets that the first set has. If that does not help, the answer
    is the attempt with the fewest accounts above the rule; among equals that with
    the smallest largest share; among equals the first.

    Balances (n,) may be a mapped file of any size, which is read in order twice or a
    few times more. *progress* is told after each part how many accounts it had, once
    for each reading. Raises `ProofError` for a negative balance, a sum of 2^63 fen
    or more, a percentage that is none, and when *stop* asks to.
    """
    if not 1 <= percent <= 100:
        raise ProofError(f"{percent} is no share; write whole percent from 1 to 100")
    places = Places(len(balances))
    nobody = np.zeros(0, dtype=np.int64)
    if places.buckets <= 1:
        return Dealt(nobody, nobody)  # the sum of the one bucket is the total, which is published
    rows = Rows(balances, places.ordinary_buckets, progress, stop)
    search = _Search(rows, percent)
    search.settle()
    best = _attempt(search)
    # One more bucket would make them lighter on average, because each account that joins is smaller
    # than those before: of 60 million with a heavy tail 3 stood out, and after doubling
    # the number of accounts eight times it was 269.
    most = min(len(balances) // 2, -(-len(search.accounts) // BUCKET_SIZE) * BUCKET_SIZE)
    largest: tuple[Fens, Fens] | None = None
    while len(best.dealt.unmet) and len(search.accounts) < most:
        largest = largest or rows.largest(most)
        search.add_largest(*largest, count=min(len(search.accounts), most - len(search.accounts)))
        search.settle()
        attempt = _attempt(search)
        best = attempt if attempt.is_better_than(best) else best
    return best.dealt


def limit_of(sum_fen: int, percent: int) -> int:
    """Return the most one account may have in a bucket of *sum_fen*."""
    return sum_fen * percent // 100


def _limits(sums: Fens, percent: int) -> Fens:
    # sum * percent // 100 in two parts, because the product may be larger than 2^63.
    hundreds, rest = np.divmod(sums, 100)
    limits: Fens = hundreds * percent + rest * percent // 100
    return limits


@dataclass(slots=True)
class _Search:
    """Ordinary buckets from which accounts leave.

    `left` (B,) is what each bucket still has. Every account outside `accounts` with
    more than `known` (B,) of its bucket is among the candidates; so a bucket has to
    be read again only when its limit falls below that. At the start `known` is
    each bucket's largest balance, above which there is none.
    """

    rows: Rows
    percent: int
    left: Fens = field(init=False)
    known: Fens = field(init=False)
    accounts: Fens = field(init=False)
    balances: Fens = field(init=False)
    candidates: Fens = field(init=False)
    candidate_balances: Fens = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.known = self.rows.sums_and_largest()
        self.accounts = self.balances = np.zeros(0, dtype=np.int64)
        self.candidates = self.candidate_balances = self.accounts

    def settle(self) -> None:
        """Let accounts leave until every bucket keeps the rule."""
        while True:
            limits = _limits(self.left, self.percent)
            unknown = limits < self.known
            if unknown.any():
                self._look(unknown, limits)
            buckets = self.candidates % self.rows.width
            above = self.candidate_balances > limits[buckets]
            if not above.any():
                return
            self._leave(self.candidates[above], self.candidate_balances[above])

    def add_largest(self, accounts: Fens, balances: Fens, *, count: int) -> None:
        """Let the first *count* of *accounts* leave that are still there."""
        there = np.flatnonzero(~np.isin(accounts, self.accounts))[:count]
        self._leave(accounts[there], balances[there])

    def _look(self, unknown: NDArray[np.bool_], limits: Fens) -> None:
        # A quarter of the limit: when accounts leave, the limit falls, and mostly by less than that.
        floors = np.where(unknown, limits // 4, SUM_LIMIT - 1)
        buckets = np.flatnonzero(unknown)
        if len(buckets) <= FEW:
            accounts, balances = self.rows.above_in(buckets, floors)
        else:
            accounts, balances = self.rows.above(floors)
        fresh = balances <= self.known[accounts % self.rows.width]
        fresh &= ~np.isin(accounts, self.accounts)
        self.candidates = np.concatenate([self.candidates, accounts[fresh]])
        self.candidate_balances = np.concatenate([self.candidate_balances, balances[fresh]])
        self.known = np.where(unknown, floors, self.known)

    def _leave(self, accounts: Fens, balances: Fens) -> None:
        np.subtract.at(self.left, accounts % self.rows.width, balances)
        self.accounts = np.concatenate([self.accounts, accounts])
        self.balances = np.concatenate([self.balances, balances])
        stays = ~np.isin(self.candidates, accounts)
        self.candidates, self.candidate_balances = self.candidates[stays], self.candidate_balances[stays]


def _attempt(search: _Search) -> _Attempt:
    order = np.argsort(search.accounts)
    accounts, balances = search.accounts[order], search.balances[order]
    if not len(accounts):
        return _Attempt(Dealt(accounts, accounts), 0, 1)
    buckets = -(-len(accounts) // BUCKET_SIZE)
    bucket_of = np.arange(len(accounts)) % buckets
    sums = np.zeros(buckets, dtype=np.int64)
    np.add.at(sums, bucket_of, balances)
    largest = np.zeros(buckets, dtype=np.int64)
    np.maximum.at(largest, bucket_of, balances)
    unmet = accounts[balances > _limits(sums, search.percent)[bucket_of]]
    shares = zip(largest.tolist(), sums.tolist(), strict=True)
    worst_fen, of_fen = 0, 1
    for fen, sum_fen in shares:
        if fen * of_fen > worst_fen * sum_fen:
            worst_fen, of_fen = fen, sum_fen
    return _Attempt(Dealt(accounts, unmet), worst_fen, of_fen)
