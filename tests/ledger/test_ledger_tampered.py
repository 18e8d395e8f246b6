"""A journal that is not what was written: results changed, another law, payloads that are noise."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.facts import (
    encode,
)
from jiaozi.ledger.journal.frames import Frame, FrameKind
from jiaozi.ledger.journal.journal import Journal, read_frames
from jiaozi.ledger.ledger import Ledger, fold
from jiaozi.ledger.payload import pack, unpack
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from tests.ledger.ledger_world import clock, found, payments
from tests.ledger.test_ledger import NO_MISTAKE


def rewritten(folder: Path, to: Path, change: Any) -> None:
    """Copy the journal with other payloads and a chain of hashes that holds again."""
    with Journal.open(to) as journal:
        for frame in read_frames(folder):
            payload = change(frame)
            journal.append(
                frame.kind, frame.instant, frame.law_digest, payload, follows=frame.sequence - 1
            ).result()


def test_results_that_were_tampered_with_are_found_on_replay_although_the_chain_holds(tmp_path: Path) -> None:
    with found(tmp_path / "true", holders=2) as ledger:
        ledger.post(payments(1, [(0, 1), (0, 0)]))
        last = ledger.post(payments(5, [(0, 1), (1, 0)])).receipt.sequence

    def change(frame: Frame) -> list[Any]:
        if frame.sequence != last:
            return [frame.payload]
        booked = unpack(frame.payload)
        booked.results[1] = Result.EXCEEDS_CREDITS
        return pack(booked)

    rewritten(tmp_path / "true", tmp_path / "false", change)
    with pytest.raises(JournalError, match=f"frame {last} .*transfer 1 is decided otherwise"):
        Ledger.open(tmp_path / "false", clock=clock())


def test_a_frame_decided_under_another_law_is_found(tmp_path: Path) -> None:
    found(tmp_path / "true", holders=2).close()
    with Journal.open(tmp_path / "false") as journal:
        for frame in read_frames(tmp_path / "true"):
            digest = bytes(32) if frame.sequence == 4 else frame.law_digest
            journal.append(
                frame.kind, frame.instant, digest, [frame.payload], follows=frame.sequence - 1
            ).result()
    with pytest.raises(JournalError, match=r"frame 4 .*under another law"):
        Ledger.open(tmp_path / "false", clock=clock())


def hostile(good: Iterable[bytes], random: Random) -> Iterable[bytes]:
    """Yield bytes that are no payload: noise, and payloads with a few bytes changed, cut or added."""
    for _ in range(60):
        yield random.randbytes(random.choice([0, 1, 15, 16, 17, 64, 500]))
    for payload in good:
        for _ in range(60):
            broken = bytearray(payload[:4_000] if random.random() < 0.2 else payload)
            for _ in range(random.randint(1, 4)):
                if broken:
                    broken[random.randrange(min(len(broken), random.choice([16, 64, len(broken)])))] ^= (
                        1 << random.randrange(8)
                    )
            yield bytes(broken[: random.choice([len(broken), len(broken), len(broken) // 2])])
    yield b'[{"fact":"law enacted","texts":' + b'{"a":' * 50_000
    yield b"[" * 100_000
    yield b'[{"x":' * 100_000


def refusal_of(frame: Frame, state: State) -> str | None:
    """Return what folding *frame* is refused with; None when a changed byte changed nothing that counts."""
    try:
        fold(frame, state)
    except JournalError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", list(FrameKind))
def test_hostile_payloads_in_whole_frames_are_a_journal_error_that_names_the_frame(
    tmp_path: Path, kind: FrameKind
) -> None:
    with found(tmp_path, holders=3) as ledger:
        batch = payments(1, [(0, 1)] * 6)
        batch["flags"] = [1, 1, 0, 1, 0, 0]
        ledger.post(batch)
    frames = list(read_frames(tmp_path))
    good = [frame.payload for frame in frames if frame.kind is kind][-2:]
    random = Random(int(kind))
    refused = 0
    for payload in [*hostile(good, random), encode([NO_MISTAKE])]:
        state = State()
        for frame in frames[:2]:
            fold(frame, state)
        last = frames[1]
        broken = Frame(99, kind, last.instant, last.law_digest, last.hash, last.hash, payload, "s", 0)
        said = refusal_of(broken, state)
        if said is not None:
            refused += 1
            assert "frame 99 " in said
    assert refused > 60
