"""A name for an entry that stays the same however often a bank sends it.

The same payment comes in a camt.054 within the minute, in a camt.052 at noon and in
a camt.053 at night; a file is sent twice, a process dies half way. Money may be
taken in once. So an entry gets a key, and whoever books it remembers the key.

With a bank reference the key is made of the account, the reference, the direction
and the amount. Amount and direction are in it because some banks give a payment and
its fee one reference. Without a reference the key is made of the content: dates,
ids, parties, remittance.

What is alike within one statement is counted: the second of two equal entries has
another key than the first. The status is left out, so that a pending entry and its
booking have one key; only act on booked entries.

A key is a digest. It holds no name and no account number that could be read.

Two limits, on the side of taking in too little. Two payments equal to the last
letter, without bank references, in two different statements have one key; the
second is not taken in and shows as a difference to the closing balance. And a
camt.053 that tells more or less of a payment than the camt.054 before it, again
without a bank reference, makes two keys; the order's own reference then stops it.
"""

from __future__ import annotations

import hashlib
from collections import Counter

from jiaozi.bank.message import Entry

_NO_REFERENCES = frozenset({"NONREF", "NOTPROVIDED", "NOT PROVIDED", "NONE", "N/A", "0", "-"})
"""What banks write in the place of a reference they do not have."""


class Keys:
    """Gives the entries of one statement their keys, in their order.

    Its memory grows by some hundred bytes an entry, the only thing that does.
    """

    def __init__(self, account: str) -> None:
        self._account = account
        self._seen: Counter[bytes] = Counter()

    def key_of(self, entry: Entry) -> str:
        """Return the key of *entry*, 64 hexadecimal digits."""
        reference = bank_reference(entry)
        if reference:
            base = _digest("reference", reference, *self._money(entry))
        else:
            base = _digest("content", *self._money(entry), *_content(entry))
        self._seen[base] += 1
        return _digest(base.hex(), str(self._seen[base])).hex()

    def _money(self, entry: Entry) -> tuple[str, ...]:
        # 5 and 5.00 are the same amount; two files may write it differently.
        amount = f"{entry.amount.normalize():f}"
        direction = ("C" if entry.is_credit else "D") + ("R" if entry.is_reversal else "")
        return self._account, direction, entry.currency, amount


def bank_reference(entry: Entry) -> str:
    """Return the bank's reference of *entry*, or that of its only payment, or `""`."""
    reference = entry.servicer_reference
    if _is_missing(reference) and len(entry.details) == 1:
        reference = entry.details[0].servicer_reference
    return "" if _is_missing(reference) else reference


def _is_missing(reference: str) -> bool:
    return not reference or reference.upper() in _NO_REFERENCES


def _content(entry: Entry) -> list[str]:
    parts = [str(entry.booking_day), str(entry.value_day)]
    for detail in entry.details:
        amount = "" if detail.amount is None else f"{detail.amount.normalize():f}"
        parts += ("detail", amount, detail.currency, detail.end_to_end_id, detail.transaction_id, detail.uetr)
        parts += (detail.debtor_name, detail.debtor_account, detail.creditor_name, detail.creditor_account)
        parts += ("remittance", *detail.remittance, "references", *detail.creditor_references)
    return parts


def _digest(*parts: str) -> bytes:
    # Each part goes in with its length, so that "a" + "bc" is not "ab" + "c".
    sha256 = hashlib.sha256(b"jiaozi entry 1")
    for part in parts:
        encoded = part.encode()
        sha256.update(len(encoded).to_bytes(8, "big") + encoded)
    return sha256.digest()
