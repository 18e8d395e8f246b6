"""The ledger as a library: columns in, answers out, from threads and from an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jiaozi
from jiaozi.embedded import OpenLedger
from jiaozi.ledger.columns import transfers_from
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.records import PAY
from jiaozi.ledger.results import Result
from jiaozi.rulebook.reading.read import read_folder

from .ledger import ledger_world
from .ledger.ledger_world import FIRST_HOLDER, PLACE, clock

ZONE = "cn-sh"
LI, WANG = FIRST_HOLDER, FIRST_HOLDER + 1
FIVE = [uuid.UUID(int=(7 << 64) | number) for number in range(1000, 1005)]
COLUMNS: dict[str, Any] = {
    "id": FIVE,
    "debit": np.arange(FIRST_HOLDER, FIRST_HOLDER + 5),
    "credit": FIRST_HOLDER + 9,
    "amount_fen": [1_00, 2_00, 3_00, 4_00, 5_00],
    "action": "pay",
    "place": ZONE,
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[OpenLedger]:
    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=clock()) as opened:
        yield opened


class Table:
    """A table as Arrow and data frames have it: names, and a column for each."""

    def __init__(self, columns: dict[str, Any], names: str) -> None:
        self._columns = columns
        setattr(self, names, list(columns))

    def __getitem__(self, name: str) -> Any:
        return np.asarray(self._columns[name]) if name != "id" else self._columns[name]


def test_a_program_opens_a_ledger_enacts_a_law_pays_and_is_told(tmp_path: Path) -> None:
    """The story of this file: everything a program needs, and nothing else."""
    ledger_world.found(tmp_path).close()
    with jiaozi.open(str(tmp_path), clock=clock()) as ledger:
        ledger.enact(read_folder(drafts=[ZONE]))
        outcome = ledger.post(COLUMNS)
        assert outcome.results.tolist() == [Result.CREATED] * 5
        assert outcome.results.dtype == np.uint8
        again = ledger.post(COLUMNS)
        assert again.results.tolist() == [Result.EXISTS] * 5
        answer = ledger.pay(debit=LI, credit=WANG, amount_fen=12_50, place=ZONE)
        assert answer.is_booked
        assert str(answer) == "booked"
        balance = int(ledger.state.accounts[FIRST_HOLDER]["balance"])
    with jiaozi.open(tmp_path, clock=clock()) as ledger:
        assert int(ledger.state.accounts[FIRST_HOLDER]["balance"]) == balance == 1_000_00 - 1_00 - 12_50


def test_a_refusal_names_its_reasons(ledger: OpenLedger) -> None:
    answer = ledger.pay(debit=LI, credit=WANG, amount_fen=1, place="hk")
    assert (answer.is_booked, answer.result) == (False, Result.REFUSED_BY_LAW)
    assert "hk.pay/licensed_issuer" in answer.reasons
    assert str(answer).startswith("refused by law: ")
    assert "hk.pay/licensed_issuer" in str(answer)


def test_a_payment_with_an_id_books_once_whoever_tries_again(ledger: OpenLedger) -> None:
    def pay(amount_fen: int) -> Result:
        return ledger.pay(debit=LI, credit=WANG, amount_fen=amount_fen, place=ZONE, id=FIVE[0]).result

    assert [pay(1), pay(1), pay(2)] == [Result.CREATED, Result.EXISTS, Result.EXISTS_WITH_DIFFERENT_FIELDS]


def test_an_id_is_that_of_the_uuid_and_one_that_is_left_out_is_given(ledger: OpenLedger) -> None:
    given = ledger.pay(debit=LI, credit=WANG, amount_fen=1, place=ZONE, id=FIVE[1])
    fresh = [ledger.pay(debit=LI, credit=WANG, amount_fen=1, place=ZONE).id for _ in range(3)]
    assert given.id == FIVE[1]
    assert len(set(fresh)) == 3
    assert {each.version for each in fresh} == {7}
    for each in (given.id, *fresh):
        lo, hi = each.int & (2**64 - 1), each.int >> 64
        assert ledger.state.result_of(lo, hi) is Result.CREATED
        assert id_text(lo, hi) == each.hex


def test_columns_say_the_same_in_every_form(ledger: OpenLedger) -> None:
    words = ledger.state.words
    plain = transfers_from(COLUMNS, words)
    halves = np.array([[each.int & (2**64 - 1), each.int >> 64] for each in FIVE], dtype=np.uint64)
    forms: list[Any] = [
        COLUMNS | {"id": halves},
        COLUMNS | {"id": np.array([each.bytes for each in FIVE], dtype="V16")},
        COLUMNS | {"id": [each.bytes for each in FIVE]},
        COLUMNS | {"action": [PAY] * 5, "place": np.full(5, PLACE)},
        COLUMNS | {"action": np.array(["pay"] * 5), "place": [ZONE] * 5, "travel_data": ""},
        COLUMNS | {"credit": [FIRST_HOLDER + 9] * 5, "linked": np.zeros(5, dtype=bool)},
        Table(
            {**COLUMNS, "credit": [FIRST_HOLDER + 9] * 5, "action": ["pay"] * 5, "place": [ZONE] * 5},
            "columns",
        ),
        Table(
            {**COLUMNS, "credit": [FIRST_HOLDER + 9] * 5, "action": ["pay"] * 5, "place": [ZONE] * 5},
            "column_names",
        ),
    ]
    for form in forms:
        assert (transfers_from(form, words) == plain).all()


def test_linked_columns_share_one_fate(ledger: OpenLedger) -> None:
    linked = np.array([True, False, True, False, False])
    amounts = [1_00, 2_00, 3_00, 9_999_999_00, 5_00]
    found = ledger.post(COLUMNS | {"linked": linked, "amount_fen": amounts}).results.tolist()
    both = [Result.LINKED_EVENT_FAILED, Result.EXCEEDS_CREDITS]
    assert found == [Result.CREATED, Result.CREATED, *both, Result.CREATED]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": 1}, r"no such column 'amount'; columns are debit, credit, amount_fen"),
        ({"debit": None}, r"column debit must be whole numbers, not object"),
        ({"amount_fen": [1.5] * 5}, r"column amount_fen must be whole numbers, not float64; money is in fen"),
        ({"amount_fen": [2**63] * 5}, r"column amount_fen has a number beyond"),
        ({"debit": [-1] * 5}, r"column debit has a number beyond 0 to 4294967295"),
        ({"debit": [1, 2, 3]}, r"column debit has 3 values, others 5"),
        ({"place": "atlantis"}, r"column place has 'atlantis'; it is one of cn, cn-sh, hk"),
        ({"action": "hold"}, r"column action has 'hold'; it is one of book, issue, pay, redeem"),
        ({"action": 1.0}, r"column action must be words or codes, not float64"),
        ({"travel_data": "all"}, r"column travel_data has 'all'; it is one of none, core, full"),
        ({"id": ["one"] * 5}, r"column id has 'one'; each must be a UUID or 16 bytes"),
        ({"id": 7}, r"column id must be 16 bytes each"),
        ({"id": np.zeros(5)}, r"column id must be 16 bytes each, UUIDs, or \(n, 2\) uint64, not float64"),
        ({"linked": [1, 0, 0, 0, 0]}, r"column linked must be bool, not int64"),
    ],
)
def test_a_column_that_will_not_do_is_named_and_nothing_is_booked(
    change: dict[str, Any], message: str, ledger: OpenLedger
) -> None:
    before = ledger.sequence
    with pytest.raises(ValueError, match=message):
        ledger.post(COLUMNS | change)
    assert ledger.sequence == before


def test_a_batch_without_a_needed_column_or_that_is_no_table_is_refused(ledger: OpenLedger) -> None:
    with pytest.raises(ValueError, match="column place is missing; a batch needs debit, credit"):
        ledger.post({name: column for name, column in COLUMNS.items() if name != "place"})
    with pytest.raises(ValueError, match="a batch is a mapping or a table of columns, not int"):
        ledger.post(7)


def test_many_threads_share_frames_and_none_is_told_of_another(ledger: OpenLedger) -> None:
    before, answers = ledger.sequence, dict[int, list[Result]]()

    def caller(number: int) -> None:
        payer, payee = FIRST_HOLDER + number % 20, FIRST_HOLDER + (number + 1) % 20
        answers[number] = [
            ledger.pay(debit=payer, credit=payee, amount_fen=1 + number, place=ZONE).result for _ in range(20)
        ]

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found == [Result.CREATED] * 20 for found in answers.values())
    assert len(answers) == 32
    assert ledger.sequence - before < 32 * 20, "callers that come together share a frame"


def test_an_event_loop_pays_without_being_blocked(ledger: OpenLedger) -> None:
    async def crowd() -> list[Result]:
        batch = asyncio.create_task(ledger.post_async(COLUMNS))
        one_by_one = [ledger.pay_async(debit=LI, credit=WANG, amount_fen=1, place=ZONE) for _ in range(50)]
        paid = await asyncio.gather(*one_by_one)
        assert (await batch).created == 5
        return [answer.result for answer in paid]

    assert asyncio.run(crowd()) == [Result.CREATED] * 50


def test_importing_jiaozi_loads_nothing_heavy() -> None:
    code = "import sys, jiaozi; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "numba", "sqlalchemy", "msgspec"}
