"""The evening: everything is counted at one instant, stated, signed, and can be proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import moment_of
from jiaozi.errors import JournalError, ProofError
from jiaozi.ledger.facts import CheckpointSigned
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.money import Fen
from jiaozi.proof import wholesale
from jiaozi.proof.checkpoint import Checkpoint, checkpoint_hash, parse, sign, verify_signatures
from jiaozi.proof.keys import Signer
from jiaozi.proof.plain import Progress
from jiaozi.proof.tree import Tree, build
from jiaozi.report.cut import Cut, cut_beside, take_cut
from jiaozi.report.evenings import Evenings

SHARE_PERCENT = 10
"""No account above this share of its bucket, until the supervisor asks for another."""


@dataclass(frozen=True, slots=True)
class Evening:
    """A signed checkpoint, where it was written, and *standing_out*: accounts for which the share cannot be kept."""

    cut: Cut
    tree: Tree
    note: str
    note_path: Path
    standing_out: NDArray[np.int64]


def close_day(
    ledger: Ledger,
    coin_id: str,
    evenings: Evenings,
    *,
    master: bytes,
    signers: Sequence[Signer],
    journal: Path,
    share_percent: int = SHARE_PERCENT,
    is_beside: bool = False,
    progress: Progress | None = None,
) -> Evening:
    """Cut, build the tree, sign the checkpoint with every one of *signers*, and keep all of it in *evenings*.

    *journal* is the ledger's own. Payments wait while the balances are copied; if *is_beside*, they do not
    wait and the cut is folded from the journal. The note goes to disk before its digest goes into the journal; a
    crash between the two leaves a note that somebody may have seen, so the next evening begins by
    putting that one into the journal. Raises `ProofError` when the ways of counting disagree.
    """
    with evenings.closing:
        evenings.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        _finish(ledger, coin_id, evenings, signers, journal)
        coin = ledger.state.register.coin(coin_id)
        epoch = coin.epoch + 1
        path = evenings.path(coin_id, epoch, "balances.npy")
        cut = cut_beside(ledger, journal, coin_id, path) if is_beside else take_cut(ledger, coin_id, path)
        dealt = wholesale.find(cut.balances, share_percent)
        tree = build(cut.balances, master=master, epoch=epoch, wholesale=dealt.accounts, progress=progress)
        note = statement(cut, tree, share_percent).text()
        for signer in signers:
            note = sign(note, signer.name, signer.private_key)
        note_path = evenings.keep(coin_id, tree, note)
        ledger.record(CheckpointSigned(coin_id, epoch, checkpoint_hash(note).hex()))
        return Evening(cut, tree, note, note_path, dealt.unmet)


def statement(cut: Cut, tree: Tree, share_percent: int) -> Checkpoint:
    """Return what is to be stated about *cut*. The supervisor makes it again and compares every line."""
    seen = cut.overview
    assert seen.reserve is not None
    return Checkpoint(
        origin=f"jiaozi/{seen.issuer}/{seen.coin}",
        epoch=seen.epoch + 1,
        instant=moment_of(seen.as_of),
        coin=seen.coin,
        unit=seen.peg,
        law_digest=bytes.fromhex(seen.law_digest),
        law_is_draft=bool(seen.drafts),
        journal_sequence=cut.head.sequence,
        journal_hash=cut.head.hash,
        accounts=tree.accounts,
        wholesale=len(tree.wholesale),
        share_percent=share_percent,
        total_fen=tree.total_fen,
        reserve_fen=Fen(seen.reserve),
        reserve_source="issuer's ledger, bank statements of the day",
        depth=tree.depth,
        root=tree.root,
        previous=bytes.fromhex(seen.checkpoint) if seen.checkpoint else None,
    )


def _finish(
    ledger: Ledger, coin_id: str, evenings: Evenings, signers: Sequence[Signer], journal: Path
) -> None:
    """Put a note that was written and not yet noted in the journal there: there must never be two of one epoch.

    Raises `ProofError` for one that this office did not sign, or that is of another history.
    """
    coin = ledger.state.register.coin(coin_id)
    path = evenings.path(coin_id, coin.epoch + 1)
    if not path.exists():
        return
    try:
        note = path.read_text(encoding="utf-8")
        left = parse(note)
        verify_signatures(note, [signer.verifier_key for signer in signers])
    except (ProofError, UnicodeDecodeError) as error:
        raise ProofError(f"{path.name} lies there and is none of ours ({error}); move it away") from None
    expected = bytes.fromhex(coin.checkpoint) if coin.checkpoint else None
    stated = left.origin, left.coin, left.unit, left.epoch, left.previous
    origin = f"jiaozi/{coin.issuer}/{coin.id}"
    follows = stated == (origin, coin.id, coin.peg, coin.epoch + 1, expected)
    if not follows or not _has_frame(journal, left):
        raise ProofError(
            f"{path.name} was signed and does not follow the checkpoints of this journal; signing another "
            "would be a fork: restore the newer journal, or move the file away if nobody has seen it"
        )
    ledger.record(CheckpointSigned(coin_id, left.epoch, checkpoint_hash(note).hex()))


def _has_frame(journal: Path, left: Checkpoint) -> bool:
    """Return whether the frame that *left* was cut behind stands in *journal*."""
    try:
        frame = next(read_frames(journal, left.journal_sequence), None)
    except JournalError:
        return False
    return frame is not None and frame.hash == left.journal_hash
