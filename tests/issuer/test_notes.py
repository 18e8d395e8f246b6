"""Notes of the desk: kept as codes, read in either language."""

from __future__ import annotations

import string

import pytest
from sqlalchemy import create_engine

from jiaozi.issuer.notes import LEDGER, NOTHING, SENTENCES, STATES, Note
from jiaozi.issuer.store import Order, Store


@pytest.mark.parametrize("code", SENTENCES)
def test_both_languages_say_the_same_values(code: str) -> None:
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code][language]) if name is not None}
        for language in ("en", "zh")
    ]
    assert fields[0] == fields[1]


def test_a_note_comes_back_from_the_table_as_it_was() -> None:
    store = Store(create_engine("sqlite://"))
    why = Note(LEDGER, ("REFUSED_BY_LAW", "cn-sh.issue/balance_cap"))
    note = Note("refused", ("JZ-2026-000001",), why).then(Note("not_booked"))
    store.add_orders([Order("JZ-2026-000001", "pujiang-cny", 1, 100, note=note)])
    store.add_orders([Order("JZ-2026-000002", "pujiang-cny", 1, 100)])
    kept = store.order("JZ-2026-000001")
    assert kept is not None
    assert kept.note == note
    assert str(kept.note) == "JZ-2026-000001: refused by law (cn-sh.issue/balance_cap): not booked"
    assert kept.note.words("zh") == "JZ-2026-000001：依法拒绝 (cn-sh.issue/balance_cap)：未入账"
    other = store.order("JZ-2026-000002")
    assert other is not None
    assert other.note == NOTHING
    assert str(other.note) == ""


def test_a_status_has_its_own_word_in_chinese() -> None:
    note = Note("already", ("JZ-2026-000001", "issued"))
    assert str(note) == "quotes JZ-2026-000001, which is issued already"
    assert STATES["issued"] in note.words("zh")


def test_reasons_of_the_law_are_called_as_the_reader_wants() -> None:
    note = Note(LEDGER, ("REFUSED_BY_LAW", "cn.virtual_currency"))
    assert note.words("en", lambda reason: f"<{reason}>") == "refused by law: <cn.virtual_currency>"
