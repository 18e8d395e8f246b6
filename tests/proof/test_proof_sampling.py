"""The draw: sizes of samples, probabilities, and numbers that everybody draws alike."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import ProofError
from jiaozi.proof.auditing.sampling import chance, draw, percent_text, sample_size, share_of
from jiaozi.proof.checkpoint import checkpoint_hash
from tests.proof.sampled import NOTE, RANDOM


@pytest.mark.parametrize(
    ("share", "confidence", "size"),
    [("1", "99", 459), ("0.1", "99", 4_603), ("50", "75", 2), ("50", "75.000001", 3), ("100", "99", 1),
     ("10", "0.000001", 1), ("10", "10", 1), ("0.001", "99", 460_515)],
)  # fmt: skip
def test_the_size_of_a_sample(share: str, confidence: str, size: int) -> None:
    assert sample_size(share_of(share, "share"), share_of(confidence, "confidence")) == size


@settings(deadline=None, max_examples=60)
@given(share=st.integers(1, 999), confidence=st.integers(1, 9_999))
def test_a_sample_is_as_small_as_it_can_be(share: int, confidence: int) -> None:
    f, c = Fraction(share, 1_000), Fraction(confidence, 10_000)
    t = sample_size(f, c)
    assert (1 - f) ** t <= 1 - c
    assert t == 1 or (1 - f) ** (t - 1) > 1 - c


@pytest.mark.parametrize("wrong", [("0", "99"), ("1", "100"), ("0.0009", "99")])
def test_a_sample_that_nobody_can_draw_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(ProofError, match="percent"):
        sample_size(share_of(wrong[0], "share"), share_of(wrong[1], "confidence"))


@pytest.mark.parametrize("text", ["", "-1", "1e2", "101", "0.1234567", "NaN", "1/3", " 1", "１", "100.5"])
def test_a_percentage_is_digits(text: str) -> None:
    with pytest.raises(ProofError, match="no percentage"):
        share_of(text, "--share")


def test_a_percentage_is_written_as_it_is_read() -> None:
    for text in ("1", "0.1", "99", "99.9", "0.001", "100", "33.333333", "10", "20"):
        assert percent_text(share_of(text, "share")) == text


@settings(deadline=None)
@given(buckets=st.integers(1, 200), share=st.integers(1, 100), drawn=st.integers(0, 200))
def test_the_chance_is_that_of_drawing_without_repetition(buckets: int, share: int, drawn: int) -> None:
    drawn = min(drawn, buckets)
    lying = -(-buckets * share // 100)
    exact = 1 - Fraction(comb(buckets - lying, drawn), comb(buckets, drawn))
    said = Fraction(chance(buckets, Fraction(share, 100), drawn))
    assert said <= exact < said + Fraction(1, 10**6)
    assert exact >= 1 - (1 - Fraction(share, 100)) ** drawn


def test_the_chance_for_a_whole_country() -> None:
    assert chance(341_797, Fraction(1, 100), 459) >= Decimal("0.99")
    assert chance(341_797, Fraction(1, 1_000), 4_603) >= Decimal("0.99")
    assert chance(341_797, Fraction(1, 100), 341_797) == 1
    assert chance(341_797, Fraction(1, 100), 300_000) == Decimal("0.999999")
    assert chance(0, Fraction(1, 100), 0) == 0


def test_the_draw_is_the_one_of_the_format_page() -> None:
    head = b"JZA1" + checkpoint_hash(NOTE) + sha256(RANDOM.encode()).digest()
    numbers = [int.from_bytes(sha256(head + i.to_bytes(8, "big")).digest(), "big") % 4 for i in range(100)]
    for t in (1, 2, 3):
        first = list(dict.fromkeys(numbers))[:t]
        assert draw(NOTE, RANDOM, t) == (*sorted(first), 4)
    assert draw(NOTE, RANDOM, 4) == draw(NOTE, RANDOM, 4_603) == (0, 1, 2, 3, 4)


def test_another_random_value_and_another_checkpoint_draw_others() -> None:
    drawn = {draw(NOTE, f"round {i}", 2) for i in range(40)}
    assert len(drawn) == 6
    other = NOTE.replace("epoch 7", "epoch 8")
    assert any(draw(NOTE, f"round {i}", 2) != draw(other, f"round {i}", 2) for i in range(20))


def test_a_checkpoint_with_more_wholesale_buckets_than_anybody_opens_is_refused_in_words() -> None:
    def stated(accounts: int, wholesale: int, depth: int) -> str:
        text = NOTE.partition("\n\n")[0] + "\n"
        for name, value in (("accounts", accounts), ("wholesale", f"{wholesale} 10"), ("depth", depth)):
            text = re.sub(f"(?m)^{name} .*$", f"{name} {value}", text)
        return text

    with pytest.raises(ProofError, match="states 244,140,625 wholesale buckets, which would all be opened"):
        draw(stated(4 * 10**12, 10**12, 16), RANDOM, 459)
    with pytest.raises(ProofError, match="states 1,000,001 wholesale"):
        draw(stated(4 * 10**12, 4_096 * 10**6 + 1, 15), RANDOM, 459)
    assert len(draw(stated(4 * 10**12, 4_096 * 10**6, 15), RANDOM, 459)) == 1_000_459


def test_signatures_that_come_later_change_nothing() -> None:
    assert draw(NOTE, RANDOM, 2) == draw(NOTE.partition("\n\n")[0] + "\n", RANDOM, 2)


@pytest.mark.parametrize("wrong", ["", " a", "a ", "a\n", "a\tb", "a\u200bb", "x" * 1_001])
def test_a_random_value_that_two_people_would_write_differently_is_refused(wrong: str) -> None:
    with pytest.raises(ProofError, match="random value"):
        draw(NOTE, wrong, 1)


def test_a_draw_of_nothing_and_from_no_checkpoint_is_refused() -> None:
    with pytest.raises(ProofError, match="no sample"):
        draw(NOTE, RANDOM, 0)
    with pytest.raises(ProofError, match="checkpoint"):
        draw("not a note", RANDOM, 1)
