"""Proofs that can be read and do not hold: wrong paths, and checkpoints that are not signed as asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256, sha512

from jiaozi.money import Fen
from jiaozi.proof.checkpoint import sign
from jiaozi.proof.files import proof_text
from jiaozi.proof.plain import Node
from tests.proof.proof_vectors import (
    BALANCES,
    CHECKPOINT,
    ISSUER,
    NOTE,
    PATH,
    SUPERVISOR,
    TO_ROOT,
    TREE,
    Change,
    checkpoint_of,
    put,
    signed,
    signer_of,
    tree_of,
)


def bad_paths() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the step that fails."""
    yield (
        "swapped-siblings-inside",
        "Hashes inside the bucket change places.",
        lambda proof: proof["inside"][2].reverse(),
        TO_ROOT,
    )
    yield (
        "swapped-siblings-above",
        "Nodes above the bucket change places; the sums stay right.",
        lambda proof: proof["above"][1].reverse(),
        TO_ROOT,
    )
    other = json.loads(proof_text(TREE.prove(BALANCES, 12_345), note=NOTE))
    yield (
        "another-accounts-path",
        "The path of account 12345 under the number and balance of account 4100.",
        put(**{key: other[key] for key in ("nonce", "bucket_sum", "inside", "above")}),
        TO_ROOT,
    )
    yield (
        "another-account",
        "The next account of the bucket, with this path.",
        put(account="4105", position="4105"),
        TO_ROOT,
    )
    yield (
        "another-position",
        "The place of the account next door.",
        put(position="4101"),
        "the position of account 4100 is not its own",
    )
    yield (
        "position-beyond-the-last",
        "A wholesale place where there is none.",
        put(position="20000"),
        "position 20000 is beyond the last",
    )
    yield "another-balance", "One fen more.", put(balance=str(PATH.balance_fen + 1)), TO_ROOT
    yield "another-nonce", "A nonce of zeros.", put(nonce="00" * 24), TO_ROOT
    yield (
        "account-beyond-the-last",
        "An account that the checkpoint does not count.",
        put(account="20000"),
        "account 20000 is not one of the 20,000 accounts",
    )
    yield (
        "balance-above-bucket-sum",
        "The whole bucket holds less than this one balance.",
        put(bucket_sum=str(PATH.balance_fen - 1)),
        "the balance is more than the sum of its bucket",
    )
    yield (
        "bucket-sum-one-fen-less",
        "The sums no longer lead to the total.",
        put(bucket_sum=str(PATH.bucket_sum_fen - 1)),
        f"the sums lead to {TREE.total_fen - 1:,} fen and not to the total of {TREE.total_fen:,} fen",
    )
    yield (
        "path-too-short",
        "The uppermost row is missing.",
        lambda proof: proof["above"].pop(),
        "the path above the bucket does not have 2 steps",
    )
    yield (
        "sum-at-2-63",
        "Each sum is below 2^63, together they are not.",
        lambda proof: [node.update(sum=str(2**62)) for node in proof["above"][0]],
        "sum 1 of 2 on the way up reaches 2^63",
    )
    sums = [str(2**62), str(2**62 - PATH.bucket_sum_fen), "0"]
    yield (
        "sum-at-2-63-exactly",
        "The first sum is 2^63 and not a fen more.",
        lambda proof: [node.update(sum=fen) for node, fen in zip(proof["above"][0], sums, strict=True)],
        "sum 1 of 2 on the way up reaches 2^63",
    )
    total_fen, root, above = maximum_instead_of_sum()
    found_fen = PATH.bucket_sum_fen + sum(int(node["sum"]) for row in above for node in row)
    note = signed(replace(CHECKPOINT, total_fen=Fen(total_fen), reserve_fen=Fen(total_fen), root=root))
    yield (
        "maximum-instead-of-sum",
        "Nodes carry the largest sum below them in place of all four, and both have signed it.",
        put(checkpoint=note, above=above),
        f"the sums lead to {found_fen:,} fen and not to the total of {total_fen:,} fen",
    )


def maximum_instead_of_sum() -> tuple[int, bytes, list[list[dict[str, str]]]]:
    """Return total, root and path of bucket 1 in a tree whose nodes understate: Maxwell's tree, misused."""
    sums, hashes = TREE.levels[0]
    below = [Node(fen, hashed.tobytes()) for fen, hashed in zip(sums.tolist(), hashes, strict=True)]
    above, place = [], TREE.places.seat(PATH.position)[0]
    while len(below) > 1:
        m = len(below) // 4
        digit, start = divmod(place, m)
        siblings = [below[start + k * m] for k in range(4) if k != digit]
        above.append([{"sum": str(node.sum_fen), "hash": node.hash.hex()} for node in siblings])
        fours = [below[p::m] for p in range(m)]
        heads = [b"".join(node.sum_fen.to_bytes(8, "big") for node in four) for four in fours]
        tails = [b"".join(node.hash for node in four) for four in fours]
        below = [
            Node(max(four).sum_fen, sha256(b"JZS1" + heads[p] + tails[p]).digest())
            for p, four in enumerate(fours)
        ]
        place = start
    return below[0].sum_fen, below[0].hash, above


def bad_checkpoints() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the step that fails."""
    old = checkpoint_of(tree_of(BALANCES, epoch=6))
    yield "old-checkpoint", "The epoch before, same balances.", put(checkpoint=signed(old)), TO_ROOT
    moved = BALANCES.copy()
    moved[1] += moved[2]
    moved[2] = 0
    other = checkpoint_of(tree_of(moved))
    yield "other-checkpoint", "The same total, spread otherwise.", put(checkpoint=signed(other)), TO_ROOT
    short = replace(CHECKPOINT, reserve_fen=Fen(TREE.total_fen - 1))
    yield (
        "reserve-too-small",
        "The reserve is a fen short.",
        put(checkpoint=signed(short)),
        "the reserve stated is less than the total",
    )
    one = sign(CHECKPOINT.text(), ISSUER.name, ISSUER.private_key)
    missing = f"{SUPERVISOR.name} has not signed the checkpoint with the key given"
    yield "missing-signature", "The supervisor has not signed.", put(checkpoint=one), missing
    yield (
        "no-signature",
        "Nobody has signed.",
        put(checkpoint=CHECKPOINT.text()),
        f"{ISSUER.name} has not signed the checkpoint with the key given",
    )
    forged = sign(one, SUPERVISOR.name, signer_of("somebody.else").private_key)
    yield "signed-by-somebody-else", "Somebody uses the supervisor's name.", put(checkpoint=forged), missing
    misfit = f"the signature of {SUPERVISOR.name} does not fit the checkpoint"
    last = NOTE.split("\n")[-2]
    older = signed(old).split("\n")[-2]
    yield (
        "signature-of-another-checkpoint",
        "The supervisor's signature is that of the epoch before.",
        put(checkpoint=f"{one}{older}\n"),
        misfit,
    )
    yield (
        "signature-with-large-s",
        "s + L in place of s: the same point, written otherwise.",
        put(checkpoint=f"{one}{with_large_s(last)}\n"),
        misfit,
    )
    for spelling, about, r in [
        ("r-above-p", "R is the neutral point with y = p + 1.", (2**255 - 19 + 1).to_bytes(32, "little")),
        ("r-with-sign", "R is the neutral point with the sign of minus zero.", b"\x01" + bytes(30) + b"\x80"),
    ]:
        line = with_neutral_r(last, r)
        yield f"signature-with-{spelling}", about, put(checkpoint=f"{one}{line}\n"), misfit
    longer = base64.b64encode(base64.b64decode(last.rsplit(" ", 1)[1]) + b"\0").decode()
    yield (
        "signature-too-long",
        "A byte follows the signature.",
        put(checkpoint=f"{one}— {SUPERVISOR.name} {longer}\n"),
        misfit,
    )
    stub = base64.b64encode(SUPERVISOR.key_hash + b"\0").decode()
    yield (
        "signature-of-one-byte",
        "Five bytes can be read, and are no signature.",
        put(checkpoint=f"{one}— {SUPERVISOR.name} {stub}\n"),
        misfit,
    )
    yield (
        "changed-after-signing",
        "One letter of the text is another.",
        put(checkpoint=NOTE.replace("custodian", "Custodian")),
        f"the signature of {ISSUER.name} does not fit the checkpoint",
    )
    yield (
        "signed-twice",
        "One signature stands twice.",
        put(checkpoint=f"{NOTE}{last}\n"),
        f"{SUPERVISOR.name} has signed the checkpoint twice",
    )


def with_large_s(line: str) -> str:
    """Return the signature of *line* with the order of the group added to its s."""
    head, code = line.rsplit(" ", 1)
    data = base64.b64decode(code)
    s = int.from_bytes(data[36:], "little") + 2**252 + 27742317777372353535851937790883648493
    return f"{head} {base64.b64encode(data[:36] + s.to_bytes(32, 'little')).decode()}"


def with_neutral_r(line: str, r: bytes) -> str:
    """Return *line* with a signature whose R is the neutral point, spelled *r*; its signer can make it."""
    head, code = line.rsplit(" ", 1)
    key_hash = base64.b64decode(code)[:4]
    hashed = sha512(SUPERVISOR.private_key.private_bytes_raw()).digest()
    secret = int.from_bytes(hashed[:32], "little") & 2**254 - 8 | 2**254
    public = SUPERVISOR.private_key.public_key().public_bytes_raw()
    challenge = int.from_bytes(sha512(r + public + CHECKPOINT.text().encode()).digest(), "little")
    s = challenge * secret % (2**252 + 27742317777372353535851937790883648493)
    return f"{head} {base64.b64encode(key_hash + r + s.to_bytes(32, 'little')).decode()}"
