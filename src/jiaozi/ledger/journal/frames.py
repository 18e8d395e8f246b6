"""The frame: how one entry of the journal lies on disk.

A frame is a header of 160 bytes, little-endian, and a payload of bytes that
only the rooms above understand. Frames follow each other without a gap.

    offset  bytes  field
         0      4  magic, `JZF1`
         4      1  kind: 1 facts, 2 accounts, 3 transfers
         5      1  version of this layout: 1
         6      2  zero
         8      8  sequence, from 1, rising by one
        16      8  instant, nanoseconds since 1970 UTC, signed, never falling
        24      8  length of the payload in bytes
        32     32  digest of the law in force
        64     32  hash of the frame before, zeros for the first
        96     32  hash of this frame: SHA-256 of bytes 0 to 95 and the payload
       128      8  flushed: every frame up to this sequence was durable when this one was written
       136     16  zero
       152      4  CRC-32C of the payload
       156      4  CRC-32C of bytes 0 to 155
       160         payload

The header has its own checksum, so that a length is believed before memory is
taken for it. The hash is what others sign and chain to. `flushed` stands outside
of it: how frames happened to share a flush is no part of what they say, and the
same entries give the same hashes on any machine.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import google_crc32c
import numpy as np
import numpy.typing as npt

from jiaozi.clock import Instant

MAGIC = b"JZF1"
VERSION = 1
HEADER_BYTES = 160
DIGEST_BYTES = 32
NO_HASH = bytes(DIGEST_BYTES)
"""What the first frame follows."""

Digest = bytes
"""A SHA-256, 32 bytes."""

MAX_PAYLOAD_BYTES = 1 << 30
"""The largest payload, one gibibyte: one read call brings it in whole."""

Bytes = npt.NDArray[np.uint8]
"""A piece of a payload, not copied on its way to the disk."""

_CHAINED = struct.Struct("<4sBBHQqQ32s32s")  # what the hash covers
_CHECKED = struct.Struct("<32sQ16xI")  # the rest of what the header's checksum covers
_CHECKSUM = struct.Struct("<I")


class FrameKind(IntEnum):
    """What a payload holds."""

    FACTS = 1
    ACCOUNTS = 2
    TRANSFERS = 3


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an acknowledgement carries: this frame is durable and has this hash."""

    sequence: int
    hash: Digest
    instant: Instant


NOTHING = Receipt(sequence=0, hash=NO_HASH, instant=Instant(0))
"""The head of a journal without frames."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry as it was read: checked, with the file and the byte where its header starts."""

    sequence: int
    kind: FrameKind
    instant: Instant
    law_digest: Digest
    previous_hash: Digest
    hash: Digest
    payload: bytes
    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose checksum holds. `kind` and `version` may still be unknown to us."""

    kind: int
    version: int
    sequence: int
    instant: Instant
    length: int
    law_digest: Digest
    previous_hash: Digest
    hash: Digest
    flushed: int
    payload_crc: int

    def covers(self, payload: bytes, header: bytes) -> bool:
        """Return whether *payload* is the one that *header*, read as this, was written for."""
        return (
            len(payload) == self.length
            and google_crc32c.value(payload) == self.payload_crc
            and _hash(header[: _CHAINED.size], [payload]) == self.hash
        )


def pack_header(
    *,
    kind: FrameKind,
    sequence: int,
    instant: Instant,
    law_digest: Digest,
    previous_hash: Digest,
    flushed: int,
    parts: Sequence[Bytes],
) -> tuple[bytes, Digest]:
    """Return the header of a frame whose payload is *parts* one after the other, and its hash."""
    assert len(law_digest) == DIGEST_BYTES
    assert len(previous_hash) == DIGEST_BYTES

    length = sum(part.nbytes for part in parts)
    chained = _CHAINED.pack(MAGIC, kind, VERSION, 0, sequence, instant, length, law_digest, previous_hash)
    own_hash = _hash(chained, (part.data for part in parts))
    payload_crc = 0
    for part in parts:
        payload_crc = google_crc32c.extend(payload_crc, part)
    checked = chained + _CHECKED.pack(own_hash, flushed, payload_crc)
    return checked + _CHECKSUM.pack(google_crc32c.value(checked)), own_hash


def read_header(header: bytes) -> Header | None:
    """Return the header in *header* (160 bytes), or None when it is not one or its checksum fails."""
    if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
        return None
    checked = header[: -_CHECKSUM.size]
    if _CHECKSUM.unpack(header[-_CHECKSUM.size :]) != (google_crc32c.value(checked),):
        return None
    _, kind, version, _, sequence, instant, length, law_digest, previous_hash = _CHAINED.unpack_from(checked)
    own_hash, flushed, payload_crc = _CHECKED.unpack_from(checked, _CHAINED.size)
    return Header(
        kind=kind,
        version=version,
        sequence=sequence,
        instant=Instant(instant),
        length=length,
        law_digest=law_digest,
        previous_hash=previous_hash,
        hash=own_hash,
        flushed=flushed,
        payload_crc=payload_crc,
    )


def _hash(chained: bytes, parts: Iterable[bytes | memoryview]) -> Digest:
    digest = hashlib.sha256(chained)
    for part in parts:
        digest.update(part)
    return digest.digest()
