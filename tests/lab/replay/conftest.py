"""The store of a small town, written once for all tests of replays, and what the plain reading makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from jiaozi.lab.population import Written, write_store
from jiaozi.rulebook.model import Book
from tests.lab.replay.plain import Asked, Freed, history_of

PAYMENTS = 20_000


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """300 people and more than 20,000 payments around 1 July 2027, when the reforms begin."""
    folder = tmp_path_factory.mktemp("town")
    written = write_store(folder, people=300, seed=7, days=40, payments_a_day=550, from_day=date(2027, 6, 20))
    assert written.payments >= PAYMENTS
    return written


@pytest.fixture(scope="session")
def journal(town: Written) -> Path:
    return town.folder / "journal"


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the questions of the town are recorded, once for all tests that do not damage them."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def history(journal: Path) -> tuple[list[Asked | Freed], list[Book]]:
    return history_of(journal)
