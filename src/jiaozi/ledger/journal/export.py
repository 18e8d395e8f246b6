"""Frames told to people and to programs: a line each, CSV of transfers, or JSON lines.

One frame is in memory at a time, however long the journal is. Names of reasons and
places come from the law that the frame was decided under. Facts that lie before the
frames asked for, the law or the number of accounts, are looked up in the journal once.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from jiaozi.clock import Instant, moment_of
from jiaozi.errors import FactError, JournalError, RulebookError
from jiaozi.ledger.facts import AnyFact, LawEnacted, decode
from jiaozi.ledger.ids import id_text
from jiaozi.ledger.journal.frames import HEADER_BYTES, Frame, FrameKind, read_header
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.journal.segments import list_segments, sync_file, sync_folder
from jiaozi.ledger.opening import accounts_in, read_openings
from jiaozi.ledger.payload import Booked, unpack
from jiaozi.ledger.records import (
    ACTION_NAMES,
    AS_PENDING,
    OWN_PERSON,
    WHOLE,
    AccountFlag,
    Choice,
    TransferFlag,
)
from jiaozi.ledger.results import Result
from jiaozi.money import decimal_text
from jiaozi.rulebook.machine.kernel import Bits, names_of
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read

COLUMNS = (
    "frame",
    "row",
    "instant",
    "id",
    "debit",
    "credit",
    "amount",
    "asked",
    "action",
    "place",
    "travel_data",
    "purpose",
    "code",
    "flags",
    "timeout",
    "value_date",
    "memo",
    "result",
    "reasons",
    "note",
)
"""What is told of a transfer, in the order of the CSV.

Accounts, action, place and `amount` are those that moved: to post or to void takes them from the pending
transfer. `asked` is the amount as it was sent, or `whole`. Where nothing moved all is as it was sent, and
an account or an amount left to the pending transfer is empty.
"""

SHORT = 12
"""Hexadecimal digits of a digest that are shown on a line."""


@dataclass(frozen=True, slots=True)
class Range:
    """Frames asked for: from included, until excluded; by number, by instant, or by both."""

    from_frame: int = 1
    until_frame: int | None = None
    from_instant: Instant | None = None
    until_instant: Instant | None = None


def frames_in(folder: Path, wanted: Range) -> Iterator[Frame]:
    """Give the frames of *wanted*, each checked. Raises `JournalError` on damage where it is met."""
    start = wanted.from_frame
    if wanted.from_instant is not None:
        start = max(start, _segment_before(folder, wanted.from_instant))
    for frame in read_frames(folder, start):
        if wanted.until_frame is not None and frame.sequence >= wanted.until_frame:
            return
        if wanted.until_instant is not None and frame.instant >= wanted.until_instant:
            return
        if wanted.from_instant is None or frame.instant >= wanted.from_instant:
            yield frame


def _segment_before(folder: Path, instant: Instant) -> int:
    """Return the first frame of the last segment that begins before *instant*; 1 where none does."""
    start = 1
    for segment in list_segments(folder):
        with segment.path.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES))
        if header is None or header.sequence != segment.first or header.instant >= instant:
            break
        start = segment.first
    return start


class Teller:
    """Tells the frames of one journal. Knows its laws by their digest, once each was asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._enacted: dict[bytes, LawEnacted] = {}
        self._books: dict[bytes, Book | None] = {}
        self._counted = 0, 0  # the accounts that were open after this frame

    def line(self, frame: Frame) -> str:
        """Return *frame* in one line."""
        instant = moment_of(frame.instant).isoformat(timespec="microseconds")
        law, own = frame.law_digest.hex()[:SHORT], frame.hash.hex()[:SHORT]
        kind = frame.kind.name.lower()
        return f"{frame.sequence:>8}  {instant}  {kind:<9}  law {law}  hash {own}  {self._counts(frame)}"

    def told(self, frame: Frame) -> dict[str, Any]:
        """Return all of *frame*, ready for JSON; money is decimal text."""
        told = self._told(frame)
        self.note(frame)
        return told

    def note(self, frame: Frame) -> None:
        """Take note of a frame that is passed over: laws and accounts are needed for later ones."""
        if frame.kind is FrameKind.FACTS:
            self._facts(frame)
        self._count(frame)

    def _told(self, frame: Frame) -> dict[str, Any]:
        head: dict[str, Any] = {
            "frame": frame.sequence,
            "instant": moment_of(frame.instant).isoformat(timespec="microseconds"),
            "kind": frame.kind.name.lower(),
            "law": frame.law_digest.hex(),
            "previous": frame.previous_hash.hex(),
            "hash": frame.hash.hex(),
            "segment": frame.segment,
            "offset": frame.offset,
        }
        match frame.kind:
            case FrameKind.FACTS:
                return head | {"facts": msgspec.to_builtins(self._facts(frame))}
            case FrameKind.ACCOUNTS:
                return head | {"accounts": self.accounts(frame)}
            case FrameKind.TRANSFERS:
                return head | {"transfers": list(self.transfers(frame))} | _calls(self._booked(frame))

    def transfers(self, frame: Frame) -> Iterator[dict[str, Any]]:
        """Give the transfers of a frame of them, each as `COLUMNS`."""
        booked = self._booked(frame)
        instant = moment_of(frame.instant).isoformat(timespec="microseconds")
        book = self._book(frame)
        notes = booked.notes.read()
        for row, (sent, transfer) in enumerate(zip(booked.batch, booked.as_booked(), strict=True)):
            reasons = _reasons(book, booked.bits[row]) if booked.bits[row].any() else []
            yield {
                "frame": frame.sequence,
                "row": row,
                "instant": instant,
                "id": id_text(int(transfer["id_lo"]), int(transfer["id_hi"])),
                "debit": _unless(AS_PENDING, int(transfer["debit"])),
                "credit": _unless(AS_PENDING, int(transfer["credit"])),
                "amount": "" if transfer["amount"] == WHOLE else decimal_text(int(transfer["amount"])),
                "asked": "whole" if sent["amount"] == WHOLE else decimal_text(int(sent["amount"])),
                "action": ACTION_NAMES.get(int(transfer["action"]), str(int(transfer["action"]))),
                "place": _word(book, "payment.place", int(transfer["place"])),
                "travel_data": _word(book, "payment.travel_data", int(transfer["travel_data"])),
                "purpose": int(transfer["purpose"]),
                "code": int(transfer["code"]),
                "flags": _flags(TransferFlag, int(transfer["flags"])),
                "timeout": int(transfer["timeout"]),
                "value_date": _day(int(transfer["value_day"])),
                "memo": id_text(int(transfer["memo_lo"]), int(transfer["memo_hi"])),
                "result": Result(int(booked.results[row])).name.lower(),
                "reasons": reasons,
                "note": msgspec.json.encode(notes[row]).decode() if row in notes else "",
            }

    def accounts(self, frame: Frame) -> list[dict[str, Any]]:
        """Return the accounts that a frame opened: the number of the first, and how many like it follow."""
        opened, book = self._openings(frame), self._book(frame)
        firsts = self._first_account(frame) + np.cumsum(opened["count"], dtype=np.int64) - opened["count"]
        return [
            {
                "account": first,
                "count": int(account["count"]),
                "coin": int(account["coin"]),
                "flags": _flags(AccountFlag, int(account["flags"])),
                "code": int(account["code"]),
                "zone": _word(book, "payer.zone", int(account["zone"])),
                "kind": _word(book, "payer.kind", int(account["kind"])),
                "tier": _word(book, "payer.tier", int(account["tier"])),
                "person": first if account["person"] == OWN_PERSON else int(account["person"]),
            }
            for first, account in zip(firsts.tolist(), opened, strict=True)
        ]

    def _counts(self, frame: Frame) -> str:
        match frame.kind:
            case FrameKind.FACTS:
                kinds = Counter(str(fact.__struct_config__.tag) for fact in self._facts(frame))
                return "facts: " + ", ".join(
                    kind if count == 1 else f"{kind} × {count}" for kind, count in kinds.items()
                )
            case FrameKind.ACCOUNTS:
                return f"accounts opened: {accounts_in(self._openings(frame)):,}"
            case FrameKind.TRANSFERS:
                results = self._booked(frame).results
                booked = int(np.count_nonzero(results == Result.CREATED))
                return f"transfers: {len(results):,}, booked: {booked:,}, refused or known: {len(results) - booked:,}"

    # -- what the payloads are ----------------------------------------------

    def _facts(self, frame: Frame) -> list[AnyFact]:
        try:
            facts = decode(frame.payload)
        except FactError as error:
            raise _untold(frame, error) from error
        for fact in facts:
            if isinstance(fact, LawEnacted):
                self._enacted.setdefault(frame.law_digest, fact)
        return facts

    def _openings(self, frame: Frame) -> NDArray[np.void]:
        try:
            return read_openings(frame.payload)
        except JournalError as error:
            raise _untold(frame, error) from error

    def _booked(self, frame: Frame) -> Booked:
        try:
            return unpack(frame.payload)
        except JournalError as error:
            raise _untold(frame, error) from error

    def _first_account(self, frame: Frame) -> int:
        """Return the number of the first account that *frame* opened: how many were open before it."""
        if self._counted[0] + 1 < frame.sequence:
            for earlier in read_frames(self._folder, self._counted[0] + 1):
                if earlier.sequence == frame.sequence:
                    break
                self._count(earlier)
        return self._counted[1]

    def _count(self, frame: Frame) -> None:
        """Add up the accounts opened, as far as frames come one after the other."""
        through, accounts = self._counted
        if frame.sequence == through + 1:
            opened = accounts_in(self._openings(frame)) if frame.kind is FrameKind.ACCOUNTS else 0
            self._counted = frame.sequence, accounts + opened

    def _book(self, frame: Frame) -> Book | None:
        """Return the law of *frame*; None where none was enacted or its texts are no law any more."""
        digest = frame.law_digest
        if digest not in self._books:
            if digest not in self._enacted and any(digest):
                self._find_law(digest, before=frame.sequence)
            fact, book = self._enacted.get(digest), None
            if fact is not None:
                with suppress(RulebookError):
                    book = read(fact.texts, drafts=fact.drafts)
            self._books[digest] = book if book is not None and book.digest == digest else None
        return self._books[digest]

    def _find_law(self, digest: bytes, *, before: int) -> None:
        for frame in read_frames(self._folder):
            if frame.sequence >= before or digest in self._enacted:
                return
            if frame.kind is FrameKind.FACTS:
                self._facts(frame)


def as_csv(frames: Iterable[Frame], teller: Teller) -> Iterator[str]:
    """Give the transfers among *frames* as lines of CSV, the names of the columns first."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(COLUMNS)
    for frame in frames:
        if frame.kind is FrameKind.TRANSFERS:
            for told in teller.transfers(frame):
                writer.writerow(
                    " ".join(value) if isinstance(value, list) else value for value in told.values()
                )
                yield _taken(line)
        else:
            teller.note(frame)
    yield _taken(line)


def as_json_lines(frames: Iterable[Frame], teller: Teller) -> Iterator[str]:
    """Give *frames* as JSON, one object a line."""
    for frame in frames:
        yield json.dumps(teller.told(frame), ensure_ascii=False, separators=(",", ":")) + "\n"


FORMATS = {"csv": as_csv, "jsonl": as_json_lines}


def write_file(path: Path, lines: Iterable[str]) -> None:
    """Write *lines* into the new file *path*, which is there complete or not at all.

    Raises `FileExistsError` rather than write over anything.
    """
    _must_be_free(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
            file.flush()
            sync_file(file.fileno())
        _must_be_free(path)
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _must_be_free(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{path} is there already; nothing was written; name another file")


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _untold(frame: Frame, why: object) -> JournalError:
    return JournalError(f"frame {frame.sequence} is whole and cannot be told: {why}")


def _calls(booked: Booked) -> dict[str, Any]:
    """Return what stands in a frame of transfers beside them: its callers, and what timed out before."""
    return {
        "calls": [
            {"end": int(call["end"]), "choice": Choice(int(call["choice"])).name.lower()}
            for call in booked.calls
        ],
        "released": [
            {
                "id": id_text(int(pending["id_lo"]), int(pending["id_hi"])),
                "debit": int(pending["debit"]),
                "credit": int(pending["credit"]),
                "amount": decimal_text(int(pending["amount"])),
                "deadline": moment_of(Instant(int(pending["deadline"]))).isoformat(timespec="microseconds"),
            }
            for pending in booked.released
        ],
    }


def _unless(absent: int, number: int) -> int | str:
    return "" if number == absent else number


def _day(number: int) -> str:
    """Return the day as ISO text; empty for the day of booking."""
    return str(np.datetime64("2000-01-01", "D") + number) if number else ""


def _reasons(book: Book | None, bits: Bits) -> list[str]:
    """Return the names of *bits*; their numbers where the law is not there to ask."""
    if book is not None:
        return list(names_of(book, bits))
    number = sum(int(word) << (64 * index) for index, word in enumerate(bits))
    return [f"#{bit}" for bit in range(number.bit_length()) if number >> bit & 1]


def _word(book: Book | None, fact: str, code: int) -> str:
    """Return the word of *code*, empty for 0; the number itself where the law has no word for it."""
    if book is not None and fact in book.vocabulary.facts:
        with suppress(LookupError):
            return book.vocabulary.word(fact, code)
    return str(code) if code else ""


def _flags(kind: type[IntFlag], number: int) -> list[str]:
    known = [flag for flag in kind if number & flag]
    rest = number & ~sum(known)
    return [str(flag.name).lower() for flag in known] + ([f"{rest:#x}"] if rest else [])
