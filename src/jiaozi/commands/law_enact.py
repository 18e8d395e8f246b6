"""`jiaozi law enact`: a reform becomes law, with the keys of issuer and supervisor and a start in the future."""

from __future__ import annotations

import argparse
import base64
import json
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from jiaozi.clock import Instant, day_start, moment_of
from jiaozi.commands.law_pages import reform_of
from jiaozi.commands.law_shadow import office_folder
from jiaozi.commands.words import NotUnderstood
from jiaozi.errors import FactError, ProofError
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.journal.segments import sync_folder
from jiaozi.office import Office
from jiaozi.proof import keys
from jiaozi.proof.whole import write_whole
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import with_reform
from jiaozi.rulebook.telling.diff import diff_books

ROLES = ("issuer", "supervisor")
NOT_CHANGES = ("reform", "source")
"""Tables of a reform whose dates change nothing: when a text was issued, known, read."""


def enact(given: argparse.Namespace) -> int:
    """Return 0 when the law was enacted.

    Raises `ProofError` for keys that are not the two, `RulebookError` for a reform that cannot be read,
    `FactError` for one that changes nothing or begins too early, `JournalBusy` while the office is open.
    """
    folder = office_folder(given.folder)
    if len(given.key_file) != 2 or len(given.name) != 2:
        raise NotUnderstood("two keys enact a law: give --key-file and --name twice, issuer and supervisor")
    file, text = reform_of(given.file)
    name = file.removesuffix(".toml")
    signers = [keys.load(Path(path), who) for path, who in zip(given.key_file, given.name, strict=True)]
    with Office.open(folder) as office:
        path, receipt, first_day = enacted(office, name, text, signers)
        law = office.book
    if given.json:
        told = {
            "sequence": receipt.sequence,
            "law_digest": law.digest.hex(),
            "is_draft": law.is_draft,
            "first_day": str(first_day),
            "document": str(path),
        }
        print(json.dumps(told, indent=2))
        return 0
    print(f"{name} is enacted in frame {receipt.sequence:,}; it changes something from {first_day} on.")
    print(f"  law       {law.digest.hex()}{' (a draft, as before)' if law.is_draft else ''}")
    print(f"  document  {path}, signed by {signers[0].name} and {signers[1].name}")
    return 0


def enacted(
    office: Office, name: str, text: str, signers: Sequence[keys.Signer]
) -> tuple[Path, Receipt, date]:
    """Enact the reform *text* in *office*; return the signed document, the frame and the first day.

    Nothing is written before everything was checked. Raises as `enact` does.
    """
    check_keys(office, signers)
    law = office.book
    reformed = with_reform(law, name, text)
    if reformed.digest == law.digest or not diff_books(law, reformed, "en"):
        raise FactError(f"{name} changes nothing in the law of this office, so there is nothing to enact")
    head = office.ledger.at_cut(lambda _, receipt: receipt)
    now = Instant(max(office.clock(), head.instant))
    first_day = check_future(law, reformed, name, text, now)
    note = signed(document(law, reformed, name, text, first_day, head, now), signers)
    path = office.folder / "enacted" / f"{head.sequence + 1}-{name}.txt"
    # The document first: a law in force that nobody has signed would be worse than a signature too many.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(path, note.encode())
    sync_folder(path.parent.parent)
    try:
        receipt = office.ledger.record(LawEnacted.of(reformed))
    except FactError:
        path.unlink()
        raise
    return path, receipt, first_day


def check_keys(office: Office, signers: Sequence[keys.Signer]) -> None:
    """Raise `ProofError` unless *signers* are the issuer and the supervisor of *office*, with two keys."""
    public = [signer.private_key.public_key().public_bytes_raw() for signer in signers]
    if len(set(public)) != len(ROLES):
        raise ProofError("both signatures would be of one key; a law needs the issuer's and the supervisor's")
    wanted = {role: office.verifier_key(role) for role in ROLES}
    for signer in signers:
        if signer.verifier_key not in wanted.values():
            known = "\n".join(f"  {role:<10}  {key}" for role, key in wanted.items())
            raise ProofError(
                f"{signer.verifier_key} is neither the issuer's nor the supervisor's key of this office:\n{known}"
            )


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


def document(
    law: Book, reformed: Book, name: str, text: str, first_day: date, head: Receipt, now: Instant
) -> str:
    """Return the lines that both sign."""

    def told(book: Book) -> str:
        return f"{book.digest.hex()} {'draft' if book.is_draft else 'in force'}"

    lines = (
        "jiaozi law enacted",
        f"reform {name}",
        f"reform_digest {sha256(text.encode()).hexdigest()}",
        f"law_before {told(law)}",
        f"law_after {told(reformed)}",
        f"first_day {first_day}",
        f"instant {moment_of(now).isoformat()}",
        f"journal {head.sequence} {head.hash.hex()}",
    )
    return "\n".join(lines) + "\n"


def signed(text: str, signers: Sequence[keys.Signer]) -> str:
    """Return *text* and below it a signature line of each, in the manner of checkpoints."""
    lines = []
    for signer in signers:
        signature = signer.key_hash + signer.private_key.sign(text.encode())
        lines.append(f"\u2014 {signer.name} {base64.b64encode(signature).decode()}\n")
    return f"{text}\n{''.join(lines)}"


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
