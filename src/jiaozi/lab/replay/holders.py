"""Holders at the end of a replay: what they have, and whether the law would let them out with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.lab.replay.facts import facts_of_row
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.summary import Trapped
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.totals import sums_by_group
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action, Book

SMALLEST_FEN = 1


def trapped(recorded: Recorded, book: Book, held: NDArray[np.void]) -> list[Trapped]:
    """Return holders alike, with coins, who may neither pay nor redeem the smallest amount at the end under *book*.

    What is asked is a question that such a holder once put, with his coin, zone, kind and tier, and one fen.
    """
    has = (held["flags"] & AccountFlag.INTERNAL == 0) & (held["balance"] > 0)
    rows = held[has]
    keys = rows["coin"].astype(np.int64) << 32 | rows["zone"].astype(np.int64) << 16
    keys |= rows["kind"].astype(np.int64) << 8 | rows["tier"]
    found, where = np.unique(keys, return_inverse=True)
    counts = np.bincount(where, minlength=len(found)).tolist()
    sums = sums_by_group(rows["balance"], where, len(found))
    words, end = book.vocabulary, Instant(recorded.head.last_instant)
    told = []
    for key, count, amount in zip(found.tolist(), counts, sums, strict=True):
        coin, zone, kind, tier = key >> 32, key >> 16 & 0xFFFF, key >> 8 & 0xFF, key & 0xFF
        may = {
            action: _may(recorded, book, action, (coin, zone, kind, tier), end)
            for action in (Action.PAY, Action.REDEEM)
        }
        if not any(may.values()):
            told.append(
                Trapped(
                    coin=recorded.head.coins[coin][0],
                    zone=words.place_names[zone],
                    kind=words.word("payer.kind", kind),
                    tier=words.word("payer.tier", tier) if tier else "",
                    holders=count,
                    amount=amount,
                    may_pay=may[Action.PAY],
                    may_redeem=may[Action.REDEEM],
                )
            )
    return sorted(told, key=lambda each: (-each.amount, each.coin, each.zone, each.kind, each.tier))


def _may(
    recorded: Recorded, book: Book, action: Action, who: tuple[int, int, int, int], end: Instant
) -> bool:
    """Return whether some holder of this sort may do it with one fen at *end*."""
    coin, zone, kind, tier = who
    words, whole = book.vocabulary, recorded.facts(book)
    for row in _asked(recorded, coin, action)[:ASKED]:
        known: dict[str, Any] = facts_of_row(book, whole[row])
        for name in known:
            if name.startswith("payment.amount"):
                known[name] = SMALLEST_FEN
        known |= {"payer.zone": words.place_names[zone], "payer.kind": words.word("payer.kind", kind)}
        known["payer.tier"] = words.word("payer.tier", tier) if tier else None
        known |= dict.fromkeys(("payer.paid_today", "payer.paid_this_month", "payer.paid_this_year"), 0)
        known |= {"payer.balance": SMALLEST_FEN, "payee.balance": 0}
        known |= {"issuer.coins_outstanding": SMALLEST_FEN, "issuer.reserve_value": SMALLEST_FEN}
        if "issuer.coins_frozen" in words.slots:
            known["issuer.coins_frozen"] = 0
        if decide(book, action, known, end).allowed:
            return True
    return False


def _asked(recorded: Recorded, coin: int, action: Action) -> list[int]:
    """Return kinds of questions that were put about *coin*: to the issuer to redeem, to another holder to pay.

    Where nobody ever redeemed, whom one pays stands in for the issuer: a law that looks at the payee of a
    redemption may then be told wrongly to forbid it.
    """
    facts = recorded.head.facts
    is_own = recorded.kinds[:, facts.index("coin")] == coin
    is_to_issuer = recorded.kinds[:, facts.index("payee.kind")] < 1
    is_from_holder = recorded.kinds[:, facts.index("payer.kind")] >= 1
    chosen = is_own & is_from_holder & (is_to_issuer == (action is Action.REDEEM))
    found: list[int] = np.flatnonzero(chosen).tolist()
    return found or np.flatnonzero(is_own & is_from_holder).tolist()


ASKED = 64
"""Questions of one sort of holder that are tried before the answer is no."""
