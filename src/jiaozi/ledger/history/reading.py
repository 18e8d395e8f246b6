"""Reading the history: transfers of an account, lookups by id, balances at any time.

Sealed units and the journal behind them are read as one. What it costs: a page of an account
reads one or two groups of 32,768 entries of each unit it looks into, then the groups its rows
are in; a balance adds up the account's entries, which lie side by side in each unit; what is
not sealed is read frame by frame, up to a segment if sealing keeps up. Nothing is remembered
between calls but the heads of the units.

A place in the history is a `Cursor`: frame and row. It stays what it is when frames are sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant
from jiaozi.ledger.history import parquet
from jiaozi.ledger.history.asked import (
    MAX_PAGE,
    Balance,
    Cursor,
    Only,
    Page,
    Piece,
    Wanted,
    added,
    check_account,
    own,
    sum_entries,
)
from jiaozi.ledger.history.rows import ENTRY, IN, OUT, ROW, TRANSFER_ROW, Gathering, Numbering, Pendings
from jiaozi.ledger.history.sealed import SealedReader
from jiaozi.ledger.history.sealing import open_pendings
from jiaozi.ledger.history.tail import Tail, must_follow
from jiaozi.ledger.history.units import ENTRIES, Unit, checked, list_units, numbering_of
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.results import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class History:
    """Reads the history of the journal in a folder, while it is written or not.

    *durable* tells up to which frame may be shown; without it every whole frame is. One object
    serves one thread at a time and takes note of what is sealed meanwhile.
    """

    def __init__(self, journal: Path, *, durable: Callable[[], int] | None = None) -> None:
        self.journal = journal
        self.durable = durable
        self._connection: DuckDBPyConnection | None = None
        self._units: list[Unit] = []
        self._numbering = Numbering()
        self._tail = Tail(journal)
        self._is_held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let everything asked meanwhile be of one moment, whatever is written or sealed beside it."""
        self._look()
        before = self.durable
        if before is not None:
            last = before()
        else:
            first = self._units[-1].head.last + 1 if self._units else 1
            last = first - 1
            for frame in read_frames(self.journal, first):
                last = frame.sequence
        self.durable, self._is_held = (lambda: last), True
        try:
            yield
        finally:
            self.durable, self._is_held = before, False

    def close(self) -> None:
        """Let go of the files."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what is asked ------------------------------------------------------

    def account_transfers(
        self,
        account: int,
        *,
        after: Cursor | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = MAX_PAGE,
        newest_first: bool = False,
        only: Only = None,
        results: Sequence[Result] | None = None,
        with_released: bool = True,
    ) -> Page:
        """Return up to *limit* rows of *account*, refused ones and releases among them.

        *after* is the `next` of the page before. Raises `ValueError` for what cannot be asked,
        `JournalError` when journal or sealed files are damaged.
        """
        check_account(account)
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"a page has 1 to {MAX_PAGE:,} transfers, not {limit}")
        if only not in (None, "in", "out"):
            raise ValueError(f'only {only!r} is none; it is "in", "out" or None for both')
        chosen = None if results is None else frozenset(Result(result) for result in results)
        wanted = Wanted(account, after, since, until, only, chosen, with_released, newest_first)
        self._look()
        pieces: list[Piece] = []
        found = 0
        for piece in self._pieces(wanted, limit):
            kept = piece.only(np.flatnonzero(wanted.keeps(piece.rows, piece.is_out)))
            pieces.append(kept)
            found += len(kept.rows)
            if found > limit:  # one more than asked for tells that there is a next page
                break
        return self._page(pieces, limit)

    def account_balances(
        self,
        account: int,
        *,
        after: Cursor | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: int = MAX_PAGE,
        newest_first: bool = False,
    ) -> tuple[Page, list[Balance]]:
        """Return the rows of *account* and its balance after each; refused ones changed nothing."""
        page = self.account_transfers(
            account, after=after, since=since, until=until, limit=limit, newest_first=newest_first
        )
        if not len(page):
            return page, []
        order = range(len(page) - 1, -1, -1) if newest_first else range(len(page))
        at = self._sum(account, before=page.cursor(order[0]))
        found: list[Balance] = [at] * len(page)
        for index in order:
            change, reserved = int(page.change[index]), int(page.reserved[index])
            out = reserved if page.is_out[index] else 0
            at = Balance(at.balance + change, at.pending_out + out, at.pending_in + reserved - out)
            found[index] = at
        return page, found

    def lookup(self, ids: Sequence[tuple[int, int]]) -> Page:
        """Return the row of each id (lo, hi) that was ever decided, in the order of the journal.

        The row that took the id: the booked one, else the first that was refused. Reads the id
        columns of all units, those of ids that carry their time in the groups of that time.
        """
        if len(ids) > MAX_PAGE:
            raise ValueError(f"a lookup takes at most {MAX_PAGE:,} ids, not {len(ids):,}")
        for lo, hi in ids:
            if not (0 <= lo < 1 << 64 and 0 <= hi < 1 << 64):
                raise ValueError("an id is two halves of 64 bits, (lo, hi)")
        self._look()
        wanted = set(ids)
        best: dict[tuple[int, int], tuple[bool, Piece, int]] = {}
        for piece in self._with_ids(wanted):
            for place, row in enumerate(piece.rows):
                key = int(row["id_lo"]), int(row["id_hi"])
                is_booked = row["result"] == Result.CREATED
                if key not in best or (is_booked and not best[key][0]):
                    best[key] = bool(is_booked), piece, place
        rows = [piece.only(np.array([place])) for _, piece, place in best.values()]
        rows.sort(key=lambda piece: (int(piece.rows[0]["frame"]), int(piece.rows[0]["row"])))
        return self._page(rows, MAX_PAGE)

    def balance_at(self, account: int, instant: Instant) -> Balance:
        """Return what *account* had after every frame up to and with *instant*.

        A pending transfer whose time is up counts until the frame that released it.
        """
        return self.balance_before(account, Instant(instant + 1))

    def balance_before(self, account: int, instant: Instant) -> Balance:
        """Return what *account* had after every frame before *instant*."""
        check_account(account)
        self._look()
        return self._sum(account, until=instant)

    def balances_at(self, instant: Instant) -> dict[str, NDArray[np.int64]]:
        """Return account, balance, pending_out and pending_in of all accounts that ever had an entry.

        Adds up all entries, some 30 million a second; the amounts in fen.
        """
        self._look()
        until = Instant(instant + 1)
        parts = [self._sums_of_units(until)]
        for gathering in self.tail():
            rows, entries = gathering.rows(), gathering.entries()
            if len(rows) and rows["instant"][0] < until:
                parts.append(_sums(entries))
        accounts = np.concatenate([part["account"] for part in parts])
        numbers, where = np.unique(accounts, return_inverse=True)
        found = {"account": numbers}
        for name in ("balance", "pending_out", "pending_in"):
            found[name] = np.zeros(len(numbers), dtype=np.int64)
            np.add.at(found[name], where, np.concatenate([part[name] for part in parts]))
        return found

    def _sums_of_units(self, until: Instant) -> dict[str, NDArray[np.int64]]:
        wanted = Wanted(0, None, None, until, None, None, True, newest_first=True)
        reads = []
        for unit in self._units:
            if wanted.touches(unit):
                cut = self._sealed.positions(unit, wanted)[1]
                path = parquet.source(checked(unit, ENTRIES))
                reads.append(f"SELECT account, side, change, reserved FROM {path} WHERE position < {cut}")
        if not reads:
            return _sums(np.zeros(0, dtype=ENTRY))
        query = (
            "SELECT account::BIGINT AS account, sum(change)::BIGINT AS balance, "
            f"coalesce(sum(reserved) FILTER (side = {OUT}), 0)::BIGINT AS pending_out, "
            f"coalesce(sum(reserved) FILTER (side = {IN}), 0)::BIGINT AS pending_in "
            f"FROM ({' UNION ALL '.join(reads)}) GROUP BY account"
        )
        return parquet.fetch(self.connection, self._units[0].path(ENTRIES), query)

    # -- the parts ----------------------------------------------------------

    @property
    def _sealed(self) -> SealedReader:
        return SealedReader(self.connection)

    @property
    def units(self) -> list[Unit]:
        """The sealed units, as last looked at."""
        return self._units

    @property
    def connection(self) -> DuckDBPyConnection:
        """The database that reads the sealed files."""
        if self._connection is None:
            self._connection = parquet.connect()
        return self._connection

    def tail(self, account: int | None = None, pendings: Pendings | None = None) -> Iterator[Gathering]:
        """Give what stands behind the sealed units, a frame at a time, in a gathering of its own.

        *pendings* are those open behind the last unit; they are read when none are given.
        """
        first = self._units[-1].head.last + 1 if self._units else 1
        last_hash = bytes.fromhex(self._units[-1].head.last_hash) if self._units else None
        held = open_pendings(self.connection, self._units) if pendings is None and self._units else pendings
        held = {} if held is None else held
        durable = self.durable() if self.durable else None
        if account is None:
            frames = read_frames(self.journal, first)
        else:
            frames = self._tail.frames_of(account, first, durable, last_hash)
        for frame in frames:
            if durable is not None and frame.sequence > durable:
                return
            must_follow(frame, first, last_hash)
            gathering = Gathering(self._numbering, held, account)
            gathering.take(frame)
            yield gathering

    def _look(self) -> None:
        """Take note of units that were sealed since, if any were."""
        if self._is_held:
            return
        self._units = list_units(self.journal, known={unit.folder: unit for unit in self._units})
        self._numbering = numbering_of(self._units)

    def _pieces(self, wanted: Wanted, limit: int) -> Iterator[Piece]:
        """Give the rows of the account piece by piece, in the order wanted."""
        units = [unit for unit in self._units if wanted.touches(unit)]
        if wanted.newest_first:
            yield from self._tail_pieces(wanted, limit)
        for unit in reversed(units) if wanted.newest_first else units:
            yield from self._unit_pieces(unit, wanted, limit)
        if not wanted.newest_first:
            yield from self._tail_pieces(wanted, limit)

    def _tail_pieces(self, wanted: Wanted, limit: int) -> Iterator[Piece]:
        newest: list[Piece] = []
        held = 0
        for gathering in self.tail(wanted.account):
            if not gathering.count:
                continue
            piece = Piece(gathering.rows(), own(gathering.entries(), wanted.account), gathering.notes)
            if not wanted.newest_first:
                yield piece
                continue
            newest.append(piece.only(np.flatnonzero(wanted.keeps(piece.rows, piece.is_out))))
            held += len(newest[-1].rows)
            while newest and held - len(newest[0].rows) > limit:
                held -= len(newest.pop(0).rows)
        for piece in reversed(newest):
            yield piece.only(np.arange(len(piece.rows))[::-1])

    def _unit_pieces(self, unit: Unit, wanted: Wanted, limit: int) -> Iterator[Piece]:
        where = ["account = ?"]
        if wanted.only is not None:
            where.append(f"side = {OUT if wanted.only == 'out' else IN}")
        low, high = self._sealed.positions(unit, wanted)
        if low > 0:
            where.append(f"position >= {low}")
        if high < unit.rows:
            where.append(f"position < {high}")
        entries = self._sealed.entries(unit, " AND ".join(where), [wanted.account])
        if wanted.newest_first:
            entries = entries[::-1]
        # Filters may drop some, so that more than one round can be needed.
        for start in range(0, len(entries), limit + 1):
            yield self._sealed.rows(unit, entries[start : start + limit + 1])

    def _with_ids(self, ids: set[tuple[int, int]]) -> Iterator[Piece]:
        """Give the transfers with one of *ids*, in the order of the journal."""
        if not ids:
            return
        keys = np.array(sorted(ids), dtype=np.uint64)
        for unit in self._units:
            yield self._sealed.with_ids(unit, keys)
        near = np.unique(keys[:, 0])
        for gathering in self.tail():
            rows = gathering.rows()
            is_decided = (rows["kind"] == TRANSFER_ROW) & (rows["result"] != Result.NOT_TRIED)
            places = np.flatnonzero(is_decided & np.isin(rows["id_lo"], near)).tolist()
            same = [at for at in places if (int(rows[at]["id_lo"]), int(rows[at]["id_hi"])) in ids]
            piece = Piece(rows, np.zeros(len(rows), dtype=ENTRY), gathering.notes)
            yield piece.only(np.array(same, dtype=np.intp))

    def _sum(self, account: int, *, before: Cursor | None = None, until: Instant | None = None) -> Balance:
        """Add up the entries of *account* in the rows before a place or an instant."""
        wanted = Wanted(account, before, None, until, None, None, True, newest_first=True)
        units = [unit for unit in self._units if wanted.touches(unit)]
        cuts = [self._sealed.positions(unit, wanted)[1] for unit in units]
        whole = [unit for unit, cut in zip(units, cuts, strict=True) if cut == unit.rows]
        total = Balance(0, 0, 0)
        if whole:
            total = self._sealed.sum_of(account, whole, None)
        for unit, cut in zip(units, cuts, strict=True):
            if cut < unit.rows:
                total = added(total, self._sealed.sum_of(account, [unit], cut))
        if len(whole) == len(self._units):
            for gathering in self.tail(account):
                entries = own(gathering.entries(), account)
                kept = wanted.keeps(gathering.rows(), entries["side"] == OUT)
                total = added(total, sum_entries(entries[kept]))
        return total

    def _page(self, pieces: Sequence[Piece], limit: int) -> Page:
        rows = np.concatenate([np.zeros(0, dtype=ROW), *(piece.rows for piece in pieces)])
        entries = np.concatenate([np.zeros(0, dtype=ENTRY), *(piece.entries for piece in pieces)])
        notes: dict[int, str] = {}
        start = 0
        for piece in pieces:
            notes |= {start + at: note for at, note in piece.notes.items() if start + at < limit}
            start += len(piece.rows)
        more = len(rows) > limit
        rows, entries = rows[:limit], entries[:limit]
        following = Cursor(int(rows[-1]["frame"]), int(rows[-1]["row"])) if more else None
        return Page(
            rows, entries["side"] == OUT, entries["change"].copy(), entries["reserved"].copy(), notes, following,
            self._numbering,
        )  # fmt: skip


def _sums(entries: NDArray[np.void]) -> dict[str, NDArray[np.int64]]:
    """Return what *entries* of one frame come to, by account."""
    accounts, where = np.unique(entries["account"].astype(np.int64), return_inverse=True)
    sums = {
        name: np.zeros(len(accounts), dtype=np.int64) for name in ("balance", "pending_out", "pending_in")
    }
    out = entries["side"] == OUT
    np.add.at(sums["balance"], where, entries["change"])
    np.add.at(sums["pending_out"], where[out], entries["reserved"][out])
    np.add.at(sums["pending_in"], where[~out], entries["reserved"][~out])
    return {"account": accounts, **sums}


__all__ = ["MAX_PAGE", "Balance", "Cursor", "History", "Page"]
