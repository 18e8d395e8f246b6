"""The fast executor: buckets on several threads, the levels above them, and one bucket for a proof.

A piece of work is a run of adjacent buckets. A thread takes one, deals the balances into it, hashes it a few
buckets at a time, and takes the next; compiled code lets the others run meanwhile. The calling thread tells
progress, asks whether to stop and can be interrupted. Memory is 40 kB for each bucket of a run
(67 MB for each thread) and 40 bytes for each bucket of the tree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof.hashing import above, bucket
from jiaozi.proof.hashing.bucket import PLACES, STRIDE
from jiaozi.proof.hashing.dealing import ROW, Hand, gathered, hand_of
from jiaozi.proof.hashing.lanes import Words
from jiaozi.proof.hashing.pages import Pages
from jiaozi.proof.places import Places
from jiaozi.proof.plain import EMPTY_HASH, SUM_LIMIT, Balances, Digests, Level, Progress, Stop

THREADS = 2
RUN_BUCKETS = 2_048
"""Buckets in a run at most: 16 kB of the file at each place."""

RUNS_PER_THREAD = 8
"""Runs for each thread, if they are not longer than that, so that none waits long for the last."""

STEP_BUCKETS = 32
"""Buckets hashed before the thread looks whether it should stop: 6 ms."""

POLL_S = 0.05
"""How often the caller is told of progress and asked whether to stop."""

SCANNED = 1 << 20
"""Balances looked at together in search of a negative one."""

NO_NUMBERS = np.zeros(0, dtype=np.int64)


class _TooLarge(Exception):
    """A balance or a sum in some bucket reached 2^63."""


def buckets_of(
    balances: Balances,
    *,
    master: bytes,
    epoch: int,
    wholesale: NDArray[np.int64],
    threads: int = THREADS,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Level:
    """Return sum and hash of every bucket; *wholesale* are account numbers in their order.

    *balances* may be an `np.memmap` larger than memory. Raises `ProofError` for a negative balance, for a sum
    of 2^63 fen or more, and when *stop* asks to.
    """
    assert threads > 0
    fen = _as_words(balances)
    places = Places(len(fen), len(wholesale))
    numbers = np.ascontiguousarray(wholesale, dtype=np.int64)
    large_fen = gathered(fen, numbers)
    sums = np.zeros(places.buckets, dtype=np.uint64)
    digests = np.zeros((places.buckets, 8), dtype=np.uint32)
    cut = places.ordinary_buckets
    hands = (
        hand_of(fen, NO_NUMBERS, numbers, sums[:cut], digests[:cut]),
        hand_of(large_fen, numbers, NO_NUMBERS, sums[cut:], digests[cut:]),
    )
    work = _Work(_head(master, epoch), deque(run for hand in hands for run in _runs(hand, threads)), threads)
    try:
        _oversee(work, progress, stop)
        is_too_large = sum(sums.tolist()) >= SUM_LIMIT
    except _TooLarge:
        is_too_large = True
    if is_too_large:
        raise _refused(balances, fen)
    return Level(sums, _bytes_of(digests))


def prepare() -> None:
    """Compile all that is compiled, or load it: the first time takes about half a minute."""
    buckets = buckets_of(np.zeros(4_097, dtype=np.int64), master=bytes(32), epoch=0, wholesale=NO_NUMBERS)
    levels_above(buckets)
    bucket_levels(NO_NUMBERS, NO_NUMBERS, master=bytes(32), epoch=0)


def bucket_levels(
    accounts: NDArray[np.int64], balances: Balances, *, master: bytes, epoch: int
) -> list[Digests]:
    """Return the seven levels of one bucket, leaves first: 4,096 hashes, 1,024, and so on up to one.

    *accounts* and *balances* (at most 4,096 each) stand in the order of their places. Raises `ProofError`
    like `buckets_of`.
    """
    assert len(accounts) == len(balances) <= PLACES
    count = len(accounts)
    numbers = np.zeros(PLACES, dtype=np.uint64)
    numbers[:count] = accounts
    fen = np.zeros(PLACES, dtype=np.uint64)
    fen[:count] = _as_words(balances)
    if bucket.sum_of(fen, count)[1]:
        raise _refused(balances, fen[:count])

    below, over = _scratch(), _scratch()
    bucket.leaves(numbers, fen, count, _head(master, epoch), below, over)
    levels = [_column_bytes(below, PLACES)]
    nodes = PLACES // 4
    while nodes:
        bucket.level_above(below, nodes, over)
        levels.append(_column_bytes(over, nodes))
        below, over = over, below
        nodes //= 4
    return levels


def levels_above(buckets: Level) -> list[Level]:
    """Return *buckets*, filled up with empty ones to a power of four, and every level above them.

    Raises `ProofError` if their sums add up to 2^63 fen or more.
    """
    width = 1
    while width < len(buckets.sums):
        width *= 4
    sums = np.zeros(width, dtype=np.uint64)
    sums[: len(buckets.sums)] = buckets.sums
    hashes = np.empty((width, 32), dtype=np.uint8)
    hashes[:] = np.frombuffer(EMPTY_HASH, dtype=np.uint8)
    hashes[: len(buckets.hashes)] = buckets.hashes
    levels = [Level(sums, hashes)]
    digests = np.ascontiguousarray(hashes).view(">u4").astype(np.uint32)
    while width > 1:
        width //= 4
        sums_above = np.empty(width, dtype=np.uint64)
        digests_above = np.empty((width, 8), dtype=np.uint32)
        if above.level_above(sums, digests, sums_above, digests_above):
            raise ProofError("the balances add up to 2^63 fen or more")
        sums, digests = sums_above, digests_above
        levels.append(Level(sums, _bytes_of(digests)))
    return levels


@dataclass(frozen=True, slots=True)
class _Run:
    """Adjacent buckets of one hand."""

    hand: Hand
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What the threads share: the runs that nobody has taken, and how many accounts were done."""

    head: Words
    runs: deque[_Run]
    threads: int
    done: deque[int] = field(default_factory=deque)
    halt: Event = field(default_factory=Event)


def _runs(hand: Hand, threads: int) -> Iterator[_Run]:
    rows = min(RUN_BUCKETS, max(STEP_BUCKETS, -(-hand.buckets // (threads * RUNS_PER_THREAD))))
    for first in range(0, hand.buckets, rows):
        yield _Run(hand, first, min(rows, hand.buckets - first))


def _oversee(work: _Work, progress: Progress | None, stop: Stop | None) -> None:
    """Do all the work on threads; what goes wrong in one of them is raised here."""
    with ThreadPoolExecutor(work.threads, thread_name_prefix="proof") as pool:
        try:
            running: set[Future[None]] = {pool.submit(_labour, work) for _ in range(work.threads)}
            while running:
                if stop is not None and stop():
                    raise ProofError("building the tree was stopped")
                finished, running = wait(running, timeout=POLL_S, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                _tell(work, progress)
        finally:
            work.halt.set()


def _tell(work: _Work, progress: Progress | None) -> None:
    done = 0
    while work.done:
        done += work.done.popleft()
    if progress is not None and done:
        progress(done)


def _labour(work: _Work) -> None:
    """Take runs until there are none. Raises `_TooLarge`."""
    dealt = np.zeros((0, ROW), dtype=np.uint64)
    accounts, even, odd = np.zeros(PLACES, dtype=np.uint64), _scratch(), _scratch()
    while not work.halt.is_set():
        try:
            run = work.runs.popleft()
        except IndexError:
            return
        hand = run.hand
        if len(dealt) < run.rows:
            dealt = np.zeros((run.rows, ROW), dtype=np.uint64)
        hand.deal(run.first, run.rows, dealt)
        _expect_next(work)
        for row in range(0, run.rows, STEP_BUCKETS):
            if work.halt.is_set():
                return
            first, rows = run.first + row, min(STEP_BUCKETS, run.rows - row)
            part = slice(first, first + rows)
            is_too_large = bucket.hash_run(
                dealt[row : row + rows],
                rows,
                hand.buckets,
                first,
                len(hand.fen),
                hand.numbers,
                work.head,
                accounts,
                even,
                odd,
                hand.sums[part],
                hand.digests[part],
            )
            if is_too_large:
                raise _TooLarge
            work.done.append(sum(hand.places_of(number) for number in range(first, first + rows)))


def _expect_next(work: _Work) -> None:
    """Have the run that a thread will take next read meanwhile."""
    try:
        run = work.runs[0]
    except IndexError:
        return
    run.hand.expect(run.first, run.rows)


def _as_words(balances: Balances) -> NDArray[np.uint64]:
    """Return *balances* as they lie, as uint64 that nobody writes to: the kernel is compiled for that one kind."""
    if balances.ndim != 1 or balances.dtype not in (np.dtype(np.int64), np.dtype(np.uint64)):
        raise ProofError("balances are one row of whole fen, int64 or uint64")
    fen = np.require(balances, requirements=["C", "A"]).view(np.uint64)
    fen.flags.writeable = False
    return fen


def _refused(balances: Balances, fen: NDArray[np.uint64]) -> ProofError:
    """Return what is wrong with *balances*: the first negative one, or their sum."""
    if balances.dtype.kind == "i":
        pages = Pages(fen)
        for start in range(0, len(fen), SCANNED):
            negative = np.flatnonzero(fen[start : start + SCANNED] >> np.uint64(63))
            pages.give_back(start, min(start + SCANNED, len(fen)))
            if len(negative):
                index = start + int(negative[0])
                return ProofError(
                    f"the balance at index {index} is negative; a holder cannot owe the issuer coins"
                )
    return ProofError("the balances add up to 2^63 fen or more")


def _head(master: bytes, epoch: int) -> Words:
    assert len(master) == 32
    assert 0 <= epoch < 2**32
    return np.array([*np.frombuffer(master, dtype=">u4").tolist(), epoch], dtype=np.uint32)


def _scratch() -> Words:
    return np.zeros(8 * STRIDE, dtype=np.uint32)


def _column_bytes(digests: Words, nodes: int) -> Digests:
    """Return the first *nodes* columns of a scratch array as hashes."""
    return _bytes_of(digests.reshape(8, STRIDE)[:, :nodes].T)


def _bytes_of(digests: NDArray[Any]) -> Digests:
    """Return rows of eight words as rows of 32 bytes."""
    return np.ascontiguousarray(digests.astype(">u4")).view(np.uint8).reshape(-1, 32)
