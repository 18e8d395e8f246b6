"""The checkpoint: what the issuer states on an evening, as a text that several sign.

It is a signed note in the manner of C2SP: sixteen plain lines, a blank line, and
one line for each signature. It can be printed in a newspaper. Its hash is that of
the plain lines alone, so a witness who signs later changes nothing; each
checkpoint names the hash of the one before it.

A checkpoint may state a reserve smaller than the total: a shortfall has to be
published too. The verifier then says that the proof does not hold.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import keys, verify_jiaozi
from jiaozi.proof.places import BUCKET_SIZE
from jiaozi.proof.verify_jiaozi import StepError

BUCKET_KIND = "hash"
"""Hashes inside the buckets. Another kind, with commitments, may come one day."""

EVERYBODYS = (
    " -~\u00a1-\u00ac\u00ae-\u017f\u2010-\u2027\u2030-\u2046"
    "\u3001-\u3003\u3008-\u3011\u4e00-\u9fa5\uff01-\uff5e"
)
"""Characters that a checkpoint is written with, as a class of a regular expression.

Every Unicode since 3.0 has them and shows them, so a verifier of any age answers alike: ASCII, Latin
letters with accents, general punctuation, Chinese with its punctuation and full-width forms.
"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that is stated about one cut. Amounts are in fen of *unit*, hashes have 32 bytes.

    *wholesale* accounts have a second leaf, so that no account has more than
    *share_percent* of its bucket.
    """

    origin: str
    epoch: int
    instant: datetime
    coin: str
    unit: str
    law_digest: bytes
    law_is_draft: bool
    journal_sequence: int
    journal_hash: bytes
    accounts: int
    wholesale: int
    share_percent: int
    total_fen: Fen
    reserve_fen: Fen
    reserve_source: str
    depth: int
    root: bytes
    previous: bytes | None

    def text(self) -> str:
        """Return the sixteen lines. Raises `ProofError`, with the line, for what nobody could read back."""
        values = {
            "epoch": str(self.epoch),
            "instant": self.instant.isoformat(),
            "coin": f"{self.coin} {self.unit}",
            "law": f"{self.law_digest.hex()} {'draft' if self.law_is_draft else 'in force'}",
            "journal": f"{self.journal_sequence} {self.journal_hash.hex()}",
            "accounts": str(self.accounts),
            "wholesale": f"{self.wholesale} {self.share_percent}",
            "total": str(self.total_fen),
            "reserve": str(self.reserve_fen),
            "reserve_source": self.reserve_source,
            "bucket_size": str(BUCKET_SIZE),
            "bucket_kind": BUCKET_KIND,
            "depth": str(self.depth),
            "root": self.root.hex(),
            "previous": self.previous.hex() if self.previous is not None else "none",
        }
        lines = [self.origin, *(f"{name} {value}" for name, value in values.items())]
        text = "\n".join(lines) + "\n"
        if parse(text) != self:
            raise ProofError("the checkpoint reads back as another one; a value has a line end in it")
        unknown = re.search(f"[^{EVERYBODYS}]", self.reserve_source)
        if unknown:
            raise ProofError(
                f"checkpoint line 11, reserve_source, has {unknown[0]!a}, which older programs may not know; "
                "write it in Chinese, or in Latin letters"
            )
        return text


def parse(text: str) -> Checkpoint:
    """Return the checkpoint in *text*, with or without its signatures, which are not checked here.

    Raises `ProofError`, with the line, for anything that is not in its one form.
    """
    values = _read(text)[1]
    coin, unit = values["coin"].split(" ")
    law_digest, law_status = values["law"].split(" ", 1)
    journal_sequence, journal_hash = values["journal"].split(" ")
    wholesale, share_percent = values["wholesale"].split(" ")
    return Checkpoint(
        origin=values["origin"],
        epoch=int(values["epoch"]),
        instant=datetime.fromisoformat(values["instant"]),
        coin=coin,
        unit=unit,
        law_digest=bytes.fromhex(law_digest),
        law_is_draft=law_status == "draft",
        journal_sequence=int(journal_sequence),
        journal_hash=bytes.fromhex(journal_hash),
        accounts=int(values["accounts"]),
        wholesale=int(wholesale),
        share_percent=int(share_percent),
        total_fen=Fen(int(values["total"])),
        reserve_fen=Fen(int(values["reserve"])),
        reserve_source=values["reserve_source"],
        depth=int(values["depth"]),
        root=bytes.fromhex(values["root"]),
        previous=None if values["previous"] == "none" else bytes.fromhex(values["previous"]),
    )


def sign(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return *text*, with or without earlier signatures, and below it the signature of *name*.

    The same key and text always give the same line. Raises `ProofError` if the
    text is no checkpoint or if *name* has signed it with this key before.
    """
    keys.check_name(name)
    signed_text, _, signatures = _read(text)
    key_hash = keys.key_hash(name, private_key)
    if any(who == name and data[:4] == key_hash for who, data in signatures):
        raise ProofError(f"{name} has signed this checkpoint already")
    signature = base64.b64encode(key_hash + private_key.sign(signed_text.encode())).decode()
    return f"{text}{'' if signatures else chr(10)}— {name} {signature}\n"


def verify_signatures(note: str, verifier_keys: Sequence[str]) -> tuple[str, ...]:
    """Return the names of all *verifier_keys*, each of which has signed *note*.

    Signatures by other keys are passed over. Raises `ProofError` if one is missing or wrong.
    """
    text, _, signatures = _read(note)
    try:
        return tuple(verify_jiaozi.check_signatures(text, signatures, verifier_keys))
    except StepError as step:
        raise ProofError(step.args[0]) from None


def checkpoint_hash(text: str) -> bytes:
    """Return the SHA-256 of the sixteen lines, which the next checkpoint names as its `previous`."""
    return sha256(_read(text)[0].encode()).digest()


def _read(note: str) -> tuple[str, dict[str, str], list[tuple[str, bytes]]]:
    try:
        return verify_jiaozi.read_note(note)
    except StepError as step:
        raise ProofError(step.args[0]) from None
