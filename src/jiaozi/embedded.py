"""The ledger as a library: columns in, a column of answers out; one payment where that is all there is.

    import jiaozi

    with jiaozi.open("var/book") as ledger:
        outcome = ledger.post({"debit": payers, "credit": payees, "amount_fen": amounts,
                               "action": "pay", "place": "cn-sh", "id": ids})
        outcome.results          # (n,) uint8, one `Result` for each transfer
        answer = ledger.pay(debit=4, credit=5, amount_fen=12_50, place="cn-sh")

It may be called from any thread: callers that come together share a frame and a
flush. `post_async` and `pay_async` do the same in an event loop. Whoever gives the
ids may try anything again after any failure: an id books once.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from jiaozi.clock import Clock, system_clock
from jiaozi.ledger.columns import transfers_from
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.frames import Receipt
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.ledger import Ledger, Outcome, Progress
from jiaozi.ledger.records import TRANSFER, Transfers
from jiaozi.ledger.results import WORDS, Result
from jiaozi.rulebook.model import Book


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one transfer: its id, the result, and the names of what stood in the way."""

    id: uuid.UUID
    result: Result
    reasons: tuple[str, ...]
    receipt: Receipt

    @property
    def is_booked(self) -> bool:
        """Whether the money moved, now or when the same transfer came before."""
        return self.result in (Result.CREATED, Result.EXISTS)

    def __str__(self) -> str:
        """Say it as a person would: `refused by law: cn-sh.pay/single_cap`."""
        words = WORDS[self.result]["en"]
        return f"{words}: {', '.join(self.reasons)}" if self.reasons else words


class OpenLedger(Ledger):
    """A ledger in a folder, as programs use it. Everything of `Ledger` is here as well."""

    @classmethod
    def open(
        cls, folder: Path | str, *, clock: Clock = system_clock, progress: Progress | None = None
    ) -> Self:
        """Open the ledger in *folder*, or begin one. Raises `JournalBusy`, `JournalError`."""
        return cast(Self, super().open(Path(folder), clock=clock, progress=progress))

    def enact(self, book: Book) -> Receipt:
        """Let the ledger ask *book* from now on. Raises `FactError`."""
        return self.record(LawEnacted.of(book))

    def post(self, batch: Any) -> Outcome:
        """Book a batch and return one answer for each transfer, durable.

        *batch* is (n,) TRANSFER, or columns as `ledger.columns` describes them. Transfers
        without an id get one, and then a retry books them again. Raises `ValueError`
        for a column that will not do, `NotReady`, `JournalError`.
        """
        return self.submit(self._batch(batch)).result()

    async def post_async(self, batch: Any) -> Outcome:
        """Like `post`, in an event loop."""
        return await asyncio.wrap_future(self.submit(self._batch(batch)))

    def pay(
        self,
        *,
        debit: int,
        credit: int,
        amount_fen: int,
        place: str,
        travel_data: str = "",
        id: uuid.UUID | None = None,
    ) -> Answer:
        """Pay *amount_fen* from account *debit* to account *credit*, durable when it returns."""
        batch = self._one(debit, credit, amount_fen, place, travel_data, id)
        return self._answer(batch, self.submit(batch).result())

    async def pay_async(
        self,
        *,
        debit: int,
        credit: int,
        amount_fen: int,
        place: str,
        travel_data: str = "",
        id: uuid.UUID | None = None,
    ) -> Answer:
        """Like `pay`, in an event loop."""
        batch = self._one(debit, credit, amount_fen, place, travel_data, id)
        return self._answer(batch, await asyncio.wrap_future(self.submit(batch)))

    def _one(
        self, debit: int, credit: int, amount_fen: int, place: str, travel_data: str, id: uuid.UUID | None
    ) -> Transfers:
        columns = {"debit": debit, "credit": credit, "amount_fen": amount_fen, "action": "pay"}
        one: dict[str, Any] = columns | {"place": place, "travel_data": travel_data}
        return self._batch(one | ({"id": id} if id else {}))

    def _batch(self, given: Any) -> Transfers:
        is_ready = isinstance(given, np.ndarray) and given.dtype == TRANSFER
        batch: Transfers = given if is_ready else transfers_from(given, self.state.words)
        without = (batch["id_lo"] == 0) & (batch["id_hi"] == 0)
        if without.any() and not is_ready:
            fresh = batch[without]
            give_ids(fresh, self._clock(), np.random.default_rng(secrets.randbits(128)))
            batch[without] = fresh
        return batch

    def _answer(self, batch: Transfers, outcome: Outcome) -> Answer:
        number = (int(batch["id_hi"][0]) << 64) | int(batch["id_lo"][0])
        reasons = self.reasons(outcome, 0)
        return Answer(uuid.UUID(int=number), Result(outcome.results[0]), reasons, outcome.receipt)
