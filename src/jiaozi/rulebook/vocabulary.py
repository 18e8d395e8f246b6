"""The words a rule may use: facts, values, places and counters.

Codes stand for words in the journal and the kernel. A code is a position in a
list that is only ever appended to; 0 means "not given".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

NUMBER_UNITS = ("days", "count", "percent")
"""Units of numbers that are no money. A percentage is held in hundredths of a percent: 30 % is 3000."""


class FactType(StrEnum):
    """What a fact holds."""

    MONEY = "money"
    NUMBER = "number"
    TEXT = "text"
    PLACE = "place"
    PLACES = "places"


@dataclass(frozen=True, slots=True)
class Place:
    """A place that has law, a zone inside one, or a yardstick: rules of no place, to compare with.

    `phrase` is its title as it reads inside a sentence: `the United States`.
    """

    id: str
    within: str
    clock: str
    calendar: str
    title: Mapping[str, str]
    phrase: Mapping[str, str]
    is_yardstick: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a rule may ask.

    `unit` is `"coin"` or a currency for money, one of `NUMBER_UNITS` for a number,
    else empty. `from_ledger` tells that the ledger knows it of every transfer.
    """

    id: str
    type: FactType
    unit: str
    words: tuple[str, ...]
    title: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    from_ledger: bool = True


@dataclass(frozen=True, slots=True)
class ValueName:
    """A number that the law of a place may set.

    `unit` is empty for money, whose currency stands beside each amount, else one
    of `NUMBER_UNITS`. `by` is empty, `"tier"`, or the fact of words or places
    that picks the number, for example `asset.kind`.
    """

    id: str
    unit: str
    by: str
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counter:
    """A sum the ledger keeps for each payer: which fact it is, its window, which actions count."""

    id: str
    window: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """A party or a deed that a duty names: `issuer`, `redeem.paid`."""

    id: str
    title: Mapping[str, str]


TIER_FACTS = ("payer.tier", "payee.tier")


@dataclass(frozen=True)
class Vocabulary:
    """All the words, in the order of their files."""

    places: Mapping[str, Place]
    facts: Mapping[str, Fact]
    values: Mapping[str, ValueName]
    counters: Mapping[str, Counter]
    deeds: Mapping[str, Word] = field(default_factory=dict)
    parties: Mapping[str, Word] = field(default_factory=dict)

    @cached_property
    def place_codes(self) -> Mapping[str, int]:
        """Place to its number in the journal, from 1."""
        return {place: code for code, place in enumerate(self.places, start=1)}

    @cached_property
    def place_names(self) -> tuple[str, ...]:
        """Number to place; `place_names[0]` is the empty name of "not given"."""
        return ("", *self.places)

    @cached_property
    def jurisdictions(self) -> tuple[str, ...]:
        """Places that stand for themselves, in order."""
        return tuple(place.id for place in self.places.values() if not place.within)

    @cached_property
    def slots(self) -> Mapping[str, int]:
        """Fact to its column in a row of facts given to the kernel."""
        return {fact: slot for slot, fact in enumerate(self.facts)}

    @property
    def tiers(self) -> tuple[str, ...]:
        return self.facts["payer.tier"].words if "payer.tier" in self.facts else ()

    @property
    def currencies(self) -> tuple[str, ...]:
        return self.facts["coin.peg"].words if "coin.peg" in self.facts else ()

    @cached_property
    def known_words(self) -> Mapping[str, frozenset[str]]:
        """Fact of text or place to the words it may be."""
        return {
            fact.id: frozenset(self.places if fact.type is FactType.PLACE else fact.words)
            for fact in self.facts.values()
        }

    def keys_of(self, series: str) -> tuple[str, ...]:
        """Return the words that pick a number of *series*, in order; empty when there is one number."""
        by = self.values[series].by
        if not by:
            return ()
        fact = self.facts["payer.tier" if by == "tier" else by]
        return tuple(self.places) if fact.type is FactType.PLACE else fact.words

    def picks(self, series: str, fact: str) -> bool:
        """Return whether *fact* picks the number of *series*."""
        by = self.values[series].by
        return fact in TIER_FACTS if by == "tier" else fact == by

    def jurisdiction_of(self, place: str) -> str:
        """Return the jurisdiction that *place* is or lies in; zones may lie in zones."""
        while within := self.places[place].within:
            place = within
        return place

    def inside(self, place: str) -> tuple[str, ...]:
        """Return *place* and every zone that lies in it, in order."""
        return tuple(zone for zone in self.places if place in self._upward(zone))

    def _upward(self, place: str) -> tuple[str, ...]:
        chain = [place]
        while within := self.places[chain[-1]].within:
            chain.append(within)
        return tuple(chain)

    def code(self, fact: str, word: str) -> int:
        """Return the number that stands for *word* in *fact*, from 1. Raises `KeyError` if unknown."""
        declared = self.facts[fact]
        if declared.type is FactType.PLACE:
            return self.place_codes[word]
        try:
            return declared.words.index(word) + 1
        except ValueError:
            raise KeyError(f"{fact} has no word {word!r}; it has {', '.join(declared.words)}") from None

    def word(self, fact: str, code: int) -> str:
        """Return the word that *code* stands for in *fact*; empty for 0."""
        declared = self.facts[fact]
        names = self.place_names if declared.type is FactType.PLACE else ("", *declared.words)
        return names[code]

    def mask(self, places: frozenset[str] | set[str]) -> int:
        """Return a set of places as bits: bit *code* is set for each place."""
        return sum(1 << self.place_codes[place] for place in places)
