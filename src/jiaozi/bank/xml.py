"""Lets an XML file in, as far as its first element, or says why not.

A bank file is a stranger. It is first copied to a private place: checking and
reading see the same bytes, even if somebody writes to the original in between, and
one digest names them both. Then its first element tells which message it is. A
DOCTYPE is refused outright, which leaves no entities to expand and nothing to fetch.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from lxml import etree

from jiaozi.bank.faults import syntax_in_words
from jiaozi.errors import Mistake, StatementError

SCHEMAS = Path(__file__).parent / "schemas"

LARGEST_FILE_BYTES = 4_000_000_000
"""No statement comes near it; a device that never ends does."""

CHUNK_BYTES = 1 << 16
_IN_MEMORY = 1 << 24  # copies beyond 16 MB go to disk

# Entities stay unresolved, nothing is fetched, and libxml2 keeps its own limits.
SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
}

# lxml raises the last two for encodings it cannot find and text it cannot decode.
SYNTAX_ERRORS = (etree.XMLSyntaxError, LookupError, ValueError)

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.\d{3})\.(\d{3}\.\d{2})")
_READ = "read are camt.052, camt.053 and camt.054 in versions 001.02 to 001.14"


@dataclass(frozen=True, slots=True)
class Message:
    """Which message a file holds, such as camt.053 in version 001.08."""

    kind: str
    version: str

    @property
    def namespace(self) -> str:
        return f"urn:iso:std:iso:20022:tech:xsd:{self.kind}.{self.version}"


@dataclass(frozen=True, slots=True)
class Copy:
    """A private copy of one file, with its name for people and the digest of its bytes."""

    name: str
    digest: str
    file: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole copy from its start."""
        self.file.seek(0)
        while chunk := self.file.read(CHUNK_BYTES):
            yield chunk

    def refused(self, line: int, subject: str, message: str) -> StatementError:
        """Return the error for one mistake of this file."""
        return StatementError([Mistake(file=self.name, line=line, subject=subject, message=message)])


@contextmanager
def copied(source: Path | str | bytes, name: str = "") -> Iterator[Copy]:
    """Copy *source*, a path or the bytes themselves, and hand the copy out.

    Raises `StatementError` when the path cannot be read.
    """
    shown = name or (str(source) if isinstance(source, (str, Path)) else "statement")
    sha256 = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        if isinstance(source, bytes):
            sha256.update(source)
            file.write(source)
        else:
            try:
                with Path(source).open("rb") as original:
                    while chunk := original.read(CHUNK_BYTES):
                        sha256.update(chunk)
                        file.write(chunk)
                        if file.tell() > LARGEST_FILE_BYTES:
                            message = f"is larger than {LARGEST_FILE_BYTES:,} bytes; no statement is"
                            raise StatementError([Mistake(shown, 0, "file", message)])
            except (OSError, ValueError) as why:  # ValueError: a NUL in the path
                message = f"cannot be opened: {getattr(why, 'strerror', None) or why}"
                raise StatementError([Mistake(shown, 0, "file", message)]) from None
        yield Copy(name=shown, digest=sha256.hexdigest(), file=file)


@cache
def schema_of(message: Message) -> etree.XMLSchema:
    """Return the official schema of *message*; parsed once, for it takes some 20 ms."""
    return etree.XMLSchema(etree.parse(str(SCHEMAS / f"{message.kind}.{message.version}.xsd")))


def parser_for(target: Any, schema: etree.XMLSchema | None = None) -> etree.XMLParser:
    """Return a parser that tells *target* what it meets and builds no tree.

    With a schema, faults go to its `feed_error_log` and are not raised.
    """
    return etree.XMLParser(target=target, schema=schema, **SAFE)


def syntax_mistake(copy: Copy, why: Exception, parser: etree.XMLParser) -> Mistake:
    """Return the mistake of a file that is no well-formed XML, from what *parser* found."""
    # The first fault is the cause, those after it follow from it. Warnings are no faults.
    for fault in parser.feed_error_log:
        if fault.level < etree.ErrorLevels.ERROR:
            continue
        return Mistake(copy.name, fault.line, "file", syntax_in_words(fault.message))
    # Some are only in the message of the exception: "line 1: b'Unsupported encoding: FOO-9' (line 1)".
    match = re.match(r"line (\d+): b[\"'](.*)[\"'] \(line \d+\)$", str(why), re.DOTALL)
    line, text = (int(match[1]), match[2]) if match else (getattr(why, "lineno", 0) or 0, str(why))
    return Mistake(copy.name, line, "file", syntax_in_words(text))


# -- what is it -------------------------------------------------------------------------


class _Doctype(Exception):
    """A DOCTYPE was met."""


class _Root(Exception):
    """The first element was met; its only argument is the name with its namespace."""


class _Prolog:
    """Looks at a file up to its first element."""

    def doctype(self, *_: object) -> None:
        raise _Doctype

    def start(self, tag: str, _: object) -> None:
        raise _Root(tag)

    def close(self) -> None:
        """Nothing was met."""


def recognise(copy: Copy) -> Message:
    """Return which message *copy* holds, after looking no further than its first element.

    Raises `StatementError` for anything that is not one of the statements read here.
    """
    copy.file.seek(0)
    start = copy.file.read(4)
    if not start:
        raise copy.refused(0, "file", "is empty; ask the bank to send it again")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or (b"\0" in start and b"<" in start):
        raise copy.refused(1, "file", "is written in UTF-16 or UTF-32; bank messages are UTF-8, save it so")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"<", b""):
        raise copy.refused(1, "file", f"is not XML, it starts with {start!r}; {_READ}")

    parser = parser_for(_Prolog())
    try:
        for chunk in copy.chunks():
            parser.feed(chunk)
        parser.close()
    except _Doctype:
        raise copy.refused(
            1, "DOCTYPE", "is not allowed in a bank message, it can hide a harmful file; refuse it"
        ) from None
    except _Root as root:
        return _message_of(str(root.args[0]), copy)
    except SYNTAX_ERRORS as why:
        raise StatementError([syntax_mistake(copy, why, parser)]) from None
    raise copy.refused(1, "file", f"holds no XML element; {_READ}")


def _message_of(root: str, copy: Copy) -> Message:
    namespace, _, element = root.removeprefix("{").rpartition("}")
    match = _NAMESPACE.fullmatch(namespace)
    if match is None:
        what = f"in namespace {_short(namespace)}" if namespace else "without a namespace"
        hint = "; take the message out of its envelope first" if element != "Document" else ""
        raise copy.refused(1, _short(element), f"{what} is no ISO 20022 message{hint}; {_READ}")
    message = Message(kind=match[1], version=match[2])
    is_statement = message.kind in ("camt.052", "camt.053", "camt.054")
    if not is_statement or not (SCHEMAS / f"{message.kind}.{message.version}.xsd").is_file():
        raise copy.refused(1, _short(element), f"is a {message.kind}.{message.version}; {_READ}")
    if element != "Document":
        raise copy.refused(1, _short(element), "stands where Document must be; the message is not whole")
    return message


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
