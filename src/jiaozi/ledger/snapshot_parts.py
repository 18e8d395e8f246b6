"""What is in a snapshot: a state taken apart, and put together again with nothing believed.

The arrays go as they are. The register, the law and the counts go as JSON, since
they are small and change their shape from one Jiaozi to the next. Whatever comes
back is checked before it is used: the kernel asks no array whether a number fits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.ledger.activity import MINUTES_KEPT, Activity, Minute
from jiaozi.ledger.facts import ConsentGranted, FreezeOrdered, LicenceGranted
from jiaozi.ledger.frames import NO_HASH
from jiaozi.ledger.idindex import Table, grown, new_table
from jiaozi.ledger.kernel import C_ISSUED, C_REDEEMED, COIN_WIDTH
from jiaozi.ledger.records import ACCOUNT, Accounts
from jiaozi.ledger.register import Coin, Register
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshot_files import CHUNK_BYTES, Head, SnapshotReader, SnapshotWriter, Unfit
from jiaozi.ledger.snapshot_ids import ROW_BYTES, make_ready, pack, unpack
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, MAX_ACCOUNTS, State, digest_of
from jiaozi.ledger.taking import check_fits
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read

PARTS = ("accounts", "coins", "ids", "register", "law", "activity")
"""The parts of a file, in this order. Whatever else a state comes to hold becomes a part of its own,
and the format another one."""

_SPARE_ACCOUNTS = 1 << 10
_SPARE_IDS = 1 << 20
_PAGE_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class Picture:
    """What goes into a snapshot: the arrays of a state, and the rest as JSON.

    *ids* is the table, or its taken rows.
    """

    accounts: Accounts
    coins: Int64s
    ids: Table
    ids_taken: int
    register: bytes
    law: bytes
    law_digest: bytes
    activity: bytes

    @classmethod
    def of(cls, state: State) -> Picture:
        """Return a picture that looks at the arrays of *state*: good as long as nobody moves it."""
        book = state.book
        return cls(
            accounts=state.accounts,
            coins=state.coins,
            ids=state.ids,
            ids_taken=state.ids_taken,
            register=state.register.content(),
            law=msgspec.json.encode(_Law(dict(book.texts), list(book.drafts)) if book else None),
            law_digest=book.digest if book else NO_HASH,
            activity=_encode_activity(state.activity_of),
        )

    def copied(self, room: Room) -> Picture:
        """Return a picture of its own, in *room*, which stays as it is when the state moves on."""
        accounts, ids = room.accounts, room.ids
        if len(accounts) < len(self.accounts) or len(ids) < self.ids_taken:
            larger = Room.of(len(self.accounts), self.ids_taken)
            accounts, ids = larger.accounts, larger.ids
        accounts, ids = accounts[: len(self.accounts)], ids[: self.ids_taken]
        accounts.view(np.uint8)[:] = self.accounts.view(np.uint8)
        _, filled = pack(self.ids, 0, ids)
        assert filled == self.ids_taken
        return replace(self, accounts=accounts, coins=self.coins.copy(), ids=ids)


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for a picture's copy, asked of the system before the cut: finding it takes longer than copying."""

    accounts: Accounts
    ids: Table

    @classmethod
    def of(cls, account_count: int, ids_taken: int) -> Room:
        make_ready()
        room = cls(np.empty(account_count, dtype=ACCOUNT), np.empty((ids_taken, 3), dtype=np.uint64))
        for array in (room.accounts, room.ids):
            for chunk in _chunks(array):
                np.frombuffer(chunk, dtype=np.uint8)[::_PAGE_BYTES] = 0
        return room

    @classmethod
    def beside(cls, state: State) -> Room:
        """Return room for *state*, and for what may come to it until the cut."""
        return cls.of(state.account_count + _SPARE_ACCOUNTS, state.ids_taken + _SPARE_IDS)


def write_parts(file: SnapshotWriter, picture: Picture) -> str:
    """Write the parts of *picture*; return the digest of the state it is of."""
    accounts = file.part("accounts", _chunks(picture.accounts))
    state = digest_of(
        accounts,
        picture.coins,
        picture.ids,
        picture.register,
        account_count=len(picture.accounts),
        ids_taken=picture.ids_taken,
        law=picture.law_digest.hex() if picture.law_digest != NO_HASH else "",
    )
    file.part("coins", _chunks(picture.coins))
    file.part("ids", _id_chunks(picture.ids))
    file.part("register", [picture.register])
    file.part("law", [picture.law])
    file.part("activity", [picture.activity])
    return state


def read_state(file: SnapshotReader) -> State:
    """Return the state in *file*. Raises `Unfit`, or what reading nonsense raises: a reason not to use it."""
    head = file.head
    for name, count, width in (
        ("accounts", head.accounts, ACCOUNT.itemsize),
        ("coins", head.coins, 8 * COIN_WIDTH),
        ("ids", head.ids, ROW_BYTES),
    ):
        if file.size(name) != count * width:
            raise Unfit(f"it counts {count} {name}, but has {file.size(name)} bytes of them")
    if head.accounts > MAX_ACCOUNTS:
        raise Unfit(f"it counts {head.accounts} accounts, more than fit a ledger")
    if not FIRST_INSTANT <= head.instant < LAST_INSTANT:
        raise Unfit(f"its instant is {head.instant} ns, which cannot be")
    book = _decode_law(file.whole("law"), head)
    register_content = file.whole("register")
    coins = np.frombuffer(file.whole("coins"), dtype=np.int64).reshape(head.coins, COIN_WIDTH).copy()
    register = _decode_register(register_content, coins, head, book)
    activity_of = _decode_activity(file.whole("activity"))

    # Zeros that nobody touches take no memory, so room to grow is free.
    accounts = np.zeros(head.accounts + head.accounts // 4 + _SPARE_ACCOUNTS, dtype=ACCOUNT)
    rows = CHUNK_BYTES // ACCOUNT.itemsize
    hashed = file.into(
        "accounts",
        (accounts[at : min(at + rows, head.accounts)] for at in range(0, head.accounts, rows)),
        lambda piece: _check_accounts(piece, head, book),
    )
    ids, rows = grown(new_table(), 0, head.ids), CHUNK_BYTES // ROW_BYTES
    buffer = np.empty((min(rows, head.ids), 3), dtype=np.uint64)
    file.into(
        "ids",
        (buffer[: min(rows, head.ids - at)] for at in range(0, head.ids, rows)),
        lambda piece: _put_ids(piece, ids),
    )
    law = book.digest.hex() if book else ""
    digest = digest_of(
        hashed, coins, ids, register_content, account_count=head.accounts, ids_taken=head.ids, law=law
    )
    if digest != head.state:
        raise Unfit("the state that comes out is not the one that went in")
    return State.of(accounts, head.accounts, coins, ids, head.ids, register, book, activity_of)


# Accounts and ids


def _chunks(array: NDArray[Any]) -> Iterator[memoryview]:
    raw = array.reshape(-1).view(np.uint8)
    for at in range(0, len(raw), CHUNK_BYTES):
        yield raw[at : at + CHUNK_BYTES].data


def _id_chunks(ids: Table) -> Iterator[memoryview]:
    rows, at = np.empty((CHUNK_BYTES // ROW_BYTES, 3), dtype=np.uint64), 0
    while at < len(ids):
        at, filled = pack(ids, at, rows)
        if filled:
            yield rows[:filled].reshape(-1).data


def _put_ids(rows: Table, ids: Table) -> None:
    if unpack(rows, ids) >= 0:
        raise Unfit("an id in it is zero or stands there twice")


def _check_accounts(accounts: Accounts, head: Head, book: Book | None) -> None:
    """Raise `Unfit` when a number in *accounts* would lead the kernel out of its arrays, or has no meaning."""
    if book is None:
        raise Unfit("it has accounts and no law")
    words = book.vocabulary
    limits = {
        "person": head.accounts,
        "coin": head.coins,
        "zone": len(words.places) + 1,
        "kind": len(words.facts["payer.kind"].words) + 1,
        "tier": len(words.facts["payer.tier"].words) + 1,
    }
    for column, limit in limits.items():
        if int(accounts[column].max()) >= limit:
            raise Unfit(f"an account in it has {column} {int(accounts[column].max())}, which is none")


# The law


class _Law(msgspec.Struct, forbid_unknown_fields=True):
    texts: dict[str, str]
    drafts: list[str]


def _decode_law(raw: bytes, head: Head) -> Book | None:
    law = msgspec.json.decode(raw, type=_Law | None)
    if law is None:
        if head.law != NO_HASH.hex():
            raise Unfit("it has no law, but its frame was decided under one")
        return None
    book = read(law.texts, drafts=law.drafts)
    if book.digest.hex() != head.law:
        raise Unfit(f"its texts give the law {book.digest.hex()}, its frame was decided under {head.law}")
    check_fits(book.vocabulary)
    return book


# The register

_Register = tuple[
    dict[str, str],
    dict[str, str],
    list[Coin],
    list[LicenceGranted],
    list[ConsentGranted],
    list[tuple[int, list[FreezeOrdered]]],
]


def _decode_register(raw: bytes, coins: Int64s, head: Head, book: Book | None) -> Register:
    """Return the register whose `content()` is *raw*. Raises when the ledger could not work with it."""
    issuers, controllers, listed, licences, consents, orders = msgspec.json.decode(raw, type=_Register)
    register = Register(
        issuers=issuers,
        controllers=controllers,
        coins={coin.id: coin for coin in listed},
        licences=licences,
        consents=consents,
        freezes={account: {order.order: order for order in standing} for account, standing in orders},
    )
    if register.content() != raw:
        raise Unfit("its register is not written as a register is")
    if [coin.number for coin in listed] != list(range(head.coins)):
        raise Unfit("its coins are not numbered one after the other")
    sheets = [coin.sheet for coin in listed if coin.sheet is not None]
    numbers = [n for s in sheets for n in (s.reserve, s.client_money, s.unmatched, s.redemptions)]
    if any(not 0 <= number < head.accounts for number in (*numbers, *register.freezes)):
        raise Unfit("its register names an account that it does not have")
    if (coins[:, (C_ISSUED, C_REDEEMED)] < 0).any():
        raise Unfit("fewer than no coins were issued or redeemed in it")
    if book is not None:
        # Places, issuers and words that do not exist stop us here, and not the first payment.
        instant = Instant(head.instant)
        register.fill(coins.copy(), book.vocabulary, instant)
        register.next_change(book.vocabulary, instant)
    return register


# The counts


class _Counts(msgspec.Struct, forbid_unknown_fields=True):
    """Counts of one coin. Sums of money are texts: they may pass 64 bits."""

    coin: int
    minutes: list[tuple[int, int, int, str]]
    results: list[tuple[Result, int]]
    reasons: list[tuple[str, int]]
    payments: int
    refused: int
    paid_fen: str


def _encode_activity(activity_of: dict[int, Activity]) -> bytes:
    return msgspec.json.encode(
        [
            _Counts(
                coin=coin,
                minutes=[(m.start, m.accepted, m.refused, str(m.paid_fen)) for m in counts.minutes],
                results=list(counts.results.items()),
                reasons=list(counts.reasons.items()),
                payments=counts.payments,
                refused=counts.refused,
                paid_fen=str(counts.paid_fen),
            )
            for coin, counts in activity_of.items()
        ]
    )


def _decode_activity(raw: bytes) -> dict[int, Activity]:
    return {
        counts.coin: Activity(
            minutes=deque(
                (
                    Minute(start, accepted, refused, int(paid))
                    for start, accepted, refused, paid in counts.minutes
                ),
                maxlen=MINUTES_KEPT,
            ),
            results=Counter(dict(counts.results)),
            reasons=Counter(dict(counts.reasons)),
            payments=counts.payments,
            refused=counts.refused,
            paid_fen=int(counts.paid_fen),
        )
        for counts in msgspec.json.decode(raw, type=list[_Counts])
    }
