"""The issuer's own accounts in the ledger, and the legs that move them.

             assets                      |  liabilities
reserve      bank money held             |  coins         all holders' balances
                                         |  client money  received, coins not issued yet
                                         |  unmatched     received, belongs to no order
                                         |  redemptions   coins burned, payout not booked yet

money in     reserve      →  client money  (or unmatched)
issue        client money →  holder
redeem       holder       →  redemptions
money out    redemptions  →  reserve
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jiaozi.ledger.facts import SheetNamed
from jiaozi.ledger.ids import derived_id
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import AccountFlag, TransferFlag, Transfers, openings, transfers


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer to be booked. The names give it its id, for ever the same."""

    names: tuple[str, ...]
    debit: int
    credit: int
    amount_fen: int
    action: int


def open_sheet(ledger: Ledger, coin_id: str, zone: str) -> SheetNamed:
    """Open the four internal accounts of *coin_id* and name them. Raises `FactError`."""
    words, coin = ledger.state.words, ledger.state.register.coin(coin_id)
    opened = openings(4)
    opened["coin"] = coin.number
    opened["zone"] = words.place_codes[zone]
    opened["kind"] = words.code("payer.kind", "issuer")
    opened["flags"] = AccountFlag.INTERNAL | AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
    # Money may leave without an order it belongs to (a fee), so this account may stand on either side.
    opened["flags"][2] = AccountFlag.INTERNAL
    opened["flags"][0] = AccountFlag.INTERNAL | AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS
    first = ledger.open_accounts(opened)
    sheet = SheetNamed(coin_id, first, first + 1, first + 2, first + 3)
    ledger.record(sheet)
    return sheet


def chain(legs: Sequence[Leg], place_code: int) -> Transfers:
    """Return *legs* as linked transfers: all are booked or none."""
    batch = transfers(len(legs))
    for row, leg in zip(batch, legs, strict=True):
        row["id_lo"], row["id_hi"] = derived_id(*leg.names)
        row["debit"], row["credit"] = leg.debit, leg.credit
        row["amount"], row["action"], row["place"] = leg.amount_fen, leg.action, place_code
    batch["flags"][:-1] = TransferFlag.LINKED
    return batch
