"""A clerk's note in the reader's language, with reasons of the law called by their titles."""

from __future__ import annotations

from jiaozi.issuer.notes import Note
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.telling.explain import label
from jiaozi.server.reasons import needs_of


def note_words(note: Note, language: str, book: Book | None) -> str:
    """Return *note* in *language*; without a *book*, reasons keep their ids."""
    if book is None:
        return note.words(language)
    needs = needs_of(book)
    not_met = {"en": "not met: ", "zh": "未满足："}[language]

    def title_of(reason: str) -> str:
        found = label(book, reason)
        return f"{not_met if reason in needs else ''}{found.title[language]} ({found.cite})"

    return note.words(language, title_of)
