"""Read the law: TOML files in, a frozen book or every mistake out.

`read_folder` reads the files of `law/`; `read` takes their texts, as the journal
keeps them. A draft takes part only when it is named. Nothing unknown is passed
over: a key, a word, a source or a rule that is not declared is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from jiaozi.clock import day_start
from jiaozi.errors import AmountError, Mistake, RulebookError
from jiaozi.money import CURRENCIES, MAX_FEN, fen_from_text, format_fen
from jiaozi.rulebook.language import Expr, LanguageError, closest, parse
from jiaozi.rulebook.model import (
    UNLIMITED,
    Action,
    Always,
    Book,
    Cite,
    DatedValue,
    Duty,
    Need,
    Part,
    Rule,
    Series,
    Source,
    Span,
    Status,
)
from jiaozi.rulebook.reading.check import check
from jiaozi.rulebook.reading.read_words import read_sources, read_vocabulary
from jiaozi.rulebook.reading.toml import Mistakes, Table, open_table
from jiaozi.rulebook.vocabulary import Vocabulary

WORD_FILES = ("places.toml", "facts.toml", "sources.toml")
_NAME = re.compile(r"[a-z0-9-]+\.[a-z0-9_]+")
_NEED = re.compile(r"[a-z][a-z0-9_]*")
_AMOUNT = re.compile(r"([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]{1,8})?")
_WITHIN = re.compile(r"([1-9]\d{0,2}) business days?")


def law_folder() -> Path:
    """Return the folder of the law that came with this installation."""
    inside = Path(__file__).parents[2] / "law"
    return inside if inside.is_dir() else Path(__file__).parents[4] / "law"


def read_folder(folder: Path | None = None, *, drafts: Iterable[str] = ()) -> Book:
    """Read the law in *folder* (by default the one shipped). Raises `RulebookError` with all mistakes."""
    folder = folder or law_folder()
    texts: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(path.name, 0, "file", f"cannot be read as UTF-8 text: {error}"))
    if mistakes:
        raise RulebookError(mistakes)
    return read(texts, drafts=drafts)


def read(texts: Mapping[str, str], *, drafts: Iterable[str] = ()) -> Book:
    """Return the book written in *texts* (file name to TOML). Raises `RulebookError` with all mistakes."""
    mistakes = Mistakes()
    tables = {name: open_table(text, name, mistakes) for name, text in texts.items()}
    for name in WORD_FILES:
        if name not in tables:
            mistakes.add(name, 0, "file", "is missing; the law needs it for its words")
    if any(tables.get(name) is None for name in WORD_FILES):
        raise RulebookError(mistakes.found)

    words = [tables[name] for name in WORD_FILES]
    assert all(words)
    vocabulary = read_vocabulary(words[0], words[1])  # type: ignore[arg-type]
    sources = read_sources(words[2])  # type: ignore[arg-type]
    reader = _LawReader(vocabulary, sources, mistakes, frozenset(drafts))
    files = {name: table for name, table in tables.items() if name not in WORD_FILES and table is not None}
    for _, table in sorted(files.items()):
        reader.file(table)
    for draft in sorted(reader.drafts - reader.drafts_found):
        mistakes.add("law", 0, draft, 'no draft of that name; drafts are files with status = "draft"')
    book = reader.book({name: text for name, text in texts.items() if name not in reader.left_out})
    mistakes.found.extend(check(book, reader.lines))
    if mistakes.found:
        raise RulebookError(sorted(set(mistakes.found)))
    return book


class _LawReader:
    def __init__(
        self,
        vocabulary: Vocabulary,
        sources: Mapping[str, Source],
        mistakes: Mistakes,
        drafts: frozenset[str],
    ) -> None:
        self.vocabulary = vocabulary
        self.sources = sources
        self.mistakes = mistakes
        self.drafts = drafts
        self.drafts_found: set[str] = set()
        self.left_out: set[str] = set()
        self.lines: dict[str, tuple[str, int]] = {}
        self.last_days: dict[str, tuple[date, int]] = {}
        self.parts: list[Part] = []
        self.rules: dict[str, Rule] = {}
        self.always: list[Always] = []
        self.duties: list[Duty] = []
        self.values: dict[tuple[str, str], list[DatedValue]] = {}
        self.amendments: list[tuple[Table, str, tuple[str, ...], Span | None, Cite | None]] = []

    def file(self, table: Table) -> None:
        """Read one file of the law; a draft that was not asked for is checked and then left out."""
        head = table.table("book", required=True)
        place = head.one_of("place", tuple(self.vocabulary.places))
        status = head.one_of("status", [status.value for status in Status])
        title = head.wording()
        head.close()
        if not place or not status:
            table.pass_over(("rule", "always", "duty", "amend", *self._groups()))
            table.close()
            return
        self.place, self.status = place, Status(status)
        if self.status is Status.DRAFT and place not in self.drafts:
            _LawReader(self.vocabulary, self.sources, self.mistakes, frozenset())._body(
                table, place, self.status
            )
            self.left_out.add(table.file)
            return
        if self.status is Status.DRAFT:
            self.drafts_found.add(place)
        self.parts.append(Part(place, self.status, title))
        self._body(table, place, self.status)

    def _body(self, table: Table, place: str, status: Status) -> None:
        self.place, self.status = place, status
        self.last_days = {}
        for rule in table.tables("rule"):
            self._rule(rule)
        for always in table.tables("always"):
            self._always(always)
        for duty in table.tables("duty"):
            self._duty(duty)
        for amend in table.tables("amend"):
            self._amend(amend)
        self._values(table)
        table.close()

    def _rule(self, table: Table) -> None:
        rule_id = self._id(table)
        is_permit = table.has("permit")
        if is_permit == table.has("forbid"):
            table.complain("id", "must have either permit = […] or forbid = […]")
        actions = self._actions(table, "permit" if is_permit else "forbid")
        reach = table.one_of("reach", ("home", "anywhere"), "home")
        title = table.wording()
        span = self._span(table)
        cite = self._cite(table)
        when = self._conditions(table, "when")
        unless = () if is_permit else self._conditions(table, "unless")
        needs = self._needs(table.table("need")) if is_permit else ()
        lifts = table.text("lifts", "") if is_permit else ""
        yields_to = () if is_permit else table.texts("yields_to")
        supersedes = table.text("supersedes", "")
        table.close()
        if not rule_id or span is None or cite is None:
            return
        if not self._claim(table, rule_id):
            return
        self.rules[rule_id] = Rule(
            id=rule_id,
            place=self.place,
            is_permit=is_permit,
            title=title,
            actions=actions,
            anywhere=reach == "anywhere",
            span=span,
            cite=cite,
            when=when,
            unless=unless,
            needs=needs,
            lifts=lifts,
            yields_to=yields_to,
            supersedes=supersedes,
            status=self.status,
        )

    def _needs(self, table: Table) -> tuple[Need, ...]:
        needs = []
        for name, need in table.named_tables():
            if not _NEED.fullmatch(name):
                need.complain("", "a need is named in lower case letters, digits and _")
            condition = self._condition(need, "if", need.text("if"))
            cite = self._cite(need)
            title = need.wording()
            need.close()
            if condition and cite:
                needs.append(Need(name, condition, cite, title))
        return tuple(needs)

    def _always(self, table: Table) -> None:
        always_id, title, span, cite = self._id(table), table.wording(), self._span(table), self._cite(table)
        hold = self._condition(table, "hold", table.text("hold"))
        table.close()
        if always_id and span and cite and hold and self._claim(table, always_id):
            self.always.append(Always(always_id, self.place, title, span, hold, cite, self.status))

    def _duty(self, table: Table) -> None:
        duty_id, title, span, cite = self._id(table), table.wording(), self._span(table), self._cite(table)
        upon, who, do, within = (table.text(key) for key in ("upon", "who", "do", "within"))
        table.close()
        days = _WITHIN.fullmatch(within)
        if within and not days:
            table.complain("within", f'{within!r} cannot be counted; write "N business days"')
        if duty_id and span and cite and days and self._claim(table, duty_id):
            self.duties.append(
                Duty(duty_id, self.place, title, span, upon, who, do, int(days.group(1)), cite, self.status)
            )

    def _amend(self, table: Table) -> None:
        rule, yields_to, span, cite = (
            table.text("rule"),
            table.texts("yields_to", required=True),
            self._span(table),
            self._cite(table),
        )
        if table.has("until"):
            table.complain("until", "an amendment has no end of its own; end the permits instead")
        table.close()
        self.amendments.append((table, rule, yields_to, span, cite))

    def _values(self, table: Table) -> None:
        groups = self._groups()
        for key in table.rest():
            if key not in groups:
                continue
            group = table.table(key)
            for name in group.rest():
                series_id = f"{key}.{name}"
                if series_id not in self.vocabulary.values:
                    group.complain(name, f"no such value; declared are {', '.join(self.vocabulary.values)}")
                for block in group.tables(name):
                    if series_id in self.vocabulary.values:
                        self._dated_value(block, series_id)

    def _groups(self) -> set[str]:
        """Return the first words of the values: a table of that name holds dated values."""
        return {name.partition(".")[0] for name in self.vocabulary.values}

    def _dated_value(self, block: Table, series_id: str) -> None:
        day, cite = block.day("from"), self._cite(block)
        by = self.vocabulary.values[series_id].by
        amounts: dict[str, dict[str, int]] = {}
        for currency in block.rest():
            if currency not in CURRENCIES:
                continue
            if not by:
                written = block.data[currency]
                block.take(currency, object)
                amounts[currency] = {"": self._amount(block, currency, written)}
                continue
            tiers = block.table(currency)
            amounts[currency] = {}
            for tier in tiers.rest():
                if tier not in self.vocabulary.tiers:
                    tiers.complain(tier, f"no such tier; tiers are {', '.join(self.vocabulary.tiers)}")
                tiers.take(tier, object)
                amounts[currency][tier] = self._amount(tiers, tier, tiers.data[tier])
        if not amounts:
            block.complain("from", "sets no amount; write a currency, for example CNY = …")
        block.close()
        if day is None or cite is None:
            return
        last = self.last_days.get(series_id)
        if last and day < last[0]:
            block.complain("from", f"{day} stands after {last[0]} (line {last[1]}); append values by date")
        self.last_days[series_id] = (day, block.line())
        key = f"{self.place} {series_id} {day}"
        if key in self.lines:
            file, line = self.lines[key]
            first = f"line {line}" if file == block.file else f"{file}:{line}"
            message = f"second value from {day} (first at {first}); delete one or date it later"
            block.complain("from", message, subject=series_id)
            return
        self.lines[key] = (block.file, block.line("from"))
        start = day_start(day, self.vocabulary.places[self.place].clock)
        known = self.values.setdefault((self.place, series_id), [])
        known.append(DatedValue(start, day, cite, amounts, self.status))

    def _amount(self, table: Table, key: str, written: object) -> int:
        if written == "unlimited":
            return UNLIMITED
        if isinstance(written, bool) or not isinstance(written, int | str):
            table.complain(key, 'must be whole yuan, a text such as "0.50", or "unlimited"')
            return 0
        if isinstance(written, int) and abs(written) > MAX_FEN:
            # Python does not print a whole number of thousands of digits, not even in a message.
            table.complain(key, f"is more than the largest amount, {format_fen(MAX_FEN)}")
            return 0
        if isinstance(written, str) and not _AMOUNT.fullmatch(written):
            table.complain(key, f"{written!r:.40} is not an amount; write digits and at most two decimals")
            return 0
        try:
            return fen_from_text(written)
        except AmountError as error:
            table.complain(key, str(error))
            return 0

    def _id(self, table: Table) -> str:
        name = table.text("id")
        if name and (not _NAME.fullmatch(name) or name.partition(".")[0] != self.place):
            table.complain("id", f"{name!r} must be {self.place}. and lower case letters, digits and _")
            return ""
        return name

    def _claim(self, table: Table, name: str) -> bool:
        """Note where *name* and its keys stand; complain when it has been used before."""
        if name in self.lines:
            file, line = self.lines[name]
            message = f"stands twice (first at {file}:{line}); a name never means two things"
            table.complain("id", message, subject=name)
            return False
        self.lines[name] = (table.file, table.line("id"))
        for key in table.data:
            self.lines[f"{name} {key}"] = (table.file, table.line(key))
        for need in table.data["need"] if isinstance(table.data.get("need"), dict) else ():
            self.lines[f"{name}/{need}"] = (table.file, table.line(f"need.{need}"))
        return True

    def _actions(self, table: Table, key: str) -> frozenset[Action]:
        actions = set()
        for word in table.texts(key, required=True):
            if word in list(Action):
                actions.add(Action(word))
            else:
                table.complain(key, f"no such action {word!r}; actions are {', '.join(Action)}")
        return frozenset(actions)

    def _span(self, table: Table) -> Span | None:
        start, end = table.day("from"), table.day_or_none("until")
        if start is None:
            return None
        if end is not None and end <= start:
            table.complain(
                "until", f"{end} is not after {start}; until is the first day it no longer applies"
            )
            return None
        clock = self.vocabulary.places[self.place].clock
        return Span(day_start(start, clock), day_start(end, clock) if end else None, start, end)

    def _cite(self, table: Table) -> Cite | None:
        written = table.text("cite")
        if not written:
            return None
        source, _, place = written.partition(" ")
        if source not in self.sources:
            near = closest(source, self.sources)
            hint = f"did you mean {near}?" if near else "declare it in sources.toml"
            table.complain("cite", f"no such source {source!r}; {hint}")
            return None
        if not place.strip():
            table.complain("cite", f'names no place in {source}; write for example "{source} art 1"')
            return None
        return Cite(source, place.strip())

    def _conditions(self, table: Table, key: str) -> tuple[Expr, ...]:
        found = (self._condition(table, key, text) for text in table.texts(key))
        return tuple(expr for expr in found if expr is not None)

    def _condition(self, table: Table, key: str, text: str) -> Expr | None:
        if not text:
            return None
        try:
            return parse(text, self.vocabulary)
        except LanguageError as error:
            table.complain(key, f"{error}", subject=f"{table.name(key)} {text!r:.80}")
            return None

    def book(self, texts: Mapping[str, str]) -> Book:
        """Join the files, in the order of places.toml, and apply the amendments of the drafts."""
        for table, rule_id, yields_to, span, cite in self.amendments:
            if rule_id not in self.rules:
                table.complain("rule", f"no such rule {rule_id!r} to amend")
            elif self.rules[rule_id].yields_to:
                # A ban has one day from which it yields. A second amendment would move the first.
                yielding = ", ".join(self.rules[rule_id].yields_to)
                table.complain("rule", f"{rule_id} already yields to {yielding}; write one amendment of it")
            elif span and cite:
                old = self.rules[rule_id]
                self.lines[f"{rule_id} yields_to"] = (table.file, table.line("yields_to"))
                self.rules[rule_id] = replace(
                    old,
                    yields_to=yields_to,
                    yields_cite=cite,
                    yields_from=span.start,
                )
        order = self.vocabulary.place_codes
        return Book(
            vocabulary=self.vocabulary,
            sources=self.sources,
            parts=tuple(sorted(self.parts, key=lambda part: order[part.place])),
            rules=tuple(sorted(self.rules.values(), key=lambda rule: order[rule.place])),
            always=tuple(sorted(self.always, key=lambda always: order[always.place])),
            duties=tuple(sorted(self.duties, key=lambda duty: order[duty.place])),
            series={
                key: Series(*key, dated=tuple(sorted(values, key=lambda value: value.start)))
                for key, values in self.values.items()
            },
            texts=dict(texts),
            drafts=tuple(sorted(self.drafts_found, key=lambda place: order[place])),
        )
