"""Words for numbers in SQL: accounts as they stand, and the names of reasons under the law of their day."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import FactError, RulebookError
from jiaozi.ledger.facts import LawEnacted, decode
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read

if TYPE_CHECKING:
    from jiaozi.ledger.state import State


@dataclass(frozen=True, slots=True)
class Standing:
    """Accounts and balances of one moment, column by column, copies."""

    accounts: dict[str, NDArray[Any]]
    balances: dict[str, NDArray[Any]]


def standing_of(state: State) -> Standing:
    """Return the accounts of *state* for SQL. Call it between two frames."""
    accounts = state.accounts
    numbers = np.arange(len(accounts), dtype=np.int64)
    coins = {coin.number: coin.id for coin in state.register.coins.values()}
    words = state.book.vocabulary if state.book else None
    places = words.place_names if words else ()
    told: dict[str, NDArray[Any]] = {
        "account": numbers,
        "coin": _words(accounts["coin"], coins),
        "zone": _words(accounts["zone"], {code: places[code] for code in range(len(places))}),
    }
    for name in ("kind", "tier"):
        fact = words.facts.get(f"payer.{name}") if words else None
        told[name] = _words(accounts[name], dict(enumerate(fact.words, start=1)) if fact else {})
    for name in ("person", "flags", "code"):
        told[name] = accounts[name].astype(np.int64)
    balances = {"account": numbers, "coin": told["coin"], "balance_fen": accounts["balance"].copy()}
    for name in ("pending_out", "pending_in"):
        balances[f"{name}_fen"] = accounts[name].copy()
    return Standing(told, balances)


def law_books(facts: Iterable[str]) -> dict[bytes, Book]:
    """Return the laws that *facts*, JSON of `LawEnacted`, enact; those that are no law any more are left out."""
    books: dict[bytes, Book] = {}
    for text in facts:
        with suppress(FactError, RulebookError):
            (fact,) = decode(f"[{text}]".encode())
            if isinstance(fact, LawEnacted):
                book = read(fact.texts, drafts=fact.drafts)
                books[book.digest] = book
    return books


def names_of_reasons(book: Book | None, bits: tuple[int, ...]) -> list[str]:
    """Return the names of *bits*; their numbers, such as `#17`, where the law is not there to ask."""
    if book is not None and len(bits) * 64 <= 64 * (len(book.reasons) // 64 + 1):
        words = np.zeros(max(len(bits), (len(book.reasons) + 63) // 64), dtype=np.uint64)
        words[: len(bits)] = bits
        with suppress(LookupError):
            return list(names_of(book, words))
    number = sum(word << (64 * index) for index, word in enumerate(bits))
    return [f"#{bit}" for bit in range(number.bit_length()) if number >> bit & 1]


def _words(codes: NDArray[Any], words: dict[int, str]) -> NDArray[Any]:
    """Return the word of each code; its number where there is none, empty for 0."""
    found, where = np.unique(codes, return_inverse=True)
    named = [words.get(code, str(code) if code else "") for code in found.tolist()]
    table: NDArray[Any] = np.array(named, dtype=object)[where]
    return table
