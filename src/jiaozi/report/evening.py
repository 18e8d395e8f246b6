"""The evening: everything is counted at one instant, stated, signed, and can be proven.

The cut is taken between two frames of the journal while payments wait. Nothing
is stated unless the ledger's three ways of counting coins agree: issued less
redeemed, the sum of all balances, and the issuer's sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import moment_of
from jiaozi.errors import ProofError
from jiaozi.ledger.facts import CheckpointSigned
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.state import State
from jiaozi.money import Fen, format_fen
from jiaozi.proof.checkpoint import Checkpoint, checkpoint_hash, sign
from jiaozi.proof.files import proof_text
from jiaozi.proof.keys import Signer
from jiaozi.proof.tree import Tree, build
from jiaozi.report.overview import Overview, overview


@dataclass(frozen=True, slots=True)
class Cut:
    """All balances of one coin at one instant: *balances* (accounts,) int64, 0 for those who hold none."""

    overview: Overview
    balances: NDArray[np.int64]
    head: Receipt


@dataclass(frozen=True, slots=True)
class Evening:
    """A signed checkpoint and where it was written."""

    cut: Cut
    tree: Tree
    note: str
    note_path: Path


def take_cut(ledger: Ledger, coin_id: str) -> Cut:
    """Return the balances of *coin_id* between two frames. Raises `ProofError` when the counts disagree."""

    def look(state: State, head: Receipt) -> Cut:
        holders = state.holders_of(state.register.coin(coin_id))
        balances = np.where(holders, state.accounts["balance"], 0)
        return Cut(overview(state, coin_id, head), balances, head)

    cut = ledger.at_cut(look)
    _reconcile(cut)
    return cut


def close_day(ledger: Ledger, coin_id: str, folder: Path, *, master: bytes, signers: list[Signer]) -> Evening:
    """Cut, build the tree, sign the checkpoint with every one of *signers*, and keep both in *folder*.

    The note goes to disk before its digest goes into the journal; a crash between the two
    leaves a note that the journal does not know, and the next evening writes it again.
    """
    cut = take_cut(ledger, coin_id)
    coin = ledger.state.register.coin(coin_id)
    epoch = coin.epoch + 1
    tree = build(cut.balances, master=master, epoch=epoch)
    seen = cut.overview
    assert seen.reserve is not None
    statement = Checkpoint(
        origin=f"jiaozi/{coin.issuer}/{coin.id}",
        epoch=epoch,
        instant=moment_of(seen.as_of),
        coin=coin.id,
        unit=coin.peg,
        law_digest=bytes.fromhex(seen.law_digest),
        law_is_draft=bool(seen.drafts),
        journal_sequence=cut.head.sequence,
        journal_hash=cut.head.hash,
        accounts=tree.accounts,
        total_fen=tree.total_fen,
        reserve_fen=Fen(seen.reserve),
        reserve_source="issuer's ledger, bank statements of the day",
        depth=tree.depth,
        root=tree.root,
        previous=bytes.fromhex(coin.checkpoint) if coin.checkpoint else None,
    )
    note = statement.text()
    for signer in signers:
        note = sign(note, signer.name, signer.private_key)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{coin_id}-{epoch:06d}.balances.npy", cut.balances)
    path = folder / f"{coin_id}-{epoch:06d}.checkpoint"
    path.write_text(note, encoding="utf-8")
    ledger.record(CheckpointSigned(coin_id, epoch, checkpoint_hash(note).hex()))
    return Evening(cut, tree, note, path)


def proof_of(folder: Path, coin_id: str, epoch: int, account: int, *, master: bytes) -> str:
    """Return the proof file of *account* under checkpoint *epoch*. Raises `ProofError`."""
    path = folder / f"{coin_id}-{epoch:06d}.checkpoint"
    if not path.exists():
        raise ProofError(f"no checkpoint {epoch} of {coin_id}; the evening has not been closed yet")
    balances: NDArray[np.int64] = np.load(folder / f"{coin_id}-{epoch:06d}.balances.npy", mmap_mode="r")
    if not 0 <= account < len(balances):
        raise ProofError(f"account {account} was not open at checkpoint {epoch}")
    tree = build(balances, master=master, epoch=epoch)
    bucket = tree.bucket_range(account)
    path_up = tree.prove(np.ascontiguousarray(balances[bucket.start : bucket.stop]), account)
    return proof_text(path_up, note=path.read_text(encoding="utf-8"))


def _reconcile(cut: Cut) -> None:
    seen = cut.overview
    total = int(cut.balances.sum())
    if not seen.outstanding == seen.balance_sum == total:
        raise ProofError(
            f"{seen.coin}: issued less redeemed is {format_fen(seen.outstanding)}, the balances add up to "
            f"{format_fen(total)}; nothing is stated; verify the journal"
        )
    if seen.reserve is None or seen.sheet is None or not seen.sheet.balances:
        raise ProofError(f"{seen.coin}: the issuer's sheet does not balance; nothing is stated")
