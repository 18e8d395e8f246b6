"""The vectors that every verifier of the proof format has to answer alike.

    python -m tests.proof.make_vectors       writes them to tests/proof/vectors/

Each is a small JSON file: what it is about, the keys to check with, the proof
file as one string, and the answer: exit status and first line. Nothing in them
is random: keys come from names, balances from a formula, and Ed25519 signs the
same way every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiaozi.money import Fen
from jiaozi.proof import plain
from jiaozi.proof.checkpoint import Checkpoint, sign
from jiaozi.proof.files import proof_text
from jiaozi.proof.keys import Signer
from jiaozi.proof.plain import Balances
from jiaozi.proof.tree import NOBODY, Tree, build
from jiaozi.proof.verify_jiaozi import HOLDS, UNSIGNED

FOLDER = FilePath(__file__).parent / "vectors"
MASTER = bytes(range(32))


class Vector(NamedTuple):
    """One question to a verifier and the answer to it."""

    about: str
    keys: list[str]
    proof: str
    status: int
    sentence: str


def signer_of(name: str) -> Signer:
    """Return the signer *name*, whose key is the hash of his name: for tests, for nothing else."""
    return Signer(name, Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()))


ISSUER, SUPERVISOR = signer_of("issuer.example/eyuan"), signer_of("supervisor.example")
KEYS = [ISSUER.verifier_key, SUPERVISOR.verifier_key]


def balances_of(accounts: int) -> Balances:
    """Return balances of every size from nothing to some ten thousand yuan, in fen."""
    return (np.arange(accounts, dtype=np.uint64) * np.uint64(2_654_435_761) >> np.uint64(7)) % np.uint64(
        1_000_003
    )


def checkpoint_of(tree: Tree, *, reserve_fen: int | None = None) -> Checkpoint:
    """Return what the issuer states about *tree*, with a reserve one percent above the total."""
    return Checkpoint(
        origin="issuer.example/eyuan",
        epoch=tree.epoch,
        instant=datetime.fromisoformat("2027-02-01T20:00:00+08:00"),
        coin="eyuan",
        unit="CNY",
        law_digest=sha256(b"a law").digest(),
        law_is_draft=False,
        journal_sequence=123_456,
        journal_hash=sha256(b"a journal").digest(),
        accounts=tree.accounts,
        wholesale=len(tree.wholesale),
        share_percent=10,
        total_fen=tree.total_fen,
        reserve_fen=Fen(tree.total_fen * 101 // 100 if reserve_fen is None else reserve_fen),
        reserve_source="statement of the custodian bank 2027-02-01",
        depth=tree.depth,
        root=tree.root,
        previous=sha256(b"the checkpoint before").digest(),
    )


def signed(checkpoint: Checkpoint) -> str:
    """Return *checkpoint* as a note with both signatures."""
    text = checkpoint.text()
    for signer in (ISSUER, SUPERVISOR):
        text = sign(text, signer.name, signer.private_key)
    return text


def tree_of(balances: Balances, *, epoch: int = 7, wholesale: list[int] | None = None) -> Tree:
    """Return the tree over *balances*, made plainly: vectors must not depend on a compiler."""
    seconds = np.array(wholesale, dtype=np.int64) if wholesale else NOBODY
    return build(balances, master=MASTER, epoch=epoch, wholesale=seconds, executor=plain)


def good() -> Iterator[tuple[str, Vector]]:
    """Yield name and vector of proofs that hold, or that would if someone's key were given."""
    for name, accounts, account, about in [
        ("one-account", 1, 0, "The tree is one bucket with one account."),
        ("one-bucket", 10, 7, "Ten accounts; no level above the bucket."),
        (
            "second-bucket",
            5_000,
            4_101,
            "Two buckets and one level above them; odd numbers are in the second.",
        ),
        ("two-levels", 20_000, 16_389, "Five buckets, two levels above them; digits come lowest first."),
        ("empty-balance", 5_000, 0, "The balance is zero and still has its place."),
    ]:
        balances = balances_of(accounts)
        tree = tree_of(balances)
        text = proof_text(tree.prove(balances, account), note=signed(checkpoint_of(tree)))
        yield name, answered(about, KEYS, text)

    balances = balances_of(20_000)
    balances[[3, 4_100, 16_389]] = 2**40, 2**41, 2**42
    tree = tree_of(balances, wholesale=[3, 4_100, 16_389])
    for name, account, about in [
        ("wholesale", 4_100, "The second of three wholesale accounts, in a bucket of their own."),
        ("beside-wholesale", 4_101, "An account like any other beside wholesale buckets."),
    ]:
        text = proof_text(tree.prove(balances, account), note=signed(checkpoint_of(tree)))
        yield name, answered(about, KEYS, text)

    balances = balances_of(10)
    tree = tree_of(balances)
    path = tree.prove(balances, 7)
    draft = replace(checkpoint_of(tree), law_is_draft=True)
    yield (
        "draft-law",
        answered("The ladder says that the law is a draft.", KEYS, proof_text(path, note=signed(draft))),
    )
    chinese = replace(checkpoint_of(tree), reserve_source="中国银行托管账户对账单 2027-02-01", previous=None)
    yield (
        "first-checkpoint",
        answered(
            "The first checkpoint of all, with a source in Chinese.",
            KEYS,
            proof_text(path, note=signed(chinese)),
        ),
    )
    for name, instant in [
        ("leap-day", "2028-02-29T23:59:59+08:00"),
        ("leap-day-of-a-century", "2000-02-29T23:59:59.000001-23:59"),
        ("first-year", "0001-01-01T00:00:00+23:59"),
        ("last-year", "9999-12-31T23:59:59-23:59"),
    ]:
        other = replace(checkpoint_of(tree), instant=datetime.fromisoformat(instant))
        about = f"The instant is {instant}, which exists."
        yield name, answered(about, KEYS, proof_text(path, note=signed(other)))
    yield (
        "one-key-given",
        answered("Only the issuer's key is known.", KEYS[:1], proof_text(path, note=signed(draft))),
    )
    twice = answered("Each key is given twice and counts once.", KEYS, proof_text(path, note=signed(draft)))
    yield "keys-given-twice", twice._replace(keys=[*KEYS, *KEYS])
    yield "no-key-given", answered("Nobody's key is known: exit 3.", [], proof_text(path, note=signed(draft)))
    yield (
        "no-signature",
        answered("Nobody signed, nobody's key is known.", [], proof_text(path, note=draft.text())),
    )

    largest = np.array([2**62, 0, 2**62 - 1], dtype=np.uint64)
    tree = tree_of(largest, epoch=2**32 - 1)
    note = signed(checkpoint_of(tree, reserve_fen=2**63 - 1))
    text = proof_text(tree.prove(largest, 0), note=note)
    yield "largest-total", answered("The total is 2^63 - 1 fen, the epoch 2^32 - 1.", KEYS, text)


def answered(about: str, keys: list[str], proof: str) -> Vector:
    """Return the vector of a proof that must not fail, with the answer computed from its own values."""
    found = json.loads(proof)
    values = dict(line.partition(" ")[::2] for line in found["checkpoint"].split("\n"))
    yuan = [
        f"{int(fen) // 100:,}.{int(fen) % 100:02d} CNY"
        for fen in (found["balance"], values["total"], values["reserve"])
    ]
    start = f"your {yuan[0]} is one of {int(values['accounts']):,} balances that add up to {yuan[1]}"
    if keys:
        return Vector(about, keys, proof, HOLDS, f"Holds: {start}; the issuer states a reserve of {yuan[2]}.")
    end = "but no signature was checked; name the signers with --key."
    return Vector(about, keys, proof, UNSIGNED, f"Not decided: {start}, {end}")


Change = Callable[[dict[str, Any]], object]

TO_ROOT = "the path does not lead to the root of the checkpoint"
DIGITS = "a string of digits without leading zeros, below 2^63"
FORM = "the proof file has a key twice, or blanks or escapes that a proof does not have"
NO_JSON = "the proof file is not JSON in UTF-8, or something follows it"

BALANCES = balances_of(20_000)
TREE = tree_of(BALANCES)
CHECKPOINT = checkpoint_of(TREE)
NOTE = signed(CHECKPOINT)
PATH = TREE.prove(BALANCES, 4_100)
TEXT = proof_text(PATH, note=NOTE)


def dumped(proof: dict[str, Any]) -> str:
    """Return *proof* in the form of a proof file, whatever is in it."""
    return json.dumps(proof, ensure_ascii=False, separators=(",", ":")) + "\n"


def changed(change: Change) -> str:
    """Return the proof file of account 4100 after *change*."""
    proof = json.loads(TEXT)
    change(proof)
    return dumped(proof)


def put(**values: Any) -> Change:
    """Return the change that puts *values* in the place of those of the proof."""
    return lambda proof: proof.update(values)


def read_all() -> dict[str, Vector]:
    """Return every vector in the folder, by `good/name` or `bad/name`."""
    return {
        f"{file.parent.name}/{file.stem}": Vector(**json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(FOLDER.glob("*/*.json"))
    }
