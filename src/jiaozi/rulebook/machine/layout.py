"""The layout of a compiled book: one flat array of int64, all addresses counted from its start.

`program` and `code` write it, `kernel` runs it. Instants are nanoseconds, amounts fen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.model import Action

Int64s = NDArray[np.int64]

Program = Int64s
"""A compiled book."""

MISSING = -(2**63)
"""A fact that was not given in a row of facts, a value that the law has not set, a sum of such."""

# The head: where each table begins, and how long it is.
(
    H_CUTS,  # starts of intervals 1..k
    H_CUT_COUNT,
    H_INDEX,  # for each interval and action: the group that reaches anywhere, then one a jurisdiction
    H_INDEX_WIDTH,
    H_VALUES,  # values of the law: for each interval, all of them
    H_VALUE_COUNT,
    H_HOMES,  # jurisdiction of each place code; -1 for code 0
    H_HOME_COUNT,
    H_TOUCHING,  # slots of the four facts whose places decide which law is reached
    H_AMOUNT,  # slot of payment.amount
    H_COINS,  # slot of issuer.coins_outstanding
    H_PEG,  # slot of coin.peg
    HEAD_SIZE,
) = range(13)

ACTION_ROWS = len(Action) + 1
"""Rows of the index for each interval: action 0, which asks no law, then each action."""

# A group: what is to be asked when one jurisdiction is touched, in one interval, for one action.
# Behind its head stand the addresses of the permits, then of the bans, then of what must always hold.
G_SILENT, G_PERMITS, G_BANS, G_ALWAYS, GROUP_HEAD = range(5)

# A permit. Its code ends with one of the exits below. Behind the head: the code and the bit of each need.
P_CODE, P_REACH, P_NEED_COUNT, PERMIT_HEAD = range(4)
OUT_OF_SCOPE, MET, UNMET = range(3)

# A ban in one interval. -1 stands for no condition. Behind the head: the permits that lift it.
B_WHEN, B_UNLESS, B_BIT, B_LIFTED_COUNT, BAN_HEAD = range(5)

# What must always hold: asked of the state after the action, and of the state before it.
A_AFTER, A_BEFORE, A_BIT = range(3)

# An instruction asks one thing and jumps when the answer is I_IF. A jump below zero leaves the code:
# the exit is its bitwise complement. The other columns are operands.
I_OP, I_IF, I_TARGET, I_A, I_B, I_C, I_D, I_E, I_F, I_G, INSTRUCTION_WIDTH = range(11)

# The operations. A value is asked by its row, the slot of its key (or -1), how many keys there are, and
# how many currencies the coin may have (0: it is in a currency of its own).
(
    EXIT,  # leave; the exit stands in I_TARGET
    WORD,  # slot, masks, how many words there are: the word is one of these
    HAS,  # slot, place, answer when it has not: the set of places has this one
    WITHIN_VALUE,  # fact, fact or -1, number, value: fact + fact + number <= value
    BEYOND_VALUE,  # the same, and: value + number <= fact + fact
    WITHIN_FACT,  # fact, fact or -1, number, fact: fact + fact + number <= fact
    COMPARE,  # terms, how many on the left, on the right, comparison: any two sums
) = range(7)

# Comparisons of COMPARE.
EQ, NE, LT, LE, GT, GE = range(6)

# A term of COMPARE: its kind, its sign, its operands. SHIFTED is the fact in I_A, plus or minus the amount
# of the action when both are known: the coins outstanding once the action is done.
T_KIND, T_SIGN, T_A, T_B, T_C, T_D, TERM_WIDTH = range(7)
NUMBER, FACT, SHIFTED, VALUE = range(4)
