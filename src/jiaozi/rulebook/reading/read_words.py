"""Read the words of the law: places, facts, values, counters and sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from jiaozi.money import CURRENCIES
from jiaozi.rulebook.model import Action, Source
from jiaozi.rulebook.reading.toml import Table
from jiaozi.rulebook.vocabulary import TIER_FACTS, Counter, Fact, FactType, Place, ValueName, Vocabulary

WINDOWS = ("calendar day", "calendar year")

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
        if (value := _value(table)) and _is_new(table, value.id, (*facts, *values)):
            values[value.id] = value
    counters: dict[str, Counter] = {}
    for table in facts_file.tables("counter"):
        counter = _counter(table, facts)
        if _is_new(table, counter.id, counters):
            counters[counter.id] = counter
    _needed(facts_file, facts)
    facts_file.close()
    return Vocabulary(places=places, facts=facts, values=values, counters=counters)


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


def read_sources(file: Table) -> Mapping[str, Source]:
    """Return the cited texts of `sources.toml`."""
    sources = {}
    for source_id, table in file.named_tables():
        authority, title = table.wording("authority"), table.wording()
        number, link = table.text("number"), table.text("link", "")
        issued, known, checked = table.day("issued"), table.day("known"), table.day("checked")
        read = table.one_of("read", ("text", "digest", "invented"))
        if link and not link.startswith("https://"):
            table.complain("link", "must begin with https://")
        table.close()
        if issued and known and checked:
            sources[source_id] = Source(
                source_id, authority, title, number, issued, known, link, read, checked
            )
    return sources


def _places(file: Table) -> Mapping[str, Place]:
    places: dict[str, Place] = {}
    for table in file.tables("place"):
        place_id, within = table.text("id"), table.text("within", "")
        clock, calendar, title = table.text("clock"), table.text("calendar"), table.wording()
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
        places[place_id] = Place(place_id, within, clock, calendar, title)
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
    unit = ""
    words: tuple[str, ...] = ()
    labels: dict[str, tuple[str, ...]] = {}
    if kind == FactType.MONEY:
        unit = table.one_of("unit", ("coin", *CURRENCIES))
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
    return Fact(fact_id, FactType(kind), unit, words, title, labels) if fact_id and kind else None


def _value(table: Table) -> ValueName | None:
    value_id, by, title = table.text("id"), table.one_of("by", ("tier", ""), ""), table.wording()
    table.one_of("type", ("money",))
    table.close()
    if not _DOTTED.fullmatch(value_id):
        table.complain("id", "must be two words with a point between, for example limit.day")
        return None
    return ValueName(value_id, by, title)


def _counter(table: Table, facts: Mapping[str, Fact]) -> Counter:
    counter_id, window = table.text("id"), table.one_of("window", WINDOWS)
    table.one_of("sum", ("payment.amount",))
    table.one_of("by", ("payer",))
    actions = table.texts("actions", required=True)
    for action in actions:
        if action not in list(Action):
            table.complain("actions", f"no such action {action!r}")
    if counter_id not in facts or facts[counter_id].type is not FactType.MONEY:
        table.complain("id", f"{counter_id!r} is not declared as a fact of money")
    table.close()
    return Counter(counter_id, window, actions)
