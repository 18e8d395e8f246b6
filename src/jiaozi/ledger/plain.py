"""What posting means, made to be read.

Nothing runs this: `kernel.py` does the work, and `tests/ledger/test_post_properties.py`
holds the two together. Here an account is an object, an id is remembered with its whole
transfer, a window is every payment ever counted in it, and a chain that fails is undone
by going back to a copy. The law is asked through the plain interpreter, in words.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jiaozi.clock import Instant
from jiaozi.ledger.kernel import SUM_MAX
from jiaozi.ledger.plain_books import Books, Transfer
from jiaozi.ledger.records import BOOK, ISSUE, MOVES, REDEEM, AccountFlag, TransferFlag
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import decide


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a transfer, and the reasons when the law refused it."""

    result: Result
    reasons: tuple[str, ...] = ()


class PlainLedger:
    """The books, and every id ever taken with its transfer and what became of it."""

    def __init__(self) -> None:
        self.books = Books()
        self.ids: dict[int, tuple[Transfer, Result]] = {}

    def post(self, batch: Sequence[Transfer], ends: Sequence[int], instant: Instant) -> list[Answer]:
        """Book *batch* in order and answer each. A caller's transfers end at his number in *ends*."""
        answers: list[Answer] = []
        start = 0
        for end in ends:
            for chain in _chains(batch[start:end]):
                answers += self._chain(chain, instant)
            start = end
        return answers

    def _chain(self, legs: Sequence[Transfer], instant: Instant) -> list[Answer]:
        """Book all of *legs* or none; a transfer alone is a chain of one."""
        before = copy.deepcopy((self.books.accounts, self.books.coins))
        is_open = bool(legs[-1].flags & TransferFlag.LINKED)
        answers: list[Answer] = []
        failed, wanted = False, Result.CREATED
        for n, leg in enumerate(legs, start=1):
            if is_open and n == len(legs):
                answer = Answer(Result.LINKED_EVENT_CHAIN_OPEN)
            elif failed:
                answer = Answer(Result.LINKED_EVENT_FAILED)
            else:
                answer = self._check(leg, instant)
                if n == 1 and answer.result is Result.EXISTS:
                    wanted = Result.EXISTS  # sent again: each leg is told so, and nothing is undone
                elif wanted is Result.EXISTS and answer.result is Result.CREATED:
                    answer = Answer(Result.LINKED_EVENT_FAILED)
            if answer.result is not wanted and not failed:
                failed = True
                if wanted is Result.CREATED:
                    self.books.accounts, self.books.coins = before
                    for undone in legs[: len(answers)]:
                        self.ids[undone.id] = undone, Result.LINKED_EVENT_FAILED
                    answers = [Answer(Result.LINKED_EVENT_FAILED)] * len(answers)
                if answer.result is Result.EXISTS and self.ids[leg.id][1] is not Result.CREATED:
                    answer = Answer(Result.ID_ALREADY_FAILED)  # its twin stood earlier in this chain
            if answer.result is Result.CREATED:
                self._book(leg, instant)
            if leg.id:
                self.ids.setdefault(leg.id, (leg, answer.result))
            answers.append(answer)
        return answers

    def _check(self, transfer: Transfer, instant: Instant) -> Answer:
        """Return what would become of *transfer* alone: the first thing that stands in its way."""
        refused = next(self._before_the_law(transfer), None)
        if refused is not None:
            return Answer(refused)
        if transfer.action != BOOK:
            assert self.books.law is not None
            action = MOVES[transfer.action]
            decision = decide(self.books.law, action, self.books.facts_of(transfer, action, instant), instant)
            if not decision.allowed:
                return Answer(Result.REFUSED_BY_LAW, decision.reasons)
        return Answer(next(self._balances(transfer), Result.CREATED))

    def _before_the_law(self, transfer: Transfer) -> Iterator[Result]:
        """Yield what stands in the way: form, id, accounts, orders to freeze."""
        if transfer.flags & ~int(TransferFlag.LINKED):
            yield Result.RESERVED_FLAG
        if transfer.id == 0:
            yield Result.ID_MUST_NOT_BE_ZERO
        if transfer.id in self.ids:
            body, result = self.ids[transfer.id]
            if body != transfer:
                yield Result.EXISTS_WITH_DIFFERENT_FIELDS
            yield Result.EXISTS if result is Result.CREATED else Result.ID_ALREADY_FAILED
        if transfer.action != BOOK and transfer.action not in MOVES:
            yield Result.UNKNOWN_ACTION
        if not 0 < transfer.amount_fen <= MAX_FEN:
            yield Result.AMOUNT_OUT_OF_BOUNDS
        if transfer.debit >= len(self.books.accounts):
            yield Result.DEBIT_ACCOUNT_NOT_FOUND
        if transfer.credit >= len(self.books.accounts):
            yield Result.CREDIT_ACCOUNT_NOT_FOUND
        if transfer.debit == transfer.credit:
            yield Result.ACCOUNTS_MUST_BE_DIFFERENT
        payer, payee = self.books.accounts[transfer.debit], self.books.accounts[transfer.credit]
        if payer.coin != payee.coin:
            yield Result.ACCOUNTS_MUST_HAVE_THE_SAME_COIN
        sides = payer.is_internal, payee.is_internal
        if sides != (transfer.action in (BOOK, ISSUE), transfer.action in (BOOK, REDEEM)):
            yield Result.ACTION_DOES_NOT_FIT_ACCOUNTS
        if AccountFlag.CLOSED in payer.flags:
            yield Result.DEBIT_ACCOUNT_CLOSED
        if AccountFlag.CLOSED in payee.flags:
            yield Result.CREDIT_ACCOUNT_CLOSED
        if any(order.keep_fen is None for order in payer.orders.values()):
            yield Result.DEBIT_ACCOUNT_FROZEN
        if any(not order.may_receive for order in payee.orders.values()):
            yield Result.CREDIT_ACCOUNT_FROZEN
        left = payer.balance - transfer.amount_fen
        if any(order.keep_fen is not None and left < order.keep_fen for order in payer.orders.values()):
            yield Result.EXCEEDS_UNFROZEN_BALANCE

    def _balances(self, transfer: Transfer) -> Iterator[Result]:
        """Yield what stands in the way once the law has allowed it."""
        payer, payee = self.books.accounts[transfer.debit], self.books.accounts[transfer.credit]
        left, comes_to = payer.balance - transfer.amount_fen, payee.balance + transfer.amount_fen
        if AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS in payer.flags and left < 0:
            yield Result.EXCEEDS_CREDITS
        if AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS in payee.flags and comes_to > 0:
            yield Result.EXCEEDS_DEBITS
        issued = self.books.coins[payer.coin].issued + transfer.amount_fen
        if comes_to > MAX_FEN or left < -MAX_FEN or (transfer.action == ISSUE and issued > SUM_MAX):
            yield Result.OVERFLOWS_BALANCE

    def _book(self, transfer: Transfer, instant: Instant) -> None:
        """Move the money, and count it where the law counts."""
        payer, payee = self.books.accounts[transfer.debit], self.books.accounts[transfer.credit]
        payer.balance -= transfer.amount_fen
        payee.balance += transfer.amount_fen
        coin = self.books.coins[payer.coin]
        if transfer.action == ISSUE:
            coin.issued += transfer.amount_fen
        elif transfer.action == REDEEM:
            coin.redeemed += transfer.amount_fen
        for name, counter in self.books.words.counters.items():
            if MOVES.get(transfer.action) in counter.actions:
                by_day = self.books.accounts[payer.person].paid.setdefault(name, {})
                today = self.books.today(payer, instant)
                by_day[today] = by_day.get(today, 0) + transfer.amount_fen


def _chains(batch: Sequence[Transfer]) -> Iterator[Sequence[Transfer]]:
    """Yield the chains of one caller: linked transfers and the one behind them; the last may be open."""
    start = 0
    for n, transfer in enumerate(batch, start=1):
        if not transfer.flags & TransferFlag.LINKED or n == len(batch):
            yield batch[start:n]
            start = n
