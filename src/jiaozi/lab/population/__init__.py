"""Holders and their payments, from a seed: the same seed gives the same people, the same day, the same year.

day         holders and one day of their payments in memory, as the pilot and the benches use them
parameters  every number that the year is made of; docs/reference/population.md has the source of each
towns       what differs from place to place: currency, size of amounts, holidays, what issuers bear
dates       which days are worked, which are free, which are festive, and when wages are paid
rhythm      how many payments of each kind fall on each minute of a day
residents   who holds an account in the year: by column, in the order in which they join
chance      numbers from a key, draws from tables, as compiled functions
due         what is due today: wages, rent, wallets that are low, money that goes to the bank
pairs       who pays whom
drawing     the payments of a few minutes, drawn and merged with what is due, written as transfers
founding    the law, two issuers, their sheets and those who distribute the coins
nights      what issuers book between two days, and a reserve made up in the morning
orders      orders to freeze, and their end
writing     the store itself: a journal with accounts and payments, a day at a time
"""

from jiaozi.lab.population.day import (
    FIRM,
    FIRM_SHARE,
    LOAD_FEN,
    RESIDENT,
    TIER_SHARES,
    VISITOR,
    VISITOR_SHARE,
    Day,
    Population,
    payments,
    people,
    summary,
)
from jiaozi.lab.population.writing import Written, write_store

__all__ = [
    "FIRM",
    "FIRM_SHARE",
    "LOAD_FEN",
    "RESIDENT",
    "TIER_SHARES",
    "VISITOR",
    "VISITOR_SHARE",
    "Day",
    "Population",
    "Written",
    "payments",
    "people",
    "summary",
    "write_store",
]
