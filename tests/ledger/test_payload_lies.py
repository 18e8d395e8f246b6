"""A frame of transfers whose numbers do not fit each other is refused, and the refusal says which."""

from __future__ import annotations

import numpy as np
import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.notes import Note, Notes
from jiaozi.ledger.payload import HEAD_BYTES, Booked, pack, unpack
from jiaozi.ledger.records import CALL, PAY, PENDING, Choice, TransferFlag, transfers
from jiaozi.ledger.results import Result

(COUNT, CALLERS, WORDS, REFUSED, MOVED, RELEASED, NOTES, NOTES_BYTES) = range(8)
CALLS_AT = HEAD_BYTES
RESULTS_AT = CALLS_AT + 2 * CALL.itemsize


def frame() -> Booked:
    """Two callers: a payment with a note, one that the law refused, and a posting with a note."""
    batch = transfers(3)
    batch["id_lo"], batch["amount"], batch["action"] = [1, 2, 3], [5_00, 2_000_01, 2**63 - 1], [PAY, PAY, 0]
    batch["flags"][2] = TransferFlag.POST_PENDING_TRANSFER
    calls = np.zeros(2, dtype=CALL)
    calls["end"], calls["choice"] = [2, 3], [Choice.STOP, Choice.CONTINUE]
    results = np.array([Result.CREATED, Result.REFUSED_BY_LAW, Result.CREATED], dtype=np.uint8)
    bits = np.zeros((3, 2), dtype=np.uint64)
    bits[1] = 1, 1 << 63
    moved = batch[2:].copy()
    moved["amount"], moved["action"], moved["debit"], moved["credit"] = 7_00, PAY, 4, 5
    released = np.zeros(1, dtype=PENDING)
    notes = Notes.of({0: Note(text="tea"), 2: Note(remittance="rent")})
    return Booked(batch, calls, results, bits, moved, released, notes)


def written() -> bytearray:
    return bytearray(b"".join(part.tobytes() for part in pack(frame())))


def test_what_was_posted_is_told_as_it_moved_and_the_rest_as_it_was_sent() -> None:
    back = unpack(bytes(written()))
    assert back.as_booked()["amount"].tolist() == [5_00, 2_000_01, 7_00]
    assert back.as_booked()["action"].tolist() == [PAY, PAY, PAY]
    assert back.batch["amount"].tolist() == [5_00, 2_000_01, 2**63 - 1]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (COUNT, 65_521, "cannot hold 65521 transfers"),
        (COUNT, 2**32 - 1, "cannot hold 4294967295 transfers"),
        (CALLERS, 0, "of 0 callers"),
        (CALLERS, 4, "of 4 callers"),
        (WORDS, 0, "0 words of reasons"),
        (WORDS, 65, "65 words of reasons"),
        (REFUSED, 4, "4 of them refused"),
        (MOVED, 4, "4 moved"),
        (RELEASED, (1 << 20) + 1, "1048577 released"),
        (NOTES, 4, "4 notes"),
        (NOTES_BYTES, 2 * 4_096 + 1, "notes of 8193 bytes"),
        (COUNT, 2, "bytes and has"),
        (RELEASED, 0, "bytes and has"),
    ],
)
def test_a_head_that_lies_is_refused(field: int, value: int, message: str) -> None:
    raw = written()
    raw[4 * field : 4 * field + 4] = value.to_bytes(4, "little")
    with pytest.raises(JournalError, match=message):
        unpack(bytes(raw))


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (CALLS_AT, 0, "do not end one after the other"),
        (CALLS_AT, 3, "do not end one after the other"),
        (CALLS_AT + CALL.itemsize, 2, "do not end one after the other"),
        (CALLS_AT + CALL.itemsize, 4, "do not end one after the other"),
        (CALLS_AT + 4, 2, "made a choice that is none"),
        (CALLS_AT + 7, 1, "made a choice that is none"),
        (RESULTS_AT, len(Result), "a result that is none"),
        (RESULTS_AT, Result.REFUSED_BY_LAW, "lists others as refused"),
        (RESULTS_AT + 2, Result.EXISTS, "lists others as moved"),
    ],
)
def test_calls_and_results_that_do_not_fit_are_refused(at: int, value: int, message: str) -> None:
    raw = written()
    raw[at] = value
    with pytest.raises(JournalError, match=message):
        unpack(bytes(raw))


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [(0, 2, "number the transfers"), (4, 3, "number the transfers"), (8, 99, "as long as they say")],
)
def test_notes_of_nobody_or_of_another_length_are_refused(offset: int, value: int, message: str) -> None:
    raw = written()
    texts = (len(frame().notes.data) + 7) // 8 * 8
    raw[len(raw) - texts - 16 + offset] = value
    with pytest.raises(JournalError, match=message):
        unpack(bytes(raw))
