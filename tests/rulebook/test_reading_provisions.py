"""Rules, duties and their dates are read strictly: topics, briefs, events, suspensions, terms."""

from __future__ import annotations

from datetime import date

import pytest

from jiaozi.clock import day_start
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action
from jiaozi.rulebook.provisions import (
    NEVER,
    UNLIMITED,
    Awaited,
    Cite,
    Confidence,
    Standing,
    Status,
    Term,
    Topic,
    standing,
)
from jiaozi.rulebook.reading.read import read

from .grown_law import (
    DRAFTS,
    assert_mistake,
    changed,
    grown,
    grown_law,
    line_of,
    mistakes_of,
)

HK = "Asia/Hong_Kong"
MORE = "hk-more.toml"
EVENT = '{ event = "hk.begun", days = 31, by = 2027-01-18 }'
SUSPENDED = 'from  = 2027-03-01\nuntil = 2027-04-01\ncite  = "hk-ag para 1"'

# file, what is replaced, by what, where the mistake must be reported, what it must say
MISTAKES = [
    # what must say something
    (MORE, '"hk.invest"', '""', 'id         = ""', "is empty; write text in quotes"),
    (MORE, '"hk.invest"', '" "', 'id         = " "', "is empty; write text in quotes"),
    (MORE, '"hk-sg para 3"', '""', 'cite       = ""', "is empty; write text in quotes"),
    (MORE, "\"paper.kind in ('cash', 'bill')\"", '""', "kind    = {", "is empty; write text in quotes"),
    (MORE, "\"paper.kind in ('cash', 'bill')\"", '" "', "kind    = {", "is empty; write text in quotes"),
    (MORE, '["invest"]', "[]", "permit     = []", "is empty; write at least one text"),
    (MORE, '["invest"]', '[""]', 'permit     = [""]', "none of them empty"),
    (MORE, '["invest"]', '["invest"]\nwhen = [""]', 'when = [""]', "none of them empty"),
    (MORE, '["invest"]', '["invest"]\nwhen = ""', 'when = ""', "none of them empty"),
    (MORE, '["invest"]', '["invest"]\nwhen = ["payment.amount < 1", " "]', "when =", "none of them empty"),
    (MORE, '["offer"]', '["offer"]\nunless = [""]', "unless =", "none of them empty"),
    (MORE, '["offer"]', '["offer"]\nyields_to = [""]', "yields_to =", "none of them empty"),
    (MORE, 'status = "enacted"', 'status = ""', 'status = ""', "is ''; it must be one of enacted"),
    (MORE, 'place  = "hk"', 'place  = ""', 'place  = ""', "is ''; it must be one of cn"),
    ("hk.toml", '"issuer.reserve_value >= issuer.coins_outstanding"', '""', 'hold  = ""', "is empty"),
    # topic, confidence, reach
    (MORE, '"capital"', '"money"', '"money"', "must be one of scope, issuer, capital, reserve"),
    (MORE, '"capital"', '""', 'topic      = ""', "is ''; it must be one of scope"),
    (MORE, '"capital"', "1", "topic      = 1", "must be text in quotes"),
    (MORE, '"disclosure"', '"disclosures"', '"disclosures"', "must be one of scope"),
    (MORE, 'topic = "caps"', 'topic = "cap"', 'topic = "cap"', "must be one of scope"),
    (MORE, '"unconfirmed"', '"rumour"', '"rumour"', "must be one of confirmed, unconfirmed"),
    (MORE, '"unconfirmed"', '""', 'confidence = ""', "must be one of confirmed, unconfirmed"),
    (MORE, '["invest"]', '["invest"]\nreach = ""', "reach =", "must be one of home, anywhere"),
    (MORE, "known      = 2025-09-01", 'known      = "later"', '"later"', "must be a date"),
    (MORE, "known      = 2025-09-01", "known      = 2500-01-01", "2500", "write a year from 1900 to 2200"),
    # briefs
    (MORE, 'en = "bills up to', 'fr = "x", en = "bills up to', "brief ", "only en and zh are known"),
    (MORE, ', zh = "票据最长{hoard.max_days[bill]}"', "", "brief ", "has no wording in zh"),
    (MORE, "up to {hoard.max_days[bill]}", "up to 93 days", "brief ", "shows other values in en than in zh"),
    (MORE, "up to {hoard.max_days[bill]}", "to {hoard.max_days[cash]}", "brief ", "other values in en than in"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {hoard.max_days}", "brief ",
     "brief shows hoard.max_days, which hk never sets; it sets hoard.max_days[bill]; hoard.max_days[bond]"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {hoard.max_days[gold]}", "brief ",
     "brief shows hoard.max_days[gold], which hk never sets; it sets"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {hoard.most}", "brief ",
     "brief shows hoard.most, which hk never sets; write a value of it"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {limit.day[t4]}", "brief ", "which hk never sets"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {hoard.max_days[bill}", "brief ", "a brace that is no value"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {Hoard.max_days[bill]}", "brief ", "a brace that is no value"),
    (MORE, "up to {hoard.max_days[bill]}", "up to { hoard.max_days[bill] }", "brief ", "a brace that is no"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {hoard.max_days[bill]}}", "brief ", "a brace that is no"),
    (MORE, "up to {hoard.max_days[bill]}", "up to {}", "brief ", "a brace that is no value; write for example"),
    (MORE, "most {purse.most}", "most {purse.most[t1]}", "[rule.need.wallets]", "purse.most[t1], which hk never"),
    (MORE, "most {purse.most}", "most {", "[rule.need.wallets]", "a brace that is no value"),
    (MORE, 'brief = { en = "at', 'briefs = { en = "at', "briefs =", "unknown key; did you mean brief?"),
    # starts that wait for an event
    (MORE, '"hk.begun"', '"hk.began"', '"hk.began"', "no such event 'hk.began'; did you mean hk.begun?"),
    (MORE, '"hk.begun"', '"moon"', '"moon"', "no such event 'moon'; declare it in events.toml"),
    (MORE, '"hk.begun"', "1", EVENT.replace('"hk.begun"', "1"), "must be text in quotes"),
    (MORE, "days = 31", "days = -1", "days = -1", "-1 days is out of bounds; write 0 to 3660"),
    (MORE, "days = 31", "days = 3661", "days = 3661", "3661 days is out of bounds; write 0 to 3660"),
    (MORE, "days = 31", 'days = "31"', 'days = "31"', "must be a whole number"),
    (MORE, "days = 31", "days = true", "days = true", "must be a whole number"),
    (MORE, "by = 2027-01-18", 'by = "later"', '"later"', "must be a date"),
    (MORE, "by = 2027-01-18", "by = 1800-01-01", "1800", "write a year from 1900 to 2200"),
    (MORE, "by = 2027-01-18", "bye = 2027-01-18", "bye =", "unknown key; did you mean by?"),
    (MORE, EVENT, "{}", "from       = {}", "is missing; write text in quotes"),
    (MORE, EVENT, "[]", "from       = []", "must be a date"),
    (MORE, "until      = 2030-01-01", "until      = 2026-04-01", "until      =", "is not after 2026-04-01; until"),
    # ends set by another text
    (MORE, "until      = 2030-01-01\n", "", "until_cite", "there is none; write until = …"),
    (MORE, '"hk-sg para 9"', '"hk-sq para 9"', '"hk-sq', "no such source 'hk-sq'; did you mean hk-s"),
    (MORE, '"hk-sg para 9"', '"hk-sg"', '"hk-sg"\ncite', "names no place in hk-sg"),
    (MORE, '"hk-sg para 9"', '""', 'until_cite = ""', "is empty; write text in quotes"),
    # suspensions
    (MORE, SUSPENDED, "", "[[rule.suspended]]", "is missing; write a date"),
    (MORE, SUSPENDED, 'from = 2027-03-01', "[[rule.suspended]]", "is missing; write text in quotes"),
    (MORE, SUSPENDED, SUSPENDED + "\nwhy = 1", "why = 1", "unknown key; "),
    (MORE, SUSPENDED, SUSPENDED.replace("04-01", "03-01"), "until = 2027-03-01",
     "2027-03-01 is not after 2027-03-01; until is the first day it applies again"),
    (MORE, SUSPENDED, SUSPENDED.replace("2027-04-01", '"x"'), 'until = "x"', "must be a date"),
    (MORE, SUSPENDED, SUSPENDED.replace("hk-ag", "hk-xx"), '"hk-xx', "no such source 'hk-xx'"),
    (MORE, SUSPENDED, SUSPENDED.replace("2027-0", "2025-0"), "from  = 2025-03-01", "outside the time it applies"),
    (MORE, SUSPENDED, SUSPENDED.replace("2027-0", "2030-0"), "from  = 2030-03-01", "outside the time it applies"),
    (MORE, SUSPENDED, SUSPENDED.replace("until = 2027-04-01\n", "").replace("2027-03", "2030-01"),
     "from  = 2030-01-01", "2030-01-01 to no end lies outside the time it applies; date it within"),
    (MORE, '["offer"]', '["offer"]\nsuspended = 1', "suspended = 1", "must be a list"),
    (MORE, '["offer"]', '["offer"]\nsuspended = [1]', "suspended = [1]", "must be tables, each under"),
    # duties
    (MORE, 'every  = "1 month"\n', "", '"hk.report"', 'must have either upon = "…" or every = "…"'),
    (MORE, 'every  = "1 month"', 'every  = "1 month"\nupon = "redeem.paid"', '"hk.report"', "must have either upon"),
    (MORE, '"1 month"', '"monthly"', '"monthly"', 'cannot be counted; write "N business days'),
    (MORE, '"1 month"', '""', 'every  = ""', "is empty"),
    (MORE, '"1 month"', '"0 months"', '"0 months"', "cannot be counted"),
    (MORE, '"1 month"', '"1000 months"', '"1000 months"', "cannot be counted"),
    (MORE, '"1 month"', "1", "every  = 1", "must be text in quotes"),
    (MORE, '"10 days"', '"10 hours"', '"10 hours"', "cannot be counted"),
    (MORE, '"10 days"', '"ten days"', '"ten days"', "cannot be counted"),
    (MORE, '"10 days"', '" 10 days"', '" 10 days"', "cannot be counted"),
    (MORE, '"5 years"', '"5 yrs"', '"5 yrs"', "cannot be counted"),
    (MORE, 'for   = "5 years"\n', "", '[[duty]]\nid    = "hk.keep"', "is missing; write \"N business days\""),
    (MORE, 'within = "at once"\n', "", '[[duty]]\nid     = "hk.tell"', "is missing; write \"N business days\""),
    (MORE, '"redeem.paid"', '"redeem.payed"', '"redeem.payed"', "must be one of redeem.requested, redeem.paid"),
    (MORE, 'do     = "told.authority"', 'do     = "told"', 'do     = "told"', "must be one of redeem.requested"),
    (MORE, 'do     = "told.authority"', 'do     = ""', 'do     = ""', "must be one of redeem.requested"),
    (MORE, '"reviewer"', '"reader"', '"reader"', "must be one of issuer"),
    (MORE, '"reviewer"', '""', 'who   = ""', "must be one of issuer"),
    (MORE, 'who    = "issuer"\ndo     = "told.authority"\nwithin = "10', 'do     = "told.authority"\nwithin = "10',
     '[[duty]]\nid     = "hk.report"', "is missing; write text in quotes"),
    (MORE, 'for   = "5 years"', 'for   = "5 years"\nneed = {}', "need =", "unknown key"),
    # dead permits and ways out
    ("hk.toml", 'permit = ["pay"]', 'permit = ["offer"]', "", ""),
    (MORE, '{ event = "hk.awaited" }', "2025-01-01", "", ""),
]  # fmt: skip

FINE = [entry for entry in MISTAKES if not entry[4]]


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "message"), [entry for entry in MISTAKES if entry[4]]
)
def test_a_mistake_names_its_line_and_the_way_out(
    file: str, old: str, new: str, where: str, message: str
) -> None:
    assert_mistake(file, old, new, where, message)


@pytest.mark.parametrize(("file", "old", "new"), [entry[:3] for entry in FINE])
def test_what_is_no_mistake_is_read(file: str, old: str, new: str) -> None:
    assert read(changed(file, old, new), drafts=DRAFTS).rules


# -- what is read -----------------------------------------------------------------------------


def test_a_rule_is_read_with_all_it_says() -> None:
    rule = grown_law().rule_by_id["hk.invest"]
    assert (rule.topic, rule.confidence, rule.known) == (
        Topic.CAPITAL,
        Confidence.UNCONFIRMED,
        date(2025, 9, 1),
    )
    assert rule.brief == {
        "en": "bills up to {hoard.max_days[bill]}",
        "zh": "票据最长{hoard.max_days[bill]}",
    }
    assert rule.span.start_day == date(2026, 4, 1)  # 31 days after 1 March, before the last day
    assert rule.span.awaited == Awaited("hk.begun", 31, date(2027, 1, 18))
    assert (rule.span.end_day, rule.span.end_cite) == (date(2030, 1, 1), Cite("hk-sg", "para 9"))
    assert [(gap.start_day, gap.end_day, gap.cite.place) for gap in rule.span.gaps] == [
        (date(2027, 3, 1), date(2027, 4, 1), "para 1"),
        (date(2029, 1, 1), None, "para 2"),
    ]
    assert [(need.name, need.topic) for need in rule.needs] == [
        ("kind", Topic.CAPITAL),
        ("share", Topic.CAPITAL),
        ("short", Topic.CAPITAL),
        ("wallets", Topic.CAPS),
    ]
    assert rule.needs[0].brief == {}
    assert rule.needs[3].brief["zh"] == "至多{purse.most}"


def test_the_last_day_counts_while_the_event_is_pending_or_late() -> None:
    pending = read(changed("hk-more.toml", '"hk.begun", days = 31', '"hk.awaited", days = 31'))
    assert pending.rule_by_id["hk.invest"].span.start_day == date(2027, 1, 18)
    late = read(changed("events.toml", "day   = 2026-03-01", "day   = 2026-12-20"))
    assert late.rule_by_id["hk.invest"].span.start_day == date(2027, 1, 18)
    soon = read(changed("events.toml", "day   = 2026-03-01", "day   = 2026-12-17"))
    assert soon.rule_by_id["hk.invest"].span.start_day == date(2027, 1, 17)


def test_what_waits_for_a_pending_event_never_applies_and_begins_with_it() -> None:
    rule = grown_law().rule_by_id["hk.awaits"]
    assert rule.span.is_pending
    assert (rule.span.start, rule.span.start_day) == (NEVER, date.max)
    assert not rule.span.covers(day_start(date(2200, 1, 1), HK))
    texts = grown()
    texts["events.toml"] += 'day = 2027-05-05\ncite = "hk-so s 3"\n'
    begun = read(texts).rule_by_id["hk.awaits"]
    assert begun.span.start == day_start(date(2027, 5, 5), HK)
    assert read(texts).events["hk.awaited"].known == date(2027, 5, 5)


def test_a_suspended_permit_permits_nothing_meanwhile() -> None:
    book = grown_law()
    facts: dict[str, int | str | frozenset[str] | None] = {
        "issuer.zone": "hk", "payer.zone": "hk", "payee.zone": "hk", "payment.place": "hk",
        "paper.kind": "bill", "paper.days": 93, "paper.share": 12_50, "purse.wallets": 2,
        "issuer.reserve_value": 1, "issuer.coins_outstanding": 1,
    }  # fmt: skip
    span = book.rule_by_id["hk.invest"].span
    for day, reasons, stands in (
        (date(2026, 3, 31), ("hk/no_permit",), Standing.ENACTED),
        (date(2026, 4, 1), (), Standing.IN_FORCE),
        (date(2027, 2, 28), (), Standing.IN_FORCE),
        (date(2027, 3, 1), ("hk/no_permit",), Standing.SUSPENDED),
        (date(2027, 3, 31), ("hk/no_permit",), Standing.SUSPENDED),
        (date(2027, 4, 1), (), Standing.IN_FORCE),
        (date(2029, 1, 1), ("hk/no_permit",), Standing.SUSPENDED),
        (date(2030, 1, 1), ("hk/no_permit",), Standing.REPEALED),
    ):
        instant = day_start(day, HK)
        assert decide(book, Action.INVEST, facts, instant).reasons == reasons, day
        assert standing(Status.ENACTED, span, instant) is stands, day


@pytest.mark.parametrize(
    ("fact", "met", "missed", "need"),
    [
        ("paper.kind", "cash", "bond", "kind"),
        ("paper.days", 93, 94, "short"),
        ("paper.share", 12_50, 12_51, "share"),
        ("purse.wallets", 2, 3, "wallets"),
    ],
)
def test_numbers_of_days_percent_and_count_are_just_met_and_just_missed(
    fact: str, met: int | str, missed: int | str, need: str
) -> None:
    usual: dict[str, int | str | frozenset[str] | None] = {
        "issuer.zone": "hk", "payer.zone": "hk", "payee.zone": "hk", "payment.place": "hk",
        "paper.kind": "bill", "paper.days": 1, "paper.share": 1, "purse.wallets": 1,
    }  # fmt: skip
    book, instant = grown_law(), day_start(date(2026, 6, 1), HK)
    found = decide(book, Action.INVEST, usual | {fact: met}, instant).reasons
    assert f"hk.invest/{need}" not in found
    found = decide(book, Action.INVEST, usual | {fact: missed}, instant).reasons
    assert f"hk.invest/{need}" in found
    found = decide(book, Action.INVEST, usual | {fact: None}, instant).reasons
    assert f"hk.invest/{need}" in found
    assert "law/missing_fact" in found


def test_a_value_picked_by_a_fact_has_a_number_for_each_word() -> None:
    book = grown_law()
    instant = day_start(date(2026, 6, 1), HK)
    series = book.series["hk", "hoard.max_days"]
    found = [series.at(instant, "days", key) for key in ("cash", "bill", "bond")]
    assert [each[0] if each else None for each in found] == [UNLIMITED, 93, 0]
    assert book.series["hk", "levy.most"].dated[0].amounts == {"HKD": {"hk": 10_00, "cn-sh": 50}}


def test_duties_have_their_times() -> None:
    duties = {duty.id: duty for duty in grown_law().duties}
    report, keep, tell = duties["hk.report"], duties["hk.keep"], duties["hk.tell"]
    assert (report.upon, report.every, report.within) == ("", Term(1, "month"), Term(10, "day"))
    assert (keep.who, keep.within, keep.lasting) == ("reviewer", None, Term(5, "year"))
    assert (tell.within, tell.topic, keep.topic) == (Term(0, "day"), Topic.DISCLOSURE, Topic.OPERATIONS)


# -- dead permits and ways out ----------------------------------------------------------------

BAN = '\n[[rule]]\nid = "hk.ban"\ntitle = { en = "Ban", zh = "禁" }\nforbid = ["invest", "offer"]\n'
BAN += 'from = 2026-04-01\ncite = "hk-sg para 9"\n'


def test_a_permit_that_the_same_law_always_forbids_is_refused_once() -> None:
    texts = grown()
    texts["hk-more.toml"] += BAN + BAN.replace("hk.ban", "hk.ban_again")
    (mistake,) = mistakes_of(texts)
    assert mistake.message == "permits what hk.ban always forbids; lift that ban or drop this"
    assert (mistake.file, mistake.line) == (MORE, line_of(texts[MORE], '"hk.invest"'))


@pytest.mark.parametrize(
    "escape",
    [
        ("2026-04-01", "2026-04-02"),
        ("2026-04-01", "2026-04-01\nuntil = 2029-12-31"),
        ('["invest", "offer"]', '["offer"]'),
        ('cite = "hk-sg para 9"\n', 'cite = "hk-sg para 9"\nwhen = ["paper.days > 1"]\n'),
        ('cite = "hk-sg para 9"\n', 'cite = "hk-sg para 9"\nunless = ["paper.days > 1"]\n'),
        ('"hk-sg para 9"\n', '"hk-sg para 9"\nsuspended = [{ from = 2027-01-01, cite = "hk-sg 9" }]\n'),
        ('hk.ban"', 'cn.ban"'),
    ],
)
def test_a_permit_that_applies_sometimes_is_no_dead_one(escape: tuple[str, str]) -> None:
    texts = grown()
    file = "cn.toml" if "cn.ban" in escape[1] else MORE
    texts[file] += BAN.replace(*escape)
    assert read(texts).rules


def test_a_suspended_way_out_traps_coins() -> None:
    old = 'permit = ["issue", "redeem"]\nfrom   = 2025-08-01\n'
    assert old in grown()["hk.toml"]
    way = '[[rule]]\nid = "hk.out"\ntitle = { en = "Out", zh = "出" }\npermit = ["redeem"]\n'
    way += 'from = 2025-08-01\ncite = "hk-so s 8"\n'
    gap = 'suspended = [{ from = 2026-05-01, until = 2026-06-01, cite = "hk-so s 9" }]\n'
    apart = old.replace(', "redeem"', "")
    texts = changed("hk.toml", old, apart)
    texts["hk.toml"] += way + gap
    (mistake,) = mistakes_of(texts)
    assert mistake.message == (
        "permits issuing on 2026-05-01, when nothing there permits redeeming; add a way out"
    )
    assert mistake.subject == "hk.issue"
    # Issuing that is suspended as long traps nothing; issuing that resumes a month sooner does.
    texts = changed("hk.toml", old, apart + gap)
    texts["hk.toml"] += way + gap
    assert read(texts, drafts=DRAFTS).rules
    texts = changed("hk.toml", old, apart + gap.replace("2026-06-01", "2026-05-20"))
    texts["hk.toml"] += way + gap
    (mistake,) = mistakes_of(texts)
    assert "permits issuing on 2026-05-20" in mistake.message


def test_issuing_that_waits_for_an_event_needs_a_way_out_only_once_it_can_begin() -> None:
    old = 'permit = ["issue", "redeem"]\nfrom   = 2025-08-01\n'
    new = 'permit = ["issue", "redeem"]\nfrom   = { event = "hk.awaited" }\nuntil = 2030-01-01\n'
    assert read(changed("hk.toml", old, new)).rules
    without = changed("hk.toml", old, new.replace(', "redeem"', ""))
    assert "nothing there permits redeeming" in mistakes_of(without)[0].message
