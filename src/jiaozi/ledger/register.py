"""The register: issuers, coins, licences, consents and orders, folded from the facts.

The kernel sees none of this. For each frame the register writes what holds at
its instant into two small tables of numbers: licences by coin, and consents by
coin, action and place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import msgspec
import numpy as np

from jiaozi.clock import Instant, day_start
from jiaozi.errors import FactError
from jiaozi.ledger.facts import ConsentGranted, FreezeOrdered, LicenceGranted, LimitSet, SheetNamed
from jiaozi.ledger.posting.setting import NO_CAP, NO_FLOOR, Limit
from jiaozi.ledger.posting.supplied import (
    AMOUNT_CURRENCIES,
    C_AMOUNT_FACT,
    C_ISSUER_CONTROLLER,
    C_ISSUER_ZONE,
    C_LICENCES,
    C_PEG,
    C_RESERVE_ACCOUNT,
    COIN_WIDTH,
)
from jiaozi.ledger.records import MOVES, AccountFlag
from jiaozi.rulebook.machine.program import ACTION_ROWS, MISSING, Int64s
from jiaozi.rulebook.model import UNLIMITED, Action
from jiaozi.rulebook.vocabulary import Vocabulary


@dataclass(slots=True)
class Coin:
    """A coin and the accounts of its issuer's sheet."""

    number: int
    id: str
    issuer: str
    peg: str
    sheet: SheetNamed | None = None
    epoch: int = 0
    checkpoint: str = ""


@dataclass
class Register:
    """The folded facts, as they stand after the last frame."""

    issuers: dict[str, str] = field(default_factory=dict)  # issuer to home zone
    controllers: dict[str, str] = field(default_factory=dict)  # to the zone of its controller, if elsewhere
    coins: dict[str, Coin] = field(default_factory=dict)
    licences: list[LicenceGranted] = field(default_factory=list)
    consents: list[ConsentGranted] = field(default_factory=list)
    freezes: dict[int, dict[str, FreezeOrdered]] = field(default_factory=dict)
    limits: dict[int, LimitSet] = field(default_factory=dict)
    id_window: int | None = None  # seconds for which a time-ordered id is remembered; None for ever

    def content(self) -> bytes:
        """Return all of it as JSON, for the digest of the state."""
        orders = [[account, list(standing.values())] for account, standing in sorted(self.freezes.items())]
        coins = list(self.coins.values())
        limits = [limit for _, limit in sorted(self.limits.items())]
        return msgspec.json.encode(
            [
                self.issuers,
                self.controllers,
                coins,
                self.licences,
                self.consents,
                orders,
                limits,
                self.id_window,
            ]
        )

    def limit_of(self, account: int) -> Limit | None:
        """Return what orders keep in place on *account*, its floor and its cap; None when nothing limits it."""
        keeps = [o.keep_fen for o in self.freezes.get(account, {}).values() if o.keep_fen is not None]
        limit = self.limits.get(account)
        if not keeps and limit is None:
            return None
        floor = None if limit is None else limit.floor_fen
        cap = None if limit is None else limit.cap_fen
        return (
            max(keeps, default=0),
            NO_FLOOR if floor is None else floor,
            NO_CAP if cap is None else cap,
        )

    def frozen_of(self, account: int, record: np.void) -> int:
        """Return how much of the balance in *record* the holder of *account* may not pay, by order: fen.

        What an issuer has on its own sheet is no coin, frozen or not.
        """
        if record["flags"] & AccountFlag.INTERNAL:
            return 0
        balance = int(record["balance"])
        keeps = [order.keep_fen for order in self.freezes.get(account, {}).values()]
        return max((balance if keep is None else min(balance, keep) for keep in keeps), default=0)

    def limited(self) -> dict[int, Limit]:
        """Return the limits of every account that has some."""
        accounts = sorted({*self.freezes, *self.limits})
        return {number: limit for number in accounts if (limit := self.limit_of(number)) is not None}

    def coin(self, coin_id: str) -> Coin:
        """Return the coin *coin_id*. Raises `FactError`."""
        try:
            return self.coins[coin_id]
        except KeyError:
            known = ", ".join(self.coins) or "none yet"
            raise FactError(f"no such coin {coin_id!r}; coins are {known}") from None

    def issuer_zone(self, issuer: str) -> str:
        """Return the home zone of *issuer*. Raises `FactError`."""
        try:
            return self.issuers[issuer]
        except KeyError:
            known = ", ".join(self.issuers) or "none yet"
            raise FactError(f"no such issuer {issuer!r}; registered are {known}") from None

    def controller_zone(self, issuer: str) -> str:
        """Return the zone of whoever controls *issuer*: its own, unless told otherwise. Raises `FactError`."""
        return self.controllers.get(issuer) or self.issuer_zone(issuer)

    def licences_of(self, issuer: str, words: Vocabulary, instant: Instant) -> frozenset[str]:
        """Return the places whose licence *issuer* holds at *instant*."""
        return frozenset(
            licence.place
            for licence in self.licences
            if licence.issuer == issuer
            and _covers(licence.from_day, licence.until_day, words.places[licence.place].clock, instant)
        )

    def consent_of(
        self, coin: Coin, action: Action, place: str, words: Vocabulary, instant: Instant
    ) -> tuple[frozenset[str], int | None]:
        """Return the places that consented to *action* for *coin* at *place*, and the smallest cap (fen)."""
        given = [
            consent
            for consent in self.consents
            if consent.issuer == coin.issuer
            and consent.coin == coin.id
            and action in consent.actions
            and place in consent.places
            and _covers(consent.from_day, consent.until_day, words.places[consent.authority].clock, instant)
        ]
        caps = [consent.cap_fen for consent in given if consent.cap_fen is not None]
        cap = min(caps) if caps else UNLIMITED if given else None
        return frozenset(consent.authority for consent in given), cap

    def fill(self, coins: Int64s, words: Vocabulary, instant: Instant) -> Int64s:
        """Write licences into *coins* (c, COIN_WIDTH); return the consents (c, actions, places + 1, 2)."""
        assert coins.shape[1] == COIN_WIDTH
        consents = np.zeros((len(coins), ACTION_ROWS, len(words.places) + 1, 2), dtype=np.int64)
        consents[..., 1] = MISSING
        for coin in self.coins.values():
            row = coins[coin.number]
            row[C_PEG] = words.code("coin.peg", coin.peg)
            is_asked = coin.peg in AMOUNT_CURRENCIES
            row[C_AMOUNT_FACT] = AMOUNT_CURRENCIES.index(coin.peg) if is_asked else -1
            row[C_ISSUER_ZONE] = words.place_codes[self.issuers[coin.issuer]]
            row[C_ISSUER_CONTROLLER] = words.place_codes[self.controller_zone(coin.issuer)]
            row[C_LICENCES] = words.mask(self.licences_of(coin.issuer, words, instant))
            row[C_RESERVE_ACCOUNT] = coin.sheet.reserve if coin.sheet else -1
            for code, action in MOVES.items():
                for place, place_code in words.place_codes.items():
                    places, cap = self.consent_of(coin, action, place, words, instant)
                    consents[coin.number, code, place_code, 0] = words.mask(places)
                    consents[coin.number, code, place_code, 1] = MISSING if cap is None else cap
        return consents

    def next_change(self, words: Vocabulary, instant: Instant) -> Instant | None:
        """Return the first instant after *instant* at which a licence or consent begins or ends."""
        changes = []
        for licence in self.licences:
            clock = words.places[licence.place].clock
            changes += [day_start(day, clock) for day in (licence.from_day, licence.until_day) if day]
        for consent in self.consents:
            clock = words.places[consent.authority].clock
            changes += [day_start(day, clock) for day in (consent.from_day, consent.until_day) if day]
        return min((change for change in changes if change > instant), default=None)


def _covers(start: date, end: date | None, clock: str, instant: Instant) -> bool:
    return day_start(start, clock) <= instant and (end is None or instant < day_start(end, clock))
