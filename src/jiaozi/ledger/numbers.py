"""Account numbers for people: ten digits and two check digits, in groups of four.

The check digits are ISO 7064 MOD 97-10, as in an IBAN: every single wrong digit
and every swap of two neighbours is noticed.
"""

from __future__ import annotations

import re

from jiaozi.errors import FactError


def account_text(account: int) -> str:
    """Return account 7 as `0000 0000 0776`."""
    digits = f"{account:010d}"
    whole = digits + f"{98 - int(digits + '00') % 97:02d}"
    return " ".join(whole[start : start + 4] for start in (0, 4, 8))


def account_from_text(text: str) -> int:
    """Return the account written as *text*, with or without check digits and blanks. Raises `FactError`."""
    digits = re.sub(r"\s|(?<=\d)-(?=\d)", "", text)
    if not re.fullmatch(r"[0-9]{1,12}", digits):
        raise FactError(f"{text!r} is no account number; write its twelve digits")
    if len(digits) <= 10:
        return int(digits)
    if len(digits) != 12 or int(digits) % 97 != 1:
        raise FactError(f"{text!r} has wrong check digits; compare it with the number you were given")
    return int(digits[:10])
