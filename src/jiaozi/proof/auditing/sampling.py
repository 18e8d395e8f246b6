"""The draw: which buckets an auditor opens, so that the issuer could not know beforehand.

A random value that is public, and later than the checkpoint, decides: the numbers
of a lottery draw, a round of a public beacon. Who writes the checkpoint does not
know it yet; who audits cannot choose it; and everybody can draw again.

To hide a share f of what it owes, an issuer has to lie in about a share f of the
ordinary buckets, because they have about the same number of accounts and nobody in
them stands out. Wholesale buckets are opened always. So t buckets catch it with a
probability of at least 1 - (1 - f)^t.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction
from hashlib import sha256

from jiaozi.errors import ProofError
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.checkpoint import checkpoint_hash
from jiaozi.proof.silent import places_of
from jiaozi.proof.verify_jiaozi import StepError

_PERCENT = re.compile(r"(?:100|[0-9]{1,2})(?:\.[0-9]{1,6})?")
_DIGITS = Context(prec=60)
_CLOSE = Decimal(10) ** -40
MOST_WHOLESALE_BUCKETS = 1_000_000
"""Wholesale buckets that an audit opens at most: three times as many as a whole country has buckets of any kind."""

SMALLEST_SHARE = Fraction(1, 100_000)
"""A thousandth of a percent: for less than that, recompute the whole tree."""


def share_of(text: str, name: str) -> Fraction:
    """Return the share written as percent in *text*, such as `0.1`. Raises `ProofError` about *name*."""
    share = Fraction(text) / 100 if _PERCENT.fullmatch(text) else Fraction(2)
    if not 0 < share <= 1:
        raise ProofError(f"{name} {text[:40]!a} is no percentage; write digits, such as 99 or 0.1")
    return share


def percent_text(share: Fraction) -> str:
    """Return *share* as `share_of` reads it."""
    percent = _DIGITS.divide(Decimal(share.numerator * 100), Decimal(share.denominator))
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def sample_size(share: Fraction, confidence: Fraction) -> int:
    """Return the smallest t with 1 - (1 - share)^t >= confidence: 459 for 1 % at 99 %, 4,603 for 0.1 %.

    Both are shares of one, exact. Raises `ProofError` for a share below a
    thousandth of a percent and for a confidence that no sample gives.
    """
    if not (SMALLEST_SHARE <= share <= 1 and 0 < confidence < 1):
        raise ProofError(
            "a sample needs a share from 0.001 to 100 percent and a confidence below 100 percent"
        )
    if share == 1:
        return 1
    remains, allowed = 1 - share, 1 - confidence
    logs = [_DIGITS.ln(_decimal(part)) for part in (allowed, remains)]
    estimate = int(_DIGITS.divide(*logs))
    # A logarithm is not exact; the power decides which of the neighbours it is.
    first = max(1, estimate - 1)
    return next(t for t in range(first, first + 4) if _is_at_most(remains, t, allowed))


def _decimal(part: Fraction) -> Decimal:
    return _DIGITS.divide(Decimal(part.numerator), Decimal(part.denominator))


def _is_at_most(base: Fraction, power: int, bound: Fraction) -> bool:
    """Return whether base^power <= bound, in whole numbers where sixty digits cannot tell."""
    raised, limit = _DIGITS.power(_decimal(base), power), _decimal(bound)
    if abs(raised - limit) > limit * _CLOSE:
        return raised < limit
    return base**power <= bound


def chance(buckets: int, share: Fraction, drawn: int) -> Decimal:
    """Return the probability that a lie in *share* of the ordinary *buckets* is among those *drawn*.

    It is that of a draw without repetition, which is a little better than 1 - (1 - share)^drawn, and
    is rounded down to six places.
    """
    lying = -(-buckets * share.numerator // share.denominator)
    if buckets == 0 or drawn == 0:
        return Decimal("0.000000")
    if drawn > buckets - lying:
        return Decimal("1.000000")
    missed = Decimal(1)
    for i in range(drawn):
        missed = _DIGITS.multiply(missed, _DIGITS.divide(Decimal(buckets - lying - i), buckets - i))
        if missed < _CLOSE:
            break
    return _DIGITS.subtract(1, missed).quantize(Decimal("0.000001"), rounding=ROUND_DOWN)


def draw(note: str, public_random: str, t: int) -> tuple[int, ...]:
    """Return the numbers of the buckets to open, in their order: *t* ordinary ones and all wholesale ones.

    The i-th number, counting from 0, is H("JZA1" | hash of the checkpoint 32 |
    H(public_random as UTF-8) 32 | i 8), taken modulo the number B of ordinary buckets;
    numbers at or above the largest multiple of B are passed over, so that no bucket
    is more likely than another, and so are buckets drawn before. With *t* of B or more
    all are opened. Raises `ProofError` if *note* is no checkpoint or states more wholesale
    buckets than anybody opens, if *t* is below 1, and for a random value that is empty,
    has blanks at an end or characters that cannot be shown.
    """
    check_random(public_random)
    if t < 1:
        raise ProofError(f"{t} buckets are no sample; draw one or more")
    head = b"JZA1" + checkpoint_hash(note) + sha256(public_random.encode()).digest()
    try:
        places = places_of(verify_jiaozi.read_note(note)[1])
    except StepError as step:
        raise ProofError(step.args[0]) from None
    ordinary = places.ordinary_buckets
    if places.wholesale_buckets > MOST_WHOLESALE_BUCKETS:
        raise ProofError(
            f"the checkpoint states {places.wholesale_buckets:,} wholesale buckets, which would all be opened; "
            f"a sample has at most {MOST_WHOLESALE_BUCKETS:,}, so recompute the whole tree"
        )
    wholesale = range(ordinary, places.buckets)
    if t >= ordinary:
        return (*range(ordinary), *wholesale)
    limit = 2**256 - 2**256 % ordinary
    drawn: set[int] = set()
    i = 0
    while len(drawn) < t:
        number = int.from_bytes(sha256(head + i.to_bytes(8, "big")).digest(), "big")
        i += 1
        if number < limit:
            drawn.add(number % ordinary)
    return (*sorted(drawn), *wholesale)


def check_random(public_random: str) -> None:
    """Raise `ProofError` unless everybody can write the random value alike."""
    is_right = 0 < len(public_random) <= 1_000 and public_random.isprintable()
    if not is_right or public_random != public_random.strip():
        raise ProofError(
            "the random value is one line of 1 to 1,000 characters that can be shown, without blanks at its ends"
        )
