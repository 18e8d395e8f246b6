"""The history of an open ledger, asked while it is open: one story, told by each of its readers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import jiaozi
from jiaozi.embedded import OpenLedger
from jiaozi.errors import FactError, QueryError
from jiaozi.ledger.results import Result
from tests.ledger import ledger_world
from tests.ledger.ledger_world import FIRST_HOLDER, clock

ZONE = "cn-sh"
LI, WANG = FIRST_HOLDER, FIRST_HOLDER + 1


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[OpenLedger]:
    ledger_world.found(tmp_path).close()
    with jiaozi.open(tmp_path, clock=clock()) as opened:
        yield opened


def test_a_hotel_reserves_takes_a_part_and_every_reader_tells_the_same(ledger: OpenLedger) -> None:
    before = int(ledger.lookup_accounts([LI])["balance"][0])
    hotel = ledger.pay(debit=LI, credit=WANG, amount_fen=800_00, place=ZONE, pending=86_400)
    held = ledger.lookup_accounts([LI, WANG])
    assert held["balance"][0] == before
    assert held["pending_out"].tolist() == [800_00, 0]
    assert held["pending_in"].tolist() == [0, 800_00]

    posted = ledger.post_pending(hotel.id, 640_00)
    assert (posted.result, posted.amount_fen) == (Result.CREATED, 640_00)
    assert ledger.lookup_accounts([LI])["balance"][0] == before - 640_00
    assert ledger.post_pending(hotel.id).result is Result.PENDING_TRANSFER_ALREADY_POSTED

    asked = "SELECT balance_fen FROM balances WHERE account = $account"
    assert ledger.sql(asked, {"account": LI}).rows() == [(before - 640_00,)]
    with ledger.history() as history:
        page = history.account_transfers(LI, limit=1)
        assert len(page) == 1
        assert history.balance_at(LI, posted.receipt.instant).balance == before - 640_00
    day = date(2026, 12, 15)
    paper = ledger.statement(LI, day, date(2026, 12, 16))
    assert paper.paid_out == 640_00
    lines, supply = ledger.totals()
    assert sum(line.balance for line in lines) == 0
    assert all(coin.is_covered_by_the_books for coin in supply)
    results = [event.result for event in ledger.changes(wait=False) if event.result is not None]
    assert results[-3:] == [Result.CREATED, Result.CREATED, Result.PENDING_TRANSFER_ALREADY_POSTED]


def test_what_cannot_be_asked_is_told(ledger: OpenLedger) -> None:
    with pytest.raises(FactError, match="no account 99999"):
        ledger.lookup_accounts([99_999])
    with pytest.raises(QueryError):
        ledger.sql("DROP VIEW transfers")
    with pytest.raises(FactError, match="no account"):
        ledger.statement(99_999, date(2026, 12, 15), date(2026, 12, 16))
