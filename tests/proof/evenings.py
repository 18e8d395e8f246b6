"""Evenings in a row: signed checkpoints of a small coin, each naming the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import numpy as np

from jiaozi.money import Fen
from jiaozi.proof import plain
from jiaozi.proof.checkpoint import Checkpoint, checkpoint_hash, sign
from jiaozi.proof.keys import Signer
from jiaozi.proof.tree import build
from tests.proof.proof_vectors import ISSUER, MASTER, SUPERVISOR

FIRST = datetime.fromisoformat("2027-02-01T20:00:00+08:00")
ACCOUNTS = 10


def evening(epoch: int, previous: str | None = None, **changes: object) -> Checkpoint:
    """Return what the issuer states on evening *epoch*, after the note *previous*, with *changes*."""
    balances = np.arange(ACCOUNTS + epoch, dtype=np.uint64) * np.uint64(1_234_567)
    tree = build(balances, master=MASTER, epoch=epoch, executor=plain)
    stated = Checkpoint(
        origin="issuer.example/eyuan",
        epoch=epoch,
        instant=FIRST + timedelta(days=epoch),
        coin="eyuan",
        unit="CNY",
        law_digest=sha256(b"a law").digest(),
        law_is_draft=False,
        journal_sequence=1_000 * epoch,
        journal_hash=sha256(b"a journal %d" % epoch).digest(),
        accounts=tree.accounts,
        wholesale=0,
        share_percent=10,
        total_fen=tree.total_fen,
        reserve_fen=Fen(tree.total_fen + 5_000_00),
        reserve_source="statement of the custodian bank",
        depth=tree.depth,
        root=tree.root,
        previous=checkpoint_hash(previous) if previous else None,
    )
    return replace(stated, **changes)  # type: ignore[arg-type]


def signed(stated: Checkpoint, signers: Sequence[Signer] = (ISSUER, SUPERVISOR)) -> str:
    """Return the note of *stated* with the signatures of *signers*."""
    note = stated.text()
    for signer in signers:
        note = sign(note, signer.name, signer.private_key)
    return note


def evenings(count: int, signers: Sequence[Signer] = (ISSUER, SUPERVISOR)) -> list[str]:
    """Return the notes of epochs 1 to *count*."""
    notes: list[str] = []
    for epoch in range(1, count + 1):
        notes.append(signed(evening(epoch, notes[-1] if notes else None), signers))
    return notes


def named(notes: Sequence[str]) -> list[tuple[str, str]]:
    """Return *notes* with the names under which an office keeps them, counted from epoch 1."""
    return [(f"eyuan-{epoch:06d}.checkpoint", note) for epoch, note in enumerate(notes, 1)]
