"""Read the words of the law: places, facts, values, counters, deeds and parties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from jiaozi.money import CURRENCIES
from jiaozi.rulebook.provisions import Action
from jiaozi.rulebook.reading.toml import Table
from jiaozi.rulebook.vocabulary import (
    NUMBER_UNITS,
    TIER_FACTS,
    Counter,
    Fact,
    FactType,
    Place,
    ValueName,
    Vocabulary,
    Word,
)

WINDOWS = ("calendar day", "calendar month", "calendar year")

NEEDED = {
    "payment.amount": FactType.MONEY,
    "payment.place": FactType.PLACE,
    "payer.zone": FactType.PLACE,
    "payee.zone": FactType.PLACE,
    "issuer.zone": FactType.PLACE,
    "issuer.coins_outstanding": FactType.MONEY,
    "coin.peg": FactType.TEXT,
}
"""Facts that every executor asks for itself, whatever the rules say."""

_PLACE = re.compile(r"[a-z][a-z0-9-]*")
_DOTTED = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_WORD = re.compile(r"[^,'\\\x00-\x1f]+")


def read_vocabulary(places_file: Table, facts_file: Table) -> Vocabulary:
    """Return the words of `places.toml` and `facts.toml`; mistakes are collected in the tables."""
    places = _places(places_file)
    facts: dict[str, Fact] = {}
    for table in facts_file.tables("fact"):
        if (fact := _fact(table)) and _is_new(table, fact.id, facts):
            facts[fact.id] = fact
    values: dict[str, ValueName] = {}
    for table in facts_file.tables("value"):
        if (value := _value(table, facts)) and _is_new(table, value.id, (*facts, *values)):
            values[value.id] = value
    counters: dict[str, Counter] = {}
    for table in facts_file.tables("counter"):
        counter = _counter(table, facts)
        if _is_new(table, counter.id, counters):
            counters[counter.id] = counter
    deeds, parties = _words(facts_file, "deed"), _words(facts_file, "party")
    _needed(facts_file, facts)
    facts_file.close()
    return Vocabulary(
        places=places, facts=facts, values=values, counters=counters, deeds=deeds, parties=parties
    )


def _words(file: Table, key: str) -> Mapping[str, Word]:
    """Return the deeds or parties that duties may name."""
    words: dict[str, Word] = {}
    for table in file.tables(key):
        word = Word(table.text("id"), table.wording())
        table.close()
        if word.id and _is_new(table, word.id, words):
            words[word.id] = word
    return words


def _is_new(table: Table, name: str, known: Iterable[str]) -> bool:
    if name in known:
        table.complain("id", f"{name!r} stands twice; a name never means two things")
        return False
    return True


def _needed(file: Table, facts: Mapping[str, Fact]) -> None:
    for name, kind in NEEDED.items():
        if name not in facts:
            file.complain("fact", "is missing; every decision asks for it", subject=name)
        elif facts[name].type is not kind:
            file.complain("fact", f"must be of type {kind}; every decision asks for it", subject=name)
    tiers = [facts[name] for name in TIER_FACTS if name in facts]
    for fact in tiers:
        # The tables of values have one row for each tier, whoever's tier it is.
        if fact.type is not FactType.TEXT or fact.words != tiers[0].words:
            file.complain("fact", "payer and payee must have the same words for tiers", subject=fact.id)


def _places(file: Table) -> Mapping[str, Place]:
    places: dict[str, Place] = {}
    for table in file.tables("place"):
        place_id, within = table.text("id"), table.text("within", "")
        clock, calendar, title = table.text("clock"), table.text("calendar", ""), table.wording()
        phrase = table.wording("phrase") if table.has("phrase") else title
        kind = table.one_of("kind", ("law", "yardstick"), "law")
        table.close()
        if within and within not in places:
            table.complain("within", f"{within!r} is not a place above this one")
            within = ""
        if not _PLACE.fullmatch(place_id):
            table.complain("id", f"{place_id!r} must be lower case letters, digits and -")
            continue
        if not _is_new(table, place_id, places):
            continue
        try:
            ZoneInfo(clock)
        except (ValueError, OSError, KeyError):
            table.complain("clock", f"{clock!r} is no time zone; write for example Asia/Shanghai")
            clock = "UTC"
        places[place_id] = Place(place_id, within, clock, calendar, title, phrase, kind == "yardstick")
    file.close()
    if not places:
        file.complain("place", "no place is declared; add a [[place]]")
    if len(places) > 60:
        # A set of places is one 64-bit number in the ledger's records.
        file.complain("place", "more than 60 places do not fit one set")
    return places


def _fact(table: Table) -> Fact | None:
    fact_id = table.text("id")
    kind = table.one_of("type", [kind.value for kind in FactType])
    title = table.wording()
    source = table.one_of("known_by", ("ledger", "asker"), "ledger")
    unit = ""
    words: tuple[str, ...] = ()
    labels: dict[str, tuple[str, ...]] = {}
    if kind == FactType.MONEY:
        unit = table.one_of("unit", ("coin", *CURRENCIES))
    if kind == FactType.NUMBER:
        unit = table.one_of("unit", NUMBER_UNITS)
    if kind == FactType.TEXT:
        words = table.texts("words", required=True)
        if len(set(words)) != len(words):
            table.complain("words", "has a word twice")
        for word in words:
            if not _WORD.fullmatch(word):
                table.complain("words", f"{word!r} cannot be written in a condition; leave out , ' and \\")
        written = table.take("labels", dict, {}) if table.has("labels") else {}
        for language in ("en", "zh"):
            names = (written or {}).get(language, list(words))
            if not isinstance(names, list) or len(names) != len(words):
                table.complain("labels", f"must have one label in {language} for each word")
                names = list(words)
            labels[language] = tuple(str(name) for name in names)
    table.close()
    if fact_id and not _DOTTED.fullmatch(fact_id):
        table.complain("id", "must be two words with a point between, for example payer.zone")
        return None
    if not fact_id or not kind:
        return None
    return Fact(fact_id, FactType(kind), unit, words, title, labels, source == "ledger")


def _value(table: Table, facts: Mapping[str, Fact]) -> ValueName | None:
    picking = [fact.id for fact in facts.values() if fact.type in (FactType.TEXT, FactType.PLACE)]
    value_id, title = table.text("id"), table.wording()
    by = table.one_of("by", ("tier", *picking), "") if table.has("by") else ""
    kind = table.one_of("type", ("money", *NUMBER_UNITS))
    table.close()
    if not _DOTTED.fullmatch(value_id):
        table.complain("id", "must be two words with a point between, for example limit.day")
        return None
    if by == "tier" and TIER_FACTS[0] not in facts:
        table.complain("by", f"asks for tiers, and {TIER_FACTS[0]} is not declared")
        by = ""
    return ValueName(value_id, "" if kind == "money" else kind, by, title)


def _counter(table: Table, facts: Mapping[str, Fact]) -> Counter:
    counter_id, window = table.text("id"), table.one_of("window", WINDOWS)
    what = table.one_of("sum", ("payment.amount", "payments"))
    table.one_of("by", ("payer",))
    actions = table.texts("actions", required=True)
    for action in actions:
        if action not in list(Action):
            table.complain("actions", f"no such action {action!r}")
    wanted = FactType.MONEY if what == "payment.amount" else FactType.NUMBER
    if counter_id not in facts or facts[counter_id].type is not wanted:
        table.complain("id", f"{counter_id!r} is not declared as a fact of the type {wanted}")
    table.close()
    return Counter(counter_id, window, actions)
