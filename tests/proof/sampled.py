"""A coin with wholesale accounts, small enough for `hashlib`: 13,000 accounts in four buckets and one more."""

from __future__ import annotations

import numpy as np

from jiaozi.proof import plain, wholesale
from jiaozi.proof.plain import Balances, account_key
from jiaozi.proof.tree import Tree, build
from tests.proof.proof_vectors import MASTER, checkpoint_of, signed


def coin_balances() -> Balances:
    """Return balances of which thirteen stand out of their buckets and none of the wholesale bucket."""
    balances = np.arange(13_000, dtype=np.int64) * 37 % 1_000
    balances[::1_001] = 1_000_000 + np.arange(13)
    return balances


BALANCES = coin_balances()
DEALT = wholesale.find(BALANCES, 10)
TREE: Tree = build(BALANCES, master=MASTER, epoch=7, wholesale=DEALT.accounts, executor=plain)
NOTE = signed(checkpoint_of(TREE))
RANDOM = "double colour ball 2027014: 03 08 12 19 24 33 + 07"


def key_of(account: int) -> bytes:
    """Return the account key of *account*."""
    return account_key(MASTER, account)
