"""What the ledger knows of a transfer, as the law names it, and the columns of its table of coins."""

from __future__ import annotations

# Columns of the table of coins: one row of int64 a coin.
(
    C_ISSUED,
    C_REDEEMED,
    C_ISSUING,  # reserved by pending issues
    C_RESERVE_ACCOUNT,  # -1 while none is named
    C_PEG,
    C_ISSUER_ZONE,
    C_ISSUER_CONTROLLER,
    C_LICENCES,  # places as bits
    C_AMOUNT_FACT,  # position of the coin's currency in AMOUNT_CURRENCIES, or -1
    C_FROZEN,  # what holders have and may not pay, by order; it follows from accounts and orders
    COIN_WIDTH,
) = range(11)

COIN_KEPT = C_FROZEN
"""The columns before this one are kept in snapshots and enter the digest of a state."""

AMOUNT_CURRENCIES = ("HKD", "USD", "EUR", "SGD")
"""Currencies in which some law asks an amount. The ledger knows it of a coin of that currency only."""

# Facts that the ledger supplies: position in the table of slots.
(
    K_AMOUNT,
    K_PLACE,
    K_TRAVEL_DATA,
    K_AMOUNT_IN,  # in HKD; the other AMOUNT_CURRENCIES follow
    _K_AMOUNT_USD,
    _K_AMOUNT_EUR,
    _K_AMOUNT_SGD,
    K_PAYER_ZONE,
    K_PAYER_KIND,
    K_PAYER_TIER,
    K_PAYER_BALANCE,
    K_PAID_TODAY,
    K_PAID_THIS_MONTH,
    K_PAID_THIS_YEAR,
    K_PAYMENTS_TODAY,
    K_PAYMENTS_THIS_MONTH,
    K_PAYMENTS_THIS_YEAR,
    K_PAYEE_ZONE,
    K_PAYEE_KIND,
    K_PAYEE_TIER,
    K_PAYEE_BALANCE,
    K_PEG,
    K_ISSUER_ZONE,
    K_ISSUER_CONTROLLER,
    K_LICENCES,
    K_CONSENTS,
    K_SUPPLY_CAP,
    K_COINS,
    K_FROZEN,
    K_RESERVE,
    KNOWN_FACTS,
) = range(31)

FACTS_SUPPLIED = (
    "payment.amount",
    "payment.place",
    "payment.travel_data",
    "payment.amount_hkd",
    "payment.amount_usd",
    "payment.amount_eur",
    "payment.amount_sgd",
    "payer.zone",
    "payer.kind",
    "payer.tier",
    "payer.balance",
    "payer.paid_today",
    "payer.paid_this_month",
    "payer.paid_this_year",
    "payer.payments_today",
    "payer.payments_this_month",
    "payer.payments_this_year",
    "payee.zone",
    "payee.kind",
    "payee.tier",
    "payee.balance",
    "coin.peg",
    "issuer.zone",
    "issuer.controller",
    "issuer.licences",
    "issuer.consents",
    "issuer.supply_cap",
    "issuer.coins_outstanding",
    "issuer.coins_frozen",
    "issuer.reserve_value",
)
"""In the order of the K_ numbers. What pending transfers hold is counted: see `judge._facts`."""

assert len(FACTS_SUPPLIED) == KNOWN_FACTS
