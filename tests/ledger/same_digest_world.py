"""A journal that was written once and lies beside this file: every machine folds it to the same bytes.

    python -m tests.ledger.same_digest_world make          write it anew, where its format was changed on purpose
    python -m tests.ledger.same_digest_world fold FILE     print what the frames of a segment come to

The law stands in its frames, so an edit of the law in this repository changes nothing here. It is a
story of `RandomWorld`: facts, other laws, chains, reservations, refusals of nearly every kind.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    from tests.ledger import without_machine_code  # noqa: F401  # before anything that numba would compile

from jiaozi.clock import ManualClock
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.payload import Booked, pack
from jiaozi.ledger.restart import fold_ready, prepare
from jiaozi.ledger.state import State
from tests.ledger.random_worlds import Posting, RandomWorld, as_array, instant

SEED = 7_001
FRAMES = 60
KEPT = Path(__file__).with_name("same_digest.jzj.xz")
SEGMENT = f"{1:020}.jzj"


@dataclass(frozen=True)
class Comes:
    """What frames come to: how many, transfers in them, the hash of the last frame, the state, all answers."""

    frames: int
    transfers: int
    head: str
    digest: str
    answers: str


def unpacked(folder: Path) -> Path:
    """Put the journal that is kept into *folder* and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SEGMENT).write_bytes(lzma.decompress(KEPT.read_bytes()))
    return folder


def comes_to(folder: Path) -> Comes:
    """Fold the frames in *folder*. The answers are those decided now, not those stored."""
    state, answers, transfers, head, count = State(), hashlib.sha256(), 0, b"", 0
    for frame in read_frames(folder):
        count, head = count + 1, frame.hash
        booked = fold_ready(prepare(frame), state)
        if booked is None:
            continue
        assert b"".join(map(bytes, pack(booked))) == bytes(frame.payload), f"frame {frame.sequence}"
        answers.update(_bytes_of(booked))
        transfers += len(booked.batch)
        state.count(booked, frame.instant)
    return Comes(count, transfers, head.hex(), state.digest(), answers.hexdigest())


def _bytes_of(booked: Booked) -> bytes:
    parts: list[Any] = [booked.results, booked.bits, booked.as_booked()["amount"]]
    return b"".join(part.tobytes() for part in parts)


def make() -> Comes:
    """Write the journal of `SEED` and keep it, packed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world, clock = RandomWorld(SEED), ManualClock(instant("2025-07-01T00:00+08:00"))
        with Ledger.open(folder, clock=clock) as ledger:
            ledger.record(*world.facts())
            for opened in world.openings():
                ledger.open_accounts(opened)
            ledger.record(*world.sheets())
            for step in world.story(FRAMES):
                if not isinstance(step, Posting):
                    ledger.record(*step)
                elif step.batch:
                    clock.set(step.instant)
                    ledger.post(as_array(step.batch), notes=step.notes)
        assert [path.name for path in folder.glob("*.jzj")] == [SEGMENT]
        KEPT.write_bytes(lzma.compress((folder / SEGMENT).read_bytes(), preset=9))
        return comes_to(folder)


def main(what: str, *given: str) -> None:
    """Do what the command says and print what it comes to, as JSON."""
    if what == "make":
        found = make()
    else:
        with tempfile.TemporaryDirectory() as name:
            shutil.copy(given[0], Path(name) / SEGMENT)
            found = comes_to(Path(name))
    print(msgspec.json.encode(asdict(found)).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
