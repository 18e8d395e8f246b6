"""Conditions in words, as a lawyer would read them aloud."""

from __future__ import annotations

import pytest

from jiaozi.rulebook.language import parse
from jiaozi.rulebook.telling.wording import words_of

from .law_scenes import law, moment

BOOK = law("cn-sh")

WORDS = [
    (
        "payment.amount <= limit.single[payer.tier]",
        "the amount is at most the cap on one payment",
        "金额不超过单笔限额",
    ),
    (
        "payer.paid_today + payment.amount - 100 < limit.day[payer.tier]",
        "what the payer has paid today plus the amount less 100.00 in the currency of the coin "
        "is less than the cap on payments of a day",
        "付款人当日已付金额加金额减100.00（代币挂钩货币）低于日累计限额",
    ),
    (
        "payment.amount_hkd >= 8000",
        "the amount in Hong Kong dollars is at least 8,000.00 HKD",
        "以港元计的金额不低于8,000.00 HKD",
    ),
    (
        "payer.kind in ('resident', 'registered firm')",
        "the payer is a resident or a registered firm",
        "付款人为居民或登记企业",
    ),
    (
        "payer.kind not in ('visitor', 'issuer')",
        "the payer is neither a visitor nor an issuer",
        "付款人不是访客或发行人",
    ),
    ("payer.kind != 'visitor'", "the payer is not a visitor", "付款人不是访客"),
    ("not payer.kind == 'visitor'", "the payer is not a visitor", "付款人不是访客"),
    ("not (not payer.kind == 'visitor')", "the payer is a visitor", "付款人为访客"),
    (
        "payment.place in 'cn'",
        "the place of the payment is in Mainland China",
        "交易发生地在中国内地境内",
    ),
    (
        "payment.place not in 'cn'",
        "the place of the payment is outside Mainland China",
        "交易发生地不在中国内地境内",
    ),
    (
        "payment.place not in ('cn', 'hk')",
        "the place of the payment is neither in Mainland China nor in Hong Kong",
        "交易发生地不在中国内地或香港境内",
    ),
    (
        "payment.place == 'cn'",
        "the place of the payment is Mainland China itself",
        "交易发生地为中国内地本身",
    ),
    ("payment.place == 'hk'", "the place of the payment is Hong Kong", "交易发生地为香港"),
    ("'hk' in issuer.licences", "the issuer is licensed in Hong Kong", "发行人持有香港牌照"),
    ("'hk' not in issuer.licences", "the issuer is not licensed in Hong Kong", "发行人未持有香港牌照"),
    (
        "not 'cn' in issuer.consents",
        "the authorities of Mainland China have not consented",
        "中国内地主管部门未同意",
    ),
    (
        "payment.amount > 1 and (payer.kind == 'visitor' or coin.peg != 'CNY')",
        "the amount is more than 1.00 in the currency of the coin, and "
        "(the payer is a visitor, or the currency the coin is pegged to is not CNY)",
        "金额高于1.00（代币挂钩货币），且（付款人为访客，或代币挂钩货币不是CNY）",
    ),
    (
        "not (payer.kind == 'visitor' and payment.amount_hkd == 1)",
        "the payer is not a visitor, or the amount in Hong Kong dollars does not equal 1.00 HKD",
        "付款人不是访客，或以港元计的金额不等于1.00 HKD",
    ),
]


@pytest.mark.parametrize(("text", "english", "chinese"), WORDS)
def test_a_condition_reads_like_this(text: str, english: str, chinese: str) -> None:
    expr = parse(text, BOOK.vocabulary)
    assert words_of(expr, BOOK, "cn-sh", "en") == english
    assert words_of(expr, BOOK, "cn-sh", "zh") == chinese


def test_with_a_day_the_numbers_in_force_are_added() -> None:
    expr = parse("payment.amount <= limit.single[payer.tier]", BOOK.vocabulary)
    instant = moment("2027-02-01 10:00")
    assert words_of(expr, BOOK, "cn-sh", "en", instant) == (
        "the amount is at most the cap on one payment "
        "(tier 1: unlimited, tier 2: 50,000.00, tier 3: 5,000.00, tier 4: 2,000.00 CNY)"
    )
    assert words_of(expr, BOOK, "cn-sh", "zh", instant) == (
        "金额不超过单笔限额（一类：不限；二类：50,000.00；三类：5,000.00；四类：2,000.00 CNY）"
    )


def test_before_its_first_day_a_value_is_not_set() -> None:
    expr = parse("payment.amount_hkd < travel.full_from", BOOK.vocabulary)
    before, on = moment("2025-07-31 23:59:59"), moment("2025-08-01 00:00:00")
    assert words_of(expr, BOOK, "hk", "en", before).endswith("must travel (not set on this day)")
    assert words_of(expr, BOOK, "hk", "zh", before).endswith("（当日未设定）")
    assert words_of(expr, BOOK, "hk", "en", on).endswith("must travel (8,000.00 HKD)")


def test_a_value_that_another_place_set_does_not_count() -> None:
    expr = parse("payment.amount_hkd < travel.full_from", BOOK.vocabulary)
    assert words_of(expr, BOOK, "cn", "en", moment("2027-01-01 00:00")).endswith("(not set on this day)")
