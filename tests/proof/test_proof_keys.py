"""Signers and their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from jiaozi.errors import ProofError
from jiaozi.proof.keys import Signer, create, load


def test_a_new_key_is_for_its_owner_alone_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "issuer.pem"
    made = create(path, "issuer.example")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path, "issuer.example").verifier_key == made.verifier_key
    assert "private" not in repr(made)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "issuer.pem"
    create(path, "issuer.example")
    before = path.read_bytes()
    with pytest.raises(ProofError, match="never overwritten"):
        create(path, "issuer.example")
    assert path.read_bytes() == before


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "issuer.pem"
    create(path, "issuer.example")
    path.chmod(0o640)
    with pytest.raises(ProofError, match="chmod 600"):
        load(path, "issuer.example")


def test_a_key_may_be_64_hex_digits(tmp_path: Path) -> None:
    path = tmp_path / "issuer.hex"
    path.write_text("00" * 31 + "01\n")
    path.chmod(0o600)
    expected = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
    assert load(path, "issuer.example").verifier_key == Signer("issuer.example", expected).verifier_key


def test_a_file_without_an_ed25519_key_is_refused(tmp_path: Path) -> None:
    rsa = generate_private_key(public_exponent=65_537, key_size=2_048)
    ours = Ed25519PrivateKey.generate()
    for data in (
        b"",
        b"00" * 31,
        rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        ours.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")),
    ):
        path = tmp_path / "key"
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(ProofError, match="has no Ed25519 key"):
            load(path, "issuer.example")


@pytest.mark.parametrize("name", ["", "two words", "a+b", "名", "a\nb", "a" * 201])
def test_a_name_that_cannot_stand_in_a_signature_line_is_refused(name: str) -> None:
    with pytest.raises(ProofError, match="cannot sign"):
        Signer(name, Ed25519PrivateKey.generate())
