"""A stress in sentences, in both languages: what followed, and everything that was invented for it."""

from __future__ import annotations

from collections.abc import Iterator

from jiaozi.clock import moment_of
from jiaozi.lab.stress.plan import RUN_SHAPE, SUSPENDED_AFTER_HOURS
from jiaozi.lab.stress.reserve import percent_text
from jiaozi.lab.stress.result import StressResult
from jiaozi.money import format_fen

SCENARIO_TITLES = {
    "run": {"en": "a run on the coin", "zh": "集中赎回"},
    "bank-failure": {"en": "a bank with reserve cash fails", "zh": "存放储备现金的银行倒闭"},
    "holiday-week": {"en": "a run before a holiday week", "zh": "长假前的集中赎回"},
    "issuer-suspended": {"en": "the issuer's licence is suspended", "zh": "发行人牌照被暂停"},
}

COMPARED = {
    "en": "A simulation, not a forecast: it shows what the figures given would lead to, not what will happen.",
    "zh": "这是模拟，不是预测：只说明给定数字会推出什么，并不说明将会发生什么。",
}


def title(found: StressResult, language: str) -> str:
    """Return the title: the coin and the scenario."""
    between = ": " if language == "en" else "："
    return f"{found.coin}{between}{SCENARIO_TITLES[found.plan.scenario][language]}"


def at(found: StressResult, hour: int, *, with_year: bool = True) -> str:
    """Return the start of *hour* on the place's clock: `2026-12-25 11:00`."""
    moment = moment_of(found.hours.instant(hour), found.hours.clock)
    return f"{moment:%Y-%m-%d %H:%M}" if with_year else f"{moment:%m-%d %H:%M}"


def money(found: StressResult, fen: int) -> str:
    return format_fen(fen, found.peg)


def summary(found: StressResult, language: str) -> Iterator[str]:
    """Yield what followed, a sentence each."""
    is_english, by = language == "en", found.by_hour
    asked, refused = int(by["asked_fen"].sum()), int(by["refused_fen"].sum())
    hours = len(found.plan.shape)
    if is_english:
        yield (
            f"{found.holders:,} holders have {money(found, found.coins_fen)}. In {hours} hours from "
            f"{at(found, 0)} on, {money(found, found.wanted_fen)} were asked back; the law allowed "
            f"{money(found, asked)} and refused {money(found, refused)}."
        )
    else:
        yield (
            f"{found.holders:,}名持有人共持有{money(found, found.coins_fen)}。自{at(found, 0)}起{hours}小时内，"
            f"申请赎回{money(found, found.wanted_fen)}；法律允许{money(found, asked)}，拒绝{money(found, refused)}。"
        )
    peak = int(by["queue_fen"].argmax())
    queue, people = int(by["queue_fen"][peak]), int(by["queue_holders"][peak])
    left = int(by["queue_fen"][found.shown - 1])
    if is_english:
        rest = f"{money(found, left)} are still owed at the end." if left else "All of it was paid."
        yield (
            f"The queue was longest at the end of the hour from {at(found, peak)}: {money(found, queue)} of "
            f"{people:,} holders. {rest}"
        )
    else:
        rest = f"期末仍欠{money(found, left)}。" if left else "已全部支付。"
        yield f"{at(found, peak)}起的一小时末排队最长：{people:,}名持有人，{money(found, queue)}。{rest}"
    yield _deadlines(found, language)
    coverage = [(found.coverage(hour), hour) for hour in range(found.shown)]
    known = [(ratio, hour) for ratio, hour in coverage if ratio is not None]
    if known:
        ratio, hour = min(known)
        lost = int(by["lost_fen"][found.shown - 1])
        if is_english:
            yield (
                f"At what a sale would bring, the reserve was lowest at {percent_text(ratio)} % of coins and debts "
                f"({at(found, hour)}); sales of bills lost {money(found, lost)}."
            )
        else:
            yield (
                f"按变现价值，储备最低为代币与应付款之和的{percent_text(ratio)}%（{at(found, hour)}）；"
                f"变卖票据损失{money(found, lost)}。"
            )
    trapped = int(by["trapped_fen"][found.shown - 1])
    if trapped:
        yield (
            f"{money(found, trapped)} are trapped: coins whose holders cannot redeem them, by law or by an order."
            if is_english
            else f"{money(found, trapped)}被困：其持有人因法律或命令而不能赎回。"
        )


def _deadlines(found: StressResult, language: str) -> str:
    seen = found.deadlines
    parts = []
    if language == "en":
        parts.append(f"Deadlines met: {seen.met_holders:,} requests, {money(found, seen.met_fen)}")
        late = f"missed: {seen.missed_holders:,}, {money(found, seen.missed_fen)}"
        if seen.missed_holders:
            late += f", at worst by {seen.worst_hours:,} hours" + (
                " and still unpaid" if seen.worst_is_unpaid else ""
            )
        parts.append(late)
        if seen.open_holders:
            parts.append(f"open and not yet due: {seen.open_holders:,}, {money(found, seen.open_fen)}")
        if seen.without_holders:
            parts.append(
                f"without a deadline in the law: {seen.without_holders:,}, {money(found, seen.without_fen)}"
            )
        return "; ".join(parts) + "."
    parts.append(f"按期支付：{seen.met_holders:,}笔，{money(found, seen.met_fen)}")
    late = f"逾期：{seen.missed_holders:,}笔，{money(found, seen.missed_fen)}"
    if seen.missed_holders:
        late += f"，最长{seen.worst_hours:,}小时" + ("且仍未支付" if seen.worst_is_unpaid else "")
    parts.append(late)
    if seen.open_holders:
        parts.append(f"尚未到期：{seen.open_holders:,}笔，{money(found, seen.open_fen)}")
    if seen.without_holders:
        parts.append(f"法律未设期限：{seen.without_holders:,}笔，{money(found, seen.without_fen)}")
    return "；".join(parts) + "。"


def caveats(found: StressResult, language: str) -> Iterator[str]:
    """Yield what this is not, and every parameter that was invented or assumed."""
    plan, is_english = found.plan, language == "en"
    reserve = plan.reserve
    yield COMPARED[language]
    if found.is_draft:
        yield (
            "The law asked holds drafts that are no law."
            if is_english
            else "所适用的法律中含草案，草案并非法律。"
        )
    parts = ", ".join(f"{asset.kind} {percent_text(asset.share)} %" for asset in reserve.assets)
    if is_english:
        whose = "invented by us" if reserve.is_invented else "given by you"
        hours = f"{reserve.opens} to {reserve.closes} o'clock"
        yield f"The composition of the reserve is {whose}: {parts}; banks are open {hours}."
        whose = "our assumption, halved every twelve hours" if plan.shape == RUN_SHAPE else "given by you"
        yield (
            f"Assumed: a share of {percent_text(plan.share)} % asked back, by holders drawn with seed {plan.seed}, "
            f"each for all that he can dispose of; the shape over {len(plan.shape)} hours is {whose}."
        )
        yield (
            "Assumed: repo is back at the next opening and not lent again; bills sell at their haircut at any size; "
            "requests are paid in the order in which they came; nobody pays or buys coins meanwhile; client money "
            "in the reserve is not set aside."
        )
    else:
        whose = "由本项目虚构" if reserve.is_invented else "由您提供"
        yield f"储备构成{whose}：{parts}；银行营业时间{reserve.opens}时至{reserve.closes}时。"
        whose = "为本项目的假设，每12小时减半" if plan.shape == RUN_SHAPE else "由您提供"
        yield (
            f"假定：{percent_text(plan.share)}%被申请赎回，持有人以种子{plan.seed}抽取，各自申请其可支配的全部；"
            f"{len(plan.shape)}小时的分布{whose}。"
        )
        yield (
            "假定：回购于银行下次营业时到期且不再续作；票据无论数量均按折扣卖出；按申请先后支付；"
            "其间无人支付或认购代币；储备中的客户资金未予剔除。"
        )
    yield from _of_scenario(found, language)
    yield (
        "The law was asked once for each class of holders, for the one with most to dispose of; sums of single "
        "holders may make a difference to single answers."
        if is_english
        else "每类持有人仅就可支配额最大者询问一次法律；个别持有人的累计额可能使个别结果不同。"
    )


def _of_scenario(found: StressResult, language: str) -> Iterator[str]:
    plan, hours, is_english = found.plan, found.hours, language == "en"
    if plan.scenario == "bank-failure":
        share, worth = (
            percent_text(part) for part in (plan.reserve.failing_share, plan.reserve.failing_worth)
        )
        yield (
            f"Assumed: {share} % of the cash is at the bank that fails; it stays locked and is valued at {worth} %."
            if is_english
            else f"假定：{share}%的现金存于倒闭银行，一直被冻结，按{worth}%计值。"
        )
    if plan.scenario == "issuer-suspended":
        yield (
            f"Assumed: the licence goes {SUSPENDED_AFTER_HOURS} hours after the run began; what was asked for "
            "before is owed and paid."
            if is_english
            else f"假定：集中赎回开始{SUSPENDED_AFTER_HOURS}小时后牌照被暂停；此前已申请的仍须支付。"
        )
    if hours.holiday:
        first, last = hours.holiday
        if hours.invented_holiday:
            yield (
                f"No holiday week is on file after the store's end: {first} to {last} is invented."
                if is_english
                else f"存档之后无长假日历：{first}至{last}为虚构。"
            )
        else:
            yield (
                f"Holiday on file: {first} to {last}." if is_english else f"日历所载长假：{first}至{last}。"
            )
    if hours.assumed_years:
        years = ", ".join(map(str, hours.assumed_years))
        yield (
            f"No official calendar is on file for {years}: Monday to Friday are taken as worked, and deadlines "
            "there are counted with that assumption."
            if is_english
            else f"{years}年无官方日历：按周一至周五工作计，期限亦据此计算。"
        )
