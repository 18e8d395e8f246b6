"""The three ways of a replay written to be read: objects, dicts, and the law asked in words.

The history is folded by the plain executor of the ledger, which has books of its own: nothing here
reads what the lab recorded. A window is a day, a month or a year of a date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np

from jiaozi.clock import Instant
from jiaozi.lab.replay.law import Tried
from jiaozi.ledger.facts import AccountClosed, AccountReopened, Fact, LawEnacted
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.notes import Note
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.posting.plain import POST, VOID, Answer, PlainLedger
from jiaozi.ledger.posting.plain_books import Account, Pending, Transfer
from jiaozi.ledger.records import BOOK, MOVES, OWN_PERSON, AccountFlag, Choice, TransferFlag
from jiaozi.ledger.restart import prepare
from jiaozi.ledger.results import Result
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.model import Action, Book

Key = tuple[int, int]
"""A transfer: the number of its frame, and its place in it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A transfer of which the law was asked: its facts, what became of it, and what would have without a law."""

    key: Key
    instant: Instant
    action: Action
    facts: Facts
    result: Result
    otherwise: Result
    reasons: tuple[str, ...]
    amount_fen: int
    person: int
    today: date
    law: int
    counters: tuple[str, ...]
    sent: Transfer

    @property
    def was_admitted(self) -> bool:
        return self.result is Result.CREATED


@dataclass(frozen=True, slots=True)
class Freed:
    """A reservation that was voided or ran out: what it took of the sums of its person is given back."""

    pending: int
    person: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What came out otherwise, and why it is refused or was."""

    is_admitted: bool
    amount_fen: int
    reasons: tuple[str, ...]


@dataclass
class _Seen:
    facts: Facts
    otherwise: Result
    person: int
    today: date
    counters: tuple[str, ...]
    meant: Transfer


class PlainReplay(PlainLedger):
    """The plain ledger, which writes down what the law was asked. With *tried*, it asks that law instead."""

    def __init__(self, tried: Tried | None = None) -> None:
        super().__init__()
        self.tried = tried
        self.enacted: list[Book] = []
        self.left_out = 0
        self.seen: dict[int, _Seen] = {}
        self.freed: list[Pending] = []

    def run(self, journal: Path) -> Iterator[tuple[int, Instant, list[Transfer], Booked, list[Answer]]]:
        """Post the journal anew; yield each frame of transfers with what they are answered now."""
        for frame in read_frames(journal):
            content = prepare(frame).content
            if isinstance(content, Booked):
                batch = sent_in(content)
                ends = content.calls["end"].tolist()
                choices = [Choice(choice) for choice in content.calls["choice"].tolist()]
                self.seen, self.freed = {}, []
                answers = self.post(batch, ends, frame.instant, choices)
                yield frame.sequence, frame.instant, batch, content, answers
            elif isinstance(content, np.ndarray):
                self._open(content)
            else:
                for fact in content:
                    self._take(fact)

    def _chain(self, legs: Sequence[Transfer], instant: Instant) -> list[Answer]:
        if len(legs) > 1 or legs[0].flags & TransferFlag.LINKED:
            return super()._chain(legs, instant)
        # A transfer alone undoes nothing, so the books need not be copied for it.
        leg = legs[0]
        answer, meant = self._check(leg, instant)
        if answer.result is Result.CREATED:
            self._move(meant, instant)
        if leg.id and not self.books.is_expired(leg.id):
            self.ids.setdefault(leg.id, (leg, answer.result))
        return [answer]

    def _judge(self, transfer: Transfer, instant: Instant) -> Answer:
        answer = super()._judge(transfer, instant)
        stops = next(self._parties(transfer), None) or next(self._orders(transfer), None)
        if stops is None and transfer.action != BOOK:
            payer = self.books.accounts[transfer.debit]
            self.seen[transfer.id] = _Seen(
                facts=self.books.facts_of(transfer, MOVES[transfer.action], instant),
                otherwise=next(self._balances(transfer), None) or Result.CREATED,
                person=payer.person,
                today=self.books.today(payer, instant),
                counters=self.books.counters(transfer),
                meant=transfer,
            )
        return answer

    def _take(self, fact: Fact) -> None:
        if isinstance(fact, AccountClosed | AccountReopened):
            account = self.books.accounts[fact.account]
            is_closed = AccountFlag.CLOSED in account.flags
            is_empty = not (account.balance or account.pending_out or account.pending_in)
            fits = is_closed if isinstance(fact, AccountReopened) else is_empty and not is_closed
            if not fits:
                self.left_out += 1
                return
        self.books.record(fact)
        if isinstance(fact, LawEnacted):
            assert self.books.law is not None
            self.enacted.append(self.books.law)
            if self.tried is not None:
                self.books.law = self.tried.of(self.books.law)

    def _open(self, opened: np.ndarray) -> None:
        words, coins = self.books.words, list(self.books.coins)
        for row in opened:
            for _ in range(int(row["count"])):
                number = len(self.books.accounts)
                self.books.accounts.append(
                    Account(
                        coin=coins[int(row["coin"])],
                        zone=words.place_names[row["zone"]],
                        kind=words.word("payer.kind", int(row["kind"])),
                        tier=words.word("payer.tier", int(row["tier"])),
                        flags=AccountFlag(int(row["flags"])),
                        person=number if row["person"] == OWN_PERSON else int(row["person"]),
                    )
                )


def sent_in(booked: Booked) -> list[Transfer]:
    """Return the transfers of a frame as they were sent."""
    notes: dict[int, Note] = booked.notes.read() if len(booked.notes) else {}
    rows = {name: booked.batch[name].tolist() for name in booked.batch.dtype.names or ()}
    return [
        Transfer(
            id=rows["id_hi"][n] << 64 | rows["id_lo"][n],
            debit=rows["debit"][n],
            credit=rows["credit"][n],
            amount_fen=rows["amount"][n],
            action=rows["action"][n],
            place=rows["place"][n],
            travel_data=rows["travel_data"][n],
            flags=rows["flags"][n],
            memo=rows["memo_hi"][n] << 64 | rows["memo_lo"][n],
            timeout=rows["timeout"][n],
            unused=rows["unused"][n],
            others=(rows["value_day"][n], rows["purpose"][n], rows["code"][n]),
            note=notes.get(n),
        )
        for n in range(len(booked.batch))
    ]


def history_of(journal: Path) -> tuple[list[Asked | Freed], list[Book]]:
    """Return what the law was asked in the whole history, in order, and the laws that were in force.

    A leg that was undone with its chain is left out: it was refused for another's sake.
    """
    plain = PlainReplay()
    found: list[Asked | Freed] = []
    for sequence, instant, batch, stored, answers in plain.run(journal):
        assert [answer.result for answer in answers] == stored.results.tolist()
        for row in stored.released:
            found.append(Freed(_id(row["id_hi"], row["id_lo"]), plain.books.accounts[row["debit"]].person))
        for row, (sent, answer) in enumerate(zip(batch, answers, strict=True)):
            seen = plain.seen.pop(sent.id, None)  # the first with its id, for others are not judged
            if sent.flags & VOID and answer.result is Result.CREATED:
                debit = plain.ids[sent.memo][0].debit
                found.append(Freed(sent.memo, plain.books.accounts[debit].person))
            if seen is None or answer.result not in _ASKED:
                continue
            found.append(
                Asked(
                    key=(sequence, row),
                    instant=instant,
                    action=MOVES[seen.meant.action],
                    facts=seen.facts,
                    result=answer.result,
                    otherwise=seen.otherwise,
                    reasons=answer.reasons,
                    amount_fen=seen.meant.amount_fen,
                    person=seen.person,
                    today=seen.today,
                    law=len(plain.enacted) - 1,
                    counters=seen.counters,
                    sent=sent,
                )
            )
    return found, plain.enacted


_ASKED = {
    Result.CREATED,
    Result.REFUSED_BY_LAW,
    Result.EXCEEDS_CREDITS,
    Result.EXCEEDS_DEBITS,
    Result.FALLS_BELOW_FLOOR,
    Result.RISES_ABOVE_CAP,
    Result.OVERFLOWS_BALANCE,
}
"""What may become of a transfer once the law was asked, unless it is undone with its chain."""


def _id(high: int, low: int) -> int:
    return int(high) << 64 | int(low)


def as_it_happened(history: Sequence[Asked | Freed], books: Sequence[Book]) -> dict[Key, Changed]:
    """Decide every payment on its own under *books*, one for each law of the history."""
    changed = {}
    for asked in history:
        if isinstance(asked, Asked):
            decision = decide(books[asked.law], asked.action, asked.facts, asked.instant)
            is_admitted = decision.allowed and asked.otherwise is Result.CREATED
            if is_admitted != asked.was_admitted:
                changed[asked.key] = _changed(asked, is_admitted, decision.reasons)
    return changed


@dataclass
class _Sums:
    """By how much the sums of one person are off, by the day, month or year they belong to."""

    off: dict[tuple[str, object], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, counters: tuple[str, ...], day: date, amount: int) -> None:
        for name in counters:
            self.off[name, _window(name, day)] += amount

    def at(self, name: str, day: date) -> int:
        return self.off[name, _window(name, day)]


def _window(name: str, day: date) -> object:
    return {"today": day, "month": (day.year, day.month), "year": day.year}[name.rpartition("_")[2]]


@dataclass
class _Held:
    """What a reservation takes of the sums: in the history, and under the law that is tried."""

    counters: tuple[str, ...]
    day: date
    amount: int
    is_held_then: bool
    is_held_now: bool

    def off(self) -> int:
        return self.amount * (self.is_held_now - self.is_held_then)


def sums_follow(history: Sequence[Asked | Freed], books: Sequence[Book]) -> dict[Key, Changed]:
    """Decide in order, and let what a person has paid be what is admitted now.

    To post a reservation that is refused now is refused as well: there is none.
    """
    sums: dict[int, _Sums] = defaultdict(_Sums)
    held: dict[int, _Held] = {}
    changed = {}
    for asked in history:
        mine = sums[asked.person]
        if isinstance(asked, Freed):
            if (gone := held.pop(asked.pending, None)) is not None:
                mine.add(gone.counters, gone.day, -gone.off())
            continue
        book = books[asked.law]
        counters = tuple(
            name for name, counter in book.vocabulary.counters.items() if asked.action in counter.actions
        )
        posted = held.get(asked.sent.memo) if asked.sent.flags & POST else None
        if posted is not None:  # what it holds itself is set aside
            mine.add(posted.counters, posted.day, -posted.off())
        facts = dict(asked.facts)
        for name in ("payer.paid_today", "payer.paid_this_month", "payer.paid_this_year"):
            facts[name] = int(str(facts[name])) + mine.at(name, asked.today)
        decision = decide(book, asked.action, facts, asked.instant)
        is_there = posted is None or posted.is_held_now
        is_admitted = decision.allowed and asked.otherwise is Result.CREATED and is_there
        if is_admitted != asked.was_admitted:
            changed[asked.key] = _changed(asked, is_admitted, decision.reasons)
        if asked.sent.flags & TransferFlag.PENDING:
            held[asked.sent.id] = _Held(
                counters, asked.today, asked.amount_fen, asked.was_admitted, is_admitted
            )
            mine.add(counters, asked.today, held[asked.sent.id].off())
            continue
        mine.add(counters, asked.today, asked.amount_fen * (is_admitted - asked.was_admitted))
        if posted is not None:
            posted.is_held_then &= not asked.was_admitted
            posted.is_held_now &= not is_admitted
            mine.add(posted.counters, posted.day, posted.off())
    return changed


def money_follows(journal: Path, tried: Tried) -> tuple[dict[Key, Changed], PlainReplay]:
    """Run the plain ledger under *tried* from the first frame; return what changed, and the ledger at the end."""
    plain = PlainReplay(tried)
    changed = {}
    for sequence, _, batch, stored, answers in plain.run(journal):
        old = replace(stored, batch=stored.batch).as_booked()
        for row, (sent, answer) in enumerate(zip(batch, answers, strict=True)):
            was, now = stored.results[row] == Result.CREATED, answer.result is Result.CREATED
            if was == now:
                continue
            action = int(old[row]["action"])
            if now and sent.flags & (POST | VOID):
                action = plain.ids[sent.memo][0].action
            if action == BOOK:
                continue
            amount = answer.amount_fen if now else int(old[row]["amount"])
            reasons = answer.reasons or (f"ledger.{answer.result.name.lower()}",)
            changed[sequence, row] = Changed(now, amount, () if now else reasons)
    return changed, plain


def _changed(asked: Asked, is_admitted: bool, reasons: tuple[str, ...]) -> Changed:
    return Changed(is_admitted, asked.amount_fen, asked.reasons if is_admitted else reasons)
