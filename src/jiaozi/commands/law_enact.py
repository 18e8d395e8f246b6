"""`jiaozi law enact`: a reform becomes law, with the keys of issuer and supervisor and a start in the future.

Both may sign at once, or one after the other on machines of their own: what one prepares and
signs (`--prepare`) the other checks, looks at, signs and enacts (`--complete`).
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from jiaozi.clock import Instant, moment_of, system_clock
from jiaozi.commands import law_document as documents
from jiaozi.commands.law_pages import reform_of
from jiaozi.commands.law_shadow import office_folder
from jiaozi.commands.words import NotUnderstood
from jiaozi.errors import FactError
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.journal.frames import Receipt
from jiaozi.ledger.journal.segments import sync_folder
from jiaozi.ledger.restart import restart
from jiaozi.office import Office
from jiaozi.proof import keys
from jiaozi.proof.whole import write_whole
from jiaozi.rulebook.model import Book

Enacted = tuple[Path, Receipt, date]
"""The signed document, the frame, and the first day on which something changes."""


def enact(given: argparse.Namespace) -> int:
    """Return 0 when the law was enacted, or prepared.

    Raises `ProofError` for keys that are not the two, `RulebookError` for a reform that cannot be read,
    `FactError` for one that changes nothing or begins too early, `JournalBusy` while the office is open.
    """
    folder = office_folder(given.folder)
    if given.prepare and given.complete:
        raise NotUnderstood("--prepare is for who signs first and --complete for the other; give one of them")
    is_step = bool(given.prepare or given.complete)
    if is_step and (len(given.key_file) != 1 or len(given.name) != 1):
        raise NotUnderstood("one key signs in each of the two steps: give --key-file and --name once")
    if not is_step and (len(given.key_file) != 2 or len(given.name) != 2):
        raise NotUnderstood(
            "two keys enact a law: give --key-file and --name twice, issuer and supervisor; "
            "or let one sign with --prepare and the other with --complete"
        )
    if bool(given.file) == bool(given.complete):
        raise NotUnderstood("name the reform, or with --complete the file that was prepared: it has the text")
    signers = [keys.load(Path(path), who) for path, who in zip(given.key_file, given.name, strict=True)]
    if given.prepare:
        return _prepare(folder, given, signers[0])
    with Office.open(folder) as office:
        if given.complete:
            content = _content(Path(given.complete))
            name = documents.Prepared.read(content).values["reform"]
            done = completed(office, content, signers[0], show=_shower(is_json=given.json))
        else:
            file, text = reform_of(given.file)
            name = file.removesuffix(".toml")
            done = enacted(office, name, text, signers)
        law = office.book
    _tell(name, law, done, is_json=given.json)
    return 0


def enacted(office: Office, name: str, text: str, signers: Sequence[keys.Signer]) -> Enacted:
    """Enact the reform *text* in *office*; return the signed document, the frame and the first day.

    Nothing is written before everything was checked. Raises as `enact` does.
    """
    documents.check_keys(office, signers)
    law = office.book
    reformed = documents.reformed_by(law, name, text)
    head, now = _now(office)
    first_day = documents.check_future(law, reformed, name, text, now)
    lines = documents.document(documents.ENACTED, law, reformed, name, text, first_day)
    note = documents.signed(documents.stamped(lines, head, now), signers)
    return _record(office, name, reformed, note, first_day)


def prepared(law: Book, name: str, text: str, signer: keys.Signer, now: Instant, *, office: str) -> str:
    """Return the file that *signer* gives to the other: what both sign, his signature, the text of the reform.

    *office* is the hash of the first frame of the office it is for. Whether the office knows the key is seen
    when the law is enacted: who prepares may have a copy without keys.
    Raises as `enact` does.
    """
    reformed = documents.reformed_by(law, name, text)
    first_day = documents.check_future(law, reformed, name, text, now)
    lines = documents.document(documents.PREPARED, law, reformed, name, text, first_day)
    lines = documents.bound(lines, office, moment_of(now).isoformat())
    return f"{documents.signed(lines, [signer])}\n{text}"


def completed(
    office: Office, content: str, signer: keys.Signer, *, show: Callable[[str], object] | None = None
) -> Enacted:
    """Enact in *office* what was `prepared` in *content*, once *signer* has signed the same.

    Nothing is written before everything was checked, and *show* is given what will be signed, in words, before
    it is. Raises as `enact` does: `ProofError` where the file was changed, is another office's or the keys are
    not the two, `FactError` where the law has changed meanwhile or the day has come.
    """
    given = documents.Prepared.read(content)
    first_key = given.check_signature(office)
    given.check_office(office.folder / "journal")
    documents.check_second(office, first_key, signer)
    law, name = office.book, given.values["reform"]
    if given.values["law_after"].partition(" ")[0] == law.digest.hex():
        raise FactError(f"{name} is the law of this office already")
    if given.values["law_before"].partition(" ")[0] != law.digest.hex():
        raise FactError(
            f"{name} was signed as a reform of the law {given.values['law_before'][:16]}, and the law of this office "
            f"is {law.digest.hex()[:16]}: another was enacted meanwhile, so prepare it anew"
        )
    reformed = documents.reformed_by(law, name, given.text)
    _, now = _now(office)
    first_day = documents.check_future(law, reformed, name, given.text, now)
    lines = documents.document(documents.PREPARED, law, reformed, name, given.text, first_day)
    if documents.bound(lines, given.values["office"], given.values["prepared"]) != given.lines:
        raise FactError(f"{name} reads otherwise here than where it was signed; prepare it with this version")
    if show is not None:
        show(given.told())
    first = f"\u2014 {given.signer} {base64.b64encode(given.signature).decode()}\n"
    note = f"{given.lines}\n{first}{documents.signature_line(given.lines, signer)}"
    return _record(office, name, reformed, note, first_day)


def _now(office: Office) -> tuple[Receipt, Instant]:
    """Return the last frame, and the time: the clock's, or the journal's where that is ahead."""
    head = office.ledger.at_cut(lambda _, receipt: receipt)
    return head, Instant(max(office.clock(), head.instant))


def _record(office: Office, name: str, reformed: Book, note: str, first_day: date) -> Enacted:
    pending = office.folder / "enacted" / f"pending-{name}.txt"
    # The document first: a law in force that nobody has signed would be worse than a signature too many.
    pending.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(pending, note.encode())
    sync_folder(pending.parent.parent)
    try:
        receipt = office.ledger.record(LawEnacted.of(reformed))
    except FactError:
        pending.unlink()
        raise
    # After any other failure nobody knows yet whether the frame is there: the document stays, and is called pending.
    path = pending.with_name(f"{receipt.sequence}-{name}.txt")
    pending.rename(path)
    sync_folder(path.parent)
    return path, receipt, first_day


def _prepare(folder: Path, given: argparse.Namespace, signer: keys.Signer) -> int:
    to = Path(given.prepare)
    if to.exists():
        raise NotUnderstood(f"{to} exists; what was signed is not overwritten, so name another file")
    file, text = reform_of(given.file)
    name = file.removesuffix(".toml")
    # The office may be open meanwhile: its journal is read beside its writer.
    found = restart(folder / "journal")
    now = Instant(max(system_clock(), found.reader.head.instant))
    content = prepared(
        found.state.law, name, text, signer, now, office=documents.first_hash(folder / "journal")
    )
    write_whole(to, content.encode())
    values = documents.Prepared.read(content).values
    if given.json:
        print(json.dumps({**values, "signed_by": signer.name, "file": str(to)}, indent=2))
        return 0
    print(f"{name} is signed by {signer.name}, and not law yet: {to} goes to who signs with the other key.")
    for line in ("law_before", "law_after", "first_day", "office", "prepared"):
        print(f"  {line:<11} {values[line]}")
    print(f"  then        jiaozi law enact --complete {to.name} --folder OFFICE --key-file KEY --name NAME")
    return 0


def _shower(*, is_json: bool) -> Callable[[str], object]:
    """Return what shows the second signer what is signed: beside the JSON, where that is asked for."""

    def show(told: str) -> None:
        # At once: it is to be read although what follows fails or takes its time.
        print(f"The second key signs:\n{told}", file=sys.stderr if is_json else sys.stdout, flush=True)

    return show


def _tell(name: str, law: Book, done: Enacted, *, is_json: bool) -> None:
    path, receipt, first_day = done
    if is_json:
        told = {
            "sequence": receipt.sequence,
            "law_digest": law.digest.hex(),
            "is_draft": law.is_draft,
            "first_day": str(first_day),
            "document": str(path),
        }
        print(json.dumps(told, indent=2))
        return
    print(f"{name} is enacted in frame {receipt.sequence:,}; it changes something from {first_day} on.")
    print(f"  law       {law.digest.hex()}{' (a draft, as before)' if law.is_draft else ''}")
    print(f"  document  {path}, signed by issuer and supervisor")


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        raise NotUnderstood(f"{path} cannot be read; name the file that was prepared") from None
