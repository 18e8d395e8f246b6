"""Facts: what enters the journal beside transfers.

A fact is small, typed and dated by the frame it stands in. It names firms,
accounts, orders and texts, never a person. Reading is strict: an unknown kind
or field is refused. Days are days on the clock of the place they belong to;
`until` is excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from jiaozi.errors import FactError
from jiaozi.rulebook.model import Book


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="fact"):
    """The root of all facts; the field `fact` of the JSON names the kind."""


class LawEnacted(Fact, frozen=True, tag="law enacted"):
    """From this frame on the ledger asks this book. `texts` are the law files, whole."""

    texts: dict[str, str]
    drafts: list[str]
    digest: str

    @classmethod
    def of(cls, book: Book) -> LawEnacted:
        """Return the fact that *book* is enacted."""
        return cls(dict(book.texts), list(book.drafts), book.digest.hex())


class IssuerRegistered(Fact, frozen=True, tag="issuer registered"):
    """A firm that may come to issue coins. Registering allows nothing yet.

    `controller` is the zone of whoever controls it; empty means its own zone.
    """

    issuer: str
    zone: str
    controller: str = ""


class LicenceGranted(Fact, frozen=True, tag="licence granted"):
    """The authority of *place* licensed *issuer*."""

    issuer: str
    place: str
    number: str
    from_day: date
    until_day: date | None = None


class ConsentGranted(Fact, frozen=True, tag="consent granted"):
    """*authority* consented: to whom, to what, for which coin, where, how much, until when."""

    issuer: str
    authority: str
    reference: str
    actions: list[str]
    coin: str
    places: list[str]
    cap_fen: int | None
    from_day: date
    until_day: date | None = None


class CoinCreated(Fact, frozen=True, tag="coin created"):
    """A coin of *issuer*, pegged to *peg*; coins are numbered from 0 in the order of their creation."""

    coin: str
    issuer: str
    peg: str


class SheetNamed(Fact, frozen=True, tag="sheet named"):
    """Which accounts are the issuer's own sheet for *coin*.

    reserve      bank money held, an asset
    client_money received and not yet issued, owed to those who ordered coins
    unmatched    received without an order it belongs to
    redemptions  coins burned, owed to those who redeemed
    """

    coin: str
    reserve: int
    client_money: int
    unmatched: int
    redemptions: int


class TierSet(Fact, frozen=True, tag="tier set"):
    """A wallet moved to another tier."""

    account: int
    tier: str


class FreezeOrdered(Fact, frozen=True, tag="freeze ordered"):
    """A lawful order upon an account. What it does not forbid stays allowed.

    may_receive       whether others may still pay the account
    keep_fen          None: pays nothing; else pays only while at least this much stays
    """

    account: int
    order: str
    authority: str
    may_receive: bool
    keep_fen: int | None


class FreezeLifted(Fact, frozen=True, tag="freeze lifted"):
    """The order was lifted."""

    account: int
    order: str
    reference: str


class LimitSet(Fact, frozen=True, tag="limit set"):
    """A floor and a cap of one account from now on; null lifts it. Both count what is pending.

    floor_fen   the account pays only while at least this much stays; below zero: a credit line
    cap_fen     the account is paid only while at most this much comes to stand on it
    """

    account: int
    floor_fen: int | None
    cap_fen: int | None
    reference: str


class AccountClosed(Fact, frozen=True, tag="account closed"):
    """An empty account neither pays nor receives from now on."""

    account: int
    reference: str


class AccountReopened(Fact, frozen=True, tag="account reopened"):
    """A closed account is as it was before."""

    account: int
    reference: str


class IdWindowSet(Fact, frozen=True, tag="id window set"):
    """For how long a time-ordered id is remembered, in whole seconds; null for ever.

    A transfer with an id older than that is refused as expired, so that forgetting books nothing twice.
    """

    seconds: int | None


class CheckpointSigned(Fact, frozen=True, tag="checkpoint signed"):
    """A checkpoint over all balances of *coin* was signed; the next one names its digest."""

    coin: str
    epoch: int
    digest: str


AnyFact = (
    LawEnacted
    | IssuerRegistered
    | LicenceGranted
    | ConsentGranted
    | CoinCreated
    | SheetNamed
    | TierSet
    | FreezeOrdered
    | FreezeLifted
    | LimitSet
    | AccountClosed
    | AccountReopened
    | IdWindowSet
    | CheckpointSigned
)

_decoder = msgspec.json.Decoder(list[AnyFact])
_encoder = msgspec.json.Encoder(order="sorted")


def encode(facts: Sequence[Fact]) -> bytes:
    """Return *facts* as canonical JSON: sorted keys, no blanks, UTF-8. Raises `FactError`."""
    try:
        return _encoder.encode(list(facts))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise FactError(f"a fact holds what JSON cannot: {error}") from None


def decode(payload: bytes | memoryview) -> list[AnyFact]:
    """Return the facts of a frame. Raises `FactError` when they cannot be read."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FactError(f"a frame of facts cannot be read: {error}") from None
