"""`jiaozi prove audit`: for the auditor with a sample of buckets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from jiaozi.commands.prove_given import bar, sample_given
from jiaozi.commands.words import NotUnderstood
from jiaozi.errors import ProofError
from jiaozi.proof import checkpoint, keys
from jiaozi.proof.auditing import openings
from jiaozi.proof.auditing import statement as audit_statement
from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.proof.auditing.openings import Audit
from jiaozi.proof.auditing.recompute import read_note
from jiaozi.proof.auditing.sampling import percent_text
from jiaozi.proof.auditing.statement import read_statement, statement_text
from jiaozi.proof.keys import Signer
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, UNSIGNED, StepError
from jiaozi.proof.whole import write_whole


def signer_given(given: argparse.Namespace) -> Signer | None:
    """Return who signs, if anybody does. Raises `NotUnderstood` for a key without a name."""
    if (given.sign is None) != (given.name is None):
        raise NotUnderstood("--sign and --name belong together: the key and whose it is")
    return keys.load(Path(given.sign), given.name) if given.sign else None


def audit(given: argparse.Namespace) -> int:
    """Return 0 if every opening holds, 1 if not, 3 if no key of a signer was given."""
    if given.statement:
        return _statement(given)
    if not (given.folder and given.checkpoint and given.random):
        raise NotUnderstood(
            "an audit needs the folder of the openings, --checkpoint and --random; or --statement FILE"
        )
    share, confidence = sample_given(given)
    try:
        Keyring(given.key)
        signer, note = signer_given(given), read_note(Path(given.checkpoint))
    except ProofError as error:
        raise NotUnderstood(str(error)) from None
    signers = checkpoint.verify_signatures(note, given.key)
    files = sorted(
        path
        for path in Path(given.folder).iterdir()
        if path.name.endswith(".opening.json") and path.is_file()
    )
    with bar(given, "openings", len(files)) as done:
        try:
            found = openings.audit(
                _read(files),
                note,
                public_random=given.random,
                share=share,
                confidence=confidence,
                progress=done,
            )
        except ProofError as error:
            # What does not hold is a finding; this is a sample that nobody can draw.
            raise NotUnderstood(str(error)) from None
    status = FAILS if not found.holds else HOLDS if signers else UNSIGNED
    written = None
    if signer is not None and signers:
        written = Path(given.to) / audit_statement.file_name(found, signer.name)
        write_whole(written, statement_text(found, signer).encode(), mode=0o644)
    _tell_audit(given, found, signers, status, written)
    if signer is not None and not signers:
        print("jiaozi: no statement was written: name the keys of issuer and supervisor", file=sys.stderr)
    return status


def _read(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        with path.open("rb") as file:
            yield path.name, file.read(openings.SIZE_LIMIT + 1)


def _tell_audit(
    given: argparse.Namespace, found: Audit, signers: tuple[str, ...], status: int, written: Path | None
) -> None:
    share, seen = percent_text(found.share), f"{len(found.digests):,} of {len(found.buckets):,} buckets"
    if given.json:
        told = {
            "status": status,
            "checkpoint": found.checkpoint,
            "signed_by": list(signers),
            "buckets": [str(number) for number in found.buckets],
            "accounts": str(found.accounts),
            "share": share,
            "chance": str(found.chance),
            "findings": list(found.findings),
            "told": list(found.told),
            "statement": str(written) if written else None,
        }
        print(json.dumps(told, indent=2))
        return
    end = f"{seen} were made again, {found.accounts:,} accounts."
    start = {HOLDS: "Holds", FAILS: "Does not hold", UNSIGNED: "Not decided"}[status]
    print(f"{start}: {end}")
    for finding in found.findings:
        print(f"  - {finding}")
    for sentence in found.told:
        print(f"  told: {sentence}")
    if found.holds:
        print(
            f"Had {share} % of the ordinary buckets lied, one would be among them with probability {found.chance}."
        )
    print(
        f"Signed by {', '.join(signers)}."
        if signers
        else "No signature was checked; name the signers with --key."
    )
    if written:
        print(f"statement: {written}")


def _shown(text: str) -> str:
    # Whoever signed a statement may have written anything into it, also what moves a terminal's cursor.
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _statement(given: argparse.Namespace) -> int:
    if given.folder:
        raise NotUnderstood("--statement reads one statement; leave the folder of the openings out")
    try:
        with Path(given.statement).open("rb") as file:
            data = file.read(audit_statement.SIZE_LIMIT + 1)
        note = read_note(Path(given.checkpoint)) if given.checkpoint else None
        said = read_statement(data, given.key, note=note)
    except (StepError, ProofError) as error:
        sentence, status = (*error.args, UNREADABLE)[:2]
        start = "Does not hold" if status == FAILS else "Cannot be read"
        if given.json:
            print(json.dumps({"status": status, "sentence": f"{start}: {sentence}."}, indent=2))
        else:
            print(f"{start}: {sentence}.")
        return int(status)
    values = said.values
    status = FAILS if values["result"] != "holds" else HOLDS if said.signers and said.is_drawn else UNSIGNED
    if given.json:
        short = {name: values[name] for name in values if name not in ("format", "openings", "signature")}
        told = {"status": status, "signed_by": list(said.signers), "draw_checked": said.is_drawn, **short}
        print(json.dumps(told, indent=2))
        return status
    print(
        f"{values['auditor']} states about {values['coin']}, epoch {values['epoch']}: {_shown(values['result'])}."
    )
    print(f"  buckets   {len(values['buckets']):,}, with {int(values['accounts']):,} accounts")
    print(
        f"  lie       {values['share']} % of the ordinary buckets: caught with probability {values['chance']}"
    )
    print(f"  random    {_shown(values['random'])}")
    print(f"  SHA-256   {values['checkpoint']}")
    for finding in values["findings"]:
        print(f"  - {_shown(finding)}")
    print("The draw was repeated." if said.is_drawn else "The draw was not repeated; name the --checkpoint.")
    print("The signature fits." if said.signers else "No signature was checked; name the auditor's --key.")
    print("Not proven: that the random value was public and later than the checkpoint; look it up.")
    return status
