"""Random worlds and random batches, for the properties of posting: a seed gives a world and its story.

A world has three issuers and coins, with and without licences, consents, caps and
reserves, holders of every kind in every place, wallets that share a person, closed and
frozen accounts. A story is a row of frames: facts, or transfers of several callers,
most of them sensible and many of them not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, instant_of
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    Fact,
    FreezeLifted,
    FreezeOrdered,
    IdWindowSet,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    LimitSet,
    SheetNamed,
    TierSet,
)
from jiaozi.ledger.notes import Note, Notes
from jiaozi.ledger.posting.plain_books import Transfer
from jiaozi.ledger.records import (
    AS_PENDING,
    BOOK,
    CALL,
    ISSUE,
    OWN_PERSON,
    PAY,
    REDEEM,
    WHOLE,
    AccountFlag,
    Choice,
    TransferFlag,
    Transfers,
    openings,
    transfers,
)
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, read_folder

LINKED = int(TransferFlag.LINKED)
PENDING = int(TransferFlag.PENDING)
NO_OVERDRAFT = AccountFlag.DEBITS_MUST_NOT_EXCEED_CREDITS
SHEET = (
    AccountFlag.INTERNAL | AccountFlag.CREDITS_MUST_NOT_EXCEED_DEBITS,
    AccountFlag.INTERNAL | NO_OVERDRAFT,
    AccountFlag.INTERNAL,
    AccountFlag.INTERNAL | NO_OVERDRAFT,
)

COINS = (("yuan", "a", "CNY"), ("dollar", "b", "HKD"), ("second-yuan", "c", "CNY"))
HOLDERS_PER_COIN = 6
PER_COIN = len(SHEET) + HOLDERS_PER_COIN

EDGES = (
    "2025-07-31T23:59:59.999999+08:00",
    "2025-08-01T00:00+08:00",
    "2026-02-05T23:59:59.999999+08:00",
    "2026-02-06T00:00+08:00",
    "2026-11-30T23:59:59.999999+08:00",
    "2026-12-01T00:00+08:00",
    "2026-12-31T23:59:59.999999+08:00",
    "2027-01-01T00:00+08:00",
    "2028-11-30T23:59:59.999999+08:00",
    "2028-12-01T00:00+08:00",
    "2029-06-01T00:00+08:00",
)
AMOUNTS = (
    1,
    99,
    50_00,
    100_00,
    500_00,
    2_000_00,
    2_000_01,
    4_999_99,
    5_000_00,
    5_000_01,
    8_000_00,
    10_000_00,
    20_000_00,
)
ODD_AMOUNTS = (0, -1, MAX_FEN, MAX_FEN + 1, 2**63 - 1, -(2**63))


def instant(text: str) -> Instant:
    return instant_of(datetime.fromisoformat(text))


@dataclass(frozen=True, slots=True)
class Posting:
    """A frame of transfers: several callers' batches merged."""

    batch: tuple[Transfer, ...]
    ends: tuple[int, ...]
    instant: Instant
    choices: tuple[Choice, ...] = ()

    @property
    def calls(self) -> NDArray[np.void]:
        calls = np.zeros(len(self.ends), dtype=CALL)
        calls["end"] = self.ends
        if self.choices:
            calls["choice"] = self.choices
        return calls

    @property
    def notes(self) -> Notes:
        return Notes.of({row: sent.note for row, sent in enumerate(self.batch) if sent.note is not None})


NUMBER_FACTS = "".join(
    f"""
[[fact]]
id    = "payer.payments_{window}"
type  = "number"
unit  = "count"
title = {{ en = "how many payments the payer made {window}", zh = "付款人的付款笔数 {window}" }}
"""
    for window in ("today", "this_month", "this_year")
)
NUMBER_COUNTERS = "".join(
    f"""
[[counter]]
id      = "payer.payments_{window}"
sum     = "payments"
by      = "payer"
window  = "calendar {period}"
actions = ["pay"{more}]
"""
    for window, period, more in (
        ("today", "day", ""),
        ("this_month", "month", ""),
        ("this_year", "year", ', "redeem"'),
    )
)
NUMBER_NEEDS = "".join(
    f"""{name} = {{ if = "{condition}", cite = "sh-pilot art 7(3)", title = {{ en = "{name}", zh = "{name}" }} }}
"""
    for name, condition in (
        ("few_today", "payer.payments_today < 3"),
        ("few_this_month", "payer.payments_this_month < 5"),
        ("few_this_year", "payer.payments_this_year < 9"),
        ("month_cap", "payer.paid_this_month + payment.amount <= limit.year[payer.tier]"),
    )
)


@cache
def law(variant: int) -> Book:
    """Return the law shipped with the Shanghai draft; later variants lower its limits, odd ones count payments.

    Variant 1 asks no backing of coins that are frozen.
    """
    texts = dict(read_folder(drafts=["cn-sh"]).texts)
    texts["facts.toml"] += NUMBER_FACTS
    if variant != 2:
        texts["facts.toml"] += NUMBER_COUNTERS
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace(
            "annual_cap      =", NUMBER_NEEDS + "annual_cap      ="
        )
    if variant == 1:
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t3 = 5_000,", "t3 = 4_000,")
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace("t4 = 5_000 ", "t4 = 3_000 ")
        hold = "issuer.reserve_value >= issuer.coins_outstanding"
        assert texts["cn-sh.toml"].count(hold) == 1
        texts["cn-sh.toml"] = texts["cn-sh.toml"].replace(hold, f"{hold} - issuer.coins_frozen")
    return read(texts, drafts=["cn-sh"])


def enacted(variant: int = 0) -> LawEnacted:
    book = law(variant)
    return LawEnacted(dict(book.texts), list(book.drafts), book.digest.hex())


class RandomWorld:
    """What is in the world, and the story that befalls it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.sent: list[Transfer] = []
        self.pending: list[Transfer] = []
        self.now = instant("2025-07-01T00:00+08:00")
        self.words = law(0).vocabulary
        self.standing: list[tuple[int, str]] = []
        self.orders = 0
        self.is_unbacked = self.random.random() < 0.2

    def facts(self) -> list[Fact]:
        """Return who and what there is before any account is opened."""
        pick, chance = self.random.choice, self.random.random
        facts: list[Fact] = [enacted()]
        homes = {"a": "cn-sh", "b": "hk", "c": pick(["cn-sh", "cn-sh", "cn", "hk"])}
        controllers = ["", "", "cn", "hk"]
        facts += [IssuerRegistered(issuer, zone, pick(controllers)) for issuer, zone in homes.items()]
        facts += [CoinCreated(coin, issuer, peg) for coin, issuer, peg in COINS]
        starts = [date(2025, 8, 1), date(2026, 12, 1), date(2027, 1, 1)]
        ends = [None, None, date(2027, 1, 1), date(2028, 12, 1)]
        for issuer, home in homes.items():
            for place in {home, pick(["cn-sh", "hk"])}:
                since = starts[0] if chance() < 0.8 else pick(starts)
                if chance() < 0.95:
                    facts.append(LicenceGranted(issuer, place, "1", since, _after(ends, self.random)))
        for coin, issuer, _ in COINS:
            for n in range(self.random.randrange(4)):
                actions = pick([["issue"], ["issue", "pay", "redeem"], ["redeem"]])
                places = pick([["cn-sh"], ["hk"], ["cn", "cn-sh", "hk"]])
                cap = pick([None, 0, 30_000_00, 10**12, int(MAX_FEN)])
                authority = pick(["cn", "cn", "hk"])
                facts.append(
                    ConsentGranted(
                        issuer, authority, f"{n}", actions, coin, places, cap, pick(starts),
                        _after(ends, self.random),
                    )
                )  # fmt: skip
            if coin == "yuan":
                since = date(2026, 12, 1)
                facts.append(ConsentGranted(issuer, "cn", "x", ["issue"], coin, ["cn-sh"], 10**13, since))
        return facts

    def openings(self) -> list[NDArray[np.void]]:
        """Return the accounts: for each coin its issuer's sheet, then its holders; wallets of others last."""
        first = openings(len(COINS) * PER_COIN)
        for coin, (_, _, peg) in enumerate(COINS):
            for n in range(PER_COIN):
                row = first[coin * PER_COIN + n]
                row["coin"] = coin
                row["zone"] = self.random.choice([3] * 12 + [2] if peg == "HKD" else [2] * 12 + [1, 3])
                if n < len(SHEET):
                    row["zone"] = 3 if peg == "HKD" else 2
                    row["kind"], row["flags"] = self.words.code("payer.kind", "issuer"), SHEET[n]
                    continue
                row["kind"] = self.random.choice([1, 1, 1, 1, 2, 2, 3, 5])
                row["tier"] = self.random.choice([0, 1, 1, 1, 2, 2, 3, 3, 4, 4])
                if self.random.random() < 0.05:
                    row["flags"] |= AccountFlag.CLOSED
        more = openings(6)
        for n, row in enumerate(more):
            coin = n % len(COINS)
            row["coin"], row["kind"] = coin, 1
            row["zone"] = self.random.choice([3, 3, 2] if COINS[coin][2] == "HKD" else [2, 2, 3])
            row["tier"] = self.random.choice([2, 3, 4])
            persons = [self.holder(other) for other in range(len(COINS)) if COINS[other][2] == COINS[coin][2]]
            row["person"] = self.random.choice([*persons, OWN_PERSON])
        return [first, more]

    @property
    def accounts(self) -> int:
        return len(COINS) * PER_COIN + 6

    def sheets(self) -> list[Fact]:
        coins = range(len(COINS) - self.is_unbacked)
        return [SheetNamed(COINS[c][0], *range(c * PER_COIN, c * PER_COIN + 4)) for c in coins]

    def story(self, frames: int) -> Iterator[list[Fact] | Posting]:
        """Yield facts and postings, in order of time."""
        moments = [instant(text) for text in self.random.sample(EDGES, 3)]
        for _ in range(frames):
            start = instant("2026-12-30T20:00+08:00") if self.random.random() < 0.7 else moments[0]
            moments.append(Instant(start + self.random.randrange(3 * 86_400) * 10**9))
        moments.sort()
        self.now = moments[0]
        yield Posting(*self._funding(), moments[len(moments) // 3])
        for moment in moments[len(moments) // 3 :]:
            self.now = moment
            if self.random.random() < 0.5:
                yield self._more_facts()
            batch, ends = self._callers()
            yield Posting(batch, ends, moment, tuple(Choice(self.random.random() < 0.2) for _ in ends))
            if self.random.random() < 0.1:
                yield Posting((), (), moment)

    def holder(self, coin: int) -> int:
        return coin * PER_COIN + len(SHEET) + self.random.randrange(HOLDERS_PER_COIN)

    def _more_facts(self) -> list[Fact]:
        roll = self.random.random()
        account = self.random.randrange(self.accounts)
        if roll < 0.1:
            return [enacted(variant=self.random.randrange(3))]
        if roll < 0.2:
            return [TierSet(account, self.random.choice(self.words.tiers))]
        if roll < 0.23:
            return [IdWindowSet(self.random.choice([None, 3_600, 86_400]))]
        if roll < 0.4:
            floor, cap = self.random.choice(
                [(None, None), (1_000_00, None), (4_000_00, 40_000_00), (None, 9_000_00)]
            )
            return [LimitSet(self.holder(n), floor, cap, "desk") for n in range(len(COINS))]
        if roll < 0.5 and self.standing:
            account, order = self.standing.pop(self.random.randrange(len(self.standing)))
            return [FreezeLifted(account, order, "lifted")]
        self.orders += 1
        order = f"order {self.orders}"
        self.standing.append((account, order))
        keep = self.random.choice([None, 0, 1_000_00, 5_000_00, int(MAX_FEN)])
        return [FreezeOrdered(account, order, "court", self.random.random() < 0.6, keep)]

    def _funding(self) -> tuple[tuple[Transfer, ...], tuple[int, ...]]:
        """Return money in for every coin, and coins for its holders."""
        batch: list[Transfer] = []
        for coin in range(len(COINS)):
            sheet, place = coin * PER_COIN, 3 if COINS[coin][2] == "HKD" else 2
            batch.append(self._transfer(sheet, sheet + 1, 10**10, BOOK, place=place))
            for n in range(HOLDERS_PER_COIN):
                amount = self.random.choice([2_000_00, 9_000_00, 50_000_00])
                batch.append(self._transfer(sheet + 1, sheet + 4 + n, amount, ISSUE, place=place))
        self.sent += batch
        return tuple(batch), (len(batch),)

    def _callers(self) -> tuple[tuple[Transfer, ...], tuple[int, ...]]:
        batch: list[Transfer] = []
        ends = []
        for _ in range(self.random.randint(1, 3)):
            for _ in range(self.random.randint(1, 4)):
                batch += self._chain()
            ends.append(len(batch))
        return tuple(batch), tuple(ends)

    def _chain(self) -> list[Transfer]:
        length = self.random.choice([1] * 8 + [2, 2, 3, 5])
        if self.random.random() < 0.1 and len(self.sent) > length:
            start = self.random.randrange(len(self.sent) - length)
            return self.sent[start : start + length]  # sent again, whole or torn out of its chain
        legs = [self._any(LINKED if n + 1 < length else 0) for n in range(length)]
        if self.random.random() < 0.05:
            legs[-1] = changed(legs[-1], flags=LINKED)  # open, if it ends its caller's transfers
        self.sent += legs
        return legs

    def _any(self, flags: int) -> Transfer:
        """Return a payment, a reservation, the posting or voiding of one, or a balancing transfer."""
        pick, chance = self.random.choice, self.random.random
        roll = chance()
        if roll < 0.2 and self.pending:
            return self._resolving(flags)
        leg = self._leg(flags)
        if roll < 0.45:
            leg = changed(leg, flags=leg.flags | PENDING, timeout=pick([0, 0, 1, 3_600, 86_400, 2**32 - 1]))
        if 0.4 < roll < 0.55:
            leg = changed(
                leg, flags=leg.flags | pick([1 << 4, 1 << 5, 3 << 4]), amount_fen=pick([WHOLE, 500_00])
            )
        if leg.flags & PENDING:
            self.pending.append(leg)
        return leg

    def _resolving(self, flags: int) -> Transfer:
        """Return a transfer that posts or voids a pending one, mostly as it should."""
        pick, chance = self.random.choice, self.random.random
        pending = pick(self.pending[-4:])
        which = pick([1 << 2, 1 << 2, 1 << 3])
        sent = self._transfer(AS_PENDING, AS_PENDING, WHOLE, 0, place=0, flags=flags | which, memo=pending.id)
        if chance() < 0.4:
            amounts = [pending.amount_fen, pending.amount_fen // 2, min(pending.amount_fen + 1, WHOLE), 0, -1]
            sent = changed(sent, amount_fen=pick(amounts))
        if chance() < 0.2:
            debit = pick([pending.debit, pending.debit, pending.credit])
            sent = changed(sent, debit=debit, credit=pick([pending.credit, pending.debit, 0]))
        odd = chance()
        if odd < 0.03:
            return changed(sent, memo=pick([0, sent.id, self.random.getrandbits(128)]))
        if odd < 0.06 and self.sent:
            return changed(sent, memo=pick(self.sent).id)
        if odd < 0.08:
            return changed(sent, flags=sent.flags | pick([PENDING, 1 << 2 | 1 << 3, 1 << 4]))
        return sent

    def _leg(self, flags: int) -> Transfer:
        pick, chance = self.random.choice, self.random.random
        coin = pick([0, 0, 0, 1, 1, 1, 2])
        sheet, holder, other = coin * PER_COIN, self.holder(coin), self.holder(coin)
        action = pick([PAY] * 5 + [ISSUE, REDEEM, BOOK])
        debit, credit = {
            PAY: (holder, other),
            ISSUE: (sheet + 1, other),
            REDEEM: (holder, sheet + 3),
            BOOK: (sheet + pick([0, 1, 2, 3]), sheet + pick([0, 1, 2, 3])),
        }[action]
        extra = len(COINS) * PER_COIN + coin + 3 * self.random.randrange(2)
        if action == PAY and chance() < 0.3:
            debit, credit = pick([(extra, credit), (debit, extra)])
        if chance() < 0.05:
            debit = pick([credit, self.random.randrange(self.accounts), self.accounts, 2**32 - 1])
        if chance() < 0.05:
            credit = pick([self.random.randrange(self.accounts), self.accounts, 2**32 - 1])
        amount = pick(AMOUNTS) if chance() < 0.7 else self.random.randint(1, 3_000_00)
        place = 3 if COINS[coin][2] == "HKD" else 2
        leg = self._transfer(debit, credit, amount, action, place=place, flags=flags)
        odd = chance()
        if odd < 0.02:
            return changed(leg, amount_fen=pick(ODD_AMOUNTS))
        if odd < 0.04:
            return changed(leg, action=pick([4, 255]))
        if odd < 0.07:
            return changed(leg, place=pick([0, 1, 2, 3, 4, 200]))
        if odd < 0.08:
            return pick(
                [changed(leg, flags=flags | 1 << 15), changed(leg, unused=1), changed(leg, timeout=1)]
            )
        if odd < 0.09:
            return changed(leg, id=0)
        if odd < 0.13 and self.sent:
            known = pick(self.sent)
            noted = changed(known, note=Note(reason="another"))
            return pick([known, changed(leg, id=known.id), changed(known, others=(9, 0, 0)), noted])
        return leg

    def _transfer(
        self,
        debit: int,
        credit: int,
        amount_fen: int,
        action: int,
        *,
        place: int,
        flags: int = 0,
        memo: int = -1,
    ) -> Transfer:
        random = self.random
        return Transfer(
            self._id(), debit, credit, amount_fen, action, place,
            random.choice([0, 1, 2, 4, 200] + [3] * 15), flags,
            memo=random.getrandbits(random.choice([0, 64, 128])) if memo < 0 else memo,
            others=(random.choice([0, 9_000]), 0, 0),
            note=Note(text="rent", purpose="SALA") if random.random() < 0.05 else None,
        )  # fmt: skip

    def _id(self) -> int:
        """Return a new id: half of them time-ordered, and a few of those from long ago."""
        random = self.random
        if random.random() < 0.5:
            past = random.choice([0, 0, 0, 0, 0, 0, 3_000, 7_200, 90_000])
            ms = self.now // 10**6 - 1_000 * past
            return ms << 80 | 7 << 76 | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)
        number = random.choice(
            [random.getrandbits(128), random.getrandbits(64), random.getrandbits(64) << 64]
        )
        return number or 1


def changed(transfer: Transfer, **fields: object) -> Transfer:
    """Return *transfer* with other *fields*."""
    known: dict[str, Any] = {name: getattr(transfer, name) for name in Transfer.__slots__}
    return Transfer(**known | fields)


def _after(ends: Sequence[date | None], random: Random) -> date | None:
    end = random.choice(ends)
    return None if end is not None and end <= date(2027, 1, 1) else end


def as_array(batch: Sequence[Transfer]) -> Transfers:
    """Return *batch* as the kernel reads it."""
    array = transfers(len(batch))
    for row, sent in zip(array, batch, strict=True):
        row["id_lo"], row["id_hi"] = sent.id & (2**64 - 1), sent.id >> 64
        row["debit"], row["credit"], row["amount"] = sent.debit, sent.credit, sent.amount_fen
        row["action"], row["place"], row["travel_data"] = sent.action, sent.place, sent.travel_data
        row["flags"], row["timeout"], row["unused"] = sent.flags, sent.timeout, sent.unused
        row["memo_lo"], row["memo_hi"] = sent.memo & (2**64 - 1), sent.memo >> 64
        if sent.others:
            row["value_day"], row["purpose"], row["code"] = sent.others
    return array
