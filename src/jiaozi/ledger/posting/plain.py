"""What posting means, made to be read.

Nothing runs this: `kernel.py` does the work, and `tests/ledger/test_post_properties.py`
holds the two together. Here an account is an object, an id is remembered with its whole
transfer, a window is every payment ever counted in it, and a chain that fails is undone
by going back to a copy. The law is asked through the plain interpreter, in words.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jiaozi.clock import Instant
from jiaozi.ledger.posting.judge import SUM_MAX
from jiaozi.ledger.posting.plain_books import Books, Pending, Transfer
from jiaozi.ledger.records import (
    AS_PENDING,
    BOOK,
    ISSUE,
    MOVES,
    REDEEM,
    WHOLE,
    AccountFlag,
    Choice,
    TransferFlag,
)
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import decide

POST, VOID = TransferFlag.POST_PENDING_TRANSFER, TransferFlag.VOID_PENDING_TRANSFER
BALANCING = TransferFlag.BALANCING_DEBIT | TransferFlag.BALANCING_CREDIT
KNOWN = TransferFlag.LINKED | TransferFlag.PENDING | POST | VOID | BALANCING


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a transfer, the reasons when the law refused it, and how much it moved or reserved."""

    result: Result
    reasons: tuple[str, ...] = ()
    amount_fen: int = 0


class PlainLedger:
    """The books, every id ever taken with its transfer and what became of it, and what is pending."""

    def __init__(self) -> None:
        self.books = Books()
        self.ids: dict[int, tuple[Transfer, Result]] = {}

    def post(
        self,
        batch: Sequence[Transfer],
        ends: Sequence[int],
        instant: Instant,
        choices: Sequence[Choice] = (),
    ) -> list[Answer]:
        """Book *batch* in order and answer each. A caller's transfers end at his number in *ends*."""
        self.books.move_to(instant)
        answers: list[Answer] = []
        start = 0
        for caller, end in enumerate(ends):
            stops = bool(choices) and choices[caller] is Choice.STOP
            has_failed = False
            for chain in _chains(batch[start:end]):
                if has_failed and stops:
                    answers += [Answer(Result.NOT_TRIED)] * len(chain)
                    continue
                found = self._chain(chain, instant)
                has_failed |= any(answer.result not in (Result.CREATED, Result.EXISTS) for answer in found)
                answers += found
            start = end
        return answers

    def _chain(self, legs: Sequence[Transfer], instant: Instant) -> list[Answer]:
        """Book all of *legs* or none; a transfer alone is a chain of one."""
        books = self.books
        before = copy.deepcopy((books.accounts, books.coins, books.pending, books.resolved))
        is_open = bool(legs[-1].flags & TransferFlag.LINKED)
        answers: list[Answer] = []
        failed, wanted = False, Result.CREATED
        for n, leg in enumerate(legs, start=1):
            meant = leg
            if is_open and n == len(legs):
                answer = Answer(Result.LINKED_EVENT_CHAIN_OPEN)
            elif failed:
                answer = Answer(Result.LINKED_EVENT_FAILED)
            else:
                answer, meant = self._check(leg, instant)
                if n == 1 and answer.result is Result.EXISTS:
                    wanted = Result.EXISTS  # sent again: each leg is told so, and nothing is undone
                elif wanted is Result.EXISTS and answer.result is Result.CREATED:
                    answer = Answer(Result.LINKED_EVENT_FAILED)
            if answer.result is not wanted and not failed:
                failed = True
                if wanted is Result.CREATED:
                    books.accounts, books.coins, books.pending, books.resolved = before
                    for undone in legs[: len(answers)]:
                        self.ids[undone.id] = undone, Result.LINKED_EVENT_FAILED
                    answers = [Answer(Result.LINKED_EVENT_FAILED)] * len(answers)
                if answer.result is Result.EXISTS and self.ids[leg.id][1] is not Result.CREATED:
                    answer = Answer(Result.ID_ALREADY_FAILED)  # its twin stood earlier in this chain
            if answer.result is Result.CREATED:
                self._move(meant, instant)
            if leg.id and not books.is_expired(leg.id):
                self.ids.setdefault(leg.id, (leg, answer.result))
            answers.append(answer)
        return answers

    def _check(self, transfer: Transfer, instant: Instant) -> tuple[Answer, Transfer]:
        """Return what would become of *transfer* alone, and the transfer that is meant by it."""
        wrong = next(self._form(transfer), None)
        if wrong is not None:
            return Answer(wrong), transfer
        if transfer.flags & (POST | VOID):
            return self._check_resolving(transfer, instant)
        if transfer.flags & BALANCING:
            transfer = replace(transfer, amount_fen=min(transfer.amount_fen, MAX_FEN))
            refused = next(self._parties(transfer), None) or self._room(transfer)
            if isinstance(refused, Result):
                return Answer(refused), transfer
            transfer = replace(transfer, amount_fen=refused)
        return self._judge(transfer, instant), transfer

    def _form(self, transfer: Transfer) -> Iterator[Result]:
        """Yield what is wrong with *transfer* itself: its flags, its id, and whether that was taken before."""
        flags = transfer.flags
        if flags & ~int(KNOWN) or transfer.unused:
            yield Result.RESERVED_FLAG
        if flags & POST and flags & (VOID | TransferFlag.PENDING | BALANCING):
            yield Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE
        if flags & VOID and flags & (TransferFlag.PENDING | BALANCING):
            yield Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE
        if transfer.id == 0:
            yield Result.ID_MUST_NOT_BE_ZERO
        if self.books.is_expired(transfer.id):
            yield Result.ID_EXPIRED
        if transfer.id in self.ids:
            body, result = self.ids[transfer.id]
            if body != transfer:
                yield Result.EXISTS_WITH_DIFFERENT_FIELDS
            yield Result.EXISTS if result is Result.CREATED else Result.ID_ALREADY_FAILED
        if transfer.timeout and not flags & TransferFlag.PENDING:
            yield Result.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER

    def _check_resolving(self, transfer: Transfer, instant: Instant) -> tuple[Answer, Transfer]:
        """Answer a transfer that posts or voids a pending one, judged as the payment it is."""
        wrong = next(self._naming(transfer), None)
        if wrong is not None:
            return Answer(wrong), transfer
        pending = self.books.pending[transfer.memo]
        amount = transfer.amount_fen
        if transfer.flags & VOID or amount == WHOLE:
            amount = pending.transfer.amount_fen
        sent = pending.transfer
        meant = replace(
            transfer, debit=sent.debit, credit=sent.credit, amount_fen=amount, action=sent.action,
            place=sent.place, travel_data=sent.travel_data,
        )  # fmt: skip
        if transfer.flags & VOID:
            return Answer(Result.CREATED, amount_fen=amount), meant
        self.books.release(self.books.pending.pop(transfer.memo))  # what it holds must not stand in its way
        answer = self._judge(meant, instant)
        self.books.pending[transfer.memo] = pending
        self.books.hold(pending)
        return answer, meant

    def _naming(self, transfer: Transfer) -> Iterator[Result]:
        """Yield why the pending transfer that *transfer* names cannot be posted or voided by it."""
        if transfer.memo == 0:
            yield Result.PENDING_ID_MUST_NOT_BE_ZERO
        if transfer.memo == transfer.id:
            yield Result.PENDING_ID_MUST_BE_DIFFERENT
        pending = self.books.pending.get(transfer.memo)
        if pending is None:
            known = self.ids.get(transfer.memo)
            if self.books.is_expired(transfer.memo) or known is None or known[1] is not Result.CREATED:
                yield Result.PENDING_TRANSFER_NOT_FOUND
            yield self.books.resolved.get(transfer.memo, Result.PENDING_TRANSFER_NOT_PENDING)
            return
        sent = pending.transfer
        if transfer.debit not in (AS_PENDING, sent.debit):
            yield Result.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT
        if transfer.credit not in (AS_PENDING, sent.credit):
            yield Result.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT
        if transfer.flags & VOID:
            if transfer.amount_fen not in (0, WHOLE, sent.amount_fen):
                yield Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
        elif transfer.amount_fen <= 0:
            yield Result.AMOUNT_OUT_OF_BOUNDS
        elif transfer.amount_fen != WHOLE and transfer.amount_fen > sent.amount_fen:
            yield Result.EXCEEDS_PENDING_TRANSFER_AMOUNT

    def _room(self, transfer: Transfer) -> Result | int:
        """Return how much of a balancing *transfer* can move: what the payer has free, the payee room for."""
        payer, payee = self.books.accounts[transfer.debit], self.books.accounts[transfer.credit]
        amount = transfer.amount_fen
        if transfer.flags & TransferFlag.BALANCING_DEBIT:
            amount = min(amount, payer.free - max(0, payer.floor or 0, *payer.keeps))
            if amount <= 0:
                return Result.EXCEEDS_CREDITS
        if transfer.flags & TransferFlag.BALANCING_CREDIT:
            amount = min(amount, (0 if payee.cap is None else payee.cap) - payee.expected)
            if amount <= 0:
                return Result.EXCEEDS_DEBITS
        return amount

    def _judge(self, transfer: Transfer, instant: Instant) -> Answer:
        """Return what stands in the way first: accounts, orders to freeze, the law, and the balance last."""
        refused = next(self._parties(transfer), None) or next(self._orders(transfer), None)
        if refused is not None:
            return Answer(refused)
        if transfer.action != BOOK:
            assert self.books.law is not None
            action = MOVES[transfer.action]
            decision = decide(self.books.law, action, self.books.facts_of(transfer, action, instant), instant)
            if not decision.allowed:
                return Answer(Result.REFUSED_BY_LAW, decision.reasons)
        refused = next(self._balances(transfer), None)
        return Answer(refused) if refused else Answer(Result.CREATED, amount_fen=transfer.amount_fen)

    def _parties(self, transfer: Transfer) -> Iterator[Result]:
        """Yield what stands in the way before any sum is looked at."""
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

    def _orders(self, transfer: Transfer) -> Iterator[Result]:
        payer = self.books.accounts[transfer.debit]
        if any(payer.free - transfer.amount_fen < keep for keep in payer.keeps):
            yield Result.EXCEEDS_UNFROZEN_BALANCE

    def _balances(self, transfer: Transfer) -> Iterator[Result]:
        """Yield what stands in the way once the law has allowed it."""
        payer, payee = self.books.accounts[transfer.debit], self.books.accounts[transfer.credit]
        left, comes_to = payer.free - transfer.amount_fen, payee.expected + transfer.amount_fen
        if AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS in payer.flags and left < 0:
            yield Result.EXCEEDS_CREDITS
        if AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS in payee.flags and comes_to > 0:
            yield Result.EXCEEDS_DEBITS
        if payer.floor is not None and left < payer.floor:
            yield Result.FALLS_BELOW_FLOOR
        if payee.cap is not None and comes_to > payee.cap:
            yield Result.RISES_ABOVE_CAP
        coin = self.books.coins[payer.coin]
        issued = coin.issued + self.books.issuing(payer.coin) + transfer.amount_fen
        if comes_to > MAX_FEN or left < -MAX_FEN or (transfer.action == ISSUE and issued > SUM_MAX):
            yield Result.OVERFLOWS_BALANCE

    def _move(self, meant: Transfer, instant: Instant) -> None:
        """Do what was allowed: reserve, give up a reservation, book."""
        books = self.books
        if meant.flags & TransferFlag.PENDING:
            deadline = instant + meant.timeout * 10**9 if meant.timeout else None
            today = books.today(books.accounts[meant.debit], instant)
            pending = Pending(meant, deadline, today, books.counters(meant))
            books.pending[meant.id] = pending
            books.hold(pending)
            return
        if meant.flags & (POST | VOID):
            books.release(books.pending.pop(meant.memo))
            is_void = bool(meant.flags & VOID)
            books.resolved[meant.memo] = (
                Result.PENDING_TRANSFER_ALREADY_VOIDED if is_void else Result.PENDING_TRANSFER_ALREADY_POSTED
            )
            if is_void:
                return
        self._book(meant, instant)

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
        self.books.count(transfer, self.books.today(payer, instant), self.books.counters(transfer))


def _chains(batch: Sequence[Transfer]) -> Iterator[Sequence[Transfer]]:
    """Yield the chains of one caller: linked transfers and the one behind them; the last may be open."""
    start = 0
    for n, transfer in enumerate(batch, start=1):
        if not transfer.flags & TransferFlag.LINKED or n == len(batch):
            yield batch[start:n]
            start = n
