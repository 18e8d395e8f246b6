"""Every number that the year is made of.

`docs/reference/population.md` says of each where it comes from, or that it is our assumption;
a test asks that every name of this file is on that page.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Flow(IntEnum):
    """What a payment is for. A store keeps it as the `purpose` of the transfer."""

    SHOPPING = 1
    PEER = 2
    SUPPLIES = 3
    WAGES = 4
    RENT = 5
    TOP_UP = 6
    REDEMPTION = 7


# Who there is. Shares of tiers, firms and visitors are those of `day`.

YEARLY_GROWTH: Final = 0.21
"""By how much the number of accounts grows in a year."""

COIN_SHARES: Final = (0.7, 0.3)
"""How the holders divide among the coins of the two issuers."""

ACTIVITY_SIGMA: Final = 0.9
"""Spread (sigma of a lognormal) of how often holders pay."""

ACTIVITY_BY_TIER: Final = (1.3, 1.2, 1.0, 0.6)
FIRM_ACTIVITY, VISITOR_ACTIVITY = 0.25, 0.3
"""How often holders of tiers 1 to 4, firms and visitors pay in shops and each other, against the average."""

AMOUNT_BY_TIER: Final = (1.6, 1.25, 0.85, 0.4)
AMOUNT_SIGMA: Final = 0.35
"""How large the payments of each tier are against the average, and the spread among its holders."""

LOADS_FEN, LOAD_SIGMA = (8_000_00, 9_000_00, 6_000_00, 2_500_00), 0.5
"""What a wallet of tiers 1 to 4 is usually filled to, on average, and the spread."""

FIRM_PARETO, FIRM_SIZE_MAX = 1.1, 1_000.0
"""Exponent of the sizes of firms, and the largest against the smallest."""

PERSON_PARETO, PERSON_POPULARITY = 2.2, 0.025
"""Exponent of how often people sell something, and how often against the smallest firm."""

EMPLOYEES_EXPONENT: Final = 0.85
"""A firm of twice the size has 2 to this power as many people on its payroll."""

FIRM_CAPITAL_FEN: Final = 12_000_00
"""What the smallest firm keeps in its account; larger ones keep more in proportion."""

# Who lives in another zone of the same place.

CROSS_SHARE: Final = 0.1
"""So many payments go to anybody in any zone, wherever the payer lives; the others stay in his own."""

ELSEWHERE_STOCK_LOADS: Final = 4.0
"""Distributors for a zone where nobody may be paid keep so many usual loads for each account there."""

# How many payments of which kind.

SHARES: Final = {
    Flow.SHOPPING: 0.73,
    Flow.PEER: 0.19,
    Flow.SUPPLIES: 0.035,
    Flow.WAGES: 0.010,
    Flow.RENT: 0.006,
}
"""Shares of all payments; the rest are wallets filled and money that goes back to the bank."""

SALARIED_MOST, RENTING_MOST = 0.6, 0.35
"""At most so many of the residents are paid, or pay their rent, in coins."""

HABIT_SHARE, HABITS = 0.55, 6
"""How many payments in shops go to one of the few shops that somebody always goes to, and how many those are."""

FRIENDS: Final = 12
"""How many people somebody sends money to; the first ones more often."""

# How large.

SHOPPING_MEDIAN_FEN, SHOPPING_SIGMA = 50_00, 1.2
TAIL_SHARE, TAIL_PARETO, TAIL_MOST_FEN = 0.02, 1.8, 200_000_00
"""The largest two in a hundred payments in shops have a Pareto tail that ends at the third number."""

LARGE_SHARE, LARGE_MEDIAN_FEN, LARGE_SIGMA = 0.015, 3_600_00, 0.6
"""Large purchases, of the same size whoever tries: a telephone, a fridge. Lower tiers are refused most of them."""

PEER_MEDIAN_FEN, PEER_SIGMA = 215_00, 1.35
SUPPLIES_MEDIAN_FEN, SUPPLIES_SIGMA = 1_800_00, 1.2
WAGE_MEDIAN_FEN, WAGE_SIGMA = 7_400_00, 0.5
RENT_MEDIAN_FEN, RENT_SIGMA = 3_000_00, 0.45

WHOLE_YUAN_SHARE, TENTH_SHARE = 0.45, 0.4
"""Prices in shops that are whole yuan, and that end in ten fen."""

PEER_WHOLE_SHARE, PEER_ROUND_SHARE = 0.9, 0.45
"""Of what people send each other: whole yuan, and of those whole tens, fifties or hundreds."""

RED_ENVELOPE_SHARE: Final = 0.6
RED_ENVELOPES_FEN: Final = (
    1_88,
    6_66,
    8_88,
    18_88,
    66_00,
    88_00,
    100_00,
    166_00,
    188_00,
    200_00,
    520_00,
    666_00,
)
"""On the eve of the Spring Festival and the two days after it."""

# When.

SHOPPING_HOURS: Final = (
    4,
    2,
    1,
    1,
    1,
    3,
    14,
    42,
    52,
    44,
    46,
    74,
    92,
    62,
    48,
    48,
    56,
    84,
    104,
    94,
    74,
    54,
    32,
    14,
)
PEER_HOURS: Final = (10, 5, 3, 2, 2, 3, 8, 18, 32, 42, 48, 54, 62, 52, 48, 48, 52, 60, 74, 88, 94, 86, 60, 28)
OFFICE_HOURS: Final = (0, 0, 0, 0, 0, 0, 0, 2, 30, 80, 95, 80, 25, 50, 90, 95, 80, 40, 8, 3, 1, 0, 0, 0)
"""Weights of the hours of a day, from midnight."""

WEEKDAYS: Final = (0.95, 0.95, 0.96, 0.98, 1.05, 1.10, 1.03)
"""Weights of the days of a week for shops and people, from Monday."""

FREE_DAY_SHOPPING, FREE_DAY_PEER, FREE_DAY_SUPPLIES = 1.12, 1.15, 0.15
"""Against a worked day: on a holiday for shops and people; on a weekend too for supplies."""

EVE_PEER: Final = 3.0
"""Payments among people on the eve of the Spring Festival and the two days after it."""

PAYDAYS: Final = (5, 10, 15, 20, 25)
"""Days of the month on which firms pay wages, each a fifth of them; on the working day before, if it is free."""

RENT_DAYS: Final = 10
"""Rent is due on one of the first so many days of the month."""

# Wallets filled, money to the bank.

LOW_SHARE, FILL_CHANCE = 0.25, 0.5
"""Below this share of his usual load a holder fills his wallet, with this chance on a day."""

VISITOR_FILL_CHANCE: Final = 0.02
HIGH_TIMES, SWEEP_CHANCE = 2.0, 0.3
"""Above so many usual loads he sends what is more to his bank, with this chance on a day."""

REDEEM_CHANCE: Final = 0.0006
"""The chance on a day that somebody takes money out for another reason."""

FIRM_HIGH_TIMES: Final = 2.0
"""A firm with so many times its capital sends what is more to its bank in the evening."""

# Hong Kong.

HONG_KONG_FACTOR: Final = 2.77
"""Amounts there in Hong Kong dollars against those here in yuan."""

TRAVEL_LACKING_SHARE: Final = 0.004
"""Payments with which less data travels than the law asks: none for the core, the core for the full set."""

FREEZES_A_YEAR, FREEZE_DAYS = 0.004, 45.0
"""Accounts that are frozen by order in a year, as a share of all, and for how long on average."""

FREEZE_HOUR: Final = 19
"""When orders are obeyed, on the evening of the day they come in."""

RESERVE_SIGMA_BP: Final = 1.0
"""By how much the value of a reserve moves in a night, in hundredths of a percent, as often up as down."""

RESERVE_BUFFER_BP: Final = 3.0
"""What an issuer keeps above the coins outstanding when he makes up his reserve."""

MAKE_UP_HOUR: Final = 10
"""When an issuer makes up a reserve that is short, on the next working morning."""

STOCK_SHARE: Final = 0.06
"""What distributors keep in stock, as a share of the coins outstanding, so that a few days without issues do."""

# The platform.

DISTRIBUTORS: Final = 4
"""Firms for each coin that buy coins from the issuer and fill wallets."""

FRAME_MINUTES, FRAME_PAYMENTS = (1, 2, 5, 10, 15), 3_000
"""Minutes that share a frame of the journal: the fewest with so many payments on average, else the most."""

ID_WINDOW_SECONDS: Final = 86_400
"""For how long ids are remembered, so that memory does not grow with the year."""

SUPPLY_CAP_FEN: Final = 200_000_00
"""What the consent of an issuer allows, for each account of the population."""
