"""A bank statement becomes coins, once.

An entry settles an order when it quotes the order's reference, in the coin's
currency, with the exact amount. Then money in and coins out are booked as one
linked chain. Anything else is booked as unmatched and waits in the queue with
the reason; nobody guesses whose money it is. Reading a statement twice, or
again after a crash in the middle, changes nothing: ids come from the bank's
entry, and the ledger knows them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jiaozi.bank.message import Entry, Statement
from jiaozi.errors import AmountError, OrderError
from jiaozi.issuer.notes import LEDGER, NOTHING, Note
from jiaozi.issuer.sheet import Leg, chain
from jiaozi.issuer.store import BankEntry, Order, Redemption, ReserveBank, Store
from jiaozi.ledger.facts import SheetNamed
from jiaozi.ledger.ids import derived_id
from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.ledger.records import BOOK, ISSUE
from jiaozi.ledger.register import Coin
from jiaozi.ledger.results import Result
from jiaozi.money import fen_from_text, format_fen

# Between the parts payers write blanks, dashes of every length, points and strokes. A Chinese
# character may touch the reference, so \b, which takes it for a letter of the same word, will not do.
_GAP = r"[\s._/:\-\u2010-\u2015\u2212]*"
_ORDER = re.compile(rf"(?<![a-z0-9])JZ{_GAP}([0-9]{{4}}){_GAP}([0-9]{{6}})(?![0-9])", re.IGNORECASE)
_REDEMPTION = re.compile(
    rf"(?<![a-z0-9])JZ{_GAP}R{_GAP}([0-9]{{4}}){_GAP}([0-9]{{6}})(?![0-9])", re.IGNORECASE
)
_DONE = (Result.CREATED, Result.EXISTS)


@dataclass(frozen=True, slots=True)
class Intake:
    """What a statement brought: new entries, entries known already, and where the bank contradicts itself."""

    taken: tuple[BankEntry, ...]
    known: int
    warnings: tuple[str, ...]

    def with_status(self, status: str) -> list[BankEntry]:
        return [entry for entry in self.taken if entry.status == status]


def take_in(ledger: Ledger, store: Store, bank: ReserveBank, statements: Sequence[Statement]) -> Intake:
    """Book the entries of *statements* of the account *bank*.

    Raises `OrderError`, before anything is booked, when a statement is of another account.
    """
    for statement in statements:
        if statement.account != bank.account:
            raise OrderError(
                f"statement {statement.id} is of account {statement.account}, "
                f"and the reserve of {bank.coin} is held in {bank.account}; nothing was taken"
            )
    desk = _Desk(ledger, store, bank)
    taken, known = [], 0
    for statement in statements:
        for entry in statement.booked():
            if store.entry(entry.key) is not None:
                known += 1
                continue
            taken.append(desk.take(statement, entry))
    warnings = [warning for statement in statements for warning in statement.warnings]
    return Intake(tuple(taken), known, tuple(warnings))


class _Desk:
    def __init__(self, ledger: Ledger, store: Store, bank: ReserveBank) -> None:
        self.ledger = ledger
        self.store = store
        self.coin: Coin = ledger.state.register.coin(bank.coin)
        if self.coin.sheet is None:
            raise OrderError(f"the issuer's accounts for {bank.coin} are not open yet")
        self.sheet: SheetNamed = self.coin.sheet
        words = ledger.state.words
        self.place = words.place_codes[ledger.state.register.issuer_zone(self.coin.issuer)]

    def take(self, statement: Statement, entry: Entry) -> BankEntry:
        """Book one entry and keep it."""
        status, reference, note = self._book(entry)
        detail = entry.details[0] if entry.details else None
        kept = BankEntry(
            key=entry.key,
            coin=self.coin.id,
            statement=statement.id,
            file_digest=statement.file_digest,
            amount_fen=_fen(entry),
            is_credit=int(entry.is_credit),
            booked=str(entry.booking_day or ""),
            counterparty=entry.counterparty_name(detail) if detail else "",
            text=" · ".join(entry.reference_texts())[:1000],
            status=status,
            reference=reference,
            note=note,
        )
        self.store.take(kept)
        return kept

    def _book(self, entry: Entry) -> tuple[str, str, Note]:
        """Return status, reference and note of *entry* after booking it."""
        if entry.currency != self.coin.peg:
            return "unmatched", "", Note("other_currency", (entry.currency, self.coin.peg))
        try:
            fen_from_text(entry.amount)
        except AmountError:
            return "unmatched", "", Note("no_amount", (str(entry.amount)[:60],))
        money, paid, unmatched = self._booked(
            ("money", entry.key), ("paid", entry.key), ("unmatched", entry.key)
        )
        # Booked before, and the process died before the tables knew: only they are to be told.
        if money:
            return "issued", _quoted(_ORDER, "JZ", entry.reference_texts())[0], NOTHING
        if paid:
            return "paid out", _quoted(_REDEMPTION, "JZ-R", entry.reference_texts())[0], NOTHING
        found, note = self._order(entry) if entry.is_credit else self._redemption(entry)
        if found is None or unmatched:
            return self._unmatched(entry, note or Note("interrupted"))
        if isinstance(found, Redemption):
            legs = [Leg(("paid", entry.key), self.sheet.redemptions, self.sheet.reserve, _fen(entry), BOOK)]
            status = "paid out"
        else:
            legs = [
                Leg(("money", entry.key), self.sheet.reserve, self.sheet.client_money, _fen(entry), BOOK),
                Leg(("issue", found.reference), self.sheet.client_money, found.account, _fen(entry), ISSUE),
            ]
            status = "issued"
        outcome = self.ledger.post(chain(legs, self.place))
        if all(result in _DONE for result in outcome.results):
            return status, found.reference, NOTHING
        note = self._why(outcome)
        if isinstance(found, Order):
            self.store.refuse(found.reference, note)
        return self._unmatched(entry, Note("refused", (found.reference,), note))

    def _order(self, entry: Entry) -> tuple[Order | None, Note]:
        """Return the order that *entry* settles, or why there is none."""
        quoted = _quoted(_ORDER, "JZ", entry.reference_texts())
        if len(quoted) != 1:
            return None, Note("quotes_several", (", ".join(quoted)[:200],)) if quoted else Note(
                "quotes_nothing"
            )
        order = self.store.order(quoted[0])
        if order is None or order.coin != self.coin.id:
            return None, Note("no_such_order", (quoted[0], self.coin.id))
        status = "issued" if any(self._booked(("issue", order.reference))) else order.status
        if status != "waiting":
            return None, Note("already", (order.reference, status), order.note or None)
        if order.amount_fen != _fen(entry):
            wanted, came = format_fen(order.amount_fen), format_fen(_fen(entry))
            return None, Note("other_amount", (order.reference, wanted, came))
        return order, NOTHING

    def _redemption(self, entry: Entry) -> tuple[Redemption | None, Note]:
        quoted = _quoted(_REDEMPTION, "JZ-R", entry.reference_texts())
        if len(quoted) != 1:
            return None, Note("pays_nothing")
        redemption = self.store.redemption(quoted[0])
        if redemption is None or redemption.coin != self.coin.id:
            return None, Note("no_such_redemption", (quoted[0], self.coin.id))
        if redemption.status not in ("burned", "ordered"):
            return None, Note("already", (redemption.reference, redemption.status))
        if redemption.amount_fen != _fen(entry):
            wanted = format_fen(redemption.amount_fen)
            return None, Note("other_payout", (redemption.reference, wanted))
        return redemption, NOTHING

    def _unmatched(self, entry: Entry, note: Note) -> tuple[str, str, Note]:
        """Book money that belongs to nothing, so that the reserve still equals the bank's balance."""
        sheet, fen = self.sheet, _fen(entry)
        sides = (sheet.reserve, sheet.unmatched) if entry.is_credit else (sheet.unmatched, sheet.reserve)
        outcome = self.ledger.post(chain([Leg(("unmatched", entry.key), *sides, fen, BOOK)], self.place))
        if outcome.results[0] not in _DONE:
            note = note.then(Note("not_booked", because=self._why(outcome)))
        return "unmatched", "", note

    def _booked(self, *names: tuple[str, str]) -> list[bool]:
        """Return for each name whether the ledger has booked the transfer that it gives the id of."""
        ids = [derived_id(*name) for name in names]
        return self.ledger.at_cut(lambda state, _: [state.result_of(*id) is Result.CREATED for id in ids])

    def _why(self, outcome: Outcome) -> Note:
        """Return why a chain was not booked: the first answer that is not another leg's."""
        worst = [
            n for n, code in enumerate(outcome.results) if code not in (*_DONE, Result.LINKED_EVENT_FAILED)
        ]
        index = worst[0] if worst else 0
        result = Result(int(outcome.results[index]))
        return Note(LEDGER, (result.name, *self.ledger.reasons(outcome, index)))


def _quoted(pattern: re.Pattern[str], start: str, texts: Iterable[str]) -> list[str]:
    """Return the references in *texts*, spelled as we gave them out, each once."""
    plain = (unicodedata.normalize("NFKC", text) for text in texts)  # full-width letters and digits
    found = (f"{start}-{year}-{number}" for text in plain for year, number in pattern.findall(text))
    return list(dict.fromkeys(found))


def _fen(entry: Entry) -> int:
    """Return the amount in fen; 0 where it is no whole number of fen, which is never booked."""
    try:
        return fen_from_text(entry.amount)
    except AmountError:
        return 0
