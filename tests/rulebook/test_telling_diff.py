"""What changes between two days, two books, or with a reform: each difference with its article."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from jiaozi.rulebook.model import Book, Status
from jiaozi.rulebook.reading.read import ALL, law_folder, read, with_reform
from jiaozi.rulebook.telling.diff import diff_books, diff_days, line

from .law_scenes import law, shipped

PILOT = law("cn-sh")

LOWER = """
[reform]
title = { en = "Halve what an anonymous wallet may pay at once", zh = "匿名钱包单笔限额减半" }

[[change]]
set   = "limit.single"
place = "cn-sh"
from  = 2027-07-01
cite  = "sh-pilot notice 2 art 1"
CNY   = { t4 = 1_000 }
"""


def rewritten(file: str, *changes: tuple[str, str], more: str = "", book: Book = PILOT) -> Book:
    """Return *book* with some words of one file replaced and some added."""
    texts = dict(book.texts)
    for old, new in changes:
        assert texts[file].count(old) == 1, (old, texts[file].count(old))
        texts[file] = texts[file].replace(old, new)
    texts[file] = texts.get(file, "") + more
    return read(texts, drafts=book.drafts)


def said(before: Book, after: Book, language: str = "en") -> list[str]:
    return [line(change, language) for change in diff_books(before, after, language)]


def between(book: Book, first: str, second: str, language: str = "en") -> list[str]:
    before, after = (date.fromisoformat(day) for day in (first, second))
    return [line(change, language) for change in diff_days(book, before, after, language)]


# -- two days -----------------------------------------------------------------------------------


def test_notice_42_ended_one_ban_and_began_three() -> None:
    assert between(law(), "2026-02-05", "2026-02-06") == [
        "ends  from 2026-02-06  cn.virtual_currency_2021  Virtual currency business is illegal financial "
        "activity  (cn-237 art 1)",
        "begins  from 2026-02-06  cn.virtual_currency  Issuing, paying and exchanging virtual currency in the "
        "mainland stays illegal  (cn-42 art 1)",
        "begins  from 2026-02-06  cn.yuan_peg_abroad  Nobody may issue a yuan-pegged coin abroad without the "
        "consent of the competent departments  (cn-42 art 1)",
        "begins  from 2026-02-06  cn.controlled_abroad  "
        + law().rule_by_id["cn.controlled_abroad"].title["en"]
        + "  (cn-42 art 1)",
    ]


def test_an_end_is_told_with_the_text_that_set_it() -> None:
    first = between(shipped(), "2026-02-05", "2026-02-06")[0]
    assert first.startswith("ends  from 2026-02-06  cn.virtual_currency_2021")
    assert first.endswith(f"({shipped().rule_by_id['cn.virtual_currency_2021'].span.end_cite})")
    assert first.rpartition("(")[2].startswith("cn-42 ")


@pytest.mark.parametrize(
    ("first", "second"), [("2026-02-06", "2026-02-06"), ("2026-02-06", "2026-11-22"), ("2010-01-01", "2012-01-01")]
)  # fmt: skip
def test_between_days_on_which_nothing_changes_there_is_nothing(first: str, second: str) -> None:
    assert between(law(), first, second) == []


def test_backwards_the_same_change_is_told_the_other_way_round() -> None:
    (forward,) = diff_days(law(), date(2021, 9, 23), date(2021, 9, 24), "en")
    (backward,) = diff_days(law(), date(2021, 9, 24), date(2021, 9, 23), "en")
    assert (forward.what, backward.what) == ("begins", "ends")
    assert forward.since == date(2021, 9, 24)
    assert backward.since is None
    assert backward.before == forward.after


def test_a_number_that_changes_between_two_days_is_told_with_its_own_article() -> None:
    book = with_reform(PILOT, "lower", LOWER)
    assert between(book, "2027-06-30", "2027-07-01") == [
        "from 2027-07-01  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-pilot notice 2 art 1) [DRAFT]"
    ]
    assert between(book, "2027-06-30", "2027-07-01", "zh") == [
        "自2027-07-01起  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-pilot notice 2 art 1) [草案]"
    ]


def test_a_first_number_comes_from_nothing() -> None:
    said = between(law(), "2025-07-31", "2025-08-01")
    assert said[-1] == "from 2025-08-01  travel.full_from  nothing -> 8,000.00 HKD  (hk-ag para 6.5)"
    assert between(law(), "2025-07-31", "2025-08-01", "zh")[-1].startswith(
        "自2025-08-01起  travel.full_from  无 -> 8,000.00 HKD"
    )


def test_a_suspension_ends_a_duty_and_its_end_begins_it_again() -> None:
    gap = 'suspended = [{ from = 2026-03-01, until = 2026-04-01, cite = "hk-sg para 9" }]\n'
    book = rewritten("hk.toml", ('upon   = "redeem.requested"', f'{gap}upon   = "redeem.requested"'))
    title = "hk.redeem_in_time  A valid request is paid at par within one business day  (hk-sg para 9)"
    assert between(book, "2026-02-28", "2026-03-01") == [f"ends  from 2026-03-01  {title}"]
    assert between(book, "2026-03-31", "2026-04-01") == [f"begins  from 2026-04-01  {title}"]


def test_what_waits_for_an_event_never_begins() -> None:
    changes = diff_days(shipped(ALL), date(2026, 7, 22), date(2100, 1, 1), "en")
    assert not [change for change in changes if change.place == "tw"]
    assert {change.place for change in changes} >= {"us", "fatf", "cn-sh"}


# -- two books ----------------------------------------------------------------------------------


def test_a_book_does_not_differ_from_itself() -> None:
    assert diff_books(PILOT, PILOT, "en") == ()
    assert diff_books(shipped(), shipped(), "zh") == ()
    assert said(PILOT, read(dict(PILOT.texts), drafts=["cn-sh"])) == []


def test_the_draft_adds_its_rules_and_opens_the_door() -> None:
    changes = diff_books(law(), PILOT, "en")
    added = [change.name for change in changes if change.what == "added"]
    assert added == [found.id for found in PILOT.provisions if found.place == "cn-sh"]
    (door,) = [change for change in changes if change.what == "yields to"]
    assert (door.name, door.before, door.after) == (
        "cn.virtual_currency",
        "",
        "cn-sh.issue, cn-sh.pay, cn-sh.wind_down",
    )
    assert str(door.cite) == "sh-decision art 1"
    assert all(change.status is Status.DRAFT for change in changes)
    assert all(text.endswith("[DRAFT]") for text in said(law(), PILOT))
    assert [change.what for change in diff_books(PILOT, law(), "en")].count("removed") == len(added)


def test_a_reform_is_one_line() -> None:
    reformed = with_reform(PILOT, "lower", LOWER)
    assert said(PILOT, reformed) == [
        "from 2027-07-01  limit.single[t4]  2,000.00 CNY -> 1,000.00 CNY  (sh-pilot notice 2 art 1) [DRAFT]"
    ]
    assert said(reformed, PILOT) == [
        "from 2027-07-01  limit.single[t4]  1,000.00 CNY -> 2,000.00 CNY  (sh-pilot art 7(1)) [DRAFT]"
    ]


def test_a_later_number_of_the_base_ends_what_a_reform_changed() -> None:
    later = '\n[[limit.single]]\nfrom = 2028-01-01\ncite = "sh-pilot notice 3 art 1"\nCNY = { t4 = 500 }\n'
    base = rewritten("cn-sh.toml", more=later)
    numbers = [
        (change.since, change.before, change.after)
        for change in diff_books(base, with_reform(base, "lower", LOWER), "en")
    ]
    assert numbers == [(date(2027, 7, 1), "2,000.00 CNY", "1,000.00 CNY")]


def test_a_difference_is_told_once_though_another_number_changes_later() -> None:
    later = '\n[[limit.single]]\nfrom = 2028-01-01\ncite = "sh-pilot notice 3 art 1"\nCNY = { t3 = 4_000 }\n'
    base = rewritten("cn-sh.toml", more=later)
    changes = diff_books(base, with_reform(base, "lower", LOWER), "en")
    assert [(change.name, change.since) for change in changes] == [("limit.single[t4]", date(2027, 7, 1))]


REPEAL = """
[reform]
title = { en = "An exercise", zh = "习作" }

[[change]]
repeal = "cn.yuan_peg_abroad"
from   = 2027-07-01
cite   = "sh-decision art 9"
"""


@pytest.mark.parametrize("base", [law(), PILOT], ids=["the law", "with a draft"])
def test_a_repeal_by_a_reform_is_an_end_and_no_law(base: Book) -> None:
    reformed = with_reform(base, "repeal", REPEAL)
    assert said(base, reformed) == [
        "cn.yuan_peg_abroad  until  nothing -> 2027-07-01  (sh-decision art 9) [DRAFT]"
    ]
    assert said(base, reformed, "zh") == [
        "cn.yuan_peg_abroad  终止  无 -> 2027-07-01  (sh-decision art 9) [草案]"
    ]
    (ended,) = between(reformed, "2027-06-30", "2027-07-01")
    assert ended.startswith("ends  from 2027-07-01  cn.yuan_peg_abroad")
    assert ended.endswith("(sh-decision art 9) [DRAFT]")


NEED = "travel_core     = { if = \"payment.travel_data in ('core', 'full')\", cite = \"hk-ag para 6.5\", "


def test_a_need_that_is_added_or_removed_is_named() -> None:
    line_of = next(text for text in law().texts["hk.toml"].splitlines() if text.startswith(NEED))
    less = rewritten("hk.toml", (line_of + "\n", ""), book=law())
    words = "the data that travels with the payment is the core set or the full set (hk-ag para 6.5)"
    written = "payment.travel_data in ('core', 'full')"
    assert said(law(), less) == [
        f"hk.pay  need travel_core  {words} -> nothing  (hk-ag para 6.5)",
        f"hk.pay  need travel_core as written  {written} -> nothing  (hk-ag para 6.5)",
    ]
    assert said(less, law()) == [
        f"hk.pay  need travel_core  nothing -> {words}  (hk-ag para 6.5)",
        f"hk.pay  need travel_core as written  nothing -> {written}  (hk-ag para 6.5)",
    ]
    assert said(less, law(), "zh")[0].startswith("hk.pay  要求 travel_core  无 -> ")


def test_a_need_that_asks_something_else_shows_both() -> None:
    looser = rewritten("hk.toml", (NEED, NEED.replace("('core', 'full')", "('none', 'core', 'full')")))
    first, second = said(PILOT, looser)
    assert "the core set or the full set (hk-ag para 6.5) -> " in first
    assert "no data or the core set or the full set" in first
    assert second == (
        "hk.pay  need travel_core as written  payment.travel_data in ('core', 'full') -> "
        "payment.travel_data in ('none', 'core', 'full')  (hk-ag para 6.5)"
    )


def test_a_need_may_have_the_name_of_a_part() -> None:
    """`title` and `from` are names that a need may bear; they must not hide the title and the start."""
    named = rewritten("hk.toml", ("travel_core     =", "title =")).texts
    book = read(named, drafts=["cn-sh"])
    whats = [change.what for change in diff_books(PILOT, book, "en")]
    assert whats == [
        "need travel_core",
        "need travel_core as written",
        "need title",
        "need title as written",
    ]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('within = "1 business day"', 'within = "2 business days"', "within 1 business day, hk -> "),
        ('within = "1 business day"', 'for = "5 years"', "for 5 years, hk  (hk-sg para 3.3)"),
        (
            'upon   = "redeem.requested"\n',
            'upon   = "redeem.requested"\nuntil = 2030-01-01\n',
            "hk.redeem_in_time  until  nothing -> 2030-01-01",
        ),
        (
            'upon   = "redeem.requested"\n',
            'upon   = "redeem.requested"\nsuspended = [{ from = 2026-03-01, cite = "hk-sg para 9" }]\n',
            "hk.redeem_in_time  suspended  nothing -> 2026-03-01 -  (hk-sg para 9)  (hk-sg para 3.3)",
        ),
        (
            "A valid request is paid at par within one business day",
            "A valid request is paid",
            "hk.redeem_in_time  title  A valid request is paid at par within one business day -> ",
        ),
        (
            'cite   = "hk-sg para 3.3"',
            'cite   = "hk-sg para 3.4"',
            "article  hk-sg para 3.3 -> hk-sg para 3.4",
        ),
    ],
)
def test_every_part_of_a_duty_is_compared(old: str, new: str, shown: str) -> None:
    (text,) = said(law(), rewritten("hk.toml", (old, new), book=law()))
    assert shown in text


def test_a_rule_that_waits_begins_in_words_and_never_in_the_year_9999() -> None:
    happened = dict(shipped().texts)
    event = 'id    = "tw.vasa_commenced"\n'
    assert event in happened["events.toml"]
    happened["events.toml"] = happened["events.toml"].replace(
        event, f'{event}day = 2027-03-01\nknown = 2027-02-01\ncite = "tw-vasa art 1"\n'
    )
    changes = said(shipped(), read(happened))
    waits = "waits for the commencement of the Virtual Asset Service Act"
    assert f"tw.issue  from  {waits} -> from 2027-03-01  (tw-vasa chapter on stablecoins)" in changes
    assert len(changes) == sum(found.place == "tw" for found in shipped().provisions)
    assert not any("9999" in text for text in changes)


def test_every_part_has_its_chinese_name() -> None:
    old = 'forbid = ["issue"]\nwhen   = ["coin.peg == \'CNY\'", "payment.place not in \'cn\'"]\n'
    new = 'forbid = ["issue", "pay"]\nwhen   = ["coin.peg == \'CNY\'"]\n'
    new += 'suspended = [{ from = 2026-03-01, cite = "cn-42 art 9" }]\n'
    after = rewritten("cn.toml", (old, new), book=law())
    text = "\n".join(said(law(), after, "zh"))
    for part in ("暂停", "行为", "适用条件"):
        assert f"cn.yuan_peg_abroad  {part}  " in text
    assert not any(part in text for part in ("suspended", "actions", "when", "nothing"))


@pytest.mark.parametrize(
    "path", sorted((law_folder() / "reforms").glob("*.toml")), ids=lambda path: path.stem
)
def test_each_reform_that_ships_changes_what_it_says_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    base = shipped("cn-sh") if "--draft cn-sh" in text else shipped()
    reformed = with_reform(base, path.name, text)
    changes = diff_books(base, reformed, "en")
    kinds = ("change", "amend", "rule", "always")
    assert len(changes) == sum(text.count(f"\n[[{kind}]]\n") for kind in kinds)
    title = next(part.title for part in reformed.parts if part.name == path.stem)
    was_proposed = text.startswith("# WHAT A DRAFT SAID. It never became law")
    for change in changes:
        assert change.status is Status.DRAFT
        assert change.before or change.what in ("until", "added")
        assert reformed.sources[change.cite.source].read == ("digest" if was_proposed else "invented")
    if not was_proposed:
        assert "AN EXERCISE" in text.splitlines()[0]
        assert title["en"].startswith("Exercise: ")
        assert title["zh"].startswith("习作：")
