"""Who plays in the pilot. Every firm, bank and person here is invented."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from jiaozi.clock import SHANGHAI, Instant, instant_of

ZONE = "cn-sh"
ISSUER, ISSUER_NAME = "pujiang-pay", "Pujiang Pay"
COIN = "pujiang-cny"
BANK_ACCOUNT, BANK = "1001-EXAMPLE-0001", "EXAMCNSHXXX"

RIVAL, RIVAL_NAME = "donglai-tech", "Donglai Tech"
RIVAL_COIN = "donglai-cny"

HK_ISSUER, HK_ISSUER_NAME = "harbour-coin", "Harbour Coin Ltd"
HK_COIN = "harbour-hkd"
HK_BANK_ACCOUNT, HK_BANK = "024-EXAMPLE-8001", "EXAMHKHHXXX"

DISTRIBUTORS = ("Bund Wholesale", "Suzhou Creek Markets", "Lujia Travel", "Old Town Book Union")
"""Firms that order coins in bulk and pass them on; one for each order of the example statement."""

ORDERS_FEN = (30_000_000_00, 12_500_000_00, 7_500_000_00, 250_000_00)
REDEEMED_FEN = 1_200_000_00
CAP_FEN = 200_000_000_00

DRAFT_DAY = date(2026, 12, 15)
LAST_DAY_BEFORE = date(2026, 12, 14)
FIRST_DAY = date(2026, 11, 22)


def today_of(wall: date) -> date:
    """Return the day on which the pilot begins: today, kept before the day of the draft.

    The draft's day is fixed, because a deadline in business days needs a year whose notice is on file.
    """
    return min(max(wall, FIRST_DAY), LAST_DAY_BEFORE)


def at(day: date, clock: str) -> Instant:
    """Return the instant of `10:30` on *day* in Shanghai."""
    return instant_of(datetime.combine(day, time.fromisoformat(clock), ZoneInfo(SHANGHAI)))
