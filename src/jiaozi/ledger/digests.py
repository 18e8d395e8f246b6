"""The digest of a state, and that of a long row of bytes, which several threads may take a part of each.

That of a long row is the SHA-256 over the SHA-256 of each piece of 6 MiB, the last one shorter; of no bytes it
is the SHA-256 of none. One thread hashes 1.9 GB a second, and the accounts of a large book are 6.4.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 6 << 20
"""A multiple of the 64 bytes of an account and the 24 of an id: no record lies in two pieces."""

assert PIECE_BYTES % (64 * 24) == 0


class LongDigest:
    """The digest of bytes that come one after the other, in parts of any length."""

    def __init__(self, raw: bytes | memoryview = b"") -> None:
        self._whole = hashlib.sha256()
        self._piece = hashlib.sha256()
        self._held = 0  # bytes in the piece
        self.update(raw)

    def update(self, raw: bytes | memoryview) -> None:
        """Take in *raw*, contiguous bytes."""
        view = memoryview(raw).cast("B") if len(raw) else memoryview(b"")
        while len(view):
            part = view[: PIECE_BYTES - self._held]
            self._piece.update(part)
            self._held += len(part)
            if self._held == PIECE_BYTES:
                self.add_piece(self._piece.digest())
                self._piece, self._held = hashlib.sha256(), 0
            view = view[len(part) :]

    def add_piece(self, digest: bytes) -> None:
        """Take in a whole piece, or the last one, that was hashed elsewhere: its SHA-256."""
        self._whole.update(digest)

    def digest(self) -> bytes:
        """Return the digest of what has come so far, 32 bytes."""
        whole = self._whole.copy()
        if self._held:
            whole.update(self._piece.digest())
        return whole.digest()


def digest_of(
    accounts: bytes,
    counts: bytes,
    coins: NDArray[np.int64],
    ids: NDArray[np.uint64],
    pendings: NDArray[np.void],
    register: bytes,
    *,
    account_count: int,
    ids_taken: int,
    horizon_ms: int,
    law: str,
) -> str:
    """Return the digest of a state, given those of its *accounts* and *counts*, see `LongDigest`.

    They are nearly all of it, so who hashes them for another reason has the
    digest of the state for little more. *ids* is what `idindex.content_of` gives,
    *coins* the columns that are kept, (c, COIN_KEPT).
    """
    whole = hashlib.sha256(accounts + counts)
    whole.update(np.ascontiguousarray(coins).data)
    whole.update(ids.data)
    whole.update(pendings.tobytes())
    whole.update(register)
    whole.update(f"{account_count}|{ids_taken}|{horizon_ms}|{law}".encode())
    return whole.hexdigest()
