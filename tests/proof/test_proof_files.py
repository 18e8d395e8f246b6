"""Proof files: written in one form, and only for the checkpoint they belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import plain
from jiaozi.proof.files import proof_text
from jiaozi.proof.tree import build
from tests.proof.proof_vectors import CHECKPOINT, NOTE, PATH, TEXT, balances_of, checkpoint_of, signed


def test_a_proof_is_one_line_of_json_without_a_number() -> None:
    assert TEXT.count("\n") == 1
    assert TEXT.startswith('{"format":"jiaozi-proof-2","checkpoint":"issuer.example/eyuan\\nepoch 7\\n')
    assert (
        f'"account":"4100","position":"4100","balance":"{PATH.balance_fen}","nonce":"{PATH.nonce.hex()}"'
        in TEXT
    )


def test_a_path_is_not_written_under_a_checkpoint_of_another_tree() -> None:
    other = checkpoint_of(build(balances_of(20_000), master=bytes(32), epoch=7, executor=plain))
    with pytest.raises(ProofError, match="does not lead to the root"):
        proof_text(PATH, note=signed(other))


def test_a_proof_is_handed_out_even_if_the_reserve_is_short() -> None:
    note = signed(replace(CHECKPOINT, reserve_fen=Fen(0)))
    assert proof_text(PATH, note=note) != proof_text(PATH, note=NOTE)
