"""Strict TOML: every key is asked for, every mistake has its line, none stops the reading.

`tomllib` gives values without lines, so the lines are found by a second look at
the text: headers and the keys at the start of a line. A mistake inside a longer
value is reported at the line where its key stands.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar, cast

from jiaozi.errors import Mistake
from jiaozi.rulebook.language import closest

T = TypeVar("T")
MAX_FILE_CHARACTERS = 1_000_000
MAX_LINE_CHARACTERS = 4_000
MAX_POINTS = 16
FIRST_YEAR, LAST_YEAR = 1900, 2200

_HEADER = re.compile(r"^\s*(\[\[?)([^\]]+)\]")
_QUOTED = re.compile(r"""\"[^\"]*\"|'[^']*'|#.*""")
_KEY = re.compile(r"""^\s*("[^"]*"|[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=""")
_TYPE_WORDS = {str: "text in quotes", int: "a whole number", date: "a date", list: "a list", dict: "a table"}


@dataclass
class Mistakes:
    """The mistakes of all files, in the order in which they were found."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, file: str, line: int, subject: str, message: str) -> None:
        self.found.append(Mistake(file, line, subject, message))


class Table:
    """One TOML table with its place. Keys not taken by `close()` are mistakes."""

    def __init__(
        self, data: Mapping[str, Any], file: str, path: str, lines: Mapping[str, int], mistakes: Mistakes
    ) -> None:
        self.data = data
        self.file = file
        self.path = path
        self.mistakes = mistakes
        self._lines = lines
        self._taken: set[str] = set()
        self._asked: set[str] = set()

    def line(self, key: str = "") -> int:
        """Return the line of *key*, or of the table when the key has none."""
        path = f"{self.path}.{key}" if key and self.path else key or self.path
        while path not in self._lines and "." in path:
            path = path.rpartition(".")[0]
        return self._lines.get(path, 0)

    def complain(self, key: str, message: str, *, subject: str = "") -> None:
        self.mistakes.add(self.file, self.line(key), subject or self.name(key), message)

    def name(self, key: str) -> str:
        plain = re.sub(r"#\d+", "", self.path)
        return f"{plain}.{key}" if plain and key else key or plain or "file"

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self.data

    def take(self, key: str, kind: type[T], default: T | None = None) -> T | None:
        """Return the value of *key*; complain when it is absent without a default, or of another type."""
        self._taken.add(key)
        if key not in self.data:
            if default is None:
                self.complain(key, f"is missing; write {_TYPE_WORDS.get(kind, kind.__name__)}")
            return default
        value: Any = self.data[key]
        is_wrong = not isinstance(value, kind) or (kind is int and isinstance(value, bool))
        if is_wrong or (kind is date and isinstance(value, datetime)):
            self.complain(key, f"must be {_TYPE_WORDS.get(kind, kind.__name__)}")
            return default
        return cast(T, value)

    def text(self, key: str, default: str | None = None) -> str:
        """Return the text of *key*; one that must be there must say something."""
        text = self.take(key, str, default)
        if text is not None and default is None and not text.strip():
            self.complain(key, "is empty; write text in quotes")
            return ""
        return text or ""

    def day(self, key: str) -> date | None:
        """Return the date of *key*, within the years that an instant can hold with room to spare."""
        day = self.take(key, date)
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            self.complain(key, f"{day} is out of bounds; write a year from {FIRST_YEAR} to {LAST_YEAR}")
            return None
        return day

    def day_or_none(self, key: str) -> date | None:
        """Return the date of *key*, or None when it is absent, which is no mistake."""
        self._taken.add(key)
        return self.day(key) if self.has(key) else None

    def one_of(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return a word out of *choices*."""
        word = self.take(key, str, default)
        if word is None or word in choices or word == default:
            return word or ""
        self.complain(key, f"is {word!r:.60}; it must be one of {', '.join(choices)}")
        return ""

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts; a single text stands for a list of one."""
        value = self.data.get(key)
        if isinstance(value, str):
            self._taken.add(key)
            items: list[Any] = [value]
        else:
            items = self.take(key, list, None if required else []) or []
        if required and value == []:
            self.complain(key, "is empty; write at least one text in quotes")
        # An empty condition would otherwise be no condition.
        if any(not isinstance(item, str) or not item.strip() for item in items):
            self.complain(key, "must be a list of texts in quotes, none of them empty")
            return ()
        return tuple(items)

    def wording(self, key: str = "title") -> dict[str, str]:
        """Return `{en, zh}`; both must be there."""
        table: dict[str, Any] = self.take(key, dict) or {}
        if table or self.has(key):
            for language in ("en", "zh"):
                if not isinstance(table.get(language), str) or not table[language].strip():
                    self.complain(key, f'has no wording in {language}; write {{ en = "…", zh = "…" }}')
            for extra in set(table) - {"en", "zh"}:
                self.complain(key, f"has a wording in {extra}; only en and zh are known")
        return {language: str(table.get(language, "")) for language in ("en", "zh")}

    def tables(self, key: str) -> Iterator[Table]:
        """Yield each table of an array `[[key]]`."""
        items: list[Any] = self.take(key, list, []) or []
        for index, item in enumerate(items):
            path = f"{self.path}.{key}#{index}" if self.path else f"{key}#{index}"
            if isinstance(item, dict):
                yield Table(item, self.file, path, self._lines, self.mistakes)
            else:
                self.complain(key, f"must be tables, each under [[{key}]]")
                return

    def table(self, key: str, *, required: bool = False) -> Table:
        """Return the sub-table *key*, empty when it is absent."""
        data: dict[str, Any] = self.take(key, dict, None if required else {}) or {}
        return Table(data, self.file, f"{self.path}.{key}" if self.path else key, self._lines, self.mistakes)

    def named_tables(self) -> Iterator[tuple[str, Table]]:
        """Yield every key that holds a table, with the table; complain about the others."""
        for key in self.data:
            self._taken.add(key)
            if isinstance(self.data[key], dict):
                yield key, self.table(key)
            else:
                self.complain(key, "must be a table")

    def pass_over(self, keys: Iterable[str]) -> None:
        """Leave *keys* for later: they are known, and cannot be read yet."""
        self._taken.update(keys)

    def rest(self) -> tuple[str, ...]:
        """Return the keys nobody has asked for yet."""
        return tuple(key for key in self.data if key not in self._taken)

    def close(self) -> None:
        """Complain about every key that nobody asked for."""
        known = self._taken | self._asked
        for key in self.rest():
            near = closest(key, known - {key})
            hint = f"did you mean {near}?" if near else f"keys here are {', '.join(sorted(known))}"
            self.complain(key, f"unknown key; {hint}")


def open_table(text: str, file: str, mistakes: Mistakes) -> Table | None:
    """Parse *text*; return None and complain when it is no TOML at all."""
    if len(text) > MAX_FILE_CHARACTERS:
        mistakes.add(file, 0, "file", f"has more than {MAX_FILE_CHARACTERS:,} characters; split it")
        return None
    for number, written in enumerate(text.split("\n"), start=1):
        if len(written) > MAX_LINE_CHARACTERS:
            mistakes.add(file, number, "line", f"has more than {MAX_LINE_CHARACTERS:,} characters; split it")
            return None
        if written.count(".") > MAX_POINTS and _QUOTED.sub("", written).count(".") > MAX_POINTS:
            # A hundred keys of two thousand points each take tomllib seconds and a gigabyte as well.
            mistakes.add(file, number, "line", f"has more than {MAX_POINTS} points outside quotes; split it")
            return None
    if text.startswith("\ufeff"):
        mistakes.add(file, 1, "file", "begins with a byte order mark; save it as UTF-8 without one")
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        mistakes.add(file, text.count("\n", 0, error.start) + 1, "file", "holds half a character")
        return None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        mistakes.add(file, line, "file", f"is not TOML: {error}")
        return None
    except (RecursionError, ValueError) as error:
        mistakes.add(file, 0, "file", f"is not TOML: {error or 'nested too deeply'}")
        return None
    return Table(data, file, "", _lines_of(text), mistakes)


def _lines_of(text: str) -> dict[str, int]:
    """Return the line of every header and key: `rule#0`, `rule#0.need.single_cap`, `limit.day#1.cite`."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    current = ""
    for number, line in enumerate(text.split("\n"), start=1):  # TOML knows no other line ends
        if header := _HEADER.match(line):
            names = [name.strip().strip("\"'") for name in header.group(2).split(".")]
            for depth in range(1, len(names)):
                lines.setdefault(".".join(names[:depth]), number)
            lines.setdefault(".".join(names), number)
            current = _header_path(names, counts, is_array=header.group(1) == "[[")
            lines.setdefault(current, number)
        elif key := _KEY.match(line):
            name = ".".join(part.strip() for part in key.group(1).strip('"').split("."))
            lines.setdefault(f"{current}.{name}" if current else name, number)
    return lines


def _header_path(names: Sequence[str], counts: dict[str, int], *, is_array: bool) -> str:
    path = ""
    for depth, name in enumerate(names):
        plain = f"{path}.{name}" if path else name
        if is_array and depth == len(names) - 1:
            counts[plain] = counts.get(plain, -1) + 1
        path = f"{plain}#{counts[plain]}" if plain in counts else plain
    return path
