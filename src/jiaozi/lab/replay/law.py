"""A law to try: the one that was enacted, with reforms taking part, as it was known on some day.

A journal may enact several laws one after the other; each is reformed by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from jiaozi.errors import Mistake, RulebookError
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import law_folder, read, texts_of, with_reform


@dataclass(frozen=True, slots=True)
class Tried:
    """What is done to each enacted book: *texts* replace or add law files, *drafts* let files take part,
    *reforms* (name, text) take part in their order, and *known* leaves out what was not known by that day."""

    reforms: tuple[tuple[str, str], ...] = ()
    drafts: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    known: date | None = None

    def of(self, book: Book) -> Book:
        """Return *book* as it would be. Raises `RulebookError` with all mistakes."""
        tried = book
        if self.texts or self.drafts:
            texts = {**book.texts, **dict(self.texts)}
            tried = read(
                texts, drafts=(*book.drafts, *(name for name in self.drafts if name not in book.drafts))
            )
        for name, text in self.reforms:
            tried = with_reform(tried, name, text)
        if self.known is not None:
            tried = as_known(tried, self.known)
        if list(tried.vocabulary.slots) != list(book.vocabulary.slots):
            raise RulebookError(
                [Mistake(self.name, 0, "facts", "are others than the ledger was asked; none were kept")]
            )
        return tried

    def over(self, books: Sequence[Book]) -> list[Book]:
        """Return *books*, laws enacted one after the other, as they would be.

        A reform may build on what the newest enacted: an earlier one that it cannot be read with stays as it
        was. Raises `RulebookError` when it cannot be read with the newest.
        """
        newest = [self.of(books[-1])] if books else []
        return [*(self.of_earlier(book) for book in books[:-1]), *newest]

    def of_earlier(self, book: Book) -> Book:
        """Return *book* as it would be, or as it was enacted if the reforms cannot be read with it."""
        try:
            return self.of(book)
        except RulebookError:
            return book

    def unreformed(self, books: Sequence[Book]) -> int:
        """Return how many of *books* stay as they were enacted, though something is to be tried."""
        changes = bool(self.reforms or self.drafts or self.texts or self.known)
        return (
            sum(tried is book for tried, book in zip(self.over(books), books, strict=True)) if changes else 0
        )

    @property
    def name(self) -> str:
        """What it is called: its reforms, or the law as it stands."""
        names = [*(name for name, _ in self.reforms), *self.drafts]
        return " + ".join(names) or "the law as it stands"

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is done, so that a result can say what it is the result of."""
        parts = [*(f"{name}\0{text}" for name, text in (*self.texts, *self.reforms)), *self.drafts]
        parts.append(str(self.known))
        return hashlib.sha256("\0\0".join(parts).encode()).hexdigest()


def tried_of(
    reforms: Sequence[Path],
    *,
    drafts: Sequence[str] = (),
    known: date | None = None,
    folder: Path | None = None,
) -> Tried:
    """Return the law to try from files of reforms. A draft is looked for in *folder*, or in the law shipped.

    Raises `RulebookError` when a file is not there or cannot be read.
    """
    read_files = [(path.stem, texts_of([path])[path.name]) for path in reforms]
    shipped = folder or law_folder()
    texts = [(f"{name}.toml", texts_of([shipped / f"{name}.toml"])[f"{name}.toml"]) for name in drafts]
    return Tried(tuple(read_files), tuple(drafts), tuple(texts), known)
