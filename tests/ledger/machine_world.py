"""Two ledgers side by side: the real one on disk, and the plain one that was made to be read.

Whatever is done to the one is done to the other, and afterwards they hold the same. The transfers and
facts are those of `RandomWorld`; here the world is told at each step from which seed to take them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, ManualClock
from jiaozi.ledger.backup import back_up, restore
from jiaozi.ledger.callers import Outcome
from jiaozi.ledger.facts import AccountClosed, AccountReopened, ConsentGranted, Fact, LicenceGranted
from jiaozi.ledger.history.beside import LedgerWithHistory
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.posting.plain import Answer, PlainLedger
from jiaozi.ledger.posting.plain_books import Account
from jiaozi.ledger.records import AS_PENDING, OWN_PERSON, PAY, AccountFlag, Choice, TransferFlag, openings
from jiaozi.ledger.restart import restart
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from tests.ledger.faults.checking import segments_of
from tests.ledger.invariants import check
from tests.ledger.random_worlds import (
    COINS,
    LINKED,
    PENDING,
    PER_COIN,
    SHEET,
    Posting,
    RandomWorld,
    as_array,
    changed,
    instant,
)
from tests.ledger.test_post_properties import callers, check_books, check_conservation

START = instant("2026-12-30T20:00+08:00")
SEGMENT_BYTES = 20_000
"""So small that a few frames fill a segment: there is always something to seal."""

POST = int(TransferFlag.POST_PENDING_TRANSFER)
VOID = int(TransferFlag.VOID_PENDING_TRANSFER)

Standing = list[tuple[int, int, int]]
"""Of each account: balance, pending out, pending in."""


class Leg(NamedTuple):
    """A payment of a coin between two of its holders; with a timeout it is reserved only."""

    coin: int
    payer: int
    payee: int
    amount_fen: int
    timeout: int | None


class Pair:
    """The real ledger in a folder of its own, and the plain one."""

    def __init__(self, seed: int) -> None:
        self._stack = ExitStack()
        self.root = Path(self._stack.enter_context(TemporaryDirectory()))
        self._stack.enter_context(segments_of(SEGMENT_BYTES))
        self.offices = self.steps = 0
        self.clock = ManualClock(START)
        self.world = RandomWorld(seed)
        self.plain = PlainLedger()
        self.known: dict[Instant, Standing] = {}
        self.ledger = self._open(self.office / "journal")
        self.record([*self.world.facts(), *self._licences(seed)])
        for opened in self.world.openings():
            self.open_accounts(opened)
        self.record(self.world.sheets())
        self.world.now = START
        batch, ends = self.world._funding()
        self.post(Posting(batch, ends, START), "whole")

    def close(self) -> None:
        """Let go of everything, whatever failed."""
        try:
            self.ledger.close()
        finally:
            self._stack.close()

    @property
    def office(self) -> Path:
        return self.root / str(self.offices)

    @property
    def now(self) -> Instant:
        return self.clock()

    def seeded(self, seed: int) -> Random:
        """Let the world take what comes next from *seed*, which may come again without its ids coming again."""
        self.steps += 1
        self.world.random = Random(f"{seed} {self.steps}")
        self.world.now = self.now
        return self.world.random

    def _licences(self, seed: int) -> list[Fact]:
        """Return licences and consents for most worlds: where nobody may pay, there is little to compare."""
        if seed % 8 == 7:
            return []
        homes = {"a": "cn-sh", "b": "hk", "c": "cn-sh"}
        since, actions = date(2025, 8, 1), ["issue", "pay", "redeem"]
        facts: list[Fact] = [LicenceGranted(issuer, place, "9", since) for issuer, place in homes.items()]
        for coin, issuer, _ in COINS:
            places = [homes[issuer]]
            facts.append(ConsentGranted(issuer, "cn", "y", actions, coin, places, 10**13, since))
        return facts

    # -- what is done to both -----------------------------------------------

    def pass_time(self, seconds: int) -> None:
        """Move the clock on, and let what is due be released."""
        self.clock.advance(seconds)
        self.ledger.tick()
        # Only a frame lets time pass: the horizon of ids must not move where the ledger wrote none.
        pending = self.plain.books.pending.values()
        if any(each.deadline is not None and each.deadline <= self.now for each in pending):
            self.plain.books.move_to(self.now)
        self.check()

    def record(self, facts: Sequence[Fact]) -> None:
        self.ledger.record(*facts)
        for fact in facts:
            self.plain.books.record(fact)

    def open_accounts(self, opened: NDArray[np.void]) -> None:
        words = self.ledger.state.words
        first = self.ledger.open_accounts(opened)
        assert first == len(self.plain.books.accounts)
        for number, row in enumerate(opened, start=first):
            person = int(row["person"])
            self.plain.books.accounts.append(
                Account(
                    coin=COINS[int(row["coin"])][0],
                    zone=words.place_names[row["zone"]],
                    kind=words.word("payer.kind", int(row["kind"])),
                    tier=words.word("payer.tier", int(row["tier"])),
                    flags=AccountFlag(int(row["flags"])),
                    person=number if person == OWN_PERSON else person,
                )
            )

    def post(self, posting: Posting, way: str) -> None:
        """Post *posting* in the *way* named: `whole`, `queued`, `threads`; compare the answers, then the books."""
        parts = [part for part in callers(posting) if part.batch]
        if way == "whole":
            parts = [Posting(posting.batch, (len(posting.batch),), self.now)] if posting.batch else []
        if way == "threads" and len({as_array(part.batch).tobytes() for part in parts}) < len(parts):
            way = "queued"  # who came first could not be told from the journal
        before = self.ledger.sequence
        if way == "threads":
            with ThreadPoolExecutor(max(1, len(parts))) as pool:
                outcomes = list(pool.map(lambda part: self.submit(part)(), parts))
            parts, outcomes = self._in_order(before, parts, outcomes)
        else:
            outcomes = [wait() for wait in [self.submit(part) for part in parts]]
        for part, outcome in zip(parts, outcomes, strict=True):
            expected = self.plain.post(part.batch, part.ends, self.now, part.choices)
            for row, (ours, theirs) in enumerate(zip(answers_of(outcome), expected, strict=True)):
                assert ours == theirs, f"transfer {row}: {part.batch[row]}"
        self.check()

    def payments(self, legs: Sequence[Leg], *, is_linked: bool) -> Posting:
        """Return *legs* as one caller's transfers, each a payment between holders of a coin."""
        batch = []
        for number, leg in enumerate(legs, start=1):
            first = leg.coin * PER_COIN + len(SHEET)
            flags = LINKED if is_linked and number < len(legs) else 0
            sent = self.world._transfer(
                first + leg.payer, first + leg.payee, leg.amount_fen, PAY,
                place=3 if COINS[leg.coin][2] == "HKD" else 2, flags=flags,
            )  # fmt: skip
            if leg.timeout is not None:
                sent = changed(sent, flags=flags | PENDING, timeout=leg.timeout)
                self.world.pending.append(sent)
            batch.append(changed(sent, travel_data=3))
        self.world.sent += batch
        return Posting(tuple(batch), (len(batch),), self.now)

    def resolving(self, which: int, amount_fen: int, *, is_void: bool) -> Posting:
        """Return a transfer that posts or voids the *which*-th newest reservation, whatever became of it."""
        taken = self.plain.ids.items()
        known = [number for number, (sent, result) in taken if sent.flags & PENDING and not result] or [1]
        flags, memo = VOID if is_void else POST, known[-1 - which % len(known)]
        sent = self.world._transfer(AS_PENDING, AS_PENDING, amount_fen, 0, place=0, flags=flags, memo=memo)
        self.world.sent.append(sent)
        return Posting((sent,), (1,), self.now)

    def submit(self, part: Posting) -> Callable[[], Outcome]:
        """Hand in one caller's transfers and return how to wait for the answers."""
        choice = part.choices[0] if part.choices else Choice.CONTINUE
        return self.ledger.submit(as_array(part.batch), notes=part.notes, choice=choice).result

    def _in_order(
        self, before: int, parts: list[Posting], outcomes: list[Outcome]
    ) -> tuple[list[Posting], list[Outcome]]:
        """Return callers and outcomes in the order in which the journal has them."""
        places = {as_array(part.batch).tobytes(): number for number, part in enumerate(parts)}
        order = []
        for frame in read_frames(self.office / "journal", before + 1):
            if frame.kind is FrameKind.TRANSFERS:
                booked = unpack(frame.payload)
                bounds = [0, *booked.calls["end"].tolist()]
                for start, end in pairwise(bounds):
                    order.append(places[booked.batch[start:end].tobytes()])
        assert sorted(order) == list(range(len(parts)))
        return [parts[number] for number in order], [outcomes[number] for number in order]

    def turn_account(self, account: int) -> None:
        """Close *account* when it may be closed, or open it again when it is closed."""
        known = self.plain.books.accounts[account]
        if known.is_internal:
            return
        if AccountFlag.CLOSED in known.flags:
            self.record([AccountReopened(account, "desk")])
        elif (known.balance, known.pending_out, known.pending_in) == (0, 0, 0):
            self.record([AccountClosed(account, "desk")])

    def open_wallets(self, count: int) -> None:
        random = self.world.random
        opened = openings(count)
        for row in opened:
            coin = random.randrange(len(COINS))
            row["coin"], row["kind"] = coin, 1
            row["zone"] = 3 if COINS[coin][2] == "HKD" else 2
            row["tier"] = random.choice([2, 3, 4])
        self.open_accounts(opened)

    # -- what must change nothing -------------------------------------------

    def snapshot(self) -> None:
        self.ledger.snapshot()

    def seal(self) -> None:
        seal(self.office / "journal", unit_bytes=3 * SEGMENT_BYTES)

    def reopen(self) -> None:
        digest = self.digest()
        self.ledger.close()
        self.ledger = self._open(self.office / "journal")
        assert self.digest() == digest

    def crash(self) -> None:
        """Go on in a copy of the folder as it stands, as after a power cut; the writer never closed it."""
        digest = self.digest()
        self._move(lambda new: shutil.copytree(self.office / "journal", new / "journal"))
        assert self.digest() == digest

    def crash_amid(self, posting: Posting) -> None:
        """Copy the folder while *posting* is written: the copy opens, and holds a beginning of what is here."""
        image = self.root / "image"
        parts = [part for part in callers(posting) if part.batch]
        waiting = [self.submit(part) for part in parts]
        # The mark of what was flushed first: copied after the frames, it might tell of one that came in between.
        image.mkdir()
        shutil.copy2(self.office / "journal" / "durable", image)
        not_again = shutil.ignore_patterns("durable")
        shutil.copytree(self.office / "journal", image, ignore=not_again, dirs_exist_ok=True)
        for part, wait in zip(parts, waiting, strict=True):
            assert answers_of(wait()) == self.plain.post(part.batch, part.ends, self.now, part.choices)
        self.check()
        with self._open(image) as ledger:
            ledger.at_cut(lambda state, _: check(state))
            last = ledger.sequence
        hashes = {frame.sequence: frame.hash for frame in read_frames(self.office / "journal")}
        assert all(
            hashes[frame.sequence] == frame.hash for frame in read_frames(image) if frame.sequence <= last
        )
        shutil.rmtree(image)

    def back_up(self) -> None:
        """Go on in what was restored from a backup made while the ledger was open."""
        digest = self.digest()
        back_up(self.office, self.root / "backup", made=self.now)
        self._move(lambda new: restore(self.root / "backup", new))
        assert self.digest() == digest

    def _move(self, fill: Callable[[Path], object]) -> None:
        fill(self.root / str(self.offices + 1))
        self.ledger.close()
        shutil.rmtree(self.office)
        shutil.rmtree(self.root / "backup", ignore_errors=True)
        self.offices += 1
        self.ledger = self._open(self.office / "journal")

    def _open(self, folder: Path) -> LedgerWithHistory:
        folder.mkdir(parents=True, exist_ok=True)
        ledger = LedgerWithHistory.open(folder, clock=self.clock)
        assert isinstance(ledger, LedgerWithHistory)
        return ledger

    # -- what must hold -----------------------------------------------------

    def digest(self) -> str:
        return self.ledger.at_cut(lambda state, _: state.digest())

    def standing(self) -> Standing:
        accounts = self.plain.books.accounts
        return [(account.balance, account.pending_out, account.pending_in) for account in accounts]

    def check(self) -> None:
        """Compare everything that both know, and remember what stands at this instant."""

        def look(state: State) -> None:
            check(state)
            check_conservation(state)
            check_books(state, self.plain, self.now)

        self.ledger.at_cut(lambda state, _: look(state))
        self.known[self.now] = self.standing()

    def check_fold(self) -> None:
        """The journal from frame 1, without snapshots, comes to the state that is live."""
        assert restart(self.office / "journal", anew=True).state.digest() == self.digest()

    def check_history(self, random: Random) -> None:
        """Balances read back are those that were: of all accounts now and of one account at any time."""
        with self.ledger.history() as history:
            for moment in {self.now, random.choice(list(self.known))} & self.known.keys():
                sums = history.balances_at(moment)
                columns = [sums[name].tolist() for name in ("balance", "pending_out", "pending_in")]
                found = dict(zip(sums["account"].tolist(), zip(*columns, strict=True), strict=True))
                for account, stood in enumerate(self.known[moment]):
                    assert found.get(account, (0, 0, 0)) == stood, f"account {account} at {moment}"
                account = random.randrange(len(self.known[moment]))
                one = history.balance_at(account, moment)
                assert (one.balance, one.pending_out, one.pending_in) == self.known[moment][account]

    def check_totals(self) -> None:
        lines, supplies = self.ledger.totals()
        for number, supply in enumerate(supplies):
            assert sum(line.balance for line in lines if line.coin == number) == 0
            assert supply.is_covered_by_the_books

    def check_changes(self) -> None:
        """Whoever follows the changes from the beginning comes to the same books."""
        books = np.zeros((len(self.plain.books.accounts), 3), dtype=np.int64)
        held: dict[int, tuple[int, int, int]] = {}

        def reserve(debit: int, credit: int, amount: int) -> None:
            books[debit, 1] += amount
            books[credit, 2] += amount

        def release(number: int) -> None:
            debit, credit, amount = held.pop(number)
            reserve(debit, credit, -amount)

        for event in self.ledger.changes(wait=False):
            row = event.row
            if event.kind == "released" and row is not None:
                release(int(row["id_hi"]) << 64 | int(row["id_lo"]))
            if row is None or event.result is not Result.CREATED:
                continue
            move, flags = (int(row["debit"]), int(row["credit"]), int(row["amount"])), int(row["flags"])
            if flags & PENDING:
                held[int(row["id_hi"]) << 64 | int(row["id_lo"])] = move
                reserve(*move)
                continue
            if flags & (POST | VOID):
                release(int(row["memo_hi"]) << 64 | int(row["memo_lo"]))
            if not flags & VOID:
                books[move[0], 0] -= move[2]
                books[move[1], 0] += move[2]
        assert [tuple(stood) for stood in books.tolist()] == self.standing()


def answers_of(outcome: Outcome) -> list[Answer]:
    """Return the answers of the real ledger in the words of the plain one."""
    return [
        Answer(Result(int(result)), outcome.reasons(row), int(amount))
        for row, (result, amount) in enumerate(zip(outcome.results, outcome.amounts_fen, strict=True))
    ]
