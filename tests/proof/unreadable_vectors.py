"""Proofs that nobody should read: files, values, checkpoint lines and keys that are not in their form."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from hashlib import sha256

from tests.proof.proof_vectors import (
    CHECKPOINT,
    DIGITS,
    FORM,
    NO_JSON,
    NOTE,
    PATH,
    SUPERVISOR,
    TEXT,
    TREE,
    Change,
    put,
)


def bad_lines() -> Iterator[tuple[str, str, Change, str]]:
    """Yield name, what it is about, the change and the line that is wrong."""
    law, root, reserve = CHECKPOINT.law_digest.hex(), TREE.root.hex(), f"reserve {CHECKPOINT.reserve_fen}"
    asked, no_day = "is not written as the format asks", "is a day that does not exist"
    for name, about, before, after, line, sentence in [
        (
            "line-unknown",
            "A line of another name.",
            "total ",
            "sum ",
            9,
            " starts with 'sum' where total belongs",
        ),
        (
            "line-missing",
            "No reserve.",
            f"{reserve}\n",
            "",
            10,
            " starts with 'reserve_source' where reserve belongs",
        ),
        (
            "line-twice",
            "Two totals.",
            "total ",
            "total 1\ntotal ",
            10,
            " starts with 'total' where reserve belongs",
        ),
        ("line-too-many", "A line after the last.", "\n\n", "\nmore\n\n", 17, " should not be there"),
        ("line-wholesale", "No share.", "wholesale 0 10", "wholesale 0", 8, f", wholesale, {asked}"),
        ("line-wholesale-share", "101 %.", "wholesale 0 10", "wholesale 0 101", 8, f", wholesale, {asked}"),
        (
            "line-wholesale-more",
            "More wholesale accounts than accounts.",
            "wholesale 0 10",
            "wholesale 20001 10",
            8,
            ", wholesale, names more accounts than there are",
        ),
        ("line-total", "A leading zero.", "total ", "total 0", 9, f", total, is not {DIGITS}"),
        ("line-reserve", "2^63 fen.", reserve, f"reserve {2**63}", 10, f", reserve, is not {DIGITS}"),
        ("line-epoch", "2^32.", "epoch 7", f"epoch {2**32}", 2, ", epoch, is 2^32 or more"),
        ("line-instant", "No offset.", "+08:00", "", 3, f", instant, {asked}"),
        ("line-instant-utc", "No name for an offset of zero.", "+08:00", "Z", 3, f", instant, {asked}"),
        ("line-instant-unknown-offset", "RFC 3339's unknown.", "+08:00", "-00:00", 3, f", instant, {asked}"),
        ("line-instant-fraction", "Six zeros.", "20:00:00", "20:00:00.000000", 3, f", instant, {asked}"),
        (
            "line-instant-february-31",
            "31 February.",
            "2027-02-01T",
            "2027-02-31T",
            3,
            f", instant, {no_day}",
        ),
        (
            "line-instant-february-29",
            "29 February of a common year.",
            "2027-02-01T",
            "2027-02-29T",
            3,
            f", instant, {no_day}",
        ),
        (
            "line-instant-century",
            "29 February of 2100, which four divides and which is no leap year.",
            "2027-02-01T",
            "2100-02-29T",
            3,
            f", instant, {no_day}",
        ),
        (
            "line-instant-november-31",
            "31 November.",
            "2027-02-01T",
            "2027-11-31T",
            3,
            f", instant, {no_day}",
        ),
        ("line-instant-year-0", "The year 0.", "2027-02-01T", "0000-02-01T", 3, f", instant, {no_day}"),
        ("line-instant-offset-24", "An offset of a day.", "+08:00", "+24:00", 3, f", instant, {asked}"),
        ("line-instant-second-60", "A leap second.", "20:00:00", "23:59:60", 3, f", instant, {asked}"),
        ("line-instant-hour-24", "Hour 24.", "T20:00:00", "T24:00:00", 3, f", instant, {asked}"),
        ("line-law", "The digest in capitals.", law, law.upper(), 5, f", law, {asked}"),
        ("line-law-status", "Neither law nor draft.", "in force", "perhaps", 5, f", law, {asked}"),
        (
            "line-reserve-source",
            "A mark that turns the writing round.",
            "statement",
            "\u202estatement",
            11,
            ", reserve_source, has a character that cannot be shown",
        ),
        ("line-bucket-size", "1,024.", "size 4096", "size 1024", 12, f", bucket_size, {asked}"),
        (
            "line-bucket-kind",
            "A kind that may come.",
            "kind hash",
            "kind pedersen",
            13,
            f", bucket_kind, {asked}",
        ),
        (
            "line-depth",
            "Three, where two do.",
            "depth 2",
            "depth 3",
            14,
            ", depth, is not 2 as its accounts ask",
        ),
        (
            "line-root",
            "The root in capitals.",
            root,
            root.upper(),
            15,
            ", root, is not a string of 64 lower-case hex digits",
        ),
        ("line-previous", "No word for none.", "previous ", "previous no", 16, f", previous, {asked}"),
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
    head = code.rsplit(" ", 1)[0]
    yield (
        "signature-of-four-bytes",
        "A key hash and nothing behind it.",
        put(checkpoint=NOTE.replace(code, f"{head} {base64.b64encode(SUPERVISOR.key_hash).decode()}")),
        "a line below the checkpoint is not a signature: dash, name, base64",
    )
    yield (
        "blank-line-without-signature",
        "A blank line, and no signature below it.",
        put(checkpoint=f"{NOTE.partition(chr(10) * 2)[0]}\n\n"),
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
        put(format="jiaozi-proof-3"),
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
