"""Checkpoints: one text for one statement, and signatures that fit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof.checkpoint import EVERYBODYS, Checkpoint, checkpoint_hash, parse, sign, verify_signatures
from tests.proof.proof_vectors import CHECKPOINT, ISSUER, KEYS, NOTE, SUPERVISOR, signer_of

HASHES = st.binary(min_size=32, max_size=32)
AMOUNTS = st.integers(0, 2**63 - 1).map(Fen)
CHECKPOINTS = st.builds(
    Checkpoint,
    origin=st.from_regex(r"[!-*,-~]{1,200}", fullmatch=True),
    epoch=st.integers(0, 2**32 - 1),
    instant=st.datetimes(
        timezones=st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ),
    coin=st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    unit=st.sampled_from(["CNY", "HKD", "USD"]),
    law_digest=HASHES,
    law_is_draft=st.booleans(),
    journal_sequence=AMOUNTS,
    journal_hash=HASHES,
    accounts=st.integers(0, 4_096),
    wholesale=st.just(0),
    share_percent=st.integers(1, 100),
    total_fen=AMOUNTS,
    reserve_fen=AMOUNTS,
    reserve_source=st.from_regex(r"[a-z中国][ a-z中国]{0,90}[a-z中国]", fullmatch=True),
    depth=st.just(0),
    root=HASHES,
    previous=st.none() | HASHES,
)


def test_the_text_is_sixteen_lines_that_anyone_can_read() -> None:
    text = replace(CHECKPOINT, root=bytes(32)).text()
    assert text.split("\n") == [
        "issuer.example/eyuan",
        "epoch 7",
        "instant 2027-02-01T20:00:00+08:00",
        "coin eyuan CNY",
        f"law {sha256(b'a law').hexdigest()} in force",
        f"journal 123456 {sha256(b'a journal').hexdigest()}",
        "accounts 20000",
        "wholesale 0 10",
        "total 9998780576",
        "reserve 10098768381",
        "reserve_source statement of the custodian bank 2027-02-01",
        "bucket_size 4096",
        "bucket_kind hash",
        "depth 2",
        f"root {'0' * 64}",
        f"previous {sha256(b'the checkpoint before').hexdigest()}",
        "",
    ]


@settings(deadline=None)
@given(checkpoint=CHECKPOINTS)
def test_every_checkpoint_reads_back_as_itself(checkpoint: Checkpoint) -> None:
    assert parse(checkpoint.text()) == checkpoint


@settings(deadline=None)
@given(data=st.data())
def test_an_altered_character_is_another_checkpoint_or_none(data: st.DataObject) -> None:
    text = CHECKPOINT.text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != text[place]))
    altered = text[:place] + other + text[place + 1 :]
    try:
        found = parse(altered)
    except ProofError:
        return
    assert found != CHECKPOINT or found.instant.utcoffset() != CHECKPOINT.instant.utcoffset()
    assert checkpoint_hash(altered) != checkpoint_hash(text)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reserve_source": "bank\ntotal 1"}, "line 12 starts with 'total' where bucket_size belongs"),
        ({"reserve_source": " bank"}, "line 11, reserve_source, is not written"),
        ({"reserve_source": ""}, "line 11, reserve_source, is not written"),
        ({"reserve_source": "bank \U0001f600"}, r"line 11, reserve_source, has '\\U0001f600', which older"),
        ({"reserve_source": "банк"}, "line 11, reserve_source, has '.u0431', which older programs may not"),
        ({"origin": "the issuer"}, "origin, is not written"),
        ({"coin": "e yuan"}, "line 4, coin, is not written"),
        ({"unit": "cny"}, "line 4, coin, is not written"),
        ({"total_fen": -1}, "line 9, total, is not a string of digits"),
        ({"total_fen": 2**63}, "line 9, total, is not a string of digits"),
        ({"epoch": 2**32}, "line 2, epoch, is 2"),
        ({"depth": 1}, "line 14, depth, is not 2"),
        ({"root": bytes(31)}, "line 15, root, is not a string of 64"),
        ({"instant": datetime(2027, 2, 1)}, "line 3, instant, is not written"),
    ],
)
def test_a_value_that_nobody_could_read_back_is_not_written(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ProofError, match=sentence):
        replace(CHECKPOINT, **change).text()  # type: ignore[arg-type]


@pytest.mark.parametrize("day", ["2027-02-30", "2027-02-29", "1900-02-29", "0000-01-01"])
def test_a_day_that_does_not_exist_is_refused(day: str) -> None:
    with pytest.raises(ProofError, match="line 3, instant, is a day that does not exist"):
        parse(CHECKPOINT.text().replace("2027-02-01", day))


def test_a_source_is_written_with_characters_that_every_program_knows() -> None:
    source = "中国银行托管账户对账单（第 1 号）、“Ðøč” – …。"
    assert f"reserve_source {source}\n" in replace(CHECKPOINT, reserve_source=source).text()
    letters = [chr(code) for code in range(2**16) if re.match(f"[{EVERYBODYS}]", chr(code))]
    assert len(letters) > 20_000
    # Nothing older than Unicode 3.2 is at hand; what it shows was there in 3.0 for these blocks.
    assert not [one for one in letters if one != " " and unicodedata.ucd_3_2_0.category(one)[0] in "CZ"]
    assert not [one for one in letters if not one.isprintable()]


def test_utc_has_the_offset_of_zero_hours_and_not_z() -> None:
    text = replace(CHECKPOINT, instant=datetime(2027, 2, 1, 12, tzinfo=UTC)).text()
    assert "instant 2027-02-01T12:00:00+00:00\n" in text
    with pytest.raises(ProofError, match="line 3, instant"):
        parse(text.replace("+00:00", "Z"))


def test_signatures_do_not_change_the_hash_that_the_next_checkpoint_names() -> None:
    text = CHECKPOINT.text()
    assert checkpoint_hash(text) == checkpoint_hash(NOTE) == sha256(text.encode()).digest()


def test_signing_again_gives_the_same_bytes_and_a_second_time_is_refused() -> None:
    once = sign(CHECKPOINT.text(), ISSUER.name, ISSUER.private_key)
    assert once == sign(CHECKPOINT.text(), ISSUER.name, ISSUER.private_key)
    with pytest.raises(ProofError, match="has signed this checkpoint already"):
        sign(once, ISSUER.name, ISSUER.private_key)


def test_something_that_is_no_checkpoint_is_not_signed() -> None:
    with pytest.raises(ProofError, match="line 2 starts with '' where epoch belongs"):
        sign("pay-the-bearer\n", ISSUER.name, ISSUER.private_key)


def test_every_key_asked_for_must_have_signed_and_others_are_passed_over() -> None:
    assert verify_signatures(NOTE, KEYS) == (ISSUER.name, SUPERVISOR.name)
    assert verify_signatures(NOTE, KEYS[1:]) == (SUPERVISOR.name,)
    with pytest.raises(ProofError, match=r"auditor\.example has not signed"):
        verify_signatures(NOTE, [*KEYS, signer_of("auditor.example").verifier_key])


def test_a_signature_does_not_fit_a_text_with_one_fen_more() -> None:
    more = NOTE.replace(f"total {CHECKPOINT.total_fen}", f"total {CHECKPOINT.total_fen + 1}")
    with pytest.raises(ProofError, match=f"the signature of {ISSUER.name} does not fit"):
        verify_signatures(more, KEYS)
