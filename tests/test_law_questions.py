"""The questions that matter most, asked of `jiaozi law`: each answer with its article and day."""

from __future__ import annotations

import pytest

from tests.law_asking import (
    HOLDERS,
    ISSUER,
    SPENT,
    TIER_4,
    Captured,
    article,
    asked,
    assert_allowed,
    assert_refused,
)

# -- the questions that matter most ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "ban", "since"),
    [
        ("2021-09-23", "cn.token_funding", "in force since 2017-09-04"),
        ("2021-09-24", "cn.virtual_currency_2021", "in force since 2021-09-24"),
        ("2026-02-05", "cn.virtual_currency_2021", "in force since 2021-09-24"),
        ("2026-02-06", "cn.virtual_currency", "in force since 2026-02-06"),
        ("2026-11-22", "cn.virtual_currency", "in force since 2026-02-06"),
    ],
)
def test_a_yuan_coin_in_shanghai_is_refused_by_the_law_of_its_day(
    day: str, ban: str, since: str, capsys: Captured
) -> None:
    said = asked(
        capsys, "issue", "--place", "cn-sh", "--on", day, "coin.peg=CNY", "issuer.consents=", *ISSUER
    )
    assert_refused(said, ban, since)
    bans = {"cn.virtual_currency_2021", "cn.virtual_currency"} - {ban}
    assert not [other for other in bans if f"refused  {other} " in said[1]]


@pytest.mark.parametrize("day", ["2026-02-05", "2026-02-05T23:59:59", "2026-02-06", "2026-11-22"])
@pytest.mark.parametrize("consents", ["", "cn"])
def test_a_yuan_coin_in_hong_kong_needs_consent_from_6_february_2026_on(
    day: str, consents: str, capsys: Captured
) -> None:
    words = ["coin.peg=CNY", "payment.amount=1", "issuer.licences=hk", f"issuer.consents={consents}", *ISSUER]
    said = asked(capsys, "issue", "--place", "hk", "--on", day, *words)
    if day < "2026-02-06" or consents:
        assert_allowed(said, "hk.issue", "in force since 2025-08-01")
    else:
        assert_refused(said, "cn.yuan_peg_abroad", "in force since 2026-02-06")


@pytest.mark.parametrize("day", ["2025-07-31", "2025-08-01"])
def test_a_licensee_issues_hong_kong_dollars_from_1_august_2025_on(day: str, capsys: Captured) -> None:
    words = ["coin.peg=HKD", "payment.amount=1", "issuer.licences=hk", "issuer.consents=", *ISSUER]
    code, said = asked(capsys, "issue", "--place", "hk", "--on", day, *words)
    if day == "2025-08-01":
        assert_allowed((code, said), "hk.issue", "in force since 2025-08-01")
    else:
        assert code == 1
        assert f"hk.issue is to permit it: from 2025-08-01 ({article('hk.issue')})" in said


@pytest.mark.parametrize("amount", ["7999.99", "8000"])
def test_the_core_data_is_enough_below_8000_hong_kong_dollars(amount: str, capsys: Captured) -> None:
    words = ["coin.peg=HKD", f"payment.amount={amount}", "payment.travel_data=core", "issuer.licences=hk"]
    said = asked(capsys, "pay", "--place", "hk", "--on", "2026-11-22", *words, *ISSUER)
    if amount == "7999.99":
        assert_allowed(said, "hk.pay", "in force since 2025-08-01")
    else:
        assert_refused(said, "hk.pay/travel_full", "in force since 2025-08-01")
        assert "8,000.00 >= 8,000.00 HKD" in said[1]


@pytest.mark.parametrize("amount", ["2000.00", "2000.01"])
def test_a_tier_4_wallet_of_the_invented_pilot_pays_2000_at_once(amount: str, capsys: Captured) -> None:
    words = [*TIER_4, f"payment.amount={amount}", "issuer.consents=cn", *ISSUER, *HOLDERS, *SPENT]
    code, said = asked(capsys, "pay", "--on", "2026-12-15", *words)
    if amount == "2000.00":
        assert_allowed((code, said), "cn-sh.pay", "from 2026-12-01 [DRAFT]")
        assert said.endswith("under the DRAFT of cn-sh\n")
    else:
        assert_refused((code, said), "cn-sh.pay/single_cap", "from 2026-12-01 [DRAFT]")
        assert "2,000.01 > 2,000.00 CNY" in said


@pytest.mark.parametrize(("days", "day"), [(93, "2027-01-18"), (94, "2027-01-18"), (93, "2027-01-17")])
def test_a_treasury_bill_of_94_days_is_no_reserve_in_the_united_states(
    days: int, day: str, capsys: Captured
) -> None:
    words = ["asset.kind=treasury", f"asset.days={days}", "asset.pledge=free", *ISSUER]
    said = asked(capsys, "invest", "--place", "us", "--on", day, *words)
    if (days, day) == (93, "2027-01-18"):
        assert_allowed(said, "us.invest", "in force since 2027-01-18")
    elif days == 94:
        assert_refused(said, "us.invest/short_enough", "in force since 2027-01-18")
        assert "94 days > 93 days" in said[1]
    else:
        assert "us.invest is to permit it: from 120 days after " in said[1]


@pytest.mark.parametrize(
    ("transactions", "value", "is_refused"),
    [
        ("1000000", "200000000", False),
        ("1000001", "200000000", False),
        ("1000000", "200000000.01", False),
        ("1000001", "200000000.01", True),
    ],
)
def test_a_yuan_coin_above_both_limits_may_not_be_issued_in_the_union(
    transactions: str, value: str, is_refused: bool, capsys: Captured
) -> None:
    words = ["coin.peg=CNY", "payment.amount=1", "issuer.licences=eu", "issuer.consents=cn", *ISSUER]
    words += [f"use.transactions={transactions}", f"use.value={value}"]
    said = asked(capsys, "issue", "--place", "eu", "--on", "2026-11-22", *words)
    if is_refused:
        assert_refused(said, "eu.means_of_exchange_cap", "in force since 2024-06-30")
        assert "1,000,001 > 1,000,000; 200,000,000.01 > 200,000,000.00 EUR" in said[1]
    else:
        assert_allowed(said, "eu.issue", "in force since 2024-06-30")


@pytest.mark.parametrize(
    ("place", "day", "reason", "since"),
    [
        ("hk", "2026-11-22", "hk.interest", "in force since 2025-08-01"),
        ("eu", "2026-11-22", "eu.interest", "in force since 2024-06-30"),
        ("ae", "2026-11-22", "ae.interest", "in force since 2024-08-21"),
        ("us", "2027-01-18", "us.interest", "in force since 2027-01-18"),
        ("kr", "2026-11-22", "kr.interest", "[PROPOSAL]"),
    ],
)
def test_interest_to_a_holder_is_banned_with_article_and_day(
    place: str, day: str, reason: str, since: str, capsys: Captured
) -> None:
    draft = ["--draft", "kr"] if place == "kr" else []
    assert_refused(asked(capsys, "interest", "--place", place, "--on", day, *draft), reason, since)


@pytest.mark.parametrize("place", ["cn", "us", "sg", "jp", "tw", "th", "kr"])
def test_where_no_text_in_force_speaks_of_interest_nothing_permits_it(place: str, capsys: Captured) -> None:
    code, said = asked(capsys, "interest", "--place", place, "--on", "2026-11-22")
    assert code == 1
    assert said.startswith(f"refused  {place}/no_permit   Nothing in the law of ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("tier", "code"), [("t3", 0), ("t4", 1)])
def test_the_yardstick_pays_interest_on_real_name_wallets_only(
    tier: str, code: int, capsys: Captured
) -> None:
    said = asked(capsys, "interest", "--place", "ecny", "--on", "2026-01-01", f"holder.tier={tier}")
    assert said[0] == code
    if code:
        assert_refused(said, "ecny.interest/real_name", "in force since 2026-01-01")
    assert asked(capsys, "interest", "--place", "ecny", "--on", "2025-12-31", f"holder.tier={tier}")[0] == 1
