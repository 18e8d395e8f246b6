"""The vectors that every verifier of the proof format has to answer alike.

    python tests/proof/proof_vectors.py      writes them to tests/proof/vectors/

Each is a small JSON file: what it is about, the keys to check with, the proof
file as one string, and the answer: exit status and first line. Nothing in them
is random: keys come from names, balances from a formula, and Ed25519 signs the
same way every time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256, sha512
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiaozi.money import Fen
from jiaozi.proof.checkpoint import Checkpoint, sign
from jiaozi.proof.files import proof_text
from jiaozi.proof.keys import Signer
from jiaozi.proof.tree import Balances, Node, Path, Tree, build
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, UNSIGNED

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


def path_of(tree: Tree, balances: Balances, account: int) -> Path:
    """Return the path of *account* in *tree*, which was built over *balances*."""
    members = tree.bucket_range(account)
    return tree.prove(balances[members.start : members.stop], account)


def good() -> Iterator[tuple[str, Vector]]:
    """Yield name and vector of proofs that hold, or that would if someone's key were given."""
    for name, accounts, account, about in [
        ("one-account", 1, 0, "The tree is one bucket with one account."),
        ("one-bucket", 10, 7, "Ten accounts; no level above the bucket."),
        ("second-bucket", 5_000, 4_100, "Two buckets and one level above them."),
        ("two-levels", 20_000, 16_389, "Five buckets, two levels above them; digits come lowest first."),
        ("empty-balance", 5_000, 0, "The balance is zero and still has its place."),
    ]:
        balances = balances_of(accounts)
        tree = build(balances, master=MASTER, epoch=7)
        text = proof_text(path_of(tree, balances, account), note=signed(checkpoint_of(tree)))
        yield name, answered(about, KEYS, text)

    balances = balances_of(10)
    tree = build(balances, master=MASTER, epoch=7)
    path = path_of(tree, balances, 7)
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
    yield (
        "one-key-given",
        answered("Only the issuer's key is known.", KEYS[:1], proof_text(path, note=signed(draft))),
    )
    yield "no-key-given", answered("Nobody's key is known: exit 3.", [], proof_text(path, note=signed(draft)))
    yield (
        "no-signature",
        answered("Nobody signed, nobody's key is known.", [], proof_text(path, note=draft.text())),
    )

    largest = np.array([2**62, 0, 2**62 - 1], dtype=np.uint64)
    tree = build(largest, master=MASTER, epoch=2**32 - 1)
    note = signed(checkpoint_of(tree, reserve_fen=2**63 - 1))
    text = proof_text(path_of(tree, largest, 0), note=note)
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
TREE = build(BALANCES, master=MASTER, epoch=7)
CHECKPOINT = checkpoint_of(TREE)
NOTE = signed(CHECKPOINT)
PATH = path_of(TREE, BALANCES, 4_100)
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


def bad() -> Iterator[tuple[str, Vector]]:
    """Yield name and vector of proofs that do not hold or that nobody should read."""
    for name, about, change, sentence in (*bad_paths(), *bad_checkpoints()):
        yield name, Vector(about, KEYS, changed(change), FAILS, f"Does not hold: {sentence}.")
    for name, about, change, sentence in (*bad_lines(), *bad_values()):
        yield name, Vector(about, KEYS, changed(change), UNREADABLE, f"Cannot be read: {sentence}.")
    for name, about, text, sentence in bad_files():
        yield name, Vector(about, KEYS, text, UNREADABLE, f"Cannot be read: {sentence}.")
    for name, about, key, text in bad_keys():
        sentence = f"Cannot be read: the key {key[:40]!a} is not a verifier key: name+hash+base64."
        yield name, Vector(about, [key], text, UNREADABLE, sentence)
    yield small_order()


def bad_keys() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, what it is about, a key that is none, and a proof."""
    public = SUPERVISOR.private_key.public_key().public_bytes_raw()
    yield (
        "key-with-wrong-hash",
        "The hash is not of this key.",
        key_line(SUPERVISOR.name, b"\x01" + public, "0" * 8),
        TEXT,
    )
    yield "key-of-another-kind", "Kind 2 is not Ed25519.", key_line(SUPERVISOR.name, b"\x02" + public), TEXT
    yield (
        "key-too-long",
        "33 bytes after the kind.",
        key_line(SUPERVISOR.name, b"\x01" + public + b"\0"),
        TEXT,
    )


def key_line(name: str, data: bytes, key_hash: str = "") -> str:
    """Return the verifier key of *name* for *data*, with its own hash or another."""
    own = sha256(f"{name}\n".encode() + data).hexdigest()[:8]
    return f"{name}+{key_hash or own}+{base64.b64encode(data).decode()}"


def small_order() -> tuple[str, Vector]:
    """Return the vector of a key that is the neutral point: with it R = B, s = 1 would sign every text."""
    neutral = b"\x01" + bytes(31)
    key = key_line("nobody.example", b"\x01" + neutral)
    base_point = bytes.fromhex("58" + "66" * 31)
    data = bytes.fromhex(key.split("+")[1]) + base_point + b"\x01" + bytes(31)
    note = f"{NOTE}— nobody.example {base64.b64encode(data).decode()}\n"
    sentence = "Does not hold: the signature of nobody.example does not fit the checkpoint."
    about = "A key of small order, under which one signature fits every text."
    return "key-of-small-order", Vector(about, [key], changed(put(checkpoint=note)), FAILS, sentence)


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
    other = json.loads(proof_text(path_of(TREE, BALANCES, 12_345), note=NOTE))
    yield (
        "another-accounts-path",
        "The path of account 12345 under the number and balance of account 4100.",
        put(**{key: other[key] for key in ("nonce", "bucket_sum", "inside", "above")}),
        TO_ROOT,
    )
    yield "another-account", "The account next door, with this path.", put(account="4101"), TO_ROOT
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
    below = [*TREE.levels[0]]
    above, place = [], 1
    while len(below) > 1:
        m = len(below) // 4
        digit, start = divmod(place, m)
        siblings = [below[start + k * m] for k in range(4) if k != digit]
        above.append([{"sum": str(node.sum_fen), "hash": node.hash.hex()} for node in siblings])
        fours = [below[p::m] for p in range(m)]
        sums = [b"".join(node.sum_fen.to_bytes(8, "big") for node in four) for four in fours]
        hashes = [b"".join(node.hash for node in four) for four in fours]
        below = [
            Node(max(four).sum_fen, sha256(b"JZS1" + sums[p] + hashes[p]).digest())
            for p, four in enumerate(fours)
        ]
        place = start
    return below[0].sum_fen, below[0].hash, above


def bad_checkpoints() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the step that fails."""
    old = checkpoint_of(build(BALANCES, master=MASTER, epoch=6))
    yield "old-checkpoint", "The epoch before, same balances.", put(checkpoint=signed(old)), TO_ROOT
    moved = BALANCES.copy()
    moved[1] += moved[2]
    moved[2] = 0
    other = checkpoint_of(build(moved, master=MASTER, epoch=7))
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


def bad_lines() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the line that is wrong."""
    law, root, reserve = CHECKPOINT.law_digest.hex(), TREE.root.hex(), f"reserve {CHECKPOINT.reserve_fen}"
    asked = "is not written as the format asks"
    for name, about, before, after, line, sentence in [
        (
            "line-unknown",
            "A line of another name.",
            "total ",
            "sum ",
            8,
            " starts with 'sum' where total belongs",
        ),
        (
            "line-missing",
            "No reserve.",
            f"{reserve}\n",
            "",
            9,
            " starts with 'reserve_source' where reserve belongs",
        ),
        (
            "line-twice",
            "Two totals.",
            "total ",
            "total 1\ntotal ",
            9,
            " starts with 'total' where reserve belongs",
        ),
        ("line-too-many", "A line after the last.", "\n\n", "\nmore\n\n", 16, " should not be there"),
        ("line-total", "A leading zero.", "total ", "total 0", 8, f", total, is not {DIGITS}"),
        ("line-reserve", "2^63 fen.", reserve, f"reserve {2**63}", 9, f", reserve, is not {DIGITS}"),
        ("line-epoch", "2^32.", "epoch 7", f"epoch {2**32}", 2, ", epoch, is 2^32 or more"),
        ("line-instant", "No offset.", "+08:00", "", 3, f", instant, {asked}"),
        ("line-instant-utc", "No name for an offset of zero.", "+08:00", "Z", 3, f", instant, {asked}"),
        ("line-instant-unknown-offset", "RFC 3339's unknown.", "+08:00", "-00:00", 3, f", instant, {asked}"),
        ("line-instant-fraction", "Six zeros.", "20:00:00", "20:00:00.000000", 3, f", instant, {asked}"),
        ("line-law", "The digest in capitals.", law, law.upper(), 5, f", law, {asked}"),
        ("line-law-status", "Neither law nor draft.", "in force", "perhaps", 5, f", law, {asked}"),
        (
            "line-reserve-source",
            "A mark that turns the writing round.",
            "statement",
            "\u202estatement",
            10,
            ", reserve_source, has a character that cannot be shown",
        ),
        ("line-bucket-size", "1,024.", "size 4096", "size 1024", 11, f", bucket_size, {asked}"),
        (
            "line-bucket-kind",
            "A kind that may come.",
            "kind hash",
            "kind pedersen",
            12,
            f", bucket_kind, {asked}",
        ),
        (
            "line-depth",
            "Three, where two do.",
            "depth 2",
            "depth 3",
            13,
            ", depth, is not 2 as its accounts ask",
        ),
        (
            "line-root",
            "The root in capitals.",
            root,
            root.upper(),
            14,
            ", root, is not a string of 64 lower-case hex digits",
        ),
        ("line-previous", "No word for none.", "previous ", "previous no", 15, f", previous, {asked}"),
    ]:
        note = NOTE.replace(before, after, 1)
        yield name, about, put(checkpoint=note), f"checkpoint line {line}{sentence}"
    yield (
        "line-without-end",
        "The last line has no end.",
        put(checkpoint=NOTE[:-1]),
        "the last line of the checkpoint has no end",
    )
    code = NOTE.split("\n")[-2]
    loose = f"{code[:-2]}{chr(ord(code[-2]) + 1)}="
    yield (
        "signature-in-loose-base64",
        "A bit that carries nothing is set.",
        put(checkpoint=NOTE.replace(code, loose)),
        "a line below the checkpoint is not a signature: dash, name, base64",
    )
    yield (
        "line-of-no-signature",
        "A hyphen where the dash belongs.",
        put(checkpoint=NOTE.replace("— super", "- super")),
        "a line below the checkpoint is not a signature: dash, name, base64",
    )


def bad_values() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the value that is wrong."""
    for name, about, value in [
        ("number", "A JSON number in place of a string.", PATH.balance_fen),
        ("fraction", "A JSON number with a fraction.", 0.5),
        ("nan", "NaN, which is no JSON and which Python would read.", float("nan")),
        ("negative", "A balance below zero.", "-1"),
        ("leading-zero", "A leading zero.", "01"),
        ("other-digits", "Digits of another script.", "٤١"),
        ("2-63", "2^63.", str(2**63)),
        ("null", "Nothing.", None),
    ]:
        yield f"balance-{name}", about, put(balance=value), f"proof.balance is not {DIGITS}"
    upper = PATH.inside[0][1].hex().upper()
    yield (
        "hash-in-capitals",
        "Upper-case hex.",
        lambda proof: proof["inside"][0].__setitem__(1, upper),
        "proof.inside[0][1] is not a string of 64 lower-case hex digits",
    )
    yield (
        "sibling-sum-number",
        "A JSON number in the path.",
        lambda proof: proof["above"][1][2].update(sum=0),
        f"proof.above[1][2].sum is not {DIGITS}",
    )
    yield (
        "nonce-too-short",
        "23 bytes.",
        put(nonce="00" * 23),
        "proof.nonce is not a string of 48 lower-case hex digits",
    )
    yield (
        "five-rows",
        "A row inside is missing.",
        lambda proof: proof["inside"].pop(),
        "proof.inside is not a list of 6",
    )
    yield (
        "four-siblings",
        "A row has four.",
        lambda proof: proof["inside"][0].append("00" * 32),
        "proof.inside[0] is not a list of 3",
    )
    yield (
        "other-format",
        "A format to come.",
        put(format="jiaozi-proof-2"),
        "proof.format is not written as the format asks",
    )
    keys = f"proof does not have exactly the keys {', '.join(json.loads(TEXT))}, in this order"
    yield "key-unknown", "A side, which nobody has to tell.", put(side="left"), keys
    yield "key-missing", "No nonce.", lambda proof: proof.pop("nonce"), keys
    yield (
        "keys-in-another-order",
        "First key last.",
        lambda proof: proof.update(format=proof.pop("format")),
        keys,
    )


def bad_files() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, what it is about, the file and what is wrong with it."""
    yield "key-twice", "Two balances; which counts?", TEXT.replace('"bal', '"balance":"1","bal'), FORM
    yield "blank", "A blank after a colon.", TEXT.replace('"balance":', '"balance": '), FORM
    yield "escape", "An escape for a letter.", TEXT.replace('"balance"', '"\\u0062alance"'), FORM
    yield "line-end-missing", "The line of the file has no end.", TEXT[:-1], FORM
    yield "trailing-blank", "A second line end.", f"{TEXT}\n", FORM
    yield "trailing-data", "A second object follows.", f"{TEXT}{{}}\n", NO_JSON
    yield "half-a-file", "The second half is missing.", TEXT[: len(TEXT) // 2], NO_JSON
    yield "empty-file", "Nothing.", "", "the proof file is empty"
    nested = "the proof file is nested more deeply than a proof is"
    yield "deeply-nested", "A list in a list in a list.", f"{'[' * 9_999}{']' * 9_999}\n", nested
    yield (
        "not-an-object",
        "A list.",
        "[]\n",
        f"proof does not have exactly the keys {', '.join(json.loads(TEXT))}, in this order",
    )


def as_file(vector: Vector) -> str:
    """Return *vector* as its file has it."""
    return json.dumps(vector._asdict(), ensure_ascii=False, indent=1) + "\n"


def read_all() -> dict[str, Vector]:
    """Return every vector in the folder, by `good/name` or `bad/name`."""
    return {
        f"{file.parent.name}/{file.stem}": Vector(**json.loads(file.read_text(encoding="utf-8")))
        for file in sorted(FOLDER.glob("*/*.json"))
    }


def make_all() -> dict[str, Vector]:
    """Return the same, made anew."""
    made = {f"good/{name}": vector for name, vector in good()}
    made.update({f"bad/{name}": vector for name, vector in bad()})
    return made


if __name__ == "__main__":
    for name, vector in make_all().items():
        file = FOLDER / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_file(vector), encoding="utf-8")
