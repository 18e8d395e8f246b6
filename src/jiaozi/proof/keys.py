"""Signers: a private Ed25519 key in a file of its own, and the line of text that others check with.

The line is a verifier key as C2SP's signed notes have it: the signer's name, a
hash of name and key by which a signature finds its key, and the public key. The
name has no blank and no plus sign: `issuer.example/eyuan`.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from jiaozi.errors import ProofError
from jiaozi.proof.verify_jiaozi import NAME

ED25519 = b"\x01"
"""The kind of key, as the byte that stands before it."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Someone who signs checkpoints: the issuer, the supervisor, an auditor, a witness."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def key_hash(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return key_hash(self.name, self.private_key)

    @property
    def verifier_key(self) -> str:
        """The line to publish: `name+hash+public key`."""
        return verifier_key(self.name, self.private_key)


def create(path: Path, name: str) -> Signer:
    """Make a new key for *name* and write it to *path*, which must not exist, readable by its owner only.

    Raises `ProofError` if there is a file already: a key that is overwritten is lost.
    """
    signer = Signer(name, Ed25519PrivateKey.generate())
    write_secret(path, signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return signer


def write_secret(path: Path, data: bytes) -> None:
    """Write *data* to *path*, which must not exist, readable by its owner only; durable and whole on return.

    Raises `ProofError` if there is a file already: a secret that is overwritten is lost.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(part, path)
    except FileExistsError:
        raise ProofError(f"{path} exists; a key is never overwritten") from None
    finally:
        part.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_secret(path: Path) -> bytes:
    """Return what is in *path*. Raises `ProofError` if others may read or write it."""
    if path.stat().st_mode & 0o077:
        raise ProofError(f"others may read or write the key in {path}; run: chmod 600 {path}")
    return path.read_bytes()


def load(path: Path, name: str) -> Signer:
    """Return the signer *name* whose key is in *path*: PEM without a password, or 64 hex digits.

    Raises `ProofError` if others may read the file or if there is no Ed25519 key in it.
    """
    data = read_secret(path)
    if re.fullmatch(rb"[0-9a-f]{64}\n?", data):
        return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(data.decode())))
    try:
        private_key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private_key = None
    if not isinstance(private_key, Ed25519PrivateKey):
        raise ProofError(f"{path} has no Ed25519 key without a password, neither as PEM nor as 64 hex digits")
    return Signer(name, private_key)


def check_name(name: str) -> None:
    """Raise `ProofError` unless *name* can stand in a signature line."""
    if not re.fullmatch(NAME, name):
        raise ProofError(f"{name!a} cannot sign: a name has 1 to 200 ASCII characters, no blank and no +")


def key_hash(name: str, private_key: Ed25519PrivateKey) -> bytes:
    """Return the four bytes by which a signature of *name* names its key."""
    return sha256(f"{name}\n".encode() + ED25519 + private_key.public_key().public_bytes_raw()).digest()[:4]


def verifier_key(name: str, private_key: Ed25519PrivateKey) -> str:
    """Return the line with which everyone can check signatures of *name*."""
    public = base64.b64encode(ED25519 + private_key.public_key().public_bytes_raw()).decode()
    return f"{name}+{key_hash(name, private_key).hex()}+{public}"
