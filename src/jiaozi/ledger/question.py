"""What the ledger would tell the law about a transfer, in words: for asking beforehand and explaining later.

The kernel fills the same facts as numbers (`kernel._facts`); a test holds the two together.
"""

from __future__ import annotations

from datetime import date

from jiaozi.clock import Instant, day_of
from jiaozi.errors import FactError
from jiaozi.ledger.state import EPOCH_DAY, State
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
    coin = next(coin for coin in state.register.coins.values() if coin.number == payer["coin"])
    consents, cap = state.register.consent_of(coin, action, place, words, instant)
    sums = state.accounts[int(payer["person"])]
    today = day_of(instant, words.places[words.place_names[sums["zone"]]].clock)
    last = int(sums["last_paid_day"])
    paid_today = int(sums["paid_today"]) if last == (today - EPOCH_DAY).days else 0
    paid_this_year = int(sums["paid_this_year"]) if last >= (date(today.year, 1, 1) - EPOCH_DAY).days else 0
    return {
        "payment.amount": amount_fen,
        "payment.place": place,
        "payment.travel_data": travel_data or None,
        "payment.amount_hkd": amount_fen if coin.peg == "HKD" else None,
        "payer.zone": words.place_names[payer["zone"]],
        "payer.kind": words.word("payer.kind", int(payer["kind"])),
        "payer.tier": words.word("payer.tier", int(payer["tier"])) or None,
        "payer.balance": int(payer["balance"]),
        "payer.paid_today": paid_today,
        "payer.paid_this_year": paid_this_year,
        "payee.zone": words.place_names[payee["zone"]],
        "payee.kind": words.word("payee.kind", int(payee["kind"])),
        "payee.tier": words.word("payee.tier", int(payee["tier"])) or None,
        "payee.balance": int(payee["balance"]),
        "coin.peg": coin.peg,
        "issuer.zone": state.register.issuer_zone(coin.issuer),
        "issuer.licences": state.register.licences_of(coin.issuer, words, instant),
        "issuer.consents": consents,
        "issuer.supply_cap": cap,
        "issuer.coins_outstanding": state.coins_outstanding(coin),
        "issuer.reserve_value": state.reserve_value(coin),
    }
