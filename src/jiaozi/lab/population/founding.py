"""The law, two issuers, their sheets and those who distribute the coins. All names are invented."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jiaozi.issuer.sheet import Leg, chain, open_sheet
from jiaozi.lab.population.drawing import PLACE
from jiaozi.lab.population.parameters import DISTRIBUTORS, ID_WINDOW_SECONDS, SUPPLY_CAP_FEN
from jiaozi.ledger.facts import (
    CoinCreated,
    ConsentGranted,
    IdWindowSet,
    IssuerRegistered,
    LawEnacted,
    LicenceGranted,
    SheetNamed,
)
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import BOOK, ISSUE, Transfers, openings
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read_folder

PLACES: Final = {"cn-sh": "CNY"}
"""Where a population can live, and what its coins are pegged to."""

ISSUERS: Final = (("pujiang-pay", "pujiang-cny"), ("donglai-tech", "donglai-cny"))
"""Issuers and their coins; the first has most of the holders."""


def law_of(place: str, from_day: date, until_day: date) -> Book:
    """Return the law with the draft of *place*. Raises `ValueError` for days on which nobody may pay there."""
    if place not in PLACES:
        raise ValueError(f"no population lives in {place:.20}; choose {', '.join(PLACES)}")
    book = read_folder(drafts=[place])
    span = book.rule_by_id[f"{place}.pay"].span
    begins, ends = span.start_day, span.end_day
    if from_day < begins or (ends is not None and until_day > ends):
        raise ValueError(
            f"days from {from_day} until {until_day} do not lie in the time of {place}.pay, "
            f"{begins} to {ends or 'open'}; choose another first day or fewer days"
        )
    return book


def found(
    ledger: Ledger, book: Book, place: str, people: int, from_day: date
) -> tuple[list[SheetNamed], NDArray[np.void]]:
    """Enact *book*, license both issuers, open sheets and distributors; return the sheets and (1,) PLACE.

    The account of the population's first row is the next that will be opened.
    """
    facts = [LawEnacted.of(book), IdWindowSet(ID_WINDOW_SECONDS)]
    for number, (issuer, coin) in enumerate(ISSUERS, start=1):
        facts += [
            IssuerRegistered(issuer, place),
            LicenceGranted(issuer, place, f"EXAMPLE-{number:02d}", from_day),
            CoinCreated(coin, issuer, PLACES[place]),
            ConsentGranted(
                issuer=issuer,
                authority=place.partition("-")[0],
                reference=f"EXAMPLE-CONSENT-{number}",
                actions=["issue"],
                coin=coin,
                places=[place],
                cap_fen=max(people, 1_000) * SUPPLY_CAP_FEN,
                from_day=from_day,
            ),
        ]
    ledger.record(*facts)
    words = ledger.state.words
    sheets = [open_sheet(ledger, coin, place) for _, coin in ISSUERS]
    town = np.zeros(1, dtype=PLACE)
    town["place"] = words.place_codes[place]
    for number, sheet in enumerate(sheets):
        opened = openings(DISTRIBUTORS)
        opened["coin"] = ledger.state.register.coin(sheet.coin).number
        opened["zone"] = words.place_codes[place]
        opened["kind"], opened["tier"] = (
            words.code("payer.kind", "registered firm"),
            words.code("payer.tier", "t1"),
        )
        first = ledger.open_accounts(opened)
        town["distributors"][0, number] = np.arange(first, first + DISTRIBUTORS)
        town["redemptions"][0, number] = sheet.redemptions
        town["first"] = first + DISTRIBUTORS
    return sheets, town


def night(
    sheet: SheetNamed, wanted: dict[int, int], redeemed_fen: int, place_code: int, name: tuple[str, ...]
) -> Transfers | None:
    """Return the transfers between two days: banks pay out what was redeemed, and the issuer takes in money
    for the coins that each distributor wants, account to fen. None when there are none. Money and coins of
    one distributor are linked, and nobody's to anybody else's: what a law refuses one undoes no other.

    They carry the ids that *name* gives; the ledger forgets ids that carry a time, so a caller may give others.
    """
    chains = []
    if redeemed_fen:
        legs = [Leg((*name, "paid out"), sheet.redemptions, sheet.reserve, redeemed_fen, BOOK)]
        chains.append(chain(legs, place_code))
    for account, fen in wanted.items():
        if fen > 0:
            names = (*name, str(account))
            money = Leg((*names, "money"), sheet.reserve, sheet.client_money, fen, BOOK)
            coins = Leg((*names, "coins"), sheet.client_money, account, fen, ISSUE)
            chains.append(chain([money, coins], place_code))
    return np.concatenate(chains) if chains else None
