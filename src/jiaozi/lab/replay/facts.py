"""A row of facts in words again, so that a decision among millions can be explained like any other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.vocabulary import FactType

Known = int | str | frozenset[str] | None


def facts_of_row(book: Book, row: NDArray[np.int64]) -> dict[str, Known]:
    """Return *row* (slots,) as facts that `decide` takes: the inverse of `fact_row`. What is unknown is left out."""
    words = book.vocabulary
    found: dict[str, Known] = {}
    for name, slot in words.slots.items():
        value, fact = int(row[slot]), words.facts[name]
        if value == MISSING:
            continue
        if fact.type in (FactType.MONEY, FactType.NUMBER):
            found[name] = value
        elif fact.type is FactType.PLACES:
            found[name] = frozenset(place for place in words.places if words.mask({place}) & value)
        elif fact.type is FactType.PLACE:
            found[name] = words.place_names[value] if value < len(words.place_names) else ""
        else:
            found[name] = fact.words[value - 1] if 0 < value <= len(fact.words) else ""
    return found
