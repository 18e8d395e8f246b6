"""How many payments of each kind fall on each minute of a day: a rate for each window, then a count."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.dates import MAINLAND, Dates, is_festive

MINUTES = 24 * 60
DRAWN = (known.Flow.SHOPPING, known.Flow.PEER, known.Flow.SUPPLIES)
"""The kinds of payment that are drawn; the others are due."""

_HOURS = {
    known.Flow.SHOPPING: known.SHOPPING_HOURS,
    known.Flow.PEER: known.PEER_HOURS,
    known.Flow.SUPPLIES: known.OFFICE_HOURS,
}


def level(day: date, dates: Dates = MAINLAND) -> NDArray[np.float64]:
    """Return (3,) float64: how busy *day* is for each of DRAWN, against an ordinary day."""
    weekday = known.WEEKDAYS[day.weekday()]
    shopping, peer, supplies = weekday, weekday, 1.0
    if dates.is_holiday(day):
        shopping, peer = shopping * known.FREE_DAY_SHOPPING, peer * known.FREE_DAY_PEER
    if is_festive(day):
        peer *= known.EVE_PEER
    if not dates.is_worked(day):
        supplies = known.FREE_DAY_SUPPLIES
    return np.array([shopping, peer, supplies])


def expected(
    days: list[date], joined: NDArray[np.int64], payments_a_day: float, dates: Dates = MAINLAND
) -> NDArray[np.float64]:
    """Return (days, 3) float64: the payments of each of DRAWN that each day expects.

    They grow with the accounts, and average to *payments_a_day* times the share of their kind.
    """
    levels = np.array([level(day, dates) for day in days]) * joined[:, None]
    shares = np.array([known.SHARES[flow] for flow in DRAWN])
    found: NDArray[np.float64] = payments_a_day * shares * levels / levels.mean(axis=0)
    return found


def frame_minutes(payments_a_day: float) -> int:
    """Return how many minutes share a frame."""
    for minutes in known.FRAME_MINUTES:
        if payments_a_day * minutes / MINUTES >= known.FRAME_PAYMENTS:
            return minutes
    return known.FRAME_MINUTES[-1]


def rates(expected_today: NDArray[np.float64], minutes: int) -> NDArray[np.float64]:
    """Return (windows, 3) float64: the payments of each of DRAWN expected in each window of *minutes*."""
    return np.stack(
        [shape(flow, minutes) * count for flow, count in zip(DRAWN, expected_today, strict=True)], axis=1
    )


def shape(flow: known.Flow, minutes: int) -> NDArray[np.float64]:
    """Return the share of a day's payments of *flow* in each window of *minutes*; it goes from hour to hour
    in straight lines, so that no minute jumps."""
    hours = np.array(_HOURS[flow], dtype=np.float64)
    at = (np.arange(0, MINUTES, minutes) + minutes / 2) / 60
    weights = np.interp(at, np.arange(-1, 25) + 0.5, np.concatenate([hours[-1:], hours, hours[:1]]))
    found: NDArray[np.float64] = weights / weights.sum()
    return found
