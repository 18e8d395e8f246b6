"""Statements of auditors who drew a sample: read strictly before they are published.

The reader of `proof.audit_statement` takes nothing but a statement, and a statement
has no member for a balance; so an opening, which is full of them, never gets out.
The auditor's own signature is for those to check who have his key.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import ProofError
from jiaozi.proof.auditing.chain import shown
from jiaozi.proof.auditing.statement import SIZE_LIMIT, read_statement
from jiaozi.proof.verify_jiaozi import StepError

NAME = re.compile(r"([A-Za-z0-9._-]{1,64})-[0-9]{6,10}\.[A-Za-z0-9._-]{1,200}\.audit\.json")


@dataclass(frozen=True, slots=True)
class Sampled:
    """One statement: *share* and *confidence* in percent as written, *chance* of one that a lie was caught."""

    name: str
    data: bytes
    auditor: str
    epoch: int
    holds: bool
    share: str
    chance: str
    buckets: int
    accounts: int

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.data).hexdigest()


def read_audits(folder: Path, coin_id: str, notes: Mapping[int, str]) -> list[Sampled]:
    """Return the statements about *coin_id* in *folder*, newest checkpoint first; *notes* are by epoch.

    Raises `ProofError` for a file that is no statement, or not about one of *notes*.
    """
    found = []
    for path in sorted(folder.glob("*.audit.json")):
        name = NAME.fullmatch(path.name)
        if name and name[1] == coin_id:
            found.append(_read(path, notes))
    return sorted(found, key=lambda each: (-each.epoch, each.name))


def _read(path: Path, notes: Mapping[int, str]) -> Sampled:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ProofError(f"{shown(path.name)} is no plain file; move it out of {path.parent}")
    with path.open("rb") as file:
        data = file.read(SIZE_LIMIT + 1)
    try:
        epoch = int(read_statement(data).values["epoch"])
        if epoch not in notes:
            raise ProofError(f"{path.name} is about checkpoint {epoch}, which is not there")
        values = read_statement(data, note=notes[epoch]).values
    except StepError as step:
        message = f"{path.name} cannot be published ({step.args[0]}); move it out of {path.parent}"
        raise ProofError(message) from None
    return Sampled(
        name=path.name,
        data=data,
        auditor=values["auditor"],
        epoch=epoch,
        holds=values["result"] == "holds",
        share=values["share"],
        chance=values["chance"],
        buckets=len(values["buckets"]),
        accounts=int(values["accounts"]),
    )
