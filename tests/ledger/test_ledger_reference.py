"""The page `docs/reference/ledger.md` has a row for everything that stands in the journal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from jiaozi.ledger.columns import KNOWN
from jiaozi.ledger.facts import AnyFact
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.notes import Note
from jiaozi.ledger.records import ACCOUNT, CALL, COUNTS, OPENING, PENDING, TRANSFER, AccountFlag, TransferFlag
from jiaozi.ledger.results import Result

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")


FORM = [
    Result.NOT_TRIED,
    Result.LINKED_EVENT_CHAIN_OPEN,
    Result.LINKED_EVENT_FAILED,
    Result.RESERVED_FLAG,
    Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
    Result.ID_MUST_NOT_BE_ZERO,
    Result.ID_EXPIRED,
    Result.EXISTS_WITH_DIFFERENT_FIELDS,
    Result.ID_ALREADY_FAILED,
    Result.EXISTS,
    Result.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER,
]
"""The order of precedence: first the transfer itself, then the pending one it names, then what is judged."""

ENDING = [result for result in Result if 27 <= result <= 37]
JUDGED = [
    *(result for result in Result if 8 <= result <= 22),
    Result.FALLS_BELOW_FLOOR,
    Result.RISES_ABOVE_CAP,
    Result.OVERFLOWS_BALANCE,
]


def section(heading: str) -> str:
    """Return what stands under *heading*, to the next heading of its rank or above."""
    marks = heading.split(" ")[0]
    body = PAGE.split(f"\n{heading}", 1)[1]
    return re.split(rf"\n#{{1,{len(marks)}}} ", body)[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]


def test_every_result_has_its_row_and_its_number_in_the_order_of_precedence() -> None:
    found = [(row[0], int(row[1])) for row in rows(section("## Results"))[1:]]
    order = [*FORM, *ENDING, *JUDGED, Result.CREATED]
    assert sorted(order) == sorted(Result)
    assert found == [(result.name, int(result)) for result in order]


@pytest.mark.parametrize(
    ("heading", "flags"), [("## Account flags", AccountFlag), ("## Transfer flags", TransferFlag)]
)
def test_every_flag_has_its_row_and_its_bit(
    heading: str, flags: type[AccountFlag] | type[TransferFlag]
) -> None:
    found = {row[0]: int(row[1]) for row in rows(section(heading))[1:]}
    assert found == {flag.name: int(flag).bit_length() - 1 for flag in flags}


def test_every_kind_of_fact_has_its_row_and_its_fields() -> None:
    found = {row[0]: re.findall(r"[a-z_]+", row[1]) for row in rows(section("## Facts"))[1:]}
    assert found == {
        str(kind.__struct_config__.tag): list(kind.__struct_fields__) for kind in get_args(AnyFact)
    }


def test_every_kind_of_frame_has_its_row() -> None:
    found = {row[0]: row[1] for row in rows(section("## Frames"))}
    assert {name: found.get(name) for name in FrameKind.__members__} == {
        kind.name: str(int(kind)) for kind in FrameKind
    }


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("### Account", ACCOUNT),
        ("### Counts", COUNTS),
        ("### Opening", OPENING),
        ("### Transfer", TRANSFER),
        ("### Pending, ", PENDING),
        ("### Call", CALL),
    ],
)
def test_every_field_of_a_record_has_its_row_and_its_offset(heading: str, record: np.dtype[np.void]) -> None:
    found = {row[1]: int(row[0]) for row in rows(section(heading))[1:]}
    assert record.fields is not None
    assert found == {name: record.fields[name][1] for name in record.names or ()}
    assert f"{record.itemsize} bytes" in PAGE.split(f"\n{heading}", 1)[1].splitlines()[0]


def test_every_field_of_a_note_has_its_row() -> None:
    assert [row[0] for row in rows(section("## Notes"))[1:]] == list(Note.__struct_fields__)


def test_every_column_of_a_batch_is_named() -> None:
    text = section("## As a library")
    assert [name for name in KNOWN if f"`{name}`" not in text and f'"{name}"' not in text] == []
