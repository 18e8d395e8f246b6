"""Reading ahead: one thread makes things ready, in their order, while another uses those made before.

What is ready waits in a row of limited size, so memory does not grow with the
journal. An error waits in the row too, behind all that was made before it.
Once the row was full it is filled again when half of it is used: were the thread woken
for each thing, two threads would hand Python's lock to and fro, at small things all day.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

MOST_BYTES = 16 << 20
"""How much may wait in the row: some 30 frames of full batches. One larger thing waits alone."""


def ahead(
    things: Iterable[T], size: Callable[[T], int], *, most_bytes: int = MOST_BYTES
) -> Generator[T, None, None]:
    """Give what *things* gives, in its order, made in a thread of its own; *size* of each is in bytes.

    Whatever *things* raises is raised here once all before it were given. When this iterator is closed
    or ends, the thread has ended too.
    """
    row = _Row(size, most_bytes)
    thread = threading.Thread(target=row.fill, args=(things,), name="jiaozi-ahead", daemon=True)
    thread.start()
    try:
        yield from row
    finally:
        row.cancel()
        thread.join()
    if row.error is not None:
        raise row.error


class _Row(Iterator[T]):
    """What is ready, first in, first out."""

    def __init__(self, size: Callable[[T], int], most_bytes: int) -> None:
        self.error: BaseException | None = None
        self._size = size
        self._most_bytes = most_bytes
        self._changed = threading.Condition()  # guards what follows
        self._ready: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._is_over = False
        self._is_cancelled = False

    def fill(self, things: Iterable[T]) -> None:
        """Put *things* into the row until there are no more, or nobody wants them."""
        try:
            for thing in things:
                if not self._put(thing, self._size(thing)):
                    break
        except BaseException as error:  # it is raised where the things are used
            self.error = error
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def _put(self, thing: T, size: int) -> bool:
        with self._changed:
            while self._ready and self._bytes + size > self._most_bytes and not self._is_cancelled:
                self._changed.wait()
            self._ready.append((thing, size))
            self._bytes += size
            self._changed.notify()
            return not self._is_cancelled

    def __next__(self) -> T:
        with self._changed:
            while not self._ready and not self._is_over:
                self._changed.wait()
            if not self._ready:
                raise StopIteration
            thing, size = self._ready.popleft()
            self._bytes -= size
            if self._bytes <= self._most_bytes // 2:
                self._changed.notify()
            return thing

    def cancel(self) -> None:
        """Let whoever fills the row stop."""
        with self._changed:
            self._is_cancelled = True
            self._changed.notify()
