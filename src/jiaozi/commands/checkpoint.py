"""`jiaozi checkpoint audit|show|sign|key`: for those who keep an eye on the issuer, and for those who sign."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from jiaozi.errors import ProofError
from jiaozi.money import decimal_text, format_fen
from jiaozi.proof import keys
from jiaozi.proof.auditing.chain import SIZE_LIMIT, Audit, Chain, Fault, Link, audit, shown
from jiaozi.proof.auditing.held import held
from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.proof.checkpoint import sign
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, UNSIGNED
from jiaozi.proof.whole import write_whole

SUFFIX = ".checkpoint"


def run(given: argparse.Namespace) -> int:
    """Return 0 yes or done, 1 a fault, 2 not readable, 3 whole but without a key to check it with."""
    return {"audit": _audit, "show": _show, "sign": _sign, "key": _key}[given.verb](given)


def notes_in(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file in *paths*, and of every `*.checkpoint` in the folders among them.

    Of each no more is read than a note may have. A link inside a folder is not
    followed, and what is no plain file is not opened: a pipe would wait for ever.
    Raises `OSError` for a path that was given and cannot be read.
    """
    done: set[str] = set()
    for path in paths:
        found = _in_folder(path) if path.is_dir() else iter([path])
        for file in found:
            if str(file) not in done:
                done.add(str(file))
                yield str(file), _content(file)


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(place, name)
            if name.endswith(SUFFIX) and stat.S_ISREG(path.lstat().st_mode):
                yield path


def _content(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{shown(str(path))} is no plain file")
    with path.open("rb") as file:
        return file.read(SIZE_LIMIT + 1)


def _audit(given: argparse.Namespace) -> int:
    try:
        Keyring(given.key)
    except ProofError as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return UNREADABLE
    found = audit(notes_in([Path(each) for each in given.path]), given.key)
    if given.json:
        print(json.dumps(_audit_data(found), indent=2))
        return found.status
    for fault in found.unreadable:
        print(f"unreadable  {fault.sentence}")
    for chain in found.chains:
        _print_chain(chain)
    print(_answer(found))
    return found.status


def _print_chain(chain: Chain) -> None:
    first, last = chain.links[0].stated.epoch, chain.links[-1].stated.epoch
    files = sum(len(link.files) for link in chain.links)
    print(f"{chain.coin}, issued by {chain.origin}: epochs {first} to {last}, {counted(files, 'file')}")
    for fault in chain.faults:
        print(f"  {fault.kind:<10}  {fault.sentence}")
    for told in chain.told:
        print(f"  told        {told.sentence}")
    if not chain.faults:
        print(f"  newest      {chain.links[-1].hash.hex()}")


def _answer(found: Audit) -> str:
    count = sum(len(chain.faults) for chain in found.chains)
    if found.status == FAILS:
        return f"Not whole: {counted(count, 'fault')}."
    if not found.chains and not found.unreadable:
        return "Nothing found: name files, or folders with *.checkpoint files."
    if found.status == UNREADABLE:
        return f"Not decided: {counted(len(found.unreadable), 'file')} cannot be read as checkpoints."
    if found.status == UNSIGNED:
        return "Not decided: the chain is whole, but no signature was checked; name the signers with --key."
    return f"Whole: every checkpoint is signed by {', '.join(found.names)}."


def counted(count: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _audit_data(found: Audit) -> dict[str, object]:
    def told(faults: Sequence[Fault]) -> list[dict[str, object]]:
        return [{"kind": each.kind, "files": list(each.files), "sentence": each.sentence} for each in faults]

    return {
        "status": found.status,
        "sentence": _answer(found),
        "keys": list(found.names),
        "unreadable": told(found.unreadable),
        "chains": [
            {
                "origin": chain.origin,
                "coin": chain.coin,
                "first_epoch": chain.links[0].stated.epoch,
                "last_epoch": chain.links[-1].stated.epoch,
                "checkpoints": len(chain.links),
                "newest_sha256": [
                    link.hash.hex()
                    for link in chain.links
                    if link.stated.epoch == chain.links[-1].stated.epoch
                ],
                "faults": told(chain.faults),
                "told": told(chain.told),
            }
            for chain in found.chains
        ],
    }


def _show(given: argparse.Namespace) -> int:
    path = Path(given.file)
    try:
        found = audit([(given.file, _content(path))], given.key)
    except ProofError as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return UNREADABLE
    if found.unreadable:
        print(f"jiaozi: {found.unreadable[0].sentence}", file=sys.stderr)
        return UNREADABLE
    (chain,) = found.chains
    (link,) = chain.links
    # One note alone is no chain: that the one before it is missing is not asked here.
    wrong = [fault for fault in chain.faults if fault.kind == "signature"]
    status = FAILS if wrong else HOLDS if found.names else UNSIGNED
    rows = _rows(link, found.names)
    if given.json:
        data = {**_link_data(link), "faults": [fault.sentence for fault in wrong], "status": status}
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return status
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"{label:{width}}  {value}")
    for fault in wrong:
        print(f"Does not hold: {fault.sentence}.")
    return status


def _rows(link: Link, names: Sequence[str]) -> list[tuple[str, str]]:
    stated = link.stated
    short = stated.total_fen - stated.reserve_fen
    reserve = f"{format_fen(stated.reserve_fen, stated.unit)}, source: {stated.reserve_source}"
    unchecked = [name for name in link.signatures_by if name not in names]
    return [
        ("coin", f"{stated.coin}, issued by {stated.origin}"),
        ("epoch", f"{stated.epoch}, at {stated.instant.isoformat()}"),
        ("law", "DRAFT: this coin runs under a draft law" if stated.law_is_draft else "in force"),
        ("digest of the law", stated.law_digest.hex()),
        ("journal", f"frame {stated.journal_sequence:,}, {stated.journal_hash.hex()}"),
        ("accounts", f"{stated.accounts:,}, {stated.wholesale:,} of them wholesale"),
        ("no account above", f"{stated.share_percent}% of its bucket"),
        ("total", format_fen(stated.total_fen, stated.unit)),
        ("reserve stated", reserve),
        *([("SHORT BY", format_fen(short, stated.unit))] if short > 0 else []),
        ("root", stated.root.hex()),
        ("checkpoint before", stated.previous.hex() if stated.previous else "none: this is the first"),
        ("SHA-256", link.hash.hex()),
        ("signed by", ", ".join(link.signed_by) or "NOT CHECKED"),
        *([("signatures not checked", ", ".join(unchecked))] if unchecked else []),
    ]


def _link_data(link: Link) -> dict[str, object]:
    stated = link.stated
    return {
        "origin": stated.origin,
        "coin": stated.coin,
        "unit": stated.unit,
        "epoch": stated.epoch,
        "instant": stated.instant.isoformat(),
        "law_digest": stated.law_digest.hex(),
        "law_is_draft": stated.law_is_draft,
        "journal_sequence": stated.journal_sequence,
        "journal_hash": stated.journal_hash.hex(),
        "accounts": stated.accounts,
        "wholesale": stated.wholesale,
        "share_percent": stated.share_percent,
        "total": decimal_text(stated.total_fen),
        "reserve": decimal_text(stated.reserve_fen),
        "reserve_source": stated.reserve_source,
        "depth": stated.depth,
        "root": stated.root.hex(),
        "previous": stated.previous.hex() if stated.previous else None,
        "sha256": link.hash.hex(),
        "signed_by": list(link.signed_by),
        "signatures_by": list(link.signatures_by),
    }


def _sign(given: argparse.Namespace) -> int:
    path = Path(given.file).resolve()
    with held(path):
        return _signed(given, path)


def _signed(given: argparse.Namespace, path: Path) -> int:
    data = _content(path)
    found = audit([(given.file, data)], given.key)
    if found.unreadable:
        print(f"jiaozi: {found.unreadable[0].sentence}; nothing was signed", file=sys.stderr)
        return UNREADABLE
    wrong = [fault for fault in found.chains[0].faults if fault.kind == "signature"]
    if wrong:
        raise ProofError(f"{wrong[0].sentence}; nothing was signed")
    signer = keys.load(Path(given.key_file), given.name)
    note = sign(data.decode(), signer.name, signer.private_key)
    if len(note.encode()) > SIZE_LIMIT:
        raise ProofError(f"with one more signature the note is larger than {SIZE_LIMIT:,} bytes")
    write_whole(path, note.encode())
    link = found.chains[0].links[0]
    if given.json:
        answer = {"ok": True, "sha256": link.hash.hex(), "key": signer.verifier_key}
        print(json.dumps(answer, indent=2))
    else:
        print(f"signed epoch {link.stated.epoch} of {link.stated.coin}, {link.hash.hex()}, as {signer.name}")
        print(f"others check it with {signer.verifier_key}")
    return HOLDS


def _key(given: argparse.Namespace) -> int:
    if given.create:
        signer = keys.create(Path(given.create), given.name)
    else:
        signer = keys.load(Path(given.file), given.name)
    print(
        json.dumps({"name": signer.name, "key": signer.verifier_key}) if given.json else signer.verifier_key
    )
    return HOLDS
