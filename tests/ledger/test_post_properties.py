"""What always holds of posting: the kernel means what the plain executor says, and money is conserved.

Worlds and batches are random from a seed; a failure prints it. See `random_worlds.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from jiaozi.clock import Instant, ManualClock
from jiaozi.ledger.facts import Fact, FreezeOrdered, LicenceGranted, TierSet
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.posting.plain import Answer, PlainLedger
from jiaozi.ledger.posting.plain_books import Account, Transfer, in_window
from jiaozi.ledger.posting.supplied import C_FROZEN, C_ISSUING
from jiaozi.ledger.records import ISSUE, NO_DEADLINE, OWN_PERSON, PAY, REDEEM, AccountFlag, Choice, openings
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.machine.kernel import names_of
from tests.ledger.random_worlds import (
    COINS,
    PER_COIN,
    Posting,
    RandomWorld,
    as_array,
    changed,
    enacted,
    instant,
)

BLOCKS = 8
WORLDS_PER_BLOCK = 12
FRAMES = 9


def seeds(block: int) -> Iterator[int]:
    return iter(range(1_000 * block, 1_000 * block + WORLDS_PER_BLOCK))


def founded(world: RandomWorld) -> State:
    state = State()
    state.record(world.facts())
    for opened in world.openings():
        state.check_openings(opened)
        state.open_accounts(opened)
    state.record(world.sheets())
    return state


def founded_twice(seed: int) -> tuple[RandomWorld, State, PlainLedger]:
    """Return the same world in the kernel's arrays and in plain objects."""
    world, plain = RandomWorld(seed), PlainLedger()
    facts = world.facts()
    state = State()
    state.record(facts)
    for fact in facts:
        plain.books.record(fact)
    words = state.words
    for opened in world.openings():
        state.check_openings(opened)
        first = state.open_accounts(opened)
        for number, row in enumerate(opened, start=first):
            person = int(row["person"])
            plain.books.accounts.append(
                Account(
                    coin=COINS[int(row["coin"])][0],
                    zone=words.place_names[row["zone"]],
                    kind=words.word("payer.kind", int(row["kind"])),
                    tier=words.word("payer.tier", int(row["tier"])),
                    flags=AccountFlag(int(row["flags"])),
                    person=number if person == OWN_PERSON else person,
                )
            )
    for fact in world.sheets():
        state.record([fact])
        plain.books.record(fact)
    return world, state, plain


def post(state: State, posting: Posting) -> list[Answer]:
    booked = state.post(as_array(posting.batch), posting.calls, posting.instant, posting.notes)
    state.count(booked, posting.instant)
    amounts = np.where(booked.results == Result.CREATED, booked.as_booked()["amount"], 0)
    return [
        Answer(Result(int(result)), names_of(state.law, bits), int(amount))
        for result, bits, amount in zip(booked.results, booked.bits, amounts, strict=True)
    ]


def check_books(state: State, plain: PlainLedger, instant: Instant) -> None:
    """Compare balances, what is pending, counted sums and supply."""
    for number, account in enumerate(plain.books.accounts):
        record = state.accounts[number]
        assert int(record["balance"]) == account.balance, number
        assert int(record["pending_out"]) == account.pending_out, number
        assert int(record["pending_in"]) == account.pending_in, number
        kept = state.paid_by(number, instant)
        words, paid = state.words, plain.books.accounts[account.person].paid
        today = plain.books.today(account, instant)
        for name in words.counters:
            assert kept[name] == in_window(name, paid.get(name, {}), today), (number, name)
    for coin in plain.books.coins.values():
        known = state.register.coin(coin.id)
        assert (state.issued(known), state.redeemed(known)) == (coin.issued, coin.redeemed)
        assert int(state.coins[known.number, C_ISSUING]) == plain.books.issuing(coin.id)
        assert int(state.coins[known.number, C_FROZEN]) == plain.books.frozen(coin.id)
    assert state.ids_taken == len(plain.ids)
    assert state.horizon_ms == plain.books.horizon_ms
    check_pending(state, plain)


def check_pending(state: State, plain: PlainLedger) -> None:
    open_now = {(int(row["id_hi"]) << 64) | int(row["id_lo"]): row for row in state.pendings.open()}
    assert open_now.keys() == plain.books.pending.keys()
    for number, row in open_now.items():
        pending = plain.books.pending[number]
        assert (int(row["debit"]), int(row["credit"])) == (pending.transfer.debit, pending.transfer.credit)
        assert int(row["amount"]) == pending.transfer.amount_fen
        assert int(row["deadline"]) == (NO_DEADLINE if pending.deadline is None else pending.deadline)


def check_conservation(state: State) -> None:
    for coin in state.register.coins.values():
        mine = state.accounts[state.accounts["coin"] == coin.number]
        assert int(mine["balance"].sum()) == 0, "what one account gave another got"
        held = state.accounts[state.holders_of(coin)]["balance"]
        opened = state.pendings.open()
        reserved = opened[state.accounts["coin"][opened["debit"]] == coin.number]["amount"].sum()
        assert int(mine["pending_out"].sum()) == int(mine["pending_in"].sum()) == int(reserved)
        assert state.issued(coin) - state.redeemed(coin) == int(held.sum())
        assert (held >= 0).all(), "nobody holds less than nothing"
        if coin.sheet is not None:
            sheet = coin.sheet
            liabilities = [sheet.client_money, sheet.unmatched, sheet.redemptions]
            owed = int(state.accounts["balance"][liabilities].sum())
            assert state.reserve_value(coin) == owed + state.coins_outstanding(coin), "the sheet balances"


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_kernel_and_the_plain_executor_give_the_same_answers(block: int) -> None:
    for seed in seeds(block):
        world, state, plain = founded_twice(seed)
        for number, step in enumerate(world.story(FRAMES)):
            if isinstance(step, Posting):
                fast = post(state, step)
                slow = plain.post(step.batch, step.ends, step.instant, step.choices)
                for row, (ours, theirs) in enumerate(zip(fast, slow, strict=True)):
                    assert ours == theirs, f"seed {seed}, step {number}, transfer {row}: {step.batch[row]}"
                check_books(state, plain, step.instant)
                check_conservation(state)
            else:
                state.record(step)
                for fact in step:
                    plain.books.record(fact)


def test_the_random_worlds_reach_every_result_and_book_enough() -> None:
    seen: Counter[Result] = Counter()
    reasons: Counter[str] = Counter()
    for seed in range(150):
        world = RandomWorld(seed)
        state = founded(world)
        for step in world.story(FRAMES):
            if isinstance(step, Posting):
                for answer in post(state, step):
                    seen[answer.result] += 1
                    reasons.update(answer.reasons)
            else:
                state.record(step)
    rare = {Result.EXCEEDS_DEBITS, Result.OVERFLOWS_BALANCE}
    assert set(Result) - set(seen) <= rare
    assert seen[Result.CREATED] > seen.total() / 8
    wanted = {"cn-sh.pay/daily_cap", "cn-sh.pay/single_cap", "cn-sh.issue/supply_cap", "hk.pay/travel_core"}
    assert wanted <= set(reasons), sorted(reasons)


@pytest.mark.parametrize("seed", range(40))
def test_a_failed_chain_changes_nothing_but_that_its_ids_are_spent(seed: int) -> None:
    world = RandomWorld(seed)
    state = founded(world)
    for step in world.story(FRAMES):
        if not isinstance(step, Posting):
            state.record(step)
            continue
        post(state, Posting((), (), step.instant))  # what has timed out is released
        for caller in callers(step):
            before = state.accounts.copy(), state.coins.copy(), state.pendings.open()
            answers = post(state, caller)
            if not any(answer.result is Result.CREATED for answer in answers):
                assert (state.accounts == before[0]).all()
                assert (state.coins[:, :3] == before[1][:, :3]).all()
                assert np.array_equal(state.pendings.open(), before[2])


@pytest.mark.parametrize("seed", range(30))
def test_posting_a_batch_twice_changes_nothing_the_second_time(seed: int) -> None:
    world = RandomWorld(seed)
    state = founded(world)
    for step in world.story(FRAMES):
        if not isinstance(step, Posting):
            state.record(step)
            continue
        first = post(state, step)
        digest = state.digest()
        again = post(state, step)
        assert state.digest() == digest
        assert not any(answer.result is Result.CREATED for answer in again)
        legs = lengths(step)
        for one, two, length in zip(first, again, legs, strict=True):
            if length == 1 and one.result is Result.CREATED:
                assert two.result is Result.EXISTS


@pytest.mark.parametrize("seed", range(30))
def test_a_stream_cut_into_other_batches_ends_in_the_same_state(seed: int) -> None:
    digests = set()
    for cut in (None, 1, 2, 3):
        world = RandomWorld(seed)
        state = founded(world)
        random = Random(cut)
        for step in world.story(FRAMES):
            if not isinstance(step, Posting):
                state.record(step)
                continue
            parts = [step] if cut is None else callers(step)
            if cut is not None and random.random() < 0.5:
                parts = [step]
            for part in parts:
                post(state, part)
        digests.add(state.digest())
    assert len(digests) == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_journal_replays_to_the_same_digest(seed: int, tmp_path: Path) -> None:
    world = RandomWorld(seed)
    clock = ManualClock(instant("2025-07-01T00:00+08:00"))
    with Ledger.open(tmp_path, clock=clock) as ledger:
        ledger.record(*world.facts())
        for opened in world.openings():
            ledger.open_accounts(opened)
        ledger.record(*world.sheets())
        for step in world.story(FRAMES):
            if isinstance(step, Posting):
                clock.set(step.instant)
                waiting = [
                    ledger.submit(as_array(caller.batch), notes=caller.notes, choice=caller.choices[0])
                    for caller in callers(step)
                    if caller.batch
                ]
                for outcome in waiting:
                    outcome.result()
            else:
                ledger.record(*step)
        digest = ledger.at_cut(lambda state, _: state.digest())
        counts = ledger.state.activity
    with Ledger.open(tmp_path, clock=clock) as again:
        assert again.state.digest() == digest
        assert again.state.activity == counts


def test_the_digest_differs_if_anything_differs() -> None:
    def story(change: str) -> str:
        world = RandomWorld(3)
        state = founded(world)
        steps = list(world.story(FRAMES))
        postings = [step for step in steps if isinstance(step, Posting)]
        for step in postings[:2]:
            batch = step.batch
            if change == "a memo" and step is postings[0]:
                batch = (changed(batch[0], memo=1 << 64 | 2), *batch[1:])
            if change == "an id" and step is postings[0]:
                batch = (changed(batch[0], id=batch[0].id + 1), *batch[1:])
            if change == "an amount" and step is postings[0]:
                batch = (changed(batch[0], amount_fen=batch[0].amount_fen - 1), *batch[1:])
            post(state, Posting(batch, step.ends, step.instant))
        fact = changing(change)
        if fact is not None:
            state.record([fact])
        if change == "an account":
            opened = openings(1)
            opened["zone"] = opened["kind"] = 1
            state.open_accounts(opened)
        return state.digest()

    changes = [
        "nothing", "a memo", "an id", "an amount", "a tier", "an order", "a licence", "a law", "an account"
    ]  # fmt: skip
    digests = {change: story(change) for change in changes}
    assert story("nothing") == digests["nothing"]
    assert len(set(digests.values())) == len(changes)


def changing(change: str) -> Fact | None:
    return {
        "a tier": TierSet(4, "t2" if founded(RandomWorld(3)).accounts[4]["tier"] != 2 else "t3"),
        "an order": FreezeOrdered(0, "quiet", "court", True, 0),
        "a licence": LicenceGranted("a", "hk", "9", date(2027, 1, 1)),
        "a law": enacted(1),
    }.get(change)


def lengths(step: Posting) -> list[int]:
    """Return for each transfer how long its chain is."""
    found: list[int] = []
    for caller in callers(step):
        run: int = 0
        for n, leg in enumerate(caller.batch, start=1):
            run += 1
            if not leg.flags & 1 or n == len(caller.batch):
                found += [run] * run
                run = 0
    return found


def callers(step: Posting) -> list[Posting]:
    """Return each caller's transfers as a posting of its own."""
    if not step.ends:
        return [step]
    bounds: Sequence[tuple[int, int]] = list(pairwise([0, *step.ends]))
    choices = step.choices or (Choice.CONTINUE,) * len(bounds)
    return [
        Posting(step.batch[start:end], (end - start,), step.instant, (choice,))
        for (start, end), choice in zip(bounds, choices, strict=True)
    ]


# Sums over many transfers stop where no limit reaches, and never wrap.


def dollar_world() -> State:
    """A Hong Kong dollar coin whose holders may pay any amount, with the largest reserve there is."""
    for seed in range(200):
        world = RandomWorld(seed)
        state = founded(world)
        moment = instant("2027-03-01T10:00+08:00")
        licensed = "hk" in state.register.licences_of("b", state.words, moment)
        base = PER_COIN
        used = state.accounts[base : base + 6]
        usable = (used["zone"] == 3).all() and not (used["flags"] & AccountFlag.CLOSED).any()
        is_not_controlled_there = state.register.controller_zone("b") != "cn"
        if (
            licensed
            and usable
            and is_not_controlled_there
            and state.register.coin("dollar").sheet is not None
        ):
            return state
    raise AssertionError("no such world")


def batch_of(legs: Sequence[tuple[int, int, int, int]], start: int) -> Posting:
    batch = tuple(
        Transfer(start + n, debit, credit, amount, action, 3, 3, 0)
        for n, (debit, credit, amount, action) in enumerate(legs)
    )
    return Posting(batch, (len(batch),), Instant(instant("2027-03-01T10:00+08:00")))


def test_sums_of_the_largest_amounts_stop_and_never_wrap() -> None:
    state = dollar_world()
    reserve, client, redemptions, one, two = (PER_COIN + n for n in (0, 1, 3, 4, 5))
    most = int(MAX_FEN)
    fund = [(reserve, client, most, 0), (client, one, most, ISSUE)]
    assert [answer.result for answer in post(state, batch_of(fund, 1))] == [Result.CREATED] * 2
    back_and_forth = [(one, two, most, PAY), (two, one, most, PAY)] * 100
    answers = post(state, batch_of(back_and_forth, 1_000))
    assert {answer.result for answer in answers} == {Result.CREATED}
    assert int(state.accounts[one]["paid_today"]) == int(state.accounts[one]["paid_this_year"]) == 2**62
    assert state.activity.paid_fen == 200 * most

    around = [
        (one, redemptions, most, REDEEM),
        (redemptions, client, most, 0),
        (client, one, most, ISSUE),
    ] * 60
    results = [answer.result for answer in post(state, batch_of(around, 5_000))]
    assert results.count(Result.CREATED) == 3 * 45 + 2, "2^62 fen hold 46 issues of the largest amount"
    assert Result.OVERFLOWS_BALANCE in results
    check_conservation(state)
