"""The ledger as a library: columns in, answers out, from threads and from an event loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jiaozi
from jiaozi.embedded import OpenLedger
from jiaozi.ledger.columns import transfers_from
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.notes import Note
from jiaozi.ledger.payload import unpack
from jiaozi.ledger.records import AS_PENDING, PAY, WHOLE
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
    plain, _ = transfers_from(COLUMNS, words)
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
        assert (transfers_from(form, words)[0] == plain).all()


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


ENDS = {"post": True, "pending_id": FIVE}


def columns_with(ledger: OpenLedger, **more: Any) -> tuple[Any, Any]:
    return transfers_from(COLUMNS | more, ledger.state.words)


def test_columns_of_yes_and_no_become_flags(ledger: OpenLedger) -> None:
    yes = np.array([True, False, True, False, False])
    batch, _ = columns_with(ledger, pending=yes, timeout=[60, 0, 90, 0, 0], linked=~yes)
    assert batch["flags"].tolist() == [2, 1, 2, 1, 1]
    assert batch["timeout"].tolist() == [60, 0, 90, 0, 0]
    batch, _ = columns_with(ledger, balancing=["debit", "credit", "", "debit", ""])
    assert batch["flags"].tolist() == [16, 32, 0, 16, 0]


def test_to_post_or_to_void_needs_nothing_but_whom(ledger: OpenLedger) -> None:
    for name, flag in (("post", 4), ("void", 8)):
        batch, notes = transfers_from({name: True, "pending_id": FIVE}, ledger.state.words)
        assert batch["memo_lo"].tolist() == [each.int & (2**64 - 1) for each in FIVE]
        assert batch["memo_hi"].tolist() == [each.int >> 64 for each in FIVE]
        assert set(batch["debit"].tolist()) == set(batch["credit"].tolist()) == {AS_PENDING}
        assert set(batch["amount"].tolist()) == {WHOLE}
        assert set(batch["flags"].tolist()) == {flag}
        assert (batch["action"].max(), batch["place"].max(), len(notes)) == (0, 0, 0)
    part, _ = transfers_from(ENDS | {"amount_fen": [1, 2, 3, 4, 5]}, ledger.state.words)
    assert part["amount"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "dates",
    [
        np.datetime64("2026-12-15"),
        np.full(5, np.datetime64("2026-12-15T08:30")),
        [date(2026, 12, 15)] * 5,
        ["2026-12-15"] * 5,
        np.array(["2026-12-15"] * 5, dtype=object),
        "2026-12-15",
    ],
)
def test_a_value_date_is_a_day_in_any_form(ledger: OpenLedger, dates: Any) -> None:
    batch, _ = columns_with(ledger, value_date=dates)
    assert set(batch["value_day"].tolist()) == {(date(2026, 12, 15) - date(2000, 1, 1)).days}


def test_a_value_date_may_be_left_to_the_day_of_booking(ledger: OpenLedger) -> None:
    mixed: list[Any] = ["", "2000-01-02", None, date(2179, 6, 6), ""]
    batch, _ = columns_with(ledger, value_date=mixed)
    assert batch["value_day"].tolist() == [0, 1, 0, 2**16 - 1, 0]
    batch, _ = columns_with(ledger, value_date=np.array(["NaT"] * 5, dtype="datetime64[D]"))
    assert not batch["value_day"].any()


def test_words_beside_a_transfer_are_columns_too_and_reach_the_journal(
    ledger: OpenLedger, tmp_path: Path
) -> None:
    words = {
        "text": ["rent", "", None, "tea", float("nan")],
        "purpose": ["RENT", None, None, None, "SALA"],
        "end_to_end_id": "E-1",
        "purpose_number": 7,
        "code": 300,
    }
    outcome = ledger.post(COLUMNS | words)
    assert outcome.created == 5
    frame = list(read_frames(tmp_path))[-1]
    booked = unpack(frame.payload)
    assert booked.notes.read() == {
        0: Note(text="rent", purpose="RENT", end_to_end_id="E-1"),
        1: Note(end_to_end_id="E-1"),
        2: Note(end_to_end_id="E-1"),
        3: Note(text="tea", end_to_end_id="E-1"),
        4: Note(purpose="SALA", end_to_end_id="E-1"),
    }
    assert set(booked.batch["purpose"].tolist()) == {7}
    assert set(booked.batch["code"].tolist()) == {300}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value_date": 7}, "column value_date must be dates, such as 2026-12-15.*not int64"),
        ({"value_date": ["soon"] * 5}, "column value_date must be dates.*soon"),
        ({"value_date": [7, None, "", "", ""]}, "column value_date must be dates.*not 7"),
        ({"value_date": "2000-01-01"}, "from 2000-01-02 on and before 2179-06-07"),
        ({"value_date": "1999-12-31"}, "from 2000-01-02 on"),
        ({"value_date": "2179-06-07"}, "before 2179-06-07"),
        ({"pending": [1, 0, 1, 0, 1]}, "column pending must be bool, not int64"),
        ({"balancing": "both"}, "column balancing has 'both'; it is one of debit, credit"),
        ({"post": True}, "column pending_id is missing"),
        ({"memo": FIVE, "pending_id": FIVE}, "leave column memo out"),
        ({"purpose": ["RENT", "rent", "", "", ""]}, "the note of transfer 1"),
        ({"text": ["a", 7, "", "", ""]}, "column text has 7 at transfer 1; it holds words"),
        ({"reference": "r" * 36}, "the note of transfer 0"),
        ({"timeout": -1}, "column timeout has a number beyond 0"),
        ({"purpose_number": 256}, "column purpose_number has a number beyond 0 to 255"),
    ],
)
def test_a_new_column_that_will_not_do_is_named_as_well(
    ledger: OpenLedger, change: dict[str, Any], message: str
) -> None:
    before = ledger.sequence
    with pytest.raises(ValueError, match=message):
        ledger.post(COLUMNS | change)
    assert ledger.sequence == before


def test_where_some_post_and_some_pay_every_needed_column_is_there(ledger: OpenLedger) -> None:
    some = np.array([True, False, False, False, False])
    given = {name: column for name, column in COLUMNS.items() if name != "amount_fen"}
    with pytest.raises(ValueError, match=r"column amount_fen is missing.*unless all of it posts or voids"):
        ledger.post(given | {"post": some, "pending_id": FIVE})
    with pytest.raises(ValueError, match="in columns or in"):
        ledger.post(COLUMNS | {"text": "tea"}, notes={0: Note(text="tea")})


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
