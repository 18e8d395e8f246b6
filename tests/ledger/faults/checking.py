"""What a fault may leave: opened, compared with what the world was told, and posted to again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jiaozi.ledger.journal.journal import Journal, read_frames
from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.ledger.restart import restart
from jiaozi.ledger.results import Result
from tests.ledger.invariants import check
from tests.ledger.killed import PAIRS, SINGLES, batch_of
from tests.ledger.ledger_world import clock

DONE = (int(Result.CREATED), int(Result.EXISTS))


@dataclass(frozen=True)
class Told:
    """What a caller was told of a batch: the frame it is in, that frame's hash, and the answers."""

    number: int
    sequence: int
    hash: str
    results: tuple[int, ...]

    @classmethod
    def of(cls, number: int, outcome: Outcome) -> Told:
        receipt = outcome.receipt
        return cls(number, receipt.sequence, receipt.hash.hex(), tuple(outcome.results.tolist()))

    def line(self) -> str:
        return f"{self.number} {self.sequence} {self.hash} {','.join(map(str, self.results))}\n"

    @classmethod
    def from_line(cls, line: str) -> Told:
        number, sequence, digest, results = line.split(" ")
        return cls(int(number), int(sequence), digest, tuple(int(each) for each in results.split(",")))


@contextmanager
def segments_of(size: int) -> Iterator[None]:
    """Let journals begin a new segment after *size* bytes, so that small ones have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "open", staticmethod(partial(Journal.open, segment_bytes=size)))
        yield


def hashes(folder: Path) -> dict[int, str]:
    return {frame.sequence: frame.hash.hex() for frame in read_frames(folder)}


def stored(ledger: Ledger, number: int) -> list[Result | None]:
    """Return what the ledger knows of each transfer of batch *number*."""
    batch = batch_of(number)
    ids = zip(batch["id_lo"].tolist(), batch["id_hi"].tolist(), strict=True)
    return ledger.at_cut(lambda state, _: [state.result_of(lo, hi) for lo, hi in ids])


def check_opened(ledger: Ledger, folder: Path, told: Iterable[Told], numbers: Iterable[int]) -> None:
    """Check a ledger that was opened after a fault: what was *told* is there, nothing of *numbers* is half there.

    The state is the one that the whole journal folds to, and all invariants hold.
    """
    there = hashes(folder)
    for each in told:
        assert there.get(each.sequence) == each.hash, f"frame {each.sequence} was acknowledged and is gone"
        answers = [-1 if result is None else int(result) for result in stored(ledger, each.number)]
        assert answers == list(each.results), f"batch {each.number} is not what was acknowledged"
    for number in numbers:
        known = stored(ledger, number)
        assert all(result is None for result in known) or None not in known, f"batch {number} is half there"
    whole = restart(folder, anew=True).state
    assert ledger.at_cut(lambda state, _: state.digest()) == whole.digest()
    ledger.at_cut(lambda state, _: check(state))


def check_goes_on(ledger: Ledger, numbers: Sequence[int], opening: Mapping[int, int]) -> None:
    """Post the batches *numbers* again, all that were ever tried since the balances were *opening*.

    Whatever became of each before, all are booked now, each once: the balances say so to the fen.
    """
    balances = dict(opening)
    for number in numbers:
        batch = batch_of(number)
        results = ledger.post(batch).results
        booked = np.isin(results, DONE)
        one, other = booked[SINGLES::2], booked[SINGLES + 1 :: 2]
        assert len(one) == PAIRS
        assert (one == other).all(), "both legs or none"
        for row in batch[booked]:
            balances[int(row["debit"])] -= int(row["amount"])
            balances[int(row["credit"])] += int(row["amount"])
        assert int(Result.CREATED) not in ledger.post(batch).results, "a third time changes nothing"
    assert balances_of(ledger) == balances
    ledger.at_cut(lambda state, _: check(state))


def balances_of(ledger: Ledger) -> dict[int, int]:
    return ledger.at_cut(lambda state, _: dict(enumerate(state.accounts["balance"].tolist())))


def opened(folder: Path) -> Ledger:
    return Ledger.open(folder, clock=clock())
