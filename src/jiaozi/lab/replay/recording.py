"""Recording: the history folded once, to write down of each transfer what the law was asked.

The facts that the law asks (sums of the day, balances, coins outstanding) stand in no
journal: they follow from all that came before. So the first replay of a store folds its
journal once, as opening a ledger does and with the same checks, and leaves them in
files; whatever is tried afterwards reads those. Questions are dealt over the files by
person, so that each holder's stand in one file, in their order.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JiaoziError, JournalError, NotReady
from jiaozi.lab.replay.held import Reservations
from jiaozi.lab.replay.months import Months
from jiaozi.lab.replay.records import (
    AMOUNTS,
    FORMAT,
    FRAME,
    NUMBERS,
    PARTS,
    QUESTION,
    WIDE,
    WIDE_COLUMNS,
    Head,
    Law,
    Questions,
    Tally,
)
from jiaozi.ledger.journal.ahead import ahead
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.payload import MAX_BATCH, Booked, compare
from jiaozi.ledger.posting.beside import NOT_ASKED, Beside
from jiaozi.ledger.posting.supplied import FACTS_SUPPLIED
from jiaozi.ledger.restart import Ready, fold_ready, prepare
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import sums_by_group
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.machine.layout import MISSING

Progress = Callable[[int], None]
"""Told how many transfers were done since it was told last."""

Stop = Callable[[], bool]

FLUSHED_AFTER = 1 << 20
"""Questions kept in memory before they are dealt over the files: 100 MB."""

SMALL = tuple(name for name in FACTS_SUPPLIED if name not in (*WIDE, *NUMBERS))
"""Facts of a row of the table of kinds; after them stand the person's clock and the coin."""

_UNDONE = int(Result.LINKED_EVENT_FAILED)
_NO_PROGRAM = np.zeros(0, dtype=np.int64)


def record(journal: Path, to: Path, *, progress: Progress | None = None, stop: Stop | None = None) -> Head:
    """Fold *journal* from its first frame and write what the law was asked into the new folder *to*.

    Raises `JournalError` when the journal is damaged or was decided otherwise, `NotReady` when *stop* asks to.
    """
    part = to.with_name(f"{to.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        head = _recorded(journal, part, progress, stop)
        shutil.rmtree(to, ignore_errors=True)
        part.rename(to)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return head


def _recorded(journal: Path, part: Path, progress: Progress | None, stop: Stop | None) -> Head:
    reader = JournalReader(journal)
    recorder = _Recorder(part)
    with (
        closing(recorder),
        closing(ahead(map(prepare, reader), lambda ready: len(ready.frame.payload))) as frames,
    ):
        for ready in frames:
            if stop is not None and stop():
                raise NotReady("the replay was stopped")
            recorder.fold(ready)
            if progress is not None and isinstance(ready.content, Booked):
                progress(len(ready.content.batch))
        return recorder.finish(reader.head.sequence, reader.head.hash)


class _Recorder:
    def __init__(self, folder: Path) -> None:
        self.state = State()
        self.folder = folder
        self.frames: list[tuple[int, int, int]] = []
        self.laws: list[Law] = []
        self.kinds: dict[int, int] = {}
        self.kind_rows: list[NDArray[np.int64]] = []
        self.reasons: dict[tuple[str, ...], int] = {}
        self.waiting: list[Questions] = []
        self.waiting_count = 0
        self.dealer = ThreadPoolExecutor(1, thread_name_prefix="jiaozi-deal")
        self.dealt: Future[None] = self.dealer.submit(lambda: None)
        self.parts = [0] * PARTS
        self.reservations = Reservations()
        self.tallies: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0])
        self.months = Months(self.state)
        self.digest = b""
        self.room = Room()

    def fold(self, ready: Ready) -> None:
        self.months.turn(ready.frame.instant)
        if not isinstance(ready.content, Booked):
            fold_ready(ready, self.state)
            self._note_law(ready.frame.sequence)
            return
        stored, state = ready.content, self.state
        try:
            beside = self.room.of(len(stored.batch), len(state.law.vocabulary.slots) + 1)
            booked = state.post(stored.batch, stored.calls, ready.frame.instant, stored.notes, beside)
            compare(booked, stored)
        except (ArithmeticError, LookupError, ValueError, JiaoziError) as error:
            raise JournalError(f"frame {ready.frame.sequence} cannot be folded: {error}") from error
        self.frames.append((ready.frame.sequence, ready.frame.instant, len(self.laws) - 1))
        self._tally(booked)
        # A leg undone with its chain was refused for another's sake, which no law of its own would change.
        asked = np.flatnonzero((beside.otherwise != NOT_ASKED) & (booked.results != _UNDONE))
        rows = self._questions(booked, beside, asked)
        rows = self.reservations.told(booked, rows, len(self.frames) - 1)
        if len(rows):
            self.waiting.append(rows)
            self.waiting_count += len(rows)
            if self.waiting_count >= FLUSHED_AFTER:
                self._flush()

    def close(self) -> None:
        self.dealer.shutdown()

    def finish(self, sequence: int, journal_hash: bytes) -> Head:
        self._flush()
        self.dealt.result()
        self.months.end()
        frames = np.array(self.frames, dtype=FRAME)
        np.save(self.folder / "frames.npy", frames)
        kinds = np.array(self.kind_rows, dtype=np.int64).reshape(-1, len(SMALL) + 2)
        np.save(self.folder / "kinds.npy", kinds)
        self._balances()
        coins = sorted(self.state.register.coins.values(), key=lambda coin: coin.number)
        head = Head(
            format=FORMAT,
            journal_sequence=sequence,
            journal_hash=journal_hash.hex(),
            first_instant=int(frames["instant"][0]) if len(frames) else 0,
            last_instant=int(frames["instant"][-1]) if len(frames) else 0,
            accounts=self.state.account_count,
            parts=self.parts,
            reservations=self.reservations.counts,
            has_counts=self.state.has_counts,
            facts=[*SMALL, "clock", "coin"],
            reasons=[list(names) for names in self.reasons],
            laws=self.laws,
            tallies=[Tally(*key, *value) for key, value in sorted(self.tallies.items())],
            months=self.months.past,
            coins=[[coin.id, coin.issuer, coin.peg] for coin in coins],
        )
        (self.folder / "head.json").write_bytes(msgspec.json.encode(head))
        return head

    def _note_law(self, sequence: int) -> None:
        book = self.state.book
        if book is not None and book.digest != self.digest:
            self.digest = book.digest
            self.laws.append(Law(book.digest.hex(), list(book.drafts), dict(book.texts), sequence))

    def _tally(self, booked: Booked) -> None:
        moved = booked.as_booked()
        keys = moved["action"].astype(np.int64) << 8 | booked.results
        found, where = np.unique(keys, return_inverse=True)
        counts = np.bincount(where, minlength=len(found)).tolist()
        # What was sent as the amount of a transfer that failed may be anything, such as "all there is".
        can_be = (moved["amount"] > 0) & (moved["amount"] <= MAX_FEN)
        sums = sums_by_group(np.where(can_be, moved["amount"], 0), where, len(found))
        for key, count, amount in zip(found.tolist(), counts, sums, strict=True):
            tally = self.tallies[self.months.name, key >> 8, key & 0xFF]
            tally[0] += count
            tally[1] += amount

    def _questions(self, booked: Booked, beside: Beside, asked: NDArray[np.intp]) -> Questions:
        slots, accounts = self.state.law.vocabulary.slots, self.state.accounts
        seen = beside.seen
        rows = np.zeros(len(asked), dtype=QUESTION)
        if not len(asked):
            return rows
        rows["frame"], rows["row"] = len(self.frames) - 1, asked
        rows["result"], rows["otherwise"] = booked.results[asked], beside.otherwise[asked]
        for place, side in enumerate(("debit", "credit", "action")):
            rows[side] = beside.meant[asked, place]
        rows["person"] = accounts["person"][rows["debit"]]
        rows["amount"] = seen[asked, slots["payment.amount"]]
        for name, column in zip(WIDE, WIDE_COLUMNS, strict=True):
            rows[column] = seen[asked, slots[name]]
        rows["kind"] = self._kinds_of(rows, seen, asked)
        rows["reasons"] = self._reasons_of(booked, asked)
        return rows

    def _kinds_of(
        self, rows: Questions, seen: NDArray[np.int64], asked: NDArray[np.intp]
    ) -> NDArray[np.uint32]:
        """Return for each row its place in the table of kinds, which grows as new ones come."""
        slots, accounts = self.state.law.vocabulary.slots, self.state.accounts
        known = np.empty((len(asked), len(SMALL) + 2), dtype=np.int64)
        for column, name in enumerate(SMALL):
            values = seen[asked, slots[name]] if name in slots else np.full(len(asked), MISSING)
            if name in AMOUNTS:  # only whether it is known; the amount stands in its row
                values = np.where(values == MISSING, MISSING, 0)
            known[:, column] = values
        known[:, -2] = accounts["zone"][rows["person"]]
        known[:, -1] = accounts["coin"][rows["debit"]]
        keys = (known.view(np.uint64) * _ODD[: known.shape[1]]).sum(axis=1, dtype=np.uint64)
        found, first, where = np.unique(keys, return_index=True, return_inverse=True)
        places = np.empty(len(found), dtype=np.uint32)
        for number, key in enumerate(found.tolist()):
            if key not in self.kinds:
                self.kinds[key] = len(self.kind_rows)
                self.kind_rows.append(known[first[number]].copy())
            places[number] = self.kinds[key]
        return places[where]

    def _reasons_of(self, booked: Booked, asked: NDArray[np.intp]) -> NDArray[np.uint16]:
        bits = booked.bits[asked]
        numbers = np.zeros(len(asked), dtype=np.uint16)
        refused = np.flatnonzero(bits.any(axis=1))
        if len(refused):
            found, where = np.unique(bits[refused], axis=0, return_inverse=True)
            names = [names_of(self.state.law, row) for row in found]
            known = [self.reasons.setdefault(each, len(self.reasons) + 1) for each in names]
            numbers[refused] = np.array(known, dtype=np.uint16)[where.reshape(-1)]
        return numbers

    def _flush(self) -> None:
        """Hand what waits to a thread of its own, which deals it over the files while the next is folded."""
        if self.waiting:
            waiting, self.waiting, self.waiting_count = self.waiting, [], 0
            self.dealt.result()
            self.dealt = self.dealer.submit(self._deal, waiting)

    def _deal(self, waiting: list[Questions]) -> None:
        rows = np.concatenate(waiting)
        part = (rows["person"] % PARTS).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=PARTS))
        # As words: a row at a time of a record takes five times as long.
        words = rows.view(np.uint64).reshape(len(rows), -1)[order]
        start = 0
        for number, end in enumerate(ends.tolist()):
            with (self.folder / part_name(number)).open("ab") as file:
                words[start:end].tofile(file)
            self.parts[number] += end - start
            start = end

    def _balances(self) -> None:
        """Keep what each account has at the end: trapped money is found from it."""
        accounts = self.state.accounts
        kept = np.zeros(len(accounts), dtype=HELD)
        for name in HELD.names or ():
            kept[name] = accounts[name]
        np.save(self.folder / "held.npy", kept)


_ODD = np.random.default_rng(11).integers(0, 2**63, 64, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
"""Multipliers that make one number of a row of facts; two rows with one number would be taken for one kind."""

HELD = np.dtype(
    [("balance", "<i8"), ("coin", "<u2"), ("flags", "<u2"), ("zone", "u1"), ("kind", "u1"), ("tier", "u1")]
)
"""An account at the end of the history."""


def part_name(number: int) -> str:
    """Return the file of a part."""
    return f"questions-{number:03d}.rows"


class Room:
    """Room to write down what is asked, used again for each frame: new memory would cost more than the writing."""

    def __init__(self) -> None:
        self._seen = np.empty((0, 0), dtype=np.int64)

    def of(self, count: int, width: int) -> Beside:
        """Return room for *count* transfers of *width* facts each, asked of no other law."""
        if self._seen.shape[0] < count or self._seen.shape[1] != width:
            self._seen = np.empty((max(count, MAX_BATCH), width), dtype=np.int64)
        return beside_of(self._seen[:count])


def beside_of(seen: NDArray[np.int64], *, program: NDArray[np.int64] = _NO_PROGRAM, words: int = 1) -> Beside:
    """Return what is asked beside the law, with *seen* (n, facts) for the facts of n transfers."""
    return Beside(
        program=program,
        interval=np.zeros(1, dtype=np.int64),
        bits=np.zeros((len(seen), words), dtype=np.uint64),
        otherwise=np.full(len(seen), NOT_ASKED, dtype=np.uint8),
        seen=seen,
        meant=np.zeros((len(seen), 3), dtype=np.int64),
        row=np.zeros(1, dtype=np.int64),
    )
