#!/usr/bin/env python3
"""Check that one balance is inside the published total of a coin.

    python3 verify_jiaozi.py proof.json --key ISSUER_KEY --key SUPERVISOR_KEY [--json]

One file, Python 3.9 or newer, nothing to install: copy it anywhere. Every key given must have signed.
The format is written out in docs/reference/proof-format.md. Exit status: 0 the proof holds; 1 it does
not, and the failed step is named; 2 the file or a key cannot be read; 3 the sums hold, but without
--key no signature was checked: a checkpoint names its signers and does not bring their keys.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

HOLDS, FAILS, UNREADABLE, UNSIGNED = range(4)
BUCKET_SIZE, SUM_LIMIT, SIZE_LIMIT = 4_096, 2**63, 64 * 1_024

# What may stand where, as regular expressions. All numbers are strings of digits, so that they stay exact.
NUMBER, HASH, NONCE, NAME = "(?:0|[1-9][0-9]{0,18})", "[0-9a-f]{64}", "[0-9a-f]{48}", "[!-*,-~]{1,200}"
DAY, HOUR = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "([01][0-9]|2[0-3]):[0-5][0-9]"
WORDS = {
    NUMBER: "a string of digits without leading zeros, below 2^63",
    HASH: "a string of 64 lower-case hex digits",
    NONCE: "a string of 48 lower-case hex digits",
}
NODE = {"sum": NUMBER, "hash": HASH}
PROOF: dict[str, Any] = {
    "format": "jiaozi-proof-2",
    "checkpoint": "(?s:.*)",
    "account": NUMBER,
    "position": NUMBER,
    "balance": NUMBER,
    "nonce": NONCE,
    "bucket_sum": NUMBER,
    "inside": [[HASH] * 3] * 6,
    "above": [[NODE] * 3],  # as many rows as the file has: whether they are enough, the path will show
}
CHECKPOINT = {  # its lines in their order; the first alone has no word before its value
    "origin": NAME,
    "epoch": NUMBER,
    "instant": f"{DAY}T{HOUR}:[0-5][0-9]([.](?!000000)[0-9]{{6}})?(?!-00:00)[+-]{HOUR}",
    "coin": "[A-Za-z0-9._-]{1,64} [A-Z]{3}",
    "law": f"{HASH} (in force|draft)",
    "journal": f"{NUMBER} {HASH}",
    "accounts": NUMBER,
    "wholesale": f"{NUMBER} ([1-9][0-9]?|100)",
    "total": NUMBER,
    "reserve": NUMBER,
    "reserve_source": r"\S(.{0,198}\S)?",
    "bucket_size": str(BUCKET_SIZE),
    "bucket_kind": "hash",
    "depth": NUMBER,
    "root": HASH,
    "previous": f"{HASH}|none",
}


class StepError(Exception):
    """The step that failed: (what is wrong with it in words, exit status)."""


class Answer(NamedTuple):
    """Exit status, the answer in words, (label, value) from balance up to reserve, and what stays open."""

    status: int
    sentence: str
    ladder: list[tuple[str, str]]
    not_proven: list[str]


def need(fact: object, sentence: str, status: int = UNREADABLE) -> None:
    """Stop with *sentence* unless *fact* is so."""
    if not fact:
        raise StepError(sentence, status)


# 1. Reading. Each thing can be written in one way only, so that no two programs read it differently.


def fit(value: Any, form: Any, place: str) -> None:
    """Need *value* to have *form*: a pattern, a dictionary of forms in its order, or a list of forms."""
    if isinstance(form, str):
        is_right = isinstance(value, str) and re.fullmatch(form, value) is not None
        is_right = is_right and (form != NUMBER or int(value) < SUM_LIMIT)
        need(is_right, f"{place} is not {WORDS.get(form, 'written as the format asks')}")
    elif isinstance(form, dict):
        is_right = isinstance(value, dict) and list(value) == list(form)
        need(is_right, f"{place} does not have exactly the keys {', '.join(form)}, in this order")
        for key in form:
            fit(value[key], form[key], f"{place}.{key}")
    else:
        need(isinstance(value, list) and len(value) == len(form), f"{place} is not a list of {len(form)}")
        for i, one in enumerate(form):
            fit(value[i], one, f"{place}[{i}]")


def read_proof(proof_text: str | bytes) -> dict[str, Any]:
    """Return the members of a proof file, each in its form."""
    data = proof_text if isinstance(proof_text, bytes) else proof_text.encode(errors="surrogatepass")
    need(len(data) > 0, "the proof file is empty")
    need(len(data) <= SIZE_LIMIT, f"the proof file is larger than {SIZE_LIMIT:,} bytes")
    need(data.count(b"[") + data.count(b"{") < 400, "the proof file is nested more deeply than a proof is")
    try:
        proof = json.loads(data.decode())
        again = json.dumps(proof, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except (ValueError, RecursionError):
        raise StepError("the proof file is not JSON in UTF-8, or something follows it", UNREADABLE) from None
    need(data == again, "the proof file has a key twice, or blanks or escapes that a proof does not have")
    above = proof.get("above") if isinstance(proof, dict) else None
    fit(proof, {**PROOF, "above": PROOF["above"] * len(above if isinstance(above, list) else ())}, "proof")
    return dict(proof)


def buckets_of(values: dict[str, str]) -> tuple[int, int]:
    """Return how many buckets every account has a leaf in, and how many hold the second leaves."""
    accounts, wholesale = int(values["accounts"]), int(values["wholesale"].split(" ")[0])
    need(wholesale <= accounts, "checkpoint line 8, wholesale, names more accounts than there are")
    return -(-accounts // BUCKET_SIZE), -(-wholesale // BUCKET_SIZE)


def seat(proof: dict[str, Any], values: dict[str, str]) -> tuple[int, int, int]:
    """Return bucket and place of the leaf, and how many leaves are in that bucket; accounts are dealt like cards."""
    account, position, accounts = int(proof["account"]), int(proof["position"]), int(values["accounts"])
    ordinary, wholesale = buckets_of(values)
    rank, seconds = position - accounts, int(values["wholesale"].split(" ")[0])
    need(account < accounts, f"account {account} is not one of the {accounts:,} accounts", FAILS)
    if rank < 0:
        need(position == account, f"the position of account {account} is not its own", FAILS)
        return account % ordinary, account // ordinary, len(range(account % ordinary, accounts, ordinary))
    need(rank < seconds, f"position {position} is beyond the last", FAILS)
    members = len(range(rank % wholesale, seconds, wholesale))
    return ordinary + rank % wholesale, rank // wholesale, members


def is_day(instant: str) -> bool:
    """Return whether the calendar has the day of *instant*, which is written as the format asks."""
    try:
        return datetime.fromisoformat(instant).year > 0
    except ValueError:
        return False


def plain_base64(text: str) -> bytes:
    """Return the bytes in *text*, none if it is not Base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def read_note(note: str) -> tuple[str, dict[str, str], list[tuple[str, bytes]]]:
    """Return the text that is signed, its values by name, and the signatures by name."""
    text, blank, tail = note.partition("\n\n")
    text = text + "\n" if blank else note
    need(f"{text}{tail}".endswith("\n"), "the last line of the checkpoint has no end")
    lines, values, signatures = text[:-1].split("\n"), {}, []
    for i, (name, form) in enumerate(CHECKPOINT.items()):
        line = lines[i] if i < len(lines) else ""
        word, value = line.partition(" ")[::2] if i else (name, line)
        need(word == name, f"checkpoint line {i + 1} starts with {word[:40]!a} where {name} belongs")
        fit(value, form, f"checkpoint line {i + 1}, {name},")
        need(value.isprintable(), f"checkpoint line {i + 1}, {name}, has a character that cannot be shown")
        values[name] = value
    need(len(lines) == len(CHECKPOINT), f"checkpoint line {len(CHECKPOINT) + 1} should not be there")
    need(int(values["epoch"]) < 2**32, "checkpoint line 2, epoch, is 2^32 or more")
    need(is_day(values["instant"]), "checkpoint line 3, instant, is a day that does not exist")
    ordinary, wholesale = buckets_of(values)
    depth = next(d for d in range(27) if 4**d >= ordinary + wholesale)
    need(values["depth"] == str(depth), f"checkpoint line 14, depth, is not {depth} as its accounts ask")
    for line in tail[:-1].split("\n") if blank else ():
        found = re.fullmatch(f"— ({NAME}) ([A-Za-z0-9+/=]+)", line)
        signature = plain_base64(found[2]) if found else b""
        need(len(signature) > 4, "a line below the checkpoint is not a signature: dash, name, base64")
        signatures.append((line.split(" ")[1], signature))
    return text, values, signatures


# 2. Signatures: Ed25519 (RFC 8032), checking only: about 3 ms for one.

Point = tuple[
    int, int, int, int
]  # X, Y, Z, T with x = X / Z, y = Y / Z, x y = T / Z: adding needs no division
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1, 1, 0)


def add(one: Point, other: Point) -> Point:
    """Return the sum of two points, also of a point and itself (Hisil and others, 2008, section 3.1)."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * D * one[3] * other[3] % P, 2 * one[2] * other[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point, other_factor: int = 0, other: Point = NEUTRAL) -> Point:
    """Return factor * point + other_factor * other, both in one go."""
    choice, result = (NEUTRAL, point, other, add(point, other)), NEUTRAL
    for bit in range(max(factor, other_factor).bit_length() - 1, -1, -1):
        result = add(result, result)
        chosen = (factor >> bit & 1) + 2 * (other_factor >> bit & 1)
        result = add(result, choice[chosen]) if chosen else result
    return result


def same(one: Point, other: Point) -> bool:
    return all((one[i] * other[2] - other[i] * one[2]) % P == 0 for i in (0, 1))


def point_of(data: bytes) -> Point:
    """Return the point that 32 bytes stand for: y, and in the last bit whether x is odd."""
    y, is_odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and is_odd):
        raise ValueError("no such point")
    x = x if x % 2 == is_odd else P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether *signature* is one by *public*; a key of small order and s >= ORDER never are."""
    try:
        a, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    except (ValueError, IndexError):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little")
    is_right = len(signature) == 64 and s < ORDER and not same(times(8, a), NEUTRAL)
    return is_right and same(times(s, BASE, h % ORDER, (P - a[0], a[1], 1, P - a[3])), r)


def check_signatures(text: str, signatures: list[tuple[str, bytes]], keys: Sequence[str]) -> list[str]:
    """Return the names of *keys*, each of which must have signed; other signatures are passed over."""
    known = []
    for key in dict.fromkeys(keys):
        name, key_hash, code = (*key.split("+", 2), "", "")[:3]
        public = plain_base64(code)
        is_key = re.fullmatch(NAME, name) and len(public) == 33 and public[0] == 1
        is_key = is_key and hashlib.sha256(f"{name}\n".encode() + public).hexdigest()[:8] == key_hash
        need(is_key, f"the key {key[:40]!a} is not a verifier key: name+hash+base64")
        known.append((name, key_hash, public[1:]))
    for name, key_hash, public in known:
        found = [data[4:] for who, data in signatures if (who, data[:4].hex()) == (name, key_hash)]
        need(len(found) > 0, f"{name} has not signed the checkpoint with the key given", FAILS)
        need(len(found) == 1, f"{name} has signed the checkpoint twice", FAILS)
        is_right = is_signed(public, text.encode(), found[0])
        need(is_right, f"the signature of {name} does not fit the checkpoint", FAILS)
    return [name for name, _, _ in known]


# 3. The path from the leaf to the root. Its digits come from the position, no directions from the proof.


def sha(tag: bytes, *parts: bytes) -> bytes:
    return hashlib.sha256(tag + b"".join(parts)).digest()


def climb(proof: dict[str, Any], values: dict[str, str]) -> list[int]:
    """Return the sums on the way in fen, from the bucket's to the total."""
    account, balance, sums = int(proof["account"]), int(proof["balance"]), [int(proof["bucket_sum"])]
    depth, total = int(values["depth"]), int(values["total"])
    bucket, place, _ = seat(proof, values)
    need(len(proof["above"]) == depth, f"the path above the bucket does not have {depth} steps", FAILS)
    need(balance <= sums[0], "the balance is more than the sum of its bucket", FAILS)
    epoch, number = int(values["epoch"]).to_bytes(4, "big"), account.to_bytes(8, "big")
    here = sha(b"JZL1", epoch, number, balance.to_bytes(8, "big"), bytes.fromhex(proof["nonce"]))
    # The node at a place is child number place // width of its parent, which is at place % width.
    width = BUCKET_SIZE
    for row in proof["inside"]:
        width //= 4
        digit, place = divmod(place, width)
        hashes = [bytes.fromhex(one) for one in row]
        here = sha(b"JZH1", *hashes[:digit], here, *hashes[digit:])
    width, place = 4**depth, bucket
    for step, row in enumerate(proof["above"], 1):
        width //= 4
        digit, place = divmod(place, width)
        nodes = [(int(one["sum"]), bytes.fromhex(one["hash"])) for one in row]
        nodes.insert(digit, (sums[-1], here))
        sums.append(sum(fen for fen, _ in nodes))
        need(sums[-1] < SUM_LIMIT, f"sum {step} of {depth} on the way up reaches 2^63", FAILS)
        here = sha(b"JZS1", *(fen.to_bytes(8, "big") for fen, _ in nodes), *(one for _, one in nodes))
    need(sums[-1] == total, f"the sums lead to {sums[-1]:,} fen and not to the total of {total:,} fen", FAILS)
    need(here.hex() == values["root"], "the path does not lead to the root of the checkpoint", FAILS)
    return sums


def check(proof_text: str | bytes, keys: Sequence[str] = ()) -> Answer:
    """Return whether the proof holds, under a checkpoint that all of *keys* (verifier keys) have signed."""
    try:
        proof = read_proof(proof_text)
        text, values, signatures = read_note(proof["checkpoint"])
        signers = check_signatures(text, signatures, keys)
        sums = climb(proof, values)
        need(sums[-1] <= int(values["reserve"]), "the reserve stated is less than the total", FAILS)
    except StepError as step:
        sentence, status = step.args
        start = "Does not hold" if status == FAILS else "Cannot be read"
        return Answer(status, f"{start}: {sentence}.", [], [])
    return in_words(proof, text, values, signers, sums)


# 4. Words.


def in_words(proof: Any, text: str, values: dict[str, str], signers: list[str], sums: list[int]) -> Answer:
    """Return the answer for a proof whose every step held."""
    account, accounts = int(proof["account"]), int(values["accounts"])
    coin, unit = values["coin"].split(" ")
    law, law_status = values["law"].split(" ", 1)

    def money(fen: int | str) -> str:
        return f"{int(fen) // 100:,}.{int(fen) % 100:02d} {unit}"

    balance, total, reserve = money(proof["balance"]), money(sums[-1]), money(values["reserve"])
    sentence = f"your {balance} is one of {accounts:,} balances that add up to {total}"
    if signers:
        sentence = f"Holds: {sentence}; the issuer states a reserve of {reserve}."
    else:
        sentence = f"Not decided: {sentence}, but no signature was checked; name the signers with --key."
    kind = "bucket" if int(proof["position"]) < accounts else "wholesale bucket"
    ladder = [
        ("coin", f"{coin}, issued by {values['origin']}"),
        ("law", "in force" if law_status == "in force" else "DRAFT: this coin runs under a draft law"),
        ("digest of the law", law),
        ("cut", f"{values['instant']}, epoch {values['epoch']}, journal {values['journal'].split(' ')[0]}"),
        (f"your balance, account {account}", balance),
        (f"your {kind}, {seat(proof, values)[2]:,} accounts", money(sums[0])),
        *((f"sum {step} of {len(sums) - 1}", money(fen)) for step, fen in enumerate(sums[1:], 1)),
        (f"published total, {accounts:,} accounts", total),
        ("reserve stated", f"{reserve}, source: {values['reserve_source']}"),
        ("signed by", ", ".join(signers) or "NOT CHECKED"),
        ("SHA-256 of the checkpoint", hashlib.sha256(text.encode()).hexdigest()),
    ]
    not_proven = [
        "that the reserve exists: the statement of the bank that keeps it is another document",
        "that nobody was left out: only a holder who checks finds out that he is missing",
        "that the other balances in your bucket are right: you rely on those who saw them and signed",
        "that this checkpoint is the newest and the same for all: compare its SHA-256 with the published one",
    ]
    if not signers:
        not_proven.insert(0, "who made this checkpoint: anybody can write one that adds up")
    return Answer(HOLDS if signers else UNSIGNED, sentence, ladder, not_proven)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check that a balance is inside the total of a coin.")
    parser.add_argument("proof", help="the proof file")
    parser.add_argument("--key", action="append", default=[], help="verifier key of a signer; repeat it")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    options = parser.parse_args(arguments)
    try:
        with Path(options.proof).open("rb") as file:
            answer = check(file.read(SIZE_LIMIT + 1), options.key)
    except OSError as error:
        answer = Answer(UNREADABLE, f"Cannot be read: {error.strerror}: {options.proof}.", [], [])
    if options.json:
        lines = [json.dumps(answer._asdict(), indent=2)]
    else:
        width = max((len(label) for label, _ in answer.ladder), default=0)
        lines = [answer.sentence, *(f"  {label:{width}}  {value}" for label, value in answer.ladder)]
        lines += ["Not proven:"] * bool(answer.not_proven) + [f"  - {line}" for line in answer.not_proven]
    sys.stdout.buffer.write(("\n".join(lines) + "\n").encode(sys.stdout.encoding, "replace"))
    return answer.status


if __name__ == "__main__":
    sys.exit(main())
