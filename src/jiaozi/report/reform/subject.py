"""What a page tells: a replay, the law that was tried, and the books that came of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jiaozi.clock import Instant
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.replay import Asked, Replay
from jiaozi.lab.replay.summary import Part
from jiaozi.report.reform.backing import Backing, backing
from jiaozi.rulebook.model import Book, Source, Status


@dataclass(frozen=True, slots=True)
class Text:
    """One reform or draft that takes part: its title, its mark (a key of `[mark]`), its TOML, its sources."""

    name: str
    title: dict[str, str]
    marks: tuple[str, ...]
    toml: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A replay with what is needed to put it into words.

    *books* are the one that was tried and the enacted one, by which reasons are named, newest of
    the history. *command* repeats the result; *currencies* are those of the store's coins.
    """

    found: Replay
    books: tuple[Book, ...]
    texts: tuple[Text, ...]
    law_drafts: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ("CNY",)
    known: str = ""
    start: Instant | None = None
    end: Instant | None = None
    command: str = ""
    files: tuple[str, ...] = field(default=())
    base_texts: tuple[Text, ...] = ()
    backing: tuple[Backing, ...] = ()
    base_by_month: Mapping[str, Part] | None = None
    """Where it is compared with another law: what that one changes of the history, by month."""

    @property
    def unit(self) -> str:
        """The currency of every sum, or nothing where there are several."""
        return self.currencies[0] if len(self.currencies) == 1 else ""

    @property
    def is_against_history(self) -> bool:
        return self.found.base == "what happened"

    @property
    def has_before(self) -> bool:
        """Whether it is known what was admitted and refused before: by the history, or by the base."""
        return self.is_against_history or self.base_by_month is not None


def subject_of(found: Replay, recorded: Recorded, asked: Asked, *, command: str = "") -> Subject:
    """Return *found* with the books and texts of *asked*, which it answers over *recorded*."""
    enacted = recorded.books[-1] if recorded.books else None
    books = (asked.tried.of(enacted), enacted) if enacted else ()
    bases = asked.base.over(recorded.books) if asked.base else recorded.books
    tried = asked.tried.over(recorded.books)
    months = found.summary.months_before, found.summary.months_after
    return Subject(
        found=found,
        books=books,
        texts=tuple(_texts(asked.tried, books[0])) if books else (),
        law_drafts=enacted.drafts if enacted else (),
        currencies=tuple(sorted({peg for _, _, peg in recorded.head.coins})) or ("CNY",),
        known=asked.tried.known.isoformat() if asked.tried.known else "",
        start=asked.start,
        end=asked.end,
        command=command,
        files=tuple(found.files),
        backing=backing(recorded, months, (bases, tried)),
        base_texts=tuple(_texts(asked.base, asked.base.of(enacted))) if enacted and asked.base else (),
    )


def _texts(tried: Tried, book: Book) -> list[Text]:
    parts = {part.name: part for part in book.parts}
    files = [*tried.reforms, *((Path(name).stem, text) for name, text in tried.texts)]
    told = []
    for file, text in files:
        name = file.removesuffix(".toml")
        declared = tomllib.loads(text).get("source", {})
        sources = tuple(book.sources[key] for key in declared if key in book.sources)
        part = parts.get(name)
        marks = [] if part is None or part.status is Status.ENACTED else [_mark(part.status)]
        if any(source.read == "invented" for source in sources):
            marks.insert(0, "exercise")
        title = dict(part.title) if part else {"en": name, "zh": name}
        told.append(Text(name, title, tuple(dict.fromkeys(marks)), text, sources))
    return told


def _mark(status: Status) -> str:
    return {Status.DRAFT: "draft", Status.PROPOSAL: "proposal"}.get(status, "idea")
