"""Cases are read strictly: whatever stands in a case file, it is a case or a mistake with its line."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from jiaozi.clock import day_start
from jiaozi.errors import Mistake, RulebookError
from jiaozi.rulebook.model import Action
from jiaozi.rulebook.reading.cases import Case, failures, read_cases
from jiaozi.rulebook.reading.given import Given, completed, fact_from, known_fact

from .grown_law import DRAFTS, grown_law, line_of, moment

CASE = """
title   = "A payment of 8,000 Hong Kong dollars with only the core data is refused"
on      = 2026-09-01
place   = "hk"
ask     = "pay"
refused = ["hk.pay/travel_full"]
law     = ["cn-sh"]
known   = 2026-10-20

[payment]
amount      = 8000
amount_hkd  = "8,000.00"
travel_data = "core"
[payer]
tier = "t1"
[coin]
peg = "HKD"
[issuer]
licences = ["hk"]
[paper]
days  = 93
share = "12.5"
"""


def cases(tmp_path: Path, text: str | bytes, name: str = "hk/deny/case.toml") -> tuple[Case, ...]:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_cases(tmp_path, grown_law(*DRAFTS))


def refused(tmp_path: Path, text: str | bytes, name: str = "hk/deny/case.toml") -> tuple[Mistake, ...]:
    with pytest.raises(RulebookError) as caught:
        cases(tmp_path, text, name)
    assert {mistake.file for mistake in caught.value.mistakes} == {name}
    return caught.value.mistakes


def test_a_case_is_read_with_all_it_says(tmp_path: Path) -> None:
    (case,) = cases(tmp_path, CASE)
    assert (case.action, case.drafts, case.known) == (Action.PAY, ("cn-sh",), date(2026, 10, 20))
    assert case.instant == day_start(date(2026, 9, 1), "Asia/Hong_Kong")
    assert case.facts == {
        "issuer.zone": "hk", "payer.zone": "hk", "payee.zone": "hk", "payment.place": "hk",
        "payment.amount": 8_000_00, "payment.amount_hkd": 8_000_00, "payment.travel_data": "core",
        "payer.tier": "t1", "coin.peg": "HKD", "issuer.licences": frozenset({"hk"}),
        "paper.days": 93, "paper.share": 12_50,
    }  # fmt: skip
    assert case.refused == ("hk.pay/travel_full",)
    assert case.answer(grown_law("cn-sh")) == case.refused
    assert list(failures((case,), {("cn-sh",): grown_law("cn-sh")})) == []


def test_a_case_that_the_law_answers_otherwise_is_told(tmp_path: Path) -> None:
    text = CASE.replace('refused = ["hk.pay/travel_full"]\n', "")
    (case,) = cases(tmp_path, text, "hk/allow/case.toml")
    (mistake,) = failures((case,), {("cn-sh",): grown_law("cn-sh")})
    assert mistake.message == "should be allowed; the law says hk.pay/travel_full"


MISTAKES = [
    ('title   = "A', 'title = "" #', 'title = ""', "is empty; write text in quotes"),
    ("on      = 2026-09-01\n", "", "", "is missing; write a date"),
    ("2026-09-01", "20260901", "on  ", "must be a date"),
    ("2026-09-01", '"1 September"', "on  ", 'must be a date, or a text such as "2026-02-05T23:59:59"'),
    ("2026-09-01", '"0001-01-01T00:00:00"', "on  ", "of a year from 1900 to 2200"),
    ("2026-09-01", '"9999-12-31T23:59:59"', "on  ", "of a year from 1900 to 2200"),
    ("2026-09-01", '"2026-09-01T00:00:00+99:00"', "on  ", "must be a date, or a text"),
    ("2026-09-01", "2026-09-01T00:00:00", "on  ", "must be a date"),
    ("2026-09-01", "1800-01-01", "on  ", "write a year from 1900 to 2200"),
    ('place   = "hk"', 'place   = "xx"', '"xx"', "must be one of cn, cn-sh, hk"),
    ('place   = "hk"', 'place   = ""', 'place   = ""', "must be one of cn, cn-sh, hk"),
    ('"pay"', '"paying"', '"paying"', "must be one of issue, pay, redeem"),
    ('["hk.pay/travel_full"]', "[]", "refused =", "a case in allow/ has no reasons, one in deny/ has them all"),
    ('["hk.pay/travel_full"]', "[1]", "refused =", "must be a list of texts in quotes"),
    ('["hk.pay/travel_full"]', '["hk.pay/travel_ful"]', "refused =",
     "no such reason 'hk.pay/travel_ful'; did you mean hk.pay/travel_full?"),
    ('["cn-sh"]', '["cn-hs"]', "law  ", "no such draft 'cn-hs'; did you mean cn-sh?"),
    ('["cn-sh"]', '["hk"]', "law  ", "no such draft 'hk'"),
    ("known   = 2026-10-20", 'known = "then"', "known =", "must be a date"),
    ("known   = 2026-10-20", "know = 2026-10-20", "know =", "unknown key; did you mean known?"),
    ("refused =", "refusd =", "refusd =", "unknown key; did you mean refused?"),
    ("[payer]", "[[payer]]", "[[payer]]", "unknown key"),
    ("[payer]", "[player]", "tier =", "'player.tier' is no fact; did you mean payer.tier?"),
    ('tier = "t1"', 'tear = "t1"', "tear =", "'payer.tear' is no fact; did you mean payer.tier?"),
    ('tier = "t1"', 'tier = "t9"', "tier =", "payer.tier is never 't9'; it is one of t1, t2, t3, t4"),
    ('tier = "t1"', "tier = 1", "tier =", "payer.tier is a word; it is one of t1"),
    ('tier = "t1"', 'zone = "xx"', "zone =", "payer.zone is never 'xx'; it is one of cn, cn-sh, hk"),
    ("amount      = 8000", "amount = 8000.5", "amount = 8000.5", 'is a number; write for example 8000 or "7999.99"'),
    ("amount      = 8000", "amount = true", "amount = true", "payment.amount is a number"),
    ("amount      = 8000", "amount = -1", "amount = -1", "is negative"),
    ("amount      = 8000", "amount = " + "9" * 40, "amount = 9", "payment.amount is larger than any amount"),
    ("amount      = 8000", 'amount = "' + "9" * 3000 + '"', 'amount = "9', "is not an amount"),
    ("amount      = 8000", 'amount = "1e3"', 'amount = "1e3"', "is not an amount"),
    ("amount      = 8000", 'amount = "0.001"', 'amount = "0.001"', "smaller than one fen"),
    ("days  = 93", 'days = "93.5"', "days =", "paper.days is a whole number of days"),
    ("days  = 93", "days = [93]", "days =", "paper.days is a number"),
    ('licences = ["hk"]', 'licences = ["xx"]', "licences =", "issuer.licences is never 'xx'"),
    ('licences = ["hk"]', "licences = [1]", "licences =", 'is a set of places; write for example ["hk"]'),
    ('licences = ["hk"]', "licences = 1", "licences =", "is a set of places"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "message"), MISTAKES)
def test_a_mistake_names_its_line_and_the_way_out(
    old: str, new: str, where: str, message: str, tmp_path: Path
) -> None:
    assert old in CASE
    text = CASE.replace(old, new, 1)
    found = [mistake for mistake in refused(tmp_path, text) if message in mistake.message]
    assert found, refused(tmp_path, text)
    assert found[0].line == (line_of(text, where) if where else 0)


WRONG_FILES = {
    "empty": b"",
    "not TOML": b"title: a case\n",
    "half a text": b'title = "half',
    "zero bytes": b"\x00" * 100,
    "binary": b"\x7fELF\x02\x01\x01\x00",
    "a byte order mark": b"\xef\xbb\xbftitle = 'x'\n",
    "bytes that are no text": b"\xff\xfe\x00",
    "two megabytes": b"# " + b"x\n" * 1_000_000,
    "one long line": b"a = '" + b"x" * 100_000 + b"'",
    "nested lists": b"a = " + b"[" * 3_000 + b"]" * 900,
    "a key of many points": b".".join([b"a"] * 1_000) + b" = 1",
    "a key twice": b"title = 'x'\ntitle = 'y'\n",
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_file_that_is_no_case_is_refused(wrong: str, tmp_path: Path) -> None:
    assert refused(tmp_path, WRONG_FILES[wrong])


@pytest.mark.parametrize(
    "name", ["case.toml", "hk/case.toml", "hk/denied/case.toml", "hk/deny/more/case.toml"]
)
def test_a_case_that_lies_elsewhere_is_not_passed_over(name: str, tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, CASE, name)
    assert mistake.message == "lies where no case is looked for; move it to PLACE/allow or PLACE/deny"


def test_a_folder_that_is_named_like_a_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hk/deny/case.toml").mkdir(parents=True)
    with pytest.raises(RulebookError, match="cannot be read as UTF-8 text"):
        read_cases(tmp_path, grown_law(*DRAFTS))


def test_no_folder_has_no_cases(tmp_path: Path) -> None:
    assert read_cases(tmp_path / "nowhere", grown_law(*DRAFTS)) == ()


def test_mistakes_of_all_cases_are_listed(tmp_path: Path) -> None:
    for name in ("hk/deny/a.toml", "hk/deny/b.toml", "hk/allow/c.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CASE.replace("hk.pay/", "hk.paid/"), encoding="utf-8")
    with pytest.raises(RulebookError) as caught:
        read_cases(tmp_path, grown_law(*DRAFTS))
    assert {each.file for each in caught.value.mistakes} == {
        "hk/deny/a.toml",
        "hk/deny/b.toml",
        "hk/allow/c.toml",
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"2026-09-01T23:59:59"', moment("2026-09-01 23:59:59")),
        ('"2026-09-01T23:59:59+00:00"', moment("2026-09-02 07:59:59")),
        ('"2026-09-01"', moment("2026-09-01 00:00:00")),
    ],
)
def test_a_moment_is_on_the_clock_of_the_place_unless_it_says_so(
    written: str, expected: int, tmp_path: Path
) -> None:
    (case,) = cases(tmp_path, CASE.replace("2026-09-01", written))
    assert case.instant == expected


def test_random_changes_of_a_case_give_a_case_or_mistakes(tmp_path: Path) -> None:
    rng = random.Random(7)
    outcomes = set()
    for number in range(400):
        data = bytearray(CASE.encode())
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = rng.choice(
                (b"", b'"', b"=", b"\n", b"[", b"]", b"9", b"\xff", b"-1")
            )
        found: list[Mistake] = []
        try:
            outcomes.add(len(cases(tmp_path, bytes(data))))
        except RulebookError as error:
            found = list(error.mistakes)
            outcomes.add(0 if found else -1)
        assert all(mistake.message and mistake.file for mistake in found), number
    assert outcomes == {0, 1}


# -- facts as people give them ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("payment.amount", 0, 0),
        ("payment.amount", "7,999.99", 7_999_99),
        ("payment.amount", 10**15, 10**17),
        ("paper.days", 0, 0),
        ("paper.days", "93", 93),
        ("paper.share", "0.01", 1),
        ("purse.wallets", 3, 3),
        ("payer.zone", "cn-sh", "cn-sh"),
        ("payer.kind", "registered firm", "registered firm"),
        ("issuer.licences", "hk, cn-sh", frozenset({"hk", "cn-sh"})),
        ("issuer.licences", "", frozenset()),
        ("issuer.licences", [], frozenset()),
        ("issuer.licences", ["hk", "hk"], frozenset({"hk"})),
    ],
)
def test_a_fact_is_taken_in_its_smallest_part(name: str, written: object, value: object) -> None:
    words = grown_law().vocabulary
    assert fact_from(words, known_fact(words, name), written) == value


@pytest.mark.parametrize(
    "written", [None, 1.5, True, object(), [], {}, b"1", "", " 1", "-1", "1.001", -1, 10**15 + 1]
)
@pytest.mark.parametrize("name", ["payment.amount", "paper.days", "paper.share", "purse.wallets"])
def test_what_is_no_number_is_refused(name: str, written: object) -> None:
    words = grown_law().vocabulary
    with pytest.raises(ValueError, match=name):
        fact_from(words, known_fact(words, name), written)


@pytest.mark.parametrize("written", [None, 1, True, [], ["hk"], "", "HK", "hk ", frozenset({"hk"})])
@pytest.mark.parametrize("name", ["payer.zone", "payer.kind"])
def test_what_is_no_word_is_refused(name: str, written: object) -> None:
    words = grown_law().vocabulary
    with pytest.raises(ValueError, match=name):
        fact_from(words, known_fact(words, name), written)


def test_an_unknown_fact_is_refused_with_the_nearest_one() -> None:
    words = grown_law().vocabulary
    with pytest.raises(ValueError, match=r"'payer\.zoen' is no fact; did you mean payer\.zone\?"):
        known_fact(words, "payer.zoen")
    with pytest.raises(ValueError, match=r"is no fact; see facts\.toml"):
        known_fact(words, "x" * 10_000)


def test_facts_that_follow_from_others_are_added_where_they_were_not_said() -> None:
    words = grown_law().vocabulary
    assert completed(words, {"coin.peg": "HKD", "payment.amount": 5}) == {
        "coin.peg": "HKD", "payment.amount": 5, "payment.amount_hkd": 5,
    }  # fmt: skip
    said: dict[str, Given] = {"coin.peg": "HKD", "payment.amount": 5, "payment.amount_hkd": 4}
    assert completed(words, said) == said
    others: tuple[dict[str, Given], ...] = (
        {},
        {"coin.peg": "CNY", "payment.amount": 5},
        {"payment.amount": 5},
    )
    for facts in others:
        assert "payment.amount_hkd" not in completed(words, facts)
