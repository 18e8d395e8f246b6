"""Journals of random worlds: reservations, chains, orders, closed accounts, persons with several accounts, laws.

The worlds are those that hold the ledger's two executors together. Their laws count payments, which the
first two ways of a replay cannot follow; so the same laws are enacted here without that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, ManualClock, day_start
from jiaozi.lab.population.founding import found, law_of, night
from jiaozi.ledger.facts import AccountClosed, Fact, LawEnacted
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.posting.two_phase import PENDING, POST, VOID
from jiaozi.ledger.records import AS_PENDING, PAY, WHOLE, Choice, openings, transfers
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, read_folder
from tests.ledger.random_worlds import LINKED, Posting, RandomWorld, as_array, enacted, instant

FRAMES = 14


@cache
def law(variant: int) -> Book:
    """Return the law shipped with the Shanghai draft; variant 1 has lower limits, variant 2 none of a day."""
    texts = dict(read_folder(drafts=["cn-sh"]).texts)
    if variant == 1:
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t3 = 5_000,", "t3 = 4_000,")
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t4 = 5_000 ", "t4 = 3_000 ")
    if variant == 2:
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t3 = 10_000,", 't3 = "unlimited",')
    return read(texts, drafts=["cn-sh"])


def write_world(folder: Path, seed: int, *, counts: bool = False, frames: int = FRAMES) -> Path:
    """Write the world of *seed* and its story as the journal in *folder*, and return that."""
    world = RandomWorld(seed)
    clock = ManualClock(instant("2025-07-01T00:00+08:00"))
    with Ledger.open(folder, clock=clock) as ledger:
        ledger.record(*_without_counts(world.facts(), counts))
        for opened in world.openings():
            ledger.open_accounts(opened)
        ledger.record(*world.sheets())
        for step in world.story(frames):
            if isinstance(step, Posting):
                clock.set(step.instant)
                start, everyone = 0, [Choice.CONTINUE] * len(step.ends)
                for end, choice in zip(step.ends, step.choices or everyone, strict=True):
                    part = Posting(step.batch[start:end], (end - start,), step.instant)
                    start = end
                    if part.batch:
                        ledger.post(as_array(part.batch), notes=part.notes, choice=choice)
            else:
                ledger.record(*_without_counts(step, counts))
        _close_the_empty(ledger)
    return folder


def _without_counts(facts: Iterable[Fact], counts: bool) -> list[Fact]:
    return [fact if counts or not isinstance(fact, LawEnacted) else _plain(fact) for fact in facts]


def _plain(fact: LawEnacted) -> LawEnacted:
    variant = next(number for number in range(3) if enacted(number).digest == fact.digest)
    return LawEnacted.of(law(variant))


def _close_the_empty(ledger: Ledger) -> None:
    accounts = ledger.state.accounts
    for number, account in enumerate(accounts):
        is_empty = not (account["balance"] or account["pending_out"] or account["pending_in"])
        if is_empty and not account["flags"] & (1 << 5):
            ledger.record(AccountClosed(number, "gone"))


def write_reservations(folder: Path, seed: int, *, days: int = 16) -> Path:
    """Write a journal over the turn of the year in which seven wallets of five people mostly reserve money.

    What is reserved is posted, whole or in part, voided, or runs out; some of it in chains.
    """
    dice = Random(seed)
    first_day = date(2027, 12, 22)
    texts = dict(law_of("cn-sh", first_day, first_day + timedelta(days=days)).texts)
    texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t3 = 10_000, t4 = 5_000 ", "t3 = 3_000, t4 = 2_500 ")
    book = read(texts, drafts=["cn-sh"])
    clock = ManualClock(day_start(first_day))
    with Ledger.open(folder, clock=clock) as ledger:
        writer = Writer.of(ledger, book, first_day, dice)
        for day in range(days):
            for hour in sorted(dice.sample(range(24), 4)):
                clock.set(Instant(day_start(first_day + timedelta(days=day)) + hour * 3_600 * 10**9))
                writer.post([leg for _ in range(dice.randint(2, 9)) for leg in writer.any()])
    return folder


def small_town(ledger: Ledger, book: Book, day: date) -> tuple[int, int, Writer]:
    """Found a town in *ledger*; return Li and Wang, both of tier 4 with 5,000.00, and who writes for them."""
    writer = Writer.of(ledger, book, day, Random(1))
    return writer.wallets[0], writer.wallets[1], writer


def _open_wallets(ledger: Ledger, coin: str, place: int) -> list[int]:
    words = ledger.state.words
    opened = openings(7)
    opened["coin"], opened["zone"] = ledger.state.register.coin(coin).number, place
    opened["kind"] = words.code("payer.kind", "resident")
    opened["tier"] = [words.code("payer.tier", tier) for tier in ("t4", "t4", "t3", "t3", "t2", "t4", "t3")]
    first = ledger.state.account_count
    opened["person"][5], opened["person"][6] = first, first + 2  # a second wallet of the first and the third
    for row in opened:
        ledger.open_accounts(row.reshape(1))
    return list(range(first, first + 7))


class Writer:
    """Writes transfers, sensible or not."""

    def __init__(self, ledger: Ledger, dice: Random, place: int, wallets: list[int]) -> None:
        self.ledger, self.dice, self.place, self.wallets = ledger, dice, place, wallets
        self.count = 0
        self.pending: list[int] = []

    @classmethod
    def of(cls, ledger: Ledger, book: Book, day: date, dice: Random) -> Writer:
        """Enact *book*, open seven wallets and fill each."""
        sheets, town = found(ledger, book, "cn-sh", 1_000, day)
        place, distributor = int(town["place"][0]), int(town["distributors"][0][0][0])
        wallets = _open_wallets(ledger, sheets[0].coin, place)
        paid_in = night(sheets[0], {distributor: 9_000_000_00}, 0, place, ("reservations",))
        assert paid_in is not None
        give_ids(paid_in, day_start(day), np.random.default_rng(1))
        assert ledger.post(paid_in).created == len(paid_in)
        writer = cls(ledger, dice, place, wallets)
        writer.post([writer.leg(distributor, wallet, 5_000_00) for wallet in wallets])
        return writer

    def leg(self, debit: int, credit: int, amount: int, flags: int = 0, memo: int = 0) -> NDArray[np.void]:
        self.count += 1
        row = transfers(1)
        row["id_lo"], row["debit"], row["credit"], row["amount"] = self.count, debit, credit, amount
        row["action"], row["place"], row["flags"], row["memo_lo"] = PAY, self.place, flags, memo
        return row

    def any(self) -> list[NDArray[np.void]]:
        roll, pick = self.dice.random(), self.dice.choice
        if roll < 0.45 and self.pending:
            memo = pick(self.pending[-6:])
            flags = POST if roll < 0.3 else VOID
            amount = WHOLE if flags == VOID or roll < 0.2 else pick([100_00, 900_00])
            row = self.leg(AS_PENDING, AS_PENDING, amount, flags, memo)
            row["action"] = 0
            return [row]
        debit, credit = self.dice.sample(self.wallets, 2)
        amount = pick([50_00, 100_00, 400_00, 900_00, 1_500_00, 2_000_00, 2_000_01])
        if roll < 0.8:
            row = self.leg(debit, credit, amount, PENDING)
            row["timeout"] = pick([0, 0, 3_600, 86_400, 200_000])
            self.pending.append(self.count)
            return [row]
        if roll < 0.9:
            return [self.leg(debit, credit, amount, LINKED), self.leg(credit, debit, pick([50_00, 3_000_00]))]
        return [self.leg(debit, credit, amount)]

    def post(self, legs: list[NDArray[np.void]]) -> None:
        self.ledger.post(np.concatenate(legs))
