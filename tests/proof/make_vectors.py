"""All vectors, made anew: `python -m tests.proof.make_vectors` writes them to their folder."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from jiaozi.proof.verify_jiaozi import FAILS, UNREADABLE
from tests.proof.failing_vectors import bad_checkpoints, bad_paths
from tests.proof.proof_vectors import FOLDER, KEYS, NOTE, TEXT, Vector, changed, good, put, signer_of
from tests.proof.unreadable_vectors import bad_files, bad_keys, bad_lines, bad_values, key_line

STRANGER = signer_of("stranger.example").verifier_key


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
    for name, keys in [
        ("key-after-one-that-did-not-sign", [STRANGER, "nonsense"]),
        ("key-after-those-that-signed", [*KEYS, "nonsense"]),
    ]:
        sentence = "Cannot be read: the key 'nonsense' is not a verifier key: name+hash+base64."
        about = "The last key is none; all keys are read before a signature is looked at."
        yield name, Vector(about, keys, TEXT, UNREADABLE, sentence)
    yield small_order()


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


def as_file(vector: Vector) -> str:
    """Return *vector* as its file has it."""
    return json.dumps(vector._asdict(), ensure_ascii=False, indent=1) + "\n"


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
