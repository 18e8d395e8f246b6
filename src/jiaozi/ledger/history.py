"""Transfers of an account, read back from the journal: nothing is kept in memory for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jiaozi.clock import Instant
from jiaozi.ledger.frames import FrameKind
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.journal_read import read_frames
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.results import Result


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


def account_lines(folder: Path, account: int, *, limit: int = 50) -> list[Line]:
    """Return the newest transfers of *account*, newest first, refused ones among them.

    Reads the journal in *folder* from its beginning; a later issue sorts sealed segments by account.
    """
    found: deque[Line] = deque(maxlen=limit)
    for frame in read_frames(folder):
        if frame.kind is not FrameKind.TRANSFERS:
            continue
        booked = unpack(frame.payload)
        batch = booked.batch
        for row in np.flatnonzero((batch["debit"] == account) | (batch["credit"] == account)):
            transfer = batch[row]
            is_out = int(transfer["debit"]) == account
            found.append(
                Line(
                    id=id_text(int(transfer["id_lo"]), int(transfer["id_hi"])),
                    instant=Instant(frame.instant + int(row)),
                    is_out=is_out,
                    other=int(transfer["credit"] if is_out else transfer["debit"]),
                    amount_fen=int(transfer["amount"]),
                    action=int(transfer["action"]),
                    place=int(transfer["place"]),
                    result=Result(int(booked.results[row])),
                    bits=tuple(int(word) for word in booked.bits[row]),
                    law_digest=frame.law_digest,
                )
            )
    return list(reversed(found))
