"""`jiaozi prove recompute`: the supervisor makes the tree again, from journal or balances, and signs."""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from jiaozi.commands.prove_check import signer_given
from jiaozi.commands.prove_given import bar, executor_for
from jiaozi.commands.words import NotUnderstood, journal_folder
from jiaozi.errors import ProofError
from jiaozi.ledger.numbers import account_text
from jiaozi.money import format_fen
from jiaozi.proof import checkpoint
from jiaozi.proof.auditing import recompute as recomputation
from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.proof.auditing.recompute import countersign, load_balances, load_secret, read_note
from jiaozi.proof.checkpoint import Checkpoint
from jiaozi.proof.keys import Signer
from jiaozi.proof.plain import Progress
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS
from jiaozi.report.cut import Cut, cut_of_journal
from jiaozi.report.evening import statement


def recompute(given: argparse.Namespace) -> int:
    """Return 0 if every line is equal, 1 if not."""
    path = Path(given.checkpoint)
    try:
        Keyring(given.key)
        signer, note = signer_given(given), read_note(path)
        master = load_secret(Path(given.master))
        balances = load_balances(Path(given.balances)) if given.balances else None
        percent = _percent(given.share)
    except ProofError as error:
        raise NotUnderstood(str(error)) from None
    signers = checkpoint.verify_signatures(note, given.key)
    stated = checkpoint.parse(note)
    with ExitStack() as shown:
        cut = None
        if balances is None:
            cut = _cut(given, stated, shown)
            balances = cut.balances

        def step(title: str) -> Progress:
            total = len(balances) * (1 if title == "the tree" else 2)
            return shown.enter_context(bar(given, title, total))

        found = recomputation.recompute(
            stated, balances, master, percent=percent, executor=executor_for(len(balances)), step=step
        )
        if cut is not None:
            made = statement(cut, found.tree, percent or stated.share_percent)
            found = replace(found, lines=found.lines + _lines(stated, made))
    signed = None
    if signer is not None and cut is None:
        raise NotUnderstood(
            "a supervisor signs every line, and balances give only some of them: use --journal"
        )
    if signer is not None and found.is_equal:
        signed = _countersigned(path, signer, note)
    if given.json:
        told = {
            "equal": found.is_equal,
            "lines": [
                {"name": line.name, "stated": line.stated, "found": line.found, "equal": line.is_equal}
                for line in found.lines
            ],
            "not_compared": list(OTHERS) if given.balances else [],
            "heaviest_bucket": f"{float(found.largest_share):.8f}",
            "above_share": [str(account) for account in found.unmet.tolist()],
            "reserve_covers": stated.reserve_fen >= stated.total_fen,
            "signed_by": list(signers),
            "countersigned": signed is True,
        }
        print(json.dumps(told, indent=2))
        return HOLDS if found.is_equal else FAILS
    print("Equal." if found.is_equal else "NOT equal.")
    for line in found.lines:
        what = line.found if line.is_equal else f"stated {line.stated}, found {line.found}"
        print(f"  {'equal' if line.is_equal else 'NOT equal':<10} {line.name:<20} {what}")
    if given.balances:
        print(
            f"  not compared: {', '.join(OTHERS).replace('_', ' ')}; the journal has them, ask with --journal"
        )
    print(f"  The heaviest bucket has {float(found.largest_share) * 100:.4f} % of the total.")
    if stated.reserve_fen < stated.total_fen:
        short = format_fen(stated.total_fen - stated.reserve_fen, stated.unit)
        print(f"  The reserve stated is {short} less than the total.")
    for account in found.unmet.tolist()[:20]:
        print(
            f"  Account {account_text(account)} has more than its share of any bucket; no dealing hides it."
        )
    if signers:
        print(f"  signed by {', '.join(signers)}")
    if signer is not None:
        said = {True: "signed: ", False: "was signed by you before: ", None: "NOT signed: "}[signed]
        print(f"{said}{path}")
    return HOLDS if found.is_equal else FAILS


OTHERS = ("origin", "epoch", "instant", "coin", "unit", "law_digest", "law_is_draft", "journal_sequence",
          "journal_hash", "reserve_fen", "reserve_source", "previous")  # fmt: skip
"""What a checkpoint states besides the balances: it follows from the journal alone."""


def _cut(given: argparse.Namespace, stated: Checkpoint, shown: ExitStack) -> Cut:
    """Fold the journal from its first frame up to the one that the checkpoint names.

    Raises `JournalError` when that frame is another one here.
    """
    room = Path(shown.enter_context(tempfile.TemporaryDirectory())) / "balances.npy"
    with bar(given, "the journal", None) as done:
        return cut_of_journal(
            journal_folder(given.journal),
            stated.journal_sequence,
            stated.journal_hash,
            stated.coin,
            room,
            lambda *_: done(1),
            anew=True,
        )


def _lines(stated: Checkpoint, made: Checkpoint) -> tuple[recomputation.Line, ...]:
    """Return every line that the journal gives beside what was stated: a supervisor signs all of them."""
    return tuple(
        recomputation.Line(name.replace("_", " "), _shown(getattr(stated, name)), _shown(getattr(made, name)))
        for name in OTHERS
    )


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _countersigned(path: Path, signer: Signer, note: str) -> bool:
    """Add the signature; return False if it was there already."""
    try:
        checkpoint.verify_signatures(note, [signer.verifier_key])
    except ProofError:
        countersign(path, signer, compared=note)
        return True
    return False


def _percent(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise ProofError(f"--share {text[:40]!a} is no share; write whole percent from 1 to 100")
    return int(text)
