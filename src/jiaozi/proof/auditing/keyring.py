"""A keyring: the verifier keys that are known, and whether a signature by one of them fits.

It answers as the verifier does, for many notes: Ed25519 by a library takes 0.0001
seconds where the verifier's plain form takes 0.04. The library knows nothing of
keys of small order, which the verifier refuses, so those are sorted out once, by
the verifier's own arithmetic, when the keyring is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from jiaozi.errors import ProofError
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.verify_jiaozi import UNREADABLE, StepError


class Keyring:
    """Verifier keys, found by name and key hash. *names* are their owners, each once, in the order given.

    Several keys of one name are one signer's: after a change of key the earlier
    checkpoints are signed with the earlier one.
    """

    def __init__(self, verifier_keys: Iterable[str]) -> None:
        """Read *verifier_keys*. Raises `ProofError`, with the key, for a line that is none."""
        self._public: dict[tuple[str, bytes], list[Ed25519PublicKey]] = {}
        self._by_bytes: dict[bytes, Ed25519PublicKey] = {}
        names: dict[str, None] = {}
        for key in dict.fromkeys(verifier_keys):
            try:
                verify_jiaozi.check_signatures("", [], [key])
            except StepError as step:
                if step.args[1] == UNREADABLE:
                    raise ProofError(step.args[0]) from None
            name, key_hash, code = key.split("+", 2)
            public = verify_jiaozi.plain_base64(code)[1:]
            names[name] = None
            found = self._public.setdefault((name, bytes.fromhex(key_hash)), [])
            if _can_sign(public):
                found.append(Ed25519PublicKey.from_public_bytes(public))
                self._by_bytes[public] = found[-1]
        self.names = tuple(names)

    def knows(self, name: str, signature: bytes) -> bool:
        """Whether *signature*, of a line of *name*, says that it was made with a key of the ring."""
        return (name, signature[:4]) in self._public

    def fits(self, name: str, signature: bytes, text: str) -> bool:
        """Whether *signature* (4 bytes of key hash, then 64) by *name* was made over *text* with a known key."""
        known = self._public.get((name, signature[:4]), ())
        return any(_is_signed(public, signature, text) for public in known)

    def key_of(self, name: str, signature: bytes, text: str) -> bytes | None:
        """Return the 32 bytes of the known key that made *signature* over *text*, under any *name*."""
        for data, public in self._by_bytes.items():
            # The key hash is over the name too, so one key has another hash under every name.
            key_hash = sha256(f"{name}\n\x01".encode() + data).digest()[:4]
            if key_hash == signature[:4] and _is_signed(public, signature, text):
                return data
        return None


def _is_signed(public: Ed25519PublicKey, signature: bytes, text: str) -> bool:
    try:
        public.verify(signature[4:], text.encode())
    except InvalidSignature:
        return False
    return True


def _can_sign(public: bytes) -> bool:
    """Whether *public* is a point in its one spelling, and not of small order: such a key fits any text."""
    try:
        eightfold = verify_jiaozi.times(8, verify_jiaozi.point_of(public))
        return not verify_jiaozi.same(eightfold, verify_jiaozi.NEUTRAL)
    except ValueError:
        return False
