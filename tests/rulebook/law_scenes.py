"""Scenes: a question to the law in the words of payments, put to every executor.

    law      with the draft cn-sh, at 2027-02-01 10:00
    issuer   in cn-sh, coin CNY, licensed by cn-sh
    payer    resident in cn-sh, tier t4, paid 49,000.00 this year
    payee    registered firm in cn-sh, tier t2
    when     pay 1,500.00 in cn-sh
    then     refused cn-sh.pay/annual_cap

`law in force` leaves every draft out. A line that is left out, and a phrase that
is left out of a line, mean the usual: an issuer with licence and consent, a full
reserve, residents of tier 1 with nothing paid yet. `tier unknown` takes a fact away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from jiaozi.clock import Instant, instant_of
from jiaozi.money import MAX_FEN, fen_from_text
from jiaozi.rulebook.decide import Facts, decide
from jiaozi.rulebook.machine.columns import columns_of, decide_columns_numpy
from jiaozi.rulebook.machine.kernel import decide_batch, names_of
from jiaozi.rulebook.machine.layout import Int64s
from jiaozi.rulebook.machine.program import compile_book, fact_row
from jiaozi.rulebook.machine.sql import column_of, query
from jiaozi.rulebook.model import ACTION_CODES, Action, Book
from jiaozi.rulebook.reading.read import read_folder
from jiaozi.rulebook.telling.explain import explain, line
from jiaozi.rulebook.vocabulary import FactType

Question = tuple[Action, Facts, Instant]

USUAL: Facts = {
    "payment.amount": 1_00,
    "payment.place": "cn-sh",
    "payment.travel_data": "full",
    "payer.zone": "cn-sh",
    "payer.kind": "resident",
    "payer.tier": "t1",
    "payer.balance": 0,
    "payer.paid_today": 0,
    "payer.paid_this_year": 0,
    "payee.zone": "cn-sh",
    "payee.kind": "resident",
    "payee.tier": "t1",
    "payee.balance": 0,
    "coin.peg": "CNY",
    "issuer.zone": "cn-sh",
    "issuer.licences": frozenset({"cn-sh"}),
    "issuer.consents": frozenset({"cn"}),
    "issuer.supply_cap": MAX_FEN,
    "issuer.coins_outstanding": 0,
    "issuer.reserve_value": MAX_FEN,
}


SMALL_LAW = Path(__file__).parent / "small_law"
"""A law of three places that stays as it is, however the shipped law grows: tests of the machinery read it."""


@lru_cache
def law(*drafts: str) -> Book:
    """Return the small law with these drafts."""
    return read_folder(SMALL_LAW, drafts=drafts)


@lru_cache
def shipped(*drafts: str) -> Book:
    """Return the shipped law with these drafts."""
    return read_folder(drafts=drafts)


def moment(text: str) -> Instant:
    """Return the instant of `2027-02-01 10:00` on the clock of Shanghai, which is also Hong Kong's."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")))


def arrays(book: Book, questions: Sequence[Question]) -> tuple[Int64s, Int64s, Int64s]:
    """Return the actions, the rows of facts and the instants of *questions*, as the fast executors take them."""
    return (
        np.array([ACTION_CODES[action] for action, _, _ in questions], dtype=np.int64),
        np.array([fact_row(book, facts) for _, facts, _ in questions], dtype=np.int64),
        np.array([instant for _, _, instant in questions], dtype=np.int64),
    )


def answers(book: Book, questions: Sequence[Question]) -> list[tuple[str, ...]]:
    """Return the reasons against each action; all executors in Python must give the same bits."""
    actions, rows, instants = arrays(book, questions)
    kernel = decide_batch(book, compile_book(book), actions, rows, instants)
    columns = decide_columns_numpy(book, actions, columns_of(book, rows), instants)
    found = []
    for (action, facts, instant), bits, column_bits in zip(questions, kernel, columns, strict=True):
        assert names_of(book, bits) == names_of(book, column_bits), (action, facts, instant)
        plain = decide(book, action, facts, instant)
        assert names_of(book, bits) == plain.reasons, (action, facts, instant)
        assert plain.allowed == (not plain.reasons)
        number = sum(int(word) << (64 * index) for index, word in enumerate(bits))
        assert plain.bits(book) == number
        found.append(plain.reasons)
    return found


_SQL_TYPES = {
    FactType.MONEY: "BIGINT",
    FactType.NUMBER: "BIGINT",
    FactType.TEXT: "VARCHAR",
    FactType.PLACE: "VARCHAR",
    FactType.PLACES: "VARCHAR[]",
}


def sql_answers(book: Book, questions: Sequence[Question]) -> list[tuple[str, ...]]:
    """Return the reasons against each action, as a database gives them."""
    facts = book.vocabulary.facts.values()
    columns = ["payment BIGINT", "action VARCHAR", "instant BIGINT"]
    columns += [f'"{column_of(fact.id)}" {_SQL_TYPES[fact.type]}' for fact in facts]
    rows = [
        ", ".join(
            _literal(value) for value in (number, str(action), instant, *(given.get(f.id) for f in facts))
        )
        for number, (action, given, instant) in enumerate(questions)
    ]
    with duckdb.connect(config={"threads": "1"}) as database:
        database.execute(f"CREATE TABLE payments ({', '.join(columns)})")
        database.execute(f"INSERT INTO payments VALUES {', '.join(f'({row})' for row in rows)}")
        found = database.execute(query(book)).fetchall()
    assert all(allowed == (not reasons) for _, allowed, reasons in found)
    return [tuple(reasons) for _, _, reasons in found]


def _literal(value: int | str | frozenset[str] | None) -> str:
    """Return *value* as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, frozenset):
        return f"[{', '.join(_literal(place) for place in sorted(value))}]"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def ask(book: Book, action: Action, facts: Facts, instant: Instant) -> tuple[str, ...]:
    """Return the reasons against one action, as every executor gives them, each with words to it."""
    (reasons,) = answers(book, [(action, facts, instant)])
    explained = explain(book, action, facts, instant, reasons)
    assert tuple(found.reason for found in explained) == reasons
    assert all(line(found, language) for found in explained for language in ("en", "zh"))
    return reasons


def scene(test: Callable[[str, str], None]) -> Callable[[], None]:
    """Read the docstring of *test*, ask the law, and hand over the answer and the one expected."""
    lines = dict(text.strip().split(maxsplit=1) for text in (test.__doc__ or "").strip().splitlines())

    def run() -> None:
        book, instant = _law(lines["law"])
        action, facts = _when(lines["when"])
        for who in ("issuer", "payer", "payee"):
            facts |= _party(who, lines.get(who, ""))
        if facts["coin.peg"] == "HKD":
            facts["payment.amount_hkd"] = facts["payment.amount"]
        reasons = ask(book, action, facts, instant)
        test(f"refused {', '.join(reasons)}" if reasons else "allowed", lines["then"])

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def _law(text: str) -> tuple[Book, Instant]:
    found = re.fullmatch(r"(in force|with the draft (\S+)), at (.+)", text)
    assert found, text
    return law(*([found[2]] if found[2] else [])), moment(found[3])


def _when(text: str) -> tuple[Action, dict[str, int | str | frozenset[str] | None]]:
    found = re.fullmatch(r"(issue|pay|redeem) ([\d,.]+) in (\S+?)(?: with (\w+) data)?", text)
    assert found, text
    facts = dict(USUAL) | {"payment.amount": fen_from_text(found[2]), "payment.place": found[3]}
    if found[4]:
        facts["payment.travel_data"] = found[4]
    return Action(found[1]), facts


_PHRASES: Mapping[str, str] = {
    r"in (\S+)": "zone",
    r"(resident|registered firm|visitor) in (\S+)": "kind zone",
    r"tier (\S+)": "tier",
    r"holds ([\d,.]+)": "balance",
    r"paid ([\d,.]+) today": "paid_today",
    r"paid ([\d,.]+) this year": "paid_this_year",
    r"licensed by (.+)": "licences",
    r"consent of (.+)": "consents",
    r"cap ([\d,.]+)": "supply_cap",
    r"coins ([\d,.]+)": "coins_outstanding",
    r"reserve ([\d,.]+)": "reserve_value",
}


def _party(who: str, text: str) -> Facts:
    facts: dict[str, int | str | frozenset[str] | None] = {}
    for phrase in filter(None, text.split(", ")):
        if phrase.startswith("coin "):
            facts["coin.peg"] = phrase.removeprefix("coin ")
            continue
        found = next((m, names) for form, names in _PHRASES.items() if (m := re.fullmatch(form, phrase)))
        for name, word in zip(found[1].split(), found[0].groups(), strict=True):
            facts[f"{who}.{name}"] = _fact(name, word)
    return facts


def _fact(name: str, word: str) -> int | str | frozenset[str] | None:
    if word == "unknown":
        return None
    if name in ("licences", "consents"):
        return frozenset() if word == "nobody" else frozenset(word.split(" and "))
    return word if name in ("zone", "kind", "tier") else fen_from_text(word)
