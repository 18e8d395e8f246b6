"""What the law says while coins are asked back: who may redeem and pay, by when, and whether the reserve is enough.

The law is asked once for each class of holders (zone, kind, tier) in each *regime*: a time in which no rule,
number, licence or consent begins or ends. The holder asked for is the one with most to dispose of; that sums
of single holders could matter is a limit of this, and the guide says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, day_start
from jiaozi.errors import CalendarError, OrderError
from jiaozi.issuer.redeem import deadline
from jiaozi.lab.stress.asking import Holding
from jiaozi.lab.stress.plan import SUSPENDED_AFTER_HOURS, Plan
from jiaozi.lab.stress.result import ClassSeen, Point
from jiaozi.lab.stress.when import Hours
from jiaozi.ledger.question import question
from jiaozi.ledger.register import Coin
from jiaozi.ledger.state import State
from jiaozi.rulebook.decide import Asker, Decision, Facts, decide, grounds
from jiaozi.rulebook.model import Action, Always, Wording
from jiaozi.rulebook.telling.explain import Viewer, explain, line
from jiaozi.rulebook.telling.wording import LANGUAGES, within_words, word_label
from jiaozi.rulebook.timeline import cuts, interval_of


@dataclass(frozen=True, slots=True)
class Due:
    """The deadline of what is asked for in an hour: the duty in words, and the instant by which it is to be paid."""

    instant: Instant
    last_day: date


@dataclass(frozen=True, slots=True)
class Law:
    """The answers: the regime of each hour, whether each class may redeem in each regime, deadlines by hour."""

    regime_of: NDArray[np.int64]
    may_redeem: NDArray[np.bool_]
    classes: tuple[ClassSeen, ...]
    regimes: tuple[int, ...]
    points: tuple[Point, ...]
    due: tuple[Due | None, ...]
    base: Facts


class Asking:
    """Asks the law about *coin* as the store stands, during *hours* of *plan*."""

    def __init__(self, state: State, coin: Coin, held: Holding, hours: Hours, plan: Plan) -> None:
        self.state, self.coin, self.held, self.hours, self.plan = state, coin, held, hours, plan
        self.book, self.words = state.law, state.words
        self.zone = state.register.issuer_zone(coin.issuer)

    def law(self) -> Law:
        keys = [self._key(hour) for hour in range(len(self.hours))]
        begins = [hour for hour, key in enumerate(keys) if hour == 0 or key != keys[hour - 1]]
        regime_of = np.zeros(len(keys), dtype=np.int64)
        regime_of[begins[1:]] = 1
        points: list[Point] = []
        redeem, pay = [], []
        for hour in begins:
            answers = [self._decided(row, Action.REDEEM, hour) for row in range(len(self.held.classes))]
            paying = [self._decided(row, Action.PAY, hour) for row in range(len(self.held.classes))]
            redeem.append([decision.allowed for decision, _ in answers])
            pay.append([decision.allowed for decision, _ in paying])
            points += self._said(hour, Action.REDEEM, answers)
            points += self._said(hour, Action.PAY, paying)
        classes = tuple(
            ClassSeen(
                self._title(row),
                int(self.held.holders[row]),
                self.held.held_fen[row],
                self.held.stuck_fen[row],
                tuple(each[row] for each in redeem),
                tuple(each[row] for each in pay),
            )
            for row in range(len(self.held.classes))
        )
        allowed = np.array(redeem, dtype=np.bool_)
        is_some: NDArray[np.bool_] = np.logical_or.reduce(allowed, axis=1)
        due, said = self._deadlines(is_some[np.cumsum(regime_of)])
        base = self._facts(0, Action.REDEEM, 0)
        return Law(
            np.cumsum(regime_of),
            allowed,
            classes,
            tuple(begins),
            (*points, *said),
            due,
            base,
        )

    def _key(self, hour: int) -> tuple[object, ...]:
        instant = self.hours.instant(hour)
        register, words = self.state.register, self.words
        consents = tuple(
            register.consent_of(self.coin, action, self.zone, words, instant)
            for action in (Action.REDEEM, Action.PAY)
        )
        return interval_of(cuts(self.book), instant), self._licences(hour), consents

    def _licences(self, hour: int) -> frozenset[str]:
        """Return the licences in *hour*; in the scenario issuer-suspended that of the issuer's zone goes."""
        held = self.state.register.licences_of(self.coin.issuer, self.words, self.hours.instant(hour))
        if self.plan.scenario == "issuer-suspended" and hour >= SUSPENDED_AFTER_HOURS:
            return held - {self.zone, self.words.jurisdiction_of(self.zone)}
        return held

    def _facts(self, row: int, action: Action, hour: int) -> Facts:
        assert self.coin.sheet is not None
        account = int(self.held.first[row])
        credit = self.coin.sheet.redemptions if action is Action.REDEEM else account
        amount = 1_00 if action is Action.PAY else max(1, int(self.held.amount_fen[self._row_of(account)]))
        instant = self.hours.instant(hour)
        facts = question(
            self.state,
            debit=account,
            credit=credit,
            amount_fen=amount,
            action=action,
            place=self.zone,
            instant=instant,
        )
        return {**facts, "issuer.licences": self._licences(hour)}

    def _row_of(self, account: int) -> int:
        return int(np.searchsorted(self.held.account, account))

    def _decided(self, row: int, action: Action, hour: int) -> tuple[Decision, Facts]:
        facts = self._facts(row, action, hour)
        return decide(self.book, action, facts, self.hours.instant(hour)), facts

    def _said(self, hour: int, action: Action, answers: Sequence[tuple[Decision, Facts]]) -> list[Point]:
        """Return what the law says of *action* from *hour* on: one point for each different answer."""
        instant = self.hours.instant(hour)
        by_answer: dict[tuple[str, ...], list[int]] = {}
        for row, (decision, _) in enumerate(answers):
            by_answer.setdefault(decision.reasons, []).append(row)
        points = []
        for reasons, rows in by_answer.items():
            decision, facts = answers[rows[0]]
            who = {
                language: ("; " if language == "en" else "；").join(
                    self._title(row)[language] for row in rows
                )
                for language in LANGUAGES
            }
            if decision.allowed:
                carrying = grounds(self.book, action, facts, instant)
                cite = "; ".join(f"{rule.id} ({rule.cite})" for rule in carrying)
                titles = {
                    language: "; ".join(rule.title[language] for rule in carrying) for language in LANGUAGES
                }
                words = {
                    "en": f"{_VERBS[action]['en']} is allowed to {who['en']}. {titles['en']}",
                    "zh": f"{who['zh']}：可{_VERBS[action]['zh']}。{titles['zh']}",
                }
                is_draft = any(not rule.status.is_law for rule in carrying)
            else:
                told = explain(self.book, action, facts, instant, reasons, Viewer.SUPERVISOR)
                cite = "; ".join(f"{each.reason} ({each.cite})" for each in told if each.cite)
                lines = {
                    language: " | ".join(line(each, language) for each in told) for language in LANGUAGES
                }
                words = {
                    "en": f"{_VERBS[action]['en']} is refused to {who['en']}: {lines['en']}",
                    "zh": f"{who['zh']}：不得{_VERBS[action]['zh']}：{lines['zh']}",
                }
                is_draft = any(each.is_draft for each in told)
            points.append(Point(hour, instant, words, cite, is_draft))
        return points

    def _title(self, row: int) -> Wording:
        code = int(self.held.classes[row])
        zone, kind, tier = code >> 16, (code >> 8) & 0xFF, code & 0xFF
        found = {}
        for language in LANGUAGES:
            place = self.words.places[self.words.place_names[zone]].title[language] if zone else "?"
            parts = [place.split(" (")[0].split("（")[0]]
            if word := self.words.word("payer.kind", kind):
                parts.append(word_label(self.book, "payer.kind", word, language))
            if word := self.words.word("payer.tier", tier):
                parts.append(word_label(self.book, "payer.tier", word, language))
            found[language] = ", ".join(parts) if language == "en" else "、".join(parts)
        return found

    def _deadlines(self, is_allowed: NDArray[np.bool_]) -> tuple[tuple[Due | None, ...], list[Point]]:
        """Return the deadline for each hour of the shape, and what the law says of it when that changes.

        Where nobody may redeem, (hours,), no deadline begins.
        """
        due: list[Due | None] = []
        points: list[Point] = []
        before = ""
        for hour in range(len(self.plan.shape)):
            instant = self.hours.instant(hour)
            if not is_allowed[hour]:
                due.append(None)
                continue
            try:
                duty, last_day = deadline(self.book, self.hours.calendars, self.zone, instant)
            except (OrderError, CalendarError) as error:
                due.append(None)
                if before != str(error):
                    before = str(error)
                    words = {"en": f"No deadline: {error}", "zh": f"无期限：{error}"}
                    points.append(Point(hour, instant, words, "", False))
                continue
            clock = self.words.places[duty.place].clock
            due.append(Due(day_start(last_day + timedelta(days=1), clock), last_day))
            if before != f"{duty.id} {last_day}":
                before = f"{duty.id} {last_day}"
                assert duty.within is not None
                words = {
                    "en": f"{duty.title['en']} ({within_words(duty.within, 'en')}): what is asked for from now on "
                    f"is due by the end of {last_day}",
                    "zh": f"{duty.title['zh']}（{within_words(duty.within, 'zh')}）：自此时起提出的申请应于{last_day}"
                    "结束前支付",
                }
                cite = f"{duty.id} ({duty.cite})"
                points.append(Point(hour, instant, words, cite, not duty.status.is_law))
        return tuple(due), points


_VERBS = {
    Action.REDEEM: {"en": "Redemption", "zh": "赎回"},
    Action.PAY: {"en": "Payment", "zh": "支付"},
}


def backing_points(
    state: State, zone: str, base: Facts, worth: NDArray[np.int64], coins: NDArray[np.int64], hours: Hours
) -> list[Point]:
    """Return where something that must always hold begins to be broken, or holds again.

    *worth* (hours,) is the reserve at what a sale brings, less what is owed for coins that are burned
    already: money that is owed backs no coin. *coins* (hours,) are those outstanding then.
    """
    book = state.law
    home = book.vocabulary.jurisdiction_of(zone)
    points = []
    for found in book.always:
        if book.vocabulary.jurisdiction_of(found.place) != home:
            continue
        is_kept = True
        for hour in range(len(hours)):
            instant = hours.instant(hour)
            if not found.span.covers(instant):
                continue
            facts = {
                **base,
                "issuer.reserve_value": int(worth[hour]),
                "issuer.coins_outstanding": int(coins[hour]),
            }
            answer = Asker(book, facts, instant).value(found.hold, found.place) is True
            if answer is not is_kept:
                is_kept = answer
                points.append(_backing(found, hour, instant, is_kept=is_kept))
    return points


def _backing(found: Always, hour: int, instant: Instant, *, is_kept: bool) -> Point:
    words = {
        "en": f"{'Holds again' if is_kept else 'NOT KEPT at what a sale would bring'}: {found.title['en']}",
        "zh": f"{'恢复满足' if is_kept else '按变现价值未满足'}：{found.title['zh']}",
    }
    return Point(hour, instant, words, f"{found.id} ({found.cite})", not found.status.is_law)
