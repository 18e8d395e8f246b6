"""Step 5: ten thousand holders and a hundred thousand payments, with the law inline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from jiaozi.clock import NS_PER_SECOND, Instant, ManualClock
from jiaozi.lab.population import Day, Population, payments, people, summary
from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.ledger import MAX_BATCH, Outcome
from jiaozi.ledger.records import PAY, Transfers, openings, transfers
from jiaozi.ledger.results import WORDS, Result
from jiaozi.money import format_fen
from jiaozi.office import Office
from jiaozi.people.parties import Party
from jiaozi.pilot import cast
from jiaozi.pilot.tell import Teller
from jiaozi.rulebook.telling.explain import label

HOLDERS, PAYMENTS, SEED = 10_000, 100_000, 20_261_215
OPENING_HOUR = 8
FRAME_SECONDS = 300
IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class Crowd:
    """The holders that were opened: the account of row *n* of the population is `first + n`."""

    population: Population
    first: int


def open_crowd(office: Office, teller: Teller) -> Crowd:
    """Open the holders and load their wallets from the firms that bought the coins."""
    population = people(HOLDERS, SEED)
    opened = openings(HOLDERS)
    opened["coin"] = office.ledger.state.register.coin(cast.COIN).number
    opened["zone"] = office.book.vocabulary.place_codes[cast.ZONE]
    opened["kind"], opened["tier"] = population.kind, population.tier
    first = office.ledger.open_accounts(opened)
    office.parties.add(
        Party(first + row, name, f"6200-EXAMPLE-{first + row:06d}")
        for row, name in enumerate(population.names)
    )
    teller.say(f"{HOLDERS:,} holders from seed {SEED}: {summary(population)}.")
    return Crowd(population, first)


def load_wallets(office: Office, crowd: Crowd) -> int:
    """Let the firms pay every wallet its load, each as it has coins; return how many were refused."""
    firms = [office.parties.search(name)[0].account for name in cast.DISTRIBUTORS]
    random = np.random.default_rng([SEED, 3])
    shares = np.array(cast.ORDERS_FEN) / sum(cast.ORDERS_FEN)
    batch = transfers(HOLDERS)
    give_ids(batch, office.clock(), random)
    batch["debit"] = random.choice(firms, size=HOLDERS, p=shares)
    batch["credit"] = crowd.first + np.arange(HOLDERS)
    batch["amount"] = crowd.population.load_fen
    batch["action"], batch["place"] = PAY, office.book.vocabulary.place_codes[cast.ZONE]
    outcomes = [office.ledger.post(part) for part in _parts(batch)]
    return HOLDERS - sum(outcome.created for outcome in outcomes)


def pay_all_day(office: Office, clock: ManualClock, teller: Teller) -> Crowd:
    """Step 5. Post the day in the order of its seconds; print what was refused and why."""
    teller.step("Payments")
    crowd = open_crowd(office, teller)
    refused_loads = load_wallets(office, crowd)
    teller.say(
        f"The firms load the wallets; {refused_loads:,} loads are refused: visitors are not admitted, or a cap."
    )
    before = _counts(office)
    day = payments(crowd.population, PAYMENTS, SEED, from_hour=OPENING_HOUR)
    batches = _batches(office, crowd, day)

    start = time.perf_counter()
    with teller.bar("payments", PAYMENTS) as done:
        accepted = sum(_post(office, batches, done))
    seconds = time.perf_counter() - start
    clock.set(cast.at(cast.DRAFT_DAY, "23:59"))

    teller.say(
        f"{PAYMENTS:,} payments in {seconds:.2f} s, {PAYMENTS / seconds:,.0f} a second, "
        "each asked of the law and on disk before its answer."
    )
    teller.say(f"{accepted:,} accepted, {PAYMENTS - accepted:,} refused:")
    now = _counts(office)
    reasons, results = now[0] - before[0], now[1] - before[1]
    for name, count in reasons.most_common():
        words = label(office.book, name)
        mark = " [DRAFT]" if words.is_draft else ""
        teller.say(f"  {count:>7,}  {name}: {words.title['en']}   {words.cite}{mark}")
    for result, count in results.most_common():
        if result not in (Result.CREATED, Result.REFUSED_BY_LAW):
            teller.say(f"  {count:>7,}  {WORDS[result]['en']}")
    teller.say(f"Coins outstanding: {format_fen(office.overview(cast.COIN).outstanding, 'CNY')}.")
    teller.figure("payments", PAYMENTS)
    teller.figure("accepted", accepted)
    teller.figure("payments_per_second", PAYMENTS / seconds)
    return crowd


def _counts(office: Office) -> tuple[Counter[str], Counter[Result]]:
    """Return how often each reason and each result was given so far."""
    return office.ledger.at_cut(
        lambda state, _: (Counter(state.activity.reasons), Counter(state.activity.results))
    )


def _batches(office: Office, crowd: Crowd, day: Day) -> list[tuple[Instant, Transfers]]:
    """Cut the day into pieces of five minutes; every batch carries the instant at which it came in."""
    midnight = cast.at(cast.DRAFT_DAY, "00:00")
    random = np.random.default_rng([SEED, 4])
    edges = np.arange(0, 24 * 3_600 + 1, FRAME_SECONDS)
    rows = np.searchsorted(day.second, edges)
    found = []
    for second, first, last in zip(edges[:-1].tolist(), rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        instant = Instant(midnight + second * NS_PER_SECOND)
        batch = transfers(last - first)
        give_ids(batch, instant, random)
        batch["debit"] = crowd.first + day.payer[first:last]
        batch["credit"] = crowd.first + day.payee[first:last]
        batch["amount"] = day.amount_fen[first:last]
        batch["action"], batch["place"] = PAY, office.book.vocabulary.place_codes[cast.ZONE]
        found += [(instant, part) for part in _parts(batch)]
    return found


def _post(office: Office, batches: list[tuple[Instant, Transfers]], done: Callable[[int], None]) -> list[int]:
    """Post with a few batches on their way at once; return how many of each were booked."""
    waiting: list[Future[Outcome]] = []
    created: list[int] = []

    def settle() -> None:
        outcome = waiting.pop(0).result()
        created.append(outcome.created)
        done(len(outcome.results))

    for instant, batch in batches:
        waiting.append(office.ledger.submit(batch, at=instant))
        if len(waiting) > IN_FLIGHT:
            settle()
    while waiting:
        settle()
    return created


def _parts(batch: Transfers) -> list[Transfers]:
    return [batch[start : start + MAX_BATCH] for start in range(0, len(batch), MAX_BATCH)]
