"""Notes: what may stand beside a transfer, one letter below each length, at it, and one above."""

from __future__ import annotations

import numpy as np
import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.notes import MAX_NOTE_BYTES, NO_NOTES, Note, Notes, joined

LENGTHS = {
    "text": 280,
    "reason": 140,
    "end_to_end_id": 35,
    "instruction_id": 35,
    "remittance": 140,
    "reference": 35,
}
UETR = "eb6305c9-1f7f-49de-aed0-16487c27b42d"


@pytest.mark.parametrize(("field", "length"), LENGTHS.items())
@pytest.mark.parametrize("letter", ["a", "款"])
def test_a_field_is_as_long_as_iso_20022_says(field: str, length: int, letter: str) -> None:
    for count in (1, length - 1, length):
        note = Note(**{field: letter * count})
        assert Notes.of({0: note}).read() == {0: note}
    with pytest.raises(ValueError, match=f"the note of transfer 3.*{field}"):
        Notes.of({3: Note(**{field: letter * (length + 1)})})


@pytest.mark.parametrize(
    "field", [field for field in Note.__struct_fields__ if field not in ("text", "reason")]
)
def test_a_field_of_iso_20022_is_never_empty(field: str) -> None:
    with pytest.raises(ValueError, match="the note of transfer 0"):
        Notes.of({0: Note(**{field: ""})})


@pytest.mark.parametrize("uetr", [UETR.upper(), UETR[:-1], UETR.replace("-4", "-5"), UETR + "0", UETR + "\n"])
def test_a_uetr_is_a_uuid_of_version_4_in_lower_case(uetr: str) -> None:
    assert Notes.of({0: Note(uetr=UETR)}).read()[0].uetr == UETR
    with pytest.raises(ValueError, match="uetr"):
        Notes.of({0: Note(uetr=uetr)})


@pytest.mark.parametrize("purpose", ["SAL", "SALAR", "sala", "SAL1", "SALA\n"])
def test_a_purpose_is_four_capital_letters(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        Notes.of({0: Note(purpose=purpose)})


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="the note of transfer 7"):
        Notes.of({7: Note(text=5)})  # type: ignore[arg-type]


def test_all_fields_full_fit_in_chinese_and_not_in_control_characters() -> None:
    def full(letter: str) -> Note:
        fields = {field: letter * length for field, length in LENGTHS.items()}
        return Note(**fields, uetr=UETR, purpose="SALA")

    assert Notes.of({0: full("款")}).read() == {0: full("款")}
    with pytest.raises(ValueError, match=f"{MAX_NOTE_BYTES:,} fit"):
        Notes.of({0: full("\x01")})


def test_notes_are_kept_by_transfer_in_their_order_and_fields_not_given_are_left_out() -> None:
    notes = Notes.of({9: Note(text="b"), 2: Note(purpose="SALA", text="a")})
    assert notes.rows.tolist() == [2, 9]
    assert notes.data == b'{"purpose":"SALA","text":"a"}{"text":"b"}'
    assert notes.lengths.sum() == len(notes.data)
    assert len(NO_NOTES) == 0
    assert NO_NOTES.read() == {}


def test_notes_of_several_callers_are_joined_and_taken_apart_again() -> None:
    one, other = Notes.of({0: Note(text="a"), 2: Note(text="b")}), Notes.of({1: Note(text="c")})
    both = joined([(0, one), (3, NO_NOTES), (5, other)])
    assert both.read() == {0: Note(text="a"), 2: Note(text="b"), 6: Note(text="c")}
    assert both.only(np.arange(8) < 5).read() == one.read()
    assert both.only(np.arange(8) >= 5).read() == other.read()
    assert len(joined([(0, NO_NOTES)])) == 0


def test_the_digest_of_a_note_is_of_its_content_and_no_note_has_none() -> None:
    digests = Notes.of({0: Note(text="a"), 1: Note(text="b"), 3: Note(text="a")}).digests(4).tolist()
    assert digests[0] == digests[3] != digests[1]
    assert digests[2] == 0
    assert 0 not in (digests[0], digests[1])


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"more":1}', b'{"text":5}', b"\xff", b"[" * 5_000])
def test_noise_is_no_note_and_names_its_transfer(raw: bytes) -> None:
    notes = Notes(np.array([4], dtype=np.uint32), np.array([len(raw)], dtype=np.uint32), raw)
    with pytest.raises(JournalError, match="the note of transfer 4"):
        notes.read()
