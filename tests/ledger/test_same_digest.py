"""One journal comes to the same bytes on every machine, under every Python and numba, with machine code or without.

The journal lies beside this file, see `same_digest_world.py`. What it comes to stands here as constants:
who changes the format of frames, the meaning of a transfer or what enters the digest, changes them
on purpose, and says so; a journal of before must still fold to its own hashes and answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.ledger.same_digest_world import SEGMENT, Comes, comes_to, unpacked

WHOLE = Comes(
    frames=70,
    transfers=333,
    head="2e8ced3da761df5a65181451bae3baa30a4cf1ccb20eed7b750df61d23e5b740",
    digest="20ecd200ebcb4c0d29731b93b2a9cbf5882597a455c65622d10ec87a2682748d",
    answers="8f56ba0cbadab5e1b01d36f2850e0098add093d8ce23ab1ba6007ff35ae47917",
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return unpacked(tmp_path / "journal")


def test_the_journal_that_is_kept_comes_to_the_bytes_it_came_to_when_it_was_written(journal: Path) -> None:
    assert comes_to(journal) == WHOLE


def test_a_processor_without_special_instructions_comes_to_the_same(journal: Path) -> None:
    assert elsewhere(journal, NUMBA_CPU_NAME="generic") == WHOLE


def test_plain_python_without_machine_code_comes_to_the_same(journal: Path) -> None:
    assert elsewhere(journal, NUMBA_DISABLE_JIT="1") == WHOLE


def elsewhere(journal: Path, **environment: str) -> Comes:
    """Fold *journal* in another process with *environment* and return what it printed."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.ledger.same_digest_world", "fold"]
    done = subprocess.run(
        [*command, str(journal / SEGMENT)],
        env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Comes)
