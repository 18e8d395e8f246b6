"""Read dated values: the numbers the law sets, each from a day on, with its own article."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from jiaozi.errors import AmountError
from jiaozi.money import CURRENCIES, MAX_FEN, fen_from_text, format_fen
from jiaozi.rulebook.provisions import UNLIMITED, DatedValue, Part
from jiaozi.rulebook.reading.ground import Ground
from jiaozi.rulebook.reading.toml import Table

_AMOUNT = re.compile(r"([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]{1,8})?")


class ValueReader:
    """Reads the dated values of one file, by place and name."""

    def __init__(self, ground: Ground, part: Part) -> None:
        self.ground = ground
        self.part = part
        self.values: dict[tuple[str, str], list[DatedValue]] = {}
        self._last_days: dict[tuple[str, str], tuple[date, int]] = {}

    def read(self, table: Table) -> None:
        """Read every block such as `[[limit.day]]`."""
        words = self.ground.vocabulary.values
        known = {key for key in groups(words) if table.has(key)}
        for key in table.rest():
            if key not in known:
                continue
            group = table.table(key)
            for name in group.rest():
                series_id = f"{key}.{name}"
                if series_id not in words:
                    group.complain(name, f"no such value; declared are {', '.join(words)}")
                for block in group.tables(name):
                    if series_id in words:
                        self.block(block, self.part.place, series_id)

    def block(self, block: Table, place: str, series_id: str) -> None:
        """Read one dated value of *place*; what is already taken from the table stays taken."""
        ground = self.ground
        span, cite = ground.span(block, place), ground.cite(block)
        known, confidence = ground.known(block, cite), ground.confidence(block)
        for key in ("until", "until_cite", "suspended"):
            if block.has(key):
                block.complain(key, "a value ends when the next one begins; append that one")
        amounts = self._amounts(block, series_id)
        if not amounts:
            unit = ground.vocabulary.values[series_id].unit or "a currency, for example CNY"
            block.complain("from", f"sets no number; write {unit} = …")
        block.close()
        if span is None or cite is None:
            return
        if span.awaited is None:
            last = self._last_days.get((place, series_id))
            if last and span.start_day < last[0]:
                message = f"{span.start_day} stands after {last[0]} (line {last[1]}); append values by date"
                block.complain("from", message)
            self._last_days[place, series_id] = (span.start_day, block.line())
        # What waits for an event may fall on the day of another value, now or on its last day.
        starts = [str(span.awaited)] if span.awaited else []
        starts += [] if span.is_pending else [str(span.start_day)]
        keys = [f"{place} {series_id} {start}" for start in starts]
        if taken := next((key for key in keys if key in ground.lines), None):
            file, line = ground.lines[taken]
            first = f"line {line}" if file == block.file else f"{file}:{line}"
            start = f"event {span.awaited.event}" if span.awaited and span.is_pending else span.start_day
            message = f"second value from {start} (first at {first}); delete one or date it later"
            block.complain("from", message, subject=series_id)
            return
        for key in keys:
            ground.lines[key] = (block.file, block.line("from"))
        value = DatedValue(span, cite, amounts, self.part.name, known, self.part.status, confidence)
        self.values.setdefault((place, series_id), []).append(value)

    def _amounts(self, block: Table, series_id: str) -> dict[str, dict[str, int]]:
        """Return the numbers of a block: currency or unit, then key, to the number."""
        words = self.ground.vocabulary
        unit, keys = words.values[series_id].unit, words.keys_of(series_id)
        amounts: dict[str, dict[str, int]] = {}
        for name in block.rest():
            if name not in ((unit,) if unit else CURRENCIES):
                continue
            if not keys:
                written = block.data[name]
                block.take(name, object)
                amounts[name] = {"": self._amount(block, name, written, unit)}
                continue
            table = block.table(name)
            amounts[name] = {}
            for key in table.rest():
                if key not in keys:
                    what = words.values[series_id].by
                    table.complain(key, f"no such {what}; {what}s are {', '.join(keys)}")
                table.take(key, object)
                amounts[name][key] = self._amount(table, key, table.data[key], unit)
        return amounts

    def _amount(self, table: Table, key: str, written: object, unit: str) -> int:
        """Return one number: whole units or a decimal text for money and percentages, else a whole number."""
        if written == "unlimited":
            return UNLIMITED
        is_whole = unit in ("days", "count")
        if (
            isinstance(written, bool)
            or not isinstance(written, int | str)
            or (is_whole and not isinstance(written, int))
        ):
            wanted = (
                f"a whole number of {unit}" if is_whole else f'whole {unit or "yuan"}, a text such as "0.50"'
            )
            table.complain(key, f'must be {wanted}, or "unlimited"')
            return 0
        if isinstance(written, int) and abs(written) > MAX_FEN:
            # Python does not print a whole number of thousands of digits, not even in a message.
            table.complain(key, f"is more than the largest amount, {format_fen(MAX_FEN)}")
            return 0
        if isinstance(written, str) and not _AMOUNT.fullmatch(written):
            table.complain(key, f"{written!r:.40} is not an amount; write digits and at most two decimals")
            return 0
        if is_whole and isinstance(written, int) and written < 0:
            table.complain(key, f"{written} is negative; a number of {unit} is zero or more")
            return 0
        try:
            return int(written) if is_whole else fen_from_text(written)
        except AmountError as error:
            table.complain(key, str(error))
            return 0


def groups(values: Iterable[str]) -> set[str]:
    """Return the first words of the names of values: a table of that name holds dated values."""
    return {name.partition(".")[0] for name in values}
