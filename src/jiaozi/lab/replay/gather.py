"""Changed rows in one form, whichever way they were found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jiaozi.lab.replay.changes import ReasonSets
from jiaozi.lab.replay.money import Posted, ledger_reason
from jiaozi.lab.replay.questions import Block
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import CHANGE, Changes
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.records import BOOK
from jiaozi.ledger.results import Result
from jiaozi.ledger.state import State
from jiaozi.ledger.totals import groups_of
from jiaozi.rulebook.machine.kernel import names_of
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import Book


def changes_of_block(
    recorded: Recorded, books: list[Book], bases: list[Book] | None, block: Block, reasons: ReasonSets
) -> Changes:
    """Return the rows of *block* as changes (n,) CHANGE: of what happened, or of what *bases* would have said."""
    rows, book = block.rows, books[block.law]
    changes = np.zeros(len(rows), dtype=CHANGE)
    frames = recorded.frames[rows["frame"]]
    changes["frame"], changes["instant"] = frames["sequence"], frames["instant"]
    for name in ("row", "debit", "credit", "person", "amount", "action"):
        changes[name] = rows[name]
    facts = recorded.head.facts
    for column, fact in (
        ("place", "payment.place"),
        ("payer_zone", "payer.zone"),
        ("payer_kind", "payer.kind"),
        ("payer_tier", "payer.tier"),
        ("coin", "coin"),
    ):
        values = recorded.kinds[rows["kind"], facts.index(fact)]
        changes[column] = np.where(values == MISSING, 0, values)
    changes["is_admitted"] = block.admitted
    changes["after"] = np.where(block.admitted, Result.CREATED, Result.REFUSED_BY_LAW)
    if bases is None or block.old_bits is None:
        changes["before"] = rows["result"]
        old = _old_reasons(recorded, rows["reasons"], reasons)
    else:
        changes["before"] = np.where(block.admitted, Result.REFUSED_BY_LAW, Result.CREATED)
        old = _sets(bases[block.law], block.old_bits, reasons)
    changes["reasons"] = np.where(block.admitted, old, _sets(book, block.bits, reasons))
    return changes


_NO_CHANGES: Changes = np.zeros(0, dtype=CHANGE)
_CREATED = np.uint8(Result.CREATED)


def changes_of_frame(state: State, posted: Posted, reasons: ReasonSets) -> Changes:
    """Return what came out otherwise in *posted*, (n,) CHANGE."""
    before, after = posted.before, posted.after
    if np.array_equal(before.results, after.results):
        return _NO_CHANGES
    now = after.results == _CREATED
    where = np.flatnonzero((before.results == _CREATED) != now)
    if not len(where):
        return _NO_CHANGES
    # To post a reservation names it by its id alone: what it means is known of when it was booked.
    moved, was_booked = after.as_booked()[where], ~now[where]
    if was_booked.any():
        moved[was_booked] = before.as_booked()[where[was_booked]]
    # A leg between accounts of the issuer's own sheet goes with its chain and is nobody's payment.
    if not (kept := moved["action"] != BOOK).all():
        where, moved = where[kept], moved[kept]
    changes = np.zeros(len(where), dtype=CHANGE)
    changes["frame"], changes["instant"], changes["row"] = posted.sequence, posted.instant, where
    for name in ("debit", "credit", "action", "place", "amount"):
        changes[name] = moved[name]
    known = np.minimum(moved["debit"], state.account_count - 1)
    accounts = state.accounts[known]
    changes["person"] = accounts["person"]
    for name, column in (
        ("payer_zone", "zone"),
        ("payer_kind", "kind"),
        ("payer_tier", "tier"),
        ("coin", "coin"),
    ):
        changes[name] = accounts[column]
    changes["is_admitted"] = now[where]
    changes["before"], changes["after"] = before.results[where], after.results[where]
    admitted = now[where]
    changes["reasons"][admitted] = _booked_sets(posted.enacted, before, where[admitted], reasons)
    changes["reasons"][~admitted] = _booked_sets(posted.book, after, where[~admitted], reasons)
    return changes


def _booked_sets(
    book: Book, booked: Booked, rows: NDArray[np.intp], reasons: ReasonSets
) -> NDArray[np.int64]:
    """Return the sets of reasons for which *rows* (n,) of *booked* were refused, the ledger's own word among them."""
    numbers, results = np.zeros(len(rows), dtype=np.int64), booked.results[rows]
    for result in set(results.tolist()):
        chosen = results == result
        if result == Result.REFUSED_BY_LAW:
            numbers[chosen] = _sets(book, booked.bits[rows[chosen]], reasons)
        else:
            numbers[chosen] = reasons.number((ledger_reason(Result(result)),))
    return numbers


def _old_reasons(recorded: Recorded, numbers: NDArray[np.uint16], reasons: ReasonSets) -> NDArray[np.int64]:
    names = [(), *(tuple(each) for each in recorded.head.reasons)]
    found, where = groups_of(numbers.astype(np.int64))
    return np.array([reasons.number(names[number]) for number in found.tolist()], dtype=np.int64)[where]


def _sets(book: Book, bits: NDArray[np.uint64], reasons: ReasonSets) -> NDArray[np.int64]:
    numbers = np.zeros(len(bits), dtype=np.int64)
    left = np.arange(len(bits))
    # There are few sets, and to compare with one after the other is quicker than to sort.
    while len(left):
        row = bits[left[0]]
        is_same = (bits[left] == row).all(axis=1)
        numbers[left[is_same]] = reasons.number(names_of(book, row))
        left = left[~is_same]
    return numbers
