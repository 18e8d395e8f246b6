"""Anything that can be done to a ledger, in any order: the real one and the plain one stay the same.

Hypothesis chooses the steps and takes away those that a failure does not need. `make torture` runs it for
as many examples as `JIAOZI_TORTURE` has hundreds, with a line in the log now and then.
"""

from __future__ import annotations

import time
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jiaozi.ledger.records import WHOLE, Choice
from tests.ledger.faults.rounds import TORTURE, log
from tests.ledger.machine_world import Leg, Pair
from tests.ledger.random_worlds import Posting

EXAMPLES = max(30, TORTURE // 100)
STEPS = 50
SEEDS = some.integers(0, 2**32 - 1)
TIMEOUTS = some.sampled_from([0, 1, 3_600, 86_400])
LEGS = some.builds(
    Leg,
    coin=some.integers(0, 2),
    payer=some.integers(0, 5),
    payee=some.integers(0, 5),
    amount_fen=some.sampled_from([1, 50_00, 100_00, 500_00, 2_000_00, 5_000_00, 9_000_00]),
    timeout=some.one_of(some.none(), TIMEOUTS),
)
_number, _began = count(1), time.monotonic()


class TwoLedgers(RuleBasedStateMachine):
    """The steps. Each ends with both ledgers compared, see `machine_world.py`."""

    pair: Pair | None = None

    @property
    def both(self) -> Pair:
        assert self.pair is not None
        return self.pair

    @initialize(seed=SEEDS)
    def found(self, seed: int) -> None:
        self.pair = Pair(seed)

    def posting(self, seed: int) -> Posting:
        random = self.both.seeded(seed)
        batch, ends = self.both.world._callers()
        return Posting(batch, ends, self.both.now, tuple(Choice(random.random() < 0.2) for _ in ends))

    @rule(seed=SEEDS, way=some.sampled_from(["whole", "queued", "threads"]))
    def post(self, seed: int, way: str) -> None:
        self.both.post(self.posting(seed), way)

    @rule(seed=SEEDS)
    def post_more(self, seed: int) -> None:
        self.both.post(self.posting(seed), "queued")

    @rule(seed=SEEDS, legs=some.lists(LEGS, min_size=1, max_size=4), is_linked=some.booleans())
    def pay(self, seed: int, legs: list[Leg], is_linked: bool) -> None:
        self.both.seeded(seed)
        self.both.post(self.both.payments(legs, is_linked=is_linked), "queued")

    @rule(seed=SEEDS, legs=some.lists(LEGS, min_size=1, max_size=4), timeout=TIMEOUTS)
    def reserve(self, seed: int, legs: list[Leg], timeout: int) -> None:
        self.both.seeded(seed)
        reserved = [leg._replace(timeout=timeout) for leg in legs]
        self.both.post(self.both.payments(reserved, is_linked=False), "whole")

    @precondition(lambda self: bool(self.both.world.pending))
    @rule(seed=SEEDS, which=some.integers(0, 9), amount_fen=some.sampled_from([WHOLE, 1, 100_00]))
    def post_pending(self, seed: int, which: int, amount_fen: int) -> None:
        self.both.seeded(seed)
        self.both.post(self.both.resolving(which, amount_fen, is_void=False), "queued")

    @precondition(lambda self: bool(self.both.world.pending))
    @rule(seed=SEEDS, which=some.integers(0, 9))
    def void_pending(self, seed: int, which: int) -> None:
        self.both.seeded(seed)
        self.both.post(self.both.resolving(which, WHOLE, is_void=True), "queued")

    @rule(seed=SEEDS, leg=LEGS, seconds=some.sampled_from([0, 1, 2]))
    def post_about_when_it_times_out(self, seed: int, leg: Leg, seconds: int) -> None:
        self.both.seeded(seed)
        self.both.post(self.both.payments([leg._replace(timeout=1)], is_linked=False), "queued")
        self.both.pass_time(seconds)
        self.both.post(self.both.resolving(0, WHOLE, is_void=False), "queued")

    @rule(seconds=some.sampled_from([0, 1, 1, 1_800, 3_600, 86_400, 40 * 86_400]))
    def pass_time(self, seconds: int) -> None:
        self.both.pass_time(seconds)

    @rule(seed=SEEDS)
    def record_facts(self, seed: int) -> None:
        self.both.seeded(seed)
        self.both.record(self.both.world._more_facts())
        self.both.check()

    @rule(account=some.integers(0, 35))
    def turn_account(self, account: int) -> None:
        self.both.turn_account(account)
        self.both.check()

    @rule(seed=SEEDS, wallets=some.integers(1, 3))
    def open_wallets(self, seed: int, wallets: int) -> None:
        self.both.seeded(seed)
        self.both.open_wallets(wallets)
        self.both.check()

    @rule()
    def snapshot(self) -> None:
        self.both.snapshot()

    @rule()
    def seal(self) -> None:
        self.both.seal()

    @rule()
    def reopen(self) -> None:
        self.both.reopen()

    @rule()
    def crash(self) -> None:
        self.both.crash()

    @rule(seed=SEEDS)
    def crash_amid(self, seed: int) -> None:
        self.both.crash_amid(self.posting(seed))

    @rule()
    def back_up_and_restore(self) -> None:
        self.both.back_up()

    @rule(seed=SEEDS)
    def read_the_history(self, seed: int) -> None:
        self.both.check_history(self.both.seeded(seed))
        self.both.check_totals()

    @rule()
    def fold_anew(self) -> None:
        self.both.check_fold()
        self.both.check_changes()

    def teardown(self) -> None:
        if self.pair is None:
            return
        try:
            self.pair.check_fold()
            self.pair.check_changes()
            self.pair.check_totals()
        finally:
            self.pair.close()
            number = next(_number)
            if TORTURE and number % 20 == 0:
                log(f"two ledgers: {number:,} of {EXAMPLES:,} stories, {time.monotonic() - _began:,.0f} s")


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
