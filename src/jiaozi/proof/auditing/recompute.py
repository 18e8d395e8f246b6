"""The recomputation: who has the balances and the master key makes the whole tree again.

It is how a supervisor comes to sign: he believes no sum, because a tree over
a whole country takes a minute. Every line of the checkpoint that follows from the
balances is compared; that the balances are those of the ledger, and that the reserve
exists, is shown elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.money import format_fen
from jiaozi.proof import checkpoint, tree, wholesale
from jiaozi.proof.auditing.held import held
from jiaozi.proof.checkpoint import Checkpoint
from jiaozi.proof.keys import Signer, read_secret
from jiaozi.proof.plain import Balances, Progress, Stop
from jiaozi.proof.tree import Executor, Tree
from jiaozi.proof.whole import write_whole

NOTE_LIMIT = 64 * 1_024
"""Bytes of a checkpoint with all its signatures."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checkpoint: what it states and what was found."""

    name: str
    stated: str
    found: str

    @property
    def is_equal(self) -> bool:
        """Whether they are the same."""
        return self.stated == self.found


@dataclass(frozen=True, slots=True)
class Recomputation:
    """Every line that follows from the balances, the accounts that stand out of any bucket, and the tree."""

    lines: tuple[Line, ...]
    unmet: NDArray[np.int64]
    tree: Tree

    @property
    def largest_share(self) -> Fraction:
        """What the heaviest ordinary bucket has of the total: a lie could hide so much in one bucket."""
        ordinary = self.tree.levels[0].sums[: self.tree.places.ordinary_buckets]
        return Fraction(int(ordinary.max()), int(self.tree.total_fen)) if self.tree.total_fen else Fraction(0)

    @property
    def is_equal(self) -> bool:
        """Whether the checkpoint states what was found, in every line."""
        return all(line.is_equal for line in self.lines)


def recompute(
    stated: Checkpoint,
    balances: Balances,
    master: bytes,
    *,
    percent: int | None = None,
    executor: Executor | None = None,
    step: Callable[[str], Progress] | None = None,
    stop: Stop | None = None,
) -> Recomputation:
    """Return what *balances* (n,) and the *master* key give beside what the checkpoint states.

    *percent* is the share that the supervisor has set; without it the stated one is
    used. *step* is called with the name of each of the two steps and gives what is
    told its progress; the first reads all accounts twice or more. Raises `ProofError`
    for balances that no tree can have, and when *stop* asks to.
    """
    share = stated.share_percent if percent is None else percent
    dealt = wholesale.find(balances, share, progress=step("wholesale accounts") if step else None, stop=stop)
    made = tree.build(
        balances,
        master=master,
        epoch=stated.epoch,
        wholesale=dealt.accounts,
        executor=executor,
        progress=step("the tree") if step else None,
        stop=stop,
    )
    lines = (
        Line("accounts", f"{stated.accounts:,}", f"{made.accounts:,}"),
        Line("share of a bucket", f"{stated.share_percent} %", f"{share} %"),
        Line("wholesale accounts", f"{stated.wholesale:,}", f"{len(dealt.accounts):,}"),
        Line("total", format_fen(stated.total_fen, stated.unit), format_fen(made.total_fen, stated.unit)),
        Line("depth", str(stated.depth), str(made.depth)),
        Line("root", stated.root.hex(), made.root.hex()),
    )
    return Recomputation(lines, dealt.unmet, made)


def load_balances(path: Path) -> Balances:
    """Return the balances in the file *path*, mapped and not read: one row of int64 or uint64 in NumPy's format.

    Raises `ProofError` for anything else, above all for a file that would have to run code.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start[:6] != b"\x93NUMPY":
            raise ProofError(f"{path} is not a .npy file")
        try:
            loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError:
            # A row without accounts has no byte that could be mapped; what is broken breaks here too.
            loaded = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError) as error:
        raise ProofError(
            f"{path} cannot be read as a .npy file: {str(error).splitlines()[0][:200]}"
        ) from None
    kind = loaded.dtype
    if loaded.ndim != 1 or kind.kind not in "iu" or kind.itemsize != 8 or not kind.isnative:
        raise ProofError(
            f"{path} has {kind} in {loaded.ndim} dimensions; balances are one row of int64 or uint64"
        )
    balances: Balances = loaded
    return balances


def load_secret(path: Path) -> bytes:
    """Return the 32 bytes of a secret (master key, account key) in *path*: as they are, or as 64 hex digits.

    Raises `ProofError` if others may read the file or if it has something else in it.
    """
    data = read_secret(path)
    if re.fullmatch(rb"[0-9a-f]{64}\n?", data):
        return bytes.fromhex(data.decode())
    if len(data) != 32:
        raise ProofError(f"{path} has neither 32 bytes nor 64 lower-case hex digits")
    return data


def read_note(path: Path) -> str:
    """Return the text of a checkpoint file. Raises `ProofError` if it is none."""
    with path.open("rb") as file:
        data = file.read(NOTE_LIMIT + 1)
    if len(data) > NOTE_LIMIT:
        raise ProofError(f"{path} is larger than a checkpoint, {NOTE_LIMIT:,} bytes")
    try:
        note = data.decode()
    except UnicodeDecodeError:
        raise ProofError(f"{path} is not text in UTF-8") from None
    checkpoint.parse(note)
    return note


def countersign(path: Path, signer: Signer, *, compared: str) -> str:
    """Add the signature of *signer* to the note in *path* and return it; *compared* is what was recomputed.

    The file is read again, because others may have signed meanwhile, and is
    replaced in one step. Raises `ProofError` if it is another checkpoint by
    now, or if *signer* has signed it already.
    """
    with held(path):
        return _countersigned(path, signer, compared)


def _countersigned(path: Path, signer: Signer, compared: str) -> str:
    note = read_note(path)
    if checkpoint.checkpoint_hash(note) != checkpoint.checkpoint_hash(compared):
        raise ProofError(f"{path} was changed while the tree was computed; nothing was signed")
    signed = checkpoint.sign(note, signer.name, signer.private_key)
    write_whole(path, signed.encode())
    return signed
