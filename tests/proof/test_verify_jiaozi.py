"""The verifier: the same answer as a function of the package and as a lone file."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.proof import verify_jiaozi
from jiaozi.proof.files import proof_text
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, check, is_signed, read_proof
from tests.proof.make_vectors import as_file, make_all
from tests.proof.proof_vectors import (
    KEYS,
    TEXT,
    Vector,
    checkpoint_of,
    read_all,
    signed,
    tree_of,
)

VECTORS = read_all()
VERIFIER = Path(verify_jiaozi.__file__)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the verifier as a holder does: alone, without our packages or anyone's."""
    command = [sys.executable, "-I", "-S", VERIFIER, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def with_keys(keys: list[str]) -> list[str]:
    """Return *keys* as options."""
    return [part for key in keys for part in ("--key", key)]


@pytest.mark.parametrize("name", VECTORS)
def test_each_vector_is_answered_as_it_says(name: str, tmp_path: Path) -> None:
    vector = VECTORS[name]
    answer = check(vector.proof, vector.keys)
    assert (answer.status, answer.sentence) == (vector.status, vector.sentence)

    file = tmp_path / "proof.json"
    file.write_bytes(vector.proof.encode())
    lone = run(file, *with_keys(vector.keys))
    assert (lone.returncode, lone.stdout.split("\n")[0], lone.stderr) == (vector.status, vector.sentence, "")


def test_the_vectors_in_the_folder_are_those_that_the_script_makes() -> None:
    made = make_all()
    assert {name: as_file(vector) for name, vector in made.items()} == {
        name: as_file(vector) for name, vector in VECTORS.items()
    }


def test_good_vectors_hold_and_bad_ones_do_not() -> None:
    for name, vector in VECTORS.items():
        is_good = vector.status not in (FAILS, UNREADABLE)
        assert is_good == name.startswith("good/"), name
    assert sum(name.startswith("bad/") for name in VECTORS) > 50


@settings(deadline=None, max_examples=30)
@given(
    few=st.lists(st.integers(0, 2**59), min_size=1, max_size=15),
    before=st.sampled_from([0, 1, 4_095, 4_096, 16_380]),
    data=st.data(),
)
def test_any_account_of_any_tree_has_a_proof_that_holds(
    few: list[int], before: int, data: st.DataObject
) -> None:
    balances = np.array([3] * before + few, dtype=np.uint64)
    account = data.draw(st.integers(0, len(balances) - 1))
    tree = tree_of(balances, epoch=data.draw(st.integers(0, 2**32 - 1)))
    reserve_fen = data.draw(st.integers(tree.total_fen, 2**63 - 1))
    text = proof_text(
        tree.prove(balances, account), note=signed(checkpoint_of(tree, reserve_fen=reserve_fen))
    )
    answer = check(text, KEYS)
    assert answer.status == HOLDS, answer.sentence


@settings(deadline=None, max_examples=300)
@given(place=st.integers(0, len(TEXT.encode()) - 1), other=st.integers(1, 255))
def test_a_proof_with_any_byte_altered_does_not_hold(place: int, other: int) -> None:
    data = bytearray(TEXT.encode())
    data[place] ^= other
    assert check(bytes(data), KEYS).status in (FAILS, UNREADABLE)


@settings(deadline=None, max_examples=100)
@given(place=st.integers(0, len(TEXT) - 1), digit=st.sampled_from("0123456789abcdef"))
def test_a_proof_with_any_digit_altered_does_not_hold(place: int, digit: str) -> None:
    altered = TEXT[:place] + digit + TEXT[place + 1 :]
    assert altered == TEXT or check(altered, KEYS).status in (FAILS, UNREADABLE)


@settings(deadline=None)
@given(junk=st.binary(max_size=300) | st.text(max_size=300))
def test_junk_is_answered_and_never_raises(junk: bytes | str) -> None:
    assert check(junk, KEYS).status == UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=9,
)


@settings(deadline=None, max_examples=300)
@given(key=st.sampled_from([*verify_jiaozi.PROOF]), value=JSON)
def test_anything_in_the_place_of_a_value_is_answered(key: str, value: object) -> None:
    proof = json.loads(TEXT)
    proof[key] = value
    text = json.dumps(proof, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert text == TEXT or check(text, KEYS).status in (FAILS, UNREADABLE)


def test_bytes_that_are_no_utf_8_and_half_characters_are_unreadable() -> None:
    for data in (
        TEXT.encode("utf-16"),
        TEXT.encode().replace(b"eyuan", b"\xff\xff"),
        "\ud800",
        '"\\ud800"\n',
    ):
        assert check(data, KEYS).status == UNREADABLE


def test_a_number_of_many_digits_is_refused_at_once() -> None:
    assert check(TEXT.replace('"4100"', "1" * 60_000), KEYS).status == UNREADABLE
    assert check(TEXT.replace('"4100"', f'"{"1" * 50_000}"'), KEYS).status == UNREADABLE


def test_a_file_of_100_mb_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    with file.open("wb") as handle:
        handle.truncate(100_000_000)
    before = time.perf_counter()
    lone = run(file)
    assert (lone.returncode, lone.stdout) == (
        2,
        "Cannot be read: the proof file is larger than 65,536 bytes.\n",
    )
    assert time.perf_counter() - before < 5


def test_a_file_that_is_not_there_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    assert run(tmp_path / "none.json").stdout.startswith("Cannot be read: No such file or directory:")
    assert run(tmp_path).returncode == 2
    assert run().returncode == 2


def test_the_answer_can_be_had_as_json(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text(TEXT, encoding="utf-8")
    lone = run(file, "--json", *with_keys(KEYS))
    found = json.loads(lone.stdout)
    assert [*found] == ["status", "sentence", "ladder", "not_proven"]
    assert (found["status"], found["sentence"]) == (0, check(TEXT, KEYS).sentence)
    assert ["signed by", "issuer.example/eyuan, supervisor.example"] in found["ladder"]


def test_a_draft_law_is_called_a_draft_and_one_in_force_is_not() -> None:
    assert dict(answer_of("good/draft-law").ladder)["law"] == "DRAFT: this coin runs under a draft law"
    assert dict(answer_of("good/one-bucket").ladder)["law"] == "in force"


def test_without_a_key_the_ladder_says_that_no_signature_was_checked() -> None:
    answer = answer_of("good/no-key-given")
    assert dict(answer.ladder)["signed by"] == "NOT CHECKED"
    assert answer.not_proven[0] == "who made this checkpoint: anybody can write one that adds up"


def test_each_sum_on_the_way_up_is_a_rung_of_the_ladder() -> None:
    labels = [label for label, _ in answer_of("good/two-levels").ladder]
    assert labels[4:9] == [
        "your balance, account 16389",
        "your bucket, 4,000 accounts",
        "sum 1 of 2",
        "sum 2 of 2",
        "published total, 20,000 accounts",
    ]


def answer_of(name: str) -> verify_jiaozi.Answer:
    """Return the answer to the vector *name*."""
    vector: Vector = VECTORS[name]
    return check(vector.proof, vector.keys)


def test_the_verifier_imports_the_standard_library_and_nothing_else() -> None:
    tree = ast.parse(VERIFIER.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_the_published_example_of_signed_notes_is_taken() -> None:
    """The key and the note are the example of C2SP's page on signed notes."""
    key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    data = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    signatures = [("example.com/foo", verify_jiaozi.plain_base64(data))]
    text = "This is an example message.\n"
    assert verify_jiaozi.check_signatures(text, signatures, [key]) == ["example.com/foo"]


RFC_8032 = [  # section 7.1: public key, message, signature of tests 1 to 3
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_are_signed(public: str, message: str, signature: str) -> None:
    assert is_signed(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))
    assert not is_signed(bytes.fromhex(public), bytes.fromhex(message) + b"\0", bytes.fromhex(signature))


@settings(deadline=None, max_examples=25)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=99), place=st.integers(0, 511))
def test_signatures_are_judged_as_openssl_judges_them(seed: bytes, message: bytes, place: int) -> None:
    private_key = Ed25519PrivateKey.from_private_bytes(seed)
    public = private_key.public_key().public_bytes_raw()
    signature = private_key.sign(message)
    assert is_signed(public, message, signature)
    altered = (int.from_bytes(signature, "big") ^ 1 << place).to_bytes(64, "big")
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(altered, message)
    assert not is_signed(public, message, altered)


def test_keys_of_small_order_points_off_the_curve_and_wrong_lengths_never_sign() -> None:
    zero = bytes(32)
    for public in (
        b"\1" + bytes(31),
        zero,
        b"\xff" * 32,
        (2**255 - 19 + 1).to_bytes(32, "little"),
        b"",
        b"\2" + bytes(31),
    ):
        for r in (b"\1" + bytes(31), zero, b"\xff" * 32):
            assert not is_signed(public, b"any", r + zero)
    public = bytes.fromhex(RFC_8032[0][0])
    signature = bytes.fromhex(RFC_8032[0][2])
    for wrong in (b"", signature[:32], signature[:63], signature + b"\0"):
        assert not is_signed(public, b"", wrong)


def test_a_verifier_key_with_any_character_altered_is_not_one() -> None:
    key = KEYS[0]
    for place in range(len(key)):
        altered = key[:place] + ("x" if key[place] != "x" else "y") + key[place + 1 :]
        assert check(TEXT, [altered]).status == UNREADABLE
    for junk in ("", "+", "++", "a+b", "name only", "é+00000000+AQ=="):
        assert check(TEXT, [junk]).status == UNREADABLE


def test_what_is_read_is_what_was_written() -> None:
    assert json.dumps(read_proof(TEXT), ensure_ascii=False, separators=(",", ":")) + "\n" == TEXT
