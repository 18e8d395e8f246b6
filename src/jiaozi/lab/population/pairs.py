"""Who pays whom: pairs of rows for a window of payments.

Each pair takes five reads from tables of the size of the population, and each read waits for the one
before it. So the pairs of a window go through them together, a loop for each read: the processor then
waits for many at once. With a million holders a
payment took 620 ns pair by pair, and takes 170 to 250 ns so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import Chance, below, draw, key_of, mixed, next_bits, share_of, signed
from jiaozi.lab.population.day import FIRM
from jiaozi.lab.population.residents import ZONE_SHIFT

SHOPPING, PEER, SUPPLIES = (int(flow) for flow in (known.Flow.SHOPPING, known.Flow.PEER, known.Flow.SUPPLIES))
_HABIT_SHARE, _HABITS, _FRIENDS = known.HABIT_SHARE, known.HABITS, known.FRIENDS
_CROSS_SHARE, _CROSS = known.CROSS_SHARE, np.uint64(0xC3A5C85C97CB3127)
_TRIES = 64


@entry
def draw_pairs(
    flow: NDArray[np.uint8],
    payer: NDArray[np.int64],
    payee: NDArray[np.int64],
    scale: NDArray[np.float64],
    shopping: float,
    peer: float,
    there: int,
    home_key: np.uint64,
    chance: Chance,
    traits: NDArray[np.void],
    payers: NDArray[np.uint64],
    payees: NDArray[np.uint64],
    members: NDArray[np.uint32],
    bounds: NDArray[np.int64],
) -> None:
    """Write kind, payer, payee and the payer's scale of (n,) payments among the first *there* rows.

    A share below *shopping* goes to shops, below *peer* to friends, the rest from firm to firm.
    """
    count, zones = len(flow), (len(bounds) - 1) // 2
    own, group = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    bits = np.empty(count, dtype=np.uint64)
    for at in range(count):
        kind = share_of(next_bits(chance))
        flow[at] = SHOPPING if kind < shopping else PEER if kind < peer else SUPPLIES
        payer[at] = draw(payers, 0, len(payers), next_bits(chance))
    for at in range(count):
        if payer[at] >= there:
            payer[at] = _payer(payers, there, chance)
    for at in range(count):
        who = traits[payer[at]]
        own[at], scale[at] = signed(who.coin) * zones + (signed(who.flags) >> ZONE_SHIFT), who.scale
    for at in range(count):
        bits[at] = _choice(flow[at], payer[at], home_key, chance)
        group[at] = _where(own[at], zones, bounds, bits[at]) if zones > 1 else own[at]
        payee[at] = _place(flow[at] != PEER, payees, bounds, group[at], bits[at])
    for at in range(count):
        payee[at] = members[payee[at]]
    for at in range(count):
        if flow[at] == SUPPLIES:
            payer[at] = _someone(SUPPLIES, traits, payees, members, bounds, own[at], -1, there, bits[at])
            scale[at] = traits[payer[at]].scale
            bits[at] = next_bits(chance)
            payee[at] = -1
        if not _will_do(flow[at], traits, payee[at], payer[at], there):
            other = mixed(bits[at])
            payee[at] = _someone(
                flow[at], traits, payees, members, bounds, group[at], payer[at], there, other
            )


@inner
def _choice(flow: int, payer: int, home_key: np.uint64, chance: Chance) -> np.uint64:
    """Return the bits that choose a payee: those of a habit or a friend are always the same."""
    bits = next_bits(chance)
    own = key_of(home_key, payer)
    if flow == PEER:
        return key_of(own, _HABITS + min(below(bits, _FRIENDS), below(mixed(bits), _FRIENDS)))
    if flow == SHOPPING and share_of(bits) < _HABIT_SHARE:
        return key_of(own, below(mixed(bits), _HABITS))
    return mixed(bits)


@inner
def _payer(payers: NDArray[np.uint64], there: int, chance: Chance) -> int:
    """Draw who pays; whoever is not there yet is drawn again."""
    for _ in range(_TRIES):
        row = draw(payers, 0, len(payers), next_bits(chance))
        if row < there:
            return row
    return 0


@inner
def _where(own: int, zones: int, bounds: NDArray[np.int64], bits: np.uint64) -> int:
    """Return the group whom somebody of group *own* pays: mostly his own, else that of anybody with his coin."""
    bits = mixed(bits ^ _CROSS)
    if share_of(bits) >= _CROSS_SHARE:
        return own
    first = own // zones * zones
    place = bounds[first] + below(mixed(bits), bounds[first + zones] - bounds[first])
    group = first
    while bounds[group + 1] <= place:
        group += 1
    return group


@inner
def _place(
    is_by_size: bool, payees: NDArray[np.uint64], bounds: NDArray[np.int64], group: int, bits: np.uint64
) -> int:
    """Return the place among *members* that *bits* choose, by popularity or not."""
    first = signed(bounds[group])
    size = signed(bounds[group + 1]) - first
    return first + (draw(payees, first, size, bits) if is_by_size else below(bits, size))


@inner
def _will_do(flow: int, traits: NDArray[np.void], row: int, payer: int, there: int) -> bool:
    """Return whether *row* can be paid: it is there, another than the payer, and of the right kind."""
    if row < 0 or row >= there or row == payer:
        return False
    return flow == SHOPPING or (traits[row].kind == FIRM) == (flow == SUPPLIES)


@inner
def _someone(
    flow: int,
    traits: NDArray[np.void],
    payees: NDArray[np.uint64],
    members: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    group: int,
    payer: int,
    there: int,
    bits: np.uint64,
) -> int:
    """Return somebody of *group* who will do, from *bits* on; after many tries a firm that is always there."""
    for _ in range(_TRIES):
        row = signed(members[_place(flow != PEER, payees, bounds, group, bits)])
        if _will_do(flow, traits, row, payer, there):
            return row
        bits = mixed(bits)
    row = signed(members[bounds[group]])
    return row if row != payer else signed(members[bounds[group] + 1])
