"""The newest transfers of an account, for people to look at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jiaozi.clock import Instant
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.journal.frames import HEADER_BYTES
from jiaozi.ledger.journal.segments import list_segments
from jiaozi.ledger.records import TransferFlag
from jiaozi.ledger.results import Result

if TYPE_CHECKING:
    from jiaozi.ledger.history.reading import History

KEPT = 4
"""Journals whose history stays open between pages: opening the database anew would double the time of a page."""

_lock = threading.Lock()
_histories: dict[tuple[Path, bytes], History] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer as the account saw it. `bits` are the reasons, under the law of `law_digest`."""

    id: str
    instant: Instant
    is_out: bool
    other: int
    amount_fen: int
    action: int
    place: int
    result: Result
    bits: tuple[int, ...]
    law_digest: bytes
    flags: TransferFlag
    has_timed_out: bool  # no transfer: a pending one was released

    @property
    def moves_nothing(self) -> bool:
        """Whether it changed only what is reserved: a reservation, or one that was given up."""
        return self.has_timed_out or bool(
            self.flags & (TransferFlag.PENDING | TransferFlag.VOID_PENDING_TRANSFER)
        )


def account_lines(
    folder: Path, account: int, *, limit: int = 50, durable: Callable[[], int] | None = None
) -> list[Line]:
    """Return the newest transfers of *account* in the journal in *folder*, newest first, refused ones among them.

    Sealed files are read by account; of the journal only what is not sealed yet. *durable* tells the last
    durable frame, for the writer's own process: nothing behind it is shown.
    """
    with _lock:
        history = _kept(folder)
        history.durable = durable
        page = history.account_transfers(account, limit=limit, newest_first=True)
    return [
        Line(
            id=id_text(int(row["id_lo"]), int(row["id_hi"])),
            instant=Instant(int(row["instant"]) + int(row["row"])),
            is_out=bool(is_out),
            other=int(row["credit"] if is_out else row["debit"]),
            amount_fen=int(row["amount"]),
            action=int(row["action"]),
            place=int(row["place"]),
            result=Result(int(row["result"])),
            bits=page.bits(place),
            law_digest=page.law_digest(place),
            flags=TransferFlag(int(row["flags"])),
            has_timed_out=bool(row["kind"]),
        )
        for place, (row, is_out) in enumerate(zip(page.rows, page.is_out, strict=True))
    ]


def _kept(folder: Path) -> History:
    """Return the open history of the journal in *folder*; another journal at the same path has its own."""
    from jiaozi.ledger.history.reading import History

    segments = list_segments(folder)
    begin = b""
    if segments:
        with segments[0].path.open("rb") as file:
            begin = file.read(HEADER_BYTES)  # with the hash of its first frame, which is its own
    key = folder.absolute(), begin
    if key not in _histories:
        while len(_histories) >= KEPT:
            _histories.pop(next(iter(_histories))).close()
        _histories[key] = History(folder)
    return _histories[key]
