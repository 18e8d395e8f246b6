"""A stress on a state: requests, the law's answers, payments and deadlines, put together. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import BusinessCalendar
from jiaozi.errors import LabError
from jiaozi.lab.stress.asking import Requests, holding, requests, sums_by_hour
from jiaozi.lab.stress.law import Asking, Due, Law, backing_points
from jiaozi.lab.stress.paying import pay
from jiaozi.lab.stress.plan import Plan
from jiaozi.lab.stress.reserve import WHOLE
from jiaozi.lab.stress.result import Deadlines, Int64s, StressResult
from jiaozi.lab.stress.when import HOUR_NS, Hours, hours_of
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.register import Coin
from jiaozi.ledger.state import State


def stress(
    state: State, receipt: Receipt, calendars: Mapping[str, BusinessCalendar], plan: Plan
) -> StressResult:
    """Return what would follow from *plan* on *state*, the one after the frame of *receipt*.

    Raises `LabError` for a coin that is not there or has no reserve, `FactError` before any law was enacted.
    """
    coin = _coin(state, plan.coin)
    reserve_fen = state.reserve_value(coin)
    if reserve_fen is None or coin.sheet is None or reserve_fen < 0:
        raise LabError(f"{coin.id} has no reserve in this store; name its sheet and book its money first")
    zone = state.register.issuer_zone(coin.issuer)
    place = state.words.places[zone]
    hours = hours_of(plan, calendars, place.calendar, place.clock, receipt.instant)
    held = holding(state, coin)
    law = Asking(state, coin, held, hours, plan).law()
    asked = requests(held, plan.share, plan.shape, plan.seed)
    allowed: NDArray[np.bool_] = law.may_redeem[law.regime_of[asked.hour], asked.of_class]
    burned = Requests(asked.hour[allowed], asked.of_class[allowed], asked.amount_fen[allowed])
    count = len(hours)
    asked_fen = sums_by_hour(burned, count)

    cash, repo, bills = plan.reserve.shared_out(reserve_fen)
    locked = cash * plan.reserve.failing_share // WHOLE if plan.scenario == "bank-failure" else 0
    owed_before = max(0, int(state.accounts[coin.sheet.redemptions]["balance"]))
    paid = pay(asked_fen.tolist(), owed_before, cash - locked, repo, bills, locked, hours)

    coins_fen = sum(held.held_fen)
    coins = coins_fen - np.cumsum(asked_fen)
    worth = (
        paid.cash
        + paid.repo
        + paid.bills_worth
        + paid.settling
        + locked * plan.reserve.failing_worth // WHOLE
    )
    reached = np.cumsum(burned.amount_fen) + owed_before
    all_paid = np.cumsum(paid.paid)
    paid_in = np.searchsorted(all_paid, reached, side="left")
    deadlines, missed = _deadlines(burned, paid_in, law.due, hours)
    by_hour = {
        "asked_fen": asked_fen,
        "asked_holders": _counts(burned.hour, count),
        "refused_fen": sums_by_hour(asked, count) - asked_fen,
        "refused_holders": _counts(asked.hour, count) - _counts(burned.hour, count),
        "paid_fen": paid.paid,
        "paid_holders": _counts(paid_in, count),
        "queue_fen": paid.queue,
        "queue_holders": np.cumsum(_counts(burned.hour, count) - _counts(paid_in, count)),
        "cash_fen": paid.cash,
        "repo_fen": paid.repo,
        "bills_fen": paid.bills,
        "bills_worth_fen": paid.bills_worth,
        "settling_fen": paid.settling,
        "locked_fen": paid.locked,
        "lost_fen": paid.lost,
        "coins_fen": coins,
        "trapped_fen": _trapped(held.held_fen, held.stuck_fen, burned, law, count),
        "worth_fen": worth,
        **missed,
    }
    points = [*law.points, *backing_points(state, zone, law.base, worth - paid.queue, coins, hours)]
    return StressResult(
        plan=plan,
        coin=coin.id,
        peg=coin.peg,
        zone=zone,
        frame=receipt.sequence,
        store=receipt.hash.hex(),
        law=state.law.digest.hex(),
        is_draft=state.law.is_draft,
        hours=hours,
        coins_fen=coins_fen,
        reserve_fen=reserve_fen,
        owed_before_fen=owed_before,
        wanted_fen=int(asked.amount_fen.sum()),
        holders=int(held.holders.sum()),
        by_hour=by_hour,
        regimes=law.regimes,
        classes=law.classes,
        points=tuple(sorted(points, key=lambda point: point.hour)),
        deadlines=deadlines,
        shown=_shown(by_hour, len(plan.shape)),
    )


def _coin(state: State, wanted: str) -> Coin:
    coins = state.register.coins
    if wanted and wanted in coins:
        return coins[wanted]
    if wanted or not coins:
        raise LabError(f"no such coin {wanted!r:.60}; coins are {', '.join(coins) or 'none yet'}")
    return max(coins.values(), key=lambda coin: (state.coins_outstanding(coin), -coin.number))


def _counts(hours: NDArray[np.integer], count: int) -> Int64s:
    """Return how many stand in each of *count* hours; those beyond the last are in none."""
    return np.bincount(hours, minlength=count)[:count].astype(np.int64)


def _trapped(held: tuple[int, ...], stuck: tuple[int, ...], burned: Requests, law: Law, count: int) -> Int64s:
    """Return the coins that cannot be redeemed at the end of each hour: refused by the law, or kept by an order."""
    trapped = np.zeros(count, dtype=np.int64)
    for row, amount in enumerate(held):
        may = law.may_redeem[law.regime_of, row]
        left = amount - np.cumsum(sums_by_hour(burned, count, burned.of_class == row))
        trapped += np.where(may, stuck[row], left)
    return trapped


def _deadlines(
    burned: Requests, paid_in: NDArray[np.integer], due: tuple[Due | None, ...], hours: Hours
) -> tuple[Deadlines, dict[str, Int64s]]:
    """Return how the deadlines were met, and what stood missed at the end of each hour.

    A request paid in the last hour before its deadline is in time: it was paid by the end of that hour.
    """
    count = len(hours)
    none = np.iinfo(np.int64).max
    # The last hour that ends in time: -1 before the first; beyond the last watched where nothing is due yet.
    last = np.array(
        [none if each is None else (each.instant - hours.start) // HOUR_NS - 1 for each in due],
        dtype=np.int64,
    )
    last_of = last[burned.hour]
    is_paid, amount = paid_in < count, burned.amount_fen
    without = last_of == none
    met = is_paid & (paid_in <= last_of) & ~without
    missed = ~met & ~without & (last_of < count)
    is_open = ~met & ~missed & ~without
    late = np.where(is_paid, paid_in - last_of, count - 1 - last_of)[missed]
    worst = int(late.max()) if len(late) else 0
    unpaid_worst = bool(len(late)) and bool((~is_paid[missed] & (late == worst)).any())

    def both(mask: NDArray[np.bool_]) -> tuple[int, int]:
        return int(mask.sum()), int(amount[mask].sum())

    # A missed request stands as missed from the hour after its last one until the hour in which it is paid.
    change_fen, change = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    begin, until = np.maximum(last_of[missed] + 1, 0), np.minimum(paid_in[missed], count)
    # With a deadline "at once" a request may be late in the hour in which it is made.
    begin = np.minimum(np.maximum(begin, burned.hour[missed]), until)
    np.add.at(change_fen, begin, amount[missed])
    np.subtract.at(change_fen, until, amount[missed])
    np.add.at(change, begin, 1)
    np.subtract.at(change, until, 1)
    deadlines = Deadlines(*both(met), *both(missed), *both(is_open), *both(without), worst, unpaid_worst)
    return deadlines, {
        "due_missed_fen": np.cumsum(change_fen)[:count],
        "due_missed_holders": np.cumsum(change)[:count],
    }


def _shown(by_hour: dict[str, Int64s], least: int) -> int:
    """Return the hours until the queue is empty for good and no sale settles any more, at least *least*."""
    busy = (by_hour["queue_fen"] > 0) | (by_hour["settling_fen"] > 0) | (by_hour["asked_fen"] > 0)
    found = np.flatnonzero(busy)
    last = int(found[-1]) + 2 if len(found) else 0
    return min(max(least, last), len(busy))
