"""Proofs damaged by chance, from a seed: two verifiers have to say the same of each."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from typing import Any

from tests.proof.proof_vectors import CHECKPOINT, ISSUER, KEYS, SUPERVISOR, TEXT, dumped


def with_note(note: str) -> str:
    """Return the proof file of account 4100 with another checkpoint."""
    return dumped({**json.loads(TEXT), "checkpoint": note})


def signed_anew(text: str) -> str:
    """Return the fifteen or more lines *text* with two signatures that fit them, whatever they say."""
    note = text + "\n"
    for signer in (ISSUER, SUPERVISOR):
        data = signer.key_hash + signer.private_key.sign(text.encode())
        note += f"— {signer.name} {base64.b64encode(data).decode()}\n"
    return note


# Damage by chance. Characters that a later Unicode has and an earlier one has not are left out: which of them
# can be shown depends on the age of the browser and of Python.

SPACES = "\t\x0b\x0c\r\x1c\x1f \x7f\x85\xa0\u00ad\u1680\u180e\u200b\u2028\u2029\u202f\u3000\ufeff\ufffe\ue000"
LETTERS = "aZ09.+-/\"'\\é银Ω\U0001f600\U000e0001\U000f0000" + SPACES
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    1e16,
    1e-5,
    1e300,
    -0.0,
    float("nan"),
    float("-inf"),
    [],
    {},
    {"2": "a", "1": "b", "__proto__": "c"},
    "",
    "01",
    "9223372036854775807",
    "9223372036854775808",
    "１２",
    "1\n",
    "\x00",
    "0" * 64,
]
SPELLINGS = [
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\/"',
    '"\\u0041"',
    '"\x7f"',
    '"\x1f"',
    "-0",
    "-0.0",
    "01",
    "1.",
    ".5",
    "1.0",
    "1.50",
    "1e5",
    "1E5",
    "1e16",
    "1e+16",
    "1e-05",
    "0.0001",
    "123456789012345678",
    "12345678901234567.0",
    "5e-324",
    "1e999",
    "9" * 4_300,
    "9" * 4_301,
    "Infinity",
    "-Infinity",
    "-NaN",
    "nul",
    "[1,]",
    "{}",
    '{"a":1,"a":1}',
    '{"a":1,}',
    "[" * 399,
    "\ufeff1",
    "'1'",
    "// 1",
]


def flip_a_byte(chance: random.Random, proof: dict[str, Any]) -> bytes:
    data = bytearray(dumped(proof).encode())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def cut_or_double_some_bytes(chance: random.Random, proof: dict[str, Any]) -> bytes:
    data = dumped(proof).encode()
    start, end = sorted(chance.sample(range(len(data) + 1), 2))
    return data[:start] + data[end:] if chance.random() < 0.5 else data[:end] + data[start:]


def put_junk_in_a_place(chance: random.Random, proof: dict[str, Any]) -> bytes:
    where, key = chance.choice(places_of(proof))
    where[key] = chance.choice(JUNK)
    return dumped(proof).encode()


def respell_a_value(chance: random.Random, proof: dict[str, Any]) -> bytes:
    where, key = chance.choice(places_of(proof))
    where[key] = "PUT HERE"
    return dumped(proof).replace('"PUT HERE"', chance.choice(SPELLINGS)).encode()


def change_a_digit(chance: random.Random, proof: dict[str, Any]) -> bytes:
    where, key = chance.choice([place for place in places_of(proof) if isinstance(place[0][place[1]], str)])
    text = where[key]
    place = chance.randrange(len(text))
    where[key] = text[:place] + chance.choice("0123456789abcdef") + text[place + 1 :]
    return dumped(proof).encode()


def change_the_signed_text(chance: random.Random, proof: dict[str, Any]) -> bytes:
    lines = proof["checkpoint"].partition("\n\n")[0].split("\n")
    i = chance.randrange(len(lines))
    word, blank, value = lines[i].partition(" ")
    place = chance.randrange(len(lines[i]) + 1)
    letter = chance.choice(LETTERS)
    changed: list[list[str]] = [
        [lines[i][:place] + letter + lines[i][place:]],
        [letter + lines[i]],
        [lines[i] + letter],
        [f"{word} {letter}{value}"],
        [f"{word}{blank}{value[:-1]}"],
        [f"{word} {chance.choice(['0', '1', '4096', '20001', '9223372036854775807', str(2**63), 'none'])}"],
        [],
        [lines[i], lines[i]],
        [word],
    ]
    lines[i : i + 1] = chance.choice(changed)
    proof["checkpoint"] = signed_anew("\n".join(lines) + "\n")
    return dumped(proof).encode()


def change_the_source(chance: random.Random, proof: dict[str, Any]) -> bytes:
    source = "".join(chance.choices(LETTERS, k=chance.choice([1, 2, 5, 198, 199, 200, 201])))
    note = re.sub(r"(?<=reserve_source ).*", lambda _: source, CHECKPOINT.text())
    proof["checkpoint"] = signed_anew(note)
    return dumped(proof).encode()


def change_the_sizes(chance: random.Random, proof: dict[str, Any]) -> bytes:
    """Put other counts of accounts into a checkpoint that is right otherwise, and the leaf elsewhere."""
    accounts = chance.choice([0, 1, 4_096, 4_101, 20_000, 2**31, 2**62, 2**63 - 1, chance.randrange(2**63)])
    wholesale = chance.choice([0, 0, 1, 4_097, accounts, accounts + 1, chance.randrange(accounts + 1)])
    depth = next(d for d in range(29) if 4**d >= -(-accounts // 4_096) + -(-wholesale // 4_096))
    text = re.sub(r"\naccounts .*", f"\naccounts {accounts}", CHECKPOINT.text())
    text = re.sub(r"\nwholesale .*", f"\nwholesale {min(wholesale, 2**63 - 1)} 10", text)
    text = re.sub(r"\ndepth .*", f"\ndepth {depth + chance.choice([0, 0, 0, 1])}", text)
    account = chance.randrange(accounts + 2)
    position = chance.choice([account, account, accounts + chance.randrange(wholesale + 2)])
    row = [{"sum": str(chance.randrange(2**54)), "hash": "ab" * 32}] * 3
    proof.update(account=str(account), position=str(position), above=[row] * depth)
    proof["checkpoint"] = signed_anew(text)
    return dumped(proof).encode()


def change_the_signatures(chance: random.Random, proof: dict[str, Any]) -> bytes:
    text, _, tail = proof["checkpoint"].partition("\n\n")
    lines = tail.split("\n")
    i = chance.randrange(len(lines))
    place = chance.randrange(len(lines[i]) + 1)
    letter = chance.choice(LETTERS + "=")
    changed = [
        [lines[i][:place] + letter + lines[i][place:]],
        [lines[i][:place] + letter + lines[i][place + 1 :]],
    ]
    lines[i : i + 1] = chance.choice([*changed, [], [lines[i], lines[i]]])
    proof["checkpoint"] = text + "\n\n" + "\n".join(lines)
    return dumped(proof).encode()


def places_of(inner: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of each value anywhere in *inner*."""
    pairs = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
    return [place for key, value in pairs for place in ((inner, key), *places_of(value))]


def changed_keys(chance: random.Random) -> list[str]:
    """Return verifier keys, most often the right ones."""
    keys = list(KEYS)
    if chance.random() < 0.15:
        i = chance.randrange(len(keys))
        place = chance.randrange(len(keys[i]) + 1)
        keys[i] = keys[i][:place] + chance.choice(LETTERS) + keys[i][place + chance.choice([0, 1]) :]
    return chance.choice([keys, keys, keys, keys[:1], keys + keys, ["", *keys], []])


Damage = Callable[[random.Random, dict[str, Any]], bytes]

DAMAGES: list[Damage] = [
    flip_a_byte,
    cut_or_double_some_bytes,
    put_junk_in_a_place,
    respell_a_value,
    change_a_digit,
    change_the_signed_text,
    change_the_source,
    change_the_sizes,
    change_the_signatures,
]
