"""Reading is strict: each mistake names its file, its line, and what to do next."""

from __future__ import annotations

import pytest

from jiaozi.errors import Mistake, RulebookError
from jiaozi.rulebook.reading.read import read

from .law_scenes import law

DRAFTS = ("cn-sh",)


def mistakes_of(texts: dict[str, str], *drafts: str) -> tuple[Mistake, ...]:
    with pytest.raises(RulebookError) as caught:
        read(texts, drafts=drafts or DRAFTS)
    assert str(caught.value) == "\n".join(str(mistake) for mistake in caught.value.mistakes)
    return caught.value.mistakes


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the shipped texts with the first *old* in *file* replaced by *new*."""
    texts = dict(law(*DRAFTS).texts)
    assert old in texts[file], old
    return {**texts, file: texts[file].replace(old, new, 1)}


def line_of(text: str, part: str) -> int:
    """Return the line of the first *part* in *text*, from 1."""
    return text[: text.index(part)].count("\n") + 1


ID_LINE = '"cn-sh.pay"\n'

# file, what is replaced, by what, where the mistake must be reported, what it must say
MISTAKES = [
    # unknown names
    ("cn.toml", "supersedes =", "superseeds =", "superseeds", "unknown key; did you mean supersedes?"),
    ("cn.toml", "[book]", "[book]\ncolour = 1", "colour", "unknown key; "),
    ("cn.toml", "[book]", "[bok]", "[bok]", "unknown key; did you mean book?"),
    ("cn-sh.toml", "payer.kind in", "payer.kynd in", "payer.kynd", "no such fact; did you mean payer.kind?"),
    ("cn-sh.toml", "payer.kind in", "colour in", "colour in", "no such fact; facts are listed in facts.toml"),
    ("cn-sh.toml", '"sh-pilot art 2"', '"sh-pilt art 2"', "sh-pilt", "did you mean sh-pilot?"),
    ("cn-sh.toml", '"sh-pilot art 2"', '"zzz art 2"', "zzz", "declare it in sources.toml"),
    ("cn-sh.toml", '"sh-pilot art 2"', '"sh-pilot"', '"sh-pilot"', "names no place in sh-pilot"),
    ("cn-sh.toml", "limit.year[", "limit.yeer[", "limit.yeer[", "no such value limit.yeer"),
    ("cn-sh.toml", "[[limit.year]]", "[[limit.yeer]]", "[[limit.yeer]]", "no such value; declared are"),
    ("cn-sh.toml", "[[limit.year]]", "[[limt.year]]", "[[limt.year]]", "unknown key; did you mean limit?"),
    ("cn-sh.toml", "'cn' in issuer.consents", "'xx' in issuer.consents", "'xx'", "no such place 'xx'"),
    ("cn.toml", 'place  = "cn"', 'place  = "xx"', '"xx"', "must be one of cn, cn-sh, hk"),
    ("cn.toml", "coin.peg == 'CNY'", "coin.peg == 'CNX'", "CNX", "coin.peg is never 'CNX'"),
    ("cn.toml", '["issue", "pay"', '["isue", "pay"', "isue", "no such action 'isue'; actions are issue, pay"),
    ("cn.toml", '"enacted"', '"law"', '"law"', "must be one of enacted, proposal, idea, draft"),
    ("cn.toml", '"anywhere"', '"everywhere"', '"everywhere"', "must be one of home, anywhere"),
    ("cn-sh.toml", "t4 = 2_000 ", "t5 = 2_000 ", "t5", "no such tier; tiers are t1, t2, t3, t4"),
    ("cn-sh.toml", "CNY  =", "XYZ  =", "XYZ", "unknown key"),
    # exceptions and references
    ("cn-sh.toml", ', "cn-sh.wind_down"]', "]", "# wind", "does not yield to it; add it to yields_to there"),
    (
        "cn-sh.toml",
        '"cn-sh.pay"\ntitle',
        '"cn-sh.paying"\ntitle',
        "yields_to =",
        "yields to 'cn-sh.pay', which is no permit",
    ),
    ("cn-sh.toml", 'lifts  = "cn.virtual_currency"\n', "\n", "yields_to =", "which does not lift it; write"),
    ("cn-sh.toml", 'lifts  = "cn.virtual', 'lifts  = "cn.virtal', "cn.virtal", "which is no ban"),
    ("cn-sh.toml", 'rule      = "cn.virt', 'rule      = "cn.vert', "cn.vert", "no such rule"),
    ("cn-sh.toml", "from      = 2026", "until = 2030-01-01\nfrom = 2026", "until = 2030", "has no end of its"),
    ("cn.toml", '"cn.virtual_currency_2021"\nforbid', '"cn.nothing"\nforbid', "cn.nothing", "does not exist"),
    ("cn.toml", "until  = 2026-02-06 ", "until  = 2026-02-07 ", "supersedes", "which still applies then"),
    ("cn.toml", "until  = 2026-02-06 ", "", "supersedes", "give that one an until"),
    # units, amounts, expressions
    ("cn-sh.toml", "payment.amount <= limit.s", "payment.amount_hkd <= limit.s", "amount_hkd", "HKD"),
    (
        "hk.toml",
        "payment.amount_hkd <",
        "payment.amount_hkd + payment.amount <",
        "payment.amount <",
        "compares HKD with coin; both sides must be in one unit",
    ),
    ("hk.toml", "HKD  = 8_000", "HKD  = 8_000.5", "8_000.5", 'must be whole yuan, a text such as "0.50"'),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "0.001"', "0.001", "smaller than one fen"),
    ("hk.toml", "HKD  = 8_000", "HKD  = -1", "-1", "is negative"),
    ("hk.toml", "HKD  = 8_000", "HKD  = true", "true", "must be whole yuan"),
    ("hk.toml", "HKD  = 8_000", "HKD  = 1000000000000001", "1000000000000001", "more than the largest"),
    ("hk.toml", "HKD  = 8_000", "HKD  = 0x" + "f" * 3_900, "0xff", "more than the largest amount"),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "no limit"', "no limit", "is not an amount; write digits"),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "8e3"', "8e3", "is not an amount; write digits"),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "80,00"', "80,00", "is not an amount; write digits"),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "８０００"', "８０００", "is not an amount; write digits"),
    ("hk.toml", "HKD  = 8_000", 'HKD  = "1.' + "0" * 40 + '1"', "1.00", "is not an amount; write digits"),
    ("hk.toml", "HKD  = 8_000", "HKD  = { t1 = 8_000 }", "HKD  = {", "must be whole yuan"),
    ("hk.toml", "HKD  = 8_000", "", 'from = 2025-08-01\ncite = "hk-ag', "sets no number; write a currency"),
    ("cn-sh.toml", "payment.amount <= limit.s", "payment.amount < 1.5 or 1 < limit.s", "1.5", "not allowed"),
    ("cn-sh.toml", "payment.amount <= limit.s", "max(1) <= limit.s", "max(1)", "max(1) is not allowed here"),
    ("cn-sh.toml", "payment.amount <= limit.s", "payment.amount / 2 <= limit.s", "/ 2", "no other arithmetic"),
    ("cn-sh.toml", "payment.amount <= limit.s", "0 < payment.amount <= limit.s", "0 <", "three things at once"),
    ("cn-sh.toml", "payment.amount <= limit.s", "payment.amount is limit.s", " is limit", "does not have"),
    ("cn-sh.toml", "payment.amount <= limit.s", "payment.amount <= <= limit.s", "<= <=", "cannot be read"),
    (
        "cn-sh.toml",
        "payment.amount <= limit.s",
        f"payment.amount + {'9' * 17} <= limit.s",
        "9" * 17,
        "more than the largest",
    ),
    ("cn-sh.toml", "payment.amount <= limit.single[payer.tier]", "1 <= 2", "1 <= 2", "compares no fact"),
    ("cn-sh.toml", "limit.single[payer.tier]", "limit.single", "<= limit.single\"", "write limit.single[payer"),
    ("cn-sh.toml", "limit.single[payer.tier]", "limit.single[payer.kind]", "[payer.kind]", "not by payer.kind"),
    (
        "cn-sh.toml",
        "limit.single[payer.tier]",
        "limit.day[payer.tier] + limit.year[payer.tier]",
        "limit.day[payer.tier] + l",
        "adds two values of the law on one side",
    ),
    ("cn-sh.toml", "payer.kind in (", "payer.kind < (", "payer.kind <", "is text, not money; put words in"),
    ("cn-sh.toml", "('resident', 'registered firm')", "'resident'", "'resident'\"", "with a comma after"),
    ("cn-sh.toml", "'cn' in issuer.consents", "issuer.consents == 'cn'", "consents ==", "is places, not a"),
    # wording, dates, names
    ("cn.toml", ', zh = "中国内地：虚拟货币" }', " }", "title", "has no wording in zh; write"),
    ("cn.toml", 'zh = "中国内地：虚拟货币"', 'zh = " "', "title", "has no wording in zh"),
    ("cn.toml", 'zh = "中国内地：虚拟货币"', 'zh = "中", fr = "x"', "title", "only en and zh are known"),
    ("cn-sh.toml", ', title = { en = "the coin is pegged to the yuan", zh = "代币与人民币挂钩" }', "",
     "yuan_coin", "is missing; write a table"),
    ("cn.toml", "from   = 2021-09-24", "from   = 2021-09-24T00:00:00", "T00:00:00", "must be a date"),
    ("cn.toml", "from   = 2021-09-24", 'from   = "2021-09-24"', '"2021-09-24"', "must be a date"),
    ("cn.toml", "from   = 2021-09-24", "from   = 9999-01-01", "9999", "write a year from 1900 to 2200"),
    ("cn.toml", "from   = 2021-09-24\n", "\n", "[[rule]]", "is missing; write a date"),
    ("cn.toml", "until  = 2026-02-06", "until  = 2021-09-24", "until  =", "is not after 2021-09-24; until is"),
    ("cn.toml", '"cn.yuan_peg_abroad"', '"hk.yuan_peg_abroad"', "hk.yuan", "must be cn. and lower case"),
    ("cn.toml", '"cn.yuan_peg_abroad"', '"cn.Yuan"', "cn.Yuan", "must be cn. and lower case letters"),
    ("cn-sh.toml", "yuan_coin  ", '"Yuan coin"  ', '"Yuan coin"', "a need is named in lower case"),
    ("cn.toml", '"cn.yuan_peg_abroad"', '"cn.virtual_currency"', 
     '"cn.virtual_currency"\ntitle  = { en = "Nobody', "stands twice (first at cn.toml:"),
    ("hk.toml", '"hk.full_backing"', '"hk.issue"', '"hk.issue"\ntitle = { en = "The r', "stands twice"),
    ("hk.toml", '"hk.redeem_in_time"', '"hk.full_backing"', "hk.full_backing\"\ntitle  =", "stands twice"),
    ("hk.toml", 'permit = ["pay"]', "", "hk.pay", "must have either permit = […] or forbid = […]"),
    ("hk.toml", 'permit = ["pay"]', 'permit = ["pay"]\nforbid = ["pay"]', "hk.pay", "must have either"),
    ("hk.toml", '"1 business day"', '"24 hours"', "24 hours", 'cannot be counted; write "N business days'),
    ("hk.toml", 'permit = ["issue", "redeem"]', 'permit = ["issue"]', "hk.issue", "add a way out"),
    ("cn-sh.toml", "until  = 2029-06-01", "until  = 2028-11-30", "cn-sh.issue\"\ntitle", "on 2028-11-30, when"),
    ("cn-sh.toml", "until  = 2028-12-01", "until  = 2029-06-02", "cn-sh.issue\"\ntitle", "on 2029-06-01, when"),
    # values through time
    (
        "cn-sh.toml",
        "[[limit.balance]]",
        '[[limit.single]]\nfrom = 2026-12-01\ncite = "sh-pilot art 9"\nCNY = { t4 = 1 }\n[[limit.balance]]',
        'from = 2026-12-01\ncite = "sh-pilot art 9"',
        "second value from 2026-12-01 (first at line",
    ),
    (
        "cn-sh.toml",
        "[[limit.balance]]",
        '[[limit.single]]\nfrom = 2026-11-30\ncite = "sh-pilot art 9"\nCNY = { t4 = 1 }\n[[limit.balance]]',
        "from = 2026-11-30",
        "stands after 2026-12-01",
    ),
    (
        "hk.toml",
        '[[travel.full_from]]\nfrom = 2025-08-01\ncite = "hk-ag para 6.5"\nHKD  = 8_000\n',
        "",
        "travel_full ",
        "uses travel.full_from, which hk never sets",
    ),
    ("hk.toml", "HKD  = 8_000", "CNY  = 8_000", "travel_full ", "which is not set in HKD"),
    # words of the law
    ("places.toml", '"Asia/Hong_Kong"', '"Asia/Kowloon"', "Kowloon", "is no time zone"),
    ("places.toml", 'within   = "cn"', 'within   = "us"', '"us"', "is not a place above this one"),
    ("places.toml", 'id       = "cn-sh"', 'id       = "cn"', '"cn"\nwithin', "stands twice"),
    ("facts.toml", 'type   = "money"', 'type   = "moneys"', "moneys", "must be one of money, number, text"),
    ("facts.toml", 'unit   = "coin"', 'unit   = "fen"', '"fen"', "must be one of coin, CNY"),
    ("facts.toml", 'id     = "payer.zone"', 'id     = "payer.kind"', '"payer.kind"\ntype   = "text"', "twice"),
    ("facts.toml", 'id     = "payer.balance"', 'id     = "payer"', '"payer"', "two words with a point"),
    ("facts.toml", '"registered firm", "v', '"firm, registered", "v', "firm, reg", "cannot be written in a"),
    ("facts.toml", '["none", "core", "full"]', '["none", "core", "core"]', '"core", "core"', "a word twice"),
    ("facts.toml", '["t1", "t2", "t3", "t4"]', '["t1", "t2", "t3", "t5"]', "", "same words for tiers"),
    ("facts.toml", 'id     = "issuer.zone"', 'id     = "issuer.home"', "", "every decision asks for it"),
    ("facts.toml", '"calendar day"', '"24 hours"', "24 hours", "one of calendar day, calendar month, calendar year"),
    ("facts.toml", 'id      = "payer.paid_today"', 'id      = "payer.paid"', '"payer.paid"', "not declared"),
    ("sources.toml", '"https://www.yy', '"http://www.yy', "http://www.yy", "must begin with https://"),
    ("sources.toml", 'read      = "digest"', 'read      = "hearsay"', "hearsay", "must be one of text"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "where", "message"), MISTAKES)
def test_a_mistake_names_its_line_and_what_to_do(
    file: str, old: str, new: str, where: str, message: str
) -> None:
    if where == "# wind":
        where = 'lifts  = "cn.virtual_currency"\nfrom   = 2026-12-01\nuntil  = 2029'
    texts = changed(file, old, new)
    found = [mistake for mistake in mistakes_of(texts) if message in mistake.message]
    assert found, mistakes_of(texts)
    assert found[0].file == file
    if where:
        assert found[0].line == line_of(texts[file], where), found[0]


def test_a_message_reads_like_this() -> None:
    (mistake,) = mistakes_of(changed("cn-sh.toml", "payer.kind in", "payer.kynd in"))
    assert str(mistake) == (
        "cn-sh.toml:45  rule.need.known_payer.if \"payer.kynd in ('resident', 'registered firm')\"  "
        "payer.kynd: no such fact; did you mean payer.kind?"
    )


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("0", 0),
        ("8_000", 8_000_00),
        ('"0.50"', 50),
        ('"8,000"', 8_000_00),
        ('"8000.5"', 8_000_50),
        ("1_000_000_000_000_000", 10**17),
        ('"unlimited"', 2**62),
    ],
)
def test_an_amount_is_whole_yuan_or_a_text_with_a_fraction(written: str, fen: int) -> None:
    book = read(changed("hk.toml", "HKD  = 8_000", f"HKD  = {written}"))
    (series,) = (series for series in book.series.values() if series.id == "travel.full_from")
    assert series.dated[0].amounts == {"HKD": {"": fen}}


def test_ten_mistakes_in_a_file_give_ten_lines() -> None:
    texts = dict(law(*DRAFTS).texts)
    lines = texts["cn-sh.toml"].splitlines()
    dates = [number for number, text in enumerate(lines) if text.startswith("from   =")][:3]
    for number in dates:
        lines[number] = 'from   = "tomorrow"'
    needs = [number for number, text in enumerate(lines) if "known_payee" in text or "_cap  " in text][:7]
    for number in needs:
        lines[number] = lines[number].replace("sh-pilot", "sh-plot")
    found = mistakes_of({**texts, "cn-sh.toml": "\n".join(lines)})
    at = [mistake.line - 1 for mistake in found if mistake.line - 1 in {*dates, *needs}]
    assert at == sorted([*dates, *needs])
    assert len(at) == 10


def test_mistakes_of_several_files_are_all_listed() -> None:
    texts = {name: text.replace("cite ", "cit ") for name, text in law(*DRAFTS).texts.items()}
    assert {mistake.file for mistake in mistakes_of(texts)} >= {"cn.toml", "cn-sh.toml", "hk.toml"}


def test_one_mistake_is_listed_once() -> None:
    assert len(mistakes_of(changed("hk.toml", 'place  = "hk"', 'place  = "hk"\nplaces = 1'))) == 1


def test_a_draft_that_is_not_asked_for_is_checked_all_the_same() -> None:
    texts = changed("cn-sh.toml", "payer.kind in", "payer.kynd in")
    with pytest.raises(RulebookError, match=r"cn-sh\.toml:45 "):
        read(texts)


def test_a_draft_nobody_wrote_cannot_be_asked_for() -> None:
    (mistake,) = mistakes_of(dict(law(*DRAFTS).texts), "cn-sh", "us")
    assert (mistake.subject, mistake.message[:20]) == ("us", "no file of that name")


def test_law_in_force_is_no_draft_to_ask_for() -> None:
    (mistake,) = mistakes_of(dict(law(*DRAFTS).texts), "hk", "cn-sh")
    assert mistake.subject == "hk"


@pytest.mark.parametrize("file", ["places.toml", "facts.toml", "sources.toml"])
def test_the_words_of_the_law_cannot_be_missing(file: str) -> None:
    texts = {name: text for name, text in law().texts.items() if name != file}
    (mistake,) = mistakes_of(texts, "cn-sh")
    assert (mistake.file, mistake.message[:10]) == (file, "is missing")


def test_an_amendment_that_changes_nothing_is_refused() -> None:
    amendment = '[[amend]]\nrule = "cn.virtual_currency"\nyields_to = ["cn-sh.pay"]\n'
    amendment += 'from = 2027-12-01\ncite = "sh-decision art 2"\n\n[[rule]]'
    texts = changed("cn-sh.toml", "[[rule]]", amendment)
    (mistake,) = mistakes_of(texts)
    assert mistake.message == "cn.virtual_currency yields to cn-sh.pay already; leave it out"
    assert mistake.line == line_of(texts["cn-sh.toml"], '[[amend]]\nrule = "cn') + 2


def test_a_draft_may_date_a_value_of_a_place_that_has_law() -> None:
    """The file of the draft comes first in the alphabet, its value later in time."""
    draft = """
[book]
place = "hk"
status = "draft"
title = { en = "a lower threshold", zh = "较低的门槛" }

[[travel.full_from]]
from = 2027-07-01
cite = "sh-pilot art 1"
HKD = 5_000
"""
    texts = {**law().texts, "hk-draft.toml": draft}
    assert read(texts).digest == law().digest
    (series,) = (
        series for series in read(texts, drafts=["hk-draft"]).series.values() if series.place == "hk"
    )
    assert [value.amounts["HKD"][""] for value in series.dated] == [8_000_00, 5_000_00]
    assert [str(value.status) for value in series.dated] == ["enacted", "draft"]


def test_a_line_separator_inside_a_comment_is_no_line_in_toml() -> None:
    texts = changed("hk.toml", "[book]", "# one\u2028two\x85three\n[book]\ncolour = 1")
    (mistake,) = mistakes_of(texts)
    assert mistake.line == line_of(texts["hk.toml"], "colour")
