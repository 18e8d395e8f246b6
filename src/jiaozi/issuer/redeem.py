"""Coins given back at par: burned in the ledger, paid out by the bank, before the law's deadline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from jiaozi.bank.payout import Payout, PayoutMessage, write
from jiaozi.clock import BusinessCalendar, Instant, day_of
from jiaozi.errors import OrderError
from jiaozi.issuer import outbox
from jiaozi.issuer.sheet import Leg, chain
from jiaozi.issuer.store import Redemption, ReserveBank, Store
from jiaozi.ledger.ids import derived_id
from jiaozi.ledger.ledger import Ledger, Outcome
from jiaozi.ledger.records import REDEEM
from jiaozi.ledger.results import Result
from jiaozi.money import MAX_FEN, Fen
from jiaozi.people.parties import Party
from jiaozi.rulebook.model import Book, Duty


@dataclass(frozen=True, slots=True)
class Requested:
    """The answer to a request. Exactly one of *redemption* and *refused* is there."""

    redemption: Redemption | None
    refused: Outcome | None


def deadline(
    book: Book, calendars: Mapping[str, BusinessCalendar], zone: str, instant: Instant
) -> tuple[Duty, date]:
    """Return the duty to pay and its last day for a request made at *instant* to an issuer in *zone*.

    Raises `OrderError` when the law of the place sets no time, `CalendarError` for a place
    without a calendar or a year not on file.
    """
    home = book.vocabulary.jurisdiction_of(zone)
    for duty in book.duties:
        applies = duty.upon == "redeem.requested" and duty.span.covers(instant)
        if applies and duty.within and book.vocabulary.jurisdiction_of(duty.place) == home:
            day = day_of(instant, book.vocabulary.places[duty.place].clock)
            return duty, duty.within.after(day, calendars.get(duty.calendar))
    raise OrderError(f"the law of {home} sets no time for paying a redemption on that day")


def request(
    ledger: Ledger,
    store: Store,
    calendars: Mapping[str, BusinessCalendar],
    *,
    coin_id: str,
    account: int,
    amount_fen: int,
    instant: Instant,
) -> Requested:
    """Burn *amount_fen* of *account* and owe it in bank money; or return what stood in the way.

    The request is written down before the ledger is asked, under a reference that no other request
    ever has: a refusal is final for its id, and coins burned before a crash are still owed for.
    Raises `OrderError` for no such account or amount, and what `deadline` raises.
    """
    state = ledger.state
    coin = state.register.coin(coin_id)
    if coin.sheet is None:
        raise OrderError(f"the issuer's accounts for {coin_id} are not open yet")
    if not 0 <= account < state.account_count:
        raise OrderError(f"no account {account}; the ledger has {state.account_count}")
    if not 0 < amount_fen <= MAX_FEN:
        raise OrderError(f"{amount_fen} fen cannot be redeemed; an amount is 1 to {MAX_FEN} fen")
    zone = state.register.issuer_zone(coin.issuer)
    duty, last_day = deadline(state.law, calendars, zone, instant)
    asked = Redemption("", coin_id, account, amount_fen, instant, str(last_day), duty.id, status="requested")
    redemption = store.reserve_redemption(last_day.year, asked)
    leg = Leg(_id_of(redemption), account, coin.sheet.redemptions, amount_fen, REDEEM)
    outcome = ledger.post(chain([leg], state.words.place_codes[zone]))
    status = "burned" if outcome.created else "refused"
    store.decide_redemption(redemption.reference, status)
    if not outcome.created:
        return Requested(None, outcome)
    return Requested(replace(redemption, status=status), None)


def finish(ledger: Ledger, store: Store) -> list[Redemption]:
    """Decide the requests that a crash left open between the tables and the ledger; return them.

    What the ledger burned is owed. What it refused or never heard of is refused: nobody was told
    otherwise, and the holder may ask again.
    """
    decided = []
    for redemption in store.redemptions(status="requested"):
        lo, hi = derived_id(*_id_of(redemption))
        result = ledger.at_cut(lambda state, _, lo=lo, hi=hi: state.result_of(lo, hi))  # type: ignore[misc]
        status = "burned" if result is Result.CREATED else "refused"
        store.decide_redemption(redemption.reference, status, only_requested=True)
        decided.append(replace(redemption, status=status))
    return decided


def _id_of(redemption: Redemption) -> tuple[str, str]:
    return "redeem", redemption.reference


def order_payout(
    store: Store,
    bank: ReserveBank,
    redemptions: Sequence[Redemption],
    party_of: Callable[[int], Party | None],
    *,
    message_id: str,
    instant: Instant,
    execution_day: date,
    currency: str,
    folder: Path,
) -> Path:
    """Put the pain.001 that pays *redemptions* into the outbox *folder*, once; return its path.

    Raises `OrderError` when a holder has no bank account on file, and what `outbox.send` raises;
    nothing is noted and nothing sent then.
    """
    payouts = []
    for redemption in redemptions:
        party = party_of(redemption.account)
        if party is None or not party.bank_account:
            raise OrderError(
                f"{redemption.reference}: account {redemption.account} has no bank account on file"
            )
        payouts.append(
            Payout(
                end_to_end_id=redemption.reference,
                amount_fen=Fen(redemption.amount_fen),
                currency=currency,
                creditor_name=party.name,
                creditor_account=party.bank_account,
                remittance=f"redemption at par {redemption.reference}",
            )
        )
    message = PayoutMessage(
        message_id=message_id,
        created=instant,
        initiating_party=bank.owner,
        debtor_name=bank.owner,
        debtor_account=bank.account,
        debtor_bank=bank.bank,
        execution_day=execution_day,
        payouts=tuple(payouts),
    )
    return outbox.send(store, folder, message_id, write(message), redemptions)
