"""Two origins for one coin: an issuer who spells his own name otherwise starts a second chain.

Each chain alone is whole. That they are one issuer's is shown by a key which
signed in both, under whatever name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from jiaozi.proof.auditing.keyring import Keyring


class Signed(NamedTuple):
    """One note: whose it is, where it lies, the text, and (name, signature) of each line below it."""

    origin: str
    coin: str
    unit: str
    place: str
    files: tuple[str, ...]
    text: str
    lines: tuple[tuple[str, bytes], ...]


class Shared(NamedTuple):
    """One key and a note of each origin for which it signed; *names* are those it signed with."""

    coin: str
    unit: str
    notes: tuple[Signed, ...]
    names: tuple[str, ...]


def shared_keys(notes: Iterable[Signed], keyring: Keyring) -> list[Shared]:
    """Return the keys that signed for more than one origin of a coin.

    Only keys of *keyring* count, with signatures that fit. With an empty one nothing is
    checked: names and key hashes are compared as the notes have them.
    """
    coins: dict[tuple[str, str], dict[str, list[Signed]]] = {}
    for note in notes:
        coins.setdefault((note.coin, note.unit), {}).setdefault(note.origin, []).append(note)
    found = []
    for (coin, unit), origins in sorted(coins.items()):
        if len(origins) == 1:
            continue
        signed: dict[bytes, dict[str, tuple[Signed, str]]] = {}
        for origin in sorted(origins):
            for key, first in _keys_of(origins[origin], keyring).items():
                signed.setdefault(key, {})[origin] = first
        found += [
            Shared(
                coin, unit, tuple(note for note, _ in one.values()), tuple(name for _, name in one.values())
            )
            for one in signed.values()
            if len(one) > 1
        ]
    return found


def _keys_of(notes: list[Signed], keyring: Keyring) -> dict[bytes, tuple[Signed, str]]:
    """Return every key that signed one of *notes*, with the first such note and the name it signed with."""
    found: dict[bytes, tuple[Signed, str]] = {}
    done: set[tuple[str, bytes]] = set()
    for note in notes:
        for name, signature in note.lines:
            who = name, signature[:4]
            if who in done:
                continue
            if keyring.names:
                key = keyring.key_of(name, signature, note.text)
            else:
                key = f"{name}\n".encode() + signature[:4]
            if key is not None:
                done.add(who)
                found.setdefault(key, (note, name))
    return found
