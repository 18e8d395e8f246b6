"""The document of a law that two keys enact: its lines, their signatures, and what has to be true of them.

What is prepared with one key goes to the other in one file: the lines, the first signature, and
below them the text of the reform, word for word. Lines and text are tied by the digest, so
neither can be changed without the other noticing. The lines also say of which office they are,
by the hash of the first frame of its journal, and when they were signed: a signature given to
one office makes no law in another that has the same keys.
"""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from jiaozi.clock import Instant, day_start, moment_of
from jiaozi.errors import FactError, ProofError
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.office import Office
from jiaozi.proof import keys
from jiaozi.proof.verify_jiaozi import NAME, is_signed, plain_base64
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import with_reform
from jiaozi.rulebook.telling.diff import diff_books

ROLES = ("issuer", "supervisor")
NOT_CHANGES = ("reform", "source")
"""Tables of a reform whose dates change nothing: when a text was issued, known, read."""

ENACTED, PREPARED = "jiaozi law enacted", "jiaozi law to be enacted once both keys have signed"
"""The first line: where both sign at once, and where one signs before the other, when it is no law yet."""

LINES = ("reform", "reform_digest", "law_before", "law_after", "first_day")
PREPARED_LINES = (*LINES, "office", "prepared")
"""Below those of every law: the hash of the office's first frame, which its restored backups have too, and when."""

_REFORM_NAME = re.compile("[a-z0-9][a-z0-9.-]{0,63}")
"""What a reform that is enacted may be called: its document has the name, and a screen shows it."""

_SIGNATURE = re.compile(f"\u2014 ({NAME}) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one has signed: *lines* as they were signed, their values by name, the signature, the reform's text."""

    lines: str
    values: dict[str, str]
    signer: str
    signature: bytes
    text: str

    @classmethod
    def read(cls, content: str) -> Prepared:
        """Return what *content* holds. Raises `ProofError` when that is not a prepared law."""
        lines, _, rest = content.partition("\n\n")
        signature, _, text = rest.partition("\n\n")
        head, *rows = lines.split("\n")
        names = tuple(row.partition(" ")[0] for row in rows)
        found = _SIGNATURE.fullmatch(signature)
        if head != PREPARED or names != PREPARED_LINES or found is None or not text:
            raise ProofError(
                "this is no law that was prepared with one key, or one of an older version; "
                "make one with jiaozi law enact REFORM --prepare FILE"
            )
        values = dict(zip(names, (row.partition(" ")[2] for row in rows), strict=True))
        check_name(values["reform"])
        if not all(value.isprintable() for value in values.values()):
            raise ProofError("what was prepared has characters that cannot be shown; prepare it anew")
        if not _is_instant(values["prepared"]):
            raise ProofError("the line that says when this was prepared is no instant with its offset")
        return cls(f"{lines}\n", values, found[1], plain_base64(found[2]), text)

    def check_signature(self, office: Office) -> str:
        """Return the verifier key that has signed. Raises `ProofError` unless it is one of the two of *office*."""
        known = {role: office.verifier_key(role) for role in ROLES}
        for key in known.values():
            name, key_hash, code = key.split("+", 2)
            if (name, key_hash) == (self.signer, self.signature[:4].hex()):
                if not is_signed(plain_base64(code)[1:], self.lines.encode(), self.signature[4:]):
                    raise ProofError(
                        f"the signature of {name} does not fit: the file was changed after it was signed"
                    )
                if sha256(self.text.encode()).hexdigest() != self.values["reform_digest"]:
                    raise ProofError(f"the text of the reform is not the one that {name} has signed")
                return key
        raise _unknown(f"{self.signer}+{self.signature[:4].hex()}", known)

    def check_office(self, journal: Path) -> None:
        """Raise `ProofError` unless this was prepared for the office of *journal*."""
        here = first_hash(journal)
        if self.values["office"] != here:
            raise ProofError(
                f"{self.values['reform']} was prepared for the office {self.values['office']:.16}, and this one is "
                f"{here[:16]}; prepare it on this office, or on a restored backup of it"
            )

    def told(self) -> str:
        """Return what the second key is about to sign, in lines to be read. The text has been read as a reform."""
        title = tomllib.loads(self.text)["reform"]["title"]
        shown = (
            *((f"title ({language})", _printable(str(words))) for language, words in title.items()),
            ("reform", f"{self.values['reform']}, its text {self.values['reform_digest']}"),
            ("law before", self.values["law_before"]),
            ("law after", self.values["law_after"]),
            ("first day", self.values["first_day"]),
            ("office", self.values["office"]),
            ("prepared", f"{self.values['prepared']}, signed by {self.signer}"),
        )
        return "\n".join(f"  {name:<10}  {value}" for name, value in shown)


def first_hash(journal: Path) -> str:
    """Return the hash of the first frame of *journal*, by which an office is known.

    Raises `FactError` where there is none yet, `JournalError` when it is damaged.
    """
    for frame in read_frames(journal):
        return frame.hash.hex()
    raise FactError(f"{journal} holds no frame yet, so there is no law to reform")


def check_name(name: str) -> None:
    """Raise `ProofError` unless *name* can name a reform that is enacted: it becomes part of a file's name."""
    if _REFORM_NAME.fullmatch(name) is None:
        raise ProofError(
            f"a law that is enacted cannot be called {name!a:.80}; give its file a name of at most 64 small "
            "letters, digits, dots and dashes that begins with a letter or a digit"
        )


def reformed_by(law: Book, name: str, text: str) -> Book:
    """Return *law* with the reform.

    Raises `ProofError` for a name that cannot be, `RulebookError` if the reform cannot be read,
    `FactError` if nothing changes.
    """
    check_name(name)
    reformed = with_reform(law, name, text)
    if reformed.digest == law.digest or not diff_books(law, reformed, "en"):
        raise FactError(f"{name} changes nothing in the law of this office, so there is nothing to enact")
    return reformed


def check_keys(office: Office, signers: Sequence[keys.Signer]) -> None:
    """Raise `ProofError` unless *signers* are the issuer and the supervisor of *office*, with two keys."""
    public = [signer.private_key.public_key().public_bytes_raw() for signer in signers]
    if len(set(public)) != len(ROLES):
        raise ProofError("both signatures would be of one key; a law needs the issuer's and the supervisor's")
    wanted = {role: office.verifier_key(role) for role in ROLES}
    for signer in signers:
        if signer.verifier_key not in wanted.values():
            raise _unknown(signer.verifier_key, wanted)


def check_second(office: Office, first_key: str, signer: keys.Signer) -> None:
    """Raise `ProofError` unless *signer* has the one of the two keys of *office* that is not *first_key*."""
    wanted = {role: office.verifier_key(role) for role in ROLES}
    public = signer.private_key.public_key().public_bytes_raw()
    if plain_base64(first_key.split("+", 2)[2])[1:] == public:
        raise ProofError("both signatures would be of one key; a law needs the issuer's and the supervisor's")
    if signer.verifier_key not in wanted.values():
        raise _unknown(signer.verifier_key, wanted)


def _unknown(key: str, wanted: dict[str, str]) -> ProofError:
    known = "\n".join(f"  {role:<10}  {each}" for role, each in wanted.items())
    return ProofError(f"{key} is neither the issuer's nor the supervisor's key of this office:\n{known}")


def check_future(law: Book, reformed: Book, name: str, text: str, now: Instant) -> date:
    """Return the first day on which the reform changes something. Raises `FactError` if it is not in the future."""
    days = sorted(set(_days(tomllib.loads(text))))
    clocks = {place.clock for place in law.vocabulary.places.values()}
    for day in days:
        if min(day_start(day, clock) for clock in clocks) <= now:
            raise FactError(
                f"{name} changes something from {day} on, and it is {moment_of(now):%Y-%m-%d %H:%M} already; "
                "a law is enacted before it begins, so give it a later day"
            )
    # What no date of its own says, the reformed book does: a rule taken from another file, for one.
    early = [cut for cut in set(law.cuts) ^ set(reformed.cuts) if cut <= now]
    if early or not days:
        when = f"from {moment_of(min(early)):%Y-%m-%d %H:%M} on" if early else "without a date"
        raise FactError(f"{name} changes the law {when}; a law is enacted before it begins")
    return days[0]


def document(head: str, law: Book, reformed: Book, name: str, text: str, first_day: date) -> str:
    """Return the lines that both sign; `stamped` or `bound` adds of which office they are, and when."""

    def told(book: Book) -> str:
        return f"{book.digest.hex()} {'draft' if book.is_draft else 'in force'}"

    values = (name, sha256(text.encode()).hexdigest(), told(law), told(reformed), str(first_day))
    lines = (head, *(f"{line} {value}" for line, value in zip(LINES, values, strict=True)))
    return "\n".join(lines) + "\n"


def stamped(lines: str, head: Receipt, now: Instant) -> str:
    """Return *lines* and below them when it is, and which frame of the journal is the last."""
    return f"{lines}instant {moment_of(now).isoformat()}\njournal {head.sequence} {head.hash.hex()}\n"


def bound(lines: str, office: str, prepared: str) -> str:
    """Return *lines* and below them the hash *office* of its first frame, and the instant *prepared*."""
    return f"{lines}office {office}\nprepared {prepared}\n"


def signed(text: str, signers: Sequence[keys.Signer]) -> str:
    """Return *text* and below it a signature line of each, in the manner of checkpoints."""
    return f"{text}\n{''.join(signature_line(text, signer) for signer in signers)}"


def signature_line(text: str, signer: keys.Signer) -> str:
    """Return the signature of *signer* under *text*, as one line."""
    signature = signer.key_hash + signer.private_key.sign(text.encode())
    return f"\u2014 {signer.name} {base64.b64encode(signature).decode()}\n"


def _is_instant(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.tzinfo is not None and moment.isoformat() == text


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


def _days(tables: dict[str, object]) -> Iterator[date]:
    """Yield every day that stands in a reform, but for those of its title and sources."""
    for key, value in tables.items():
        if key not in NOT_CHANGES:
            yield from _days_in(value)


def _days_in(value: object) -> Iterator[date]:
    if isinstance(value, date):
        yield value.date() if isinstance(value, datetime) else value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _days_in(each)
