"""The examples that ship are what the writer writes, tell one story, and one is broken on purpose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from jiaozi.bank import EXAMPLES, statement
from jiaozi.errors import StatementError
from tests.bank.bank_examples import examples


def test_the_examples_are_what_the_writer_writes_today() -> None:
    assert {
        path.name: path.read_bytes() for path in EXAMPLES.iterdir() if path.suffix == ".xml"
    } == examples()


def test_the_morning_brings_five_credits_and_the_evening_follows_on_it() -> None:
    (morning,) = statement.read(EXAMPLES / "2026-12-15-morning.camt053.xml")
    (evening,) = statement.read(EXAMPLES / "2026-12-15-evening.camt053.xml")
    assert (morning.account, morning.account_owner, morning.account_currency) == (
        "1001-EXAMPLE-0001", "Pujiang Pay", "CNY",
    )  # fmt: skip
    assert [str(entry.amount) for entry in morning.entries] == [
        "30000000.00", "12500000.00", "7500000.00", "250000.00", "88888.00",
    ]  # fmt: skip
    assert all(entry.is_credit and entry.booked_at.endswith("+08:00") for entry in morning.entries)
    balances = [part.balance(code) for part in (morning, evening) for code in ("OPBD", "CLBD")]
    assert [balance.amount for balance in balances if balance] == [
        Decimal("0.00"), Decimal("50338888.00"), Decimal("50338888.00"), Decimal("49138888.00"),
    ]  # fmt: skip
    assert morning.warnings == evening.warnings == ()


def test_four_orders_are_quoted_in_the_ways_people_do_and_the_fifth_credit_quotes_none() -> None:
    (morning,) = statement.read(EXAMPLES / "2026-12-15-morning.camt053.xml")
    texts = [" ".join(entry.reference_texts()) for entry in morning.entries]
    assert "JZ-2026-000001" in morning.entries[0].details[0].creditor_references
    assert "invoice JZ-2026-000002 coin purchase" in texts[1]
    assert "order no. jz-2026-000003" in texts[2]
    assert "JZ 2026 000004" in texts[3]
    assert texts[4].startswith("货款 thank you")
    assert "JZ" not in texts[4]


def test_the_evening_pays_one_redemption_out() -> None:
    (evening,) = statement.read(EXAMPLES / "2026-12-15-evening.camt053.xml")
    (entry,) = evening.entries
    assert (str(entry.amount), entry.is_credit) == ("1200000.00", False)
    assert entry.details[0].end_to_end_id == "JZ-R-2026-000001"


def test_the_broken_example_is_refused_with_its_two_faults() -> None:
    with pytest.raises(StatementError) as caught:
        statement.read(EXAMPLES / "broken.camt053.xml", name="broken.camt053.xml")
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "broken.camt053.xml:117  Stmt[1]/Ntry[2]/Amt  its attribute Ccy 'Yuan' has the wrong form; "
        "write a currency in three capital letters, such as CNY",
        "broken.camt053.xml:183  Stmt[1]/Ntry[3]/BookgDt/DtTm  '15.12.2026 10:03' is no date with a time; "
        "write 2026-12-15T09:30:00+08:00",
    ]
