"""Holds a whole file against its official schema, in one stream and with flat memory.

Whatever could grow without end is bounded: how deep elements stand inside one
another, what stands between two entries, the payments inside one entry. A file that
passes is passed once. A broken one is passed again, slowly, to find the line and
the path of every fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jiaozi.bank.faults import in_words
from jiaozi.bank.xml import CHUNK_BYTES, SYNTAX_ERRORS, Copy, Message, parser_for, schema_of, syntax_mistake
from jiaozi.errors import Mistake, StatementError

LISTED_FAULTS = 50
"""Faults of one file that are listed one by one; the rest is counted."""

COUNTED_FAULTS = 1_000
"""After so many faults counting stops too: the file is of another kind."""

DEEPEST = 100
"""Elements inside one another. The schemas need fewer than thirty."""

MOST_BETWEEN_BYTES = 4_000_000
"""Bytes between the ends of two entries, payments or statements; reading holds them in memory together."""

MOST_DETAILS = 100_000
"""Payments inside one entry; an entry is one record and holds them all."""


class _TooMuch(Exception):
    """A bound was passed; the argument says which."""


class _Bounds:
    """Passes a file by and stops it where something grows beyond its bound.

    It is called twice for every element, so it does little: the bound on texts and
    on everything between two entries is counted in bytes, by `fed`, a chunk at a time.
    """

    def __init__(self, message: Message) -> None:
        space = f"{{{message.namespace}}}"
        self._entry, self._detail = space + "Ntry", space + "TxDtls"
        self._depth = 0
        self._details = 0
        self._is_moving = True
        self._between_bytes = 0

    def start(self, tag: str, attributes: object) -> None:  # noqa: ARG002, called by lxml
        self._depth += 1
        if self._depth > DEEPEST:
            raise _TooMuch(f"holds elements more than {DEEPEST} deep")

    def end(self, tag: str) -> None:
        # The same names may stand deeper, inside supplementary data; those are no entries.
        if tag == self._detail and self._depth == 6:
            self._is_moving = True
            self._details += 1
            if self._details > MOST_DETAILS:
                raise _TooMuch(f"lists more than {MOST_DETAILS:,} payments in one entry")
        elif tag == self._entry and self._depth == 4:
            self._is_moving = True
            self._details = 0
        elif self._depth == 3:  # a whole statement, perhaps one of thousands without entries
            self._is_moving = True
        self._depth -= 1

    def fed(self, size_bytes: int) -> None:
        """Count what the parser was given, and stop when no entry came to its end for too long."""
        self._between_bytes = 0 if self._is_moving else self._between_bytes + size_bytes
        self._is_moving = False
        if self._between_bytes > MOST_BETWEEN_BYTES:
            raise _TooMuch(f"holds more than {MOST_BETWEEN_BYTES:,} bytes between two entries")

    def close(self) -> None:
        """The end was reached."""


def check(copy: Copy, message: Message) -> None:
    """Hold the whole of *copy* against the schema of *message*.

    Raises `StatementError` with every fault found, up to `LISTED_FAULTS`.
    """
    bounds = _Bounds(message)
    parser = parser_for(bounds, schema_of(message))
    try:
        for chunk in copy.chunks():
            parser.feed(chunk)
            bounds.fed(len(chunk))
            if len(parser.feed_error_log):
                break
        else:
            parser.close()
    except (_TooMuch, *SYNTAX_ERRORS):
        pass  # found again below, with its place
    else:
        if not len(parser.feed_error_log):
            return
    raise StatementError(_faults(copy, message))


class _Places(_Bounds):
    """Remembers where in the file the parser stands, for the second look at a broken file."""

    _NUMBERED = ("Stmt", "Rpt", "Ntfctn", "Bal", "Ntry", "TxDtls")

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.line = 1
        self._open: list[tuple[str, int]] = []
        self._counts: list[dict[str, int]] = [{}]
        self._last: tuple[tuple[str, int], ...] = ()

    def start(self, tag: str, attributes: object) -> None:
        name = tag.rpartition("}")[2]
        shown = name
        if name in self._NUMBERED:
            counts = self._counts[-1]
            counts[name] = counts.get(name, 0) + 1
            shown = f"{name}[{counts[name]}]"
        self._open.append((shown, self.line))
        self._counts.append({})
        self._last = tuple(self._open)
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        self._last = tuple(self._open)
        self._open.pop()
        self._counts.pop()
        super().end(tag)

    def place_of(self, fault: str = "") -> tuple[str, int]:
        """Return the path and the line of the element that *fault* names, the last one met or around it."""
        path = self._last
        named = re.match(r"Element '(?:\{[^}]*\})?([^']*)'", fault)
        if named:
            inner = [n for n, (shown, _) in enumerate(path) if shown.partition("[")[0] == named[1]]
            path = path[: inner[-1] + 1] if inner else path
        if not path:
            return "file", self.line
        # Document and the message element are the same in every file; they say nothing.
        names = [shown for shown, _ in path[2:] or path]
        if len(names) > 9:
            names[4:-4] = ["..."]
        return "/".join(names), path[-1][1]


def _faults(copy: Copy, message: Message) -> list[Mistake]:
    """Pass a broken file again, line by line, and return its faults in their order.

    libxml2 gives no line to a fault found in a stream. Fed one line at a time, it
    can only mean the line it was given last.
    """
    places = _Places(message)
    parser = parser_for(places, schema_of(message))
    faults: dict[tuple[int, str], Mistake] = {}
    seen = 0
    stop: Mistake | None = None

    def collect() -> int:
        log = parser.feed_error_log
        for fault in log[seen:] if len(log) > seen else ():
            subject, line = places.place_of(fault.message)
            faults.setdefault((line, subject), Mistake(copy.name, line, subject, in_words(fault.message)))
        return len(log)

    try:
        for piece in _pieces(copy):
            # The fault belongs to the last element opened or closed. With many on one
            # line that may be a later one, so the piece is fed tag by tag.
            for part in _TAG.findall(piece):
                parser.feed(part)
                places.fed(len(part))
                seen = collect()
            places.line += piece.endswith(b"\n")
            if seen > COUNTED_FAULTS:
                break
        else:
            parser.close()
            seen = collect()
    except _TooMuch as bound:
        subject, line = places.place_of()
        stop = Mistake(copy.name, line, subject, f"{bound.args[0]}; no bank statement does, ask the bank")
    except SYNTAX_ERRORS:
        # What the schema says of the torn end is noise, so it is not collected.
        stop = _break_in(copy)

    found = list(faults.values())
    listed = found[:LISTED_FAULTS]
    if len(found) > LISTED_FAULTS:
        more = len(found) - LISTED_FAULTS
        least = "at least " if seen > COUNTED_FAULTS else ""
        listed.append(Mistake(copy.name, 0, "file", f"has {least}{more} more faults that are not listed"))
    if stop is not None:
        listed.append(stop)
    return listed or [Mistake(copy.name, 0, "file", "does not pass its schema; ask the bank")]


_TAG = re.compile(rb"[^>]*>|[^>]+", re.DOTALL)


def _pieces(copy: Copy) -> Iterator[bytes]:
    """Yield the file line by line; a very long line comes in several pieces."""
    copy.file.seek(0)
    while piece := copy.file.readline(CHUNK_BYTES):
        yield piece


class _Nothing:
    """Listens to nothing."""

    def close(self) -> None:
        """The end was reached."""


def _break_in(copy: Copy) -> Mistake | None:
    """Return where *copy* stops being well-formed XML, or None when it does not.

    Asked of a parser without a schema: with one, lxml mixes both kinds of faults.
    """
    parser = parser_for(_Nothing())
    try:
        for chunk in copy.chunks():
            parser.feed(chunk)
        parser.close()
    except SYNTAX_ERRORS as why:
        return syntax_mistake(copy, why, parser)
    return None
