"""Evenings: what is kept of each checkpoint, and the proofs made from it on demand.

    pujiang-cny-000007.checkpoint      the signed note; it is published
    pujiang-cny-000007.balances.npy    the cut: (accounts,) int64 in fen; for its owner only
    pujiang-cny-000007.buckets.npy     sum and hash of every bucket, 40 bytes each
    pujiang-cny-000007.wholesale.npy   numbers of the accounts with a second leaf

A proof hashes one bucket again and takes the rest from the tree above the
buckets, which stays in memory for the checkpoints asked for last.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.ledger.journal.segments import sync_file
from jiaozi.proof import tree
from jiaozi.proof.auditing.held import held
from jiaozi.proof.checkpoint import Checkpoint, parse
from jiaozi.proof.files import proof_text
from jiaozi.proof.plain import Level
from jiaozi.proof.tree import Tree
from jiaozi.proof.whole import write_whole

BUCKET = np.dtype([("sum", "<u8"), ("hash", "u1", (32,))])
"""A bucket as it is kept: its sum in fen, its hash."""

OPEN = 4
"""Checkpoints whose trees stay in memory; above 1.4 billion accounts each takes 56 MB."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One checkpoint opened: what it stated, the tree it came from, and *balances* (accounts,) in its file."""

    stated: Checkpoint
    tree: Tree
    balances: NDArray[np.int64]


class Evenings:
    """The checkpoints in one folder. *master* gives the secret from which every holder's key comes."""

    def __init__(self, folder: Path, master: Callable[[], bytes]) -> None:
        self.folder = folder
        self._master = master
        self._open: dict[tuple[str, int], Kept] = {}
        self._lock = threading.Lock()
        self.closing = threading.Lock()
        """Held while a day is closed: two at once would sign two notes of one epoch."""

    def path(self, coin_id: str, epoch: int, kind: str = "checkpoint") -> Path:
        """Return the file of a checkpoint: `checkpoint`, `balances.npy`, `buckets.npy`, `wholesale.npy`."""
        return self.folder / f"{coin_id}-{epoch:06d}.{kind}"

    def note(self, coin_id: str, epoch: int) -> str:
        """Return the signed note. Raises `ProofError` when it is not there."""
        try:
            return self.path(coin_id, epoch).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ProofError(
                f"no checkpoint {epoch} of {coin_id}; the evening has not been closed yet"
            ) from None

    def open(self, coin_id: str, epoch: int) -> Kept:
        """Return checkpoint *epoch* of *coin_id*. Raises `ProofError` when its files are not there or not its own."""
        with self._lock:
            kept = self._open.pop((coin_id, epoch), None) or self._load(coin_id, epoch)
            self._open[coin_id, epoch] = kept
            while len(self._open) > OPEN:
                del self._open[next(iter(self._open))]
            return kept

    def proof(self, coin_id: str, epoch: int, account: int) -> str:
        """Return the proof file of *account* under checkpoint *epoch*. Raises `ProofError`."""
        kept = self.open(coin_id, epoch)
        if not 0 <= account < len(kept.balances):
            raise ProofError(f"account {account} was not open at checkpoint {epoch}")
        # The note is read anew: a signature may have come since.
        return proof_text(kept.tree.prove(kept.balances, account), note=self.note(coin_id, epoch))

    def keep(self, coin_id: str, made: Tree, note: str) -> Path:
        """Write the tree, then the note; durable on return. The balances lie in their file already.

        Raises `ProofError` when a note of that epoch is there: one that was signed is never replaced.
        """
        buckets = np.empty(made.places.buckets, dtype=BUCKET)
        buckets["sum"] = made.levels[0].sums[: len(buckets)]
        buckets["hash"] = made.levels[0].hashes[: len(buckets)]
        path = self.path(coin_id, made.epoch)
        # Another process may close the same day, or sign what it finds.
        with held(path):
            if path.exists():
                raise ProofError(f"checkpoint {made.epoch} of {coin_id} is there already and is not replaced")
            for kind, rows in (("buckets.npy", buckets), ("wholesale.npy", made.wholesale)):
                _write_new(self.path(coin_id, made.epoch, kind), rows)
            for kind in ("balances.npy", "buckets.npy", "wholesale.npy"):
                with self.path(coin_id, made.epoch, kind).open("rb") as file:
                    sync_file(file.fileno())
            write_whole(path, note.encode())
        return path

    def _load(self, coin_id: str, epoch: int) -> Kept:
        stated = parse(self.note(coin_id, epoch))
        rows = {}
        for kind in ("balances.npy", "buckets.npy", "wholesale.npy"):
            path = self.path(coin_id, epoch, kind)
            try:
                rows[kind] = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise ProofError(f"{path.name} cannot be read ({error}); restore it from a backup") from None
        buckets = rows["buckets.npy"]
        if buckets.dtype != BUCKET or rows["balances.npy"].ndim != 1:
            raise ProofError(
                f"{coin_id}-{epoch:06d}: its files are not those of a checkpoint; restore a backup"
            )
        made = tree.of_buckets(
            Level(np.ascontiguousarray(buckets["sum"]), np.ascontiguousarray(buckets["hash"])),
            len(rows["balances.npy"]),
            master=self._master(),
            epoch=stated.epoch,
            wholesale=np.array(rows["wholesale.npy"], dtype=np.int64),
        )
        if (made.root, made.total_fen) != (stated.root, stated.total_fen):
            raise ProofError(
                f"{coin_id}-{epoch:06d}: the tree kept is not the one that was signed; restore a backup"
            )
        return Kept(stated, made, rows["balances.npy"])


def _write_new(path: Path, rows: NDArray[np.generic]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        np.save(file, rows, allow_pickle=False)
