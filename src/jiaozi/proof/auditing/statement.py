"""The audit statement: what an auditor publishes about the buckets that he made again.

It has no balance in it. It is JSON of one spelling; its last member is the auditor's
signature, over the text that the file would be without that member.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from jiaozi.errors import ProofError
from jiaozi.proof import strict, verify_jiaozi
from jiaozi.proof.auditing import sampling
from jiaozi.proof.auditing.openings import WITHOUT_ACCOUNTS, Audit, agrees_if_empty
from jiaozi.proof.checkpoint import checkpoint_hash
from jiaozi.proof.keys import Signer
from jiaozi.proof.silent import places_of
from jiaozi.proof.verify_jiaozi import HASH, NAME, NUMBER, StepError, fit, need, plain_base64

FORMAT = "jiaozi-audit-2"

SIZE_LIMIT = 64 * 1_024 * 1_024
"""Bytes of a statement: 80 for each bucket, of which there may be all."""

BRACKETS = 100_000
"""Opening brackets in a statement: its lists have few, but random value and findings may have any."""

MOST_FINDINGS = 100
"""Findings that a statement has in words; of more it says how many."""

FORM: dict[str, Any] = {
    "format": FORMAT,
    "auditor": NAME,
    "origin": NAME,
    "coin": "[A-Za-z0-9._-]{1,64}",
    "epoch": NUMBER,
    "checkpoint": HASH,
    "random": "(?s:.{1,1000})",
    "share": "[0-9.]{1,12}",
    "confidence": "[0-9.]{1,12}",
    "ordinary_buckets": NUMBER,
    "buckets": NUMBER,
    "accounts": NUMBER,
    "chance": r"[01]\.[0-9]{6}",
    "above_share": NUMBER,
    "openings": HASH,
    "result": "holds|does not hold",
    "findings": "(?s:.{1,2000})",
    "signature": "[A-Za-z0-9+/=]{1,200}",
}


class Statement(NamedTuple):
    """A statement that was read: its members, and the names of those whose keys were given and who signed."""

    values: dict[str, Any]
    signers: tuple[str, ...]
    is_drawn: bool


def statement_text(audit: Audit, signer: Signer) -> str:
    """Return the statement about *audit*, signed by *signer*."""
    places = places_of(audit.values)
    findings = [finding[:2_000] for finding in audit.findings[:MOST_FINDINGS]]
    if len(audit.findings) > MOST_FINDINGS:
        findings.append(f"and {len(audit.findings) - MOST_FINDINGS:,} more")
    values: dict[str, Any] = {
        "format": FORMAT,
        "auditor": signer.name,
        "origin": audit.values["origin"],
        "coin": audit.values["coin"].split(" ")[0],
        "epoch": audit.values["epoch"],
        "checkpoint": audit.checkpoint,
        "random": audit.public_random,
        "share": sampling.percent_text(audit.share),
        "confidence": sampling.percent_text(audit.confidence),
        "ordinary_buckets": str(places.ordinary_buckets),
        "buckets": [str(number) for number in audit.buckets],
        "accounts": str(audit.accounts),
        "chance": str(audit.chance),
        "above_share": str(audit.above_share),
        "openings": list(audit.digests),
        "result": "holds" if audit.holds else "does not hold",
        "findings": findings,
    }
    signature = signer.private_key.sign(strict.written(values).encode())
    values["signature"] = base64.b64encode(signer.key_hash + signature).decode()
    return strict.written(values)


def file_name(audit: Audit, auditor: str) -> str:
    """Return the name of the statement's file; what a file name cannot have becomes a dash."""
    coin, epoch = audit.values["coin"].split(" ")[0], int(audit.values["epoch"])
    return f"{coin}-{epoch:06d}.{re.sub('[^A-Za-z0-9._-]', '-', auditor)}.audit.json"


def read_statement(text: str | bytes, keys: Sequence[str] = (), *, note: str | None = None) -> Statement:
    """Return the statement in *text*, signed by every one of *keys*.

    With the checkpoint *note* its buckets are drawn again, and the probability is computed again in
    any case. Raises `StepError` with exit status: what is wrong, and whether it could be read.
    """
    values = strict.read(text, what="audit statement", size_limit=SIZE_LIMIT, brackets=BRACKETS)
    lists = {
        name: strict.rows_of(values.get(name), FORM[name]) for name in ("buckets", "openings", "findings")
    }
    fit(values, {**FORM, **lists}, "audit statement")
    unsigned = {name: value for name, value in values.items() if name != "signature"}
    signature = plain_base64(values["signature"])
    need(len(signature) == 68, "audit statement.signature is not the Base64 of 68 bytes")
    signed = [(values["auditor"], signature)]
    signers = _signers(strict.written(unsigned), signed, keys)
    _check_values(values)
    if note is not None:
        _check_draw(values, note)
    return Statement(values, signers, note is not None)


def _signers(text: str, signed: list[tuple[str, bytes]], keys: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(verify_jiaozi.check_signatures(text, signed, keys))
    except StepError as step:
        sentence, status = step.args
        raise StepError(sentence.replace("the checkpoint", "the audit statement"), status) from None


def _check_values(values: dict[str, Any]) -> None:
    """Need the members to agree with each other."""
    ordinary = int(values["ordinary_buckets"])
    buckets = [int(number) for number in values["buckets"]]
    drawn = sum(number < ordinary for number in buckets)
    try:
        share = sampling.share_of(values["share"], "audit statement.share")
        confidence = sampling.share_of(values["confidence"], "audit statement.confidence")
        wanted = min(sampling.sample_size(share, confidence), ordinary)
        sampling.check_random(values["random"])
    except ProofError as error:
        raise StepError(str(error), verify_jiaozi.UNREADABLE) from None
    fails = verify_jiaozi.FAILS
    need(
        drawn == wanted,
        f"the statement has {drawn:,} ordinary buckets; its sample asks for {wanted:,}",
        fails,
    )
    ordered = all(one < other for one, other in pairwise(buckets))
    need(ordered, "the buckets are not in their order, each once", fails)
    caught = str(sampling.chance(ordinary, share, drawn))
    need(values["chance"] == caught, f"the probability is {caught}, not {values['chance']}", fails)
    holds = values["result"] == "holds"
    need(holds == (not values["findings"]), "the result is not what the findings say", fails)
    complete = len(values["openings"]) == len(buckets)
    need(complete or not holds, "the statement does not have a digest for every bucket", fails)


def _check_draw(values: dict[str, Any], note: str) -> None:
    """Need checkpoint and buckets to be those of *note*."""
    fails = verify_jiaozi.FAILS
    stated = verify_jiaozi.read_note(note)[1]
    same = values["checkpoint"] == checkpoint_hash(note).hex()
    same = same and (values["origin"], values["epoch"]) == (stated["origin"], stated["epoch"])
    same = same and values["coin"] == stated["coin"].split(" ")[0]
    same = same and int(values["ordinary_buckets"]) == places_of(stated).ordinary_buckets
    need(same, "the statement is about another checkpoint", fails)
    empty = agrees_if_empty(stated)
    need(
        empty or values["result"] != "holds",
        f"the statement says that it holds, but {WITHOUT_ACCOUNTS}",
        fails,
    )
    size = max(1, sum(int(number) < int(values["ordinary_buckets"]) for number in values["buckets"]))
    try:
        drawn = [str(number) for number in sampling.draw(note, values["random"], size)]
    except ProofError as error:
        raise StepError(str(error), verify_jiaozi.UNREADABLE) from None
    need(values["buckets"] == drawn, "the buckets are not those that the random value draws", fails)
