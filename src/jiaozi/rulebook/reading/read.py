"""Read the law: TOML files in, a frozen book or every mistake out.

`read_folder` reads the files of `law/`; `read` takes their texts, as the journal
keeps them. What is no law (a draft, a proposal, an idea, a reform) takes part only
when its file is named. Nothing unknown is passed over: a key, a word, a source or a
rule that is not declared is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from jiaozi.errors import Mistake, RulebookError
from jiaozi.rulebook.language import values_of
from jiaozi.rulebook.model import Always, Book, DatedValue, Duty, Part, Rule, Series, Source, Status
from jiaozi.rulebook.reading.check import check
from jiaozi.rulebook.reading.ground import Ground
from jiaozi.rulebook.reading.read_changes import Changes
from jiaozi.rulebook.reading.read_rules import RuleReader
from jiaozi.rulebook.reading.read_sources import read_events, read_sources, read_steps
from jiaozi.rulebook.reading.read_values import ValueReader, groups
from jiaozi.rulebook.reading.read_words import read_vocabulary
from jiaozi.rulebook.reading.toml import Mistakes, Table, open_table

WORD_FILES = ("places.toml", "facts.toml", "sources.toml")
DATE_FILES = ("events.toml", "steps.toml")
"""Files that a book can do without: days that a text names by what happens, and the steps of places."""

ALL = "*"
"""As a draft: everything that is no law takes part, to be shown beside the law."""


def law_folder() -> Path:
    """Return the folder of the law that came with this installation."""
    inside = Path(__file__).parents[2] / "law"
    return inside if inside.is_dir() else Path(__file__).parents[4] / "law"


def read_folder(folder: Path | None = None, *, drafts: Iterable[str] = ()) -> Book:
    """Read the law in *folder* (by default the one shipped). Raises `RulebookError` with all mistakes.

    *drafts* names the files, without `.toml`, that are to take part though they are no law.
    """
    return read(texts_of(sorted((folder or law_folder()).glob("*.toml"))), drafts=drafts)


def texts_of(paths: Iterable[Path]) -> dict[str, str]:
    """Return the texts of *paths* by file name. Raises `RulebookError` when one cannot be read."""
    texts: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            texts[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(path.name, 0, "file", f"cannot be read as UTF-8 text: {error}"))
    if mistakes:
        raise RulebookError(mistakes)
    return texts


def with_reform(book: Book, name: str, text: str) -> Book:
    """Return *book* with the reform written in *text* taking part; *book* itself stays as it was.

    *name* is the name of its file. Raises `RulebookError` with all mistakes.
    """
    file = f"{name.removesuffix('.toml')}.toml"
    if file in book.texts:
        raise RulebookError([Mistake(file, 0, "file", "takes part already; give the reform another name")])
    return read({**book.texts, file: text}, drafts=(*book.drafts, file.removesuffix(".toml")))


def read(texts: Mapping[str, str], *, drafts: Iterable[str] = ()) -> Book:
    """Return the book written in *texts* (file name to TOML). Raises `RulebookError` with all mistakes.

    A book is frozen, so the same texts give the same object: a journal that enacts
    one law many times, or is opened again, reads it once.
    """
    return _read(tuple(sorted(texts.items())), frozenset(drafts))


@lru_cache(maxsize=16)
def _read(files: tuple[tuple[str, str], ...], drafts: frozenset[str]) -> Book:
    texts = dict(files)
    mistakes = Mistakes()
    tables = {name: open_table(text, name, mistakes) for name, text in texts.items()}
    for name in WORD_FILES:
        if name not in tables:
            mistakes.add(name, 0, "file", "is missing; the law needs it for its words")
    words = [table for name in WORD_FILES if (table := tables.get(name)) is not None]
    if len(words) < len(WORD_FILES):
        raise RulebookError(mistakes.found)
    law = {
        name: table
        for name, table in sorted(tables.items())
        if name not in (*WORD_FILES, *DATE_FILES) and table is not None
    }
    vocabulary = read_vocabulary(words[0], words[1])
    ground = Ground(vocabulary, read_sources(words[2]), {}, mistakes)
    reader = _BookReader(ground, drafts, frozenset(texts) - {*WORD_FILES, *DATE_FILES})
    reader.heads(law.values())
    ground.events = read_events(tables.get("events.toml"), ground.sources, vocabulary)
    steps = read_steps(tables.get("steps.toml"), ground.sources, vocabulary)
    reader.bodies()
    reader.close()
    book = replace(
        reader.book({name: text for name, text in texts.items() if name not in reader.left_out}), steps=steps
    )
    mistakes.found.extend(check(book, ground.lines))
    if mistakes.found:
        raise RulebookError(sorted(set(mistakes.found)))
    return book


class _BookReader:
    """Reads file after file and joins them; *names* are those of all files, also of those that did not open."""

    def __init__(self, ground: Ground, drafts: frozenset[str], names: frozenset[str]) -> None:
        self.ground = ground
        self.drafts = drafts
        self.names = names
        self.files: list[tuple[Table, Part, Mapping[str, Source]]] = []
        self.left_out: set[str] = set()
        self.parts: list[Part] = []
        self.rules: dict[str, Rule] = {}
        self.always: dict[str, Always] = {}
        self.duties: dict[str, Duty] = {}
        self.values: dict[tuple[str, str], list[DatedValue]] = {}
        self.changes: list[Changes] = []

    def heads(self, tables: Iterable[Table]) -> None:
        """Read the heads of the files and the texts they bring; those of a file left out stay out."""
        declared = self.ground.sources
        for table in tables:
            part = self._part(table)
            if part is None:
                table.pass_over(("rule", "always", "duty", "amend", "change", "source", *self._groups()))
                table.close()
                continue
            takes_part = part.status.is_law or part.name in self.drafts or ALL in self.drafts
            known = self.ground.sources if takes_part else declared
            own = read_sources(table.table("source"), known) if table.has("source") else {}
            self.files.append((table, part, own))
            if takes_part:
                self.parts.append(part)
                self.ground.sources = {**self.ground.sources, **own}
            else:
                self.left_out.add(table.file)

    def bodies(self) -> None:
        """Read the files of the law; a draft that was not asked for is checked and then left out."""
        every = {source_id: source for _, _, own in self.files for source_id, source in own.items()}
        for table, part, own in self.files:
            if table.file not in self.left_out:
                self._body(table, part)
                continue
            # It cannot clash with what takes part: it is read on ground of its own.
            sources = {**every, **self.ground.sources, **own}
            aside = _BookReader(replace(self.ground, sources=sources, lines={}), frozenset(), frozenset())
            aside._body(table, part)

    def _part(self, table: Table) -> Part | None:
        """Return what the head says: `[book]` for the law of a place, `[reform]` for changes to any."""
        name = table.file.removesuffix(".toml")
        if table.has("reform"):
            head = table.table("reform")
            title = head.wording()
            head.close()
            return Part(name, "", Status.DRAFT, title)
        head = table.table("book", required=True)
        place = head.one_of("place", tuple(self.ground.vocabulary.places))
        status = head.one_of("status", [status.value for status in Status])
        title = head.wording()
        head.close()
        return Part(name, place, Status(status), title) if place and status else None

    def _body(self, table: Table, part: Part) -> None:
        rules, values, changes = (
            RuleReader(self.ground, part),
            ValueReader(self.ground, part),
            Changes(self.ground, part),
        )
        rules.read(table)
        if part.place:
            values.read(table)
        changes.read(table, values)
        table.pass_over(("source",))
        table.close()
        self.rules |= {rule.id: rule for rule in rules.rules}
        self.always |= {found.id: found for found in rules.always}
        self.duties |= {found.id: found for found in rules.duties}
        for key, dated in values.values.items():
            self.values.setdefault(key, []).extend(dated)
        self.changes.append(changes)

    def _groups(self) -> set[str]:
        return groups(self.ground.vocabulary.values)

    def close(self) -> None:
        """Complain about drafts that were asked for and are not there; apply what the others change."""
        # A file that did not open, or whose head is wrong, has a mistake of its own: it is not missing.
        for name in sorted(self.drafts - {name.removesuffix(".toml") for name in self.names} - {ALL}):
            message = 'no file of that name; a draft is named by its file, without ".toml"'
            self.ground.mistakes.add("law", 0, name, message)
        for name in sorted(self.drafts & {part.name for part in self.parts if part.status.is_law}):
            self.ground.mistakes.add("law", 0, name, "is law and takes part unasked; leave out its name")
        for changes in self.changes:
            changes.apply(self.rules, self.always, self.duties)
        asked = set(self._asked())
        for changes in self.changes:
            changes.check_sets(asked, self.values)

    def _asked(self) -> Iterator[tuple[str, str]]:
        """Yield every value that some condition asks for: its place and its name."""
        conditions = [
            (rule.place, each) for rule in self.rules.values() for each in (*rule.when, *rule.unless)
        ]
        conditions += [(rule.place, need.condition) for rule in self.rules.values() for need in rule.needs]
        conditions += [(found.place, found.hold) for found in self.always.values()]
        for place, condition in conditions:
            yield from ((place, term.series) for term, _ in values_of(condition))

    def book(self, texts: Mapping[str, str]) -> Book:
        """Join the files, in the order of places.toml."""
        order = {"": -1, **self.ground.vocabulary.place_codes}
        return Book(
            vocabulary=self.ground.vocabulary,
            sources=self.ground.sources,
            parts=tuple(sorted(self.parts, key=lambda part: (order[part.place], part.name))),
            rules=tuple(sorted(self.rules.values(), key=lambda rule: order[rule.place])),
            always=tuple(sorted(self.always.values(), key=lambda found: order[found.place])),
            duties=tuple(sorted(self.duties.values(), key=lambda found: order[found.place])),
            series={
                key: Series(*key, dated=tuple(sorted(values, key=lambda value: value.start)))
                for key, values in self.values.items()
            },
            texts=dict(texts),
            drafts=tuple(sorted(part.name for part in self.parts if not part.status.is_law)),
            events=self.ground.events,
        )
