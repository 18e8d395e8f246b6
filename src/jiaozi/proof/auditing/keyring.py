"""A keyring: the verifier keys that are known, and whether a signature by one of them fits.

It answers as the verifier does, for many notes: Ed25519 by a library takes 0.0001
seconds where the verifier's plain form takes 0.04. The library knows nothing of
keys of small order, which the verifier refuses, so those are sorted out once, by
the verifier's own arithmetic, when the keyring is made.
"""

from __future__ import annotations

from collections.abc import Iterable

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
        self.names = tuple(names)

    def knows(self, name: str, signature: bytes) -> bool:
        """Whether *signature*, of a line of *name*, says that it was made with a key of the ring."""
        return (name, signature[:4]) in self._public

    def fits(self, name: str, signature: bytes, text: str) -> bool:
        """Whether *signature* (4 bytes of key hash, then 64) by *name* was made over *text* with a known key."""
        for public in self._public.get((name, signature[:4]), ()):
            try:
                public.verify(signature[4:], text.encode())
            except InvalidSignature:
                continue
            return True
        return False


def _can_sign(public: bytes) -> bool:
    """Whether *public* is a point in its one spelling, and not of small order: such a key fits any text."""
    try:
        eightfold = verify_jiaozi.times(8, verify_jiaozi.point_of(public))
        return not verify_jiaozi.same(eightfold, verify_jiaozi.NEUTRAL)
    except ValueError:
        return False
