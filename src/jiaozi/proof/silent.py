"""The silent check: a wallet makes the proof itself, and nobody learns that it was made.

Whoever asks the issuer for proofs tells it who checks, and an issuer who knows who
never does could leave those out. So the issuer publishes a *bucket file* for
every bucket: its 4,096 leaf hashes, its sum, and the siblings above it. It has no
balance and no nonce in it; anybody may have it, from any server or mirror. The
holder has had his account key since the account was opened: with it the wallet
computes its own leaf, finds it among the hashes, and writes the ordinary proof,
which the one verifier checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import strict, verify_jiaozi
from jiaozi.proof.files import proof_text
from jiaozi.proof.places import BUCKET_SIZE, Places
from jiaozi.proof.plain import Balances, Node, leaf_of, nonce_of
from jiaozi.proof.tree import Path, Tree, sibling_rows
from jiaozi.proof.verify_jiaozi import FAILS, NODE, NUMBER, Answer, StepError, fit, need

FORMAT = "jiaozi-bucket-2"

SIZE_LIMIT = 512 * 1_024
"""Bytes of a bucket file: 175 kB are the leaves, a few the path."""

FORM: dict[str, Any] = {
    "format": FORMAT,
    "checkpoint": "(?s:.*)",
    "bucket": NUMBER,
    "bucket_sum": NUMBER,
    "leaves": "[A-Za-z0-9+/]{174763}=",
    "above": [[NODE] * 3],
}


def bucket_file_text(tree: Tree, balances: Balances, bucket: int, note: str) -> str:
    """Return the bucket file of bucket number *bucket* under the signed checkpoint *note*.

    *balances* are those of the tree. Raises `ProofError` if they are not, if the
    bucket is none of the tree's, or if *note* is of another tree.
    """
    same_tree(tree, note)
    leaves = tree.leaves(balances, bucket)
    return strict.written(
        {
            "format": FORMAT,
            "checkpoint": note,
            "bucket": str(bucket),
            "bucket_sum": str(int(tree.levels[0].sums[bucket])),
            "leaves": strict.pieces_text([leaves.tobytes()]),
            "above": above_text(tree, bucket),
        }
    )


def proof_from(bucket_text: str | bytes, *, account: int, key: bytes, balance_fen: int) -> str:
    """Return the proof file of *account*, made from a bucket file and from what its holder knows.

    *key* is the 32 bytes of the account key. Raises `ProofError`, in words for the
    holder, if the file cannot be read, is of another bucket, or has another leaf
    where that of the account belongs.
    """
    try:
        return _proof(bucket_text, account, key, balance_fen)
    except StepError as step:
        raise ProofError(step.args[0]) from None


def check(
    bucket_text: str | bytes, keys: Sequence[str] = (), *, account: int, key: bytes, balance_fen: int
) -> Answer:
    """Return the verifier's answer about the proof that `proof_from` makes; *keys* must all have signed."""
    try:
        proof = _proof(bucket_text, account, key, balance_fen)
    except StepError as step:
        sentence, status = step.args
        start = "Does not hold" if status == FAILS else "Cannot be read"
        return Answer(status, f"{start}: {sentence}.", [], [])
    return verify_jiaozi.check(proof, keys)


def _proof(bucket_text: str | bytes, account: int, key: bytes, balance_fen: int) -> str:
    need(len(key) == 32, f"the account key has 32 bytes, not {len(key)}")
    file = read_bucket(bucket_text)
    values = verify_jiaozi.read_note(file["checkpoint"])[1]
    places, epoch = places_of(values), int(values["epoch"])
    leaves = strict.pieces_of(file["leaves"], BUCKET_SIZE, 32, "bucket file.leaves")
    nonce = nonce_of(key, epoch)
    need(0 <= balance_fen < verify_jiaozi.SUM_LIMIT, "the balance is not an amount that an account can have")
    need(0 <= account < places.accounts, f"account {account} is not one of the {places.accounts:,} accounts")

    def leaf(fen: int) -> bytes:
        return leaf_of(epoch=epoch, account=account, balance_fen=fen, nonce=nonce)

    number = int(file["bucket"])
    need(number < places.buckets, f"bucket {number} is not one of the {places.buckets:,} buckets")
    position = _position(places, number, account, leaves, leaf(balance_fen), leaf(0))
    place = places.seat(position)[1]
    path = Path(
        account=account,
        position=position,
        balance_fen=Fen(balance_fen),
        nonce=nonce,
        bucket_sum_fen=Fen(int(file["bucket_sum"])),
        inside=tuple(
            tuple(level[i] for i in row)
            for level, row in zip(inside_levels(leaves), sibling_rows(BUCKET_SIZE, place), strict=False)
        ),
        above=tuple(
            tuple(Node(int(one["sum"]), bytes.fromhex(one["hash"])) for one in row) for row in file["above"]
        ),
    )
    try:
        return proof_text(path, note=file["checkpoint"])
    except ProofError as error:
        raise StepError(str(error), FAILS) from None


def _position(
    places: Places, number: int, account: int, leaves: list[bytes], leaf: bytes, leaf_of_nothing: bytes
) -> int:
    """Return where the leaf of *account* stands, which bucket *number* must have."""
    if number >= places.ordinary_buckets:
        members = places.members(number)
        found = [position for place, position in enumerate(members) if leaves[place] == leaf]
        if found:
            return found[0]
        raise StepError(
            f"your leaf is not in wholesale bucket {number}: it is in another, or balance, key or account differ",
            FAILS,
        )
    own, place = places.seat(account)
    need(number == own, f"account {account} is in bucket {own}; this is the file of bucket {number}")
    if leaves[place] == leaf:
        return account
    if leaves[place] == leaf_of_nothing and places.wholesale:
        first, last = places.ordinary_buckets, places.buckets - 1
        raise StepError(
            f"bucket {number} has your account with a balance of 0; if it is a wholesale account, its balance is "
            f"in {f'bucket {first}' if first == last else f'one of the buckets {first} to {last}'}: "
            "ask for that file",
            FAILS,
        )
    need(leaves[place] != leaf_of_nothing, f"bucket {number} has your account with a balance of 0", FAILS)
    raise StepError("your leaf is not in the bucket: balance, key or account is another", FAILS)


def read_bucket(text: str | bytes) -> dict[str, Any]:
    """Return the members of a bucket file, each in its form. Raises `StepError`."""
    file = strict.read(text, what="bucket file", size_limit=SIZE_LIMIT)
    fit(file, {**FORM, "above": strict.rows_of(file.get("above"), FORM["above"][0])}, "bucket file")
    return file


def places_of(values: dict[str, str]) -> Places:
    """Return the places of the tree that a checkpoint with *values* states."""
    return Places(int(values["accounts"]), int(values["wholesale"].split(" ")[0]))


def inside_levels(leaves: list[bytes]) -> list[list[bytes]]:
    """Return the seven levels of a bucket, *leaves* first."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        m = len(below) // 4
        levels.append(
            [
                sha256(b"JZH1" + below[p] + below[p + m] + below[p + 2 * m] + below[p + 3 * m]).digest()
                for p in range(m)
            ]
        )
    return levels


def above_text(tree: Tree, bucket: int) -> list[list[dict[str, str]]]:
    """Return the siblings above *bucket* as they stand in files."""
    return [
        [{"sum": str(node.sum_fen), "hash": node.hash.hex()} for node in row] for row in tree.above(bucket)
    ]


def same_tree(tree: Tree, note: str) -> dict[str, str]:
    """Return the values of the checkpoint *note*. Raises `ProofError` if it is not that of *tree*."""
    try:
        values = verify_jiaozi.read_note(note)[1]
    except StepError as step:
        raise ProofError(step.args[0]) from None
    fit_together = values["root"] == tree.root.hex() and values["total"] == str(tree.total_fen)
    fit_together = fit_together and int(values["epoch"]) == tree.epoch and places_of(values) == tree.places
    if not fit_together:
        raise ProofError("the checkpoint is that of another tree: epoch, accounts, total or root differ")
    return values
