"""Money: whole minor units, bounded on entry, never a float.

An amount of yuan is a whole number of fen, an amount of Hong Kong dollars a
whole number of cents; the code calls both *fen*. `MAX_FEN` is the largest
amount there is. It is small enough that sixteen of them still fit a signed
64-bit number, so no sum inside the law or the ledger can wrap, and large
enough (a quadrillion yuan) for any country.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import NewType

from jiaozi.errors import AmountError

Fen = NewType("Fen", int)
"""A whole number of minor units (fen, cents). May be negative where a difference is meant."""

MAX_FEN = Fen(10**17)
"""The largest amount that may enter: 10^15 yuan, one quadrillion."""

_DECIMALS = 2
_EXACT = Context(prec=10_000)
_WRITTEN = re.compile(r"(?:[0-9]{1,20}|[0-9]{1,3}(?:,[0-9]{3}){1,6})(?:\.[0-9]{1,20})?")

FEN_PER_UNIT = 10**_DECIMALS
"""Minor units in one yuan, one Hong Kong dollar, one US dollar."""

CURRENCIES = ("CNY", "HKD", "USD", "EUR", "SGD", "AED", "TWD", "THB", "JPY", "KRW")
"""Currencies a coin may be pegged to, all counted in hundredths (also yen and won, which ISO 4217 writes whole)."""


def fen_from_text(text: str | int | Decimal) -> Fen:
    """Return the exact amount written in *text* as yuan: `"1,234.50"`, `1234`, `Decimal("0.01")`.

    Raises `AmountError` when it is no plain decimal number, has more than two
    decimals that matter, is negative, or is larger than `MAX_FEN`.
    """
    if isinstance(text, str) and not _WRITTEN.fullmatch(text):
        raise AmountError(f"{text[:40]!r} is not an amount; write digits and at most two decimals")
    units = Decimal(text.replace(",", "")) if isinstance(text, str) else Decimal(text)
    if not units.is_finite():
        raise AmountError(f"{text} is not an amount; write digits and at most two decimals")
    if units < 0:
        raise AmountError(f"{text} is negative; an amount is zero or more")
    if units > MAX_FEN // FEN_PER_UNIT:
        raise AmountError(f"more than the largest amount, {format_fen(MAX_FEN)}")
    # Scaling moves the point and rounds nothing, however many decimals there are.
    whole, rest = divmod(units.scaleb(_DECIMALS, _EXACT), 1)
    if rest:
        raise AmountError(f"{text} has a part smaller than one fen; amounts have at most two decimals")
    return Fen(int(whole))


def format_fen(fen: int, currency: str = "") -> str:
    """Return *fen* for people: `format_fen(123450, "CNY")` is `"1,234.50 CNY"`."""
    sign = "-" if fen < 0 else ""
    units, cents = divmod(abs(fen), FEN_PER_UNIT)
    return f"{sign}{units:,}.{cents:02d}{' ' + currency if currency else ''}"


def decimal_text(fen: int) -> str:
    """Return *fen* as machines write it in XML and JSON: `"1234.50"`, no grouping."""
    return format_fen(fen).replace(",", "")
