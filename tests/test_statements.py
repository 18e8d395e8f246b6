"""Statements of accounts: opening and closing meet, and our own bank reader takes what we write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from jiaozi.bank import statement as bank_statement
from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.ledger.history.reading import History
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.statement import About, AccountStatement, Movement, statement
from jiaozi.ledger.history.statement_text import COLUMNS, as_camt053, as_csv, as_text
from jiaozi.ledger.notes import Note
from jiaozi.ledger.numbers import account_text
from tests.ledger.history_world import START, HistoryWorld
from tests.ledger.small_world import at

FIRST_DAY = date(2026, 12, 15)
KNOWN = About(3, "pujiang-cny", "CNY", "pujiang-pay")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryWorld]:
    """Three days of transfers, the first of them sealed."""
    world = HistoryWorld.found(tmp_path_factory.mktemp("statements") / "journal")
    for _ in range(3):
        world.fill(25)
        world.now += 24 * 3_600 * NS_PER_SECOND
    world.now = START + 3 * 24 * 3_600 * NS_PER_SECOND
    seal(world.folder, unit_bytes=1)
    yield world
    world.journal.close()


def of(world: HistoryWorld, first: date, until: date, account: int = 3) -> AccountStatement:
    with History(world.folder) as history:
        return statement(history, About(account, "pujiang-cny", "CNY", "pujiang-pay"), first, until)


def test_the_closing_balance_of_a_day_opens_the_next(world: HistoryWorld) -> None:
    days = [of(world, FIRST_DAY + timedelta(days=n), FIRST_DAY + timedelta(days=n + 1)) for n in range(-1, 5)]
    for one, other in pairwise(days):
        assert one.closing == other.opening
    assert days[0].opening.balance == 0
    assert (
        days[-1].closing.balance,
        days[-1].closing.pending_out,
        days[-1].closing.pending_in,
    ) == world.balance(3)
    whole = of(world, FIRST_DAY, FIRST_DAY + timedelta(days=9))
    assert [each.id for each in whole.movements] == [each.id for day in days for each in day.movements]


def test_every_movement_is_there_with_the_balance_after_it(world: HistoryWorld) -> None:
    given = of(world, FIRST_DAY, FIRST_DAY + timedelta(days=9))
    rows = [row for row in world.of(3) if row.moved and row.debit != row.credit]
    assert [each.amount for each in given.movements] == [row.moved for row in rows]
    assert [each.is_out for each in given.movements] == [row.debit == 3 for row in rows]
    balance = 0
    for each in given.movements:
        balance += -each.amount if each.is_out else each.amount
        assert each.balance == balance
    assert given.opening.balance + given.paid_in - given.paid_out == given.closing.balance


@pytest.mark.parametrize("days", [0, -1])
def test_a_period_without_a_day_is_refused(world: HistoryWorld, days: int) -> None:
    with pytest.raises(ValueError, match="has no day"):
        of(world, FIRST_DAY, FIRST_DAY + timedelta(days=days))


def test_our_bank_reader_takes_what_we_write(world: HistoryWorld) -> None:
    given = of(world, FIRST_DAY, FIRST_DAY + timedelta(days=2))
    (read,) = bank_statement.read(as_camt053(given, created=Instant(world.now)))
    assert not read.warnings
    assert read.account == account_text(3)
    assert [(b.code, b.amount, b.day) for b in read.balances] == [
        ("OPBD", Decimal(given.opening.balance) / 100, FIRST_DAY),
        ("CLBD", Decimal(given.closing.balance) / 100, FIRST_DAY + timedelta(days=1)),
        (
            "CLAV",
            Decimal(given.closing.balance - given.closing.pending_out) / 100,
            FIRST_DAY + timedelta(days=1),
        ),
    ]
    assert len(read.entries) == len(given.movements) > 5
    for entry, each in zip(read.entries, given.movements, strict=True):
        assert entry.amount == Decimal(each.amount) / 100
        assert entry.is_credit is not each.is_out
        assert entry.servicer_reference == each.id
        (detail,) = entry.details
        assert entry.counterparty_account(detail) == account_text(each.other)
        assert (detail.additional_info or "") == each.note.text


def invented(*notes: Note, opening: int = 0) -> AccountStatement:
    """Return a statement of payments of one yuan with *notes*."""
    from jiaozi.ledger.history.asked import Balance, Cursor

    movements = tuple(
        Movement(
            Cursor(9, place), Instant(at("2026-12-15 10:00")), FIRST_DAY, FIRST_DAY + timedelta(days=place),
            f"{place:032x}", False, 7, 100, "pay", opening + 100 * (place + 1), note,
        )
        for place, note in enumerate(notes)
    )  # fmt: skip
    closing = opening + 100 * len(notes)
    return AccountStatement(
        KNOWN, FIRST_DAY, FIRST_DAY + timedelta(days=1), "Asia/Shanghai",
        Balance(opening, 0, 0), Balance(closing, 50, 0), movements,
    )  # fmt: skip


def test_references_of_iso_20022_arrive_in_their_fields() -> None:
    note = Note(
        text="for the tea",
        end_to_end_id="E2E-1",
        instruction_id="I-1",
        uetr="0b5d9a53-9e7e-4d0e-8d1c-6a3f7b2f0a11",
        remittance="Invoice 7",
        reference="RF18539007547034",
    )
    (read,) = bank_statement.read(as_camt053(invented(note, Note()), created=Instant(START)))
    (detail,) = read.entries[0].details
    assert (detail.end_to_end_id, detail.instruction_id, detail.uetr) == ("E2E-1", "I-1", note.uetr)
    assert (detail.remittance, detail.creditor_references) == (("Invoice 7",), ("RF18539007547034",))
    assert read.entries[1].value_day == FIRST_DAY + timedelta(days=1)


HOSTILE = (
    Note(text="<Ntry>&amp;]]>\x00\x0b\ud7ff"),
    Note(text="=cmd|' /C calc'!A0", remittance='a,"b"\nc'),
    Note(text="\u202e反向 " + "长" * 270, reason="@SUM(1)"),
    Note(remittance="\t", reference="-1+1", end_to_end_id="\u0001"),
)


def test_hostile_notes_stay_text_in_every_format() -> None:
    given = invented(*HOSTILE)
    (read,) = bank_statement.read(as_camt053(given, created=Instant(START)))
    assert [entry.amount for entry in read.entries] == [Decimal("1.00")] * len(HOSTILE)
    assert read.entries[0].details[0].additional_info.startswith("<Ntry>&amp;]]>")
    rows = list(csv.reader(io.StringIO("".join(as_csv(given)), newline="")))
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert not any(value[:1] in ("=", "@", "+") for row in rows for value in row)
    lines = "".join(as_text(given)).splitlines()
    assert len(lines) == len("".join(as_text(given)).split("\n")) - 1
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_text_says_what_stood_and_what_stands(language: str) -> None:
    told = "".join(as_text(invented(Note(text="tea"), opening=-500), language=language))
    assert account_text(3) in told
    assert account_text(7) in told
    assert "-5.00 CNY" in told
    assert "-4.00 CNY" in told
    assert "tea" in told
    assert "\n" in "".join(as_text(invented(), language=language))


def test_an_overdrawn_opening_and_sums_beyond_any_coin_are_told() -> None:
    given = invented(Note(), opening=-(10**17))
    (read,) = bank_statement.read(as_camt053(given, created=Instant(START)))
    assert read.balances[0].amount == Decimal(-(10**15))


def test_a_statement_without_movements_is_a_statement(tmp_path: Path) -> None:
    with HistoryWorld.found(tmp_path / "journal").journal:
        world = HistoryWorld(tmp_path / "journal", None, None)  # type: ignore[arg-type]
        given = of(world, FIRST_DAY, FIRST_DAY + timedelta(days=1))
    (read,) = bank_statement.read(as_camt053(given, created=Instant(START)))
    assert not read.entries
    assert [balance.amount for balance in read.balances] == [Decimal(0)] * 3
    assert len("".join(as_csv(given)).splitlines()) == 3
