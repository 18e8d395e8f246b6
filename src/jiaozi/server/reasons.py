"""Reasons of a refusal, as people read them.

A ban is titled by what it says, a need by what it asks for: "the payee is a
resident". Shown as the reason of a refusal, a need has to say that this was not so.
"""

from __future__ import annotations

from jiaozi.rulebook.model import Book


def needs_of(book: Book) -> frozenset[str]:
    """Return the reasons of *book* that are titled by what they ask for."""
    needs = {f"{rule.id}/{need.name}" for rule in book.rules for need in rule.needs}
    return frozenset(needs | {always.id for always in book.always})
