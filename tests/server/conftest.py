"""A console over a real office, asked without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jiaozi.server.app import create_app
from tests.server.asking import Client
from tests.server.offices import lively
from tests.world import World

NOTICE = {"en": "Invented people.", "zh": "人物均为虚构。"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = lively(tmp_path / "office")
    yield world
    world.office.close()


@pytest.fixture
def client(world: World) -> Client:
    return Client(create_app(world.office, notice=NOTICE))
