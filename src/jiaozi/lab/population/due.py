"""What is due today: wages, rent, wallets that are low, money that goes to the bank.

One pass over the accounts each morning, with the balances of the night. Whether somebody acts today
comes from a key of the day and the row, so the pass may run twice: first to count, then to write.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.compiled import entry, inner
from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.chance import Chance, below, key_of, mixed, next_bits, share_of, signed
from jiaozi.lab.population.day import FIRM, VISITOR
from jiaozi.lab.population.residents import RENTING, SALARIED, ZONE_SHIFT

DUE: Final = np.dtype(
    [
        ("amount", "<i8"),
        ("row", "<u4"),  # who is paid wages, pays rent, fills his wallet or gives coins back
        ("other", "<u4"),  # employer or landlord, a row too; else 0
        ("second", "<i4"),  # of the day
        ("flow", "<u4"),
    ]
)

_WAGES, _RENT, _TOP_UP, _REDEMPTION = (
    int(flow) for flow in (known.Flow.WAGES, known.Flow.RENT, known.Flow.TOP_UP, known.Flow.REDEMPTION)
)
_PAYDAYS = len(known.PAYDAYS)
_LOW, _FILL, _RARE_FILL = known.LOW_SHARE, known.FILL_CHANCE, known.VISITOR_FILL_CHANCE
_HIGH, _SWEEP, _REDEEM = known.HIGH_TIMES, known.SWEEP_CHANCE, known.REDEEM_CHANCE
_FIRM_HIGH, _RENT_DAYS = known.FIRM_HIGH_TIMES, known.RENT_DAYS
_HOUR, _TEN_YUAN, _HUNDRED_YUAN, _THOUSAND_YUAN = 3_600, 10_00, 100_00, 1_000_00
_TRIES = 32


@entry
def due_today(
    out: NDArray[np.void],
    accounts: NDArray[np.void],
    traits: NDArray[np.void],
    load_fen: NDArray[np.int64],
    wage_fen: NDArray[np.int64],
    rent_fen: NDArray[np.int64],
    employer: NDArray[np.uint32],
    members: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    payroll: NDArray[np.int64],
    key: np.uint64,
    home_key: np.uint64,
    first_new: int,
    paydays: int,
    day_of_month: int,
) -> int:
    """Write what is due into *out*, (m,) DUE, in the order of rows; return how many there are, also if m is 0.

    *accounts* (open,) ACCOUNT are those of the first rows; rows from *first_new* on joined this night.
    *payroll* (open,) is scratch. *paydays* are bits of PAYDAYS. *home_key* stays the same all year.
    """
    count, found = len(accounts), 0
    # Counting draws the same numbers as writing, or the two would not agree.
    writes = len(out) > 0
    chance = np.empty(1, dtype=np.uint64)
    payroll[:] = 0
    if paydays:
        for row in range(count):
            if _is_paid(traits, employer, row, count, paydays, home_key):
                payroll[employer[row]] += _wage(wage_fen, row, key)
    for row in range(count):
        chance[0] = key_of(key, row)
        balance = accounts[row].balance
        lives_elsewhere = signed(traits[row].flags) >> ZONE_SHIFT != 0
        if traits[row].kind == FIRM:
            need, second = _firm(balance, load_fen[row], payroll[row], row >= first_new, chance)
            if lives_elsewhere and need > 0 and row < first_new and share_of(next_bits(chance)) >= _RARE_FILL:
                need = 0
            if need != 0:
                if writes:
                    _write(out, found, row, 0, abs(need), second, _TOP_UP if need > 0 else _REDEMPTION)
                found += 1
            continue
        if paydays and _is_paid(traits, employer, row, count, paydays, home_key):
            firm = signed(employer[row])
            run = 9 * _HOUR + below(key_of(home_key, firm), 2 * _HOUR)
            second = run + below(next_bits(chance), 120)
            if writes:
                _write(out, found, row, firm, _wage(wage_fen, row, key), second, _WAGES)
            found += 1
        pays_rent = False
        home = mixed(key_of(home_key, row))
        if traits[row].flags & RENTING and below(home, _RENT_DAYS) + 1 == day_of_month and row < first_new:
            landlord = _landlord(traits, members, bounds, row, count, home)
            if landlord != row:
                pays_rent = True
                second = 8 * _HOUR + below(next_bits(chance), 14 * _HOUR)
                if writes:
                    _write(out, found, row, landlord, rent_fen[row], second, _RENT)
                found += 1
        is_rare = lives_elsewhere or traits[row].kind == VISITOR
        need, second = _person(balance, load_fen[row], is_rare, row >= first_new, chance)
        if pays_rent and not lives_elsewhere and balance < rent_fen[row] + _LOW * load_fen[row]:
            # Whoever knows that his rent is due fills his wallet before.
            need = (rent_fen[row] + load_fen[row] - balance) // _HUNDRED_YUAN * _HUNDRED_YUAN
            second = 6 * _HOUR + below(next_bits(chance), 2 * _HOUR)
        if need != 0:
            if writes:
                _write(out, found, row, 0, abs(need), second, _TOP_UP if need > 0 else _REDEMPTION)
            found += 1
    return found


@inner
def _is_paid(
    traits: NDArray[np.void],
    employer: NDArray[np.uint32],
    row: int,
    count: int,
    paydays: int,
    home_key: np.uint64,
) -> bool:
    """Return whether the wages of *row* are due: it has an employer, who is there and pays today."""
    if traits[row].flags & SALARIED == 0:
        return False
    firm = employer[row]
    return bool(firm < count and paydays >> (key_of(home_key, firm) % np.uint64(_PAYDAYS)) & 1)


@inner
def _wage(wage_fen: NDArray[np.int64], row: int, key: np.uint64) -> int:
    """Return today's wages of *row*: they vary by two in a hundred either way."""
    return int(wage_fen[row] * (0.98 + 0.04 * share_of(mixed(key_of(key, row)))))


@inner
def _firm(balance: int, capital: int, payroll: int, is_new: bool, chance: Chance) -> tuple[int, int]:
    """Return what a firm buys (above zero) or gives back (below), and when."""
    if is_new or balance < payroll + _LOW * capital:
        wanted = (payroll + capital - balance) // _THOUSAND_YUAN + 1
        return wanted * _THOUSAND_YUAN, 6 * _HOUR + below(next_bits(chance), 2 * _HOUR)
    if balance > payroll + _FIRM_HIGH * capital:
        spare = (balance - payroll - capital) // _HUNDRED_YUAN * _HUNDRED_YUAN
        return -spare, 17 * _HOUR + below(next_bits(chance), 2 * _HOUR)
    return 0, 0


@inner
def _person(balance: int, load: int, is_rare: bool, is_new: bool, chance: Chance) -> tuple[int, int]:
    """Return what a person fills in (above zero) or takes out (below), and when.

    Whoever *is_rare*, a visitor or somebody of another zone, seldom tries to fill his wallet again.
    """
    acts = share_of(next_bits(chance))
    if is_new or balance < _LOW * load:
        if not is_new and acts >= (_RARE_FILL if is_rare else _FILL):
            return 0, 0
        hundreds = int(load * (0.6 + 0.8 * share_of(next_bits(chance)))) // _HUNDRED_YUAN
        # The first wallets are filled before the first day begins; later ones on the day after joining.
        return max(1, hundreds) * _HUNDRED_YUAN, _waking(chance)
    if balance > _HIGH * load:
        if acts < _SWEEP:
            return -((balance - load) // _TEN_YUAN * _TEN_YUAN), _waking(chance)
        return 0, 0
    if acts < _REDEEM and balance >= _TEN_YUAN:
        part = int(balance * (0.2 + 0.8 * share_of(next_bits(chance)))) // _TEN_YUAN * _TEN_YUAN
        return -max(_TEN_YUAN, part), _waking(chance)
    return 0, 0


@inner
def _waking(chance: Chance) -> int:
    """Return a second between 07:00 and 23:00, the middle of the day more often."""
    both = share_of(next_bits(chance)) + share_of(next_bits(chance))
    return int(_HOUR * (7 + 8 * both))


@inner
def _landlord(
    traits: NDArray[np.void],
    members: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    row: int,
    count: int,
    home: np.uint64,
) -> int:
    """Return whom *row* pays rent: always the same firm or holder of tier 1 or 2, of his group; or *row*."""
    zones = (len(bounds) - 1) // 2
    group = signed(traits[row].coin) * zones + (signed(traits[row].flags) >> ZONE_SHIFT)
    first, size = bounds[group], bounds[group + 1] - bounds[group]
    for _ in range(_TRIES):
        home = mixed(home)
        other = signed(members[first + below(home, size)])
        if other < count and other != row and traits[other].tier <= 2 and traits[other].kind != VISITOR:
            return other
    return row


@inner
def _write(out: NDArray[np.void], at: int, row: int, other: int, amount: int, second: int, flow: int) -> None:
    out[at].amount, out[at].row, out[at].other = amount, row, other
    out[at].second, out[at].flow = second, flow
