"""What tests of the ledger share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ledger.faults.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """One for all tests: to load everything takes it longer than most of them."""
    with Nursery() as nursery:
        yield nursery
