"""Notes that cannot be read as checkpoints, and what they say of themselves even so.

A note with a date that no calendar has is no checkpoint, and no verifier takes it.
But if the issuer signed it, and signed another one for the same evening, somebody
was shown something else. So origin, coin and epoch are read where they can be, and
signatures are checked over the text as it is.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.proof.verify_jiaozi import NAME, plain_base64

_ORIGIN = re.compile(f"({NAME})\r?\n")
_EPOCH = re.compile("(?m)^epoch ([0-9]{1,10})\r?$")
_COIN = re.compile("(?m)^coin ([A-Za-z0-9._-]{1,64}) [A-Z]{3}\r?$")
_LINE = re.compile(f"(?m)^— ({NAME}) ([A-Za-z0-9+/=]+)\r?$")


class Unread(NamedTuple):
    """What a note says that cannot be read, the SHA-256 of its text, and whose keys given have signed that."""

    origin: str
    coin: str
    epoch: int
    hash: bytes
    signed_by: tuple[str, ...]


def unread(data: bytes, keyring: Keyring) -> Unread | None:
    """Return what can be told of the note in *data*; None if it names no origin, coin and epoch."""
    note = data.decode(errors="replace")
    text, _, tail = note.partition("\n\n")
    origin, epoch, coin = _ORIGIN.match(text), _EPOCH.search(text), _COIN.search(text)
    if origin is None or epoch is None or coin is None:
        return None
    signed = text if text.endswith("\n") else f"{text}\n"
    lines = [(name, plain_base64(code)) for name, code in _LINE.findall(tail)]
    names = dict.fromkeys(name for name, line in lines if keyring.fits(name, line, signed))
    return Unread(origin[1], coin[1], int(epoch[1]), sha256(signed.encode()).digest(), tuple(names))
