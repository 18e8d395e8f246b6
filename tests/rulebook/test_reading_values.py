"""Numbers of the law are read strictly: money, days, counts, percentages, one a day, none passed over."""

from __future__ import annotations

import pytest

from jiaozi.rulebook.provisions import UNLIMITED, Confidence
from jiaozi.rulebook.reading.read import read

from .grown_law import DRAFTS, assert_mistake, changed, grown, grown_law, line_of, mistakes_of

MORE = "hk-more.toml"
DAYS = 'days = { cash = "unlimited", bill = 93, bond = 0 }'
PERCENT, TOPIC = "the percentage itself", "the topic itself"
LAST = 'from = 2025-08-01\ncite = "hk-sg para 4"\n'
BEGUN = '[[hoard.max_share]]\nfrom       = { event = "hk.begun" }'

# file, what is replaced, by what, where the mistake must be reported, what it must say
MISTAKES = [
    # days and counts
    (MORE, "bill = 93", "bill = -1", "days = {", "-1 is negative; a number of days is zero or more"),
    (MORE, "bill = 93", 'bill = "93"', "days = {", 'must be a whole number of days, or "unlimited"'),
    (MORE, "bill = 93", "bill = 93.0", "days = {", 'must be a whole number of days, or "unlimited"'),
    (MORE, "bill = 93", "bill = true", "days = {", 'must be a whole number of days, or "unlimited"'),
    (MORE, "bill = 93", "bill = [93]", "days = {", "must be a whole number of days"),
    (MORE, "bill = 93", "bill = 2026-01-01", "days = {", "must be a whole number of days"),
    (MORE, "bill = 93", "bill = " + "9" * 30, "days = {", "more than the largest amount"),
    (MORE, "bill = 93", "bills = 93", "days = {", "no such paper.kind; paper.kinds are cash, bill, bond"),
    (MORE, DAYS, "days = 93", "days = 93", "must be a table"),
    (MORE, DAYS, "", '[[hoard.max_days]]\nfrom', "is missing"),
    (MORE, DAYS, "", LAST, "sets no number; write days = …"),
    (MORE, DAYS, "CNY = 5", "CNY = 5", "unknown key; "),
    (MORE, DAYS, DAYS.replace("days", "count"), "count = {", "unknown key; "),
    (MORE, DAYS, DAYS.replace("days", "percent"), "percent = {", "unknown key; "),
    (MORE, "count = 3", "count = -3", "count = -3", "-3 is negative; a number of count is zero or more"),
    (MORE, "count = 3", "count = { t1 = 3 }", "count = {", "must be a whole number of count"),
    # percentages
    (MORE, 'percent    = "12.50"', "percent = 12.5", PERCENT, 'whole percent, a text such as "0.50"'),
    (MORE, 'percent    = "12.50"', 'percent = "12.505"', PERCENT, "smaller than one fen"),
    (MORE, 'percent    = "12.50"', 'percent = "12.5 %"', PERCENT, "is not an amount; write digits"),
    (MORE, 'percent    = "12.50"', 'percent = ""', PERCENT, "is not an amount; write digits"),
    (MORE, 'percent    = "12.50"', "percent = -1", PERCENT, "is negative"),
    (MORE, 'percent    = "12.50"', "days = 1", "days = 1", "unknown key"),
    (MORE, 'percent    = "12.50"', "", 'from       = { event = "hk.begun" }', "sets no number; write percent"),
    # money by a place
    (MORE, "hk = 10", "xx = 10", "HKD  = {", "no such payment.place; payment.places are cn, cn-sh, hk"),
    (MORE, "hk = 10", "hk = 10.5", "HKD  = {", 'must be whole yuan, a text such as "0.50", or "unlimited"'),
    (MORE, "hk = 10", "hk = 1000000000000001", "HKD  = {", "more than the largest amount"),
    (MORE, "HKD  = { hk = 10", "GBP  = { hk = 10", "GBP", "unknown key"),
    # a value has no end, no suspension
    (MORE, "count = 3", "count = 3\nuntil = 2030-01-01", "until = 2030", "a value ends when the next one begins"),
    (MORE, "count = 3", 'count = 3\nuntil_cite = "hk-so s 1"', 'until_cite = "hk-so s 1"', "a value ends when the"),
    (MORE, "count = 3", 'count = 3\nsuspended = [{ from = 2026-01-01, cite = "hk-so s 1" }]', "suspended = [",
     "a value ends when the next one begins; append that one"),
    (MORE, "count = 3", 'count = 3\ntopic = "caps"', TOPIC, "unknown key"),
    (MORE, 'confidence = "unconfirmed"\n\n[[purse', 'confidence = "sure"\n\n[[purse', '"sure"', "must be one of"),
    (MORE, "[[purse.most]]", "[[purse.least]]", "[[purse.least]]", "no such value; declared are"),
    (MORE, "[[purse.most]]", "[[pursue.most]]", "[[pursue.most]]", "unknown key; did you mean purse?"),
    (MORE, "[[purse.most]]", "[purse.most]", "[purse.most]", "must be a list"),
    # two on one day
    (MORE, BEGUN, BEGUN.replace('{ event = "hk.begun" }', "2025-08-01"), "from       = 2025-08-01",
     "second value from 2025-08-01 (first at line"),
    (MORE, BEGUN, '[[hoard.max_share]]\nfrom = 2026-03-01\ncite = "hk-sg para 1"\npercent = 1\n' + BEGUN, 
     'from       = { event = "hk.begun" }', "second value from 2026-03-01 (first at line"),
    (MORE, BEGUN, BEGUN.replace('"hk.begun"', '"hk.awaited", by = 2025-08-01'), 'from       = { event = "hk.aw',
     "second value from 2025-08-01 (first at line"),
    (MORE, BEGUN, BEGUN.replace("hk.begun", "hk.awaited") + '\ncite = "hk-sg para 1"\npercent = 1\n' 
     + BEGUN.replace("hk.begun", "hk.awaited"), "", "second value from event hk.awaited (first at line"),
    (MORE, 'from = 2025-08-01\ncite = "hk-sg para 7"', 'from = 2500-08-01\ncite = "hk-sg para 7"', "2500", "a year"),
    # units in conditions
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= levy.most[payment.place]", "paper.days <=",
     "compares days with money; both sides must be in one unit"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= payment.amount", "paper.days <=",
     "compares coin with days; both sides must be in one unit"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= paper.share", "paper.days <=",
     "compares days with percent; both"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= purse.most", "paper.days <=",
     "compares count with days; both"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "payment.amount <= hoard.max_days[paper.kind]",
     "payment.amount <=", "compares coin with days; both"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= hoard.max_days", "paper.days <=",
     "hoard.max_days is set by paper.kind; write hoard.max_days[paper.kind]"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days <= hoard.max_days[payer.tier]", "paper.days <=",
     "hoard.max_days is picked by paper.kind, not by payer.tier"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "purse.wallets <= purse.most[payer.tier]", "purse.wallets <=",
     "purse.most is picked by nothing, not by payer.tier"),
    (MORE, "paper.days <= hoard.max_days[paper.kind]", "paper.days == 'cash'", "paper.days ==", "not a word"),
    # a value that is used and never set, or not in that currency
    (MORE, "hoard.max_days[paper.kind]\"", "hoard.max_days[paper.kind]\"\nx = 1", "x = 1", "unknown key"),
    (MORE, "paper.share <= hoard.max_share", "payment.amount <= limit.day[payer.tier]", "share   =",
     "uses limit.day, which hk never sets; add [[limit.day]]"),
    (MORE, "paper.share <= hoard.max_share", "payment.amount_hkd < levy.most[payment.place]", "", ""),
    ("facts.toml", '"payment.place"\ntitle = { en = "the highest', '"payment.plaice"\ntitle = { en = "the highest',
     "payment.plaice", "must be one of tier"),
    ("facts.toml", 'by    = "paper.kind"', 'by    = "paper.days"', 'by    = "paper.days"', "must be one of tier"),
    ("facts.toml", 'by    = "paper.kind"', 'by    = "issuer.licences"', 'by    = "issuer.lic', "must be one of tier"),
    ("facts.toml", 'unit  = "days"', 'unit  = "weeks"', '"weeks"', "must be one of days, count, percent"),
    ("facts.toml", 'unit  = "days"\n', "", 'id    = "paper.days"', "is missing"),
    ("facts.toml", 'type  = "count"', 'type  = "number"', 'type  = "number"\nt', "must be one of money, days, count"),
    ("facts.toml", 'known_by = "asker"', 'known_by = "anyone"', '"anyone"', "must be one of ledger, asker"),
    ("facts.toml", '["cash", "bill", "bond"]', "[]", "words    = []", "is empty; write at least one text"),
    ("facts.toml", '["cash", "bill", "bond"]', '["cash", ""]', 'words    = ["cash", ""]', "none of them empty"),
    ("facts.toml", 'id    = "told.authority"', 'id    = "redeem.paid"', "", "stands twice"),
    ("facts.toml", 'id    = "told.authority"', 'id    = ""', 'id    = ""', "is empty; write text in quotes"),
    ("facts.toml", 'id    = "reviewer"', 'id    = "issuer"', "", "stands twice"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "message"), [entry for entry in MISTAKES if entry[4]]
)
def test_a_mistake_names_its_line_and_the_way_out(
    file: str, old: str, new: str, where: str, message: str
) -> None:
    if where == PERCENT:
        where = new
    if where == TOPIC:
        where = 'topic = "caps"\n\n'
    if message == "is missing" and "hoard" in where:
        # Once the numbers are gone, the block says so; nothing else is missing there.
        message, where = "sets no number", LAST
    if 'id    = "paper.days"' in where:
        where = '[[fact]]\nid    = "paper.days"'
    assert_mistake(file, old, new, where, message)


@pytest.mark.parametrize(("file", "old", "new"), [entry[:3] for entry in MISTAKES if not entry[4]])
def test_what_is_no_mistake_is_read(file: str, old: str, new: str) -> None:
    assert read(changed(file, old, new), drafts=DRAFTS).rules


@pytest.mark.parametrize(
    ("name", "written", "number"),
    [
        ("hoard.max_share", "0", 0),
        ("hoard.max_share", "30", 30_00),
        ("hoard.max_share", '"33.34"', 33_34),
        ("hoard.max_share", '"unlimited"', UNLIMITED),
        ("purse.most", "0", 0),
        ("purse.most", "3", 3),
        ("purse.most", "1_000", 1_000),
        ("purse.most", "0x10", 16),
        ("purse.most", '"unlimited"', UNLIMITED),
    ],
)
def test_a_number_is_held_in_its_smallest_part(name: str, written: str, number: int) -> None:
    unit, old = ("percent", "percent = 30") if name == "hoard.max_share" else ("count", "count = 3")
    book = read(changed(MORE, old, f"{unit} = {written}"))
    assert book.series["hk", name].dated[0].amounts == {unit: {"": number}}


def test_values_of_one_series_stand_in_order_of_time_and_keep_what_each_says() -> None:
    first, second = grown_law().series["hk", "hoard.max_share"].dated
    assert (first.confidence, second.confidence) == (Confidence.CONFIRMED, Confidence.UNCONFIRMED)
    assert str(second.start_day) == "2026-03-01"
    assert second.amounts == {"percent": {"": 12_50}}


def test_what_waits_for_an_event_may_stand_before_or_after_a_day() -> None:
    """The day of an event comes later than the file: the file must not become wrong by it."""
    later = '\n[[hoard.max_share]]\nfrom = 2026-01-01\ncite = "hk-sg para 5"\npercent = 20\n'
    texts = grown()
    texts[MORE] += later
    days = [str(value.start_day) for value in read(texts).series["hk", "hoard.max_share"].dated]
    assert days == ["2025-08-01", "2026-01-01", "2026-03-01"]
    texts[MORE] = texts[MORE].replace('{ event = "hk.begun" }', '{ event = "hk.awaited" }')
    series = read(texts).series["hk", "hoard.max_share"]
    assert [value.span.is_pending for value in series.dated] == [False, False, True]


def test_a_draft_cannot_set_a_value_on_a_day_that_the_law_has_set() -> None:
    texts = changed(
        "open.toml", 'from  = 2027-07-01\ncite  = "open art 1"', 'from = 2025-08-01\ncite = "open art 1"'
    )
    (mistake,) = mistakes_of(texts)
    at = line_of(texts["hk.toml"], "[[travel.full_from]]") + 1
    assert mistake.message == (
        f"second value from 2025-08-01 (first at hk.toml:{at}); delete one or date it later"
    )
    assert (mistake.file, mistake.line) == ("open.toml", line_of(texts["open.toml"], "from = 2025-08-01"))
