"""The law, two issuers, their sheets and those who distribute the coins. All names are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import day_start
from jiaozi.issuer.sheet import Leg, chain, open_sheet
from jiaozi.lab.population.drawing import PLACE
from jiaozi.lab.population.parameters import DISTRIBUTORS, ID_WINDOW_SECONDS, SUPPLY_CAP_FEN
from jiaozi.lab.population.residents import ZONES_MOST
from jiaozi.lab.population.towns import ISSUERS, TOWNS, coins_of
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    Fact,
    IdWindowSet,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    SheetNamed,
)
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import BOOK, ISSUE, WHOLE, TransferFlag, Transfers, openings
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read_folder


def law_of(place: str, from_day: date, until_day: date) -> Book:
    """Return the law of *place*, with its draft if it is one.

    Raises `ValueError` for days on which nobody may pay there, or whose holidays nobody knows.
    """
    if place not in TOWNS:
        raise ValueError(f"no population lives in {place:.20}; choose {', '.join(TOWNS)}")
    town = TOWNS[place]
    book = read_folder(drafts=[town.draft] if town.draft else [])
    span = book.rule_by_id[f"{place}.pay"].span
    begins, ends = span.start_day, span.end_day
    if from_day < begins or (ends is not None and until_day > ends):
        raise ValueError(
            f"days from {from_day} until {until_day} do not lie in the time of {place}.pay, "
            f"{begins} to {ends or 'open'}; choose another first day or fewer days"
        )
    for day in (from_day, until_day - timedelta(days=1)):
        if not town.dates.covers(day):
            raise ValueError(f"nobody knows the holidays of {day.year} in {place}; choose other days")
    return book


def zones_of(book: Book, place: str, also: Mapping[str, float]) -> list[str]:
    """Return *place* and the zones of *also*. Raises `ValueError` when these are no zones beside it, or too many."""
    places = book.vocabulary.places
    beside = [zone for zone in places if zone != place and places[zone].within == places[place].within]
    beside = [zone for zone in beside if places[zone].within]
    for zone, share in also.items():
        if zone not in beside:
            known = f"choose {', '.join(beside)}" if beside else "there is none"
            raise ValueError(f"{zone:.20} is no zone beside {place}; {known}")
        if not 0 < share < 1:
            raise ValueError(f"a share of {share:g} will not do for {zone}; write one between 0 and 1")
    if sum(also.values()) > 0.9:
        raise ValueError(f"at least a tenth of the accounts live in {place}; write smaller shares")
    assert len(also) < ZONES_MOST
    return [place, *also]


def found(
    ledger: Ledger, book: Book, place: str, people: int, from_day: date, zones: Sequence[str] = ()
) -> tuple[list[SheetNamed], NDArray[np.void]]:
    """Enact *book*, license both issuers, open sheets and distributors; return the sheets and (1,) PLACE.

    The account of the population's first row is the next that will be opened.
    *zones* are *place* and the others in which somebody lives; only *place* itself if empty.
    """
    town = TOWNS[place]
    facts: list[Fact] = [LawEnacted.of(book), IdWindowSet(ID_WINDOW_SECONDS)]
    for number, (issuer, coin) in enumerate(zip(ISSUERS, coins_of(town), strict=True), start=1):
        facts += [
            IssuerRegistered(issuer, place),
            LicenceGranted(issuer, place, f"EXAMPLE-{number:02d}", from_day),
            CoinCreated(coin, issuer, town.peg),
        ]
        if town.authority:
            facts.append(
                ConsentGranted(
                    issuer=issuer,
                    authority=town.authority,
                    reference=f"EXAMPLE-CONSENT-{number}",
                    actions=["issue"],
                    coin=coin,
                    places=[place],
                    cap_fen=max(people, 1_000) * SUPPLY_CAP_FEN,
                    from_day=from_day,
                )
            )
    ledger.record(*facts)
    words = ledger.state.words
    sheets = [open_sheet(ledger, coin, place) for coin in coins_of(town)]
    found = np.zeros(1, dtype=PLACE)
    found["place"] = words.place_codes[place]
    for number, zone in enumerate(zones or (place,)):
        found["zones"][0, number] = words.place_codes[zone]
    for number, sheet in enumerate(sheets):
        found["redemptions"][0, number] = sheet.redemptions
        for side in ("distributors", "elsewhere") if len(zones) > 1 else ("distributors",):
            first = _distributors(ledger, sheet, words.place_codes[place])
            found[side][0, number] = np.arange(first, first + DISTRIBUTORS)
            found["first"] = first + DISTRIBUTORS
    if town.data_travels:
        found["travel"] = [words.code("payment.travel_data", word) for word in ("none", "core", "full")]
        full_from = book.lookup(place, "travel.full_from")
        value = full_from.at(day_start(from_day), town.peg, "") if full_from else None
        assert value is not None, f"the law of {place} says from which amount the full set of data travels"
        found["full_from_fen"] = value[0]
    return sheets, found


def _distributors(ledger: Ledger, sheet: SheetNamed, place_code: int) -> int:
    """Open the accounts of those who distribute the coin of *sheet*; return the first."""
    words = ledger.state.words
    opened = openings(DISTRIBUTORS)
    opened["coin"] = ledger.state.register.coin(sheet.coin).number
    opened["zone"] = place_code
    opened["kind"], opened["tier"] = (
        words.code("payer.kind", "registered firm"),
        words.code("payer.tier", "t1"),
    )
    return ledger.open_accounts(opened)


def night(
    sheet: SheetNamed,
    wanted: dict[int, int],
    redeemed_fen: int,
    place_code: int,
    name: tuple[str, ...],
    own_fen: int = 0,
) -> Transfers | None:
    """Return the transfers between two days: banks pay out what was redeemed, and the issuer takes in money
    for the coins that each distributor wants, account to fen. None when there are none. Money and coins of
    one distributor are linked, and nobody's to anybody else's: what a law refuses one undoes no other.
    In between the reserve becomes worth *own_fen* more, or less, which is the issuer's own.

    They carry the ids that *name* gives; the ledger forgets ids that carry a time, so a caller may give others.
    """
    chains = []
    if redeemed_fen:
        legs = [Leg((*name, "paid out"), sheet.redemptions, sheet.reserve, redeemed_fen, BOOK)]
        paid_out = chain(legs, place_code)
        # All that was redeemed, however much that is: under another law it may be less, or more.
        paid_out["amount"], paid_out["flags"] = WHOLE, TransferFlag.BALANCING_DEBIT
        chains.append(paid_out)
    if own_fen:
        chains.append(own_money(sheet, own_fen, place_code, (*name, "value")))
    for account, fen in wanted.items():
        if fen > 0:
            names = (*name, str(account))
            money = Leg((*names, "money"), sheet.reserve, sheet.client_money, fen, BOOK)
            coins = Leg((*names, "coins"), sheet.client_money, account, fen, ISSUE)
            chains.append(chain([money, coins], place_code))
    return np.concatenate(chains) if chains else None


def own_money(sheet: SheetNamed, fen: int, place_code: int, name: tuple[str, ...]) -> Transfers:
    """Return the transfer by which a reserve has *fen* more, or less: against what belongs to no order."""
    more, less = (sheet.reserve, sheet.unmatched), (sheet.unmatched, sheet.reserve)
    return chain([Leg(name, *(more if fen > 0 else less), abs(fen), BOOK)], place_code)
