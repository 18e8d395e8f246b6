"""Money, clocks and calendars: the words that everyone uses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.clock import Instant, ManualClock, clock_from, day_of, day_start, instant_of, moment_of
from jiaozi.errors import AmountError, FactError
from jiaozi.ledger.numbers import account_from_text, account_text
from jiaozi.money import MAX_FEN, decimal_text, fen_from_text, format_fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.50", 123_450),
        ("0.01", 1),
        (1234, 123_400),
        (Decimal("0.10"), 10),
        (Decimal("1E+2"), 10_000),
        ("5.100", 510),
    ],
)
def test_an_amount_is_read_exactly(text: str | int | Decimal, fen: int) -> None:
    assert fen_from_text(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "0.001",
        "-1",
        "NaN",
        "Infinity",
        "1e30",
        "1.2.3",
        "0x10",
        "１２",
        "1e3",
        "1_000",
        ",,1,,2",
        "1,00",
        "1" * 5_000,
        "0." + "0" * 30 + "1",
    ],
)
def test_what_is_no_amount_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(AmountError):
        fen_from_text(text)


@given(st.integers(0, MAX_FEN))
def test_an_amount_printed_and_read_is_the_same(fen: int) -> None:
    assert fen_from_text(decimal_text(fen)) == fen
    assert fen_from_text(format_fen(fen)) == fen


def test_sixteen_of_the_largest_amounts_still_fit_a_machine_word() -> None:
    assert 16 * MAX_FEN < 2**62


def test_a_day_begins_at_midnight_on_the_clock_of_its_place() -> None:
    day = date(2026, 12, 15)
    assert moment_of(day_start(day)).isoformat() == "2026-12-15T00:00:00+08:00"
    assert day_of(Instant(day_start(day) - 1)) == date(2026, 12, 14)
    assert instant_of(datetime(2026, 12, 14, 16, tzinfo=UTC)) == day_start(day)


def test_a_moment_without_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        instant_of(datetime(2026, 12, 15))


def test_a_clock_never_runs_backwards() -> None:
    clock = ManualClock(day_start(date(2026, 12, 15)))
    clock.advance(1.5)
    with pytest.raises(ValueError, match="backwards"):
        clock.set(day_start(date(2026, 12, 15)))
    running = clock_from(clock())
    assert running() >= clock()


@given(st.integers(0, 2**32 - 1))
def test_an_account_number_is_read_as_it_was_printed(account: int) -> None:
    assert account_from_text(account_text(account)) == account
    assert account_from_text(str(account)) == account


@given(st.integers(0, 2**32 - 1), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(account: int, place: int, change: int) -> None:
    digits = list(account_text(account).replace(" ", ""))
    digits[place] = str((int(digits[place]) + change) % 10)
    with pytest.raises(FactError):
        account_from_text("".join(digits))


@pytest.mark.parametrize("text", ["", "abc", "12 34 x", "1" * 13, "-1", "٣"])
def test_what_is_no_account_number_is_refused(text: str) -> None:
    with pytest.raises(FactError):
        account_from_text(text)
