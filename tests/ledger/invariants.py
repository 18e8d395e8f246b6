"""What holds of a ledger after every frame and after every fault, whatever was asked of it.

The accounts of a coin sum to zero. The coins outstanding are what its holders hold;
those that count as frozen are what orders keep in place.
What is pending on either side of a coin is what its open reservations hold. No account is on the
side that its flags forbid. One place, for all tests of faults.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.ledger.posting.supplied import C_FROZEN
from jiaozi.ledger.records import AccountFlag
from jiaozi.ledger.state import State


def check(state: State) -> None:
    """Raise `AssertionError` with the coin or the account where *state* cannot be."""
    accounts = state.accounts
    balances, flags = accounts["balance"], accounts["flags"]
    reservations = state.pendings.open()
    for coin in state.register.coins.values():
        of_coin = accounts["coin"] == coin.number
        total = _sum(balances[of_coin])
        assert total == 0, f"the accounts of {coin.id} sum to {total} fen"
        held = _sum(balances[of_coin & ((flags & AccountFlag.INTERNAL) == 0)])
        outstanding = state.coins_outstanding(coin)
        assert held == outstanding, f"holders of {coin.id} have {held} fen and {outstanding} are outstanding"
        frozen = sum(
            state.register.frozen_of(account, accounts[account])
            for account in state.register.freezes
            if of_coin[account]
        )
        counted = int(state.coins[coin.number, C_FROZEN])
        assert frozen == counted, f"{coin.id}: {frozen} fen are frozen by order, {counted} are counted"
        out, into = _sum(accounts["pending_out"][of_coin]), _sum(accounts["pending_in"][of_coin])
        reserved = _sum(reservations["amount"][of_coin[reservations["debit"]]])
        assert out == into == reserved, f"{coin.id}: {out} fen pending out, {into} in, {reserved} reserved"
    for flag, side in (
        (AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS, -1),
        (AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS, 1),
    ):
        wrong = np.flatnonzero(((flags & flag) != 0) & (np.sign(balances) == side))
        assert not len(wrong), f"account {wrong[0]} stands at {balances[wrong[0]]} fen against {flag.name}"


def _sum(balances: NDArray[np.int64]) -> int:
    """Return the sum as Python adds: an overflow of the machine's integers must not hide a fault."""
    return sum(balances.tolist())
