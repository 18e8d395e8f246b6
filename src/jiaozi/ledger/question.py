"""What the ledger would tell the law about a transfer, in words: for asking beforehand and explaining later.

The kernel fills the same facts as numbers (`judge._facts`); a test holds the two together.
"""

from __future__ import annotations

from jiaozi.clock import Instant
from jiaozi.errors import FactError
from jiaozi.ledger.posting.supplied import AMOUNT_CURRENCIES, C_ISSUING
from jiaozi.ledger.state import State
from jiaozi.rulebook.decide import Facts
from jiaozi.rulebook.model import Action


def question(
    state: State,
    *,
    debit: int,
    credit: int,
    amount_fen: int,
    action: Action,
    place: str,
    instant: Instant,
    travel_data: str = "",
) -> Facts:
    """Return the facts of a transfer as it would be asked at *instant*. Raises `FactError` for no such account."""
    for number in (debit, credit):
        if not 0 <= number < state.account_count:
            raise FactError(f"no account {number}; the ledger has {state.account_count}")
    words = state.words
    payer, payee = state.accounts[debit], state.accounts[credit]
    coin = state.coin_of(debit)
    assert coin is not None
    consents, cap = state.register.consent_of(coin, action, place, words, instant)
    reserve = None if coin.sheet is None else state.accounts[coin.sheet.reserve]
    return {
        "payment.amount": amount_fen,
        "payment.place": place,
        "payment.travel_data": travel_data or None,
        **{
            f"payment.amount_{currency.lower()}": amount_fen if coin.peg == currency else None
            for currency in AMOUNT_CURRENCIES
        },
        "payer.zone": words.place_names[payer["zone"]],
        "payer.kind": words.word("payer.kind", int(payer["kind"])),
        "payer.tier": words.word("payer.tier", int(payer["tier"])) or None,
        "payer.balance": int(payer["balance"]),
        **state.paid_by(debit, instant),
        "payee.zone": words.place_names[payee["zone"]],
        "payee.kind": words.word("payee.kind", int(payee["kind"])),
        "payee.tier": words.word("payee.tier", int(payee["tier"])) or None,
        "payee.balance": int(payee["balance"] + payee["pending_in"]),
        "coin.peg": coin.peg,
        "issuer.zone": state.register.issuer_zone(coin.issuer),
        "issuer.controller": state.register.controller_zone(coin.issuer),
        "issuer.licences": state.register.licences_of(coin.issuer, words, instant),
        "issuer.consents": consents,
        "issuer.supply_cap": cap,
        "issuer.coins_outstanding": state.coins_outstanding(coin) + int(state.coins[coin.number, C_ISSUING]),
        "issuer.coins_frozen": state.coins_frozen(coin),
        "issuer.reserve_value": None if reserve is None else -int(reserve["balance"] + reserve["pending_in"]),
    }
