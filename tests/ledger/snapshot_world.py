"""A journal with two snapshots, for tests of snapshots that cannot be used and of writing that ends in the middle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import TransferFlag
from jiaozi.ledger.snapshots.files import PassedOver
from tests.ledger.ledger_world import clock, found, payments
from tests.ledger.test_snapshot import digest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with two snapshots, and a frame after each."""
    folder = tmp_path_factory.mktemp("snapshots")
    with found(folder, holders=4) as ledger:
        ledger.snapshot()
        batch = payments(1, [(0, 1), (1, 2), (2, 3), (3, 0)])
        batch["flags"][2:] = TransferFlag.PENDING
        ledger.post(batch)
        ledger.snapshot()
        ledger.post(payments(9, [(0, 1)]))
    return folder


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    shutil.copytree(world, tmp_path / "journal")
    return tmp_path / "journal"


def opened(folder: Path) -> tuple[str, list[str], tuple[PassedOver, ...]]:
    """Open the ledger; return its digest, where it began, and what it passed over."""
    with Ledger.open(folder, clock=clock()) as ledger:
        began = [ledger.opened_from.name] if ledger.opened_from else []
        return digest(ledger), began, ledger.passed_over
