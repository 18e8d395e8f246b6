"""Recording: the history folded once, to write down of each transfer what the law was asked.

The facts that the law asks (sums of the day, balances, coins outstanding) stand in no
journal: they follow from all that came before. So the first replay of a store folds its
journal once, as opening a ledger does and with the same checks, and leaves them in
files; whatever is tried afterwards reads those. When the journal has grown, recording goes on
from where it stood. Questions are dealt over the files by person, so that each holder's stand
in one file, in their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import JiaoziError, JournalError, NotReady
from jiaozi.lab.replay.folder import (
    FRAMES,
    KINDS,
    Writing,
    anew,
    held_name,
    open_name,
    tidy,
)
from jiaozi.lab.replay.gathered import Gathered
from jiaozi.lab.replay.held import ABOUT, Reservations
from jiaozi.lab.replay.kinds import COLUMNS, Kinds, Reasons
from jiaozi.lab.replay.months import Months
from jiaozi.lab.replay.records import (
    FORMAT,
    FRAME,
    HELD,
    PARTS,
    QUESTION,
    WIDE,
    WIDE_COLUMNS,
    Head,
    Law,
    Questions,
    Tally,
)
from jiaozi.lab.replay.stand import Stand
from jiaozi.ledger.journal.ahead import ahead
from jiaozi.ledger.journal.frames import HEADER_BYTES, NOTHING, Receipt
from jiaozi.ledger.journal.reading import JournalReader
from jiaozi.ledger.payload import Booked, compare
from jiaozi.ledger.posting.beside import NOT_ASKED
from jiaozi.ledger.posting.two_phase import POST, VOID
from jiaozi.ledger.records import BOOK
from jiaozi.ledger.restart import Ready, fold_ready, prepare
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshots import snapshot
from jiaozi.ledger.snapshots.parts import Picture
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import sums_by_group
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.layout import MISSING

Progress = Callable[[int], None]
"""Told how many transfers were done since it was told last; of a recording, how many bytes of the journal."""

Stop = Callable[[], bool]

HANDFUL_BYTES = 1 << 18
HANDFUL = 64
"""Frames that one thread hands to the next together: handing over costs as much as a small frame."""

_UNDONE = int(Result.LINKED_EVENT_FAILED)
_LOW = np.int64(0xFFFF_FFFF)


def record(journal: Path, to: Path, *, progress: Progress | None = None, stop: Stop | None = None) -> None:
    """Fold *journal* and write what the law was asked into the folder *to*; go on from what is there.

    One at a time may do so, see `folder.alone`. Raises `JournalError` when the journal is damaged or was
    decided otherwise, `NotReady` when *stop* asks to.
    """
    stand = Stand.of(journal, to)
    if stand is None:
        with anew(to) as part:
            _record(journal, _Recorder(part), progress, stop)
    else:
        tidy(to, stand.receipt.sequence)
        _record(journal, _Recorder(to, stand), progress, stop)


def _record(journal: Path, recorder: _Recorder, progress: Progress | None, stop: Stop | None) -> None:
    reader = JournalReader(journal, recorder.receipt.sequence + 1)
    handfuls = ahead(handfuls_of(map(prepare, reader)), bytes_of)
    with closing(recorder), closing(handfuls) as given:
        for handful in given:
            for ready in handful:
                if stop is not None and stop():
                    raise NotReady("the replay was stopped")
                recorder.fold(ready)
            if progress is not None:
                progress(bytes_of(handful))
        segment = reader.last_segment.name if reader.last_segment else ""
        recorder.finish(segment, reader.end_offset)


def handfuls_of(frames: Iterable[Ready]) -> Iterator[list[Ready]]:
    """Give *frames* some at a time. An error comes behind all that were given before it."""
    some: list[Ready] = []
    size = 0
    try:
        for ready in frames:
            some.append(ready)
            size += len(ready.frame.payload)
            if len(some) == HANDFUL or size >= HANDFUL_BYTES:
                yield some
                some, size = [], 0
    except JiaoziError:
        if some:
            yield some
        raise
    if some:
        yield some


def bytes_of(handful: list[Ready]) -> int:
    """Return what *handful* takes in the journal."""
    return sum(HEADER_BYTES + len(ready.frame.payload) for ready in handful)


class _Recorder:
    """Folds frames and writes down what was asked, from the beginning or from *stand*."""

    def __init__(self, folder: Path, stand: Stand | None = None) -> None:
        head = stand.head if stand else None
        self.state = stand.state if stand else State()
        self.receipt = stand.receipt if stand else NOTHING
        self.laws: list[Law] = list(head.laws) if head else []
        self.kinds = Kinds(stand.kinds if stand else None)
        self.reasons = Reasons(head.reasons if head else ())
        self.reservations = Reservations(stand.head.reservations, stand.opened) if stand else Reservations()
        self.months = Months(self.state, head.months if head else ())
        self.tallies: dict[tuple[str, int, int], list[int]] = defaultdict(lambda: [0, 0])
        for tally in head.tallies if head else ():
            self.tallies[tally.month, tally.action, tally.result] = [tally.count, tally.amount]
        self.transfers = head.transfers if head else 0
        self.frame_count = head.frames if head else 0
        self.first_instant = head.first_instant if head and head.frames else None
        self.last_instant = head.last_instant if head else 0
        self.gathered = Gathered()
        self.kinds_before = len(self.kinds.rows)
        parts = head.parts if head else [0] * PARTS
        self.writing = Writing(folder, parts, self.frame_count, self.kinds_before)

    def fold(self, ready: Ready) -> None:
        """Fold one frame."""
        frame = ready.frame
        self.receipt = Receipt(frame.sequence, frame.hash, frame.instant)
        if self.months.is_over(frame.instant):
            self._write()
            self.months.turn(frame.instant)
        if isinstance(ready.content, Booked):
            self._post(ready, ready.content)
            return
        # What is gathered is looked at under the law and with the accounts it was booked with.
        self._write()
        fold_ready(ready, self.state)
        book = self.state.book
        if book is not None and (not self.laws or book.digest.hex() != self.laws[-1].digest):
            self.laws.append(Law(book.digest.hex(), list(book.drafts), dict(book.texts), frame.sequence))

    def _post(self, ready: Ready, stored: Booked) -> None:
        state, frame = self.state, ready.frame
        try:
            count, width = len(stored.batch), len(state.law.vocabulary.slots) + 1
            if not self.gathered.has_room(count, width):
                self._write()
            beside = self.gathered.beside(count, width)
            booked = state.post(stored.batch, stored.calls, frame.instant, stored.notes, beside)
            compare(booked, stored)
            if state.law.digest != frame.law_digest:
                raise JournalError("it was decided under another law than the journal enacted")
        except NotReady:
            raise  # the machine has no room for the frame, and nothing is wrong with it
        except (ArithmeticError, LookupError, ValueError, JiaoziError) as error:
            raise JournalError(f"frame {frame.sequence} cannot be folded: {error}") from error
        self.gathered.add(booked, frame.sequence, frame.instant)

    def close(self) -> None:
        self.writing.close()

    def finish(self, segment: str, offset: int) -> None:
        """Write what is left, make it durable, and put the head in its place."""
        self._write()
        self.writing.append(KINDS, np.array(self.kinds.rows[self.kinds_before :], dtype=np.int64))
        self.months.end()
        sequence, state = self.receipt.sequence, self.state
        opened = self.reservations.opened()
        self.writing.finish({held_name(sequence): held_by(state), open_name(sequence): opened})
        if sequence:
            snapshot.write(self.writing.folder, Picture.of(state), self.receipt)
        coins = sorted(state.register.coins.values(), key=lambda coin: coin.number)
        head = Head(
            format=FORMAT,
            journal_sequence=sequence,
            journal_hash=self.receipt.hash.hex(),
            segment=segment,
            offset=offset,
            first_instant=self.first_instant or 0,
            last_instant=self.last_instant,
            accounts=state.account_count,
            frames=self.frame_count,
            kinds=len(self.kinds.rows),
            open=len(opened),
            transfers=self.transfers,
            parts=self.writing.parts,
            reservations=self.reservations.counts,
            has_counts=state.has_counts,
            facts=COLUMNS,
            reasons=self.reasons.names,
            laws=self.laws,
            tallies=[Tally(*key, *value) for key, value in sorted(self.tallies.items())],
            months=self.months.past,
            coins=[[coin.id, coin.issuer, coin.peg] for coin in coins],
        )
        self.writing.place(head)

    def _write(self) -> None:
        """Write down what was gathered."""
        gathered = self.gathered
        if not gathered.frames:
            return
        of_frame = np.repeat(np.arange(len(gathered.frames)), gathered.sizes)
        moved, results, flags = gathered.moved, gathered.results, gathered.flags
        self._frames(of_frame, moved, flags)
        self._tally(moved, results, flags)
        rows = self._questions(of_frame, moved, results)
        rows = self._reservations(rows, flags, of_frame)
        if len(rows):
            self.writing.questions(rows)
        self.frame_count += len(gathered.frames)
        self.transfers += gathered.count
        gathered.clear()

    def _frames(self, of_frame: NDArray[np.intp], moved: NDArray[np.void], flags: NDArray[np.uint16]) -> None:
        gathered = self.gathered
        frames = np.zeros(len(gathered.frames), dtype=FRAME)
        frames["sequence"], frames["instant"] = gathered.sequences, gathered.instants
        frames["law"] = len(self.laws) - 1
        is_payment = (moved["action"] != BOOK) & (flags & (POST | VOID) == 0)
        amounts = np.where(is_payment, sent_fen(moved), 0)
        # Sums of halves are exact in the floats of `bincount`.
        for name, weights in (
            ("payments", is_payment),
            ("amount_high", amounts >> 32),
            ("amount_low", amounts & _LOW),
        ):
            frames[name] = np.bincount(of_frame, weights=weights, minlength=len(frames))
        self.writing.append(FRAMES, frames)
        self.first_instant = gathered.instants[0] if self.first_instant is None else self.first_instant
        self.last_instant = gathered.instants[-1]

    def _tally(self, moved: NDArray[np.void], results: NDArray[np.uint8], flags: NDArray[np.uint16]) -> None:
        is_own = flags & (POST | VOID) == 0
        keys = (moved["action"].astype(np.int64) << 8 | results)[is_own]
        found, where = np.unique(keys, return_inverse=True)
        counts = np.bincount(where, minlength=len(found)).tolist()
        sums = sums_by_group(sent_fen(moved)[is_own], where, len(found))
        for key, count, amount in zip(found.tolist(), counts, sums, strict=True):
            tally = self.tallies[self.months.name, key >> 8, key & 0xFF]
            tally[0] += count
            tally[1] += amount

    def _questions(
        self, of_frame: NDArray[np.intp], moved: NDArray[np.void], results: NDArray[np.uint8]
    ) -> Questions:
        gathered, state = self.gathered, self.state
        slots, accounts = state.law.vocabulary.slots, state.accounts
        # A leg undone with its chain was refused for another's sake, which no law of its own would change.
        asked = np.flatnonzero((gathered.otherwise != NOT_ASKED) & (results != _UNDONE))
        rows = np.zeros(len(asked), dtype=QUESTION)
        if not len(asked):
            return rows
        seen = gathered.seen if len(asked) == gathered.count else gathered.seen[asked]
        starts = np.cumsum(gathered.sizes) - gathered.sizes
        frame = of_frame[asked]
        rows["frame"], rows["row"] = self.frame_count + frame, asked - starts[frame]
        rows["result"], rows["otherwise"] = results[asked], gathered.otherwise[asked]
        for place, side in enumerate(("debit", "credit", "action")):
            rows[side] = gathered.meant[asked, place]
        rows["person"] = accounts["person"][rows["debit"]]
        known = slots.get("payment.amount")
        rows["amount"] = moved["amount"][asked] if known is None else seen[:, known]
        for name, column in zip(WIDE, WIDE_COLUMNS, strict=True):
            rows[column] = seen[:, slots[name]] if name in slots else MISSING
        zones, coins = accounts["zone"][rows["person"]], accounts["coin"][rows["debit"]]
        rows["kind"] = self.kinds.numbers(seen, slots, zones, coins)
        rows["reasons"] = self.reasons.numbers(gathered.bits[asked], state.law)
        return rows

    def _reservations(
        self, rows: Questions, flags: NDArray[np.uint16], of_frame: NDArray[np.intp]
    ) -> Questions:
        """Return *rows* with what they are about, and with rows for what was given back."""
        gathered = self.gathered
        about = {number for number, booked in enumerate(gathered.frames) if len(booked.released)}
        about.update(of_frame[(flags & ABOUT) != 0].tolist())
        if not about:
            return rows
        done: list[Questions] = []
        start, frames = 0, rows["frame"]
        for number in sorted(about):
            frame = self.frame_count + number
            first, last = (int(end) for end in np.searchsorted(frames, [frame, frame + 1]))
            done += [
                rows[start:first],
                self.reservations.told(gathered.frames[number], rows[first:last], frame),
            ]
            start = last
        return np.concatenate([*done, rows[start:]])


def sent_fen(moved: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the amounts of transfers (n,) in fen; 0 for what is none.

    What was sent as the amount of a transfer that failed may be anything, such as "all there is".
    """
    amounts = moved["amount"]
    return np.where((amounts > 0) & (amounts <= MAX_FEN), amounts, 0)


def held_by(state: State) -> NDArray[np.void]:
    """Return what every account has, (accounts,) HELD: trapped money is found from it."""
    held = np.zeros(state.account_count, dtype=HELD)
    for name in HELD.names or ():
        held[name] = state.accounts[name]
    return held
