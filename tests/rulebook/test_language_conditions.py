"""The language of conditions: what each form means, how it is written again, and what it refuses in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.rulebook.language import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    AmountTerm,
    Both,
    Compare,
    Expr,
    FactTerm,
    Holds,
    IsWord,
    LanguageError,
    Not,
    ValueTerm,
    closest,
    facts_of,
    parse,
    text_of,
    values_of,
)

from .grown_law import grown_law

WORDS = grown_law().vocabulary
AMOUNT, BALANCE = FactTerm("payment.amount", 1), FactTerm("payer.balance", 1)
HK, RESIDENT = IsWord("payer.zone", ("hk",), False, "=="), IsWord("payer.kind", ("resident",), False, "==")

# what is written, what it means, how it is written again
MEANINGS: list[tuple[str, Expr, str]] = [
    *[
        (f"payment.amount {op} payer.balance", Compare(op, (AMOUNT,), (BALANCE,), "coin"),
         f"payment.amount {op} payer.balance")
        for op in ("==", "!=", "<", "<=", ">", ">=")
    ],
    ("payment.amount < 8000", Compare("<", (AMOUNT,), (AmountTerm(8000_00, 1),), "coin"), "payment.amount < 8000"),
    ("0 < payment.amount", Compare("<", (AmountTerm(0, 1),), (AMOUNT,), "coin"), "0 < payment.amount"),
    ("payment.amount_hkd < 1_000",
     Compare("<", (FactTerm("payment.amount_hkd", 1),), (AmountTerm(1000_00, 1),), "HKD"),
     "payment.amount_hkd < 1000"),
    ("paper.days <= 93", Compare("<=", (FactTerm("paper.days", 1),), (AmountTerm(93, 1),), "days"),
     "paper.days <= 93"),
    ("paper.share <= 30", Compare("<=", (FactTerm("paper.share", 1),), (AmountTerm(30_00, 1),), "percent"),
     "paper.share <= 30"),
    ("purse.wallets + 1 <= purse.most",
     Compare("<=", (FactTerm("purse.wallets", 1), AmountTerm(1, 1)), (ValueTerm("purse.most", "", 1),), "count"),
     "purse.wallets + 1 <= purse.most"),
    ("paper.days <= hoard.max_days[paper.kind]",
     Compare("<=", (FactTerm("paper.days", 1),), (ValueTerm("hoard.max_days", "paper.kind", 1),), "days"),
     "paper.days <= hoard.max_days[paper.kind]"),
    ("payment.amount <= limit.day[payee.tier] - payer.paid_today",
     Compare("<=", (AMOUNT,), (ValueTerm("limit.day", "payee.tier", 1), FactTerm("payer.paid_today", -1)), "coin"),
     "payment.amount <= limit.day[payee.tier] - payer.paid_today"),
    ("payment.amount - (payer.balance - payment.amount) < 5",
     Compare("<", (AMOUNT, FactTerm("payer.balance", -1), AMOUNT), (AmountTerm(5_00, 1),), "coin"),
     "payment.amount - payer.balance + payment.amount < 5"),
    ("payment.amount - (1 - (2 - 3)) < 5",
     Compare("<", (AMOUNT, AmountTerm(1_00, -1), AmountTerm(2_00, 1), AmountTerm(3_00, -1)),
             (AmountTerm(5_00, 1),), "coin"),
     "payment.amount - 1 + 2 - 3 < 5"),
    ("payment.amount_hkd < travel.full_from",
     Compare("<", (FactTerm("payment.amount_hkd", 1),), (ValueTerm("travel.full_from", "", 1),), "HKD"),
     "payment.amount_hkd < travel.full_from"),
    ("payer.zone == 'hk'", HK, "payer.zone == 'hk'"),
    ("'hk' == payer.zone", HK, "payer.zone == 'hk'"),
    ("payer.zone == 'cn'", IsWord("payer.zone", ("cn",), False, "=="), "payer.zone == 'cn'"),
    ("payer.zone != 'hk'", IsWord("payer.zone", ("hk",), True, "=="), "payer.zone != 'hk'"),
    ("payer.zone in 'cn'", IsWord("payer.zone", ("cn", "cn-sh"), False, "cn"), "payer.zone in ('cn',)"),
    ("payer.zone not in 'cn'", IsWord("payer.zone", ("cn", "cn-sh"), True, "cn"), "payer.zone not in ('cn',)"),
    ("payer.zone in ('hk', 'cn')", IsWord("payer.zone", ("cn", "cn-sh", "hk"), False, "hk,cn"),
     "payer.zone in ('hk', 'cn')"),
    ("payer.zone in ('cn-sh',)", IsWord("payer.zone", ("cn-sh",), False, "cn-sh"), "payer.zone in ('cn-sh',)"),
    ("payer.kind in ('visitor', 'resident')",
     IsWord("payer.kind", ("visitor", "resident"), False, "visitor,resident"),
     "payer.kind in ('visitor', 'resident')"),
    ("payer.kind not in ('resident',)", IsWord("payer.kind", ("resident",), True, "resident"),
     "payer.kind not in ('resident',)"),
    ("'hk' in issuer.licences", Holds("issuer.licences", "hk", False), "'hk' in issuer.licences"),
    ("'hk' not in issuer.licences", Holds("issuer.licences", "hk", True), "'hk' not in issuer.licences"),
    ("not payer.zone == 'hk'", Not(HK), "not (payer.zone == 'hk')"),
    ("payer.zone == 'hk' and payer.kind == 'resident'", Both(True, (HK, RESIDENT)),
     "(payer.zone == 'hk') and (payer.kind == 'resident')"),
    ("payer.zone == 'hk' or payer.kind == 'resident'", Both(False, (HK, RESIDENT)),
     "(payer.zone == 'hk') or (payer.kind == 'resident')"),
    ("payer.zone == 'hk' or payer.kind == 'resident' and payment.amount < 1",
     Both(False, (HK, Both(True, (RESIDENT, Compare("<", (AMOUNT,), (AmountTerm(1_00, 1),), "coin"))))),
     "(payer.zone == 'hk') or ((payer.kind == 'resident') and (payment.amount < 1))"),
    ("  payer.zone == 'hk'  ", HK, "payer.zone == 'hk'"),
    ("(payer.zone\n == 'hk')", HK, "payer.zone == 'hk'"),
    ('payer.zone == "hk"', HK, "payer.zone == 'hk'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning", "again"), MEANINGS)
def test_a_condition_means_this_and_is_written_so_again(text: str, meaning: Expr, again: str) -> None:
    found = parse(text, WORDS)
    assert found == meaning
    assert text_of(found) == again
    assert text_of(parse(again, WORDS)) == again


# what is written, what must be said; `$` ends the sentence
REFUSED = [
    ("payment.amount", "payment.amount is not a condition; compare something$"),
    ("1", "1 is not a condition; compare something$"),
    ("", "cannot be read: "),
    ("payment.amount <", "cannot be read: invalid syntax$"),
    ("payment.amount < 1 # and no more",
     "has a backslash or a comment; write the words themselves, comments in the file$"),
    ("(payment.amount < 1 # x\n)", "has a backslash or a comment"),
    ("payer.kind == 'res\\x69dent'", "has a backslash or a comment"),
    ("payer.kind == 'visitor' # 'x'", "has a backslash or a comment"),
    ("1 < payment.amount < 2", "compares three things at once; write two conditions joined by and$"),
    ("payment.amount is 1", "uses a comparison that the language does not have; use == != < <= > >= in$"),
    ("payment.amount is not payer.balance", "uses a comparison that the language does not have"),
    ("'hk' == 'hk'", "compares two words; one side must be a fact$"),
    ("payer.zone < 'hk'", "payer.zone is a word and has no order; use == or in$"),
    ("'hk' >= payer.zone", "payer.zone is a word and has no order"),
    ("payment.amount == 'hk'", "payment.amount is money, not a word$"),
    ("paper.days == 'hk'", "paper.days is number, not a word$"),
    ("issuer.licences == 'hk'", "issuer.licences is places, not a word$"),
    ("payer.kind == 'nobody'", "payer.kind is never 'nobody'; it is one of resident, registered firm"),
    ("payer.zone == 'us'", "payer.zone is never 'us'; it is one of cn, cn-sh, hk$"),
    ("'hk' in payer.zone", "payer.zone is place, not a set; write payer.zone in (…)$"),
    ("'us' in issuer.licences", "no such place 'us'; places are cn, cn-sh, hk$"),
    ("issuer.licences in ('hk',)", "issuer.licences is places; in asks for a word or a place$"),
    ("payment.amount in (1,)", "payment.amount is money; in asks for a word or a place$"),
    ("payer.kind in 'resident'", "write payer.kind in ('…', '…') with a comma after a single word$"),
    ("payer.kind in ()", "write payer.kind in ('…', '…') with a comma"),
    ("payer.zone in ()", "write payer.zone in ('…', '…') with a comma"),
    ("payer.zone in payee.zone", "payee.zone is not a word in quotes$"),
    ("payer.kind in ('resident', 1)", "1 is not a word in quotes$"),
    ("payer.kind == payee.kind", "payer.kind is text, not money; put words in quotes and use ==$"),
    ("1 < 2", "compares no fact; one side must ask something$"),
    ("travel.full_from < 2", "compares no fact; one side must ask something$"),
    ("payment.amount < paper.days", "compares coin with days; both sides must be in one unit$"),
    ("payment.amount < payment.amount_hkd", "compares HKD with coin; both sides must be in one unit$"),
    ("paper.days < travel.full_from", "compares days with money; both sides must be in one unit$"),
    ("paper.days < levy.most[payment.place]", "compares days with money; both sides must be in one unit$"),
    ("paper.days < limit.day[payer.tier]", "compares days with money; both sides must be in one unit$"),
    ("f(" + "a" * 57 + ")", f"f({'a' * 57}) is not a condition; compare something$"),
    ("f(" + "a" * 58 + ")", f"f({'a' * 58} is not a condition; compare something$"),
    ("paper.days + paper.share < 5", "compares days with percent; both sides"),
    ("payment.amount < payment.amount_hkd + paper.days", "compares HKD with coin with days; both"),
    ("payment.amount < limit.day[payer.tier] + travel.full_from", "adds two values of the law on one side; compare"),
    ("payment.amount < payment.amount * 2", "the language has + and -, and no other arithmetic$"),
    ("payment.amount < 1.5", "1.5 is not allowed here; use facts, values of the law, + and -$"),
    ("payment.amount < True", "True is not allowed here"),
    ("payment.amount < -1", "-1 is not allowed here"),
    ("payment.amount < max(1)", "max(1) is not allowed here"),
    ("payment.amount < limit.day", "limit.day is set by tier; write limit.day[payer.tier]$"),
    ("paper.days < hoard.max_days", "hoard.max_days is set by paper.kind; write hoard.max_days[paper.kind]$"),
    ("paper.days < hoard.max_days[payer.tier]", "hoard.max_days is picked by paper.kind, not by payer.tier$"),
    ("paper.days < purse.most[payer.tier]", "purse.most is picked by nothing, not by payer.tier$"),
    ("payment.amount < limit.week[payer.tier]", "no such value limit.week; values are limit.single, limit.balance"),
    ("payment.amount < limit.day[player.tier]", "player.tier: no such fact; did you mean payer.tier?$"),
    ("zzz.qqq < 1", "zzz.qqq: no such fact; facts are listed in facts.toml$"),
    ("zzz < 1", "zzz: no such fact; facts are listed in facts.toml$"),
    ("a.b.c < 1", "a.b.c is not a name like payment.amount$"),
    ("payment.amount() < 1", "payment.amount() is not allowed here"),
    ("f(x) in ('resident',)", "f(x) is not a name like payment.amount$"),
    ("payment.amount < 1000000000000001", "more than the largest amount, 1,000,000,000,000,000.00$"),
    ("paper.days < 1000000000000001", "more than the largest amount"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_the_language_does_not_have_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(text, WORDS)
    if message.endswith("$"):
        assert str(caught.value) == message[:-1]
    else:
        assert str(caught.value).startswith(message)


def test_a_word_may_hold_what_begins_a_comment_elsewhere() -> None:
    """The sign is passed over inside quotes only; outside, all after it would be."""
    with pytest.raises(LanguageError, match="is never '#1'"):
        parse("payer.kind == '#1'", WORDS)
    with pytest.raises(LanguageError, match="is never '#1'"):
        parse('payer.kind == "#1"', WORDS)


def test_lengths_depths_and_terms_have_their_bounds() -> None:
    assert (MAX_TERMS, MAX_DEPTH, MAX_LENGTH) == (8, 24, 1_000)
    longest = "payment.amount < 1" + " " * (MAX_LENGTH - 18)
    assert parse(longest, WORDS)
    with pytest.raises(
        LanguageError, match=f"^longer than {MAX_LENGTH} characters; split it into several needs$"
    ):
        parse(longest + " ", WORDS)
    for side in ("{} < payer.balance", "payer.balance < {}"):
        assert parse(side.format(" + ".join(["payment.amount"] * MAX_TERMS)), WORDS)
        with pytest.raises(LanguageError, match=f"^adds more than {MAX_TERMS} terms$"):
            parse(side.format(" + ".join(["payment.amount"] * (MAX_TERMS + 1))), WORDS)
    deep = "nested too deeply; split it into several needs"
    assert parse("not " * MAX_DEPTH + "payment.amount < 1", WORDS)
    with pytest.raises(LanguageError, match=f"^{deep}$"):
        parse("not " * (MAX_DEPTH + 1) + "payment.amount < 1", WORDS)
    alternate = "payment.amount < 1"
    for number in range(MAX_DEPTH):
        alternate = f"({alternate}) {'and' if number % 2 else 'or'} 1 < payer.balance"
    assert parse(alternate.replace("payment.amount", "payer.balance"), WORDS)
    with pytest.raises(LanguageError, match=f"^{deep}$"):
        parse(f"({alternate}) or 1 < payer.balance", WORDS)
    for text, is_fine in ((" + 1" * MAX_DEPTH, False), (" + 1" * (MAX_DEPTH + 1), False)):
        with pytest.raises(LanguageError) as caught:
            parse(f"payment.amount{text} < 1", WORDS)
        assert (str(caught.value) == deep) is (len(text) > 4 * MAX_DEPTH), is_fine
    right = "payment.amount"
    for _ in range(MAX_DEPTH):
        right = f"1 - ({right})"
    with pytest.raises(LanguageError, match=f"^adds more than {MAX_TERMS} terms$"):
        parse(f"{right} < 1", WORDS)
    with pytest.raises(LanguageError, match=f"^{deep}$"):
        parse(f"1 - ({right}) < 1", WORDS)
    with pytest.raises(LanguageError, match=f"^adds more than {MAX_TERMS} terms$"):
        parse(f"1 < {right}", WORDS)
    with pytest.raises(LanguageError, match=f"^{deep}$"):
        parse(f"1 < 1 - ({right})", WORDS)
    with pytest.raises(LanguageError, match=r"^this is not a condition; compare something$"):
        parse("-" * (MAX_LENGTH - 1) + "1", WORDS)


def test_a_value_may_stand_on_each_side() -> None:
    found = parse("limit.day[payer.tier] - payment.amount < limit.year[payer.tier]", WORDS)
    assert [(term.series, unit) for term, unit in values_of(found)] == [
        ("limit.day", "coin"),
        ("limit.year", "coin"),
    ]


def test_facts_and_values_are_listed_in_reading_order() -> None:
    text = (
        "not (payer.zone == 'hk' or 'hk' in issuer.licences)"
        " and paper.days + 1 <= hoard.max_days[paper.kind] and payment.amount_hkd < travel.full_from"
    )
    found = parse(text, WORDS)
    assert list(facts_of(found)) == [
        "payer.zone", "issuer.licences", "paper.days", "paper.kind", "payment.amount_hkd",
    ]  # fmt: skip
    assert [(term.series, unit) for term, unit in values_of(found)] == [
        ("hoard.max_days", "days"),
        ("travel.full_from", "HKD"),
    ]
    negated = parse("not (payment.amount_hkd < travel.full_from)", WORDS)
    assert [unit for _, unit in values_of(negated)] == ["HKD"]
    assert list(values_of(parse("payer.zone == 'hk'", WORDS))) == []


def test_the_closest_word_is_close() -> None:
    assert closest("payer.zoen", ["payer.zone", "payee.zone"]) == "payer.zone"
    assert closest("abc", ["xyz"]) == ""
    assert closest("ab", ["abxx"]) == "abxx", "two of four letters are as far as it goes"
    assert closest("ab", ["abxxx"]) == "abxxx"
    assert closest("ab", ["abxxxxx"]) == ""
    assert closest("ab", []) == ""


# -- any condition ----------------------------------------------------------------------------

MONEY = st.sampled_from(
    ["payment.amount", "payer.balance", "issuer.reserve_value", "7", "limit.day[payer.tier]"]
)
SIGN = st.sampled_from([" + ", " - "])
OPS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
SUMS = st.tuples(st.just("payment.amount"), SIGN, MONEY).map("".join)
LEAVES = st.one_of(
    st.tuples(SUMS, OPS, MONEY).map(" ".join),
    st.sampled_from([text for text, _, _ in MEANINGS]),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda each: f"({each[0]}) {each[1]} ({each[2]})"
        ),
        inner.map(lambda each: f"not ({each})"),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS)
def test_what_is_written_again_means_the_same(text: str) -> None:
    if len(text) > MAX_LENGTH:
        return
    found = parse(text, WORDS)
    assert parse(text_of(found), WORDS) == found


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(" ()[]<>=!+-*'\",.#\\andortif019payment.amounthkx\n\x00中"), max_size=40))
def test_any_text_is_a_condition_or_is_refused_in_words(text: str) -> None:
    said = ""
    try:
        assert text_of(parse(text, WORDS))
        return
    except LanguageError as error:
        said = str(error)
    assert said


@pytest.mark.parametrize("kind", [FactTerm, AmountTerm, ValueTerm, Compare, IsWord, Holds, Both, Not])
def test_a_condition_cannot_be_changed_once_it_is_read(kind: type) -> None:
    """A book is shared by threads and kept by its digest."""
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__dict__" not in dir(kind)
