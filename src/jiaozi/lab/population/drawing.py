"""The payments of a few minutes: drawn, merged with what is due, written as transfers with their ids.

A window of minutes has its own key, so its payments depend on nothing that was drawn before. A payment
takes about ten random numbers; who pays whom is drawn in `pairs`, for a whole window at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import (
    Chance,
    below,
    mixed,
    next_bits,
    quantile,
    quantiles,
    share_of,
    signed,
)
from jiaozi.lab.population.pairs import PEER, SHOPPING, draw_pairs
from jiaozi.lab.population.residents import ZONE_SHIFT, ZONES_MOST, Residents
from jiaozi.ledger.records import PAY, REDEEM

PLACE: Final = np.dtype(
    [
        ("first", "<u4"),  # account of row 0
        ("place", "<u4"),  # place code of zone 0, where issuers are
        ("zones", "<u4", (ZONES_MOST,)),  # place codes of all zones
        ("distributors", "<u4", (2, known.DISTRIBUTORS)),
        ("elsewhere", "<u4", (2, known.DISTRIBUTORS)),  # those that fill wallets of other zones
        ("redemptions", "<u4", (2,)),  # account that redeemed coins go to, of each coin
        ("travel", "<u4", (3,)),  # codes of none, core, full data; zeros where no data need travel
        ("full_from_fen", "<i8"),
    ]
)
"""Where rows become accounts, and what travels with a payment."""

WINDOW: Final = np.dtype(
    [
        ("key", "<u8"),
        ("home_key", "<u8"),  # stays the same all year
        ("midnight_ms", "<i8"),
        ("first_ms", "<i4"),  # of the day
        ("length_ms", "<i4"),
        ("count", "<i4"),  # payments to draw
        ("open", "<i4"),  # rows that are there
        ("shopping", "<f8"),  # below this share of the draws
        ("peer", "<f8"),  # below this and above that; the rest are supplies
        ("is_festive", "<i4"),
        ("unused", "<i4"),
    ]
)

_TOP_UP, _REDEMPTION, _WAGES = (
    int(flow) for flow in (known.Flow.TOP_UP, known.Flow.REDEMPTION, known.Flow.WAGES)
)
_DISTRIBUTORS = known.DISTRIBUTORS
_LARGE_SHARE, _TAIL_SHARE = known.LARGE_SHARE, known.TAIL_SHARE
_TAIL_POWER, _LACKING = -1 / known.TAIL_PARETO, known.TRAVEL_LACKING_SHARE
_WHOLE, _TENTH = known.WHOLE_YUAN_SHARE, known.WHOLE_YUAN_SHARE + known.TENTH_SHARE
_PEER_WHOLE, _PEER_ROUND = known.PEER_WHOLE_SHARE, known.PEER_ROUND_SHARE
_RED_SHARE, _REDS = known.RED_ENVELOPE_SHARE, np.array(known.RED_ENVELOPES_FEN, dtype=np.int64)
_LARGEST_SCALE = 3.0  # a firm's errand in a shop is no order of supplies
_VERSION_7, _VARIANT = np.uint64(7 << 12), np.uint64(0b10 << 62)
_RANDOM_12, _RANDOM_62 = np.uint64((1 << 12) - 1), np.uint64((1 << 62) - 1)
_16 = np.uint64(16)


@dataclass(frozen=True, slots=True)
class Amounts:
    """How large payments are: tables for `chance.quantile`, in fen. *tail_fen* is where the Pareto tail begins,
    *tail_most_fen* where it ends."""

    shopping: NDArray[np.float64]
    large: NDArray[np.float64]
    peer: NDArray[np.float64]
    supplies: NDArray[np.float64]
    tail_fen: float
    tail_most_fen: float

    @classmethod
    def as_known(cls, factor: float = 1.0) -> Amounts:
        """Return the amounts of `parameters`, multiplied by *factor*."""
        shopping = quantiles(factor * known.SHOPPING_MEDIAN_FEN, known.SHOPPING_SIGMA)
        return cls(
            shopping,
            quantiles(factor * known.LARGE_MEDIAN_FEN, known.LARGE_SIGMA),
            quantiles(factor * known.PEER_MEDIAN_FEN, known.PEER_SIGMA),
            quantiles(factor * known.SUPPLIES_MEDIAN_FEN, known.SUPPLIES_SIGMA),
            float(shopping[int((1 - known.TAIL_SHARE) * (len(shopping) - 1))]),
            factor * known.TAIL_MOST_FEN,
        )


def fill(
    out: NDArray[np.void],
    window: NDArray[np.void],
    due: NDArray[np.void],
    town: Residents,
    amounts: Amounts,
    place: NDArray[np.void],
) -> None:
    """Write the payments of *window*, (1,) WINDOW, into *out*, (n,) TRANSFER, by their milliseconds.

    *due*, (m,) DUE by second, are merged in; n is m and the payments to draw. *place* is (1,) PLACE.
    """
    assert len(out) == len(due) + window["count"][0]
    _fill(
        out,
        window,
        due,
        town.traits,
        town.payers,
        town.payees,
        town.members,
        town.bounds,
        amounts.shopping,
        amounts.large,
        amounts.peer,
        amounts.supplies,
        amounts.tail_fen,
        amounts.tail_most_fen,
        place,
    )


@entry
def _fill(
    out: NDArray[np.void],
    windows: NDArray[np.void],
    due: NDArray[np.void],
    traits: NDArray[np.void],
    payers: NDArray[np.uint64],
    payees: NDArray[np.uint64],
    members: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    shopping: NDArray[np.float64],
    large: NDArray[np.float64],
    peer: NDArray[np.float64],
    supplies: NDArray[np.float64],
    tail_fen: float,
    tail_most_fen: float,
    places: NDArray[np.void],
) -> None:
    window, place = windows[0], places[0]
    has_zones, data_travels = len(bounds) > 3, place.travel[0] != 0
    chance = np.empty(1, dtype=np.uint64)
    chance[0] = window.key
    first = signed(place.first)
    midnight = window.midnight_ms
    count, is_festive = window.count, window.is_festive != 0
    flows, scales = np.empty(count, dtype=np.uint8), np.empty(count, dtype=np.float64)
    payer, payee = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    draw_pairs(
        flows,
        payer,
        payee,
        scales,
        window.shopping,
        window.peer,
        window.open,
        window.home_key,
        chance,
        traits,
        payers,
        payees,
        members,
        bounds,
    )
    step = window.length_ms / max(1, count)
    drawn = taken = 0
    next_ms = window.first_ms + int(step * share_of(next_bits(chance)))
    for at in range(len(out)):
        if taken < len(due) and (drawn >= count or due[taken].second * 1_000 <= next_ms):
            row, flow = signed(due[taken].row), signed(due[taken].flow)
            account, coin = first + row, traits[row].coin
            debit, credit, action = account, first + signed(due[taken].other), PAY
            if flow == _TOP_UP:
                fills = place.distributors if traits[row].flags >> ZONE_SHIFT == 0 else place.elsewhere
                debit, credit = signed(fills[coin, row % _DISTRIBUTORS]), account
            elif flow == _REDEMPTION:
                credit, action = signed(place.redemptions[coin]), REDEEM
            elif flow == _WAGES:
                debit, credit = credit, account
            amount = due[taken].amount
            when = due[taken].second * 1_000 + below(next_bits(chance), 1_000)
            taken += 1
        else:
            flow, action, when = signed(flows[drawn]), PAY, next_ms
            debit, credit = first + payer[drawn], first + payee[drawn]
            if flow == SHOPPING:
                amount = _price(shopping, large, tail_fen, tail_most_fen, scales[drawn], chance)
            elif flow == PEER:
                amount = _gift(peer, scales[drawn], is_festive, chance)
            else:
                amount = _order(supplies, scales[drawn], chance)
            drawn += 1
            next_ms = window.first_ms + int(step * (drawn + share_of(next_bits(chance))))
        high, low = next_bits(chance), next_bits(chance)
        out[at].id_hi = (np.uint64(midnight + when) << _16) | _VERSION_7 | (high & _RANDOM_12)
        out[at].id_lo = _VARIANT | (low & _RANDOM_62)
        out[at].debit, out[at].credit, out[at].amount = debit, credit, amount
        out[at].timeout, out[at].value_day, out[at].unused = 0, 0, 0
        out[at].memo_lo, out[at].memo_hi = np.uint64(0), np.uint64(0)
        where = place.place
        if has_zones and action == PAY:
            # The payee's zone. Coins are redeemed where the issuers are.
            where = place.zones[traits[credit - first].flags >> ZONE_SHIFT]
        travel = place.travel[_data(amount, place.full_from_fen, low)] if data_travels else place.travel[0]
        out[at].action, out[at].place, out[at].travel_data = action, where, travel
        out[at].purpose, out[at].code, out[at].flags = flow, 0, 0


@inner
def _data(amount: int, full_from: int, bits: np.uint64) -> int:
    """Return which data travels with a payment, 0 to 2; sometimes it is less than should."""
    wanted = 2 if amount >= full_from else 1
    return wanted - 1 if share_of(mixed(bits)) < _LACKING else wanted


@inner
def _price(
    shopping: NDArray[np.float64],
    large: NDArray[np.float64],
    tail_fen: float,
    tail_most_fen: float,
    scale: float,
    chance: Chance,
) -> int:
    """Draw what something costs."""
    kind, share = share_of(next_bits(chance)), share_of(next_bits(chance))
    if kind < _LARGE_SHARE:
        return int(quantile(large, share)) // 10_00 * 10_00
    scale = min(scale, _LARGEST_SCALE)
    if share > 1 - _TAIL_SHARE:
        fen = int(min(tail_most_fen, scale * tail_fen * ((1 - share) / _TAIL_SHARE) ** _TAIL_POWER))
    else:
        fen = int(scale * quantile(shopping, share))
    ending = share_of(next_bits(chance))
    if ending < _WHOLE:
        return max(1_00, fen // 1_00 * 1_00)
    if ending < _TENTH:
        return max(10, fen // 10 * 10)
    return max(1, fen)


@inner
def _gift(peer: NDArray[np.float64], scale: float, is_festive: bool, chance: Chance) -> int:
    """Draw what people send each other."""
    bits = next_bits(chance)
    kind, share = share_of(bits), share_of(next_bits(chance))
    if is_festive and kind < _RED_SHARE:
        return int(_REDS[below(mixed(bits), len(_REDS))])
    fen = int(min(scale, _LARGEST_SCALE) * quantile(peer, share))
    if share_of(mixed(bits)) >= _PEER_WHOLE:
        return max(1, fen)
    if share_of(next_bits(chance)) < _PEER_ROUND:
        step = 100_00 if fen >= 500_00 else 50_00 if fen >= 150_00 else 10_00
        return max(10_00, fen // step * step)
    return max(1_00, fen // 1_00 * 1_00)


@inner
def _order(supplies: NDArray[np.float64], scale: float, chance: Chance) -> int:
    """Draw what a firm pays another; larger firms pay more."""
    return max(1_00, int(scale * quantile(supplies, share_of(next_bits(chance)))))
