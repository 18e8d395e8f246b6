"""Worked examples: for each kind of holder one decision that changed, with its facts and reasons, and no name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.lab.replay.facts import Known, facts_of_row
from jiaozi.lab.replay.money import Posted, reasons_before, reasons_of
from jiaozi.lab.replay.questions import Block
from jiaozi.lab.replay.recorded import Recorded, slots_of
from jiaozi.lab.replay.records import WIDE_COLUMNS, Changes
from jiaozi.lab.replay.summary import Example
from jiaozi.ledger.results import WORDS, Result
from jiaozi.money import format_fen
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import ACTION_CODES, Action, Book
from jiaozi.rulebook.telling.explain import explain, line

Kind = tuple[int, int, int]
"""Zone, kind and tier of the payer, as codes."""

_ACTIONS = {code: action for action, code in ACTION_CODES.items()}
LANGUAGES = ("en", "zh")


class Examples:
    """Keeps the first changed decision of each kind of holder, explained; a refusal rather than an admission.

    Blocks come as threads find them, so an earlier decision may come later and takes the place.
    """

    def __init__(self, recorded: Recorded, books: list[Book], bases: list[Book] | None = None) -> None:
        self._recorded = recorded
        self._books = books
        self._bases = bases
        self._whole: dict[int, NDArray[np.int64]] = {}
        self.found: dict[Kind, Example] = {}

    def of_questions(self, block: Block, changes: Changes, first: NDArray[np.intp]) -> None:
        """Explain rows *first* of *block*."""
        book = self._books[block.law]
        for n in first.tolist():
            row, change = block.rows[n], changes[n]
            facts = self._facts(block.law, row)
            if change["is_admitted"] and self._bases is not None and block.old_bits is not None:
                told_by = self._bases[block.law]
                reasons = names_of(told_by, block.old_bits[n])
            elif change["is_admitted"]:
                number = int(row["reasons"])
                reasons = tuple(self._recorded.head.reasons[number - 1]) if number else ()
                told_by = self._recorded.books[block.law]
            else:
                reasons, told_by = names_of(book, block.bits[n]), book
            self._keep(change, facts, reasons, told_by)

    def of_frame(self, posted: Posted, changes: Changes, first: NDArray[np.intp]) -> None:
        """Explain rows *first* of *changes*, which are of *posted*."""
        for n in first.tolist():
            change = changes[n]
            row = int(change["row"])
            facts = posted.seen[row] if change["after"] in _ASKED or change["is_admitted"] else None
            if change["is_admitted"]:
                reasons, told_by = reasons_before(posted, row), posted.enacted
            else:
                reasons, told_by = reasons_of(posted, row), posted.book
            self._keep(change, facts, reasons, told_by)

    def _facts(self, law: int, row: Any) -> NDArray[np.int64]:
        book = self._books[law]
        if law not in self._whole:
            self._whole[law] = self._recorded.facts(book)
        facts: NDArray[np.int64] = self._whole[law][int(row["kind"])].copy()
        slots = slots_of(book)
        for slot, column in zip(slots.tolist(), WIDE_COLUMNS, strict=False):
            facts[slot] = row[column]
        for slot in slots[len(WIDE_COLUMNS) :].tolist():
            if facts[slot] != MISSING:
                facts[slot] = row["amount"]
        return facts

    def _keep(
        self, change: Any, facts: NDArray[np.int64] | None, reasons: tuple[str, ...], book: Book
    ) -> None:
        known = facts_of_row(book, facts) if facts is not None else {}
        action, instant = _ACTIONS[int(change["action"])], Instant(int(change["instant"]))
        kind = (int(change["payer_zone"]), int(change["payer_kind"]), int(change["payer_tier"]))
        if change["is_admitted"] and kind in self.found and not self.found[kind].is_admitted:
            return
        self.found[kind] = Example(
            instant=instant,
            action=action.value,
            amount=int(change["amount"]),
            is_admitted=bool(change["is_admitted"]),
            reasons=list(reasons),
            lines={
                language: _lines(book, action, known, instant, reasons, language) for language in LANGUAGES
            },
            facts={name: _shown(value) for name, value in known.items()},
        )


def _lines(
    book: Book,
    action: Action,
    facts: dict[str, Known],
    instant: Instant,
    reasons: tuple[str, ...],
    language: str,
) -> list[str]:
    by_law = tuple(name for name in reasons if not name.startswith("ledger."))
    told = [line(each, language) for each in explain(book, action, facts, instant, by_law)]
    others = [name.removeprefix("ledger.") for name in reasons if name.startswith("ledger.")]
    return told + [WORDS[Result[name.upper()]][language] for name in others]


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return format_fen(value) if isinstance(value, int) else str(value)


_ASKED = (int(Result.CREATED), int(Result.REFUSED_BY_LAW))
"""Results of transfers of which the law was asked; the facts of others were not filled in."""
