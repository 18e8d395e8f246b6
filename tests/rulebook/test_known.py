"""A book cut back to what was known on a day, how a provision stands, and when a term ends."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.clock import BusinessCalendar, Instant, day_start
from jiaozi.errors import CalendarError
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.known import as_known, start_day_of
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.provisions import (
    NEVER,
    Awaited,
    Cite,
    Event,
    Gap,
    Span,
    Standing,
    Status,
    Term,
    standing,
)
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.timeline import cuts, interval_of

from .grown_law import DRAFTS, PILOT, changed, grown, grown_law, moment

HK = "Asia/Hong_Kong"


def at(year: int, month: int = 1, day: int = 1) -> Instant:
    return day_start(date(year, month, day), HK)


# -- texts ------------------------------------------------------------------------------------


def test_a_text_published_later_is_not_in_the_book() -> None:
    book = grown_law(*DRAFTS)
    # The ordinance became known on 2025-05-30, the two guidelines on 2025-08-01.
    before = as_known(book, date(2025, 7, 31))
    assert {rule.id for rule in before.rules} == {
        "cn.virtual_currency_2021",
        "hk.issue",
        "hk.pay",
        "hk.awaits",
    }
    assert before.always == ()
    assert before.duties == ()
    assert before.series == {}
    on_the_day = as_known(book, date(2025, 8, 1))
    assert {found.id for found in on_the_day.always} == {"hk.full_backing"}
    assert {found.id for found in on_the_day.duties} == {
        "hk.redeem_in_time",
        "hk.report",
        "hk.keep",
        "hk.tell",
    }
    assert ("hk", "travel.full_from") in on_the_day.series
    assert "hk.invest" not in on_the_day.rule_by_id, "its own `known` is a month later"
    assert "hk.invest" in as_known(book, date(2025, 9, 1)).rule_by_id
    assert "hk.invest" not in as_known(book, date(2025, 8, 31)).rule_by_id
    assert as_known(book, date(2000, 1, 1)).rules == ()


def test_a_value_set_later_is_not_in_the_book() -> None:
    book = grown_law(*DRAFTS)
    for day, amounts in ((date(2026, 11, 19), [8_000_00]), (date(2026, 11, 20), [8_000_00, 1_000_00])):
        dated = as_known(book, day).series["hk", "travel.full_from"].dated
        assert [value.amounts["HKD"][""] for value in dated] == amounts


def test_an_end_that_a_later_text_set_is_open_and_an_end_of_its_own_stays() -> None:
    book = grown_law(*DRAFTS)
    ended = book.rule_by_id["cn.yuan_peg_abroad"].span
    assert (str(ended.end_day), str(ended.end_cite)) == ("2027-07-01", "open art 2")
    before = as_known(book, date(2026, 11, 19)).rule_by_id["cn.yuan_peg_abroad"].span
    assert (before.end, before.end_day, before.end_cite) == (None, None, None)
    assert as_known(book, date(2026, 11, 20)).rule_by_id["cn.yuan_peg_abroad"].span == ended
    old = as_known(book, date(2025, 7, 31)).rule_by_id["cn.virtual_currency_2021"].span
    assert str(old.end_day) == "2026-02-06", "the rule says its own end"


def test_a_suspension_by_a_later_text_is_not_known() -> None:
    old = '[[rule]]\nid     = "hk.awaits"'
    text = '[[rule.suspended]]\nfrom = 2027-06-01\nuntil = 2027-07-01\ncite = "sh-pilot art 1"\n' + old
    book = read(changed("hk-more.toml", old, text), drafts=DRAFTS)
    gaps = [gap.cite.source for gap in book.rule_by_id["hk.invest"].span.gaps]
    assert gaps == ["hk-ag", "hk-ag", "sh-pilot"]
    known = as_known(book, date(2026, 10, 14)).rule_by_id["hk.invest"].span.gaps
    assert [gap.cite.source for gap in known] == ["hk-ag", "hk-ag"]
    assert len(as_known(book, date(2026, 10, 15)).rule_by_id["hk.invest"].span.gaps) == 3


# -- events -----------------------------------------------------------------------------------


def test_an_event_that_had_not_become_known_is_pending_again() -> None:
    book = grown_law()
    assert book.events["hk.begun"].day == date(2026, 3, 1)
    before, after = as_known(book, date(2026, 1, 31)), as_known(book, date(2026, 2, 1))
    assert (before.events["hk.begun"].day, before.events["hk.begun"].known) == (None, None)
    assert before.rule_by_id["hk.invest"].span.start_day == date(2027, 1, 18), "its last day"
    assert before.rule_by_id["hk.invest"].span.start == at(2027, 1, 18)
    assert after.rule_by_id["hk.invest"].span.start_day == date(2026, 4, 1)
    shares = [before.series["hk", "hoard.max_share"], after.series["hk", "hoard.max_share"]]
    assert [series.dated[1].span.is_pending for series in shares] == [True, False]
    assert shares[0].dated[1].start_day == date.max
    assert before.rule_by_id["hk.awaits"].span.start == NEVER


def test_values_stand_in_order_of_time_also_when_an_event_is_pending_again() -> None:
    later = '\n[[hoard.max_share]]\nfrom = 2026-06-01\ncite = "hk-sg para 5"\npercent = 20\n'
    texts = grown()
    texts["hk-more.toml"] += later
    book = read(texts)
    for day in (date(2026, 1, 31), date(2026, 2, 1)):
        starts = [value.start for value in as_known(book, day).series["hk", "hoard.max_share"].dated]
        assert starts == sorted(starts)
    share = as_known(book, date(2026, 1, 31)).series["hk", "hoard.max_share"].at(at(2030), "percent", "")
    assert share is not None
    assert share[0] == 20_00


@pytest.mark.parametrize(
    ("day", "days", "by", "start"),
    [
        (None, 0, None, None),
        (None, 120, date(2027, 1, 18), date(2027, 1, 18)),
        (date(2026, 3, 1), 0, None, date(2026, 3, 1)),
        (date(2026, 3, 1), 31, None, date(2026, 4, 1)),
        (date(2026, 3, 1), 31, date(2026, 3, 31), date(2026, 3, 31)),
        (date(2026, 3, 1), 31, date(2026, 4, 2), date(2026, 4, 1)),
    ],
)
def test_a_start_is_so_many_days_after_the_event_and_on_the_last_day_at_the_latest(
    day: date | None, days: int, by: date | None, start: date | None
) -> None:
    event = Event("hk.x", {}, day, day, None)
    assert start_day_of(Awaited("hk.x", days, by), {"hk.x": event}) == start


# -- amendments -------------------------------------------------------------------------------


def test_an_amendment_by_a_later_text_does_not_count() -> None:
    book = grown_law(*DRAFTS)
    # The pilot became known on 2026-10-15, the idea on 2026-11-01, the reform on 2026-11-20.
    for day, yields, lifted in (
        (date(2026, 10, 14), (), ()),
        (date(2026, 10, 15), ("cn-sh.issue", "cn-sh.pay", "cn-sh.wind_down"), ("cn-sh.issue",)),
        (date(2026, 11, 19), ("cn-sh.issue", "cn-sh.pay", "cn-sh.wind_down"), ("cn-sh.issue",)),
        (
            date(2026, 11, 20),
            ("cn-sh.issue", "cn-sh.pay", "cn-sh.wind_down", "cn-sh.visit"),
            ("cn-sh.visit",),
        ),
    ):
        known = as_known(book, day)
        assert known.rule_by_id["cn.virtual_currency"].yields_to == yields
        assert {rule.lifts for rule in known.rules if rule.id in lifted} <= {"cn.virtual_currency"}


def test_a_permit_known_before_its_amendment_lifts_nothing_yet() -> None:
    """The amendment cites a text of 1 December; the permits were known in October."""
    texts = grown()
    one = "issued    = 2026-10-15\nknown     = 2026-10-15"
    texts["sources.toml"] = texts["sources.toml"].replace(
        one, one.replace("known     = 2026-10-15", "known = 2026-11-30"), 1
    )
    book = read(texts, drafts=["cn-sh"])
    known = as_known(book, date(2026, 11, 29))
    assert known.rule_by_id["cn.virtual_currency"].yields == ()
    assert known.rule_by_id["cn-sh.pay"].lifts == "cn.virtual_currency"
    assert "cn.virtual_currency" in decide(known, Action.PAY, PILOT, moment("2027-02-01 10:00")).reasons
    assert decide(as_known(book, date(2026, 11, 30)), Action.PAY, PILOT, moment("2027-02-01 10:00")).allowed


def test_a_permit_does_not_lift_a_ban_that_was_not_known() -> None:
    texts = changed(
        "sources.toml",
        "issued    = 2026-02-06\nknown     = 2026-02-06",
        "issued = 2026-02-06\nknown = 2026-12-24",
    )
    known = as_known(read(texts, drafts=["cn-sh"]), date(2026, 11, 1))
    assert "cn.virtual_currency" not in known.rule_by_id
    assert known.rule_by_id["cn-sh.pay"].lifts == ""


# -- the whole book ---------------------------------------------------------------------------

PLACES = st.sampled_from(["cn", "cn-sh", "hk", None])
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "issuer.zone": PLACES, "payer.zone": PLACES, "payee.zone": PLACES, "payment.place": PLACES,
        "payment.amount": st.integers(0, 60_000_00), "payment.amount_hkd": st.integers(0, 10_000_00),
        "payment.travel_data": st.sampled_from(["none", "core", "full"]),
        "payer.kind": st.sampled_from(["resident", "visitor", None]), "coin.peg": st.sampled_from(["CNY", "HKD"]),
        "issuer.licences": st.sampled_from([frozenset(), frozenset({"hk"}), frozenset({"cn-sh", "hk"})]),
        "issuer.coins_outstanding": st.integers(0, 100), "issuer.reserve_value": st.integers(0, 100),
        "paper.kind": st.sampled_from(["cash", "bill", "bond"]), "paper.days": st.integers(0, 100),
    },
)  # fmt: skip
DAYS = st.dates(date(2020, 1, 1), date(2031, 1, 1))


@settings(max_examples=150, deadline=None)
@given(FACTS, DAYS, st.sampled_from(list(Action)))
def test_what_was_known_in_the_end_answers_as_the_book_does(facts: Facts, day: date, action: Action) -> None:
    book = grown_law(*DRAFTS)
    last, instant = as_known(book, date.max), day_start(day, HK)
    one, other = (
        decide(book, action, {**PILOT, **facts}, instant),
        decide(last, action, {**PILOT, **facts}, instant),
    )
    assert (one.reasons, one.interval) == (other.reasons, other.interval)
    assert last.rules == book.rules
    assert last.series == book.series
    assert last.digest != book.digest, "a book cut back says so"


@given(DAYS)
@settings(max_examples=40, deadline=None)
def test_what_was_known_grows_and_cutting_twice_is_cutting_at_the_earlier_day(day: date) -> None:
    book = grown_law(*DRAFTS)
    known = as_known(book, day)
    assert known.known == day
    assert as_known(known, day) == known
    assert {rule.id for rule in known.rules} <= {rule.id for rule in book.rules}
    assert book == grown_law(*DRAFTS), "the book itself stays as it was"
    assert as_known(as_known(book, date.max), day).rules == known.rules


# -- how a provision stands -------------------------------------------------------------------


def a_span(**more: object) -> Span:
    gap = Gap(at(2026, 3), at(2026, 4), date(2026, 3, 1), date(2026, 4, 1), Cite("x", "1"))
    usual = {"start": at(2026), "end": at(2027), "start_day": date(2026, 1, 1), "end_day": date(2027, 1, 1)}
    return Span(**{**usual, "gaps": (gap,), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instant", "stands"),
    [
        (at(2026) - 1, Standing.ENACTED),
        (at(2026), Standing.IN_FORCE),
        (at(2026, 3) - 1, Standing.IN_FORCE),
        (at(2026, 3), Standing.SUSPENDED),
        (at(2026, 4) - 1, Standing.SUSPENDED),
        (at(2026, 4), Standing.IN_FORCE),
        (at(2027) - 1, Standing.IN_FORCE),
        (at(2027), Standing.REPEALED),
    ],
)
def test_a_provision_stands_as_its_dates_say(instant: int, stands: Standing) -> None:
    now, span = Instant(instant), a_span()
    assert standing(Status.ENACTED, span, now) is stands
    assert span.covers(now) == (stands is Standing.IN_FORCE)
    for status in (Status.PROPOSAL, Status.IDEA, Status.DRAFT):
        assert standing(status, span, now) == Standing(status.value)
        assert not status.is_law


def test_what_has_no_end_is_never_repealed_and_what_waits_is_enacted() -> None:
    open_ended, pending = a_span(end=None, end_day=None), a_span(start=NEVER, start_day=date.max, end=None)
    assert standing(Status.ENACTED, open_ended, at(2200)) is Standing.IN_FORCE
    assert standing(Status.ENACTED, pending, at(2200)) is Standing.ENACTED
    assert pending.is_pending
    assert not open_ended.is_pending
    assert list(pending.cuts()) == [at(2026, 3), at(2026, 4)]
    assert list(open_ended.cuts()) == [at(2026), at(2026, 3), at(2026, 4)]


def test_a_suspension_without_an_end_lasts() -> None:
    gap = Gap(at(2026, 3), None, date(2026, 3, 1), None, Cite("x", "1"))
    span = a_span(end=None, end_day=None, gaps=(gap,))
    assert standing(Status.ENACTED, span, at(2100)) is Standing.SUSPENDED
    assert list(span.cuts()) == [at(2026), at(2026, 3)]


def test_a_suspension_of_what_was_repealed_changes_nothing() -> None:
    gap = Gap(at(2026, 3), None, date(2026, 3, 1), None, Cite("x", "1"))
    assert standing(Status.ENACTED, a_span(gaps=(gap,)), at(2027)) is Standing.REPEALED


def test_between_two_cuts_nothing_changes_and_every_change_is_a_cut() -> None:
    book: Book = grown_law(*DRAFTS)
    edges = cuts(book)
    assert list(edges) == sorted(set(edges))
    assert NEVER not in edges
    for found in (*book.rules, *book.always, *book.duties):
        for one, other in pairwise((*edges, at(2100))):
            middle, last = Instant((one + other) // 2), Instant(other - 1)
            assert found.span.covers(one) == found.span.covers(middle) == found.span.covers(last)
    assert {each.since for rule in book.rules for each in rule.yields} <= {*edges, None}
    assert interval_of(edges, Instant(edges[0] - 1)) == 0
    for number, edge in enumerate(edges, start=1):
        assert interval_of(edges, edge) == number
        assert interval_of(edges, Instant(edge - 1)) == number - 1


# -- terms ------------------------------------------------------------------------------------

CALENDAR = BusinessCalendar(
    "x", {}, {2026: "a", 2027: "b"}, frozenset({date(2026, 1, 1)}), frozenset({date(2026, 1, 4)})
)


@pytest.mark.parametrize(
    ("count", "unit", "day", "last"),
    [
        (0, "day", date(2026, 1, 1), date(2026, 1, 1)),
        (0, "business day", date(2026, 1, 3), date(2026, 1, 3)),
        (1, "day", date(2026, 2, 28), date(2026, 3, 1)),
        (10, "day", date(2026, 12, 31), date(2027, 1, 10)),
        (1, "week", date(2026, 1, 1), date(2026, 1, 8)),
        (2, "week", date(2026, 12, 25), date(2027, 1, 8)),
        (1, "month", date(2026, 1, 31), date(2026, 2, 28)),
        (1, "month", date(2024, 1, 31), date(2024, 2, 29)),
        (1, "month", date(2026, 12, 31), date(2027, 1, 31)),
        (2, "month", date(2026, 12, 31), date(2027, 2, 28)),
        (11, "month", date(2026, 1, 15), date(2026, 12, 15)),
        (12, "month", date(2026, 1, 15), date(2027, 1, 15)),
        (13, "month", date(2026, 11, 30), date(2027, 12, 30)),
        (1, "year", date(2024, 2, 29), date(2025, 2, 28)),
        (4, "year", date(2024, 2, 29), date(2028, 2, 29)),
        (5, "year", date(2026, 12, 31), date(2031, 12, 31)),
        (1, "business day", date(2026, 1, 2), date(2026, 1, 4)),
        (2, "business day", date(2026, 1, 2), date(2026, 1, 5)),
        (1, "business day", date(2026, 12, 31), date(2027, 1, 1)),
        (1, "business day", date(2026, 1, 9), date(2026, 1, 12)),
    ],
)
def test_a_term_ends_on_this_day(count: int, unit: str, day: date, last: date) -> None:
    assert Term(count, unit).after(day, CALENDAR) == last
    if unit != "business day" or not count:
        assert Term(count, unit).after(day, None) == last


def test_business_days_need_a_calendar_with_that_year() -> None:
    with pytest.raises(CalendarError, match="has no business calendar; add one under law/calendars"):
        Term(1, "business day").after(date(2026, 1, 1), None)
    with pytest.raises(CalendarError, match="2028"):
        Term(1, "business day").after(date(2027, 12, 31), CALENDAR)


def test_a_series_keeps_what_a_later_block_does_not_say() -> None:
    texts = grown()
    texts["hk-more.toml"] += (
        '\n[[hoard.max_days]]\nfrom = 2027-01-01\ncite = "hk-so s 8"\ndays = { bill = 30 }\n'
    )
    series = read(texts).series["hk", "hoard.max_days"]
    bill, bond = series.at(at(2027), "days", "bill"), series.at(at(2027), "days", "bond")
    assert bill is not None
    assert bond is not None
    assert (bill[0], str(bill[1].cite)) == (30, "hk-so s 8")
    assert (bond[0], str(bond[1].cite)) == (0, "hk-sg para 4")
    before = series.at(Instant(at(2027) - 1), "days", "bill")
    assert before is not None
    assert before[0] == 93
    assert series.at(Instant(at(2025, 8, 1) - 1), "days", "bill") is None
    assert series.at(at(2027), "CNY", "bill") is None
    assert series.at(at(2027), "days", "gold") is None
