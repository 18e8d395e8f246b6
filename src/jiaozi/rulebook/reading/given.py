"""Facts as people give them, in a case, on a command line or as JSON, into facts as the law asks them."""

from __future__ import annotations

from collections.abc import Mapping

from jiaozi.errors import AmountError
from jiaozi.money import MAX_FEN, fen_from_text
from jiaozi.rulebook.language import closest
from jiaozi.rulebook.vocabulary import Fact, FactType, Vocabulary

Given = int | str | frozenset[str] | None


def known_fact(words: Vocabulary, name: str) -> Fact:
    """Return the declared fact *name*. Raises `ValueError` with the nearest one."""
    if name in words.facts:
        return words.facts[name]
    near = closest(name, words.facts)
    raise ValueError(f"{name!r:.60} is no fact{f'; did you mean {near}?' if near else '; see facts.toml'}")


def completed(words: Vocabulary, facts: Mapping[str, Given]) -> dict[str, Given]:
    """Return *facts* with what follows from them where it was not said.

    An issuer is its own controller, and an amount of a coin is also the amount in
    the coin's currency. The ledger knows both in the same way.
    """
    more = dict(facts)
    if "issuer.controller" in words.facts and facts.get("issuer.zone"):
        more.setdefault("issuer.controller", facts["issuer.zone"])
    own = f"payment.amount_{str(facts.get('coin.peg') or '').lower()}"
    if own in words.facts and facts.get("payment.amount") is not None:
        more.setdefault(own, facts["payment.amount"])
    return more


def fact_from(words: Vocabulary, fact: Fact, written: object) -> int | str | frozenset[str]:
    """Return *written* as the value of *fact*.

    Money and percentages are whole units or decimal texts (`8000`, `"7999.99"`),
    days and counts whole numbers, sets of places lists, or texts with commas.
    Raises `ValueError` that says what the fact can be.
    """
    if fact.type in (FactType.MONEY, FactType.NUMBER):
        return _number(fact, written)
    if fact.type is FactType.PLACES:
        if isinstance(written, str):
            written = [part.strip() for part in written.split(",") if part.strip()]
        if not isinstance(written, list) or any(not isinstance(place, str) for place in written):
            raise ValueError(f'{fact.id} is a set of places; write for example ["hk"]')
        for place in written:
            _one_of(fact, place, tuple(words.places))
        return frozenset(written)
    known = tuple(words.places) if fact.type is FactType.PLACE else fact.words
    if not isinstance(written, str):
        raise ValueError(f"{fact.id} is a word; it is one of {', '.join(known)}")
    return _one_of(fact, written, known)


def _one_of(fact: Fact, word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise ValueError(f"{fact.id} is never {word!r:.60}; it is one of {', '.join(known)}")
    return word


def _number(fact: Fact, written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, int | str):
        raise ValueError(f'{fact.id} is a number; write for example 8000 or "7999.99"')
    if isinstance(written, int) and abs(written) > MAX_FEN:
        raise ValueError(f"{fact.id} is larger than any amount")
    try:
        smallest = fen_from_text(written)
    except AmountError as error:
        raise ValueError(f"{fact.id}: {error}") from None
    if fact.unit not in ("days", "count"):
        return smallest
    whole, rest = divmod(smallest, 100)
    if rest:
        raise ValueError(f"{fact.id} is a whole number of {fact.unit}")
    return whole
