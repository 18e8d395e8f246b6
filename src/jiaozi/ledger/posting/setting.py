"""What is the same for a whole frame, as one array of numbers that the kernel reads.

One array on purpose: numba hands on seven numbers for each array at each call. It holds the
instant and what follows from it, where the book in force wants each fact, which actions
it counts, the days of all places, and the table of floors and caps.

    0                  the numbers below
    SLOTS              where the book wants each fact, one past the end for those it never asks
    [DAYS]             a row of three for each place code: today, first of the month, first of the year
    [LIMITS]           rows of four, found by the account's number: account + 1, kept by order, floor, cap

Days are counted from 2000-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jiaozi.compiled import inner, load
from jiaozi.ledger.posting.supplied import FACTS_SUPPLIED
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import ACTION_CODES, Action
from jiaozi.rulebook.vocabulary import Vocabulary

(
    INSTANT,
    INTERVAL,  # of the law, at this instant
    ACCOUNT_COUNT,
    HORIZON_MS,  # ids from before this millisecond are expired
    TRAVEL_WORDS,  # how many words the book has for travel data: other codes are not known
    COUNTED_TODAY,  # actions, as bits, whose amounts count toward the day
    COUNTED_THIS_MONTH,
    COUNTED_THIS_YEAR,
    NUMBERED_TODAY,  # actions, as bits, that count as one payment of the day
    NUMBERED_THIS_MONTH,
    NUMBERED_THIS_YEAR,
    NUMBERED,  # actions that count as one payment of anything; any at all if a law before counted payments
    COUNTED,  # actions that count anywhere
    DAYS,
    LIMITS,
    LIMIT_MASK,  # rows of the table of limits less one; -1 for none
    SLOTS,
) = range(17)

SUMS = {
    "payer.paid_today": COUNTED_TODAY,
    "payer.paid_this_month": COUNTED_THIS_MONTH,
    "payer.paid_this_year": COUNTED_THIS_YEAR,
    "payer.payments_today": NUMBERED_TODAY,
    "payer.payments_this_month": NUMBERED_THIS_MONTH,
    "payer.payments_this_year": NUMBERED_THIS_YEAR,
}
"""The sums and counts the ledger keeps of a person, and where it stands which actions count."""

WINDOWS = {
    name: {"today": "calendar day", "month": "calendar month", "year": "calendar year"}[name.split("_")[-1]]
    for name in SUMS
}
"""The window of each."""

(TODAY, MONTH_START, YEAR_START, DAY_WIDTH) = range(4)
(L_ACCOUNT, L_KEEP, L_FLOOR, L_CAP, LIMIT_WIDTH) = range(5)

NONE_OF_THEM = 1 << 62
"""As actions that count as a payment: an action that there is not."""

NO_FLOOR = -(2**62)
NO_CAP = 2**62

Limit = tuple[int, int, int]
"""What an order keeps in place, the floor, the cap: fen."""


def setting_of(words: Vocabulary, limits: Mapping[int, Limit], *, has_counts: bool) -> Int64s:
    """Return the setting of a book's words and the *limits* by account; what changes by the frame is zero.

    *has_counts*: some law before counted payments, so their counts end with their day under this one too.
    """
    table = _table(limits)
    first_day = SLOTS + len(FACTS_SUPPLIED)
    first_limit = first_day + DAY_WIDTH * (len(words.places) + 1)
    setting = np.zeros(first_limit + table.size, dtype=np.int64)
    setting[DAYS], setting[LIMITS], setting[LIMIT_MASK] = first_day, first_limit, len(table) - 1
    setting[first_limit:] = table.reshape(-1)
    setting[SLOTS:first_day] = [words.slots.get(name, len(words.slots)) for name in FACTS_SUPPLIED]
    travel = words.facts.get("payment.travel_data")
    setting[TRAVEL_WORDS] = len(travel.words) if travel else 0
    for name, counter in words.counters.items():
        setting[SUMS[name]] = sum(1 << ACTION_CODES[Action(action)] for action in counter.actions)
    setting[NUMBERED] = setting[NUMBERED_TODAY] | setting[NUMBERED_THIS_MONTH] | setting[NUMBERED_THIS_YEAR]
    setting[COUNTED] = setting[NUMBERED]
    if has_counts and not setting[NUMBERED]:
        setting[NUMBERED] = NONE_OF_THEM
    for sums in (COUNTED_TODAY, COUNTED_THIS_MONTH, COUNTED_THIS_YEAR):
        setting[COUNTED] |= setting[sums]
    return setting


def set_days(setting: Int64s, days: Sequence[tuple[int, int, int]]) -> None:
    """Write the days of each place code, from 0, into *setting*."""
    first = int(setting[DAYS])
    setting[first : first + DAY_WIDTH * len(days)] = np.array(days, dtype=np.int64).reshape(-1)


@inner
def day(setting: Int64s, zone: int, which: int) -> int:
    """Return a day of *zone*: TODAY, MONTH_START or YEAR_START."""
    return load(setting, load(setting, DAYS) + DAY_WIDTH * zone + which)


@inner
def limit_of(setting: Int64s, account: int) -> int:
    """Return where the limits of *account* stand; it has some."""
    mask = load(setting, LIMIT_MASK)
    at = account & mask
    while load(setting, load(setting, LIMITS) + LIMIT_WIDTH * at + L_ACCOUNT) != account + 1:
        at = (at + 1) & mask
    return load(setting, LIMITS) + LIMIT_WIDTH * at


def _table(limits: Mapping[int, Limit]) -> Int64s:
    """Return the rows of *limits*, each at its account's place or the next free one; at most half full."""
    if not limits:
        return np.zeros((0, LIMIT_WIDTH), dtype=np.int64)
    size = 1 << (2 * len(limits) - 1).bit_length()
    table = np.zeros((size, LIMIT_WIDTH), dtype=np.int64)
    for account, limit in limits.items():
        at = account & (size - 1)
        while table[at, L_ACCOUNT]:
            at = (at + 1) & (size - 1)
        table[at] = (account + 1, *limit)
    return table
