"""The digest of a long row of bytes: the same however the bytes come, another for any other bytes."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from jiaozi.ledger import digests
from jiaozi.ledger.digests import LongDigest

PIECE = 24 * 64


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "PIECE_BYTES", PIECE)


LENGTHS = (0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 7)


@pytest.mark.parametrize("length", LENGTHS)
def test_it_is_the_hash_of_the_hashes_of_the_pieces(length: int) -> None:
    raw = Random(length).randbytes(length)
    hashes = [hashlib.sha256(raw[at : at + PIECE]).digest() for at in range(0, length, PIECE)]
    expected = hashlib.sha256(b"".join(hashes)).digest()
    assert LongDigest(raw).digest() == expected
    pieces = LongDigest()
    for each in hashes:
        pieces.add_piece(each)
    assert pieces.digest() == expected


@pytest.mark.parametrize("seed", range(20))
def test_parts_of_any_length_give_the_digest_of_the_whole(seed: int) -> None:
    random = Random(seed)
    raw = random.randbytes(random.randrange(6 * PIECE))
    parts, at = LongDigest(), 0
    while at < len(raw):
        size = random.choice((0, 1, 7, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE))
        parts.update(memoryview(raw)[at : at + size])
        parts.digest()  # asking in between changes nothing
        at += size
    assert parts.digest() == LongDigest(raw).digest()


def test_a_byte_more_or_less_or_pieces_in_another_order_give_another_digest() -> None:
    raw = Random(1).randbytes(3 * PIECE)
    others = (raw[:-1], raw + b"\0", raw[PIECE:] + raw[:PIECE], raw[: 2 * PIECE], b"")
    assert len({LongDigest(each).digest() for each in (raw, *others)}) == 6
