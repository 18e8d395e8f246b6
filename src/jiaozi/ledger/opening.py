"""What may be opened as an account: checked column by column before anything is written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import FactError
from jiaozi.ledger.records import OWN_PERSON, AccountFlag, Accounts
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.vocabulary import Vocabulary

HOLDER_FLAGS = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
"""What every holder's account carries: nobody holds less than nothing. It may be CLOSED besides."""

SHEET_FLAGS = HOLDER_FLAGS | AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS | AccountFlag.INTERNAL
"""What an account of the issuer's own sheet may carry besides CLOSED: assets and liabilities."""

Wrong = Mapping[str, tuple[NDArray[np.bool_], str]]


def check_openings(
    opened: NDArray[np.void], accounts: Accounts, count: int, pegs: Int64s, words: Vocabulary
) -> None:
    """Raise `FactError` when *opened*, (n,) OPENING, cannot be opened; name the first that cannot.

    *accounts* (≥ count,) ACCOUNT are those there are; *pegs* (coins,) the currency of each coin.
    """
    kinds, tiers = (len(words.facts[fact].words) for fact in ("payer.kind", "payer.tier"))
    _refuse_first(
        opened,
        {
            "coin": (opened["coin"] >= len(pegs), "does not exist"),
            "zone": ((opened["zone"] < 1) | (opened["zone"] > len(words.places)), "does not exist"),
            "kind": ((opened["kind"] < 1) | (opened["kind"] > kinds), "does not exist"),
            "tier": (opened["tier"] > tiers, "does not exist"),
            "unused": (np.asarray(opened["unused"].any(axis=1)), "must be zero"),
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
        },
    )


def _refuse_first(opened: NDArray[np.void], wrong: Wrong) -> None:
    for column, (bad, what) in wrong.items():
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise FactError(f"account {first} of {len(opened)}: {column} {opened[first][column]} {what}")
