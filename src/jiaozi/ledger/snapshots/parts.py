"""What is in a snapshot: a state taken apart, and put together again with nothing believed.

The arrays go as they are. The register, the law and the counts go as JSON, since
they are small and change their shape from one Jiaozi to the next. Whatever comes
back is checked before it is used: the kernel asks no array whether a number fits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.ledger.activity import MINUTES_KEPT, Activity, Minute
from jiaozi.ledger.digests import digest_of
from jiaozi.ledger.facts import ConsentGranted, FreezeOrdered, LicenceGranted, LimitSet
from jiaozi.ledger.journal.frames import NO_HASH
from jiaozi.ledger.posting.arena import populate, reserve
from jiaozi.ledger.posting.holders import Holders
from jiaozi.ledger.posting.idindex import Table, content_of, content_of_rows, count_of, make_room, new_table
from jiaozi.ledger.posting.pendings import Pendings
from jiaozi.ledger.posting.supplied import C_FROZEN, C_ISSUED, C_REDEEMED, COIN_KEPT, COIN_WIDTH
from jiaozi.ledger.records import ACCOUNT, COUNTS, PENDING, Accounts
from jiaozi.ledger.register import Coin, Register
from jiaozi.ledger.results import Result
from jiaozi.ledger.snapshots.files import CHUNK_BYTES, READ_AHEAD, Head, SnapshotReader, SnapshotWriter, Unfit
from jiaozi.ledger.snapshots.ids import ROW_BYTES, make_ready, pack, unpack
from jiaozi.ledger.state import FIRST_INSTANT, LAST_INSTANT, MAX_ACCOUNTS, State
from jiaozi.ledger.taking import ORDER_FLAGS, check_fits, check_reasons, write_orders
from jiaozi.rulebook.machine.program import Int64s
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read

PARTS = ("accounts", "counts", "coins", "ids", "pendings", "numbers", "register", "law", "activity")
"""The parts of a file, in this order. Whatever else a state comes to hold becomes a part of its own,
and the format another one."""

_SPARE_ACCOUNTS = 1 << 10
_SPARE_IDS = 1 << 20


class _Numbers(msgspec.Struct, forbid_unknown_fields=True):
    """What a state holds in single numbers, see `State`."""

    ids_taken: int
    horizon_ms: int
    has_counts: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """What goes into a snapshot: the arrays of a state, and the rest as JSON.

    *ids* is the table, or when *is_copy* the rows of it that have not expired. *counts* is empty
    while no law counts payments.
    """

    accounts: Accounts
    counts: NDArray[np.void]
    coins: Int64s
    ids: Table
    is_copy: bool
    pendings: NDArray[np.void]
    numbers: _Numbers
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
            counts=state.counts if state.has_counts else np.zeros(0, dtype=COUNTS),
            coins=state.coins,
            ids=state.ids,
            is_copy=False,
            pendings=state.pendings.open(),
            numbers=_Numbers(state.ids_taken, state.horizon_ms, state.has_counts),
            register=state.register.content(),
            law=msgspec.json.encode(_Law(dict(book.texts), list(book.drafts)) if book else None),
            law_digest=book.digest if book else NO_HASH,
            activity=_encode_activity(state.activity_of),
        )

    def copied(self, room: Room) -> Picture:
        """Return a picture of its own, in *room*, which stays as it is when the state moves on."""
        accounts, rows = room.accounts, room.ids
        if len(accounts) < len(self.accounts) or len(rows) < count_of(self.ids):
            larger = Room.of(len(self.accounts), count_of(self.ids))
            accounts, rows = larger.accounts, larger.ids
        accounts = accounts[: len(self.accounts)]
        accounts.view(np.uint8)[:] = self.accounts.view(np.uint8)
        _, filled = pack(self.ids, 0, rows, self.numbers.horizon_ms)
        return replace(
            self,
            accounts=accounts,
            counts=self.counts.copy(),
            coins=self.coins.copy(),
            ids=rows[:filled],
            is_copy=True,
        )


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for a picture's copy, asked of the system before the cut: finding it takes longer than copying."""

    accounts: Accounts
    ids: Table

    @classmethod
    def of(cls, account_count: int, ids: int, holders_folder: Path | None = None) -> Room:
        make_ready()
        room = cls(
            Holders.reserve(holders_folder, account_count, least=account_count).rows,
            reserve(np.uint64, 3 * ids, least=3 * ids).reshape(-1, 3),
        )
        for array in (room.accounts, room.ids):
            populate(array, 0, len(array))
        return room

    @classmethod
    def beside(cls, state: State) -> Room:
        """Return room for *state*, beside its scratch file if it has one, and for what may come until the cut.

        Raises `NotReady` when that disk has no room.
        """
        return cls.of(
            state.account_count + _SPARE_ACCOUNTS, count_of(state.ids) + _SPARE_IDS, state.holders_folder
        )


def write_parts(file: SnapshotWriter, picture: Picture) -> tuple[str, int]:
    """Write the parts of *picture*; return the digest of the state it is of, and how many ids were written."""
    numbers = picture.numbers
    accounts = file.part("accounts", _chunks(picture.accounts))
    counts = file.part("counts", _chunks(picture.counts))
    content = content_of_rows if picture.is_copy else content_of
    state = digest_of(
        accounts,
        counts,
        picture.coins[:, :COIN_KEPT],
        content(picture.ids, numbers.horizon_ms),
        picture.pendings,
        picture.register,
        account_count=len(picture.accounts),
        ids_taken=numbers.ids_taken,
        horizon_ms=numbers.horizon_ms,
        law=picture.law_digest.hex() if picture.law_digest != NO_HASH else "",
    )
    file.part("coins", _chunks(np.ascontiguousarray(picture.coins[:, :COIN_KEPT])))
    written = _Counter()
    ids = _chunks(picture.ids) if picture.is_copy else _id_chunks(picture.ids, numbers.horizon_ms)
    file.part("ids", written.counted(ids))
    file.part("pendings", [picture.pendings.tobytes()])
    file.part("numbers", [msgspec.json.encode(numbers)])
    file.part("register", [picture.register])
    file.part("law", [picture.law])
    file.part("activity", [picture.activity])
    return state, written.bytes // ROW_BYTES


class _Counter:
    """Counts the bytes that pass."""

    def __init__(self) -> None:
        self.bytes = 0

    def counted(self, chunks: Iterator[memoryview]) -> Iterator[memoryview]:
        for chunk in chunks:
            self.bytes += chunk.nbytes  # its length may be in numbers of 8 bytes
            yield chunk


def read_state(file: SnapshotReader, holders_folder: Path | None = None) -> State:
    """Return the state in *file*; with *holders_folder* its accounts lie in a scratch file there.

    Raises `Unfit`, or what reading nonsense raises: a reason not to use it; `NotReady` when that disk will not do.
    """
    head = file.head
    numbers = msgspec.json.decode(file.whole("numbers"), type=_Numbers)
    for name, count, width in (
        ("accounts", head.accounts, ACCOUNT.itemsize),
        ("counts", head.accounts if numbers.has_counts else 0, COUNTS.itemsize),
        ("coins", head.coins, 8 * COIN_KEPT),
        ("ids", head.ids, ROW_BYTES),
    ):
        if file.size(name) != count * width:
            raise Unfit(f"it counts {count} {name}, but has {file.size(name)} bytes of them")
    if not 0 <= numbers.horizon_ms <= max(head.instant, 0) // 1_000_000 or numbers.ids_taken < head.ids:
        raise Unfit("what it says of the ids that were taken cannot be")
    if head.accounts > MAX_ACCOUNTS:
        raise Unfit(f"it counts {head.accounts} accounts, more than fit a ledger")
    if not FIRST_INSTANT <= head.instant < LAST_INSTANT:
        raise Unfit(f"its instant is {head.instant} ns, which cannot be")
    book = _decode_law(file.whole("law"), head)
    register_content = file.whole("register")
    coins = np.zeros((head.coins, COIN_WIDTH), dtype=np.int64)
    coins[:, :COIN_KEPT] = np.frombuffer(file.whole("coins"), dtype=np.int64).reshape(head.coins, COIN_KEPT)
    register = _decode_register(register_content, coins, head, book)
    activity_of = _decode_activity(file.whole("activity"))
    pendings = _decode_pendings(file.whole("pendings"), head)

    holders = Holders.reserve(
        holders_folder, MAX_ACCOUNTS, least=min(head.accounts + _SPARE_ACCOUNTS, MAX_ACCOUNTS)
    )
    hashed = file.into(
        "accounts",
        _pieces(holders.rows, head.accounts),
        lambda piece: _check_accounts(piece, head, book),
    )
    _check_orders(holders.rows[: head.accounts], register)
    for account in register.freezes:
        record = holders.rows[account]
        coins[record["coin"], C_FROZEN] += register.frozen_of(account, record)
    counts: NDArray[np.void] = reserve(COUNTS, len(holders.rows), least=len(holders.rows))
    counted = file.into("counts", _pieces(counts, head.accounts if numbers.has_counts else 0), lambda _: None)
    ids, rows = make_room(new_table(head.ids), head.ids), CHUNK_BYTES // ROW_BYTES
    buffers = np.empty((min(READ_AHEAD, -(-head.ids // rows)), min(rows, head.ids), 3), dtype=np.uint64)
    pieces = (
        buffers[number % READ_AHEAD, : min(rows, head.ids - at)]
        for number, at in enumerate(range(0, head.ids, rows))
    )
    for piece in file.given("ids", pieces, lambda _: None):
        _put_ids(piece, ids)
    digest = digest_of(
        hashed,
        counted,
        coins[:, :COIN_KEPT],
        content_of(ids, numbers.horizon_ms),
        pendings.open(),
        register_content,
        account_count=head.accounts,
        ids_taken=numbers.ids_taken,
        horizon_ms=numbers.horizon_ms,
        law=book.digest.hex() if book else "",
    )
    if digest != head.state:
        raise Unfit("the state that comes out is not the one that went in")
    return State.of(
        holders=holders,
        counts=counts,
        account_count=head.accounts,
        coins=coins,
        ids=ids,
        ids_taken=numbers.ids_taken,
        horizon_ms=numbers.horizon_ms,
        has_counts=numbers.has_counts,
        pendings=pendings,
        register=register,
        book=book,
        activity_of=activity_of,
    )


def _pieces(array: NDArray[np.void], count: int) -> Iterator[NDArray[np.void]]:
    """Yield the first *count* rows of *array*, in pieces of a chunk."""
    rows = CHUNK_BYTES // array.dtype.itemsize
    for at in range(0, count, rows):
        yield array[at : min(at + rows, count)]


def _decode_pendings(raw: bytes, head: Head) -> Pendings:
    opened = np.frombuffer(raw, dtype=PENDING).copy()
    if (opened["debit"] >= head.accounts).any() or (opened["credit"] >= head.accounts).any():
        raise Unfit("a pending transfer in it belongs to an account that it does not have")
    return Pendings.of(opened)


# Accounts and ids


def _chunks(array: NDArray[Any]) -> Iterator[memoryview]:
    raw = array.reshape(-1).view(np.uint8)
    for at in range(0, len(raw), CHUNK_BYTES):
        yield raw[at : at + CHUNK_BYTES].data


def _id_chunks(ids: Table, horizon_ms: int) -> Iterator[memoryview]:
    rows, at = np.empty((CHUNK_BYTES // ROW_BYTES, 3), dtype=np.uint64), 0
    while at < len(ids):
        at, filled = pack(ids, at, rows, horizon_ms)
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


def _check_orders(accounts: Accounts, register: Register) -> None:
    """Raise `Unfit` unless accounts are flagged as limited exactly where the register has orders and limits.

    For a flag without them the kernel would look for limits that there are not.
    """
    flagged: list[int] = []
    rows = CHUNK_BYTES // ACCOUNT.itemsize
    for first in range(0, len(accounts), rows):
        flags = accounts["flags"][first : first + rows]
        flagged += (first + np.flatnonzero(flags & np.uint16(ORDER_FLAGS))).tolist()
    named = sorted({*register.freezes, *register.limits, *flagged})
    copies = accounts[named].copy()
    for number, account in enumerate(named):
        write_orders(copies, number, register, account)
    if not np.array_equal(copies["flags"], accounts["flags"][named]):
        raise Unfit("an account in it is flagged otherwise than its orders and limits say")


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
    check_reasons(book)
    return book


# The register

_Register = tuple[
    dict[str, str],
    dict[str, str],
    list[Coin],
    list[LicenceGranted],
    list[ConsentGranted],
    list[tuple[int, list[FreezeOrdered]]],
    list[LimitSet],
    int | None,
]


def _decode_register(raw: bytes, coins: Int64s, head: Head, book: Book | None) -> Register:
    """Return the register whose `content()` is *raw*. Raises when the ledger could not work with it."""
    issuers, controllers, listed, licences, consents, orders, limits, id_window = msgspec.json.decode(
        raw, type=_Register
    )
    register = Register(
        issuers=issuers,
        controllers=controllers,
        coins={coin.id: coin for coin in listed},
        licences=licences,
        consents=consents,
        freezes={account: {order.order: order for order in standing} for account, standing in orders},
        limits={limit.account: limit for limit in limits},
        id_window=id_window,
    )
    if register.content() != raw:
        raise Unfit("its register is not written as a register is")
    if [coin.number for coin in listed] != list(range(head.coins)):
        raise Unfit("its coins are not numbered one after the other")
    sheets = [coin.sheet for coin in listed if coin.sheet is not None]
    numbers = [n for s in sheets for n in (s.reserve, s.client_money, s.unmatched, s.redemptions)]
    if any(not 0 <= number < head.accounts for number in (*numbers, *register.limited())):
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
