"""The ledger as a library: columns in, a column of answers out; one payment where that is all there is.

    import jiaozi

    with jiaozi.open("var/book") as ledger:
        outcome = ledger.post({"debit": payers, "credit": payees, "amount_fen": amounts,
                               "action": "pay", "place": "cn-sh", "id": ids})
        outcome.results          # (n,) uint8, one `Result` for each transfer
        answer = ledger.pay(debit=4, credit=5, amount_fen=12_50, place="cn-sh")
        hotel = ledger.pay(debit=4, credit=5, amount_fen=800_00, place="cn-sh", pending=86_400)
        ledger.post_pending(hotel.id, 640_00)

It may be called from any thread: callers that come together share a frame and a
flush. The twins that end in `_async` do the same in an event loop, and many callers
of one loop are far faster than as many threads. Whoever gives the ids may try
anything again after any failure: an id books once.

Cancelling a task that waits takes nothing back: its transfer may still be booked,
once, and nobody else's answer changes. Ask again with the same id to learn it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import struct
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import msgspec
import numpy as np

from jiaozi.clock import Clock, Instant, system_clock
from jiaozi.ledger.callers import ROW, LoopPort, OneOfThread, Place
from jiaozi.ledger.columns import place_codes, transfers_from, travel_codes
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.history.beside import LedgerWithHistory
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.ledger import Outcome, Progress
from jiaozi.ledger.notes import Note, Notes
from jiaozi.ledger.records import AS_PENDING, PAY, TRANSFER, WHOLE, Choice, TransferFlag, Transfers
from jiaozi.ledger.results import WORDS, Result
from jiaozi.rulebook.model import Book

_LOW = (1 << 64) - 1
_RESULTS = tuple(Result)
_PENDING, _POST, _VOID = (
    int(TransferFlag.PENDING),
    int(TransferFlag.POST_PENDING_TRANSFER),
    int(TransferFlag.VOID_PENDING_TRANSFER),
)


class Answer(msgspec.Struct, frozen=True):
    """What became of one transfer.

    id_number   its id as a number of 128 bits
    result      see `Result`
    reasons     the names of what stood in the way
    amount_fen  what it moved; zero when this call booked nothing
    receipt     of the frame that is durable now
    """

    id_number: int
    result: Result
    reasons: tuple[str, ...]
    amount_fen: int
    receipt: Receipt

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(int=self.id_number)

    @property
    def is_booked(self) -> bool:
        """Whether the money moved or was reserved, now or when the same transfer came before."""
        return self.result in (Result.CREATED, Result.EXISTS)

    def __str__(self) -> str:
        """Say it as a person would: `refused by law: cn-sh.pay/single_cap`."""
        words = WORDS[self.result]["en"]
        return f"{words}: {', '.join(self.reasons)}" if self.reasons else words


class OpenLedger(LedgerWithHistory):
    """A ledger in a folder, as programs use it. Everything of `Ledger` and its history is here as well."""

    def __init__(self, *given: Any) -> None:
        """Use `OpenLedger.open`."""
        super().__init__(*given)
        self._own = threading.local()  # the port of this thread's event loop
        self._last_port: LoopPort | None = None
        self._words: _Words | None = None
        self._chance: Iterator[tuple[int, int]] = iter(())

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        clock: Clock = system_clock,
        progress: Progress | None = None,
        holders: Path | str | None = None,
    ) -> Self:
        """Open the ledger in *folder*, or begin one; with *holders* records lie on disk, see `Ledger.open`.

        Raises `JournalBusy`, `JournalError`, `NotReady`.
        """
        place = None if holders is None else Path(holders)
        return cast(Self, super().open(Path(folder), clock=clock, progress=progress, holders=place))

    def enact(self, book: Book) -> Receipt:
        """Let the ledger ask *book* from now on. Raises `FactError`."""
        return self.record(LawEnacted.of(book))

    # -- batches ------------------------------------------------------------

    def post(
        self,
        batch: Any,
        *,
        notes: Mapping[int, Note] | Notes | None = None,
        choice: Choice = Choice.CONTINUE,
        all_or_nothing: bool = False,
        at: Instant | None = None,
    ) -> Outcome:
        """Book a batch and return one answer for each transfer, durable.

        *batch* is (n,) TRANSFER, or columns as `ledger.columns` describes them. Transfers
        without an id get one, and then a retry books them again. Options as in `Ledger.post`;
        notes come in columns or in *notes*, not in both. Raises `ValueError` for a column
        that will not do, `NotReady`, `JournalError`.
        """
        own, beside = self._batch(batch, notes)
        return super().post(own, notes=beside, choice=choice, all_or_nothing=all_or_nothing, at=at)

    async def post_async(
        self,
        batch: Any,
        *,
        notes: Mapping[int, Note] | Notes | None = None,
        choice: Choice = Choice.CONTINUE,
        all_or_nothing: bool = False,
    ) -> Outcome:
        """Like `post`, in an event loop. To cancel it takes nothing back, see above."""
        own, beside = self._batch(batch, notes)
        self._port().send()  # payments that were asked for before stay before
        future = self.submit(own, notes=beside, choice=choice, all_or_nothing=all_or_nothing)
        return await asyncio.wrap_future(future)

    def post_pending_all(
        self, pending_ids: Any, amounts_fen: Any = WHOLE, *, ids: Any = None, choice: Choice = Choice.CONTINUE
    ) -> Outcome:
        """Post the pending transfers *pending_ids*, whole or the part that *amounts_fen* gives for each.

        Ids as a column `id`, see `ledger.columns`; *ids* are those of the transfers that post.
        """
        columns = {"post": True, "pending_id": pending_ids, "amount_fen": amounts_fen}
        return self.post(columns | _named(ids), choice=choice)

    def void_pending_all(
        self, pending_ids: Any, *, ids: Any = None, choice: Choice = Choice.CONTINUE
    ) -> Outcome:
        """Void the pending transfers *pending_ids*: what they reserved is free again."""
        return self.post({"void": True, "pending_id": pending_ids} | _named(ids), choice=choice)

    async def post_pending_all_async(
        self, pending_ids: Any, amounts_fen: Any = WHOLE, *, ids: Any = None, choice: Choice = Choice.CONTINUE
    ) -> Outcome:
        """Like `post_pending_all`, in an event loop."""
        columns = {"post": True, "pending_id": pending_ids, "amount_fen": amounts_fen}
        return await self.post_async(columns | _named(ids), choice=choice)

    async def void_pending_all_async(
        self, pending_ids: Any, *, ids: Any = None, choice: Choice = Choice.CONTINUE
    ) -> Outcome:
        """Like `void_pending_all`, in an event loop."""
        return await self.post_async({"void": True, "pending_id": pending_ids} | _named(ids), choice=choice)

    # -- one transfer -------------------------------------------------------

    def pay(
        self,
        *,
        debit: int,
        credit: int,
        amount_fen: int,
        place: str,
        travel_data: str = "",
        id: uuid.UUID | None = None,
        pending: int | None = None,
    ) -> Answer:
        """Pay *amount_fen* from account *debit* to account *credit*, durable when it returns.

        With *pending* the money is only reserved, for so many seconds, or until it is posted or voided when
        that is 0.
        """
        number, row = self._payment(debit, credit, amount_fen, place, travel_data, id, pending)
        return self._wait_for(number, row)

    async def pay_async(
        self,
        *,
        debit: int,
        credit: int,
        amount_fen: int,
        place: str,
        travel_data: str = "",
        id: uuid.UUID | None = None,
        pending: int | None = None,
    ) -> Answer:
        """Like `pay`, in an event loop. To cancel it takes nothing back, see above."""
        number, row = self._payment(debit, credit, amount_fen, place, travel_data, id, pending)
        return _answer(number, await self._port().hand_in(row))

    def post_pending(
        self, pending_id: uuid.UUID, amount_fen: int = WHOLE, *, id: uuid.UUID | None = None
    ) -> Answer:
        """Post the pending transfer *pending_id*: move what it reserved, or the part *amount_fen* of it.

        *id* is the id of the transfer that posts. Without one, a second try is told that it was posted before.
        """
        return self._wait_for(*self._ending(_POST, pending_id, amount_fen, id))

    async def post_pending_async(
        self, pending_id: uuid.UUID, amount_fen: int = WHOLE, *, id: uuid.UUID | None = None
    ) -> Answer:
        """Like `post_pending`, in an event loop."""
        number, row = self._ending(_POST, pending_id, amount_fen, id)
        return _answer(number, await self._port().hand_in(row))

    def void_pending(self, pending_id: uuid.UUID, *, id: uuid.UUID | None = None) -> Answer:
        """Void the pending transfer *pending_id*: what it reserved is free again."""
        return self._wait_for(*self._ending(_VOID, pending_id, WHOLE, id))

    async def void_pending_async(self, pending_id: uuid.UUID, *, id: uuid.UUID | None = None) -> Answer:
        """Like `void_pending`, in an event loop."""
        number, row = self._ending(_VOID, pending_id, WHOLE, id)
        return _answer(number, await self._port().hand_in(row))

    # -- how a transfer becomes 64 bytes ------------------------------------

    def _wait_for(self, number: int, row: bytes) -> Answer:
        one = OneOfThread(row)
        self.submit_ones(one)
        return _answer(number, one.wait())

    def _port(self) -> LoopPort:
        loop = asyncio.get_running_loop()
        port = self._last_port
        if port is None or port.loop is not loop:
            port = getattr(self._own, "port", None)
            if port is None or port.loop is not loop:
                port = self._own.port = LoopPort(loop, self.submit_ones)
            self._last_port = port
        return port

    def _payment(
        self,
        debit: int,
        credit: int,
        amount_fen: int,
        place: str,
        travel_data: str,
        id: uuid.UUID | None,
        pending: int | None,
    ) -> tuple[int, bytes]:
        """Return the id of a payment and its 64 bytes; `transfers_from` says what will not do."""
        words = self._words
        if words is None or words.law is not self._state.book:
            words = self._words = _Words.of(self.state.law)
        hi, lo = divmod(id.int, 1 << 64) if id else self._fresh_id()
        timeout, flags = (0, 0) if pending is None else (pending, _PENDING)
        try:
            row = ROW.pack(
                lo, hi, debit, credit, amount_fen, timeout, 0, 0, 0, 0,
                PAY, words.places[place], words.travel_data[travel_data], 0, 0, flags,
            )  # fmt: skip
        except (KeyError, TypeError, struct.error):
            columns: dict[str, Any] = {"debit": debit, "credit": credit, "amount_fen": amount_fen}
            columns |= {"action": PAY, "place": place, "travel_data": travel_data, "timeout": timeout}
            batch, _ = transfers_from(columns | {"pending": pending is not None}, self.state.words)
            batch["id_lo"], batch["id_hi"] = lo, hi
            row = batch.tobytes()
        return hi << 64 | lo, row

    def _ending(
        self, flag: int, pending_id: uuid.UUID, amount_fen: int, id: uuid.UUID | None
    ) -> tuple[int, bytes]:
        """Return the id of a transfer that posts or voids, and its 64 bytes."""
        self.state.law  # noqa: B018  # before a law is enacted there is nothing to post
        hi, lo = divmod(id.int, 1 << 64) if id else self._fresh_id()
        pending_hi, pending_lo = divmod(pending_id.int, 1 << 64)
        try:
            row = ROW.pack(
                lo,
                hi,
                AS_PENDING,
                AS_PENDING,
                amount_fen,
                0,
                0,
                0,
                pending_lo,
                pending_hi,
                0,
                0,
                0,
                0,
                0,
                flag,
            )
        except struct.error:
            raise ValueError(f"amount_fen must be a whole number of fen, not {amount_fen!r:.40}") from None
        return hi << 64 | lo, row

    def _fresh_id(self) -> tuple[int, int]:
        """Return the halves (hi, lo) of a fresh UUIDv7."""
        chance = next(self._chance, None)  # one step of C: two threads never get the same
        if chance is None:
            noise = np.frombuffer(os.urandom(16 * 256), dtype=np.uint64)
            high = noise[:256] & np.uint64(0xFFF) | np.uint64(7 << 12)
            low = noise[256:] & np.uint64((1 << 62) - 1) | np.uint64(1 << 63)
            self._chance = zip(high.tolist(), low.tolist(), strict=True)
            return self._fresh_id()
        return self._clock() // 1_000_000 << 16 | chance[0], chance[1]

    def _batch(
        self, given: Any, notes: Mapping[int, Note] | Notes | None
    ) -> tuple[Transfers, Mapping[int, Note] | Notes | None]:
        if isinstance(given, np.ndarray) and given.dtype == TRANSFER:
            return given, notes
        batch, beside = transfers_from(given, self.state.words)
        if len(beside) and notes:
            raise ValueError("notes come in columns or in *notes*, not in both")
        without = (batch["id_lo"] == 0) & (batch["id_hi"] == 0)
        if without.any():
            fresh = batch[without]
            give_ids(fresh, self._clock(), np.random.default_rng(secrets.randbits(128)))
            batch[without] = fresh
        return batch, beside if len(beside) else notes


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one law, looked up once."""

    law: Book
    places: Mapping[str, int]
    travel_data: Mapping[str, int]

    @classmethod
    def of(cls, law: Book) -> _Words:
        return cls(law, place_codes(law.vocabulary), travel_codes(law.vocabulary))


def _named(ids: Any) -> dict[str, Any]:
    return {} if ids is None else {"id": ids}


def _answer(number: int, place: Place) -> Answer:
    frame, at, code, amount_fen = place
    result = _RESULTS[code]
    reasons = frame.reasons(at) if result is Result.REFUSED_BY_LAW else ()
    return Answer(number, result, reasons, amount_fen, frame.receipt)
