"""The cut: all balances of one coin at one instant, between two frames of the journal.

There are two ways to it, and they give the same. `take_cut` copies the balances
while payments wait; a million accounts take milliseconds. `cut_beside` lets
payments go on: it remembers the last frame and folds the journal up to it, from
the newest snapshot before, which takes the memory of a second ledger.

Nothing is stated unless the ledger's ways of counting coins agree: issued less
redeemed, the issuer's sheet, and the sum of the balances that were copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.ledger import Ledger, Progress
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.register import Coin
from jiaozi.ledger.restart import state_at
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import exact_sum
from jiaozi.money import format_fen
from jiaozi.report.overview import Overview, overview

CHUNK = 1 << 20
"""Accounts copied at a time, so that what lies between fits a cache."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Figures and balances of one instant: *balances* (accounts,) int64 in fen, 0 for who holds no coin."""

    overview: Overview
    balances: NDArray[np.int64]
    head: Receipt


def take_cut(ledger: Ledger, coin_id: str, path: Path) -> Cut:
    """Return the cut of *coin_id* as the ledger stands, its balances in a new file at *path*.

    Payments wait meanwhile. Raises `ProofError` when the ways of counting disagree.
    """
    coin = ledger.state.register.coin(coin_id)
    room = _room(path, ledger.state.account_count)
    room[:] = 0  # its pages are found now, so that nobody has to wait for them

    def look(state: State, head: Receipt) -> Cut:
        balances = room if len(room) == state.account_count else _room(path, state.account_count)
        copy_balances(state, coin, balances)
        return Cut(overview(state, coin_id, head), balances, head)

    cut = ledger.at_cut(look)
    reconcile(cut)
    return cut


def cut_beside(
    ledger: Ledger, journal: Path, coin_id: str, path: Path, progress: Progress | None = None
) -> Cut:
    """Return the same, folded from *journal*, while payments go on behind the frame that is cut at.

    Raises `ProofError` likewise, and what `state_at` raises.
    """
    head = ledger.at_cut(lambda _, head: head)
    return cut_of_journal(journal, head.sequence, head.hash, coin_id, path, progress)


def cut_of_journal(
    journal: Path,
    sequence: int,
    frame_hash: bytes,
    coin_id: str,
    path: Path,
    progress: Progress | None = None,
    *,
    anew: bool = False,
) -> Cut:
    """Return the cut of *coin_id* behind frame *sequence* of *journal*, for whoever has only the journal.

    With *anew* every frame is folded from the first. Raises `ProofError`, `JournalError`.
    """
    state, head = state_at(journal, sequence, frame_hash, progress, anew=anew)
    balances = _room(path, state.account_count)
    copy_balances(state, state.register.coin(coin_id), balances)
    cut = Cut(overview(state, coin_id, head), balances, head)
    reconcile(cut)
    return cut


def copy_balances(state: State, coin: Coin, to: NDArray[np.int64]) -> None:
    """Write what each account holds of *coin* for itself into *to* (accounts,), in fen."""
    for start in range(0, len(to), CHUNK):
        part = state.accounts[start : start + CHUNK]
        is_holder = (part["coin"] == coin.number) & ((part["flags"] & AccountFlag.INTERNAL) == 0)
        np.multiply(part["balance"], is_holder, out=to[start : start + CHUNK])


def reconcile(cut: Cut) -> None:
    """Raise `ProofError`, with the amounts, unless every way of counting gives the same coins."""
    seen = cut.overview
    total = exact_sum(cut.balances)
    if not seen.outstanding == seen.balance_sum == total:
        raise ProofError(
            f"{seen.coin}: issued less redeemed is {format_fen(seen.outstanding)}, the balances add up to "
            f"{format_fen(total)}; nothing is stated; verify the journal"
        )
    if seen.reserve is None or seen.sheet is None or not seen.sheet.balances:
        raise ProofError(f"{seen.coin}: the issuer's sheet does not balance; nothing is stated")


def _room(path: Path, accounts: int) -> NDArray[np.int64]:
    """Return a new file of *accounts* balances, readable by its owner only."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    room: NDArray[np.int64] = (
        open_memmap(path, "w+", np.int64, (accounts,)) if accounts else np.zeros(0, np.int64)
    )
    return room
