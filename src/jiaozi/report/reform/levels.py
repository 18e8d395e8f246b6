"""Levels: the table of a coin by month: what was out, what of that was frozen, the reserve, and what the law asks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jiaozi.lab.replay.records import Month
from jiaozi.lab.replay.replay import Mode
from jiaozi.report.reform.backing import Asks, Backing, Rule
from jiaozi.report.reform.subject import Subject
from jiaozi.report.reform.words import Words


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its cells by month, and the months in which a cell is bad news."""

    head: str
    cells: dict[str, str]
    bad: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CoinTable:
    """The table of one coin, a sentence on what was not kept, the rules that ask for it, and those left out."""

    coin: str
    columns: tuple[Column, ...]
    broken: str
    rules: tuple[tuple[Rule, str], ...]
    left_out: tuple[tuple[Rule, str], ...]


def levels(subject: Subject, words: Words) -> list[CoinTable]:
    """Return a table for each coin. Where nothing moves otherwise and no law asks otherwise, there is no after."""
    asked = {each.coin: each for each in subject.backing}
    summary = subject.found.summary
    before, after = summary.months_before, summary.months_after
    moves = subject.found.mode == Mode.MONEY_FOLLOWS
    has_frozen = {coin for month in (*before, *after) for coin, amount in month.frozen.items() if amount}
    tables = []
    for coin in dict.fromkeys(coin for month in before for coin in month.coins):
        columns = []
        for what in ("coins", "frozen", "reserve"):
            if what != "frozen" or coin in has_frozen:
                columns += _amounts(what, coin, before, after, words, moves=moves)
        backing = asked.get(coin)
        if backing is not None and backing.rules:
            columns += _asked(backing, words)
        tables.append(
            CoinTable(
                coin,
                tuple(columns),
                _broken(backing, words) if backing else "",
                tuple((rule, _whose(rule, words)) for rule in backing.rules) if backing else (),
                tuple((rule, _whose(rule, words)) for rule in backing.left_out) if backing else (),
            )
        )
    return tables


def _amounts(
    what: str, coin: str, before: list[Month], after: list[Month], words: Words, *, moves: bool
) -> list[Column]:
    """Return the columns of *what*; none where it is not known in any month."""
    head = words(f"report.{what}_short")
    if not any(_amount(what, coin, month) is not None for month in (*before, *after)):
        return []
    if not moves:
        return [_column(head, what, coin, before, words)]
    return _joined(
        head, _column(head, what, coin, before, words), _column(head, what, coin, after, words), words
    )


def _joined(head: str, before: Column, after: Column, words: Words) -> list[Column]:
    """Return both columns; one alone where they are the same, since a page has room for few."""
    if before == after:
        return [before]
    sides = (("before", before), ("after", after))
    return [
        replace(each, head=f"{head}{words('site.comma')}{words(f'report.{name}')}") for name, each in sides
    ]


def _column(head: str, what: str, coin: str, months: list[Month], words: Words) -> Column:
    amounts = {month.month: _amount(what, coin, month) for month in months}
    return Column(
        head,
        {month: "–" if amount is None else words.money(amount) for month, amount in amounts.items()},
    )


def _amount(what: str, coin: str, month: Month) -> int | None:
    if what == "reserve":
        return month.reserve.get(coin)
    return (month.coins if what == "coins" else month.frozen).get(coin)


def _asked(backing: Backing, words: Words) -> list[Column]:
    least, kept = words("report.least"), words("report.is_kept")
    sides = [
        (
            Column(least, {month: _least(each, words) for month, each in asks.items()}),
            Column(
                kept,
                {month: words(_KEPT[each.is_kept]) for month, each in asks.items()},
                frozenset(month for month, each in asks.items() if each.is_kept is False),
            ),
        )
        for asks in (backing.before, backing.after)
    ]
    (least_before, kept_before), (least_after, kept_after) = sides
    return [
        *_joined(least, least_before, least_after, words),
        *_joined(kept, kept_before, kept_after, words),
    ]


_KEPT = {True: "report.kept", False: "report.broken", None: "report.not_known"}


def _least(asks: Asks, words: Words) -> str:
    return words("report.no_amount") if asks.least is None else words.money(asks.least)


def _broken(backing: Backing, words: Words) -> str:
    """Return in how many months the reserve was less than each law asks for; nothing where none was asked."""
    if not backing.rules:
        return ""
    counts = [
        sum(each.is_kept is False for each in asks.values()) for asks in (backing.before, backing.after)
    ]
    if backing.is_same:
        return words("report.months_broken", count=counts[0], months=len(backing.before))
    return words("report.months_broken_both", before=counts[0], after=counts[1])


def _whose(rule: Rule, words: Words) -> str:
    """Return of which law *rule* is a part."""
    if rule.is_before and rule.is_after:
        return words("report.both_laws")
    return words("report.before" if rule.is_before else "report.after")
