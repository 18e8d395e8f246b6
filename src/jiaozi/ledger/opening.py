"""What may be opened as an account: checked column by column before anything is written.

One row opens one account or many that are alike, so that a book for a nation is a frame of a few bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import inner
from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.records import OPENING, OWN_PERSON, AccountFlag
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.vocabulary import Vocabulary

MAX_OPENED = 1 << 22
"""Accounts of one frame: 256 MiB, which payments wait for, and no more whatever a frame says."""

HOLDER_FLAGS = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
"""What every holder's account carries: nobody holds less than nothing. It may be CLOSED besides."""

SHEET_FLAGS = HOLDER_FLAGS | AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS | AccountFlag.INTERNAL
"""What an account of the issuer's own sheet may carry besides CLOSED: assets and liabilities."""

# Arrays of records: numba reads a field as an attribute, which numpy's stubs do not know.
Accounts = Any
Openings = Any

Wrong = Mapping[str, tuple[NDArray[np.bool_], str]]


def check_openings(
    opened: NDArray[np.void], accounts: Accounts, count: int, pegs: Int64s, words: Vocabulary
) -> None:
    """Raise `FactError` when *opened*, (n,) OPENING, cannot be opened; name the first that cannot.

    *accounts* (≥ count,) ACCOUNT are those there are; *pegs* (coins,) the currency of each coin.
    """
    if accounts_in(opened) > MAX_OPENED:
        raise FactError(
            f"a frame opens at most {MAX_OPENED:,} accounts, this one {accounts_in(opened):,}; open them in parts"
        )
    kinds, tiers = (len(words.facts[fact].words) for fact in ("payer.kind", "payer.tier"))
    _refuse_first(
        opened,
        {
            "coin": (opened["coin"] >= len(pegs), "does not exist"),
            "zone": ((opened["zone"] < 1) | (opened["zone"] > len(words.places)), "does not exist"),
            "kind": ((opened["kind"] < 1) | (opened["kind"] > kinds), "does not exist"),
            "tier": (opened["tier"] > tiers, "does not exist"),
            "unused": (np.asarray(opened["unused"].any(axis=1)), "must be zero"),
            "count": (opened["count"] == 0, "opens none; write 1, or how many are alike"),
        },
    )
    flags = opened["flags"] & ~np.uint16(AccountFlag.CLOSED)
    is_holder = (flags & AccountFlag.INTERNAL) == 0
    unknown = (flags & ~np.uint16(SHEET_FLAGS)) != 0
    shares = opened["person"] != OWN_PERSON
    exists = opened["person"] < count
    first = np.where(shares & exists, opened["person"], 0)
    persons = accounts[first]
    is_first = (persons["person"] == first) & ((persons["flags"] & AccountFlag.INTERNAL) == 0)
    # Sums of a person are in one currency, or a cap in yuan would count Hong Kong dollars.
    same_peg = pegs[persons["coin"]] == pegs[opened["coin"]]
    _refuse_first(
        opened,
        {
            "flags": (
                unknown | (is_holder & (flags != HOLDER_FLAGS)),
                f"will not do: a holder has {int(HOLDER_FLAGS)}, and an order to freeze is a fact of its own",
            ),
            "person": (
                shares & ~(exists & is_holder & is_first & same_peg),
                "will not do; name the same holder's first account, in the same currency",
            ),
            "count": (
                shares & (opened["count"] != 1),
                "are alike and share a person; open a person's other accounts one by one",
            ),
        },
    )


def read_openings(payload: bytes | memoryview) -> NDArray[np.void]:
    """Return what a frame of openings holds, (n,) OPENING. Raises `JournalError`."""
    if len(payload) % OPENING.itemsize:
        raise JournalError("it ends inside an account")
    return np.frombuffer(payload, dtype=OPENING)


def accounts_in(opened: NDArray[np.void]) -> int:
    """Return how many accounts *opened*, (n,) OPENING, opens."""
    return int(opened["count"].sum(dtype=np.int64))


@inner
def write_accounts(opened: Openings, accounts: Accounts, first: int) -> None:
    """Write the accounts of *opened* from row *first* on, where *accounts* holds zeros."""
    at = np.int64(first)
    for row in range(len(opened)):
        for number in range(at, at + np.int64(opened[row].count)):
            accounts[number].coin = opened[row].coin
            accounts[number].flags = opened[row].flags
            accounts[number].code = opened[row].code
            accounts[number].zone = opened[row].zone
            accounts[number].kind = opened[row].kind
            accounts[number].tier = opened[row].tier
            accounts[number].person = number if opened[row].person == OWN_PERSON else opened[row].person
        at += np.int64(opened[row].count)


def _refuse_first(opened: NDArray[np.void], wrong: Wrong) -> None:
    for column, (bad, what) in wrong.items():
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise FactError(f"account {first} of {len(opened)}: {column} {opened[first][column]} {what}")
